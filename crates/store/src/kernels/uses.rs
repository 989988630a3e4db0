//! Who else has a kernel's bytes, or needs it: kernels, releases, and what machines booted.

use std::collections::BTreeSet;

use domain::{ids::RunId, manifest::Manifest, release::Stage, run::Outcome, time::Timestamp};

use crate::{
    Rows, StoreError, WriteTx,
    columns::{count, optional_text, parsed, text, time},
};

/// A run that booted a kernel, the newest that ended of its machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KernelRun {
    /// Name of the kernel.
    pub kernel: String,
    /// The machine.
    pub machine: String,
    /// The run.
    pub run: RunId,
    /// How it ended.
    pub outcome: Outcome,
    /// When it ended.
    pub ended_at: Timestamp,
}

impl Rows {
    /// Of each kernel between these names, both included, the kernels whose configuration starts from
    /// its own: pairs of names, its own first.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn kernels_based_on(
        &mut self,
        first: &str,
        last: &str,
    ) -> Result<Vec<(String, String)>, StoreError> {
        sqlx::query(
            "select base, name from kernel
             where base between $1 and $2 and deleted_at is null
             order by base, name",
        )
        .bind(first)
        .bind(last)
        .fetch_all(self.connection())
        .await
        .map_err(StoreError::database("looking for kernels that start from others"))?
        .iter()
        .map(|row| Ok((text(row, "base")?, text(row, "name")?)))
        .collect()
    }

    /// Of each kernel between these names, both included, the releases whose lock has a package of
    /// one of its builds, newest first: pairs of names, the kernel's first. Those that are being built
    /// where `building`, else candidates and released ones.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn releases_with_kernels(
        &mut self,
        first: &str,
        last: &str,
        building: bool,
    ) -> Result<Vec<(String, String)>, StoreError> {
        sqlx::query(
            "select distinct k.name, r.created_at, r.id, r.target, r.number, r.released_name
             from kernel k
             join kernel_file f on f.kernel_id = k.id and f.role = 'package'
             join lock_package p on p.sha256 = f.sha256
             join release r on r.lock_digest = p.lock_digest
             where k.deleted_at is null and k.name between $1 and $2
               and (r.stage = $3 or r.stage = $4)
             order by k.name, r.created_at desc, r.id desc",
        )
        .bind(first)
        .bind(last)
        .bind(if building { Stage::Building } else { Stage::Candidate }.word())
        .bind(if building { Stage::Building } else { Stage::Released }.word())
        .fetch_all(self.connection())
        .await
        .map_err(StoreError::database("looking for releases that hold kernels"))?
        .iter()
        .map(|row| {
            let (target, number) = (text(row, "target")?, count(row, "number")?);
            let released = optional_text(row, "released_name")?;
            let release = released.unwrap_or_else(|| format!("{target}-rc.{number}"));
            Ok((text(row, "name")?, release))
        })
        .collect()
    }

    /// Name and recipe text of each release that is being built.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn texts_being_built(&mut self) -> Result<Vec<(String, String)>, StoreError> {
        sqlx::query(
            "select r.target, r.number, v.text
             from release r
             join recipe_revision v on v.recipe_id = r.recipe_id and v.number = r.revision
             where r.stage = 'building'
             order by r.created_at desc, r.id desc",
        )
        .fetch_all(self.connection())
        .await
        .map_err(StoreError::database("reading recipes that are being built"))?
        .iter()
        .map(|row| {
            let (target, number) = (text(row, "target")?, count(row, "number")?);
            Ok((format!("{target}-rc.{number}"), text(row, "text")?))
        })
        .collect()
    }

    /// Of each kernel between these names, both included, and each machine, the newest run that has
    /// ended of a boot entry that starts an image of one of its builds; by name and machine.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn runs_with_kernels(
        &mut self,
        first: &str,
        last: &str,
    ) -> Result<Vec<KernelRun>, StoreError> {
        sqlx::query(
            "select name, machine, id, outcome, ended_at from
                 (select k.name, u.machine, u.id, u.outcome, u.ended_at,
                         row_number() over (partition by k.id, u.machine
                                            order by u.ended_at desc, u.id desc) as place
                  from kernel k
                  join kernel_file f on f.kernel_id = k.id and f.role = 'image'
                  join entry_kernel e on e.sha256 = f.sha256
                  join run_with_names u on u.manifest_digest = e.manifest_digest and u.entry = e.entry
                  where k.deleted_at is null and k.name between $1 and $2
                    and u.ended_at is not null and u.outcome is not null) booted
             where place = 1
             order by name, machine",
        )
        .bind(first)
        .bind(last)
        .fetch_all(self.connection())
        .await
        .map_err(StoreError::database("looking for runs that booted kernels"))?
        .iter()
        .map(|row| {
            Ok(KernelRun {
                kernel: text(row, "name")?,
                machine: text(row, "machine")?,
                run: RunId(text(row, "id")?),
                outcome: parsed(row, "outcome")?,
                ended_at: time(row, "ended_at")?,
            })
        })
        .collect()
    }
}

impl WriteTx {
    /// Keeps what each boot entry of a manifest starts; what is kept already stays.
    pub(crate) async fn insert_entry_kernels(
        &mut self,
        manifest: &Manifest,
    ) -> Result<(), StoreError> {
        let digest = manifest.digest()?.to_string();
        let mut started = BTreeSet::new();
        for entry in &manifest.entries {
            let images = [entry.kernel(), entry.hypervisor()]
                .into_iter()
                .flatten()
                .filter_map(|alias| manifest.kernel(alias))
                .filter_map(|bound| manifest.component(&bound.image));
            started.extend(images.map(|image| (entry.label(), image.sha256)));
        }
        for (entry, image) in started {
            sqlx::query(
                "insert into entry_kernel (manifest_digest, entry, sha256) values ($1, $2, $3)
                 on conflict (manifest_digest, entry, sha256) do nothing",
            )
            .bind(&digest)
            .bind(entry)
            .bind(image.to_string())
            .execute(self.connection())
            .await
            .map_err(StoreError::database("keeping what entries of a release start"))?;
        }
        Ok(())
    }
}
