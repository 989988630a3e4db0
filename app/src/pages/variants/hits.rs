//! What a search over the archive found, each with a way to add it.

use domain::{packages::pinned, time::human_size};
use leptos::prelude::*;
use services::variants::FoundPackage;

use super::controls::button;
use crate::{
    api::variants::{Look, VariantForm},
    ui::{empty, table},
};

/// How many hits a page shows; a further word narrows them.
const SHOWN: usize = 20;

/// What was found, or why nothing can be.
pub(super) fn found(form: &VariantForm, look: &Look, disabled: bool) -> AnyView {
    let found = match &look.found {
        None => return ().into_any(),
        Some(Err(why)) => {
            return view! { <p class="wrong">{crate::error::sentence(why)}</p> }.into_any();
        }
        Some(Ok(found)) => found,
    };
    if found.is_empty() {
        return empty::nothing("No package has all these words in its name or description.");
    }
    let added: Vec<String> =
        form.single.raw("packages.add").split_whitespace().map(ToOwned::to_owned).collect();
    let pins = form.suites();
    let rows = found.iter().take(SHOWN).map(|it| hit(it, &added, &pins, disabled)).collect();
    let more = (found.len() > SHOWN)
        .then(|| view! { <p class="quiet">"There are more; another word narrows them."</p> });
    view! {
        <div class="hits">
            {table::table("Packages that were found", &["Package", "Version", ">Size", "What it is", "Add"], rows)}
            {more}
        </div>
    }
    .into_any()
}

fn hit(it: &FoundPackage, added: &[String], pins: &[String], disabled: bool) -> AnyView {
    // One of a suite besides the base's own has to say so.
    let named = if pins.contains(&it.suite) {
        format!("{}/{}", it.name, it.suite)
    } else {
        it.name.clone()
    };
    let there = added.iter().any(|added| pinned(added).0 == it.name);
    let add = if there {
        view! { <span class="quiet">"added"</span> }.into_any()
    } else {
        let label = view! { "Add "<span class="hidden">{named.clone()}</span> };
        button(label.into_any(), format!("package.{named}"), "packages", "small", disabled)
    };
    table::row(vec![
        table::code(it.name.clone()),
        view! { {it.version.clone()}<div class="quiet">{it.suite.clone()}</div> }.into_any(),
        table::number(human_size(it.installed_kib << 10)),
        it.description.clone().into_any(),
        add,
    ])
}
