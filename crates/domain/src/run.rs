//! Runs: one execution of a suite on a machine, and the outcome of each case.

pub mod comparison;
pub mod file;
pub mod flakiness;
pub mod keeping;
pub mod report;
pub mod reported;
pub mod signature;

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{
    digest::Digest,
    ids::{JobId, ReleaseId, ResultFileId, RunId, ValidationId},
    job::{JobState, JobVariant, UnknownWord, from_word},
    run::reported::Totals,
    subject::Subject,
    time::Timestamp,
};

/// How a case ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// What was expected was seen.
    Passed,
    /// Something else was seen.
    Failed,
    /// The case could not tell.
    Errored,
    /// Does not apply here.
    Skipped,
    /// Was not reached.
    NotRun,
}

impl Outcome {
    /// All outcomes.
    pub const ALL: [Self; 5] =
        [Self::Passed, Self::Failed, Self::Errored, Self::Skipped, Self::NotRun];

    /// The word used in pages and rows.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Errored => "errored",
            Self::Skipped => "skipped",
            Self::NotRun => "not-run",
        }
    }

    /// The sign that stands for it in a narrow cell.
    #[must_use]
    pub const fn sign(self) -> &'static str {
        match self {
            Self::Passed => "✓",
            Self::Failed => "✗",
            Self::Errored => "!",
            Self::Skipped => "–",
            Self::NotRun => "?",
        }
    }

    /// Whether it speaks against what is tested.
    #[must_use]
    pub const fn fails(self) -> bool {
        matches!(self, Self::Failed | Self::Errored)
    }
}

/// Why a run failed: whose problem it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum FailureClass {
    /// What is tested is broken.
    Product,
    /// A test asked for the wrong thing.
    Test,
    /// The machine or its surroundings broke.
    Lab,
    /// What was asked for cannot work: a digest that does not match, a missing entry.
    Configuration,
}

impl FailureClass {
    /// All classes.
    pub const ALL: [Self; 4] = [Self::Product, Self::Test, Self::Lab, Self::Configuration];

    /// The word used in pages and rows.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Product => "product",
            Self::Test => "test",
            Self::Lab => "lab",
            Self::Configuration => "configuration",
        }
    }
}

impl FromStr for Outcome {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        from_word(&Self::ALL, Self::word, "an outcome", text)
    }
}

impl FromStr for RunSource {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        from_word(&Self::ALL, Self::word, "a source of results", text)
    }
}

impl FromStr for FailureClass {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        from_word(&Self::ALL, Self::word, "a class of failure", text)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl fmt::Display for FailureClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// One case's outcome in one run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct CaseResult {
    /// The case's stable id, such as `smoke.kernel`.
    pub case: String,
    /// What the case checks, in one line.
    pub title: String,
    /// How it ended.
    pub outcome: Outcome,
    /// How long it took, in microseconds; `None` where nobody measured it.
    pub duration_us: Option<i64>,
    /// What was seen.
    pub message: String,
}

/// Where a run's results come from: not all of them may decide what goes into production.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum RunSource {
    /// The runner of this installation booted the machine and looked itself.
    Runner,
    /// A token of one plan and one machine, which named the manifest.
    Token,
    /// A file that somebody brought.
    Upload,
    /// A person wrote down what a board did.
    Manual,
}

impl RunSource {
    /// All sources.
    pub const ALL: [Self; 4] = [Self::Runner, Self::Token, Self::Upload, Self::Manual];

    /// The word used in pages and rows.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Runner => "runner",
            Self::Token => "token",
            Self::Upload => "upload",
            Self::Manual => "manual",
        }
    }
}

/// A stage of a boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum BootStage {
    /// iPXE loads the menu script.
    Script,
    /// iPXE loads the kernel.
    Kernel,
    /// iPXE loads the initrd.
    Initrd,
    /// The initrd loads and verifies the images.
    Rootfs,
    /// The rootfs's own init starts.
    Init,
    /// A login prompt appears.
    Login,
}

impl BootStage {
    /// All stages in order.
    pub const ALL: [Self; 6] =
        [Self::Script, Self::Kernel, Self::Initrd, Self::Rootfs, Self::Init, Self::Login];

    /// The word used in pages.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Script => "script",
            Self::Kernel => "kernel",
            Self::Initrd => "initrd",
            Self::Rootfs => "rootfs",
            Self::Init => "init",
            Self::Login => "login",
        }
    }
}

/// What was observed of a boot stage: by the boot listener or on the console, never reported by
/// the machine itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObservedStage {
    /// Which stage.
    pub stage: BootStage,
    /// When it began; `None` where nobody observed the stage.
    pub started_at: Option<Timestamp>,
    /// When it ended; `None` where nobody observed its end.
    pub ended_at: Option<Timestamp>,
    /// Bytes that the boot listener sent for it, by the listener's own counters.
    pub bytes: Option<u64>,
}

/// A run as pages show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Which run.
    pub id: RunId,
    /// The validation it belongs to; `None` where its results came in from elsewhere.
    pub validation: Option<ValidationId>,
    /// What it is about; `None` while nobody has said.
    pub subject: Option<Subject>,
    /// Name of the suite.
    pub suite: String,
    /// Where its results come from.
    pub source: RunSource,
    /// Label of the boot entry; empty where nobody said.
    pub entry: String,
    /// Name of the machine, such as `qemu`.
    pub machine: String,
    /// What the machine was: accelerator, memory, emulator version.
    pub machine_details: String,
    /// Which kernel it ran; empty where nobody knows.
    pub kernel: String,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended; `None` while it runs.
    pub ended_at: Option<Timestamp>,
    /// How it ended; `None` while it runs.
    pub outcome: Option<Outcome>,
    /// Whose problem it is, where it did not pass.
    pub failure: Option<FailureClass>,
    /// Why it ended so, in one sentence.
    pub message: String,
    /// The file that it was read from.
    pub file: Option<ResultFileId>,
    /// The program that wrote the results, as it names itself; empty where it does not.
    pub generator: String,
    /// Why its file was not whole.
    pub incomplete: Option<String>,
    /// What should be known about reading its file, a sentence each.
    pub remarks: Vec<String>,
    /// The name by which whoever recorded it went then.
    pub recorded_by: String,
    /// Name of the plan for which it counts at a gate.
    pub plan: Option<String>,
    /// Its cases, counted.
    pub totals: Totals,
    /// The console log.
    pub console: Option<Digest>,
    /// What was observed of each boot stage, in order.
    pub stages: Vec<ObservedStage>,
    /// The cases in order.
    pub results: Vec<CaseResult>,
}

/// A validation as pages show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Validation {
    /// Which validation.
    pub id: ValidationId,
    /// The job that runs it.
    pub job: JobId,
    /// The release that is judged; of a variant, its base.
    pub release: ReleaseId,
    /// The variant that is judged.
    pub variant: Option<JobVariant>,
    /// The manifest digest that is judged.
    pub manifest: Digest,
    /// Name of the plan, such as `smoke`.
    pub plan: String,
    /// Revision of the plan.
    pub plan_revision: u32,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// Name of the person who asked for it.
    pub created_by: String,
    /// How its job stands.
    pub state: JobState,
    /// Its runs, one per entry and machine.
    pub runs: Vec<Run>,
}
