//! Slots of environments: filled with variants by those who develop, and emptied again.

use domain::{
    actor::Actor,
    environment::Environment,
    manifest::Manifest,
    policy::{self, Action},
    slot::{self, FilledSlot, Filling, Slot},
};

use serde::{Deserialize, Serialize};
use store::Rows;

use crate::{
    Services, audit::Change, environments::no_environment, error::ServiceError,
    variants::no_variant,
};

/// A filled slot as pages and programs show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlotSummary {
    /// The slot and the variant in it.
    pub filled: FilledSlot,
    /// Labels of the menu's entries that boot the variant; none where the menu of the release that
    /// is served now has no room for it.
    pub entries: Vec<String>,
}

impl Services {
    /// The slots of an environment that are filled, in order of their aliases. One whose variant's
    /// days are over is empty.
    ///
    /// # Errors
    /// Where there is no such environment, or the actor may not read.
    pub async fn slots(
        &self,
        actor: &Actor,
        environment: &str,
    ) -> Result<Vec<SlotSummary>, ServiceError> {
        Action::Read.allowed_to(&actor.who)?;
        let mut rows = self.read().await?;
        let serves =
            rows.environment(environment).await?.ok_or_else(|| no_environment(environment))?;
        let release = release_of(&mut rows, &serves).await?;
        let boots = self.boots_in_slots(&mut rows, environment).await?;
        let fillings: Vec<_> = boots.iter().map(filling).collect();
        let menu = slot::fill(release.as_ref(), &fillings);
        let labels = |index| {
            let of_it = menu.entries.iter().filter(move |(_, from)| *from == Some(index));
            of_it.map(|(entry, _)| entry.label().to_owned()).collect()
        };
        let summaries = boots.iter().enumerate().map(|(index, (filled, _))| SlotSummary {
            filled: filled.clone(),
            entries: labels(index),
        });
        Ok(summaries.collect())
    }

    /// What fills the slots of an environment and can be booted now, with what it consists of, in
    /// order of the slots' aliases.
    async fn boots_in_slots(
        &self,
        rows: &mut Rows,
        environment: &str,
    ) -> Result<Vec<(FilledSlot, Manifest)>, ServiceError> {
        let now = self.now();
        let mut boots = Vec::new();
        for filled in rows.slots(environment).await?.into_iter().filter(|it| it.expires_at > now) {
            if let Some(row) = rows.variant(&filled.variant).await?
                && let Some(built) = rows.built_variant(&row.variant.id).await?
                && let Some(manifest) = built.build.manifest
            {
                boots.push((filled, manifest));
            }
        }
        Ok(boots)
    }

    /// Lets what was built of a variant fill a slot of an environment, whatever filled it before.
    /// Later builds of the variant fill it by themselves.
    ///
    /// # Errors
    /// Where the actor may not, the environment has no slots, nothing of the variant can be booted,
    /// or the environment's menu has no room for it.
    pub async fn fill_slot(
        &self,
        actor: &Actor,
        environment: &str,
        slot: Slot,
        variant: &str,
    ) -> Result<(), ServiceError> {
        let role = Self::role_of(actor, Action::FillSlot)?;
        let mut tx = self.begin().await?;
        let serves =
            tx.environment(environment).await?.ok_or_else(|| no_environment(environment))?;
        let row = tx.variant(variant).await?.ok_or_else(|| no_variant(variant))?.variant;
        let manifest = tx.built_variant(&row.id).await?.and_then(|it| it.build.manifest);
        let expired = row.expires_at <= self.now();
        policy::may_fill_slot(role, environment, slot, expired, manifest.is_some())?;
        let manifest = manifest.ok_or_else(|| no_variant(variant))?;
        let release = release_of(&mut tx, &serves).await?;
        let filling = Filling { slot, variant, manifest: &manifest };
        if slot.entry_of(&manifest).is_none() {
            let message = format!(
                "{variant} has no boot entry that could fill {slot}; swap a kernel of that name \
                 in it, build it, and fill the slot then"
            );
            return Err(ServiceError::invalid("variant", message));
        }
        // What fills the other slots takes its room as well.
        let mut boots = self.boots_in_slots(&mut tx, environment).await?;
        boots.retain(|(it, _)| it.slot != slot);
        let fillings: Vec<_> = boots.iter().map(self::filling).chain([filling]).collect();
        if !slot::fill(release.as_ref(), &fillings).left_out.is_empty() {
            let others: Vec<String> = boots
                .iter()
                .map(|(it, _)| format!(" beside {} in {}", it.variant, it.slot))
                .collect();
            let message = format!(
                "no entry of the menu of {environment} boots {slot}, and it has no room for one \
                 more{}; deploy a release that has such an entry, or fewer{}",
                others.join(" and"),
                if others.is_empty() { "" } else { ", or empty the other slot" }
            );
            return Err(ServiceError::invalid("slot", message));
        }
        tx.fill_slot(environment, slot, &row.id, self.now(), actor.name()).await?;
        let change = Change::SlotFilled { environment, slot, variant: &row };
        self.record(&mut tx, actor, change).await?;
        self.commit(tx, &format!("environment/{environment}")).await?;
        self.refresh_catalogue().await
    }

    /// Empties a slot of an environment: its menu is what its release says.
    ///
    /// # Errors
    /// Where the actor may not, or nothing fills it.
    pub async fn empty_slot(
        &self,
        actor: &Actor,
        environment: &str,
        slot: Slot,
    ) -> Result<(), ServiceError> {
        let role = Self::role_of(actor, Action::FillSlot)?;
        let mut tx = self.begin().await?;
        tx.environment(environment).await?.ok_or_else(|| no_environment(environment))?;
        policy::may_empty_slot(role, environment, slot)?;
        if !tx.empty_slot(environment, slot).await? {
            let what = format!("variant in slot {slot} of {environment}");
            return Err(ServiceError::NotFound(what));
        }
        self.record(&mut tx, actor, Change::SlotEmptied { environment, slot }).await?;
        self.commit(tx, &format!("environment/{environment}")).await?;
        self.refresh_catalogue().await
    }
}

fn filling((filled, manifest): &(FilledSlot, Manifest)) -> Filling<'_> {
    Filling { slot: filled.slot, variant: &filled.variant, manifest }
}

/// What the release consists of that an environment points at.
async fn release_of(
    rows: &mut Rows,
    environment: &Environment,
) -> Result<Option<Manifest>, ServiceError> {
    match &environment.release {
        Some(release) => Ok(rows.manifest_of(release).await?),
        None => Ok(None),
    }
}
