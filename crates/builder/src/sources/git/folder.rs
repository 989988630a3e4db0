//! Repositories on this server's disk: below the administrator's root, and nowhere else.

use std::path::{Path, PathBuf};

use crate::sources::SourceError;

/// What a repository consists of; none of it may lead out of the root by a link.
const PARTS: [&str; 6] = ["HEAD", "objects", "objects/pack", "objects/info", "refs", "packed-refs"];
/// How often the objects of a repository may be those of another (gitrepository-layout(5)).
const ALTERNATES: usize = 5;

/// The repository's own folder (`.git` of one with a working tree), with all links resolved.
///
/// # Errors
/// Where it is not below the root, or is no repository.
pub(super) fn below(root: Option<&Path>, named: &str) -> Result<PathBuf, SourceError> {
    let fault = |why: String| SourceError::Folder { path: named.to_owned(), why };
    let root = root.ok_or_else(|| {
        fault("is on this server's disk, and no folder of repositories is configured: an administrator names one with --source-root".to_owned())
    })?;
    let root = root.canonicalize().map_err(|error| {
        fault(format!("cannot be looked for, since the configured folder of repositories {} cannot be read: {error}", root.display()))
    })?;
    let outside = |what: &str| {
        fault(format!(
            "{what} outside of {}, the configured folder of repositories: put it below that, or ask an administrator to name another with --source-root",
            root.display()
        ))
    };
    let found = Path::new(named).canonicalize().map_err(|error| {
        // What lies elsewhere is not even told to be there.
        let inside = Path::new(named).starts_with(&root);
        if inside { fault(format!("cannot be read: {error}")) } else { outside("is") }
    })?;
    if !found.starts_with(&root) {
        return Err(outside("is"));
    }
    let working_tree = found.join(".git");
    let repository = if working_tree.symlink_metadata().is_ok() { working_tree } else { found };
    let is_folder = repository.symlink_metadata().is_ok_and(|it| it.is_dir());
    let leads_on = [".git", "commondir"].iter().any(|it| repository.join(it).exists());
    if !is_folder || leads_on {
        return Err(fault(
            "is a working tree that another repository belongs to: name that repository".to_owned(),
        ));
    }
    if !(repository.join("HEAD").is_file() && repository.join("objects").is_dir()) {
        return Err(fault("is no Git repository".to_owned()));
    }
    let mut holders = vec![repository.clone()];
    for _ in 0..ALTERNATES {
        let Some(holder) = holders.pop() else { return Ok(repository) };
        for part in PARTS.iter().map(|part| holder.join(part)) {
            let led = part.canonicalize();
            if led.is_ok_and(|it| !it.starts_with(&root)) {
                return Err(outside("has files"));
            }
        }
        let alternates = std::fs::read_to_string(holder.join("objects/info/alternates"));
        for line in alternates.unwrap_or_default().lines().filter(|line| !line.starts_with('#')) {
            let objects = holder.join("objects").join(line);
            match objects.canonicalize() {
                Ok(led) if !led.starts_with(&root) => return Err(outside("has objects")),
                Ok(led) => holders.extend(led.parent().map(Path::to_path_buf)),
                // Git itself goes on without it.
                Err(_) => {}
            }
        }
    }
    if holders.is_empty() {
        return Ok(repository);
    }
    Err(fault(
        "has its objects in too many other repositories: repack it with git repack -a -d"
            .to_owned(),
    ))
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use super::*;

    fn repository(path: &Path) {
        fs::create_dir_all(path.join("objects/info")).unwrap();
        fs::create_dir_all(path.join("refs")).unwrap();
        fs::write(path.join("HEAD"), "ref: refs/heads/main\n").unwrap();
    }

    fn refusal(root: &Path, path: &Path) -> String {
        below(Some(root), path.to_str().unwrap()).unwrap_err().to_string()
    }

    #[test]
    fn a_repository_below_the_root_is_found_bare_or_not() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let (bare, tree) = (root.join("bare.git"), root.join("tree"));
        repository(&bare);
        repository(&tree.join(".git"));
        assert_eq!(below(Some(&root), bare.to_str().unwrap()).unwrap(), bare);
        assert_eq!(below(Some(&root), tree.to_str().unwrap()).unwrap(), tree.join(".git"));
        assert!(refusal(&root, &root.join("none")).contains("cannot be read"));
        fs::create_dir(root.join("empty")).unwrap();
        assert!(refusal(&root, &root.join("empty")).contains("no Git repository"));
    }

    #[test]
    fn nothing_leads_out_of_the_root() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("root");
        let outer = folder.path().join("outer.git");
        repository(&outer);
        fs::create_dir(&root).unwrap();
        assert!(refusal(&root, &outer).contains("outside"));
        assert!(refusal(&root, &root.join("../outer.git")).contains("outside"));
        assert!(refusal(&root, &folder.path().join("nothing")).contains("outside"));

        symlink(&outer, root.join("link.git")).unwrap();
        assert!(refusal(&root, &root.join("link.git")).contains("outside"));

        repository(&root.join("objects.git"));
        fs::remove_dir_all(root.join("objects.git/objects")).unwrap();
        symlink(outer.join("objects"), root.join("objects.git/objects")).unwrap();
        assert!(refusal(&root, &root.join("objects.git")).contains("outside"));

        repository(&root.join("alternates.git"));
        let line = format!("{}\n", outer.join("objects").display());
        fs::write(root.join("alternates.git/objects/info/alternates"), line).unwrap();
        assert!(refusal(&root, &root.join("alternates.git")).contains("outside"));

        fs::create_dir(root.join("worktree")).unwrap();
        fs::write(root.join("worktree/.git"), format!("gitdir: {}\n", outer.display())).unwrap();
        assert!(refusal(&root, &root.join("worktree")).contains("working tree"));
        assert!(below(None, "/srv/git").unwrap_err().to_string().contains("--source-root"));
    }
}
