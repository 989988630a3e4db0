//! The feed: releases that were built, tests that ended, and what environments serve since when.

use domain::{
    actor::Actor,
    deployment::{Deployment, DeploymentState},
    feed::{Feed, FeedEntry, FeedPage},
    page::Slice,
    policy::Action,
    release::Release,
    run::Run,
    subject::Subject,
};
use store::{deployments::DeploymentFilter, releases::ReleaseFilter as Releases, runs::RunFilter};

use crate::{Services, error::ServiceError};

/// How many things a feed tells at the most: readers ask often, and keep what they have read.
const MOST: u32 = 50;

impl Services {
    /// What happened last, newest first.
    ///
    /// # Errors
    /// Where the actor may not read.
    pub async fn feed(&self, actor: &Actor) -> Result<Feed, ServiceError> {
        Action::Read.allowed_to(&actor.who)?;
        let slice = Slice { after: None, limit: MOST };
        let mut rows = self.read().await?;
        let releases = rows.releases_page(&Releases::default(), &slice).await?;
        let runs = rows.runs_page(&RunFilter::default(), &slice).await?;
        let deployed = Some(DeploymentState::Deployed);
        let filter = DeploymentFilter { state: deployed, ..DeploymentFilter::default() };
        let deployments = rows.deployments_page(&filter, &slice).await?;
        drop(rows);
        let mut entries: Vec<FeedEntry> = releases.items.iter().filter_map(built).collect();
        entries.extend(runs.items.iter().filter_map(ended));
        entries.extend(deployments.items.iter().filter_map(switched));
        entries.sort_by(|a, b| (b.at, &b.id).cmp(&(a.at, &a.id)));
        entries.truncate(usize::try_from(MOST).unwrap_or(usize::MAX));
        Ok(Feed { installation: self.signing_key_id(), entries })
    }
}

fn built(release: &Release) -> Option<FeedEntry> {
    let made = if release.is_imported() { "imported" } else { "built" };
    Some(FeedEntry {
        at: release.built_at?,
        id: format!("release/{}", release.id),
        title: format!("{} was {made}", release.version),
        summary: format!("Of recipe {}, revision {}.", release.recipe_name, release.revision),
        author: release.created_by.clone(),
        page: FeedPage::Release(release.name()),
    })
}

fn ended(run: &Run) -> Option<FeedEntry> {
    let about = run.subject.as_ref().map_or("inbox", Subject::name);
    let outcome = run.outcome.map_or("ended", domain::run::Outcome::word);
    let totals = &run.totals;
    Some(FeedEntry {
        at: run.ended_at?,
        id: format!("run/{}", run.id),
        title: format!("{about}: {} on {} {outcome}", run.suite, run.machine),
        summary: format!(
            "{} passed, {} failed, {} skipped or not run.",
            totals.passed,
            totals.failing(),
            totals.skipped.saturating_add(totals.not_run)
        ),
        author: run.recorded_by.clone(),
        page: FeedPage::Run(run.id.clone()),
    })
}

fn switched(deployment: &Deployment) -> Option<FeedEntry> {
    let before = deployment
        .from_name
        .as_ref()
        .map_or_else(String::new, |from| format!(" It served {from} before."));
    let how = if deployment.rollback { "went back to" } else { "serves" };
    let by = deployment.ended_by.as_ref().unwrap_or(&deployment.requester_name);
    Some(FeedEntry {
        at: deployment.ended_at?,
        id: format!("deployment/{}", deployment.id),
        title: format!("{} {how} {}", deployment.environment, deployment.release_name),
        summary: format!("{}.{before}", deployment.reason.trim_end_matches('.')),
        author: by.clone(),
        page: FeedPage::Deployment(deployment.id.clone()),
    })
}
