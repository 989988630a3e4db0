//! `/boots` and `/boots/:number`: how boots of machines went, and how long they take.

use std::time::Duration;

use domain::{
    boot::{Boot, BootEvent, BootState, times::BootTimes},
    time::{human_duration, human_size},
    transfer::Transfer,
};
use leptos::prelude::*;

use crate::{
    api::boots::{BootPage, BootsAsked, BootsPage, load_boot, load_boots},
    error::sentence,
    pages::{parameter, query},
    routes::href::{self, encode},
    ui::{
        badge::{Status, badge},
        empty, page,
        release::release_link,
        table,
        time::time,
        waterfall::{Bar, waterfall},
    },
};

pub(crate) fn list() -> AnyView {
    let asked =
        BootsAsked { machine: query("machine"), state: query("state"), release: query("release") };
    page::loaded(&["boots"], load_boots(asked, page::after()), |data| show_list(&data))
}

pub(crate) fn boot() -> AnyView {
    page::loaded(&["boot/"], load_boot(parameter("number")), |data| show(&data))
}

/// The list.
#[must_use]
pub fn show_list(data: &BootsPage) -> AnyView {
    let BootsPage { boots, times, around, asked, state } = data;
    let filtered = *asked != BootsAsked::default();
    if boots.is_empty() && around.newest && !filtered {
        return view! {
            {page::heading("Boots".to_owned(), Vec::new(), ().into_any())}
            {empty::empty(
                "No machine has booted yet",
                "A boot appears here when a machine that was accepted loads a file of a release. What the server sent it and what the machine itself reported are shown side by side; neither is evidence.",
                Some(("/".to_owned(), "How to boot a machine")),
            )}
        }
        .into_any();
    }
    let content = if boots.is_empty() {
        empty::nothing("No boot is like that.")
    } else {
        rows("Boots", boots)
    };
    let parameters: Vec<String> =
        [("machine", &asked.machine), ("state", &asked.state), ("release", &asked.release)]
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| format!("{name}={}", encode(value)))
            .collect();
    let path =
        if filtered { format!("/boots?{}", parameters.join("&")) } else { "/boots".to_owned() };
    let times =
        (!times.is_empty()).then(|| page::section("From script to login", boot_times(times)));
    view! {
        {page::heading("Boots".to_owned(), Vec::new(), ().into_any())}
        {filters(asked, *state)}
        {content}
        {page::around(&path, around)}
        {times}
    }
    .into_any()
}

fn filters(asked: &BootsAsked, state: Option<BootState>) -> AnyView {
    let states: Vec<_> = BootState::ALL
        .into_iter()
        .map(|it| {
            let (word, _, _) = Status::Boot(it).look();
            view! { <option value=it.word() selected=state == Some(it)>{word}</option> }
        })
        .collect();
    let all = (*asked != BootsAsked::default()).then(|| view! { <a href="/boots">"Show all"</a> });
    view! {
        <form method="get" action="/boots" class="search">
            <label for="machine">"Machine"</label>
            <input id="machine" name="machine" value=asked.machine.clone() autocomplete="off" spellcheck="false"/>
            <label for="release">"Release"</label>
            <input id="release" name="release" value=asked.release.clone() autocomplete="off" spellcheck="false"/>
            <label for="state">"State"</label>
            <select id="state" name="state"><option value="">"any"</option>{states}</select>
            <button type="submit">"Show"</button>
            {all}
        </form>
    }
    .into_any()
}

/// A list of boots.
#[must_use]
pub fn rows(caption: &'static str, boots: &[Boot]) -> AnyView {
    let rows = boots
        .iter()
        .map(|boot| {
            table::row(vec![
                table::link(href::boot(boot.number), boot.machine.clone()),
                badge(Status::Boot(boot.state)),
                booted(boot),
                boot.entry.clone().into_any(),
                table::number(boot.took_us.map_or_else(|| "–".to_owned(), micros)),
                time(boot.started_at),
                why(boot).into_any(),
            ])
        })
        .collect();
    let headings = ["Machine", "State", "Release", "Entry", ">Took", "Began", "How it ended"];
    table::table(caption, &headings, rows)
}

/// Boots that ended early, as the overview lists them.
#[must_use]
pub fn failed(boots: &[Boot]) -> AnyView {
    let rows: Vec<_> = boots
        .iter()
        .map(|boot| {
            view! {
                <li>
                    <div>
                        <a href=href::boot(boot.number)>{boot.machine.clone()}</a>
                        " "{badge(Status::Boot(boot.state))}
                    </div>
                    <p class="quiet">{sentence(&boot.reason)}</p>
                    <p class="quiet">{booted(boot)}", "{time(boot.last_at)}</p>
                </li>
            }
        })
        .collect();
    view! { <ul class="list">{rows}</ul> }.into_any()
}

fn booted(boot: &Boot) -> AnyView {
    match &boot.booted {
        Some(booted) => release_link(&booted.name),
        None => format!("nothing of {} yet", boot.target).into_any(),
    }
}

/// Why a boot ended early; while it is under way, nothing did.
fn why(boot: &Boot) -> String {
    match boot.state {
        BootState::Failed | BootState::Silent => boot.reason.clone(),
        BootState::Up => "somebody can log in".to_owned(),
        BootState::Unreported => "it was sent all that it asked for".to_owned(),
        BootState::UnderWay => format!("is at {}", boot.step),
    }
}

fn micros(length: i64) -> String {
    human_duration(Duration::from_micros(u64::try_from(length).unwrap_or(0)))
}

/// How long boots take by release.
#[must_use]
pub fn boot_times(times: &[BootTimes]) -> AnyView {
    let rows = times
        .iter()
        .map(|it| {
            let slower = it.slower_percent.map_or_else(
                || ().into_any(),
                |percent| {
                    let words = format!("{percent} % slower than before");
                    crate::ui::badge::labelled(Status::Slower, words)
                },
            );
            table::row(vec![
                release_link(&it.name),
                table::number(it.boots.to_string()),
                table::number(micros(it.shortest_us)),
                table::number(micros(it.median_us)),
                table::number(micros(it.longest_us)),
                slower,
            ])
        })
        .collect();
    let headings =
        ["Release", ">Boots", ">Shortest", ">Median", ">Longest", "Beside the one before"];
    table::table("How long boots take", &headings, rows)
}

/// One boot.
#[must_use]
pub fn show(data: &BootPage) -> AnyView {
    let BootPage { boot, trace, events } = data;
    let crumbs = vec![("Boots", "/boots".to_owned())];
    let mut properties = vec![
        ("Machine", table::link(href::machine(&boot.machine), boot.machine.clone())),
        ("Was to boot", boot.target.to_string().into_any()),
        ("Booted", booted(boot)),
    ];
    if !boot.entry.is_empty() {
        properties.push(("Entry", table::code(boot.entry.clone())));
    }
    if let Some(address) = boot.address {
        properties.push(("Address", table::code(address.to_string())));
    }
    properties.push(("Began", time(boot.started_at)));
    if let Some(took) = boot.took_us {
        properties.push(("Took", micros(took).into_any()));
    }
    properties.push(("Sent", human_size(boot.bytes).into_any()));
    if boot.retries > 0 {
        properties.push(("Asked again", times_of(boot.retries).into_any()));
    }
    let bars: Vec<_> = trace.steps.iter().map(Bar::of_step).collect();
    view! {
        {page::heading(format!("Boot of {}", boot.machine), crumbs, badge(Status::Boot(boot.state)))}
        {ended_early(boot)}
        {table::properties(properties)}
        {page::section("Stages", waterfall(&bars))}
        {page::section("What it was sent", sent(events))}
        {page::section("What it said", said(events))}
        <p class="quiet">"The server counted what it sent. What the machine said of itself is shown as it came, and is no evidence."</p>
    }
    .into_any()
}

fn times_of(count: u32) -> String {
    if count == 1 { "once".to_owned() } else { format!("{count} times") }
}

fn ended_early(boot: &Boot) -> Option<AnyView> {
    let whose = boot.class.map(|class| format!(" The machine takes it for a problem of: {class}."));
    boot.state.is_failure().then(|| {
        view! { <div class="alert" role="status">{sentence(&boot.reason)}{whose}</div> }.into_any()
    })
}

fn sent(events: &[BootEvent]) -> AnyView {
    let rows: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            BootEvent::Transfer { transfer, sha256 } => {
                let digest = sha256.map_or_else(
                    || "–".into_any(),
                    |it| view! { <code title=it.to_string()>{it.short()}</code> }.into_any(),
                );
                Some(table::row(vec![
                    table::code(transfer.path.rsplit('/').next().unwrap_or_default().to_owned()),
                    how(transfer).into_any(),
                    table::number(human_size(transfer.bytes)),
                    table::number(human_duration(transfer.ended_at.since(transfer.started_at))),
                    digest,
                    time(transfer.started_at),
                ]))
            }
            BootEvent::Report { .. } => None,
        })
        .collect();
    if rows.is_empty() {
        return empty::nothing("Nothing that this server noted.");
    }
    let headings = ["File", "How it went", ">Bytes", ">Took", "SHA-256", "Asked for"];
    table::table("What the machine was sent", &headings, rows)
}

fn how(transfer: &Transfer) -> String {
    if !transfer.served() {
        return format!("refused: {}", transfer.refusal);
    }
    if !transfer.complete {
        return "broke off".to_owned();
    }
    if transfer.status == 206 { "a part of it" } else { "whole" }.to_owned()
}

fn said(events: &[BootEvent]) -> AnyView {
    let rows: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            BootEvent::Report { at, report } => Some(table::row(vec![
                report.stage.word().into_any(),
                report.note.clone().into_any(),
                time(*at),
            ])),
            BootEvent::Transfer { .. } => None,
        })
        .collect();
    if rows.is_empty() {
        return empty::nothing(
            "Nothing: initrds of older releases do not report, nor do installers.",
        );
    }
    table::table("What the machine said", &["Stage", "What else", "When"], rows)
}
