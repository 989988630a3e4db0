//! The boot listener's book of machines, brought up to the store.
//!
//! Every change of a machine has a row in the audit log, whose numbers have no gap. So whoever keeps a book
//! remembers the number up to which it is right, and reads again what later rows name: after each
//! commit of this process, and some times a second for what others commit.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use domain::{
    audit::AuditRow,
    environment::PRODUCTION,
    error_chain::chain,
    ids::MachineId,
    machine::{BootTarget, MachineState, Rule, assigned},
};
use netboot::{BookedMachine, BookedOnce, MachineBook};
use store::{Rows, machines::BootRow};
use tokio::sync::watch;

use super::{MACHINE, MACHINES};
use crate::{Services, error::ServiceError};

/// How often changes of other processes are looked for: they are served within a second.
const ROUND: Duration = Duration::from_millis(500);
/// After how many rounds what was seen at the boot listener is written down.
const ROUNDS_TO_NOTE: u32 = 4;
/// How many rows of the log, and how many machines, are read at a time.
const BATCH: u32 = 2000;
/// From how many changes on all machines are read again.
const MOST_CHANGES: i64 = 10_000;

/// How far the book follows the store.
#[derive(Debug, Default)]
pub(crate) struct Followed {
    /// The number of the last change that it shows; `None` before it was filled.
    sequence: Option<i64>,
    rules: Arc<Vec<Rule>>,
}

impl Services {
    /// Keeps the boot listener's machines up to the store, and writes down who was seen there, until the
    /// server ends.
    pub async fn keep_machines(self, mut stopping: watch::Receiver<bool>) {
        for round in 1_u32.. {
            tokio::select! {
                () = tokio::time::sleep(ROUND) => {}
                _ = stopping.changed() => return,
            }
            if let Err(error) = self.refresh_machines().await {
                tracing::error!(error = %chain(&error), "changes of machines are not served yet");
            }
            if round.is_multiple_of(ROUNDS_TO_NOTE)
                && let Err(error) = self.note_sightings().await
            {
                tracing::error!(error = %chain(&error), "who was seen was not written down");
            }
        }
    }

    /// Brings the boot listener's machines up to what is committed. Whatever changes a machine calls this
    /// after its commit and before it answers, so that who was told of a change sees it served.
    pub(crate) async fn refresh_machines(&self) -> Result<(), ServiceError> {
        let mut followed = self.followed().lock().await;
        let mut rows = self.read().await?;
        // Before the rows: what is committed meanwhile is read again next time.
        let head = rows.sequence().await?;
        match followed.sequence {
            Some(shown) if shown >= head => {}
            Some(shown) if head - shown <= MOST_CHANGES => match changed(&mut rows, shown).await? {
                Some(ids) => self.read_machines(&mut rows, &ids, &followed.rules).await?,
                None => followed.rules = self.read_all_machines(&mut rows).await?,
            },
            _ => followed.rules = self.read_all_machines(&mut rows).await?,
        }
        followed.sequence = Some(head);
        Ok(())
    }

    /// Brings one machine up to what is committed, where the sequence says nothing of the change.
    pub(crate) async fn show_machine(&self, id: &MachineId) -> Result<(), ServiceError> {
        let followed = self.followed().lock().await;
        let mut rows = self.read().await?;
        self.read_machines(&mut rows, std::slice::from_ref(id), &followed.rules).await
    }

    async fn read_machines(
        &self,
        rows: &mut Rows,
        ids: &[MachineId],
        rules: &[Rule],
    ) -> Result<(), ServiceError> {
        if ids.is_empty() {
            return Ok(());
        }
        let mut read = Vec::with_capacity(ids.len());
        for id in ids {
            read.push((id, rows.boot_row(id).await?));
        }
        self.boot_listener().machines().change(|book| {
            for (id, row) in read {
                match row {
                    Some(row) => book.put(booked(row, rules)),
                    None => book.remove(id),
                }
            }
        });
        Ok(())
    }

    async fn read_all_machines(&self, rows: &mut Rows) -> Result<Arc<Vec<Rule>>, ServiceError> {
        let rules = rows.machine_rules().await?.rules;
        let unregistered = rows.unregistered().await?;
        let mut book = MachineBook::default();
        book.unregistered = unregistered;
        let mut after = String::new();
        loop {
            let batch = rows.boot_rows(&after, BATCH).await?;
            let Some(last) = batch.last() else { break };
            after.clone_from(&last.name);
            for row in batch {
                book.put(booked(row, &rules));
            }
        }
        self.boot_listener().machines().swap(book);
        Ok(Arc::new(rules))
    }
}

/// The machines that changed after a number of the sequence; `None` where that may be all of them.
async fn changed(rows: &mut Rows, shown: i64) -> Result<Option<Vec<MachineId>>, ServiceError> {
    let (mut ids, mut after) = (BTreeSet::new(), shown);
    loop {
        let batch = rows.audit_rows_after(after, BATCH).await?;
        let Some(last) = batch.last() else { return Ok(Some(ids.into_iter().collect())) };
        after = last.sequence;
        for row in &batch {
            match row.entry.subject_kind.as_str() {
                MACHINES => return Ok(None),
                MACHINE => {
                    let Some(id) = id_of(row) else { return Ok(None) };
                    ids.insert(id);
                }
                _ => {}
            }
        }
    }
}

fn id_of(row: &AuditRow) -> Option<MachineId> {
    row.entry.details.get("id")?.as_str().map(MachineId::from)
}

fn booked(row: BootRow, rules: &[Rule]) -> BookedMachine {
    let target: BootTarget = assigned(row.target.as_ref(), &row.labels, rules, PRODUCTION).target;
    let once =
        row.once.map(|(id, target, entry)| BookedOnce { id, target: Arc::new(target), entry });
    BookedMachine {
        name: row.name,
        pending: row.state == MachineState::Pending,
        macs: row.macs,
        uuid: row.uuid,
        serial: row.serial,
        once,
        running: row.running,
        ..BookedMachine::new(row.id, Arc::new(target), row.last_seen_at)
    }
}
