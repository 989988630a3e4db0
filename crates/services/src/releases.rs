//! Releases: asking for a build, and what a release consists of.

use std::sync::Arc;

use domain::{
    actor::Actor,
    change::{self, ReleaseChange},
    digest::Digest,
    environment::PRODUCTION,
    ids::{JobId, ReleaseId},
    job::{Job, JobKind, Step},
    kernel::BuildMode,
    lock::Lock,
    manifest::Manifest,
    packages::{self, HeldPackage},
    page::{Page, Slice},
    policy::{self, Action},
    recipe::Recipe,
    release::{Release, Stage},
    subject::JudgedSubject,
    text_diff::{self, DiffLine},
    version::{self, CandidateVersion},
};
use serde::{Deserialize, Serialize};
pub use store::releases::ReleaseFilter;
use store::{Rows, jobs::NewJob};

use crate::{Services, audit::Change, error::ServiceError, kernels::FrozenKernel};

/// Which packages a build takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Packages {
    /// The newest that the archive has.
    Newer,
    /// Those of the former lock of the recipe's newest release.
    Keep,
}

/// What a build was asked for: kept with its job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildParameters {
    /// Which packages it takes.
    pub packages: Packages,
    /// The lock to keep, or whose epoch to keep where the packages turn out the same.
    pub former_lock: Option<Digest>,
    /// The kernels that the recipe names, as they were then.
    #[serde(default)]
    pub kernels: Vec<FrozenKernel>,
}

/// What "Build release" starts from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildProposal {
    /// The version that the build would get.
    pub version: CandidateVersion,
    /// Number of the recipe's newest revision.
    pub revision: u32,
    /// The newest release of this recipe whose lock could be kept, and when it was resolved.
    pub former: Option<Release>,
}

/// Everything about a complete release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleaseContents {
    /// What it consists of.
    pub manifest: Manifest,
    /// What it was built from; an imported release was not built here.
    pub lock: Option<Lock>,
    /// Its packages, by part, name and architecture.
    pub packages: Vec<HeldPackage>,
    /// Key id and comment of the signature.
    pub key_id: String,
}

/// What changed against the release that production serves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeAgainst {
    /// Name of the release that is compared with; `None` where production serves none.
    pub base: Option<String>,
    /// What changed in what the releases consist of.
    pub change: ReleaseChange,
    /// What changed in the recipe's text.
    pub recipe: Vec<DiffLine>,
}

impl Services {
    /// A page of releases, newest first.
    ///
    /// # Errors
    /// Where the actor may not read.
    pub async fn releases_page(
        &self,
        actor: &Actor,
        filter: &ReleaseFilter,
        slice: &Slice,
    ) -> Result<Page<Release>, ServiceError> {
        Action::Read.allowed_to(&actor.who)?;
        Ok(self.read().await?.releases_page(filter, slice).await?)
    }

    /// The release of that name: `v1.2.0-rc.1`, or `v1.2.0` once released.
    ///
    /// # Errors
    /// Where there is none, or the actor may not read.
    pub async fn release(&self, actor: &Actor, name: &str) -> Result<Release, ServiceError> {
        Action::Read.allowed_to(&actor.who)?;
        self.read().await?.release_by_name(name).await?.ok_or_else(|| no_release(name))
    }

    /// What a build of a recipe would start from.
    ///
    /// # Errors
    /// Where there is no such recipe, or the actor may not build.
    pub async fn propose_build(
        &self,
        actor: &Actor,
        recipe: &str,
    ) -> Result<BuildProposal, ServiceError> {
        let revision = self.revision(actor, recipe, None).await?;
        let mut rows = self.read().await?;
        let releases = rows.releases().await?;
        let former = releases
            .iter()
            .filter(|release| release.recipe == revision.recipe && release.stage.bootable())
            // Nothing can be built again from an import.
            .filter(|release| !release.is_imported())
            .max_by_key(|release| release.built_at)
            .cloned();
        Ok(BuildProposal { version: propose(&releases), revision: revision.number, former })
    }

    /// Asks for a build of a recipe's revision under a version that does not exist yet.
    ///
    /// # Errors
    /// Where the actor may not, the version is taken, or the revision's text has faults.
    pub async fn start_build(
        &self,
        actor: &Actor,
        recipe: &str,
        revision: u32,
        version: CandidateVersion,
        packages: Packages,
    ) -> Result<Job, ServiceError> {
        Action::Build.allowed_to(&actor.who)?;
        let revision = self.revision(actor, recipe, Some(revision)).await?;
        let checked = self.check_recipe(actor, &revision.text).await?;
        let parsed = checked.map_err(|problems| {
            let first = problems.first().map_or_else(String::new, |problem| {
                format!(": line {}: {}", problem.line, problem.message)
            });
            ServiceError::invalid("revision", format!("this revision cannot be built{first}"))
        })?;
        let mut tx = self.begin().await?;
        let releases = tx.releases().await?;
        let former_lock = releases
            .iter()
            .filter(|release| release.recipe == revision.recipe && release.lock.is_some())
            .max_by_key(|release| release.created_at)
            .and_then(|release| release.lock);
        if packages == Packages::Keep && former_lock.is_none() {
            return Err(ServiceError::invalid(
                "packages",
                "this recipe has no former lock to keep; take newer packages",
            ));
        }
        refuse_taken(&releases, &version)?;
        let job = JobId::generate(self.ids());
        let release = Release {
            id: ReleaseId::generate(self.ids()),
            version,
            stage: Stage::Building,
            recipe: revision.recipe.clone(),
            recipe_name: recipe.to_owned(),
            revision: revision.number,
            job: job.clone(),
            manifest: None,
            lock: None,
            identical_to: None,
            created_at: self.now(),
            created_by: actor.name().to_owned(),
            built_at: None,
            released_at: None,
            imported_at: None,
        };
        tx.insert_release(&release).await?;
        let kernels = self.freeze_kernels(&mut tx, &parsed).await?;
        let steps = steps(&parsed, packages, &kernels);
        let parameters = serde_json::to_value(BuildParameters { packages, former_lock, kernels })
            .map_err(ServiceError::internal)?;
        tx.insert_job(&NewJob {
            id: job.clone(),
            kind: JobKind::Build,
            release: Some(release.id.clone()),
            kernel: None,
            variant: None,
            created_at: self.now(),
            created_by: actor.name().to_owned(),
            parameters,
            steps,
        })
        .await?;
        self.record(&mut tx, actor, Change::BuildRequested { release: &release }).await?;
        let row =
            tx.job(&job).await?.ok_or_else(|| ServiceError::NotFound(format!("job {job}")))?;
        self.commit(tx, &format!("job/{job}")).await?;
        self.nudge();
        Ok(row)
    }

    /// What a complete release consists of.
    ///
    /// # Errors
    /// Where the release is not complete, or the actor may not read.
    pub async fn contents(
        &self,
        actor: &Actor,
        release: &Release,
    ) -> Result<ReleaseContents, ServiceError> {
        Action::Read.allowed_to(&actor.who)?;
        let mut rows = self.read().await?;
        let held = held(&mut rows, release)
            .await?
            .ok_or_else(|| ServiceError::NotFound(format!("manifest of {}", release.name())))?;
        let Held { manifest, lock, packages } = held;
        Ok(ReleaseContents { manifest, lock, packages, key_id: self.signing_key_id() })
    }

    /// What changed in a complete release against what production serves.
    ///
    /// # Errors
    /// Where the release is not complete, or the actor may not read.
    pub async fn change_against_production(
        &self,
        actor: &Actor,
        release: &Release,
    ) -> Result<ChangeAgainst, ServiceError> {
        let contents = self.contents(actor, release).await?;
        let mut rows = self.read().await?;
        let base = match rows.environment(PRODUCTION).await?.and_then(|it| it.release) {
            Some(id) => rows.release(&id).await?,
            None => None,
        };
        let Some(base) = base else {
            let change = change::compare(None, (&contents.manifest, &contents.packages));
            return Ok(ChangeAgainst { base: None, change, recipe: Vec::new() });
        };
        change_against(&mut rows, &base, release, &contents).await
    }

    /// What changed in a complete release against another one.
    ///
    /// # Errors
    /// Where there is no such release or it is not complete, or the actor may not read.
    pub async fn change_between(
        &self,
        actor: &Actor,
        base: &str,
        release: &str,
    ) -> Result<ChangeAgainst, ServiceError> {
        let base = self.release(actor, base).await?;
        let release = self.release(actor, release).await?;
        let contents = self.contents(actor, &release).await?;
        let mut rows = self.read().await?;
        change_against(&mut rows, &base, &release, &contents).await
    }

    /// The releases that have results, newest first, and those made elsewhere; 100 at the most.
    ///
    /// # Errors
    /// Where the actor may not read.
    pub async fn judged(&self, actor: &Actor) -> Result<Arc<Vec<JudgedSubject>>, ServiceError> {
        Action::Read.allowed_to(&actor.who)?;
        let read = async {
            let judged = self.read().await?.judged_releases(100).await?;
            Ok(judged.into_iter().map(|(_, it)| it).collect())
        };
        self.remembered().judged.of_or(self.changes_told(), (), |_| 0, read).await
    }

    /// The steps of a release's build.
    ///
    /// # Errors
    /// Where the actor may not read.
    pub async fn build_steps(
        &self,
        actor: &Actor,
        release: &Release,
    ) -> Result<Vec<Step>, ServiceError> {
        Action::Read.allowed_to(&actor.who)?;
        Ok(self.read().await?.steps(&release.job).await?)
    }

    /// Takes a candidate back for good: machines cannot boot it any more.
    ///
    /// # Errors
    /// Where the actor may not, no reason is given, or an environment serves it.
    pub async fn withdraw_release(
        &self,
        actor: &Actor,
        name: &str,
        reason: &str,
    ) -> Result<(), ServiceError> {
        let role = Self::role_of(actor, Action::WithdrawRelease)?;
        let reason = policy::require_reason(reason)?;
        let mut tx = self.begin().await?;
        let release = tx.release_by_name(name).await?.ok_or_else(|| no_release(name))?;
        let serving: Vec<String> = tx
            .environments()
            .await?
            .into_iter()
            .filter(|environment| environment.release.as_ref() == Some(&release.id))
            .map(|environment| environment.name)
            .collect();
        let pin = tx.pin_of(&release.id).await?;
        let pinned_by = pin.as_ref().map(|pin| pin.by.as_str());
        policy::may_withdraw_release(role, release.stage, &serving, pinned_by)?;
        tx.withdraw_release(&release.id, self.now()).await?;
        self.record(
            &mut tx,
            actor,
            Change::ReleaseWithdrawn { release: &release, reason: &reason },
        )
        .await?;
        self.commit(tx, &format!("release/{}", release.version)).await?;
        self.refresh_catalogue().await
    }
}

/// The steps of a build: those of its kernels stand where they are made.
fn steps(recipe: &Recipe, packages: Packages, kernels: &[FrozenKernel]) -> Vec<String> {
    // A lock that is kept has the files of its kernels.
    let kernels = if packages == Packages::Keep { &[][..] } else { kernels };
    let of_kernel = |kernel: &FrozenKernel| {
        builder::kernel_steps(&kernel.definition, BuildMode::Release)
            .into_iter()
            .map(|step| builder::kernel_step(&kernel.name, step))
            .collect::<Vec<_>>()
    };
    let (before, beside): (Vec<_>, Vec<_>) =
        kernels.iter().partition(|it| it.definition.source.is_binary());
    let mut steps: Vec<String> = before.into_iter().flat_map(of_kernel).collect();
    for name in builder::build_steps(recipe) {
        // What comes next has the kernels in it.
        if name == "kernel" {
            steps.extend(beside.iter().copied().flat_map(of_kernel));
        }
        steps.push(name.to_owned());
    }
    steps
}

/// The version that a new build would get.
pub(crate) fn propose(releases: &[Release]) -> CandidateVersion {
    let taken: Vec<_> = releases.iter().map(|release| release.version.clone()).collect();
    let released: Vec<_> = releases
        .iter()
        .filter(|release| release.stage == Stage::Released)
        .map(|release| release.version.target.clone())
        .collect();
    version::propose(&taken, &released)
}

/// Refuses a version that a release has, or that was released already.
pub(crate) fn refuse_taken(
    releases: &[Release],
    version: &CandidateVersion,
) -> Result<(), ServiceError> {
    let released = releases.iter().any(|release| {
        release.stage == Stage::Released && release.version.target == version.target
    });
    if released || releases.iter().any(|release| release.version == *version) {
        let free = propose(releases);
        let message = format!("{version} is taken; {free} is free");
        return Err(ServiceError::invalid("version", message));
    }
    Ok(())
}

pub(crate) fn no_release(name: &str) -> ServiceError {
    ServiceError::NotFound(format!("release called {name}"))
}

/// What changed in a complete release against another one, from the rows.
async fn change_against(
    rows: &mut Rows,
    base: &Release,
    release: &Release,
    contents: &ReleaseContents,
) -> Result<ChangeAgainst, ServiceError> {
    let before = held(rows, base).await?;
    let before = before.as_ref().map(|it| (&it.manifest, it.packages.as_slice()));
    let change = change::compare(before, (&contents.manifest, &contents.packages));
    let old = rows.revision_of(&base.recipe, base.revision).await?;
    let new = rows.revision_of(&release.recipe, release.revision).await?;
    let text = |revision: Option<domain::recipe::Revision>| {
        revision.map_or_else(String::new, |it| it.text)
    };
    let recipe = text_diff::diff(&text(old), &text(new));
    Ok(ChangeAgainst { base: Some(base.name()), change, recipe })
}

/// What a complete release holds.
pub(crate) struct Held {
    pub(crate) manifest: Manifest,
    /// What it was built from, where it was built here.
    pub(crate) lock: Option<Lock>,
    pub(crate) packages: Vec<HeldPackage>,
}

/// What a release holds; `None` where it is not complete.
pub(crate) async fn held(rows: &mut Rows, release: &Release) -> Result<Option<Held>, ServiceError> {
    let Some(manifest) = rows.manifest_of(&release.id).await? else {
        return Ok(None);
    };
    let Some(digest) = &manifest.lock else {
        let packages = rows.imported_packages(&release.id).await?;
        return Ok(Some(Held { manifest, lock: None, packages }));
    };
    let Some(lock) = rows.lock(digest).await? else {
        return Ok(None);
    };
    let packages = packages::of_lock(&lock);
    Ok(Some(Held { manifest, lock: Some(lock), packages }))
}
