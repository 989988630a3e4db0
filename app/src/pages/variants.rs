//! `/variants`, one variant, and the form that composes one.

mod agreement;
mod builds;
mod changes;
mod comparison;
mod controls;
mod editor;
mod hits;
mod lists;
mod one;
mod recipe_change;
mod sections;
mod summary;

use domain::variant::VariantState;
use leptos::prelude::*;

use crate::{
    api::variants::{
        VariantRow, VariantsAsked, VariantsPage, load_comparison, load_new_variant,
        load_recipe_change, load_variant, load_variant_form, load_variants,
    },
    pages::{parameter, query},
    routes::href::{self, encode},
    ui::{
        badge::{Status, badge},
        empty, form,
        icon::Icon,
        page,
        release::release_link,
        table,
        time::time,
    },
    viewer::viewer,
};
pub use comparison::show as show_comparison;
pub use editor::{markup as form_markup, show as show_form};
pub use one::show;
pub use recipe_change::show as show_recipe_change;

/// What lets a variant look otherwise.
const TOPICS: &[&str] = &["variant/", "job/", "run/", "environment/"];

pub(crate) fn list() -> AnyView {
    let asked =
        VariantsAsked { owner: query("owner"), state: query("state"), words: query("words") };
    page::loaded(TOPICS, load_variants(asked, page::after()), |data| show_list(&data))
}

pub(crate) fn variant() -> AnyView {
    page::loaded(TOPICS, load_variant(parameter("name"), page::after()), |data| show(&data))
}

pub(crate) fn new() -> AnyView {
    page::loaded(&[], load_new_variant(query("clone"), query("base")), show_form)
}

/// The form follows no changes: what somebody types must not be drawn over.
pub(crate) fn edit() -> AnyView {
    page::loaded(&[], load_variant_form(parameter("name"), query("base")), show_form)
}

pub(crate) fn comparison() -> AnyView {
    page::loaded(&["job/", "run/"], load_comparison(parameter("name")), show_comparison)
}

/// Nor does this page follow changes: what somebody looks at is what they save.
pub(crate) fn recipe_change() -> AnyView {
    page::loaded(&[], load_recipe_change(parameter("name")), show_recipe_change)
}

/// The list.
#[must_use]
pub fn show_list(data: &VariantsPage) -> AnyView {
    let VariantsPage { variants, around, asked, state, make } = data;
    let filtered = *asked != VariantsAsked::default();
    if variants.is_empty() && around.newest && !filtered {
        return view! {
            {page::heading("Variants".to_owned(), Vec::new(), ().into_any())}
            <div class="empty">
                <p class="empty-title">"There is no variant yet"</p>
                <p>"A variant is a release with something changed, for development: other packages, files, another kernel. Only the difference is built, as a small layer, so it boots seconds later. It belongs to one person, ends after some days, and never gets to production."</p>
                {form::go("Make a variant", "/variants/new".to_owned(), "main", make)}
            </div>
        }
        .into_any();
    }
    let beside = form::go("Make a variant", "/variants/new".to_owned(), "main", make);
    let list = if variants.is_empty() {
        empty::nothing("No variant is like that.")
    } else {
        rows(variants)
    };
    let parameters: Vec<String> =
        [("owner", &asked.owner), ("state", &asked.state), ("words", &asked.words)]
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| format!("{name}={}", encode(value)))
            .collect();
    let path = if filtered {
        format!("/variants?{}", parameters.join("&"))
    } else {
        "/variants".to_owned()
    };
    view! {
        {page::heading("Variants".to_owned(), Vec::new(), beside)}
        {filters(asked, *state)}
        {list}
        {page::turning(&path, around, "First", "Next")}
    }
    .into_any()
}

fn filters(asked: &VariantsAsked, state: Option<VariantState>) -> AnyView {
    let states: Vec<_> = VariantState::ALL
        .into_iter()
        .map(|it| view! { <option value=it.word() selected=state == Some(it)>{it.word()}</option> })
        .collect();
    let all =
        (*asked != VariantsAsked::default()).then(|| view! { <a href="/variants">"Show all"</a> });
    let me = viewer().name;
    let mine = (asked.owner != me)
        .then(|| view! { <a href=format!("/variants?owner={}", encode(&me))>"Mine"</a> });
    view! {
        <form method="get" action="/variants" class="search">
            <label for="words">"Name or description"</label>
            <input id="words" name="words" value=asked.words.clone() autocomplete="off" spellcheck="false"/>
            <label for="owner">"Owner"</label>
            <input id="owner" name="owner" value=asked.owner.clone() autocomplete="off" spellcheck="false"/>
            <label for="state">"State"</label>
            <select id="state" name="state"><option value="">"any"</option>{states}</select>
            <button type="submit">"Show"</button>
            {mine}
            {all}
        </form>
    }
    .into_any()
}

fn rows(variants: &[VariantRow]) -> AnyView {
    let rows = variants
        .iter()
        .map(|row| {
            let variant = &row.summary.variant;
            let described = (!variant.description.is_empty())
                .then(|| view! { <div class="quiet">{variant.description.clone()}</div> });
            table::row(vec![
                view! { <a href=href::variant(&variant.name)>{variant.name.clone()}</a>{described} }
                    .into_any(),
                badge(Status::Variant(row.summary.state)),
                base(&variant.definition.base),
                variant.owner.clone().into_any(),
                ends(row),
                table::number(layer_size(row).map_or_else(|| "–".to_owned(), domain::time::human_size)),
            ])
        })
        .collect();
    table::table("Variants", &["Variant", "State", "Base", "Owner", "Ends", ">Layer"], rows)
}

/// Length of the layer of the newest complete build, in bytes.
fn layer_size(row: &VariantRow) -> Option<u64> {
    row.summary.built.as_ref().and_then(domain::variant::VariantBuild::layer_size)
}

/// The release that a variant stands on.
fn base(name: &str) -> AnyView {
    if name.is_empty() { "what production runs".into_any() } else { release_link(name) }
}

/// When a variant ends, with a sign from some days before.
#[must_use]
pub fn ends(row: &VariantRow) -> AnyView {
    let at = time(row.summary.variant.expires_at);
    if !row.ending {
        return at;
    }
    let over = row.summary.state == VariantState::Expired;
    let class = if over { "ends over" } else { "ends" };
    let words = if over { "over since " } else { "" };
    view! { <span class=class>{Icon::Warning.draw()}<span>{words}{at}</span></span> }.into_any()
}

/// Variants that end within days or are over, for whoever they belong to.
#[must_use]
pub fn ending(rows: &[VariantRow]) -> AnyView {
    let rows: Vec<_> = rows
        .iter()
        .map(|row| {
            let variant = &row.summary.variant;
            view! {
                <li>
                    <div class="line">
                        <a href=href::variant(&variant.name)>{variant.name.clone()}</a>
                        {badge(Status::Variant(row.summary.state))}
                    </div>
                    <p class="quiet">{ends(row)}</p>
                </li>
            }
        })
        .collect();
    view! { <ul class="list">{rows}</ul> }.into_any()
}
