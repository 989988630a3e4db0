//! Locks of machines: who has one, what for, and until when.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Fault;
use crate::{ids::PersonId, time::Timestamp};

/// For how many days from now a machine can be locked.
pub const LONGEST_LOCK_DAYS: u32 = 30;
/// The longest purpose, in characters.
pub const LONGEST_PURPOSE: usize = 200;

/// A person's hold on a machine: nobody else changes it until it ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MachineLock {
    /// Whose it is.
    pub owner_id: PersonId,
    /// The name by which that person goes.
    pub owner: String,
    /// What for.
    pub purpose: String,
    /// Since when.
    pub since: Timestamp,
    /// When it ends by itself.
    pub until: Timestamp,
}

/// Whether a machine can be locked for that purpose until then.
///
/// # Errors
/// Every fault.
pub fn check_lock(purpose: &str, until: Timestamp, now: Timestamp) -> Result<(), Vec<Fault>> {
    let mut faults = Vec::new();
    let purpose = purpose.trim();
    if !(1..=LONGEST_PURPOSE).contains(&purpose.chars().count())
        || purpose.chars().any(char::is_control)
    {
        let message =
            format!("say what for, on one line of {LONGEST_PURPOSE} characters at the most");
        faults.push(Fault { field: "purpose", message });
    }
    let last = now.plus(Duration::from_secs(u64::from(LONGEST_LOCK_DAYS) * 24 * 3600));
    if until <= now || until > last {
        let message = format!(
            "a lock ends in the future, {LONGEST_LOCK_DAYS} days from now at the most; it can be extended"
        );
        faults.push(Fault { field: "until", message });
    }
    if faults.is_empty() { Ok(()) } else { Err(faults) }
}
