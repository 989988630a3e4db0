//! Reading columns as the types of the domain.

use std::str::FromStr;

use domain::time::Timestamp;
use sqlx::{
    Row as _,
    any::{AnyQueryResult, AnyRow},
};

use crate::StoreError;

/// A row of an answer, whatever form it came in.
pub(crate) trait Columns {
    /// The text of a column; `None` where it is null.
    fn optional_text(&self, column: &'static str) -> Result<Option<&str>, StoreError>;

    /// The number of a column; `None` where it is null.
    fn optional_number(&self, column: &'static str) -> Result<Option<i64>, StoreError>;
}

impl Columns for AnyRow {
    fn optional_text(&self, column: &'static str) -> Result<Option<&str>, StoreError> {
        self.try_get(column).map_err(StoreError::database("reading a column"))
    }

    fn optional_number(&self, column: &'static str) -> Result<Option<i64>, StoreError> {
        self.try_get(column).map_err(StoreError::database("reading a column"))
    }
}

/// A column that the schema does not allow to be null.
pub(crate) fn text(row: &impl Columns, column: &'static str) -> Result<String, StoreError> {
    borrowed_text(row, column).map(str::to_owned)
}

fn borrowed_text<'a>(row: &'a impl Columns, column: &'static str) -> Result<&'a str, StoreError> {
    row.optional_text(column)?.ok_or_else(|| foreign(column, "null"))
}

pub(crate) fn optional_text(
    row: &impl Columns,
    column: &'static str,
) -> Result<Option<String>, StoreError> {
    Ok(row.optional_text(column)?.map(str::to_owned))
}

pub(crate) fn number(row: &impl Columns, column: &'static str) -> Result<i64, StoreError> {
    row.optional_number(column)?.ok_or_else(|| foreign(column, "null"))
}

pub(crate) fn optional_number(
    row: &impl Columns,
    column: &'static str,
) -> Result<Option<i64>, StoreError> {
    row.optional_number(column)
}

/// A number that is never negative and small.
pub(crate) fn count(row: &impl Columns, column: &'static str) -> Result<u32, StoreError> {
    let value = number(row, column)?;
    u32::try_from(value).map_err(|_| foreign(column, &value.to_string()))
}

pub(crate) fn time(row: &impl Columns, column: &'static str) -> Result<Timestamp, StoreError> {
    number(row, column).map(Timestamp)
}

pub(crate) fn optional_time(
    row: &impl Columns,
    column: &'static str,
) -> Result<Option<Timestamp>, StoreError> {
    Ok(optional_number(row, column)?.map(Timestamp))
}

/// A column whose text is a word or a digest.
pub(crate) fn parsed<T: FromStr>(
    row: &impl Columns,
    column: &'static str,
) -> Result<T, StoreError> {
    let value = borrowed_text(row, column)?;
    value.parse().map_err(|_| foreign(column, value))
}

pub(crate) fn optional_parsed<T: FromStr>(
    row: &impl Columns,
    column: &'static str,
) -> Result<Option<T>, StoreError> {
    row.optional_text(column)?
        .map(|value| value.parse().map_err(|_| foreign(column, value)))
        .transpose()
}

/// A column that holds JSON.
pub(crate) fn json<T: serde::de::DeserializeOwned>(
    row: &impl Columns,
    column: &'static str,
) -> Result<T, StoreError> {
    let value = borrowed_text(row, column)?;
    serde_json::from_str(value).map_err(|_| foreign(column, value))
}

/// Canonical JSON to write into a column.
pub(crate) fn to_json<T: serde::Serialize>(value: &T) -> Result<String, StoreError> {
    let bytes = domain::canonical::to_vec(value)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The pattern of `like … escape '!'` for texts that hold `part`; for all where it is absent.
pub(crate) fn containing(part: Option<&str>) -> String {
    let mut pattern = String::from("%");
    for c in part.unwrap_or_default().chars() {
        if matches!(c, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

/// A change of one row found it: else somebody was faster, or there is no such row.
pub(crate) fn exactly_one(done: &AnyQueryResult, what: &'static str) -> Result<(), StoreError> {
    if done.rows_affected() == 1 { Ok(()) } else { Err(StoreError::Changed(what)) }
}

pub(crate) fn foreign(column: &'static str, value: &str) -> StoreError {
    StoreError::Foreign { column, value: value.chars().take(80).collect() }
}
