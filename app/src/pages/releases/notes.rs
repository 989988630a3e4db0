//! `/releases/:version/notes`: what people say about a release, and what is known not to work.

use domain::notes::{LONGEST, ReleaseNotes};
use leptos::prelude::*;

use super::head;
use crate::{
    api::releases::{NotesDraft, NotesPage},
    routes::href,
    ui::{copy, empty, form, page, raw, table, time::time},
};

/// The page.
#[must_use]
pub fn show(data: NotesPage) -> AnyView {
    let NotesPage { head, saved, draft, edit } = data;
    let name = head.row.release.name();
    let editing = saved.frozen.is_none().then(|| {
        let frozen = "They can be changed until the release gets its released name; then they are frozen with a digest of their own. Plain text.";
        page::section("Write", view! { <p>{frozen}</p>{writing(&name, &saved, draft, &edit)} }.into_any())
    });
    view! {
        {head::head(&head, "notes")}
        {texts(&saved)}
        {about(&saved)}
        {editing}
    }
    .into_any()
}

/// The texts as they are; leptos escapes them, and the style sheet keeps their lines.
fn texts(saved: &ReleaseNotes) -> AnyView {
    let text = |text: &str, nothing: &'static str| {
        if text.is_empty() {
            empty::nothing(nothing)
        } else {
            view! { <p class="prose">{text.to_owned()}</p> }.into_any()
        }
    };
    view! {
        {page::section("Release notes", text(&saved.notes, "Nobody has written notes."))}
        {page::section("Known issues", text(&saved.known_issues, "No issue is known."))}
    }
    .into_any()
}

fn about(saved: &ReleaseNotes) -> AnyView {
    let mut rows = Vec::new();
    if let (Some(at), Some(by)) = (saved.saved_at, saved.saved_by.clone()) {
        rows.push(("Saved", view! { {time(at)}" by "{by} }.into_any()));
    }
    if let Some(frozen) = saved.frozen {
        rows.push(("Frozen", time(frozen.at)));
        rows.push(("Digest", copy::digest(&frozen.digest, "the digest of release-notes.json")));
    }
    if rows.is_empty() { ().into_any() } else { table::properties(rows) }
}

fn writing(
    name: &str,
    saved: &ReleaseNotes,
    draft: Option<NotesDraft>,
    edit: &crate::api::Choice,
) -> AnyView {
    let (notes, issues, error) = match draft {
        Some(draft) => (draft.notes, draft.known_issues, Some(draft.error)),
        None => (saved.notes.clone(), saved.known_issues.clone(), None),
    };
    let area = |id: &'static str, text: &str| {
        view! {
            <textarea id=id name=id rows="8" maxlength=LONGEST aria-describedby=format!("{id}-about") disabled=edit.is_err()>
                {raw(text)}
            </textarea>
        }
        .into_any()
    };
    let of_field = |field: &str| error.as_ref().and_then(|error| error.of_field(field));
    let placed = ["notes", "known_issues"].into_iter().any(|field| of_field(field).is_some());
    let general = error.clone().filter(|_| !placed);
    view! {
        <form method="post" action=href::release_tab(name, "notes") class="sheet wide">
            {form::fault(general)}
            <input type="hidden" name="base" value=saved.revision.to_string()/>
            {form::field("notes", "Release notes", Some("What is new, and what to know before booting it.".to_owned()), of_field("notes"), area("notes", &notes))}
            {form::field("known_issues", "Known issues", Some("What does not work, since when, and a link.".to_owned()), of_field("known_issues"), area("known_issues", &issues))}
            {form::submit("Save notes", "main", edit)}
        </form>
    }
    .into_any()
}
