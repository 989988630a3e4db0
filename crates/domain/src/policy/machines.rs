//! Machines: whoever develops registers and uses them; one that serves production is locked first.
//!
//! Each function takes the lock that holds now, and gives back the reason where one was needed: an
//! administrator passes another person's lock by saying why, and the audit log keeps that.

use super::{Action, Refusal, require_reason};
use crate::{
    machine::{MachineLock, MachineState},
    person::Role,
};

/// Who would do something to a machine.
#[derive(Debug, Clone, Copy)]
pub struct Asking<'a> {
    /// The person's role.
    pub role: Role,
    /// The person's name.
    pub name: &'a str,
    /// Why another person's lock does not hold, where an administrator says so.
    pub reason: Option<&'a str>,
}

impl Asking<'_> {
    /// Passes the lock that holds now.
    fn passes(&self, lock: Option<&MachineLock>) -> Result<Option<String>, Refusal> {
        let Some(lock) = lock.filter(|it| it.owner != self.name) else { return Ok(None) };
        match self.reason {
            Some(reason) if passes_by_reason(self.role, self.name, Some(lock)) => {
                require_reason(reason).map(Some)
            }
            _ => Err(Refusal::MachineLocked {
                owner: lock.owner.clone(),
                purpose: lock.purpose.clone(),
                until: lock.until,
            }),
        }
    }
}

/// Whether it takes a reason to pass the lock that holds now: it is another person's, and whoever asks is
/// an administrator. Nobody else passes it at all.
#[must_use]
pub fn passes_by_reason(role: Role, name: &str, lock: Option<&MachineLock>) -> bool {
    role == Role::Administrator && lock.is_some_and(|it| it.owner != name)
}

/// Changing, accepting, merging or removing a machine: whoever develops, past the lock that holds now.
/// Gives the reason for passing another person's.
///
/// # Errors
/// Why not.
pub fn may_use_machine(
    asking: Asking<'_>,
    lock: Option<&MachineLock>,
) -> Result<Option<String>, Refusal> {
    Action::EditMachine.allowed(asking.role)?;
    asking.passes(lock)
}

/// Saying what an accepted machine boots. Gives the reason for passing another person's lock.
///
/// `follows` is the environment that it follows now where that demands something: then it takes an
/// approver, or a lock of one's own.
///
/// # Errors
/// Why not.
pub fn may_assign_machine(
    asking: Asking<'_>,
    state: MachineState,
    lock: Option<&MachineLock>,
    follows: Option<&str>,
) -> Result<Option<String>, Refusal> {
    Action::AssignMachine.allowed(asking.role)?;
    let reason = asking.passes(lock)?;
    if state == MachineState::Pending {
        return Err(Refusal::MachinePending);
    }
    let own_lock = lock.is_some_and(|it| it.owner == asking.name);
    match follows {
        Some(environment) if asking.role < Role::Approver && !own_lock => {
            Err(Refusal::MachineFollows { environment: environment.to_owned() })
        }
        _ => Ok(reason),
    }
}

/// Locking an accepted machine, or extending a lock of one's own: whoever develops.
///
/// # Errors
/// Why not.
pub fn may_lock_machine(
    asking: Asking<'_>,
    state: MachineState,
    lock: Option<&MachineLock>,
) -> Result<Option<String>, Refusal> {
    Action::LockMachine.allowed(asking.role)?;
    if state == MachineState::Pending {
        return Err(Refusal::MachinePending);
    }
    asking.passes(lock)
}

/// Releasing the lock of a machine: whoever has it, or an administrator who says why.
///
/// # Errors
/// Why not.
pub fn may_unlock_machine(
    asking: Asking<'_>,
    lock: Option<&MachineLock>,
) -> Result<Option<String>, Refusal> {
    Action::LockMachine.allowed(asking.role)?;
    if lock.is_none() {
        return Err(Refusal::MachineNotLocked);
    }
    asking.passes(lock)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ids::PersonId, time::Timestamp};

    fn asking<'a>(role: Role, name: &'a str, reason: Option<&'a str>) -> Asking<'a> {
        Asking { role, name, reason }
    }

    fn locked_by(owner: &str) -> MachineLock {
        MachineLock {
            owner_id: PersonId::from("p"),
            owner: owner.to_owned(),
            purpose: "bisect a panic".to_owned(),
            since: Timestamp(1),
            until: Timestamp(1_000_000),
        }
    }

    #[test]
    fn a_locked_machine_is_its_owners() {
        let lock = locked_by("ann");
        let ann = asking(Role::Developer, "ann", None);
        let bob = asking(Role::Approver, "bob", Some("I need it"));
        assert_eq!(may_use_machine(ann, Some(&lock)), Ok(None));
        let refused = may_use_machine(bob, Some(&lock)).unwrap_err();
        let says = refused.to_string();
        assert!(says.contains("ann") && says.contains("bisect a panic"), "{says}");
        assert!(says.contains("1970-01-01 00:00:01 UTC"), "{says}");
        let eve = |reason| may_use_machine(asking(Role::Administrator, "eve", reason), Some(&lock));
        assert!(matches!(eve(None), Err(Refusal::MachineLocked { .. })));
        assert_eq!(eve(Some("")), Err(Refusal::Reason));
        assert_eq!(eve(Some("it burns")), Ok(Some("it burns".to_owned())));
        let vera = asking(Role::Viewer, "ann", None);
        assert!(matches!(may_use_machine(vera, Some(&lock)), Err(Refusal::Role { .. })));
        let unlock = |who, lock| may_unlock_machine(who, lock);
        assert_eq!(unlock(ann, None), Err(Refusal::MachineNotLocked));
        assert_eq!(unlock(ann, Some(&lock)), Ok(None));
        assert!(unlock(bob, Some(&lock)).is_err());
        assert!(may_lock_machine(bob, MachineState::Accepted, Some(&lock)).is_err());
        assert_eq!(may_lock_machine(bob, MachineState::Accepted, None), Ok(None));
        assert_eq!(
            may_lock_machine(bob, MachineState::Pending, None),
            Err(Refusal::MachinePending)
        );
    }

    #[test]
    fn a_machine_of_production_is_locked_before_it_is_assigned() {
        let (lock, ann) = (locked_by("ann"), asking(Role::Developer, "ann", None));
        let assign =
            |who, lock, follows| may_assign_machine(who, MachineState::Accepted, lock, follows);
        let refused = assign(ann, None, Some("production"));
        assert!(matches!(refused, Err(Refusal::MachineFollows { .. })), "{refused:?}");
        assert_eq!(assign(ann, Some(&lock), Some("production")), Ok(None));
        assert_eq!(assign(ann, None, None), Ok(None));
        let bob = asking(Role::Approver, "bob", None);
        assert_eq!(assign(bob, None, Some("production")), Ok(None));
        let pending = may_assign_machine(bob, MachineState::Pending, None, None);
        assert_eq!(pending, Err(Refusal::MachinePending));
    }
}
