//! Room on the disk: which blobs the rows name, what must stay, and for how long things stay.

use domain::{
    digest::Digest,
    ids::{JobId, ReleaseId, RunId},
    manifest::Manifest,
    room::{Pin, RoomRules},
    time::Timestamp,
};
use sqlx::any::AnyRow;

use crate::{
    Rows, StoreError, WriteTx,
    columns::{
        exactly_one, json, number, optional_parsed, optional_time, parsed, text, time, to_json,
    },
};

/// Name of the setting that holds the rules.
const RULES: &str = "room";

/// A complete release whose files are there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptRelease {
    /// Which release.
    pub release: ReleaseId,
    /// What it consists of.
    pub manifest: Manifest,
    /// Blob of its signature.
    pub signature: Option<Digest>,
    /// When it became a candidate.
    pub built_at: Timestamp,
    /// When it was withdrawn, where that was noted.
    pub withdrawn_at: Option<Timestamp>,
}

/// A log of a job, or the console of a run, that has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptLog {
    /// Its blob.
    pub blob: Digest,
    /// Since when it grows no more.
    pub ended_at: Timestamp,
    /// Whether it is about something that stays for ever: a release, or what is pinned.
    pub stays: bool,
}

/// What an environment pointed at before what it points at now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServedBefore {
    /// Which environment.
    pub environment: String,
    /// What it was.
    pub release: ReleaseId,
}

fn pin(row: &AnyRow) -> Result<Pin, StoreError> {
    Ok(Pin {
        by: text(row, "pinned_by")?,
        at: time(row, "pinned_at")?,
        reason: text(row, "reason")?,
    })
}

impl Rows {
    /// Every complete release whose files were not removed, withdrawn ones too.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn kept_releases(&mut self) -> Result<Vec<KeptRelease>, StoreError> {
        sqlx::query(
            "select id, manifest, signature_digest, built_at, withdrawn_at from release
             where manifest is not null and removed_at is null
             order by created_at, id",
        )
        .fetch_all(self.connection())
        .await
        .map_err(StoreError::database("listing what releases name"))?
        .iter()
        .map(|row| {
            Ok(KeptRelease {
                release: ReleaseId(text(row, "id")?),
                manifest: json(row, "manifest")?,
                signature: optional_parsed(row, "signature_digest")?,
                built_at: optional_time(row, "built_at")?.unwrap_or(Timestamp(0)),
                withdrawn_at: optional_time(row, "withdrawn_at")?,
            })
        })
        .collect()
    }

    /// When the files of a release were removed.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn files_removed_at(
        &mut self,
        id: &ReleaseId,
    ) -> Result<Option<Timestamp>, StoreError> {
        sqlx::query("select removed_at from release where id = $1")
            .bind(id.as_str())
            .fetch_optional(self.connection())
            .await
            .map_err(StoreError::database("asking for the files of a release"))?
            .map_or(Ok(None), |row| optional_time(&row, "removed_at"))
    }

    /// The blobs of the logs of jobs that have ended.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn kept_job_logs(&mut self) -> Result<Vec<KeptLog>, StoreError> {
        sqlx::query(
            "select j.log_digest as blob, j.ended_at,
                    case when r.stage = 'released' or p.release_id is not null
                         then 1 else 0 end as stays
             from job j
             left join release r on r.id = j.release_id
             left join release_pin p on p.release_id = j.release_id
             where j.log_digest is not null and j.ended_at is not null",
        )
        .fetch_all(self.connection())
        .await
        .map_err(StoreError::database("listing logs of jobs"))?
        .iter()
        .map(kept_log)
        .collect()
    }

    /// The blobs of what machines wrote to their consoles, of files of results, and of what runs left;
    /// none of runs whose files went.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn kept_consoles(&mut self) -> Result<Vec<KeptLog>, StoreError> {
        let mut kept = Vec::new();
        let rows = sqlx::query(
            "with stays as (select number from run_that_stays),
                  removed as (select run_id from run_files_removed)
             select u.console_digest as blob, u.ended_at,
                    case when u.number in (select number from stays) then 1 else 0 end as stays
             from run u
             where u.console_digest is not null and u.ended_at is not null
               and u.id not in (select run_id from removed)
             union all
             select a.sha256, coalesce(u.ended_at, u.started_at),
                    case when u.ended_at is null or u.number in (select number from stays)
                         then 1 else 0 end
             from run_artefact a join run u on u.number = a.run
             where u.id not in (select run_id from removed)
             union all
             select f.sha256, f.received_at,
                    case when u.number is null or u.number in (select number from stays)
                         then 1 else 0 end
             from result_file f
             left join run u on u.file_id = f.id and u.ended_at is not null
             where f.removed_at is null",
        )
        .fetch_all(self.connection())
        .await
        .map_err(StoreError::database("listing files of runs"))?;
        for row in &rows {
            kept.push(kept_log(row)?);
        }
        Ok(kept)
    }

    /// The runs that ended before `before`, have files, and need not keep them.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn runs_whose_files_go(
        &mut self,
        before: Timestamp,
    ) -> Result<Vec<RunId>, StoreError> {
        sqlx::query(
            "select u.id from run u
             where u.ended_at <= $1
               and u.number not in (select number from run_that_stays)
               and u.id not in (select run_id from run_files_removed)
               and (u.console_digest is not null or u.file_id is not null
                    or u.number in (select run from run_artefact))
             order by u.number",
        )
        .bind(before.0)
        .fetch_all(self.connection())
        .await
        .map_err(StoreError::database("looking for runs whose files go"))?
        .iter()
        .map(|row| text(row, "id").map(RunId))
        .collect()
    }

    /// The packages of locks, by lock: of releases that are there, and of builds that were asked for
    /// after `since`, whatever became of them.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn kept_packages(
        &mut self,
        since: Timestamp,
    ) -> Result<Vec<(Digest, Digest)>, StoreError> {
        sqlx::query(
            "select lock_digest, sha256 from lock_package
             where lock_digest in (select lock_digest from release
                                   where stage in ('building', 'candidate', 'released')
                                      or created_at > $1)
             order by lock_digest",
        )
        .bind(since.0)
        .fetch_all(self.connection())
        .await
        .map_err(StoreError::database("listing packages of locks"))?
        .iter()
        .map(|row| Ok((parsed(row, "lock_digest")?, parsed(row, "sha256")?)))
        .collect()
    }

    /// The jobs whose logs are blobs: they have ended, and nobody writes to their files any more.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn jobs_with_kept_log(&mut self) -> Result<Vec<JobId>, StoreError> {
        sqlx::query("select id from job where log_digest is not null")
            .fetch_all(self.connection())
            .await
            .map_err(StoreError::database("listing jobs whose logs are kept"))?
            .iter()
            .map(|row| text(row, "id").map(JobId))
            .collect()
    }

    /// What each environment pointed at before what it points at now.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn served_before(&mut self) -> Result<Vec<ServedBefore>, StoreError> {
        sqlx::query(
            "select environment, release_id from
                 (select d.environment, d.release_id,
                         row_number() over (partition by d.environment
                                            order by d.ended_at desc, d.id desc) as place
                  from deployment d
                  join environment e on e.name = d.environment
                  where d.state = 'deployed' and d.release_id <> e.release_id) served
             where place = 1
             order by environment",
        )
        .fetch_all(self.connection())
        .await
        .map_err(StoreError::database("listing what was served before"))?
        .iter()
        .map(|row| {
            Ok(ServedBefore {
                environment: text(row, "environment")?,
                release: ReleaseId(text(row, "release_id")?),
            })
        })
        .collect()
    }

    /// Every pin, by release.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn pins(&mut self) -> Result<Vec<(ReleaseId, Pin)>, StoreError> {
        sqlx::query("select release_id, pinned_by, pinned_at, reason from release_pin")
            .fetch_all(self.connection())
            .await
            .map_err(StoreError::database("listing pins"))?
            .iter()
            .map(|row| Ok((ReleaseId(text(row, "release_id")?), pin(row)?)))
            .collect()
    }

    /// The pin of a release.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn pin_of(&mut self, id: &ReleaseId) -> Result<Option<Pin>, StoreError> {
        sqlx::query("select pinned_by, pinned_at, reason from release_pin where release_id = $1")
            .bind(id.as_str())
            .fetch_optional(self.connection())
            .await
            .map_err(StoreError::database("looking a pin up"))?
            .as_ref()
            .map(pin)
            .transpose()
    }

    /// How long things stay.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn room_rules(&mut self) -> Result<RoomRules, StoreError> {
        sqlx::query("select value from setting where name = $1")
            .bind(RULES)
            .fetch_optional(self.connection())
            .await
            .map_err(StoreError::database("reading the rules of the room"))?
            .map_or_else(|| Ok(RoomRules::default()), |row| json(&row, "value"))
    }

    /// A collection that has not ended yet: a dry run, or one that removes something.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn open_collection(&mut self, dry_run: bool) -> Result<Option<JobId>, StoreError> {
        let row = sqlx::query(
            "select id from job
             where kind = 'collection' and state in ('queued', 'running') and parameters = $1
             limit 1",
        )
        .bind(to_json(&serde_json::json!({ "dry_run": dry_run }))?)
        .fetch_optional(self.connection())
        .await
        .map_err(StoreError::database("looking for a collection"))?;
        row.map(|row| text(&row, "id").map(JobId)).transpose()
    }

    /// When the newest collection was asked for that removes something; `None` before the first.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn last_collection(&mut self) -> Result<Option<Timestamp>, StoreError> {
        let row = sqlx::query(
            "select created_at from job where kind = 'collection' and parameters = $1
             order by created_at desc limit 1",
        )
        .bind(to_json(&serde_json::json!({ "dry_run": false }))?)
        .fetch_optional(self.connection())
        .await
        .map_err(StoreError::database("looking the last collection up"))?;
        row.map(|row| time(&row, "created_at")).transpose()
    }
}

fn kept_log(row: &AnyRow) -> Result<KeptLog, StoreError> {
    Ok(KeptLog {
        blob: parsed(row, "blob")?,
        ended_at: time(row, "ended_at")?,
        stays: number(row, "stays")? == 1,
    })
}

impl WriteTx {
    /// Notes that the files of a withdrawn release go.
    ///
    /// # Errors
    /// [`StoreError::Changed`] where it is not withdrawn, or they went already.
    pub async fn set_files_removed(
        &mut self,
        id: &ReleaseId,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let done = sqlx::query(
            "update release set removed_at = $1
             where id = $2 and stage = 'withdrawn' and removed_at is null",
        )
        .bind(at.0)
        .bind(id.as_str())
        .execute(self.connection())
        .await
        .map_err(StoreError::database("noting that files of a release go"))?;
        exactly_one(&done, "release")
    }

    /// Pins a release; a pin that is there gets the new reason.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn set_pin(&mut self, id: &ReleaseId, pin: &Pin) -> Result<(), StoreError> {
        sqlx::query(
            "insert into release_pin (release_id, pinned_by, pinned_at, reason)
             values ($1, $2, $3, $4)
             on conflict (release_id) do update set pinned_by = excluded.pinned_by,
                 pinned_at = excluded.pinned_at, reason = excluded.reason",
        )
        .bind(id.as_str())
        .bind(&pin.by)
        .bind(pin.at.0)
        .bind(&pin.reason)
        .execute(self.connection())
        .await
        .map_err(StoreError::database("pinning a release"))?;
        Ok(())
    }

    /// Takes the pin off a release.
    ///
    /// # Errors
    /// [`StoreError::Changed`] where there is none.
    pub async fn delete_pin(&mut self, id: &ReleaseId) -> Result<(), StoreError> {
        sqlx::query("delete from release_pin where release_id = $1")
            .bind(id.as_str())
            .execute(self.connection())
            .await
            .map_err(StoreError::database("taking a pin off"))
            .and_then(|done| exactly_one(&done, "pin"))
    }

    /// Sets how long things stay.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn set_room_rules(&mut self, rules: &RoomRules) -> Result<(), StoreError> {
        sqlx::query(
            "insert into setting (name, value) values ($1, $2)
             on conflict (name) do update set value = excluded.value",
        )
        .bind(RULES)
        .bind(to_json(rules)?)
        .execute(self.connection())
        .await
        .map_err(StoreError::database("changing the rules of the room"))?;
        Ok(())
    }
}
