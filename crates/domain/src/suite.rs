//! Suites: what is run against a machine. One is built in ([`crate::plan::SMOKE`]); the others are
//! people's own, a folder of files and what to run in it (`docs/suites.md`).

use std::path::{Component, Path};

use serde::{Deserialize, Serialize};

use crate::{
    kernel::{DefinitionFault, Source, UploadedFile},
    time::Timestamp,
};

/// How long a suite may run where nobody says, in minutes.
pub const USUAL_MINUTES: u32 = 30;
/// The longest that a suite may run, in minutes.
const MOST_MINUTES: u32 = 12 * 60;
/// The longest of its texts, in characters.
const LONGEST_TEXT: usize = 500;
/// The most words that its command has.
const MOST_WORDS: usize = 100;

/// What a suite is, as a person asks for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SuiteDefinition {
    /// What it is for, in a sentence.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Where its files come from.
    pub source: SuiteSource,
    /// The folder of these files in which it runs; their top where absent.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub folder: String,
    /// What it runs.
    pub command: SuiteCommand,
    /// Whether it is run for each boot entry of the plan, and told which; else once for each machine.
    #[serde(default)]
    pub each_entry: bool,
    /// How long it may run, in minutes.
    #[serde(default = "usual_minutes")]
    pub minutes: u32,
    /// The file of results that it leaves; found by its name where absent.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub results: String,
}

const fn usual_minutes() -> u32 {
    USUAL_MINUTES
}

/// Where the files of a suite come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum SuiteSource {
    /// An archive that was uploaded: a tar, compressed or not, or a zip.
    Upload {
        /// Which upload.
        file: UploadedFile,
    },
    /// A commit of a Git repository.
    Git {
        /// `https://…`, `ssh://…`, or an absolute path below the configured root.
        url: String,
        /// A tag, or the 40 digits of a commit.
        reference: String,
        /// The commit that the tag stood for when it was first fetched; where a tag moves afterwards,
        /// that is an error.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        commit: Option<String>,
        /// Name of the key that an administrator has put there for `ssh`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key: Option<String>,
    },
}

/// What a suite runs, from within its folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum SuiteCommand {
    /// Robot Framework, from the server's Python environment of suites.
    Robot {
        /// Files or folders of the suite.
        suites: Vec<String>,
        /// Options, before them.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        options: Vec<String>,
    },
    /// Any program.
    Program {
        /// It, and its arguments.
        words: Vec<String>,
    },
}

/// A suite as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suite {
    /// Unique name; runs of it go by it.
    pub name: String,
    /// Counts from 1 with each change.
    pub revision: u32,
    /// What it is.
    pub definition: SuiteDefinition,
    /// When this revision was saved.
    pub saved_at: Timestamp,
    /// Name of the person who saved it.
    pub saved_by: String,
}

impl SuiteSource {
    /// As what the builder fetches.
    #[must_use]
    pub fn to_fetch(&self) -> Source {
        match self.clone() {
            Self::Upload { file } => Source::UploadedArchive { file },
            Self::Git { url, reference, commit, key } => {
                Source::Git { url, reference, commit, key }
            }
        }
    }

    /// The upload that it names.
    #[must_use]
    pub const fn upload(&self) -> Option<&UploadedFile> {
        match self {
            Self::Upload { file } => Some(file),
            Self::Git { .. } => None,
        }
    }
}

impl SuiteCommand {
    /// The command in one line, for lists.
    #[must_use]
    pub fn summary(&self) -> String {
        match self {
            Self::Robot { suites, options } => {
                let words: Vec<&str> = ["robot"]
                    .into_iter()
                    .chain(options.iter().chain(suites).map(String::as_str))
                    .collect();
                words.join(" ")
            }
            Self::Program { words } => words.join(" "),
        }
    }
}

/// Whether `name` can name a suite or a plan of people's own: it stands in URLs and on command lines.
///
/// # Errors
/// The rule that it breaks.
pub fn check_name(name: &str) -> Result<(), DefinitionFault> {
    let fits = (1..=60).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b".-".contains(&b))
        && !matches!(name, "new" | "smoke");
    if fits {
        return Ok(());
    }
    Err(fault(
        "name",
        "a name has 1 to 60 of the characters a-z, 0-9, '.' and '-', starts with a letter or digit, \
         and is neither \"new\" nor \"smoke\", which is built in",
    ))
}

impl SuiteDefinition {
    /// Everything that is wrong with it as it stands, without asking anybody.
    ///
    /// # Errors
    /// Every fault, in the order of the fields.
    pub fn check(&self) -> Result<(), Vec<DefinitionFault>> {
        let mut faults = self.source.to_fetch().faults();
        if let Some(file) = self.source.upload() {
            faults.extend(crate::kernel::check_upload_name(&file.name).err());
        }
        if self.description.chars().count() > LONGEST_TEXT {
            faults.push(fault("description", "a description has 500 characters at the most"));
        }
        if !is_inside(&self.folder) {
            faults
                .push(fault("folder", "name a folder below the top of the files, without \"..\""));
        }
        if !is_inside(&self.results) {
            faults.push(fault("results", "name a file below the output folder, without \"..\""));
        }
        let words: Vec<&String> = match &self.command {
            SuiteCommand::Robot { suites, options } => {
                if suites.is_empty() {
                    faults.push(fault("command", "name the files or folders that Robot is to run"));
                }
                options.iter().chain(suites).collect()
            }
            SuiteCommand::Program { words } => {
                if words.first().is_none_or(String::is_empty) {
                    faults.push(fault("command", "name the program that is to be run"));
                }
                words.iter().collect()
            }
        };
        let speakable = |word: &&String| {
            word.chars().count() <= LONGEST_TEXT && !word.chars().any(char::is_control)
        };
        if words.len() > MOST_WORDS || !words.iter().all(speakable) {
            faults.push(fault(
                "command",
                "a command has 100 words at the most, of 500 characters on one line each",
            ));
        }
        if !(1..=MOST_MINUTES).contains(&self.minutes) {
            faults.push(fault("minutes", "a suite may run for 1 to 720 minutes"));
        }
        if faults.is_empty() { Ok(()) } else { Err(faults) }
    }

    /// The same with its tag pinned to `commit`, where it names a repository and no commit yet.
    #[must_use]
    pub fn pinned(&self, commit: &str) -> Option<Self> {
        let mut pinned = self.clone();
        match &mut pinned.source {
            SuiteSource::Git { commit: unknown @ None, .. } => *unknown = Some(commit.to_owned()),
            _ => return None,
        }
        Some(pinned)
    }
}

pub(crate) fn fault(field: &'static str, message: &str) -> DefinitionFault {
    DefinitionFault { field, message: message.to_owned() }
}

/// Whether a path stays below where it starts from.
fn is_inside(path: &str) -> bool {
    path.chars().count() <= LONGEST_TEXT
        && !path.chars().any(char::is_control)
        && Path::new(path)
            .components()
            .all(|it| matches!(it, Component::Normal(_) | Component::CurDir))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_git() -> SuiteDefinition {
        SuiteDefinition {
            description: String::new(),
            source: SuiteSource::Git {
                url: "https://example.org/suites.git".to_owned(),
                reference: "v1".to_owned(),
                commit: None,
                key: None,
            },
            folder: "dom0".to_owned(),
            command: SuiteCommand::Robot {
                suites: vec!["boot.robot".to_owned()],
                options: Vec::new(),
            },
            each_entry: false,
            minutes: 10,
            results: String::new(),
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_its_field() {
        assert_eq!(of_git().check(), Ok(()));
        let fields = |it: &SuiteDefinition| {
            it.check().unwrap_err().into_iter().map(|it| it.field).collect::<Vec<_>>()
        };
        for folder in ["../etc", "/etc", "a/../../b"] {
            assert_eq!(
                fields(&SuiteDefinition { folder: folder.to_owned(), ..of_git() }),
                ["folder"]
            );
        }
        let command = SuiteCommand::Program { words: Vec::new() };
        let many = SuiteDefinition { minutes: 0, command, ..of_git() };
        assert_eq!(fields(&many), ["command", "minutes"]);
        let options = vec!["--x\n".to_owned()];
        let command = SuiteCommand::Robot { suites: vec![".".to_owned()], options };
        assert_eq!(fields(&SuiteDefinition { command, ..of_git() }), ["command"]);
        let source = SuiteSource::Git {
            url: "ftp://example.org".to_owned(),
            reference: "-x".to_owned(),
            commit: None,
            key: None,
        };
        assert_eq!(
            fields(&SuiteDefinition { source, ..of_git() }),
            ["source.url", "source.reference"]
        );
    }

    #[test]
    fn a_tag_is_pinned_once() {
        let commit = "0123456789abcdef0123456789abcdef01234567";
        let pinned = of_git().pinned(commit).unwrap();
        assert_eq!(pinned.pinned("other"), None);
        assert_eq!(pinned.check(), Ok(()));
    }

    #[test]
    fn names_leave_the_built_in_one_alone() {
        assert!(check_name("dom0-boot.2").is_ok());
        for name in ["", "smoke", "new", "-x", "Ab", "a b", &"a".repeat(61)] {
            assert!(check_name(name).is_err(), "{name}");
        }
    }
}
