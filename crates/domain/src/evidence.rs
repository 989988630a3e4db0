//! Evidence: what the runner recorded about one manifest, and the digest an approval names.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{
    assessment::{Assessment, Issue, Place, Waiver, mark},
    canonical::{self, NotCanonical},
    digest::Digest,
    ids::RunId,
    plan::WHOLE_RUN,
    release::Health,
    run::{FailureClass, Outcome},
    time::Timestamp,
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
    /// Whose problem it is, where somebody has said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blame: Option<FailureClass>,
    /// Where it is tracked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issue: Option<Issue>,
    /// Who answers for it that it does not stand in the way: only a waiver that holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiver: Option<Waiver>,
}

impl DecidingCase {
    /// Adds what people say of it and holds at `now`.
    pub fn assess(&mut self, said: &Assessment, now: Timestamp) {
        self.blame = said.blame;
        self.issue = said.issue.clone();
        self.waiver = said.waived(now).cloned();
    }

    /// How it ended.
    #[must_use]
    pub fn ended(&self) -> Outcome {
        self.outcome.0.parse().unwrap_or(Outcome::NotRun)
    }

    /// By what it is known to be the same failure as another; `None` where it passed. `signature` is
    /// that of its result.
    #[must_use]
    pub fn mark(&self, signature: Option<&str>) -> Option<String> {
        let place = Place { suite: &self.suite, machine: &self.machine, entry: &self.entry };
        match self.ended() {
            // Of a run as a whole, no result says anything.
            outcome if self.case == WHOLE_RUN && outcome != Outcome::Passed => {
                Some(place.mark(outcome))
            }
            outcome => mark(outcome, signature, place),
        }
    }
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

/// A demanded case that stands otherwise than before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvidenceChange {
    /// Name of the plan.
    pub plan: String,
    /// How it stood; `None` where it was not demanded.
    pub before: Option<DecidingCase>,
    /// How it stands; `None` where it is demanded no more.
    pub after: Option<DecidingCase>,
}

/// What differs between what decided before and what decides after, by plan and case.
#[must_use]
pub fn changes(before: &[Evidence], after: &[Evidence]) -> Vec<EvidenceChange> {
    type Key<'a> = [&'a str; 5];
    fn keyed(evidence: &[Evidence]) -> BTreeMap<Key<'_>, &DecidingCase> {
        let mut keyed = BTreeMap::new();
        for plan in evidence {
            for it in &plan.cases {
                keyed.insert(
                    [&plan.plan, &it.machine, &it.entry, &it.suite, &it.case].map(String::as_str),
                    it,
                );
            }
        }
        keyed
    }
    let (before, after) = (keyed(before), keyed(after));
    let keys: BTreeSet<&Key<'_>> = before.keys().chain(after.keys()).collect();
    let changed = keys.into_iter().filter(|key| before.get(*key) != after.get(*key));
    changed
        .map(|key| EvidenceChange {
            plan: key[0].to_owned(),
            before: before.get(key).map(|it| (*it).clone()),
            after: after.get(key).map(|it| (*it).clone()),
        })
        .collect()
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

    /// What the cases say together; a waived one stands in nobody's way.
    #[must_use]
    pub fn health(&self) -> Health {
        self.health_where(|_| true)
    }

    /// As [`Evidence::health`], where only some waivers count.
    #[must_use]
    pub fn health_where(&self, counts: impl Fn(&Waiver) -> bool) -> Health {
        let waived = |case: &&DecidingCase| case.waiver.as_ref().is_some_and(&counts);
        let open: Vec<Outcome> =
            self.cases.iter().filter(|case| !waived(case)).map(DecidingCase::ended).collect();
        if open.iter().any(|it| it.fails()) {
            Health::Failing
        } else if self.cases.is_empty() || open.iter().any(|it| *it != Outcome::Passed) {
            Health::Unknown
        } else {
            Health::Passing
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(id: &str, outcome: Outcome) -> DecidingCase {
        DecidingCase {
            entry: "linux".to_owned(),
            machine: "qemu".to_owned(),
            suite: "smoke".to_owned(),
            case: id.to_owned(),
            run: Some("r".into()),
            outcome: outcome.into(),
            blame: None,
            issue: None,
            waiver: None,
        }
    }

    fn evidence(cases: Vec<DecidingCase>) -> Evidence {
        let manifest = Digest::of("manifest");
        Evidence { manifest, plan: "smoke".to_owned(), plan_revision: 2, cases }
    }

    fn waived(by: &str, until: Timestamp) -> Assessment {
        let waiver = Waiver {
            reason: "known".to_owned(),
            person: by.into(),
            by: by.to_owned(),
            at: Timestamp(0),
            until,
        };
        Assessment { waiver: Some(waiver), ..Assessment::default() }
    }

    #[test]
    fn a_waiver_that_holds_takes_any_outcome_out_of_the_way() {
        let now = Timestamp(5);
        for outcome in [Outcome::Failed, Outcome::Errored, Outcome::Skipped, Outcome::NotRun] {
            let mut failed = case("a", outcome);
            let told = |case: &DecidingCase| evidence(vec![case.clone(), case_passed()]).health();
            assert_ne!(told(&failed), Health::Passing, "{outcome}");
            failed.assess(&waived("anna", Timestamp(6)), now);
            assert_eq!(told(&failed), Health::Passing, "{outcome}");
            assert_eq!(failed.ended(), outcome, "a waived case has not passed");
            let own = evidence(vec![failed.clone()]).health_where(|it| it.by != "anna");
            assert_ne!(own, Health::Passing, "{outcome}");
            failed.assess(&waived("anna", now), now);
            assert_ne!(told(&failed), Health::Passing, "{outcome}: it has ended");
        }
    }

    fn case_passed() -> DecidingCase {
        case("b", Outcome::Passed)
    }

    #[test]
    fn whatever_is_said_of_a_failure_changes_the_digest_but_a_comment() {
        let digest = |said: &Assessment| {
            let mut failed = case("a", Outcome::Failed);
            failed.assess(said, Timestamp(5));
            evidence(vec![failed]).digest().unwrap()
        };
        let nothing = Assessment::default();
        let commented = Assessment { comment: "hm".to_owned(), ..nothing.clone() };
        assert_eq!(digest(&commented), digest(&nothing));
        let all = [
            digest(&nothing),
            digest(&Assessment { blame: Some(FailureClass::Lab), ..nothing.clone() }),
            digest(&Assessment { blame: Some(FailureClass::Test), ..nothing.clone() }),
            digest(&Assessment { issue: "#1".parse().ok(), ..nothing.clone() }),
            digest(&waived("anna", Timestamp(6))),
            digest(&waived("anna", Timestamp(7))),
            digest(&waived("adam", Timestamp(7))),
        ];
        let distinct: std::collections::BTreeSet<_> = all.iter().map(ToString::to_string).collect();
        assert_eq!(distinct.len(), all.len());
        // One that has ended is as none.
        assert_eq!(digest(&waived("anna", Timestamp(5))), digest(&nothing));
    }

    #[test]
    fn what_changed_is_told_case_by_case() {
        let failed = case("a", Outcome::Failed);
        let mut waived_now = failed.clone();
        waived_now.assess(&waived("anna", Timestamp(6)), Timestamp(5));
        let before = [evidence(vec![failed.clone(), case_passed()])];
        let after = [evidence(vec![waived_now.clone(), case_passed(), case("c", Outcome::NotRun)])];
        let told = changes(&before, &after);
        assert_eq!(told.len(), 2);
        assert_eq!((&told[0].before, &told[0].after), (&Some(failed), &Some(waived_now)));
        assert_eq!((&told[1].before, told[1].after.is_some()), (&None, true));
        assert_eq!(changes(&after, &after), []);
    }

    #[test]
    fn of_a_whole_run_the_place_is_known() {
        let whole = |suite: &str| {
            let suite = suite.to_owned();
            DecidingCase { suite, ..case(WHOLE_RUN, Outcome::Errored) }.mark(None)
        };
        assert!(whole("robot").is_some());
        assert_ne!(whole("robot"), whole("boot"));
        assert_eq!(case(WHOLE_RUN, Outcome::Passed).mark(None), None);
    }
}
