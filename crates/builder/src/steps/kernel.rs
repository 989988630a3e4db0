//! `kernel`: installs the kernels in the rootfs and takes out what machines load.

use domain::{
    blob::BlobRef,
    digest::Digest,
    lock::{Lock, Part},
};

use super::{
    Build,
    run::{self, Step},
    system::TREE,
};
use crate::{error::BuildError, packages};

const NAME: &str = "kernel";

/// What the step gives.
pub(super) struct Kernels {
    /// The rootfs with the kernels in it.
    pub(super) tree: BlobRef,
    /// Alias, what `uname -r` prints, the kernel and its configuration.
    pub(super) kernels: Vec<(String, String, BlobRef, BlobRef)>,
}

pub(super) fn run(build: &Build<'_>, lock: &Lock, system: &BlobRef) -> Result<Kernels, BuildError> {
    let packages = packages_of(lock);
    let kernels: String = build
        .request
        .recipe
        .kernels
        .iter()
        .map(|kernel| format!("{} {}\n", kernel.alias, kernel.package))
        .collect();
    let step = Step {
        name: NAME,
        script: include_str!("../../assets/kernel.sh"),
        blobs: vec![("tree.tar", *system)],
        files: vec![
            ("tree.sh", TREE.as_bytes().to_vec()),
            ("list", run::package_list(&packages)),
            ("kernels", kernels.into_bytes()),
        ],
        packages,
        environment: vec![("SOURCE_DATE_EPOCH", lock.epoch.to_string())],
    };
    let outputs = run::run(build, &step, |outputs| {
        let installed = lock.packages.iter().filter(|it| it.part != Part::Initrd);
        if let Some(difference) = packages::difference(&outputs.text("status")?, installed) {
            return Err(BuildError::NotAsLocked { step: NAME, difference });
        }
        let mut files = vec![
            ("tree.tar".to_owned(), outputs.path("tree.tar")),
            ("kernels".to_owned(), outputs.path("kernels")),
        ];
        for (_, release) in bound(&outputs.text("kernels")?)? {
            for name in [format!("vmlinuz-{release}"), format!("config-{release}")] {
                let path = outputs.path(&name);
                files.push((name, path));
            }
        }
        Ok(files)
    })?;
    let list = run::file(&outputs, NAME, "kernels")?;
    let text = build
        .builder
        .cache
        .blobs
        .open_blob(&list.sha256)
        .map(std::io::read_to_string)?
        .map_err(|error| BuildError::Unexpected { step: NAME, what: error.to_string() })?;
    let kernels = bound(&text)?
        .into_iter()
        .map(|(alias, release)| {
            let kernel = run::file(&outputs, NAME, &format!("vmlinuz-{release}"))?;
            let config = run::file(&outputs, NAME, &format!("config-{release}"))?;
            Ok((alias, release, kernel, config))
        })
        .collect::<Result<_, BuildError>>()?;
    Ok(Kernels { tree: run::file(&outputs, NAME, "tree.tar")?, kernels })
}

pub(super) fn packages_of(lock: &Lock) -> Vec<Digest> {
    lock.packages.iter().filter(|it| it.part == Part::Kernel).map(|it| it.sha256).collect()
}

/// Lines of alias and kernel release. A release becomes part of file names and URLs, and comes
/// from a package: nothing but what kernels are called passes.
fn bound(text: &str) -> Result<Vec<(String, String)>, BuildError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '+');
    text.lines()
        .map(|line| {
            line.split_once(' ')
                .filter(|(_, release)| {
                    !release.is_empty() && release.len() <= 64 && release.chars().all(plain)
                })
                .map(|(alias, release)| (alias.to_owned(), release.to_owned()))
                .ok_or_else(|| BuildError::Unexpected {
                    step: NAME,
                    what: format!("a kernel called {line:?}"),
                })
        })
        .collect()
}
