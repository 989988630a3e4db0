//! `/releases/:version/tests`: what decides now, and every validation.

use domain::{plan::WHOLE_RUN, run::Validation};
use leptos::prelude::*;

use super::head;
use crate::{
    api::releases::{PlanEvidence, StartValidation, TestsPage},
    pages::{history::standing_part, plans, review, runs},
    routes::href,
    ui::{
        assessment,
        badge::{Status, badge, labelled},
        copy, empty, form, page, table,
        time::time,
    },
};

/// What the columns of deciding cases are; the last where anybody has said anything.
const HEADINGS: [&str; 7] =
    ["Entry", "Machine", "Suite", "Case", "Outcome", "Decided by", "Review"];

/// The page.
#[must_use]
pub fn show(data: TestsPage) -> AnyView {
    let TestsPage { head, standing, evidence: decided, validations, plans: names, now } = data;
    let above = head::head(&head, "tests");
    let start = match &head.validating {
        Some(job) => {
            view! { <p><a class="button" href=href::job(job)>"To the validation at work"</a></p> }
                .into_any()
        }
        None => view! {
            {form::acting::<StartValidation>("", vec![("version", head.row.release.name())], view! {
                {plans::choice(&names)}
                {form::submit("Validate on a QEMU machine", "main", &head.validate)}
            }.into_any())}
        }
        .into_any(),
    };
    let name = head.row.release.name();
    let decides: Vec<_> = decided
        .iter()
        .map(|plan| {
            let missing = review::missing(&plan.evidence, &name, now, &standing.waive);
            view! { {evidence(plan)}{missing} }
        })
        .collect();
    let history: Vec<_> = validations.iter().map(validation).collect();
    let history = if history.is_empty() {
        empty::nothing(
            "It was not validated yet. A validation boots every entry of the menu through iPXE and checks what runs.",
        )
    } else {
        view! { {history} }.into_any()
    };
    view! {
        {above}
        {start}
        {standing.standing.is_some().then(|| standing_part(&standing))}
        {page::section("What decides", view! { {decides} }.into_any())}
        {page::section("Validations", history)}
    }
    .into_any()
}

/// The deciding cases of a plan: case by case, each with the run that decides.
#[must_use]
pub fn evidence(plan: &PlanEvidence) -> AnyView {
    let cases = &plan.evidence.cases;
    let said = cases.iter().any(assessment::is_said_of);
    let rows = cases
        .iter()
        .map(|case| {
            let run = case.run.as_ref().map_or_else(
                || "no run has ended".into_any(),
                |run| table::link(href::run(run), "run".to_owned()),
            );
            let mut cells = vec![
                if case.entry.is_empty() {
                    "any".into_any()
                } else {
                    table::code(case.entry.clone())
                },
                case.machine.clone().into_any(),
                case.suite.clone().into_any(),
                if case.case == WHOLE_RUN {
                    "the run is whole".into_any()
                } else {
                    table::code(case.case.clone())
                },
                badge(Status::Outcome(Some(case.ended()))),
                run,
            ];
            if said {
                cells.push(assessment::deciding(case));
            }
            table::row(cells)
        })
        .collect();
    let status = Status::Health(plan.health);
    let health = match cases.iter().filter(|it| it.waiver.is_some()).count() {
        0 => badge(status),
        waived => labelled(status, format!("{}, {waived} waived", plan.health.word())),
    };
    let title = format!("Plan {}, revision {}", plan.evidence.plan, plan.evidence.plan_revision);
    view! {
        <div class="plan">
            <h3>{title}" "{health}</h3>
            <p class="quiet">"Evidence "{copy::digest(&plan.digest, "the evidence's digest")}</p>
            {table::table(format!("Deciding cases of plan {}", plan.evidence.plan), if said { &HEADINGS } else { &HEADINGS[..6] }, rows)}
        </div>
    }
    .into_any()
}

fn validation(validation: &Validation) -> AnyView {
    view! {
        <div class="plan">
            <h3>
                <a href=href::job(&validation.job)>{format!("Plan {}", validation.plan)}</a>" "
                {badge(Status::Job(validation.state))}
            </h3>
            <p class="quiet">"Asked for "{time(validation.created_at)}" by "{validation.created_by.clone()}</p>
            {if validation.runs.is_empty() { empty::nothing("No run has begun yet.") } else { runs::runs(runs::caption(validation), &validation.runs) }}
        </div>
    }
    .into_any()
}
