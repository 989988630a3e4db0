//! Variants and their builds.

use domain::{
    digest::Digest,
    ids::{JobId, PersonId, ReleaseId, VariantId},
    job::JobState,
    manifest::Manifest,
    page::{Cursor, Page, Slice},
    time::Timestamp,
    variant::{Definition, Variant, VariantBuild, VariantLock, VariantState},
};
use sqlx::any::AnyRow;

use crate::{
    Rows, StoreError, WriteTx,
    columns::{
        containing, count, exactly_one, json, optional_number, optional_parsed, optional_text,
        optional_time, parsed, text, time, to_json,
    },
};

/// Which variants a list shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VariantFilter {
    /// Only those of this person, by name.
    pub owner: Option<String>,
    /// Only those that stand so.
    pub state: Option<VariantState>,
    /// Only those whose name or description has this in it.
    pub words: Option<String>,
}

/// A variant, and what its newest build says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VariantRow {
    /// The variant.
    pub variant: Variant,
    /// Whose it is.
    pub owner: PersonId,
    /// Number of its newest build; 0 where nothing was made of it yet.
    pub newest: u32,
    /// How the job of that build stands.
    pub newest_state: Option<JobState>,
}

/// A build that is asked for.
#[derive(Debug, Clone)]
pub struct NewVariantBuild {
    /// Of which variant.
    pub variant: VariantId,
    /// Its number within the variant.
    pub number: u32,
    /// The job that makes it.
    pub job: JobId,
    /// Revision of the definition.
    pub revision: u32,
    /// The definition as it is now.
    pub definition: Definition,
    /// The release that it changes.
    pub base: ReleaseId,
    /// The name by which that goes.
    pub base_name: String,
    /// Its manifest.
    pub base_manifest: Digest,
}

/// A build with what it needs of its variant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VariantBuildRow {
    /// The build.
    pub build: VariantBuild,
    /// Name of its variant.
    pub variant: String,
    /// When the variant ends.
    pub expires_at: Timestamp,
    /// The release that it changes.
    pub base: ReleaseId,
    /// When its files were removed.
    pub files_removed_at: Option<Timestamp>,
}

/// A complete build whose files are there, of a variant that may have been removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptVariantBuild {
    /// Of which variant.
    pub variant: VariantId,
    /// Name of that.
    pub name: String,
    /// Its number within the variant.
    pub number: u32,
    /// When the variant ends; before now where it was removed.
    pub expires_at: Timestamp,
    /// When it was removed.
    pub deleted_at: Option<Timestamp>,
    /// What was installed.
    pub lock: Option<VariantLock>,
    /// What it consists of.
    pub manifest: Manifest,
}

fn variant(row: &AnyRow) -> Result<VariantRow, StoreError> {
    let newest = match optional_number(row, "newest_number")? {
        Some(_) => count(row, "newest_number")?,
        None => 0,
    };
    Ok(VariantRow {
        variant: Variant {
            id: VariantId(text(row, "id")?),
            name: text(row, "name")?,
            description: text(row, "description")?,
            owner: text(row, "owner")?,
            revision: count(row, "revision")?,
            definition: json(row, "definition")?,
            created_at: time(row, "created_at")?,
            changed_at: time(row, "changed_at")?,
            expires_at: time(row, "expires_at")?,
        },
        owner: PersonId(text(row, "owner_id")?),
        newest,
        newest_state: optional_parsed(row, "newest_state")?,
    })
}

fn optional_json<T: serde::de::DeserializeOwned>(
    row: &AnyRow,
    column: &'static str,
) -> Result<Option<T>, StoreError> {
    optional_text(row, column)?.map(|_| json(row, column)).transpose()
}

fn build(row: &AnyRow) -> Result<VariantBuildRow, StoreError> {
    Ok(VariantBuildRow {
        build: VariantBuild {
            variant: VariantId(text(row, "variant_id")?),
            number: count(row, "number")?,
            job: JobId(text(row, "job_id")?),
            revision: count(row, "revision")?,
            definition: json(row, "definition")?,
            base: text(row, "base")?,
            base_manifest: parsed(row, "base_manifest")?,
            lock: optional_json(row, "lock")?,
            manifest: optional_json(row, "manifest")?,
            state: parsed(row, "state")?,
            created_at: time(row, "created_at")?,
            created_by: text(row, "created_by")?,
            started_at: optional_time(row, "started_at")?,
            ended_at: optional_time(row, "ended_at")?,
        },
        variant: text(row, "variant_name")?,
        expires_at: time(row, "expires_at")?,
        base: ReleaseId(text(row, "base_id")?),
        files_removed_at: optional_time(row, "files_removed_at")?,
    })
}

impl Rows {
    /// A page of variants that were not removed, by name, as they stand at `now`.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn variants_page(
        &mut self,
        filter: &VariantFilter,
        now: Timestamp,
        slice: &Slice,
    ) -> Result<Page<VariantRow>, StoreError> {
        // The states are those of `VariantState::of`.
        let read = sqlx::query(
            "select * from variant_with_newest
             where name > $1 and ($2 = '' or owner = $2)
               and ($3 = '' or $3 = case
                        when newest_state in ('queued', 'running') then 'building'
                        when expires_at <= $4 then 'expired'
                        when newest_state is null then 'new'
                        when newest_state = 'succeeded' then 'ready'
                        else 'failed' end)
               and (name like $5 escape '!' or lower(description) like lower($5) escape '!')
             order by name limit $6",
        )
        .bind(slice.after.as_ref().map_or("", |after| &after.name))
        .bind(filter.owner.as_deref().unwrap_or_default())
        .bind(filter.state.map_or("", VariantState::word))
        .bind(now.0)
        .bind(containing(filter.words.as_deref()))
        .bind(i64::from(slice.limit) + 1)
        .fetch_all(self.connection())
        .await
        .map_err(StoreError::database("listing variants"))?
        .iter()
        .map(variant)
        .collect::<Result<_, _>>()?;
        Ok(Page::of(read, slice, |it: &VariantRow| Cursor {
            number: 0,
            name: it.variant.name.clone(),
        }))
    }

    /// Every variant that ends before `until` and was not removed, the next to end first.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn variants_ending(
        &mut self,
        until: Timestamp,
    ) -> Result<Vec<VariantRow>, StoreError> {
        sqlx::query("select * from variant_with_newest where expires_at <= $1 order by expires_at")
            .bind(until.0)
            .fetch_all(self.connection())
            .await
            .map_err(StoreError::database("listing variants that end"))?
            .iter()
            .map(variant)
            .collect()
    }

    /// The variant of that name that was not removed.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn variant(&mut self, name: &str) -> Result<Option<VariantRow>, StoreError> {
        sqlx::query("select * from variant_with_newest where name = $1")
            .bind(name)
            .fetch_optional(self.connection())
            .await
            .map_err(StoreError::database("looking a variant up"))?
            .as_ref()
            .map(variant)
            .transpose()
    }

    /// The definitions of all variants that were not removed.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn variant_definitions(&mut self) -> Result<Vec<Definition>, StoreError> {
        sqlx::query("select definition from variant where deleted_at is null")
            .fetch_all(self.connection())
            .await
            .map_err(StoreError::database("reading definitions of variants"))?
            .iter()
            .map(|row| json(row, "definition"))
            .collect()
    }

    /// A page of a variant's builds, newest first.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn variant_builds_page(
        &mut self,
        variant: &VariantId,
        slice: &Slice,
    ) -> Result<Page<VariantBuildRow>, StoreError> {
        let (number, _) = slice.below();
        let read = sqlx::query(
            "select * from variant_build_with_job
             where variant_id = $1 and number < $2
             order by number desc limit $3",
        )
        .bind(variant.as_str())
        .bind(number)
        .bind(i64::from(slice.limit) + 1)
        .fetch_all(self.connection())
        .await
        .map_err(StoreError::database("listing builds of a variant"))?
        .iter()
        .map(build)
        .collect::<Result<_, _>>()?;
        Ok(Page::of(read, slice, |it: &VariantBuildRow| Cursor {
            number: i64::from(it.build.number),
            name: String::new(),
        }))
    }

    /// The newest complete build of a variant whose files are there.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn built_variant(
        &mut self,
        variant: &VariantId,
    ) -> Result<Option<VariantBuildRow>, StoreError> {
        sqlx::query(
            "select * from variant_build_with_job
             where variant_id = $1 and manifest is not null and files_removed_at is null
             order by number desc limit 1",
        )
        .bind(variant.as_str())
        .fetch_optional(self.connection())
        .await
        .map_err(StoreError::database("looking for a variant that can be booted"))?
        .as_ref()
        .map(build)
        .transpose()
    }

    /// The build that a job makes.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn variant_build_of_job(
        &mut self,
        job: &JobId,
    ) -> Result<Option<VariantBuildRow>, StoreError> {
        sqlx::query("select * from variant_build_with_job where job_id = $1")
            .bind(job.as_str())
            .fetch_optional(self.connection())
            .await
            .map_err(StoreError::database("looking for the build of a job"))?
            .as_ref()
            .map(build)
            .transpose()
    }

    /// Every complete build whose files are there, those of removed variants too; by variant, newest
    /// first.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn kept_variant_builds(&mut self) -> Result<Vec<KeptVariantBuild>, StoreError> {
        sqlx::query(
            "select b.variant_id, v.name, b.number, v.expires_at, v.deleted_at, b.lock, b.manifest
             from variant_build b
             join variant v on v.id = b.variant_id
             where b.manifest is not null and b.files_removed_at is null
             order by b.variant_id, b.number desc",
        )
        .fetch_all(self.connection())
        .await
        .map_err(StoreError::database("listing variants that keep files"))?
        .iter()
        .map(|row| {
            Ok(KeptVariantBuild {
                variant: VariantId(text(row, "variant_id")?),
                name: text(row, "name")?,
                number: count(row, "number")?,
                expires_at: time(row, "expires_at")?,
                deleted_at: optional_time(row, "deleted_at")?,
                lock: optional_json(row, "lock")?,
                manifest: json(row, "manifest")?,
            })
        })
        .collect()
    }

    /// The releases that variants are being built on, each with the job.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn bases_of_open_variants(&mut self) -> Result<Vec<(ReleaseId, JobId)>, StoreError> {
        sqlx::query(
            "select b.base_id, b.job_id from variant_build b
             join job j on j.id = b.job_id
             where j.state in ('queued', 'running')",
        )
        .fetch_all(self.connection())
        .await
        .map_err(StoreError::database("listing releases that variants are built on"))?
        .iter()
        .map(|row| Ok((ReleaseId(text(row, "base_id")?), JobId(text(row, "job_id")?))))
        .collect()
    }

    /// How long builds of variants took that ended well, in microseconds, with what they were asked
    /// for, the newest first; what a next one is expected to take follows from these. Those that
    /// found everything known or compiled a kernel say nothing of one that makes a layer.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn variant_build_times(
        &mut self,
        limit: u32,
    ) -> Result<Vec<(i64, Definition)>, StoreError> {
        sqlx::query(
            "select j.ended_at - j.started_at as took, b.definition from variant_build b
             join job j on j.id = b.job_id
             where j.state = 'succeeded' and j.ended_at is not null and j.started_at is not null
               and exists (select 1 from job_step s
                           where s.job_id = j.id and s.state = 'succeeded'
                             and s.key_digest is not null)
               and not exists (select 1 from job_step s
                               where s.job_id = j.id and s.state = 'succeeded'
                                 and s.name like '%: compile')
             order by j.ended_at desc limit $1",
        )
        .bind(i64::from(limit))
        .fetch_all(self.connection())
        .await
        .map_err(StoreError::database("reading how long variants took"))?
        .iter()
        .map(|row| Ok((crate::columns::number(row, "took")?, json(row, "definition")?)))
        .collect()
    }
}

impl WriteTx {
    /// Adds a variant.
    ///
    /// # Errors
    /// [`StoreError::is_conflict`] where its name is taken.
    pub async fn insert_variant(
        &mut self,
        variant: &Variant,
        owner: &PersonId,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "insert into variant (id, name, description, owner_id, owner, revision, definition,
                                  created_at, changed_at, expires_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        )
        .bind(variant.id.as_str())
        .bind(&variant.name)
        .bind(&variant.description)
        .bind(owner.as_str())
        .bind(&variant.owner)
        .bind(i64::from(variant.revision))
        .bind(to_json(&variant.definition)?)
        .bind(variant.created_at.0)
        .bind(variant.changed_at.0)
        .bind(variant.expires_at.0)
        .execute(self.connection())
        .await
        .map_err(StoreError::database("adding a variant"))?;
        Ok(())
    }

    /// Writes the next revision of a variant, with its description and its end.
    ///
    /// # Errors
    /// [`StoreError::Changed`] where its revision is not the one before, or it was removed.
    pub async fn change_variant(&mut self, variant: &Variant) -> Result<(), StoreError> {
        sqlx::query(
            "update variant set description = $1, revision = $2, definition = $3, changed_at = $4,
                    expires_at = $5
             where id = $6 and revision = $2 - 1 and deleted_at is null",
        )
        .bind(&variant.description)
        .bind(i64::from(variant.revision))
        .bind(to_json(&variant.definition)?)
        .bind(variant.changed_at.0)
        .bind(variant.expires_at.0)
        .bind(variant.id.as_str())
        .execute(self.connection())
        .await
        .map_err(StoreError::database("changing a variant"))
        .and_then(|done| exactly_one(&done, "variant"))
    }

    /// Gives a variant another end.
    ///
    /// # Errors
    /// [`StoreError::Changed`] where it was removed.
    pub async fn extend_variant(
        &mut self,
        id: &VariantId,
        expires_at: Timestamp,
    ) -> Result<(), StoreError> {
        sqlx::query("update variant set expires_at = $1 where id = $2 and deleted_at is null")
            .bind(expires_at.0)
            .bind(id.as_str())
            .execute(self.connection())
            .await
            .map_err(StoreError::database("extending a variant"))
            .and_then(|done| exactly_one(&done, "variant"))
    }

    /// Removes a variant: its name is free, what was recorded about it stays.
    ///
    /// # Errors
    /// [`StoreError::Changed`] where it was removed already.
    pub async fn delete_variant(
        &mut self,
        id: &VariantId,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        self.empty_slots_of(id).await?;
        sqlx::query("update variant set deleted_at = $1 where id = $2 and deleted_at is null")
            .bind(at.0)
            .bind(id.as_str())
            .execute(self.connection())
            .await
            .map_err(StoreError::database("removing a variant"))
            .and_then(|done| exactly_one(&done, "variant"))
    }

    /// Adds a build; its job is there.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn insert_variant_build(&mut self, new: &NewVariantBuild) -> Result<(), StoreError> {
        sqlx::query(
            "insert into variant_build (variant_id, number, job_id, revision, definition, base_id,
                                        base, base_manifest)
             values ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(new.variant.as_str())
        .bind(i64::from(new.number))
        .bind(new.job.as_str())
        .bind(i64::from(new.revision))
        .bind(to_json(&new.definition)?)
        .bind(new.base.as_str())
        .bind(&new.base_name)
        .bind(new.base_manifest.to_string())
        .execute(self.connection())
        .await
        .map_err(StoreError::database("adding a build of a variant"))?;
        Ok(())
    }

    /// Keeps what a build's packages resolved to.
    ///
    /// # Errors
    /// [`StoreError::Changed`] where the job makes no variant.
    pub async fn set_variant_lock(
        &mut self,
        job: &JobId,
        lock: &VariantLock,
    ) -> Result<(), StoreError> {
        sqlx::query("update variant_build set lock = $1 where job_id = $2")
            .bind(to_json(lock)?)
            .bind(job.as_str())
            .execute(self.connection())
            .await
            .map_err(StoreError::database("keeping the lock of a variant"))
            .and_then(|done| exactly_one(&done, "build of the variant"))
    }

    /// Completes a build.
    ///
    /// # Errors
    /// [`StoreError::Changed`] where the job makes no variant.
    pub async fn complete_variant_build(
        &mut self,
        job: &JobId,
        manifest: &Manifest,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "update variant_build set manifest = $1, manifest_digest = $2 where job_id = $3",
        )
        .bind(to_json(manifest)?)
        .bind(manifest.digest()?.to_string())
        .bind(job.as_str())
        .execute(self.connection())
        .await
        .map_err(StoreError::database("completing a variant"))
        .and_then(|done| exactly_one(&done, "build of the variant"))
    }

    /// Says that the files of a build are removed.
    ///
    /// # Errors
    /// [`StoreError::Changed`] where they went already.
    pub async fn set_variant_files_removed(
        &mut self,
        variant: &VariantId,
        number: u32,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "update variant_build set files_removed_at = $1
             where variant_id = $2 and number = $3 and files_removed_at is null",
        )
        .bind(at.0)
        .bind(variant.as_str())
        .bind(i64::from(number))
        .execute(self.connection())
        .await
        .map_err(StoreError::database("noting that files of a variant go"))
        .and_then(|done| exactly_one(&done, "build of the variant"))
    }
}
