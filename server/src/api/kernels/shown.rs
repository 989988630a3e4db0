//! Kernels and their builds as the API shows them: times as text, kernels by name.

use domain::{
    job::JobState,
    kernel::{self, BuildMode, ConfigReport, Definition, Flavor, KernelState, Record},
    run::Outcome,
};
use serde::{Deserialize, Serialize};
use services::kernels::KernelSummary;
use utoipa::ToSchema;

use crate::api::exchange::{Tagged, time};

/// A kernel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Kernel {
    /// Its unique name, by which recipes and other kernels name it.
    pub name: String,
    /// What it is.
    pub flavor: Flavor,
    /// What its newest build came to.
    pub state: KernelState,
    /// Where it comes from, in a few words.
    pub source: String,
    /// Counts the changes of its definition, from 1; the `ETag` of the kernel.
    pub revision: u32,
    /// Its newest build, of whatever mode.
    pub newest: Option<KernelBuild>,
    /// Its newest complete build.
    pub built: Option<KernelBuild>,
    /// What holds or names it.
    pub uses: KernelUses,
    /// How the newest run on each machine ended that booted it.
    pub results: Vec<KernelResult>,
    /// When it was added.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// Who added it.
    pub created_by: String,
    /// When its definition was changed last.
    #[schema(format = DateTime)]
    pub changed_at: String,
    /// Who changed it last.
    pub changed_by: String,
}

/// A kernel with what it is made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KernelDetails {
    /// The kernel.
    #[serde(flatten)]
    pub kernel: Kernel,
    /// What it is made of.
    pub definition: Definition,
}

/// What holds or names a kernel.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KernelUses {
    /// Names of the releases that hold a build of it, newest first.
    pub releases: Vec<String>,
    /// Names of the releases that are being built with it, newest first.
    pub building: Vec<String>,
    /// Names of the recipes whose newest revision names it.
    pub recipes: Vec<String>,
    /// Names of the kernels whose configuration starts from its own.
    pub kernels: Vec<String>,
}

/// How a machine fared with a kernel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KernelResult {
    /// The machine.
    pub machine: String,
    /// Id of the run.
    pub run: String,
    /// How it ended.
    pub outcome: Outcome,
    /// When it ended.
    #[schema(format = DateTime)]
    pub ended_at: String,
}

/// One making of a kernel, or of its configuration alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KernelBuild {
    /// Name of the kernel.
    pub kernel: String,
    /// Counts from 1 within the kernel.
    pub number: u32,
    /// What it was to come to.
    pub mode: BuildMode,
    /// Revision of the definition that it was made of.
    pub revision: u32,
    /// Id of the job that makes it.
    pub job: String,
    /// How that job stands.
    pub state: JobState,
    /// What `uname -r` prints, of a hypervisor its version; in lists once it is complete.
    pub release: Option<String>,
    /// Length of all its files together in bytes, once it is complete.
    pub size: Option<u64>,
    /// When it was asked for.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// Who asked for it.
    pub created_by: String,
    /// When it began.
    #[schema(format = DateTime)]
    pub started_at: Option<String>,
    /// When it ended.
    #[schema(format = DateTime)]
    pub ended_at: Option<String>,
    /// When its files were removed, where they were; what is known of it stays.
    #[schema(format = DateTime)]
    pub files_removed_at: Option<String>,
}

/// A build with what it was made of and what came out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KernelBuildDetails {
    /// The build.
    #[serde(flatten)]
    pub build: KernelBuild,
    /// The kernel's definition as it was then.
    pub definition: Definition,
    /// What became of the configuration, once that is known; a binary has none.
    pub report: Option<ConfigReport>,
    /// What came out, once it is complete.
    pub record: Option<Record>,
}

impl Kernel {
    /// A kernel as lists show it.
    pub fn of(it: KernelSummary) -> Self {
        KernelDetails::of(it).kernel
    }
}

impl KernelDetails {
    /// A kernel with what it is made of.
    pub fn of(it: KernelSummary) -> Self {
        let KernelSummary { kernel, state, newest, built, uses, results } = it;
        let kernel::Kernel { name, revision, definition, .. } = kernel;
        let build = |it: kernel::KernelBuild| KernelBuild::of(&name, &it);
        let results = results.into_iter().map(|it| KernelResult {
            machine: it.machine,
            run: it.run.to_string(),
            outcome: it.outcome,
            ended_at: time(it.ended_at),
        });
        Self {
            kernel: Kernel {
                flavor: definition.flavor,
                state,
                source: definition.source.summary(),
                revision,
                newest: newest.map(build),
                built: built.map(build),
                uses: KernelUses {
                    releases: uses.releases,
                    building: uses.building,
                    recipes: uses.recipes,
                    kernels: uses.kernels,
                },
                results: results.collect(),
                created_at: time(kernel.created_at),
                created_by: kernel.created_by,
                changed_at: time(kernel.changed_at),
                changed_by: kernel.changed_by,
                name,
            },
            definition,
        }
    }

    /// The same with the version that a change of it names.
    pub fn tagged(self) -> Tagged<Self> {
        Tagged(self.kernel.revision.to_string(), self)
    }
}

impl KernelBuild {
    /// A build of the kernel of that name.
    pub fn of(kernel: &str, it: &kernel::KernelBuild) -> Self {
        let recorded = it.record.as_ref().map(|record| &record.release);
        let reported = it.report.as_ref().map(|report| &report.release);
        Self {
            kernel: kernel.to_owned(),
            number: it.number,
            mode: it.mode,
            revision: it.revision,
            job: it.job.to_string(),
            state: it.state,
            release: recorded.or(reported).cloned(),
            size: it.record.as_ref().map(Record::size),
            created_at: time(it.created_at),
            created_by: it.created_by.clone(),
            started_at: it.started_at.map(time),
            ended_at: it.ended_at.map(time),
            files_removed_at: it.files_removed_at.map(time),
        }
    }
}

impl KernelBuildDetails {
    /// A build of the kernel of that name, whole.
    pub fn of(kernel: &str, it: kernel::KernelBuild) -> Self {
        let build = KernelBuild::of(kernel, &it);
        Self { build, definition: it.definition, report: it.report, record: it.record }
    }
}
