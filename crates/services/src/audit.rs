//! The audit log: every change is a row of it, written in the change's own transaction.

use domain::{
    actor::Actor,
    assessment::MadeAssessment,
    audit::{AuditEntry, AuditRow},
    deployment::Deployment,
    digest::Digest,
    environment::Policy,
    guest::Guest,
    ids::{JobId, RecipeId, RunId},
    kernel::{Kernel, UploadedFile},
    page::{Page, Slice},
    person::{Person, Role},
    plan::Plan,
    policy::Action,
    release::Release,
    room::RoomRules,
    run::Run,
    slot::Slot,
    subject::Subject,
    suite::Suite,
    token::Token,
    variant::Variant,
};
use serde_json::{Value, json};
pub use store::audit::AuditFilter;
use store::{WriteTx, kernels::builds::NewKernelBuild, variants::NewVariantBuild};

use crate::{Services, error::ServiceError};

/// The action of the row that tells the end of a guest.
pub(crate) const GUEST_END: &str = "guest.end";
/// The outcome of a guest that ran when its server was killed.
pub(crate) const INTERRUPTED: &str = "interrupted: the server ended before it";

/// What changed, with what the audit row says of it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Change<'a> {
    PersonAdded {
        person: &'a Person,
    },
    SignedIn {
        person: &'a Person,
    },
    SignInFailed {
        name: &'a str,
    },
    RoleChanged {
        person: &'a Person,
        role: Role,
    },
    Disabled {
        person: &'a Person,
        disabled: bool,
    },
    PasswordLinkGiven {
        person: &'a Person,
    },
    PasswordSet {
        person: &'a Person,
    },
    TokenMade {
        token: &'a Token,
    },
    TokenRevoked {
        token: &'a Token,
    },
    RecipeSaved {
        recipe: &'a RecipeId,
        name: &'a str,
        revision: u32,
        digest: &'a Digest,
        message: &'a str,
    },
    BuildRequested {
        release: &'a Release,
    },
    ImportRequested {
        release: &'a Release,
        rootfs: &'a UploadedFile,
    },
    BuildEnded {
        release: &'a Release,
        outcome: &'a str,
    },
    ReleaseWithdrawn {
        release: &'a Release,
        reason: &'a str,
    },
    ReleasePinned {
        release: &'a Release,
        reason: &'a str,
    },
    ReleaseUnpinned {
        release: &'a Release,
    },
    FilesRemoved {
        release: &'a Release,
    },
    CollectionRequested {
        job: &'a JobId,
        dry_run: bool,
    },
    CollectionEnded {
        job: &'a JobId,
        outcome: &'a str,
    },
    RoomRulesChanged {
        from: &'a RoomRules,
        to: &'a RoomRules,
    },
    NotesSaved {
        release: &'a Release,
        revision: u32,
    },
    NotesFrozen {
        release: &'a Release,
        digest: &'a Digest,
    },
    PlanSaved {
        plan: &'a Plan,
    },
    PlanRemoved {
        plan: &'a Plan,
    },
    SuiteSaved {
        suite: &'a Suite,
    },
    SuiteRemoved {
        suite: &'a Suite,
    },
    ValidationRequested {
        release: &'a Release,
        plan: &'a Plan,
        job: &'a JobId,
    },
    ValidationEnded {
        job: &'a JobId,
        outcome: &'a str,
    },
    GuestStarted {
        guest: &'a Guest,
    },
    GuestExtended {
        guest: &'a Guest,
    },
    GuestEnded {
        guest: &'a Guest,
    },
    /// `last` is what the log said of it last.
    GuestInterrupted {
        last: &'a AuditEntry,
    },
    KeyboardTaken {
        guest: &'a Guest,
    },
    KeyboardGivenUp {
        guest: &'a Guest,
    },
    JobCancelled {
        job: &'a JobId,
    },
    DeploymentRequested {
        deployment: &'a Deployment,
    },
    DeploymentJudged {
        deployment: &'a Deployment,
        verdict: &'static str,
        comment: &'a str,
    },
    DeploymentWithdrawn {
        deployment: &'a Deployment,
    },
    DeploymentLapsed {
        deployment: &'a Deployment,
        why: &'a str,
    },
    Deployed {
        deployment: &'a Deployment,
    },
    KernelAdded {
        kernel: &'a Kernel,
    },
    KernelChanged {
        kernel: &'a Kernel,
    },
    KernelDeleted {
        kernel: &'a Kernel,
    },
    KernelBuildRequested {
        kernel: &'a str,
        build: &'a NewKernelBuild,
    },
    KernelBuildEnded {
        kernel: &'a str,
        job: &'a JobId,
        number: u32,
        record: Option<&'a Digest>,
        outcome: &'a str,
    },
    KernelFilesRemoved {
        kernel: &'a str,
        number: u32,
    },
    VariantMade {
        variant: &'a Variant,
    },
    VariantChanged {
        variant: &'a Variant,
    },
    VariantExtended {
        variant: &'a Variant,
    },
    VariantDeleted {
        variant: &'a Variant,
    },
    VariantValidationRequested {
        variant: &'a Variant,
        plan: &'a Plan,
        job: &'a JobId,
    },
    VariantBuildRequested {
        variant: &'a str,
        build: &'a NewVariantBuild,
    },
    VariantBuildEnded {
        variant: &'a str,
        job: &'a JobId,
        number: u32,
        manifest: Option<&'a Digest>,
        outcome: &'a str,
    },
    SlotFilled {
        environment: &'a str,
        slot: Slot,
        variant: &'a Variant,
    },
    SlotEmptied {
        environment: &'a str,
        slot: Slot,
    },
    VariantFilesRemoved {
        variant: &'a str,
        number: u32,
    },
    ResultsRecorded {
        run: &'a Run,
    },
    RunAttached {
        run: &'a Run,
    },
    RunMarked {
        run: &'a Run,
        important: bool,
    },
    RunFilesRemoved {
        run: &'a RunId,
    },
    RunCounted {
        run: &'a Run,
    },
    FailureAssessed {
        failure: (&'a str, &'a str),
        made: &'a MadeAssessment,
    },
    FailureWaived {
        failure: (&'a str, &'a str),
        made: &'a MadeAssessment,
    },
    WaiverWithdrawn {
        failure: (&'a str, &'a str),
        made: &'a MadeAssessment,
    },
    Uploaded {
        file: &'a UploadedFile,
        size: u64,
    },
    UploadForgotten {
        file: &'a UploadedFile,
    },
    PolicyChanged {
        environment: &'a str,
        from: &'a Policy,
        to: &'a Policy,
    },
}

impl Change<'_> {
    /// The words by which rows are found: action, kind of subject, id of the subject, details.
    fn describe(&self) -> (&'static str, &'static str, String, Value) {
        let person =
            |action, person: &Person, details| (action, "person", person.name.clone(), details);
        let release = |action, release: &Release, details| {
            (action, "release", release.version.to_string(), details)
        };
        let kernel = |action, it: &Kernel| {
            let definition = domain::canonical::digest(&it.definition).ok();
            let details = json!({
                "id": it.id, "revision": it.revision, "flavor": it.definition.flavor,
                "source": it.definition.source.summary(), "definition": definition,
            });
            (action, "kernel", it.name.clone(), details)
        };
        let variant = |action, it: &Variant| {
            let definition = domain::canonical::digest(&it.definition).ok();
            let details = json!({
                "id": it.id, "revision": it.revision, "owner": it.owner, "base": it.definition.base,
                "definition": definition, "expires_at": it.expires_at.rfc3339(),
            });
            (action, "variant", it.name.clone(), details)
        };
        let plan = |action, it: &Plan| {
            let details = json!({ "revision": it.revision, "definition": it.definition });
            (action, "plan", it.name.clone(), details)
        };
        let suite = |action, it: &Suite| {
            let details = json!({ "revision": it.revision, "definition": it.definition });
            (action, "suite", it.name.clone(), details)
        };
        let guest = |action, it: &Guest| {
            let details = json!({
                "boots": it.subject.title, "entry": it.entry, "ends_at": it.ends_at.rfc3339(),
                "outcome": it.ended.as_ref().map(|(_, reason)| reason.to_string()),
            });
            (action, "guest", it.id.to_string(), details)
        };
        let run = |action, it: &Run| {
            let details = json!({
                "about": it.subject.as_ref().map(Subject::key), "suite": it.suite,
                "machine": it.machine, "source": it.source, "totals": it.totals, "plan": it.plan,
            });
            (action, "run", it.id.to_string(), details)
        };
        let failure = |action, (case, mark): (&str, &str), it: &MadeAssessment| {
            let waiver = it.said.waiver.as_ref();
            let waiver =
                waiver.map(|it| json!({ "reason": it.reason, "until": it.until.rfc3339() }));
            let details = json!({
                "mark": mark, "revision": it.revision, "about": it.about, "run": it.run,
                "issue": it.said.issue, "blame": it.said.blame, "comment": it.said.comment,
                "waiver": waiver,
            });
            (action, "case", case.to_owned(), details)
        };
        let upload = |action, it: &UploadedFile, size: Option<u64>| {
            let details = json!({ "name": it.name, "size": size });
            (action, "upload", it.sha256.to_string(), details)
        };
        let deployment = |action, it: &Deployment, more: Value| {
            let mut details = json!({
                "environment": it.environment, "release": it.release_name, "from": it.from_name,
                "manifest": it.manifest, "evidence": it.evidence, "reason": it.reason,
                "rollback": it.rollback,
            });
            if let (Some(details), Value::Object(more)) = (details.as_object_mut(), more) {
                details.extend(more);
            }
            (action, "deployment", it.id.to_string(), details)
        };
        match *self {
            Self::PersonAdded { person: it } => {
                person("person.add", it, json!({ "role": it.role }))
            }
            Self::SignedIn { person: it } => person("person.sign-in", it, json!({})),
            Self::SignInFailed { name } => {
                // What was typed may be a password in the wrong field: only its length is kept
                // where it cannot be a name.
                let known_form = domain::person::check_name(name).is_ok();
                let subject = if known_form {
                    name.to_owned()
                } else {
                    format!("({} characters)", name.chars().count())
                };
                ("person.sign-in-failed", "person", subject, json!({}))
            }
            Self::RoleChanged { person: it, role } => {
                person("person.role", it, json!({ "from": it.role, "to": role }))
            }
            Self::Disabled { person: it, disabled: true } => {
                person("person.disable", it, json!({}))
            }
            Self::Disabled { person: it, disabled: false } => {
                person("person.enable", it, json!({}))
            }
            Self::PasswordLinkGiven { person: it } => person("person.password-link", it, json!({})),
            Self::PasswordSet { person: it } => person("person.password", it, json!({})),
            Self::TokenMade { token: it } => (
                "token.add",
                "token",
                it.id.to_string(),
                json!({
                    "name": it.name, "person": it.person_name, "role": it.role, "scope": it.scope,
                    "expires_at": it.expires_at.rfc3339(),
                }),
            ),
            Self::TokenRevoked { token: it } => (
                "token.revoke",
                "token",
                it.id.to_string(),
                json!({ "name": it.name, "person": it.person_name }),
            ),
            Self::RecipeSaved { recipe, name, revision, digest, message } => (
                "recipe.save",
                "recipe",
                name.to_owned(),
                json!({ "id": recipe, "revision": revision, "digest": digest, "message": message }),
            ),
            Self::BuildRequested { release: it } => release(
                "release.build",
                it,
                json!({ "recipe": it.recipe_name, "revision": it.revision, "job": it.job }),
            ),
            Self::ImportRequested { release: it, rootfs } => {
                release("release.import", it, json!({ "rootfs": rootfs, "job": it.job }))
            }
            Self::BuildEnded { release: it, outcome } => release(
                "release.built",
                it,
                json!({ "stage": it.stage, "manifest": it.manifest, "outcome": outcome }),
            ),
            Self::ReleaseWithdrawn { release: it, reason } => {
                release("release.withdraw", it, json!({ "reason": reason }))
            }
            Self::ReleasePinned { release: it, reason } => {
                release("release.pin", it, json!({ "reason": reason }))
            }
            Self::ReleaseUnpinned { release: it } => release("release.unpin", it, json!({})),
            Self::FilesRemoved { release: it } => {
                release("release.files-removed", it, json!({ "manifest": it.manifest }))
            }
            Self::CollectionRequested { job, dry_run } => {
                ("collection.request", "job", job.to_string(), json!({ "dry_run": dry_run }))
            }
            Self::CollectionEnded { job, outcome } => {
                ("collection.end", "job", job.to_string(), json!({ "outcome": outcome }))
            }
            Self::RoomRulesChanged { from, to } => {
                ("room.rules", "room", "rules".to_owned(), json!({ "from": from, "to": to }))
            }
            Self::NotesSaved { release: it, revision } => {
                release("release.notes", it, json!({ "revision": revision }))
            }
            Self::NotesFrozen { release: it, digest } => {
                release("release.notes-freeze", it, json!({ "digest": digest }))
            }
            Self::PlanSaved { plan: it } => plan("plan.save", it),
            Self::PlanRemoved { plan: it } => plan("plan.remove", it),
            Self::SuiteSaved { suite: it } => suite("suite.save", it),
            Self::SuiteRemoved { suite: it } => suite("suite.remove", it),
            Self::ValidationRequested { release: it, plan, job } => release(
                "release.validate",
                it,
                json!({
                    "job": job, "manifest": it.manifest, "plan": plan.name,
                    "plan_revision": plan.revision,
                }),
            ),
            Self::ValidationEnded { job, outcome } => {
                ("validation.end", "job", job.to_string(), json!({ "outcome": outcome }))
            }
            Self::GuestStarted { guest: it } => guest("guest.start", it),
            Self::GuestExtended { guest: it } => guest("guest.extend", it),
            Self::GuestEnded { guest: it } => guest(GUEST_END, it),
            Self::GuestInterrupted { last } => {
                let mut details = last.details.clone();
                if let Some(details) = details.as_object_mut() {
                    details.insert("outcome".to_owned(), INTERRUPTED.into());
                }
                (GUEST_END, "guest", last.subject.clone(), details)
            }
            Self::KeyboardTaken { guest: it } => guest("guest.keyboard-take", it),
            Self::KeyboardGivenUp { guest: it } => guest("guest.keyboard-give-up", it),
            Self::JobCancelled { job } => ("job.cancel", "job", job.to_string(), json!({})),
            Self::DeploymentRequested { deployment: it } => {
                deployment("deployment.request", it, json!({}))
            }
            Self::DeploymentJudged { deployment: it, verdict, comment } => deployment(
                "deployment.judge",
                it,
                json!({ "verdict": verdict, "comment": comment }),
            ),
            Self::DeploymentWithdrawn { deployment: it } => {
                deployment("deployment.withdraw", it, json!({}))
            }
            Self::DeploymentLapsed { deployment: it, why } => {
                deployment("deployment.lapse", it, json!({ "why": why }))
            }
            Self::Deployed { deployment: it } => deployment("deployment.execute", it, json!({})),
            Self::KernelAdded { kernel: it } => kernel("kernel.add", it),
            Self::KernelChanged { kernel: it } => kernel("kernel.change", it),
            Self::KernelDeleted { kernel: it } => kernel("kernel.delete", it),
            Self::KernelBuildRequested { kernel, build } => (
                "kernel.build",
                "kernel",
                kernel.to_owned(),
                json!({
                    "number": build.number, "mode": build.mode, "revision": build.revision,
                    "job": build.job,
                }),
            ),
            Self::KernelBuildEnded { kernel, job, number, record, outcome } => (
                "kernel.built",
                "kernel",
                kernel.to_owned(),
                json!({ "number": number, "record": record, "job": job, "outcome": outcome }),
            ),
            Self::KernelFilesRemoved { kernel, number } => {
                ("kernel.files-removed", "kernel", kernel.to_owned(), json!({ "number": number }))
            }
            Self::VariantMade { variant: it } => variant("variant.add", it),
            Self::VariantChanged { variant: it } => variant("variant.change", it),
            Self::VariantExtended { variant: it } => variant("variant.extend", it),
            Self::VariantDeleted { variant: it } => variant("variant.delete", it),
            Self::VariantValidationRequested { variant: it, plan, job } => (
                "variant.validate",
                "variant",
                it.name.clone(),
                json!({
                    "id": it.id, "job": job, "plan": plan.name, "plan_revision": plan.revision,
                }),
            ),
            Self::VariantBuildRequested { variant, build } => (
                "variant.build",
                "variant",
                variant.to_owned(),
                json!({
                    "number": build.number, "revision": build.revision, "base": build.base_name,
                    "job": build.job,
                }),
            ),
            Self::VariantBuildEnded { variant, job, number, manifest, outcome } => (
                "variant.built",
                "variant",
                variant.to_owned(),
                json!({ "number": number, "manifest": manifest, "job": job, "outcome": outcome }),
            ),
            Self::VariantFilesRemoved { variant, number } => (
                "variant.files-removed",
                "variant",
                variant.to_owned(),
                json!({ "number": number }),
            ),
            Self::SlotFilled { environment, slot, variant } => (
                "environment.fill-slot",
                "environment",
                environment.to_owned(),
                json!({ "slot": slot, "variant": variant.name, "id": variant.id }),
            ),
            Self::SlotEmptied { environment, slot } => (
                "environment.empty-slot",
                "environment",
                environment.to_owned(),
                json!({ "slot": slot }),
            ),
            Self::ResultsRecorded { run: it } => run("results.record", it),
            Self::RunAttached { run: it } => run("run.attach", it),
            Self::RunMarked { run: it, important } => {
                run(if important { "run.important" } else { "run.unimportant" }, it)
            }
            Self::RunFilesRemoved { run: id } => {
                ("run.files-remove", "run", id.to_string(), json!({}))
            }
            Self::RunCounted { run: it } => run("run.count", it),
            Self::FailureAssessed { failure: of, made } => failure("failure.assess", of, made),
            Self::FailureWaived { failure: of, made } => failure("failure.waive", of, made),
            Self::WaiverWithdrawn { failure: of, made } => {
                failure("failure.withdraw-waiver", of, made)
            }
            Self::Uploaded { file, size } => upload("upload.add", file, Some(size)),
            Self::UploadForgotten { file } => upload("upload.forget", file, None),
            Self::PolicyChanged { environment, from, to } => (
                "environment.policy",
                "environment",
                environment.to_owned(),
                json!({ "from": from, "to": to }),
            ),
        }
    }
}

/// What `bootwright audit verify` found whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedAudit {
    /// How many rows there are.
    pub rows: i64,
    /// The hash of the last row: keep it elsewhere to find a chain that was made anew.
    pub head: String,
}

impl Services {
    /// Appends the audit row of a change; gives the change's sequence number.
    pub(crate) async fn record(
        &self,
        tx: &mut WriteTx,
        actor: &Actor,
        change: Change<'_>,
    ) -> Result<i64, ServiceError> {
        let (action, subject_kind, subject, details) = change.describe();
        let entry = AuditEntry::new(self.now(), actor, action, subject_kind, subject, details);
        Ok(tx.record(&entry).await?)
    }

    /// A page of the audit log, newest first.
    ///
    /// # Errors
    /// Where the actor may not read.
    pub async fn audit_page(
        &self,
        actor: &Actor,
        filter: &AuditFilter,
        slice: &Slice,
    ) -> Result<Page<AuditRow>, ServiceError> {
        Action::Read.allowed_to(&actor.who)?;
        Ok(self.read().await?.audit_page(filter, slice).await?)
    }

    /// Checks the whole chain.
    ///
    /// # Errors
    /// The first row that was edited, removed or inserted.
    pub async fn verify_audit(&self) -> Result<VerifiedAudit, ServiceError> {
        let (rows, head) = self.read().await?.verify_audit().await?;
        Ok(VerifiedAudit { rows, head })
    }
}
