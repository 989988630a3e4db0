//! What a machine runs beside what it should.

use serde::{Deserialize, Serialize};

use crate::{digest::Digest, time::Timestamp};

/// What a machine booted last, as it reported itself: shown, never evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Running {
    /// The manifest of the release or variant.
    pub manifest: Digest,
    /// The name by which that went then.
    pub name: String,
    /// Label of the boot entry.
    pub entry: String,
    /// When it booted.
    pub since: Timestamp,
}

/// How what a machine runs stands to what it should.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Drift {
    /// It has never reported a boot.
    Unknown,
    /// It runs what it should.
    None,
    /// It runs something else: its next boot ends that.
    Other,
    /// What it should boot is not there: its target serves nothing now.
    NothingToBoot,
}

/// Compares what a machine runs with the manifests of which its target serves something now.
#[must_use]
pub fn drift(running: Option<Digest>, should: &[Digest]) -> Drift {
    match running {
        _ if should.is_empty() => Drift::NothingToBoot,
        None => Drift::Unknown,
        Some(runs) if should.contains(&runs) => Drift::None,
        Some(_) => Drift::Other,
    }
}
