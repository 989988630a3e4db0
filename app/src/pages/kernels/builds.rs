//! `/kernels/:name/builds`: everything that was made of it, newest first.

use domain::{
    kernel::{BuildMode, KernelBuild},
    time::human_size,
};
use leptos::prelude::*;

use super::head;
use crate::{
    api::kernels::{KernelBuildsPage, has_report},
    routes::href,
    ui::{
        badge::{Status, badge},
        page, table,
        time::{time, took},
    },
};

/// What a build was to come to, for people.
#[must_use]
pub(crate) const fn mode_words(mode: BuildMode) -> &'static str {
    match mode {
        BuildMode::Configure => "configuration only",
        BuildMode::Development => "for an experiment, with a compiler cache",
        BuildMode::Release => "for releases",
    }
}

/// The page.
#[must_use]
pub fn show(data: KernelBuildsPage) -> AnyView {
    let KernelBuildsPage { head: above, builds, around } = data;
    let name = &above.summary.kernel.name;
    let heading = head::head(&above, "builds");
    if builds.is_empty() && around.newest {
        let nothing = head::nothing_yet(
            &above,
            "Nothing was made of it yet",
            "Each build keeps what the kernel was made of then, so later changes do not touch it.",
        );
        return view! { {heading}{nothing} }.into_any();
    }
    let rows = builds
        .iter()
        .enumerate()
        .map(|(at, build)| {
            // Not each came as far as a configuration.
            let before = builds[at + 1..].iter().find(|it| has_report(it));
            row(name, build, before.map(|it| it.number))
        })
        .collect();
    view! {
        {heading}
        {table::table(
            "Builds",
            &["Build", "What for", "State", "What came out", "Took", "Asked for"],
            rows,
        )}
        {page::around(&href::kernel_part(name, "builds"), &around)}
    }
    .into_any()
}

/// A build; `before` is the former one whose configuration is known.
fn row(name: &str, build: &KernelBuild, before: Option<u32>) -> AnyView {
    let number = build.number;
    let of = |part: &str| href::kernel_part_of(name, part, number);
    let configured = has_report(build);
    let files = build.record.as_ref().map(|record| {
        let words = format!("{}, {}", record.release, human_size(record.size()));
        view! { <div><a href=of("files")>{words}</a></div> }
    });
    let before = before.map(|before| {
        let (from, to) = (format!("{name}/{before}"), format!("{name}/{number}"));
        view! { ", "<a href=href::kernel_diff(&from, &to)>{format!("against build {before}")}</a> }
    });
    let configuration = configured.then(|| {
        view! { <div><a href=of("configuration")>"configuration"</a>{before}</div> }
    });
    table::row(vec![
        table::link(href::job(&build.job), format!("{number}")),
        view! { {mode_words(build.mode)}<div class="quiet">{format!("r{}", build.revision)}</div> }
            .into_any(),
        badge(Status::Job(build.state)),
        view! { {files}{configuration} }.into_any(),
        took(build.started_at, build.ended_at),
        view! { {time(build.created_at)}" by "{build.created_by.clone()} }.into_any(),
    ])
}
