//! Environments: one pointer each, and what must be true before it moves.

use domain::{
    environment::{DEVELOPMENT, Environment, PRODUCTION, Policy},
    ids::ReleaseId,
    policy::Permit,
    time::Timestamp,
};
use sqlx::any::AnyRow;

use crate::{
    Rows, StoreError, WriteTx,
    columns::{exactly_one, json, number, optional_text, optional_time, text, to_json},
};

fn environment(row: &AnyRow) -> Result<Environment, StoreError> {
    let release = optional_text(row, "release_id")?.map(ReleaseId);
    let released = optional_text(row, "released_name")?;
    let release_name = match (&release, released) {
        (None, _) => None,
        (Some(_), Some(name)) => Some(name),
        (Some(_), None) => Some(format!("{}-rc.{}", text(row, "target")?, number(row, "number")?)),
    };
    Ok(Environment {
        name: text(row, "name")?,
        release,
        release_name,
        since: optional_time(row, "since")?,
        policy: json(row, "policy")?,
    })
}

impl Rows {
    /// All environments: production first, then by name.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn environments(&mut self) -> Result<Vec<Environment>, StoreError> {
        sqlx::query(
            "select e.name, e.release_id, e.since, e.policy, r.target, r.number, r.released_name
             from environment e left join release r on r.id = e.release_id
             order by case e.name when 'production' then 0 else 1 end, e.name",
        )
        .fetch_all(self.connection())
        .await
        .map_err(StoreError::database("listing environments"))?
        .iter()
        .map(environment)
        .collect()
    }

    /// One environment.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn environment(&mut self, name: &str) -> Result<Option<Environment>, StoreError> {
        sqlx::query(
            "select e.name, e.release_id, e.since, e.policy, r.target, r.number, r.released_name
             from environment e left join release r on r.id = e.release_id
             where e.name = $1",
        )
        .bind(name)
        .fetch_optional(self.connection())
        .await
        .map_err(StoreError::database("looking an environment up"))?
        .as_ref()
        .map(environment)
        .transpose()
    }
}

impl WriteTx {
    /// Makes the environments that exist from the start, where they are missing.
    pub(crate) async fn insert_first_environments(&mut self) -> Result<(), StoreError> {
        for (name, policy) in [(PRODUCTION, Policy::production()), (DEVELOPMENT, Policy::open())] {
            sqlx::query(
                "insert into environment (name, policy) values ($1, $2)
                 on conflict (name) do nothing",
            )
            .bind(name)
            .bind(to_json(&policy)?)
            .execute(self.connection())
            .await
            .map_err(StoreError::database("making the first environments"))?;
        }
        Ok(())
    }

    /// Changes what an environment demands.
    ///
    /// # Errors
    /// [`StoreError::Changed`] where there is no such environment.
    pub async fn set_policy(&mut self, name: &str, policy: &Policy) -> Result<(), StoreError> {
        sqlx::query("update environment set policy = $1 where name = $2")
            .bind(to_json(policy)?)
            .bind(name)
            .execute(self.connection())
            .await
            .map_err(StoreError::database("changing a policy"))
            .and_then(|done| exactly_one(&done, "environment"))
    }

    /// Moves the pointer in the transaction that the permit holds, where a gate made it from rows
    /// of that transaction.
    ///
    /// # Errors
    /// [`StoreError::Changed`] where there is no such environment.
    pub async fn move_pointer(
        mut permit: Permit<'_, Self>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let environment = permit.environment().to_owned();
        let release = permit.release().clone();
        let moved =
            sqlx::query("update environment set release_id = $1, since = $2 where name = $3")
                .bind(release.as_str())
                .bind(now.0)
                .bind(environment)
                .execute(permit.transaction().connection())
                .await
                .map_err(StoreError::database("moving an environment's pointer"))?;
        exactly_one(&moved, "environment")
    }
}
