//! `/kernels`, the parts of one kernel, the form that adds and changes them, and what differs
//! between two.

mod builds;
mod compare;
mod configuration;
mod editor;
mod files;
mod head;
mod overview;
mod source;

use domain::{
    kernel::{Flavor, KernelState},
    time::human_size,
};
use leptos::prelude::*;
use services::kernels::{KernelSummary, KernelUses};

use crate::{
    api::kernels::{
        Differs, KernelsPage, Narrowing, SourceKind, load_configuration, load_kernel,
        load_kernel_builds, load_kernel_diff, load_kernel_files, load_kernel_form, load_kernels,
    },
    pages::{parameter, query},
    routes::href,
    ui::{
        badge::{Status, badge},
        empty, form, page,
        release::release_link,
        table,
    },
};
pub use builds::show as show_builds;
pub use compare::show as show_diff;
pub use configuration::show as show_configuration;
pub use editor::show as show_form;
pub use files::show as show_files;
pub use overview::show;

/// What lets a kernel look otherwise.
const TOPICS: &[&str] = &["kernel/", "job/", "release/", "recipe/", "run/"];

pub(crate) fn list() -> AnyView {
    let data = load_kernels(query("flavor"), query("state"), page::after());
    page::loaded(TOPICS, data, |data| show_list(&data))
}

pub(crate) fn kernel() -> AnyView {
    page::loaded(TOPICS, load_kernel(parameter("name")), show)
}

pub(crate) fn configuration() -> AnyView {
    let data = load_configuration(parameter("name"), build(), narrowing());
    page::loaded(&["kernel/", "job/"], data, show_configuration)
}

pub(crate) fn files() -> AnyView {
    let data = load_kernel_files(parameter("name"), build());
    page::loaded(&["kernel/", "job/"], data, show_files)
}

pub(crate) fn builds() -> AnyView {
    let data = load_kernel_builds(parameter("name"), page::after());
    page::loaded(&["kernel/", "job/"], data, show_builds)
}

pub(crate) fn new() -> AnyView {
    page::loaded(&[], load_kernel_form(String::new()), show_form)
}

/// The form follows no changes: what somebody types must not be drawn over.
pub(crate) fn edit() -> AnyView {
    page::loaded(&[], load_kernel_form(parameter("name")), show_form)
}

pub(crate) fn diff() -> AnyView {
    let data = load_kernel_diff(query("from"), query("to"), narrowing());
    page::loaded(&[], data, show_diff)
}

/// Which build a page is about: `?build=`.
fn build() -> Option<u32> {
    query("build").parse().ok()
}

fn narrowing() -> Narrowing {
    let word = query("differs");
    let differs = Differs::ALL.into_iter().find(|it| it.word() == word);
    Narrowing { search: query("q"), differs }
}

/// The list.
#[must_use]
pub fn show_list(data: &KernelsPage) -> AnyView {
    let filtered = data.flavor.is_some() || data.state.is_some();
    if data.kernels.is_empty() && data.around.newest && !filtered {
        return view! {
            {page::heading("Kernels".to_owned(), Vec::new(), ().into_any())}
            <div class="empty">
                <p class="empty-title">"There is no kernel yet"</p>
                <p>"A kernel is a Linux kernel or a Xen hypervisor that is kept here: made from a Debian package, a source tree or packages of your own, with a configuration that can be compared. Recipes name it, and their releases hold what was built of it."</p>
                {form::go("Add a kernel", "/kernels/new".to_owned(), "main", &data.add)}
            </div>
        }
        .into_any();
    }
    let beside = view! {
        <a class="button" href="/kernels/diff">"Compare configurations"</a>
        {form::go("Add a kernel", "/kernels/new".to_owned(), "main", &data.add)}
    };
    let list = if data.kernels.is_empty() {
        empty::nothing("No kernel is like that.")
    } else {
        rows(&data.kernels)
    };
    let parameters: Vec<String> = [
        data.flavor.map(|it| format!("flavor={}", it.word())),
        data.state.map(|it| format!("state={}", it.word())),
    ]
    .into_iter()
    .flatten()
    .collect();
    let path =
        if filtered { format!("/kernels?{}", parameters.join("&")) } else { "/kernels".to_owned() };
    view! {
        {page::heading("Kernels".to_owned(), Vec::new(), beside.into_any())}
        {filters(data.flavor, data.state)}
        {list}
        {page::turning(&path, &data.around, "First", "Next")}
    }
    .into_any()
}

fn filters(flavor: Option<Flavor>, state: Option<KernelState>) -> AnyView {
    let flavors: Vec<_> = Flavor::ALL
        .into_iter()
        .map(|it| {
            view! { <option value=it.word() selected=flavor == Some(it)>{flavor_name(it)}</option> }
        })
        .collect();
    let states: Vec<_> = KernelState::ALL
        .into_iter()
        .map(|it| view! { <option value=it.word() selected=state == Some(it)>{it.word()}</option> })
        .collect();
    let all =
        (flavor.is_some() || state.is_some()).then(|| view! { <a href="/kernels">"Show all"</a> });
    view! {
        <form method="get" action="/kernels" class="search">
            <label for="flavor">"Flavor"</label>
            <select id="flavor" name="flavor"><option value="">"any"</option>{flavors}</select>
            <label for="state">"State"</label>
            <select id="state" name="state"><option value="">"any"</option>{states}</select>
            <button type="submit">"Show"</button>
            {all}
        </form>
    }
    .into_any()
}

/// A flavor, for people.
pub(super) const fn flavor_name(flavor: Flavor) -> &'static str {
    match flavor {
        Flavor::Linux => "Linux",
        Flavor::Xen => "Xen",
    }
}

fn rows(kernels: &[KernelSummary]) -> AnyView {
    let rows = kernels
        .iter()
        .map(|it| {
            let kernel = &it.kernel;
            let source = &kernel.definition.source;
            let size = it.built.as_ref().and_then(|build| build.record.as_ref());
            let size = size.map_or_else(|| "–".to_owned(), |record| human_size(record.size()));
            table::row(vec![
                view! {
                    <a href=href::kernel(&kernel.name)>{kernel.name.clone()}</a>
                    <div class="quiet">{flavor_name(kernel.definition.flavor)}</div>
                }
                .into_any(),
                badge(Status::Kernel(it.state)),
                release_of(it),
                view! {
                    <span class="source">{source.summary()}</span>
                    <div class="quiet">{SourceKind::of(source).title()}</div>
                }
                .into_any(),
                used_by(&it.uses),
                results(it),
                table::number(size),
            ])
        })
        .collect();
    table::table(
        "Kernels",
        &["Kernel", "State", "Release", "Source", "Used by", "Last result", ">Size"],
        rows,
    )
}

/// What `uname -r` prints of its newest complete build.
fn release_of(summary: &KernelSummary) -> AnyView {
    let record = summary.built.as_ref().and_then(|it| it.record.as_ref());
    record.map_or_else(|| "–".into_any(), |record| table::code(record.release.clone()))
}

/// The first of what holds or names it, and how many there are besides.
fn used_by(uses: &KernelUses) -> AnyView {
    /// How many of each a row names.
    const NAMED: usize = 2;
    let releases = uses.releases.iter().map(|name| release_link(name));
    let recipes = uses.recipes.iter().map(|name| table::link(href::recipe(name), name.clone()));
    let more = |all: usize| {
        all.checked_sub(NAMED).filter(|rest| *rest > 0).map(|rest| format!(" and {rest} more"))
    };
    let line = |named: Vec<AnyView>, all: usize| {
        let named: Vec<_> = named
            .into_iter()
            .enumerate()
            .map(|(at, link)| view! { {(at > 0).then_some(", ")}{link} })
            .collect();
        (all > 0).then(|| view! { <div>{named}{more(all)}</div> })
    };
    if uses.releases.is_empty() && uses.recipes.is_empty() {
        return "–".into_any();
    }
    view! {
        {line(releases.take(NAMED).collect(), uses.releases.len())}
        {line(recipes.take(NAMED).collect(), uses.recipes.len())}
    }
    .into_any()
}

fn results(summary: &KernelSummary) -> AnyView {
    if summary.results.is_empty() {
        return "–".into_any();
    }
    let each: Vec<_> = summary
        .results
        .iter()
        .map(|it| {
            view! {
                <div>
                    {badge(Status::Outcome(Some(it.outcome)))}" "
                    <a href=href::run(&it.run)>{it.machine.clone()}</a>
                </div>
            }
        })
        .collect();
    each.into_any()
}
