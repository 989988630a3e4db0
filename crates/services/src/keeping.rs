//! Which runs keep their files: what came in, what they left, and what their machines wrote.

use domain::{
    actor::Actor,
    ids::RunId,
    policy::Action,
    run::{
        Run,
        keeping::{Importance, Keeping},
    },
};

use crate::{Services, audit::Change, error::ServiceError, runs::no_run};

impl Services {
    /// Whether a run is important, and when its files went.
    ///
    /// # Errors
    /// Where there is no such run, or the actor may not read.
    pub async fn keeping_of_run(&self, actor: &Actor, id: &RunId) -> Result<Keeping, ServiceError> {
        Action::Read.allowed_to(&actor.who)?;
        let mut rows = self.read().await?;
        rows.run_alone(id).await?.ok_or_else(|| no_run(id))?;
        Ok(rows.keeping_of_run(id).await?)
    }

    /// Says that a run must keep its files however old it is; once more changes nothing.
    ///
    /// # Errors
    /// Where the actor may not, there is no such run, or its files went already.
    pub async fn mark_run_important(
        &self,
        actor: &Actor,
        id: &RunId,
    ) -> Result<Keeping, ServiceError> {
        Action::KeepRun.allowed_to(&actor.who)?;
        let mut tx = self.begin().await?;
        let run = tx.run_alone(id).await?.ok_or_else(|| no_run(id))?;
        let keeping = tx.keeping_of_run(id).await?;
        if keeping.files_removed_at.is_some() {
            let message = "its files were removed already; its results stay in any case";
            return Err(ServiceError::Conflict(message.to_owned()));
        }
        if keeping.important.is_some() {
            return Ok(keeping);
        }
        let mark = Importance { by: actor.name().to_owned(), at: self.now() };
        tx.mark_important(id, &mark).await?;
        self.record(&mut tx, actor, Change::RunMarked { run: &run, important: true }).await?;
        self.commit(tx, &topic(&run)).await?;
        self.count_room_anew();
        Ok(Keeping { important: Some(mark), ..keeping })
    }

    /// Says that a run need not keep its files any more.
    ///
    /// # Errors
    /// Where the actor may not, or there is no such run or it was not important.
    pub async fn unmark_run_important(
        &self,
        actor: &Actor,
        id: &RunId,
    ) -> Result<Keeping, ServiceError> {
        Action::KeepRun.allowed_to(&actor.who)?;
        let mut tx = self.begin().await?;
        let run = tx.run_alone(id).await?.ok_or_else(|| no_run(id))?;
        if tx.keeping_of_run(id).await?.important.is_none() {
            return Err(ServiceError::NotFound(format!("mark on run {id}")));
        }
        tx.unmark_important(id).await?;
        let keeping = tx.keeping_of_run(id).await?;
        self.record(&mut tx, actor, Change::RunMarked { run: &run, important: false }).await?;
        self.commit(tx, &topic(&run)).await?;
        self.count_room_anew();
        Ok(keeping)
    }
}

fn topic(run: &Run) -> String {
    format!("run/{}", run.id)
}
