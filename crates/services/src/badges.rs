//! Badges: how the tests of a release went, and what an environment serves.

use domain::{
    actor::Actor,
    badge::{Badge, Tone},
    policy::Action,
    release::Health,
    run::reported::Totals,
    subject::SubjectKey,
};

use crate::{Services, error::ServiceError, runs::subject_of};

impl Services {
    /// How the tests of a release went: what counts of it, as its page says.
    ///
    /// # Errors
    /// Where there is no such release, or the actor may not read.
    pub async fn tests_badge(
        &self,
        actor: &Actor,
        key: &SubjectKey,
    ) -> Result<Badge, ServiceError> {
        Action::Read.allowed_to(&actor.who)?;
        let mut rows = self.read().await?;
        let judged = match subject_of(&mut rows, key).await? {
            Some(number) => rows.judged_subject(number).await?,
            None => None,
        };
        let (name, totals) = match (&judged, key) {
            (Some(it), _) => (it.subject.name().to_owned(), it.totals),
            (None, SubjectKey::Named(name) | SubjectKey::Recorded(name)) => {
                (name.clone(), Totals::default())
            }
            (None, SubjectKey::Variant { name, .. }) => (name.clone(), Totals::default()),
        };
        let (message, tone) = match (totals.passed, totals.failing()) {
            (0, 0) => ("no results".to_owned(), Tone::Unknown),
            (passed, 0) => (format!("{passed} passed"), Tone::Good),
            (passed, failing) => (format!("{passed} passed, {failing} failed"), Tone::Bad),
        };
        Ok(Badge { label: format!("{name} tests"), message, tone })
    }

    /// What an environment serves, and what the evidence says of it.
    ///
    /// # Errors
    /// Where there is no such environment, or the actor may not read.
    pub async fn environment_badge(
        &self,
        actor: &Actor,
        name: &str,
    ) -> Result<Badge, ServiceError> {
        let environment = self.environment(actor, name).await?;
        let (message, tone) = match &environment.release_name {
            None => ("serves nothing".to_owned(), Tone::Unknown),
            Some(served) => {
                let release = self.release(actor, served).await?;
                let health = self.health(actor, &release).await?;
                let tone = match health {
                    Health::Passing => Tone::Good,
                    Health::Failing => Tone::Bad,
                    Health::Unknown => Tone::Unknown,
                };
                (format!("{served} · {}", health.word()), tone)
            }
        };
        Ok(Badge { label: environment.name, message, tone })
    }
}
