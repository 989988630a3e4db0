//! Jobs: units of background work with steps, progress, a log and a lease.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    digest::Digest,
    ids::{JobId, KernelId, ReleaseId, VariantId},
    time::Timestamp,
};

/// What a job does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum JobKind {
    /// Builds a release.
    Build,
    /// Makes a release of what was put together elsewhere.
    Import,
    /// Runs a plan against a release.
    Validation,
    /// Removes what nothing needs.
    Collection,
    /// Makes a kernel, or its configuration alone.
    Kernel,
    /// Makes a variant of a release.
    Variant,
}

impl JobKind {
    /// All kinds.
    pub const ALL: [Self; 6] = [
        Self::Build,
        Self::Import,
        Self::Validation,
        Self::Collection,
        Self::Kernel,
        Self::Variant,
    ];

    /// The word used in pages and rows.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Build => "build",
            Self::Import => "import",
            Self::Validation => "validation",
            Self::Collection => "collection",
            Self::Kernel => "kernel",
            Self::Variant => "variant",
        }
    }

    /// Whether it fills the disk, and so does not begin while there is less room than stays free.
    #[must_use]
    pub const fn waits_for_room(self) -> bool {
        match self {
            Self::Build | Self::Import | Self::Kernel | Self::Variant => true,
            Self::Validation | Self::Collection => false,
        }
    }
}

/// How a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum JobState {
    /// Waits for a worker.
    Queued,
    /// A worker holds its lease.
    Running,
    /// Did what was asked.
    Succeeded,
    /// A step failed.
    Failed,
    /// A person stopped it.
    Cancelled,
}

impl JobState {
    /// All states.
    pub const ALL: [Self; 5] =
        [Self::Queued, Self::Running, Self::Succeeded, Self::Failed, Self::Cancelled];

    /// The word used in pages and rows.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether nothing more will happen.
    #[must_use]
    pub const fn ended(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled)
    }
}

/// How a step of a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum StepState {
    /// Has not begun.
    Waiting,
    /// Runs now.
    Running,
    /// Ran and succeeded.
    Succeeded,
    /// Its inputs were known: the former outputs were taken.
    Reused,
    /// Ran and failed.
    Failed,
    /// Was interrupted by the end of the server and will begin again.
    Interrupted,
    /// Was stopped by a person.
    Cancelled,
}

impl StepState {
    /// All states.
    pub const ALL: [Self; 7] = [
        Self::Waiting,
        Self::Running,
        Self::Succeeded,
        Self::Reused,
        Self::Failed,
        Self::Interrupted,
        Self::Cancelled,
    ];

    /// The word used in pages and rows.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Reused => "reused",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
            Self::Cancelled => "cancelled",
        }
    }
}

/// The text is none of the words of an enumeration.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("\"{text}\" is not {what}")]
pub struct UnknownWord {
    what: &'static str,
    text: String,
}

/// Finds the member of `all` whose word is `text`; `what` names the enumeration in the error.
///
/// # Errors
/// [`UnknownWord`] where there is none.
pub fn from_word<T: Copy>(
    all: &[T],
    word: impl Fn(T) -> &'static str,
    what: &'static str,
    text: &str,
) -> Result<T, UnknownWord> {
    all.iter()
        .copied()
        .find(|member| word(*member) == text)
        .ok_or_else(|| UnknownWord { what, text: text.chars().take(40).collect() })
}

/// Gives enumerations with `ALL` and `word` their text: written as the word, and read from it.
macro_rules! words {
    ($($name:ident: $what:literal;)*) => {$(
        impl std::str::FromStr for $name {
            type Err = $crate::job::UnknownWord;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                $crate::job::from_word(&Self::ALL, Self::word, $what, text)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.word())
            }
        }
    )*};
}
pub(crate) use words;

words! {
    JobKind: "a kind of job";
    JobState: "a state of a job";
    StepState: "a state of a step";
}

/// The release that a job is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobRelease {
    /// Which one.
    pub id: ReleaseId,
    /// Its name now.
    pub name: String,
}

/// The kernel that a job is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobKernel {
    /// Which one; it may have been removed since.
    pub id: KernelId,
    /// Its name.
    pub name: String,
}

/// The variant that a job is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobVariant {
    /// Which one; it may have been removed since.
    pub id: VariantId,
    /// Its name.
    pub name: String,
}

/// A job as pages show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Which job.
    pub id: JobId,
    /// What it does.
    pub kind: JobKind,
    /// The release that it is about; none for a collection, a kernel or a variant.
    pub release: Option<JobRelease>,
    /// The kernel that it makes.
    pub kernel: Option<JobKernel>,
    /// The variant that it makes.
    pub variant: Option<JobVariant>,
    /// How it stands.
    pub state: JobState,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// Name of the person who asked for it.
    pub created_by: String,
    /// When a worker first took it.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Since when a person wants it stopped.
    pub cancel_requested_at: Option<Timestamp>,
    /// How it ended, in one sentence: "identical to v1.0.0-rc.1", or why it failed.
    pub outcome: Option<String>,
    /// How often a worker took it; above 1 where the server was interrupted.
    pub attempts: u32,
    /// The whole log, once the job has ended.
    pub log: Option<Digest>,
}

impl Job {
    /// The release that it is about.
    #[must_use]
    pub fn release_id(&self) -> Option<&ReleaseId> {
        self.release.as_ref().map(|about| &about.id)
    }
}

/// A step of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Counts from 0 within the job.
    pub position: u32,
    /// Such as `bootstrap`.
    pub name: String,
    /// How it stands.
    pub state: StepState,
    /// Digest of its inputs, once they are known.
    pub key: Option<Digest>,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// How much is done: thousandths, where the step can tell.
    pub progress: Option<u32>,
    /// Why it failed, or what it found.
    pub message: Option<String>,
}
