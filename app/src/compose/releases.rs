//! Releases: the list, and the five faces of one.

use domain::{
    environment::Environment,
    evidence::Evidence,
    job::JobState,
    lock::Part,
    page::{Page, Slice},
    policy,
    release::{Health, Release},
    subject::SubjectKey,
};
use leptos::prelude::use_context;
use services::releases::{ReleaseContents, ReleaseFilter};

use super::{Asked, invalid};
use crate::{
    api::{
        Choice,
        history::Narrowed,
        releases::{
            ChangeAgainst, ContentsPage, FilesPage, NotesPage, PlanEvidence,
            ReleaseDeploymentsPage, ReleaseFile, ReleaseHead, ReleasePage, ReleaseRow, ReportPage,
            RequestChoice, TestsPage,
        },
    },
    error::AppError,
    routes::href,
    viewer::{Origin, viewer_of},
};

/// The reason why not, in words.
pub(crate) fn choice(verdict: Result<(), policy::Refusal>) -> Choice {
    verdict.map_err(|refusal| refusal.to_string())
}

/// A page of releases with what lists show of them, newest first.
pub(crate) async fn rows(
    asked: &Asked,
    filter: &ReleaseFilter,
    slice: &Slice,
) -> Result<Page<ReleaseRow>, AppError> {
    let Asked { services, actor } = asked;
    let page = services.releases_page(actor, filter, slice).await.map_err(|it| asked.refuse(it))?;
    let environments = services.environments(actor).await.map_err(|it| asked.refuse(it))?;
    let mut items = Vec::with_capacity(page.items.len());
    for release in page.items {
        items.push(row_among(asked, release, &environments).await?);
    }
    Ok(Page { items, next: page.next })
}

pub(crate) async fn row(asked: &Asked, release: Release) -> Result<ReleaseRow, AppError> {
    let environments =
        asked.services.environments(&asked.actor).await.map_err(|it| asked.refuse(it))?;
    row_among(asked, release, &environments).await
}

async fn row_among(
    asked: &Asked,
    release: Release,
    environments: &[Environment],
) -> Result<ReleaseRow, AppError> {
    let health = health(asked, &release).await?;
    let serving = environments
        .iter()
        .filter(|environment| environment.release.as_ref() == Some(&release.id))
        .map(|environment| environment.name.clone())
        .collect();
    Ok(ReleaseRow { release, health, serving })
}

pub(crate) async fn named(asked: &Asked, version: &str) -> Result<ReleaseRow, AppError> {
    let release =
        asked.services.release(&asked.actor, version).await.map_err(|it| asked.refuse(it))?;
    row(asked, release).await
}

async fn head(asked: &Asked, version: &str) -> Result<ReleaseHead, AppError> {
    let row = named(asked, version).await?;
    let role = viewer_of(&asked.actor).role;
    let jobs = asked.services.jobs_of_release(&asked.actor, &row.release).await;
    let validating = jobs
        .map_err(|it| asked.refuse(it))?
        .into_iter()
        .find(|job| job.kind == domain::job::JobKind::Validation && !job.state.ended())
        .map(|job| job.id);
    let (services, actor, stage) = (&asked.services, &asked.actor, row.release.stage);
    let pinned = services.pin_of(actor, &row.release).await.map_err(|it| asked.refuse(it))?;
    let by = pinned.as_ref().map(|pin| pin.by.as_str());
    let removed = services.files_removed_at(actor, &row.release).await;
    Ok(ReleaseHead {
        validate: choice(policy::may_validate(role, stage)),
        variant: choice(policy::Action::EditVariant.allowed(role)),
        withdraw: choice(policy::may_withdraw_release(role, stage, &row.serving, by)),
        pin: choice(match pinned {
            Some(_) => policy::Action::PinRelease.allowed(role),
            None => policy::may_pin(role, stage),
        }),
        files_removed_at: removed.map_err(|it| asked.refuse(it))?,
        pinned,
        validating,
        row,
    })
}

pub(crate) async fn change(
    asked: &Asked,
    release: &Release,
) -> Result<Option<ChangeAgainst>, AppError> {
    if release.manifest.is_none() {
        return Ok(None);
    }
    let services::releases::ChangeAgainst { base, change, recipe } = asked
        .services
        .change_against_production(&asked.actor, release)
        .await
        .map_err(|it| asked.refuse(it))?;
    Ok(Some(ChangeAgainst { base, change, recipe }))
}

pub(crate) async fn evidence(
    asked: &Asked,
    release: &Release,
) -> Result<Vec<PlanEvidence>, AppError> {
    if release.manifest.is_none() {
        return Ok(Vec::new());
    }
    let evidence = asked.services.evidence(&asked.actor, release).await;
    with_digests(asked, evidence.map_err(|it| asked.refuse(it))?)
}

/// Evidence as pages show it.
pub(crate) fn with_digests(
    asked: &Asked,
    evidence: Vec<Evidence>,
) -> Result<Vec<PlanEvidence>, AppError> {
    let with_digest = |evidence: Evidence| {
        let digest = evidence.digest().map_err(|it| asked.refuse(it.into()))?;
        let health = evidence.health();
        Ok(PlanEvidence { evidence, digest, health })
    };
    evidence.into_iter().map(with_digest).collect()
}

pub(crate) async fn overview(asked: &Asked, version: &str) -> Result<ReleasePage, AppError> {
    let Asked { services, actor } = asked;
    let head = head(asked, version).await?;
    let release = &head.row.release;
    let contents = match release.manifest {
        Some(_) => Some(services.contents(actor, release).await.map_err(|it| asked.refuse(it))?),
        None => None,
    };
    let installed =
        |it: &ReleaseContents| it.packages.iter().filter(|it| it.is_installed()).count();
    let packages = contents.as_ref().map_or(0, installed);
    let job = services.job(actor, &release.job).await.map_err(|it| asked.refuse(it))?;
    let bootable = policy::bootable(release.stage);
    Ok(ReleasePage {
        try_it: choice(bootable.and_then(|()| services.guest_choice(actor))),
        changes: change(asked, release).await?,
        steps: services.build_steps(actor, release).await.map_err(|it| asked.refuse(it))?,
        packages,
        key_id: contents.as_ref().map(|it| it.key_id.clone()),
        manifest: contents.map(|it| it.manifest),
        outcome: job.outcome.filter(|_| job.state != JobState::Running),
        head,
    })
}

pub(crate) async fn contents(
    asked: &Asked,
    version: &str,
    search: String,
    part: &str,
) -> Result<ContentsPage, AppError> {
    let head = head(asked, version).await?;
    let part = match part {
        "" => None,
        "rootfs" => Some(Part::Rootfs),
        "kernel" => Some(Part::Kernel),
        "initrd" => Some(Part::Initrd),
        _ => return Err(invalid("part", "choose rootfs, kernel or initrd")),
    };
    if head.row.release.manifest.is_none() {
        return Ok(ContentsPage {
            head,
            manifest: None,
            unread: Vec::new(),
            packages: Vec::new(),
            total: 0,
            search,
            part,
        });
    }
    let import = asked
        .services
        .import_of(&asked.actor, &head.row.release)
        .await
        .map_err(|it| asked.refuse(it))?;
    let unread = import.map(|it| it.import.unread).unwrap_or_default();
    let found = asked
        .services
        .contents(&asked.actor, &head.row.release)
        .await
        .map_err(|it| asked.refuse(it))?;
    let total = u32::try_from(found.packages.len()).unwrap_or(u32::MAX);
    let wanted = search.trim().to_ascii_lowercase();
    let packages = found
        .packages
        .into_iter()
        .filter(|it| part.is_none_or(|part| it.part == part) && it.name.contains(&wanted))
        .collect();
    let manifest = Some(found.manifest);
    Ok(ContentsPage { head, manifest, unread, packages, total, search, part })
}

pub(crate) async fn tests(
    asked: &Asked,
    version: &str,
    narrowed: Narrowed,
) -> Result<TestsPage, AppError> {
    let head = head(asked, version).await?;
    let release = &head.row.release;
    let path = href::release_tab(&release.name(), "tests");
    let standing = super::history::standing(asked, &release.name(), path, narrowed).await?;
    let validations =
        asked.services.validations(&asked.actor, release).await.map_err(|it| asked.refuse(it))?;
    let plans = super::plans::names(asked).await?;
    let evidence = evidence(asked, release).await?;
    let now = asked.services.now();
    Ok(TestsPage { standing, evidence, validations, plans, now, head })
}

pub(crate) async fn report(
    asked: &Asked,
    version: &str,
    baseline: &str,
) -> Result<ReportPage, AppError> {
    let origin = use_context::<Origin>().map(|it| it.0).unwrap_or_default();
    let base = (!baseline.is_empty()).then(|| SubjectKey::from(baseline));
    let report = asked
        .services
        .release_report(&asked.actor, &SubjectKey::from(version), base.as_ref())
        .await
        .map_err(|it| asked.refuse(it))?;
    let badge = format!("{origin}{}", href::tests_badge(&report.about));
    Ok(ReportPage { report, badge, choices: super::history::choices(asked).await? })
}

pub(crate) async fn deployments(
    asked: &Asked,
    version: &str,
) -> Result<ReleaseDeploymentsPage, AppError> {
    let Asked { services, actor } = asked;
    let head = head(asked, version).await?;
    let release = &head.row.release;
    let environments = services
        .request_choices(actor, release)
        .await
        .map_err(|it| asked.refuse(it))?
        .into_iter()
        .map(|(environment, choice)| RequestChoice {
            environment: environment.name,
            serves: environment.release_name,
            policy: environment.policy,
            choice,
        })
        .collect();
    let deployments =
        services.deployments_of(actor, release).await.map_err(|it| asked.refuse(it))?;
    Ok(ReleaseDeploymentsPage { environments, deployments, head })
}

pub(crate) async fn notes(asked: &Asked, version: &str) -> Result<NotesPage, AppError> {
    let head = head(asked, version).await?;
    let release = &head.row.release;
    let saved = asked.services.notes(&asked.actor, release).await.map_err(|it| asked.refuse(it))?;
    let edit = choice(policy::may_edit_notes(viewer_of(&asked.actor).role, release.stage));
    Ok(NotesPage { saved, draft: use_context(), edit, head })
}

pub(crate) async fn files(asked: &Asked, version: &str) -> Result<FilesPage, AppError> {
    let head = head(asked, version).await?;
    if head.row.release.manifest.is_none() {
        return Ok(FilesPage { head, files: Vec::new(), public_key: None });
    }
    let files = asked
        .services
        .release_files(&asked.actor, &head.row.release)
        .await
        .map_err(|it| asked.refuse(it))?
        .into_iter()
        .map(|it| ReleaseFile {
            name: it.name,
            what: it.what.to_owned(),
            size: it.size,
            sha256: it.sha256,
        })
        .collect();
    // The first line is a comment.
    let public_key = asked.services.public_key().lines().last().map(str::to_owned);
    Ok(FilesPage { head, files, public_key })
}

pub(crate) async fn start_validation(
    asked: &Asked,
    version: &str,
    plan: &str,
) -> Result<(), AppError> {
    let job = asked
        .services
        .start_validation(&asked.actor, version, Some(plan))
        .await
        .map_err(|it| asked.refuse(it))?;
    leptos_axum::redirect(&href::job(&job.id));
    Ok(())
}

pub(crate) async fn withdraw(asked: &Asked, version: &str, reason: &str) -> Result<(), AppError> {
    asked
        .services
        .withdraw_release(&asked.actor, version, reason)
        .await
        .map_err(|it| asked.refuse(it))
}

/// What a release's evidence says, where it is complete.
pub(crate) async fn health(asked: &Asked, release: &Release) -> Result<Health, AppError> {
    asked.services.health(&asked.actor, release).await.map_err(|it| asked.refuse(it))
}
