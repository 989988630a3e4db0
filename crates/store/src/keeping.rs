//! Which runs keep their files, and which have lost them.

use domain::{
    ids::RunId,
    run::keeping::{Importance, Keeping},
    time::Timestamp,
};

use crate::{
    Rows, StoreError, WriteTx,
    columns::{exactly_one, optional_text, optional_time},
};

impl Rows {
    /// Whether a run is important, and when its files went.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn keeping_of_run(&mut self, id: &RunId) -> Result<Keeping, StoreError> {
        let row = sqlx::query(
            "select i.marked_by, i.marked_at, g.removed_at
             from (select cast($1 as text) as run_id) u
             left join important_run i on i.run_id = u.run_id
             left join run_files_removed g on g.run_id = u.run_id",
        )
        .bind(id.as_str())
        .fetch_one(self.connection())
        .await
        .map_err(StoreError::database("asking what a run keeps"))?;
        let marked = optional_text(&row, "marked_by")?.zip(optional_time(&row, "marked_at")?);
        Ok(Keeping {
            important: marked.map(|(by, at)| Importance { by, at }),
            files_removed_at: optional_time(&row, "removed_at")?,
        })
    }
}

impl WriteTx {
    /// Notes that a run is important; one that is already stays as it is marked.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn mark_important(
        &mut self,
        id: &RunId,
        mark: &Importance,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "insert into important_run (run_id, marked_by, marked_at) values ($1, $2, $3)
             on conflict (run_id) do nothing",
        )
        .bind(id.as_str())
        .bind(&mark.by)
        .bind(mark.at.0)
        .execute(self.connection())
        .await
        .map(drop)
        .map_err(StoreError::database("noting that a run is important"))
    }

    /// Notes that a run is important no more.
    ///
    /// # Errors
    /// [`StoreError::Changed`] where it was not.
    pub async fn unmark_important(&mut self, id: &RunId) -> Result<(), StoreError> {
        sqlx::query("delete from important_run where run_id = $1")
            .bind(id.as_str())
            .execute(self.connection())
            .await
            .map_err(StoreError::database("noting that a run is important no more"))
            .and_then(|done| exactly_one(&done, "mark"))
    }

    /// Notes that the files of a run go: those that came in, what it left, and its console.
    ///
    /// # Errors
    /// Where the database fails, or they went already.
    pub async fn set_run_files_removed(
        &mut self,
        id: &RunId,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        sqlx::query("insert into run_files_removed (run_id, removed_at) values ($1, $2)")
            .bind(id.as_str())
            .bind(at.0)
            .execute(self.connection())
            .await
            .map_err(StoreError::database("noting that files of a run go"))?;
        sqlx::query(
            "update result_file set removed_at = $1
             where removed_at is null and id in (select file_id from run where id = $2)",
        )
        .bind(at.0)
        .bind(id.as_str())
        .execute(self.connection())
        .await
        .map(drop)
        .map_err(StoreError::database("noting that a file of results goes"))
    }
}
