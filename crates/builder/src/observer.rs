//! What a build tells while it runs.

use domain::{
    blob::BlobRef,
    digest::Digest,
    job::StepState,
    kernel::{ConfigReport, SourceRecord},
    lock::Lock,
    variant::VariantLock,
};

use crate::kernels::{KernelOutput, KernelRequest};

/// Something that happened to a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepEvent<'a> {
    /// It begins.
    Started {
        /// The step.
        name: &'a str,
        /// Digest of its inputs, where they are known.
        key: Option<Digest>,
    },
    /// It has come so far.
    Progress {
        /// The step.
        name: &'a str,
        /// 0 to 1000.
        thousandths: u32,
    },
    /// It has ended.
    Ended {
        /// The step.
        name: &'a str,
        /// How.
        state: StepState,
        /// Why it failed, or what it found.
        message: Option<String>,
    },
}

/// Who watches a build, from the build's own thread and those of its tools.
pub trait BuildObserver: Send + Sync {
    /// Something happened to a step.
    fn step(&self, event: StepEvent<'_>);
    /// A step wrote a line.
    fn log(&self, step: &str, line: &str);
    /// The recipe resolved to this lock: whoever builds on after an interruption keeps it.
    fn lock_resolved(&self, lock: &Lock);
    /// The source of a kernel was found: a tag is pinned to the commit that it stands for now.
    fn source_found(&self, _source: &SourceRecord) {}
    /// The tree has left a kernel's configuration so; whatever comes later, people can look at it.
    fn configured(&self, _report: &ConfigReport, _config: &BlobRef) {}
    /// A kernel of a release's recipe was made, or its steps were all known.
    fn kernel_built(&self, _request: &KernelRequest, _output: &KernelOutput) {}
    /// A variant resolved to this: whoever builds on after an interruption keeps it.
    fn variant_resolved(&self, _lock: &VariantLock) {}
    /// Whether the build is to stop at once.
    fn cancelled(&self) -> bool;
}
