//! The rootfs of a release as the archive that teams take away, derived from its image.

use domain::{blob::BlobRef, lock::Lock};

use super::{
    Build, Builder,
    run::{self, Step},
};
use crate::{
    error::BuildError,
    observer::{BuildObserver, StepEvent},
};

const NAME: &str = "archive";
const ARCHIVE: &str = "rootfs.tar.gz";

impl Builder {
    /// Derives `rootfs.tar.gz` from an image of the blob store: one folder `rootfs`, owners as
    /// numbers, the same bytes each time. What was derived before comes from the step cache, in
    /// which the archive lies too.
    ///
    /// # Errors
    /// Where the image cannot be read, or no sandbox can be made.
    pub fn rootfs_archive(&self, image: BlobRef) -> Result<BlobRef, BuildError> {
        let _building = self.cache.hold()?;
        let build = Build { builder: self, request: &(), observer: &Nobody };
        let step = Step {
            name: NAME,
            script: include_str!("../../assets/archive.sh"),
            blobs: vec![("rootfs.squashfs".to_owned(), image)],
            packages: Vec::new(),
            files: Vec::new(),
            environment: Vec::new(),
        };
        let outputs = run::run(&build, &step, |outputs| {
            Ok(vec![(ARCHIVE.to_owned(), outputs.path(ARCHIVE))])
        })?;
        run::file(&outputs, NAME, ARCHIVE)
    }
}

/// It is derived for a download, which has no log.
struct Nobody;

impl BuildObserver for Nobody {
    fn step(&self, _event: StepEvent<'_>) {}

    fn log(&self, _step: &str, _line: &str) {}

    fn lock_resolved(&self, _lock: &Lock) {}

    fn cancelled(&self) -> bool {
        false
    }
}
