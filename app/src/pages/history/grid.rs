//! The grid: a table whose every cell is a link. It is written as text, since it may have 25,000 cells.

use std::fmt::Write as _;

use domain::{
    history::{Column, Columns, Day, HistoryQuery, HistoryRow, beyond_id, worst},
    run::{
        Outcome,
        reported::{Totals, percent},
    },
};
use leptos::prelude::*;

use super::{glyph, standing::page_of};
use crate::{
    api::history::HistoryPage,
    routes::href,
    ui::{empty, escape::escaped, page},
};

/// How many bytes a cell usually takes.
const CELL_BYTES: usize = 160;

/// The page.
#[must_use]
pub fn show(data: &HistoryPage) -> AnyView {
    let HistoryPage { query, history, waiting, .. } = data;
    let inbox = (*waiting > 0).then(|| {
        let words = match waiting {
            1 => "1 run in the inbox".to_owned(),
            some => format!("{some} runs in the inbox"),
        };
        view! { <a class="button" href="/tests/inbox">{words}</a> }
    });
    let beside = view! {
        {inbox}
        <a class="button" href="/tests/record">"Write a result down"</a>
        <a class="button main" href="/tests/import">"Bring results in"</a>
    };
    let nothing_asked = query.parts().is_empty();
    let content = if history.columns.is_empty() && nothing_asked {
        empty::empty(
            "There are no results yet",
            "Results come from validations, from files of Robot Framework, JUnit, TAP or CSV, and from what people write down of a board.",
            Some(("/tests/import".to_owned(), "Bring results in")),
        )
    } else if history.rows.is_empty() {
        empty::nothing("No case is like that.")
    } else {
        table(data)
    };
    let next = history.next.as_ref().map(|after| {
        let further = HistoryQuery { after: Some(after.clone()), ..query.clone() };
        view! { <a class="button" href=address(&further) rel="next">"Further cases"</a> }
    });
    let first = query.after.as_ref().map(|_| {
        let first = HistoryQuery { after: None, ..query.clone() };
        view! { <a class="button" href=address(&first)>"First cases"</a> }
    });
    let csv = address(query).replacen("/tests", "/tests/history.csv", 1);
    let around = (!history.rows.is_empty()).then(|| {
        view! {
            <nav class="pager" aria-label="More of the history">
                {first}{next}
                <a class="button" href=csv download="">"Save as CSV"</a>
            </nav>
        }
    });
    view! {
        {page::heading("Tests".to_owned(), Vec::new(), beside.into_any())}
        {filters(data)}
        {content}
        {around}
    }
    .into_any()
}

/// The address of a question.
fn address(query: &HistoryQuery) -> String {
    let mut address = String::from("/tests");
    for (at, (name, value)) in query.parts().into_iter().enumerate() {
        let _ =
            write!(address, "{}{name}={}", if at == 0 { '?' } else { '&' }, href::encode(&value));
    }
    address
}

fn filters(data: &HistoryPage) -> AnyView {
    let HistoryPage { query, words, .. } = data;
    let by = Columns::ALL.map(|it| {
        let words = match it {
            Columns::Releases => "releases",
            Columns::Runs => "runs",
        };
        view! { <option value=it.word() selected=query.by == it>{words}</option> }
    });
    let outcomes = Outcome::ALL.map(|it| {
        let chosen = query.outcome == Some(it);
        view! { <option value=it.word() selected=chosen>{it.word().replace('-', " ")}</option> }
    });
    let day = |day: Option<Day>| day.map(Day::text).unwrap_or_default();
    let narrowed = query.parts().iter().any(|(name, _)| *name != "after");
    let all = narrowed.then(|| view! { <a href="/tests">"Show all"</a> });
    // What stands in the address and has no field of its own stays.
    let kept: Vec<_> = query
        .parts()
        .into_iter()
        .filter(|(name, _)| matches!(*name, "columns" | "rows"))
        .map(|(name, value)| view! { <input type="hidden" name=name value=value/> })
        .collect();
    view! {
        <form method="get" action="/tests" class="search history-filters">
            <div><label for="by">"Columns"</label><select id="by" name="by">{by}</select></div>
            {choice("suite", "Suite", &words.suites, query.suite.as_deref())}
            {choice("machine", "Machine", &words.machines, query.machine.as_deref())}
            {choice("kernel", "Kernel", &words.kernels, query.kernel.as_deref())}
            {choice("tag", "Tag", &words.tags, query.tag.as_deref())}
            <div>
                <label for="outcome">"Outcome"</label>
                <select id="outcome" name="outcome"><option value="">"any"</option>{outcomes}</select>
            </div>
            <div><label for="from">"From"</label><input type="date" id="from" name="from" value=day(query.from)/></div>
            <div><label for="to">"Until"</label><input type="date" id="to" name="to" value=day(query.to)/></div>
            <div>
                <label for="id">"Id or words"</label>
                <input type="search" id="id" name="id" value=query.search.clone().unwrap_or_default() autocomplete="off" spellcheck="false"/>
            </div>
            <div class="check">
                <input type="checkbox" id="changes" name="changes" value="1" checked=query.only_changes/>
                <label for="changes">"Only changes"</label>
            </div>
            {kept}
            <button type="submit">"Show"</button>
            {all}
        </form>
    }
    .into_any()
}

fn choice(
    name: &'static str,
    label: &'static str,
    words: &[String],
    chosen: Option<&str>,
) -> AnyView {
    let mut options: Vec<_> = words
        .iter()
        .map(|word| {
            let (selected, shown) = (chosen == Some(word.as_str()), word.clone());
            view! { <option value=word.clone() selected=selected>{shown}</option> }
        })
        .collect();
    if let Some(unknown) = chosen.filter(|it| !words.iter().any(|word| word == it)) {
        let value = unknown.to_owned();
        let shown = value.clone();
        options.push(view! { <option value=value selected=true>{shown}</option> });
    }
    view! {
        <div>
            <label for=name>{label}</label>
            <select id=name name=name><option value="">"any"</option>{options}</select>
        </div>
    }
    .into_any()
}

/// Rows are no table rows to the style sheet, which is why roles stand beside what the elements say: some
/// browsers forget them otherwise.
fn table(data: &HistoryPage) -> AnyView {
    let HistoryPage { query, history, .. } = data;
    let machine = query.machine.as_deref().unwrap_or_default();
    let mut html =
        String::with_capacity(CELL_BYTES * (history.rows.len() + 1) * (history.columns.len() + 2));
    html.push_str(
        "<table class=\"history\" role=table aria-label=\"How cases ended\"><thead role=rowgroup><tr role=row>\
         <th scope=col role=columnheader>Case</th>",
    );
    for column in &history.columns {
        heading(&mut html, column);
    }
    html.push_str("</tr></thead><tbody role=rowgroup>");
    let columns: Vec<_> = history.columns.iter().map(|it| CellsOf::column(it, machine)).collect();
    for row in &history.rows {
        body_row(&mut html, row, &columns, machine);
    }
    html.push_str("</tbody></table>");
    view! {
        <div class="scroll history-frame" role="region" aria-label="How cases ended" tabindex="0" data-grid="" inner_html=html></div>
        <p class="quiet legend">
            "✓ passed · ✗ failed · ! could not tell · – skipped · ? not run. A number beside ✗ or ! says on how many of its machines and boot entries."
        </p>
    }
    .into_any()
}

fn heading(html: &mut String, column: &Column) {
    let (href, name, about) = match column {
        Column::Release(it) => {
            let name = it.subject.name().to_owned();
            let href = page_of(&it.subject);
            let rate = it.totals.pass_rate().map_or_else(String::new, percent);
            (href, name, rate)
        }
        Column::Run { id, about, suite, machine, entry, started_at } => {
            let name = if about.is_empty() { "unattached" } else { about };
            let mut place = format!("{suite}, {machine}");
            if !entry.is_empty() {
                place.push_str(", ");
                place.push_str(entry);
            }
            (href::run(id), name.to_owned(), format!("{place}, {started_at}"))
        }
    };
    let _ = write!(
        html,
        "<th scope=col role=columnheader><a href=\"{}\" title=\"{}\"><span>{}</span></a></th>",
        escaped(&href),
        escaped(&format!("{name}: {about}")),
        escaped(&name),
    );
}

/// What the cells of a column have in common, escaped.
struct CellsOf {
    /// A part of their addresses; the other names the case.
    href: String,
    /// Whether that part comes first.
    first: bool,
    /// What the column is called.
    name: String,
}

impl CellsOf {
    fn column(column: &Column, machine: &str) -> Self {
        match column {
            Column::Release(it) => {
                let of_no_case = href::case("", "", "");
                let href = href::case("", &it.subject.key(), machine);
                let href = href.strip_prefix(&of_no_case).unwrap_or_default();
                let name = escaped(it.subject.name()).into_owned();
                Self { href: escaped(href).into_owned(), first: false, name }
            }
            Column::Run { id, about, .. } => {
                let name = escaped(about).into_owned();
                Self { href: escaped(&href::result(id, "")).into_owned(), first: true, name }
            }
        }
    }
}

fn body_row(html: &mut String, row: &HistoryRow, columns: &[CellsOf], machine: &str) {
    let name = escaped(&row.case);
    let _ = write!(
        html,
        "<tr role=row><th scope=row role=rowheader><a href=\"{}\">{name}</a> <span>{}</span></th>",
        escaped(&href::case(&row.case, "", machine)),
        escaped(beyond_id(&row.title, &row.case)),
    );
    let (of_case, id) = (href::case(&row.case, "", ""), href::encode(&row.case));
    let of_case = escaped(&of_case);
    for (cell, column) in row.cells.iter().zip(columns) {
        let Some(totals) = cell else {
            html.push_str("<td role=cell></td>");
            continue;
        };
        let href = if column.first { [&column.href, &*id] } else { [&*of_case, &column.href] };
        body_cell(html, [&name, &column.name], href, totals);
    }
    html.push_str("</tr>");
}

/// Of these there are many, so it is put together without what formats.
fn body_cell(html: &mut String, [case, column]: [&str; 2], href: [&str; 2], totals: &Totals) {
    let outcome = worst(totals);
    let (sign, tone) = glyph(outcome);
    let (of_it, all) = (of_outcome(totals, outcome), totals.all());
    for part in ["<td role=cell class=", tone, "><a href=\"", href[0], href[1], "\" aria-label=\""]
    {
        html.push_str(part);
    }
    for part in [case, " in ", column, ": ", outcome.word()] {
        html.push_str(part);
    }
    if all > 1 {
        let _ = write!(html, " on {of_it} of {all}");
    }
    html.push_str("\">");
    html.push_str(sign);
    // Who fails on some of many places wants to know on how many.
    if outcome.fails() && of_it < all {
        let _ = write!(html, "<i>{of_it}</i>");
    }
    html.push_str("</a></td>");
}

const fn of_outcome(totals: &Totals, outcome: Outcome) -> u64 {
    match outcome {
        Outcome::Passed => totals.passed,
        Outcome::Failed => totals.failed,
        Outcome::Errored => totals.errored,
        Outcome::Skipped => totals.skipped,
        Outcome::NotRun => totals.not_run,
    }
}
