//! Bearer tokens, by the digests of their secrets.

use domain::{
    digest::Digest,
    ids::{PersonId, TokenId},
    person::Role,
    time::Timestamp,
    token::{Scope, Token},
};
use sqlx::any::AnyRow;

use crate::{
    Rows, StoreError, WriteTx,
    columns::{exactly_one, optional_text, optional_time, parsed, text, time},
};

/// A token that somebody presented, with its person as that is now.
#[derive(Debug, Clone)]
pub struct PresentedToken {
    /// The token.
    pub token: Token,
    /// The person's present role.
    pub person_role: Role,
    /// Since when the person may not sign in.
    pub person_disabled_at: Option<Timestamp>,
}

fn token(row: &AnyRow) -> Result<Token, StoreError> {
    let scope = match (optional_text(row, "plan")?, optional_text(row, "machine")?) {
        (Some(plan), Some(machine)) => Scope::Results { plan, machine },
        (None, _) | (_, None) => Scope::All,
    };
    Ok(Token {
        id: TokenId(text(row, "id")?),
        person: PersonId(text(row, "person_id")?),
        person_name: text(row, "person_name")?,
        name: text(row, "name")?,
        role: parsed(row, "role")?,
        scope,
        created_at: time(row, "created_at")?,
        expires_at: time(row, "expires_at")?,
        last_used_at: optional_time(row, "last_used_at")?,
        revoked_at: optional_time(row, "revoked_at")?,
    })
}

impl Rows {
    /// The token of that secret, with its person as that is now.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn token_by_secret(
        &mut self,
        secret: &Digest,
    ) -> Result<Option<PresentedToken>, StoreError> {
        sqlx::query("select * from token_with_person where secret_digest = $1")
            .bind(secret.to_string())
            .fetch_optional(self.connection())
            .await
            .map_err(StoreError::database("looking a token up"))?
            .map(|row| {
                Ok(PresentedToken {
                    token: token(&row)?,
                    person_role: parsed(&row, "person_role")?,
                    person_disabled_at: optional_time(&row, "person_disabled_at")?,
                })
            })
            .transpose()
    }

    /// One token.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn token(&mut self, id: &TokenId) -> Result<Option<Token>, StoreError> {
        sqlx::query("select * from token_with_person where id = $1")
            .bind(id.as_str())
            .fetch_optional(self.connection())
            .await
            .map_err(StoreError::database("looking a token up"))?
            .as_ref()
            .map(token)
            .transpose()
    }

    /// The tokens of a person, or of everybody, newest first; those that were revoked too.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn tokens(&mut self, person: Option<&PersonId>) -> Result<Vec<Token>, StoreError> {
        sqlx::query(
            "select * from token_with_person where ($1 = '' or person_id = $1)
             order by created_at desc, id desc",
        )
        .bind(person.map_or("", PersonId::as_str))
        .fetch_all(self.connection())
        .await
        .map_err(StoreError::database("listing tokens"))?
        .iter()
        .map(token)
        .collect()
    }
}

impl WriteTx {
    /// Keeps a new token.
    ///
    /// # Errors
    /// [`StoreError::is_conflict`] where its person has a living token of that name.
    pub async fn insert_token(&mut self, token: &Token, secret: &Digest) -> Result<(), StoreError> {
        let (plan, machine) = match &token.scope {
            Scope::All => (None, None),
            Scope::Results { plan, machine } => (Some(plan.as_str()), Some(machine.as_str())),
        };
        sqlx::query(
            "insert into token (id, secret_digest, person_id, name, role, plan, machine,
                                created_at, expires_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(token.id.as_str())
        .bind(secret.to_string())
        .bind(token.person.as_str())
        .bind(&token.name)
        .bind(token.role.word())
        .bind(plan)
        .bind(machine)
        .bind(token.created_at.0)
        .bind(token.expires_at.0)
        .execute(self.connection())
        .await
        .map_err(StoreError::database("keeping a token"))?;
        Ok(())
    }

    /// Notes that a token was used.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn set_token_used(&mut self, id: &TokenId, at: Timestamp) -> Result<(), StoreError> {
        sqlx::query("update token set last_used_at = $1 where id = $2")
            .bind(at.0)
            .bind(id.as_str())
            .execute(self.connection())
            .await
            .map_err(StoreError::database("noting the use of a token"))?;
        Ok(())
    }

    /// Takes a token back.
    ///
    /// # Errors
    /// [`StoreError::Changed`] where it was taken back already.
    pub async fn revoke_token(&mut self, id: &TokenId, at: Timestamp) -> Result<(), StoreError> {
        sqlx::query("update token set revoked_at = $1 where id = $2 and revoked_at is null")
            .bind(at.0)
            .bind(id.as_str())
            .execute(self.connection())
            .await
            .map_err(StoreError::database("revoking a token"))
            .and_then(|done| exactly_one(&done, "token"))
    }
}
