//! What people say of a failure, in one line.

use domain::{
    assessment::{Assessment, Issue, MadeAssessment, Waiver},
    evidence::DecidingCase,
    run::FailureClass,
    time::Timestamp,
};
use leptos::prelude::*;

use super::{
    badge::{Status, badge},
    time::time,
};

/// A failure as forms name it: its run, the revision of the assessment that is shown, and its case.
#[must_use]
pub fn seen(run: &str, revision: u32, case: &str) -> String {
    format!("{run}/{revision}/{case}")
}

/// What comes before the JSON of a demanded case that no run answered, where forms name it.
pub const MISSING: &str = "missing/";

/// Where a failure is tracked: a link where it is an address.
#[must_use]
pub fn issue(issue: &Issue) -> AnyView {
    let shown = issue.as_str().to_owned();
    match issue.href() {
        Some(href) => {
            view! { <a href=href.to_owned() rel="noopener noreferrer nofollow">{shown}</a> }
                .into_any()
        }
        None => view! { <code>{shown}</code> }.into_any(),
    }
}

/// Who answers for a failure, until when and why.
#[must_use]
pub fn waiver(waiver: &Waiver, holds: bool) -> AnyView {
    let (by, until, reason) = (waiver.by.clone(), time(waiver.until), waiver.reason.clone());
    let state = if holds {
        view! { {badge(Status::Waived)}" by "{by}" until "{until}": " }.into_any()
    } else {
        view! { {badge(Status::WaiverEnded)}" by "{by}", "{until}": " }.into_any()
    };
    view! { <span class="waiver">{state}<q>{reason}</q></span> }.into_any()
}

fn blame_and_issue(blame: Option<FailureClass>, tracked: Option<&Issue>) -> AnyView {
    let blame =
        blame.map(|it| view! { <span>"Problem of the "<strong>{it.word()}</strong></span> });
    let tracked = tracked.map(|it| view! { <span>"Issue "{issue(it)}</span> });
    view! { {blame}{tracked} }.into_any()
}

/// Whether anybody has said anything of a case that decides.
#[must_use]
pub const fn is_said_of(case: &DecidingCase) -> bool {
    case.waiver.is_some() || case.blame.is_some() || case.issue.is_some()
}

/// What people say of a case that decides.
#[must_use]
pub fn deciding(case: &DecidingCase) -> AnyView {
    if !is_said_of(case) {
        return ().into_any();
    }
    let waiver = case.waiver.as_ref().map(|it| waiver(it, true));
    view! { <div class="assessment">{waiver}{blame_and_issue(case.blame, case.issue.as_ref())}</div> }
        .into_any()
}

/// What was said, in the order in which a reader asks: does it stand in the way, whose problem is it,
/// where is it tracked.
#[must_use]
pub fn words(said: &Assessment, now: Timestamp) -> AnyView {
    let waiver = said.waiver.as_ref().map(|it| waiver(it, it.holds(now)));
    let told = blame_and_issue(said.blame, said.issue.as_ref());
    let comment = (!said.comment.is_empty())
        .then(|| view! { <span class="said">{said.comment.clone()}</span> });
    view! { {waiver}{told}{comment} }.into_any()
}

/// What counts of a failure of something called `about`; nothing where nobody has said anything.
#[must_use]
pub fn line(made: Option<&MadeAssessment>, about: Option<&str>, now: Timestamp) -> AnyView {
    let Some(made) = made else { return ().into_any() };
    if made.said == Assessment::default() {
        return ().into_any();
    }
    let carried = made
        .carried_from(about)
        .map(|from| view! { <span class="quiet">{format!("carried over from {from}")}</span> });
    view! { <p class="assessment">{words(&made.said, now)}{carried}</p> }.into_any()
}
