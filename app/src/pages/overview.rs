//! `/`: what runs where, what waits, what builds, what broke, and how to boot a machine.

use domain::{job::Job, policy::may_edit_recipe};
use leptos::prelude::*;

use crate::{
    api::{
        approvals::InboxRow,
        jobs::JobRow,
        overview::{BootCard, EnvironmentRow, OverviewPage, load_overview},
    },
    pages::{boots, jobs, variants},
    routes::href,
    ui::{
        badge::{Status, badge},
        copy, empty, form,
        icon::Icon,
        page,
        release::{self, from_to, release_or_nothing},
        time::time,
    },
    viewer::viewer,
};

pub(crate) fn overview() -> AnyView {
    let topics =
        &["job/", "deployment/", "environment/", "recipe/", "release/", "variant/", "boots"];
    page::loaded(topics, load_overview(), show)
}

/// The page.
#[must_use]
pub fn show(data: OverviewPage) -> AnyView {
    let OverviewPage {
        environments,
        waiting,
        working,
        broken,
        failed_boots,
        ending,
        newest,
        has_recipe,
        shortage,
        boot,
    } = data;
    let short = shortage.map(|why| {
        view! { <div class="alert" role="status">{crate::error::sentence(&why)}" "<a href="/room">"To the room"</a></div> }
    });
    let next = next_step(has_recipe, &newest, &environments);
    let broken = (!broken.is_empty()).then(|| page::section("What broke", jobs_list(&broken)));
    let failed_boots = (!failed_boots.is_empty())
        .then(|| page::section("Boots that failed in the last hour", boots::failed(&failed_boots)));
    let ending = (!ending.is_empty())
        .then(|| page::section("Your variants that end", variants::ending(&ending)));
    let newest =
        (!newest.is_empty()).then(|| page::section("Newest releases", release::releases(&newest)));
    view! {
        {page::heading("Overview".to_owned(), Vec::new(), ().into_any())}
        {short}
        {next}
        <div class="columns">
            <div>
                {page::section("What runs where", environment_cards(&environments))}
                {page::section("Waits for you", inbox(&waiting))}
                {ending}
                {newest}
            </div>
            <div>
                {page::section("At work", if working.is_empty() { empty::nothing("Nothing builds or is validated now.") } else { jobs_list(&working) })}
                {failed_boots}
                {broken}
                {page::section("Boot a machine now", boot_card(&boot))}
            </div>
        </div>
    }
    .into_any()
}

/// What to do first on an installation that is not used yet.
fn next_step(
    has_recipe: bool,
    newest: &[crate::api::releases::ReleaseRow],
    environments: &[EnvironmentRow],
) -> Option<AnyView> {
    if !has_recipe {
        let choice = may_edit_recipe(viewer().role).map_err(|refusal| refusal.to_string());
        return Some(step(
            "First: a recipe",
            "A recipe says everything that goes into a system and its boot menu. Start from one that boots: a small Debian 12 with OpenSSH. Then build it.",
            form::go("Start from the starter recipe", "/recipes/new".to_owned(), "main", &choice),
        ));
    }
    if newest.is_empty() {
        return Some(step(
            "Next: build a release",
            "Your recipe is saved. Building it gives a release: images, kernel and boot menu that machines can boot.",
            form::go("To the recipes", "/recipes".to_owned(), "main", &Ok(())),
        ));
    }
    let live = environments.iter().any(|it| it.environment.release.is_some());
    (!live).then(|| {
        let release = &newest[0].release;
        let name = release.name();
        let (title, text, label, tab): (_, _, _, fn(&str) -> String) = if release.stage.bootable() {
            (
                "Next: validate, then deploy",
                "No environment serves a release yet. Validate the newest one on a machine, then ask for its deployment.",
                "To its tests",
                |name| href::release_tab(name, "tests"),
            )
        } else {
            (
                "Next: a release that works",
                "The newest release is not complete. Its page tells how its build went.",
                "To the release",
                href::release,
            )
        };
        step(title, text, form::go(label, tab(&name), "main", &Ok(())))
    })
}

fn step(title: &'static str, text: &'static str, action: AnyView) -> AnyView {
    view! { <section class="next"><h2>{title}</h2><p>{text}</p>{action}</section> }.into_any()
}

/// What each environment serves.
#[must_use]
pub fn environment_cards(environments: &[EnvironmentRow]) -> AnyView {
    let cards: Vec<_> = environments
        .iter()
        .map(|row| {
            let environment = &row.environment;
            let since = environment.since.map(|since| view! { <p class="quiet">"since "{time(since)}</p> });
            let open = (!row.open.is_empty()).then(|| {
                let count = row.open.len();
                let words = if count == 1 { "1 request waits".to_owned() } else { format!("{count} requests wait") };
                view! { <p><a href="/approvals">{words}</a></p> }
            });
            view! {
                <li class="card">
                    <h3><a href=href::environment(&environment.name)>{environment.name.clone()}</a></h3>
                    <p class="serves">
                        {release_or_nothing(environment.release_name.as_deref())}
                        {row.health.map(|health| badge(Status::Health(health)))}
                    </p>
                    {since}
                    {open}
                </li>
            }
        })
        .collect();
    view! { <ul class="cards">{cards}</ul> }.into_any()
}

fn inbox(rows: &[InboxRow]) -> AnyView {
    let mine: Vec<&InboxRow> =
        rows.iter().filter(|row| row.approve.is_ok() || row.deploy.is_ok()).collect();
    if mine.is_empty() {
        return empty::nothing("Nothing. Requests that you may approve or deploy appear here.");
    }
    let rows: Vec<_> = mine
        .into_iter()
        .map(|row| {
            let deployment = &row.deployment;
            let todo = if row.deploy.is_ok() { "Deploy it" } else { "Look at it" };
            view! {
                <li>
                    <div>
                        <a href=href::deployment(&deployment.id)>
                            {format!("{} to {}", deployment.release_name, deployment.environment)}
                        </a>
                        " "{badge(Status::Deployment(deployment.state))}
                    </div>
                    <p class="quiet">{from_to(deployment)}". "{row.summary.clone()}"."</p>
                    <p class="quiet">{deployment.requester_name.clone()}" asked "{time(deployment.requested_at)}</p>
                    <p><a class="button" href=href::deployment(&deployment.id)>{todo}</a></p>
                </li>
            }
        })
        .collect();
    view! { <ul class="list">{rows}</ul> }.into_any()
}

fn jobs_list(rows: &[JobRow]) -> AnyView {
    let rows: Vec<_> = rows
        .iter()
        .map(|row| {
            let Job { id, state, outcome, .. } = &row.job;
            view! {
                <li>
                    <div><a href=href::job(id)>{jobs::name(&row.job)}</a>" "{badge(Status::Job(*state))}</div>
                    {jobs::progress(row)}
                    {outcome.clone().map(|outcome| view! { <p class="quiet">{outcome}</p> })}
                </li>
            }
        })
        .collect();
    view! { <ul class="list">{rows}</ul> }.into_any()
}

fn boot_card(boot: &BootCard) -> AnyView {
    let state = match &boot.answers {
        Ok(()) => view! { <p class="answers good">{Icon::Check.draw()}<span>"The boot listener answers."</span></p> }.into_any(),
        Err(reason) => {
            view! { <p class="answers bad">{Icon::Cross.draw()}<span>{crate::error::sentence(reason)}</span></p> }.into_any()
        }
    };
    let lines: Vec<_> = boot
        .chain_lines
        .iter()
        .map(|line| view! { <li>{copy::command(line, "this line")}</li> })
        .collect();
    view! {
        <div class="boot">
            <p>"At the machine's iPXE prompt (Ctrl-B while it starts), take an address that it reaches:"</p>
            <ul class="commands">{lines}</ul>
            <p>"Or "<a href="/machines/booting">"let DHCP lead machines here"</a>"."</p>
            {state}
        </div>
    }
    .into_any()
}
