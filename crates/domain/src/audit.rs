//! The audit log: rows that are only ever appended, each with the hash of the one before.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;

use crate::{
    actor::Actor,
    canonical::{self, NotCanonical},
    digest::Digest,
    ids::PersonId,
    time::Timestamp,
};

/// What is to be written down about a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// When.
    pub at: Timestamp,
    /// Name of who did it.
    pub actor: String,
    /// Id of that person; `None` for the program itself.
    pub actor_id: Option<PersonId>,
    /// Where the request came from; `None` for the program itself.
    pub address: Option<String>,
    /// The request that it was done in.
    pub request: String,
    /// What was done, such as `recipe.save`.
    pub action: String,
    /// Kind of thing it was done to, such as `recipe`.
    pub subject_kind: String,
    /// Which thing.
    pub subject: String,
    /// What else there is to know.
    pub details: Value,
}

/// A row of the audit log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditRow {
    /// The change's number: gapless, from 1.
    pub sequence: i64,
    /// What was written down.
    pub entry: AuditEntry,
    /// Hash of the row before; empty for the first.
    pub previous_hash: String,
    /// Hash of this row.
    pub hash: Digest,
}

/// Where the audit log is not whole.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AuditFault {
    /// A number is missing: rows were removed.
    #[error("row {expected} is missing: the next is row {found}")]
    Missing {
        /// The number that should come.
        expected: i64,
        /// The number that comes.
        found: i64,
    },
    /// A row does not follow from the one before.
    #[error(
        "row {0} does not follow from the row before: one of the two was edited, inserted or replaced"
    )]
    Unchained(i64),
    /// A row's content does not give its hash.
    #[error("row {0} was edited: its content does not give its hash")]
    Edited(i64),
    /// Rows at the end are missing, or were added past the counter.
    #[error(
        "the log ends at row {found}, but {expected} changes were made: rows at its end were removed or added"
    )]
    Truncated {
        /// What the counter says.
        expected: i64,
        /// The last row.
        found: i64,
    },
    /// A row cannot be hashed at all.
    #[error("row {0} holds something that cannot be hashed")]
    Unreadable(i64),
}

impl AuditEntry {
    /// What `actor` did at `at`; the token by which it was asked for, where there was one, is added
    /// to the details.
    #[must_use]
    pub fn new(
        at: Timestamp,
        actor: &Actor,
        action: &str,
        subject_kind: &str,
        subject: String,
        mut details: Value,
    ) -> Self {
        if let (Some(token), Some(details)) = (&actor.token, details.as_object_mut()) {
            details.insert("token".to_owned(), Value::String(token.to_string()));
        }
        Self {
            at,
            actor: actor.name().to_owned(),
            actor_id: actor.person().cloned(),
            address: actor.address.map(|address| address.to_string()),
            request: actor.request.clone(),
            action: action.to_owned(),
            subject_kind: subject_kind.to_owned(),
            subject,
            details,
        }
    }

    /// The hash of this entry as row `sequence` after `previous_hash`.
    ///
    /// # Errors
    /// As [`canonical::digest`].
    pub fn hash(&self, sequence: i64, previous_hash: &str) -> Result<Digest, NotCanonical> {
        canonical::digest(&(sequence, self, previous_hash))
    }
}

/// Checks a chain row by row, so that the whole log never stands in memory.
#[derive(Debug, Clone, Default)]
pub struct AuditVerifier {
    sequence: i64,
    hash: String,
}

impl AuditVerifier {
    /// Checks the next row.
    ///
    /// # Errors
    /// The fault, where this row or the one before was tampered with.
    pub fn check(&mut self, row: &AuditRow) -> Result<(), AuditFault> {
        let expected = self.sequence + 1;
        if row.sequence != expected {
            return Err(AuditFault::Missing { expected, found: row.sequence });
        }
        if row.previous_hash != self.hash {
            return Err(AuditFault::Unchained(row.sequence));
        }
        let hash = row
            .entry
            .hash(row.sequence, &row.previous_hash)
            .map_err(|_| AuditFault::Unreadable(row.sequence))?;
        if hash != row.hash {
            return Err(AuditFault::Edited(row.sequence));
        }
        self.sequence = row.sequence;
        self.hash = hash.to_string();
        Ok(())
    }

    /// Checks that the log ends where the counter says.
    ///
    /// # Errors
    /// [`AuditFault::Truncated`], or [`AuditFault::Unchained`] where the last row was replaced.
    pub fn finish(self, sequence: i64, hash: &str) -> Result<(), AuditFault> {
        if self.sequence != sequence {
            return Err(AuditFault::Truncated { expected: sequence, found: self.sequence });
        }
        if self.hash == hash { Ok(()) } else { Err(AuditFault::Unchained(sequence)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(length: i64) -> Vec<AuditRow> {
        let mut previous_hash = String::new();
        (1..=length)
            .map(|sequence| {
                let entry = AuditEntry::new(
                    Timestamp(sequence),
                    &Actor::command_line(),
                    "test.do",
                    "test",
                    sequence.to_string(),
                    serde_json::json!({ "b": 1, "a": "ä" }),
                );
                let hash = entry.hash(sequence, &previous_hash).unwrap();
                let previous = std::mem::replace(&mut previous_hash, hash.to_string());
                AuditRow { sequence, entry, previous_hash: previous, hash }
            })
            .collect()
    }

    fn verify(rows: &[AuditRow], sequence: i64, hash: &str) -> Result<(), AuditFault> {
        let mut verifier = AuditVerifier::default();
        rows.iter().try_for_each(|row| verifier.check(row))?;
        verifier.finish(sequence, hash)
    }

    #[test]
    fn a_whole_chain_is_whole_and_every_tampering_is_found() {
        let rows = chain(5);
        let head = rows[4].hash.to_string();
        assert_eq!(verify(&rows, 5, &head), Ok(()));

        for index in 0..5 {
            let mut edited = rows.clone();
            edited[index].entry.actor = "mallory".to_owned();
            assert_eq!(verify(&edited, 5, &head), Err(AuditFault::Edited(index as i64 + 1)));
            let mut rehashed = edited.clone();
            rehashed[index].hash = rehashed[index]
                .entry
                .hash(rehashed[index].sequence, &rehashed[index].previous_hash)
                .unwrap();
            assert!(verify(&rehashed, 5, &head).is_err());
            let mut removed = rows.clone();
            removed.remove(index);
            assert!(verify(&removed, 5, &head).is_err());
            let mut inserted = rows.clone();
            inserted.insert(index, rows[index].clone());
            assert!(verify(&inserted, 5, &head).is_err());
        }
    }
}
