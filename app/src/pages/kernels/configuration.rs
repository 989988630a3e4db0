//! `/kernels/:name/configuration`: what the tree made of the configuration that was asked for.

use domain::kernel::{ConfigReport, KernelBuild, NotKept};
use leptos::prelude::*;

use super::{builds::mode_words, head};
use crate::{
    api::kernels::{KernelBuildPage, KernelHead},
    routes::href,
    ui::{
        change::counted,
        config::{self, Place, differences},
        page, table,
        time::time,
    },
};

/// The page.
#[must_use]
pub fn show(data: KernelBuildPage) -> AnyView {
    let KernelBuildPage { head: above, build, changed, .. } = data;
    let summary = &above.summary;
    let name = summary.kernel.name.clone();
    let heading = head::head(&above, "configuration");
    let Some((build, report)) =
        build.as_ref().and_then(|build| Some((build, build.report.as_ref()?)))
    else {
        return view! { {heading}{missing(&above, build.as_ref())} }.into_any();
    };
    let changed = changed.unwrap_or_default();
    let place = Place {
        path: href::kernel_part(&name, "configuration"),
        kept: vec![("build", build.number.to_string())],
        caption: "Options that the tree changed".to_owned(),
        before: "Asked for",
        after: "Is",
    };
    let list = if report.changed.is_empty() {
        view! { <p class="nothing">"Nothing: every option is as it was asked for."</p> }.into_any()
    } else {
        differences(&changed, &place)
    };
    view! {
        {heading}
        {about(&name, build, report)}
        {not_kept(&report.not_kept)}
        {warnings(&report.warnings)}
        {page::section("What the tree changed", list)}
    }
    .into_any()
}

fn missing(above: &KernelHead, build: Option<&KernelBuild>) -> AnyView {
    if let Some(build) = build {
        let job = href::job(&build.job);
        return view! {
            <div class="empty">
                <p class="empty-title">{format!("Build {} has no report of its configuration", build.number)}</p>
                <p><a href=job>"Its job with the log"</a>" tells how it goes or went."</p>
            </div>
        }
        .into_any();
    }
    if above.configure.is_none() {
        return head::nothing_yet(
            above,
            "It brings its configuration",
            "What was compiled elsewhere was configured there. Its configuration is among its files as soon as they were taken over, and can be compared.",
        );
    }
    head::nothing_yet(
        above,
        "The configuration is not known yet",
        "The tree itself completes what was asked for. Work it out to see what it changes, and which options do not stick, before anything is compiled.",
    )
}

fn about(name: &str, build: &KernelBuild, report: &ConfigReport) -> AnyView {
    let this = format!("{name}/{}", build.number);
    let of = view! {
        {format!("Build {}, r{}, ", build.number, build.revision)}{time(build.created_at)}" "
        <span class="quiet">{mode_words(build.mode)}</span>
    };
    let file = view! {
        <a href=href::kernel_file(name, build.number, "config") rel="external" download="">"config"</a>
        ", "<a href=href::kernel_diff("", &this)>"compare with another"</a>
    };
    table::properties(vec![
        ("Release", table::code(report.release.clone())),
        ("Of", of.into_any()),
        ("Whole text", file.into_any()),
    ])
}

/// What somebody asked for and did not get stands first.
fn not_kept(options: &[NotKept]) -> AnyView {
    if options.is_empty() {
        return view! { <p class="done kept" role="status">"Every option of the fragments is as it was asked for."</p> }
            .into_any();
    }
    let rows: Vec<_> = options
        .iter()
        .map(|it| {
            view! {
                <li>
                    <p>
                        <code>{it.name.clone()}</code>
                        <span>
                            {format!("{} asks for ", it.fragment)}{config::value(it.requested.as_ref())}
                            ", and it is "{config::value(it.actual.as_ref())}"."
                        </span>
                    </p>
                    <p>{crate::error::sentence(&it.reason)}</p>
                </li>
            }
        })
        .collect();
    let words = counted(options.len(), "option did not stick", "options did not stick");
    view! {
        <section class="not-kept" aria-labelledby="not-kept">
            <h2 id="not-kept">{words}</h2>
            <ul>{rows}</ul>
        </section>
    }
    .into_any()
}

fn warnings(warnings: &[String]) -> AnyView {
    if warnings.is_empty() {
        return ().into_any();
    }
    let rows: Vec<_> = warnings
        .iter()
        .map(|warning| view! { <li>{crate::error::sentence(warning)}</li> })
        .collect();
    page::section("Worth knowing", view! { <ul class="warnings">{rows}</ul> }.into_any())
}
