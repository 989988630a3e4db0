//! `/machines/:name`: what is known of a machine, what it boots and why, who has it, and what is done to it.

use domain::machine::{Drift, Machine, MachineState};
use leptos::prelude::*;

use super::{acts, answer, because, crumbs, editor, target};
use crate::{
    api::machines::MachinePage,
    pages::boots,
    routes::href,
    ui::{
        badge::{Status, badge},
        copy, empty, page,
        table::{code, properties},
        time::{time, time_or_dash},
    },
};

/// The page.
#[must_use]
pub fn show(data: &MachinePage) -> AnyView {
    let machine = &data.summary.machine;
    let pending = machine.state == MachineState::Pending;
    let locked = machine.lock.is_some().then(|| badge(Status::Locked));
    let beside = view! { {badge(Status::Machine(machine.state))}{locked} };
    let note = (!machine.profile.note.is_empty())
        .then(|| view! { <p class="summary prose">{machine.profile.note.clone()}</p> });
    let main = if pending { waiting(data) } else { booting(data) };
    view! {
        {page::heading(machine.name.clone(), crumbs(), beside.into_any())}
        {note}
        <div class="columns">
            <div>{main}</div>
            <div>
                {(!pending).then(|| page::section("Lock", acts::locking(data)))}
                {page::section("About", about(machine))}
            </div>
        </div>
        {(!pending).then(|| page::section("Last boots", last_boots(data)))}
        {(!pending).then(|| editor::changing(data))}
        {acts::removing(data)}
    }
    .into_any()
}

/// The newest boots, and the way to all.
fn last_boots(data: &MachinePage) -> AnyView {
    if data.boots.is_empty() {
        return empty::nothing("It has not booted from here since it was accepted.");
    }
    let all = href::boots_of(&data.summary.machine.name);
    view! { {boots::rows("Last boots of this machine", &data.boots)}<p><a href=all>"All boots of this machine"</a></p> }
        .into_any()
}

/// What a machine boots and runs, and the forms that say otherwise.
fn booting(data: &MachinePage) -> AnyView {
    let summary = &data.summary;
    let assigned = &summary.assigned;
    let boots =
        view! { {target(&assigned.target)}" "<span class="quiet">"("{because(assigned)}")"</span> };
    let mut rows = vec![("Boots", boots.into_any())];
    if let Some(once) = &summary.machine.once {
        let entry = once.entry.clone().map(|it| view! { ", entry "<code>{it}</code> });
        let value = view! {
            {target(&once.target)}{entry}
            <div class="quiet">"asked for by "{once.asked_by.clone()}", "{time(once.asked_at)}</div>
            {acts::taking_back(data)}
        };
        rows.push(("Next, once", value.into_any()));
    }
    let runs = match &summary.machine.running {
        None => view! { <span class="nothing">"it has not reported a boot"</span> }.into_any(),
        Some(it) => view! {
            {it.name.clone()}", entry "<code>{it.entry.clone()}</code>
            <span class="quiet">" since "{time(it.since)}</span>
        }
        .into_any(),
    };
    let sign = (summary.drift != Drift::Unknown).then(|| badge(Status::Drift(summary.drift)));
    rows.push(("Runs", view! { {runs}" "{sign} }.into_any()));
    let drifts = match summary.drift {
        Drift::Other => Some("It runs something else than it should. Its next boot ends that."),
        Drift::NothingToBoot => Some(
            "What it should boot serves nothing now, so it is refused on its console, by name.",
        ),
        Drift::None | Drift::Unknown => None,
    };
    let drifts = drifts.map(|words| view! { <p class="quiet after">{words}</p> });
    page::section(
        "What it boots",
        view! { {properties(rows)}{drifts}{acts::assigning(data)}{acts::once(data)} }.into_any(),
    )
}

/// What is done with a machine that was discovered.
fn waiting(data: &MachinePage) -> AnyView {
    let machine = &data.summary.machine;
    let first = machine.first_seen_at.map(|at| view! { " ("{time(at)}")" });
    view! {
        <p class="attention">
            "It asked for something to boot"{first}", and nobody has said yet that it belongs here. Until then it gets "
            {answer(data.unregistered.pending)}"."
        </p>
        {page::section("Accept it", editor::accepting(data))}
        {acts::merging(data)}
    }
    .into_any()
}

/// What is known of it.
fn about(machine: &Machine) -> AnyView {
    let profile = &machine.profile;
    let macs: Vec<_> = profile
        .macs
        .iter()
        .map(|it| view! { <li>{copy::copyable(it.to_string(), it.to_string(), "the MAC address")}</li> })
        .collect();
    let labels: Vec<_> = profile
        .labels
        .iter()
        .map(|(key, value)| {
            let label = format!("{key}={value}");
            let href = format!("/machines?label={}", crate::routes::href::encode(&label));
            view! { <li><a href=href>{label}</a></li> }
        })
        .collect();
    let or_dash = |text: String| if text.is_empty() { "–".into_any() } else { text.into_any() };
    let seen = machine.last_seen.map(|seen| {
        let address = seen.address.map(|it| view! { " at "<code>{it.to_string()}</code> });
        view! { {time(seen.at)}{address} }
    });
    let labels = if labels.is_empty() {
        "–".into_any()
    } else {
        view! { <ul class="plain">{labels}</ul> }.into_any()
    };
    properties(vec![
        ("MAC addresses", view! { <ul class="plain">{macs}</ul> }.into_any()),
        ("UUID", profile.uuid.map_or_else(|| "–".into_any(), |it| code(it.to_string()))),
        ("Serial number", profile.serial.clone().map_or_else(|| "–".into_any(), code)),
        ("Architecture", profile.architecture.word().into_any()),
        ("Labels", labels),
        ("Location", or_dash(profile.location.clone())),
        ("First seen", time_or_dash(machine.first_seen_at)),
        ("Last seen", seen.map_or_else(|| "–".into_any(), IntoAny::into_any)),
        (
            "Known since",
            view! { {time(machine.created_at)}" by "{machine.created_by.clone()} }.into_any(),
        ),
        ("Revision", machine.revision.to_string().into_any()),
    ])
}
