//! `/environments` and `/environments/:name`: what is served, what was, and what is demanded.

use domain::{
    deployment::Verdict,
    environment::{Environment, Policy},
    policy::{may_change_policy, may_empty_slot},
};
use leptos::prelude::*;
use services::{environments::HISTORY, slots::SlotSummary};

use crate::{
    api::{
        Choice,
        environments::{
            ChangePolicy, EmptySlot, EnvironmentPage, EnvironmentsPage, FillSlot, HistoryRow,
            RollBack, SlotRow, load_environment, load_environments,
        },
    },
    pages::{overview::environment_cards, parameter, query},
    routes::href,
    ui::{
        badge::{Status, badge},
        copy, empty, form, page,
        release::{self, from_to, release_or_nothing},
        table,
        time::{time, time_or_dash, took},
    },
    viewer::viewer,
};

pub(crate) fn list() -> AnyView {
    page::loaded(&["environment/", "deployment/"], load_environments(), |data| show_list(&data))
}

pub(crate) fn environment() -> AnyView {
    page::loaded(&["environment/", "deployment/"], load_environment(parameter("name")), show)
}

/// What a policy demands, as the end of a sentence.
#[must_use]
pub fn demands(policy: &Policy) -> String {
    let plans: Vec<String> =
        policy.plans.iter().map(|plan| format!("a passing plan \"{plan}\"")).collect();
    let approvals = match policy.approvals {
        0 => None,
        1 => Some("an approval".to_owned()),
        count => Some(format!("{count} approvals")),
    };
    let who = match (policy.approvals, policy.self_approval) {
        (0, _) => "",
        (_, true) => ", by the requester too",
        (_, false) => " by somebody else",
    };
    let parts: Vec<String> = plans.into_iter().chain(approvals).collect();
    if parts.is_empty() { "nothing".to_owned() } else { format!("{}{who}", parts.join(" and ")) }
}

/// All environments.
#[must_use]
pub fn show_list(data: &EnvironmentsPage) -> AnyView {
    view! {
        {page::heading("Environments".to_owned(), Vec::new(), ().into_any())}
        <p class="lead">"An environment is something machines boot from. It points at one release; a deployment moves that pointer."</p>
        {page::section("What each serves", environment_cards(&data.environments))}
    }
    .into_any()
}

/// One environment.
#[must_use]
pub fn show(data: EnvironmentPage) -> AnyView {
    let EnvironmentPage { environment, current, open, history, menu_path, plans, slots, variants } =
        data;
    let health = current.as_ref().map(|row| badge(Status::Health(row.health)));
    let serves = view! { {release_or_nothing(environment.release_name.as_deref())}" "{health} };
    let waiting = (!open.is_empty()).then(|| {
        page::section("Requests that wait", release::deployments("Requests that wait", &open))
    });
    let older = (history.len() + open.len() >= HISTORY as usize).then(|| {
        view! { <p class="quiet">{format!("The newest {HISTORY} are shown; programs list all of them.")}</p> }
    });
    let rows: Vec<_> = history.iter().map(|row| past(&environment, row)).collect();
    let past = if rows.is_empty() {
        empty::nothing("Nothing was deployed here yet.")
    } else {
        view! { <ol class="timeline">{rows}</ol>{older} }.into_any()
    };
    view! {
        {page::heading(environment.name.clone(), vec![("Environments", "/environments".to_owned())], ().into_any())}
        {table::properties(vec![
            ("Serves", serves.into_any()),
            ("Since", time_or_dash(environment.since)),
            ("Menu", copy::copyable(menu_path.clone(), menu_path, "the menu's path on the boot listener")),
            ("Demands", demands(&environment.policy).into_any()),
        ])}
        {waiting}
        {(!slots.is_empty()).then(|| page::section("Slots", self::slots(&environment, &slots, &variants)))}
        {page::section("History", past)}
        {policy(&environment, &plans)}
    }
    .into_any()
}

/// The places that variants fill: each with the variant in it, and a form that puts another there.
fn slots(environment: &Environment, slots: &[SlotRow], variants: &[String]) -> AnyView {
    let failed = form::fault(form::failed::<FillSlot>().or_else(form::failed::<EmptySlot>));
    let rows = slots.iter().map(|row| (row.slot.word(), slot(environment, row, variants)));
    view! {
        <p class="quiet">"A variant in a slot is what this menu boots for that kernel: its kernel and its rootfs, in the entries of that alias, or in one more. Later builds of it come by themselves. Production has no slots."</p>
        {failed}
        {table::properties(rows.collect())}
    }
    .into_any()
}

fn slot(environment: &Environment, row: &SlotRow, variants: &[String]) -> AnyView {
    let SlotRow { slot, filled } = row;
    let choice = may_empty_slot(viewer().role, &environment.name, *slot)
        .map_err(|refusal| refusal.to_string());
    let hidden = || vec![("environment", environment.name.clone()), ("slot", slot.to_string())];
    let about = match filled {
        None => view! { <span class="nothing">"as the release says"</span> }.into_any(),
        Some(SlotSummary { filled: it, .. }) => view! {
            <a href=href::variant(&it.variant)>{format!("variant {}", it.variant)}</a>
            <span class="quiet">" since "{time(it.filled_at)}" by "{it.filled_by.clone()}", until "{time(it.expires_at)}</span>
        }
        .into_any(),
    };
    let entries = filled.as_ref().map(|it| match it.entries.as_slice() {
        [] => "The menu of the release that is served now has no room for it: deploy one with fewer entries.".to_owned(),
        labels => format!("Boots as {}.", labels.join(", ")),
    });
    let entries = entries.map(|words| view! { <p class="quiet">{words}</p> });
    let empty = filled.is_some().then(|| {
        form::acting::<EmptySlot>("inline", hidden(), form::submit("Empty it", "", &choice))
    });
    let id = format!("variant-in-{slot}");
    let fill = if variants.is_empty() {
        view! { <p class="quiet">"No variant can be booted now. "<a href="/variants/new">"Compose one"</a>", and build it."</p> }.into_any()
    } else {
        let options: Vec<_> = variants
            .iter()
            .map(|name| {
                let chosen = filled.as_ref().is_some_and(|it| it.filled.variant == *name);
                view! { <option value=name.clone() selected=chosen>{name.clone()}</option> }
            })
            .collect();
        form::acting::<FillSlot>(
            "inline",
            hidden(),
            view! {
                <label class="hidden" for=id.clone()>{format!("Variant for {slot}")}</label>
                <select id=id name="variant">{options}</select>
                {form::submit("Fill it", "", &choice)}
            }
            .into_any(),
        )
    };
    view! {
        <div class="slot">
            <div class="line">{about}</div>
            {entries}
            <div class="line">{fill}{empty}</div>
        </div>
    }
    .into_any()
}

fn past(environment: &Environment, row: &HistoryRow) -> AnyView {
    let deployment = &row.deployment;
    let what = if deployment.rollback { "Rolled back to " } else { "" };
    let ended = deployment.ended_by.clone().map(|name| view! { " by "{name} });
    let served = deployment.ended_at.filter(|_| row.until.is_some()).map(|from| {
        view! { <span>"Served for "{took(Some(from), row.until)}". "</span> }
    });
    let approvals: Vec<_> = deployment
        .approvals
        .iter()
        .map(|said| match said.verdict {
            Verdict::Approved => format!("Approved by {}. ", said.approver_name),
            Verdict::Refused => format!("Refused by {}. ", said.approver_name),
        })
        .collect();
    // What is served now is nothing to go back to.
    let past = row.until.is_some();
    let back = row
        .roll_back
        .as_ref()
        .filter(|_| past)
        .map(|choice| rolling_back(environment, row, choice));
    view! {
        <li>
            <div class="line">
                <a href=href::deployment(&deployment.id)>{format!("{what}{}", deployment.release_name)}</a>" "
                {badge(Status::Deployment(deployment.state))}
                <span class="quiet">{deployment.ended_at.map(time)}{ended}</span>
            </div>
            <p class="quiet">{from_to(deployment)}". "{served}"Asked for by "{deployment.requester_name.clone()}". "{approvals}</p>
            <p>{deployment.reason.clone()}</p>
            {back}
        </li>
    }
    .into_any()
}

/// With `?back=<id>` the form stands there, else the way to it.
fn rolling_back(environment: &Environment, row: &HistoryRow, choice: &Choice) -> AnyView {
    let id = row.deployment.id.to_string();
    let back = format!("{}?back={}#back", href::environment(&environment.name), href::encode(&id));
    if query("back") != id {
        return form::go("Roll back to this…", back, "", choice);
    }
    let name = row.deployment.release_name.clone();
    let hidden = vec![("environment", environment.name.clone()), ("deployment", id)];
    let content = view! {
        {form::field("back-reason", "Reason", None, None, form::sentences("back-reason", "reason", true))}
        {form::confirm("confirm".to_owned(), &name)}
        {form::submit("Roll back now", "bad", choice)}
    };
    view! {
        <div class="back" id="back">
            <h3>{format!("Roll back to {name}")}</h3>
            {form::acting::<RollBack>("", hidden, content.into_any())}
        </div>
    }
    .into_any()
}

fn policy(environment: &Environment, plans: &[String]) -> AnyView {
    let policy = &environment.policy;
    let choice = may_change_policy(viewer().role).map_err(|refusal| refusal.to_string());
    let boxes: Vec<_> = plans
        .iter()
        .map(|plan| {
            let checked = policy.plans.contains(plan);
            view! {
                <label class="choice">
                    <input type="checkbox" name="plans[]" value=plan.clone() checked=checked/>
                    <span>{format!("Plan \"{plan}\" must have passed")}</span>
                </label>
            }
        })
        .collect();
    let mut hidden = vec![("environment", environment.name.clone())];
    // Two people may edit: who is late must not undo the other's change unseen.
    hidden.extend(policy.version().ok().map(|version| ("base", version.to_string())));
    // Where it was refused, the reason must be seen.
    let open = form::failed::<ChangePolicy>().is_some();
    view! {
        <details class="danger" open=open>
            <summary>"Change what this environment demands"</summary>
            <p>"Requests that wait are judged by what is demanded then. The audit log keeps every change."</p>
            {form::acting::<ChangePolicy>("", hidden, view! {
                {boxes}
                <div class="field">
                    <label for="approvals">"Approvals by distinct people"</label>
                    <input id="approvals" name="approvals" type="number" min="0" max="10" required value=policy.approvals.to_string()/>
                </div>
                <label class="choice">
                    <input type="checkbox" name="self_approval" value="true" checked=policy.self_approval/>
                    <span>"People may approve their own requests"</span>
                </label>
                {form::submit("Change the policy", "", &choice)}
            }.into_any())}
        </details>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn demands_read_as_the_end_of_a_sentence() {
        assert_eq!(demands(&Policy::open()), "nothing");
        assert_eq!(
            demands(&Policy::production()),
            "a passing plan \"smoke\" and an approval by somebody else"
        );
        let alone = Policy { self_approval: true, approvals: 2, plans: Vec::new() };
        assert_eq!(demands(&alone), "2 approvals, by the requester too");
    }
}
