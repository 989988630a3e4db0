//! Machines: here they are read; [`mod@changing`] writes them, [`mod@rules`] keeps what machines of certain
//! labels boot.

mod changing;
mod rules;

use domain::{
    digest::Digest,
    ids::{BootOnceId, MachineId, PersonId},
    machine::{
        BootTarget, Identifier, Labels, Mac, Machine, MachineLock, MachineState, Once, Profile,
        Running, Seen,
    },
    page::{Cursor, Page, Slice},
    time::Timestamp,
};

use crate::{
    Rows, StoreError,
    columns::{
        Columns, containing, count, foreign, json, number, optional_parsed, optional_text,
        optional_time, parsed, text, time,
    },
    packed::packed,
};

pub use self::changing::Sighted;

/// Which machines a list shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MachineFilter {
    /// Only those that have this in their name, MAC addresses, UUID, serial number or location.
    pub words: Option<String>,
    /// Only those with this label, by key and value.
    pub label: Option<(String, String)>,
    /// Only those that came to be known so.
    pub state: Option<MachineState>,
    /// Only those with this as a target of their own.
    pub target: Option<BootTarget>,
}

/// What a machine must have to be served: all that the boot listener keeps in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BootRow {
    /// Which machine.
    pub id: MachineId,
    /// Its name.
    pub name: String,
    /// How it came to be known.
    pub state: MachineState,
    /// Its cards.
    pub macs: Vec<Mac>,
    /// Its UUID.
    pub uuid: Option<domain::machine::MachineUuid>,
    /// Its serial number.
    pub serial: Option<String>,
    /// By which rules find it.
    pub labels: Labels,
    /// Its own target.
    pub target: Option<BootTarget>,
    /// What it boots next: the order, the target and the entry.
    pub once: Option<(BootOnceId, BootTarget, Option<String>)>,
    /// The manifest that it booted last, by its own report.
    pub running: Option<Digest>,
    /// When it was seen last.
    pub last_seen_at: Option<Timestamp>,
}

fn target(
    row: &impl Columns,
    kind: &'static str,
    name: &'static str,
) -> Result<Option<BootTarget>, StoreError> {
    let (Some(word), Some(named)) = (row.optional_text(kind)?, row.optional_text(name)?) else {
        return Ok(None);
    };
    BootTarget::new(word, named).map(Some).map_err(|_| foreign(name, named))
}

fn macs(row: &impl Columns) -> Result<Vec<Mac>, StoreError> {
    let all = row.optional_text("macs")?.unwrap_or_default();
    all.split_whitespace().map(|mac| mac.parse().map_err(|_| foreign("macs", mac))).collect()
}

fn machine(row: &impl Columns) -> Result<Machine, StoreError> {
    let once =
        match (optional_text(row, "once_id")?, target(row, "once_target_kind", "once_target")?) {
            (Some(id), Some(target)) => Some(Once {
                id: BootOnceId(id),
                target,
                entry: optional_text(row, "once_entry")?,
                asked_by: text(row, "once_asked_by")?,
                asked_at: time(row, "once_asked_at")?,
                boot: optional_text(row, "once_boot")?,
            }),
            _ => None,
        };
    let lock = match optional_time(row, "lock_until")? {
        Some(until) => Some(MachineLock {
            owner_id: PersonId(text(row, "lock_owner_id")?),
            owner: text(row, "lock_owner")?,
            purpose: text(row, "lock_purpose")?,
            since: time(row, "lock_since")?,
            until,
        }),
        None => None,
    };
    let running = match optional_parsed(row, "running_manifest")? {
        Some(manifest) => Some(Running {
            manifest,
            name: text(row, "running_name")?,
            entry: text(row, "running_entry")?,
            since: time(row, "running_since")?,
        }),
        None => None,
    };
    let last_seen = match optional_time(row, "last_seen_at")? {
        Some(at) => Some(Seen { at, address: optional_parsed(row, "last_seen_address")? }),
        None => None,
    };
    Ok(Machine {
        id: MachineId(text(row, "id")?),
        name: text(row, "name")?,
        state: parsed(row, "state")?,
        profile: Profile {
            macs: macs(row)?,
            uuid: optional_parsed(row, "uuid")?,
            serial: optional_text(row, "serial")?,
            architecture: parsed(row, "architecture")?,
            labels: json(row, "labels")?,
            location: text(row, "location")?,
            note: text(row, "note")?,
        },
        revision: count(row, "revision")?,
        target: target(row, "target_kind", "target")?,
        once,
        lock,
        running,
        first_seen_at: optional_time(row, "first_seen_at")?,
        last_seen,
        created_at: time(row, "created_at")?,
        created_by: text(row, "created_by")?,
    })
}

fn boot_row(row: &impl Columns) -> Result<BootRow, StoreError> {
    let once =
        match (optional_text(row, "once_id")?, target(row, "once_target_kind", "once_target")?) {
            (Some(id), Some(target)) => {
                Some((BootOnceId(id), target, optional_text(row, "once_entry")?))
            }
            _ => None,
        };
    Ok(BootRow {
        id: MachineId(text(row, "id")?),
        name: text(row, "name")?,
        state: parsed(row, "state")?,
        macs: macs(row)?,
        uuid: optional_parsed(row, "uuid")?,
        serial: optional_text(row, "serial")?,
        labels: json(row, "labels")?,
        target: target(row, "target_kind", "target")?,
        once,
        running: optional_parsed(row, "running_manifest")?,
        last_seen_at: optional_time(row, "last_seen_at")?,
    })
}

impl Rows {
    /// A page of machines, by name.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn machines_page(
        &mut self,
        filter: &MachineFilter,
        slice: &Slice,
    ) -> Result<Page<Machine>, StoreError> {
        let words = filter.words.as_deref().map(str::to_lowercase);
        let (kind, target) = filter.target.as_ref().map_or(("", ""), |it| (it.kind(), it.name()));
        // Those of a label are few or many: they come in order from its own index.
        let query = match &filter.label {
            None => sqlx::query(
                "select * from machine_with_once
                 where name in (select name from machine
                                where name > $1 and search like $2 escape '!'
                                  and ($3 = '' or state = $3)
                                  and ($4 = '' or (target_kind = $4 and target = $5))
                                order by name limit $6)
                 order by name",
            ),
            Some(_) => sqlx::query(
                "select * from machine_with_once
                 where name in (select m.name from machine_label l
                                join machine m on m.name = l.name
                                where l.key = $7 and l.value = $8
                                  and l.name > $1 and m.search like $2 escape '!'
                                  and ($3 = '' or m.state = $3)
                                  and ($4 = '' or (m.target_kind = $4 and m.target = $5))
                                order by l.name limit $6)
                 order by name",
            ),
        };
        let mut query = query
            .bind(slice.after.as_ref().map_or("", |after| &after.name))
            .bind(containing(words.as_deref()))
            .bind(filter.state.map_or("", MachineState::word))
            .bind(kind)
            .bind(target)
            .bind(i64::from(slice.limit) + 1);
        if let Some((key, value)) = &filter.label {
            query = query.bind(key).bind(value);
        }
        let read = query
            .fetch_all(self.connection())
            .await
            .map_err(StoreError::database("listing machines"))?
            .iter()
            .map(machine)
            .collect::<Result<_, _>>()?;
        Ok(Page::of(read, slice, |it: &Machine| Cursor { number: 0, name: it.name.clone() }))
    }

    /// The machine of that name.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn machine(&mut self, name: &str) -> Result<Option<Machine>, StoreError> {
        sqlx::query("select * from machine_with_once where name = $1")
            .bind(name)
            .fetch_optional(self.connection())
            .await
            .map_err(StoreError::database("looking a machine up"))?
            .as_ref()
            .map(machine)
            .transpose()
    }

    /// The machine of that id.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn machine_by_id(&mut self, id: &MachineId) -> Result<Option<Machine>, StoreError> {
        sqlx::query("select * from machine_with_once where id = $1")
            .bind(id.as_str())
            .fetch_optional(self.connection())
            .await
            .map_err(StoreError::database("looking a machine up"))?
            .as_ref()
            .map(machine)
            .transpose()
    }

    /// The name of the machine that is known by that, where one is.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn machine_known_by(
        &mut self,
        identifier: &Identifier,
    ) -> Result<Option<(MachineId, String)>, StoreError> {
        let query = match identifier {
            Identifier::Mac(mac) => sqlx::query(
                "select m.id, m.name from machine_mac a join machine m on m.id = a.machine_id
                 where a.mac = $1",
            )
            .bind(mac.to_string()),
            Identifier::Uuid(uuid) => {
                sqlx::query("select id, name from machine where uuid = $1").bind(uuid.to_string())
            }
            Identifier::Serial(serial) => {
                sqlx::query("select id, name from machine where serial = $1").bind(serial.clone())
            }
        };
        query
            .fetch_optional(self.connection())
            .await
            .map_err(StoreError::database("asking whose that is"))?
            .map(|row| Ok((MachineId(text(&row, "id")?), text(&row, "name")?)))
            .transpose()
    }

    /// Every machine, by name: for a table of them.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn machines(&mut self) -> Result<Vec<Machine>, StoreError> {
        sqlx::query("select * from machine_with_once order by name")
            .fetch_all(self.connection())
            .await
            .map_err(StoreError::database("reading all machines"))?
            .iter()
            .map(machine)
            .collect()
    }

    /// What the boot listener keeps of at most `limit` machines, by name, after that of name `after`.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn boot_rows(&mut self, after: &str, limit: u32) -> Result<Vec<BootRow>, StoreError> {
        let packing = packed!(
            [
                "id",
                "name",
                "state",
                "macs",
                "uuid",
                "serial",
                "labels",
                "target_kind",
                "target",
                "once_id",
                "once_target_kind",
                "once_target",
                "once_entry",
                "running_manifest",
                "last_seen_at"
            ],
            "select * from machine_with_once where name > $1 order by name limit $2",
            "q.name"
        );
        let answer = sqlx::query(packing.sql)
            .bind(after)
            .bind(i64::from(limit))
            .fetch_one(self.connection())
            .await
            .map_err(StoreError::database("reading what machines boot"))?;
        packing.read(&answer, boot_row)
    }

    /// What the boot listener keeps of one machine.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn boot_row(&mut self, id: &MachineId) -> Result<Option<BootRow>, StoreError> {
        sqlx::query("select * from machine_with_once where id = $1")
            .bind(id.as_str())
            .fetch_optional(self.connection())
            .await
            .map_err(StoreError::database("reading what a machine boots"))?
            .as_ref()
            .map(boot_row)
            .transpose()
    }

    /// The names of the releases that machines are assigned, always or once, each with one such machine as
    /// in `machine nuc-7`.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn releases_of_machines(&mut self) -> Result<Vec<(String, String)>, StoreError> {
        sqlx::query(
            "select target as release, 'machine ' || min(name) as machine from machine
             where target_kind = 'release' group by target
             union all
             select o.target, 'machine ' || min(m.name)
             from machine_once o join machine m on m.id = o.machine_id
             where o.target_kind = 'release' group by o.target",
        )
        .fetch_all(self.connection())
        .await
        .map_err(StoreError::database("listing releases that machines are assigned"))?
        .iter()
        .map(|row| Ok((text(row, "release")?, text(row, "machine")?)))
        .collect()
    }

    /// How many machines came to be known so.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn count_machines(&mut self, state: MachineState) -> Result<u32, StoreError> {
        let row = sqlx::query("select count(*) as known from machine where state = $1")
            .bind(state.word())
            .fetch_one(self.connection())
            .await
            .map_err(StoreError::database("counting machines"))?;
        u32::try_from(number(&row, "known")?).map_err(|_| foreign("known", "too many"))
    }

    /// The machines that wait to be accepted and were not seen after `before`; at most `limit`, the
    /// longest unseen first.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn machines_pending_unseen(
        &mut self,
        before: Timestamp,
        limit: u32,
    ) -> Result<Vec<Machine>, StoreError> {
        sqlx::query(
            "select * from machine_with_once
             where state = 'pending' and last_seen_at <= $1
             order by last_seen_at, id limit $2",
        )
        .bind(before.0)
        .bind(i64::from(limit))
        .fetch_all(self.connection())
        .await
        .map_err(StoreError::database("looking for machines that were not seen again"))?
        .iter()
        .map(machine)
        .collect()
    }
}
