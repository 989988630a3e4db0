//! `bootwright run …`
//!
//! A run is what one file of results, one boot of the runner or one person saw of one machine. Bringing
//! in, comparing and looking back stand in files of their own.

mod compare;
mod import;
mod past;
pub(super) mod review;

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use domain::run::{
    Outcome,
    reported::{Totals, percent},
};
use serde::Serialize;

use self::{
    compare::CompareArgs,
    import::ImportArgs,
    past::{CaseArgs, HistoryArgs},
    review::{AssessArgs, FailureArgs, WaiveArgs},
};
use super::{
    Cli, Connection,
    client::{encode, query},
    download::save,
    error::CliError,
    output::{first_line, or_dash},
};
use crate::api::{
    results::{Attachment, CountedFor, NewManualResult, RecordedResult},
    runs::{Run, RunKeeping},
};

/// Options of `bootwright run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    #[command(flatten)]
    pub(super) connection: Connection,
    #[command(subcommand)]
    pub(super) command: RunCommand,
}

/// How a run is written out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Form {
    /// Everything that is known of it; brought in again it is the same.
    Json,
    /// A table.
    Csv,
}

/// What can be done with runs.
#[derive(Debug, Subcommand)]
pub(super) enum RunCommand {
    /// Bring files of results in: Robot Framework, JUnit, TAP, CSV or our own JSON; prints the runs.
    ///
    /// A line for each file: the run, `new` or `known`, what it is about or `inbox`, its cases, the
    /// file. What should be known of reading it follows in lines that begin with #. A file that cannot
    /// be brought in is told of, the others go on, and the exit status is 1.
    Import(Box<ImportArgs>),
    /// List runs, newest first.
    List {
        /// Only those about this release; `variant/NAME` and `recorded/NAME` name others.
        #[arg(long, value_name = "NAME")]
        release: Option<String>,
        /// Only those on this machine.
        #[arg(long, value_name = "NAME")]
        machine: Option<String>,
        /// Only those of the boot entry of this label.
        #[arg(long, value_name = "LABEL")]
        entry: Option<String>,
        /// Only those of this suite.
        #[arg(long, value_name = "NAME")]
        suite: Option<String>,
        /// Only those that ended so: passed, failed, errored, skipped, not-run.
        #[arg(long)]
        outcome: Option<Outcome>,
        /// Only those of the inbox: nobody has said what they are about.
        #[arg(long)]
        unattached: bool,
        /// How many at the most.
        #[arg(long, value_name = "NUMBER", default_value_t = 50)]
        limit: usize,
    },
    /// Show a run with its cases.
    Show {
        /// Id of the run.
        run: String,
        /// Only cases that failed or could not tell.
        #[arg(long)]
        failing: bool,
    },
    /// Write a run to a file, made of what is kept of it.
    Export {
        /// Id of the run.
        run: String,
        /// In which form.
        #[arg(long, value_enum, default_value = "json")]
        format: Form,
        /// The file; standard output unless said otherwise.
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Say what a run of the inbox is about; its results count from here on.
    Attach {
        /// Id of the run.
        run: String,
        /// Name of the release, `variant/NAME`, or `recorded/NAME` for one that was made elsewhere.
        release: String,
        /// Let it decide at the gates that demand this plan: takes an approver who did not bring it in.
        /// A run that is about the release already is left so.
        #[arg(long, value_name = "NAME")]
        plan: Option<String>,
    },
    /// Say that a run is important: what came in, what it left and its console stay for ever.
    Important {
        /// Id of the run.
        run: String,
        /// It is important no more.
        #[arg(long)]
        off: bool,
    },
    /// Say whose problem failures are and where they are tracked; a line for each.
    ///
    /// It holds for each failure of the case that says the same, on any machine and in any release.
    Assess(AssessArgs),
    /// Answer for failures that they do not stand in the way; a line for each. Takes an approver, and
    /// never one whose own request it is.
    Waive(WaiveArgs),
    /// Take the waiver of a failure back.
    WithdrawWaiver(FailureArgs),
    /// Show all that was said of a failure, newest first.
    Review(FailureArgs),
    /// Record what a person saw on a board.
    Record {
        /// What it is about: the name of a release, `variant/NAME` or `recorded/NAME`.
        #[arg(long, value_name = "NAME")]
        release: String,
        /// Name of the machine.
        #[arg(long, value_name = "NAME")]
        machine: String,
        /// Id of the case.
        #[arg(long = "case", value_name = "ID")]
        case_id: String,
        /// How it ended: passed, failed, errored, skipped, not-run.
        #[arg(long)]
        outcome: Outcome,
        /// What it checks, in one line; what it was called before unless said otherwise.
        #[arg(long)]
        title: Option<String>,
        /// What was seen; a failure needs it.
        #[arg(long, default_value = "")]
        comment: String,
        /// Name of the suite; `manual` unless said otherwise.
        #[arg(long, value_name = "NAME")]
        suite: Option<String>,
        /// Label of the boot entry, where it matters.
        #[arg(long, value_name = "LABEL")]
        entry: Option<String>,
    },
    /// Show what differs between two releases, variants or runs; fail with 9 where it got worse.
    ///
    /// Tells how many cases changed how, then the cases. Exit status 9 where there is a regression or
    /// a new failure, whatever is shown.
    Compare(CompareArgs),
    /// Show how cases ended from release to release: ✓ passed, ✗ failed, ! errored, – skipped, ? not run.
    History(Box<HistoryArgs>),
    /// Show the past of a case: how often it fails for nothing, and since when it fails.
    Case(CaseArgs),
}

/// A run with the results that were asked for.
#[derive(Serialize)]
struct ShownRun {
    #[serde(flatten)]
    run: Run,
    results: Vec<RecordedResult>,
}

pub(super) fn run(cli: &Cli, command: &RunCommand) -> Result<(), CliError> {
    match command {
        RunCommand::Import(args) => import::run(cli, args),
        RunCommand::List { release, machine, entry, suite, outcome, unattached, limit } => {
            let filters = [
                ("release", release.as_deref()),
                ("machine", machine.as_deref()),
                ("entry", entry.as_deref()),
                ("suite", suite.as_deref()),
                ("outcome", outcome.map(Outcome::word)),
                ("unattached", unattached.then_some("true")),
            ];
            let found: Vec<Run> = cli.client.first(&format!("/runs{}", query(&filters)), *limit)?;
            let headings =
                ["run", "about", "suite", "machine", "entry", "outcome", "cases", "began"];
            cli.output.list(&found, &headings, |it| {
                vec![
                    it.id.clone(),
                    about(it),
                    it.suite.clone(),
                    it.machine.clone(),
                    first_line(&it.entry),
                    or_dash(it.outcome.map(Outcome::word)),
                    counted(&it.totals),
                    it.started_at.clone(),
                ]
            })
        }
        RunCommand::Show { run, failing } => show(cli, run, *failing),
        RunCommand::Export { run, format, output } => {
            let form = match format {
                Form::Json => "json",
                Form::Csv => "csv",
            };
            let source = format!("{}/export?format={form}", address(run));
            match output {
                None => cli.output.bytes(cli.client.open(&source)?),
                Some(path) => save(cli, &source, path, None),
            }
        }
        RunCommand::Important { run, off } => {
            let path = format!("{}/importance", address(run));
            let kept: RunKeeping =
                if *off { cli.client.take_off(&path)? } else { cli.client.take(&path)? };
            let words = if *off { "is important no more" } else { "is important" };
            cli.output.said(&kept, &format!("{run} {words}"))
        }
        RunCommand::Attach { run, release, plan } => attach(cli, run, release, plan.as_deref()),
        RunCommand::Assess(args) => review::assess(cli, args),
        RunCommand::Waive(args) => review::waive(cli, args),
        RunCommand::WithdrawWaiver(args) => review::withdraw(cli, args),
        RunCommand::Review(args) => review::show(cli, args),
        RunCommand::Record { release, machine, case_id, outcome, title, comment, suite, entry } => {
            let new = NewManualResult {
                release: release.clone(),
                machine: machine.clone(),
                entry: entry.clone(),
                suite: suite.clone(),
                case: case_id.clone(),
                title: title.clone(),
                outcome: *outcome,
                comment: comment.clone(),
            };
            let run: Run = cli.client.post("/results/manual", &new)?;
            cli.output.said(&run, &run.id)
        }
        RunCommand::Compare(args) => compare::run(cli, args),
        RunCommand::History(args) => past::history(cli, args),
        RunCommand::Case(args) => past::case(cli, args),
    }
}

fn attach(cli: &Cli, run: &str, release: &str, plan: Option<&str>) -> Result<(), CliError> {
    let attached = match plan {
        Some(_) => alone(cli, run)?.about.as_deref() == Some(release),
        None => false,
    };
    if !attached {
        let new = Attachment { release: release.to_owned() };
        let now: Run = cli.client.post(&format!("{}/attachment", address(run)), &new)?;
        if plan.is_none() {
            return cli.output.said(&now, &format!("{} is about {}", now.id, about(&now)));
        }
    }
    let new = CountedFor { plan: plan.unwrap_or_default().to_owned() };
    let now: Run = cli.client.set(&format!("{}/plan", address(run)), &new)?;
    let sentence = format!("{} is about {} and counts for plan {}", now.id, about(&now), new.plan);
    cli.output.said(&now, &sentence)
}

fn address(run: &str) -> String {
    format!("/runs/{}", encode(run))
}

/// A run without its results, however many these are.
fn alone(cli: &Cli, run: &str) -> Result<Run, CliError> {
    cli.client.skim(&address(run))
}

fn show(cli: &Cli, run: &str, failing: bool) -> Result<(), CliError> {
    let it = alone(cli, run)?;
    let filter = query(&[("failing", failing.then_some("true"))]);
    let results: Vec<RecordedResult> =
        cli.client.all(&format!("{}/results{filter}", address(run)))?;
    if cli.output.is_json() {
        return cli.output.json(&ShownRun { run: it, results });
    }
    cli.output.thing(
        &it,
        &[
            ("Run", it.id.clone()),
            ("About", about(&it)),
            ("Suite", it.suite.clone()),
            ("Machine", it.machine.clone()),
            ("Machine was", it.machine_details.clone()),
            ("Entry", it.entry.clone()),
            ("Source", it.source.word().to_owned()),
            ("Began", it.started_at.clone()),
            ("Ended", it.ended_at.clone().unwrap_or_default()),
            ("Outcome", it.outcome.map(Outcome::word).unwrap_or_default().to_owned()),
            ("Cases", counted(&it.totals)),
            ("Why", it.message.clone()),
            ("Incomplete", it.incomplete.clone().unwrap_or_default()),
            ("Remarks", it.remarks.join(" ")),
            ("Written by", it.generator.clone()),
            ("Recorded by", it.recorded_by.clone()),
        ],
    )?;
    cli.output.list(&results, &["case", "outcome", "seconds", "message"], |it| {
        let lasted = it.duration_us.and_then(|us| u64::try_from(us).ok());
        let seconds = lasted.map(|us| format!("{}.{:03}", us / 1_000_000, us / 1_000 % 1_000));
        vec![
            it.case.clone(),
            it.outcome.word().to_owned(),
            or_dash(seconds.as_deref()),
            first_line(&it.message),
        ]
    })
}

/// What a run is about, or that nobody has said so.
fn about(run: &Run) -> String {
    run.about.clone().unwrap_or_else(|| "inbox".to_owned())
}

/// Cases with the rate of those that gave an answer: `690 passed, 13 failed, 98.15 %`.
fn counted(totals: &Totals) -> String {
    let counts = [
        (totals.passed, "passed"),
        (totals.failed, "failed"),
        (totals.errored, "errored"),
        (totals.skipped, "skipped"),
        (totals.not_run, "not run"),
    ];
    let counts = counts.into_iter().filter(|(count, _)| *count > 0);
    let mut parts: Vec<String> = counts.map(|(count, word)| format!("{count} {word}")).collect();
    parts.extend(totals.pass_rate().map(percent));
    if parts.is_empty() { "no cases".to_owned() } else { parts.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases_are_counted_with_the_rate_of_those_that_answered() {
        let totals = Totals { passed: 690, failed: 13, skipped: 2, ..Totals::default() };
        assert_eq!(counted(&totals), "690 passed, 13 failed, 2 skipped, 98.15 %");
        assert_eq!(counted(&Totals { not_run: 1, ..Totals::default() }), "1 not run");
        assert_eq!(counted(&Totals::default()), "no cases");
    }
}
