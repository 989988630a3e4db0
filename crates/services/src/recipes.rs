//! Recipes: each saved change is a revision with a digest, a message and an author.

use domain::{
    actor::Actor,
    digest::Digest,
    ids::RecipeId,
    policy::{self, Action},
    recipe::{
        self, Problem, Recipe, RecipeSummary, Revision,
        form::{Fault, Latest, RecipeForm, Seen, step},
    },
    text_diff::{self, DiffLine},
};

use crate::{Services, audit::Change, error::ServiceError};

/// What came of saving a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Saved {
    /// It is a revision now.
    Revision(Box<Revision>),
    /// It has faults; nothing was saved.
    Problems(Vec<Problem>),
}

impl Services {
    /// All recipes, by name.
    ///
    /// # Errors
    /// Where the actor may not read.
    pub async fn recipes(&self, actor: &Actor) -> Result<Vec<RecipeSummary>, ServiceError> {
        Action::Read.allowed_to(&actor.who)?;
        Ok(self.read().await?.recipes().await?)
    }

    /// A revision of a recipe; the newest where no number is given.
    ///
    /// # Errors
    /// Where there is none, or the actor may not read.
    pub async fn revision(
        &self,
        actor: &Actor,
        name: &str,
        number: Option<u32>,
    ) -> Result<Revision, ServiceError> {
        Action::Read.allowed_to(&actor.who)?;
        self.read().await?.revision(name, number).await?.ok_or_else(|| {
            ServiceError::NotFound(format!("recipe called {name} with that revision"))
        })
    }

    /// All revisions of a recipe, newest first.
    ///
    /// # Errors
    /// Where there is no such recipe, or the actor may not read.
    pub async fn revisions(
        &self,
        actor: &Actor,
        name: &str,
    ) -> Result<Vec<Revision>, ServiceError> {
        Action::Read.allowed_to(&actor.who)?;
        let revisions = self.read().await?.revisions(name).await?;
        if revisions.is_empty() {
            return Err(ServiceError::NotFound(format!("recipe called {name}")));
        }
        Ok(revisions)
    }

    /// What changed from one revision of a recipe to another.
    ///
    /// # Errors
    /// Where one does not exist, or the actor may not read.
    pub async fn diff_revisions(
        &self,
        actor: &Actor,
        name: &str,
        from: u32,
        to: u32,
    ) -> Result<Vec<DiffLine>, ServiceError> {
        let before = self.revision(actor, name, Some(from)).await?;
        let after = self.revision(actor, name, Some(to)).await?;
        Ok(text_diff::diff(&before.text, &after.text))
    }

    /// Everything that is wrong with a text: its form, its rules, packages that the archive lacks.
    /// Where the archive cannot be asked, packages are left to the build's first step.
    ///
    /// # Errors
    /// Where the actor may not edit recipes.
    pub async fn check_recipe(
        &self,
        actor: &Actor,
        text: &str,
    ) -> Result<Result<Recipe, Vec<Problem>>, ServiceError> {
        Action::EditRecipe.allowed_to(&actor.who)?;
        let recipe = match recipe::parse(text) {
            Ok(recipe) => recipe,
            Err(problems) => return Ok(Err(problems)),
        };
        let known = self.read().await?.kernel_flavors().await?;
        let mut problems = recipe::unknown_kernels(&recipe, text, &known);
        let builder = self.builder().clone();
        let asked = recipe.clone();
        let index = tokio::task::spawn_blocking(move || builder.package_index(&asked))
            .await
            .map_err(ServiceError::internal)?;
        match index {
            Ok(index) => {
                let exists = |name: &str, suite: Option<&str>| index.contains(name, suite);
                problems.extend(recipe::unknown_packages(&recipe, text, &exists));
            }
            Err(error) => {
                tracing::warn!(%error, "packages of a recipe were not checked: the archive does not answer");
            }
        }
        problems.sort_by_key(|problem| problem.line);
        Ok(if problems.is_empty() { Ok(recipe) } else { Err(problems) })
    }

    /// The text with what was changed in the form beside it since both were `seen` in step. Nothing
    /// is saved.
    ///
    /// # Errors
    /// Where the actor may not edit recipes; the inner one where the two do not go together.
    pub fn step_recipe(
        &self,
        actor: &Actor,
        seen: &Seen,
        form: &RecipeForm,
        text: &str,
        latest: Latest,
    ) -> Result<Result<String, Fault>, ServiceError> {
        Action::EditRecipe.allowed_to(&actor.who)?;
        Ok(step(seen, form, &recipe::normalised(text), latest))
    }

    /// Makes a recipe with its first revision.
    ///
    /// # Errors
    /// Where the actor may not, or the name breaks its rule or is taken.
    pub async fn create_recipe(
        &self,
        actor: &Actor,
        name: &str,
        text: &str,
        message: &str,
    ) -> Result<Saved, ServiceError> {
        check_recipe_name(name)?;
        self.save(actor, name, None, text, message).await
    }

    /// Saves a new revision on top of revision `base`.
    ///
    /// # Errors
    /// Where the actor may not, or somebody saved another revision meanwhile.
    pub async fn save_revision(
        &self,
        actor: &Actor,
        name: &str,
        base: u32,
        text: &str,
        message: &str,
    ) -> Result<Saved, ServiceError> {
        self.save(actor, name, Some(base), text, message).await
    }

    async fn save(
        &self,
        actor: &Actor,
        name: &str,
        base: Option<u32>,
        text: &str,
        message: &str,
    ) -> Result<Saved, ServiceError> {
        // Browsers send line ends as CRLF; a digest must not depend on who typed the text.
        let text = recipe::normalised(text);
        let message = policy::require_reason(message).map_err(|_| {
            ServiceError::invalid("message", "say in 3 to 2000 characters what changed and why")
        })?;
        if let Err(problems) = self.check_recipe(actor, &text).await? {
            return Ok(Saved::Problems(problems));
        }
        let author = actor.person().cloned().ok_or(ServiceError::Unauthenticated)?;
        let mut tx = self.begin().await?;
        let mut revision = Revision {
            recipe: RecipeId::generate(self.ids()),
            number: base.unwrap_or(0) + 1,
            digest: Digest::of(&text),
            text,
            message,
            author: actor.name().to_owned(),
            saved_at: self.now(),
        };
        match base {
            None => tx.insert_recipe(name, &revision, &author).await.map_err(|error| {
                if error.is_conflict() {
                    ServiceError::invalid(
                        "name",
                        format!("there is a recipe called {name} already"),
                    )
                } else {
                    error.into()
                }
            })?,
            Some(base) => {
                let newest = tx
                    .revision(name, None)
                    .await?
                    .ok_or_else(|| ServiceError::NotFound(format!("recipe called {name}")))?;
                if newest.number != base {
                    return Err(ServiceError::Conflict(format!(
                        "{} saved revision {} of {name} while you were editing revision {base}; your \
                         text is still in the form: compare it with the newest revision and save again",
                        newest.author, newest.number
                    )));
                }
                if newest.digest == revision.digest {
                    return Err(ServiceError::invalid(
                        "text",
                        "the text is that of the newest revision; there is nothing to save",
                    ));
                }
                revision.recipe = newest.recipe;
                tx.insert_revision(&revision, &author).await?;
            }
        }
        let change = Change::RecipeSaved {
            recipe: &revision.recipe,
            name,
            revision: revision.number,
            digest: &revision.digest,
            message: &revision.message,
        };
        self.record(&mut tx, actor, change).await?;
        self.commit(tx, &format!("recipe/{name}")).await?;
        Ok(Saved::Revision(Box::new(revision)))
    }
}

fn check_recipe_name(name: &str) -> Result<(), ServiceError> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if (1..=40).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(allowed)
        && name != "new"
    {
        return Ok(());
    }
    Err(ServiceError::invalid(
        "name",
        "a recipe's name has 1 to 40 of the characters a-z, 0-9 and '-', starts with a letter, and is not \"new\"",
    ))
}
