//! A source unpacked, for what reads its files: by a sandbox, which refuses what would leave its folder
//! or never end.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use domain::kernel::Source;
use sandbox::{Conditions, Sandbox};

use super::{Asking, FetchedContent, SourceError, fetch, io_error};
use crate::{Builder, error::BuildError};

/// How long unpacking may take.
const LIMIT: Duration = Duration::from_secs(600);
/// Where the sandbox writes the files.
const TREE: &str = "/tree";

/// The files of a source, which everybody may read; removed when dropped.
#[derive(Debug)]
pub struct UnpackedSource {
    folder: tempfile::TempDir,
    /// Where they came from in a few words, with the version that was found.
    pub origin: String,
    /// The commit, where they come from a repository.
    pub commit: Option<String>,
}

impl UnpackedSource {
    /// The folder of the files.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.folder.path().join("tree")
    }
}

impl Builder {
    /// Fetches a source that is an archive or a commit, and unpacks it. Every line that says how far it
    /// is goes to `log`; `stop` is asked ten times a second.
    ///
    /// # Errors
    /// [`BuildError::Source`] with what is wrong and what to do; [`BuildError::Sandbox`] where the
    /// archive is refused.
    pub fn unpack_source(
        &self,
        source: &Source,
        log: &dyn Fn(&str),
        stop: &dyn Fn() -> bool,
    ) -> Result<UnpackedSource, BuildError> {
        let fetched = fetch(self, source, log, stop)?;
        let FetchedContent::Archive { name, blob } = &fetched.content else {
            let fault = "packages of kernels cannot be unpacked for this".to_owned();
            return Err(SourceError::Definition(fault).into());
        };
        let folder = Asking { builder: self, log, stop }.work_folder()?;
        let tree = folder.path().join("tree");
        open_to_all(folder.path(), &tree)?;
        let sandbox = Sandbox {
            script: &format!("exec python3 /in/unpack-files.py /in/archive {TREE}"),
            inputs: vec![("archive".to_owned(), self.blob_path(&blob.sha256))],
            files: vec![
                ("unpack.py".to_owned(), crate::kernels::UNPACK.into()),
                (
                    "unpack-files.py".to_owned(),
                    include_bytes!("../../assets/unpack-files.py").to_vec(),
                ),
            ],
            environment: Vec::new(),
            limit: LIMIT,
        };
        let conditions =
            Conditions { writable: vec![(TREE, tree.clone())], ..Conditions::of_source() };
        let range = sandbox::wait_for_range(&|_| false, stop)?;
        let mut line = |text: &str| log(&format!("{name}: {text}"));
        let work = &self.config.work_dir;
        sandbox.run_in(&range, &conditions, &self.spawner, work, &mut line, stop)?;
        sandbox::give_to_all(&self.spawner, &range, &tree);
        Ok(UnpackedSource { folder, origin: fetched.origin, commit: fetched.commit })
    }
}

/// Makes the folder into which the sandbox writes; others pass through to it and see nothing else.
fn open_to_all(folder: &Path, tree: &Path) -> Result<(), BuildError> {
    let mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode));
    mode(folder, 0o711)
        .and_then(|()| fs::create_dir(tree))
        .and_then(|()| mode(tree, 0o777))
        .map_err(io_error("make a folder in", folder))
}
