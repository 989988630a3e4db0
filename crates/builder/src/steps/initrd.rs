//! `initrd`: a small initrd for each kernel, with the lock's busybox.

use domain::{
    blob::BlobRef,
    lock::{Lock, Part},
};

use super::{
    Build,
    kernel::{self, Kernels},
    run::{self, Step},
};
use crate::error::BuildError;

const NAME: &str = "initrd";

/// Gives the kernel release and the initrd of each kernel.
pub(super) fn run(
    build: &Build<'_>,
    lock: &Lock,
    kernels: &Kernels,
) -> Result<Vec<(String, BlobRef)>, BuildError> {
    let busybox = lock.packages.iter().find(|it| it.part == Part::Initrd).ok_or_else(|| {
        BuildError::Unexpected { step: NAME, what: "no busybox in the lock".to_owned() }
    })?;
    let releases: Vec<&str> = kernels.linux().map(|it| it.release.as_str()).collect();
    let mut packages = kernel::packages_of(lock);
    let list = run::package_list(&packages);
    packages.push(busybox.sha256);
    let step = Step {
        name: NAME,
        script: include_str!("../../assets/initrd.sh"),
        blobs: Vec::new(),
        packages,
        files: vec![
            ("list", list),
            ("busybox", format!("/in/debs/{}\n", busybox.sha256).into_bytes()),
            ("init", include_bytes!("../../assets/initrd-init.sh").to_vec()),
            (
                "releases",
                releases.iter().map(|it| format!("{it}\n")).collect::<String>().into_bytes(),
            ),
        ],
        environment: vec![("SOURCE_DATE_EPOCH", lock.epoch.to_string())],
    };
    let name = |release: &str| format!("initrd-{release}.img");
    let outputs = run::run(build, &step, |outputs| {
        Ok(releases.iter().map(|it| (name(it), outputs.path(&name(it)))).collect())
    })?;
    releases
        .iter()
        .map(|it| Ok(((*it).to_owned(), run::file(&outputs, NAME, &name(it))?)))
        .collect()
}
