//! Whether an installation holds the data of a demonstration.

use domain::time::Timestamp;

use crate::{
    Rows, StoreError, WriteTx,
    columns::{json, number, to_json},
};

/// Name of the setting that says since when it does.
const SETTING: &str = "demonstration";

impl Rows {
    /// Since when the installation holds the data of a demonstration; `None` where it does not.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn demonstration_since(&mut self) -> Result<Option<Timestamp>, StoreError> {
        sqlx::query("select value from setting where name = $1")
            .bind(SETTING)
            .fetch_optional(self.connection())
            .await
            .map_err(StoreError::database("asking for a demonstration"))?
            .map(|row| json(&row, "value"))
            .transpose()
    }

    /// Whether there is any release, or anything that results are about, or any run.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn holds_anything(&mut self) -> Result<bool, StoreError> {
        let row = sqlx::query(
            "select (select count(*) from (select 1 from release limit 1) r)
                  + (select count(*) from (select 1 from subject limit 1) s)
                  + (select count(*) from (select 1 from run limit 1) u) as counted",
        )
        .fetch_one(self.connection())
        .await
        .map_err(StoreError::database("looking whether an installation is empty"))?;
        Ok(number(&row, "counted")? > 0)
    }
}

impl WriteTx {
    /// Notes that the installation holds the data of a demonstration.
    ///
    /// # Errors
    /// Where the database fails, or that was noted before.
    pub async fn set_demonstration(&mut self, since: Timestamp) -> Result<(), StoreError> {
        sqlx::query("insert into setting (name, value) values ($1, $2)")
            .bind(SETTING)
            .bind(to_json(&since)?)
            .execute(self.connection())
            .await
            .map(drop)
            .map_err(StoreError::database("noting a demonstration"))
    }
}
