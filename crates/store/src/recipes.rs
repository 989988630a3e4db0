//! Recipes and their revisions.

use domain::{
    ids::{PersonId, RecipeId},
    recipe::{RecipeSummary, Revision},
};
use sqlx::any::AnyRow;

use crate::{
    Rows, StoreError, WriteTx,
    columns::{count, parsed, text, time},
};

fn revision(row: &AnyRow) -> Result<Revision, StoreError> {
    Ok(Revision {
        recipe: RecipeId(text(row, "recipe_id")?),
        number: count(row, "number")?,
        digest: parsed(row, "digest")?,
        text: text(row, "text")?,
        message: text(row, "message")?,
        author: text(row, "author")?,
        saved_at: time(row, "saved_at")?,
    })
}

impl Rows {
    /// All recipes with their newest revisions, by name.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn recipes(&mut self) -> Result<Vec<RecipeSummary>, StoreError> {
        sqlx::query(
            "select recipe.id, recipe.name, r.number, r.digest, r.author, r.saved_at
             from recipe join recipe_revision r on r.recipe_id = recipe.id
             where r.number = (select max(number) from recipe_revision where recipe_id = recipe.id)
             order by recipe.name",
        )
        .fetch_all(self.connection())
        .await
        .map_err(StoreError::database("listing recipes"))?
        .iter()
        .map(|row| {
            Ok(RecipeSummary {
                id: RecipeId(text(row, "id")?),
                name: text(row, "name")?,
                revision: count(row, "number")?,
                digest: parsed(row, "digest")?,
                author: text(row, "author")?,
                saved_at: time(row, "saved_at")?,
            })
        })
        .collect()
    }

    /// Name and text of the newest revision of every recipe, by name.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn newest_texts(&mut self) -> Result<Vec<(String, String)>, StoreError> {
        sqlx::query(
            "select recipe.name, r.text
             from recipe join recipe_revision r on r.recipe_id = recipe.id
             where r.number = (select max(number) from recipe_revision where recipe_id = recipe.id)
             order by recipe.name",
        )
        .fetch_all(self.connection())
        .await
        .map_err(StoreError::database("reading the newest revisions"))?
        .iter()
        .map(|row| Ok((text(row, "name")?, text(row, "text")?)))
        .collect()
    }

    /// A revision of the recipe of that name; the newest where no number is given.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn revision(
        &mut self,
        name: &str,
        number: Option<u32>,
    ) -> Result<Option<Revision>, StoreError> {
        sqlx::query(
            "select r.recipe_id, r.number, r.digest, r.text, r.message, r.author, r.saved_at
             from recipe join recipe_revision r on r.recipe_id = recipe.id
             where recipe.name = $1 and ($2 = 0 or r.number = $2)
             order by r.number desc limit 1",
        )
        .bind(name)
        .bind(i64::from(number.unwrap_or(0)))
        .fetch_optional(self.connection())
        .await
        .map_err(StoreError::database("looking a revision up"))?
        .as_ref()
        .map(revision)
        .transpose()
    }

    /// A revision of a recipe by the recipe's id.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn revision_of(
        &mut self,
        recipe: &RecipeId,
        number: u32,
    ) -> Result<Option<Revision>, StoreError> {
        sqlx::query(
            "select recipe_id, number, digest, text, message, author, saved_at
             from recipe_revision where recipe_id = $1 and number = $2",
        )
        .bind(recipe.as_str())
        .bind(i64::from(number))
        .fetch_optional(self.connection())
        .await
        .map_err(StoreError::database("looking a revision up"))?
        .as_ref()
        .map(revision)
        .transpose()
    }

    /// All revisions of the recipe of that name, newest first.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn revisions(&mut self, name: &str) -> Result<Vec<Revision>, StoreError> {
        sqlx::query(
            "select r.recipe_id, r.number, r.digest, r.text, r.message, r.author, r.saved_at
             from recipe join recipe_revision r on r.recipe_id = recipe.id
             where recipe.name = $1 order by r.number desc",
        )
        .bind(name)
        .fetch_all(self.connection())
        .await
        .map_err(StoreError::database("listing revisions"))?
        .iter()
        .map(revision)
        .collect()
    }
}

impl WriteTx {
    /// Makes a recipe with its first revision.
    ///
    /// # Errors
    /// [`StoreError::is_conflict`] where the name is taken.
    pub async fn insert_recipe(
        &mut self,
        name: &str,
        first: &Revision,
        author: &PersonId,
    ) -> Result<(), StoreError> {
        sqlx::query("insert into recipe (id, name) values ($1, $2)")
            .bind(first.recipe.as_str())
            .bind(name)
            .execute(self.connection())
            .await
            .map_err(StoreError::database("making a recipe"))?;
        self.insert_revision(first, author).await
    }

    /// Adds a revision.
    ///
    /// # Errors
    /// [`StoreError::is_conflict`] where its number is taken.
    pub async fn insert_revision(
        &mut self,
        revision: &Revision,
        author: &PersonId,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "insert into recipe_revision
                 (recipe_id, number, digest, text, message, author_id, author, saved_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(revision.recipe.as_str())
        .bind(i64::from(revision.number))
        .bind(revision.digest.to_string())
        .bind(&revision.text)
        .bind(&revision.message)
        .bind(author.as_str())
        .bind(&revision.author)
        .bind(revision.saved_at.0)
        .execute(self.connection())
        .await
        .map_err(StoreError::database("saving a revision"))?;
        Ok(())
    }
}
