//! Variants of an installation in which nothing works: what a worker would have written is written
//! past the services.

use domain::{
    digest::Digest,
    environment::DEVELOPMENT,
    job::JobState,
    manifest::{Component, ComponentRole},
    person::Role,
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
        let name = format!("variant-{}", self.number());
        let base = self.candidate().await;
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

    /// The name of a variant with a complete build.
    pub(crate) async fn built_variant(&self) -> String {
        let name = self.variant().await;
        let dave = self.actor(Role::Developer).await;
        let base = self.services.variant(&dave, &name).await.unwrap().variant.definition.base;
        let release = self.services.release(&dave, &base).await.unwrap();
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
