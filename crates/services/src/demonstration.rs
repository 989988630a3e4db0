//! Filling an empty installation with data to try things with, and saying that it holds them.

use std::time::Duration;

use domain::{
    actor::{Actor, Who},
    demonstration::{MACHINE, RECORDED_BY, RELEASES, SUITE},
    ids::RunId,
    run::{Outcome, RunSource},
};
use store::{
    WriteTx,
    runs::{NewRun, RunEnd},
};

use crate::{Services, audit::Change, error::ServiceError, runs::no_run};

/// What the runs of a demonstration say that they were written by.
const GENERATOR: &str = "bootwright demo";

impl Services {
    /// Fills an empty installation with the data of a demonstration, all of it or nothing; gives how many
    /// runs it has. The way of the command line on the server's own machine.
    ///
    /// # Errors
    /// Where the actor is another, or the installation holds releases or results already.
    pub async fn fill_with_demonstration(&self, actor: &Actor) -> Result<usize, ServiceError> {
        if actor.who != Who::CommandLine {
            return Err(ServiceError::Unauthenticated);
        }
        let mut tx = self.begin().await?;
        if tx.demonstration_since().await?.is_some() {
            let message = "this installation holds the data of the demonstration already";
            return Err(ServiceError::Conflict(message.to_owned()));
        }
        if tx.holds_anything().await? {
            let message = "this installation holds releases or results of its own: a demonstration \
                           must not stand among them, so give it a data folder of its own";
            return Err(ServiceError::Conflict(message.to_owned()));
        }
        let mut runs = 0;
        for release in &RELEASES {
            let subject = tx.recorded_subject(release.name, release.at()).await?;
            let Some(round) = &release.round else { continue };
            let run = NewRun {
                id: RunId::generate(self.ids()),
                subject: Some(subject),
                machine: MACHINE.to_owned(),
                entry: String::new(),
                suite: SUITE.to_owned(),
                source: RunSource::Manual,
                gate: None,
                file: None,
                kernel: String::new(),
                generator: GENERATOR.to_owned(),
                started_at: release.at(),
                recorded_by: RECORDED_BY.to_owned(),
            };
            let cases = round.cases();
            let failed = cases.iter().filter(|it| it.outcome.fails()).count();
            tx.insert_run(&run, None).await?;
            tx.insert_results(&run.id, 0, &cases).await?;
            let minutes = round.minutes.and_then(|it| u64::try_from(it).ok()).unwrap_or(0);
            let end = RunEnd {
                ended_at: release.at().plus(Duration::from_secs(minutes * 60)),
                outcome: if failed == 0 { Outcome::Passed } else { Outcome::Failed },
                failure: None,
                message: format!("{} of {} cases passed", cases.len() - failed, cases.len()),
                incomplete: None,
                remarks: round.remarks.iter().map(|it| (*it).to_owned()).collect(),
            };
            tx.finish_run(&run.id, &end).await?;
            self.record_run(&mut tx, actor, &run.id).await?;
            runs += 1;
        }
        tx.set_demonstration(self.now()).await?;
        self.commit(tx, "run/").await?;
        Ok(runs)
    }

    /// Whether this installation holds the data of a demonstration.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn is_demonstration(&self) -> Result<bool, ServiceError> {
        Ok(self.read().await?.demonstration_since().await?.is_some())
    }

    async fn record_run(
        &self,
        tx: &mut WriteTx,
        actor: &Actor,
        id: &RunId,
    ) -> Result<(), ServiceError> {
        let run = tx.run_alone(id).await?.ok_or_else(|| no_run(id))?;
        self.record(tx, actor, Change::ResultsRecorded { run: &run }).await?;
        Ok(())
    }
}
