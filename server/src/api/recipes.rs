//! Recipes: the texts that releases are built from, and their revisions.

use axum::{Json, body::Body as Bytes, extract::State, response::Response};
use domain::{
    digest::Digest,
    page::{Cursor, Page},
    recipe::{self, Revision},
    text_diff::DiffLine,
};
use serde::{Deserialize, Serialize};
use services::{Services, recipes::Saved};
use utoipa::{IntoParams, ToSchema};

use super::{
    exchange::{Body, Caller, Created, IfMatch, Listed, Paging, Path, Query, Tagged, time},
    problem::{Answer, Problem},
};

/// A recipe by its newest revision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RecipeSummary {
    /// Unique name.
    pub name: String,
    /// Number of the newest revision.
    pub revision: u32,
    /// SHA-256 of its text.
    pub digest: Digest,
    /// Who saved it.
    pub author: String,
    /// When it was saved.
    #[schema(format = DateTime)]
    pub saved_at: String,
}

/// A revision of a recipe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = RecipeRevision)]
pub struct RevisionShown {
    /// Name of the recipe.
    pub recipe: String,
    /// Counts from 1 within the recipe; the `ETag` of the recipe.
    pub number: u32,
    /// SHA-256 of the text.
    pub digest: Digest,
    /// The whole text: TOML.
    pub text: String,
    /// What changed and why.
    pub message: String,
    /// Who saved it.
    pub author: String,
    /// When it was saved.
    #[schema(format = DateTime)]
    pub saved_at: String,
}

impl RevisionShown {
    fn of(recipe: &str, revision: Revision) -> Self {
        let Revision { number, digest, text, message, author, saved_at, recipe: _ } = revision;
        let recipe = recipe.to_owned();
        Self { recipe, number, digest, text, message, author, saved_at: time(saved_at) }
    }

    fn tagged(self) -> Tagged<Self> {
        Tagged(self.number.to_string(), self)
    }
}

/// A recipe to make.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRecipe {
    /// 1 to 40 of a-z, 0-9 and '-'; starts with a letter.
    pub name: String,
    /// The text: TOML.
    pub text: String,
    /// Why it is made.
    pub message: String,
}

/// A text to save as a recipe's next revision.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRevision {
    /// The whole text: TOML.
    pub text: String,
    /// What changed and why.
    pub message: String,
}

/// A text to look through.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RecipeText {
    /// The whole text: TOML.
    pub text: String,
}

/// What is wrong with a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CheckedText {
    /// Every fault with its line; none where the text can be built.
    pub problems: Vec<recipe::Problem>,
}

/// What changed from one revision of a recipe to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RecipeDiff {
    /// Number of the former revision.
    pub from: u32,
    /// Number of the later revision.
    pub to: u32,
    /// The changed lines with some around each; nothing where the texts are the same.
    pub lines: Vec<DiffLine>,
}

/// What a build of a recipe would start from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BuildProposal {
    /// The version that is free: `v1.2.0-rc.1`.
    pub version: String,
    /// Number of the recipe's newest revision.
    pub revision: u32,
    /// The newest complete release of this recipe, whose packages can be kept.
    pub former: Option<String>,
}

/// Which revisions to compare.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Revisions {
    /// Number of the former revision.
    from: u32,
    /// Number of the later revision.
    to: u32,
}

/// Lists recipes by name.
#[utoipa::path(get, path = "/recipes", tag = "recipes", params(Paging), responses((status = 200, body = Listed<RecipeSummary>)))]
pub async fn list(
    State(services): State<Services>,
    Caller(actor): Caller,
    Query(paging): Query<Paging>,
) -> Answer<Json<Listed<RecipeSummary>>> {
    let slice = paging.slice()?;
    let all = services.recipes(&actor).await?;
    let page = Page::of_names(all, &slice, |it| &it.name);
    Ok(Listed::of(page, |it| RecipeSummary {
        name: it.name,
        revision: it.revision,
        digest: it.digest,
        author: it.author,
        saved_at: time(it.saved_at),
    }))
}

/// Makes a recipe with its first revision.
#[utoipa::path(post, path = "/recipes", tag = "recipes", request_body = NewRecipe, responses((status = 201, body = RevisionShown)))]
pub async fn create(
    State(services): State<Services>,
    Caller(actor): Caller,
    Body(new): Body<NewRecipe>,
) -> Answer<Created<Tagged<RevisionShown>>> {
    match services.create_recipe(&actor, &new.name, &new.text, &new.message).await? {
        Saved::Revision(revision) => {
            let address = format!("/recipes/{}", new.name);
            Ok(Created(address, RevisionShown::of(&new.name, *revision).tagged()))
        }
        Saved::Problems(problems) => Err(Problem::of_text(problems)),
    }
}

/// Shows a recipe's newest revision; its `ETag` is what a change of it names.
#[utoipa::path(get, path = "/recipes/{name}", tag = "recipes", params(("name" = String, Path, description = "Name of the recipe")), responses((status = 200, body = RevisionShown)))]
pub async fn show(
    State(services): State<Services>,
    Caller(actor): Caller,
    Path(name): Path<String>,
) -> Answer<Tagged<RevisionShown>> {
    let newest = services.revision(&actor, &name, None).await?;
    Ok(RevisionShown::of(&name, newest).tagged())
}

/// Saves a text as the recipe's next revision; `If-Match` names the one that it was made from.
#[utoipa::path(put, path = "/recipes/{name}", tag = "recipes", params(("name" = String, Path, description = "Name of the recipe"), ("If-Match" = String, Header, description = "ETag of the revision that the text was made from")), request_body = NewRevision, responses((status = 200, body = RevisionShown)))]
pub async fn save(
    State(services): State<Services>,
    Caller(actor): Caller,
    Path(name): Path<String>,
    base: IfMatch,
    Body(new): Body<NewRevision>,
) -> Answer<Tagged<RevisionShown>> {
    let base = base.version()?;
    let saved = services.save_revision(&actor, &name, base, &new.text, &new.message).await;
    match saved.map_err(Problem::of_condition)? {
        Saved::Revision(revision) => Ok(RevisionShown::of(&name, *revision).tagged()),
        Saved::Problems(problems) => Err(Problem::of_text(problems)),
    }
}

/// Gives the newest revision's text as it is: TOML to save and to edit.
#[utoipa::path(get, path = "/recipes/{name}/text", tag = "recipes", params(("name" = String, Path, description = "Name of the recipe")), responses((status = 200, body = String, content_type = "application/toml")))]
pub async fn text(
    State(services): State<Services>,
    Caller(actor): Caller,
    Path(name): Path<String>,
) -> Answer<Response> {
    let newest = services.revision(&actor, &name, None).await?;
    Response::builder()
        .header("content-type", "application/toml")
        .header("etag", format!("\"{}\"", newest.number))
        .body(Bytes::from(newest.text))
        .map_err(|error| services::ServiceError::internal(error).into())
}

/// Says everything that is wrong with a text, and saves nothing.
#[utoipa::path(post, path = "/recipe-checks", tag = "recipes", request_body = RecipeText, responses((status = 200, body = CheckedText)))]
pub async fn check(
    State(services): State<Services>,
    Caller(actor): Caller,
    Body(RecipeText { text }): Body<RecipeText>,
) -> Answer<Json<CheckedText>> {
    let problems = services.check_recipe(&actor, &text).await?.err().unwrap_or_default();
    Ok(Json(CheckedText { problems }))
}

/// Lists the revisions of a recipe, newest first.
#[utoipa::path(get, path = "/recipes/{name}/revisions", tag = "recipes", params(("name" = String, Path, description = "Name of the recipe"), Paging), responses((status = 200, body = Listed<RevisionShown>)))]
pub async fn revisions(
    State(services): State<Services>,
    Caller(actor): Caller,
    Path(name): Path<String>,
    Query(paging): Query<Paging>,
) -> Answer<Json<Listed<RevisionShown>>> {
    let slice = paging.slice()?;
    let (below, _) = slice.below();
    let all = services.revisions(&actor, &name).await?;
    let rest = all.into_iter().filter(|it| i64::from(it.number) < below).collect();
    let page = Page::of(rest, &slice, |it: &Revision| Cursor {
        number: i64::from(it.number),
        name: String::new(),
    });
    Ok(Listed::of(page, |it| RevisionShown::of(&name, it)))
}

/// Shows one revision of a recipe.
#[utoipa::path(get, path = "/recipes/{name}/revisions/{number}", tag = "recipes", params(("name" = String, Path, description = "Name of the recipe"), ("number" = u32, Path, description = "Number of the revision")), responses((status = 200, body = RevisionShown)))]
pub async fn revision(
    State(services): State<Services>,
    Caller(actor): Caller,
    Path((name, number)): Path<(String, u32)>,
) -> Answer<Json<RevisionShown>> {
    let found = services.revision(&actor, &name, Some(number)).await?;
    Ok(Json(RevisionShown::of(&name, found)))
}

/// Compares two revisions of a recipe.
#[utoipa::path(get, path = "/recipes/{name}/diff", tag = "recipes", params(("name" = String, Path, description = "Name of the recipe"), Revisions), responses((status = 200, body = RecipeDiff)))]
pub async fn diff(
    State(services): State<Services>,
    Caller(actor): Caller,
    Path(name): Path<String>,
    Query(Revisions { from, to }): Query<Revisions>,
) -> Answer<Json<RecipeDiff>> {
    let lines = services.diff_revisions(&actor, &name, from, to).await?;
    Ok(Json(RecipeDiff { from, to, lines }))
}

/// Shows what a build of the recipe would start from: the version that is free, and the release
/// whose packages can be kept.
#[utoipa::path(get, path = "/recipes/{name}/build", tag = "recipes", params(("name" = String, Path, description = "Name of the recipe")), responses((status = 200, body = BuildProposal)))]
pub async fn proposal(
    State(services): State<Services>,
    Caller(actor): Caller,
    Path(name): Path<String>,
) -> Answer<Json<BuildProposal>> {
    let proposal = services.propose_build(&actor, &name).await?;
    Ok(Json(BuildProposal {
        version: proposal.version.to_string(),
        revision: proposal.revision,
        former: proposal.former.map(|it| it.name()),
    }))
}
