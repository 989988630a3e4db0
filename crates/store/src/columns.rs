//! Reading columns as the types of the domain.

use std::str::FromStr;

use domain::time::Timestamp;
use sqlx::{
    Row as _,
    any::{AnyQueryResult, AnyRow},
};

use crate::StoreError;

/// A column that the schema does not allow to be null.
pub(crate) fn text(row: &AnyRow, column: &'static str) -> Result<String, StoreError> {
    row.try_get(column).map_err(StoreError::database("reading a column"))
}

pub(crate) fn optional_text(
    row: &AnyRow,
    column: &'static str,
) -> Result<Option<String>, StoreError> {
    row.try_get(column).map_err(StoreError::database("reading a column"))
}

pub(crate) fn number(row: &AnyRow, column: &'static str) -> Result<i64, StoreError> {
    row.try_get(column).map_err(StoreError::database("reading a column"))
}

pub(crate) fn optional_number(
    row: &AnyRow,
    column: &'static str,
) -> Result<Option<i64>, StoreError> {
    row.try_get(column).map_err(StoreError::database("reading a column"))
}

/// A number that is never negative and small.
pub(crate) fn count(row: &AnyRow, column: &'static str) -> Result<u32, StoreError> {
    let value = number(row, column)?;
    u32::try_from(value).map_err(|_| foreign(column, &value.to_string()))
}

pub(crate) fn time(row: &AnyRow, column: &'static str) -> Result<Timestamp, StoreError> {
    number(row, column).map(Timestamp)
}

pub(crate) fn optional_time(
    row: &AnyRow,
    column: &'static str,
) -> Result<Option<Timestamp>, StoreError> {
    Ok(optional_number(row, column)?.map(Timestamp))
}

/// A column whose text is a word or a digest.
pub(crate) fn parsed<T: FromStr>(row: &AnyRow, column: &'static str) -> Result<T, StoreError> {
    let value = text(row, column)?;
    value.parse().map_err(|_| foreign(column, &value))
}

pub(crate) fn optional_parsed<T: FromStr>(
    row: &AnyRow,
    column: &'static str,
) -> Result<Option<T>, StoreError> {
    optional_text(row, column)?
        .map(|value| value.parse().map_err(|_| foreign(column, &value)))
        .transpose()
}

/// A column that holds JSON.
pub(crate) fn json<T: serde::de::DeserializeOwned>(
    row: &AnyRow,
    column: &'static str,
) -> Result<T, StoreError> {
    let value = text(row, column)?;
    serde_json::from_str(&value).map_err(|_| foreign(column, &value))
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
