//! What the store holds at one instant: what must hold in each, and between two.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use domain::{
    audit::AuditRow,
    deployment::{Deployment, DeploymentState, Verdict},
    environment::Environment,
    ids::{DeploymentId, JobId, ReleaseId, RunId},
    job::{Job, JobKind, JobState, Step, StepState},
    manifest::Manifest,
    page::Slice,
    recipe::Revision,
    release::{Release, Stage},
    run::{Run, RunSource, Validation},
    subject::Subject,
    time::Timestamp,
    variant::{Variant, VariantBuild},
};
use store::{
    Rows, StoreError, jobs::JobFilter, kernels::builds::KernelBuildRow, results::ResultFilter,
    runs::RunFilter, variants::VariantFilter,
};

use crate::{RECIPE, results::CASES};

/// How many steps a build has.
const BUILD_STEPS: usize = 10;

/// Everything that people were or could have been told.
pub(crate) struct Picture {
    /// By number.
    pub(crate) revisions: BTreeMap<u32, Revision>,
    pub(crate) releases: BTreeMap<ReleaseId, Release>,
    pub(crate) manifests: BTreeMap<ReleaseId, Manifest>,
    pub(crate) jobs: BTreeMap<JobId, (Job, Vec<Step>)>,
    pub(crate) validations: BTreeMap<JobId, Validation>,
    /// By name.
    pub(crate) kernels: BTreeSet<String>,
    pub(crate) kernel_builds: BTreeMap<JobId, KernelBuildRow>,
    /// By name.
    pub(crate) variants: BTreeMap<String, Variant>,
    pub(crate) variant_builds: BTreeMap<JobId, VariantBuild>,
    pub(crate) deployments: BTreeMap<DeploymentId, Deployment>,
    pub(crate) environments: BTreeMap<String, Environment>,
    /// Runs that were read from files, to their end, with how many results they have.
    pub(crate) brought: BTreeMap<RunId, u64>,
    /// How many files of results were acknowledged, and not read to their end.
    pub(crate) unread: usize,
    audit: Vec<AuditRow>,
    audit_fault: Option<String>,
}

impl Picture {
    pub(crate) async fn take(rows: &mut Rows) -> Result<Self, StoreError> {
        let mut picture = Self {
            revisions: BTreeMap::new(),
            releases: BTreeMap::new(),
            manifests: BTreeMap::new(),
            jobs: BTreeMap::new(),
            validations: BTreeMap::new(),
            kernels: rows.kernel_flavors().await?.into_keys().collect(),
            kernel_builds: BTreeMap::new(),
            variants: BTreeMap::new(),
            variant_builds: BTreeMap::new(),
            deployments: BTreeMap::new(),
            environments: BTreeMap::new(),
            brought: BTreeMap::new(),
            unread: rows.unread_result_files().await?.len(),
            audit: rows.audit_rows_after(0, u32::MAX).await?,
            audit_fault: rows.verify_audit().await.err().map(|error| error.to_string()),
        };
        for revision in rows.revisions(RECIPE).await? {
            picture.revisions.insert(revision.number, revision);
        }
        for release in rows.releases().await? {
            if let Some(manifest) = rows.manifest_of(&release.id).await? {
                picture.manifests.insert(release.id.clone(), manifest);
            }
            picture.releases.insert(release.id.clone(), release);
        }
        let every = Slice { after: None, limit: u32::MAX };
        for job in rows.jobs_page(&JobFilter::default(), &every).await?.items {
            let steps = rows.steps(&job.id).await?;
            if let Some(validation) = rows.validation_of_job(&job.id).await? {
                picture.validations.insert(job.id.clone(), validation);
            }
            if let Some(build) = rows.kernel_build_of_job(&job.id).await? {
                picture.kernel_builds.insert(job.id.clone(), build);
            }
            if let Some(row) = rows.variant_build_of_job(&job.id).await? {
                picture.variant_builds.insert(job.id.clone(), row.build);
            }
            picture.jobs.insert(job.id.clone(), (job, steps));
        }
        let variants = rows.variants_page(&VariantFilter::default(), Timestamp(0), &every).await?;
        for row in variants.items {
            picture.variants.insert(row.variant.name.clone(), row.variant);
        }
        for run in rows.runs_page(&RunFilter::default(), &every).await?.items {
            if run.source == RunSource::Upload {
                let many = ResultFilter { limit: u32::MAX, ..ResultFilter::default() };
                let results = rows.recorded_results(&run.id, &many).await?.len();
                assert_eq!(run.totals.all(), results as u64, "run {} is half", run.id);
                picture.brought.insert(run.id, results as u64);
            }
        }
        for environment in rows.environments().await? {
            for deployment in rows.deployments_of_environment(&environment.name, u32::MAX).await? {
                picture.deployments.insert(deployment.id.clone(), deployment);
            }
            picture.environments.insert(environment.name.clone(), environment);
        }
        Ok(picture)
    }

    pub(crate) fn job(&self, id: &str) -> &Job {
        &self.jobs.get(&JobId::from(id)).unwrap_or_else(|| panic!("job {id} is lost")).0
    }

    pub(crate) fn release_named(&self, name: &str) -> Option<&Release> {
        self.releases
            .values()
            .find(|release| release.name() == name || release.version.to_string() == name)
    }

    /// What an environment points at.
    pub(crate) fn pointer(&self, environment: &str) -> Option<&ReleaseId> {
        self.environments[environment].release.as_ref()
    }

    /// The executed deployments of an environment, oldest first.
    pub(crate) fn executed(&self, environment: &str) -> Vec<&Deployment> {
        let mut executed: Vec<&Deployment> = self
            .deployments
            .values()
            .filter(|it| it.environment == environment && it.state == DeploymentState::Deployed)
            .collect();
        executed.sort_by_key(|deployment| deployment.ended_at);
        executed
    }

    /// Whether a validation of a release has passed.
    pub(crate) fn validated(&self, release: &Release) -> bool {
        self.jobs.values().any(|(job, _)| {
            job.kind == JobKind::Validation
                && job.release_id() == Some(&release.id)
                && job.state == JobState::Succeeded
        })
    }

    /// Jobs that have not ended.
    pub(crate) fn open_jobs(&self) -> Vec<&Job> {
        self.jobs.values().map(|(job, _)| job).filter(|job| !job.state.ended()).collect()
    }

    /// The steps of a job that had come to their end, by name.
    pub(crate) fn finished_steps(&self, id: &JobId) -> Vec<&Step> {
        let Some((_, steps)) = self.jobs.get(id) else { return Vec::new() };
        let finished =
            |step: &&Step| matches!(step.state, StepState::Succeeded | StepState::Reused);
        steps.iter().filter(finished).collect()
    }

    /// The newest build of a variant that machines can boot.
    pub(crate) fn built(&self, variant: &Variant) -> Option<&VariantBuild> {
        let of_it = self.variant_builds.values().filter(|it| it.variant == variant.id);
        of_it.filter(|it| it.manifest.is_some()).max_by_key(|it| it.number)
    }

    /// What the audit log says of the end of a guest.
    pub(crate) fn end_of_guest(&self, id: &str) -> Option<&str> {
        let end = |row: &&AuditRow| row.entry.action == "guest.end" && row.entry.subject == id;
        self.audit.iter().find(end).and_then(|row| row.entry.details["outcome"].as_str())
    }

    /// Guests that were started and of whose end the audit log says nothing.
    pub(crate) fn open_guests(&self) -> Vec<&str> {
        let started = self.audit.iter().filter(|row| row.entry.action == "guest.start");
        let ids = started.map(|row| row.entry.subject.as_str());
        ids.filter(|id| self.end_of_guest(id).is_none()).collect()
    }

    /// How long a build took from its first step in a sandbox: what comes before waits for a mirror.
    pub(crate) fn build_took(&self, id: &JobId) -> Duration {
        let (_, steps) = &self.jobs[id];
        let began = steps.iter().find(|step| step.name == "bootstrap").unwrap().started_at.unwrap();
        let ended = steps.last().unwrap().ended_at.unwrap();
        Duration::from_micros(u64::try_from(ended.0 - began.0).unwrap())
    }

    pub(crate) fn told(&self, action: &str, subject: &str) -> usize {
        let same = |row: &&AuditRow| row.entry.action == action && row.entry.subject == subject;
        self.audit.iter().filter(same).count()
    }

    /// How many rows tell that of a job.
    fn told_of_job(&self, action: &str, job: &str) -> usize {
        let same = |row: &&AuditRow| row.entry.action == action && row.entry.details["job"] == job;
        self.audit.iter().filter(same).count()
    }

    /// Asserts that each change is there wholly: with all of its rows, and its audit row.
    pub(crate) fn assert_whole(&self) {
        assert_eq!(self.audit_fault, None);
        assert!(self.brought.values().all(|many| *many == CASES), "{:?}", self.brought);
        let numbers: Vec<u32> = self.revisions.keys().copied().collect();
        assert_eq!(numbers, (1..=self.revisions.len() as u32).collect::<Vec<_>>());
        assert_eq!(self.told("recipe.save", RECIPE), numbers.len());
        for revision in self.revisions.values() {
            assert_eq!(revision.digest, domain::digest::Digest::of(&revision.text));
        }
        self.releases.values().for_each(|release| self.assert_release(release));
        for (job, steps) in self.jobs.values() {
            self.assert_job(job, steps);
        }
        for (name, variant) in &self.variants {
            assert_eq!(self.told("variant.add", name), 1, "{name}");
            assert_eq!(self.told("variant.change", name), variant.revision as usize - 1, "{name}");
        }
        self.deployments.values().for_each(|deployment| self.assert_deployment(deployment));
        for environment in self.environments.values() {
            let mut before: Option<&ReleaseId> = None;
            for deployment in self.executed(&environment.name) {
                assert_eq!(deployment.from_release.as_ref(), before, "{deployment:?}");
                before = Some(&deployment.release);
            }
            assert_eq!(environment.release.as_ref(), before, "{environment:?}");
            if let Some(id) = before {
                let release = &self.releases[id];
                assert!(release.stage.bootable());
                let named = !environment.policy.names_releases() || release.released_at.is_some();
                assert!(named, "{environment:?} {release:?}");
            }
        }
    }

    fn assert_release(&self, release: &Release) {
        let version = release.version.to_string();
        let (job, _) = self.jobs.get(&release.job).unwrap_or_else(|| panic!("{version}: no job"));
        assert_eq!((job.kind, job.release_id()), (JobKind::Build, Some(&release.id)));
        assert!(self.revisions.contains_key(&release.revision), "{version}");
        assert_eq!(self.told("release.build", &version), 1, "{version}");
        assert_eq!(self.told("release.built", &version), usize::from(job.state.ended()));
        let manifest = self.manifests.get(&release.id);
        assert_eq!(manifest.map(|it| it.digest().unwrap()), release.manifest, "{version}");
        if release.stage.bootable() {
            assert!(release.manifest.is_some() && release.lock.is_some(), "{release:?}");
            assert_eq!(manifest.and_then(|it| it.lock), release.lock);
        }
        match job.state {
            JobState::Queued => assert_eq!(release.stage, Stage::Building, "{version}"),
            JobState::Running => {}
            JobState::Succeeded => {
                assert!(release.stage.bootable() || release.stage == Stage::Withdrawn, "{version}");
            }
            JobState::Failed | JobState::Cancelled => {
                assert_eq!(release.stage, Stage::Failed, "{version}: {:?}", job.outcome);
            }
        }
    }

    fn assert_job(&self, job: &Job, steps: &[Step]) {
        let id = job.id.as_str();
        let about = job.release_id();
        assert!(about.is_none_or(|it| self.releases.contains_key(it)), "{id}");
        assert!(steps.iter().enumerate().all(|(at, step)| step.position as usize == at), "{id}");
        assert_eq!(job.state == JobState::Queued, job.attempts == 0, "{job:?}");
        assert_eq!(job.state.ended(), job.log.is_some(), "{job:?}");
        if job.state.ended() {
            let runs = |step: &Step| step.state == StepState::Running;
            assert!(!steps.iter().any(runs), "{id} has ended, and not its steps: {steps:?}");
        }
        match job.kind {
            JobKind::Build => assert_eq!(steps.len(), BUILD_STEPS, "{id}"),
            JobKind::Import => panic!("{id}: nobody imports here"),
            JobKind::Validation => {
                let validation = &self.validations[&job.id];
                assert_eq!(Some(validation.manifest), self.releases[about.unwrap()].manifest);
                assert_eq!(steps.len(), self.manifests[about.unwrap()].entries.len(), "{id}");
                assert_eq!(self.told_of_job("release.validate", id), 1, "{id}");
                assert_eq!(self.told("validation.end", id), usize::from(job.state.ended()));
                if job.state.ended() {
                    assert!(validation.runs.iter().all(|run| run.ended_at.is_some()), "{id}");
                }
            }
            JobKind::Collection => {
                assert!(about.is_none(), "{id}");
                assert_eq!(self.told("collection.request", id), 1, "{id}");
                assert_eq!(self.told("collection.end", id), usize::from(job.state.ended()));
            }
            JobKind::Variant => {
                assert!(about.is_none() && job.variant.is_some(), "{id}");
                let manifest = &self.variant_builds[&job.id].manifest;
                match job.state {
                    JobState::Running => {}
                    JobState::Succeeded => assert!(manifest.is_some(), "{id} can be booted"),
                    _ => assert!(manifest.is_none(), "{id} has half a variant"),
                }
                assert_eq!(self.told_of_job("variant.build", id), 1, "{id}");
                let ended = usize::from(job.state.ended());
                assert_eq!(self.told_of_job("variant.built", id), ended, "{id}");
            }
            JobKind::Kernel => {
                assert!(about.is_none() && job.kernel.is_some(), "{id}");
                let record = &self.kernel_builds[&job.id].build.record;
                match job.state {
                    JobState::Running => {}
                    JobState::Succeeded => assert!(record.is_some(), "{id} has no kernel"),
                    _ => assert!(record.is_none(), "{id} has half a kernel"),
                }
                assert_eq!(self.told_of_job("kernel.build", id), 1, "{id}");
                let ended = usize::from(job.state.ended());
                assert_eq!(self.told_of_job("kernel.built", id), ended, "{id}");
            }
        }
    }

    fn assert_deployment(&self, deployment: &Deployment) {
        let id = deployment.id.as_str();
        let executed = deployment.state == DeploymentState::Deployed;
        assert_eq!(self.told("deployment.request", id), usize::from(!deployment.rollback), "{id}");
        assert_eq!(self.told("deployment.judge", id), deployment.approvals.len(), "{id}");
        assert_eq!(self.told("deployment.execute", id), usize::from(executed), "{id}");
        assert_eq!(deployment.ended_at.is_some(), !deployment.state.open(), "{id}");
        assert!(!deployment.rollback || executed, "{deployment:?}");
        assert_eq!(Some(deployment.manifest), self.releases[&deployment.release].manifest);
        let demanded = self.environments[&deployment.environment].policy.approvals as usize;
        if matches!(deployment.state, DeploymentState::Requested) && demanded > 0 {
            assert!(deployment.approvals.len() < demanded, "{deployment:?}");
        }
        if deployment.state == DeploymentState::Approved {
            let yes = |it: &&domain::deployment::Approval| it.verdict == Verdict::Approved;
            assert!(deployment.approvals.iter().filter(yes).count() >= demanded, "{id}");
        }
    }

    /// Asserts that everything that `former` showed is still there: what never changes the same,
    /// what has stages at the same or a later one.
    pub(crate) fn assert_keeps(&self, former: &Self) {
        for (number, revision) in &former.revisions {
            assert_eq!(self.revisions.get(number), Some(revision));
        }
        for (id, old) in &former.releases {
            let new = self.releases.get(id).unwrap_or_else(|| panic!("{} is lost", old.version));
            let identity = |it: &Release| {
                (it.version.clone(), it.recipe.clone(), it.revision, it.job.clone(), it.created_at)
            };
            assert_eq!(identity(new), identity(old));
            assert!(old.manifest.is_none() || new.manifest == old.manifest, "{new:?} {old:?}");
            assert!(old.lock.is_none() || new.lock == old.lock, "{new:?} {old:?}");
            assert!(old.released_at.is_none() || new.released_at == old.released_at);
            let later = new.stage == old.stage
                || old.stage.may_become(new.stage)
                || (old.stage, new.stage) == (Stage::Building, Stage::Released);
            assert!(later, "{new:?} {old:?}");
        }
        for (id, (old, steps)) in &former.jobs {
            let (new, new_steps) = self.jobs.get(id).unwrap_or_else(|| panic!("job {id} is lost"));
            assert_eq!(
                (new.kind, new.release_id(), new.created_at),
                (old.kind, old.release_id(), old.created_at)
            );
            assert!(new.attempts >= old.attempts);
            assert!(old.cancel_requested_at.is_none() || new.cancel_requested_at.is_some());
            if old.state.ended() {
                assert_eq!((new.state, &new.outcome, new.log), (old.state, &old.outcome, old.log));
                assert_eq!(new_steps, steps);
            }
        }
        for (id, old) in &former.validations {
            let kept: Vec<Run> = self.validations[id].runs.iter().map(nameless).collect();
            for run in old.runs.iter().filter(|run| run.ended_at.is_some()) {
                assert!(kept.contains(&nameless(run)), "{run:?} is lost");
            }
        }
        assert!(self.kernels.is_superset(&former.kernels));
        for (id, KernelBuildRow { build: old, .. }) in &former.kernel_builds {
            let new = &self.kernel_builds[id].build;
            assert_eq!((&new.kernel, new.number), (&old.kernel, old.number));
            assert_eq!((&new.definition, new.mode), (&old.definition, old.mode));
            assert!(old.record.is_none() || new.record == old.record, "{new:?} {old:?}");
        }
        for (name, old) in &former.variants {
            let new = self.variants.get(name).unwrap_or_else(|| panic!("{name} is lost"));
            assert_eq!((&new.id, &new.owner), (&old.id, &old.owner));
            assert!(new.revision > old.revision || new == old, "{new:?} {old:?}");
        }
        for (id, old) in &former.variant_builds {
            let new = &self.variant_builds[id];
            assert_eq!((&new.variant, new.number), (&old.variant, old.number));
            assert_eq!((&new.definition, new.base_manifest), (&old.definition, old.base_manifest));
            assert!(old.lock.is_none() || new.lock == old.lock, "{new:?} {old:?}");
            assert!(old.manifest.is_none() || new.manifest == old.manifest, "{new:?} {old:?}");
        }
        for (id, old) in &former.deployments {
            let new = self.deployments.get(id).unwrap_or_else(|| panic!("{id} is lost"));
            assert_eq!((&new.environment, &new.release), (&old.environment, &old.release));
            assert_eq!((&new.reason, &new.requester), (&old.reason, &old.requester));
            assert!(new.approvals.starts_with(&old.approvals), "{new:?} {old:?}");
            assert!(old.state.open() || new.state == old.state, "{new:?} {old:?}");
            assert!(old.ended_at.is_none() || new.ended_at == old.ended_at);
        }
        assert!(self.audit.starts_with(&former.audit), "the audit log was cut");
    }
}

/// A run without the name of what it is about: a candidate gets another when it is released.
fn nameless(run: &Run) -> Run {
    let mut run = run.clone();
    if let Some(Subject::Release { name, .. }) = &mut run.subject {
        name.clear();
    }
    run
}
