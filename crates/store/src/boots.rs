//! Boots of machines, and the events of each.

use domain::{
    boot::{Boot, BootEvent, BootState, Booted, TracedBoot},
    ids::{BootId, MachineId},
    machine::BootTarget,
    page::{Cursor, Page, Slice},
    run::FailureClass,
    time::Timestamp,
};

use crate::{
    Rows, StoreError, WriteTx,
    columns::{
        Columns, count, exactly_one, foreign, json, number, optional_number, optional_parsed,
        optional_text, parsed, text, time, to_json,
    },
};

/// Which boots a list shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BootFilter {
    /// Only those of this machine.
    pub machine: Option<MachineId>,
    /// Only those that stand so.
    pub state: Option<BootState>,
    /// Only those of the release or variant of this name.
    pub release: Option<String>,
}

/// What a list reads of a boot: everything but its events.
macro_rules! listed {
    ($rest:literal) => {
        concat!(
            "select number, id, machine_id, machine, address, target_kind, target, manifest, release,
                    entry, state, step, reason, class, bytes, retries, started_at, last_at, took_us
             from boot ",
            $rest
        )
    };
}

fn boot(row: &impl Columns) -> Result<Boot, StoreError> {
    let (kind, target) = (text(row, "target_kind")?, text(row, "target")?);
    let booted = match (optional_parsed(row, "manifest")?, optional_text(row, "release")?) {
        (Some(manifest), Some(name)) => Some(Booted { manifest, name }),
        _ => None,
    };
    Ok(Boot {
        number: number(row, "number")?,
        machine_id: MachineId(text(row, "machine_id")?),
        machine: text(row, "machine")?,
        address: optional_parsed(row, "address")?,
        target: BootTarget::new(&kind, &target).map_err(|_| foreign("target", &target))?,
        booted,
        entry: text(row, "entry")?,
        state: parsed(row, "state")?,
        step: parsed(row, "step")?,
        reason: text(row, "reason")?,
        class: optional_parsed(row, "class")?,
        bytes: u64::try_from(number(row, "bytes")?).unwrap_or(0),
        retries: count(row, "retries")?,
        started_at: time(row, "started_at")?,
        last_at: time(row, "last_at")?,
        took_us: optional_number(row, "took_us")?,
    })
}

fn traced(row: &impl Columns) -> Result<TracedBoot, StoreError> {
    Ok(TracedBoot { boot: boot(row)?, events: json(row, "events")? })
}

impl Rows {
    /// A page of boots, the newest first.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn boots_page(
        &mut self,
        filter: &BootFilter,
        slice: &Slice,
    ) -> Result<Page<Boot>, StoreError> {
        let (machine, release) = (filter.machine.as_ref(), filter.release.as_deref());
        // Each is read in the order of the index that finds the fewest.
        let query = match (machine, release) {
            (Some(_), _) => sqlx::query(listed!(
                "where machine_id = $2 and number < $1 and ($3 = '' or release = $3)
                   and ($4 = '' or state = $4)
                 order by machine_id desc, number desc limit $5"
            )),
            (None, Some(_)) => sqlx::query(listed!(
                "where release = $3 and number < $1 and ($2 = '' or machine_id = $2)
                   and ($4 = '' or state = $4)
                 order by release desc, number desc limit $5"
            )),
            (None, None) => sqlx::query(listed!(
                "where number < $1 and ($2 = '' or machine_id = $2) and ($3 = '' or release = $3)
                   and ($4 = '' or state = $4)
                 order by number desc limit $5"
            )),
        };
        let read = query
            .bind(slice.below().0)
            .bind(machine.map_or("", MachineId::as_str))
            .bind(release.unwrap_or_default())
            .bind(filter.state.map_or("", BootState::word))
            .bind(i64::from(slice.limit) + 1)
            .fetch_all(self.connection())
            .await
            .map_err(StoreError::database("listing boots"))?
            .iter()
            .map(boot)
            .collect::<Result<_, _>>()?;
        Ok(Page::of(read, slice, |it: &Boot| Cursor { number: it.number, name: String::new() }))
    }

    /// A boot by its number, with its events.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn boot(&mut self, number: i64) -> Result<Option<TracedBoot>, StoreError> {
        sqlx::query("select * from boot where number = $1")
            .bind(number)
            .fetch_optional(self.connection())
            .await
            .map_err(StoreError::database("looking a boot up"))?
            .as_ref()
            .map(traced)
            .transpose()
    }

    /// A boot by what its token knows it by, with its events.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn boot_by_id(&mut self, id: &BootId) -> Result<Option<TracedBoot>, StoreError> {
        sqlx::query("select * from boot where id = $1")
            .bind(id.as_str())
            .fetch_optional(self.connection())
            .await
            .map_err(StoreError::database("looking a boot up"))?
            .as_ref()
            .map(traced)
            .transpose()
    }

    /// The boots that ended early since then, the last first, at most `limit`.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn boots_failed_since(
        &mut self,
        since: Timestamp,
        limit: u32,
    ) -> Result<Vec<Boot>, StoreError> {
        sqlx::query(listed!(
            "where state in ('failed', 'silent') and last_at >= $1
             order by last_at desc, number desc limit $2"
        ))
        .bind(since.0)
        .bind(i64::from(limit))
        .fetch_all(self.connection())
        .await
        .map_err(StoreError::database("looking for boots that ended early"))?
        .iter()
        .map(boot)
        .collect()
    }

    /// The boots of which nothing was heard after `before` and that are said to be under way, at most `limit`.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn boots_left_alone(
        &mut self,
        before: Timestamp,
        limit: u32,
    ) -> Result<Vec<TracedBoot>, StoreError> {
        sqlx::query(
            "select * from boot where state = 'under-way' and last_at <= $1
             order by last_at limit $2",
        )
        .bind(before.0)
        .bind(i64::from(limit))
        .fetch_all(self.connection())
        .await
        .map_err(StoreError::database("looking for boots that went silent"))?
        .iter()
        .map(traced)
        .collect()
    }

    /// What was booted and how long that took, of the newest boots that came up: at most `limit`, the newest
    /// first; of one machine where that is given.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn boot_times(
        &mut self,
        machine: Option<&MachineId>,
        limit: u32,
    ) -> Result<Vec<(String, i64)>, StoreError> {
        let query = match machine {
            Some(machine) => sqlx::query(
                "select release, took_us from boot
                 where machine_id = $2 and took_us is not null and release is not null
                 order by machine_id desc, number desc limit $1",
            )
            .bind(i64::from(limit))
            .bind(machine.as_str()),
            None => sqlx::query(
                "select release, took_us from boot
                 where took_us is not null and release is not null
                 order by number desc limit $1",
            )
            .bind(i64::from(limit)),
        };
        query
            .fetch_all(self.connection())
            .await
            .map_err(StoreError::database("reading how long boots took"))?
            .iter()
            .map(|row| Ok((text(row, "release")?, number(row, "took_us")?)))
            .collect()
    }
}

impl WriteTx {
    /// Adds a boot, whose number is given by the store: that of `boot` says nothing.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn insert_boot(
        &mut self,
        id: &BootId,
        boot: &Boot,
        events: &[BootEvent],
    ) -> Result<i64, StoreError> {
        let row = sqlx::query(
            "insert into boot (id, machine_id, machine, address, target_kind, target, manifest,
                               release, entry, state, step, reason, class, bytes, retries,
                               started_at, last_at, took_us, events)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17,
                     $18, $19)
             returning number",
        )
        .bind(id.as_str())
        .bind(boot.machine_id.as_str())
        .bind(&boot.machine)
        .bind(boot.address.map(|it| it.to_string()))
        .bind(boot.target.kind())
        .bind(boot.target.name())
        .bind(boot.booted.as_ref().map(|it| it.manifest.to_string()))
        .bind(boot.booted.as_ref().map(|it| it.name.as_str()))
        .bind(&boot.entry)
        .bind(boot.state.word())
        .bind(boot.step.word())
        .bind(&boot.reason)
        .bind(boot.class.map(FailureClass::word))
        .bind(i64::try_from(boot.bytes).unwrap_or(i64::MAX))
        .bind(i64::from(boot.retries))
        .bind(boot.started_at.0)
        .bind(boot.last_at.0)
        .bind(boot.took_us)
        .bind(to_json(&events)?)
        .fetch_one(self.connection())
        .await
        .map_err(StoreError::database("adding a boot"))?;
        number(&row, "number")
    }

    /// Writes what is known of a boot now.
    ///
    /// # Errors
    /// [`StoreError::Changed`] where there is none of that number.
    pub async fn update_boot(
        &mut self,
        boot: &Boot,
        events: &[BootEvent],
    ) -> Result<(), StoreError> {
        sqlx::query(
            "update boot set address = $1, manifest = $2, release = $3, entry = $4, state = $5,
                    step = $6, reason = $7, class = $8, bytes = $9, retries = $10, last_at = $11,
                    took_us = $12, events = $13
             where number = $14",
        )
        .bind(boot.address.map(|it| it.to_string()))
        .bind(boot.booted.as_ref().map(|it| it.manifest.to_string()))
        .bind(boot.booted.as_ref().map(|it| it.name.as_str()))
        .bind(&boot.entry)
        .bind(boot.state.word())
        .bind(boot.step.word())
        .bind(&boot.reason)
        .bind(boot.class.map(FailureClass::word))
        .bind(i64::try_from(boot.bytes).unwrap_or(i64::MAX))
        .bind(i64::from(boot.retries))
        .bind(boot.last_at.0)
        .bind(boot.took_us)
        .bind(to_json(&events)?)
        .bind(boot.number)
        .execute(self.connection())
        .await
        .map_err(StoreError::database("writing what is known of a boot"))
        .and_then(|done| exactly_one(&done, "boot"))
    }

    /// Removes the boots of a machine but its newest `keep`; how many that were.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn prune_boots(&mut self, machine: &MachineId, keep: u32) -> Result<u64, StoreError> {
        sqlx::query(
            "delete from boot where machine_id = $1 and number <=
                (select number from boot where machine_id = $1
                 order by machine_id desc, number desc limit 1 offset $2)",
        )
        .bind(machine.as_str())
        .bind(i64::from(keep))
        .execute(self.connection())
        .await
        .map(|done| done.rows_affected())
        .map_err(StoreError::database("removing old boots of a machine"))
    }
}
