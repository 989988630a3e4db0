//! Environments: what each serves, its history, and going back.

use domain::{
    deployment::{Deployment, DeploymentState},
    digest::Digest,
    environment::{Environment, PRODUCTION, Policy},
    ids::DeploymentId,
    page::Slice,
    slot::Slot,
    variant::VariantState,
};
use services::variants::VariantFilter;

use super::{Asked, confirmed, releases};
use crate::{
    api::{
        environments::{EnvironmentPage, EnvironmentsPage, HistoryRow, SlotRow},
        overview::EnvironmentRow,
    },
    error::AppError,
};

pub(crate) async fn list(asked: &Asked) -> Result<EnvironmentsPage, AppError> {
    Ok(EnvironmentsPage { environments: rows(asked).await? })
}

pub(crate) async fn rows(asked: &Asked) -> Result<Vec<EnvironmentRow>, AppError> {
    let Asked { services, actor } = asked;
    let open = services.open_deployments(actor).await.map_err(|it| asked.refuse(it))?;
    let mut rows = Vec::new();
    for environment in services.environments(actor).await.map_err(|it| asked.refuse(it))? {
        let health = match &environment.release_name {
            Some(name) => Some(releases::named(asked, name).await?.health),
            None => None,
        };
        let open = open.iter().filter(|it| it.environment == environment.name).cloned().collect();
        rows.push(EnvironmentRow { environment, health, open });
    }
    Ok(rows)
}

pub(crate) async fn page(asked: &Asked, name: &str) -> Result<EnvironmentPage, AppError> {
    let Asked { services, actor } = asked;
    let environment = services.environment(actor, name).await.map_err(|it| asked.refuse(it))?;
    let all = services.history(actor, name).await.map_err(|it| asked.refuse(it))?;
    let waiting = services.open_deployments(actor).await.map_err(|it| asked.refuse(it))?;
    let current = match &environment.release_name {
        Some(name) => Some(releases::named(asked, name).await?),
        None => None,
    };
    let open = waiting.into_iter().filter(|it| it.environment == name).collect();
    let history = history(asked, &environment, &all).await?;
    let menu_path = if environment.name == PRODUCTION {
        "/menu.ipxe".to_owned()
    } else {
        format!("/env/{}/menu.ipxe", environment.name)
    };
    let plans = super::plans::names(asked).await?;
    let slots = slots(asked, name).await?;
    let variants = if slots.is_empty() { Vec::new() } else { bootable_variants(asked).await? };
    Ok(EnvironmentPage { environment, current, open, history, menu_path, plans, slots, variants })
}

/// The slots of an environment, in the order of the menu's aliases.
async fn slots(asked: &Asked, environment: &str) -> Result<Vec<SlotRow>, AppError> {
    let Asked { services, actor } = asked;
    let filled = services.slots(actor, environment).await.map_err(|it| asked.refuse(it))?;
    let row = |slot: &Slot| SlotRow {
        slot: *slot,
        filled: filled.iter().find(|it| it.filled.slot == *slot).cloned(),
    };
    Ok(Slot::of(environment).iter().map(row).collect())
}

/// Names of the variants that machines can boot now.
pub(crate) async fn bootable_variants(asked: &Asked) -> Result<Vec<String>, AppError> {
    let Asked { services, actor } = asked;
    let (filter, slice) =
        (VariantFilter::default(), Slice { limit: Slice::MOST, ..Slice::first() });
    let page = services.variants_page(actor, &filter, &slice);
    let items = page.await.map_err(|it| asked.refuse(it))?.items;
    let bootable = items.into_iter().filter(|it| it.built.is_some());
    let living = bootable.filter(|it| it.state != VariantState::Expired);
    Ok(living.map(|it| it.variant.name).collect())
}

pub(crate) async fn fill_slot(
    asked: &Asked,
    environment: &str,
    slot: Slot,
    variant: &str,
) -> Result<(), AppError> {
    let done = asked.services.fill_slot(&asked.actor, environment, slot, variant);
    done.await.map_err(|it| asked.refuse(it))
}

pub(crate) async fn empty_slot(
    asked: &Asked,
    environment: &str,
    slot: Slot,
) -> Result<(), AppError> {
    let done = asked.services.empty_slot(&asked.actor, environment, slot);
    done.await.map_err(|it| asked.refuse(it))
}

/// What the environment has served, newest first, and how long.
async fn history(
    asked: &Asked,
    environment: &Environment,
    all: &[Deployment],
) -> Result<Vec<HistoryRow>, AppError> {
    let mut rows = Vec::new();
    let mut until = None;
    for deployment in all.iter().filter(|it| !it.state.open()) {
        let deployed = deployment.state == DeploymentState::Deployed;
        let roll_back = if deployed {
            let choice = asked
                .services
                .roll_back_choice(&asked.actor, environment, &deployment.release)
                .await
                .map_err(|it| asked.refuse(it))?;
            Some(choice)
        } else {
            None
        };
        rows.push(HistoryRow { deployment: deployment.clone(), until, roll_back });
        if deployed {
            until = deployment.ended_at;
        }
    }
    Ok(rows)
}

pub(crate) async fn roll_back(
    asked: &Asked,
    environment: &str,
    deployment: &DeploymentId,
    reason: &str,
    confirm: &str,
) -> Result<(), AppError> {
    let Asked { services, actor } = asked;
    let deployment = services.deployment(actor, deployment).await.map_err(|it| asked.refuse(it))?;
    confirmed(confirm, &deployment.release_name)?;
    services
        .roll_back(actor, environment, &deployment.release_name, reason)
        .await
        .map(|_| ())
        .map_err(|it| asked.refuse(it))
}

pub(crate) async fn change_policy(
    asked: &Asked,
    environment: &str,
    policy: Policy,
    base: Option<Digest>,
) -> Result<(), AppError> {
    asked
        .services
        .change_policy(&asked.actor, environment, policy, base.as_ref())
        .await
        .map_err(|it| asked.refuse(it))
}
