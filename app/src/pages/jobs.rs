//! `/jobs` and `/jobs/:id`: what is at work, its steps, and its log as it is written.

use domain::{
    ids::JobId,
    job::{Job, JobKind, JobState},
};
use leptos::prelude::*;

use crate::{
    api::jobs::{CancelJob, JobPage, JobRow, JobsPage, load_job, load_jobs, read_log},
    pages::{parameter, runs},
    routes::href,
    ui::{
        badge::{Status, badge},
        empty, form,
        log::{Written, log},
        page,
        release::release_link,
        steps::steps,
        table,
        time::{time, took},
    },
};

pub(crate) fn list() -> AnyView {
    page::loaded(&["job/"], load_jobs(page::after()), |data| show_list(&data))
}

/// `Build v1.0.0-rc.1`.
#[must_use]
pub fn name(job: &Job) -> String {
    let release = job.release.as_ref().map(|about| about.name.as_str());
    let kernel = job.kernel.as_ref().map(|about| about.name.as_str());
    let variant = job.variant.as_ref().map(|about| about.name.as_str());
    // The release of a variant's validation is its base.
    let name = variant.or(release).or(kernel).unwrap_or_default();
    match job.kind {
        JobKind::Build => format!("Build {name}"),
        JobKind::Import => format!("Import {name}"),
        JobKind::Validation => format!("Validation of {name}"),
        JobKind::Collection => "Collection of garbage".to_owned(),
        JobKind::Kernel => format!("Kernel {name}"),
        JobKind::Variant => format!("Variant {name}"),
    }
}

/// Which step a job is at, where it is at work.
#[must_use]
pub fn progress(row: &JobRow) -> AnyView {
    let Some(step) = row.step.as_ref().filter(|_| !row.job.state.ended()) else {
        return ().into_any();
    };
    let label = format!("{} of {} steps are done", step.position, row.steps);
    view! {
        <div class="progress">
            <progress max=row.steps.to_string() value=step.position.to_string() aria-label=label></progress>
            <span>{format!("{} · step {} of {}", step.name, step.position + 1, row.steps)}</span>
        </div>
    }
    .into_any()
}

/// The list.
#[must_use]
pub fn show_list(data: &JobsPage) -> AnyView {
    let content = if data.jobs.is_empty() {
        empty::empty(
            "Nothing was built or validated yet",
            "A job appears here when a release is built or validated, a kernel or a variant is made, or garbage is collected.",
            Some(("/recipes".to_owned(), "To the recipes")),
        )
    } else {
        let rows = data
            .jobs
            .iter()
            .map(|row| {
                let job = &row.job;
                let how = job.outcome.clone().map_or_else(|| progress(row), IntoAny::into_any);
                table::row(vec![
                    table::link(href::job(&job.id), name(job)),
                    badge(Status::Job(job.state)),
                    how,
                    took(job.started_at, job.ended_at),
                    view! { {time(job.created_at)}" by "{job.created_by.clone()} }.into_any(),
                ])
            })
            .collect();
        table::table("Jobs", &["Job", "State", "How it goes", "Took", "Asked for"], rows)
    };
    let around = page::around("/jobs", &data.around);
    view! { {page::heading("Jobs".to_owned(), Vec::new(), ().into_any())}{content}{around} }
        .into_any()
}

/// The job's part is renewed as it goes on; its log is beside it and grows by itself.
pub(crate) fn job() -> AnyView {
    let id = JobId(parameter("id"));
    let log = page::later(Box::pin(written(id.clone())));
    view! { {page::loaded(&["job/"], load_job(id), show)}<section class="log-part"><h2>"Log"</h2>{log}</section> }
        .into_any()
}

async fn written(id: JobId) -> AnyView {
    match read_log(&id).await {
        Ok(lines) => {
            let stream = Some(href::job_log_stream(&id));
            log("Log", Written::log(&lines), stream, href::job_log(&id))
        }
        // The page above says what is wrong.
        Err(_) => ().into_any(),
    }
}

/// The page above the log.
#[must_use]
pub fn show(data: JobPage) -> AnyView {
    let JobPage { job, steps: all, runs: of_validation, cancel, failing_lines, waits_for } = data;
    let crumbs = vec![("Jobs", "/jobs".to_owned())];
    let asked = view! { {time(job.created_at)}" by "{job.created_by.clone()} }.into_any();
    // The release of a variant's validation is its base.
    let title = if job.variant.is_some() { "Base release" } else { "Release" };
    let about = job.release.as_ref().map(|about| (title, release_link(&about.name)));
    let kernel = job
        .kernel
        .as_ref()
        .map(|about| ("Kernel", table::link(href::kernel(&about.name), about.name.clone())));
    let variant = job
        .variant
        .as_ref()
        .map(|about| ("Variant", table::link(href::variant(&about.name), about.name.clone())));
    let mut properties: Vec<_> = variant.into_iter().chain(about).chain(kernel).collect();
    properties.extend([("Asked for", asked), ("Took", took(job.started_at, job.ended_at))]);
    if let Some(why) = waits_for {
        let why = view! { {crate::error::sentence(&why)}" "<a href="/room">"To the room"</a> };
        properties.push(("Waits", why.into_any()));
    }
    if let Some(outcome) = &job.outcome {
        properties.push(("Outcome", outcome.clone().into_any()));
    }
    if job.attempts > 1 {
        let text = format!(
            "{} times, since the server was interrupted; finished steps were kept",
            job.attempts
        );
        properties.push(("Begun", text.into_any()));
    }
    let runs = (!of_validation.is_empty())
        .then(|| page::section("Runs", runs::runs("Runs", &of_validation)));
    let failing = (!failing_lines.is_empty()).then(|| {
        let lines: Vec<_> = failing_lines
            .iter()
            .map(|line| {
                let href = format!("#L{}", line.number);
                view! { <li><a href=href>{line.number}</a><code>{domain::ansi::plain(&line.text)}</code></li> }
            })
            .collect();
        page::section("The lines that matter", view! { <ol class="excerpt">{lines}</ol> }.into_any())
    });
    view! {
        {page::heading(name(&job), crumbs, badge(Status::Job(job.state)))}
        {table::properties(properties)}
        {cancelling(&job, &cancel)}
        {page::section("Steps", steps(&all, builds(job.kind)))}
        {failing}
        {runs}
    }
    .into_any()
}

/// Whether the steps of such a job may be known from before.
const fn builds(kind: JobKind) -> bool {
    matches!(kind, JobKind::Build | JobKind::Kernel | JobKind::Import | JobKind::Variant)
}

fn cancelling(job: &Job, choice: &crate::api::Choice) -> AnyView {
    if job.state.ended() {
        return ().into_any();
    }
    if job.cancel_requested_at.is_some() && job.state == JobState::Running {
        return view! { <p role="status">"Is being cancelled…"</p> }.into_any();
    }
    view! {
        {form::acting::<CancelJob>("", vec![("id", job.id.to_string())], view! {
            {form::submit("Cancel this job", "bad", choice)}
        }.into_any())}
    }
    .into_any()
}
