//! `bootwright run compare`: what differs between two releases, variants or runs.

use clap::{Args, builder::PossibleValuesParser};
use domain::{
    job::JobKind,
    run::comparison::{CaseChange, SeenCase, markdown},
};

use super::alone;
use crate::{
    api::{history::Comparison, jobs::Job, validations::ValidationDetails},
    cli::{
        Cli,
        client::{encode, query},
        error::{CliError, ExitStatus},
        follow::{self, Show},
        output::{first_line, one_line, or_dash},
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
    /// Only cases that changed so, by commas; what is the same on both sides is only counted.
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
        cli.output.lines(&posted(&found, &args.change))?;
    } else {
        shown(cli, &found, &args.change)?;
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

fn shown(cli: &Cli, found: &Comparison, asked: &[String]) -> Result<(), CliError> {
    let head = format!("# {} beside {}: {}", found.here, found.base, counts(found, |_, _| true));
    cli.output.lines(&[one_line(&head)])?;
    let headings = ["change", "case", "machine", "entry", "base", "here", "message"];
    let outcome = |side: &Option<SeenCase>| or_dash(side.as_ref().map(|it| it.outcome.word()));
    cli.output.list(&found.cases, &headings, |it| {
        vec![
            it.change.word().to_owned(),
            it.case.clone(),
            it.machine.clone(),
            first_line(&it.entry),
            outcome(&it.base),
            outcome(&it.here),
            first_line(it.here.as_ref().map(|it| it.message.as_str()).unwrap_or_default()),
        ]
    })?;
    let rest = left_out(found, asked).map(|it| format!("# {it}"));
    cli.output.lines(&rest.into_iter().collect::<Vec<_>>())
}

/// How many cases of the classes that were asked for an answer lacks; what is the same on both sides
/// is never listed.
fn left_out(found: &Comparison, asked: &[String]) -> Option<String> {
    let wanted = |change: CaseChange| {
        change != CaseChange::Unchanged
            && asked.iter().any(|it| it == ALL || it.as_str() == change.word())
    };
    let counted: u64 = found.counts.iter().filter(|it| wanted(it.change)).map(|it| it.cases).sum();
    let listed = found.cases.iter().filter(|it| wanted(it.change)).count() as u64;
    let lacks = counted.saturating_sub(listed);
    (lacks > 0).then(|| format!("{lacks} more are not listed"))
}

/// The same as pages offer it to be copied.
fn posted(found: &Comparison, asked: &[String]) -> Vec<String> {
    let counts: Vec<_> = found.counts.iter().map(|it| (it.change, it.cases)).collect();
    let text = markdown(&found.here, &found.base, &counts, &found.cases);
    let mut lines: Vec<String> = text.lines().map(one_line).collect();
    lines.extend(left_out(found, asked).into_iter().flat_map(|it| [String::new(), it]));
    lines
}

#[cfg(test)]
mod tests {
    use domain::run::comparison::ComparedCase;

    use super::*;
    use crate::api::history::ChangeCount;

    #[test]
    fn what_an_answer_lacks_is_said_but_not_classes_that_nobody_asked_for() {
        let regression = ComparedCase {
            entry: String::new(),
            machine: "board-1".to_owned(),
            case: "a".to_owned(),
            title: String::new(),
            change: CaseChange::Regression,
            here: None,
            base: None,
        };
        let count = |(change, cases)| ChangeCount { change, cases };
        let classes =
            [(CaseChange::Regression, 3), (CaseChange::NewFailure, 0), (CaseChange::Unchanged, 9)];
        let found = Comparison {
            here: "v1.1.0".to_owned(),
            base: "recorded/v1.0.0".to_owned(),
            counts: classes.map(count).to_vec(),
            cases: vec![regression],
        };
        assert_eq!(counts(&found, |_, _| true), "3 regression, 0 new failure, 9 unchanged");
        let asked = |words: &[&str]| words.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
        let usual = asked(&["regression", "fixed"]);
        assert_eq!(posted(&found, &usual).last().unwrap(), "2 more are not listed");
        assert_eq!(left_out(&found, &asked(&[ALL])).unwrap(), "2 more are not listed");
        assert_eq!(left_out(&found, &asked(&["new-failure"])), None);
    }
}
