//! Becoming an ordinary user: nothing of a recipe runs as root of the host.
//!
//! Started as root, every subcommand becomes the system user before it opens a store or reads a byte of
//! anybody; the sockets of a server are bound before, since low ports are root's, and answer afterwards.
//! The data folder is made for that user, or taken over where it is empty; a folder that the user
//! cannot reach is refused with the parent that shuts it out. This must happen before any thread
//! is started: it is the first thing that `main` does.

use std::{
    fs,
    os::unix::fs::{DirBuilderExt, MetadataExt},
    path::{Path, PathBuf},
};

use nix::unistd::{self, Uid, User};
use thiserror::Error;

/// The program cannot become the system user, or that user cannot use the data folder.
#[derive(Debug, Error)]
pub enum PrivilegeError {
    /// There is no such user.
    #[error(
        "started as root, but there is no system user \"{0}\": run setup/40-system-user.sh, or name another with --user"
    )]
    NoUser(String),
    /// The user is root under another name.
    #[error("--user \"{0}\" is root: name a system user without privileges")]
    UserIsRoot(String),
    /// A folder above the data folder shuts the user out.
    #[error(
        "user \"{user}\" cannot reach {data_dir}: {parent} is not open to it; choose a --data-dir elsewhere, or run: chmod o+x {parent}"
    )]
    Unreachable {
        /// The system user.
        user: String,
        /// The data folder.
        data_dir: PathBuf,
        /// The folder that shuts it out.
        parent: PathBuf,
    },
    /// The data folder holds somebody else's files.
    #[error(
        "{data_dir} is not empty and belongs to user id {owner}, not to \"{user}\": choose another --data-dir, or run: chown -R {user} {data_dir}"
    )]
    ForeignFolder {
        /// The data folder.
        data_dir: PathBuf,
        /// Whose it is.
        owner: u32,
        /// The system user.
        user: String,
    },
    /// An operation on a folder failed.
    #[error("cannot {what} {path}: {source}")]
    Folder {
        /// What was tried.
        what: &'static str,
        /// On what.
        path: PathBuf,
        /// Why it failed.
        source: std::io::Error,
    },
    /// The kernel refused the change of user.
    #[error("cannot become user \"{user}\": {source}")]
    Refused {
        /// The system user.
        user: String,
        /// Why.
        source: nix::Error,
    },
}

/// Makes sure that the data folder exists and belongs to whom the program runs as, becoming
/// `user` first where root started it.
///
/// # Errors
/// [`PrivilegeError`], each with what to do.
pub fn settle(user: &str, data_dir: &Path) -> Result<(), PrivilegeError> {
    let account = if Uid::effective().is_root() { Some(account(user)?) } else { None };
    let made = make_folder(data_dir)?;
    if let Some(account) = account {
        hand_over(&account, data_dir, &made)?;
        become_user(&account)?;
        check_reachable(&account.name, data_dir)?;
    }
    Ok(())
}

/// Becomes `user` where root started the program, for commands without a data folder.
///
/// # Errors
/// [`PrivilegeError::NoUser`] and [`PrivilegeError::Refused`].
pub fn drop_root(user: &str) -> Result<(), PrivilegeError> {
    if Uid::effective().is_root() { become_user(&account(user)?) } else { Ok(()) }
}

fn account(user: &str) -> Result<User, PrivilegeError> {
    let account =
        User::from_name(user).ok().flatten().ok_or(PrivilegeError::NoUser(user.to_owned()))?;
    if account.uid.is_root() {
        Err(PrivilegeError::UserIsRoot(user.to_owned()))
    } else {
        Ok(account)
    }
}

/// Makes the folder and those above it; gives those that were not there.
fn make_folder(data_dir: &Path) -> Result<Vec<PathBuf>, PrivilegeError> {
    let missing: Vec<PathBuf> = data_dir
        .ancestors()
        .take_while(|folder| !folder.as_os_str().is_empty() && !folder.exists())
        .map(Path::to_path_buf)
        .collect();
    fs::DirBuilder::new().recursive(true).mode(0o755).create(data_dir).map_err(|source| {
        PrivilegeError::Folder { what: "create", path: data_dir.to_path_buf(), source }
    })?;
    Ok(missing)
}

fn hand_over(account: &User, data_dir: &Path, made: &[PathBuf]) -> Result<(), PrivilegeError> {
    let failed = |what| {
        let path = data_dir.to_path_buf();
        move |source| PrivilegeError::Folder { what, path, source }
    };
    let owner = fs::metadata(data_dir).map_err(failed("look at"))?.uid();
    let empty = fs::read_dir(data_dir).map_err(failed("read"))?.next().is_none();
    if owner == account.uid.as_raw() {
        return Ok(());
    }
    if !empty {
        return Err(PrivilegeError::ForeignFolder {
            data_dir: data_dir.to_path_buf(),
            owner,
            user: account.name.clone(),
        });
    }
    let new_owner = |path: &Path| {
        std::os::unix::fs::chown(path, Some(account.uid.as_raw()), Some(account.gid.as_raw()))
    };
    new_owner(data_dir).map_err(failed("hand over"))?;
    // A folder that we made on the way and that was made with a strict umask would shut the user out.
    made.iter().filter(|folder| folder.as_path() != data_dir).try_for_each(|folder| {
        new_owner(folder).map_err(|source| PrivilegeError::Folder {
            what: "hand over",
            path: folder.clone(),
            source,
        })
    })
}

fn become_user(account: &User) -> Result<(), PrivilegeError> {
    unistd::setgroups(&[])
        .and_then(|()| unistd::setresgid(account.gid, account.gid, account.gid))
        .and_then(|()| unistd::setresuid(account.uid, account.uid, account.uid))
        .map_err(|source| PrivilegeError::Refused { user: account.name.clone(), source })
}

/// As the user: can the folder be entered? Names the outermost parent that cannot.
fn check_reachable(user: &str, data_dir: &Path) -> Result<(), PrivilegeError> {
    if fs::read_dir(data_dir).is_ok() {
        return Ok(());
    }
    let mut parents: Vec<&Path> = data_dir.ancestors().collect();
    parents.reverse();
    let closed = parents
        .iter()
        .find(|folder| unistd::access(**folder, unistd::AccessFlags::X_OK).is_err())
        .map_or(data_dir, |folder| folder);
    Err(PrivilegeError::Unreachable {
        user: user.to_owned(),
        data_dir: data_dir.to_path_buf(),
        parent: closed.to_path_buf(),
    })
}
