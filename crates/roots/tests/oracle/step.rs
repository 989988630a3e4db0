//! The operations, as data.

use proptest::prelude::*;

/// A name: in which directory of those that are there, and which of a few names.
#[derive(Debug, Clone)]
pub(crate) struct Place(pub(crate) usize, pub(crate) u8);

#[derive(Debug, Clone)]
pub(crate) enum Step {
    Create(Place, u32),
    Directory(Place, u32),
    Link(Place),
    Special(Place, u32, u8),
    Remove(Place),
    RemoveDirectory(Place),
    Rename(Place, Place),
    HardLink(Place, Place),
    Mode(Place, u32),
    Owner(Place, Option<u32>, Option<u32>),
    Write(Place, u64, usize, u8),
    Size(Place, u64),
    Reopen,
}

impl Step {
    /// The step as its own user can look at what it leaves, without being root.
    pub(crate) fn open_to_its_user(mut self) -> Self {
        match &mut self {
            Self::Create(_, mode)
            | Self::Directory(_, mode)
            | Self::Special(_, mode, _)
            | Self::Mode(_, mode) => *mode |= 0o700,
            Self::Link(_)
            | Self::Remove(_)
            | Self::RemoveDirectory(_)
            | Self::Rename(..)
            | Self::HardLink(..)
            | Self::Owner(..)
            | Self::Write(..)
            | Self::Size(..)
            | Self::Reopen => {}
        }
        self
    }
}

pub(crate) fn step() -> impl Strategy<Value = Step> {
    let place = || (any::<usize>(), 0..9_u8).prop_map(|(folder, name)| Place(folder, name));
    let mode = || {
        prop_oneof![
            Just(0o755),
            Just(0o644),
            Just(0o777),
            Just(0o1777),
            Just(0o2775),
            Just(0o6755),
            Just(0o4711),
            Just(0o2644),
            0..0o10000_u32
        ]
    };
    let id = || proptest::option::of(prop_oneof![Just(0), Just(1000), Just(1001), Just(100)]);
    prop_oneof![
        4 => (place(), mode()).prop_map(|(at, mode)| Step::Create(at, mode)),
        3 => (place(), mode()).prop_map(|(at, mode)| Step::Directory(at, mode)),
        1 => place().prop_map(Step::Link),
        1 => (place(), mode(), 0..4_u8).prop_map(|(at, mode, kind)| Step::Special(at, mode, kind)),
        3 => place().prop_map(Step::Remove),
        2 => place().prop_map(Step::RemoveDirectory),
        6 => (place(), place()).prop_map(|(from, to)| Step::Rename(from, to)),
        2 => (place(), place()).prop_map(|(from, to)| Step::HardLink(from, to)),
        3 => (place(), mode()).prop_map(|(at, mode)| Step::Mode(at, mode)),
        2 => (place(), id(), id()).prop_map(|(at, uid, gid)| Step::Owner(at, uid, gid)),
        6 => (place(), 0..70_000_u64, 0..20_000_usize, any::<u8>())
            .prop_map(|(at, offset, length, byte)| Step::Write(at, offset, length, byte)),
        2 => (place(), 0..80_000_u64).prop_map(|(at, size)| Step::Size(at, size)),
        1 => Just(Step::Reopen),
    ]
}
