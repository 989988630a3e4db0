//! Suites: people's own tests, a folder of files and what to run in it.

use axum::{Json, extract::State, http::StatusCode};
use domain::suite::{self, SuiteDefinition};
use serde::{Deserialize, Serialize};
use services::Services;
use utoipa::ToSchema;

use super::{
    exchange::{Body, Caller, Created, IfMatch, Listed, Path, Tagged, time},
    problem::{Answer, Problem},
};

/// A suite.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Suite {
    /// Unique name.
    pub name: String,
    /// Counts from 1 with each change.
    pub revision: u32,
    /// What it is.
    pub definition: SuiteDefinition,
    /// When this revision was saved.
    pub saved_at: String,
    /// Name of the person who saved it.
    pub saved_by: String,
}

/// A suite to add.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSuite {
    /// 1 to 60 of a-z, 0-9, '.' and '-'; starts with a letter or digit; neither `new` nor `smoke`.
    #[schema(pattern = "^[a-z0-9][a-z0-9.-]{0,59}$")]
    pub name: String,
    /// What it is.
    pub definition: SuiteDefinition,
}

/// What a suite is from now on.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSuiteDefinition {
    /// All of it: what is left out is not kept.
    pub definition: SuiteDefinition,
}

impl Suite {
    fn of(it: suite::Suite) -> Self {
        Self {
            name: it.name,
            revision: it.revision,
            definition: it.definition,
            saved_at: time(it.saved_at),
            saved_by: it.saved_by,
        }
    }

    fn tagged(it: suite::Suite) -> Tagged<Self> {
        Tagged(it.revision.to_string(), Self::of(it))
    }
}

/// Lists suites by name; the built-in suite `smoke` is none of them.
#[utoipa::path(get, path = "/suites", tag = "suites", responses((status = 200, body = Listed<Suite>)))]
pub async fn list(
    State(services): State<Services>,
    Caller(actor): Caller,
) -> Answer<Json<Listed<Suite>>> {
    Ok(Listed::whole(services.suites(&actor).await?.into_iter().map(Suite::of).collect()))
}

/// Adds a suite. Nothing is fetched before a plan runs it.
#[utoipa::path(post, path = "/suites", tag = "suites", request_body = NewSuite, responses((status = 201, body = Suite)))]
pub async fn create(
    State(services): State<Services>,
    Caller(actor): Caller,
    Body(NewSuite { name, definition }): Body<NewSuite>,
) -> Answer<Created<Tagged<Suite>>> {
    let made = services.save_suite(&actor, &name, None, definition).await;
    let made = made.map_err(Problem::of_definition)?;
    Ok(Created(format!("/suites/{name}"), Suite::tagged(made)))
}

/// Shows a suite; its `ETag` is what a change of it names.
#[utoipa::path(get, path = "/suites/{name}", tag = "suites", params(("name" = String, Path, description = "Name of the suite")), responses((status = 200, body = Suite)))]
pub async fn show(
    State(services): State<Services>,
    Caller(actor): Caller,
    Path(name): Path<String>,
) -> Answer<Tagged<Suite>> {
    Ok(Suite::tagged(services.suite(&actor, &name, None).await?))
}

/// Changes a suite; `If-Match` names the revision that the change was made from. Every plan that runs
/// it gets a revision too.
#[utoipa::path(put, path = "/suites/{name}", tag = "suites", params(("name" = String, Path, description = "Name of the suite"), ("If-Match" = String, Header, description = "ETag of the suite that was looked at")), request_body = NewSuiteDefinition, responses((status = 200, body = Suite)))]
pub async fn change(
    State(services): State<Services>,
    Caller(actor): Caller,
    Path(name): Path<String>,
    base: IfMatch,
    Body(NewSuiteDefinition { definition }): Body<NewSuiteDefinition>,
) -> Answer<Tagged<Suite>> {
    let saved = services.save_suite(&actor, &name, Some(base.version()?), definition).await;
    Ok(Suite::tagged(saved.map_err(Problem::of_change)?))
}

/// Removes a suite that no plan runs; what was run of it stays.
#[utoipa::path(delete, path = "/suites/{name}", tag = "suites", params(("name" = String, Path, description = "Name of the suite")), responses((status = 204)))]
pub async fn delete(
    State(services): State<Services>,
    Caller(actor): Caller,
    Path(name): Path<String>,
) -> Answer<StatusCode> {
    services.remove_suite(&actor, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lists the revisions of a suite, newest first.
#[utoipa::path(get, path = "/suites/{name}/revisions", tag = "suites", params(("name" = String, Path, description = "Name of the suite")), responses((status = 200, body = Listed<Suite>)))]
pub async fn revisions(
    State(services): State<Services>,
    Caller(actor): Caller,
    Path(name): Path<String>,
) -> Answer<Json<Listed<Suite>>> {
    let revisions = services.suite_revisions(&actor, &name).await?;
    Ok(Listed::whole(revisions.into_iter().map(Suite::of).collect()))
}
