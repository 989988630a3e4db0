//! Machines from a table.

use domain::{person::Role, policy::Action};
use leptos::prelude::use_context;

use crate::{
    api::machines::table::{TableDraft, TablePage, Taken},
    compose::{Asked, releases::choice},
    error::AppError,
    viewer::viewer_of,
};

pub(crate) fn page(asked: &Asked, taken: &str) -> Result<TablePage, AppError> {
    let role = viewer_of(&asked.actor).role;
    Ok(TablePage {
        draft: use_context::<TableDraft>().unwrap_or_default(),
        taken: counts(taken),
        administrator: role == Role::Administrator,
        import: choice(Action::EditMachine.allowed(role)),
    })
}

fn counts(text: &str) -> Option<Taken> {
    let mut numbers = text.split('-').map(str::parse);
    let mut number = || numbers.next()?.ok();
    Some(Taken { added: number()?, changed: number()?, unchanged: number()? })
}
