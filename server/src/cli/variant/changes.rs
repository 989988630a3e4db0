//! What a variant changes, as the command line says it: files are read or uploaded.

use std::{
    fs,
    io::Read as _,
    path::{Path, PathBuf},
};

use clap::Args;
use domain::{
    kernel::UploadedFile,
    variant::{self, Definition},
};

use crate::cli::{
    Cli,
    error::CliError,
    upload::{name_of, upload},
};

/// What a variant changes: a text, or what is named here, or both.
#[derive(Debug, Args)]
pub(in crate::cli) struct ChangesArgs {
    /// A file of TOML, `-` for standard input; what is named besides is added to it.
    #[arg(long, short, value_name = "FILE")]
    file: Option<PathBuf>,
    /// The release that it changes; what production runs unless said otherwise.
    #[arg(long, value_name = "RELEASE")]
    base: Option<String>,
    /// A package to add, NAME or NAME/SUITE; may be said several times.
    #[arg(long, value_name = "PACKAGE")]
    add: Vec<String>,
    /// A package to remove; may be said several times.
    #[arg(long, value_name = "PACKAGE")]
    remove: Vec<String>,
    /// A package that may go along with those.
    #[arg(long, value_name = "PACKAGE")]
    accept_removal: Vec<String>,
    /// A file to put into the rootfs, and where it is to stand; may be said several times.
    #[arg(long, value_name = "FILE:PATH")]
    put: Vec<String>,
    /// A kernel of the list Kernels in the place of an alias: ALIAS=KERNEL.
    #[arg(long, value_name = "ALIAS=KERNEL")]
    kernel: Vec<String>,
    /// `.deb`s or a bzImage of a kernel that was built here: ALIAS=FILE,FILE….
    #[arg(long, value_name = "ALIAS=FILES")]
    kernel_files: Vec<String>,
    /// Arguments to add to the kernel's.
    #[arg(long, value_name = "ARGUMENTS")]
    arguments: Option<String>,
    /// A playbook in YAML, or an archive of one with its roles.
    #[arg(long, value_name = "FILE")]
    playbook: Option<PathBuf>,
    /// A shell script that runs in the rootfs, last.
    #[arg(long, value_name = "FILE")]
    script: Option<PathBuf>,
}

impl ChangesArgs {
    /// The definition; files that it names here are uploaded.
    pub(super) fn read(&self, cli: &Cli) -> Result<Definition, CliError> {
        let mut definition = match &self.file {
            None => Definition::default(),
            Some(path) => {
                let text = text_of(path)?;
                variant::parse(&text).map_err(|problems| {
                    let lines: Vec<String> = problems
                        .iter()
                        .map(|it| format!("line {}: {}", it.line, it.message))
                        .collect();
                    CliError::Usage(format!("{}: {}", path.display(), lines.join("; ")))
                })?
            }
        };
        if let Some(base) = &self.base {
            base.clone_into(&mut definition.base);
        }
        definition.packages.add.extend(self.add.iter().cloned());
        definition.packages.remove.extend(self.remove.iter().cloned());
        definition.packages.accept_removal.extend(self.accept_removal.iter().cloned());
        for pair in &self.put {
            definition.files.push(put(cli, pair)?);
        }
        for pair in &self.kernel {
            let (alias, name) = halves(pair, '=', "ALIAS=KERNEL")?;
            definition.kernels.push(kernel_of(alias, Some(name.to_owned())));
        }
        for pair in &self.kernel_files {
            definition.kernels.push(uploaded_kernel(cli, pair)?);
        }
        if let Some(arguments) = &self.arguments {
            arguments.clone_into(&mut definition.boot.arguments);
        }
        if let Some(path) = &self.playbook {
            definition.playbook = Some(playbook(cli, path)?);
        }
        if let Some(path) = &self.script {
            definition.script = Some(variant::Script {
                content: text_of(path)?,
                limit_seconds: variant::SCRIPT_LIMIT,
            });
        }
        Ok(definition)
    }
}

fn text_of(path: &Path) -> Result<String, CliError> {
    let failed = |source| CliError::File { path: path.to_owned(), source };
    if path == Path::new("-") {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).map_err(failed)?;
        return Ok(text);
    }
    fs::read_to_string(path).map_err(failed)
}

fn halves<'a>(pair: &'a str, between: char, form: &str) -> Result<(&'a str, &'a str), CliError> {
    pair.split_once(between)
        .filter(|(a, b)| !a.is_empty() && !b.is_empty())
        .ok_or_else(|| CliError::Usage(format!("\"{pair}\" is not of the form {form}")))
}

fn sent(cli: &Cli, path: &Path) -> Result<UploadedFile, CliError> {
    let kept = upload(cli, path, &name_of(path)?)?;
    Ok(UploadedFile { name: kept.name, sha256: kept.sha256 })
}

/// A file with the mode that it has here, as far as programs and others are concerned.
fn put(cli: &Cli, pair: &str) -> Result<variant::File, CliError> {
    use std::os::unix::fs::PermissionsExt as _;
    let (here, there) = halves(pair, ':', "FILE:PATH")?;
    let here = Path::new(here);
    let mode = fs::metadata(here)
        .map_err(|source| CliError::File { path: here.to_owned(), source })?
        .permissions()
        .mode();
    Ok(variant::File {
        path: there.to_owned(),
        mode: if mode & 0o100 == 0 { "0644" } else { "0755" }.to_owned(),
        owner: "root:root".to_owned(),
        content: None,
        upload: Some(sent(cli, here)?),
    })
}

fn kernel_of(alias: &str, kernel: Option<String>) -> variant::Kernel {
    let flavor = if alias.starts_with("xen") {
        domain::kernel::Flavor::Xen
    } else {
        domain::kernel::Flavor::Linux
    };
    variant::Kernel {
        alias: alias.to_owned(),
        flavor,
        package: None,
        kernel,
        packages: Vec::new(),
        image: None,
    }
}

fn uploaded_kernel(cli: &Cli, pair: &str) -> Result<variant::Kernel, CliError> {
    let (alias, files) = halves(pair, '=', "ALIAS=FILE,FILE…")?;
    let mut kernel = kernel_of(alias, None);
    for file in files.split(',') {
        let path = Path::new(file);
        let kept = sent(cli, path)?;
        if path.extension().is_some_and(|it| it == "deb") {
            kernel.packages.push(kept);
        } else if kernel.image.replace(kept).is_some() {
            let words = "a kernel has one image; its packages end in .deb";
            return Err(CliError::Usage(words.to_owned()));
        }
    }
    Ok(kernel)
}

fn playbook(cli: &Cli, path: &Path) -> Result<variant::Playbook, CliError> {
    let is_text = path.extension().is_some_and(|it| it == "yml" || it == "yaml");
    Ok(if is_text {
        variant::Playbook { file: None, content: Some(text_of(path)?), archive: None }
    } else {
        variant::Playbook { file: None, content: None, archive: Some(sent(cli, path)?) }
    })
}
