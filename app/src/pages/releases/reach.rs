//! `/releases/:version/deployments`: where it went, and asking for it to go somewhere.

use leptos::prelude::*;

use super::head;
use crate::{
    api::{
        deployments::RequestDeployment,
        releases::{ReleaseDeploymentsPage, RequestChoice},
    },
    pages::environments::demands,
    routes::href,
    ui::{
        empty, form, page,
        release::{self, release_or_nothing},
    },
};

/// The page.
#[must_use]
pub fn show(data: ReleaseDeploymentsPage) -> AnyView {
    let ReleaseDeploymentsPage { head, environments, deployments } = data;
    let version = head.row.release.name();
    let asking: Vec<_> = environments.iter().map(|it| asking(&version, it)).collect();
    let history = if deployments.is_empty() {
        empty::nothing("Nobody asked for a deployment of this release yet.")
    } else {
        release::deployments("Deployments of this release", &deployments)
    };
    view! {
        {head::head(&head, "deployments")}
        {page::section("Ask for a deployment", view! { <div class="cards">{asking}</div> }.into_any())}
        {page::section("Deployments", history)}
    }
    .into_any()
}

fn asking(version: &str, to: &RequestChoice) -> AnyView {
    let id: &'static str = match to.environment.as_str() {
        "production" => "reason-production",
        "development" => "reason-development",
        _ => "reason-other",
    };
    view! {
        <div class="card">
            <h3><a href=href::environment(&to.environment)>{to.environment.clone()}</a></h3>
            <p class="quiet">"Serves "{release_or_nothing(to.serves.as_deref())}". Demands "{demands(&to.policy)}"."</p>
            {form::acting::<RequestDeployment>("", vec![("environment", to.environment.clone()), ("version", version.to_owned())], view! {
                {form::field(
                    id,
                    "Reason",
                    Some("What changes for whom; approvers read it.".to_owned()),
                    None,
                    form::sentences(id, "reason", true),
                )}
                {form::submit("Ask for this deployment", "main", &to.choice)}
            }.into_any())}
        </div>
    }
    .into_any()
}
