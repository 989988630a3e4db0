//! Slots of environments, and the variants that fill them.

use domain::{
    ids::VariantId,
    slot::{FilledSlot, Slot},
    time::Timestamp,
};
use sqlx::any::AnyRow;

use crate::{
    Rows, StoreError, WriteTx,
    columns::{parsed, text, time},
};

fn slot(row: &AnyRow) -> Result<FilledSlot, StoreError> {
    Ok(FilledSlot {
        slot: parsed(row, "slot")?,
        variant: text(row, "name")?,
        expires_at: time(row, "expires_at")?,
        filled_at: time(row, "filled_at")?,
        filled_by: text(row, "filled_by")?,
    })
}

impl Rows {
    /// The slots of an environment that are filled, in order of their aliases; those of variants
    /// whose days are over too.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn slots(&mut self, environment: &str) -> Result<Vec<FilledSlot>, StoreError> {
        sqlx::query(
            "select s.slot, v.name, v.expires_at, s.filled_at, s.filled_by
             from environment_slot s join variant v on v.id = s.variant_id
             where s.environment = $1 order by s.slot",
        )
        .bind(environment)
        .fetch_all(self.connection())
        .await
        .map_err(StoreError::database("listing the slots of an environment"))?
        .iter()
        .map(slot)
        .collect()
    }
}

impl WriteTx {
    /// Lets a variant fill a slot from now on, whatever filled it before.
    ///
    /// # Errors
    /// Where the database fails, or the environment is production.
    pub async fn fill_slot(
        &mut self,
        environment: &str,
        slot: Slot,
        variant: &VariantId,
        at: Timestamp,
        by: &str,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "insert into environment_slot (environment, slot, variant_id, filled_at, filled_by)
             values ($1, $2, $3, $4, $5)
             on conflict (environment, slot) do update
             set variant_id = excluded.variant_id, filled_at = excluded.filled_at,
                 filled_by = excluded.filled_by",
        )
        .bind(environment)
        .bind(slot.word())
        .bind(variant.as_str())
        .bind(at.0)
        .bind(by)
        .execute(self.connection())
        .await
        .map_err(StoreError::database("filling a slot"))?;
        Ok(())
    }

    /// Empties a slot; whether anything filled it.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn empty_slot(&mut self, environment: &str, slot: Slot) -> Result<bool, StoreError> {
        sqlx::query("delete from environment_slot where environment = $1 and slot = $2")
            .bind(environment)
            .bind(slot.word())
            .execute(self.connection())
            .await
            .map_err(StoreError::database("emptying a slot"))
            .map(|done| done.rows_affected() > 0)
    }

    /// Empties every slot that a variant fills.
    pub(crate) async fn empty_slots_of(&mut self, variant: &VariantId) -> Result<(), StoreError> {
        sqlx::query("delete from environment_slot where variant_id = $1")
            .bind(variant.as_str())
            .execute(self.connection())
            .await
            .map_err(StoreError::database("emptying the slots of a variant"))?;
        Ok(())
    }
}
