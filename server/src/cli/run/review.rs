//! `bootwright run assess`, `waive`, `withdraw-waiver` and `review`: what people say of a failure.

use clap::{Args, ValueEnum};
use domain::run::FailureClass;

use super::{super::output::first_line, address};
use crate::{
    api::assessments::{Assessment, FailureReview, NewAssessment, NewWaiver},
    cli::{
        Cli,
        client::{Versioned, encode},
        error::CliError,
    },
};

/// Options of `bootwright run assess`.
#[derive(Debug, Args)]
pub(in crate::cli) struct AssessArgs {
    /// Id of the run.
    run: String,
    /// Ids of cases that failed in it.
    #[arg(required = true)]
    case: Vec<String>,
    /// Whose problem it is.
    #[arg(long, value_enum)]
    blame: Option<Blame>,
    /// The address of its issue, or a key such as #123 or ABC-12.
    #[arg(long, value_name = "ISSUE")]
    issue: Option<String>,
    /// What else there is to say.
    #[arg(long, default_value = "")]
    comment: String,
}

/// Options of `bootwright run waive`.
#[derive(Debug, Args)]
pub(in crate::cli) struct WaiveArgs {
    /// Id of the run.
    run: String,
    /// Ids of cases that failed in it.
    #[arg(required = true)]
    case: Vec<String>,
    /// Why they do not stand in the way.
    #[arg(long)]
    reason: String,
    /// Until when: a day such as 2026-12-31, or an instant in RFC 3339; a year ahead at the most.
    #[arg(long, value_name = "DAY")]
    until: String,
}

/// Options of what takes one failure alone.
#[derive(Debug, Args)]
pub(in crate::cli) struct FailureArgs {
    /// Id of the run.
    run: String,
    /// Id of a case that failed in it.
    case: String,
}

/// Whose problem a failure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Blame {
    /// What is tested is broken.
    Product,
    /// A test asked for the wrong thing.
    Test,
    /// The machine or its surroundings broke.
    Lab,
    /// What was asked for cannot work.
    Configuration,
}

impl From<Blame> for FailureClass {
    fn from(blame: Blame) -> Self {
        match blame {
            Blame::Product => Self::Product,
            Blame::Test => Self::Test,
            Blame::Lab => Self::Lab,
            Blame::Configuration => Self::Configuration,
        }
    }
}

fn of_case(run: &str, case: &str, part: &str) -> String {
    format!("{}/cases/{}/{part}", address(run), encode(case))
}

/// The `ETag` of what is said of a failure now.
fn seen(cli: &Cli, run: &str, case: &str) -> Result<String, CliError> {
    let seen: Versioned<FailureReview> = cli.client.versioned(&of_case(run, case, "assessment"))?;
    Ok(seen.etag)
}

pub(super) fn assess(cli: &Cli, args: &AssessArgs) -> Result<(), CliError> {
    for case in &args.case {
        let new = NewAssessment {
            issue: args.issue.clone(),
            blame: args.blame.map(FailureClass::from),
            comment: args.comment.clone(),
        };
        let etag = seen(cli, &args.run, case)?;
        let path = of_case(&args.run, case, "assessment");
        let said: FailureReview = cli.client.put(&path, &etag, &new)?;
        tell(cli, case, &said)?;
    }
    Ok(())
}

pub(super) fn waive(cli: &Cli, args: &WaiveArgs) -> Result<(), CliError> {
    for case in &args.case {
        let new = NewWaiver { reason: args.reason.clone(), until: args.until.clone() };
        let etag = seen(cli, &args.run, case)?;
        let said: FailureReview =
            cli.client.put(&of_case(&args.run, case, "waiver"), &etag, &new)?;
        tell(cli, case, &said)?;
    }
    Ok(())
}

pub(super) fn withdraw(cli: &Cli, args: &FailureArgs) -> Result<(), CliError> {
    let said: FailureReview = cli.client.take_off(&of_case(&args.run, &args.case, "waiver"))?;
    tell(cli, &args.case, &said)
}

pub(super) fn show(cli: &Cli, args: &FailureArgs) -> Result<(), CliError> {
    let said: FailureReview = cli.client.get(&of_case(&args.run, &args.case, "assessment"))?;
    if cli.output.is_json() {
        return cli.output.json(&said);
    }
    cli.output.list(&said.history, &["when", "who", "about", "what"], |it| {
        let about = it.about.clone().unwrap_or_default();
        vec![it.at.clone(), it.by.clone(), about, words(Some(it))]
    })
}

fn tell(cli: &Cli, case: &str, said: &FailureReview) -> Result<(), CliError> {
    cli.output.said(said, &format!("{case}: {}", words(said.assessment.as_ref())))
}

/// What was said, in one line: `waived by anna until 2026-12-31T00:00:00Z: known; product; ABC-12`.
pub(in crate::cli) fn words(said: Option<&Assessment>) -> String {
    let Some(said) = said else { return "nobody has said anything".to_owned() };
    let waiver = said.waiver.as_ref().map(|it| {
        let state = if it.holds { "waived" } else { "waiver ended," };
        format!("{state} by {} until {}: {}", it.by, it.until, first_line(&it.reason))
    });
    let blame = said.blame.map(|it| it.word().to_owned());
    let comment = (!said.comment.is_empty()).then(|| first_line(&said.comment));
    let parts: Vec<String> =
        [waiver, blame, said.issue.clone(), comment].into_iter().flatten().collect();
    if parts.is_empty() { "everything was taken back".to_owned() } else { parts.join("; ") }
}
