//! What a machine says of its own boot: a text of at most [`LONGEST_REPORT`] bytes, a line for each thing.
//!
//! ```text
//! token: <the token of this boot>
//! entry: debian
//! manifest: <digest>
//! stage: rootfs
//! since: 4.21
//! now: 4.25
//! class: lab
//! note: no network card got an address
//! ```
//!
//! `token` and `stage` must be there. Times are seconds since the kernel began (`/proc/uptime`, proc(5)): when
//! the stage began, and when the report was sent; clocks of boards that boot are wrong. Whatever else a later
//! initrd says is passed over, since the initrd of a release stays what it is.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{digest::Digest, job::words, menu, run::FailureClass};

/// The most bytes that a report has.
pub const LONGEST_REPORT: usize = 4096;
/// The most characters that a note has; the rest is cut off.
const LONGEST_NOTE: usize = 500;
/// The longest time since a kernel began that is believed, in seconds: ten days.
const LONGEST_UPTIME: u64 = 10 * 24 * 3600;

/// How far a machine says that it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReportedStage {
    /// The initrd has an address and begins to load or mount the rootfs.
    Rootfs,
    /// The initrd hands over to the rootfs's init.
    Init,
    /// Init begins to start services.
    Services,
    /// Somebody can log in.
    Login,
    /// The boot cannot go on.
    Failed,
}

words! {
    ReportedStage: "a stage that a machine reports";
}

impl ReportedStage {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Rootfs, Self::Init, Self::Services, Self::Login, Self::Failed];

    /// The word in a report.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Rootfs => "rootfs",
            Self::Init => "init",
            Self::Services => "services",
            Self::Login => "login",
            Self::Failed => "failed",
        }
    }

    /// Whether nothing comes after it.
    #[must_use]
    pub const fn is_last(self) -> bool {
        matches!(self, Self::Login | Self::Failed)
    }
}

/// One report of a machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BootReport {
    /// How far it is.
    pub stage: ReportedStage,
    /// How long before the report that stage began, in microseconds.
    pub ago_us: i64,
    /// How long before the report the kernel began, in microseconds; nothing where the machine did not say.
    pub kernel_ago_us: Option<i64>,
    /// Label of the boot entry; empty where the machine did not say.
    pub entry: String,
    /// The manifest that it boots, as its command line has it.
    pub manifest: Option<Digest>,
    /// Whose problem it is that it cannot go on.
    pub class: Option<FailureClass>,
    /// What else it says, on one line.
    pub note: String,
}

/// What is wrong with a report.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum InvalidReport {
    /// It is too long.
    #[error("a report has {LONGEST_REPORT} bytes at the most")]
    TooLong,
    /// It is not text.
    #[error("a report is text in UTF-8")]
    NoText,
    /// There is no such line.
    #[error("a report has a line \"{0}: …\"")]
    Missing(&'static str),
    /// A line says something else than it may.
    #[error("\"{0}\" is no {1}")]
    Line(String, &'static str),
}

/// Reads a report: the token it carries, and what it says.
///
/// # Errors
/// What is wrong with it.
pub fn parse(bytes: &[u8]) -> Result<(String, BootReport), InvalidReport> {
    if bytes.len() > LONGEST_REPORT {
        return Err(InvalidReport::TooLong);
    }
    let text = std::str::from_utf8(bytes).map_err(|_| InvalidReport::NoText)?;
    let lines: BTreeMap<&str, &str> = text
        .lines()
        .filter_map(|line| line.split_once(':'))
        .map(|(key, value)| (key.trim(), value.trim()))
        .collect();
    let said = |key: &'static str| lines.get(key).copied().filter(|it| !it.is_empty());
    let token = said("token").ok_or(InvalidReport::Missing("token"))?;
    let stage = said("stage").ok_or(InvalidReport::Missing("stage"))?;
    let stage: ReportedStage =
        stage.parse().map_err(|_| InvalidReport::Line(shortened(stage), "stage of a boot"))?;
    let time = |key| said(key).map(|it| uptime(it).ok_or_else(|| no_time(it))).transpose();
    let (since, now) = (time("since")?, time("now")?);
    let entry = said("entry").unwrap_or_default();
    if !entry.is_empty() && menu::check_label(entry).is_err() {
        return Err(InvalidReport::Line(shortened(entry), "label of a boot entry"));
    }
    let manifest = said("manifest")
        .map(|it| it.parse().map_err(|_| InvalidReport::Line(shortened(it), "digest")))
        .transpose()?;
    let report = BootReport {
        stage,
        ago_us: now.zip(since).map_or(0, |(now, since)| (now - since).max(0)),
        kernel_ago_us: now,
        entry: entry.to_owned(),
        manifest,
        class: said("class").and_then(|it| it.parse().ok()),
        note: said("note").map(one_line).unwrap_or_default(),
    };
    Ok((token.to_owned(), report))
}

fn no_time(text: &str) -> InvalidReport {
    InvalidReport::Line(shortened(text), "time in seconds such as 4.21")
}

fn shortened(text: &str) -> String {
    text.chars().take(40).collect()
}

/// What a console would show of a text.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONGEST_NOTE).collect()
}

/// Seconds with up to six places, as microseconds.
fn uptime(text: &str) -> Option<i64> {
    let (whole, places) = text.split_once('.').unwrap_or((text, ""));
    let digits = |it: &str| it.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || places.len() > 6 || !digits(whole) || !digits(places) {
        return None;
    }
    let whole = whole.parse::<u64>().ok().filter(|it| *it <= LONGEST_UPTIME)?;
    let places = format!("{places:0<6}").parse::<u64>().ok()?;
    i64::try_from(whole * 1_000_000 + places).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_says_how_far_the_machine_is_and_since_when() {
        let text = "token: abc\nentry: debian\nstage: rootfs\nsince: 4.2\nnow: 4.25\nlater: x\n";
        let (token, report) = parse(text.as_bytes()).unwrap();
        assert_eq!(token, "abc");
        let expected = BootReport {
            stage: ReportedStage::Rootfs,
            ago_us: 50_000,
            kernel_ago_us: Some(4_250_000),
            entry: "debian".to_owned(),
            manifest: None,
            class: None,
            note: String::new(),
        };
        assert_eq!(report, expected);
    }

    #[test]
    fn what_is_no_report_is_refused_with_the_reason() {
        let refused = |text: &str| parse(text.as_bytes()).unwrap_err().to_string();
        assert_eq!(refused("stage: init"), "a report has a line \"token: …\"");
        assert_eq!(refused("token: a"), "a report has a line \"stage: …\"");
        assert_eq!(refused("token: a\nstage: up"), "\"up\" is no stage of a boot");
        for time in ["-1", "1e3", "1.2345678", "x", "99999999999999999999"] {
            let text = format!("token: a\nstage: init\nnow: {time}");
            assert!(refused(&text).ends_with("is no time in seconds such as 4.21"), "{time}");
        }
        assert!(refused("token: a\nstage: init\nentry: a b").ends_with("label of a boot entry"));
        assert!(refused("token: a\nstage: init\nmanifest: a").ends_with("is no digest"));
        assert_eq!(parse(&[0xff; 10]), Err(InvalidReport::NoText));
        assert_eq!(parse(&[b'a'; LONGEST_REPORT + 1]), Err(InvalidReport::TooLong));
    }

    #[test]
    fn a_note_is_one_line_and_bounded() {
        let text = format!("token: a\nstage: failed\nclass: lab\nnote: a\u{7}b{}", "x".repeat(900));
        let (_, report) = parse(text.as_bytes()).unwrap();
        assert!(report.note.starts_with("a b") && report.note.len() == LONGEST_NOTE);
        assert_eq!(report.class, Some(FailureClass::Lab));
    }
}
