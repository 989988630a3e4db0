//! Steps of a job: how each stands and how long it took.

use domain::job::{Step, StepState};
use leptos::prelude::*;

use super::{
    badge::{Status, badge},
    time::took,
};

/// All steps in order. With `log` each name leads to where the log tells of that step.
#[must_use]
pub fn steps(steps: &[Step], log: bool) -> AnyView {
    let rows: Vec<_> = steps.iter().map(|step| row(step, log)).collect();
    view! { <ol class="steps">{rows}</ol> }.into_any()
}

fn row(step: &Step, log: bool) -> AnyView {
    let begun = step.state != StepState::Waiting;
    let name = if log && begun {
        view! { <a href=format!("#step-{}", step.name)>{step.name.clone()}</a> }.into_any()
    } else {
        step.name.clone().into_any()
    };
    let time = match step.state {
        StepState::Waiting | StepState::Reused => ().into_any(),
        _ => took(step.started_at, step.ended_at),
    };
    let progress = step.progress.filter(|_| step.state == StepState::Running).map(|done| {
        view! {
            <progress max="1000" value=done.to_string() aria-label=format!("{} is done by", step.name)>
                {format!("{} %", done / 10)}
            </progress>
        }
    });
    let message = step.message.clone().map(|message| view! { <p class="message">{message}</p> });
    let failed = (step.state == StepState::Failed).then_some("failed");
    view! {
        <li class=failed>
            <span class="name">{name}</span>
            {badge(Status::Step(step.state))}
            <span class="took">{time}</span>
            {progress}
            {message}
        </li>
    }
    .into_any()
}
