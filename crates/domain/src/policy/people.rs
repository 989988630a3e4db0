//! Managing people, without locking everybody out.

use super::{Action, Refusal};
use crate::person::{Person, Role};

/// Adding people, new passwords by one-time link, enabling accounts again.
///
/// # Errors
/// Why not.
pub fn may_manage_people(role: Role) -> Result<(), Refusal> {
    Action::ManagePeople.allowed(role)
}

/// Disabling `person`; `people` is everybody.
///
/// # Errors
/// Why not.
pub fn may_disable(role: Role, person: &Person, people: &[Person]) -> Result<(), Refusal> {
    may_manage_people(role)?;
    another_administrator(person, people)
}

/// Giving `person` the role `new`; `people` is everybody.
///
/// # Errors
/// Why not.
pub fn may_change_role(
    role: Role,
    person: &Person,
    new: Role,
    people: &[Person],
) -> Result<(), Refusal> {
    may_manage_people(role)?;
    if new == Role::Administrator { Ok(()) } else { another_administrator(person, people) }
}

/// Somebody stays who can manage people when `person` no longer can.
fn another_administrator(person: &Person, people: &[Person]) -> Result<(), Refusal> {
    let manages =
        |person: &Person| person.role == Role::Administrator && person.disabled_at.is_none();
    let other_manages = people.iter().any(|other| other.id != person.id && manages(other));
    if !manages(person) || other_manages {
        Ok(())
    } else {
        Err(Refusal::LastAdministrator { name: person.name.clone() })
    }
}
