//! Variants: whoever develops makes and clones them, and each belongs to one person.

use super::{Action, Refusal};
use crate::{ids::JobId, person::Role, slot::Slot};

/// Changing a variant or giving it more days: its owner, or an administrator.
///
/// # Errors
/// Why not.
pub fn may_edit_variant(role: Role, name: &str, owner: &str) -> Result<(), Refusal> {
    Action::EditVariant.allowed(role)?;
    its_own(role, name, owner)
}

/// Building a variant: one job of it at a time, as long as it lives.
///
/// # Errors
/// Why not.
pub fn may_build_variant(
    role: Role,
    name: &str,
    owner: &str,
    expired: bool,
    job: Option<&JobId>,
) -> Result<(), Refusal> {
    Action::BuildVariant.allowed(role)?;
    its_own(role, name, owner)?;
    if expired {
        return Err(Refusal::VariantExpired);
    }
    at_rest(job)
}

/// Running a plan against what was built of a variant: whoever develops, while nobody builds it.
///
/// # Errors
/// Why not.
pub fn may_validate_variant(
    role: Role,
    expired: bool,
    built: bool,
    job: Option<&JobId>,
) -> Result<(), Refusal> {
    Action::Validate.allowed(role)?;
    bootable_variant(expired, built)?;
    at_rest(job)
}

/// Booting what was built of a variant: as long as it lives.
///
/// # Errors
/// Why not.
pub fn bootable_variant(expired: bool, built: bool) -> Result<(), Refusal> {
    match (expired, built) {
        (true, _) => Err(Refusal::VariantExpired),
        (false, false) => Err(Refusal::VariantNotBuilt),
        (false, true) => Ok(()),
    }
}

/// Removing a variant that nobody builds.
///
/// # Errors
/// Why not.
pub fn may_delete_variant(
    role: Role,
    name: &str,
    owner: &str,
    job: Option<&JobId>,
) -> Result<(), Refusal> {
    may_edit_variant(role, name, owner)?;
    at_rest(job)
}

/// Filling a slot of an environment with what was built of a variant: whoever develops, whoever's
/// variant it is. Only [`Slot::of`] an environment can be filled, and production has none.
///
/// # Errors
/// Why not.
pub fn may_fill_slot(
    role: Role,
    environment: &str,
    slot: Slot,
    expired: bool,
    built: bool,
) -> Result<(), Refusal> {
    may_empty_slot(role, environment, slot)?;
    bootable_variant(expired, built)
}

/// Emptying a slot of an environment: whoever develops.
///
/// # Errors
/// Why not.
pub fn may_empty_slot(role: Role, environment: &str, slot: Slot) -> Result<(), Refusal> {
    Action::FillSlot.allowed(role)?;
    if Slot::of(environment).contains(&slot) {
        return Ok(());
    }
    Err(Refusal::NoSlots { environment: environment.to_owned() })
}

fn its_own(role: Role, name: &str, owner: &str) -> Result<(), Refusal> {
    if name == owner || role == Role::Administrator {
        return Ok(());
    }
    Err(Refusal::NotOwner { owner: owner.to_owned() })
}

fn at_rest(job: Option<&JobId>) -> Result<(), Refusal> {
    job.map_or(Ok(()), |job| Err(Refusal::VariantAtWork { job: job.clone() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variant_is_its_owners() {
        let job = JobId::from("j");
        assert_eq!(may_edit_variant(Role::Developer, "ann", "ann"), Ok(()));
        assert_eq!(may_edit_variant(Role::Administrator, "eve", "ann"), Ok(()));
        let other = may_edit_variant(Role::Developer, "bob", "ann");
        assert_eq!(other, Err(Refusal::NotOwner { owner: "ann".to_owned() }));
        assert!(matches!(may_edit_variant(Role::Viewer, "ann", "ann"), Err(Refusal::Role { .. })));
        let build = |expired, job| may_build_variant(Role::Developer, "ann", "ann", expired, job);
        assert_eq!(build(false, None), Ok(()));
        assert_eq!(build(true, None), Err(Refusal::VariantExpired));
        assert!(matches!(build(false, Some(&job)), Err(Refusal::VariantAtWork { .. })));
        let validate = |expired, built| may_validate_variant(Role::Developer, expired, built, None);
        assert_eq!(validate(false, true), Ok(()));
        assert_eq!(validate(true, true), Err(Refusal::VariantExpired));
        assert_eq!(validate(false, false), Err(Refusal::VariantNotBuilt));
        assert!(may_delete_variant(Role::Developer, "ann", "ann", Some(&job)).is_err());
        assert_eq!(may_delete_variant(Role::Developer, "ann", "ann", None), Ok(()));
    }

    #[test]
    fn production_never_points_at_a_variant() {
        let slot = Slot::VmlinuzDev;
        let fill = |role, name| may_fill_slot(role, name, slot, false, true);
        assert_eq!(fill(Role::Developer, "development"), Ok(()));
        let refused = fill(Role::Administrator, "production").unwrap_err();
        assert!(matches!(refused, Refusal::NoSlots { .. }), "{refused}");
        assert!(matches!(fill(Role::Viewer, "development"), Err(Refusal::Role { .. })));
        let unbuilt = may_fill_slot(Role::Developer, "development", slot, false, false);
        assert_eq!(unbuilt, Err(Refusal::VariantNotBuilt));
        assert!(may_empty_slot(Role::Developer, "production", slot).is_err());
    }
}
