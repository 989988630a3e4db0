//! Releases, from the build that is asked for to the released name.

use domain::{
    digest::Digest,
    ids::{JobId, RecipeId, ReleaseId},
    manifest::Manifest,
    page::{Cursor, Page, Slice},
    release::{Release, Stage},
    time::Timestamp,
    version::CandidateVersion,
};
use sqlx::any::AnyRow;

use crate::{
    Rows, StoreError, WriteTx,
    columns::{
        containing, count, exactly_one, foreign, json, optional_parsed, optional_time, parsed,
        text, time, to_json,
    },
};

/// Which releases a list shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReleaseFilter {
    /// Only those of this stage.
    pub stage: Option<Stage>,
    /// Only those built from the recipe of this name.
    pub recipe: Option<String>,
    /// Only those whose candidate name holds this.
    pub search: Option<String>,
}

fn release(row: &AnyRow) -> Result<Release, StoreError> {
    let target = text(row, "target")?;
    Ok(Release {
        id: ReleaseId(text(row, "id")?),
        version: CandidateVersion {
            target: target.parse().map_err(|_| foreign("target", &target))?,
            number: count(row, "number")?,
        },
        stage: parsed(row, "stage")?,
        recipe: RecipeId(text(row, "recipe_id")?),
        recipe_name: text(row, "recipe_name")?,
        revision: count(row, "revision")?,
        job: JobId(text(row, "job_id")?),
        manifest: optional_parsed(row, "manifest_digest")?,
        lock: optional_parsed(row, "lock_digest")?,
        identical_to: optional_parsed(row, "identical_to")?,
        created_at: time(row, "created_at")?,
        created_by: text(row, "created_by")?,
        built_at: optional_time(row, "built_at")?,
        released_at: optional_time(row, "released_at")?,
        imported_at: optional_time(row, "imported_at")?,
    })
}

impl Rows {
    /// The candidate or release of that manifest.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn release_of_manifest(
        &mut self,
        manifest: &Digest,
    ) -> Result<Option<Release>, StoreError> {
        sqlx::query(
            "select * from release_with_recipe
             where manifest_digest = $1 and stage in ('candidate', 'released')",
        )
        .bind(manifest.to_string())
        .fetch_optional(self.connection())
        .await
        .map_err(StoreError::database("looking for the release of a manifest"))?
        .as_ref()
        .map(release)
        .transpose()
    }

    /// All releases, newest first.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn releases(&mut self) -> Result<Vec<Release>, StoreError> {
        sqlx::query(
            "select * from release_with_recipe
             order by created_at desc, id desc",
        )
        .fetch_all(self.connection())
        .await
        .map_err(StoreError::database("listing releases"))?
        .iter()
        .map(release)
        .collect()
    }

    /// A page of releases, newest first.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn releases_page(
        &mut self,
        filter: &ReleaseFilter,
        slice: &Slice,
    ) -> Result<Page<Release>, StoreError> {
        let (number, name) = slice.below();
        let read = sqlx::query(
            "select * from release_with_recipe
             where (created_at, id) < ($1, $2)
               and ($3 = '' or stage = $3) and ($4 = '' or recipe_name = $4)
               and target || '-rc.' || cast(number as text) like $5 escape '!'
             order by created_at desc, id desc limit $6",
        )
        .bind(number)
        .bind(name)
        .bind(filter.stage.map_or("", Stage::word))
        .bind(filter.recipe.as_deref().unwrap_or_default())
        .bind(containing(filter.search.as_deref()))
        .bind(i64::from(slice.limit) + 1)
        .fetch_all(self.connection())
        .await
        .map_err(StoreError::database("listing releases"))?
        .iter()
        .map(release)
        .collect::<Result<_, _>>()?;
        Ok(Page::of(read, slice, |it: &Release| Cursor {
            number: it.created_at.0,
            name: it.id.to_string(),
        }))
    }

    /// One release.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn release(&mut self, id: &ReleaseId) -> Result<Option<Release>, StoreError> {
        sqlx::query(
            "select * from release_with_recipe
             where id = $1",
        )
        .bind(id.as_str())
        .fetch_optional(self.connection())
        .await
        .map_err(StoreError::database("looking a release up"))?
        .as_ref()
        .map(release)
        .transpose()
    }

    /// The release of that name: `v1.2.0-rc.1` always, `v1.2.0` once released.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn release_by_name(&mut self, name: &str) -> Result<Option<Release>, StoreError> {
        let (target, number) = name
            .parse::<CandidateVersion>()
            .map_or((String::new(), 0), |it| (it.target.to_string(), i64::from(it.number)));
        sqlx::query(
            "select * from release_with_recipe
             where released_name = $1 or (target = $2 and number = $3)",
        )
        .bind(name)
        .bind(target)
        .bind(number)
        .fetch_optional(self.connection())
        .await
        .map_err(StoreError::database("looking a release up"))?
        .as_ref()
        .map(release)
        .transpose()
    }

    /// The complete release with that manifest that came first, `except` one.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn release_with_manifest(
        &mut self,
        manifest: &Digest,
        except: &ReleaseId,
    ) -> Result<Option<Release>, StoreError> {
        sqlx::query(
            "select * from release_with_recipe
             where manifest_digest = $1 and id <> $2 and stage in ('candidate', 'released')
             order by built_at limit 1",
        )
        .bind(manifest.to_string())
        .bind(except.as_str())
        .fetch_optional(self.connection())
        .await
        .map_err(StoreError::database("looking for an identical release"))?
        .as_ref()
        .map(release)
        .transpose()
    }

    /// The manifest of a complete release.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn manifest_of(&mut self, id: &ReleaseId) -> Result<Option<Manifest>, StoreError> {
        sqlx::query("select manifest from release where id = $1 and manifest is not null")
            .bind(id.as_str())
            .fetch_optional(self.connection())
            .await
            .map_err(StoreError::database("looking a manifest up"))?
            .map(|row| json(&row, "manifest"))
            .transpose()
    }

    /// The blob of a complete release's signature.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn signature_of(&mut self, id: &ReleaseId) -> Result<Option<Digest>, StoreError> {
        let row = sqlx::query("select signature_digest from release where id = $1")
            .bind(id.as_str())
            .fetch_optional(self.connection())
            .await
            .map_err(StoreError::database("looking a signature up"))?;
        row.map_or(Ok(None), |row| optional_parsed(&row, "signature_digest"))
    }

    /// What machines may boot: every candidate and release with its manifest.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn bootable_releases(&mut self) -> Result<Vec<(Release, Manifest)>, StoreError> {
        sqlx::query(
            "select v.*, r.manifest
             from release_with_recipe v join release r on r.id = v.id
             where v.stage in ('candidate', 'released') and r.manifest is not null
             order by v.created_at, v.id",
        )
        .fetch_all(self.connection())
        .await
        .map_err(StoreError::database("listing what machines may boot"))?
        .iter()
        .map(|row| Ok((release(row)?, json(row, "manifest")?)))
        .collect()
    }
}

impl WriteTx {
    /// Adds a release whose build was asked for.
    ///
    /// # Errors
    /// [`StoreError::is_conflict`] where its version is taken.
    pub async fn insert_release(&mut self, release: &Release) -> Result<(), StoreError> {
        sqlx::query(
            "insert into release
                 (id, target, number, stage, recipe_id, revision, job_id, created_at, created_by)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(release.id.as_str())
        .bind(release.version.target.to_string())
        .bind(i64::from(release.version.number))
        .bind(release.stage.word())
        .bind(release.recipe.as_str())
        .bind(i64::from(release.revision))
        .bind(release.job.as_str())
        .bind(release.created_at.0)
        .bind(&release.created_by)
        .execute(self.connection())
        .await
        .map_err(StoreError::database("adding a release"))?;
        Ok(())
    }

    /// Says what lock a release that is being built resolved to.
    ///
    /// # Errors
    /// [`StoreError::Changed`] where there is no such release.
    pub async fn set_lock(&mut self, id: &ReleaseId, lock: &Digest) -> Result<(), StoreError> {
        sqlx::query("update release set lock_digest = $1 where id = $2")
            .bind(lock.to_string())
            .bind(id.as_str())
            .execute(self.connection())
            .await
            .map_err(StoreError::database("noting a release's lock"))
            .and_then(|done| exactly_one(&done, "release"))
    }

    /// Moves a release from one stage to another.
    ///
    /// # Errors
    /// [`StoreError::Changed`] where it is not at `from`, or may not go from there to `to`.
    pub async fn set_stage(
        &mut self,
        id: &ReleaseId,
        from: Stage,
        to: Stage,
    ) -> Result<(), StoreError> {
        if !from.may_become(to) {
            return Err(StoreError::Changed("release"));
        }
        let moved = sqlx::query("update release set stage = $1 where id = $2 and stage = $3")
            .bind(to.word())
            .bind(id.as_str())
            .bind(from.word())
            .execute(self.connection())
            .await
            .map_err(StoreError::database("moving a release to another stage"))?;
        exactly_one(&moved, "release")
    }

    /// Takes a candidate back.
    ///
    /// # Errors
    /// [`StoreError::Changed`] where it is no candidate.
    pub async fn withdraw_release(
        &mut self,
        id: &ReleaseId,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        self.set_stage(id, Stage::Candidate, Stage::Withdrawn).await?;
        sqlx::query("update release set withdrawn_at = $1 where id = $2")
            .bind(at.0)
            .bind(id.as_str())
            .execute(self.connection())
            .await
            .map_err(StoreError::database("noting a withdrawal"))?;
        Ok(())
    }

    /// Makes a release that is being built a candidate.
    ///
    /// # Errors
    /// [`StoreError::Changed`] where it is not being built any more.
    pub async fn complete_release(
        &mut self,
        id: &ReleaseId,
        manifest: &Manifest,
        signature: &Digest,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        self.set_stage(id, Stage::Building, Stage::Candidate).await?;
        sqlx::query(
            "update release set manifest_digest = $1, manifest = $2, signature_digest = $3,
                    built_at = $4
             where id = $5",
        )
        .bind(manifest.digest()?.to_string())
        .bind(to_json(manifest)?)
        .bind(signature.to_string())
        .bind(at.0)
        .bind(id.as_str())
        .execute(self.connection())
        .await
        .map_err(StoreError::database("completing a release"))?;
        self.insert_entry_kernels(manifest).await
    }

    /// Ends a release whose build came to the manifest of another.
    ///
    /// # Errors
    /// [`StoreError::Changed`] where it is not being built any more.
    pub async fn set_identical(
        &mut self,
        id: &ReleaseId,
        other: &CandidateVersion,
    ) -> Result<(), StoreError> {
        self.set_stage(id, Stage::Building, Stage::Withdrawn).await?;
        sqlx::query("update release set identical_to = $1 where id = $2")
            .bind(other.to_string())
            .bind(id.as_str())
            .execute(self.connection())
            .await
            .map_err(StoreError::database("noting an identical release"))?;
        Ok(())
    }

    /// Gives a candidate its released name: the same bytes, the same digest.
    ///
    /// # Errors
    /// [`StoreError::Changed`] where it is no candidate, [`StoreError::is_conflict`] where another
    /// carries the name.
    pub async fn name_released(&mut self, id: &ReleaseId, at: Timestamp) -> Result<(), StoreError> {
        self.set_stage(id, Stage::Candidate, Stage::Released).await?;
        sqlx::query("update release set released_name = target, released_at = $1 where id = $2")
            .bind(at.0)
            .bind(id.as_str())
            .execute(self.connection())
            .await
            .map_err(StoreError::database("naming a release"))?;
        Ok(())
    }
}
