//! What a machine boots, always or once, and who has it.

use std::time::Duration;

use axum::extract::State;
use domain::machine::BootTarget;
use serde::{Deserialize, Serialize};
use services::Services;
use utoipa::ToSchema;

use super::{Machine, PassingLock, shown};
use crate::api::{
    exchange::{Body, Caller, Path, Query, Tagged},
    problem::{Answer, Problem},
};

/// What a machine is to boot once.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewBootOnce {
    /// What it boots.
    pub target: BootTarget,
    /// Label of the boot entry; the menu's own default where absent.
    pub entry: Option<String>,
}

/// A hold on a machine to take, or to extend.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewMachineLock {
    /// What for, on one line of 200 characters at the most.
    pub purpose: String,
    /// How many hours it holds from now.
    #[schema(minimum = 1, maximum = 720)]
    pub hours: u32,
}

/// Gives a machine a target of its own, whatever the rules say; it is served before this answers.
#[utoipa::path(put, path = "/machines/{name}/target", tag = "machines", params(("name" = String, Path, description = "Name of the machine"), PassingLock), request_body = BootTarget, responses((status = 200, body = Machine)))]
pub async fn assign(
    State(services): State<Services>,
    Caller(actor): Caller,
    Path(name): Path<String>,
    Query(passing): Query<PassingLock>,
    Body(target): Body<BootTarget>,
) -> Answer<Tagged<Machine>> {
    services.assign_machine(&actor, &name, Some(&target), passing.reason()).await?;
    shown(&services, &actor, &name).await
}

/// Takes a machine's own target away: it boots what the rules say.
#[utoipa::path(delete, path = "/machines/{name}/target", tag = "machines", params(("name" = String, Path, description = "Name of the machine"), PassingLock), responses((status = 200, body = Machine)))]
pub async fn unassign(
    State(services): State<Services>,
    Caller(actor): Caller,
    Path(name): Path<String>,
    Query(passing): Query<PassingLock>,
) -> Answer<Tagged<Machine>> {
    services.assign_machine(&actor, &name, None, passing.reason()).await?;
    shown(&services, &actor, &name).await
}

/// Orders that a machine boots something once, in the place of an earlier order. The order ends
/// with the first report of that boot, or is taken back: asking for the script ends nothing.
#[utoipa::path(put, path = "/machines/{name}/once", tag = "machines", params(("name" = String, Path, description = "Name of the machine"), PassingLock), request_body = NewBootOnce, responses((status = 200, body = Machine)))]
pub async fn boot_once(
    State(services): State<Services>,
    Caller(actor): Caller,
    Path(name): Path<String>,
    Query(passing): Query<PassingLock>,
    Body(NewBootOnce { target, entry }): Body<NewBootOnce>,
) -> Answer<Tagged<Machine>> {
    let (entry, reason) = (entry.as_deref(), passing.reason());
    services.boot_machine_once(&actor, &name, &target, entry, reason).await?;
    shown(&services, &actor, &name).await
}

/// Takes back that a machine boots something once.
#[utoipa::path(delete, path = "/machines/{name}/once", tag = "machines", params(("name" = String, Path, description = "Name of the machine"), PassingLock), responses((status = 200, body = Machine)))]
pub async fn clear_once(
    State(services): State<Services>,
    Caller(actor): Caller,
    Path(name): Path<String>,
    Query(passing): Query<PassingLock>,
) -> Answer<Tagged<Machine>> {
    services.clear_once(&actor, &name, passing.reason()).await?;
    shown(&services, &actor, &name).await
}

/// Locks a machine for whoever asks, or gives a lock of one's own another purpose and end.
#[utoipa::path(put, path = "/machines/{name}/lock", tag = "machines", params(("name" = String, Path, description = "Name of the machine"), PassingLock), request_body = NewMachineLock, responses((status = 200, body = Machine)))]
pub async fn lock(
    State(services): State<Services>,
    Caller(actor): Caller,
    Path(name): Path<String>,
    Query(passing): Query<PassingLock>,
    Body(NewMachineLock { purpose, hours }): Body<NewMachineLock>,
) -> Answer<Tagged<Machine>> {
    let until = services.now().plus(Duration::from_secs(u64::from(hours) * 3600));
    let locked = services.lock_machine(&actor, &name, &purpose, until, passing.reason()).await;
    locked.map_err(|error| {
        let problem = Problem::from(error);
        let field = problem.field.map(|it| if it == "until" { "hours".to_owned() } else { it });
        Problem { field, ..problem }
    })?;
    shown(&services, &actor, &name).await
}

/// Releases the lock of a machine.
#[utoipa::path(delete, path = "/machines/{name}/lock", tag = "machines", params(("name" = String, Path, description = "Name of the machine"), PassingLock), responses((status = 200, body = Machine)))]
pub async fn unlock(
    State(services): State<Services>,
    Caller(actor): Caller,
    Path(name): Path<String>,
    Query(passing): Query<PassingLock>,
) -> Answer<Tagged<Machine>> {
    services.unlock_machine(&actor, &name, passing.reason()).await?;
    shown(&services, &actor, &name).await
}
