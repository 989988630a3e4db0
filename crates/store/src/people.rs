//! People and the sign-ins that failed.

use domain::{
    ids::PersonId,
    person::{Person, Role},
    time::Timestamp,
};
use sqlx::any::AnyRow;

use crate::{
    Rows, StoreError, WriteTx,
    columns::{exactly_one, number, optional_text, optional_time, parsed, text, time},
};

/// A person with what proves who that is.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The person.
    pub person: Person,
    /// argon2id in PHC form; `None` until the person has set a password.
    pub password_hash: Option<String>,
    /// Changes with role, password and standing.
    pub credentials_version: i64,
}

fn person(row: &AnyRow) -> Result<Person, StoreError> {
    Ok(Person {
        id: PersonId(text(row, "id")?),
        name: text(row, "name")?,
        role: parsed(row, "role")?,
        created_at: time(row, "created_at")?,
        disabled_at: optional_time(row, "disabled_at")?,
    })
}

fn credentials(row: &AnyRow) -> Result<Credentials, StoreError> {
    Ok(Credentials {
        person: person(row)?,
        password_hash: optional_text(row, "password_hash")?,
        credentials_version: number(row, "credentials_version")?,
    })
}

fn folded(name: &str) -> String {
    name.to_ascii_lowercase()
}

impl Rows {
    /// How many people there are, disabled ones too.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn count_people(&mut self) -> Result<i64, StoreError> {
        let row = sqlx::query("select count(*) as people from person")
            .fetch_one(self.connection())
            .await
            .map_err(StoreError::database("counting people"))?;
        number(&row, "people")
    }

    /// Everybody, by name.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn people(&mut self) -> Result<Vec<Person>, StoreError> {
        sqlx::query(
            "select id, name, role, created_at, disabled_at from person order by name_folded",
        )
        .fetch_all(self.connection())
        .await
        .map_err(StoreError::database("listing people"))?
        .iter()
        .map(person)
        .collect()
    }

    /// The credentials of the person of that name, whatever its case.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn credentials_of(&mut self, name: &str) -> Result<Option<Credentials>, StoreError> {
        sqlx::query(
            "select id, name, role, created_at, disabled_at, password_hash, credentials_version
             from person where name_folded = $1",
        )
        .bind(folded(name))
        .fetch_optional(self.connection())
        .await
        .map_err(StoreError::database("looking a person up"))?
        .as_ref()
        .map(credentials)
        .transpose()
    }

    /// The credentials of a person.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn credentials_by_id(
        &mut self,
        id: &PersonId,
    ) -> Result<Option<Credentials>, StoreError> {
        sqlx::query(
            "select id, name, role, created_at, disabled_at, password_hash, credentials_version
             from person where id = $1",
        )
        .bind(id.as_str())
        .fetch_optional(self.connection())
        .await
        .map_err(StoreError::database("looking a person up"))?
        .as_ref()
        .map(credentials)
        .transpose()
    }

    /// How many sign-ins failed since `since`, for this name or from this address.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn count_failed_sign_ins(
        &mut self,
        name: &str,
        address: &str,
        since: Timestamp,
    ) -> Result<i64, StoreError> {
        let row = sqlx::query(
            "select count(*) as failures from failed_sign_in
             where at >= $1 and (name_folded = $2 or (address = $3 and address <> ''))",
        )
        .bind(since.0)
        .bind(folded(name))
        .bind(address)
        .fetch_one(self.connection())
        .await
        .map_err(StoreError::database("counting failed sign-ins"))?;
        number(&row, "failures")
    }
}

impl WriteTx {
    /// Adds a person.
    ///
    /// # Errors
    /// [`StoreError::is_conflict`] where the name is taken.
    pub async fn insert_person(
        &mut self,
        person: &Person,
        password_hash: Option<&str>,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "insert into person
                 (id, name, name_folded, role, password_hash, created_at, credentials_version)
             values ($1, $2, $3, $4, $5, $6, 1)",
        )
        .bind(person.id.as_str())
        .bind(&person.name)
        .bind(folded(&person.name))
        .bind(person.role.word())
        .bind(password_hash)
        .bind(person.created_at.0)
        .execute(self.connection())
        .await
        .map_err(StoreError::database("adding a person"))?;
        Ok(())
    }

    /// Gives a person another role.
    ///
    /// # Errors
    /// [`StoreError::Changed`] where there is no such person.
    pub async fn set_role(&mut self, id: &PersonId, role: Role) -> Result<(), StoreError> {
        sqlx::query(
            "update person set role = $1, credentials_version = credentials_version + 1
             where id = $2",
        )
        .bind(role.word())
        .bind(id.as_str())
        .execute(self.connection())
        .await
        .map_err(StoreError::database("changing a role"))
        .and_then(|done| exactly_one(&done, "person"))
    }

    /// Lets a person sign in no more, or again.
    ///
    /// # Errors
    /// [`StoreError::Changed`] where there is no such person.
    pub async fn set_disabled(
        &mut self,
        id: &PersonId,
        at: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "update person set disabled_at = $1, credentials_version = credentials_version + 1
             where id = $2",
        )
        .bind(at.map(|at| at.0))
        .bind(id.as_str())
        .execute(self.connection())
        .await
        .map_err(StoreError::database("disabling a person"))
        .and_then(|done| exactly_one(&done, "person"))
    }

    /// Sets a person's password.
    ///
    /// # Errors
    /// [`StoreError::Changed`] where there is no such person.
    pub async fn set_password(&mut self, id: &PersonId, hash: &str) -> Result<(), StoreError> {
        sqlx::query(
            "update person set password_hash = $1, credentials_version = credentials_version + 1
             where id = $2",
        )
        .bind(hash)
        .bind(id.as_str())
        .execute(self.connection())
        .await
        .map_err(StoreError::database("setting a password"))
        .and_then(|done| exactly_one(&done, "person"))
    }

    /// Remembers that a sign-in failed, and forgets what is older than a day.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn insert_failed_sign_in(
        &mut self,
        id: &str,
        name: &str,
        address: &str,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        const DAY: i64 = 24 * 3600 * 1_000_000;
        sqlx::query("delete from failed_sign_in where at < $1")
            .bind(at.0 - DAY)
            .execute(self.connection())
            .await
            .map_err(StoreError::database("forgetting failed sign-ins"))?;
        sqlx::query(
            "insert into failed_sign_in (id, name_folded, address, at) values ($1, $2, $3, $4)",
        )
        .bind(id)
        .bind(folded(name))
        .bind(address)
        .bind(at.0)
        .execute(self.connection())
        .await
        .map_err(StoreError::database("remembering a failed sign-in"))?;
        Ok(())
    }

    /// Forgets the failed sign-ins of a name: its person has come in.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn delete_failed_sign_ins(&mut self, name: &str) -> Result<(), StoreError> {
        sqlx::query("delete from failed_sign_in where name_folded = $1")
            .bind(folded(name))
            .execute(self.connection())
            .await
            .map_err(StoreError::database("forgetting failed sign-ins"))?;
        Ok(())
    }
}
