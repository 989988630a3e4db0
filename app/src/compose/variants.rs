//! Variants: the list, one with what was made of it, the form, and what is asked for.

pub(crate) mod look;

use domain::{
    environment::PRODUCTION,
    ids::JobId,
    job::from_word,
    page::{Cursor, Slice},
    policy::{self, Action},
    time::Timestamp,
    variant::{LIFETIME_DAYS, LONGEST_LIFETIME_DAYS, Variant, VariantBuild, VariantState},
};
use leptos::prelude::use_context;
use services::{releases::ReleaseFilter, variants::VariantFilter};

use super::{Asked, confirmed, invalid, kernels, releases::choice};
use crate::{
    api::{
        Around,
        recipes::RevisionRow,
        variants::{
            Bases, ComparisonPage, RecipeChangePage, VariantForm, VariantFormPage, VariantPage,
            VariantRow, VariantsAsked, VariantsPage,
        },
    },
    error::AppError,
    routes::href,
    viewer::viewer_of,
};

/// How many builds stand on the page of a variant.
const BUILDS: u32 = 10;
/// How many releases a form offers as a base; others are named in its text.
const OFFERED: u32 = 100;

pub(crate) async fn list(
    asked: &Asked,
    narrowing: VariantsAsked,
    after: Option<Cursor>,
) -> Result<VariantsPage, AppError> {
    let given = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    let state = match narrowing.state.as_str() {
        "" => None,
        word => {
            let known =
                from_word(&VariantState::ALL, VariantState::word, "a state of a variant", word);
            Some(known.map_err(|it| invalid("state", &it.to_string()))?)
        }
    };
    let filter =
        VariantFilter { owner: given(&narrowing.owner), state, words: given(&narrowing.words) };
    let slice = Slice { after, ..Slice::first() };
    let found = asked.services.variants_page(&asked.actor, &filter, &slice).await;
    let found = found.map_err(|it| asked.refuse(it))?;
    let now = asked.services.now();
    Ok(VariantsPage {
        variants: found.items.into_iter().map(|it| VariantRow::of(it, now)).collect(),
        around: Around::of(&slice, found.next),
        asked: narrowing,
        state,
        make: may_make(asked),
    })
}

fn may_make(asked: &Asked) -> crate::api::Choice {
    choice(Action::EditVariant.allowed(viewer_of(&asked.actor).role))
}

/// The viewer's variants that end within days or are over.
pub(crate) async fn ending(asked: &Asked) -> Result<Vec<VariantRow>, AppError> {
    let Asked { services, actor } = asked;
    let name = viewer_of(actor).name;
    let ending = services.variants_ending(actor).await.map_err(|it| asked.refuse(it))?;
    let mine = ending.into_iter().filter(|it| it.variant.owner == name);
    Ok(mine.map(|it| VariantRow::of(it, services.now())).collect())
}

pub(crate) async fn one(
    asked: &Asked,
    name: &str,
    after: Option<Cursor>,
) -> Result<VariantPage, AppError> {
    let Asked { services, actor } = asked;
    let summary = services.variant(actor, name).await.map_err(|it| asked.refuse(it))?;
    let slice = Slice { after, limit: BUILDS };
    let builds = services.variant_builds_page(actor, name, &slice).await;
    let builds = builds.map_err(|it| asked.refuse(it))?;
    let newest = newest(asked, name).await?;
    let steps = match &newest {
        Some(build) => services.steps(actor, &build.job).await.map_err(|it| asked.refuse(it))?,
        None => Vec::new(),
    };
    let validations = services.validations_of_variant(actor, name).await;
    let validations = validations.map_err(|it| asked.refuse(it))?;
    let testing = validations.iter().find(|it| !it.state.ended()).map(|it| it.job.clone());
    let building = newest.as_ref().filter(|it| !it.state.ended()).map(|it| it.job.clone());
    let job = building.or(testing);
    let viewer = viewer_of(actor);
    let (role, who, owner) = (viewer.role, &*viewer.name, &*summary.variant.owner);
    let expired = summary.variant.expires_at <= services.now();
    let open: Option<&JobId> = job.as_ref();
    Ok(VariantPage {
        edit: choice(policy::may_edit_variant(role, who, owner)),
        make: may_make(asked),
        build: choice(policy::may_build_variant(role, who, owner, expired, open)),
        validate: choice(policy::may_validate_variant(
            role,
            expired,
            summary.built.is_some(),
            open,
        )),
        try_it: choice(
            policy::bootable_variant(expired, summary.built.is_some())
                .and_then(|()| services.guest_choice(actor)),
        ),
        delete: choice(policy::may_delete_variant(role, who, owner, open)),
        image_size: summary.built.as_ref().and_then(image_size),
        chain_lines: services.variant_chain_lines(name),
        bases: bases(asked).await?,
        around: Around::of(&slice, builds.next),
        builds: builds.items,
        row: VariantRow::of(summary, services.now()),
        newest,
        steps,
        validations,
        plans: super::plans::names(asked).await?,
        job,
    })
}

async fn newest(asked: &Asked, name: &str) -> Result<Option<VariantBuild>, AppError> {
    let slice = Slice { after: None, limit: 1 };
    let page = asked.services.variant_builds_page(&asked.actor, name, &slice).await;
    Ok(page.map_err(|it| asked.refuse(it))?.items.into_iter().next())
}

/// Length of what is stacked below the layer of a build.
fn image_size(build: &VariantBuild) -> Option<u64> {
    let manifest = build.manifest.as_ref()?;
    let images = manifest.images.iter().filter(|name| *name != domain::variant::LAYER);
    Some(images.filter_map(|name| manifest.component(name)).map(|it| it.size).sum())
}

/// The releases that a variant can stand on.
pub(crate) async fn bases(asked: &Asked) -> Result<Bases, AppError> {
    let Asked { services, actor } = asked;
    let slice = Slice { after: None, limit: OFFERED };
    let page = services.releases_page(actor, &ReleaseFilter::default(), &slice).await;
    let page = page.map_err(|it| asked.refuse(it))?;
    let environments = services.environments(actor).await.map_err(|it| asked.refuse(it))?;
    let production = environments.into_iter().find(|it| it.name == PRODUCTION);
    Ok(Bases {
        production: production.and_then(|it| it.release_name),
        names: page
            .items
            .iter()
            .filter(|it| it.stage.bootable())
            .map(domain::release::Release::name)
            .collect(),
    })
}

pub(crate) async fn new(
    asked: &Asked,
    clone: &str,
    base: &str,
) -> Result<VariantFormPage, AppError> {
    let form = match use_context::<VariantForm>() {
        Some(form) => form,
        None => {
            let mut form = VariantForm::starter();
            if !clone.is_empty() {
                let other = asked.services.variant(&asked.actor, clone).await;
                let other = other.map_err(|it| asked.refuse(it))?.variant;
                form.fill(&other.definition);
                form.single.set("description", &other.description);
            }
            stand_on(&mut form, base);
            form.look = form.definition().asks_apt();
            form
        }
    };
    filled(asked, form, None, may_make(asked)).await
}

pub(crate) async fn edit(
    asked: &Asked,
    name: &str,
    base: &str,
) -> Result<VariantFormPage, AppError> {
    let summary = asked.services.variant(&asked.actor, name).await;
    let variant = summary.map_err(|it| asked.refuse(it))?.variant;
    let viewer = viewer_of(&asked.actor);
    let save = choice(policy::may_edit_variant(viewer.role, &viewer.name, &variant.owner));
    let form = match use_context::<VariantForm>() {
        Some(form) => form,
        None => {
            let mut form = VariantForm::starter();
            form.fill(&variant.definition);
            form.revision = Some(variant.revision);
            form.single.set("name", name);
            form.single.set("description", &variant.description);
            form.single.set("days", &days_left(&variant, asked.services.now()).to_string());
            let moved = stand_on(&mut form, base);
            form.look = moved || form.definition().asks_apt();
            form
        }
    };
    filled(asked, form, Some(name.to_owned()), save).await
}

/// Puts a release below what the form asks for; whether that is another one.
fn stand_on(form: &mut VariantForm, base: &str) -> bool {
    let moved = !base.is_empty() && form.single.text("base") != base;
    if moved {
        form.single.set("base", base);
        form.notice = Some("It stands on the release that you chose. Nothing is saved yet.");
    }
    moved
}

/// How many days a variant has left, each begun one counted; of one that is over, those of a new one.
fn days_left(variant: &Variant, now: Timestamp) -> u64 {
    if variant.expires_at <= now {
        return u64::from(LIFETIME_DAYS);
    }
    let days = variant.expires_at.since(now).as_secs().div_ceil(24 * 3600);
    days.min(u64::from(LONGEST_LIFETIME_DAYS))
}

pub(crate) async fn comparison(asked: &Asked, name: String) -> Result<ComparisonPage, AppError> {
    let Asked { services, actor } = asked;
    let found = services.compare_variant(actor, &name).await.map_err(|it| asked.refuse(it))?;
    let validate_base = match &found.base_name {
        Some(base) => {
            let base = services.release(actor, base).await.map_err(|it| asked.refuse(it))?;
            choice(policy::may_validate(viewer_of(actor).role, base.stage))
        }
        None => Ok(()),
    };
    Ok(ComparisonPage { name, found, validate_base })
}

pub(crate) async fn recipe_change(
    asked: &Asked,
    name: String,
) -> Result<RecipeChangePage, AppError> {
    let Asked { services, actor } = asked;
    let proposal = services.propose_recipe_change(actor, &name).await;
    let proposal = proposal.map_err(|it| asked.refuse(it))?;
    let base = services.revision(actor, &proposal.recipe, Some(proposal.base)).await;
    let base = RevisionRow::from(&base.map_err(|it| asked.refuse(it))?);
    let save = choice(policy::may_edit_recipe(viewer_of(actor).role));
    Ok(RecipeChangePage { name, proposal, base, draft: use_context(), save })
}

/// What a form would do, and what it can choose from: for a page with script, which has the rest.
///
/// # Errors
/// Where the actor may not read.
pub async fn stepped(
    services: &services::Services,
    actor: &domain::actor::Actor,
    form: &mut VariantForm,
) -> Result<(crate::api::variants::Look, Bases), AppError> {
    let asked = Asked { services: services.clone(), actor: actor.clone() };
    Ok((look::look(services, actor, form).await, bases(&asked).await?))
}

async fn filled(
    asked: &Asked,
    mut form: VariantForm,
    name: Option<String>,
    save: crate::api::Choice,
) -> Result<VariantFormPage, AppError> {
    // Whoever may not save it asks nothing of apt.
    form.look &= save.is_ok();
    let look = look::look(&asked.services, &asked.actor, &mut form).await;
    Ok(VariantFormPage {
        look,
        form,
        name,
        bases: bases(asked).await?,
        kernels: kernels::names(asked).await?,
        save,
    })
}

pub(crate) async fn build(asked: &Asked, name: &str) -> Result<(), AppError> {
    let job = asked.services.start_variant_build(&asked.actor, name).await;
    leptos_axum::redirect(&href::job(&job.map_err(|it| asked.refuse(it))?.id));
    Ok(())
}

pub(crate) async fn validate(asked: &Asked, name: &str, plan: &str) -> Result<(), AppError> {
    let job = asked.services.start_variant_validation(&asked.actor, name, Some(plan)).await;
    leptos_axum::redirect(&href::job(&job.map_err(|it| asked.refuse(it))?.id));
    Ok(())
}

pub(crate) async fn extend(asked: &Asked, name: &str, days: u32) -> Result<(), AppError> {
    let extended = asked.services.extend_variant(&asked.actor, name, days).await;
    extended.map(|_| ()).map_err(|it| asked.refuse(it))
}

pub(crate) async fn delete(asked: &Asked, name: &str, confirm: &str) -> Result<(), AppError> {
    confirmed(confirm, name)?;
    let deleted = asked.services.delete_variant(&asked.actor, name).await;
    deleted.map_err(|it| asked.refuse(it))?;
    leptos_axum::redirect("/variants");
    Ok(())
}
