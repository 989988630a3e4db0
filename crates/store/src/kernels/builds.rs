//! Each making of a kernel, with what became of its configuration and what came out.

use domain::{
    blob::BlobRef,
    digest::Digest,
    ids::{JobId, KernelId},
    kernel::{BuildMode, ConfigReport, Definition, KernelBuild, Record},
    page::{Cursor, Page, Slice},
    time::Timestamp,
};
use sqlx::any::AnyRow;

use crate::{
    Rows, StoreError, WriteTx,
    columns::{
        count, exactly_one, json, optional_parsed, optional_text, optional_time, parsed, text,
        time, to_json,
    },
};

/// A build that is asked for.
#[derive(Debug, Clone)]
pub struct NewKernelBuild {
    /// Of which kernel.
    pub kernel: KernelId,
    /// Its number within the kernel.
    pub number: u32,
    /// What it is to come to.
    pub mode: BuildMode,
    /// The job that makes it.
    pub job: JobId,
    /// Revision of the definition.
    pub revision: u32,
    /// The definition as it is now.
    pub definition: Definition,
}

/// A build with the blob of its configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KernelBuildRow {
    /// The build.
    pub build: KernelBuild,
    /// Name of its kernel.
    pub kernel: String,
    /// Blob of the configuration, once that is known.
    pub config: Option<Digest>,
}

/// Lists leave the reports out: of a whole kernel they are long, and no list shows them.
fn build(row: &AnyRow, report: Option<ConfigReport>) -> Result<KernelBuildRow, StoreError> {
    let record = match optional_text(row, "record")? {
        Some(_) => Some(json(row, "record")?),
        None => None,
    };
    Ok(KernelBuildRow {
        build: KernelBuild {
            kernel: KernelId(text(row, "kernel_id")?),
            number: count(row, "number")?,
            mode: parsed(row, "mode")?,
            definition: json(row, "definition")?,
            revision: count(row, "revision")?,
            job: JobId(text(row, "job_id")?),
            state: parsed(row, "state")?,
            report,
            record,
            created_at: time(row, "created_at")?,
            created_by: text(row, "created_by")?,
            started_at: optional_time(row, "started_at")?,
            ended_at: optional_time(row, "ended_at")?,
            files_removed_at: optional_time(row, "files_removed_at")?,
        },
        kernel: text(row, "kernel_name")?,
        config: optional_parsed(row, "config_digest")?,
    })
}

fn whole(row: &AnyRow) -> Result<KernelBuildRow, StoreError> {
    let report = match optional_text(row, "report")? {
        Some(_) => Some(json(row, "report")?),
        None => None,
    };
    build(row, report)
}

impl Rows {
    /// A page of a kernel's builds, newest first, without their reports.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn kernel_builds_page(
        &mut self,
        kernel: &KernelId,
        slice: &Slice,
    ) -> Result<Page<KernelBuildRow>, StoreError> {
        let (number, _) = slice.below();
        let read = sqlx::query(
            "select kernel_id, kernel_name, number, mode, job_id, revision, definition,
                    config_digest, record, files_removed_at, state, created_at, created_by,
                    started_at, ended_at
             from kernel_build_with_job
             where kernel_id = $1 and number < $2
             order by number desc limit $3",
        )
        .bind(kernel.as_str())
        .bind(number)
        .bind(i64::from(slice.limit) + 1)
        .fetch_all(self.connection())
        .await
        .map_err(StoreError::database("listing builds of a kernel"))?
        .iter()
        .map(|row| build(row, None))
        .collect::<Result<_, _>>()?;
        Ok(Page::of(read, slice, |it: &KernelBuildRow| Cursor {
            number: i64::from(it.build.number),
            name: String::new(),
        }))
    }

    /// Of each kernel between these names, both included, the newest build and the newest complete
    /// one, without their reports; by name, newest first.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn newest_kernel_builds(
        &mut self,
        first: &str,
        last: &str,
    ) -> Result<Vec<KernelBuildRow>, StoreError> {
        sqlx::query(
            "select kernel_id, kernel_name, number, mode, job_id, revision, definition,
                    config_digest, record, files_removed_at, state, created_at, created_by,
                    started_at, ended_at
             from kernel_build_with_job b
             where kernel_name between $1 and $2
               and (number = (select max(n.number) from kernel_build n
                              where n.kernel_id = b.kernel_id)
                    or number = (select max(n.number) from kernel_build n
                                 where n.kernel_id = b.kernel_id and n.record_digest is not null))
             order by kernel_name, number desc",
        )
        .bind(first)
        .bind(last)
        .fetch_all(self.connection())
        .await
        .map_err(StoreError::database("looking for the newest builds of kernels"))?
        .iter()
        .map(|row| build(row, None))
        .collect()
    }

    /// A build of the kernel of that name, whole.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn kernel_build(
        &mut self,
        kernel: &str,
        number: u32,
    ) -> Result<Option<KernelBuildRow>, StoreError> {
        sqlx::query("select * from kernel_build_with_job where kernel_name = $1 and number = $2")
            .bind(kernel)
            .bind(i64::from(number))
            .fetch_optional(self.connection())
            .await
            .map_err(StoreError::database("looking a build of a kernel up"))?
            .as_ref()
            .map(whole)
            .transpose()
    }

    /// The build that a job makes, whole; `None` where its kernel was removed.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn kernel_build_of_job(
        &mut self,
        job: &JobId,
    ) -> Result<Option<KernelBuildRow>, StoreError> {
        sqlx::query("select * from kernel_build_with_job where job_id = $1")
            .bind(job.as_str())
            .fetch_optional(self.connection())
            .await
            .map_err(StoreError::database("looking up what a job makes"))?
            .as_ref()
            .map(whole)
            .transpose()
    }

    /// The newest build of the kernel of that name whose configuration is there; only of those that
    /// succeeded where `complete`.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn newest_configured(
        &mut self,
        kernel: &str,
        complete: bool,
    ) -> Result<Option<KernelBuildRow>, StoreError> {
        sqlx::query(
            "select * from kernel_build_with_job
             where kernel_name = $1 and config_digest is not null and files_removed_at is null
               and ($2 = '' or state = $2)
             order by number desc limit 1",
        )
        .bind(kernel)
        .bind(if complete { "succeeded" } else { "" })
        .fetch_optional(self.connection())
        .await
        .map_err(StoreError::database("looking for a configuration"))?
        .as_ref()
        .map(whole)
        .transpose()
    }
}

impl WriteTx {
    /// Adds a build that is asked for; its job is there already.
    ///
    /// # Errors
    /// [`StoreError::is_conflict`] where its number is taken.
    pub async fn insert_kernel_build(&mut self, new: &NewKernelBuild) -> Result<(), StoreError> {
        sqlx::query(
            "insert into kernel_build (kernel_id, number, mode, job_id, revision, definition)
             values ($1, $2, $3, $4, $5, $6)",
        )
        .bind(new.kernel.as_str())
        .bind(i64::from(new.number))
        .bind(new.mode.word())
        .bind(new.job.as_str())
        .bind(i64::from(new.revision))
        .bind(to_json(&new.definition)?)
        .execute(self.connection())
        .await
        .map_err(StoreError::database("adding a build of a kernel"))?;
        Ok(())
    }

    /// Writes what a build found out about its definition, such as the commit that a tag stands for.
    ///
    /// # Errors
    /// [`StoreError::Changed`] where there is no such build, or it is complete.
    pub async fn pin_kernel_build(
        &mut self,
        job: &JobId,
        definition: &Definition,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "update kernel_build set definition = $1 where job_id = $2 and record_digest is null",
        )
        .bind(to_json(definition)?)
        .bind(job.as_str())
        .execute(self.connection())
        .await
        .map_err(StoreError::database("pinning the source of a build"))
        .and_then(|done| exactly_one(&done, "build of the kernel"))
    }

    /// Writes what became of a build's configuration, as soon as that is known.
    ///
    /// # Errors
    /// [`StoreError::Changed`] where there is no such build, or it is complete.
    pub async fn set_configured(
        &mut self,
        job: &JobId,
        report: Option<&ConfigReport>,
        config: &BlobRef,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "update kernel_build set report = $1, config_digest = $2
             where job_id = $3 and record_digest is null",
        )
        .bind(report.map(to_json).transpose()?)
        .bind(config.sha256.to_string())
        .bind(job.as_str())
        .execute(self.connection())
        .await
        .map_err(StoreError::database("keeping a configuration"))
        .and_then(|done| exactly_one(&done, "build of the kernel"))
    }

    /// Writes what came out of a build. A build that has its record is complete.
    ///
    /// # Errors
    /// [`StoreError::Changed`] where there is no such build, or it is complete already.
    pub async fn complete_kernel_build(
        &mut self,
        job: &JobId,
        record: &Record,
    ) -> Result<Digest, StoreError> {
        let digest = domain::canonical::digest(record)?;
        let row = sqlx::query(
            "update kernel_build set record = $1, record_digest = $2
             where job_id = $3 and record_digest is null
             returning kernel_id, number",
        )
        .bind(to_json(record)?)
        .bind(digest.to_string())
        .bind(job.as_str())
        .fetch_optional(self.connection())
        .await
        .map_err(StoreError::database("completing a build of a kernel"))?
        .ok_or(StoreError::Changed("build of the kernel"))?;
        let (kernel, number) = (KernelId(text(&row, "kernel_id")?), count(&row, "number")?);
        self.insert_kernel_files(&kernel, number, record).await?;
        Ok(digest)
    }

    /// Notes that the files of a build go.
    ///
    /// # Errors
    /// [`StoreError::Changed`] where they went already.
    pub async fn set_kernel_files_removed(
        &mut self,
        kernel: &KernelId,
        number: u32,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "update kernel_build set files_removed_at = $1
             where kernel_id = $2 and number = $3 and files_removed_at is null",
        )
        .bind(at.0)
        .bind(kernel.as_str())
        .bind(i64::from(number))
        .execute(self.connection())
        .await
        .map_err(StoreError::database("noting that files of a kernel go"))
        .and_then(|done| exactly_one(&done, "build of the kernel"))
    }
}
