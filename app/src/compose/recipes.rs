//! Recipes: the list, the editor, revisions, and the form that starts a build.

use domain::{page::Slice, recipe, version::CandidateVersion};
use leptos::prelude::use_context;
use services::releases::{Packages, ReleaseFilter};

use super::{Asked, invalid, kernels, releases};
use crate::{
    api::recipes::{
        BuildPage, EditorForm, RecipeDiffPage, RecipeDraft, RecipePage, RecipeRow, RecipesPage,
        RevisionRow, RevisionsPage,
    },
    error::AppError,
    routes::href,
};

pub(crate) async fn list(asked: &Asked) -> Result<RecipesPage, AppError> {
    let Asked { services, actor } = asked;
    let recipes = services.recipes(actor).await.map_err(|it| asked.refuse(it))?;
    let mut rows = Vec::with_capacity(recipes.len());
    for recipe in recipes {
        let of_recipe =
            ReleaseFilter { recipe: Some(recipe.name.clone()), ..ReleaseFilter::default() };
        let slice = Slice { after: None, limit: 1 };
        let newest = releases::rows(asked, &of_recipe, &slice).await?.items.pop();
        rows.push(RecipeRow { newest, recipe });
    }
    Ok(RecipesPage { recipes: rows })
}

/// The editor, with what was typed where the server renders it anew.
pub(crate) async fn editor(asked: &Asked, name: &str) -> Result<RecipePage, AppError> {
    let typed = use_context::<RecipeDraft>();
    let kernels = kernels::names(asked).await?;
    if name.is_empty() {
        let draft = typed.unwrap_or_else(|| RecipeDraft {
            text: recipe::starter().to_owned(),
            form: EditorForm::of(recipe::starter(), None),
            ..RecipeDraft::default()
        });
        return Ok(RecipePage { draft, newest: None, kernels });
    }
    let newest =
        asked.services.revision(&asked.actor, name, None).await.map_err(|it| asked.refuse(it))?;
    let row = RevisionRow::from(&newest);
    let draft = typed.unwrap_or_else(|| RecipeDraft {
        name: name.to_owned(),
        base: Some(newest.number),
        form: EditorForm::of(&newest.text, None),
        text: newest.text,
        ..RecipeDraft::default()
    });
    Ok(RecipePage { draft, newest: Some(row), kernels })
}

pub(crate) async fn revisions(asked: &Asked, name: String) -> Result<RevisionsPage, AppError> {
    let found =
        asked.services.revisions(&asked.actor, &name).await.map_err(|it| asked.refuse(it))?;
    Ok(RevisionsPage { name, revisions: found.iter().map(RevisionRow::from).collect() })
}

pub(crate) async fn diff(
    asked: &Asked,
    name: String,
    from: Option<u32>,
    to: Option<u32>,
) -> Result<RecipeDiffPage, AppError> {
    let Asked { services, actor } = asked;
    let newest = services.revision(actor, &name, None).await.map_err(|it| asked.refuse(it))?.number;
    let to = to.unwrap_or(newest);
    let from = from.unwrap_or_else(|| to.saturating_sub(1).max(1));
    let revision = |number| services.revision(actor, &name, Some(number));
    let before = revision(from).await.map_err(|it| asked.refuse(it))?;
    let after = revision(to).await.map_err(|it| asked.refuse(it))?;
    let lines =
        services.diff_revisions(actor, &name, from, to).await.map_err(|it| asked.refuse(it))?;
    Ok(RecipeDiffPage {
        from: RevisionRow::from(&before),
        to: RevisionRow::from(&after),
        newest,
        lines,
        name,
    })
}

pub(crate) async fn build_form(asked: &Asked, name: String) -> Result<BuildPage, AppError> {
    let Asked { services, actor } = asked;
    let revision = services.revision(actor, &name, None).await.map_err(|it| asked.refuse(it))?;
    let proposal = services.propose_build(actor, &name).await.map_err(|it| asked.refuse(it))?;
    let former = match proposal.former {
        Some(former) => Some(releases::row(asked, former).await?),
        None => None,
    };
    let revision = RevisionRow::from(&revision);
    Ok(BuildPage { name, revision, version: proposal.version, former })
}

pub(crate) async fn start_build(
    asked: &Asked,
    name: &str,
    revision: u32,
    version: &str,
    packages: &str,
) -> Result<(), AppError> {
    let version: CandidateVersion = version
        .trim()
        .parse()
        .map_err(|error: domain::version::InvalidVersion| invalid("version", &error.to_string()))?;
    let packages = match packages {
        "newer" | "" => Packages::Newer,
        "keep" => Packages::Keep,
        _ => return Err(invalid("packages", "choose newer packages or those of the former lock")),
    };
    let job = asked
        .services
        .start_build(&asked.actor, name, revision, version, packages)
        .await
        .map_err(|it| asked.refuse(it))?;
    leptos_axum::redirect(&href::job(&job.id));
    Ok(())
}
