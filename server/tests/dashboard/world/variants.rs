//! Variants of an installation in which nothing works: what a worker would have written is written
//! past the services.

use domain::{
    digest::Digest,
    environment::DEVELOPMENT,
    ids::RunId,
    job::JobState,
    manifest::{Component, ComponentRole},
    person::Role,
    plan::SMOKE,
    run::{CaseResult, Outcome, Run, Validation},
    slot::Slot,
    variant::{self, LAYER},
};
use services::variants::VariantDraft;

use super::{RECIPE, World};

impl World {
    /// The name of a variant of a candidate, of which nothing was built yet.
    pub(crate) async fn variant(&self) -> String {
        self.variant_of(Role::Developer).await
    }

    /// As [`World::variant`], which belongs to the person of that role.
    pub(crate) async fn variant_of(&self, role: Role) -> String {
        let base = self.candidate().await;
        self.variant_on(&base, role).await
    }

    async fn variant_on(&self, base: &str, role: Role) -> String {
        let name = format!("variant-{}", self.number());
        let text = format!("base = \"{base}\"\n[packages]\nadd = [\"htop\"]\n");
        let definition = variant::parse(&text).unwrap();
        let draft = VariantDraft { description: "tries htop".to_owned(), days: 14, definition };
        let owner = self.actor(role).await;
        self.services.create_variant(&owner, &name, draft).await.unwrap();
        name
    }

    /// Fills the slot `vmlinuz-dev` of development; gives the name of the variant.
    pub(crate) async fn filled_slot(&self) -> String {
        let name = self.built_variant().await;
        let dave = self.actor(Role::Developer).await;
        let slot = Slot::VmlinuzDev;
        self.services.fill_slot(&dave, DEVELOPMENT, slot, &name).await.unwrap();
        name
    }

    /// A variant whose package the recipe does not have, and the recipe change that somebody sees.
    pub(crate) async fn proposed_variant(&self) -> (String, Digest) {
        let name = self.variant().await;
        let dave = self.actor(Role::Developer).await;
        let newest = self.services.revision(&dave, RECIPE, None).await.unwrap();
        let text = newest.text.replace("\"htop\",", "");
        if text != newest.text {
            let why = "make the change one again";
            let saved = self.services.save_revision(&dave, RECIPE, newest.number, &text, why);
            saved.await.unwrap();
        }
        let change = self.services.propose_recipe_change(&dave, &name).await.unwrap();
        (name, change.seen())
    }

    /// Ends a new validation of a variant, of which one run saw this of cases, each so long.
    pub(crate) async fn tested_variant(&self, name: &str, cases: &[(&str, Outcome, i64)]) {
        let dave = self.actor(Role::Developer).await;
        self.services.start_variant_validation(&dave, name, None).await.unwrap();
        let validations = self.services.validations_of_variant(&dave, name).await.unwrap();
        self.end_validation(&validations[0], cases).await;
    }

    /// As [`World::tested_variant`], of a release.
    pub(crate) async fn validated(&self, version: &str, cases: &[(&str, Outcome, i64)]) {
        let dave = self.actor(Role::Developer).await;
        self.services.start_validation(&dave, version, None).await.unwrap();
        let release = self.services.release(&dave, version).await.unwrap();
        let validations = self.services.validations(&dave, &release).await.unwrap();
        self.end_validation(&validations[0], cases).await;
    }

    async fn end_validation(&self, validation: &Validation, cases: &[(&str, Outcome, i64)]) {
        let id = RunId(format!("run-{}", self.number()));
        let mut tx = self.store.begin().await.unwrap();
        tx.begin_run(validation, &id, &super::SMOKE_ON_QEMU, Self::now()).await.unwrap();
        let run = tx.run(&id).await.unwrap().unwrap();
        let results = cases.iter().map(|(case, outcome, seconds)| CaseResult {
            case: (*case).to_owned(),
            title: SMOKE.title(case).unwrap().to_owned(),
            outcome: *outcome,
            duration_us: Some(seconds * 1_000_000),
            message: format!("{outcome} in {id}"),
        });
        let ended = Run {
            ended_at: Some(Self::now()),
            outcome: Some(Outcome::Failed),
            results: results.collect(),
            ..run
        };
        tx.end_run(&ended).await.unwrap();
        let (done, outcome) = (JobState::Failed, "some case did not pass");
        tx.end_job(&validation.job, done, outcome, None, Self::now()).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// The name of a variant with a complete build.
    pub(crate) async fn built_variant(&self) -> String {
        let base = self.candidate().await;
        self.built_variant_on(&base).await
    }

    /// As [`World::built_variant`], of that release.
    pub(crate) async fn built_variant_on(&self, base: &str) -> String {
        let name = self.variant_on(base, Role::Developer).await;
        let dave = self.actor(Role::Developer).await;
        let release = self.services.release(&dave, base).await.unwrap();
        let mut manifest = self.services.contents(&dave, &release).await.unwrap().manifest;
        let job = self.services.start_variant_build(&dave, &name).await.unwrap();
        let sha256 = self.uploaded("a layer");
        manifest.components.push(Component {
            role: ComponentRole::Image,
            name: LAYER.to_owned(),
            size: 7,
            sha256,
        });
        manifest.images.push(LAYER.to_owned());
        let mut tx = self.store.begin().await.unwrap();
        tx.complete_variant_build(&job.id, &manifest).await.unwrap();
        let (done, outcome) = (JobState::Succeeded, "it is complete");
        tx.end_job(&job.id, done, outcome, None, Self::now()).await.unwrap();
        tx.commit().await.unwrap();
        name
    }
}
