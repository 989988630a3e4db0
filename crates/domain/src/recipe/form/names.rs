//! The names of the form's fields on a page, and the way back from what a page sends.

use std::collections::BTreeMap;

use thiserror::Error;

use super::{Group, RecipeForm, Row};

/// What every field of the form begins with.
const PREFIX: &str = "form.";

/// What was sent is not a whole form: a field is missing, unknown or there twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the form was not sent whole, so nothing was done")]
pub struct Malformed;

/// The name of a field: `form.menu.default`, `form.users.0.name`.
#[must_use]
pub fn field_name(group: Group, row: usize, key: &str) -> String {
    let word = group.word();
    if group.is_list() {
        format!("{PREFIX}{word}.{row}.{key}")
    } else {
        format!("{PREFIX}{word}.{key}")
    }
}

/// All fields of a form as a page sends them: each name with its value.
#[must_use]
pub fn to_fields(form: &RecipeForm) -> Vec<(String, String)> {
    let rows = Group::ALL.into_iter().flat_map(|group| {
        form.rows(group).iter().enumerate().flat_map(move |(index, row)| {
            row.fields(group)
                .map(move |(field, value)| (field_name(group, index, field.key), value.to_owned()))
        })
    });
    rows.collect()
}

/// The form that a page sent. Names that are none of the form's are left to others.
///
/// A browser sends every field, so one that is missing was lost on the way, and must not be taken
/// for one that somebody emptied.
///
/// # Errors
/// Where a field of the form is missing, unknown or there twice. Indexes of rows may have gaps.
pub fn from_fields<'a>(
    fields: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Result<RecipeForm, Malformed> {
    let mut sent: BTreeMap<(Group, usize), BTreeMap<&str, &str>> = BTreeMap::new();
    for (name, value) in fields {
        let Some(name) = name.strip_prefix(PREFIX) else { continue };
        let (place, key) = place(name).ok_or(Malformed)?;
        if sent.entry(place).or_default().insert(key, value).is_some() {
            return Err(Malformed);
        }
    }
    let mut form = RecipeForm::default();
    for group in Group::ALL {
        let mut rows = Vec::new();
        for (_, values) in sent.range((group, 0)..=(group, usize::MAX)) {
            let fields = group.fields();
            let whole = values.len() == fields.len()
                && fields.iter().all(|field| values.contains_key(field.key));
            if !whole {
                return Err(Malformed);
            }
            let value = |key: &str| values.get(key).copied().unwrap_or_default().to_owned();
            rows.push(Row::new(group, |field| value(field.key)));
        }
        if !group.is_list() && rows.is_empty() {
            return Err(Malformed);
        }
        *form.rows_mut(group) = rows;
    }
    Ok(form)
}

/// The place of a row and the key of one of its fields.
fn place(name: &str) -> Option<((Group, usize), &str)> {
    let (word, rest) = name.split_once('.')?;
    let group = Group::of_word(word)?;
    if !group.is_list() {
        return Some(((group, 0), rest));
    }
    let (index, key) = rest.split_once('.')?;
    // "+1" and "01" would be a second name of the same row.
    let index: usize = index.parse().ok().filter(|it: &usize| it.to_string() == index)?;
    Some(((group, index), key))
}
