//! Saying what results are about of which nobody has said so: the inbox.

use domain::{
    actor::Actor,
    ids::RunId,
    policy::{self, Action, Refusal},
    run::{Run, RunSource},
    subject::{Subject, SubjectKey, recorded_name},
    time::Timestamp,
};
use store::{WriteTx, runs::GateFacts, subjects::SubjectNumber};

use crate::{
    Services,
    audit::Change,
    deployments::present_role,
    error::ServiceError,
    evidence::{evidence_by, plan_called},
    plans::no_plan,
    releases::no_release,
    runs::no_run,
};

/// What a run can be attached to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachable {
    /// Names of candidates and releases, newest first.
    pub releases: Vec<String>,
    /// Names of releases that were made elsewhere.
    pub recorded: Vec<String>,
}

impl Services {
    /// Says what a run is about of which nobody has said so; from here on its results count.
    ///
    /// # Errors
    /// Where the actor may not, there is no such run, somebody has said so before, or what it is to be
    /// about is not known. A release that was made elsewhere is noted as `recorded/<name>`.
    pub async fn attach_run(
        &self,
        actor: &Actor,
        id: &RunId,
        key: &str,
    ) -> Result<Run, ServiceError> {
        Action::RecordResults.allowed_to(&actor.who)?;
        let key = SubjectKey::from(key.trim());
        if let SubjectKey::Recorded(name) = &key
            && recorded_name(name).is_none()
        {
            let message = "give a name of 1 to 60 characters on one line, with none of / ? # % \\";
            return Err(ServiceError::invalid("release", message));
        }
        let mut tx = self.begin().await?;
        let run = tx.run_alone(id).await?.ok_or_else(|| no_run(id))?;
        if let Some(subject) = &run.subject {
            let message = format!("this run is about {} already", subject.name());
            return Err(ServiceError::Conflict(message));
        }
        let subject = subject_to_judge(self, &mut tx, &key, run.started_at).await?;
        let subject = subject.ok_or_else(|| match &key {
            SubjectKey::Named(name) | SubjectKey::Recorded(name) => no_release(name),
            SubjectKey::Variant { name, .. } => {
                ServiceError::NotFound(format!("complete build of variant {name}"))
            }
        })?;
        tx.attach_run(id, subject).await?;
        let run = tx.run_alone(id).await?.ok_or_else(|| no_run(id))?;
        self.record(&mut tx, actor, Change::RunAttached { run: &run }).await?;
        self.commit(tx, &format!("run/{id}")).await?;
        Ok(run)
    }

    /// Lets results that came in from elsewhere decide at the gates that demand a plan, as it is now.
    ///
    /// # Errors
    /// Where the rules do not let the actor, or the plan does not ask for the suite of this run on its
    /// machine and boot entry.
    pub async fn count_run(
        &self,
        actor: &Actor,
        id: &RunId,
        plan: &str,
    ) -> Result<Run, ServiceError> {
        let role = Self::role_of(actor, Action::CountResults)?;
        let (by, _) = Self::person_of(actor)?;
        let mut tx = self.begin().await?;
        let run = tx.run_alone(id).await?.ok_or_else(|| no_run(id))?;
        let role = present_role(&tx.people().await?, &by, role)?;
        policy::may_count_results((actor.name(), role), &run, &tx.environments().await?)?;
        let release = match &run.subject {
            Some(Subject::Release { id, .. }) => tx.release(id).await?,
            Some(Subject::Variant { .. } | Subject::Recorded { .. }) | None => None,
        };
        let release = release.ok_or(Refusal::NothingToCount)?;
        let found = plan_called(&mut tx, plan).await?.ok_or_else(|| no_plan(plan))?;
        let evidence = evidence_by(&mut tx, &release, plan, self.now()).await?;
        let asked = evidence.cases.iter().any(|it| {
            (&it.suite, &it.machine, &it.entry) == (&run.suite, &run.machine, &run.entry)
        });
        if !asked {
            let suites: Vec<_> =
                found.definition.suites.iter().map(|it| it.suite.as_str()).collect();
            let message = format!(
                "plan {plan} asks for {} on {}; this run is of {} on {}{}",
                suites.join(", "),
                found.definition.machines.join(", "),
                run.suite,
                run.machine,
                if run.entry.is_empty() { String::new() } else { format!(", entry {}", run.entry) },
            );
            return Err(ServiceError::invalid("plan", message));
        }
        let gate = GateFacts {
            manifest: evidence.manifest,
            plan: found.name,
            plan_revision: found.revision,
        };
        tx.count_run(id, &gate).await?;
        let run = tx.run_alone(id).await?.ok_or_else(|| no_run(id))?;
        self.record(&mut tx, actor, Change::RunCounted { run: &run }).await?;
        self.commit(tx, &format!("run/{id}")).await?;
        Ok(run)
    }

    /// Whether the actor may let a run decide at a gate; `None` where it is not of a kind that waits
    /// for that.
    ///
    /// # Errors
    /// Where the actor may not read.
    pub async fn count_choice(
        &self,
        actor: &Actor,
        run: &Run,
    ) -> Result<Option<Result<(), String>>, ServiceError> {
        Action::Read.allowed_to(&actor.who)?;
        let brought = matches!(run.source, RunSource::Upload | RunSource::Manual);
        let (_, role) = Self::person_of(actor)?;
        let environments = self.read().await?.environments().await?;
        match policy::may_count_results((actor.name(), role), run, &environments) {
            _ if !brought => Ok(None),
            Err(Refusal::Counted { .. } | Refusal::NothingToCount) => Ok(None),
            choice => Ok(Some(choice.map_err(|it| it.to_string()))),
        }
    }

    /// How many runs wait for somebody to say what they are about.
    ///
    /// # Errors
    /// Where the actor may not read.
    pub async fn waiting_runs(&self, actor: &Actor) -> Result<u64, ServiceError> {
        Action::Read.allowed_to(&actor.who)?;
        Ok(self.read().await?.unattached_runs().await?)
    }

    /// What a run can be attached to.
    ///
    /// # Errors
    /// Where the actor may not read.
    pub async fn attachable(&self, actor: &Actor) -> Result<Attachable, ServiceError> {
        Action::Read.allowed_to(&actor.who)?;
        let mut rows = self.read().await?;
        let complete = rows.releases().await?.into_iter().filter(|it| it.manifest.is_some());
        let releases = complete.map(|it| it.name()).take(100).collect();
        let recorded = rows.recorded_names().await?;
        Ok(Attachable { releases, recorded })
    }
}

/// The subject that a key names, noted where results are about it for the first time; `None` where
/// there is no such thing, or nothing was built of it. A release made elsewhere that is new is noted
/// where the key says that it is one.
pub(super) async fn subject_to_judge(
    services: &Services,
    tx: &mut WriteTx,
    key: &SubjectKey,
    at: Timestamp,
) -> Result<Option<SubjectNumber>, ServiceError> {
    let now = services.now();
    match key {
        SubjectKey::Named(name) => {
            let release = tx.release_by_name(name).await?;
            if let Some(release) = release
                && let Some(manifest) = release.manifest
            {
                return Ok(Some(tx.subject_of_manifest(&release.id, None, &manifest, now).await?));
            }
        }
        SubjectKey::Variant { name, .. } => {
            if let Some(variant) = tx.variant(name).await?
                && let Some(built) = tx.built_variant(&variant.variant.id).await?
                && let Some(manifest) = &built.build.manifest
            {
                let (id, digest) = (&variant.variant.id, manifest.digest()?);
                return Ok(Some(
                    tx.subject_of_manifest(&built.base, Some(id), &digest, now).await?,
                ));
            }
        }
        SubjectKey::Recorded(name) => {
            return match recorded_name(name) {
                Some(name) => Ok(Some(tx.recorded_subject(name, at).await?)),
                None => Ok(None),
            };
        }
    }
    // A release made elsewhere may go by its bare name, and a build of a variant by its manifest.
    Ok(tx.subject(key).await?.map(|(number, _)| number))
}
