//! The rootfs of a release as the archive that teams take away, derived from its image.

use std::{path::PathBuf, time::Duration};

use domain::blob::BlobRef;

use super::{
    Builder,
    run::{self, Step, step_error},
};
use crate::{cache::StepOutputs, error::BuildError, sandbox::Sandbox};

const NAME: &str = "archive";
/// How long it may take.
const LIMIT: Duration = Duration::from_secs(1800);

impl Builder {
    /// Derives `rootfs.tar.gz` from an image of the blob store: one folder `rootfs`, owners as
    /// numbers, the same bytes each time. What was derived before comes from the step cache, in
    /// which the archive lies too.
    ///
    /// # Errors
    /// Where the image cannot be read, or no sandbox can be made.
    pub fn rootfs_archive(&self, image: BlobRef) -> Result<BlobRef, BuildError> {
        let _building = self.cache.hold()?;
        let step = Step {
            name: NAME,
            script: include_str!("../../assets/archive.sh"),
            blobs: vec![("rootfs.squashfs".to_owned(), image)],
            packages: Vec::new(),
            files: Vec::new(),
            environment: Vec::new(),
        };
        let key = step.key(&self.tools)?;
        let outputs = match self.cache.get(&key) {
            Some(outputs) => outputs,
            None => {
                let outputs = self.derive(&step, self.blobs.path(&image.sha256))?;
                self.cache.put(&key, &outputs)?;
                outputs
            }
        };
        run::file(&outputs, NAME, "rootfs.tar.gz")
    }

    fn derive(&self, step: &Step, image: PathBuf) -> Result<StepOutputs, BuildError> {
        let sandbox = Sandbox {
            script: step.script,
            inputs: vec![("rootfs.squashfs".to_owned(), image)],
            files: Vec::new(),
            environment: Vec::new(),
            limit: LIMIT,
        };
        let outputs = sandbox
            .run(&self.spawner, &self.config.work_dir, &mut |_| {}, &|| false)
            .map_err(|error| step_error(NAME, error))?;
        let archive = self.cache.blobs.put_file(&outputs.path("rootfs.tar.gz"))?;
        Ok(StepOutputs {
            step: NAME.to_owned(),
            files: [("rootfs.tar.gz".to_owned(), archive)].into(),
        })
    }
}
