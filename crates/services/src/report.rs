//! The report of a release: the facts that its rows hold, put into the form in which teams post it.

use domain::{
    actor::Actor,
    deployment::Deployment,
    policy::Action,
    run::report::{Facts, Judgement, Report},
    subject::{JudgedSubject, SubjectKey},
};
use store::{Rows, standings::FailingFilter, subjects::SubjectNumber};

use crate::{Services, error::ServiceError, runs::subject_of};

/// How many failures a report gives reasons for.
const MOST_FAILS: u32 = 100;

impl Services {
    /// The report of a release, or of one that was made elsewhere, measured against `baseline`, else against
    /// what stands before it.
    ///
    /// # Errors
    /// Where there is no such release or baseline, the baseline has no results, or the actor may not read.
    pub async fn release_report(
        &self,
        actor: &Actor,
        key: &SubjectKey,
        baseline: Option<&SubjectKey>,
    ) -> Result<Report, ServiceError> {
        Action::Read.allowed_to(&actor.who)?;
        let mut rows = self.read().await?;
        let mut facts = Facts { now: self.now(), ..Facts::default() };
        if let SubjectKey::Named(name) = key {
            self.add_release(&mut rows, name, &mut facts).await?;
        }
        let subject = subject_of(&mut rows, key).await?;
        let Some(here) = judged(&mut rows, subject).await? else {
            return Ok(Report::from(facts));
        };
        // What was made elsewhere is found by its bare name as well.
        facts.release = here.1.subject.name().to_owned();
        facts.about = here.1.subject.key();
        facts.here = self.placed(&mut rows, (here.0, here.1.revision)).await?.to_vec();
        let filter = FailingFilter { limit: MOST_FAILS + 1, ..FailingFilter::default() };
        facts.failing = rows.failing_results(here.0, &filter).await?;
        let most = usize::try_from(MOST_FAILS).unwrap_or(usize::MAX);
        facts.more_failing = facts.failing.len() > most;
        facts.failing.truncate(most);
        let base = match baseline {
            Some(key) => Some(subject_of(&mut rows, key).await?.ok_or_else(|| {
                ServiceError::invalid("baseline", "there are no results of the baseline yet")
            })?),
            None => rows.judged_before(here.0).await?,
        };
        if let Some(base) = judged(&mut rows, base).await? {
            facts.baseline = Some((base.1.subject.name().to_owned(), base.1.subject.key()));
            let placed = self.placed(&mut rows, (base.0, base.1.revision)).await?;
            facts.base = Some(placed.to_vec());
            facts.compared = self.compared(&mut rows, &here, &base).await?.cases.clone();
        }
        Ok(Report::from(facts))
    }

    /// What a release of this installation has besides results.
    async fn add_release(
        &self,
        rows: &mut Rows,
        name: &str,
        facts: &mut Facts,
    ) -> Result<(), ServiceError> {
        let Some(release) = rows.release_by_name(name).await? else { return Ok(()) };
        let notes = rows.notes(&release.id).await?;
        facts.release = release.name();
        facts.about = release.name();
        facts.stage = Some(release.stage.word().to_owned());
        facts.key_changes = notes.notes;
        facts.known_issues = notes.known_issues;
        if let Some(manifest) = rows.manifest_of(&release.id).await? {
            facts.manifest = release.manifest;
            facts.signed_by = Some(self.signing_key_id());
            facts.entries = manifest.entries.iter().map(|it| it.label().to_owned()).collect();
            facts.binaries = manifest.components;
        }
        let deployments = rows.deployments_of_release(&release.id).await?;
        facts.judgements = deployments.iter().flat_map(judgements).collect();
        Ok(())
    }
}

async fn judged(
    rows: &mut Rows,
    subject: Option<SubjectNumber>,
) -> Result<Option<(SubjectNumber, JudgedSubject)>, ServiceError> {
    let Some(number) = subject else { return Ok(None) };
    Ok(rows.judged_subject(number).await?.map(|it| (number, it)))
}

fn judgements(deployment: &Deployment) -> impl Iterator<Item = Judgement> {
    deployment.approvals.iter().rev().map(|it| Judgement {
        environment: deployment.environment.clone(),
        by: it.approver_name.clone(),
        verdict: it.verdict,
        comment: it.comment.clone(),
        at: it.at.rfc3339(),
    })
}
