//! From a kernel's definition to its record: source, configuration, compilation.

use domain::{
    blob::BlobRef,
    ids::KernelId,
    kernel::{BuildMode, ConfigReport, Definition, Record, SourceRecord},
};

use crate::{BuildError, BuildObserver, Builder};

/// A kernel that is to be made.
#[derive(Debug, Clone)]
pub struct KernelRequest {
    /// Which kernel: its compiler cache is its own.
    pub kernel: KernelId,
    /// Its name, for messages.
    pub name: String,
    /// What it is made of. Uploads, and the configuration of another kernel, are blobs of the
    /// builder's store.
    pub definition: Definition,
    /// What it is to come to.
    pub mode: BuildMode,
}

/// What was made of a kernel. All blobs are in the builder's blob store.
#[derive(Debug, Clone)]
pub struct KernelOutput {
    /// Where the source came from.
    pub source: SourceRecord,
    /// The configuration as the tree left it; a hypervisor of Debian may have none.
    pub config: Option<BlobRef>,
    /// What became of the configuration; of what is compiled here.
    pub report: Option<ConfigReport>,
    /// What came out, unless only the configuration was asked for.
    pub record: Option<Record>,
}

/// Names of the steps of a kernel's job, in order.
#[must_use]
pub fn kernel_steps(definition: &Definition, mode: BuildMode) -> Vec<&'static str> {
    match (definition.source.is_binary(), mode) {
        (true, _) => vec!["source", "inspect", "record"],
        (false, BuildMode::Configure) => vec!["source", "prepare", "configure"],
        (false, BuildMode::Development | BuildMode::Release) => {
            vec!["source", "prepare", "configure", "compile", "record"]
        }
    }
}

impl Builder {
    /// Makes a kernel, or its configuration alone. Called again after an interruption it goes on
    /// where it was: finished steps come from the step cache.
    ///
    /// # Errors
    /// The step that failed, why, and its last lines.
    pub fn build_kernel(
        &self,
        request: &KernelRequest,
        observer: &dyn BuildObserver,
    ) -> Result<KernelOutput, BuildError> {
        let _ = (request, observer);
        Err(BuildError::Unexpected { step: "source", what: "not there yet".to_owned() })
    }
}
