//! Assessments: what people say about a failure, so that nobody has to look at it a second time.
//!
//! An assessment belongs to a failure, not to a run: the next one of the same case that fails with the
//! same message is the same failure, and what was said of it holds there too, in a later release as
//! well. It says whose problem it is, which issue it is noted in, and may waive it: somebody answers for
//! it that the failure does not stand in the way, until a day. An assessment is never edited. Each
//! change is another one, the newest counts, and those before it tell who said what when.

use std::{fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Serialize};
use thiserror::Error;
use time::{
    Date, OffsetDateTime, format_description::well_known::Rfc3339, macros::format_description,
};

use crate::{
    ids::{PersonId, RunId},
    policy::Refusal,
    run::{FailureClass, Outcome},
    time::Timestamp,
};

/// How far ahead a waiver may end.
const LONGEST_WAIVER: Duration = Duration::from_secs(366 * 86_400);
/// The longest comment, in characters.
const LONGEST_COMMENT: usize = 2_000;
/// The longest reference to an issue, in characters.
const LONGEST_ISSUE: usize = 500;
/// The longest key of an issue, in characters.
const LONGEST_KEY: usize = 40;

/// Where a suite runs: its name, that of the machine, and the label of the boot entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place<'a> {
    /// Name of the suite.
    pub suite: &'a str,
    /// Name of the machine.
    pub machine: &'a str,
    /// Label of the boot entry; empty where there is none.
    pub entry: &'a str,
}

impl Place<'_> {
    /// By what it is known that a case did not answer here.
    #[must_use]
    pub fn mark(&self, outcome: Outcome) -> String {
        format!("{}/{}/{}/{}", outcome.word(), self.suite, self.machine, self.entry)
    }
}

/// By what a result that speaks for nothing is known again among those of its case; `None` for one that
/// passed.
///
/// A failure is the same wherever it says the same. What was skipped or not run said nothing, so it is
/// known by the place where it is missing.
#[must_use]
pub fn mark(outcome: Outcome, signature: Option<&str>, place: Place<'_>) -> Option<String> {
    match outcome {
        Outcome::Passed => None,
        // Results of the first version have no signature: each case of these is one failure.
        Outcome::Failed | Outcome::Errored => Some(signature.unwrap_or_default().to_owned()),
        Outcome::Skipped | Outcome::NotRun => Some(place.mark(outcome)),
    }
}

/// Where an issue is tracked: an address, or the short name by which a tracker's users know it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(try_from = "String", into = "String")]
pub struct Issue(String);

/// A text that names no issue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("give the http or https address of the issue, or its key such as #123 or ABC-12")]
pub struct NoIssue;

impl Issue {
    /// As it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The address that it leads to, where it is one.
    #[must_use]
    pub fn href(&self) -> Option<&str> {
        is_address(&self.0).then_some(self.0.as_str())
    }
}

fn is_address(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let host = rest.map(|rest| rest.split(['/', '?', '#']).next().unwrap_or_default());
    host.is_some_and(|host| {
        // A name before the host would show another place than the link leads to.
        !host.is_empty() && !host.contains(['@', '\\'])
    })
}

fn is_key(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit());
    let word = |text: &str| {
        text.starts_with(|c: char| c.is_ascii_alphabetic())
            && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    let numbered = text.strip_prefix('#').is_some_and(digits);
    let tracked =
        text.rsplit_once('-').is_some_and(|(project, number)| word(project) && digits(number));
    text.len() <= LONGEST_KEY && (numbered || tracked)
}

impl FromStr for Issue {
    type Err = NoIssue;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let plain = text.chars().all(|c| c.is_ascii_graphic());
        if plain && text.len() <= LONGEST_ISSUE && (is_address(text) || is_key(text)) {
            Ok(Self(text.to_owned()))
        } else {
            Err(NoIssue)
        }
    }
}

impl TryFrom<String> for Issue {
    type Error = NoIssue;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Issue> for String {
    fn from(issue: Issue) -> Self {
        issue.0
    }
}

impl fmt::Display for Issue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Somebody's word that a failure does not stand in the way, until a day.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Waiver {
    /// Why it does not.
    pub reason: String,
    /// Who answers for it.
    pub person: PersonId,
    /// That person's name.
    pub by: String,
    /// When it was given.
    #[cfg_attr(feature = "schema", schema(value_type = i64))]
    pub at: Timestamp,
    /// From when on it holds no more.
    #[cfg_attr(feature = "schema", schema(value_type = i64))]
    pub until: Timestamp,
}

impl Waiver {
    /// Whether it holds.
    #[must_use]
    pub fn holds(&self, now: Timestamp) -> bool {
        now < self.until
    }
}

/// What is said of a failure.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assessment {
    /// Where it is tracked.
    pub issue: Option<Issue>,
    /// Whose problem it is.
    pub blame: Option<FailureClass>,
    /// What else there is to say.
    pub comment: String,
    /// Who answers for it that it does not stand in the way.
    pub waiver: Option<Waiver>,
}

impl Assessment {
    /// What is said now, and of what is not mentioned what was said before.
    #[must_use]
    pub fn over(self, before: Self) -> Self {
        Self {
            issue: self.issue.or(before.issue),
            blame: self.blame.or(before.blame),
            comment: if self.comment.is_empty() { before.comment } else { self.comment },
            waiver: self.waiver.or(before.waiver),
        }
    }

    /// The waiver, where it holds.
    #[must_use]
    pub fn waived(&self, now: Timestamp) -> Option<&Waiver> {
        self.waiver.as_ref().filter(|it| it.holds(now))
    }

    /// Whether somebody has looked at the failure and it need not be looked at again.
    #[must_use]
    pub fn reviewed(&self, now: Timestamp) -> bool {
        self.issue.is_some() || self.blame.is_some() || self.waived(now).is_some()
    }
}

/// An assessment as it was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MadeAssessment {
    /// What was said.
    pub said: Assessment,
    /// Counts the assessments of its failure from 1: whoever changes one says which was looked at.
    pub revision: u32,
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub by: String,
    /// Name of the release or variant whose result was looked at.
    pub about: Option<String>,
    /// The run that was looked at; `None` where none has ended.
    pub run: Option<RunId>,
}

impl MadeAssessment {
    /// From which release it was carried over to a result about `about`; `None` where it was made there.
    #[must_use]
    pub fn carried_from(&self, about: Option<&str>) -> Option<&str> {
        self.about.as_deref().filter(|from| Some(*from) != about)
    }
}

/// A comment, without the blanks around it; `None` where it is longer than 2000 characters.
#[must_use]
pub fn tidy_comment(text: &str) -> Option<String> {
    let text = text.trim();
    let kept: String = text.chars().filter(|c| !c.is_control() || *c == '\n').collect();
    (kept.chars().count() <= LONGEST_COMMENT).then_some(kept)
}

/// From when on a waiver holds no more: an instant in RFC 3339, or a day, which it outlasts in UTC.
///
/// # Errors
/// [`Refusal::WaiverEnd`] where the text is neither, the time has passed, or it is more than a year ahead.
pub fn waiver_end(text: &str, now: Timestamp) -> Result<Timestamp, Refusal> {
    let text = text.trim();
    let day = Date::parse(text, format_description!("[year]-[month]-[day]"));
    let instant = match day {
        Ok(day) => day.next_day().map(|it| it.midnight().assume_utc()),
        Err(_) => OffsetDateTime::parse(text, &Rfc3339).ok(),
    };
    let until = instant.map(|it| Timestamp::from_seconds(it.unix_timestamp()));
    let fits = |until: &Timestamp| *until > now && *until <= now.plus(LONGEST_WAIVER);
    until.filter(fits).ok_or(Refusal::WaiverEnd)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn issues_are_addresses_or_keys() {
        for good in [
            "https://tracker.example/issues/7?x=1#c2",
            "http://lab:8080/1",
            "#123",
            "ABC-12",
            "xen_2-1",
            "  #7 ",
        ] {
            assert_eq!(good.parse::<Issue>().unwrap().as_str(), good.trim());
        }
        for bad in [
            "",
            "#",
            "12",
            "-12",
            "ABC-",
            "ABC-1x",
            "javascript:alert(1)",
            "JAVASCRIPT://x/%0aalert(1)",
            "https://",
            "https:///path",
            "https://tracker.example@evil.example/",
            "https://a b",
            "ftp://a/b",
            "see #12",
            "https://ä.example",
        ] {
            assert!(bad.parse::<Issue>().is_err(), "{bad}");
        }
        assert!(format!("https://a/{}", "x".repeat(LONGEST_ISSUE)).parse::<Issue>().is_err());
    }

    #[test]
    fn only_addresses_are_links() {
        let href = |text: &str| text.parse::<Issue>().unwrap().href().map(str::to_owned);
        assert_eq!(href("https://a/1"), Some("https://a/1".to_owned()));
        assert_eq!(href("ABC-12"), None);
        assert_eq!(href("#1"), None);
    }

    #[test]
    fn failures_are_known_by_what_they_say_and_silence_by_its_place() {
        let at = |machine| Place { suite: "smoke", machine, entry: "boot" };
        let on = |outcome, machine| mark(outcome, Some("s"), at(machine));
        assert_eq!(on(Outcome::Failed, "qemu"), on(Outcome::Errored, "board"));
        assert_ne!(
            mark(Outcome::Failed, Some("s"), at("qemu")),
            mark(Outcome::Failed, Some("t"), at("qemu"))
        );
        assert!(mark(Outcome::Failed, None, at("qemu")).is_some());
        assert_ne!(on(Outcome::NotRun, "qemu"), on(Outcome::NotRun, "board"));
        assert_ne!(on(Outcome::NotRun, "qemu"), on(Outcome::Skipped, "qemu"));
        assert_eq!(on(Outcome::Passed, "qemu"), None);
    }

    #[test]
    fn waivers_end_within_a_year() {
        let now = Timestamp::from_seconds(1_795_442_531); // 2026-11-23T14:02:11Z
        let end = |text: &str| waiver_end(text, now).map(Timestamp::rfc3339);
        assert_eq!(end("2026-11-23"), Ok("2026-11-24T00:00:00Z".to_owned()));
        assert_eq!(end("2026-11-23T14:02:12Z"), Ok("2026-11-23T14:02:12Z".to_owned()));
        assert_eq!(end("2026-11-23T16:02:12+02:00"), Ok("2026-11-23T14:02:12Z".to_owned()));
        assert_eq!(end("2027-11-23"), Ok("2027-11-24T00:00:00Z".to_owned()));
        for bad in
            ["", "2026-11-22", "2026-11-23T14:02:11Z", "2027-11-25", "tomorrow", "9999-12-31"]
        {
            assert_eq!(end(bad), Err(Refusal::WaiverEnd), "{bad}");
        }
    }

    #[test]
    fn a_waiver_counts_as_a_review_while_it_holds() {
        let now = Timestamp::from_seconds(1_000);
        let until = now.plus(Duration::from_secs(1));
        let waiver = Waiver {
            reason: "known".to_owned(),
            person: "p".into(),
            by: "ada".to_owned(),
            at: now,
            until,
        };
        let waived = Assessment { waiver: Some(waiver), ..Assessment::default() };
        assert!(waived.reviewed(now));
        assert!(!waived.reviewed(until));
        assert!(!Assessment { comment: "hm".to_owned(), ..Assessment::default() }.reviewed(now));
        let blamed = Assessment { blame: Some(FailureClass::Lab), ..waived };
        assert!(blamed.reviewed(until));
        assert_eq!(blamed.waived(until), None);
    }

    #[test]
    fn what_was_made_elsewhere_was_carried_over() {
        let made = MadeAssessment {
            said: Assessment::default(),
            revision: 1,
            at: Timestamp(0),
            by: "ada".to_owned(),
            about: Some("v1.0.0-rc.1".to_owned()),
            run: None,
        };
        assert_eq!(made.carried_from(Some("v1.0.0-rc.2")), Some("v1.0.0-rc.1"));
        assert_eq!(made.carried_from(Some("v1.0.0-rc.1")), None);
    }
}
