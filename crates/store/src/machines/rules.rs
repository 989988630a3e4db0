//! What machines of certain labels boot, and what those get that nobody has accepted.

use domain::{
    machine::{MachineRules, Rule, Unregistered},
    time::Timestamp,
};

use crate::{
    Rows, StoreError, WriteTx,
    columns::{count, json, optional_text, optional_time, to_json},
};

/// Name of the setting that says what machines get that nobody has accepted.
const UNREGISTERED: &str = "unregistered-machines";

impl Rows {
    /// The rules that hold now.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn machine_rules(&mut self) -> Result<MachineRules, StoreError> {
        sqlx::query(
            "select revision, rules, saved_at, saved_by from machine_rules
             order by revision desc limit 1",
        )
        .fetch_optional(self.connection())
        .await
        .map_err(StoreError::database("reading the rules of machines"))?
        .map_or_else(
            || Ok(MachineRules::default()),
            |row| {
                Ok(MachineRules {
                    revision: count(&row, "revision")?,
                    rules: json::<Vec<Rule>>(&row, "rules")?,
                    saved_at: optional_time(&row, "saved_at")?,
                    saved_by: optional_text(&row, "saved_by")?,
                })
            },
        )
    }

    /// What machines get that nobody has accepted.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn unregistered(&mut self) -> Result<Unregistered, StoreError> {
        sqlx::query("select value from setting where name = $1")
            .bind(UNREGISTERED)
            .fetch_optional(self.connection())
            .await
            .map_err(StoreError::database("reading what unregistered machines get"))?
            .map_or_else(|| Ok(Unregistered::default()), |row| json(&row, "value"))
    }
}

impl WriteTx {
    /// Writes the next revision of the rules.
    ///
    /// # Errors
    /// [`StoreError::is_conflict`] where that revision is there already.
    pub async fn insert_machine_rules(
        &mut self,
        revision: u32,
        rules: &[Rule],
        at: Timestamp,
        by: &str,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "insert into machine_rules (revision, rules, saved_at, saved_by)
             values ($1, $2, $3, $4)",
        )
        .bind(i64::from(revision))
        .bind(to_json(&rules)?)
        .bind(at.0)
        .bind(by)
        .execute(self.connection())
        .await
        .map_err(StoreError::database("changing the rules of machines"))?;
        Ok(())
    }

    /// Says what machines get that nobody has accepted.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn set_unregistered(&mut self, what: &Unregistered) -> Result<(), StoreError> {
        sqlx::query(
            "insert into setting (name, value) values ($1, $2)
             on conflict (name) do update set value = excluded.value",
        )
        .bind(UNREGISTERED)
        .bind(to_json(what)?)
        .execute(self.connection())
        .await
        .map_err(StoreError::database("changing what unregistered machines get"))?;
        Ok(())
    }
}
