//! Machines: the list, one, and what is done to it.

pub(crate) mod booting;
pub(crate) mod rules;
pub(crate) mod table;

use std::time::Duration;

use domain::{
    job::from_word,
    machine::{BootTarget, MachineDraft, MachineState},
    page::{Cursor, Slice},
    person::Role,
    policy::{self, Action, Asking},
};
use leptos::prelude::use_context;
use services::{
    boots::BootQuery,
    machines::{MachineFilter, MachineSummary},
};

use super::{
    Asked, confirmed, environments::bootable_variants, invalid, releases::choice, variants,
};
use crate::{
    api::{
        Around, Choice,
        machines::{
            DriftPage, MachineForm, MachinePage, MachinesAsked, MachinesPage, NewMachinePage,
            Targets,
        },
    },
    error::AppError,
    routes::href,
    viewer::viewer_of,
};

/// How many boots stand on the page of a machine.
const LAST_BOOTS: u32 = 5;
/// A reason, where a choice depends on whether one is given: the form asks for it.
const A_REASON: &str = "given with the form";

pub(crate) async fn list(
    asked: &Asked,
    narrowing: MachinesAsked,
    after: Option<Cursor>,
) -> Result<MachinesPage, AppError> {
    let Asked { services, actor } = asked;
    let slice = Slice { after, ..Slice::first() };
    let (mut machines, mut around) = (Vec::new(), Around::of(&slice, None));
    let (mut wrong, mut state) = (None, None);
    match filter(&narrowing) {
        Err(fault) => wrong = Some(fault),
        Ok(filter) => {
            let found = services.machines_page(actor, &filter, &slice).await;
            let found = found.map_err(|it| asked.refuse(it))?;
            around = Around::of(&slice, found.next);
            machines = found.items;
            state = filter.state;
        }
    }
    Ok(MachinesPage {
        pending: services.count_pending_machines(actor).await.map_err(|it| asked.refuse(it))?,
        unregistered: services.unregistered(actor).await.map_err(|it| asked.refuse(it))?,
        register: may_register(asked),
        asked: narrowing,
        machines,
        around,
        state,
        wrong,
    })
}

/// What was typed, as the store is asked for it; else the field and what is wrong with it.
fn filter(asked: &MachinesAsked) -> Result<MachineFilter, (String, String)> {
    let given = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    let wrong = |field: &str, message: String| (field.to_owned(), crate::error::sentence(&message));
    let label = |text: String| match text.split_once('=') {
        Some((key, value)) => Ok((key.to_owned(), value.to_owned())),
        None => Err(wrong("label", "a label is written key=value, such as rack=3".to_owned())),
    };
    let state = |word: String| {
        from_word(&MachineState::ALL, MachineState::word, "a state of a machine", &word)
            .map_err(|it| wrong("state", it.to_string()))
    };
    let target =
        |text: String| text.parse::<BootTarget>().map_err(|it| wrong("target", it.to_string()));
    Ok(MachineFilter {
        words: given(&asked.words),
        label: given(&asked.label).map(label).transpose()?,
        state: given(&asked.state).map(state).transpose()?,
        target: given(&asked.target).map(target).transpose()?,
    })
}

fn may_register(asked: &Asked) -> Choice {
    choice(Action::EditMachine.allowed(viewer_of(&asked.actor).role))
}

pub(crate) async fn drift(asked: &Asked, after: Option<Cursor>) -> Result<DriftPage, AppError> {
    let slice = Slice { after, ..Slice::first() };
    let found = asked.services.drifting_machines(&asked.actor, &slice).await;
    let found = found.map_err(|it| asked.refuse(it))?;
    Ok(DriftPage { around: Around::of(&slice, found.next), machines: found.items })
}

pub(crate) fn new(asked: &Asked) -> Result<NewMachinePage, AppError> {
    let form = use_context::<MachineForm>().unwrap_or_default();
    Ok(NewMachinePage { form, register: may_register(asked) })
}

pub(crate) async fn one(asked: &Asked, name: &str) -> Result<MachinePage, AppError> {
    let Asked { services, actor } = asked;
    let summary = services.machine(actor, name).await.map_err(|it| asked.refuse(it))?;
    let MachineSummary { machine, assigned, .. } = &summary;
    let follows = services.followed_by_machine(actor, machine).await;
    let follows = follows.map_err(|it| asked.refuse(it))?;
    let (viewer, state, lock) = (viewer_of(actor), machine.state, machine.lock.as_ref());
    let by_reason = policy::passes_by_reason(viewer.role, &viewer.name, lock);
    let reason = by_reason.then_some(A_REASON);
    let asking = Asking { role: viewer.role, name: &viewer.name, reason };
    let may = |verdict: Result<Option<String>, policy::Refusal>| choice(verdict.map(drop));
    let assign = may(policy::may_assign_machine(asking, state, lock, follows.as_deref()));
    let change = may(policy::may_use_machine(asking, lock));
    let (pending, form) = (state == MachineState::Pending, use_context::<MachineForm>());
    let form = form.unwrap_or_else(|| MachineForm {
        draft: MachineDraft::of(&machine.name, &machine.profile),
        base: Some(machine.revision),
        ..MachineForm::default()
    });
    let query = BootQuery { machine: Some(machine.name.clone()), ..BootQuery::default() };
    let newest = Slice { after: None, limit: LAST_BOOTS };
    let boots = services.boots_page(actor, &query, &newest).await;
    Ok(MachinePage {
        boots: boots.map_err(|it| asked.refuse(it))?.items,
        unregistered: services.unregistered(actor).await.map_err(|it| asked.refuse(it))?,
        targets: if pending { Targets::default() } else { targets(asked).await? },
        entries: services.entries_of_target(&assigned.target),
        others: if pending { accepted(asked).await? } else { Vec::new() },
        administrator: viewer.role == Role::Administrator,
        clear_once: may(policy::may_assign_machine(asking, state, lock, None)),
        lock: may(policy::may_lock_machine(asking, state, lock)),
        unlock: may(policy::may_unlock_machine(asking, lock)),
        remove: if pending { change.clone() } else { assign.clone() },
        by_reason,
        change,
        assign,
        form,
        summary,
    })
}

/// What machines can boot.
async fn targets(asked: &Asked) -> Result<Targets, AppError> {
    let environments = asked.services.environments(&asked.actor).await;
    let environments = environments.map_err(|it| asked.refuse(it))?;
    Ok(Targets {
        environments: environments.into_iter().map(|it| it.name).collect(),
        releases: variants::bases(asked).await?.names,
        variants: bootable_variants(asked).await?,
    })
}

/// The first names of machines that are accepted.
async fn accepted(asked: &Asked) -> Result<Vec<String>, AppError> {
    let filter = MachineFilter { state: Some(MachineState::Accepted), ..MachineFilter::default() };
    let slice = Slice { after: None, limit: Slice::MOST };
    let page = asked.services.machines_page(&asked.actor, &filter, &slice).await;
    let items = page.map_err(|it| asked.refuse(it))?.items;
    Ok(items.into_iter().map(|it| it.machine.name).collect())
}

fn target(text: &str) -> Result<BootTarget, AppError> {
    text.parse().map_err(|it: domain::machine::InvalidTarget| invalid("target", &it.to_string()))
}

pub(crate) async fn assign(
    asked: &Asked,
    name: &str,
    to: &str,
    reason: &str,
) -> Result<(), AppError> {
    let to = if to.is_empty() { None } else { Some(target(to)?) };
    let done = asked.services.assign_machine(&asked.actor, name, to.as_ref(), Some(reason));
    done.await.map_err(|it| asked.refuse(it))
}

pub(crate) async fn boot_once(
    asked: &Asked,
    name: &str,
    to: &str,
    entry: &str,
    reason: &str,
) -> Result<(), AppError> {
    let to = target(to)?;
    let entry = Some(entry.trim()).filter(|it| !it.is_empty());
    let done = asked.services.boot_machine_once(&asked.actor, name, &to, entry, Some(reason));
    done.await.map(drop).map_err(|it| asked.refuse(it))
}

pub(crate) async fn clear_once(asked: &Asked, name: &str, reason: &str) -> Result<(), AppError> {
    let done = asked.services.clear_once(&asked.actor, name, Some(reason));
    done.await.map_err(|it| asked.refuse(it))
}

pub(crate) async fn lock(
    asked: &Asked,
    name: &str,
    purpose: &str,
    hours: u32,
    reason: &str,
) -> Result<(), AppError> {
    let Asked { services, actor } = asked;
    let until = services.now().plus(Duration::from_secs(u64::from(hours) * 3600));
    let done = services.lock_machine(actor, name, purpose, until, Some(reason));
    done.await.map(drop).map_err(|it| asked.refuse(it))
}

pub(crate) async fn unlock(asked: &Asked, name: &str, reason: &str) -> Result<(), AppError> {
    let done = asked.services.unlock_machine(&asked.actor, name, Some(reason));
    done.await.map_err(|it| asked.refuse(it))
}

pub(crate) async fn merge(
    asked: &Asked,
    name: &str,
    into: &str,
    reason: &str,
) -> Result<(), AppError> {
    let into = into.trim();
    let done = asked.services.merge_machine(&asked.actor, name, into, Some(reason));
    leptos_axum::redirect(&href::machine(&done.await.map_err(|it| asked.refuse(it))?.name));
    Ok(())
}

pub(crate) async fn remove(
    asked: &Asked,
    name: &str,
    confirm: &str,
    reason: &str,
) -> Result<(), AppError> {
    let Asked { services, actor } = asked;
    let summary = services.machine(actor, name).await.map_err(|it| asked.refuse(it))?;
    // One that asks again is discovered again: to discard it takes no second look.
    if summary.machine.state == MachineState::Accepted {
        confirmed(confirm, name)?;
    }
    services.remove_machine(actor, name, Some(reason)).await.map_err(|it| asked.refuse(it))?;
    leptos_axum::redirect(href::MACHINES);
    Ok(())
}
