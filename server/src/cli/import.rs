//! `bootwright release import`: sends files of this machine and has them made a release.

use std::path::{Path, PathBuf};

use clap::Args;
use domain::{
    import::{ConsoleLogin, ImportedKernel},
    kernel::{Flavor, UploadedFile},
};

use super::{
    Cli,
    error::CliError,
    follow::{self, Show},
    recipe::read,
    upload::{name_of, upload},
};
use crate::api::{imports::NewImport, jobs::Job};

/// Options of `bootwright release import`.
#[derive(Debug, Args)]
pub(super) struct ImportArgs {
    /// The candidate's version, such as `v1.0.0-rc.1`; the one that is free where absent.
    version: Option<String>,
    /// The rootfs: a tar archive, compressed or not, with the top folder `rootfs/`.
    #[arg(long, value_name = "FILE")]
    rootfs: PathBuf,
    /// The menu in pxe-server's form; `-` for standard input.
    #[arg(long, value_name = "FILE")]
    menu: PathBuf,
    /// A Linux kernel by the name that the menu has for its file, with its packages.
    #[arg(long = "kernel", value_name = "ALIAS=FILE[,DEB…]")]
    kernels: Vec<String>,
    /// A hypervisor by the name that the menu has for its file, with its package.
    #[arg(long = "xen", value_name = "ALIAS=FILE[,DEB…]")]
    hypervisors: Vec<String>,
    /// The account with which plans sign in on the console.
    #[arg(long, default_value = "root")]
    user: String,
    /// Its password; whoever reaches the boot network can read the image anyway.
    #[arg(long)]
    password: String,
    /// Stay and print the log until the import has ended; fail where it fails.
    #[arg(long)]
    follow: bool,
    /// Stay until the import has ended; fail where it fails.
    #[arg(long, conflicts_with = "follow")]
    wait: bool,
}

/// A kernel as it is named on the command line.
#[derive(Debug, PartialEq, Eq)]
struct Named<'a> {
    alias: &'a str,
    image: Option<&'a Path>,
    packages: Vec<&'a Path>,
}

pub(super) fn run(cli: &Cli, args: &ImportArgs) -> Result<(), CliError> {
    // Before anything is sent: a slip at the end of a line must not cost the upload of a rootfs.
    let linux = args.kernels.iter().map(|it| (Flavor::Linux, it));
    let xen = args.hypervisors.iter().map(|it| (Flavor::Xen, it));
    let named = linux
        .chain(xen)
        .map(|(flavor, it)| Ok((flavor, named(it)?)))
        .collect::<Result<Vec<_>, CliError>>()?;
    let menu = read(&args.menu)?;
    let mut kernels = Vec::with_capacity(named.len());
    for (flavor, it) in named {
        kernels.push(ImportedKernel {
            alias: it.alias.to_owned(),
            flavor,
            image: it.image.map(|path| sent(cli, path)).transpose()?,
            packages: it.packages.iter().map(|path| sent(cli, path)).collect::<Result<_, _>>()?,
        });
    }
    let new = NewImport {
        version: args.version.clone(),
        rootfs: sent(cli, &args.rootfs)?,
        kernels,
        menu,
        login: ConsoleLogin { user: args.user.clone(), password: args.password.clone() },
    };
    let job: Job = cli.client.post("/imports", &new)?;
    if args.follow || args.wait {
        let show = if args.follow { Show::Log } else { Show::Progress };
        let done = follow::until_success(cli, &job.id, show)?;
        if !cli.output.is_json() {
            eprintln!("{}", done.job.outcome.clone().unwrap_or_default());
        }
    }
    cli.output.said(&job, job.release.as_deref().unwrap_or_default())
}

fn sent(cli: &Cli, path: &Path) -> Result<UploadedFile, CliError> {
    let kept = upload(cli, path, &name_of(path)?)?;
    Ok(UploadedFile { name: kept.name, sha256: kept.sha256 })
}

/// Reads `ALIAS=FILE[,FILE…]`: what ends in `.deb` is a package, the other one the kernel itself.
fn named(text: &str) -> Result<Named<'_>, CliError> {
    let usage = |what: &str| CliError::Usage(format!("{text}: {what}"));
    let (alias, files) = text
        .split_once('=')
        .filter(|(alias, files)| !alias.is_empty() && !files.is_empty())
        .ok_or_else(|| usage("write <alias>=<file>, such as vmlinuz-4.14.y=vmlinuz-4.14.71"))?;
    let (packages, images): (Vec<&Path>, Vec<&Path>) =
        files.split(',').map(Path::new).partition(|file| {
            file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("deb"))
        });
    match images[..] {
        [] => Ok(Named { alias, image: None, packages }),
        [image] => Ok(Named { alias, image: Some(image), packages }),
        _ => Err(usage("names two kernels; one has a single file, and packages end in .deb")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernels_are_named_with_their_packages() {
        let read = named("vmlinuz-dev=a/vmlinuz-6.1,a/linux-image.deb,b.DEB").unwrap();
        assert_eq!(read.alias, "vmlinuz-dev");
        assert_eq!(read.image, Some(Path::new("a/vmlinuz-6.1")));
        assert_eq!(read.packages, [Path::new("a/linux-image.deb"), Path::new("b.DEB")]);
        assert_eq!(named("xen-dev=xen.deb").unwrap().image, None);
        for bad in ["", "vmlinuz-dev", "=a", "vmlinuz-dev=", "vmlinuz-dev=a,b"] {
            assert!(matches!(named(bad), Err(CliError::Usage(_))), "{bad}");
        }
    }
}
