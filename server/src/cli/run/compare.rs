//! `bootwright run compare`: what differs between two releases, variants or runs.

use clap::{Args, builder::PossibleValuesParser};
use domain::{
    job::JobKind,
    run::{
        Outcome,
        comparison::{CaseChange, ComparedCase, SeenCase},
    },
};

use super::alone;
use crate::{
    api::{history::Comparison, jobs::Job, validations::ValidationDetails},
    cli::{
        Cli,
        client::{encode, query},
        error::{CliError, ExitStatus},
        follow::{self, Show},
        output::{one_line, or_dash},
    },
};

/// The word for all classes.
const ALL: &str = "all";

/// Options of `bootwright run compare`.
#[derive(Debug, Args)]
pub(in crate::cli) struct CompareArgs {
    /// What is looked at: the name of a release, `variant/NAME`, `recorded/NAME` or `run/ID`.
    here: String,
    /// What it is compared with, named likewise.
    base: String,
    /// Only cases that changed so, by commas.
    #[arg(
        long,
        value_delimiter = ',',
        default_values = ["regression", "fixed"],
        value_parser = PossibleValuesParser::new(
            CaseChange::ALL.map(CaseChange::word).into_iter().chain([ALL])
        )
    )]
    change: Vec<String>,
    /// Print it as Markdown, to post it.
    #[arg(long)]
    markdown: bool,
    /// Stay first until no validation of either side is at work.
    #[arg(long)]
    wait: bool,
}

pub(super) fn run(cli: &Cli, args: &CompareArgs) -> Result<(), CliError> {
    if args.wait {
        for side in [&args.here, &args.base] {
            wait_for(cli, side)?;
        }
    }
    let classes = args.change.join(",");
    let classes = (!args.change.iter().any(|it| it == ALL)).then_some(classes.as_str());
    let asked = query(&[
        ("here", Some(args.here.as_str())),
        ("base", Some(args.base.as_str())),
        ("change", classes),
    ]);
    let found: Comparison = cli.client.get(&format!("/comparison{asked}"))?;
    if cli.output.is_json() {
        cli.output.json(&found)?;
    } else if args.markdown {
        cli.output.lines(&markdown(&found))?;
    } else {
        shown(cli, &found)?;
    }
    let worse = [CaseChange::Regression, CaseChange::NewFailure];
    let worse = counts(&found, |change, cases| worse.contains(&change) && cases > 0);
    if worse.is_empty() {
        return Ok(());
    }
    Err(CliError::Worse(format!("{} got worse against {}: {worse}", args.here, args.base)))
}

/// Stays until no validation of that side is at work.
fn wait_for(cli: &Cli, side: &str) -> Result<(), CliError> {
    if let Some(run) = side.strip_prefix("run/") {
        let run = alone(cli, run)?;
        let (None, Some(validation)) = (run.ended_at, run.validation) else { return Ok(()) };
        let path = format!("/validations/{}", encode(&validation));
        let details: ValidationDetails = cli.client.get(&path)?;
        return follow::until_end(cli, &details.validation.job, Show::Progress).map(drop);
    }
    let variant = side.strip_prefix("variant/").map(|it| it.split('/').next().unwrap_or_default());
    let release = variant.is_none().then_some(side);
    let kind = Some(JobKind::Validation.word());
    let path = query(&[("kind", kind), ("release", release), ("variant", variant)]);
    // Another one may have been asked for meanwhile.
    loop {
        let jobs: Vec<Job> = match cli.client.all(&format!("/jobs{path}")) {
            Ok(jobs) => jobs,
            // Nothing here validates what was made elsewhere.
            Err(error) if error.status() == ExitStatus::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        let ours = |it: &&Job| !it.state.ended() && it.variant.as_deref() == variant;
        let Some(job) = jobs.iter().find(ours) else { return Ok(()) };
        follow::until_end(cli, &job.id, Show::Progress)?;
    }
}

/// The classes that are wanted, with how many cases are in each: `1 regression, 0 new failure`.
fn counts(found: &Comparison, wanted: impl Fn(CaseChange, u64) -> bool) -> String {
    let wanted = found.counts.iter().filter(|it| wanted(it.change, it.cases));
    let parts: Vec<String> =
        wanted.map(|it| format!("{} {}", it.cases, words(it.change))).collect();
    parts.join(", ")
}

fn words(change: CaseChange) -> String {
    change.word().replace('-', " ")
}

fn shown(cli: &Cli, found: &Comparison) -> Result<(), CliError> {
    let head = format!("# {} beside {}: {}", found.here, found.base, counts(found, |_, _| true));
    cli.output.lines(&[one_line(&head)])?;
    let headings = ["change", "case", "machine", "entry", "base", "here", "message"];
    cli.output.list(&found.cases, &headings, |it| {
        let mut row = vec![it.change.word().to_owned()];
        row.extend(columns(it));
        row
    })?;
    cli.output.lines(&left_out(found).map(|it| format!("# {it}")).into_iter().collect::<Vec<_>>())
}

/// What every form shows of a case beside how it changed.
fn columns(it: &ComparedCase) -> [String; 6] {
    let outcome =
        |side: &Option<SeenCase>| or_dash(side.as_ref().map(|it| Outcome::word(it.outcome)));
    let message = it.here.as_ref().and_then(|it| it.message.lines().next());
    let entry = Some(it.entry.as_str()).filter(|entry| !entry.is_empty());
    [
        it.case.clone(),
        it.machine.clone(),
        or_dash(entry),
        outcome(&it.base),
        outcome(&it.here),
        or_dash(message.filter(|line| !line.is_empty())),
    ]
}

/// How many cases an answer that was cut lacks.
fn left_out(found: &Comparison) -> Option<String> {
    let shown = |change| found.cases.iter().filter(|it| it.change == change).count() as u64;
    let lacks = found.counts.iter().filter(|it| shown(it.change) > 0);
    let lacks: u64 = lacks.map(|it| it.cases.saturating_sub(shown(it.change))).sum();
    (lacks > 0).then(|| format!("{lacks} more are not listed"))
}

fn markdown(found: &Comparison) -> Vec<String> {
    let mut lines = vec![
        format!("### {} beside {}", cell(&found.here), cell(&found.base)),
        String::new(),
        counts(found, |_, cases| cases > 0),
    ];
    if !found.cases.is_empty() {
        lines.push(String::new());
        lines.push("| change | case | machine | entry | base | here | message |".to_owned());
        lines.push("| --- | --- | --- | --- | --- | --- | --- |".to_owned());
    }
    lines.extend(found.cases.iter().map(|it| {
        let cells = columns(it).map(|it| cell(&it)).join(" | ");
        format!("| {} | {cells} |", words(it.change))
    }));
    lines.extend(left_out(found).into_iter().flat_map(|it| [String::new(), it]));
    lines
}

/// A text as it can stand in a cell: what others wrote must not become marks or tags.
fn cell(text: &str) -> String {
    let mut cell = String::with_capacity(text.len());
    for letter in one_line(text).chars() {
        if "\\`*_[]<>|#~&!".contains(letter) {
            cell.push('\\');
        }
        cell.push(letter);
    }
    cell
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::history::ChangeCount;

    fn comparison(cases: &[(&str, &str)]) -> Comparison {
        let case = |(id, message): &(&str, &str)| ComparedCase {
            entry: String::new(),
            machine: "board-1".to_owned(),
            case: (*id).to_owned(),
            title: String::new(),
            change: CaseChange::Regression,
            here: Some(SeenCase {
                run: "r".into(),
                outcome: Outcome::Failed,
                duration_us: None,
                message: (*message).to_owned(),
            }),
            base: None,
        };
        Comparison {
            here: "v1.1.0".to_owned(),
            base: "recorded/v1.0.0".to_owned(),
            counts: vec![
                ChangeCount { change: CaseChange::Regression, cases: 3 },
                ChangeCount { change: CaseChange::NewFailure, cases: 0 },
                ChangeCount { change: CaseChange::Unchanged, cases: 9 },
            ],
            cases: cases.iter().map(case).collect(),
        }
    }

    #[test]
    fn what_others_wrote_is_no_mark_in_a_table_and_what_is_left_out_is_said() {
        let lines = markdown(&comparison(&[("a|b", "<b>*no*</b>\nsecond line")]));
        let expected = [
            "### v1.1.0 beside recorded/v1.0.0",
            "",
            "3 regression, 9 unchanged",
            "",
            "| change | case | machine | entry | base | here | message |",
            "| --- | --- | --- | --- | --- | --- | --- |",
            "| regression | a\\|b | board-1 | - | - | failed | \\<b\\>\\*no\\*\\</b\\> |",
            "",
            "2 more are not listed",
        ];
        assert_eq!(lines, expected);
    }

    #[test]
    fn classes_that_were_not_asked_for_are_counted_and_not_left_out() {
        assert_eq!(left_out(&comparison(&[])), None);
        assert_eq!(
            counts(&comparison(&[]), |_, _| true),
            "3 regression, 0 new failure, 9 unchanged"
        );
    }
}
