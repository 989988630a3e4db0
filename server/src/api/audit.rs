//! The audit log: every change, in one gapless sequence.

use axum::{Json, extract::State};
use domain::{audit::AuditRow, digest::Digest};
use serde::{Deserialize, Serialize};
use services::{Services, audit::AuditFilter};
use utoipa::{IntoParams, ToSchema};

use super::{
    exchange::{Caller, Listed, Query, slice, time},
    problem::Answer,
};

/// A change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuditedChange {
    /// Its number: gapless, from 1.
    pub sequence: i64,
    /// When.
    #[schema(format = DateTime)]
    pub at: String,
    /// Who.
    pub actor: String,
    /// From where; `null` for the program itself.
    pub address: Option<String>,
    /// The request that it was made in.
    pub request: String,
    /// What was done, such as `recipe.save`.
    pub action: String,
    /// Kind of thing that it was done to.
    pub subject_kind: String,
    /// Which thing.
    pub subject: String,
    /// What else there is to know.
    #[schema(value_type = Object)]
    pub details: serde_json::Value,
    /// Hash of the row before; empty for the first.
    pub previous_hash: String,
    /// Hash of this row.
    pub hash: Digest,
}

impl AuditedChange {
    fn of(row: AuditRow) -> Self {
        let AuditRow { sequence, entry, previous_hash, hash } = row;
        Self {
            sequence,
            at: time(entry.at),
            actor: entry.actor,
            address: entry.address,
            request: entry.request,
            action: entry.action,
            subject_kind: entry.subject_kind,
            subject: entry.subject,
            details: entry.details,
            previous_hash,
            hash,
        }
    }
}

/// Which changes.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListAudit {
    /// Only what whoever goes by this name did.
    actor: Option<String>,
    /// Only this action, such as `recipe.save`.
    action: Option<String>,
    /// Only what was done to this kind of thing.
    subject_kind: Option<String>,
    /// Only what was done to the thing of this id.
    subject: Option<String>,
    /// `next` of the page before.
    cursor: Option<String>,
    /// How many items, 50 unless said otherwise.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
}

/// Lists changes, newest first.
#[utoipa::path(get, path = "/audit", tag = "audit", params(ListAudit), responses((status = 200, body = Listed<AuditedChange>)))]
pub async fn list(
    State(services): State<Services>,
    Caller(actor): Caller,
    Query(query): Query<ListAudit>,
) -> Answer<Json<Listed<AuditedChange>>> {
    let slice = slice(query.cursor.as_deref(), query.limit)?;
    let ListAudit { actor: by, action, subject_kind, subject, .. } = query;
    let filter = AuditFilter { actor: by, action, subject_kind, subject };
    Ok(Listed::of(services.audit_page(&actor, &filter, &slice).await?, AuditedChange::of))
}
