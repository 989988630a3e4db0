//! `/compare`: what differs between the results of two releases or runs, beside what differs between the
//! releases themselves.

use domain::{
    history::beyond_id,
    run::comparison::{CaseChange, ComparedCase, SeenCase},
};
use leptos::prelude::*;
use services::history::ResultComparison;

use crate::{
    api::history::{ComparePage, load_comparison},
    pages::query,
    routes::href::{self, encode},
    ui::{
        badge::{Status, badge},
        change::changes,
        copy, empty, page, table,
    },
};

/// How many cases a page shows.
const SHOWN: usize = 100;

pub(crate) fn compare() -> AnyView {
    let data = load_comparison(query("here"), query("base"), query("change"), query("skip"));
    page::loaded(&["run/"], data, |data| show(&data))
}

/// The page.
#[must_use]
pub fn show(data: &ComparePage) -> AnyView {
    let content = match &data.found {
        None => empty::nothing(
            "Choose what to look at and what to compare it with: releases, those made elsewhere, or runs as run/<id>.",
        ),
        Some(found) => view! {
            <p class="summary"><strong>{found.here.name()}</strong>" compared with "<strong>{found.base.name()}</strong></p>
            {classes(data, found)}
            {page::section("Cases", cases(data, found))}
            {data.releases.as_ref().map(|it| page::section("What may explain it", changes(it)))}
            {page::section("As Markdown", markdown(found))}
        }
        .into_any(),
    };
    let swap = (!data.here.is_empty() && !data.base.is_empty()).then(|| {
        view! { <a class="button" href=href::compare(&data.base, &data.here)>"Swap sides"</a> }
    });
    view! {
        {page::heading("Compare".to_owned(), Vec::new(), swap.into_any())}
        {sides(data)}
        {content}
    }
    .into_any()
}

fn sides(data: &ComparePage) -> AnyView {
    let options: Vec<_> =
        data.choices.iter().map(|it| view! { <option value=it.name.clone()></option> }).collect();
    let named = |side: &str| {
        let known = data.choices.iter().find(|it| it.key == side);
        known.map_or_else(|| side.to_owned(), |it| it.name.clone())
    };
    view! {
        <form method="get" action="/compare" class="search">
            <label for="here">"Look at"</label>
            <input id="here" name="here" list="sides" value=named(&data.here) required autocomplete="off" spellcheck="false"/>
            <label for="base">"Compared with"</label>
            <input id="base" name="base" list="sides" value=named(&data.base) required autocomplete="off" spellcheck="false"/>
            <datalist id="sides">{options}</datalist>
            <button type="submit">"Compare"</button>
        </form>
    }
    .into_any()
}

/// How many changed how, each a way to see these alone.
fn classes(data: &ComparePage, found: &ResultComparison) -> AnyView {
    let base = href::compare(&found.here.key(), &found.base.key());
    let items: Vec<_> = found
        .counts
        .iter()
        .map(|(change, count)| {
            let current = data.shown.as_slice() == [*change];
            let href = format!("{base}&change={}", encode(change.word()));
            view! {
                <li>
                    <a href=href aria-current=current.then_some("true") title=change.meaning()>
                        {badge(Status::Change(*change))}" "<strong>{count.to_string()}</strong>
                    </a>
                </li>
            }
        })
        .collect();
    let usual = data.shown.as_slice() == [CaseChange::Regression, CaseChange::Fixed];
    let back = (!usual)
        .then(|| view! { <li><a href=base.clone()>"Only regressions and what was fixed"</a></li> });
    view! { <ul class="classes">{items}{back}<li><a href=format!("{base}&change=all")>"All"</a></li></ul> }
        .into_any()
}

fn cases(data: &ComparePage, found: &ResultComparison) -> AnyView {
    if found.cases.is_empty() {
        return empty::nothing("No case changed so.");
    }
    let rows = found.cases.iter().skip(data.skipped).take(SHOWN).map(row).collect();
    let mut base = href::compare(&found.here.key(), &found.base.key());
    if !data.change.is_empty() {
        base.push_str(&format!("&change={}", encode(&data.change)));
    }
    let first =
        (data.skipped > 0).then(|| view! { <a class="button" href=base.clone()>"First cases"</a> });
    let further = data.skipped.saturating_add(SHOWN);
    let next = (found.cases.len() > further).then(|| {
        let href = format!("{base}&skip={further}");
        let words = format!("{} further cases", found.cases.len() - further);
        view! { <a class="button" href=href rel="next">{words}</a> }
    });
    let pager = (first.is_some() || next.is_some())
        .then(|| view! { <nav class="pager" aria-label="More cases">{first}{next}</nav> });
    view! {
        {table::table("Cases", &["Case", "Machine", "Change", "Looked at", "Compared with"], rows)}
        {pager}
    }
    .into_any()
}

fn row(it: &ComparedCase) -> AnyView {
    let title = beyond_id(&it.title, &it.case).to_owned();
    let title = (!title.is_empty()).then(|| view! { <br/><span class="quiet">{title}</span> });
    let place = match it.entry.as_str() {
        "" => it.machine.clone(),
        entry => format!("{}, {entry}", it.machine),
    };
    table::row(vec![
        view! { <a href=href::case(&it.case, "", &it.machine)>{it.case.clone()}</a>{title} }
            .into_any(),
        place.into_any(),
        badge(Status::Change(it.change)),
        side(&it.case, it.here.as_ref()),
        side(&it.case, it.base.as_ref()),
    ])
}

fn side(case: &str, seen: Option<&SeenCase>) -> AnyView {
    let Some(seen) = seen else { return "–".into_any() };
    let said = seen
        .outcome
        .fails()
        .then(|| view! { <div class="quiet said">{seen.message.clone()}</div> });
    view! {
        <a href=href::result(&seen.run, case)>{badge(Status::Outcome(Some(seen.outcome)))}</a>{said}
    }
    .into_any()
}

/// The same as text for an issue or a post.
fn markdown(found: &ResultComparison) -> AnyView {
    let text = found.markdown();
    view! {
        <details class="group">
            <summary>"The same as text for an issue or a post"</summary>
            {copy::block(&text, "the comparison as Markdown")}
        </details>
    }
    .into_any()
}
