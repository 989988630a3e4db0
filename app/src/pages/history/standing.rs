//! How a release stands: what passed and failed against a baseline, and every failure with its past.

use domain::{
    history::{Failing, Group, worst},
    run::reported::{Totals, percent},
    subject::{JudgedSubject, Subject},
    time::Timestamp,
};
use leptos::prelude::*;
use services::history::Standing;

use super::glyph;
use crate::{
    api::history::{Narrowed, StandingPage},
    pages::review,
    routes::href::{self, encode},
    ui::{
        assessment,
        badge::{Status, badge},
        empty, page, table,
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
    view! {
        {figures(standing)}
        {baseline(data)}
        {page::section("Failures", view! { {reviewed(standing, data)}{failures(standing, data)} }.into_any())}
        {page::section("By suite", groups("suite", "Suite", &standing.suites, data))}
        {page::section("By machine", groups("machine", "Machine", &standing.machines, data))}
        <p><a href="/tests">"All cases over all releases"</a></p>
    }
    .into_any()
}

/// The three figures that teams post, computed, with what they are measured against.
fn figures(standing: &Standing) -> AnyView {
    let here = &standing.judged.totals;
    let base = standing.baseline.as_ref().map(|it| &it.totals);
    let signed = |count: fn(&Totals) -> u64| {
        base.map(|base| format!(" ({})", Totals::signed(count(here), count(base))))
    };
    let percent = here.pass_rate().map_or_else(|| "–".to_owned(), percent);
    let change = here.pass_rate().zip(base.and_then(Totals::pass_rate)).map(|(here, base)| {
        let sign = if here >= base { "+" } else { "-" };
        let by = here.abs_diff(base);
        format!(" ({sign}{}.{:02} %)", by / 100, by % 100)
    });
    let silent = here.skipped.saturating_add(here.not_run);
    view! {
        <dl class="figures">
            <div class="good"><dt>"Passed"</dt><dd>{here.passed.to_string()}<span>{signed(|it| it.passed)}</span></dd></div>
            <div class="bad"><dt>"Failed"</dt><dd>{here.failing().to_string()}<span>{signed(Totals::failing)}</span></dd></div>
            <div><dt>"Passed [%]"</dt><dd>{percent}<span>{change}</span></dd></div>
            <div><dt>"Skipped or not run"</dt><dd>{silent.to_string()}</dd></div>
        </dl>
    }
    .into_any()
}

fn baseline(data: &StandingPage) -> AnyView {
    let Some(standing) = &data.standing else { return ().into_any() };
    let name = |it: &JudgedSubject| it.subject.key();
    let chosen = standing.baseline.as_ref().map(name);
    let own = standing.judged.subject.key();
    let options: Vec<_> = data
        .choices
        .iter()
        .filter(|it| **it != own)
        .map(|it| {
            let (selected, shown) = (chosen.as_ref() == Some(it), it.clone());
            view! { <option value=it.clone() selected=selected>{shown}</option> }
        })
        .collect();
    if options.is_empty() {
        return ().into_any();
    }
    let compare = chosen.as_ref().map(|base| {
        view! { <a href=href::compare(&own, base)>"Compare case by case"</a> }
    });
    let (path, about) = match data.path.split_once('?') {
        Some((path, _)) => (path.to_owned(), Some(data.about.clone())),
        None => (data.path.clone(), None),
    };
    let about = about.map(|about| view! { <input type="hidden" name="about" value=about/> });
    view! {
        <form method="get" action=path class="search">
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
    let Narrowed { suite, machine, .. } = &data.narrowed;
    let narrowed = !suite.is_empty() || !machine.is_empty() || data.narrowed.unreviewed();
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
        view! { <p class="quiet">"Not all are listed: narrow by suite or machine below."</p> }
    });
    let list = view! { <ol class="failures">{items}</ol>{more} };
    review::many(list.into_any(), standing.now, &data.assess, &data.waive)
}

fn failure(it: &Failing, about: &str, now: Timestamp, ticked: bool) -> AnyView {
    let made = it.assessment.as_ref();
    let seen = assessment::seen(it.run.as_str(), made.map_or(0, |it| it.revision), &it.case);
    let tick = format!("Tick {} on {}", it.case, it.machine);
    let title = (it.title != it.case).then(|| it.title.clone());
    let place = match it.entry.as_str() {
        "" => format!("{} on {}", it.suite, it.machine),
        entry => format!("{} on {}, entry {entry}", it.suite, it.machine),
    };
    let strip: Vec<_> = it
        .strip
        .iter()
        .map(|mark| {
            let outcome = worst(&mark.totals);
            let (sign, tone) = glyph(outcome);
            let label = format!("{}: {}", mark.about, outcome.word());
            let told = label.clone();
            view! { <li class=format!("chip-result {tone}") title=label><span aria-hidden="true">{sign}</span><span class="hidden">{told}</span></li> }
        })
        .collect();
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
                <ul class="strip" aria-label="Newest releases, newest first">{strip}</ul>
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
    match subject {
        Subject::Release { name, .. } => href::release_tab(name, "tests"),
        other => format!("/tests/release?about={}", encode(&other.key())),
    }
}
