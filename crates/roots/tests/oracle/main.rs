//! Random operations on a writable root, and by system calls on a real directory: both must say and become
//! the same.
//!
//! Run by root, calls are made for several users; anybody else makes them for himself alone, and leaves out
//! what he may not do.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{
    fs,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use nfs::Time;
use nix::{
    sys::stat::{Mode, umask},
    unistd::{Gid, Uid},
};
use proptest::{prelude::*, test_runner::TestRunner};
use roots::{Clock, Quota, WritableRoot};

use crate::{
    images::{caller, in_memory, packed, root, stack},
    ours::{run, told},
    real::{Real, fill, status},
    step::{Place, Step, step},
};

#[path = "../images/mod.rs"]
mod images;
mod ours;
mod real;
mod step;

pub(crate) fn joined(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

/// The places of a step by name, among the directories that are there now.
fn places(step: &Step, folders: &[String]) -> Vec<(String, String)> {
    let named = |place: &Place| (folders[place.0 % folders.len()].clone(), place.1.to_string());
    match step {
        Step::Rename(from, to) | Step::HardLink(from, to) => vec![named(from), named(to)],
        Step::Create(at, _)
        | Step::Directory(at, _)
        | Step::Link(at)
        | Step::Special(at, ..)
        | Step::Remove(at)
        | Step::RemoveDirectory(at)
        | Step::Mode(at, _)
        | Step::Owner(at, ..)
        | Step::Write(at, ..)
        | Step::Size(at, _) => vec![named(at)],
        Step::Reopen => Vec::new(),
    }
}

#[test]
fn a_writable_root_does_as_a_real_directory_does() {
    umask(Mode::empty());
    let is_root = Uid::effective().is_root();
    let me = caller(Uid::effective().as_raw(), Gid::effective().as_raw());
    let users = if is_root {
        vec![root(), root(), caller(1000, 1000), caller(1001, 100)]
    } else {
        vec![me]
    };
    let home = in_memory();
    let tree = home.path().join("tree");
    fs::create_dir(&tree).unwrap();
    fill(&tree, is_root);
    let base = stack(&[packed(&tree, &[])]);
    let seconds = AtomicU32::new(2_000_000_000);
    let clock: Clock =
        Arc::new(move || Time { seconds: seconds.fetch_add(1, Ordering::SeqCst), nanoseconds: 0 });
    let quota = Quota { bytes: 1 << 30, files: 10_000 };
    let folder = home.path().join("root");
    let real = Real { top: home.path().join("real"), is_root };
    let mut runner = TestRunner::new(ProptestConfig {
        max_shrink_iters: 300,
        ..ProptestConfig::with_cases(300)
    });
    let steps = proptest::collection::vec((any::<usize>(), step()), 1..120);
    runner
        .run(&steps, |steps| {
            let _ = fs::remove_dir_all(&real.top);
            WritableRoot::discard(&folder).unwrap();
            let copied = Command::new("cp").arg("-a").arg(&tree).arg(&real.top).status().unwrap();
            assert!(copied.success());
            let mut ours =
                WritableRoot::create(&folder, base.clone(), quota, clock.clone()).unwrap();
            for (number, (user, step)) in steps.iter().cloned().enumerate() {
                let step = &if is_root { step } else { step.open_to_its_user() };
                let before = real.told();
                let mut folders = vec![String::new()];
                folders.extend(
                    before.iter().filter(|(_, it)| it.0.starts_with('d')).map(|it| it.0.clone()),
                );
                let who = &users[user % users.len()];
                let places = places(step, &folders);
                let is_link = |it: &(String, String)| {
                    before.get(&joined(&it.0, &it.1)).is_some_and(|it| it.0.starts_with('l'))
                };
                let skipped = match step {
                    Step::Reopen => {
                        drop(ours);
                        ours = WritableRoot::open(&folder, base.clone(), clock.clone()).unwrap();
                        true
                    }
                    // chmod(2) would follow it.
                    Step::Mode(..) => is_link(&places[0]),
                    // Links to what others own are forbidden by a setting of Linux, not by the file system.
                    Step::HardLink(..) => is_root && who.uid != 0,
                    Step::Owner(_, uid, gid) => (uid.is_none() && gid.is_none()) || !is_root,
                    Step::Special(_, _, kind) => *kind > 1 && !is_root,
                    _ => false,
                };
                if skipped {
                    continue;
                }
                let expected = real.run(who, step, &places);
                let result = run(&ours, who, step, &places);
                match (&expected, &result) {
                    (Ok(()), Ok(())) => {}
                    (Err(errno), Err(ours)) if status(*errno) == Some(*ours) => {}
                    _ => prop_assert!(
                        false,
                        "step {number}, {step:?} at {places:?} by {who:?}: {expected:?}, not {result:?}"
                    ),
                }
                if number % 10 == 0 || number + 1 == steps.len() {
                    let (expected, seen) = (real.told(), told(&ours));
                    for (path, (line, bytes)) in &expected {
                        let Some((our_line, our_bytes)) = seen.get(path) else {
                            return Err(TestCaseError::fail(format!("{path} is missing")));
                        };
                        prop_assert_eq!(our_line, line, "{} after {:?}", path, step);
                        prop_assert!(our_bytes == bytes, "{path} has other content after {step:?}");
                    }
                    prop_assert_eq!(seen.len(), expected.len());
                }
            }
            Ok(())
        })
        .unwrap();
}
