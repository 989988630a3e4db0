//! `bootstrap`: the rootfs from the lock's packages, by mmdebstrap, without a network.

use domain::{
    blob::BlobRef,
    lock::{Lock, Part},
};

use super::{
    Build,
    run::{self, Step},
};
use crate::{error::BuildError, packages};

const NAME: &str = "bootstrap";
pub(super) const POOL: &str = include_str!("../../assets/pool.sh");

pub(super) fn run(build: &Build<'_>, lock: &Lock) -> Result<BlobRef, BuildError> {
    let of_rootfs = || lock.packages.iter().filter(|it| it.part == Part::Rootfs);
    let packages: Vec<_> = of_rootfs().map(|it| it.sha256).collect();
    let step = Step {
        name: NAME,
        script: include_str!("../../assets/bootstrap.sh"),
        blobs: Vec::new(),
        files: vec![("list", run::package_list(&packages)), ("pool.sh", POOL.as_bytes().to_vec())],
        packages,
        environment: vec![
            ("SUITE", lock.suite.clone()),
            ("ARCHITECTURE", lock.architecture.clone()),
            ("SOURCE_DATE_EPOCH", lock.epoch.to_string()),
        ],
    };
    let outputs = run::run(build, &step, |outputs| {
        // Wrong archives have ended with exit code 0 and half a rootfs: look at what is there.
        if let Some(difference) = packages::difference(&outputs.text("status")?, of_rootfs()) {
            return Err(BuildError::NotAsLocked { step: NAME, difference });
        }
        Ok(vec![("tree.tar".to_owned(), outputs.path("tree.tar"))])
    })?;
    run::file(&outputs, NAME, "tree.tar")
}
