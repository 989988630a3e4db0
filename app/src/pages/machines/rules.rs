//! `/machines/rules`: what machines of certain labels boot, and what those get that nobody has accepted.

use domain::machine::{Answer, MOST_RULES};
use leptos::prelude::*;

use super::{answer, crumbs, target};
use crate::{
    api::machines::rules::{ChangeUnregistered, RulesPage},
    pages::recipes::paper,
    ui::{change::counted, empty, form, page, table, time::time},
};

/// The page.
#[must_use]
pub fn show(data: &RulesPage) -> AnyView {
    view! {
        {page::heading("Rules".to_owned(), crumbs(), ().into_any())}
        <p class="lead">"A machine without a target of its own boots what the first rule says whose labels it has; where none fits, production."</p>
        {saved(data)}
        {page::section("Rules in order", list(data))}
        {page::section("Change them", editor(data))}
        {page::section("Machines that nobody has accepted", strangers(data))}
    }
    .into_any()
}

fn saved(data: &RulesPage) -> Option<AnyView> {
    let rules = &data.rules;
    let at = rules.saved_at?;
    let by = rules.saved_by.clone().unwrap_or_default();
    Some(table::properties(vec![
        ("Revision", rules.revision.to_string().into_any()),
        ("Saved", view! { {time(at)}" by "{by} }.into_any()),
    ]))
}

fn list(data: &RulesPage) -> AnyView {
    let rows: Vec<_> = (1..)
        .zip(&data.rules.rules)
        .map(|(number, rule): (u32, _)| {
            let labels = rule.labels.to_string();
            table::row(vec![
                number.to_string().into_any(),
                table::code(labels),
                target(&rule.target),
            ])
        })
        .collect();
    if rows.is_empty() {
        return empty::nothing(
            "There is no rule: every machine without a target of its own boots production.",
        );
    }
    table::table("Rules", &["No.", "Machines with", "Boot"], rows)
}

fn editor(data: &RulesPage) -> AnyView {
    let draft = &data.draft;
    let lines: Vec<u32> =
        draft.faults.iter().filter_map(|it| u32::try_from(it.line).ok()).collect();
    let faults = (!draft.faults.is_empty()).then(|| {
        let words = format!("{}; nothing was saved", counted(lines.len(), "fault", "faults"));
        let each: Vec<_> = draft
            .faults
            .iter()
            .map(|it| {
                let (to, line) = (format!("#line-{}", it.line), format!("Line {}", it.line));
                view! { <li><a href=to>{line}</a>": "{it.message.clone()}</li> }
            })
            .collect();
        view! { <div class="alert" role="alert"><strong>{words}</strong><ul>{each}</ul></div> }
    });
    view! {
        <form method="post" action="/machines/rules" class="editor" autocomplete="off">
            {form::fault(draft.error.clone())}
            {faults}
            <input type="hidden" name="base" value=draft.base.to_string()/>
            <div class="side">
                <label for="text">"Text"</label>
                {paper(&draft.text, &lines, false)}
                <p class="about">
                    "One a line, "<code>"rack=3 role=build => release v1.2.0"</code>", "
                    {format!("{MOST_RULES} at the most. Behind the arrow stands environment, release or variant with a name. Lines that begin with # are not kept.")}
                </p>
            </div>
            {form::submit("Save rules", "main", &data.change)}
        </form>
    }
    .into_any()
}

fn strangers(data: &RulesPage) -> AnyView {
    let now = &data.unregistered;
    let choice = |id: &'static str, label: &'static str, hint: &str, chosen: Answer| {
        let options: Vec<_> = Answer::ALL
            .into_iter()
            .map(|it| {
                view! { <option value=it.word() selected=it == chosen>{answer(it)}</option> }
            })
            .collect();
        let control = view! { <select id=id name=id aria-describedby=format!("{id}-about")>{options}</select> };
        form::field(id, label, Some(hint.to_owned()), None, control.into_any())
    };
    let mut hidden = Vec::new();
    // Two people may edit: who is late must not undo the other's change unseen.
    hidden.extend(now.version().ok().map(|version| ("base", version.to_string())));
    form::acting::<ChangeUnregistered>("sheet", hidden, view! {
        {choice("unknown", "One that nobody has heard of gets", "Its first request with a MAC address lets it turn up among the machines that wait.", now.unknown)}
        {choice("pending", "One that waits to be accepted gets", "", now.pending)}
        {form::submit("Save", "", &data.change_unregistered)}
    }.into_any())
}
