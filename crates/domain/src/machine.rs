//! Machines: things that boot, and what each of them should.
//!
//! A [`Machine`] has a name, by which runs and plans call it, and is known at the boot listener by
//! a MAC address, its UUID or its serial number. What it boots is a [`BootTarget`]: its own where it has
//! one, else that of the first [`Rule`] whose labels it has, else the default environment
//! ([`assigned`]). [`Once`] stands above all of these for one boot. A person can hold a machine by a
//! [`MachineLock`]; whatever it runs is compared with what it should by [`drift`].

mod assignment;
mod draft;
mod drift;
mod identity;
mod labels;
mod possession;
mod table;
mod target;
mod unregistered;

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

pub use self::{
    assignment::{
        Assigned, Because, LONGEST_RULES, MOST_RULES, MachineRules, Once, Rule, assigned,
        parse_rules, write_rules,
    },
    draft::{Fault, LONGEST_LOCATION, LONGEST_NOTE, MOST_MACS, MachineDraft, check_name},
    drift::{Drift, Running, drift},
    identity::{Identifier, InvalidMac, Mac, MachineUuid, serial},
    labels::{InvalidLabel, Labels, MOST_LABELS},
    possession::{LONGEST_LOCK_DAYS, LONGEST_PURPOSE, MachineLock, check_lock},
    table::{MOST_ROWS, MachineRow, RowFault, read_table, write_table},
    target::{BootTarget, InvalidTarget},
    unregistered::{Answer, Unregistered},
};
use crate::{ids::MachineId, job::words, time::Timestamp};

/// How a machine came to be known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum MachineState {
    /// It asked for something to boot, and nobody has said yet that it belongs here.
    Pending,
    /// A person registered or accepted it.
    Accepted,
}

words! {
    MachineState: "a state of a machine";
}

impl MachineState {
    /// All states.
    pub const ALL: [Self; 2] = [Self::Pending, Self::Accepted];

    /// The word in rows, pages and requests.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Accepted => "accepted",
        }
    }
}

/// What a machine's processor runs, as releases name it: by Debian's word.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Architecture {
    /// 64-bit x86.
    #[default]
    Amd64,
    /// 64-bit ARM.
    Arm64,
}

words! {
    Architecture: "an architecture";
}

impl Architecture {
    /// All architectures.
    pub const ALL: [Self; 2] = [Self::Amd64, Self::Arm64];

    /// Debian's word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Amd64 => "amd64",
            Self::Arm64 => "arm64",
        }
    }

    /// What a machine is whose iPXE was built for that (`${buildarch}`, <https://ipxe.org/cfg/buildarch>).
    /// A BIOS loads a 32-bit iPXE on 64-bit machines as well, so `i386` says nothing else.
    #[must_use]
    pub fn of_ipxe(buildarch: &str) -> Option<Self> {
        match buildarch {
            "i386" | "x86_64" => Some(Self::Amd64),
            "arm64" => Some(Self::Arm64),
            _ => None,
        }
    }
}

/// When and from where a machine was seen last at the boot listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// When, to a few minutes.
    pub at: Timestamp,
    /// Its address then, where that is known.
    pub address: Option<IpAddr>,
}

/// What people say of a machine.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// Addresses of its network cards, 1 to [`MOST_MACS`]; no other machine has one of them.
    pub macs: Vec<Mac>,
    /// Its SMBIOS UUID, where it has one of its own.
    pub uuid: Option<MachineUuid>,
    /// Its serial number, where it has one of its own.
    pub serial: Option<String>,
    /// What its processor runs.
    pub architecture: Architecture,
    /// By which rules find it.
    pub labels: Labels,
    /// Where it stands.
    pub location: String,
    /// Whatever else people should know.
    pub note: String,
}

/// A machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// Which one.
    pub id: MachineId,
    /// Its unique name, by which runs and plans call it.
    pub name: String,
    /// How it came to be known.
    pub state: MachineState,
    /// What people say of it.
    pub profile: Profile,
    /// Counts the changes of name and profile, from 1.
    pub revision: u32,
    /// What it boots; where absent, the rules say so.
    pub target: Option<BootTarget>,
    /// What it boots next, once.
    pub once: Option<Once>,
    /// Who has it, where somebody does; it may have run out.
    pub lock: Option<MachineLock>,
    /// What it booted last, by its own report.
    pub running: Option<Running>,
    /// When it was first seen at the boot listener.
    pub first_seen_at: Option<Timestamp>,
    /// When it was seen there last.
    pub last_seen: Option<Seen>,
    /// When it was registered or discovered.
    pub created_at: Timestamp,
    /// The name by which that person or part of the program went then.
    pub created_by: String,
}

impl Machine {
    /// Its lock, where that holds at `now`.
    #[must_use]
    pub fn locked(&self, now: Timestamp) -> Option<&MachineLock> {
        self.lock.as_ref().filter(|lock| lock.until > now)
    }

    /// What it boots, its next boot apart, and why.
    #[must_use]
    pub fn assigned(&self, rules: &[Rule], default_environment: &str) -> Assigned {
        assigned(self.target.as_ref(), &self.profile.labels, rules, default_environment)
    }
}

#[cfg(test)]
mod tests;
