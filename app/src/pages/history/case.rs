//! The past of one case.

use std::{collections::BTreeMap, fmt::Write as _};

use domain::{
    history::{PastResult, Stood, TurnedBad, worst},
    run::{Outcome, flakiness::Flakiness},
    subject::Subject,
    time::human_duration,
};
use leptos::prelude::*;

use super::glyph;
use crate::{
    api::history::CasePage,
    routes::href,
    ui::{
        badge::{Status, badge},
        empty,
        escape::escaped,
        page, table,
        time::time,
    },
};

/// How many machines stand side by side.
const MACHINES: usize = 30;
/// How many releases are listed.
const SHOWN_RELEASES: usize = 20;
/// How many releases machines are shown for.
const RELEASES: usize = 10;

/// The page.
#[must_use]
pub fn show(data: &CasePage) -> AnyView {
    let CasePage { past, machine, about, window, .. } = data;
    let mut properties = vec![
        ("Id", table::code(past.case.clone())),
        ("Flakiness", flakiness(&past.flakiness)),
        ("Now", now(past.turned_bad.as_ref(), &past.stood)),
    ];
    if !machine.is_empty() {
        properties.push(("Machine", machine.clone().into_any()));
    }
    if !about.is_empty() {
        properties.push(("Release", about.clone().into_any()));
    }
    let crumbs = vec![("Tests", "/tests".to_owned())];
    view! {
        {page::heading(past.title.clone(), crumbs, ().into_any())}
        {table::properties(properties)}
        {narrowing(data)}
        {page::section("Durations", durations(&past.window, *window))}
        {page::section("Machines side by side", machines(&past.case, &past.window))}
        {page::section("Releases", releases(&past.case, &past.stood))}
        {page::section("Results", results(data))}
    }
    .into_any()
}

fn flakiness(it: &Flakiness) -> AnyView {
    let (Some(rate), Some((low, high))) = (it.rate(), it.interval()) else {
        return "nothing was executed".into_any();
    };
    let percent = |share: f64| format!("{:.1} %", share * 100.0);
    let words = format!(
        "{} of {} executions failed although the same passed as well: {}",
        it.flaky,
        it.executions,
        percent(rate)
    );
    let interval = format!(" (95 % interval from {} to {})", percent(low), percent(high));
    view! { {words}<span class="quiet">{interval}</span> }.into_any()
}

fn now(turned: Option<&TurnedBad>, stood: &[Stood]) -> AnyView {
    match turned {
        Some(TurnedBad { first_bad, last_good }) => {
            let good = last_good.as_ref().map_or_else(
                || "; no release is known in which it passed".to_owned(),
                |it| format!("; it passed last in {}", it.name()),
            );
            view! { "fails since "<strong>{first_bad.name().to_owned()}</strong>{good} }.into_any()
        }
        None if stood.iter().any(|it| it.totals.passed > 0) => "passes".into_any(),
        None => "no release says anything of it".into_any(),
    }
}

fn narrowing(data: &CasePage) -> AnyView {
    let CasePage { past, machine, about, window, .. } = data;
    let all = (!machine.is_empty() || !about.is_empty())
        .then(|| view! { <a href=href::case(&past.case, "", "")>"Show all"</a> });
    let about = (!about.is_empty())
        .then(|| view! { <input type="hidden" name="about" value=about.clone()/> });
    view! {
        <form method="get" action="/tests/case" class="search">
            <input type="hidden" name="id" value=past.case.clone()/>
            {about}
            <label for="machine">"Machine"</label>
            <input id="machine" name="machine" value=machine.clone() autocomplete="off" spellcheck="false"/>
            <label for="window">"From the newest"</label>
            <input type="number" id="window" name="window" min="1" max="1000" value=window.to_string()/>
            <button type="submit">"Show"</button>
            {all}
        </form>
    }
    .into_any()
}

/// Points from the oldest to the newest; drawn here, so that it needs no script. They are written as text, as
/// strips are: up to 1,000 are drawn.
fn durations(window: &[PastResult], limit: u32) -> AnyView {
    let mut timed: Vec<_> = window.iter().filter(|it| it.duration_us.is_some()).collect();
    if timed.is_empty() {
        return empty::nothing("Nobody measured how long it takes.");
    }
    timed.reverse();
    let longest = timed.iter().filter_map(|it| it.duration_us).max().unwrap_or(1).max(1);
    let (width, height) = (720.0, 120.0);
    let step = width / real(timed.len());
    let mut drawn = String::from("<line x1=0 y1=114 x2=720 y2=114></line>");
    for (at, it) in timed.iter().enumerate() {
        let took = it.duration_us.unwrap_or(0);
        let x = step * (real(at) + 0.5);
        let y = height - 6.0 - (height - 12.0) * share(took, longest);
        let (_, tone) = glyph(it.outcome);
        let _ = write!(
            drawn,
            "<circle class=\"point {tone}\" cx={x:.1} cy={y:.1} r=3><title>{}, {}: {} in {}</title></circle>",
            escaped(it.subject.as_ref().map_or("unattached", Subject::name)),
            escaped(&it.machine),
            it.outcome.word(),
            length(took)
        );
    }
    let label = format!(
        "How long the newest {} results took, oldest on the left; the longest {}",
        timed.len(),
        length(longest)
    );
    let caption = format!(
        "{} of at most {limit} results, oldest on the left. The longest took {}.",
        timed.len(),
        length(longest)
    );
    view! {
        <svg class="durations" viewBox="0 0 720 120" role="img" aria-label=label inner_html=drawn></svg>
        <p class="quiet">{caption}</p>
    }
    .into_any()
}

#[expect(clippy::cast_precision_loss, reason = "a window has 1,000 results at the most")]
fn real(count: usize) -> f64 {
    count as f64
}

#[expect(clippy::cast_precision_loss, reason = "a share of a length needs no more digits")]
fn share(part: i64, whole: i64) -> f64 {
    part as f64 / whole as f64
}

fn length(us: i64) -> String {
    human_duration(std::time::Duration::from_micros(u64::try_from(us).unwrap_or(0)))
}

/// For each machine and boot entry its newest results, newest on the left.
fn machines(case: &str, window: &[PastResult]) -> AnyView {
    let mut by_place: BTreeMap<(&str, &str), Vec<&PastResult>> = BTreeMap::new();
    for it in window {
        by_place.entry((&it.machine, &it.entry)).or_default().push(it);
    }
    let more = by_place.len().saturating_sub(MACHINES);
    let rows = by_place
        .into_iter()
        .take(MACHINES)
        .map(|((machine, entry), results)| {
            let mut strip = String::new();
            for it in results.iter().take(RELEASES) {
                chip(&mut strip, case, it);
            }
            let newest = results.first().map(|it| badge(Status::Outcome(Some(it.outcome))));
            table::row(vec![
                machine.to_owned().into_any(),
                table::code(entry.to_owned()),
                newest.into_any(),
                view! { <span class="strip" inner_html=strip></span> }.into_any(),
            ])
        })
        .collect();
    let more = (more > 0).then(|| {
        view! { <p class="quiet">{format!("{more} more: narrow by machine to see them.")}</p> }
    });
    view! {
        {table::table("Machines", &["Machine", "Entry", "Newest", "Newest first"], rows)}
        {more}
    }
    .into_any()
}

/// One result of a strip.
fn chip(html: &mut String, case: &str, it: &PastResult) {
    let (sign, tone) = glyph(it.outcome);
    let about = it.subject.as_ref().map_or("unattached", Subject::name);
    let label = format!("{about}: {}", it.outcome.word());
    let label = escaped(&label);
    let _ = write!(
        html,
        "<a class=\"chip-result {tone}\" href=\"{}\" aria-label=\"{label}\" title=\"{label}\">{sign}</a>",
        escaped(&href::result(&it.run, case)),
    );
}

fn releases(case: &str, stood: &[Stood]) -> AnyView {
    if stood.is_empty() {
        return empty::nothing("No release says anything of it.");
    }
    let rows = stood
        .iter()
        .take(SHOWN_RELEASES)
        .map(|it| {
            let key = it.subject.key();
            let (passed, all) = (it.totals.passed, it.totals.all());
            table::row(vec![
                table::link(href::case(case, &key, ""), it.subject.name().to_owned()),
                badge(Status::Outcome(Some(worst(&it.totals)))),
                table::number(format!("{passed} of {all}")),
                time(it.at),
            ])
        })
        .collect();
    table::table("Releases", &["Release", "Worst", ">Passed", "From"], rows)
}

fn results(data: &CasePage) -> AnyView {
    let CasePage { past, machine, about, newest, .. } = data;
    if past.results.is_empty() {
        return empty::nothing("No result is like that.");
    }
    let rows = past
        .results
        .iter()
        .map(|it| {
            let about = it.subject.as_ref().map_or("unattached", Subject::name).to_owned();
            let retries = match it.retries {
                (0, _) => String::new(),
                (1, _) => " after 1 retry".to_owned(),
                (some, _) => format!(" after {some} retries"),
            };
            let said = (it.outcome != Outcome::Passed).then(|| it.message.clone());
            table::row(vec![
                table::link(href::result(&it.run, &past.case), about),
                it.machine.clone().into_any(),
                table::code(it.entry.clone()),
                view! { {badge(Status::Outcome(Some(it.outcome)))}<span class="quiet">{retries}</span> }
                    .into_any(),
                table::number(it.duration_us.map(length).unwrap_or_default()),
                time(it.at),
                view! { <span class="said">{said}</span> }.into_any(),
            ])
        })
        .collect();
    let base = href::case(&past.case, about, machine);
    let first = (!newest).then(|| view! { <a class="button" href=base.clone()>"Newest"</a> });
    let older = past.older.map(|before| {
        let href = format!("{base}&before={}", before.0);
        view! { <a class="button" href=href rel="next">"Older"</a> }
    });
    view! {
        {table::table("Results", &["About", "Machine", "Entry", "Outcome", ">Took", "Began", "What was seen"], rows)}
        <nav class="pager" aria-label="More results">{first}{older}</nav>
    }
    .into_any()
}
