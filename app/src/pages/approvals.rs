//! `/approvals`: the inbox.

use leptos::prelude::*;

use crate::{
    api::approvals::{ApprovalsPage, InboxRow, load_approvals},
    error::sentence,
    routes::href,
    ui::{
        badge::{Status, badge},
        empty, page,
        release::{self, from_to},
        time::time,
    },
};

pub(crate) fn inbox() -> AnyView {
    let topics = &["deployment/", "environment/", "release/"];
    page::loaded(topics, load_approvals(), |data| show(&data))
}

/// The page.
#[must_use]
pub fn show(data: &ApprovalsPage) -> AnyView {
    let mine = |row: &&InboxRow| row.approve.is_ok() || row.deploy.is_ok();
    let (yours, others): (Vec<_>, Vec<_>) = data.open.iter().partition(mine);
    let yours = if yours.is_empty() {
        empty::nothing(
            "Nothing waits for you. A request appears here when you may approve or deploy it.",
        )
    } else {
        view! { <ul class="list wide">{yours.into_iter().map(request).collect::<Vec<_>>()}</ul> }
            .into_any()
    };
    let others = (!others.is_empty()).then(|| {
        let rows = view! { <ul class="list wide">{others.into_iter().map(request).collect::<Vec<_>>()}</ul> };
        page::section("Wait for others", rows.into_any())
    });
    let ended = (!data.ended.is_empty()).then(|| {
        page::section(
            "Ended lately",
            release::deployments("Requests that ended lately", &data.ended),
        )
    });
    view! {
        {page::heading("Approvals".to_owned(), Vec::new(), ().into_any())}
        {page::section("Wait for you", yours)}
        {others}
        {ended}
    }
    .into_any()
}

fn request(row: &InboxRow) -> AnyView {
    let deployment = &row.deployment;
    let why_not = row.approve.as_ref().err().filter(|_| row.deploy.is_err());
    let why_not = why_not.map(|reason| view! { <p class="reason">{sentence(reason)}</p> });
    let label = match (&row.deploy, &row.approve) {
        (Ok(()), _) => "Deploy…",
        (_, Ok(())) => "Review…",
        _ => "Look at it",
    };
    let counted =
        (row.demanded > 0).then(|| format!("{} of {} approvals", row.counted, row.demanded));
    view! {
        <li>
            <div class="line">
                <a href=href::deployment(&deployment.id)>
                    {format!("{} to {}", deployment.release_name, deployment.environment)}
                </a>
                {badge(Status::Deployment(deployment.state))}
                {badge(Status::Health(row.health))}
                <span class="quiet">{counted}</span>
            </div>
            <p>{deployment.reason.clone()}</p>
            <p class="quiet">
                {from_to(deployment)}". "{row.summary.clone()}". "{deployment.requester_name.clone()}" asked "{time(deployment.requested_at)}"."
            </p>
            {why_not}
            <p><a class="button" href=href::deployment(&deployment.id)>{label}</a></p>
        </li>
    }
    .into_any()
}
