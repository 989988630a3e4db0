//! Releases and deployments as they stand in lists.

use domain::deployment::Deployment;
use leptos::prelude::*;

use super::{
    badge::{Status, badge, live_in},
    table,
    time::time,
};
use crate::{api::releases::ReleaseRow, routes::href};

/// Releases, newest first.
#[must_use]
pub fn releases(rows: &[ReleaseRow]) -> AnyView {
    let rows = rows
        .iter()
        .map(|row| {
            let release = &row.release;
            let state = view! {
                <span class="badges">{badge(Status::Stage(release.stage))}{live_in(&row.serving)}</span>
            };
            let recipe = view! {
                <a href=href::recipe(&release.recipe_name)>{release.recipe_name.clone()}</a>
                {format!(" r{}", release.revision)}
            };
            let health = release.stage.bootable().then(|| badge(Status::Health(row.health)));
            table::row(vec![
                release_link(&release.name()),
                state.into_any(),
                health.into_any(),
                recipe.into_any(),
                view! { {time(release.created_at)}" by "{release.created_by.clone()} }.into_any(),
            ])
        })
        .collect();
    table::table("Releases", &["Release", "Stage", "Tests", "Recipe", "Asked for"], rows)
}

/// A release's name, leading to its page.
#[must_use]
pub fn release_link(name: &str) -> AnyView {
    view! { <a class="release" href=href::release(name)>{name.to_owned()}</a> }.into_any()
}

/// The release that something points at, or that there is none.
#[must_use]
pub fn release_or_nothing(name: Option<&str>) -> AnyView {
    name.map_or_else(|| view! { <span class="nothing">"nothing"</span> }.into_any(), release_link)
}

/// From one release to another.
#[must_use]
pub fn from_to(deployment: &Deployment) -> AnyView {
    view! {
        <span class="from-to">
            {release_or_nothing(deployment.from_name.as_deref())}
            <span aria-label="to">" → "</span>
            {release_link(&deployment.release_name)}
        </span>
    }
    .into_any()
}

/// Deployments in a table.
#[must_use]
pub fn deployments(caption: &'static str, rows: &[Deployment]) -> AnyView {
    let rows = rows
        .iter()
        .map(|deployment| {
            let what = if deployment.rollback { "Roll back" } else { "Deploy" };
            table::row(vec![
                table::link(
                    href::deployment(&deployment.id),
                    format!("{what} to {}", deployment.environment),
                ),
                from_to(deployment),
                badge(Status::Deployment(deployment.state)),
                view! { {time(deployment.requested_at)}" by "{deployment.requester_name.clone()} }
                    .into_any(),
                deployment.reason.clone().into_any(),
            ])
        })
        .collect();
    table::table(caption, &["What", "Change", "State", "Asked for", "Reason"], rows)
}
