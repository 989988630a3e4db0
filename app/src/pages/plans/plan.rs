//! `/plans/:name` and `/plans/new`: what a plan asks for, its form, its revisions.

use domain::plan::{PlannedSuite, SMOKE};
use leptos::prelude::*;

use super::crumbs;
use crate::{
    api::plans::{PlanDraft, PlanPage, RemovePlan},
    error::AppError,
    routes::href,
    ui::{form, page, raw, table, time::time},
};

/// Fields that show a fault at themselves; others stand above the form.
const FIELDS: [&str; 6] = ["name", "description", "entries", "machines", "suites", "retries"];

/// The page.
#[must_use]
pub fn show(data: &PlanPage) -> AnyView {
    let Some(plan) = &data.plan else {
        return view! {
            {page::heading("Add a plan".to_owned(), crumbs(), ().into_any())}
            {editor(data)}
        }
        .into_any();
    };
    let it = &plan.definition;
    let suites: Vec<_> = it.suites.iter().map(suite).collect();
    let all = "every entry of the release's menu".to_owned();
    let entries = if it.entries.is_empty() { all } else { it.entries.join(", ") };
    let retries = match it.retries {
        0 => "none: the first run counts".to_owned(),
        1 => "once, before a failure counts".to_owned(),
        many => format!("{many} times, before a failure counts"),
    };
    let demanded = if data.demanded_by.is_empty() {
        "no environment".into_any()
    } else {
        let links: Vec<_> = data
            .demanded_by
            .iter()
            .map(|it| view! { <li><a href=href::environment(it)>{it.clone()}</a></li> })
            .collect();
        view! { <ul class="plain">{links}</ul> }.into_any()
    };
    let saved = match plan.saved_at {
        Some(at) => view! { {time(at)}" by "{plan.saved_by.clone()} }.into_any(),
        None => "with this program: it is built in and nobody's to change".into_any(),
    };
    let built_in = plan.is_built_in();
    let below = (!built_in).then(|| {
        view! {
            {page::section("Change it", editor(data))}
            {page::section("Revisions", revisions(data))}
            {removing(data)}
        }
    });
    view! {
        {page::heading(format!("Plan {}", plan.name), crumbs(), ().into_any())}
        {(!it.description.is_empty()).then(|| view! { <p class="summary">{it.description.clone()}</p> })}
        {table::properties(vec![
            ("Revision", plan.revision.to_string().into_any()),
            ("Machines", it.machines.join(", ").into_any()),
            ("Boot entries", entries.into_any()),
            ("Suites", view! { <ul class="plain">{suites}</ul> }.into_any()),
            ("Tried again", retries.into_any()),
            ("Demanded by", demanded),
            ("Saved", saved),
        ])}
        {below}
    }
    .into_any()
}

/// A suite with what it must answer.
fn suite(it: &PlannedSuite) -> AnyView {
    let name = if it.suite == SMOKE.name {
        view! { <strong>"smoke"</strong> }.into_any()
    } else {
        view! { <a href=href::suite(&it.suite)>{it.suite.clone()}</a> }.into_any()
    };
    let demanded = match (it.approved.is_empty(), it.suite == SMOKE.name) {
        (true, true) => "each of its cases must have passed".to_owned(),
        (true, false) => "it must run to its end, and none of its cases may fail".to_owned(),
        (false, _) => format!("must have passed: {}", it.approved.join(", ")),
    };
    view! { <li>{name}{format!(" revision {}: {demanded}", it.revision)}</li> }.into_any()
}

fn editor(data: &PlanPage) -> AnyView {
    let PlanDraft { name, revision, description, entries, machines, suites, retries, error } =
        &data.draft;
    let of_field = |field: &str| error.as_ref().and_then(|error| error.of_field(field));
    let placed = FIELDS.into_iter().any(|field| of_field(field).is_some());
    let general = error.clone().filter(|_: &AppError| !placed);
    let action = if revision.is_some() { href::plan(name) } else { "/plans/new".to_owned() };
    let named = revision.is_none().then(|| {
        let field = form::line("name", "name", name.clone());
        let hint = "a-z, 0-9, '.' and '-'.".to_owned();
        form::field("name", "Name", Some(hint), of_field("name"), field)
    });
    let base = revision.map(|it| view! { <input type="hidden" name="base" value=it.to_string()/> });
    let about = view! {
        <input id="description" name="description" value=description.clone() maxlength="500" autocomplete="off"/>
    };
    let machines = view! {
        <textarea id="machines" name="machines" rows="2" spellcheck="false" aria-describedby="machines-about">{raw(machines)}</textarea>
    };
    let entries = view! {
        <textarea id="entries" name="entries" rows="2" spellcheck="false" aria-describedby="entries-about">{raw(entries)}</textarea>
    };
    let choices: Vec<_> = data
        .suites
        .iter()
        .map(|suite| {
            let chosen = suites.iter().find(|(name, _)| name == suite);
            let field = format!("approved.{suite}");
            let label = format!("Approved set of {suite}: ids of cases, a line each");
            let approved = chosen.map_or_else(String::new, |(_, approved)| approved.clone());
            view! {
                <div class="option">
                    <label class="choice">
                        <input type="checkbox" name="suite" value=suite.clone() checked=chosen.is_some()/>
                        <span><strong>{suite.clone()}</strong></span>
                    </label>
                    <div class="of-option field">
                        <label for=field.clone()>{label}</label>
                        <textarea id=field.clone() name=field rows="2" spellcheck="false">{raw(&approved)}</textarea>
                    </div>
                </div>
            }
        })
        .collect();
    let wrong = of_field("suites").map(|it| view! { <p class="wrong" role="alert">{it}</p> });
    let retries = view! {
        <input id="retries" name="retries" type="number" min="0" max="5" required value=retries.to_string() aria-describedby="retries-about"/>
    };
    let label = if revision.is_some() { "Save" } else { "Add" };
    view! {
        <form method="post" action=action enctype="multipart/form-data" class="sheet kernel-form">
            {form::fault(general)}
            {named}
            {base}
            {form::field("description", "What it is for", None, of_field("description"), about.into_any())}
            {form::field("machines", "Machines, a line each", Some("The runner has \"qemu\". What others answer comes in by tokens, or an approver attaches it.".to_owned()), of_field("machines"), machines.into_any())}
            {form::field("entries", "Boot entries by their labels, a line each", Some("Left empty, every entry of the release's menu.".to_owned()), of_field("entries"), entries.into_any())}
            <fieldset class="choices">
                <legend>"Suites"</legend>
                <p class="about">"Without an approved set a suite must run to its end and nothing of it may fail; of \"smoke\", each case must have passed."</p>
                {wrong}
                {choices}
            </fieldset>
            {form::field("retries", "How often a run that did not pass is tried again", Some("0 to 5 times; the last attempt counts.".to_owned()), of_field("retries"), retries.into_any())}
            {form::submit(label, "main", &data.edit)}
        </form>
    }
    .into_any()
}

fn revisions(data: &PlanPage) -> AnyView {
    let rows = data
        .revisions
        .iter()
        .map(|it| {
            let suites: Vec<String> = it
                .definition
                .suites
                .iter()
                .map(|it| format!("{} r{}", it.suite, it.revision))
                .collect();
            table::row(vec![
                it.revision.to_string().into_any(),
                it.saved_at.map(time).into_any(),
                it.saved_by.clone().into_any(),
                it.definition.machines.join(", ").into_any(),
                suites.join(", ").into_any(),
            ])
        })
        .collect();
    view! {
        <p class="quiet">"Only results of the newest revision decide. A change of a suite is a revision of the plans that run it."</p>
        {table::table("Revisions", &["Revision", "Saved", "By", "Machines", "Suites"], rows)}
    }
    .into_any()
}

fn removing(data: &PlanPage) -> AnyView {
    let Some(plan) = &data.plan else { return ().into_any() };
    // Where it was refused, the reason must be seen.
    let open = form::failed::<RemovePlan>().is_some();
    view! {
        <details class="danger" id="remove" open=open>
            <summary>"Remove this plan"</summary>
            <p>"What was run by it stays."</p>
            {form::acting::<RemovePlan>("", vec![("name", plan.name.clone())], view! {
                {form::confirm("confirm".to_owned(), &plan.name)}
                {form::submit("Remove", "bad", &data.edit)}
            }.into_any())}
        </details>
    }
    .into_any()
}
