//! What decides about a release, what speaks against it, and who answers for what nobody has tested.

use domain::{release::Health, run::Outcome};

use crate::{
    api::{
        assessments::{MissingCaseWaiver, ReleaseFailures},
        exchange::Listed,
        releases::PlanEvidence,
    },
    cli::{Cli, client::encode, error::CliError, output::or_dash, run::review},
};

/// What decides, case by case, and what the plans say as the exit status: of one plan where it is named,
/// else of all that somebody demands or has run.
pub(super) fn show(cli: &Cli, name: &str, plan: Option<&str>) -> Result<(), CliError> {
    let mut plans: Listed<PlanEvidence> =
        cli.client.get(&format!("/releases/{}/evidence", encode(name)))?;
    plans.items.retain(|it| plan.is_none_or(|plan| plan == it.plan));
    if cli.output.is_json() {
        cli.output.json(&plans.items)?;
    } else {
        let cases: Vec<_> = plans
            .items
            .iter()
            .flat_map(|plan| plan.cases.iter().map(|case| (plan.plan.clone(), case)))
            .collect();
        let headings = ["plan", "entry", "machine", "case", "outcome"];
        let rows: Vec<[String; 5]> = cases
            .iter()
            .map(|(plan, it)| {
                let entry = or_dash(Some(it.entry.as_str()).filter(|entry| !entry.is_empty()));
                let [machine, case] = [&it.machine, &it.case].map(String::clone);
                let outcome = match &it.waiver {
                    Some(waiver) => format!("{}, waived by {}", it.outcome.0, waiver.by),
                    None => it.outcome.0.clone(),
                };
                [plan.clone(), entry, machine, case, outcome]
            })
            .collect();
        cli.output.list(&rows, &headings, |row| row.to_vec())?;
    }
    match plans.items.iter().find(|plan| plan.health != Health::Passing) {
        None => Ok(()),
        Some(plan) => Err(CliError::GateShut(format!(
            "{name} does not pass the plan \"{}\": it is {}",
            plan.plan,
            plan.health.word()
        ))),
    }
}

/// Waives what a plan demands of a machine and no run has answered.
pub(super) fn waive_missing(
    cli: &Cli,
    name: &str,
    entry: Option<&str>,
    of: &MissingCaseWaiver,
) -> Result<(), CliError> {
    let release = format!("/releases/{}", encode(name));
    let plans: Listed<PlanEvidence> = cli.client.get(&format!("{release}/evidence"))?;
    let cases = plans.items.iter().filter(|it| it.plan == of.plan).flat_map(|it| &it.cases);
    let missing = cases.filter(|it| {
        it.machine == of.machine
            && entry.is_none_or(|entry| entry == it.entry)
            && it.waiver.is_none()
            && it.ended() == Outcome::NotRun
    });
    let mut waived = Vec::new();
    for it in missing {
        let new = MissingCaseWaiver {
            suite: it.suite.clone(),
            entry: it.entry.clone(),
            case: it.case.clone(),
            ..of.clone()
        };
        cli.client.tell(&format!("{release}/waivers"), &new)?;
        waived.push([new.case, new.entry]);
    }
    if waived.is_empty() {
        return Err(CliError::Usage(format!(
            "no case that plan \"{}\" demands of {} is without an answer",
            of.plan, of.machine
        )));
    }
    cli.output.list(&waived, &["case", "entry"], |it| it.to_vec())
}

/// What speaks against a release, and whether all of it was reviewed as the exit status.
pub(super) fn failures(cli: &Cli, name: &str, filters: &str) -> Result<(), CliError> {
    let path = format!("/releases/{}/failures{filters}", encode(name));
    let found: ReleaseFailures = cli.client.get(&path)?;
    if cli.output.is_json() {
        cli.output.json(&found)?;
    } else {
        let headings = ["run", "case", "machine", "entry", "outcome", "reviewed", "what"];
        cli.output.list(&found.items, &headings, |it| {
            vec![
                it.run.clone(),
                it.case.clone(),
                it.machine.clone(),
                or_dash(Some(&it.entry).filter(|entry| !entry.is_empty()).map(String::as_str)),
                it.outcome.word().to_owned(),
                if it.reviewed { "yes" } else { "no" }.to_owned(),
                review::words(it.assessment.as_ref()),
            ]
        })?;
    }
    if found.reviewed >= found.failures {
        return Ok(());
    }
    Err(CliError::GateShut(format!(
        "{} of {} failures of {name} are reviewed",
        found.reviewed, found.failures
    )))
}
