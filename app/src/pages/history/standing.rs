//! How a release stands: what passed and failed against a baseline, and every failure with its past.

use std::fmt::Write as _;

use domain::{
    history::{Failing, Group, beyond_id, worst},
    run::{report::Figures, reported::percent},
    subject::Subject,
    time::Timestamp,
};
use leptos::prelude::*;
use services::history::Standing;

use super::glyph;
use crate::{
    api::history::{Narrowed, StandingPage, SubjectChoice},
    pages::review,
    routes::href::{self, encode},
    ui::{
        assessment,
        badge::{Status, badge},
        empty,
        escape::escaped,
        page, table,
    },
};

/// How many lines of a log a list of failures shows.
const LOG_LINES: usize = 12;

/// The page of what has none of its own: a release that was made elsewhere.
#[must_use]
pub fn show(data: &StandingPage) -> AnyView {
    let name = data
        .standing
        .as_ref()
        .map_or_else(|| data.about.clone(), |it| it.judged.subject.name().to_owned());
    let crumbs = vec![("Tests", "/tests".to_owned())];
    view! { {page::heading(name, crumbs, ().into_any())}{part(data)} }.into_any()
}

/// The part of a page that says how a release stands.
#[must_use]
pub fn part(data: &StandingPage) -> AnyView {
    let Some(standing) = &data.standing else {
        return empty::nothing("There are no results of it yet.");
    };
    let own = standing.judged.subject.key();
    let chosen = standing.baseline.as_ref().map(|it| it.subject.key());
    let measured = baseline_form(&data.path, &own, chosen.as_deref(), &data.choices);
    view! {
        {figures(&Figures::new(standing.judged.totals, standing.baseline.as_ref().map(|it| it.totals)))}
        {measured}
        <p><a href=href::report(&own, chosen.as_deref())>"The release report"</a></p>
        {page::section("Failures", view! { {reviewed(standing, data)}{failures(standing, data)} }.into_any())}
        {(!standing.plans.is_empty()).then(|| page::section("By plan", groups("plan", "Plan", &standing.plans, data)))}
        {page::section("By suite", groups("suite", "Suite", &standing.suites, data))}
        {page::section("By machine", groups("machine", "Machine", &standing.machines, data))}
        <p><a href="/tests">"All cases over all releases"</a></p>
    }
    .into_any()
}

/// The three figures that teams post, computed, with what they are measured against.
pub(in crate::pages) fn figures(it: &Figures) -> AnyView {
    let change = |it: &Option<String>, unit: &str| {
        it.as_ref().map(|it| view! { <span>{format!(" ({it}{unit})")}</span> })
    };
    let percent = it.passed_percent.as_ref().map_or_else(|| "–".to_owned(), |it| format!("{it} %"));
    let silent = it.totals.skipped.saturating_add(it.totals.not_run);
    view! {
        <dl class="figures">
            <div class="good"><dt>"Passed"</dt><dd>{it.totals.passed.to_string()}{change(&it.passed_change, "")}</dd></div>
            <div class="bad"><dt>"Failed"</dt><dd>{it.failed.to_string()}{change(&it.failed_change, "")}</dd></div>
            <div><dt>"Passed [%]"</dt><dd>{percent}{change(&it.percent_change, " %")}</dd></div>
            <div><dt>"Skipped or not run"</dt><dd>{silent.to_string()}</dd></div>
        </dl>
    }
    .into_any()
}

/// What a release is measured against, to be chosen: `path` may carry a query, which stays.
pub(in crate::pages) fn baseline_form(
    path: &str,
    own: &str,
    chosen: Option<&str>,
    choices: &[SubjectChoice],
) -> AnyView {
    let options: Vec<_> = choices
        .iter()
        .filter(|it| it.key != own)
        .map(|it| {
            let selected = chosen == Some(it.key.as_str());
            view! { <option value=it.key.clone() selected=selected>{it.name.clone()}</option> }
        })
        .collect();
    if options.is_empty() {
        return ().into_any();
    }
    let compare =
        chosen.map(|base| view! { <a href=href::compare(own, base)>"Compare case by case"</a> });
    let (action, about) = match path.split_once('?') {
        Some((action, _)) => (action.to_owned(), Some(own.to_owned())),
        None => (path.to_owned(), None),
    };
    let about = about.map(|about| view! { <input type="hidden" name="about" value=about/> });
    view! {
        <form method="get" action=action class="search">
            {about}
            <label for="baseline">"Measured against"</label>
            <select id="baseline" name="baseline">{options}</select>
            <button type="submit">"Measure"</button>
            {compare}
        </form>
    }
    .into_any()
}

/// How far the review has come, and ways to what is left of it.
fn reviewed(standing: &Standing, data: &StandingPage) -> AnyView {
    let of = standing.judged.totals.failing();
    let done = standing.reviewed >= of;
    if of == 0 {
        return ().into_any();
    }
    let Narrowed { suite, machine, plan, .. } = &data.narrowed;
    let chosen = [suite, machine, plan].into_iter().any(|it| !it.is_empty());
    let narrowed = chosen || data.narrowed.unreviewed();
    let all = narrowed.then(|| view! { <a href=data.path.clone()>"All failures"</a> });
    let left = (!done && !data.narrowed.unreviewed()).then(|| {
        view! { <a href=data.narrowed_by("reviewed", "no")>"Only those not reviewed"</a> }
    });
    let tick = (!standing.failing.is_empty() && data.narrowed.tick != "all")
        .then(|| view! { <a href=data.narrowed_by("tick", "all")>"Tick all"</a> });
    let form = (!standing.failing.is_empty())
        .then(|| view! { <a href=format!("#{}", review::MANY)>"Review the ticked"</a> });
    view! {
        <p class="review-state">
            {review::state(standing.reviewed, of)}
            {left}{all}{tick}{form}
        </p>
    }
    .into_any()
}

fn failures(standing: &Standing, data: &StandingPage) -> AnyView {
    if standing.failing.is_empty() {
        return empty::nothing(if standing.judged.totals.failing() == 0 {
            "Nothing speaks against it."
        } else {
            "None of its failures is like that."
        });
    }
    let ticked = data.narrowed.tick == "all";
    let about = standing.judged.subject.name();
    let items: Vec<_> =
        standing.failing.iter().map(|it| failure(it, about, standing.now, ticked)).collect();
    let more = standing.more.then(|| {
        view! { <p class="quiet">"Not all are listed: narrow by plan, suite or machine below."</p> }
    });
    let list = view! { <ol class="failures">{items}</ol>{more} };
    review::many(list.into_any(), standing.now, &data.assess, &data.waive)
}

fn failure(it: &Failing, about: &str, now: Timestamp, ticked: bool) -> AnyView {
    let made = it.assessment.as_ref();
    let seen = assessment::seen(it.run.as_str(), made.map_or(0, |it| it.revision), &it.case);
    let tick = format!("Tick {} on {}", it.case, it.machine);
    let title = beyond_id(&it.title, &it.case).to_owned();
    let place = match it.entry.as_str() {
        "" => format!("{} on {}", it.suite, it.machine),
        entry => format!("{} on {}, entry {entry}", it.suite, it.machine),
    };
    let mut strip = String::new();
    for mark in &it.strip {
        let outcome = worst(&mark.totals);
        let (sign, tone) = glyph(outcome);
        let label = format!("{}: {}", escaped(&mark.about), outcome.word());
        let _ = write!(
            strip,
            "<li class=\"chip-result {tone}\" title=\"{label}\"><span aria-hidden=true>{sign}</span>\
             <span class=hidden>{label}</span></li>",
        );
    }
    let log = (!it.excerpt.is_empty()).then(|| {
        view! {
            <details>
                <summary>"Log around the first error"</summary>
                <pre class="said" tabindex="0">{last_lines(&it.excerpt)}</pre>
            </details>
        }
    });
    view! {
        <li>
            <div class="failure-head">
                <input type="checkbox" name="failures[]" value=seen checked=ticked aria-label=tick/>
                {badge(Status::Outcome(Some(it.outcome)))}
                <a href=href::result(&it.run, &it.case)><strong>{it.case.clone()}</strong></a>
                <span>{title}</span>
                <ul class="strip" aria-label="Newest releases, newest first" inner_html=strip></ul>
            </div>
            <p class="quiet">{place}</p>
            <p class="said">{it.message.clone()}</p>
            {assessment::line(made, Some(about), now)}
            {log}
        </li>
    }
    .into_any()
}

/// The end of a log, where its error stands; the page of the result has all of it.
fn last_lines(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    let from = lines.len().saturating_sub(LOG_LINES);
    let shown = lines[from..].join("\n");
    if from == 0 { shown } else { format!("… {from} lines before\n{shown}") }
}

fn groups(
    parameter: &'static str,
    heading: &'static str,
    groups: &[Group],
    data: &StandingPage,
) -> AnyView {
    if groups.is_empty() {
        return empty::nothing("Nothing counts of it.");
    }
    let rows = groups
        .iter()
        .map(|it| {
            let href = data.narrowed_by(parameter, &it.name);
            let failing = match it.totals.failing() {
                0 => "0".into_any(),
                some => table::link(href, some.to_string()),
            };
            table::row(vec![
                it.name.clone().into_any(),
                table::number(it.totals.passed.to_string()),
                view! { <span class="number">{failing}</span> }.into_any(),
                table::number(it.totals.pass_rate().map_or_else(|| "–".to_owned(), percent)),
                table::number(it.totals.skipped.saturating_add(it.totals.not_run).to_string()),
            ])
        })
        .collect();
    table::table(
        heading,
        &[heading, ">Passed", ">Failed", ">Passed [%]", ">Skipped or not run"],
        rows,
    )
}

/// Where the page of what was judged is.
#[must_use]
pub(super) fn page_of(subject: &Subject) -> String {
    page_of_key(&subject.key(), matches!(subject, Subject::Release { .. }))
}

/// Where the results of what a key names are; a release has a tab of its own.
pub(in crate::pages) fn page_of_key(key: &str, release: bool) -> String {
    if release {
        href::release_tab(key, "tests")
    } else {
        format!("/tests/release?about={}", encode(key))
    }
}
