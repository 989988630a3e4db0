//! Files of results that came in: kept from the moment they are acknowledged, so that one whose reading
//! was interrupted is read again.

use domain::{
    digest::Digest,
    ids::{ResultFileId, RunId},
    run::file::ResultFile,
    time::Timestamp,
};
use sqlx::any::AnyRow;

use crate::{
    Rows, StoreError, WriteTx,
    columns::{exactly_one, json, number, optional_time, parsed, text, time, to_json},
    runs::GateFacts,
    subjects::SubjectNumber,
};

fn result_file(row: &AnyRow) -> Result<ResultFile, StoreError> {
    Ok(ResultFile {
        id: ResultFileId(text(row, "id")?),
        sha256: parsed(row, "sha256")?,
        name: text(row, "name")?,
        size: u64::try_from(number(row, "size")?).unwrap_or(0),
        said: json(row, "said")?,
        source: parsed(row, "source")?,
        received_at: time(row, "received_at")?,
        received_by: text(row, "received_by")?,
        read_at: optional_time(row, "read_at")?,
        removed_at: optional_time(row, "removed_at")?,
    })
}

impl Rows {
    /// The file of these bytes that came in before, and of a table with a column for each board the
    /// one of that board.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn result_file_of(
        &mut self,
        sha256: &Digest,
        board: Option<&str>,
    ) -> Result<Option<ResultFile>, StoreError> {
        sqlx::query("select * from result_file where sha256 = $1 and board = $2")
            .bind(sha256.to_string())
            .bind(board.unwrap_or_default())
            .fetch_optional(self.connection())
            .await
            .map_err(StoreError::database("looking a file of results up"))?
            .as_ref()
            .map(result_file)
            .transpose()
    }

    /// One file.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn result_file(
        &mut self,
        id: &ResultFileId,
    ) -> Result<Option<ResultFile>, StoreError> {
        sqlx::query("select * from result_file where id = $1")
            .bind(id.as_str())
            .fetch_optional(self.connection())
            .await
            .map_err(StoreError::database("looking a file of results up"))?
            .as_ref()
            .map(result_file)
            .transpose()
    }

    /// The files that were acknowledged and are not all in rows yet, oldest first.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn unread_result_files(&mut self) -> Result<Vec<ResultFile>, StoreError> {
        sqlx::query("select * from result_file where read_at is null order by received_at, id")
            .fetch_all(self.connection())
            .await
            .map_err(StoreError::database("looking for files of results to read"))?
            .iter()
            .map(result_file)
            .collect()
    }

    /// The run that was read from a file.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn run_of_file(&mut self, id: &ResultFileId) -> Result<Option<RunId>, StoreError> {
        sqlx::query("select id from run where file_id = $1")
            .bind(id.as_str())
            .fetch_optional(self.connection())
            .await
            .map_err(StoreError::database("looking for the run of a file"))?
            .map(|row| text(&row, "id").map(RunId))
            .transpose()
    }
}

impl WriteTx {
    /// Keeps a file that came in: from its commit on it is acknowledged.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn insert_result_file(&mut self, file: &ResultFile) -> Result<(), StoreError> {
        sqlx::query(
            "insert into result_file (id, sha256, board, name, size, said, source, received_at,
                                      received_by)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(file.id.as_str())
        .bind(file.sha256.to_string())
        .bind(file.said.board.as_deref().unwrap_or_default())
        .bind(&file.name)
        .bind(i64::try_from(file.size).unwrap_or(i64::MAX))
        .bind(to_json(&file.said)?)
        .bind(file.source.word())
        .bind(file.received_at.0)
        .bind(&file.received_by)
        .execute(self.connection())
        .await
        .map_err(StoreError::database("keeping a file of results"))?;
        Ok(())
    }

    /// Notes that all of a file is in rows.
    ///
    /// # Errors
    /// [`StoreError::Changed`] where it was already.
    pub async fn result_file_was_read(
        &mut self,
        id: &ResultFileId,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let done =
            sqlx::query("update result_file set read_at = $1 where id = $2 and read_at is null")
                .bind(now.0)
                .bind(id.as_str())
                .execute(self.connection())
                .await
                .map_err(StoreError::database("noting that a file was read"))?;
        exactly_one(&done, "file of results")
    }

    /// Removes what an interrupted reading left in rows: it is begun again.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn delete_half_read(&mut self, file: &ResultFileId) -> Result<(), StoreError> {
        for statement in [
            "delete from result_detail where result in
                 (select r.number from result r join run u on u.number = r.run
                  where u.file_id = $1 and u.ended_at is null)",
            "delete from result where run in
                 (select number from run where file_id = $1 and ended_at is null)",
            "delete from run where file_id = $1 and ended_at is null",
        ] {
            sqlx::query(statement)
                .bind(file.as_str())
                .execute(self.connection())
                .await
                .map_err(StoreError::database("removing what was read of a file"))?;
        }
        Ok(())
    }

    /// Lets a run decide at the gate that asks for these facts.
    ///
    /// # Errors
    /// [`StoreError::Changed`] where it decides at one already, or it has not ended.
    pub async fn count_run(&mut self, id: &RunId, gate: &GateFacts) -> Result<(), StoreError> {
        sqlx::query(
            "update run set manifest_digest = $1, plan = $2, plan_revision = $3
             where id = $4 and plan is null and ended_at is not null",
        )
        .bind(gate.manifest.to_string())
        .bind(&gate.plan)
        .bind(i64::from(gate.plan_revision))
        .bind(id.as_str())
        .execute(self.connection())
        .await
        .map_err(StoreError::database("letting a run count"))
        .and_then(|done| exactly_one(&done, "run"))
    }

    /// Says what a run is about of which nobody has said so yet; its results count from here on.
    ///
    /// # Errors
    /// [`StoreError::Changed`] where somebody has, or it has not ended.
    pub async fn attach_run(
        &mut self,
        id: &RunId,
        subject: SubjectNumber,
    ) -> Result<(), StoreError> {
        let attached = sqlx::query(
            "update run set subject = $1
             where id = $2 and subject is null and ended_at is not null
             returning number",
        )
        .bind(subject.0)
        .bind(id.as_str())
        .fetch_optional(self.connection())
        .await
        .map_err(StoreError::database("saying what a run is about"))?;
        let Some(row) = attached else { return Err(StoreError::Changed("run")) };
        let run = number(&row, "number")?;
        self.let_results_count(run).await
    }
}
