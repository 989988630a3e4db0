//! Machines as a table: comma-separated values with a header, taken whole or not at all.

use axum::{
    Json,
    body::Body,
    extract::State,
    http::{HeaderMap, header},
    response::{IntoResponse as _, Response},
};
use domain::{policy::Action, recipe};
use serde::{Deserialize, Serialize};
use services::{
    ServiceError, Services,
    machines::{Import, Imported},
};
use tokio::io::AsyncReadExt as _;
use utoipa::{IntoParams, ToSchema};

use crate::api::{
    exchange::{Caller, Query},
    problem::{Answer, Problem},
    uploads::{FileBytes, coming},
};

/// The longest table that is taken, in bytes: 200,000 machines of 160 bytes.
const LONGEST: u64 = 32 << 20;
/// How many faults an answer tells at the most.
const MOST_FAULTS: usize = 1_000;
/// What a table is sent as (RFC 7111).
const CSV: &str = "text/csv; charset=utf-8";

/// How a table is taken.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct TakeTable {
    /// Only say what would be done.
    #[serde(default)]
    dry_run: bool,
    /// Why the locks of other persons do not hold: administrators alone may say so.
    reason: Option<String>,
}

/// What a table does, or would, by names of machines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ImportedMachines {
    /// Those that are registered by it.
    pub added: Vec<String>,
    /// Those that are changed or accepted by it.
    pub changed: Vec<String>,
    /// How many are as it says already.
    pub unchanged: usize,
}

/// Takes machines from a table, the request's body: comma-separated values in UTF-8, 32 MiB at the most.
///
/// A new name is registered, a known one becomes what its line says. All lines are taken or none:
/// `problems` names what speaks against each. What is sent twice changes nothing the second time.
#[utoipa::path(post, path = "/machines/import", tag = "machines", params(TakeTable), request_body(content = FileBytes, content_type = "application/octet-stream"), responses((status = 200, body = ImportedMachines)))]
pub async fn import(
    State(services): State<Services>,
    Caller(actor): Caller,
    Query(TakeTable { dry_run, reason }): Query<TakeTable>,
    headers: HeaderMap,
    body: Body,
) -> Answer<Json<ImportedMachines>> {
    // Before anything is read that whoever asks may not send.
    Action::EditMachine.allowed_to(&actor.who).map_err(ServiceError::from)?;
    let (mut bytes, ended) = coming(&headers, body, LONGEST)?;
    let mut table = Vec::new();
    let unread = |_| ServiceError::invalid("table", "the table cannot be read");
    bytes.read_to_end(&mut table).await.map_err(unread).map_err(|error| ended.told(error))?;
    let table = String::from_utf8(table)
        .map_err(|_| Problem::of_field("table", "The table is not in UTF-8: save it as that"))?;
    match services.import_machines(&actor, &table, dry_run, reason.as_deref()).await? {
        Import::Done(Imported { added, changed, unchanged }) => {
            Ok(Json(ImportedMachines { added, changed, unchanged }))
        }
        Import::Faulty(faults) => {
            let faults = faults.into_iter().map(|it| recipe::Problem {
                line: u32::try_from(it.line).unwrap_or(u32::MAX),
                message: it.message,
            });
            let mut problem = Problem::of_text(faults.collect());
            problem.problems.truncate(MOST_FAULTS);
            Err(problem)
        }
    }
}

/// Gives all machines as a table that can be taken again, by name.
#[utoipa::path(get, path = "/machines/export", tag = "machines", responses((status = 200, body = String, content_type = "text/csv; charset=utf-8")))]
pub async fn export(State(services): State<Services>, Caller(actor): Caller) -> Answer<Response> {
    let table = services.export_machines(&actor).await?;
    Ok(([(header::CONTENT_TYPE, CSV)], table).into_response())
}
