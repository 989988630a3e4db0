//! Kernels: what a Linux kernel or a Xen hypervisor is, wherever it came from.
//!
//! A [`Kernel`] is a component of its own: a name, and a [`Definition`] that says what it is made of.
//! Each [`KernelBuild`] freezes the definition as it was then, and what came out is its [`Record`].

mod configuration;
mod definition;
mod record;

use serde::{Deserialize, Serialize};

pub use self::{
    configuration::{
        Config, ConfigDifference, ConfigFault, ConfigOption, ConfigReport, NotKept, difference,
    },
    definition::{
        ConfigBase, Configuration, Definition, DefinitionFault, Fragment, Source, UploadedFile,
        check_name, check_upload_name,
    },
    record::{KernelFile, KernelFileRole, KernelPackage, Record, SourceRecord},
};
use crate::{
    ids::{JobId, KernelId},
    job::{JobState, words},
    time::Timestamp,
};

/// What kind of program a kernel is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Flavor {
    /// A Linux kernel.
    #[default]
    Linux,
    /// A Xen hypervisor, which starts a Linux kernel as its dom0.
    Xen,
}

impl Flavor {
    /// All flavors.
    pub const ALL: [Self; 2] = [Self::Linux, Self::Xen];

    /// The word in recipes, rows and pages.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Linux => "linux",
            Self::Xen => "xen",
        }
    }

    /// For records that were written before there was another.
    pub(crate) fn is_linux(&self) -> bool {
        *self == Self::Linux
    }
}

/// What a hypervisor is told where a boot entry says nothing: memory for dom0, every message, on
/// the first serial port.
pub const HYPERVISOR_ARGUMENTS: &str =
    "dom0_mem=512M loglvl=all guest_loglvl=all com1=115200,8n1 console=com1";

/// What a dom0 kernel is told where a boot entry says nothing: its console is the hypervisor's.
pub const DOM0_ARGUMENTS: &str = "console=hvc0 earlyprintk=xen nomodeset";

/// A kernel as a component of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kernel {
    /// Which kernel.
    pub id: KernelId,
    /// Its unique name, by which recipes and other kernels name it.
    pub name: String,
    /// Counts the changes of its definition, from 1.
    pub revision: u32,
    /// What it is made of.
    pub definition: Definition,
    /// When it was added.
    pub created_at: Timestamp,
    /// Name of the person who added it.
    pub created_by: String,
    /// When its definition was changed last.
    pub changed_at: Timestamp,
    /// Name of the person who changed it last.
    pub changed_by: String,
}

/// What a job about a kernel is to come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum BuildMode {
    /// Its configuration, as the tree's own `olddefconfig` leaves it; nothing is compiled.
    Configure,
    /// A kernel for today's experiment: compiled with the kernel's compiler cache.
    Development,
    /// A kernel that a release may hold: nothing but its inputs went into it.
    Release,
}

impl BuildMode {
    /// All modes.
    pub const ALL: [Self; 3] = [Self::Configure, Self::Development, Self::Release];

    /// The word in rows, pages and requests.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Configure => "configure",
            Self::Development => "development",
            Self::Release => "release",
        }
    }
}

/// One making of a kernel, or of its configuration alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KernelBuild {
    /// Which kernel.
    pub kernel: KernelId,
    /// Counts from 1 within the kernel.
    pub number: u32,
    /// What it was to come to.
    pub mode: BuildMode,
    /// The kernel's definition as it was then.
    pub definition: Definition,
    /// Revision of that definition.
    pub revision: u32,
    /// The job that makes it.
    pub job: JobId,
    /// How that job stands.
    pub state: JobState,
    /// What became of the configuration, once that is known; a binary has none.
    pub report: Option<ConfigReport>,
    /// What came out, once it is complete.
    pub record: Option<Record>,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// Name of the person who asked for it.
    pub created_by: String,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// When its files were removed as the rules of the room say; report and record stay.
    #[serde(default)]
    pub files_removed_at: Option<Timestamp>,
}

/// How a kernel stands: what its newest build came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum KernelState {
    /// Nothing was made of it yet.
    New,
    /// A job of it waits or runs.
    Building,
    /// Its configuration is known; nothing was compiled since.
    Configured,
    /// Its newest build is complete.
    Built,
    /// Its newest build failed or was cancelled.
    Failed,
}

impl KernelState {
    /// All states.
    pub const ALL: [Self; 5] =
        [Self::New, Self::Building, Self::Configured, Self::Built, Self::Failed];

    /// The word in rows and pages.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Building => "building",
            Self::Configured => "configured",
            Self::Built => "built",
            Self::Failed => "failed",
        }
    }

    /// What a newest build says; `None` is no build at all.
    #[must_use]
    pub fn of(newest: Option<(BuildMode, JobState)>) -> Self {
        match newest {
            None => Self::New,
            Some((_, JobState::Queued | JobState::Running)) => Self::Building,
            Some((_, JobState::Failed | JobState::Cancelled)) => Self::Failed,
            Some((BuildMode::Configure, JobState::Succeeded)) => Self::Configured,
            Some((_, JobState::Succeeded)) => Self::Built,
        }
    }
}

words! {
    Flavor: "a flavor of kernels";
    BuildMode: "a mode of a kernel's build";
    KernelState: "a state of a kernel";
}
