//! The results of a run as they are in rows: page by page, and as a file in our own JSON or as a table.

use std::io::{self, BufWriter, Seek as _, Write};

use domain::{
    actor::Actor,
    ids::RunId,
    policy::Action,
    run::{
        Run,
        reported::{ReportedCase, ReportedRun, ResultFormat},
    },
};
use lab::results::{CsvWriter, JsonWriter};
pub use store::results::ResultFilter;

use crate::{Services, downloads::Download, error::ServiceError, runs::no_run};

/// How many results are read at once.
const AT_ONCE: u32 = 500;

/// How a run is written out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportFormat {
    /// Our own JSON: brought in again, it is the same.
    Json,
    /// A table as teams keep them.
    Csv,
}

impl Services {
    /// Results of a run with all that is known of them, each with its position.
    ///
    /// # Errors
    /// Where there is no such run, or the actor may not read.
    pub async fn recorded_results(
        &self,
        actor: &Actor,
        id: &RunId,
        filter: &ResultFilter,
    ) -> Result<(Run, Vec<(u64, ReportedCase)>), ServiceError> {
        Action::Read.allowed_to(&actor.who)?;
        let mut rows = self.read().await?;
        let run = rows.run_alone(id).await?.ok_or_else(|| no_run(id))?;
        let results = rows.recorded_results(id, filter).await?;
        Ok((run, results))
    }

    /// A run as a file, made of its rows: whatever became of the file that it was read from.
    ///
    /// # Errors
    /// Where there is no such run, it has not ended, or the actor may not read.
    pub async fn export_run(
        &self,
        actor: &Actor,
        id: &RunId,
        format: ExportFormat,
    ) -> Result<Download, ServiceError> {
        Action::Read.allowed_to(&actor.who)?;
        let mut rows = self.read().await?;
        let run = rows.run_alone(id).await?.ok_or_else(|| no_run(id))?;
        let Some(ended_at) = run.ended_at else {
            return Err(ServiceError::Conflict(format!("run {id} has not ended yet")));
        };
        let told = ReportedRun {
            format: ResultFormat::Json,
            generator: run.generator.clone(),
            suite: run.suite.clone(),
            started_at: Some(run.started_at),
            ended_at: Some(ended_at),
            totals: run.totals,
            contradictions: Vec::new(),
            incomplete: run.incomplete.clone(),
            remarks: run.remarks.clone(),
        };
        let mut file = BufWriter::new(tempfile::tempfile_in(&self.options().data_dir)?);
        let mut out = Writing::begin(format, &told, &mut file)?;
        let mut filter = ResultFilter { limit: AT_ONCE, ..ResultFilter::default() };
        loop {
            let results = rows.recorded_results(id, &filter).await?;
            let Some((last, _)) = results.last() else { break };
            filter.after = Some(*last);
            for (_, case) in &results {
                out.case(case)?;
            }
        }
        out.finish()?;
        let mut file = file.into_inner().map_err(|it| ServiceError::from(it.into_error()))?;
        let size = file.stream_position()?;
        file.rewind()?;
        let (name, media_type) = match format {
            ExportFormat::Json => (format!("run-{id}.json"), "application/json"),
            ExportFormat::Csv => (format!("run-{id}.csv"), "text/csv; charset=utf-8"),
        };
        Ok(Download::File { name, media_type, file, size })
    }
}

/// A file that is written case by case.
enum Writing<W: Write> {
    Json(JsonWriter<W>),
    Csv(Box<CsvWriter<W>>),
}

impl<W: Write> Writing<W> {
    fn begin(format: ExportFormat, told: &ReportedRun, out: W) -> io::Result<Self> {
        Ok(match format {
            ExportFormat::Json => Self::Json(JsonWriter::begin(out, told)?),
            ExportFormat::Csv => Self::Csv(Box::new(CsvWriter::begin(out)?)),
        })
    }

    fn case(&mut self, case: &ReportedCase) -> io::Result<()> {
        match self {
            Self::Json(writer) => writer.case(case),
            Self::Csv(writer) => writer.case(case),
        }
    }

    fn finish(self) -> io::Result<()> {
        match self {
            Self::Json(writer) => writer.finish().map(drop),
            Self::Csv(writer) => writer.finish(),
        }
    }
}
