//! Kernels: the list, one with its parts, the form, and what differs between two.

mod narrow;

use domain::{
    job::from_word,
    kernel::{BuildMode, Flavor, KernelBuild, KernelState},
    page::{Cursor, Slice},
    policy::{self, KernelNeeds},
};
use leptos::prelude::use_context;
use services::kernels::{KernelFilter, KernelSummary};

use self::narrow::narrow;
use super::{Asked, confirmed, invalid, releases::choice};
use crate::{
    api::{
        Around, Choice,
        kernels::{
            KernelBuildPage, KernelBuildsPage, KernelDiffPage, KernelDraft, KernelFormPage,
            KernelHead, KernelPage, KernelsPage, Narrowing, has_report,
        },
    },
    error::AppError,
    routes::href,
    viewer::viewer_of,
};

/// How many kernels a form offers to choose from; others are named by typing.
const OFFERED: usize = 500;

pub(crate) async fn list(
    asked: &Asked,
    flavor: &str,
    state: &str,
    after: Option<Cursor>,
) -> Result<KernelsPage, AppError> {
    let filter = KernelFilter {
        flavor: chosen(&Flavor::ALL, Flavor::word, "flavor", flavor)?,
        state: chosen(&KernelState::ALL, KernelState::word, "state", state)?,
    };
    let slice = Slice { after, ..Slice::first() };
    let found = asked.services.kernels_page(&asked.actor, &filter, &slice).await;
    let found = found.map_err(|it| asked.refuse(it))?;
    Ok(KernelsPage {
        kernels: found.items,
        around: Around::of(&slice, found.next),
        flavor: filter.flavor,
        state: filter.state,
        add: may_edit(asked),
    })
}

/// A word of a filter; nothing is everything.
fn chosen<T: Copy>(
    all: &[T],
    word: impl Fn(T) -> &'static str,
    field: &'static str,
    text: &str,
) -> Result<Option<T>, AppError> {
    if text.is_empty() {
        return Ok(None);
    }
    let what = if field == "flavor" { "a flavor of kernels" } else { "a state of kernels" };
    from_word(all, word, what, text).map(Some).map_err(|it| invalid(field, &it.to_string()))
}

async fn head(asked: &Asked, name: &str) -> Result<KernelHead, AppError> {
    let summary = asked.services.kernel(&asked.actor, name).await;
    Ok(headed(asked, summary.map_err(|it| asked.refuse(it))?))
}

fn may_edit(asked: &Asked) -> Choice {
    choice(policy::may_edit_kernel(viewer_of(&asked.actor).role))
}

/// What may be done with a kernel, in the words of the rules.
fn headed(asked: &Asked, summary: KernelSummary) -> KernelHead {
    let role = viewer_of(&asked.actor).role;
    let binary = summary.kernel.definition.source.is_binary();
    let job = summary.newest.as_ref().filter(|it| !it.state.ended()).map(|it| &it.job);
    let may = |mode| choice(policy::may_build_kernel(role, binary, mode, job));
    let needs = KernelNeeds {
        job,
        recipes: &summary.uses.recipes,
        kernels: &summary.uses.kernels,
        building: &summary.uses.building,
    };
    KernelHead {
        edit: may_edit(asked),
        configure: (!binary).then(|| may(BuildMode::Configure)),
        build: may(BuildMode::Release),
        delete: choice(policy::may_delete_kernel(role, &needs)),
        summary,
    }
}

pub(crate) async fn overview(asked: &Asked, name: &str) -> Result<KernelPage, AppError> {
    let head = head(asked, name).await?;
    let steps = match &head.summary.newest {
        Some(build) => steps(asked, build).await?,
        None => Vec::new(),
    };
    Ok(KernelPage { head, steps })
}

async fn steps(asked: &Asked, build: &KernelBuild) -> Result<Vec<domain::job::Step>, AppError> {
    let steps = asked.services.steps(&asked.actor, &build.job).await;
    steps.map_err(|it| asked.refuse(it))
}

async fn build(asked: &Asked, name: &str, number: u32) -> Result<Option<KernelBuild>, AppError> {
    let build = asked.services.kernel_build(&asked.actor, name, number).await;
    build.map(Some).map_err(|it| asked.refuse(it))
}

/// The newest build whose configuration is known.
async fn newest_configured(
    asked: &Asked,
    summary: &KernelSummary,
) -> Result<Option<KernelBuild>, AppError> {
    let known = [&summary.newest, &summary.built].into_iter().flatten();
    if let Some(build) = known.into_iter().find(|it| it.report.is_some()) {
        return Ok(Some(build.clone()));
    }
    let name = &summary.kernel.name;
    let page = asked.services.kernel_builds(&asked.actor, name, &Slice::first()).await;
    let page = page.map_err(|it| asked.refuse(it))?;
    match page.items.iter().find(|it| has_report(it)) {
        Some(found) => build(asked, name, found.number).await,
        None => Ok(None),
    }
}

pub(crate) async fn configuration(
    asked: &Asked,
    name: &str,
    number: Option<u32>,
    narrowing: Narrowing,
) -> Result<KernelBuildPage, AppError> {
    let head = head(asked, name).await?;
    let build = match number {
        Some(number) => build(asked, name, number).await?,
        None => newest_configured(asked, &head.summary).await?,
    };
    let report = build.as_ref().and_then(|build| build.report.as_ref());
    let changed = report.map(|report| narrow(&report.changed, narrowing));
    Ok(KernelBuildPage { head, build, steps: Vec::new(), changed })
}

pub(crate) async fn files(
    asked: &Asked,
    name: &str,
    number: Option<u32>,
) -> Result<KernelBuildPage, AppError> {
    let head = head(asked, name).await?;
    let build = match number {
        Some(number) => build(asked, name, number).await?,
        None => head.summary.built.clone(),
    };
    let steps = match &build {
        Some(build) => steps(asked, build).await?,
        None => Vec::new(),
    };
    Ok(KernelBuildPage { head, build, steps, changed: None })
}

pub(crate) async fn builds(
    asked: &Asked,
    name: &str,
    after: Option<Cursor>,
) -> Result<KernelBuildsPage, AppError> {
    let head = head(asked, name).await?;
    let slice = Slice { after, ..Slice::first() };
    let found = asked.services.kernel_builds(&asked.actor, name, &slice).await;
    let found = found.map_err(|it| asked.refuse(it))?;
    Ok(KernelBuildsPage { head, builds: found.items, around: Around::of(&slice, found.next) })
}

/// The form, with what was typed where the server renders it anew.
pub(crate) async fn form(asked: &Asked, name: &str) -> Result<KernelFormPage, AppError> {
    let typed = use_context::<KernelDraft>();
    let mut others = names(asked).await?;
    if name.is_empty() {
        let draft = typed.unwrap_or_else(KernelDraft::starter);
        return Ok(KernelFormPage { draft, head: None, others, save: may_edit(asked) });
    }
    let head = head(asked, name).await?;
    let kernel = &head.summary.kernel;
    let draft = typed.unwrap_or_else(|| KernelDraft::of(name, kernel.revision, &kernel.definition));
    others.retain(|other| other != name);
    Ok(KernelFormPage { draft, save: head.edit.clone(), head: Some(head), others })
}

/// Names of kernels to choose from.
pub(super) async fn names(asked: &Asked) -> Result<Vec<String>, AppError> {
    let names = asked.services.kernel_names(&asked.actor).await.map_err(|it| asked.refuse(it))?;
    Ok(names.into_iter().take(OFFERED).collect())
}

pub(crate) async fn diff(
    asked: &Asked,
    from: String,
    to: String,
    narrowing: Narrowing,
) -> Result<KernelDiffPage, AppError> {
    let (from, to) = (from.trim().to_owned(), to.trim().to_owned());
    let names = names(asked).await?;
    let found = if from.is_empty() || to.is_empty() {
        None
    } else {
        let change = asked.services.diff_kernels(&asked.actor, &from, &to).await;
        let change = change.map(|it| narrow(&it.differences, narrowing.clone()));
        Some(change.map_err(|it| asked.refuse(it)))
    };
    Ok(KernelDiffPage { from, to, names, narrowing, found })
}

pub(crate) async fn start(asked: &Asked, name: &str, mode: BuildMode) -> Result<(), AppError> {
    let job = asked.services.start_kernel_build(&asked.actor, name, mode).await;
    leptos_axum::redirect(&href::job(&job.map_err(|it| asked.refuse(it))?.id));
    Ok(())
}

pub(crate) async fn delete(asked: &Asked, name: &str, confirm: &str) -> Result<(), AppError> {
    confirmed(confirm, name)?;
    let deleted = asked.services.delete_kernel(&asked.actor, name).await;
    deleted.map_err(|it| asked.refuse(it))?;
    leptos_axum::redirect("/kernels");
    Ok(())
}
