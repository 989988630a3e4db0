//! Variants: releases with something changed, made, built, given more days and removed.

use axum::{Json, extract::State, http::StatusCode};
use domain::{
    digest::Digest,
    job::JobState,
    manifest::Manifest,
    run::comparison::ComparedCase,
    text_diff::DiffLine,
    variant::{self, Definition, LIFETIME_DAYS, LayerEstimate, VariantLock, VariantState},
};
use serde::{Deserialize, Serialize};
use services::{
    Services,
    recipes::Saved,
    variants::{RecipeProposal, VariantDraft, VariantFilter, VariantRevision, VariantSummary},
};
use utoipa::{IntoParams, ToSchema};

use super::{
    exchange::{
        Accepted, Body, Caller, Created, IfMatch, Listed, Paging, Path, Query, Tagged, slice, time,
    },
    jobs::Job,
    problem::{Answer, Problem},
    validations::Validation,
};

/// A variant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Variant {
    /// Its unique name; machines boot it from `/variant/<name>/menu.ipxe`.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Whose it is.
    pub owner: String,
    /// How it stands.
    pub state: VariantState,
    /// Counts the changes of its definition, from 1; the `ETag` of the variant.
    pub revision: u32,
    /// The newest build that machines can boot.
    pub built: Option<VariantBuild>,
    /// When it was made.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// When it was changed last.
    #[schema(format = DateTime)]
    pub changed_at: String,
    /// When machines get it no more.
    #[schema(format = DateTime)]
    pub expires_at: String,
}

/// A variant with what it changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VariantDetails {
    /// The variant.
    #[serde(flatten)]
    pub variant: Variant,
    /// What it changes.
    pub definition: Definition,
    /// The same as text: TOML.
    pub text: String,
}

/// One making of a variant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VariantBuild {
    /// Counts from 1 within the variant.
    pub number: u32,
    /// Revision of the definition that it was made of.
    pub revision: u32,
    /// Name of the release that it changes.
    pub base: String,
    /// Id of the job that makes it.
    pub job: String,
    /// How that job stands.
    pub state: JobState,
    /// SHA-256 of what it came to, once it is complete.
    pub digest: Option<Digest>,
    /// Length of its layer in bytes, once it is complete.
    pub layer_size: Option<u64>,
    /// When it was asked for.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// Who asked for it.
    pub created_by: String,
    /// When it began.
    #[schema(format = DateTime)]
    pub started_at: Option<String>,
    /// When it ended.
    #[schema(format = DateTime)]
    pub ended_at: Option<String>,
}

/// What a definition would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VariantPreview {
    /// Name of the release that it would change.
    pub base: String,
    /// Length of that release's image in bytes.
    pub base_size: u64,
    /// What would be installed and removed; `null` where apt refuses.
    pub lock: Option<VariantLock>,
    /// Why apt refuses.
    pub refused: Option<String>,
    /// Names of what would be removed and nobody has agreed to: a build ends there.
    pub unconfirmed: Vec<String>,
    /// What of the changes would do nothing on that release, a sentence each.
    pub without_effect: Vec<String>,
    /// What is known of the layer: lengths in bytes, not compressed.
    pub layer: LayerEstimate,
    /// What the last builds of that kind took that made a layer, in milliseconds: the middle of them.
    /// Kernels that must be compiled first are not in it.
    pub expected_ms: Option<u64>,
}

/// A variant as a change of a recipe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RecipeChange {
    /// Name of the recipe.
    pub recipe: String,
    /// The revision that it is made on.
    pub base: u32,
    /// The whole text with the change.
    pub text: String,
    /// What changes; nothing where the recipe says all of it already.
    pub lines: Vec<DiffLine>,
    /// What is not in it, and why, a sentence each.
    pub left_out: Vec<String>,
}

impl RecipeChange {
    fn of(it: RecipeProposal) -> Self {
        let RecipeProposal { recipe, base, text, diff, left_out } = it;
        Self { recipe, base, text, lines: diff, left_out }
    }
}

/// What the newest test of a variant saw beside what the newest of its base saw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VariantComparison {
    /// The variant's newest validation that ended with results; `null` where there is none.
    pub here: Option<Validation>,
    /// Whether the variant was built anew since.
    pub outdated: bool,
    /// Name of the release that the variant stood on; `null` where nothing was built of it.
    pub base_name: Option<String>,
    /// The base's newest validation by the same plan that ended with results; `null` where there is
    /// none.
    pub base: Option<Validation>,
    /// Every case of both, by boot entry and machine; none where the variant has no results.
    pub cases: Vec<ComparedCase>,
}

impl VariantComparison {
    fn of(it: services::variants::VariantComparison) -> Self {
        let services::variants::VariantComparison { here, outdated, base_name, base, cases } = it;
        let [here, base] = [here, base].map(|it| it.map(Validation::of));
        Self { here, outdated, base_name, base, cases }
    }
}

/// Why a change is saved.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RecipeChangeMessage)]
pub struct Saying {
    /// What changes and why.
    pub message: String,
}

/// A package of the archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ArchivePackage {
    /// Package name.
    pub name: String,
    /// Debian version.
    pub version: String,
    /// The suite that has it.
    pub suite: String,
    /// What it takes on the disk, in KiB.
    pub installed_kib: u64,
    /// Length of the `.deb` in bytes.
    pub size: u64,
    /// What it is, in one line.
    pub description: String,
}

impl Variant {
    fn of(it: VariantSummary) -> Self {
        let VariantSummary { variant, state, built } = it;
        Self {
            name: variant.name,
            description: variant.description,
            owner: variant.owner,
            state,
            revision: variant.revision,
            built: built.map(VariantBuild::of),
            created_at: time(variant.created_at),
            changed_at: time(variant.changed_at),
            expires_at: time(variant.expires_at),
        }
    }
}

impl VariantBuild {
    fn of(it: variant::VariantBuild) -> Self {
        Self {
            number: it.number,
            revision: it.revision,
            base: it.base.clone(),
            job: it.job.to_string(),
            state: it.state,
            digest: it.manifest.as_ref().and_then(|it| Manifest::digest(it).ok()),
            layer_size: it.layer_size(),
            created_at: time(it.created_at),
            created_by: it.created_by,
            started_at: it.started_at.map(time),
            ended_at: it.ended_at.map(time),
        }
    }
}

impl VariantDetails {
    fn of(it: VariantSummary) -> Self {
        let definition = it.variant.definition.clone();
        Self { text: variant::write(&definition), definition, variant: Variant::of(it) }
    }

    fn tagged(self) -> Tagged<Self> {
        Tagged(self.variant.revision.to_string(), self)
    }
}

/// What to look ahead at: changes as JSON, or as TOML.
#[derive(Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = VariantChanges)]
pub struct VariantLook {
    /// Name of the variant that would be changed so; what it stood on before is looked at then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    /// What it changes, field by field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub definition: Option<Definition>,
    /// The same as text: TOML.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// What a variant changes, by one of the two ways to say it; `None` where nothing is said.
fn changes(definition: Option<Definition>, text: Option<String>) -> Answer<Option<Definition>> {
    match (definition, text) {
        (definition, None) => Ok(definition),
        (None, Some(text)) => variant::parse(&text).map(Some).map_err(Problem::of_text),
        (Some(_), Some(_)) => {
            let words = "Send what it changes as \"definition\" or as \"text\", not both";
            Err(Problem::of_field("text", words))
        }
    }
}

/// A variant to make.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewVariant {
    /// 1 to 40 of a-z, 0-9, '.' and '-'; starts with a letter or digit; not `new`, `preview` or
    /// `packages`.
    #[schema(pattern = "^[a-z0-9][a-z0-9.-]{0,39}$")]
    pub name: String,
    /// What it is for, in a few words.
    #[serde(default)]
    pub description: String,
    /// How many days it lives; 14 where absent.
    pub days: Option<u32>,
    /// What it changes, field by field.
    pub definition: Option<Definition>,
    /// The same as text: TOML.
    pub text: Option<String>,
}

/// What a variant is from now on; what is absent stays as it is.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangedVariant {
    /// What it is for, in a few words.
    pub description: Option<String>,
    /// How many days it lives from now.
    pub days: Option<u32>,
    /// What it changes, field by field.
    pub definition: Option<Definition>,
    /// The same as text: TOML.
    pub text: Option<String>,
}

/// More days for a variant.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MoreDays {
    /// How many it lives from now.
    pub days: u32,
}

/// Which variants.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListVariants {
    /// Only those of this person.
    owner: Option<String>,
    /// Only those that stand so.
    state: Option<VariantState>,
    /// Only those whose name or description has this in it.
    words: Option<String>,
    /// `next` of the page before.
    cursor: Option<String>,
    /// How many items, 50 unless said otherwise.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
}

/// Which packages.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SearchPackages {
    /// Words that name or description have all.
    words: String,
    /// Name of the release whose suite is searched; what production runs where absent.
    base: Option<String>,
    /// One more suite, such as `bookworm-backports`.
    suite: Option<String>,
}

/// Lists variants by name.
#[utoipa::path(get, path = "/variants", tag = "variants", params(ListVariants), responses((status = 200, body = Listed<Variant>)))]
pub async fn list(
    State(services): State<Services>,
    Caller(actor): Caller,
    Query(query): Query<ListVariants>,
) -> Answer<Json<Listed<Variant>>> {
    let slice = slice(query.cursor.as_deref(), query.limit)?;
    let filter = VariantFilter { owner: query.owner, state: query.state, words: query.words };
    Ok(Listed::of(services.variants_page(&actor, &filter, &slice).await?, Variant::of))
}

/// Makes a variant that belongs to whoever asks. Nothing is built before that is asked for.
#[utoipa::path(post, path = "/variants", tag = "variants", request_body = NewVariant, responses((status = 201, body = VariantDetails)))]
pub async fn create(
    State(services): State<Services>,
    Caller(actor): Caller,
    Body(new): Body<NewVariant>,
) -> Answer<Created<Tagged<VariantDetails>>> {
    let draft = VariantDraft {
        description: new.description,
        days: new.days.unwrap_or(LIFETIME_DAYS),
        definition: changes(new.definition, new.text)?.unwrap_or_default(),
    };
    let made = services.create_variant(&actor, &new.name, draft).await;
    let name = made.map_err(Problem::of_definition)?.name;
    let address = format!("/variants/{name}");
    Ok(Created(address, VariantDetails::of(services.variant(&actor, &name).await?).tagged()))
}

/// Shows a variant with what it changes; its `ETag` is what a change of it names.
#[utoipa::path(get, path = "/variants/{name}", tag = "variants", params(("name" = String, Path, description = "Name of the variant")), responses((status = 200, body = VariantDetails)))]
pub async fn show(
    State(services): State<Services>,
    Caller(actor): Caller,
    Path(name): Path<String>,
) -> Answer<Tagged<VariantDetails>> {
    Ok(VariantDetails::of(services.variant(&actor, &name).await?).tagged())
}

/// Changes a variant; `If-Match` names the revision that the change was made from. What was built of
/// it stays until it is built again.
#[utoipa::path(put, path = "/variants/{name}", tag = "variants", params(("name" = String, Path, description = "Name of the variant"), ("If-Match" = String, Header, description = "ETag of the variant that was looked at")), request_body = ChangedVariant, responses((status = 200, body = VariantDetails)))]
pub async fn change(
    State(services): State<Services>,
    Caller(actor): Caller,
    Path(name): Path<String>,
    base: IfMatch,
    Body(new): Body<ChangedVariant>,
) -> Answer<Tagged<VariantDetails>> {
    let base = base.version()?;
    let change = VariantRevision {
        description: new.description,
        days: new.days,
        definition: changes(new.definition, new.text)?,
    };
    let changed = services.change_variant(&actor, &name, base, change).await;
    changed.map_err(|error| match error {
        services::ServiceError::Conflict(_) => Problem::of_condition(error),
        other => Problem::of_definition(other),
    })?;
    Ok(VariantDetails::of(services.variant(&actor, &name).await?).tagged())
}

/// Removes a variant: machines get it no more, and its files go with the next collection.
#[utoipa::path(delete, path = "/variants/{name}", tag = "variants", params(("name" = String, Path, description = "Name of the variant")), responses((status = 204)))]
pub async fn delete(
    State(services): State<Services>,
    Caller(actor): Caller,
    Path(name): Path<String>,
) -> Answer<StatusCode> {
    services.delete_variant(&actor, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Gives a variant more days from now.
#[utoipa::path(post, path = "/variants/{name}/extend", tag = "variants", params(("name" = String, Path, description = "Name of the variant")), request_body = MoreDays, responses((status = 200, body = VariantDetails)))]
pub async fn extend(
    State(services): State<Services>,
    Caller(actor): Caller,
    Path(name): Path<String>,
    Body(MoreDays { days }): Body<MoreDays>,
) -> Answer<Tagged<VariantDetails>> {
    services.extend_variant(&actor, &name, days).await?;
    Ok(VariantDetails::of(services.variant(&actor, &name).await?).tagged())
}

/// Lists a variant's builds, newest first.
#[utoipa::path(get, path = "/variants/{name}/builds", tag = "variants", params(("name" = String, Path, description = "Name of the variant"), Paging), responses((status = 200, body = Listed<VariantBuild>)))]
pub async fn builds(
    State(services): State<Services>,
    Caller(actor): Caller,
    Path(name): Path<String>,
    Query(paging): Query<Paging>,
) -> Answer<Json<Listed<VariantBuild>>> {
    let page = services.variant_builds_page(&actor, &name, &paging.slice()?).await?;
    Ok(Listed::of(page, VariantBuild::of))
}

/// Builds a variant: 202 with the job. What did not change since is not built again.
#[utoipa::path(post, path = "/variants/{name}/builds", tag = "variants", params(("name" = String, Path, description = "Name of the variant")), responses((status = 202, body = Job)))]
pub async fn build(
    State(services): State<Services>,
    Caller(actor): Caller,
    Path(name): Path<String>,
) -> Answer<Accepted<Job>> {
    Ok(Job::of(services.start_variant_build(&actor, &name).await?).accepted())
}

/// By which plan a variant is judged.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ValidateVariant {
    /// Name of the plan; `smoke` where absent.
    plan: Option<String>,
}

/// Runs a plan against what was built of a variant: 202 with the job.
#[utoipa::path(post, path = "/variants/{name}/validations", tag = "variants", params(("name" = String, Path, description = "Name of the variant"), ValidateVariant), responses((status = 202, body = Job)))]
pub async fn validate(
    State(services): State<Services>,
    Caller(actor): Caller,
    Path(name): Path<String>,
    Query(query): Query<ValidateVariant>,
) -> Answer<Accepted<Job>> {
    let plan = query.plan.as_deref();
    Ok(Job::of(services.start_variant_validation(&actor, &name, plan).await?).accepted())
}

/// Shows the newest results of a variant beside the newest of its base, case by case.
#[utoipa::path(get, path = "/variants/{name}/comparison", tag = "variants", params(("name" = String, Path, description = "Name of the variant")), responses((status = 200, body = VariantComparison)))]
pub async fn comparison(
    State(services): State<Services>,
    Caller(actor): Caller,
    Path(name): Path<String>,
) -> Answer<Json<VariantComparison>> {
    Ok(Json(VariantComparison::of(services.compare_variant(&actor, &name).await?)))
}

/// Shows what a variant changes as a change of the recipe that its base was built from.
#[utoipa::path(get, path = "/variants/{name}/recipe-change", tag = "variants", params(("name" = String, Path, description = "Name of the variant")), responses((status = 200, body = RecipeChange)))]
pub async fn recipe_change(
    State(services): State<Services>,
    Caller(actor): Caller,
    Path(name): Path<String>,
) -> Answer<Tagged<RecipeChange>> {
    let proposal = services.propose_recipe_change(&actor, &name).await?;
    Ok(Tagged(proposal.seen().to_string(), RecipeChange::of(proposal)))
}

/// Saves that change as the recipe's next revision; `If-Match` is the `ETag` of the change that was
/// looked at. The next release of the recipe contains it.
#[utoipa::path(post, path = "/variants/{name}/recipe-change", tag = "variants", params(("name" = String, Path, description = "Name of the variant"), ("If-Match" = String, Header, description = "ETag of the change that was looked at")), request_body = Saying, responses((status = 201, body = RecipeChange)))]
pub async fn save_recipe_change(
    State(services): State<Services>,
    Caller(actor): Caller,
    Path(name): Path<String>,
    seen: IfMatch,
    Body(Saying { message }): Body<Saying>,
) -> Answer<Created<Tagged<RecipeChange>>> {
    let seen = seen.version()?;
    let saved = services.save_recipe_change(&actor, &name, seen, &message).await;
    let (proposal, saved) = saved.map_err(Problem::of_condition)?;
    match saved {
        Saved::Revision(revision) => {
            let address = format!("/recipes/{}", proposal.recipe);
            let tag = revision.number.to_string();
            Ok(Created(address, Tagged(tag, RecipeChange::of(proposal))))
        }
        Saved::Problems(problems) => Err(Problem::of_text(problems)),
    }
}

/// Says what a definition would do, by apt's own simulation; nothing is made or built.
#[utoipa::path(post, path = "/variants/preview", tag = "variants", request_body = VariantLook, responses((status = 200, body = VariantPreview)))]
pub async fn preview(
    State(services): State<Services>,
    Caller(actor): Caller,
    Body(look): Body<VariantLook>,
) -> Answer<Json<VariantPreview>> {
    let VariantLook { variant, definition, text } = look;
    let definition = changes(definition, text)?.unwrap_or_default();
    let preview = services.preview_variant(&actor, definition, variant.as_deref()).await;
    let preview = preview.map_err(Problem::of_definition)?;
    Ok(Json(VariantPreview {
        base: preview.base,
        base_size: preview.base_size,
        lock: preview.lock,
        refused: preview.refused,
        unconfirmed: preview.unconfirmed,
        without_effect: preview.without_effect,
        layer: preview.layer,
        expected_ms: preview.expected_ms,
    }))
}

/// Searches the archive for packages that a variant can add: 50 at the most, the best first.
#[utoipa::path(get, path = "/variants/packages", tag = "variants", params(SearchPackages), responses((status = 200, body = Listed<ArchivePackage>)))]
pub async fn packages(
    State(services): State<Services>,
    Caller(actor): Caller,
    Query(query): Query<SearchPackages>,
) -> Answer<Json<Listed<ArchivePackage>>> {
    let base = query.base.unwrap_or_default();
    let suites = query.suite.into_iter().collect();
    let found = services.search_packages(&actor, &base, suites, &query.words).await?;
    let shown = |it: services::variants::FoundPackage| ArchivePackage {
        name: it.name,
        version: it.version,
        suite: it.suite,
        installed_kib: it.installed_kib,
        size: it.size,
        description: it.description,
    };
    Ok(Listed::whole(found.into_iter().map(shown).collect()))
}
