//! The audit log and the one gapless sequence that every change takes its number from.

use domain::{
    audit::{AuditEntry, AuditRow, AuditVerifier},
    digest::Digest,
    ids::PersonId,
    page::{Cursor, Page, Slice},
};
use sqlx::any::AnyRow;

use crate::{
    Rows, StoreError, WriteTx,
    columns::{json, number, optional_text, parsed, text, time, to_json},
};

/// Which rows a list shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Only what whoever goes by this name did.
    pub actor: Option<String>,
    /// Only this action, such as `recipe.save`.
    pub action: Option<String>,
    /// Only what was done to this kind of thing.
    pub subject_kind: Option<String>,
    /// Only what was done to the thing of this id.
    pub subject: Option<String>,
}

fn audit_row(row: &AnyRow) -> Result<AuditRow, StoreError> {
    Ok(AuditRow {
        sequence: number(row, "sequence")?,
        entry: AuditEntry {
            at: time(row, "at")?,
            actor: text(row, "actor")?,
            actor_id: optional_text(row, "actor_id")?.map(PersonId),
            address: optional_text(row, "address")?,
            request: text(row, "request")?,
            action: text(row, "action")?,
            subject_kind: text(row, "subject_kind")?,
            subject: text(row, "subject")?,
            details: json(row, "details")?,
        },
        previous_hash: text(row, "previous_hash")?,
        hash: parsed(row, "hash")?,
    })
}

impl Rows {
    /// The number of the last change.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn sequence(&mut self) -> Result<i64, StoreError> {
        let row = sqlx::query("select sequence from head where id = 1")
            .fetch_one(self.connection())
            .await
            .map_err(StoreError::database("reading the sequence"))?;
        number(&row, "sequence")
    }

    /// A page of audit rows, newest first.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn audit_page(
        &mut self,
        filter: &AuditFilter,
        slice: &Slice,
    ) -> Result<Page<AuditRow>, StoreError> {
        let (below, _) = slice.below();
        let read = sqlx::query(
            "select sequence, at, actor, actor_id, address, request, action, subject_kind, subject,
                    details, previous_hash, hash
             from audit
             where sequence < $1 and ($2 = '' or actor = $2) and ($3 = '' or action = $3)
               and ($4 = '' or subject_kind = $4) and ($5 = '' or subject = $5)
             order by sequence desc limit $6",
        )
        .bind(below)
        .bind(filter.actor.as_deref().unwrap_or_default())
        .bind(filter.action.as_deref().unwrap_or_default())
        .bind(filter.subject_kind.as_deref().unwrap_or_default())
        .bind(filter.subject.as_deref().unwrap_or_default())
        .bind(i64::from(slice.limit) + 1)
        .fetch_all(self.connection())
        .await
        .map_err(StoreError::database("reading the audit log"))?
        .iter()
        .map(audit_row)
        .collect::<Result<_, _>>()?;
        Ok(Page::of(read, slice, |it: &AuditRow| Cursor {
            number: it.sequence,
            name: String::new(),
        }))
    }

    /// Audit rows, oldest first, that come after `after`: for whoever follows the sequence.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn audit_rows_after(
        &mut self,
        after: i64,
        limit: u32,
    ) -> Result<Vec<AuditRow>, StoreError> {
        sqlx::query(
            "select sequence, at, actor, actor_id, address, request, action, subject_kind, subject,
                    details, previous_hash, hash
             from audit where sequence > $1 order by sequence limit $2",
        )
        .bind(after)
        .bind(i64::from(limit))
        .fetch_all(self.connection())
        .await
        .map_err(StoreError::database("reading the audit log"))?
        .iter()
        .map(audit_row)
        .collect()
    }

    /// The last row of each thing of a kind that no row with the action `end` tells the end of.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn audit_rows_without_end(
        &mut self,
        subject_kind: &str,
        end: &str,
    ) -> Result<Vec<AuditRow>, StoreError> {
        sqlx::query(
            "select sequence, at, actor, actor_id, address, request, action, subject_kind, subject,
                    details, previous_hash, hash
             from audit
             where subject_kind = $1
               and sequence = (select max(later.sequence) from audit later
                               where later.subject_kind = $1 and later.subject = audit.subject)
               and not exists (select 1 from audit ended
                               where ended.subject_kind = $1 and ended.subject = audit.subject
                                 and ended.action = $2)
             order by sequence",
        )
        .bind(subject_kind)
        .bind(end)
        .fetch_all(self.connection())
        .await
        .map_err(StoreError::database("reading what has not ended"))?
        .iter()
        .map(audit_row)
        .collect()
    }

    /// Checks the whole chain, also while others append to it; gives how many rows there are and
    /// the hash of the last.
    ///
    /// # Errors
    /// [`StoreError::Audit`] with the first fault.
    pub async fn verify_audit(&mut self) -> Result<(i64, String), StoreError> {
        const BATCH: u32 = 1000;
        let mut verifier = AuditVerifier::default();
        let mut last = 0;
        loop {
            // The head before the rows: then no row is missing that the head counts, and where no
            // row is left, the head is that of the last.
            let head = sqlx::query("select sequence, hash from head where id = 1")
                .fetch_one(self.connection())
                .await
                .map_err(StoreError::database("reading the sequence"))?;
            let rows = self.audit_rows_after(last, BATCH).await?;
            let Some(newest) = rows.last() else {
                let (sequence, hash) = (number(&head, "sequence")?, text(&head, "hash")?);
                verifier.finish(sequence, &hash)?;
                return Ok((sequence, hash));
            };
            last = newest.sequence;
            for row in &rows {
                verifier.check(row)?;
            }
        }
    }
}

impl WriteTx {
    /// Appends the audit row of a change; gives the change's number in the one sequence. Taking the
    /// number also makes changes wait for each other, which keeps the chain one chain.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn record(&mut self, entry: &AuditEntry) -> Result<i64, StoreError> {
        let head = sqlx::query(
            "update head set sequence = sequence + 1 where id = 1 returning sequence, hash",
        )
        .fetch_one(self.connection())
        .await
        .map_err(StoreError::database("taking a number"))?;
        let (sequence, previous_hash) = (number(&head, "sequence")?, text(&head, "hash")?);
        let hash: Digest = entry.hash(sequence, &previous_hash)?;
        sqlx::query("update head set hash = $1 where id = 1")
            .bind(hash.to_string())
            .execute(self.connection())
            .await
            .map_err(StoreError::database("moving the head"))?;
        sqlx::query(
            "insert into audit (sequence, at, actor, actor_id, address, request, action,
                                subject_kind, subject, details, previous_hash, hash)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        )
        .bind(sequence)
        .bind(entry.at.0)
        .bind(&entry.actor)
        .bind(entry.actor_id.as_ref().map(PersonId::as_str))
        .bind(entry.address.as_deref())
        .bind(&entry.request)
        .bind(&entry.action)
        .bind(&entry.subject_kind)
        .bind(&entry.subject)
        .bind(to_json(&entry.details)?)
        .bind(previous_hash)
        .bind(hash.to_string())
        .execute(self.connection())
        .await
        .map_err(StoreError::database("appending to the audit log"))?;
        Ok(sequence)
    }

    /// Makes writers wait for each other from the start of their transactions.
    pub(crate) async fn lock_head(&mut self) -> Result<(), StoreError> {
        // Locking the table takes no snapshot yet, so what is read afterwards is what the writer
        // before has committed.
        sqlx::query("lock table head in exclusive mode")
            .execute(self.connection())
            .await
            .map(|_| ())
            .map_err(StoreError::database("waiting for its turn"))
    }
}
