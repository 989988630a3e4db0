//! What the audit row of each change says.

use domain::{
    assessment::MadeAssessment,
    deployment::Deployment,
    guest::Guest,
    kernel::{Kernel, UploadedFile},
    machine::Machine,
    person::Person,
    plan::Plan,
    release::Release,
    run::Run,
    subject::Subject,
    suite::Suite,
    variant::Variant,
};
use serde_json::{Value, json};

use super::{Change, GUEST_END, INTERRUPTED};
use crate::machines::{MACHINE, MACHINES};

impl Change<'_> {
    /// The words by which rows are found: action, kind of subject, id of the subject, details.
    pub(super) fn describe(&self) -> (&'static str, &'static str, String, Value) {
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
        let machine = |action, it: &Machine, reason: Option<&str>, into: Option<&str>| {
            let lock = it.lock.as_ref().map(
                |it| json!({ "owner": it.owner, "purpose": it.purpose, "until": it.until.rfc3339() }),
            );
            let details = json!({
                "id": it.id, "revision": it.revision, "state": it.state, "profile": it.profile,
                "target": it.target, "once": it.once, "lock": lock, "reason": reason,
                "into": into,
            });
            (action, MACHINE, it.name.clone(), details)
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
            Self::Machine { action, machine: it, reason, into } => {
                machine(action, it, reason, into)
            }
            Self::MachinesImported { table, added, changed } => (
                "machines.import",
                MACHINES,
                "table".to_owned(),
                json!({ "table": table, "added": added, "changed": changed }),
            ),
            Self::MachineRulesChanged { revision, rules } => (
                "machines.rules",
                MACHINES,
                "rules".to_owned(),
                json!({ "revision": revision, "rules": rules }),
            ),
            Self::UnregisteredChanged { from, to } => (
                "machines.unregistered",
                MACHINES,
                "unregistered".to_owned(),
                json!({ "from": from, "to": to }),
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
