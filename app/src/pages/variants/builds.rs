//! What was built of a variant, and where each second of the newest build went.

use domain::{
    job::{Step, StepState},
    time::human_duration,
    variant::{Definition, VariantBuild},
};
use leptos::prelude::*;

use crate::{
    routes::href,
    ui::{
        badge::{Status, badge},
        empty,
        release::release_link,
        table,
        time::{time, took},
    },
};

/// Builds, newest first.
pub(super) fn builds(builds: &[VariantBuild], now: &Definition) -> AnyView {
    if builds.is_empty() {
        return empty::nothing("Nothing was built of it yet.");
    }
    let rows = builds
        .iter()
        .map(|it| {
            let changed = (it.definition != *now)
                .then(|| view! { " "<span class="quiet">"before the last change"</span> });
            let size = it.layer_size().map_or_else(|| "–".to_owned(), domain::time::human_size);
            table::row(vec![
                table::link(href::job(&it.job), it.number.to_string()),
                badge(Status::Job(it.state)),
                release_link(&it.base),
                view! { {format!("r{}", it.revision)}{changed} }.into_any(),
                table::number(size),
                took(it.started_at, it.ended_at),
                view! { {time(it.created_at)}" by "{it.created_by.clone()} }.into_any(),
            ])
        })
        .collect();
    table::table(
        "Builds",
        &["Build", "State", "Base", "Revision", ">Layer", "Took", "Asked for"],
        rows,
    )
}

/// Steps of a build as one bar, and the same in words below it.
pub(super) fn seconds(steps: &[Step]) -> AnyView {
    const WIDTH: f64 = 1000.0;
    let times: Vec<(&Step, f64)> = steps.iter().filter_map(|it| Some((it, length(it)?))).collect();
    let total: f64 = times.iter().map(|(_, ms)| ms).sum();
    if total <= 0.0 {
        return ().into_any();
    }
    let mut left = 0.0;
    let (mut marks, mut legend) = (Vec::new(), Vec::new());
    for (index, (step, ms)) in times.iter().enumerate() {
        let width = ms / total * WIDTH;
        let class = format!("part part{}", index % 7);
        let words = match step.state {
            StepState::Reused => "known from before".to_owned(),
            _ => human_duration(std::time::Duration::from_secs_f64(ms / 1000.0)),
        };
        marks.push(view! {
            <rect class=class.clone() x=format!("{left:.1}") y="0" width=format!("{:.1}", (width - 2.0).max(1.0)) height="14">
                <title>{format!("{}: {words}", step.name)}</title>
            </rect>
        });
        legend.push(view! {
            <li>
                <svg viewBox="0 0 10 10" width="10" height="10" aria-hidden="true"><rect class=class width="10" height="10"></rect></svg>
                <span>{step.name.clone()}</span>
                <span class="number">{words}</span>
            </li>
        });
        left += width;
    }
    let whole = human_duration(std::time::Duration::from_secs_f64(total / 1000.0));
    view! {
        <figure class="sizes seconds">
            <svg viewBox="0 0 1000 14" preserveAspectRatio="none" role="img" aria-label=format!("{whole} in all, step by step")>
                {marks}
            </svg>
            <figcaption><ul>{legend}</ul></figcaption>
        </figure>
    }
    .into_any()
}

/// How long a step took, in milliseconds.
fn length(step: &Step) -> Option<f64> {
    let length = step.ended_at?.since(step.started_at?);
    Some(length.as_secs_f64() * 1000.0)
}
