//! Repositories that the tests make, and what is asked of them.

use std::{
    fs,
    path::{Path, PathBuf},
};

use domain::kernel::Source;

use crate::bench::Bench;

/// A repository with a working tree.
pub(crate) struct Repository<'a> {
    bench: &'a Bench,
    pub(crate) path: PathBuf,
}

impl<'a> Repository<'a> {
    /// One with a first commit, whose attributes would change its archive, at two tags: `v1`, and
    /// `v1-signed`, which is an object of its own.
    pub(crate) fn new(bench: &'a Bench, path: &Path) -> Self {
        let made = Self { bench, path: path.to_path_buf() };
        fs::create_dir_all(path).unwrap();
        made.git(&["init", "--quiet", "--initial-branch=main"]);
        for (name, text) in [
            (
                ".gitattributes",
                "secret.txt export-ignore\nversion.txt export-subst\n*.dos text eol=crlf\nid.txt ident\n",
            ),
            ("secret.txt", "stays\n"),
            ("version.txt", "$Format:%H$\n"),
            ("lines.dos", "one\ntwo\n"),
            ("id.txt", "$Id$\n"),
            ("Makefile", "VERSION = 1\n"),
        ] {
            fs::write(path.join(name), text).unwrap();
        }
        made.commit("first");
        made.git(&["tag", "v1"]);
        made.git(&["tag", "-a", "-m", "one", "v1-signed"]);
        made
    }

    pub(crate) fn git(&self, arguments: &[&str]) -> String {
        let path = self.path.to_str().unwrap();
        let before = ["-C", path, "-c", "user.name=Ann", "-c", "user.email=ann@example.org"];
        self.bench.run("git", &[&before, arguments].concat()).trim().to_owned()
    }

    /// Commits everything and gives the commit.
    pub(crate) fn commit(&self, message: &str) -> String {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", message]);
        self.git(&["rev-parse", "HEAD"])
    }

    pub(crate) fn url(&self) -> &str {
        self.path.to_str().unwrap()
    }
}

pub(crate) fn source(
    url: &str,
    reference: &str,
    commit: Option<&str>,
    key: Option<&str>,
) -> Source {
    Source::Git {
        url: url.to_owned(),
        reference: reference.to_owned(),
        commit: commit.map(ToOwned::to_owned),
        key: key.map(ToOwned::to_owned),
    }
}

/// Reads one file of a tar.
pub(crate) fn in_tar(bench: &Bench, tar: &[u8], name: &str) -> String {
    let path = bench.folder().join("read.tar");
    fs::write(&path, tar).unwrap();
    bench.run("tar", &["-xOf", path.to_str().unwrap(), name])
}
