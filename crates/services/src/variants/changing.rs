//! Making a variant, changing it, giving it more days, removing it.

use domain::{
    actor::Actor,
    ids::VariantId,
    kernel::UploadedFile,
    policy::{self, Action},
    time::Timestamp,
    variant::{self, Definition, DefinitionFault, Variant, check_name, expiry},
};
use serde::{Deserialize, Serialize};
use store::WriteTx;

use super::{no_variant, topic};
use crate::{Services, audit::Change, error::ServiceError};

/// The longest description, in characters.
const LONGEST_DESCRIPTION: usize = 500;

/// What a person says of a variant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VariantDraft {
    /// What it is for, in a few words.
    pub description: String,
    /// How many days it lives from now.
    pub days: u32,
    /// What it changes.
    pub definition: Definition,
}

/// What a person changes of a variant; what is absent stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VariantRevision {
    /// What it is for, in a few words.
    pub description: Option<String>,
    /// How many days it lives from now.
    pub days: Option<u32>,
    /// What it changes.
    pub definition: Option<Definition>,
}

impl From<VariantDraft> for VariantRevision {
    fn from(VariantDraft { description, days, definition }: VariantDraft) -> Self {
        Self { description: Some(description), days: Some(days), definition: Some(definition) }
    }
}

impl Services {
    /// Makes a variant that belongs to the actor. Nothing is built before that is asked for.
    ///
    /// # Errors
    /// Where the actor may not, the name breaks its rule or is taken, or the definition has faults.
    pub async fn create_variant(
        &self,
        actor: &Actor,
        name: &str,
        draft: VariantDraft,
    ) -> Result<Variant, ServiceError> {
        Self::role_of(actor, Action::EditVariant)?;
        check_name(name).map_err(|message| ServiceError::invalid("name", message))?;
        let owner = actor.person().ok_or(ServiceError::Unauthenticated)?;
        check_description(&draft.description)?;
        faulty(&variant::faults(&draft.definition))?;
        let (at, expires_at) = (self.now(), self.end_of_days(draft.days)?);
        let mut tx = self.begin().await?;
        if tx.variant(name).await?.is_some() {
            let message = format!("there is a variant called {name} already");
            return Err(ServiceError::invalid("name", message));
        }
        let definition = self.name_uses_of_variant(&mut tx, draft.definition).await?;
        let variant = Variant {
            id: VariantId::generate(self.ids()),
            name: name.to_owned(),
            description: draft.description.trim().to_owned(),
            owner: actor.name().to_owned(),
            revision: 1,
            definition,
            created_at: at,
            changed_at: at,
            expires_at,
        };
        tx.insert_variant(&variant, owner).await?;
        self.record(&mut tx, actor, Change::VariantMade { variant: &variant }).await?;
        self.commit(tx, &topic(name)).await?;
        Ok(variant)
    }

    /// Changes a variant on top of revision `base`. What was built of it stays until it is built again.
    ///
    /// # Errors
    /// Where the actor may not, somebody changed it meanwhile, or the definition has faults.
    pub async fn change_variant(
        &self,
        actor: &Actor,
        name: &str,
        base: u32,
        change: impl Into<VariantRevision>,
    ) -> Result<Variant, ServiceError> {
        let role = Self::role_of(actor, Action::EditVariant)?;
        let VariantRevision { description, days, definition } = change.into();
        if let Some(description) = &description {
            check_description(description)?;
        }
        if let Some(definition) = &definition {
            faulty(&variant::faults(definition))?;
        }
        let expires_at = days.map(|days| self.end_of_days(days)).transpose()?;
        let mut tx = self.begin().await?;
        let former = tx.variant(name).await?.ok_or_else(|| no_variant(name))?.variant;
        policy::may_edit_variant(role, actor.name(), &former.owner)?;
        if former.revision != base {
            return Err(ServiceError::Conflict(format!(
                "variant {name} has revision {} by now, and you were editing revision {base}; look \
                 at that one and make your change again",
                former.revision
            )));
        }
        let definition = definition.unwrap_or(former.definition);
        let definition = self.name_uses_of_variant(&mut tx, definition).await?;
        let description = description.map(|it| it.trim().to_owned());
        let variant = Variant {
            description: description.unwrap_or(former.description),
            revision: base + 1,
            definition,
            changed_at: self.now(),
            expires_at: expires_at.unwrap_or(former.expires_at),
            ..former
        };
        tx.change_variant(&variant).await?;
        self.record(&mut tx, actor, Change::VariantChanged { variant: &variant }).await?;
        self.commit(tx, &topic(name)).await?;
        self.refresh_catalogue().await?;
        Ok(variant)
    }

    /// Gives a variant so many days from now.
    ///
    /// # Errors
    /// Where the actor may not, or the number is out of range.
    pub async fn extend_variant(
        &self,
        actor: &Actor,
        name: &str,
        days: u32,
    ) -> Result<Variant, ServiceError> {
        let role = Self::role_of(actor, Action::EditVariant)?;
        let expires_at = self.end_of_days(days)?;
        let mut tx = self.begin().await?;
        let former = tx.variant(name).await?.ok_or_else(|| no_variant(name))?.variant;
        policy::may_edit_variant(role, actor.name(), &former.owner)?;
        tx.extend_variant(&former.id, expires_at).await?;
        let variant = Variant { expires_at, ..former };
        self.record(&mut tx, actor, Change::VariantExtended { variant: &variant }).await?;
        self.commit(tx, &topic(name)).await?;
        self.refresh_catalogue().await?;
        Ok(variant)
    }

    /// Removes a variant: machines get it no more, and its files go with the next collection.
    ///
    /// # Errors
    /// Where the actor may not, or a job of it has not ended.
    pub async fn delete_variant(&self, actor: &Actor, name: &str) -> Result<(), ServiceError> {
        let role = Self::role_of(actor, Action::EditVariant)?;
        let mut tx = self.begin().await?;
        let variant = tx.variant(name).await?.ok_or_else(|| no_variant(name))?.variant;
        let job = super::building::open_job(&mut tx, &variant.id).await?;
        policy::may_delete_variant(role, actor.name(), &variant.owner, job.as_ref())?;
        tx.delete_variant(&variant.id, self.now()).await?;
        self.record(&mut tx, actor, Change::VariantDeleted { variant: &variant }).await?;
        self.commit(tx, &topic(name)).await?;
        self.refresh_catalogue().await
    }

    /// When a variant ends that gets so many days from now.
    fn end_of_days(&self, days: u32) -> Result<Timestamp, ServiceError> {
        expiry(self.now(), days).map_err(|message| ServiceError::invalid("days", message))
    }

    /// Finds everything that a definition names, and keeps it from being removed.
    pub(super) async fn name_uses_of_variant(
        &self,
        tx: &mut WriteTx,
        definition: Definition,
    ) -> Result<Definition, ServiceError> {
        for file in definition.uploads() {
            self.name_one_upload(tx, file).await?;
        }
        faulty(&variant::unknown_kernels(&definition, &tx.kernel_flavors().await?))?;
        if !definition.base.is_empty() {
            let base = tx.release_by_name(&definition.base).await?;
            let base = base.ok_or_else(|| {
                let message = format!("there is no release {}", definition.base);
                ServiceError::invalid("base", message)
            })?;
            if !base.stage.bootable() {
                let message = format!("{} is {} and cannot be booted", definition.base, base.stage);
                return Err(ServiceError::invalid("base", message));
            }
        }
        Ok(definition)
    }

    /// Keeps an upload from being removed as long as it is named.
    pub(crate) async fn name_one_upload(
        &self,
        tx: &mut WriteTx,
        file: &UploadedFile,
    ) -> Result<(), ServiceError> {
        let known = tx.name_upload(file, self.now()).await?.is_some();
        if known && self.counts_on(&file.sha256)? {
            return Ok(());
        }
        let UploadedFile { name, sha256 } = file;
        let message = format!(
            "nothing was uploaded as {name} with the SHA-256 {sha256}; upload it first, or again: \
             what nothing names for a week is removed"
        );
        Err(ServiceError::invalid("files", message))
    }
}

fn check_description(description: &str) -> Result<(), ServiceError> {
    if description.chars().count() <= LONGEST_DESCRIPTION {
        return Ok(());
    }
    let message = format!("a description has {LONGEST_DESCRIPTION} characters at the most");
    Err(ServiceError::invalid("description", message))
}

/// The first faults of a definition as one answer.
pub(super) fn faulty(faults: &[DefinitionFault]) -> Result<(), ServiceError> {
    const SHOWN: usize = 5;
    if faults.is_empty() {
        return Ok(());
    }
    let lines: Vec<String> =
        faults.iter().take(SHOWN).map(|it| format!("{}: {}", it.place, it.message)).collect();
    Err(ServiceError::invalid("definition", lines.join("; ")))
}
