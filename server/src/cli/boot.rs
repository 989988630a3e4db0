//! `bootwright boot …`

use std::time::Duration;

use clap::{Args, Subcommand};
use domain::{
    boot::BootState,
    time::{human_duration, human_size},
};

use super::{Cli, Connection, client::query, error::CliError, output::or_dash};
use crate::api::boots::{Boot, BootDetails, BootTimes};

/// Options of `bootwright boot`.
#[derive(Debug, Args)]
pub struct BootArgs {
    #[command(flatten)]
    pub(super) connection: Connection,
    #[command(subcommand)]
    pub(super) command: BootCommand,
}

/// What can be asked about boots.
#[derive(Debug, Subcommand)]
pub(super) enum BootCommand {
    /// List boots of machines, the newest first.
    List {
        /// Only those of this machine.
        #[arg(long, value_name = "NAME")]
        machine: Option<String>,
        /// Only those that stand so: under-way, up, failed, silent, unreported.
        #[arg(long)]
        state: Option<BootState>,
        /// Only those of this release or variant.
        #[arg(long, value_name = "NAME")]
        release: Option<String>,
        /// How many at the most.
        #[arg(long, value_name = "NUMBER", default_value_t = 50)]
        limit: usize,
    },
    /// Show the stages of a boot, and what it was sent.
    Show {
        /// Number of the boot.
        number: i64,
    },
    /// Say how long boots take, by release, and whether a release made them slower.
    Times {
        /// Only boots of this machine.
        #[arg(long, value_name = "NAME")]
        machine: Option<String>,
    },
}

pub(super) fn run(cli: &Cli, command: &BootCommand) -> Result<(), CliError> {
    match command {
        BootCommand::List { machine, state, release, limit } => {
            let filters = [
                ("machine", machine.as_deref()),
                ("state", state.map(BootState::word)),
                ("release", release.as_deref()),
            ];
            let found: Vec<Boot> =
                cli.client.first(&format!("/boots{}", query(&filters)), *limit)?;
            let headings = ["boot", "machine", "release", "entry", "state", "took", "began", "why"];
            cli.output.list(&found, &headings, |it| {
                vec![
                    it.number.to_string(),
                    it.machine.clone(),
                    or_dash(it.release.as_deref()),
                    it.entry.clone(),
                    it.state.to_string(),
                    or_dash(it.took_us.map(micros).as_deref()),
                    it.started_at.clone(),
                    why(it).to_owned(),
                ]
            })
        }
        BootCommand::Show { number } => show(cli, &cli.client.get(&format!("/boots/{number}"))?),
        BootCommand::Times { machine } => {
            let filters = [("machine", machine.as_deref())];
            let all: Vec<BootTimes> =
                cli.client.all(&format!("/boots/times{}", query(&filters)))?;
            let headings = ["release", "boots", "shortest", "median", "longest", "slower by"];
            cli.output.list(&all, &headings, |it| {
                vec![
                    it.release.clone(),
                    it.boots.to_string(),
                    micros(it.shortest_us),
                    micros(it.median_us),
                    micros(it.longest_us),
                    or_dash(it.slower_percent.map(|percent| format!("{percent} %")).as_deref()),
                ]
            })
        }
    }
}

fn micros(length: i64) -> String {
    human_duration(Duration::from_micros(u64::try_from(length).unwrap_or(0)))
}

/// Why a boot ended early; while it is under way, nothing did.
fn why(it: &Boot) -> &str {
    if it.state.is_failure() { &it.reason } else { "" }
}

fn show(cli: &Cli, it: &BootDetails) -> Result<(), CliError> {
    let BootDetails { boot, stages, transfers, reports } = it;
    cli.output.thing(
        it,
        &[
            ("Boot", boot.number.to_string()),
            ("Machine", boot.machine.clone()),
            ("Address", boot.address.clone().unwrap_or_default()),
            ("To boot", boot.target.to_string()),
            ("Release", boot.release.clone().unwrap_or_default()),
            ("Manifest", boot.manifest.map(|it| it.to_string()).unwrap_or_default()),
            ("Entry", boot.entry.clone()),
            ("State", boot.state.to_string()),
            ("Why", why(boot).to_owned()),
            ("Began", boot.started_at.clone()),
            ("Took", boot.took_us.map(micros).unwrap_or_default()),
            ("Sent", human_size(boot.bytes)),
            ("Retries", boot.retries.to_string()),
        ],
    )?;
    if cli.output.is_json() {
        return Ok(());
    }
    let row = |cells: [&str; 4]| cells.map(str::to_owned).to_vec();
    let mut rows = vec![row(["stage", "began", "ended", "bytes"])];
    rows.extend(stages.iter().map(|it| {
        vec![
            it.stage.to_string(),
            or_dash(it.started_at.as_deref()),
            or_dash(it.ended_at.as_deref()),
            or_dash(it.bytes.map(human_size).as_deref()),
        ]
    }));
    cli.output.rows(&rows)?;
    let mut rows = vec![row(["file", "status", "bytes", "sha256"])];
    rows.extend(transfers.iter().map(|it| {
        vec![
            it.path.clone(),
            it.status.to_string(),
            human_size(it.bytes),
            or_dash(it.sha256.map(|it| it.to_string()).as_deref()),
        ]
    }));
    cli.output.rows(&rows)?;
    let notes: Vec<_> = reports.iter().filter(|it| !it.note.is_empty()).collect();
    let rows: Vec<_> = notes.iter().map(|it| vec![it.stage.clone(), it.note.clone()]).collect();
    cli.output.rows(&rows)
}
