//! `bootwright run history` and `bootwright run case`: how cases ended over time.

use clap::{Args, builder::PossibleValuesParser};
use domain::{
    history::{Columns, worst},
    run::Outcome,
};

use super::counted;
use crate::{
    api::history::{CaseFlakiness, HistoryColumn, ResultHistory, TestCase},
    cli::{
        Cli,
        client::{encode, query},
        error::CliError,
        output::{first_line, one_line},
    },
};

/// Options of `bootwright run history`.
#[derive(Debug, Args)]
pub(in crate::cli) struct HistoryArgs {
    /// What the columns are: releases or runs.
    #[arg(
        long,
        default_value = Columns::Releases.word(),
        value_parser = PossibleValuesParser::new(Columns::ALL.map(Columns::word))
    )]
    by: String,
    /// Only cases of this suite.
    #[arg(long, value_name = "NAME")]
    suite: Option<String>,
    /// Only results on this machine.
    #[arg(long, value_name = "NAME")]
    machine: Option<String>,
    /// Only results under this kernel.
    #[arg(long, value_name = "RELEASE")]
    kernel: Option<String>,
    /// Only cases with this tag.
    #[arg(long)]
    tag: Option<String>,
    /// Only cases whose id or title holds this.
    #[arg(long, value_name = "TEXT")]
    id: Option<String>,
    /// Only cases that ended so somewhere: passed, failed, errored, skipped, not-run.
    #[arg(long)]
    outcome: Option<Outcome>,
    /// Only cases that passed in one column and failed in another.
    #[arg(long)]
    changes: bool,
    /// No columns before this day, such as 2026-11-27.
    #[arg(long, value_name = "DAY")]
    from: Option<String>,
    /// No columns after this day.
    #[arg(long, value_name = "DAY")]
    to: Option<String>,
    /// How many columns at the most.
    #[arg(long, value_name = "NUMBER")]
    columns: Option<u32>,
    /// How many cases at the most.
    #[arg(long, value_name = "NUMBER")]
    rows: Option<u32>,
    /// Only cases after this one, to go on where a list ended.
    #[arg(long, value_name = "ID")]
    after: Option<String>,
}

/// Options of `bootwright run case`.
#[derive(Debug, Args)]
pub(in crate::cli) struct CaseArgs {
    /// Id of the case.
    id: String,
    /// Only results on this machine.
    #[arg(long, value_name = "NAME")]
    machine: Option<String>,
    /// From how many of the newest results flakiness is told; 100 unless said otherwise.
    #[arg(long, value_name = "NUMBER")]
    window: Option<u32>,
}

pub(super) fn history(cli: &Cli, args: &HistoryArgs) -> Result<(), CliError> {
    let (columns, rows) = (number(args.columns), number(args.rows));
    let path = query(&[
        ("by", Some(args.by.as_str())),
        ("suite", args.suite.as_deref()),
        ("machine", args.machine.as_deref()),
        ("kernel", args.kernel.as_deref()),
        ("tag", args.tag.as_deref()),
        ("id", args.id.as_deref()),
        ("outcome", args.outcome.map(Outcome::word)),
        ("changes", args.changes.then_some("true")),
        ("from", args.from.as_deref()),
        ("to", args.to.as_deref()),
        ("columns", columns.as_deref()),
        ("rows", rows.as_deref()),
        ("after", args.after.as_deref()),
    ]);
    let found: ResultHistory = cli.client.get(&format!("/history{path}"))?;
    if cli.output.is_json() {
        return cli.output.json(&found);
    }
    // Names of releases are wide and a sign is not: the columns have numbers, told first.
    let legend = found.columns.iter().zip(1..).map(|(it, number)| legend(number, it));
    cli.output.lines(&legend.collect::<Vec<_>>())?;
    let numbers = (1..=found.columns.len()).map(|number| number.to_string());
    let mut table = vec![["case".to_owned()].into_iter().chain(numbers).collect::<Vec<_>>()];
    table.extend(found.rows.iter().map(|row| {
        let signs =
            row.cells.iter().map(|it| it.as_ref().map_or("", |it| worst(it).sign()).to_owned());
        [row.case.clone()].into_iter().chain(signs).collect()
    }));
    cli.output.rows(&table)?;
    let more = found.next.map(|next| format!("# more: --after '{}'", one_line(&next)));
    cli.output.lines(&more.into_iter().collect::<Vec<_>>())
}

fn number(it: Option<u32>) -> Option<String> {
    it.map(|it| it.to_string())
}

fn legend(number: u32, it: &HistoryColumn) -> String {
    let about = it.about.as_deref().unwrap_or("inbox");
    let place = [&it.run, &it.suite, &it.machine].map(|it| it.as_deref().unwrap_or_default());
    let totals = it.totals.as_ref().map(counted).unwrap_or_default();
    let parts = [about].into_iter().chain(place).chain([it.at.as_str(), totals.as_str()]);
    let parts: Vec<String> = parts.filter(|it| !it.is_empty()).map(one_line).collect();
    format!("# {number}: {}", parts.join(", "))
}

pub(super) fn case(cli: &Cli, args: &CaseArgs) -> Result<(), CliError> {
    let window = number(args.window);
    let filters = [("machine", args.machine.as_deref()), ("window", window.as_deref())];
    let path = format!("/cases/{}{}", encode(&args.id), query(&filters));
    let found: TestCase = cli.client.get(&path)?;
    let turned = found.turned_bad.as_ref();
    cli.output.thing(
        &found,
        &[
            ("Case", found.case.clone()),
            ("Checks", found.title.clone()),
            ("Flaky", flaky(&found.flakiness)),
            ("First bad", turned.map(|it| it.first_bad.clone()).unwrap_or_default()),
            ("Last good", turned.and_then(|it| it.last_good.clone()).unwrap_or_default()),
        ],
    )?;
    if cli.output.is_json() {
        return Ok(());
    }
    let headings = ["began", "about", "machine", "entry", "outcome", "retries", "run", "message"];
    cli.output.list(&found.results, &headings, |it| {
        vec![
            it.at.clone(),
            it.about.clone().unwrap_or_else(|| "inbox".to_owned()),
            it.machine.clone(),
            first_line(&it.entry),
            it.outcome.word().to_owned(),
            it.retries.to_string(),
            it.run.clone(),
            first_line(&it.message),
        ]
    })
}

/// A rate with the interval that it can be trusted in: `1 of 20, 5.0 % (0.9 % to 23.6 %)`.
fn flaky(it: &CaseFlakiness) -> String {
    let (Some(rate), Some([low, high])) = (it.rate, it.interval) else {
        return "not known: it gave no answer yet".to_owned();
    };
    let percent = |part: f64| format!("{:.1} %", part * 100.0);
    let [rate, low, high] = [rate, low, high].map(percent);
    format!("{} of {}, {rate} ({low} to {high})", it.flaky, it.executions)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flakiness_comes_with_its_interval() {
        let known = CaseFlakiness {
            executions: 20,
            flaky: 1,
            rate: Some(0.05),
            interval: Some([0.0089, 0.2361]),
        };
        assert_eq!(flaky(&known), "1 of 20, 5.0 % (0.9 % to 23.6 %)");
        let none = CaseFlakiness { executions: 0, flaky: 0, rate: None, interval: None };
        assert!(flaky(&none).starts_with("not known"));
    }
}
