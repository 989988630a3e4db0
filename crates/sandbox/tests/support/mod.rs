//! What tests of whatever runs in sandboxes share: they are the system user, and have a folder of
//! their own.
#![allow(dead_code, reason = "each test uses its part of this")]

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, sync::Once};

use nix::unistd::{Uid, User, chown, setgroups, setresgid, setresuid};

/// Becomes the system user, who gets these folders: a change of the whole process, once.
pub(crate) fn become_system_user_with(folders: &[&Path]) {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        if Uid::effective().is_root() {
            let user = User::from_name("bootwright")
                .unwrap()
                .expect("the system user bootwright is missing: run setup/run.sh test");
            for folder in folders {
                chown(*folder, Some(user.uid), Some(user.gid)).unwrap();
            }
            setgroups(&[]).unwrap();
            setresgid(user.gid, user.gid, user.gid).unwrap();
            setresuid(user.uid, user.uid, user.uid).unwrap();
        }
    });
}

/// Becomes the system user: a change of the whole process, once.
pub(crate) fn become_system_user() {
    become_system_user_with(&[]);
}

/// A folder that everybody can look into, `bootwright-<name>-…`.
pub(crate) fn folder(name: &str) -> tempfile::TempDir {
    tempfile::Builder::new()
        .prefix(&format!("bootwright-{name}-"))
        .permissions(fs::Permissions::from_mode(0o755))
        .tempdir()
        .unwrap()
}
