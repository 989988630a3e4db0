//! Variants: made, changed, built, given more days and removed by those who develop.
//!
//! Here they are read. [`changing`] makes and changes them, [`building`] asks for builds, which
//! `work/variant.rs` makes, [`preview`] says what a definition would do before anything is built,
//! [`comparing`] what a test saw beside the base, [`proposing`] what a recipe would be.

mod building;
mod changing;
mod comparing;
mod faults;
mod preview;
mod proposing;

use domain::{
    actor::Actor,
    page::{Page, Slice},
    policy::Action,
    variant::{Variant, VariantBuild, VariantState},
};
use serde::{Deserialize, Serialize};
pub use store::variants::VariantFilter;
use store::{Rows, variants::VariantRow};

pub(crate) use self::building::{FrozenBase, FrozenVariantKernel, VariantParameters, open_job};
pub use self::{
    changing::{VariantDraft, VariantRevision},
    comparing::VariantComparison,
    preview::{FoundPackage, Preview},
    proposing::RecipeProposal,
};
use crate::{Services, error::ServiceError};

/// A variant as lists show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VariantSummary {
    /// The variant.
    pub variant: Variant,
    /// How it stands.
    pub state: VariantState,
    /// The newest build that machines can boot.
    pub built: Option<VariantBuild>,
}

impl Services {
    /// A page of variants, by name.
    ///
    /// # Errors
    /// Where the actor may not read.
    pub async fn variants_page(
        &self,
        actor: &Actor,
        filter: &VariantFilter,
        slice: &Slice,
    ) -> Result<Page<VariantSummary>, ServiceError> {
        Action::Read.allowed_to(&actor.who)?;
        let mut rows = self.read().await?;
        let page = rows.variants_page(filter, self.now(), slice).await?;
        let mut items = Vec::with_capacity(page.items.len());
        for row in page.items {
            items.push(self.summary_of_variant(&mut rows, row).await?);
        }
        Ok(Page { items, next: page.next })
    }

    /// The variant of that name.
    ///
    /// # Errors
    /// Where there is none, or the actor may not read.
    pub async fn variant(&self, actor: &Actor, name: &str) -> Result<VariantSummary, ServiceError> {
        Action::Read.allowed_to(&actor.who)?;
        let mut rows = self.read().await?;
        let row = rows.variant(name).await?.ok_or_else(|| no_variant(name))?;
        self.summary_of_variant(&mut rows, row).await
    }

    /// The variants that end within days, and those whose days are over.
    ///
    /// # Errors
    /// Where the actor may not read.
    pub async fn variants_ending(
        &self,
        actor: &Actor,
    ) -> Result<Vec<VariantSummary>, ServiceError> {
        Action::Read.allowed_to(&actor.who)?;
        let warned = u64::from(domain::variant::WARNED_DAYS) * 24 * 3600;
        let until = self.now().plus(std::time::Duration::from_secs(warned));
        let mut rows = self.read().await?;
        let mut ending = Vec::new();
        for row in rows.variants_ending(until).await? {
            ending.push(self.summary_of_variant(&mut rows, row).await?);
        }
        Ok(ending)
    }

    /// A page of a variant's builds, newest first.
    ///
    /// # Errors
    /// Where there is no such variant, or the actor may not read.
    pub async fn variant_builds_page(
        &self,
        actor: &Actor,
        name: &str,
        slice: &Slice,
    ) -> Result<Page<VariantBuild>, ServiceError> {
        Action::Read.allowed_to(&actor.who)?;
        let mut rows = self.read().await?;
        let row = rows.variant(name).await?.ok_or_else(|| no_variant(name))?;
        let page = rows.variant_builds_page(&row.variant.id, slice).await?;
        Ok(Page { items: page.items.into_iter().map(|it| it.build).collect(), next: page.next })
    }

    async fn summary_of_variant(
        &self,
        rows: &mut Rows,
        row: VariantRow,
    ) -> Result<VariantSummary, ServiceError> {
        let built = rows.built_variant(&row.variant.id).await?.map(|it| it.build);
        let state = VariantState::of(row.newest_state, row.variant.expires_at, self.now());
        Ok(VariantSummary { variant: row.variant, state, built })
    }
}

pub(crate) fn no_variant(name: &str) -> ServiceError {
    ServiceError::NotFound(format!("variant {name}"))
}

/// What pages about a variant follow.
pub(crate) fn topic(name: &str) -> String {
    format!("variant/{name}")
}
