//! `/variants/:name/comparison`: what the newest test of a variant saw beside what the newest of its
//! base saw, case by case.

use domain::{
    run::{
        Validation,
        comparison::{CaseChange, ComparedCase, SeenCase, summary},
    },
    time::human_duration,
};
use leptos::prelude::*;

use crate::{
    api::{releases::StartValidation, variants::ComparisonPage},
    routes::href,
    ui::{
        badge::{Status, badge},
        copy, empty, form, page,
        release::release_link,
        table,
        time::time,
    },
};

/// The page.
#[must_use]
pub fn show(data: ComparisonPage) -> AnyView {
    let ComparisonPage { name, found, validate_base } = data;
    let crumbs = vec![("Variants", "/variants".to_owned()), ("The variant", href::variant(&name))];
    let above = page::heading(format!("Results of {name} beside its base"), crumbs, ().into_any());
    let Some(here) = &found.here else {
        let next = Some((href::variant(&name), "To the variant, to test it"));
        let text = "Once a test of the variant has ended, each of its cases stands here beside the same case of the release below it.";
        return view! { {above}{empty::empty("No test of it has ended yet", text, next)} }
            .into_any();
    };
    let base_name = found.base_name.clone().unwrap_or_default();
    let outdated = found.outdated.then(|| {
        view! { <p class="ending-soon" role="status">"It was built anew since. "<a href=href::variant(&name)>"Test it again"</a>" to see what is built now."</p> }
    });
    let beside = match &found.base {
        Some(_) => view! {
            <p class="summary">"Beside "{release_link(&base_name)}": "{summary(&found.cases)}"."</p>
            {table::properties(vec![
                ("The variant", validation(here)),
                ("Its base", found.base.as_ref().map(validation).into_any()),
            ])}
            {places(&found.cases)}
        }
        .into_any(),
        None => view! {
            <div class="empty">
                <p class="empty-title">{format!("{base_name} was never validated")}</p>
                <p>"So there is nothing to compare with: what fails on the variant may fail on its base as well. A validation boots every entry of the release's menu and checks what runs; the variant's results then stand beside it here."</p>
                {form::acting::<StartValidation>("", vec![("version", base_name.clone())], view! {
                    {form::submit(format!("Validate {base_name} on a QEMU machine"), "main", &validate_base)}
                }.into_any())}
                <p><a href=href::variant(&name)>"The variant's own results"</a></p>
            </div>
        }
        .into_any(),
    };
    view! { {above}{outdated}{beside} }.into_any()
}

fn validation(it: &Validation) -> AnyView {
    view! {
        <a href=href::job(&it.job)>{format!("Plan {}", it.plan)}</a>" "{badge(Status::Job(it.state))}
        " "{time(it.created_at)}" by "{it.created_by.clone()}", of "{copy::digest(&it.manifest, "the manifest's digest")}
    }
    .into_any()
}

/// A table for each entry and machine; what differs stands above what does not.
fn places(cases: &[ComparedCase]) -> AnyView {
    cases
        .chunk_by(|a, b| (&a.entry, &a.machine) == (&b.entry, &b.machine))
        .map(|cases| {
            let title = cases.first().map(|it| format!("{} on {}", it.entry, it.machine));
            let mut in_order: Vec<_> = cases.iter().collect();
            in_order.sort_by_key(|it| it.change);
            let rows = in_order.into_iter().map(row).collect();
            view! {
                <section class="beside-base">
                    <h2>{title}</h2>
                    {runs(cases)}
                    {table::table("Cases on both sides", &["Case", "Beside the base", "Here", "Base"], rows)}
                </section>
            }
        })
        .collect::<Vec<_>>()
        .into_any()
}

/// The ways to the two runs that decide.
fn runs(cases: &[ComparedCase]) -> AnyView {
    let run = |side: fn(&ComparedCase) -> Option<&SeenCase>, words: &'static str| {
        let run = cases.iter().find_map(side).map(|it| it.run.clone());
        match run {
            Some(run) => {
                view! { <a href=href::run(&run)>{format!("The run {words}")}</a> }.into_any()
            }
            None => view! { <span>{format!("There is no run {words}.")}</span> }.into_any(),
        }
    };
    view! {
        <p class="quiet">{run(|it| it.here.as_ref(), "of the variant")}" · "{run(|it| it.base.as_ref(), "of the base")}</p>
    }
    .into_any()
}

fn row(case: &ComparedCase) -> AnyView {
    let means = (case.change != CaseChange::Unchanged)
        .then(|| view! { <div class="quiet">{case.change.meaning()}</div> });
    let longer = case.longer_us().map(|us| {
        let words = if us < 0 { "faster than the base" } else { "slower than the base" };
        view! { <div class="quiet">{format!("{} {words}", duration(us.saturating_abs()))}</div> }
    });
    table::row(vec![
        view! { <strong>{case.title.clone()}</strong><br/><code>{case.case.clone()}</code> }
            .into_any(),
        view! { {badge(Status::Change(case.change))}{means}{longer} }.into_any(),
        side(case.here.as_ref()),
        side(case.base.as_ref()),
    ])
}

fn side(seen: Option<&SeenCase>) -> AnyView {
    let Some(seen) = seen else { return "–".into_any() };
    let said = (seen.outcome != domain::run::Outcome::Passed)
        .then(|| view! { <div class="quiet">{seen.message.clone()}</div> });
    view! { {badge(Status::Outcome(Some(seen.outcome)))}" "<span class="took">{seen.duration_us.map(duration)}</span>{said} }
        .into_any()
}

fn duration(us: i64) -> String {
    human_duration(std::time::Duration::from_micros(u64::try_from(us).unwrap_or(0)))
}
