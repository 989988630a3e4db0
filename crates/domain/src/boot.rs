//! Boots: what one machine did between its script and its login.
//!
//! Two see a boot. The boot listener counts what it sends ([`BootEvent::Transfer`]); the machine says by
//! itself how far it came ([`BootEvent::Report`], read by [`mod@report`]). Both are put together by
//! [`mod@trace`]. What a machine says of itself is shown and is never evidence: gates count what the runner
//! saw (decision 32).

pub mod report;
pub mod times;
pub mod trace;

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use self::report::BootReport;
use crate::{
    digest::Digest, ids::MachineId, job::words, machine::BootTarget, run::FailureClass,
    time::Timestamp, transfer::Transfer,
};

/// How many events of one boot are kept: a boot makes some twenty, and one that makes more than this is in a
/// loop.
pub const MOST_EVENTS: usize = 200;
/// After how many seconds without a word a boot counts as silent.
pub const SILENT_AFTER_SECONDS: u64 = 600;

/// How a boot stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum BootState {
    /// Something was heard of it lately.
    UnderWay,
    /// It reported that its login is there.
    Up,
    /// It reported that it cannot go on.
    Failed,
    /// Nothing was heard of it any more before it was up.
    Silent,
    /// It was handed all that it asked for, and what it boots does not report.
    Unreported,
}

words! {
    BootState: "a state of a boot";
    BootStep: "a stage of a boot";
}

impl BootState {
    /// All states.
    pub const ALL: [Self; 5] =
        [Self::UnderWay, Self::Up, Self::Failed, Self::Silent, Self::Unreported];

    /// The word used in pages and rows.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::UnderWay => "under-way",
            Self::Up => "up",
            Self::Failed => "failed",
            Self::Silent => "silent",
            Self::Unreported => "unreported",
        }
    }

    /// Whether the boot ended early.
    #[must_use]
    pub const fn is_failure(self) -> bool {
        matches!(self, Self::Failed | Self::Silent)
    }
}

/// A stage of the boot of a machine, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum BootStep {
    /// iPXE loads the machine's script.
    Script,
    /// iPXE loads the kernel, and Xen before it.
    Kernel,
    /// iPXE loads the initrd.
    Initrd,
    /// The kernel starts, and the initrd gets an address.
    Start,
    /// The initrd loads and verifies the images, or mounts the rootfs.
    Rootfs,
    /// The rootfs's own init prepares the system.
    Init,
    /// Services are started.
    Services,
    /// Somebody can log in.
    Login,
}

impl BootStep {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Script,
        Self::Kernel,
        Self::Initrd,
        Self::Start,
        Self::Rootfs,
        Self::Init,
        Self::Services,
        Self::Login,
    ];

    /// The word used in pages and rows.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Script => "script",
            Self::Kernel => "kernel",
            Self::Initrd => "initrd",
            Self::Start => "start",
            Self::Rootfs => "rootfs",
            Self::Init => "init",
            Self::Services => "services",
            Self::Login => "login",
        }
    }
}

/// Something that was seen of a boot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum BootEvent {
    /// The boot listener sent something, or refused to.
    Transfer {
        /// What, when, how much.
        transfer: Transfer,
        /// The digest of the whole file; nothing where it was none of a release.
        sha256: Option<Digest>,
    },
    /// The machine said something.
    Report {
        /// When that came.
        at: Timestamp,
        /// What it said.
        report: BootReport,
    },
}

impl BootEvent {
    /// When it ended.
    #[must_use]
    pub const fn at(&self) -> Timestamp {
        match self {
            Self::Transfer { transfer, .. } => transfer.ended_at,
            Self::Report { at, .. } => *at,
        }
    }
}

/// A boot, as lists show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Boot {
    /// Its number: greater than those of all that were noted before it.
    pub number: i64,
    /// The machine, which may have been removed since.
    pub machine_id: MachineId,
    /// How the machine was called then.
    pub machine: String,
    /// From where it asked last.
    pub address: Option<IpAddr>,
    /// What it was to boot.
    pub target: BootTarget,
    /// The manifest of what it booted, and how that was called then; nothing before it loaded a file.
    pub booted: Option<Booted>,
    /// Label of the boot entry; empty before the machine said so.
    pub entry: String,
    /// How it stands.
    pub state: BootState,
    /// The last stage that was seen of it.
    pub step: BootStep,
    /// Why it ended early; empty where it did not.
    pub reason: String,
    /// Whose problem that is, as the machine says.
    pub class: Option<FailureClass>,
    /// Bytes that it was sent.
    pub bytes: u64,
    /// How often it asked again for what it had asked for.
    pub retries: u32,
    /// When it asked for its script.
    pub started_at: Timestamp,
    /// When something was heard of it last.
    pub last_at: Timestamp,
    /// How long it took from its script to its login, in microseconds; nothing before that.
    pub took_us: Option<i64>,
}

impl Boot {
    /// A boot of which nothing is known but that its machine asked for its script.
    #[must_use]
    pub const fn begun(
        machine_id: MachineId,
        machine: String,
        target: BootTarget,
        started_at: Timestamp,
    ) -> Self {
        Self {
            number: 0,
            machine_id,
            machine,
            address: None,
            target,
            booted: None,
            entry: String::new(),
            state: BootState::UnderWay,
            step: BootStep::Script,
            reason: String::new(),
            class: None,
            bytes: 0,
            retries: 0,
            started_at,
            last_at: started_at,
            took_us: None,
        }
    }
}

/// A release or variant that was booted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Booted {
    /// Digest of its manifest.
    pub manifest: Digest,
    /// Its name then.
    pub name: String,
}

/// A boot with all that was seen of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TracedBoot {
    /// The boot.
    pub boot: Boot,
    /// Its events, as they came.
    pub events: Vec<BootEvent>,
}
