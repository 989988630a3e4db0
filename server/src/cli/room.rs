//! `bootwright room …`

use clap::{Args, Subcommand};
use domain::{
    room::{Kind, RoomRules},
    time::human_size,
};

use super::{
    Cli, Connection,
    error::CliError,
    follow::{self, Show},
    output::or_dash,
};
use crate::api::{
    jobs::Job,
    room::{NewCollection, ReleaseRoom, Room},
};

/// Options of `bootwright room`.
#[derive(Debug, Args)]
pub struct RoomArgs {
    #[command(flatten)]
    pub(super) connection: Connection,
    #[command(subcommand)]
    pub(super) command: RoomCommand,
}

/// What can be done about the room on the disk.
#[derive(Debug, Subcommand)]
pub(super) enum RoomCommand {
    /// Show what takes the room, and what a collection would free.
    Show,
    /// List releases with what each takes and what needs it; what would free most first.
    Releases,
    /// Show how long things stay, or change it; what is not named stays as it is.
    Rules {
        /// Days until a candidate that nothing needs is withdrawn, or `forever`.
        #[arg(long, value_name = "DAYS", value_parser = days)]
        candidates: Option<Days>,
        /// Days until the files of a withdrawn candidate go, or `forever`.
        #[arg(long, value_name = "DAYS", value_parser = days)]
        withdrawn: Option<Days>,
        /// Days until logs and consoles go, or `forever`.
        #[arg(long, value_name = "DAYS", value_parser = days)]
        logs: Option<Days>,
        /// Days until a build step that nobody used goes, or `forever`.
        #[arg(long, value_name = "DAYS", value_parser = days)]
        cache: Option<Days>,
        /// Bytes of the disk that stay free: builds wait while there are fewer.
        #[arg(long, value_name = "BYTES")]
        floor: Option<u64>,
    },
    /// Collect what nothing needs; prints the job, or what was freed where it waits.
    Collect {
        /// Only say what would go, and remove nothing.
        #[arg(long)]
        dry_run: bool,
        /// Stay and print the log until the collection has ended; fail where it fails.
        #[arg(long)]
        follow: bool,
        /// Stay until the collection has ended; fail where it fails.
        #[arg(long, conflicts_with = "follow")]
        wait: bool,
    },
}

/// How long something stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Days {
    Forever,
    Number(u32),
}

impl Days {
    const fn number(self) -> Option<u32> {
        match self {
            Self::Forever => None,
            Self::Number(days) => Some(days),
        }
    }
}

fn days(text: &str) -> Result<Days, String> {
    match text {
        "forever" => Ok(Days::Forever),
        text => text
            .parse()
            .map(Days::Number)
            .map_err(|_| "give a number of days, or `forever`".to_owned()),
    }
}

pub(super) fn run(cli: &Cli, command: &RoomCommand) -> Result<(), CliError> {
    match command {
        RoomCommand::Show => shown(cli, &cli.client.get("/room")?),
        RoomCommand::Releases => {
            let all: Vec<ReleaseRoom> = cli.client.all("/room/releases")?;
            let headings = ["release", "stage", "takes", "frees", "fate", "until", "needed by"];
            cli.output.list(&all, &headings, |it| {
                vec![
                    it.release.clone(),
                    it.stage.to_string(),
                    size(cli, it.bytes),
                    size(cli, it.frees),
                    it.fate.word().to_owned(),
                    or_dash(it.until.as_deref()),
                    if it.needs.is_empty() { "-".to_owned() } else { it.needs.join("; ") },
                ]
            })
        }
        RoomCommand::Rules { candidates, withdrawn, logs, cache, floor } => {
            let seen = cli.client.versioned::<RoomRules>("/room/rules")?;
            let old = seen.value;
            let new = RoomRules {
                candidates: candidates.map_or(old.candidates, Days::number),
                withdrawn: withdrawn.map_or(old.withdrawn, Days::number),
                logs: logs.map_or(old.logs, Days::number),
                cache: cache.map_or(old.cache, Days::number),
                floor: floor.unwrap_or(old.floor),
            };
            let rules =
                if new == old { old } else { cli.client.put("/room/rules", &seen.etag, &new)? };
            cli.output.thing(&rules, &properties(cli, &rules))
        }
        RoomCommand::Collect { dry_run, follow, wait } => {
            let new = NewCollection { dry_run: *dry_run };
            let job: Job = cli.client.post("/room/collections", &new)?;
            if !*follow && !*wait {
                return cli.output.said(&job, &job.id);
            }
            let show = if *follow { Show::Log } else { Show::Progress };
            let done = follow::until_success(cli, &job.id, show)?;
            cli.output.said(&done, &done.job.outcome.clone().unwrap_or_default())
        }
    }
}

/// Bytes: rounded for people, exact for scripts.
fn size(cli: &Cli, bytes: u64) -> String {
    if cli.output.is_terminal() { human_size(bytes) } else { bytes.to_string() }
}

fn properties(cli: &Cli, rules: &RoomRules) -> Vec<(&'static str, String)> {
    let stays =
        |days: Option<u32>| days.map_or_else(|| "for ever".to_owned(), |it| format!("{it} days"));
    vec![
        ("Candidates stay", stays(rules.candidates)),
        ("Withdrawn candidates stay", stays(rules.withdrawn)),
        ("Logs stay", stays(rules.logs)),
        ("Build steps stay", stays(rules.cache)),
        ("Builds wait below", size(cli, rules.floor)),
    ]
}

fn shown(cli: &Cli, it: &Room) -> Result<(), CliError> {
    let free: Vec<String> = it
        .disks
        .iter()
        .map(|disk| {
            format!("{} of {} ({})", size(cli, disk.free), size(cli, disk.total), disk.holds)
        })
        .collect();
    let of = |kind: Kind| {
        let bytes = it.kinds.iter().find(|it| it.kind == kind).map_or(0, |it| it.bytes);
        size(cli, bytes)
    };
    let mut lines = vec![
        ("Free", free.join(", ")),
        ("Builds wait", it.shortage.clone().unwrap_or_default()),
        ("Releases", of(Kind::Releases)),
        ("Packages", of(Kind::Packages)),
        ("Kernels", of(Kind::Kernels)),
        ("Uploads", of(Kind::Uploads)),
        ("Cache", of(Kind::Cache)),
        ("Logs", of(Kind::Logs)),
        ("Database", of(Kind::Database)),
        ("At work", of(Kind::Work)),
        ("Unneeded", of(Kind::Unneeded)),
        ("A collection frees", size(cli, it.would_free)),
        ("And withdraws", format!("{} candidate(s)", it.would_withdraw)),
    ];
    lines.extend(properties(cli, &it.rules));
    lines.push(("Counted", it.counted_at.clone()));
    cli.output.thing(it, &lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_numbers_or_for_ever() {
        assert_eq!(days("0"), Ok(Days::Number(0)));
        assert_eq!(days("forever"), Ok(Days::Forever));
        for text in ["", "-1", "7d", "never"] {
            assert!(days(text).is_err(), "{text}");
        }
    }
}
