//! `inspect`: what packages hold that were built elsewhere.

use std::path::Path;

use domain::{
    blob::BlobRef,
    kernel::{Config, Flavor},
    menu::check_file_name,
};
use sandbox::{Conditions, Outputs};

use super::{Cause, KernelBuilding, check_hypervisor, check_linux, facts, packages};
use crate::{
    boot_image::linux_version,
    cache::StepOutputs,
    error::BuildError,
    steps::run::{self, Setting, Step},
};

pub(super) const NAME: &str = "inspect";

/// What was found in them.
pub(super) struct Inspected {
    pub(super) outputs: StepOutputs,
    /// What `uname -r` or `xl info` prints.
    pub(super) release: String,
    pub(super) epoch: i64,
}

pub(super) fn run(
    build: &KernelBuilding<'_>,
    debs: &[(String, BlobRef)],
    image: Option<&(String, BlobRef)>,
) -> Result<Inspected, BuildError> {
    let flavor = build.request.definition.flavor;
    let mut names = String::new();
    let mut blobs = Vec::new();
    for (number, (name, blob)) in debs.iter().enumerate() {
        let name = packages::file_name(name);
        names += &format!("{number} {name}\n");
        blobs.push((format!("debs/{number}"), *blob));
    }
    if let Some((_, blob)) = image {
        // Read by us, and part of what the step's key stands for.
        blobs.push(("image".to_owned(), *blob));
    }
    let step = Step {
        name: NAME,
        script: include_str!("../../assets/kernels/inspect.sh"),
        blobs,
        packages: Vec::new(),
        files: vec![
            ("common.sh", super::COMMON.into()),
            ("unpack.py", super::UNPACK.into()),
            ("names", names.into_bytes()),
        ],
        environment: vec![("FLAVOR", flavor.word().to_owned())],
    };
    let conditions = Conditions::of_source();
    let cause = Cause::new(conditions.build_size).into();
    let setting = Setting { conditions, cause: Some(&cause), ..Setting::default() };
    let outputs = run::run_under(build, &step, &setting, |outputs| {
        let uploaded = image.map(|(name, it)| (name.as_str(), build.builder.blob_path(&it.sha256)));
        judge(outputs, flavor, uploaded.as_ref().map(|(name, path)| (*name, path.as_path())))?;
        let there = ["image", "packages", "facts", "vermagic", "config", "map"]
            .into_iter()
            .filter(|it| outputs.path(it).is_file());
        Ok(there.map(|it| (it.to_owned(), outputs.path(it))).collect())
    })?;
    let text = |name: &str| build.text(NAME, &run::file(&outputs, NAME, name)?);
    let found = text("facts")?;
    let named = facts::value(&found, "release").unwrap_or_default().to_owned();
    let release = match flavor {
        Flavor::Linux => named,
        Flavor::Xen => {
            let config = outputs.files.get("config").map(|it| build.text(NAME, it)).transpose()?;
            hypervisor_release(config.as_deref(), &text("packages")?).ok_or_else(|| {
                refused("nothing in the packages says which version of Xen they are".to_owned())
            })?
        }
    };
    let epoch = facts::value(&found, "epoch").and_then(|it| it.parse().ok()).unwrap_or_default();
    Ok(Inspected { outputs, release, epoch })
}

fn refused(why: String) -> BuildError {
    BuildError::Step { step: NAME, why, lines: Vec::new() }
}

fn judge(
    outputs: &Outputs,
    flavor: Flavor,
    uploaded: Option<(&str, &Path)>,
) -> Result<(), BuildError> {
    let image = outputs.path("image");
    let found = outputs.text("facts")?;
    let release = facts::value(&found, "release").unwrap_or_default();
    if check_file_name(release).is_err() {
        return Err(refused(format!(
            "its kernel is called after a release {release:?}, which no file of a release can be called after"
        )));
    }
    if outputs.path("config").exists() {
        Config::parse(&outputs.text("config")?)
            .and_then(|config| config.fits(flavor))
            .map_err(|fault| refused(format!("its configuration cannot be taken: {fault}")))?;
    }
    if flavor == Flavor::Xen {
        return check_hypervisor(NAME, &image);
    }
    // `<file> <folder> <vermagic>`: a module must lie where its kernel looks for it.
    let modules = outputs.text("vermagic")?;
    for line in modules.lines() {
        let words: Vec<&str> = line.splitn(3, ' ').collect();
        let [file, folder, vermagic] = words[..] else { continue };
        if folder != release {
            return Err(BuildError::NotTogether {
                one: format!("the kernel is {release}"),
                other: match vermagic {
                    "" => format!("the modules in {file} are for {folder}"),
                    _ => format!("the modules in {file} are for {folder} (vermagic {vermagic:?})"),
                },
            });
        }
    }
    let vermagics: String = modules
        .lines()
        .filter_map(|line| line.splitn(3, ' ').nth(2))
        .map(|it| format!("{it}\n"))
        .collect();
    check_linux(NAME, &image, release, &vermagics)?;
    let Some((name, path)) = uploaded else { return Ok(()) };
    let version = |path: &Path| {
        linux_version(path).map_err(|source| BuildError::Io {
            doing: "read",
            path: path.to_path_buf(),
            source,
        })
    };
    let (packed, brought) = (version(&image)?, version(path)?);
    if brought.is_none() || brought != packed {
        let said = |it: Option<String>| it.unwrap_or_else(|| "no bzImage".to_owned());
        return Err(BuildError::NotTogether {
            one: format!("the uploaded {name} is {}", said(brought)),
            other: format!("the kernel in the package is {}", said(packed)),
        });
    }
    Ok(())
}

/// From the head of its configuration, else from the version of its package: `4.17.5` of
/// `4.17.5+72-g01140da4e8-1`.
fn hypervisor_release(config: Option<&str>, listed: &str) -> Option<String> {
    let of_config = config.and_then(|text| {
        let head = text.lines().find_map(|line| line.strip_prefix("# Xen/"))?;
        Some(head.strip_suffix(" Configuration")?.split_once(' ')?.1.to_owned())
    });
    let of_package = || {
        let package = packages::read(NAME, listed).ok()?.into_iter().find(|it| it.holds_kernel)?;
        let upstream = package.version.split_once(':').map_or(&*package.version, |it| it.1);
        let end = upstream.find(|c: char| !(c.is_ascii_digit() || c == '.'));
        let digits = upstream[..end.unwrap_or(upstream.len())].trim_end_matches('.');
        (!digits.is_empty()).then(|| digits.to_owned())
    };
    of_config.or_else(of_package)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hypervisors_say_their_version_in_one_way_or_the_other() {
        let config =
            "#\n# Automatically generated file; DO NOT EDIT.\n# Xen/x86 4.17.5 Configuration\n#\n";
        assert_eq!(hypervisor_release(Some(config), "").unwrap(), "4.17.5");
        let listed =
            "a.deb xen-hypervisor-4.17-amd64 1:4.17.5+72-g01140da4e8-1 amd64 boot/xen.gz\n";
        assert_eq!(hypervisor_release(None, listed).unwrap(), "4.17.5");
        assert_eq!(hypervisor_release(None, "a.deb x 1 amd64 -\n"), None);
    }
}
