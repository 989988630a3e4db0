//! Evidence: what the runner recorded about one manifest, and the digest an approval names.

use serde::{Deserialize, Serialize};

use crate::{
    canonical::{self, NotCanonical},
    digest::Digest,
    ids::RunId,
    release::Health,
    run::Outcome,
};

/// The deciding results of one plan for one manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Evidence {
    /// The manifest that was judged.
    pub manifest: Digest,
    /// Name of the plan.
    pub plan: String,
    /// Revision of the plan.
    pub plan_revision: u32,
    /// One per required entry, machine, suite and case, ordered by these.
    pub cases: Vec<DecidingCase>,
}

/// The result that decides one required case: that of the newest run that ended.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct DecidingCase {
    /// Label of the boot entry; empty where the suite is run once for the machine.
    pub entry: String,
    /// Name of the machine.
    pub machine: String,
    /// Name of the suite.
    pub suite: String,
    /// The case's id; [`crate::plan::WHOLE_RUN`] where it says whether all that a run found is known.
    pub case: String,
    /// The run that decides; `None` where no run has ended.
    pub run: Option<RunId>,
    /// Its outcome; `not-run` where no run has ended.
    pub outcome: OutcomeWord,
}

/// An outcome ordered by its word, for a canonical order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(transparent)]
pub struct OutcomeWord(pub String);

impl From<Outcome> for OutcomeWord {
    fn from(outcome: Outcome) -> Self {
        Self(outcome.word().to_owned())
    }
}

/// The digest that an approval names: of the evidence of every plan that a policy demands.
///
/// One plan's is [`Evidence::digest`] itself; the order in which several are given does not matter.
///
/// # Errors
/// As [`canonical::digest`].
pub fn digest_of(evidence: &[Evidence]) -> Result<Digest, NotCanonical> {
    if let [one] = evidence {
        return one.digest();
    }
    let mut ordered: Vec<&Evidence> = evidence.iter().collect();
    ordered.sort_by(|a, b| (&a.plan, a.plan_revision).cmp(&(&b.plan, b.plan_revision)));
    canonical::digest(&ordered)
}

/// What several plans say together: failing where one fails, passing where each passes.
#[must_use]
pub fn health_of(evidence: &[Evidence]) -> Health {
    let says = |health: Health| move |it: &Evidence| it.health() == health;
    if evidence.iter().any(says(Health::Failing)) {
        Health::Failing
    } else if !evidence.is_empty() && evidence.iter().all(says(Health::Passing)) {
        Health::Passing
    } else {
        Health::Unknown
    }
}

impl Evidence {
    /// The digest that an approval names.
    ///
    /// # Errors
    /// As [`canonical::digest`].
    pub fn digest(&self) -> Result<Digest, NotCanonical> {
        canonical::digest(self)
    }

    /// What the cases say together.
    #[must_use]
    pub fn health(&self) -> Health {
        let is = |case: &DecidingCase, outcome: Outcome| case.outcome.0 == outcome.word();
        if self.cases.iter().any(|case| is(case, Outcome::Failed) || is(case, Outcome::Errored)) {
            Health::Failing
        } else if self.cases.is_empty() || self.cases.iter().any(|case| !is(case, Outcome::Passed))
        {
            Health::Unknown
        } else {
            Health::Passing
        }
    }
}
