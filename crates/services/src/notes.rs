//! Release notes and known issues: written until the promotion, frozen in its transaction.

use domain::{
    actor::Actor,
    digest::Digest,
    notes::{ReleaseNotes, tidied},
    policy::{self, Action},
    release::Release,
};
use store::WriteTx;

use crate::{Services, audit::Change, error::ServiceError, releases::no_release};

impl Services {
    /// What people say about a release.
    ///
    /// # Errors
    /// Where the actor may not read.
    pub async fn notes(
        &self,
        actor: &Actor,
        release: &Release,
    ) -> Result<ReleaseNotes, ServiceError> {
        Action::Read.allowed_to(&actor.who)?;
        Ok(self.read().await?.notes(&release.id).await?)
    }

    /// Saves what people say about a release, on top of revision `base` of it.
    ///
    /// # Errors
    /// Where the actor may not, the release has its released name, a text is too long, or somebody
    /// saved another revision meanwhile.
    pub async fn save_notes(
        &self,
        actor: &Actor,
        name: &str,
        base: u32,
        notes: &str,
        known_issues: &str,
    ) -> Result<ReleaseNotes, ServiceError> {
        let role = Self::role_of(actor, Action::EditNotes)?;
        let tidy = |field, text| {
            tidied(text).map_err(|error| ServiceError::invalid(field, error.to_string()))
        };
        let (notes, known_issues) = (tidy("notes", notes)?, tidy("known_issues", known_issues)?);
        let mut tx = self.begin().await?;
        let release = tx.release_by_name(name).await?.ok_or_else(|| no_release(name))?;
        policy::may_edit_notes(role, release.stage)?;
        let newest = tx.notes(&release.id).await?;
        if newest.revision != base {
            return Err(ServiceError::Conflict(format!(
                "{} saved the notes of {} while you were writing; your text is still in the form: \
                 put both together and save again",
                newest.saved_by.as_deref().unwrap_or("somebody"),
                release.name()
            )));
        }
        let saved = ReleaseNotes {
            notes,
            known_issues,
            revision: base + 1,
            saved_at: Some(self.now()),
            saved_by: Some(actor.name().to_owned()),
            frozen: None,
        };
        tx.save_notes(&release.id, &saved).await?;
        let change = Change::NotesSaved { release: &release, revision: saved.revision };
        self.record(&mut tx, actor, change).await?;
        self.commit(tx, &format!("release/{}", release.version)).await?;
        Ok(saved)
    }

    /// In the transaction that gives a release its released name.
    pub(crate) async fn freeze_notes(
        &self,
        tx: &mut WriteTx,
        actor: &Actor,
        release: &Release,
    ) -> Result<(), ServiceError> {
        let manifest = release.manifest.ok_or_else(|| no_release(&release.name()))?;
        let digest = Digest::of(tx.notes(&release.id).await?.record(manifest)?);
        tx.freeze_notes(&release.id, &digest, self.now()).await?;
        self.record(tx, actor, Change::NotesFrozen { release, digest: &digest }).await?;
        Ok(())
    }
}
