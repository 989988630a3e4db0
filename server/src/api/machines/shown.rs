//! A machine as the API shows it.

use std::collections::BTreeMap;

use domain::{
    digest::Digest,
    machine::{self, Architecture, Because, BootTarget, Drift, Mac, MachineState},
};
use serde::{Deserialize, Serialize};
use services::machines::MachineSummary;
use utoipa::ToSchema;

use crate::api::exchange::{Tagged, text, time};

/// A machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Machine {
    /// Its unique name, by which runs and plans call it.
    pub name: String,
    /// How it came to be known.
    pub state: MachineState,
    /// Addresses of its network cards.
    pub macs: Vec<Mac>,
    /// Its UUID, where it has one of its own.
    pub uuid: Option<String>,
    /// Its serial number, where it has one of its own.
    pub serial: Option<String>,
    /// What its processor runs.
    pub architecture: Architecture,
    /// By which rules find it.
    pub labels: BTreeMap<String, String>,
    /// Where it stands.
    pub location: String,
    /// Whatever else people should know.
    pub note: String,
    /// Counts the changes of all of the above, from 1.
    pub revision: u32,
    /// What it boots, its next boot apart.
    pub boots: MachineBoots,
    /// What it boots next, once.
    pub once: Option<BootOnce>,
    /// Who has it, where somebody does.
    pub lock: Option<MachineLock>,
    /// What it booted last, by its own report; no evidence.
    pub running: Option<RunningRelease>,
    /// How that stands to what it boots.
    pub drift: Drift,
    /// When it was first seen at the boot listener.
    #[schema(format = DateTime)]
    pub first_seen_at: Option<String>,
    /// When it was seen there last, to a few minutes.
    #[schema(format = DateTime)]
    pub last_seen_at: Option<String>,
    /// Its address then, where that is known.
    pub last_address: Option<String>,
    /// When it was registered or discovered.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// By whom.
    pub created_by: String,
}

/// What a machine boots, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MachineBoots {
    /// What it boots.
    pub target: BootTarget,
    /// Why.
    pub why: BootReason,
    /// The place of the rule in the list, from 1, where a rule says so.
    pub rule: Option<u32>,
}

/// Why a machine boots what it boots.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum BootReason {
    /// It is assigned to it itself.
    Own,
    /// A rule says so.
    Rule,
    /// Nobody said anything.
    Default,
}

/// What a machine boots next, once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BootOnce {
    /// What it boots.
    pub target: BootTarget,
    /// Label of the boot entry; the menu's own default where absent.
    pub entry: Option<String>,
    /// Who asked for it.
    pub asked_by: String,
    /// When.
    #[schema(format = DateTime)]
    pub asked_at: String,
}

/// A person's hold on a machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MachineLock {
    /// Whose it is.
    pub owner: String,
    /// What for.
    pub purpose: String,
    /// Since when.
    #[schema(format = DateTime)]
    pub since: String,
    /// When it ends by itself.
    #[schema(format = DateTime)]
    pub until: String,
}

/// What a machine booted last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RunningRelease {
    /// Digest of the manifest of the release or variant.
    pub manifest: Digest,
    /// The name by which that went then.
    pub name: String,
    /// Label of the boot entry.
    pub entry: String,
    /// When it booted.
    #[schema(format = DateTime)]
    pub since: String,
}

impl Machine {
    pub(super) fn of(MachineSummary { machine: it, assigned, drift }: MachineSummary) -> Self {
        let (why, rule) = match assigned.because {
            Because::Own => (BootReason::Own, None),
            Because::Rule { number, .. } => (BootReason::Rule, Some(number)),
            Because::Default => (BootReason::Default, None),
        };
        Self {
            name: it.name,
            state: it.state,
            macs: it.profile.macs,
            uuid: text(it.profile.uuid),
            serial: it.profile.serial,
            architecture: it.profile.architecture,
            labels: it.profile.labels.into(),
            location: it.profile.location,
            note: it.profile.note,
            revision: it.revision,
            boots: MachineBoots { target: assigned.target, why, rule },
            once: it.once.map(BootOnce::of),
            lock: it.lock.map(MachineLock::of),
            running: it.running.map(RunningRelease::of),
            drift,
            first_seen_at: it.first_seen_at.map(time),
            last_seen_at: it.last_seen.map(|it| time(it.at)),
            last_address: text(it.last_seen.and_then(|it| it.address)),
            created_at: time(it.created_at),
            created_by: it.created_by,
        }
    }

    pub(super) fn tagged(self) -> Tagged<Self> {
        Tagged(self.revision.to_string(), self)
    }
}

impl BootOnce {
    fn of(it: machine::Once) -> Self {
        let asked_at = time(it.asked_at);
        Self { target: it.target, entry: it.entry, asked_by: it.asked_by, asked_at }
    }
}

impl MachineLock {
    fn of(it: machine::MachineLock) -> Self {
        let (since, until) = (time(it.since), time(it.until));
        Self { owner: it.owner, purpose: it.purpose, since, until }
    }
}

impl RunningRelease {
    fn of(it: machine::Running) -> Self {
        let since = time(it.since);
        Self { manifest: it.manifest, name: it.name, entry: it.entry, since }
    }
}
