//! `/kernels/:name/files`: what came out of a build, from what, and how to build it elsewhere.

use domain::{
    kernel::{BuildMode, KernelBuild, Record},
    time::{Timestamp, human_size},
};
use leptos::prelude::*;

use super::{builds::mode_words, head};
use crate::{
    api::kernels::KernelBuildPage,
    routes::href,
    ui::{change::counted, copy, page, steps::steps, table, time::time},
};

/// The page.
#[must_use]
pub fn show(data: KernelBuildPage) -> AnyView {
    let KernelBuildPage { head: above, build, steps: all, .. } = data;
    let name = above.summary.kernel.name.clone();
    let heading = head::head(&above, "files");
    let Some((build, record)) =
        build.as_ref().and_then(|build| Some((build, build.record.as_ref()?)))
    else {
        let missing = match &build {
            Some(build) => view! {
                <div class="empty">
                    <p class="empty-title">{format!("Build {} has no files", build.number)}</p>
                    <p><a href=href::job(&build.job)>"Its job with the log"</a>" tells how it goes or went."</p>
                </div>
            }
            .into_any(),
            None => head::nothing_yet(
                &above,
                "There are no files yet",
                "They come out of a complete build: packages, the image that a boot loader starts, its configuration, and a record of what went in.",
            ),
        };
        return view! { {heading}{missing} }.into_any();
    };
    view! {
        {heading}
        {page::section("Files", files(&name, build, record))}
        {page::section("What they were made from", made_from(build, record))}
        {packages(record)}
        {(!all.is_empty()).then(|| page::section("Steps", view! {
            {steps(&all, false)}
            <p><a href=href::job(&build.job)>"The job with its log"</a></p>
        }.into_any()))}
        {rebuilding(record)}
    }
    .into_any()
}

fn files(name: &str, build: &KernelBuild, record: &Record) -> AnyView {
    let of = view! {
        <p>
            {format!("Build {}, r{}, ", build.number, build.revision)}{time(build.created_at)}". "
            <a href=href::kernel_part(name, "builds")>"All builds"</a>
        </p>
    };
    if let Some(at) = build.files_removed_at {
        return view! { {of}<p class="summary">"Its files were removed "{time(at)}", as the rules of the room say. What was recorded about them stays."</p> }
            .into_any();
    }
    let experiment = (record.mode == BuildMode::Development).then(|| {
        view! { <p class="summary">"A compiler cache had a part in this build, so no release takes it. Build it for releases to get one that may."</p> }
    });
    let link = |file: &str| {
        let href = href::kernel_file(name, build.number, file);
        view! { <a href=href rel="external" download="">{file.to_owned()}</a> }.into_any()
    };
    let mut rows: Vec<_> = record
        .files
        .iter()
        .map(|file| {
            table::row(vec![
                link(&file.name),
                file.role.word().into_any(),
                table::number(human_size(file.size)),
                copy::digest(&file.sha256, &format!("SHA-256 of {}", file.name)),
            ])
        })
        .collect();
    rows.push(table::row(vec![
        link("record.json"),
        "record".into_any(),
        table::number("–".to_owned()),
        ().into_any(),
    ]));
    view! {
        {of}
        {experiment}
        {table::table("Files", &["File", "What it is", ">Size", "SHA-256"], rows)}
    }
    .into_any()
}

fn made_from(build: &KernelBuild, record: &Record) -> AnyView {
    let source = &record.source;
    let mut rows = vec![
        ("Release", table::code(record.release.clone())),
        ("Mode", view! { <span>{mode_words(build.mode)}</span> }.into_any()),
        ("Source", view! { <span class="source">{source.origin.clone()}</span> }.into_any()),
        ("Source's digest", copy::digest(&source.sha256, "the source's digest")),
    ];
    if let Some(commit) = &source.commit {
        let short = commit.chars().take(12).collect();
        rows.push(("Commit", copy::copyable(short, commit.clone(), "the commit")));
    }
    if let Some(config) = record.file(domain::kernel::KernelFileRole::Config) {
        rows.push(("Configuration", copy::digest(&config.sha256, "the configuration's digest")));
    }
    if !source.patches.is_empty() {
        let each: Vec<_> = source
            .patches
            .iter()
            .map(|patch| view! { <li>{copy::digest(patch, "the patch's digest")}</li> })
            .collect();
        rows.push(("Patches", view! { <ul class="plain">{each}</ul> }.into_any()));
    }
    rows.push(("Dated", time(Timestamp::from_seconds(record.epoch))));
    if !record.toolchain.is_empty() {
        let each: Vec<_> = record
            .toolchain
            .iter()
            .map(|it| view! { <li><code>{it.clone()}</code></li> })
            .collect();
        rows.push(("Toolchain", view! { <ul class="plain">{each}</ul> }.into_any()));
    }
    table::properties(rows)
}

fn packages(record: &Record) -> AnyView {
    if record.packages.is_empty() {
        return ().into_any();
    }
    let rows = record
        .packages
        .iter()
        .map(|package| {
            table::row(vec![
                table::code(package.name.clone()),
                table::code(package.version.clone()),
                package.architecture.clone().into_any(),
                package.holds_kernel.then_some("the kernel itself").into_any(),
            ])
        })
        .collect();
    let title = counted(record.packages.len(), "package", "packages");
    view! {
        <section>
            <h2>{title}</h2>
            {table::table("Packages", &["Package", "Version", "Architecture", "Holds"], rows)}
        </section>
    }
    .into_any()
}

fn rebuilding(record: &Record) -> AnyView {
    if record.commands.is_empty() {
        return ().into_any();
    }
    let block = view! {
        <p>"This builds the same bytes on any machine that has the toolchain above:"</p>
        {copy::block(&record.commands, "The commands that build it again")}
    };
    page::section("Build it elsewhere", block.into_any())
}
