//! One result of a run.

use domain::{
    history::PastResult,
    run::reported::{EarlierAttempt, Measurement},
    subject::Subject,
    time::human_duration,
};
use leptos::prelude::*;
use services::history::ResultInContext;

use crate::{
    pages::review,
    routes::href,
    ui::{
        assessment,
        badge::{Status, badge},
        page, table,
        time::time,
    },
};

/// The page.
#[must_use]
pub fn show(data: &ResultInContext) -> AnyView {
    let ResultInContext { run, result, older, newer, artefacts, review } = data;
    let title = if result.title.is_empty() { result.id.clone() } else { result.title.clone() };
    let crumbs = vec![("Tests", "/tests".to_owned()), ("Run", href::run(&run.id))];
    let took = result.duration_us.and_then(|it| u64::try_from(it).ok());
    let took = took.map(|it| human_duration(std::time::Duration::from_micros(it)));
    let about = run.subject.as_ref().map_or("nobody has said yet", Subject::name).to_owned();
    let machine = match run.entry.as_str() {
        "" => run.machine.clone(),
        entry => format!("{}, entry {entry}", run.machine),
    };
    let mut properties = vec![
        ("Case", table::link(href::case(&result.id, "", ""), result.id.clone())),
        ("About", about.into_any()),
        ("Machine", machine.into_any()),
        ("Run", table::link(href::run(&run.id), run.suite.clone())),
        ("Began", time(result.started_at.unwrap_or(run.started_at))),
        ("Took", took.unwrap_or_else(|| "nobody measured".to_owned()).into_any()),
    ];
    if !result.suites.is_empty() {
        properties.push(("Within", result.suites.join(" › ").into_any()));
    }
    if !result.tags.is_empty() {
        properties.push(("Tags", result.tags.join(", ").into_any()));
    }
    let said = (!result.message.is_empty())
        .then(|| page::section("What was seen", text(result.message.clone())));
    let log = (!result.excerpt.is_empty())
        .then(|| page::section("The log around the first error", text(result.excerpt.clone())));
    let measured = (!result.measurements.is_empty())
        .then(|| page::section("Measured", measurements(&result.measurements)));
    let earlier = (!result.earlier.is_empty())
        .then(|| page::section("Attempts before", attempts(&result.earlier)));
    let left = (!artefacts.is_empty()).then(|| {
        let links: Vec<_> = artefacts
            .iter()
            .map(|name| view! { <li><a href=href::artefact(&run.id, name)>{name.clone()}</a></li> })
            .collect();
        page::section("What the run left", view! { <ul>{links}</ul> }.into_any())
    });
    let review = review.as_ref().map(|review| {
        let failure = assessment::seen(run.id.as_str(), review.revision(), &result.id);
        review::section(review, &failure, run.subject.as_ref().map(Subject::name))
    });
    let waived = review_waives(data).then(|| badge(Status::Waived));
    let beside = view! { {badge(Status::Outcome(Some(result.outcome)))}{waived} };
    view! {
        {page::heading(title, crumbs, beside.into_any())}
        <nav class="pager" aria-label="Results of the same case on the same machine">
            {neighbour("Previous", older.as_ref(), &result.id)}
            {neighbour("Next", newer.as_ref(), &result.id)}
        </nav>
        {table::properties(properties)}
        {said}{log}{review}{measured}{earlier}{left}
    }
    .into_any()
}

/// Whether somebody answers for it now that it does not stand in the way.
fn review_waives(data: &ResultInContext) -> bool {
    let review = data.review.as_ref();
    let newest = review.and_then(|it| it.history.first().map(|made| made.said.waived(it.now)));
    newest.flatten().is_some()
}

fn neighbour(word: &'static str, it: Option<&PastResult>, case: &str) -> Option<AnyView> {
    let it = it?;
    let about = it.subject.as_ref().map_or("unattached", Subject::name);
    let words = format!("{word}: {} in {about}", it.outcome.word());
    Some(view! { <a class="button" href=href::result(&it.run, case)>{words}</a> }.into_any())
}

fn text(text: String) -> AnyView {
    view! { <pre class="said" tabindex="0">{text}</pre> }.into_any()
}

fn measurements(measured: &[Measurement]) -> AnyView {
    let rows = measured
        .iter()
        .map(|it| {
            let value = format!("{} {}", it.value, it.unit).trim_end().to_owned();
            table::row(vec![it.name.clone().into_any(), table::number(value)])
        })
        .collect();
    table::table("Measured", &["What", ">How much"], rows)
}

fn attempts(attempts: &[EarlierAttempt]) -> AnyView {
    let rows = attempts
        .iter()
        .enumerate()
        .map(|(at, it)| {
            table::row(vec![
                table::number((at + 1).to_string()),
                badge(Status::Outcome(Some(it.outcome))),
                view! { <span class="said">{it.message.clone()}</span> }.into_any(),
            ])
        })
        .collect();
    table::table("Attempts before", &[">Attempt", "Outcome", "What was seen"], rows)
}
