//! `/plans` and `/suites`: what is run to judge a release.

mod plan;
mod suite;

use domain::plan::Plan;
use leptos::prelude::*;

pub use self::{plan::show as show_plan, suite::show as show_suite};
use crate::{
    api::plans::{PlansPage, load_plan, load_plans, load_suite},
    pages::parameter,
    routes::href,
    ui::{empty, form, page, table, time::time},
};

pub(crate) fn list() -> AnyView {
    page::loaded(&["plan/", "suite/", "environment/"], load_plans(), show)
}

/// The forms follow no changes: what somebody types must not be drawn over.
pub(crate) fn new_plan() -> AnyView {
    page::loaded(&[], load_plan(None), |data| show_plan(&data))
}

pub(crate) fn one_plan() -> AnyView {
    page::loaded(&[], load_plan(Some(parameter("name"))), |data| show_plan(&data))
}

pub(crate) fn new_suite() -> AnyView {
    page::loaded(&[], load_suite(None), |data| show_suite(&data))
}

pub(crate) fn one_suite() -> AnyView {
    page::loaded(&[], load_suite(Some(parameter("name"))), |data| show_suite(&data))
}

/// The list.
#[must_use]
pub fn show(data: PlansPage) -> AnyView {
    let PlansPage { plans, suites, edit } = data;
    let rows = plans.iter().map(|(plan, by)| of_plan(plan, by)).collect();
    let beside = view! {
        {form::go("Add a suite", "/suites/new".to_owned(), "", &edit)}
        {form::go("Add a plan", "/plans/new".to_owned(), "main", &edit)}
    };
    let suites = if suites.is_empty() {
        empty::nothing(
            "Only the built-in suite \"smoke\" is there. A suite of your own is a folder of Robot Framework files, or any program that leaves results.",
        )
    } else {
        let rows = suites
            .iter()
            .map(|it| {
                let each = if it.definition.each_entry { "each entry" } else { "each machine" };
                table::row(vec![
                    table::link(href::suite(&it.name), it.name.clone()),
                    table::number(it.revision.to_string()),
                    table::code(it.definition.command.summary()),
                    it.definition.source.to_fetch().summary().into_any(),
                    each.into_any(),
                    view! { {time(it.saved_at)}" by "{it.saved_by.clone()} }.into_any(),
                ])
            })
            .collect();
        table::table("Suites", &["Suite", ">Revision", "Runs", "From", "Once for", "Saved"], rows)
    };
    view! {
        {page::heading("Plans".to_owned(), Vec::new(), beside.into_any())}
        <p>"A plan says what is run to judge a release: boot entries, machines, suites. An environment that demands it opens its gate once every case that the plan asks for has passed."</p>
        {table::table("Plans", &["Plan", ">Revision", "Machines", "Suites", "Entries", ">Retries", "Demanded by"], rows)}
        {page::section("Suites", suites)}
    }
    .into_any()
}

fn of_plan(plan: &Plan, by: &[String]) -> AnyView {
    let it = &plan.definition;
    let suites: Vec<&str> = it.suites.iter().map(|it| it.suite.as_str()).collect();
    let entries = if it.entries.is_empty() { "all".to_owned() } else { it.entries.join(", ") };
    let by = if by.is_empty() { "nothing".to_owned() } else { by.join(", ") };
    table::row(vec![
        table::link(href::plan(&plan.name), plan.name.clone()),
        table::number(plan.revision.to_string()),
        it.machines.join(", ").into_any(),
        suites.join(", ").into_any(),
        entries.into_any(),
        table::number(it.retries.to_string()),
        by.into_any(),
    ])
}

/// The choice of a plan beside a button that runs one; nothing to choose where there is only one.
#[must_use]
pub(crate) fn choice(plans: &[String]) -> AnyView {
    if plans.len() < 2 {
        return ().into_any();
    }
    let options: Vec<_> = plans
        .iter()
        .map(|plan| view! { <option value=plan.clone()>{format!("Plan {plan}")}</option> })
        .collect();
    view! { <select name="plan" aria-label="Plan">{options}</select> }.into_any()
}

fn crumbs() -> Vec<page::Crumb> {
    vec![("Plans", href::PLANS.to_owned())]
}
