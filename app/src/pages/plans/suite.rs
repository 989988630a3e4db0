//! `/suites/:name` and `/suites/new`: what a suite is, its form, its revisions.

use domain::suite::{Suite, SuiteSource};
use leptos::prelude::*;

use super::crumbs;
use crate::{
    api::plans::{RemoveSuite, SuiteDraft, SuitePage},
    error::AppError,
    routes::href,
    ui::{copy, form, page, raw, table, time::time},
};

/// Fields that show a fault at themselves; others stand above the form.
const FIELDS: [&str; 10] = [
    "name",
    "description",
    "archive",
    "source.url",
    "source.reference",
    "source.key",
    "folder",
    "command",
    "minutes",
    "results",
];

/// The page.
#[must_use]
pub fn show(data: &SuitePage) -> AnyView {
    let Some(suite) = &data.suite else {
        return view! {
            {page::heading("Add a suite".to_owned(), crumbs(), ().into_any())}
            <p>"A suite is a folder of files and what to run in it: Robot Framework, or any program that leaves results. It drives the machine by its serial console and its power switch."</p>
            {editor(data)}
        }
        .into_any();
    };
    let it = &suite.definition;
    let once = if it.each_entry { "each boot entry, and told which" } else { "each machine" };
    let plans: Vec<_> = data
        .plans
        .iter()
        .map(|it| view! { <li><a href=href::plan(it)>{it.clone()}</a></li> })
        .collect();
    let plans = if plans.is_empty() {
        "no plan yet".into_any()
    } else {
        view! { <ul class="plain">{plans}</ul> }.into_any()
    };
    let or = |text: &str, nothing: &'static str| {
        if text.is_empty() { nothing.into_any() } else { table::code(text.to_owned()) }
    };
    view! {
        {page::heading(format!("Suite {}", suite.name), crumbs(), ().into_any())}
        {(!it.description.is_empty()).then(|| view! { <p class="summary">{it.description.clone()}</p> })}
        {table::properties(vec![
            ("Revision", suite.revision.to_string().into_any()),
            ("Files", source(suite)),
            ("Folder", or(&it.folder, "their top")),
            ("Runs", table::code(it.command.summary())),
            ("Once for", once.into_any()),
            ("Time", format!("{} minutes at the most", it.minutes).into_any()),
            ("Results", or(&it.results, "found by their name")),
            ("Run by", plans),
            ("Saved", view! { {time(suite.saved_at)}" by "{suite.saved_by.clone()} }.into_any()),
        ])}
        {page::section("Change it", editor(data))}
        {page::section("Revisions", revisions(data))}
        {removing(suite, data)}
    }
    .into_any()
}

fn source(suite: &Suite) -> AnyView {
    match &suite.definition.source {
        SuiteSource::Upload { file } => view! {
            {file.name.clone()}", "{copy::digest(&file.sha256, "the archive's digest")}
        }
        .into_any(),
        SuiteSource::Git { url, reference, commit, .. } => {
            let commit = match commit {
                Some(commit) if commit != reference => format!(", the commit {commit}"),
                _ => String::new(),
            };
            view! { {format!("{url} at {reference}{commit}")} }.into_any()
        }
    }
}

/// A line to type that may be left empty.
fn line(
    id: &'static str,
    label: &'static str,
    hint: &str,
    error: Option<String>,
    value: &str,
) -> AnyView {
    let control = view! {
        <input id=id name=id value=value.to_owned() autocomplete="off" spellcheck="false" aria-describedby=format!("{id}-about")/>
    };
    form::field(id, label, Some(hint.to_owned()), error, control.into_any())
}

/// Lines to type.
fn lines(
    id: &'static str,
    label: &'static str,
    hint: &str,
    error: Option<String>,
    value: &str,
) -> AnyView {
    let control = view! {
        <textarea id=id name=id rows="3" spellcheck="false" aria-describedby=format!("{id}-about")>{raw(value)}</textarea>
    };
    form::field(id, label, Some(hint.to_owned()), error, control.into_any())
}

fn editor(data: &SuitePage) -> AnyView {
    let draft = &data.draft;
    let error = draft.error.clone();
    let of_field = |field: &str| error.as_ref().and_then(|error| error.of_field(field));
    let placed = FIELDS.into_iter().any(|field| of_field(field).is_some());
    let general = error.clone().filter(|_: &AppError| !placed);
    let SuiteDraft { name, revision, is_program, each_entry, minutes, .. } = draft.clone();
    let action = if revision.is_some() { href::suite(&name) } else { "/suites/new".to_owned() };
    let named = revision.is_none().then(|| {
        let hint = "a-z, 0-9, '.' and '-'; its runs go by it.".to_owned();
        let field = form::line("name", "name", name.clone());
        form::field("name", "Name", Some(hint), of_field("name"), field)
    });
    let base = revision.map(|it| view! { <input type="hidden" name="base" value=it.to_string()/> });
    let commit = draft.commit.clone().map(|it| {
        let kept = format!("{it} {} {}", draft.reference, draft.url);
        view! { <input type="hidden" name="commit" value=kept/> }
    });
    let kept = draft.upload.clone().map(|file| {
        view! {
            <input type="hidden" name="kept" value=format!("{} {}", file.sha256, file.name)/>
            <p class="quiet">{format!("{} is here; choose a file to put another in its place.", file.name)}</p>
        }
    });
    let archive =
        view! { <input type="file" id="archive" name="archive" aria-describedby="archive-about"/> };
    let uploaded = view! {
        {kept}
        {form::field("archive", "Archive", Some("A tar, compressed or not, or a zip.".to_owned()), of_field("archive"), archive.into_any())}
    };
    let git = view! {
        {line("url", "Repository", "https://…, ssh://user@host/path, or a path below the folder that an administrator opened.", of_field("source.url"), &draft.url)}
        {line("reference", "Tag or commit", "A tag must not move: it is held to the commit that it stood for first.", of_field("source.reference"), &draft.reference)}
        {line("key", "Key, for ssh only", "Name of a key that an administrator has put there.", of_field("source.key"), &draft.key)}
    };
    let of_robot = of_field("command").filter(|_| !is_program);
    let robot = view! {
        {lines("robot", "Files or folders, a line each", "Such as boot.robot, within the folder.", of_robot, &draft.robot)}
        {lines("options", "Options, a line each", "Such as --exclude and, on the next line, slow.", None, &draft.options)}
    };
    let of_program = of_field("command").filter(|_| is_program);
    let program = lines(
        "words",
        "Program and arguments, a line each",
        "Such as ./run.sh. It leaves Robot, JUnit, TAP, CSV or our own JSON in $BOOTWRIGHT_RESULTS.",
        of_program,
        &draft.words,
    );
    let about = view! {
        <input id="description" name="description" value=draft.description.clone() maxlength="500" autocomplete="off"/>
    };
    let minutes = view! {
        <input id="minutes" name="minutes" type="number" min="1" max="720" required value=minutes.to_string() aria-describedby="minutes-about"/>
    };
    let label = if revision.is_some() { "Save" } else { "Add" };
    view! {
        <form method="post" action=action enctype="multipart/form-data" class="sheet kernel-form">
            {form::fault(general)}
            {named}
            {base}
            {commit}
            {form::field("description", "What it is for", None, of_field("description"), about.into_any())}
            <fieldset class="choices">
                <legend>"Files"</legend>
                {form::option("source", "upload", "Upload", "An archive from your machine.", !draft.from_git, uploaded.into_any())}
                {form::option("source", "git", "Git", "A tag or commit of a repository.", draft.from_git, git.into_any())}
            </fieldset>
            {line("folder", "Folder", "The one of these files in which it runs; their top where empty.", of_field("folder"), &draft.folder)}
            <fieldset class="choices">
                <legend>"What it runs"</legend>
                {form::option("command", "robot", "Robot Framework", "From the server's Python environment of suites.", !is_program, robot.into_any())}
                {form::option("command", "program", "Any program", "With arguments; it starts in the folder.", is_program, program)}
            </fieldset>
            <label class="choice">
                <input type="checkbox" name="each_entry" value="true" checked=each_entry/>
                <span>"Run it for each boot entry, and tell it which"</span>
            </label>
            {form::field("minutes", "Minutes that it may take", Some("1 to 720.".to_owned()), of_field("minutes"), minutes.into_any())}
            {line("results", "File of results", "Left empty: output.xml, results.xml, junit.xml, results.json, results.tap or results.csv.", of_field("results"), &draft.results)}
            {form::submit(label, "main", &data.edit)}
        </form>
    }
    .into_any()
}

fn revisions(data: &SuitePage) -> AnyView {
    let rows = data
        .revisions
        .iter()
        .map(|it| {
            table::row(vec![
                it.revision.to_string().into_any(),
                time(it.saved_at),
                it.saved_by.clone().into_any(),
                table::code(it.definition.command.summary()),
                source(it),
            ])
        })
        .collect();
    table::table("Revisions", &["Revision", "Saved", "By", "Runs", "Files"], rows)
}

fn removing(suite: &Suite, data: &SuitePage) -> AnyView {
    // Where it was refused, the reason must be seen.
    let open = form::failed::<RemoveSuite>().is_some();
    view! {
        <details class="danger" id="remove" open=open>
            <summary>"Remove this suite"</summary>
            <p>"What was run of it stays."</p>
            {form::acting::<RemoveSuite>("", vec![("name", suite.name.clone())], view! {
                {form::confirm("confirm".to_owned(), &suite.name)}
                {form::submit("Remove", "bad", &data.edit)}
            }.into_any())}
        </details>
    }
    .into_any()
}
