//! `/runs/:id`: one boot of one entry on one machine, and what was seen.

use std::collections::HashMap;

use domain::{
    assessment::MadeAssessment,
    ids::RunId,
    run::{Run, RunSource, Validation, keeping::Keeping},
    subject::Subject,
    time::{Timestamp, human_duration},
};
use leptos::prelude::*;

use crate::{
    api::{
        Choice,
        results::CountRun,
        runs::{MarkRun, RunPage, UnmarkRun, load_console, load_run},
    },
    pages::{parameter, plans, review},
    routes::href,
    ui::{
        assessment,
        badge::{Status, badge},
        copy, empty, form,
        log::{Written, log},
        page,
        release::release_link,
        table,
        time::{time, took},
        waterfall::{Bar, waterfall},
    },
};

pub(crate) fn run() -> AnyView {
    let id = RunId(parameter("id"));
    let console = page::later(Box::pin(console(id.clone())));
    let topics = &["run/", "job/"];
    view! { {page::loaded(topics, load_run(id), show)}{console} }.into_any()
}

/// The console, where there is one: what came in from elsewhere has none.
async fn console(id: RunId) -> AnyView {
    match load_console(&id).await {
        Ok(lines) if !lines.is_empty() => {
            let whole = href::run_console(&id);
            let log = log("Console of the machine", Written::console(&lines), None, whole);
            view! { <section class="log-part"><h2>"Console"</h2>{log}</section> }.into_any()
        }
        Ok(_) | Err(_) => ().into_any(),
    }
}

/// Runs in a table.
#[must_use]
pub fn runs(caption: impl Into<String>, runs: &[Run]) -> AnyView {
    let rows = runs
        .iter()
        .map(|run| {
            table::row(vec![
                table::link(href::run(&run.id), place(run)),
                run.suite.clone().into_any(),
                run.machine.clone().into_any(),
                badge(Status::Outcome(run.outcome)),
                run.failure.map_or_else(String::new, |class| class.word().to_owned()).into_any(),
                took(Some(run.started_at), run.ended_at),
                run.message.clone().into_any(),
            ])
        })
        .collect();
    table::table(
        caption,
        &["Entry", "Suite", "Machine", "Outcome", "Whose problem", "Took", "What was seen"],
        rows,
    )
}

/// What the table of a validation's runs goes by, where there may be several.
#[must_use]
pub fn caption(validation: &Validation) -> String {
    format!("Runs of plan {}, asked for {}", validation.plan, validation.created_at)
}

/// What a run is called among those of its validation.
fn place(run: &Run) -> String {
    if run.entry.is_empty() { format!("suite {}", run.suite) } else { run.entry.clone() }
}

/// The page above the console.
#[must_use]
pub fn show(data: RunPage) -> AnyView {
    let RunPage {
        run,
        validation,
        release_name,
        artefacts,
        entry_text,
        assessments,
        now,
        count,
        plans,
        keeping,
        keep,
    } = data;
    let title = match run.entry.as_str() {
        "" => format!("{} on {}", run.suite, run.machine),
        entry => format!("{entry} on {}", run.machine),
    };
    let (crumbs, mut properties) = about(&run, release_name.as_deref());
    if !entry_text.is_empty() {
        properties.push(("Menu entry", entry_text.into_any()));
    }
    properties.push(("Suite", run.suite.clone().into_any()));
    let machine = match run.machine_details.as_str() {
        "" => run.machine.clone(),
        details => details.to_owned(),
    };
    properties.push(("Machine", machine.into_any()));
    if let Some(validation) = &validation {
        let plan = format!("{}, revision {}", validation.plan, validation.plan_revision);
        properties.push(("Plan", plan.into_any()));
    }
    if let Some(plan) = run.plan.as_ref().filter(|_| validation.is_none()) {
        properties.push(("Counts for", format!("plan {plan}").into_any()));
    }
    if let Some(manifest) = run.subject.as_ref().and_then(Subject::manifest) {
        properties.push(("Judges", copy::digest(manifest, "the manifest's digest")));
    }
    properties.extend([
        ("Began", time(run.started_at)),
        ("Took", took(Some(run.started_at), run.ended_at)),
    ]);
    if let Some(class) = run.failure {
        properties.push(("Whose problem", class.word().into_any()));
    }
    if run.source != RunSource::Runner {
        let by = format!("{} by {}", run.source.word(), run.recorded_by);
        properties.push(("Came by", by.into_any()));
    }
    if !run.generator.is_empty() {
        properties.push(("Written by", run.generator.clone().into_any()));
    }
    if !run.kernel.is_empty() {
        properties.push(("Kernel", run.kernel.clone().into_any()));
    }
    let message =
        (!run.message.is_empty()).then(|| view! { <p class="summary">{run.message.clone()}</p> });
    view! {
        {page::heading(title, crumbs, badge(Status::Outcome(run.outcome)))}
        {message}
        {table::properties(properties)}
        {remarks(&run)}
        {page::section("Cases", cases(&run, &assessments, now))}
        {left(&run, &artefacts, &keeping, &keep)}
        {count.map(|choice| counting(&run, &plans, &choice))}
        {(!run.stages.is_empty()).then(|| page::section("Boot", waterfall(&run.stages.iter().map(Bar::of_stage).collect::<Vec<_>>())))}
    }
    .into_any()
}

type Crumbs = Vec<(&'static str, String)>;
type Properties = Vec<(&'static str, AnyView)>;

/// Where a run belongs, and what it judges.
fn about(run: &Run, release_name: Option<&str>) -> (Crumbs, Properties) {
    match &run.subject {
        Some(Subject::Variant { name, .. }) => {
            let page = href::variant(name);
            let base = release_name.map(|base| ("Base release", release_link(base)));
            let judged = [("Variant", table::link(page.clone(), name.clone()))];
            (
                vec![("Variants", "/variants".to_owned()), ("Tests", page)],
                judged.into_iter().chain(base).collect(),
            )
        }
        Some(Subject::Release { name, .. }) => {
            let tests = href::release_tab(name, "tests");
            (
                vec![("Releases", "/releases".to_owned()), ("Tests", tests.clone())],
                vec![("Release", table::link(tests, name.clone()))],
            )
        }
        Some(Subject::Recorded { name }) => {
            (Vec::new(), vec![("Release made elsewhere", name.clone().into_any())])
        }
        None => (Vec::new(), vec![("About", "nobody has said yet".into_any())]),
    }
}

/// Why a file was not whole, and what should be known about reading it.
fn remarks(run: &Run) -> AnyView {
    let incomplete = run.incomplete.as_ref().map(|why| {
        view! { <p class="unavailable"><strong>"Incomplete. "</strong>{why.clone()}</p> }
    });
    let items: Vec<_> = run.remarks.iter().map(|it| view! { <li>{it.clone()}</li> }).collect();
    let remarks = (!items.is_empty()).then(|| view! { <ul class="left-out">{items}</ul> });
    view! { {incomplete}{remarks} }.into_any()
}

/// The way for results from elsewhere to a gate.
fn counting(run: &Run, names: &[String], choice: &Choice) -> AnyView {
    page::section("Let it count", view! {
        <p class="quiet">"Results that came in from elsewhere decide at no gate until an approver who did not bring them in lets them count for a plan."</p>
        {form::acting::<CountRun>("", vec![("run", run.id.to_string())], view! {
            {plans::choice(names)}
            {form::submit("Count for the plan", "", choice)}
        }.into_any())}
    }.into_any())
}

/// What can be saved of a run, and for how long it stays.
fn left(run: &Run, artefacts: &[String], keeping: &Keeping, keep: &Choice) -> AnyView {
    if run.ended_at.is_none() {
        return ().into_any();
    }
    let gone = keeping.files_removed_at;
    let links: Vec<_> = artefacts
        .iter()
        .map(|name| match gone {
            Some(_) => view! { <li>{name.clone()}</li> }.into_any(),
            None => view! { <li><a href=href::artefact(&run.id, name)>{name.clone()}</a></li> }
                .into_any(),
        })
        .collect();
    let list = (!links.is_empty()).then(|| view! { <ul>{links}</ul> });
    let gone = gone.map(|at| {
        view! { <p class="summary">"Its files were removed "{time(at)}" by the "<a href="/room">"rules of the room"</a>". Its results stay."</p> }
    });
    page::section("Files", view! {
        {gone}
        {list}
        <p class="acts">
            <a class="button" href=href::run_export(&run.id, "json") download="">"Save as JSON"</a>
            <a class="button" href=href::run_export(&run.id, "csv") download="">"Save as CSV"</a>
        </p>
        {important(run, keeping, keep)}
    }.into_any())
}

/// Saying that its files must stay, or need not any more.
fn important(run: &Run, keeping: &Keeping, keep: &Choice) -> AnyView {
    let hidden = vec![("run", run.id.to_string())];
    match (&keeping.important, keeping.files_removed_at) {
        (Some(mark), _) => view! {
            <p class="quiet">"Important: "{mark.by.clone()}" said so "{time(mark.at)}". Its files stay."</p>
            {form::acting::<UnmarkRun>("", hidden, form::submit("Not important any more", "", keep))}
        }
        .into_any(),
        (None, Some(_)) => ().into_any(),
        (None, None) => {
            form::acting::<MarkRun>("", hidden, form::submit("Important: keep its files", "", keep))
        }
    }
}

fn cases(run: &Run, assessments: &HashMap<String, MadeAssessment>, now: Timestamp) -> AnyView {
    let about = run.subject.as_ref().map(Subject::name);
    let results = &run.results;
    if results.is_empty() && run.totals.all() == 0 {
        return empty::nothing("No case has ended yet.");
    }
    let shown = results.len() as u64;
    let more = (shown < run.totals.all()).then(|| {
        let words = format!(
            "{} cases, of which {} failed: failures are shown here, all are in the files below.",
            run.totals.all(),
            run.totals.failing()
        );
        view! { <p class="quiet">{words}</p> }
    });
    let rows = results
        .iter()
        .map(|result| {
            let took = result.duration_us.and_then(|it| u64::try_from(it).ok());
            let took = took.map(|it| human_duration(std::time::Duration::from_micros(it)));
            let made = assessments.get(&result.case).filter(|_| result.outcome.fails());
            table::row(vec![
                view! { <a href=href::result(&run.id, &result.case)><strong>{result.title.clone()}</strong></a><br/><code>{result.case.clone()}</code> }.into_any(),
                badge(Status::Outcome(Some(result.outcome))),
                table::number(took.unwrap_or_default()),
                view! { <span class="said">{result.message.clone()}</span>{assessment::line(made, about, now)} }.into_any(),
            ])
        })
        .collect();
    let failing: Vec<_> = results.iter().filter(|it| it.outcome.fails()).collect();
    let reviewed = failing
        .iter()
        .filter(|it| assessments.get(&it.case).is_some_and(|made| made.said.reviewed(now)));
    let review = review::state(reviewed.count() as u64, failing.len() as u64);
    view! { {review}{more}{table::table("Cases", &["Case", "Outcome", ">Took", "What was seen"], rows)} }
        .into_any()
}
