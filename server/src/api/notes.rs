//! Release notes and known issues, until they are frozen and after.

use axum::extract::State;
use domain::{digest::Digest, notes::ReleaseNotes};
use serde::{Deserialize, Serialize};
use services::Services;
use utoipa::ToSchema;

use super::{
    exchange::{Body, Caller, IfMatch, Path, Tagged, time},
    problem::{Answer, Problem},
};

/// What people say about a release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Notes {
    /// What is new and what to know, as plain text.
    pub notes: String,
    /// What is known not to work, as plain text.
    pub known_issues: String,
    /// When they were last saved.
    #[schema(format = DateTime)]
    pub saved_at: Option<String>,
    /// Who saved them last.
    pub saved_by: Option<String>,
    /// Since when they cannot be changed.
    #[schema(format = DateTime)]
    pub frozen_at: Option<String>,
    /// SHA-256 of the release's file `release-notes.json`, once it is frozen.
    pub digest: Option<Digest>,
}

impl Notes {
    fn tagged(it: ReleaseNotes) -> Tagged<Self> {
        let shown = Self {
            notes: it.notes,
            known_issues: it.known_issues,
            saved_at: it.saved_at.map(time),
            saved_by: it.saved_by,
            frozen_at: it.frozen.map(|frozen| time(frozen.at)),
            digest: it.frozen.map(|frozen| frozen.digest),
        };
        Tagged(it.revision.to_string(), shown)
    }
}

/// Notes to save.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewNotes {
    /// What is new and what to know, as plain text.
    pub notes: String,
    /// What is known not to work, as plain text.
    pub known_issues: String,
}

/// Shows what people say about a release; its `ETag` is what a change names.
#[utoipa::path(get, operation_id = "notes", path = "/releases/{version}/notes", tag = "releases", params(("version" = String, Path, description = "Name of the release")), responses((status = 200, body = Notes)))]
pub async fn show(
    State(services): State<Services>,
    Caller(actor): Caller,
    Path(version): Path<String>,
) -> Answer<Tagged<Notes>> {
    let release = services.release(&actor, &version).await?;
    Ok(Notes::tagged(services.notes(&actor, &release).await?))
}

/// Writes release notes and known issues; possible until the release gets its released name.
#[utoipa::path(put, operation_id = "save_notes", path = "/releases/{version}/notes", tag = "releases", params(("version" = String, Path, description = "Name of the release"), ("If-Match" = String, Header, description = "ETag of the notes that were looked at")), request_body = NewNotes, responses((status = 200, body = Notes)))]
pub async fn save(
    State(services): State<Services>,
    Caller(actor): Caller,
    Path(version): Path<String>,
    base: IfMatch,
    Body(NewNotes { notes, known_issues }): Body<NewNotes>,
) -> Answer<Tagged<Notes>> {
    let base = base.version()?;
    let saved = services.save_notes(&actor, &version, base, &notes, &known_issues).await;
    Ok(Notes::tagged(saved.map_err(Problem::of_condition)?))
}
