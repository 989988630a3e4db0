//! Writes the form's values into a text.

use super::{
    Fault, Group, RecipeForm,
    read::{document, form},
    rows::{change_list, change_table},
    splice::Splices,
    step::Part,
};
use crate::recipe::read::too_long;

/// `text` with the values of `form`. What they do not concern stays as it is, byte for byte: a
/// comment on a line of its own goes only with a table that is removed.
///
/// # Errors
/// Where the text cannot be read, or says something in a way that cannot be changed here. Whatever
/// is given reads as the form says: the result is read again and compared.
pub fn apply(text: &str, wanted: &RecipeForm) -> Result<String, Fault> {
    let document = document(text).map_err(Fault::Unreadable)?;
    let root = document.as_table();
    let present = form(root);
    if present == *wanted {
        return Ok(text.to_owned());
    }
    let mut splices = Splices::new(text);
    for group in Group::ALL {
        let change = if group.is_list() { change_list } else { change_table };
        change(&mut splices, root, group, (&present, wanted));
    }
    let unfit = |reached: &RecipeForm| {
        let differs = |part: &Part| part.of(reached) != part.of(wanted);
        Fault::Unfit(Part::all().find(differs).map_or("recipe", Part::word))
    };
    let changed = splices.finish().ok_or_else(|| unfit(&present))?;
    if let Some(message) = too_long(&changed) {
        return Err(Fault::TooLong(message));
    }
    match super::read(&changed) {
        Ok(reached) if reached == *wanted => Ok(changed),
        Ok(reached) => Err(unfit(&reached)),
        Err(_) => Err(unfit(&present)),
    }
}
