//! What machines of certain labels boot, and what those get that nobody has accepted.

use domain::{
    digest::Digest,
    machine::{Unregistered, write_rules},
    policy::Action,
};
use leptos::prelude::use_context;

use crate::{
    api::machines::rules::{RulesDraft, RulesPage},
    compose::{Asked, releases::choice},
    error::AppError,
    viewer::viewer_of,
};

pub(crate) async fn page(asked: &Asked) -> Result<RulesPage, AppError> {
    let Asked { services, actor } = asked;
    let rules = services.machine_rules(actor).await.map_err(|it| asked.refuse(it))?;
    let role = viewer_of(actor).role;
    let draft = use_context::<RulesDraft>().unwrap_or_else(|| RulesDraft {
        base: rules.revision,
        text: write_rules(&rules.rules),
        faults: Vec::new(),
        error: None,
    });
    Ok(RulesPage {
        unregistered: services.unregistered(actor).await.map_err(|it| asked.refuse(it))?,
        change: choice(Action::ChangeMachineRules.allowed(role)),
        change_unregistered: choice(Action::ChangeUnregistered.allowed(role)),
        rules,
        draft,
    })
}

pub(crate) async fn change_unregistered(
    asked: &Asked,
    to: Unregistered,
    base: Option<Digest>,
) -> Result<(), AppError> {
    let done = asked.services.change_unregistered(&asked.actor, to, base.as_ref());
    done.await.map_err(|it| asked.refuse(it))
}
