//! Results that come in from elsewhere: `/tests/import`, `/tests/record` and `/tests/inbox`.

use domain::run::{Outcome, Run, reported::ResultFormat};
use leptos::prelude::*;

use crate::{
    api::{
        Choice,
        results::{
            AttachRun, BringPage, InboxPage, RecordPage, load_bring, load_inbox, load_record,
        },
    },
    error::AppError,
    pages::query,
    routes::href,
    ui::{empty, form, page, raw, table, time::time},
};

/// Fields that the form of a file shows a fault at; other faults stand above it.
const FILE_FIELDS: [&str; 6] = ["file", "release", "machine", "entry", "suite", "board"];
/// The same for what a person saw.
const SEEN_FIELDS: [&str; 7] =
    ["release", "machine", "case", "title", "outcome", "comment", "picture"];

/// The forms follow no changes: what somebody types must not be drawn over.
pub(crate) fn import() -> AnyView {
    page::loaded(&[], load_bring(), |data| show_bring(&data))
}

pub(crate) fn record() -> AnyView {
    page::loaded(&[], load_record(query("release"), query("case")), |data| show_record(&data))
}

pub(crate) fn inbox() -> AnyView {
    page::loaded(&[], load_inbox(page::after()), |data| show_inbox(&data))
}

fn crumbs() -> Vec<page::Crumb> {
    vec![("Tests", "/tests".to_owned())]
}

/// A field of text that offers what is known.
fn offering(
    id: &'static str,
    label: &'static str,
    hint: &str,
    error: Option<String>,
    value: &str,
    known: &[String],
) -> AnyView {
    let list = format!("{id}-known");
    let options: Vec<_> =
        known.iter().map(|it| view! { <option value=it.clone()></option> }).collect();
    let about = (!hint.is_empty() || error.is_some()).then(|| format!("{id}-about"));
    let control = view! {
        <input id=id name=id value=value.to_owned() list=list.clone() autocomplete="off" spellcheck="false" aria-describedby=about/>
        <datalist id=list>{options}</datalist>
    };
    let hint = (!hint.is_empty()).then(|| hint.to_owned());
    form::field(id, label, hint, error, control.into_any())
}

/// The form of a file.
#[must_use]
pub fn show_bring(data: &BringPage) -> AnyView {
    let BringPage { draft, offered, bring } = data;
    let error = draft.error.clone();
    let of_field = |field: &str| error.as_ref().and_then(|error| error.of_field(field));
    let placed = FILE_FIELDS.into_iter().any(|field| of_field(field).is_some());
    let general = error.clone().filter(|_: &AppError| !placed);
    let formats: Vec<_> = ResultFormat::ALL
        .into_iter()
        .map(|it| {
            let chosen = draft.format == it.word();
            view! { <option value=it.word() selected=chosen>{it.title()}</option> }
        })
        .collect();
    let format = view! {
        <select id="format" name="format"><option value="">"recognise it"</option>{formats}</select>
    };
    let file = view! {
        <input type="file" id="file" name="file" required aria-describedby="file-about"/>
    };
    let release = "The name of a release, or recorded/<name> for one that was made elsewhere. Left empty, the run waits in the inbox.";
    view! {
        {page::heading("Bring results in".to_owned(), crumbs(), ().into_any())}
        <p>"A file of Robot Framework, JUnit, TAP, CSV or our own JSON becomes a run. The same file twice is the same run. CI does the same by the API or by "<code>"bootwright run import"</code>"."</p>
        <form method="post" action="/tests/import" enctype="multipart/form-data" class="sheet">
            {form::fault(general)}
            {offering("release", "Release", release, of_field("release"), &draft.release, &offered.releases)}
            {offering("machine", "Machine", "The board or guest that ran it.", of_field("machine"), &draft.machine, &offered.machines)}
            {offering("suite", "Suite", "Left empty, the name of the file's outermost suite.", of_field("suite"), &draft.suite, &offered.suites)}
            {offering("entry", "Boot entry", "Its label in the menu, where it matters.", of_field("entry"), &draft.entry, &[])}
            {offering("kernel", "Kernel", "", of_field("kernel"), &draft.kernel, &[])}
            {form::field("format", "Format", None, None, format.into_any())}
            {offering("board", "Column of a board", "Only for a table with one column of results for each board.", of_field("board"), &draft.board, &[])}
            {form::field("file", "File", Some("1 GiB at the most.".to_owned()), of_field("file"), file.into_any())}
            {form::submit("Bring in", "main", bring)}
        </form>
    }
    .into_any()
}

/// The form of what a person saw.
#[must_use]
pub fn show_record(data: &RecordPage) -> AnyView {
    let RecordPage { draft, offered, record } = data;
    let error = draft.error.clone();
    let of_field = |field: &str| error.as_ref().and_then(|error| error.of_field(field));
    let placed = SEEN_FIELDS.into_iter().any(|field| of_field(field).is_some());
    let general = error.clone().filter(|_: &AppError| !placed);
    let outcomes: Vec<_> = Outcome::ALL
        .into_iter()
        .map(|it| {
            let chosen = draft.outcome == Some(it);
            view! { <option value=it.word() selected=chosen>{it.word().replace('-', " ")}</option> }
        })
        .collect();
    let outcome = view! {
        <select id="outcome" name="outcome" required aria-describedby="outcome-about">
            <option value="">"choose"</option>{outcomes}
        </select>
    };
    let comment = view! {
        <textarea id="comment" name="comment" rows="4" maxlength="10000" aria-describedby="comment-about">{raw(&draft.comment)}</textarea>
    };
    let picture = view! {
        <input type="file" id="picture" name="picture" accept="image/png,image/jpeg,image/webp,image/gif" aria-describedby="picture-about"/>
    };
    let release = "The name of a release, or recorded/<name> for one that was made elsewhere.";
    view! {
        {page::heading("Write a result down".to_owned(), crumbs(), ().into_any())}
        <p>"For a board that nobody drives by program: what you tried, and how it ended."</p>
        <form method="post" action="/tests/record" enctype="multipart/form-data" class="sheet">
            {form::fault(general)}
            {offering("release", "Release", release, of_field("release"), &draft.release, &offered.releases)}
            {offering("machine", "Machine", "", of_field("machine"), &draft.machine, &offered.machines)}
            {offering("case", "Id of the case", "Such as XEN1.2.", of_field("case"), &draft.case, &[])}
            {offering("title", "What it checks", "Left empty, what it was called before.", of_field("title"), &draft.title, &[])}
            {offering("suite", "Suite", "Left empty, manual.", of_field("suite"), &draft.suite, &offered.suites)}
            {form::field("outcome", "Outcome", None, of_field("outcome"), outcome.into_any())}
            {form::field("comment", "What was seen", Some("A failure needs some words.".to_owned()), of_field("comment"), comment.into_any())}
            {form::field("picture", "Picture", Some("PNG, JPEG, WebP or GIF, 10 MiB at the most.".to_owned()), of_field("picture"), picture.into_any())}
            {form::submit("Keep", "main", record)}
        </form>
    }
    .into_any()
}

/// The inbox.
#[must_use]
pub fn show_inbox(data: &InboxPage) -> AnyView {
    let InboxPage { runs, around, offered, attach } = data;
    let content = if runs.is_empty() {
        empty::nothing("Nothing waits: every run is about something.")
    } else {
        let options: Vec<_> = offered
            .releases
            .iter()
            .map(|it| view! { <option value=it.clone()></option> })
            .collect();
        let rows = runs.iter().map(|run| waiting(run, attach)).collect();
        view! {
            <datalist id="subjects">{options}</datalist>
            {table::table("Runs that wait", &["Run", "Machine", ">Passed", ">Failed", "Came", "By", "It is about"], rows)}
        }
        .into_any()
    };
    view! {
        {page::heading("Inbox".to_owned(), crumbs(), ().into_any())}
        <p>"Runs of which nobody has said what they are about, or of a release that is not known. Their results count once they are attached."</p>
        {content}
        {page::around("/tests/inbox", around)}
    }
    .into_any()
}

fn waiting(run: &Run, attach: &Choice) -> AnyView {
    let field = format!("attach-{}", run.id);
    let to = form::acting::<AttachRun>(
        "inline",
        vec![("run", run.id.to_string())],
        view! {
            <label class="hidden" for=field.clone()>{format!("What {} is about", run.suite)}</label>
            <input id=field name="release" list="subjects" required autocomplete="off" spellcheck="false"/>
            {form::submit("Attach", "", attach)}
        }
        .into_any(),
    );
    table::row(vec![
        table::link(href::run(&run.id), run.suite.clone()),
        run.machine.clone().into_any(),
        table::number(run.totals.passed.to_string()),
        table::number(run.totals.failing().to_string()),
        time(run.started_at),
        run.recorded_by.clone().into_any(),
        to,
    ])
}
