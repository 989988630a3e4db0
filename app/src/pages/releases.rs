//! `/releases` and the tabs of one release.

mod contents;
mod files;
mod head;
mod import;
mod notes;
mod reach;
mod report;
mod tests;
mod trying;

use leptos::prelude::*;

use crate::{
    api::guests::StartGuest,
    api::history::Narrowed,
    api::imports::load_import,
    api::releases::{
        ReleasePage, ReleasesPage, load_contents, load_files, load_notes, load_release,
        load_release_deployments, load_releases, load_report, load_tests,
    },
    pages::{parameter, query},
    routes::href,
    ui::{
        change::{changes, counted},
        copy, empty, page, release,
        sizes::sizes,
        steps::steps,
        table,
        time::{time, time_or_dash},
    },
};
pub use contents::show as show_contents;
pub use files::show as show_files;
pub use import::show as show_import;
pub use notes::show as show_notes;
pub use reach::show as show_deployments;
pub use report::show as show_report;
pub use tests::{evidence, show as show_tests};
pub(in crate::pages) use trying::trying;

/// What lets a release look otherwise.
const TOPICS: &[&str] = &["release/", "job/", "run/", "deployment/", "environment/"];

pub(crate) fn list() -> AnyView {
    page::loaded(TOPICS, load_releases(page::after()), |data| show_list(&data))
}

pub(crate) fn overview() -> AnyView {
    page::loaded(TOPICS, load_release(parameter("version")), show)
}

pub(crate) fn contents() -> AnyView {
    let data = load_contents(parameter("version"), query("q"), query("part"));
    page::loaded(&["release/"], data, show_contents)
}

pub(crate) fn tests() -> AnyView {
    let data = load_tests(parameter("version"), Narrowed::of(query));
    page::loaded(TOPICS, data, show_tests)
}

pub(crate) fn report() -> AnyView {
    page::loaded(TOPICS, load_report(parameter("version"), query("baseline")), show_report)
}

pub(crate) fn deployments() -> AnyView {
    page::loaded(TOPICS, load_release_deployments(parameter("version")), show_deployments)
}

pub(crate) fn notes() -> AnyView {
    // Not live: what somebody types must not go while it is typed.
    page::loaded(&[], load_notes(parameter("version")), show_notes)
}

pub(crate) fn import() -> AnyView {
    // Not live: what somebody types must not go while it is typed.
    page::loaded(&[], load_import(), show_import)
}

pub(crate) fn files() -> AnyView {
    page::loaded(&["release/"], load_files(parameter("version")), show_files)
}

/// The list.
#[must_use]
pub fn show_list(data: &ReleasesPage) -> AnyView {
    let content = if data.releases.is_empty() {
        empty::empty(
            "There is no release yet",
            "A release is what building a recipe gives: images, kernel, initrd and a boot menu, signed.",
            Some(("/recipes".to_owned(), "Choose a recipe to build")),
        )
    } else {
        release::releases(&data.releases)
    };
    let around = page::around("/releases", &data.around);
    let import = view! {
        <p class="ways">
            <a href="/releases/import">"Import what you have already"</a>
            <a href="/feed.atom" rel="external">"Follow by a feed reader"</a>
        </p>
    };
    view! { {page::heading("Releases".to_owned(), Vec::new(), ().into_any())}{import}{content}{around} }
        .into_any()
}

/// The overview of a release.
#[must_use]
pub fn show(data: ReleasePage) -> AnyView {
    let ReleasePage {
        head,
        manifest,
        packages,
        key_id,
        changes: against,
        steps: all,
        outcome,
        try_it,
    } = data;
    let release = head.row.release.clone();
    // An import proposes its recipe when it has read the rootfs.
    let recipe = if release.is_imported() && release.manifest.is_none() {
        "none yet".into_any()
    } else {
        view! {
            <a href=href::recipe(&release.recipe_name)>{release.recipe_name.clone()}</a>
            {format!(", revision {}", release.revision)}
        }
        .into_any()
    };
    let mut properties = vec![
        ("Candidate", table::code(release.version.to_string())),
        (if release.is_imported() { "Proposed recipe" } else { "Recipe" }, recipe),
        (
            "Asked for",
            view! { {time(release.created_at)}" by "{release.created_by.clone()} }.into_any(),
        ),
        ("Built", time_or_dash(release.built_at)),
    ];
    if release.released_at.is_some() {
        properties.push(("Released", time_or_dash(release.released_at)));
    }
    if let Some(manifest) = &release.manifest {
        properties.push(("Digest", copy::digest(manifest, "the manifest's digest")));
    }
    if let Some(lock) = &release.lock {
        properties.push(("Lock", copy::digest(lock, "the lock's digest")));
    }
    if let Some(key) = key_id {
        properties.push(("Signed by", view! { "key "<code>{key}</code> }.into_any()));
    }
    if let Some(manifest) = &manifest {
        let kernels: Vec<&str> =
            manifest.kernels.iter().map(|kernel| kernel.release.as_str()).collect();
        properties.push(("Kernel", table::code(kernels.join(", "))));
        let contents = view! {
            <a href=href::release_tab(&release.name(), "contents")>
                {counted(packages, "package", "packages")}", "
                {counted(manifest.entries.len(), "boot entry", "boot entries")}
            </a>
        };
        properties.push(("Contents", contents.into_any()));
    }
    if let Some(outcome) = outcome {
        let ended = if release.is_imported() { "Import ended" } else { "Build ended" };
        properties.push((ended, outcome.into_any()));
    }
    let changed =
        against.map(|against| page::section("What changed against production", changes(&against)));
    let bootable = release.stage.bootable();
    let trying = manifest
        .as_ref()
        .filter(|_| bootable)
        .map(|it| trying::<StartGuest>(("version", release.name()), it, &try_it));
    let made_of = manifest.map(|manifest| page::section("Sizes", sizes(&manifest.components)));
    let report = bootable.then(
        || view! { <p><a href=href::report(&release.name(), None)>"The release report, to read, print or post"</a></p> },
    );
    let log = view! { <p><a href=href::job(&release.job)>"The job with its log"</a></p> };
    view! {
        {head::head(&head, "overview")}
        {trying}
        {changed}
        {page::section("About", view! { {table::properties(properties)}{report} }.into_any())}
        {made_of}
        {page::section(
            if release.is_imported() { "Import" } else { "Build" },
            view! { {steps(&all, false)}{log} }.into_any(),
        )}
        {head::pinning(&head)}
        {head::withdrawing(&head)}
    }
    .into_any()
}
