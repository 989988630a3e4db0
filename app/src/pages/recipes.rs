//! `/recipes`, the editor, revisions, what changed between two, and the form that builds.

mod editor;
mod fields;

use domain::policy::{may_build, may_edit_recipe};
use leptos::prelude::*;

use crate::{
    api::{
        Choice,
        recipes::{
            BuildPage, RecipeDiffPage, RecipesPage, RevisionRow, RevisionsPage, StartBuild,
            load_build, load_recipe, load_recipe_diff, load_recipes, load_revisions,
        },
    },
    pages::{parameter, query},
    routes::href,
    ui::{
        badge::{Status, badge},
        copy,
        diff::diff as show_lines,
        form, page,
        release::release_link,
        table,
        time::time,
    },
    viewer::viewer,
};
pub(in crate::pages) use editor::paper;
pub use editor::show as show_editor;
pub use fields::markup as form_markup;

pub(crate) fn list() -> AnyView {
    page::loaded(&["recipe/", "release/"], load_recipes(), |data| show_list(&data))
}

pub(crate) fn new() -> AnyView {
    page::loaded(&[], load_recipe(String::new()), show_editor)
}

/// The editor follows no changes: what somebody types must not be drawn over.
pub(crate) fn edit() -> AnyView {
    page::loaded(&[], load_recipe(parameter("name")), show_editor)
}

pub(crate) fn revisions() -> AnyView {
    page::loaded(&["recipe/"], load_revisions(parameter("name")), show_revisions)
}

pub(crate) fn diff() -> AnyView {
    let number = |name| query(name).parse().ok();
    let data = load_recipe_diff(parameter("name"), number("from"), number("to"));
    page::loaded(&[], data, show_diff)
}

pub(crate) fn build() -> AnyView {
    page::loaded(&[], load_build(parameter("name")), show_build)
}

fn may_edit() -> Choice {
    may_edit_recipe(viewer().role).map_err(|refusal| refusal.to_string())
}

/// The list.
#[must_use]
pub fn show_list(data: &RecipesPage) -> AnyView {
    let new = || form::go("New recipe", "/recipes/new".to_owned(), "main", &may_edit());
    if data.recipes.is_empty() {
        return view! {
            {page::heading("Recipes".to_owned(), Vec::new(), ().into_any())}
            <div class="empty">
                <p class="empty-title">"There is no recipe yet"</p>
                <p>"A recipe is a text that says everything that goes into a system and its boot menu. The starter recipe is a small Debian 12 that boots over the network as it is."</p>
                {form::go("Start from the starter recipe", "/recipes/new".to_owned(), "main", &may_edit())}
            </div>
        }
        .into_any();
    }
    let rows = data
        .recipes
        .iter()
        .map(|row| {
            let recipe = &row.recipe;
            let newest = row.newest.as_ref().map(|row| {
                view! { {release_link(&row.release.name())}" "{badge(Status::Stage(row.release.stage))} }
            });
            table::row(vec![
                table::link(href::recipe(&recipe.name), recipe.name.clone()),
                view! { <a href=href::recipe_part(&recipe.name, "revisions")>{format!("r{}", recipe.revision)}</a> }.into_any(),
                view! { {time(recipe.saved_at)}" by "{recipe.author.clone()} }.into_any(),
                newest.into_any(),
                view! { <a href=href::recipe_part(&recipe.name, "build")>"Build release"</a> }.into_any(),
            ])
        })
        .collect();
    view! {
        {page::heading("Recipes".to_owned(), Vec::new(), new())}
        {table::table("Recipes", &["Recipe", "Revision", "Saved", "Newest release", "What next"], rows)}
    }
    .into_any()
}

/// Tabs of a recipe; `here` names the part that is shown.
fn head(name: &str, here: &'static str) -> AnyView {
    let tab = |label, part: &'static str| {
        let href = if part.is_empty() { href::recipe(name) } else { href::recipe_part(name, part) };
        (label, href, here == part)
    };
    let tabs = vec![
        tab("Text", ""),
        tab("Revisions", "revisions"),
        tab("Changes", "diff"),
        tab("Build release", "build"),
    ];
    view! {
        {page::heading(name.to_owned(), vec![("Recipes", "/recipes".to_owned())], ().into_any())}
        {page::tabs("Parts of this recipe", tabs)}
    }
    .into_any()
}

/// The revisions.
#[must_use]
pub fn show_revisions(data: RevisionsPage) -> AnyView {
    let RevisionsPage { name, revisions } = data;
    let rows = revisions
        .iter()
        .map(|revision| {
            let changes = (revision.number > 1).then(|| {
                let href = href::recipe_diff(&name, revision.number - 1, revision.number);
                view! { <a href=href>{format!("against r{}", revision.number - 1)}</a> }
            });
            table::row(vec![
                format!("r{}", revision.number).into_any(),
                revision.message.clone().into_any(),
                changes.into_any(),
                copy::digest(&revision.digest, &format!("digest of revision {}", revision.number)),
                view! { {time(revision.saved_at)}" by "{revision.author.clone()} }.into_any(),
            ])
        })
        .collect();
    view! {
        {head(&name, "revisions")}
        {table::table("Revisions", &["Revision", "What and why", "Changes", "Digest", "Saved"], rows)}
    }
    .into_any()
}

/// What changed between two revisions.
#[must_use]
pub fn show_diff(data: RecipeDiffPage) -> AnyView {
    let RecipeDiffPage { name, newest, from, to, lines } = data;
    let options = |chosen: u32| {
        (1..=newest)
            .rev()
            .map(|number| view! { <option value=number.to_string() selected=number == chosen>{format!("r{number}")}</option> })
            .collect::<Vec<_>>()
    };
    let side = |revision: &RevisionRow| {
        view! { {format!("r{}: {}", revision.number, revision.message)}" ("{revision.author.clone()}", "{time(revision.saved_at)}")" }
    };
    let caption = format!("Revision {} of {name} against revision {}", to.number, from.number);
    view! {
        {head(&name, "diff")}
        <form method="get" class="search">
            <label for="from">"From"</label><select id="from" name="from">{options(from.number)}</select>
            <label for="to">"to"</label><select id="to" name="to">{options(to.number)}</select>
            <button type="submit">"Compare"</button>
            <a href=href::recipe_diff(&name, to.number, from.number)>"Swap sides"</a>
        </form>
        {table::properties(vec![("From", side(&from).into_any()), ("To", side(&to).into_any())])}
        {show_lines(&lines, caption)}
    }
    .into_any()
}

/// The form that starts a build.
#[must_use]
pub fn show_build(data: BuildPage) -> AnyView {
    let BuildPage { name, revision, version, former } = data;
    let choice = may_build(viewer().role).map_err(|refusal| refusal.to_string());
    let version_error = form::failed::<StartBuild>().and_then(|error| error.of_field("version"));
    let keep = former.map(|row| {
        let release = row.release;
        view! {
            <label class="choice">
                <input type="radio" name="packages" value="keep"/>
                <span>
                    <strong>"Keep the packages of "{release.name()}</strong>
                    <span class="about">"The same versions as in its lock of "{time(release.created_at)}". No mirror is asked."</span>
                </span>
            </label>
        }
    });
    view! {
        {head(&name, "build")}
        {form::acting::<StartBuild>("sheet", vec![("name", name.clone()), ("revision", revision.number.to_string())], view! {
            {table::properties(vec![
                ("Builds", view! { {format!("revision {}: {}", revision.number, revision.message)} }.into_any()),
                ("Saved", view! { {time(revision.saved_at)}" by "{revision.author.clone()} }.into_any()),
            ])}
            <div class="field">
                <label for="version">"Version"</label>
                <input id="version" name="version" value=version.to_string() required autocomplete="off" spellcheck="false" aria-describedby="version-about"/>
                <p class="about" id="version-about">
                    <span class="wrong" role="alert">{version_error}</span>
                    " A candidate, such as v1.2.0-rc.1. Once it is deployed to production its name becomes v1.2.0, without a rebuild."
                </p>
            </div>
            <fieldset>
                <legend>"Packages"</legend>
                <label class="choice">
                    <input type="radio" name="packages" value="newer" checked/>
                    <span>
                        <strong>"Take the newest"</strong>
                        <span class="about">"What the archive has now. Where nothing is newer, no step runs again."</span>
                    </span>
                </label>
                {keep}
            </fieldset>
            {form::submit("Build release", "main", &choice)}
        }.into_any())}
    }
    .into_any()
}
