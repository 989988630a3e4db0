//! What people say of a failure, in one line.

use domain::{
    assessment::{Assessment, Issue, MadeAssessment},
    time::Timestamp,
};
use leptos::prelude::*;

use super::{
    badge::{Status, labelled},
    time::time,
};

/// A failure as forms name it: its run, the revision of the assessment that is shown, and its case.
#[must_use]
pub fn seen(run: &str, revision: u32, case: &str) -> String {
    format!("{run}/{revision}/{case}")
}

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

/// What was said, in the order in which a reader asks: does it stand in the way, whose problem is it,
/// where is it tracked.
#[must_use]
pub fn words(said: &Assessment, now: Timestamp) -> AnyView {
    let waiver = said.waiver.as_ref().map(|waiver| {
        let reason = waiver.reason.clone();
        let (holds, by) = (waiver.holds(now), waiver.by.clone());
        let until = time(waiver.until);
        let state = if holds {
            view! { {labelled(Status::Waived, "waived".to_owned())}" by "{by}" until "{until}": " }
                .into_any()
        } else {
            view! { {labelled(Status::WaiverEnded, "waiver ended".to_owned())}" by "{by}", "{until}": " }
                .into_any()
        };
        view! { <span class="waiver">{state}<q>{reason}</q></span> }
    });
    let blame =
        said.blame.map(|it| view! { <span>"Problem of the "<strong>{it.word()}</strong></span> });
    let issue = said.issue.as_ref().map(|it| view! { <span>"Issue "{issue(it)}</span> });
    let comment = (!said.comment.is_empty())
        .then(|| view! { <span class="said">{said.comment.clone()}</span> });
    view! { {waiver}{blame}{issue}{comment} }.into_any()
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
