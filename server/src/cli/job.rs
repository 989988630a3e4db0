//! `bootwright job …`

use clap::{Args, Subcommand};
use domain::job::{JobKind, JobState};

use super::{
    Cli, Connection,
    client::{encode, query},
    error::CliError,
    follow::{self, Show},
    output::or_dash,
};
use crate::api::jobs::{Job, JobDetails};

/// Options of `bootwright job`.
#[derive(Debug, Args)]
pub struct JobArgs {
    #[command(flatten)]
    pub(super) connection: Connection,
    #[command(subcommand)]
    pub(super) command: JobCommand,
}

/// What can be done with jobs.
#[derive(Debug, Subcommand)]
pub(super) enum JobCommand {
    /// List jobs, newest first.
    List {
        /// Only those that stand so: queued, running, succeeded, failed, cancelled.
        #[arg(long)]
        state: Option<JobState>,
        /// Only those of this kind: build, validation, collection, kernel.
        #[arg(long)]
        kind: Option<JobKind>,
        /// Only those about this release.
        #[arg(long, value_name = "NAME")]
        release: Option<String>,
        /// Only those that make this kernel.
        #[arg(long, value_name = "NAME")]
        kernel: Option<String>,
    },
    /// Show a job with its steps.
    Show {
        /// Id of the job.
        id: String,
    },
    /// Print the log of a job.
    Log {
        /// Id of the job.
        id: String,
        /// Stay and print each line as it is written, until the job has ended; fail where it fails.
        #[arg(long, short)]
        follow: bool,
    },
    /// Stay until a job has ended; fail where it fails.
    Wait {
        /// Id of the job.
        id: String,
    },
    /// Stop a job.
    Cancel {
        /// Id of the job.
        id: String,
    },
}

pub(super) fn run(cli: &Cli, command: &JobCommand) -> Result<(), CliError> {
    match command {
        JobCommand::List { state, kind, release, kernel } => {
            let filters = [
                ("state", state.map(JobState::word)),
                ("kind", kind.map(JobKind::word)),
                ("release", release.as_deref()),
                ("kernel", kernel.as_deref()),
            ];
            let all: Vec<Job> = cli.client.all(&format!("/jobs{}", query(&filters)))?;
            let headings = ["id", "kind", "about", "state", "created", "by", "outcome"];
            cli.output.list(&all, &headings, |it| {
                vec![
                    it.id.clone(),
                    it.kind.to_string(),
                    or_dash(it.release.as_deref().or(it.kernel.as_deref())),
                    it.state.to_string(),
                    it.created_at.clone(),
                    it.created_by.clone(),
                    or_dash(it.outcome.as_deref()),
                ]
            })
        }
        JobCommand::Show { id } => {
            let job = cli.client.get::<JobDetails>(&format!("/jobs/{}", encode(id)))?;
            shown(cli, &job)
        }
        JobCommand::Log { id, follow: false } => follow::log(cli, id),
        JobCommand::Log { id, follow: true } => {
            follow::until_success(cli, id, Show::Log).map(|_| ())
        }
        JobCommand::Wait { id } => {
            let job = follow::until_success(cli, id, Show::Progress)?;
            cli.output.said(&job, &job.job.outcome.clone().unwrap_or_default())
        }
        JobCommand::Cancel { id } => {
            let job: Job = cli.client.act(&format!("/jobs/{}/cancel", encode(id)))?;
            cli.output.said(&job, &format!("job {id} is being stopped"))
        }
    }
}

fn shown(cli: &Cli, it: &JobDetails) -> Result<(), CliError> {
    let job = &it.job;
    cli.output.thing(
        it,
        &[
            ("Job", job.id.clone()),
            ("Kind", job.kind.to_string()),
            ("Release", job.release.clone().unwrap_or_default()),
            ("Kernel", job.kernel.clone().unwrap_or_default()),
            ("State", job.state.to_string()),
            ("Waits", it.waits_for.clone().unwrap_or_default()),
            ("Asked for", format!("{} by {}", job.created_at, job.created_by)),
            ("Started", job.started_at.clone().unwrap_or_default()),
            ("Ended", job.ended_at.clone().unwrap_or_default()),
            ("Outcome", job.outcome.clone().unwrap_or_default()),
            ("Validation", it.validation.clone().unwrap_or_default()),
        ],
    )?;
    if cli.output.is_json() {
        return Ok(());
    }
    cli.output.list(&it.steps, &["step", "state", "message"], |step| {
        vec![step.name.clone(), step.state.to_string(), or_dash(step.message.as_deref())]
    })
}
