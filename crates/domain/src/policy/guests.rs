//! Guests: who may start one, and how many there may be.

use super::{Action, Refusal};
use crate::{
    guest::{GuestLimits, GuestState},
    person::Role,
};

/// How many guests there are that have not ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct GuestCounts {
    /// Everybody's.
    pub all: u32,
    /// Those of whoever asks.
    pub own: u32,
}

/// Starting one more guest. What it boots has rules of its own.
///
/// # Errors
/// Why not.
pub fn may_start_guest(
    role: Role,
    counts: GuestCounts,
    limits: &GuestLimits,
) -> Result<(), Refusal> {
    Action::StartGuest.allowed(role)?;
    if limits.at_once == 0 {
        return Err(Refusal::NoGuests);
    }
    // One's own come first: they are nearer at hand than those of others.
    if counts.own >= limits.per_person {
        return Err(Refusal::OwnGuestsFull { most: limits.per_person });
    }
    if counts.all >= limits.at_once {
        return Err(Refusal::GuestsFull { most: limits.at_once });
    }
    Ok(())
}

/// Typing to a guest, giving it more time, or ending it: anybody's, as any job can be cancelled.
/// Who of them types is the keyboard's rule.
///
/// # Errors
/// Why not.
pub fn may_use_guest(role: Role, state: GuestState) -> Result<(), Refusal> {
    Action::UseGuest.allowed(role)?;
    if state.ended() { Err(Refusal::GuestEnded) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guests_are_bounded_for_a_person_and_for_all() {
        let limits = GuestLimits { at_once: 3, per_person: 2, ..GuestLimits::default() };
        let may = |all, own| may_start_guest(Role::Developer, GuestCounts { all, own }, &limits);
        assert_eq!(may(2, 1), Ok(()));
        assert_eq!(may(3, 1), Err(Refusal::GuestsFull { most: 3 }));
        assert_eq!(may(3, 2), Err(Refusal::OwnGuestsFull { most: 2 }));
        let none = GuestLimits { at_once: 0, ..limits };
        let start = |role| may_start_guest(role, GuestCounts::default(), &none);
        assert_eq!(start(Role::Administrator), Err(Refusal::NoGuests));
        assert!(matches!(start(Role::Viewer), Err(Refusal::Role { .. })));
    }

    #[test]
    fn viewers_watch_and_nobody_uses_what_has_ended() {
        assert_eq!(may_use_guest(Role::Developer, GuestState::Starting), Ok(()));
        let viewer = may_use_guest(Role::Viewer, GuestState::Running);
        assert!(matches!(viewer, Err(Refusal::Role { least: Role::Developer, .. })));
        let ended = may_use_guest(Role::Administrator, GuestState::Ended);
        assert_eq!(ended, Err(Refusal::GuestEnded));
    }
}
