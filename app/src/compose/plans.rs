//! What the pages of plans and suites show.

use domain::policy::{self, Action};
use leptos::prelude::use_context;

use super::{Asked, confirmed, releases::choice};
use crate::{
    api::{
        Choice,
        plans::{PlanDraft, PlanPage, PlansPage, SuiteDraft, SuitePage},
    },
    error::AppError,
    routes::href,
    viewer::viewer_of,
};

/// The names of all plans: the built-in one first.
pub(crate) async fn names(asked: &Asked) -> Result<Vec<String>, AppError> {
    let plans = asked.services.plans(&asked.actor).await.map_err(|it| asked.refuse(it))?;
    Ok(plans.into_iter().map(|it| it.name).collect())
}

pub(crate) async fn list(asked: &Asked) -> Result<PlansPage, AppError> {
    let Asked { services, actor } = asked;
    let mut plans = Vec::new();
    for plan in services.plans(actor).await.map_err(|it| asked.refuse(it))? {
        let by = services.demanded_by(actor, &plan.name).await.map_err(|it| asked.refuse(it))?;
        plans.push((plan, by));
    }
    let suites = services.suites(actor).await.map_err(|it| asked.refuse(it))?;
    let edit = choice(Action::EditPlan.allowed(viewer_of(actor).role));
    Ok(PlansPage { plans, suites, edit })
}

pub(crate) async fn plan(asked: &Asked, name: Option<&str>) -> Result<PlanPage, AppError> {
    let Asked { services, actor } = asked;
    let (mut plan, mut demanded_by, mut revisions) = (None, Vec::new(), Vec::new());
    if let Some(name) = name {
        plan = Some(services.plan(actor, name, None).await.map_err(|it| asked.refuse(it))?);
        demanded_by = services.demanded_by(actor, name).await.map_err(|it| asked.refuse(it))?;
        revisions = services.plan_revisions(actor, name).await.map_err(|it| asked.refuse(it))?;
    }
    let suites = services.suites(actor).await.map_err(|it| asked.refuse(it))?;
    let suites = std::iter::once(domain::plan::SMOKE.name.to_owned())
        .chain(suites.into_iter().map(|it| it.name))
        .collect();
    let draft = use_context::<PlanDraft>()
        .unwrap_or_else(|| plan.as_ref().map_or_else(PlanDraft::new, PlanDraft::of));
    Ok(PlanPage {
        edit: may_edit(asked, &demanded_by),
        plan,
        demanded_by,
        revisions,
        suites,
        draft,
    })
}

fn may_edit(asked: &Asked, demanded_by: &[String]) -> Choice {
    choice(policy::may_edit_plan(viewer_of(&asked.actor).role, demanded_by))
}

pub(crate) async fn suite(asked: &Asked, name: Option<&str>) -> Result<SuitePage, AppError> {
    let Asked { services, actor } = asked;
    let (mut suite, mut revisions) = (None, Vec::new());
    let (mut plans, mut demanded_by) = (Vec::new(), Vec::new());
    if let Some(name) = name {
        suite = Some(services.suite(actor, name, None).await.map_err(|it| asked.refuse(it))?);
        revisions = services.suite_revisions(actor, name).await.map_err(|it| asked.refuse(it))?;
        for (plan, by) in list(asked).await?.plans {
            if plan.definition.suites.iter().any(|it| it.suite == name) {
                plans.push(plan.name);
                demanded_by.extend(by);
            }
        }
    }
    let draft = use_context::<SuiteDraft>()
        .unwrap_or_else(|| suite.as_ref().map_or_else(SuiteDraft::default, SuiteDraft::of));
    Ok(SuitePage { edit: may_edit(asked, &demanded_by), suite, plans, revisions, draft })
}

pub(crate) async fn remove_plan(asked: &Asked, name: &str, confirm: &str) -> Result<(), AppError> {
    confirmed(confirm, name)?;
    asked.services.remove_plan(&asked.actor, name).await.map_err(|it| asked.refuse(it))?;
    leptos_axum::redirect(href::PLANS);
    Ok(())
}

pub(crate) async fn remove_suite(asked: &Asked, name: &str, confirm: &str) -> Result<(), AppError> {
    confirmed(confirm, name)?;
    asked.services.remove_suite(&asked.actor, name).await.map_err(|it| asked.refuse(it))?;
    leptos_axum::redirect(href::PLANS);
    Ok(())
}
