//! Kernels as components of their own; [`builds`] has what was made of them, [`uses`] who else has
//! their bytes, [`files`] which of them lie in the blob store.

pub mod builds;
pub mod files;
pub mod uses;

use domain::{
    ids::{JobId, KernelId},
    job::JobState,
    kernel::{BuildMode, ConfigBase, Definition, Flavor, Kernel, KernelState},
    page::{Cursor, Page, Slice},
    time::Timestamp,
};
use sqlx::any::AnyRow;

use crate::{
    Rows, StoreError, WriteTx,
    columns::{count, exactly_one, json, optional_number, optional_parsed, text, time, to_json},
};

/// Which kernels a list shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KernelFilter {
    /// Only those of this flavor.
    pub flavor: Option<Flavor>,
    /// Only those that stand so.
    pub state: Option<KernelState>,
}

/// A kernel, and what its newest build says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KernelRow {
    /// The kernel.
    pub kernel: Kernel,
    /// How it stands.
    pub state: KernelState,
    /// Number of its newest build; 0 where nothing was made of it yet.
    pub newest: u32,
}

fn kernel(row: &AnyRow) -> Result<KernelRow, StoreError> {
    let mode: Option<BuildMode> = optional_parsed(row, "newest_mode")?;
    let state: Option<JobState> = optional_parsed(row, "newest_state")?;
    let newest = match optional_number(row, "newest_number")? {
        Some(_) => count(row, "newest_number")?,
        None => 0,
    };
    Ok(KernelRow {
        kernel: Kernel {
            id: KernelId(text(row, "id")?),
            name: text(row, "name")?,
            revision: count(row, "revision")?,
            definition: json(row, "definition")?,
            created_at: time(row, "created_at")?,
            created_by: text(row, "created_by")?,
            changed_at: time(row, "changed_at")?,
            changed_by: text(row, "changed_by")?,
        },
        state: KernelState::of(mode.zip(state)),
        newest,
    })
}

/// Name of the kernel whose configuration a definition starts from.
fn base(definition: &Definition) -> Option<&str> {
    match &definition.configuration.as_ref()?.base {
        ConfigBase::Kernel { name, .. } => Some(name),
        ConfigBase::Defconfig { .. } | ConfigBase::File { .. } => None,
    }
}

impl Rows {
    /// A page of kernels that were not removed, by name.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn kernels_page(
        &mut self,
        filter: &KernelFilter,
        slice: &Slice,
    ) -> Result<Page<KernelRow>, StoreError> {
        // The states are those of `KernelState::of`.
        let read = sqlx::query(
            "select * from kernel_with_newest
             where name > $1 and ($2 = '' or flavor = $2)
               and ($3 = '' or $3 = case
                        when newest_state is null then 'new'
                        when newest_state in ('queued', 'running') then 'building'
                        when newest_state in ('failed', 'cancelled') then 'failed'
                        when newest_mode = 'configure' then 'configured'
                        else 'built' end)
             order by name limit $4",
        )
        .bind(slice.after.as_ref().map_or("", |after| &after.name))
        .bind(filter.flavor.map_or("", Flavor::word))
        .bind(filter.state.map_or("", KernelState::word))
        .bind(i64::from(slice.limit) + 1)
        .fetch_all(self.connection())
        .await
        .map_err(StoreError::database("listing kernels"))?
        .iter()
        .map(kernel)
        .collect::<Result<_, _>>()?;
        Ok(Page::of(read, slice, |it: &KernelRow| Cursor {
            number: 0,
            name: it.kernel.name.clone(),
        }))
    }

    /// The kernel of that name that was not removed.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn kernel(&mut self, name: &str) -> Result<Option<KernelRow>, StoreError> {
        sqlx::query("select * from kernel_with_newest where name = $1")
            .bind(name)
            .fetch_optional(self.connection())
            .await
            .map_err(StoreError::database("looking a kernel up"))?
            .as_ref()
            .map(kernel)
            .transpose()
    }

    /// The job about a kernel that has not ended.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn open_job_of_kernel(&mut self, id: &KernelId) -> Result<Option<JobId>, StoreError> {
        sqlx::query(
            "select id from job where kernel_id = $1 and state in ('queued', 'running') limit 1",
        )
        .bind(id.as_str())
        .fetch_optional(self.connection())
        .await
        .map_err(StoreError::database("looking for a job of a kernel"))?
        .map(|row| text(&row, "id").map(JobId))
        .transpose()
    }

    /// The definitions of all kernels that were not removed.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn kernel_definitions(&mut self) -> Result<Vec<Definition>, StoreError> {
        sqlx::query("select definition from kernel where deleted_at is null")
            .fetch_all(self.connection())
            .await
            .map_err(StoreError::database("reading definitions of kernels"))?
            .iter()
            .map(|row| json(row, "definition"))
            .collect()
    }
}

impl WriteTx {
    /// Adds a kernel.
    ///
    /// # Errors
    /// [`StoreError::is_conflict`] where its name is taken.
    pub async fn insert_kernel(&mut self, kernel: &Kernel) -> Result<(), StoreError> {
        sqlx::query(
            "insert into kernel (id, name, flavor, revision, definition, base, created_at,
                                 created_by, changed_at, changed_by)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        )
        .bind(kernel.id.as_str())
        .bind(&kernel.name)
        .bind(kernel.definition.flavor.word())
        .bind(i64::from(kernel.revision))
        .bind(to_json(&kernel.definition)?)
        .bind(base(&kernel.definition))
        .bind(kernel.created_at.0)
        .bind(&kernel.created_by)
        .bind(kernel.changed_at.0)
        .bind(&kernel.changed_by)
        .execute(self.connection())
        .await
        .map_err(StoreError::database("adding a kernel"))?;
        Ok(())
    }

    /// Writes the next revision of a kernel's definition.
    ///
    /// # Errors
    /// [`StoreError::Changed`] where its revision is not the one before, or it was removed.
    pub async fn change_kernel(&mut self, kernel: &Kernel) -> Result<(), StoreError> {
        sqlx::query(
            "update kernel set flavor = $1, revision = $2, definition = $3, base = $4,
                    changed_at = $5, changed_by = $6
             where id = $7 and revision = $2 - 1 and deleted_at is null",
        )
        .bind(kernel.definition.flavor.word())
        .bind(i64::from(kernel.revision))
        .bind(to_json(&kernel.definition)?)
        .bind(base(&kernel.definition))
        .bind(kernel.changed_at.0)
        .bind(&kernel.changed_by)
        .bind(kernel.id.as_str())
        .execute(self.connection())
        .await
        .map_err(StoreError::database("changing a kernel"))
        .and_then(|done| exactly_one(&done, "kernel"))
    }

    /// Writes what a build found out about the definition of a revision, such as the commit that a
    /// tag stands for; `false` where the kernel has another revision by now. Nobody changed it, so
    /// the revision stays.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn pin_kernel(
        &mut self,
        id: &KernelId,
        revision: u32,
        definition: &Definition,
    ) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "update kernel set definition = $1
             where id = $2 and revision = $3 and deleted_at is null",
        )
        .bind(to_json(definition)?)
        .bind(id.as_str())
        .bind(i64::from(revision))
        .execute(self.connection())
        .await
        .map_err(StoreError::database("pinning the source of a kernel"))?;
        Ok(done.rows_affected() == 1)
    }

    /// Removes a kernel: its name is free, what was recorded about it stays.
    ///
    /// # Errors
    /// [`StoreError::Changed`] where it was removed already.
    pub async fn delete_kernel(&mut self, id: &KernelId, at: Timestamp) -> Result<(), StoreError> {
        sqlx::query("update kernel set deleted_at = $1 where id = $2 and deleted_at is null")
            .bind(at.0)
            .bind(id.as_str())
            .execute(self.connection())
            .await
            .map_err(StoreError::database("removing a kernel"))
            .and_then(|done| exactly_one(&done, "kernel"))
    }
}
