//! Brings form and text together where either was changed, or both.
//!
//! A page remembers what both held when it was rendered ([`Seen`]), so it is known which side was
//! changed: what was changed in one of them goes over to the other, and only what was changed in
//! both, differently, needs a decision.

use std::{fmt, str::FromStr};

use super::{Fault, Group, Malformed, RecipeForm, Row, apply, read};
use crate::digest::Digest;

/// What is compared as one: a field, or all rows of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Value(Group, usize),
    Rows(Group),
}

impl Part {
    pub(super) fn all() -> impl Iterator<Item = Self> {
        Group::ALL.into_iter().flat_map(|group| {
            let parts: Vec<Self> = if group.is_list() {
                vec![Self::Rows(group)]
            } else {
                (0..group.fields().len()).map(|field| Self::Value(group, field)).collect()
            };
            parts
        })
    }

    /// What people call it: its key in the text.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Value(group, field) => group.fields().get(field).map_or("", |field| field.key),
            Self::Rows(group) => group.word(),
        }
    }

    /// Its values in a form.
    pub(super) fn of(self, form: &RecipeForm) -> Vec<&[String]> {
        match self {
            Self::Value(group, field) => {
                let value = |row: &'_ Row| row.0.get(field).is_some();
                let rows = form.rows(group).iter().filter(|row| value(row));
                rows.map(|row| &row.0[field..=field]).collect()
            }
            Self::Rows(group) => form.rows(group).iter().map(|row| row.0.as_slice()).collect(),
        }
    }

    /// Takes its values over from another form.
    fn take(self, form: &mut RecipeForm, from: &RecipeForm) {
        match self {
            Self::Value(group, field) => {
                let taken = from.rows(group).first().and_then(|row| row.0.get(field));
                let into = form.rows_mut(group).first_mut().and_then(|row| row.0.get_mut(field));
                if let (Some(into), Some(taken)) = (into, taken) {
                    taken.clone_into(into);
                }
            }
            Self::Rows(group) => {
                from.rows(group).clone_into(form.rows_mut(group));
            }
        }
    }

    fn digest(self, form: &RecipeForm) -> String {
        let mut bytes = Vec::new();
        for row in self.of(form) {
            bytes.push(b'(');
            for value in row {
                bytes.extend(value.len().to_be_bytes());
                bytes.extend(value.as_bytes());
            }
        }
        Digest::of(bytes).short()
    }
}

/// What form and text both held when they were last in step: a digest for each part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen(Vec<String>);

impl Seen {
    /// What is seen of a form.
    #[must_use]
    pub fn of(form: &RecipeForm) -> Self {
        Self(Part::all().map(|part| part.digest(form)).collect())
    }
}

impl Default for Seen {
    /// What is seen of the form of an empty text.
    fn default() -> Self {
        Self::of(&RecipeForm::default())
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("."))
    }
}

impl FromStr for Seen {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let digests: Vec<String> = text.split('.').map(str::to_owned).collect();
        let is_digest =
            |text: &String| text.len() == 12 && text.bytes().all(|it| it.is_ascii_hexdigit());
        if digests.len() == Part::all().count() && digests.iter().all(is_digest) {
            Ok(Self(digests))
        } else {
            Err(Malformed)
        }
    }
}

/// Which side somebody means to hold where both were changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Latest {
    /// The form.
    Form,
    /// The text.
    Text,
    /// Nobody has said: a difference is a conflict.
    Unknown,
}

/// The text with what was changed in the form since both were `seen` in step; the form is what
/// [`read`] gives of it.
///
/// # Errors
/// Where the text cannot be read, both sides were changed differently and nobody said which is to
/// hold, or the text cannot be changed that way.
pub fn step(seen: &Seen, form: &RecipeForm, text: &str, latest: Latest) -> Result<String, Fault> {
    let read = read(text).map_err(Fault::Unreadable)?;
    let mut wanted = read.clone();
    let mut conflicts = Vec::new();
    for (part, seen) in Part::all().zip(&seen.0) {
        let in_form = part.digest(form) != *seen;
        let in_text = part.digest(&read) != *seen;
        if !in_form || part.of(form) == part.of(&read) {
            continue;
        }
        match latest {
            Latest::Unknown if in_text => conflicts.push(part.word()),
            Latest::Text if in_text => {}
            _ => part.take(&mut wanted, form),
        }
    }
    if conflicts.is_empty() { apply(text, &wanted) } else { Err(Fault::Conflict(conflicts)) }
}
