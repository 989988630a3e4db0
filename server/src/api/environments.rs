//! Environments: what machines boot from, what each demands, and going back.

use axum::{Json, extract::State};
use domain::{
    actor::Actor,
    digest::Digest,
    environment::{self, Policy},
    page::Page,
    slot::Slot,
};
use serde::{Deserialize, Serialize};
use services::{Services, slots::SlotSummary};
use utoipa::ToSchema;

use super::{
    deployments::Deployment,
    exchange::{Body, Caller, Created, IfMatch, Listed, Paging, Path, Query, Tagged, time},
    problem::{Answer, Problem},
};

/// Something that machines boot from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Environment {
    /// Unique name.
    pub name: String,
    /// Name of the release that it serves.
    pub release: Option<String>,
    /// Since when.
    #[schema(format = DateTime)]
    pub since: Option<String>,
    /// What it demands before it serves another.
    pub policy: Policy,
    /// Its slots that variants fill, in order of their aliases.
    pub slots: Vec<FilledSlot>,
}

/// A slot of an environment and the variant that fills it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FilledSlot {
    /// The alias that it stands for.
    pub slot: Slot,
    /// Name of the variant.
    pub variant: String,
    /// Labels of the menu's entries that boot it; none where the menu of the release that is served
    /// now has no room for one more.
    pub entries: Vec<String>,
    /// When the variant's days are over, and the slot is empty again.
    #[schema(format = DateTime)]
    pub expires_at: String,
    /// When it was filled.
    #[schema(format = DateTime)]
    pub filled_at: String,
    /// Who filled it.
    pub filled_by: String,
}

/// The variant that is to fill a slot.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SlotFilling {
    /// Name of a variant that can be booted.
    pub variant: String,
}

impl Environment {
    async fn of(services: &Services, actor: &Actor, it: environment::Environment) -> Answer<Self> {
        let filled = services.slots(actor, &it.name).await?;
        let slots = filled.into_iter().map(|SlotSummary { filled: it, entries }| FilledSlot {
            entries,
            slot: it.slot,
            variant: it.variant,
            expires_at: time(it.expires_at),
            filled_at: time(it.filled_at),
            filled_by: it.filled_by,
        });
        Ok(Self {
            slots: slots.collect(),
            name: it.name,
            release: it.release_name,
            since: it.since.map(time),
            policy: it.policy,
        })
    }

    async fn shown(services: &Services, actor: &Actor, name: &str) -> Answer<Self> {
        Self::of(services, actor, services.environment(actor, name).await?).await
    }

    fn tagged(self) -> Answer<Tagged<Self>> {
        let version = self.policy.version().map_err(services::ServiceError::from)?;
        Ok(Tagged(version.to_string(), self))
    }
}

/// Going back to what an environment has served before.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRollback {
    /// Name of the release.
    pub release: String,
    /// 3 to 2000 characters; it stands in the audit log.
    pub reason: String,
}

/// Lists environments by name.
#[utoipa::path(get, path = "/environments", tag = "environments", params(Paging), responses((status = 200, body = Listed<Environment>)))]
pub async fn list(
    State(services): State<Services>,
    Caller(actor): Caller,
    Query(paging): Query<Paging>,
) -> Answer<Json<Listed<Environment>>> {
    let slice = paging.slice()?;
    let all = services.environments(&actor).await?;
    let page = Page::of_names(all, &slice, |it| &it.name);
    let mut items = Vec::with_capacity(page.items.len());
    for it in page.items {
        items.push(Environment::of(&services, &actor, it).await?);
    }
    Ok(Listed::of(Page { items, next: page.next }, |it| it))
}

/// Shows an environment; its `ETag` is the version of its policy.
#[utoipa::path(get, path = "/environments/{name}", tag = "environments", params(("name" = String, Path, description = "Name of the environment")), responses((status = 200, body = Environment)))]
pub async fn show(
    State(services): State<Services>,
    Caller(actor): Caller,
    Path(name): Path<String>,
) -> Answer<Tagged<Environment>> {
    Environment::shown(&services, &actor, &name).await?.tagged()
}

/// Changes what an environment demands; `If-Match` names the policy that the change was made from.
#[utoipa::path(put, path = "/environments/{name}/policy", tag = "environments", params(("name" = String, Path, description = "Name of the environment"), ("If-Match" = String, Header, description = "ETag of the environment that was looked at")), request_body = Policy, responses((status = 200, body = Environment)))]
pub async fn change_policy(
    State(services): State<Services>,
    Caller(actor): Caller,
    Path(name): Path<String>,
    base: IfMatch,
    Body(policy): Body<Policy>,
) -> Answer<Tagged<Environment>> {
    let base: Digest = base.version()?;
    let changed = services.change_policy(&actor, &name, policy, Some(&base)).await;
    changed.map_err(Problem::of_condition)?;
    Environment::shown(&services, &actor, &name).await?.tagged()
}

/// Lets a variant fill a slot of an environment, whatever filled it before: machines that boot the
/// slot's alias from the environment's menu get the variant, and later builds of it by themselves.
#[utoipa::path(put, path = "/environments/{name}/slots/{slot}", tag = "environments", params(("name" = String, Path, description = "Name of the environment; only development has slots"), ("slot" = Slot, Path, description = "The alias that the slot stands for")), request_body = SlotFilling, responses((status = 200, body = Environment)))]
pub async fn fill_slot(
    State(services): State<Services>,
    Caller(actor): Caller,
    Path((name, slot)): Path<(String, Slot)>,
    Body(new): Body<SlotFilling>,
) -> Answer<Tagged<Environment>> {
    services.fill_slot(&actor, &name, slot, &new.variant).await?;
    Environment::shown(&services, &actor, &name).await?.tagged()
}

/// Empties a slot of an environment: its menu is what its release says.
#[utoipa::path(delete, path = "/environments/{name}/slots/{slot}", tag = "environments", params(("name" = String, Path, description = "Name of the environment"), ("slot" = Slot, Path, description = "The alias that the slot stands for")), responses((status = 200, body = Environment)))]
pub async fn empty_slot(
    State(services): State<Services>,
    Caller(actor): Caller,
    Path((name, slot)): Path<(String, Slot)>,
) -> Answer<Tagged<Environment>> {
    services.empty_slot(&actor, &name, slot).await?;
    Environment::shown(&services, &actor, &name).await?.tagged()
}

/// Puts an environment back on a release that it has served before, at once.
#[utoipa::path(post, path = "/environments/{name}/rollback", tag = "environments", params(("name" = String, Path, description = "Name of the environment")), request_body = NewRollback, responses((status = 201, body = Deployment)))]
pub async fn roll_back(
    State(services): State<Services>,
    Caller(actor): Caller,
    Path(name): Path<String>,
    Body(new): Body<NewRollback>,
) -> Answer<Created<Json<Deployment>>> {
    let done = services.roll_back(&actor, &name, &new.release, &new.reason).await?;
    let shown = services.deployment(&actor, &done.id).await?;
    Ok(Created(format!("/deployments/{}", done.id), Json(Deployment::of(shown))))
}
