//! `pack`: the image that machines load.

use domain::{blob::BlobRef, lock::Lock};

use super::{
    Build,
    kernel::Kernels,
    run::{self, Step},
};
use crate::error::BuildError;

const NAME: &str = "pack";
pub(super) const IMAGE: &str = "rootfs.squashfs";

pub(super) fn run(
    build: &Build<'_>,
    lock: &Lock,
    kernels: &Kernels,
) -> Result<BlobRef, BuildError> {
    let step = Step {
        name: NAME,
        script: include_str!("../../assets/pack.sh"),
        blobs: vec![("tree.tar".to_owned(), kernels.tree)],
        packages: Vec::new(),
        files: Vec::new(),
        environment: vec![("SOURCE_DATE_EPOCH", lock.epoch.to_string())],
    };
    let outputs =
        run::run(build, &step, |outputs| Ok(vec![(IMAGE.to_owned(), outputs.path(IMAGE))]))?;
    run::file(&outputs, NAME, IMAGE)
}
