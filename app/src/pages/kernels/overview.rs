//! `/kernels/:name`: what it is made of, what was made of it, who needs it, how it fared.

use domain::{
    kernel::{ConfigBase, Configuration, Definition, Source},
    time::human_size,
};
use leptos::prelude::*;
use services::kernels::{KernelResult, KernelUses};

use super::{builds::mode_words, head};
use crate::{
    api::kernels::{DeleteKernel, KernelHead, KernelPage, SourceKind},
    routes::href,
    ui::{
        badge::{Status, badge},
        change::counted,
        copy, empty, form, page,
        release::release_link,
        steps::steps,
        table,
        time::{time, took},
    },
};

/// The page.
#[must_use]
pub fn show(data: KernelPage) -> AnyView {
    let KernelPage { head: above, steps: all } = data;
    let summary = &above.summary;
    view! {
        {head::head(&above, "")}
        {head::making(&above)}
        {not_kept(&above)}
        <div class="columns">
            <div>
                {page::section("About", about(&above))}
                {page::section("Used by", uses(&summary.uses))}
                {page::section("Results", results(&summary.results))}
            </div>
            <div>{page::section("Newest build", newest(&above, &all))}</div>
        </div>
        {deleting(&above)}
    }
    .into_any()
}

/// Options that did not stick must not wait until somebody looks at the configuration.
fn not_kept(above: &KernelHead) -> AnyView {
    let report = above.summary.newest.as_ref().and_then(|build| build.report.as_ref());
    let Some(report) = report.filter(|report| !report.not_kept.is_empty()) else {
        return ().into_any();
    };
    let words = counted(report.not_kept.len(), "option", "options");
    let href = href::kernel_part(&above.summary.kernel.name, "configuration");
    view! {
        <div class="alert" role="status">
            <strong>{format!("{words} did not stick.")}</strong>" "
            <a href=href>"The configuration says which, and why."</a>
        </div>
    }
    .into_any()
}

fn about(above: &KernelHead) -> AnyView {
    let summary = &above.summary;
    let kernel = &summary.kernel;
    let Definition { source, configuration, patches, debug, .. } = &kernel.definition;
    let record = summary.built.as_ref().and_then(|build| build.record.as_ref());
    let mut rows = Vec::new();
    if let Some(record) = record {
        let files = view! {
            <code>{record.release.clone()}</code>" "
            <a href=href::kernel_part(&kernel.name, "files")>
                {format!("{}, {}", counted(record.files.len(), "file", "files"), human_size(record.size()))}
            </a>
        };
        rows.push(("Release", files.into_any()));
    }
    rows.push(("Source", sourced(source)));
    let commit = record.and_then(|record| record.source.commit.clone()).or_else(|| match source {
        Source::Git { commit, .. } => commit.clone(),
        _ => None,
    });
    if let Some(commit) = commit {
        let short = commit.chars().take(12).collect();
        rows.push(("Commit", copy::copyable(short, commit, "the commit")));
    }
    if let Some(configuration) = configuration {
        rows.push(("Configuration", configured(configuration)));
    }
    if !patches.is_empty() {
        let names: Vec<&str> = patches.iter().map(|patch| patch.name.as_str()).collect();
        rows.push(("Patches", table::code(names.join(", "))));
    }
    if configuration.is_some() {
        let words = if *debug { "kept" } else { "left out" };
        rows.push(("Debug symbols", words.into_any()));
    }
    let changed = view! { {format!("r{}, ", kernel.revision)}{time(kernel.changed_at)}" by "{kernel.changed_by.clone()} };
    rows.push(("Revision", changed.into_any()));
    rows.push((
        "Added",
        view! { {time(kernel.created_at)}" by "{kernel.created_by.clone()} }.into_any(),
    ));
    table::properties(rows)
}

fn sourced(source: &Source) -> AnyView {
    let kind = SourceKind::of(source).title();
    view! { <span class="source">{source.summary()}</span>" "<span class="quiet">{kind}</span> }
        .into_any()
}

/// Where a configuration starts, and what is set on top.
fn configured(configuration: &Configuration) -> AnyView {
    let base = match &configuration.base {
        ConfigBase::Defconfig { target } => table::code(target.clone()),
        ConfigBase::File { file } => table::code(file.name.clone()),
        ConfigBase::Kernel { name, .. } => {
            view! { "that of "<a href=href::kernel(name)>{name.clone()}</a> }.into_any()
        }
    };
    let names: Vec<&str> = configuration.fragments.iter().map(|it| it.name.as_str()).collect();
    let fragments = (!names.is_empty()).then(|| {
        let words = if names.len() == 1 { " with the fragment " } else { " with the fragments " };
        view! { {words}<code>{names.join(", ")}</code> }
    });
    view! { {base}{fragments} }.into_any()
}

fn newest(above: &KernelHead, all: &[domain::job::Step]) -> AnyView {
    let Some(build) = &above.summary.newest else {
        return empty::nothing(
            "Nothing was made of it yet. Work out its configuration to see what the tree makes of it before anything is compiled.",
        );
    };
    let kernel = &above.summary.kernel;
    let stale = (build.revision != kernel.revision).then(|| {
        view! { <p class="summary">{format!("It was made from r{}; the kernel was changed since.", build.revision)}</p> }
    });
    view! {
        {stale}
        {table::properties(vec![
            ("Build", view! { {format!("{} ", build.number)}<span class="quiet">{mode_words(build.mode)}</span> }.into_any()),
            ("State", badge(Status::Job(build.state))),
            ("Asked for", view! { {time(build.created_at)}" by "{build.created_by.clone()} }.into_any()),
            ("Took", took(build.started_at, build.ended_at)),
        ])}
        {steps(all, false)}
        <p><a href=href::job(&build.job)>"The job with its log"</a></p>
    }
    .into_any()
}

fn uses(uses: &KernelUses) -> AnyView {
    let KernelUses { releases, building, recipes, kernels } = uses;
    if building.is_empty() && releases.is_empty() && recipes.is_empty() && kernels.is_empty() {
        return empty::nothing("No release holds it, and no recipe or other kernel names it.");
    }
    let list = |links: Vec<AnyView>| {
        let links: Vec<_> = links.into_iter().map(|link| view! { <li>{link}</li> }).collect();
        view! { <ul class="words">{links}</ul> }.into_any()
    };
    let mut rows = Vec::new();
    if !releases.is_empty() {
        rows.push(("Releases", list(releases.iter().map(|name| release_link(name)).collect())));
    }
    if !building.is_empty() {
        rows.push(("Being built", list(building.iter().map(|name| release_link(name)).collect())));
    }
    if !recipes.is_empty() {
        let links = recipes.iter().map(|it| table::link(href::recipe(it), it.clone())).collect();
        rows.push(("Recipes", list(links)));
    }
    if !kernels.is_empty() {
        let links = kernels.iter().map(|it| table::link(href::kernel(it), it.clone())).collect();
        rows.push(("Kernels", list(links)));
    }
    table::properties(rows)
}

fn results(results: &[KernelResult]) -> AnyView {
    if results.is_empty() {
        return empty::nothing("No machine has booted it in a run yet.");
    }
    let rows = results
        .iter()
        .map(|it| {
            table::row(vec![
                it.machine.clone().into_any(),
                badge(Status::Outcome(Some(it.outcome))),
                table::link(href::run(&it.run), "the run".to_owned()),
                time(it.ended_at),
            ])
        })
        .collect();
    table::table("Newest result per machine", &["Machine", "Result", "Run", "Ended"], rows)
}

fn deleting(above: &KernelHead) -> AnyView {
    let name = &above.summary.kernel.name;
    // Where it was refused, the reason must be seen.
    let open = form::failed::<DeleteKernel>().is_some();
    let confirm = above.delete.is_ok().then(|| form::confirm("confirm".to_owned(), name));
    view! {
        <details class="danger" id="delete" open=open>
            <summary>"Remove this kernel"</summary>
            <p>"Its builds go with it. Releases that hold one keep their files."</p>
            {form::acting::<DeleteKernel>("", vec![("name", name.clone())], view! {
                {confirm}
                {form::submit("Remove", "bad", &above.delete)}
            }.into_any())}
        </details>
    }
    .into_any()
}
