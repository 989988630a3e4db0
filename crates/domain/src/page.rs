//! Long lists, a page at a time: a cursor says after which item the next page begins, so that what
//! is added meanwhile neither shifts nor doubles anything.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Where a list goes on: after the item of that key.
///
/// As text, `<number>~<name>`: clients take it as it is and never make one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// The first key: a time, a sequence number, or nothing.
    pub number: i64,
    /// The second key: an id or a name.
    pub name: String,
}

/// The text is no cursor.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("this cursor was not given by this list: leave it out to begin at the first page")]
pub struct InvalidCursor;

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}~{}", self.number, self.name)
    }
}

impl FromStr for Cursor {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (number, name) = text.split_once('~').ok_or(InvalidCursor)?;
        let usable = name.len() <= 200 && name.chars().all(|c| c.is_ascii_graphic());
        let canonical = |number: &i64| number.to_string().len() == text.len() - name.len() - 1;
        let number: i64 = number.parse().map_err(|_| InvalidCursor)?;
        if usable && canonical(&number) {
            Ok(Self { number, name: name.to_owned() })
        } else {
            Err(InvalidCursor)
        }
    }
}

/// Which part of a list is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slice {
    /// After which item; from the first where absent.
    pub after: Option<Cursor>,
    /// How many items at the most, from 1 to [`Slice::MOST`].
    pub limit: u32,
}

impl Slice {
    /// The most items that a page has.
    pub const MOST: u32 = 100;
    /// How many items a page has where nobody says otherwise.
    pub const USUAL: u32 = 50;

    /// The first page of the usual length.
    #[must_use]
    pub const fn first() -> Self {
        Self { after: None, limit: Self::USUAL }
    }

    /// The keys below which a list that is ordered from the greatest down goes on.
    #[must_use]
    pub fn below(&self) -> (i64, &str) {
        self.after.as_ref().map_or((i64::MAX, ""), |after| (after.number, &after.name))
    }
}

/// A part of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page<T> {
    /// The items, in the list's order.
    pub items: Vec<T>,
    /// Where the next page begins; `None` on the last.
    pub next: Option<Cursor>,
}

impl<T> Page<T> {
    /// A page of what was read: one more item than wanted tells that there is another page. `key`
    /// gives an item's place in the list.
    #[must_use]
    pub fn of(mut read: Vec<T>, slice: &Slice, key: impl Fn(&T) -> Cursor) -> Self {
        let limit = usize::try_from(slice.limit).unwrap_or(usize::MAX);
        let more = read.len() > limit;
        read.truncate(limit);
        let next = read.last().filter(|_| more).map(key);
        Self { items: read, next }
    }

    /// A page of a list that is known whole and ordered by name.
    #[must_use]
    pub fn of_names(all: Vec<T>, slice: &Slice, name: impl Fn(&T) -> &str) -> Self {
        let after = slice.after.as_ref().map(|after| after.name.as_str());
        let rest =
            all.into_iter().filter(|item| after.is_none_or(|after| name(item) > after)).collect();
        Self::of(rest, slice, |item| Cursor { number: 0, name: name(item).to_owned() })
    }

    /// The same page of other items.
    #[must_use]
    pub fn map<U>(self, item: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(item).collect(), next: self.next }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_round_trip_and_what_is_none_is_refused() {
        let cursor = Cursor { number: -7, name: "0192-ab~c".to_owned() };
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
        for text in ["", "1", "~", "x~y", "01~a", "+1~a", "1~a b", "1~ä", "99999999999999999999~a"]
        {
            assert_eq!(text.parse::<Cursor>(), Err(InvalidCursor), "{text}");
        }
    }

    #[test]
    fn pages_follow_each_other_without_a_gap() {
        let all = || ["a", "b", "c", "d", "e"].map(str::to_owned).to_vec();
        let mut slice = Slice { after: None, limit: 2 };
        let mut seen = Vec::new();
        loop {
            let page = Page::of_names(all(), &slice, |it| it);
            seen.extend(page.items);
            match page.next {
                Some(next) => slice.after = Some(next),
                None => break,
            }
        }
        assert_eq!(seen, all());
    }
}
