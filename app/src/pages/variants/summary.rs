//! What stands beside the compose form: what a build would do, what it takes, what is wrong, and the
//! buttons that save.
//!
//! It is drawn anew as a whole (`data-whole`) whenever the form was looked at.

use std::time::Duration;

use domain::{
    packages::pinned,
    time::{human_duration, human_size},
    variant::{PackageChange, VariantLock},
};
use leptos::prelude::*;
use services::variants::Preview;

use super::{agreement::agreement, changes, controls::button};
use crate::{
    api::{
        Choice,
        variants::{Look, Seen, VariantForm},
    },
    error::sentence,
    ui::{change::counted, form, table},
};

/// The summary. With `kept` a page with script leaves the one that it has as it is.
pub(super) fn summary(it: &VariantForm, look: &Look, save: &Choice, kept: bool) -> AnyView {
    let disabled = save.is_err();
    let preview = match &look.seen {
        Seen::Would(preview) => Some(&**preview),
        _ => None,
    };
    let said = match &look.seen {
        Seen::NotAsked => view! {
            <p class="nothing">"Packages that would come and go, sizes and the time that it takes appear here before anything is built."</p>
        }
        .into_any(),
        Seen::Faulty => ().into_any(),
        Seen::Unavailable(why) => {
            view! { <p class="unavailable">{sentence(why)}</p> }.into_any()
        }
        Seen::Would(preview) => would(it, preview),
    };
    let look =
        button("Look what it would do".into_any(), "look".to_owned(), "summary", "", disabled);
    let reason = save.as_ref().err().map(|why| view! { <p class="reason">{sentence(why)}</p> });
    view! {
        <aside class="look" id="form-summary" data-part="summary" data-whole="" data-kept=kept.then_some("") aria-label="What it would do">
            <h2>"What it would do"</h2>
            {faults(it)}
            {said}
            {agreement(it, preview)}
            {differences(it)}
            <div class="acts">
                <button type="submit" class="main" name="do" value="build" disabled=disabled>"Save and build"</button>
                <button type="submit" name="do" value="save" disabled=disabled>"Save"</button>
                {look}
            </div>
            {reason}
        </aside>
    }
    .into_any()
}

/// Everything that is wrong, each leading to its field.
fn faults(it: &VariantForm) -> AnyView {
    if it.faults.is_empty() {
        return ().into_any();
    }
    let words = counted(it.faults.len(), "fault", "faults");
    let rows: Vec<_> = it
        .faults
        .iter()
        .map(|(place, message)| match anchor(place) {
            Some(anchor) => {
                view! { <li><a href=anchor>{place.clone()}</a>": "{sentence(message)}</li> }
                    .into_any()
            }
            None => view! { <li>{sentence(message)}</li> }.into_any(),
        })
        .collect();
    view! { <div class="alert"><strong>{words}</strong><ul>{rows}</ul></div> }.into_any()
}

/// Where the field of a place stands.
fn anchor(place: &str) -> Option<String> {
    match place {
        "definition" | "revision" | "uploads" | "" => None,
        "kernels" | "files" | "users" => Some(format!("#form-{place}")),
        "playbook" => Some("#playbook.content".to_owned()),
        _ => {
            let field = match place.rsplit_once('.') {
                Some((list, at)) if at.parse::<usize>().is_ok() => list,
                _ => place,
            };
            Some(format!("#{field}"))
        }
    }
}

fn would(it: &VariantForm, preview: &Preview) -> AnyView {
    let base = view! { {preview.base.clone()}" "<span class="quiet">{human_size(preview.base_size)}</span> };
    let mut rows = vec![("Base", base.into_any())];
    if let Some(lock) = &preview.lock {
        rows.push(("Layer", preview.layer.told(preview.base_size).into_any()));
        if lock.download_size() > 0 {
            let words =
                format!("{} to fetch, unless it is here already", human_size(lock.download_size()));
            rows.push(("Packages", words.into_any()));
        }
    }
    let expected = preview.expected_ms.map_or_else(
        || "not known: no variant was built yet".to_owned(),
        |ms| {
            let compiled = !it.definition().own_kernels().is_empty();
            let compiled =
                if compiled { "; a kernel that must be compiled comes on top" } else { "" };
            let took = human_duration(Duration::from_millis(ms));
            format!("about {took}, as the last builds like it did{compiled}")
        },
    );
    rows.push(("Takes", expected.into_any()));
    let refused = preview.refused.as_ref().map(|why| {
        view! { <div class="alert"><strong>"apt refuses."</strong><p class="prose">{why.trim().to_owned()}</p></div> }
    });
    let idle = (!preview.without_effect.is_empty()).then(|| {
        let said: Vec<_> =
            preview.without_effect.iter().map(|it| view! { <li>{sentence(it)}</li> }).collect();
        let title = format!("What does nothing on {}", preview.base);
        view! { <div class="notice"><strong>{title}</strong><ul>{said}</ul></div> }
    });
    view! { {refused}{idle}{table::properties(rows)}{preview.lock.as_ref().map(|lock| packages(it, lock))} }
        .into_any()
}

/// What comes and goes: what was asked for first.
fn packages(it: &VariantForm, lock: &VariantLock) -> AnyView {
    let definition = it.definition();
    let added: Vec<&str> = definition.packages.add.iter().map(|it| pinned(it).0).collect();
    let (mut asked, mut along, mut other, mut removed) = (vec![], vec![], vec![], vec![]);
    for change in &lock.changes {
        match (&change.from, &change.to) {
            (None, Some(_)) if added.contains(&change.name.as_str()) => asked.push(change),
            (None, Some(_)) => along.push(change),
            (Some(_), Some(_)) => other.push(change),
            (_, None) => removed.push(change),
        }
    }
    if lock.changes.is_empty() {
        return view! { <p class="quiet">"apt has nothing to install and nothing to remove."</p> }
            .into_any();
    }
    view! {
        {group("Comes", "kind added", &asked, true)}
        {group("Comes along", "kind added", &along, along.len() <= 12)}
        {group("Gets another version", "kind changed", &other, true)}
        {group("Goes", "kind removed", &removed, true)}
    }
    .into_any()
}

fn group(
    title: &'static str,
    class: &'static str,
    changes: &[&PackageChange],
    open: bool,
) -> AnyView {
    if changes.is_empty() {
        return ().into_any();
    }
    let size: u64 = changes.iter().map(|it| it.installed_kib << 10).sum();
    let rows: Vec<_> = changes
        .iter()
        .map(|it| {
            let version = match (&it.from, &it.to) {
                (Some(from), Some(to)) => format!("{from} → {to}"),
                (Some(it), None) | (None, Some(it)) => it.clone(),
                (None, None) => String::new(),
            };
            view! { <li><code>{it.name.clone()}</code>" "<span class="quiet">{version}</span><span class="number">{human_size(it.installed_kib << 10)}</span></li> }
        })
        .collect();
    view! {
        <details class="group" open=open>
            <summary><span class=class>{title}</span>" "<span class="quiet">{format!("{}, {}", counted(changes.len(), "package", "packages"), human_size(size))}</span></summary>
            <ul class="package-list">{rows}</ul>
        </details>
    }
    .into_any()
}

/// What else is different from the base, in a few words.
fn differences(it: &VariantForm) -> AnyView {
    let said = changes::counts(&it.definition());
    if said.is_empty() {
        return view! { <p class="quiet">"So far nothing is different from the base."</p> }
            .into_any();
    }
    view! { <p class="differences"><span class="quiet">"Different from the base: "</span>{said.join(", ")}"."</p> }
        .into_any()
}

/// Why nothing was saved, besides faults of fields.
pub(super) fn refused(it: &VariantForm) -> AnyView {
    form::fault(it.error.clone())
}
