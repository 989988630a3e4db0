//! Many rows of an answer in one text.
//!
//! The driver hands rows over from one thread to another, each by itself, and for some hundred of them that
//! takes longer than to find them. So a query for many rows has the database pack these into one: of each
//! value its length in bytes, a colon, then itself (a netstring without its comma,
//! <https://cr.yp.to/proto/netstrings.txt>). No length stands before the colon of what is null.

use sqlx::{Row as _, any::AnyRow};

use crate::{
    StoreError,
    columns::{Columns, foreign},
};

/// A query whose answer is one row.
pub(crate) struct Packing {
    /// The query.
    pub(crate) sql: &'static str,
    /// What the columns of the rows in it are called.
    pub(crate) columns: &'static [&'static str],
}

/// A [`Packing`] of these columns of a query, in the order that stands last; there, `q` is the query.
macro_rules! packed {
    ([$($column:literal),+ $(,)?], $query:expr, $order:literal) => {
        $crate::packed::Packing {
            sql: concat!(
                // Materialized, or SQLite finds each value twice: for its length, and for itself.
                "with q as materialized (", $query, ") select string_agg(concat(",
                $("octet_length(cast(q.", $column, " as text)), ':', q.", $column, ", ",)+
                "''), '' order by ", $order, ") as packed from q"
            ),
            columns: &[$($column),+],
        }
    };
}
pub(crate) use packed;

/// A row that was packed.
pub(crate) struct PackedRow<'a> {
    columns: &'static [&'static str],
    values: Vec<Option<&'a str>>,
}

impl Packing {
    /// Reads each of the rows that were packed into the one of an answer.
    pub(crate) fn read<'a, T>(
        &self,
        answer: &'a AnyRow,
        read: impl Fn(&PackedRow<'a>) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let packed: Option<&str> =
            answer.try_get("packed").map_err(StoreError::database("reading packed rows"))?;
        let mut rest = packed.unwrap_or_default();
        let mut all = Vec::new();
        while !rest.is_empty() {
            all.push(read(&self.next(&mut rest)?)?);
        }
        Ok(all)
    }

    /// Takes the first row off.
    fn next<'a>(&self, rest: &mut &'a str) -> Result<PackedRow<'a>, StoreError> {
        let values = self.columns.iter().map(|column| {
            let (value, further) = taken(rest).ok_or_else(|| foreign(column, rest))?;
            *rest = further;
            Ok(value)
        });
        Ok(PackedRow { columns: self.columns, values: values.collect::<Result<_, StoreError>>()? })
    }
}

/// The first value, and what comes after it; `None` where no value is packed there.
fn taken(packed: &str) -> Option<(Option<&str>, &str)> {
    let (length, rest) = packed.split_once(':')?;
    if length.is_empty() {
        return Some((None, rest));
    }
    let (value, rest) = rest.split_at_checked(length.parse().ok()?)?;
    Some((Some(value), rest))
}

impl Columns for PackedRow<'_> {
    fn optional_text(&self, column: &'static str) -> Result<Option<&str>, StoreError> {
        let place = self.columns.iter().position(|it| *it == column);
        place.map(|it| self.values[it]).ok_or_else(|| foreign(column, "nothing"))
    }

    fn optional_number(&self, column: &'static str) -> Result<Option<i64>, StoreError> {
        let value = self.optional_text(column)?;
        value.map(|it| it.parse().map_err(|_| foreign(column, it))).transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROWS: Packing = packed!(["name", "age"], "select name, age from person", "q.name");

    #[test]
    fn values_come_back_whatever_they_hold() {
        let mut packed = "5:3:a\n:1:7:2:ü0:".to_owned();
        let mut rest = packed.as_str();
        let first = ROWS.next(&mut rest).unwrap();
        assert_eq!(first.optional_text("name").unwrap(), Some("3:a\n:"));
        assert_eq!(first.optional_number("age").unwrap(), Some(7));
        let second = ROWS.next(&mut rest).unwrap();
        assert_eq!(second.optional_text("name").unwrap(), None);
        assert_eq!(second.optional_text("age").unwrap(), Some("ü"));
        assert!(second.optional_number("age").is_err());
        assert!(second.optional_text("height").is_err(), "nobody asked for it");
        assert_eq!(rest, "0:");
        assert!(ROWS.next(&mut rest).is_err(), "one value is no row");
        packed.truncate(3);
        assert!(ROWS.next(&mut packed.as_str()).is_err(), "cut");
        assert!(ROWS.next(&mut "1:ü").is_err(), "within a character");
    }
}
