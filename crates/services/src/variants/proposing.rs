//! Turning a variant into a change of the recipe that its base was built from: proposed as a
//! difference, saved by whoever looked at it.

use domain::{
    actor::Actor,
    digest::Digest,
    policy::Action,
    recipe,
    text_diff::{self, DiffLine},
};
use serde::{Deserialize, Serialize};

use super::{building::frozen_base, no_variant};
use crate::{Services, error::ServiceError, recipes::Saved};

/// A change of a recipe that a variant would make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecipeProposal {
    /// Name of the recipe.
    pub recipe: String,
    /// Its newest revision, which the change is made on.
    pub base: u32,
    /// The whole text with the change.
    pub text: String,
    /// What changes; nothing where the recipe says all of it already.
    pub diff: Vec<DiffLine>,
    /// What is not in it, and why, a sentence each.
    pub left_out: Vec<String>,
}

impl RecipeProposal {
    /// What whoever saves it names, so that nothing is saved that they did not look at: the recipe
    /// and the variant may both change meanwhile.
    #[must_use]
    pub fn seen(&self) -> Digest {
        let Self { recipe, base, text, .. } = self;
        Digest::of(format!("{recipe} {base}\n{text}"))
    }
}

impl Services {
    /// What a variant changes, as the next revision of its base's recipe.
    ///
    /// # Errors
    /// Where there is no such variant, or its base or that recipe cannot be read any more.
    pub async fn propose_recipe_change(
        &self,
        actor: &Actor,
        variant: &str,
    ) -> Result<RecipeProposal, ServiceError> {
        Action::Read.allowed_to(&actor.who)?;
        let mut rows = self.read().await?;
        let row = rows.variant(variant).await?.ok_or_else(|| no_variant(variant))?;
        let definition = row.variant.definition;
        let name = frozen_base(&mut rows, &definition.base).await?.release.recipe_name;
        drop(rows);
        let newest = self.revision(actor, &name, None).await?;
        let change = recipe::with_variant(&newest.text, &definition)
            .map_err(|fault| ServiceError::invalid("recipe", fault.to_string()))?;
        let diff = text_diff::diff(&newest.text, &change.text);
        let (text, left_out) = (change.text, change.left_out);
        Ok(RecipeProposal { recipe: name, base: newest.number, text, diff, left_out })
    }

    /// Saves what a variant changes as the next revision of its base's recipe: the change that
    /// somebody looked at, by its [`RecipeProposal::seen`].
    ///
    /// # Errors
    /// Where the actor may not, or the change is another one by now.
    pub async fn save_recipe_change(
        &self,
        actor: &Actor,
        variant: &str,
        seen: Digest,
        message: &str,
    ) -> Result<(RecipeProposal, Saved), ServiceError> {
        Action::EditRecipe.allowed_to(&actor.who)?;
        let proposal = self.propose_recipe_change(actor, variant).await?;
        let RecipeProposal { recipe, base, text, diff, .. } = &proposal;
        if proposal.seen() != seen {
            let author = self.revision(actor, recipe, Some(*base)).await?.author;
            return Err(ServiceError::Conflict(format!(
                "the recipe or the variant was changed after you looked at this change: it is one of \
                 revision {base} of {recipe} now, which {author} saved; look at it again, and save it then"
            )));
        }
        if diff.is_empty() {
            let message = "the recipe says all of it already; there is nothing to save";
            return Err(ServiceError::invalid("variant", message));
        }
        let saved = self.save_revision(actor, recipe, *base, text, message).await?;
        Ok((proposal, saved))
    }
}
