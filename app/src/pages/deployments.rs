//! `/deployments/:id`: what changes, on which evidence, who said what, and what to do now.

use domain::{
    assessment::Waiver,
    deployment::{Approval, Deployment, DeploymentState},
    evidence::{DecidingCase, EvidenceChange},
    ids::DeploymentId,
};
use leptos::prelude::*;

use crate::{
    api::deployments::{
        DeploymentPage, ExecuteDeployment, JudgeDeployment, WithdrawDeployment, load_deployment,
    },
    pages::{environments::demands, parameter, releases},
    routes::href,
    ui::{
        assessment,
        badge::{Status, badge},
        change::changes,
        copy, empty, form, page,
        release::{from_to, release_link},
        table,
        time::{time, time_or_dash},
    },
};

pub(crate) fn deployment() -> AnyView {
    let topics = &["deployment/", "environment/", "release/", "run/"];
    let id = DeploymentId(parameter("id"));
    page::loaded(topics, load_deployment(id), |data| show(&data))
}

/// The page.
#[must_use]
pub fn show(data: &DeploymentPage) -> AnyView {
    let deployment = &data.deployment;
    let what = if deployment.rollback { "Roll back" } else { "Deploy" };
    let title = format!("{what}: {} to {}", deployment.release_name, deployment.environment);
    let crumbs = vec![
        ("Approvals", "/approvals".to_owned()),
        ("Environment", href::environment(&deployment.environment)),
    ];
    let mut properties = vec![
        ("Change", from_to(deployment)),
        ("Release", view! { {release_link(&data.release.release.name())}" "{badge(Status::Health(data.release.health))} }.into_any()),
        ("Asked for", view! { {time(deployment.requested_at)}" by "{deployment.requester_name.clone()} }.into_any()),
        ("Reason", deployment.reason.clone().into_any()),
        ("Manifest", copy::digest(&deployment.manifest, "the manifest's digest")),
        ("Evidence", copy::digest(&deployment.evidence, "the evidence's digest")),
        ("Demanded", demands(&data.environment.policy).into_any()),
    ];
    if !deployment.state.open() {
        let by = deployment.ended_by.clone().map(|name| view! { " by "{name} });
        properties.push(("Ended", view! { {time_or_dash(deployment.ended_at)}{by} }.into_any()));
        if let Some(outcome) = &deployment.outcome {
            properties.push(("Outcome", outcome.clone().into_any()));
        }
    }
    let changed =
        data.changes.as_ref().map(|against| page::section("What changes", changes(against)));
    let evidence: Vec<_> = data.evidence.iter().map(releases::evidence).collect();
    let evidence = if evidence.is_empty() {
        empty::nothing("The environment demands no plan.")
    } else {
        view! { {evidence} }.into_any()
    };
    let stale = deployment.state == DeploymentState::Lapsed
        || (deployment.state.open() && deployment.evidence != data.evidence_digest);
    let since = stale.then(|| changed_since(data.evidence_changes.as_deref()));
    let accepted = deployment.state.open().then(|| accepted(data));
    let said = if deployment.approvals.is_empty() {
        empty::nothing("Nobody has said anything yet.")
    } else {
        view! { <ul class="list">{deployment.approvals.iter().map(said).collect::<Vec<_>>()}</ul> }
            .into_any()
    };
    let todo = deployment.state.open().then(|| todo(data));
    view! {
        {page::heading(title, crumbs, badge(Status::Deployment(deployment.state)))}
        {table::properties(properties)}
        {changed}
        {page::section("Evidence", view! { {since}{accepted}{evidence} }.into_any())}
        {page::section("Said about it", said)}
        {todo}
    }
    .into_any()
}

/// What let approvals lapse, before and after, case by case.
fn changed_since(changes: Option<&[EvidenceChange]>) -> AnyView {
    let Some(changes) = changes.filter(|it| !it.is_empty()) else {
        return view! {
            <p><strong>"The evidence is another one than when this was asked for."</strong>" The plans that the environment demands changed as well, so it cannot be told case by case."</p>
        }
        .into_any();
    };
    let side = |case: Option<&DecidingCase>| match case {
        None => "not demanded".into_any(),
        Some(case) => view! {
            {badge(Status::Outcome(Some(case.ended())))}
            {assessment::deciding(case)}
        }
        .into_any(),
    };
    let rows = changes
        .iter()
        .filter_map(|change| {
            let case = change.after.as_ref().or(change.before.as_ref())?;
            let run = |it: &Option<DecidingCase>| it.as_ref().and_then(|it| it.run.clone());
            let another = run(&change.before) != run(&change.after);
            let decided = match run(&change.after).filter(|_| another) {
                Some(id) => table::link(href::run(&id), "another run".to_owned()),
                None if another => "no run any more".into_any(),
                None => "the same run".into_any(),
            };
            Some(table::row(vec![
                table::code(case.case.clone()),
                format!("{} {}", case.machine, case.entry).trim().to_owned().into_any(),
                side(change.before.as_ref()),
                side(change.after.as_ref()),
                decided,
            ]))
        })
        .collect();
    view! {
        <p><strong>"This has changed since it was asked for:"</strong></p>
        {table::table("What changed of the evidence", &["Case", "Where", "Then", "Since", "Decided by"], rows)}
    }
    .into_any()
}

/// The waivers that an approval given now would accept, and those that do not count here.
fn accepted(data: &DeploymentPage) -> AnyView {
    let own = |waiver: &Waiver| {
        !data.environment.policy.self_approval && waiver.person == data.deployment.requester
    };
    // Several cases of one cause are waived by one statement: it stands here once.
    let mut given: Vec<(&Waiver, Vec<AnyView>)> = Vec::new();
    for case in data.evidence.iter().flat_map(|plan| &plan.evidence.cases) {
        let Some(waiver) = &case.waiver else { continue };
        let entry = match case.entry.as_str() {
            "" => String::new(),
            entry => format!(", entry {entry}"),
        };
        let outcome = case.ended().word().replace('-', " ");
        let told = format!(" on {}{entry}: {outcome}", case.machine);
        let told = view! { <li><code>{case.case.clone()}</code>{told}</li> }.into_any();
        let same = |(known, _): &&mut (&Waiver, _)| {
            (&known.by, &known.reason, known.until) == (&waiver.by, &waiver.reason, waiver.until)
        };
        match given.iter_mut().find(same) {
            Some((_, cases)) => cases.push(told),
            None => given.push((waiver, vec![told])),
        }
    }
    if given.is_empty() {
        return ().into_any();
    }
    let items: Vec<_> = given
        .into_iter()
        .map(|(waiver, cases)| {
            let own = own(waiver)
                .then_some(" It does not count: who asks for a deployment waives nothing for it.");
            view! { <li>{assessment::waiver(waiver, true)}{own}<ul class="waived">{cases}</ul></li> }
        })
        .collect();
    view! {
        <p><strong>"Whoever approves this accepts these waivers:"</strong></p>
        <ul class="list accepted">{items}</ul>
    }
    .into_any()
}

fn said(approval: &Approval) -> AnyView {
    let comment =
        (!approval.comment.is_empty()).then(|| view! { <p>{approval.comment.clone()}</p> });
    view! {
        <li>
            <strong>{approval.approver_name.clone()}</strong>" "{approval.verdict.word()}" this, "{time(approval.at)}
            {comment}
            <p class="quiet">"On evidence "<code>{approval.evidence.short()}</code>"."</p>
        </li>
    }
    .into_any()
}

fn todo(data: &DeploymentPage) -> AnyView {
    let DeploymentPage { deployment, environment, counted, choices, .. } = data;
    let demanded = environment.policy.approvals;
    let count = (demanded > 0).then(|| {
        view! { <p>{format!("{counted} of {demanded} demanded approvals count now.")}</p> }
    });
    let deploy =
        (deployment.state == DeploymentState::Approved || demanded == 0 || choices.deploy.is_ok())
            .then(|| execute(data));
    view! {
        <section class="todo">
            <h2>"What to do"</h2>
            {count}
            <div class="cards">
                {judge(data)}
                {deploy}
                {withdraw(deployment, &choices.withdraw)}
            </div>
        </section>
    }
    .into_any()
}

/// One form with two buttons: the comment belongs to either verdict.
fn judge(data: &DeploymentPage) -> AnyView {
    if data.environment.policy.approvals == 0 {
        return ().into_any();
    }
    let choices = &data.choices;
    let (approve, refuse) = (choices.approve.is_err(), choices.refuse.is_err());
    let reason = |choice: &crate::api::Choice| {
        choice.as_ref().err().map(|reason| crate::error::sentence(reason))
    };
    let (why_not, why_no_refusal) = (reason(&choices.approve), reason(&choices.refuse));
    let why_no_refusal = why_no_refusal.filter(|reason| Some(reason) != why_not.as_ref());
    view! {
        <div class="card">
            <h3>"Approve or refuse"</h3>
            {form::acting::<JudgeDeployment>("", vec![("id", data.deployment.id.to_string()), ("evidence", data.evidence_digest.to_string())], view! {
                {form::field("comment", "Comment", Some("A refusal needs one.".to_owned()), None, form::sentences("comment", "comment", false))}
                <div class="act">
                    <button type="submit" name="verdict" value="approved" class="main" disabled=approve>"Approve"</button>
                    <button type="submit" name="verdict" value="refused" class="bad" disabled=refuse>"Refuse"</button>
                    {why_not.map(|reason| view! { <p class="reason">{reason}</p> })}
                    {why_no_refusal.map(|reason| view! { <p class="reason">{reason}</p> })}
                </div>
            }.into_any())}
        </div>
    }
    .into_any()
}

fn execute(data: &DeploymentPage) -> AnyView {
    view! {
        <div class="card">
            <h3>"Deploy"</h3>
            <p class="quiet">"Machines boot the new release from that moment; boots in flight finish on the old one."</p>
            {form::acting::<ExecuteDeployment>("", vec![("id", data.deployment.id.to_string())], view! {
                {form::confirm("confirm".to_owned(), &data.deployment.release_name)}
                {form::submit("Deploy now", "main", &data.choices.deploy)}
            }.into_any())}
        </div>
    }
    .into_any()
}

fn withdraw(deployment: &Deployment, choice: &crate::api::Choice) -> AnyView {
    view! {
        <div class="card">
            <h3>"Withdraw"</h3>
            <p class="quiet">"Takes the request back. It can be asked anew."</p>
            {form::acting::<WithdrawDeployment>("", vec![("id", deployment.id.to_string())], view! {
                {form::submit("Withdraw the request", "", choice)}
            }.into_any())}
        </div>
    }
    .into_any()
}
