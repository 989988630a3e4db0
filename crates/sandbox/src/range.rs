//! Subordinate ids: each sandbox that runs has a range of its own.
//!
//! The ranges are those that `/etc/subuid` and `/etc/subgid` give to the server's user
//! (subuid(5)), in slices of 65536. A range that a sandbox uses is marked system-wide by an
//! abstract Unix socket (unix(7)), which the kernel frees when the process ends, however it ends:
//! so two servers of one user never share one.

use std::{
    fs,
    ops::RangeInclusive,
    os::{
        linux::net::SocketAddrExt as _,
        unix::net::{SocketAddr, UnixListener},
    },
    thread,
    time::{Duration, Instant},
};

use nix::unistd::{Uid, User};

use crate::error::SandboxError;

/// Ids in a range: all that a Debian system uses.
const SIZE: u32 = 65536;
/// How long what was killed may take to be gone.
const DYING: Duration = Duration::from_secs(10);

/// A range of user ids and one of group ids, for as long as this lives.
#[derive(Debug)]
pub struct IdRange {
    /// The user id that is 0 inside.
    pub first_uid: u32,
    /// The group id that is 0 inside.
    pub first_gid: u32,
    _mark: UnixListener,
}

impl IdRange {
    /// The last user id that what runs inside can have.
    #[must_use]
    pub const fn last_uid(&self) -> u32 {
        self.first_uid.saturating_add(SIZE - 1)
    }

    /// Waits until no process is left in the range: each counts against the limit of the next sandbox, also
    /// while it dies. Gives up where one cannot be ended.
    pub(crate) fn wait_until_empty(&self) {
        let deadline = Instant::now() + DYING;
        while self.is_alive() && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(10));
        }
    }

    fn is_alive(&self) -> bool {
        let ids = self.first_uid..=self.last_uid();
        // What has ended between the two is no process any more.
        let statuses = fs::read_dir("/proc").into_iter().flatten().flatten();
        statuses
            .filter_map(|it| fs::read_to_string(it.path().join("status")).ok())
            .any(|status| lives_among(&status, &ids))
    }
}

/// Whether a process (proc(5), `/proc/PID/status`) has one of the ids. One that has ended and waits for its
/// parent is none: the first of a namespace comes to that when all others of it are gone.
fn lives_among(status: &str, ids: &RangeInclusive<u32>) -> bool {
    let of = |name: &str| status.lines().find_map(|line| line.strip_prefix(name));
    let ended = of("State:").is_some_and(|it| it.trim_start().starts_with(['Z', 'X']));
    let mut uids = of("Uid:").into_iter().flat_map(str::split_whitespace);
    !ended && uids.any(|it| it.parse().is_ok_and(|uid| ids.contains(&uid)))
}

/// Takes a range that no other sandbox uses, where it can one whose first user id `preferred` names;
/// `None` where all are in use.
///
/// # Errors
/// Where the user has no ranges.
pub fn take(preferred: &dyn Fn(u32) -> bool) -> Result<Option<IdRange>, SandboxError> {
    let user = Uid::effective();
    let mut ranges = ranges_of(user)?;
    if ranges.is_empty() {
        return Err(SandboxError::NoRange { user: name_of(user) });
    }
    ranges.sort_by_key(|(first_uid, _)| !preferred(*first_uid));
    Ok(ranges.into_iter().find_map(|(first_uid, first_gid)| {
        let name = format!("bootwright-ids-{first_uid}");
        let address = SocketAddr::from_abstract_name(name.as_bytes()).ok()?;
        let mark = UnixListener::bind_addr(&address).ok()?;
        Some(IdRange { first_uid, first_gid, _mark: mark })
    }))
}

/// Every slice of the user's ranges, user ids beside group ids.
fn ranges_of(user: Uid) -> Result<Vec<(u32, u32)>, SandboxError> {
    let name = name_of(user);
    let slices = |path: &'static str| {
        let text = fs::read_to_string(path)
            .map_err(|source| SandboxError::Unreadable { path: path.into(), source })?;
        Ok::<_, SandboxError>(parse(&text, &name, user.as_raw()))
    };
    Ok(slices("/etc/subuid")?.into_iter().zip(slices("/etc/subgid")?).collect())
}

fn parse(text: &str, name: &str, id: u32) -> Vec<u32> {
    text.lines()
        .filter_map(|line| {
            let mut fields = line.split(':');
            let owner = fields.next()?;
            let first: u32 = fields.next()?.parse().ok()?;
            let count: u32 = fields.next()?.parse().ok()?;
            (owner == name || owner.parse() == Ok(id)).then_some((first, count))
        })
        .flat_map(|(first, count)| {
            (0..count / SIZE).filter_map(move |slice| first.checked_add(slice * SIZE))
        })
        // A range that holds the server's own id would make inner processes the server's equals.
        .filter(|first| !(*first..=first.saturating_add(SIZE - 1)).contains(&id))
        .collect()
}

fn name_of(user: Uid) -> String {
    User::from_uid(user).ok().flatten().map_or_else(|| user.to_string(), |account| account.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_sliced_and_those_of_others_or_with_our_own_id_left_out() {
        let text = "ann:100000:65536\nbob:200000:140000\n1005:1000000:65536\nann:1000:65536\nbroken\nann:5:x\n";
        assert_eq!(parse(text, "ann", 1005), [100_000, 1_000_000]);
        assert_eq!(parse(text, "bob", 7), [200_000, 265_536]);
        assert!(parse(text, "eve", 8).is_empty());
    }

    #[test]
    fn what_lives_in_a_range_is_told_by_any_of_its_ids() {
        let status =
            |state: &str, uids: &str| format!("Name:\tsh\nState:\t{state}\nUid:\t{uids}\n");
        let ids = 100_000..=165_535;
        assert!(lives_among(&status("S (sleeping)", "100000\t100000\t100000\t100000"), &ids));
        assert!(lives_among(&status("R (running)", "165535\t7\t7\t7"), &ids));
        for (state, uid) in [("Z (zombie)", "100000"), ("S (sleeping)", "165536")] {
            assert!(!lives_among(&status(state, uid), &ids), "{state} {uid}");
        }
        assert!(!lives_among("", &ids));
    }
}
