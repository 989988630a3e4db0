//! What machines of certain labels boot, and what those get that nobody has accepted.

use std::collections::BTreeMap;

use axum::extract::State;
use domain::{
    digest::Digest,
    machine::{self, BootTarget, Rule},
};
use serde::{Deserialize, Serialize};
use services::Services;
use utoipa::ToSchema;

use super::labels_of;
use crate::api::{
    exchange::{Body, Caller, IfMatch, Tagged, time},
    problem::{Answer, Problem},
};

/// What machines of certain labels boot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MachineRule {
    /// Machines that have all of these; at least one label.
    pub labels: BTreeMap<String, String>,
    /// What they boot.
    pub target: BootTarget,
}

/// The rules of machines, in the order in which they are asked: the first that fits decides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MachineRules {
    /// Counts the changes of the list; 0 before the first.
    pub revision: u32,
    /// The rules.
    pub rules: Vec<MachineRule>,
    /// When the list was changed last.
    #[schema(format = DateTime)]
    pub saved_at: Option<String>,
    /// By whom.
    pub saved_by: Option<String>,
}

/// The whole list of rules from now on.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewMachineRules {
    /// The rules, 500 at the most.
    pub rules: Vec<MachineRule>,
}

/// What machines get that nobody has accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UnregisteredMachines {
    /// A machine that nobody has heard of.
    pub unknown: machine::Answer,
    /// A machine that waits to be accepted.
    pub pending: machine::Answer,
}

impl MachineRules {
    fn tagged(it: machine::MachineRules) -> Tagged<Self> {
        let rule = |it: Rule| MachineRule { labels: it.labels.into(), target: it.target };
        let rules = Self {
            revision: it.revision,
            rules: it.rules.into_iter().map(rule).collect(),
            saved_at: it.saved_at.map(time),
            saved_by: it.saved_by,
        };
        Tagged(rules.revision.to_string(), rules)
    }
}

impl UnregisteredMachines {
    fn tagged(it: machine::Unregistered) -> Answer<Tagged<Self>> {
        let version = it.version().map_err(services::ServiceError::from)?;
        Ok(Tagged(version.to_string(), Self { unknown: it.unknown, pending: it.pending }))
    }
}

/// Shows what machines of certain labels boot; its `ETag` is the revision of the list.
#[utoipa::path(get, path = "/machines/rules", tag = "machines", responses((status = 200, body = MachineRules)))]
pub async fn rules(
    State(services): State<Services>,
    Caller(actor): Caller,
) -> Answer<Tagged<MachineRules>> {
    Ok(MachineRules::tagged(services.machine_rules(&actor).await?))
}

/// Says what machines of certain labels boot: the whole list. `If-Match` names the revision that the
/// change was made from.
#[utoipa::path(put, path = "/machines/rules", tag = "machines", params(("If-Match" = String, Header, description = "ETag of the rules that were looked at")), request_body = NewMachineRules, responses((status = 200, body = MachineRules)))]
pub async fn change_rules(
    State(services): State<Services>,
    Caller(actor): Caller,
    base: IfMatch,
    Body(new): Body<NewMachineRules>,
) -> Answer<Tagged<MachineRules>> {
    let base = base.version()?;
    let rule = |it: MachineRule| -> Answer<Rule> {
        Ok(Rule { labels: labels_of("rules", it.labels)?, target: it.target })
    };
    let rules = new.rules.into_iter().map(rule).collect::<Answer<Vec<_>>>()?;
    let changed = services.change_machine_rules(&actor, base, &rules).await;
    Ok(MachineRules::tagged(changed.map_err(Problem::of_condition)?))
}

/// Shows what machines get that nobody has accepted; its `ETag` is the setting's version.
#[utoipa::path(get, path = "/machines/unregistered", tag = "machines", responses((status = 200, body = UnregisteredMachines)))]
pub async fn unregistered(
    State(services): State<Services>,
    Caller(actor): Caller,
) -> Answer<Tagged<UnregisteredMachines>> {
    UnregisteredMachines::tagged(services.unregistered(&actor).await?)
}

/// Says what machines get that nobody has accepted; `If-Match` names the setting that the change was
/// made from.
#[utoipa::path(put, path = "/machines/unregistered", tag = "machines", params(("If-Match" = String, Header, description = "ETag of the setting that was looked at")), request_body = UnregisteredMachines, responses((status = 200, body = UnregisteredMachines)))]
pub async fn change_unregistered(
    State(services): State<Services>,
    Caller(actor): Caller,
    base: IfMatch,
    Body(new): Body<UnregisteredMachines>,
) -> Answer<Tagged<UnregisteredMachines>> {
    let base: Digest = base.version()?;
    let to = machine::Unregistered { unknown: new.unknown, pending: new.pending };
    let changed = services.change_unregistered(&actor, to, Some(&base)).await;
    changed.map_err(Problem::of_condition)?;
    UnregisteredMachines::tagged(to)
}
