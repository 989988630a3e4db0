//! `bootwright suite …`

use std::path::PathBuf;

use clap::{ArgGroup, Args, Subcommand};
use domain::{
    kernel::UploadedFile,
    suite::{SuiteCommand as Runs, SuiteDefinition, SuiteSource, USUAL_MINUTES},
};

use super::{
    Cli, Connection,
    client::{Versioned, encode},
    error::CliError,
    upload::{name_of, upload},
};
use crate::api::suites::{NewSuite, NewSuiteDefinition, Suite};

/// Options of `bootwright suite`.
#[derive(Debug, Args)]
pub struct SuiteArgs {
    #[command(flatten)]
    pub(super) connection: Connection,
    #[command(subcommand)]
    pub(super) command: SuiteCommand,
}

/// What a suite is.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("source").required(true))]
#[command(group = ArgGroup::new("runs").required(true))]
pub(super) struct SuiteOptions {
    /// What it is for, in a sentence.
    #[arg(long, default_value = "")]
    description: String,
    /// Its files are in an archive here: a tar, compressed or not, or a zip.
    #[arg(long, group = "source", value_name = "FILE")]
    archive: Option<PathBuf>,
    /// Its files are in a Git repository: https://…, ssh://…, or a path of the server.
    #[arg(long, group = "source", value_name = "URL", requires = "reference")]
    git: Option<String>,
    /// Tag or commit of the repository.
    #[arg(long, value_name = "TAG|COMMIT", requires = "git")]
    reference: Option<String>,
    /// Name of the server's key for ssh.
    #[arg(long, value_name = "NAME", requires = "git")]
    key: Option<String>,
    /// The folder of these files in which it runs.
    #[arg(long, value_name = "FOLDER", default_value = "")]
    folder: String,
    /// It is Robot Framework, with this file or folder; say it for each.
    #[arg(long, group = "runs", value_name = "FILE")]
    robot: Vec<String>,
    /// An option of Robot Framework; say it for each: --option=--exclude --option=slow.
    #[arg(long, value_name = "WORD", requires = "robot", allow_hyphen_values = true)]
    option: Vec<String>,
    /// It is this program with its arguments; they come last.
    #[arg(group = "runs", value_name = "PROGRAM", last = true)]
    program: Vec<String>,
    /// Run it for each boot entry of a plan, and tell it which.
    #[arg(long)]
    each_entry: bool,
    /// How long it may run, in minutes.
    #[arg(long, default_value_t = USUAL_MINUTES)]
    minutes: u32,
    /// The file of results that it leaves, where its name does not tell.
    #[arg(long, value_name = "FILE", default_value = "")]
    results: String,
}

/// What can be done with suites.
#[derive(Debug, Subcommand)]
pub(super) enum SuiteCommand {
    /// List suites by name.
    List,
    /// Show a suite.
    Show {
        /// Name of the suite.
        name: String,
    },
    /// Add a suite.
    Add {
        /// What to call it.
        name: String,
        #[command(flatten)]
        options: Box<SuiteOptions>,
    },
    /// Say anew what a suite is; what is not named is not kept.
    Change {
        /// Name of the suite.
        name: String,
        #[command(flatten)]
        options: Box<SuiteOptions>,
    },
    /// List the revisions of a suite, newest first.
    Revisions {
        /// Name of the suite.
        name: String,
    },
    /// Remove a suite that no plan runs.
    Delete {
        /// Name of the suite.
        name: String,
    },
}

impl SuiteOptions {
    /// The definition, once its archive is uploaded.
    fn uploaded(&self, cli: &Cli) -> Result<SuiteDefinition, CliError> {
        let source = match (&self.archive, &self.git) {
            (Some(path), _) => {
                let name = name_of(path)?;
                let sha256 = upload(cli, path, &name)?.sha256;
                SuiteSource::Upload { file: UploadedFile { name, sha256 } }
            }
            (None, url) => SuiteSource::Git {
                url: url.clone().unwrap_or_default(),
                reference: self.reference.clone().unwrap_or_default(),
                commit: None,
                key: self.key.clone(),
            },
        };
        let command = if self.robot.is_empty() {
            Runs::Program { words: self.program.clone() }
        } else {
            Runs::Robot { suites: self.robot.clone(), options: self.option.clone() }
        };
        Ok(SuiteDefinition {
            description: self.description.clone(),
            source,
            folder: self.folder.clone(),
            command,
            each_entry: self.each_entry,
            minutes: self.minutes,
            results: self.results.clone(),
        })
    }
}

pub(super) fn run(cli: &Cli, command: &SuiteCommand) -> Result<(), CliError> {
    match command {
        SuiteCommand::List => list(cli, &cli.client.all("/suites")?),
        SuiteCommand::Revisions { name } => {
            list(cli, &cli.client.all(&format!("{}/revisions", address(name)))?)
        }
        SuiteCommand::Show { name } => show(cli, &cli.client.get(&address(name))?),
        SuiteCommand::Add { name, options } => {
            let new = NewSuite { name: name.clone(), definition: options.uploaded(cli)? };
            said(cli, &cli.client.post("/suites", &new)?, "is added")
        }
        SuiteCommand::Change { name, options } => {
            let Versioned { etag, .. } = cli.client.versioned::<Suite>(&address(name))?;
            let new = NewSuiteDefinition { definition: options.uploaded(cli)? };
            said(cli, &cli.client.put(&address(name), &etag, &new)?, "is saved")
        }
        SuiteCommand::Delete { name } => {
            cli.client.delete(&address(name))?;
            cli.output.said(&serde_json::json!({ "removed": name }), &format!("{name} is removed"))
        }
    }
}

fn address(name: &str) -> String {
    format!("/suites/{}", encode(name))
}

fn list(cli: &Cli, suites: &[Suite]) -> Result<(), CliError> {
    let headings = ["name", "revision", "runs", "from", "saved by"];
    cli.output.list(suites, &headings, |it| {
        vec![
            it.name.clone(),
            it.revision.to_string(),
            it.definition.command.summary(),
            it.definition.source.to_fetch().summary(),
            it.saved_by.clone(),
        ]
    })
}

fn show(cli: &Cli, it: &Suite) -> Result<(), CliError> {
    let definition = &it.definition;
    let once = if definition.each_entry { "each boot entry" } else { "each machine" };
    cli.output.thing(
        it,
        &[
            ("Suite", format!("{} r{}", it.name, it.revision)),
            ("For", definition.description.clone()),
            ("Files", definition.source.to_fetch().summary()),
            ("Folder", definition.folder.clone()),
            ("Runs", definition.command.summary()),
            ("Once for", once.to_owned()),
            ("Minutes", definition.minutes.to_string()),
        ],
    )
}

fn said(cli: &Cli, it: &Suite, what: &str) -> Result<(), CliError> {
    cli.output.said(it, &format!("suite {} r{} {what}", it.name, it.revision))
}
