//! `/runs/:id`: one boot of one entry on one machine, and what was seen.

use domain::{
    ids::RunId,
    run::{CaseResult, Run},
    time::human_duration,
};
use leptos::prelude::*;

use crate::{
    api::runs::{RunPage, load_console, load_run},
    pages::parameter,
    routes::href,
    ui::{
        badge::{Status, badge},
        copy, empty,
        log::{Written, log},
        page,
        release::release_link,
        table,
        time::{time, took},
        waterfall::waterfall,
    },
};

pub(crate) fn run() -> AnyView {
    let id = RunId(parameter("id"));
    let console = page::later(Box::pin(console(id.clone())));
    let topics = &["run/", "job/"];
    view! { {page::loaded(topics, load_run(id), show)}<section class="log-part"><h2>"Console"</h2>{console}</section> }
        .into_any()
}

async fn console(id: RunId) -> AnyView {
    match load_console(&id).await {
        Ok(lines) if !lines.is_empty() => {
            log("Console of the machine", Written::console(&lines), None, href::run_console(&id))
        }
        Ok(_) | Err(_) => empty::nothing("The machine wrote nothing to its console."),
    }
}

/// Runs in a table.
#[must_use]
pub fn runs(runs: &[Run]) -> AnyView {
    let rows = runs
        .iter()
        .map(|run| {
            table::row(vec![
                table::link(href::run(&run.id), run.entry.clone()),
                run.machine.clone().into_any(),
                badge(Status::Outcome(run.outcome)),
                run.failure.map_or_else(String::new, |class| class.word().to_owned()).into_any(),
                took(Some(run.started_at), run.ended_at),
                run.message.clone().into_any(),
            ])
        })
        .collect();
    table::table(
        "Runs",
        &["Entry", "Machine", "Outcome", "Whose problem", "Took", "What was seen"],
        rows,
    )
}

/// The page above the console.
#[must_use]
pub fn show(data: RunPage) -> AnyView {
    let RunPage { run, validation, release_name, entry_text } = data;
    let title = format!("{} on {}", run.entry, run.machine);
    let tests = href::release_tab(&release_name, "tests");
    let (crumbs, judged) = match &validation.variant {
        Some(variant) => {
            let page = href::variant(&variant.name);
            (
                vec![("Variants", "/variants".to_owned()), ("Tests", page.clone())],
                vec![
                    ("Variant", table::link(page, variant.name.clone())),
                    ("Base release", release_link(&release_name)),
                ],
            )
        }
        None => (
            vec![("Releases", "/releases".to_owned()), ("Tests", tests.clone())],
            vec![("Release", table::link(tests, release_name))],
        ),
    };
    let mut properties = judged;
    properties.extend([
        ("Menu entry", entry_text.into_any()),
        ("Machine", run.machine_details.clone().into_any()),
        ("Plan", format!("{}, revision {}", validation.plan, validation.plan_revision).into_any()),
        ("Judges", copy::digest(&validation.manifest, "the manifest's digest")),
        ("Began", time(run.started_at)),
        ("Took", took(Some(run.started_at), run.ended_at)),
    ]);
    if let Some(class) = run.failure {
        properties.push(("Whose problem", class.word().into_any()));
    }
    let message =
        (!run.message.is_empty()).then(|| view! { <p class="summary">{run.message.clone()}</p> });
    view! {
        {page::heading(title, crumbs, badge(Status::Outcome(run.outcome)))}
        {message}
        {table::properties(properties)}
        {page::section("Cases", cases(&run.results))}
        {page::section("Boot", waterfall(&run.stages))}
    }
    .into_any()
}

fn cases(results: &[CaseResult]) -> AnyView {
    if results.is_empty() {
        return empty::nothing("No case has ended yet.");
    }
    let rows = results
        .iter()
        .map(|result| {
            let took = u64::try_from(result.duration_us).unwrap_or(0);
            table::row(vec![
                view! { <strong>{result.title.clone()}</strong><br/><code>{result.case.clone()}</code> }.into_any(),
                badge(Status::Outcome(Some(result.outcome))),
                table::number(human_duration(std::time::Duration::from_micros(took))),
                result.message.clone().into_any(),
            ])
        })
        .collect();
    table::table("Cases", &["Case", "Outcome", ">Took", "What was seen"], rows)
}
