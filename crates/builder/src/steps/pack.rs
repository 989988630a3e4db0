//! `pack`: the image that machines load.

use domain::blob::BlobRef;

use super::{
    Build,
    run::{self, Step},
};
use crate::error::BuildError;

const NAME: &str = "pack";
pub(super) const IMAGE: &str = "rootfs.squashfs";

/// Packs a tree; `epoch` is the time that everything in the image has, in seconds since 1970.
pub(super) fn run<R>(
    build: &Build<'_, R>,
    epoch: i64,
    tree: &BlobRef,
) -> Result<BlobRef, BuildError> {
    let step = Step {
        name: NAME,
        script: include_str!("../../assets/pack.sh"),
        blobs: vec![("tree.tar".to_owned(), *tree)],
        packages: Vec::new(),
        files: Vec::new(),
        environment: vec![("SOURCE_DATE_EPOCH", epoch.to_string())],
    };
    let outputs =
        run::run(build, &step, |outputs| Ok(vec![(IMAGE.to_owned(), outputs.path(IMAGE))]))?;
    run::file(&outputs, NAME, IMAGE)
}
