//! Repositories on this host's disk, and everything that is the same however one is reached.

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::Path,
};

use crate::{
    bench::Bench,
    repository::{Repository, in_tar, source},
};

#[test]
fn the_archive_is_a_function_of_the_commit_alone() {
    let bench = Bench::new(&[]);
    let repository = Repository::new(&bench, &bench.root().join("linux"));
    let commit = repository.git(&["rev-parse", "HEAD"]);
    let fetched = bench.fetch(&source(repository.url(), "v1", None, None)).unwrap();
    assert_eq!(fetched.commit.as_deref(), Some(commit.as_str()));
    assert!(fetched.origin.contains("v1") && fetched.origin.contains(&commit));
    let tar = bench.archive(&fetched);
    for (name, text) in [
        ("source/secret.txt", "stays\n"),
        ("source/version.txt", "$Format:%H$\n"),
        ("source/lines.dos", "one\ntwo\n"),
        ("source/id.txt", "$Id$\n"),
    ] {
        assert_eq!(in_tar(&bench, &tar, name), text, "{name}");
    }
    // Without our attributes git makes another archive of it: the comparison can fail.
    let plain = bench.folder().join("plain.tar");
    repository.git(&["archive", "--prefix=source/", "-o", plain.to_str().unwrap(), "v1"]);
    assert_ne!(fs::read(plain).unwrap(), tar);

    // A clone elsewhere, by another builder, from an annotated tag or by the commit.
    let other = Bench::new(&[]);
    let clone = other.root().join("clone.git");
    bench.run("git", &["clone", "--quiet", "--bare", repository.url(), clone.to_str().unwrap()]);
    let reference = other.fetch(&source(clone.to_str().unwrap(), "v1-signed", None, None)).unwrap();
    assert_eq!((reference.sha256, reference.commit), (fetched.sha256, fetched.commit.clone()));
    let third = Bench::new(&[]);
    let clone = third.root().join("clone.git");
    bench.run("git", &["clone", "--quiet", "--bare", repository.url(), clone.to_str().unwrap()]);
    let by_commit = third.fetch(&source(clone.to_str().unwrap(), &commit, None, None)).unwrap();
    assert_eq!((by_commit.sha256, by_commit.commit), (fetched.sha256, fetched.commit));
}

#[test]
fn what_was_fetched_outlives_its_repository() {
    let bench = Bench::new(&[]);
    let repository = Repository::new(&bench, &bench.root().join("linux"));
    let fetched = bench.fetch(&source(repository.url(), "v1", None, None)).unwrap();
    let kept = bench.kept();
    // The same commit by another name needs a question and no archive.
    bench.fetch(&source(repository.url(), "v1-signed", None, None)).unwrap();
    assert_eq!(bench.kept(), kept);
    fs::remove_dir_all(&repository.path).unwrap();
    let commit = fetched.commit.clone().unwrap();
    let pinned = source(repository.url(), "v1", Some(&commit), None);
    assert_eq!(bench.fetch(&pinned).unwrap(), fetched);
    assert_eq!(
        bench.fetch(&source(repository.url(), &commit, None, None)).unwrap().sha256,
        fetched.sha256
    );
    // Without the commit somebody has to be asked what the tag stands for.
    assert!(bench.refusal(&source(repository.url(), "v1", None, None)).contains("cannot be read"));
}

#[test]
fn a_tag_that_moved_is_told_with_both_commits() {
    let bench = Bench::new(&[]);
    let repository = Repository::new(&bench, &bench.root().join("linux"));
    let before = repository.git(&["rev-parse", "HEAD"]);
    fs::write(repository.path.join("Makefile"), "VERSION = 2\n").unwrap();
    let now = repository.commit("second");
    repository.git(&["tag", "--force", "v1"]);
    let text = bench.refusal(&source(repository.url(), "v1", Some(&before), None));
    assert!(text.contains(&format!("moved from {before} to {now}")), "{text}");
    // The way out that the message names.
    let fetched = bench.fetch(&source(repository.url(), &before, None, None)).unwrap();
    assert_eq!(in_tar(&bench, &bench.archive(&fetched), "source/Makefile"), "VERSION = 1\n");
}

#[test]
fn references_that_are_none_are_refused() {
    let bench = Bench::new(&[]);
    let repository = Repository::new(&bench, &bench.root().join("linux"));
    let refusal = |url: &str, reference: &str| bench.refusal(&source(url, reference, None, None));
    let marker = bench.folder().join("ran");
    let upload_pack = format!("--upload-pack=touch {}", marker.display());
    assert!(refusal(repository.url(), &upload_pack).contains("dash"));
    assert!(refusal(&upload_pack, "v1").contains("dash"));
    let command = format!("ext::sh -c touch% {}", marker.display());
    for url in [command.as_str(), "git://127.0.0.1/x", "http://127.0.0.1/x", "file:///etc"] {
        assert!(refusal(url, "v1").contains("https://"), "{url}");
    }
    assert!(!marker.exists());
    assert!(refusal(repository.url(), "v2").contains("no tag v2"));
    assert!(refusal(repository.url(), "main").contains("a branch is not taken"));
    assert!(refusal(repository.url(), &"ab".repeat(20)).contains("no commit abab"));
    let tree = repository.git(&["rev-parse", "HEAD^{tree}"]);
    repository.git(&["tag", "tree", &tree]);
    assert!(refusal(repository.url(), "tree").contains("no commit at the tag tree"));
    let object = repository.git(&["rev-parse", "v1-signed"]);
    assert!(refusal(repository.url(), &object).contains("a tag's own id"));
    let other = source(repository.url(), &object, Some(&tree), None);
    assert!(bench.refusal(&other).contains("take one of the two out"));
}

/// A program that leaves a mark where it runs.
fn marking(bench: &Bench) -> (String, std::path::PathBuf) {
    let (program, mark) = (bench.folder().join("program"), bench.folder().join("mark"));
    fs::write(&program, format!("#!/bin/sh\ntouch {}\n", mark.display())).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    (program.to_str().unwrap().to_owned(), mark)
}

#[test]
fn a_repository_runs_no_program_here() {
    let bench = Bench::new(&[]);
    let repository = Repository::new(&bench, &bench.root().join("linux"));
    let (program, mark) = marking(&bench);
    for name in [
        "uploadpack.packObjectsHook",
        "core.fsmonitor",
        "core.sshCommand",
        "core.pager",
        "core.askPass",
        "core.alternateRefsCommand",
        "core.gitProxy",
        "diff.external",
        "filter.run.smudge",
        "filter.run.clean",
        "tar.tar.command",
        "credential.helper",
        "gpg.program",
    ] {
        repository.git(&["config", name, &program]);
    }
    repository.git(&["config", "core.hooksPath", "hooks"]);
    fs::create_dir_all(repository.path.join("hooks")).unwrap();
    for hook in
        ["post-checkout", "post-merge", "pre-auto-gc", "reference-transaction", "post-index-change"]
    {
        for folder in ["hooks", ".git/hooks"] {
            let hook = repository.path.join(folder).join(hook);
            fs::copy(&program, hook).unwrap();
        }
    }
    let attributes = repository.path.join(".gitattributes");
    fs::write(attributes, "* filter=run\n").unwrap();
    // They are in force for who works in the repository: the mark can be made.
    repository.git(&["status"]);
    assert!(mark.exists());
    repository.commit("hostile");
    repository.git(&["tag", "v2"]);
    fs::remove_file(&mark).unwrap();

    let fetched = bench.fetch(&source(repository.url(), "v2", None, None)).unwrap();
    // The filter made it empty when it was committed; that is what the commit has.
    assert_eq!(in_tar(&bench, &bench.archive(&fetched), "source/secret.txt"), "");
    assert!(!mark.exists(), "a program of the repository ran");
}

#[test]
fn submodules_are_not_followed() {
    let bench = Bench::new(&[]);
    let inner = Repository::new(&bench, &bench.root().join("inner"));
    let outer = Repository::new(&bench, &bench.root().join("outer"));
    outer.git(&[
        "-c",
        "protocol.file.allow=always",
        "submodule",
        "--quiet",
        "add",
        inner.url(),
        "inner",
    ]);
    outer.commit("with a submodule");
    outer.git(&["tag", "v2"]);
    let fetched = bench.fetch(&source(outer.url(), "v2", None, None)).unwrap();
    let path = bench.folder().join("outer.tar");
    fs::write(&path, bench.archive(&fetched)).unwrap();
    let names = bench.run("tar", &["-tf", path.to_str().unwrap()]);
    assert!(
        names.contains("source/inner/\n") && !names.contains("source/inner/Makefile"),
        "{names}"
    );
}

#[test]
fn nothing_outside_of_the_root_is_read() {
    let bench = Bench::new(&[]);
    let outer = Repository::new(&bench, &bench.folder().join("outer"));
    symlink(&outer.path, bench.root().join("link")).unwrap();
    let dotted = bench.root().join("../outer");
    for path in [&outer.path, &bench.root().join("link"), &dotted, Path::new("/etc")] {
        let text = bench.refusal(&source(path.to_str().unwrap(), "v1", None, None));
        assert!(text.contains("outside of") && text.contains("--source-root"), "{text}");
    }
    // A clone that borrows its objects from outside.
    let clone = bench.root().join("shared.git");
    bench.run(
        "git",
        &["clone", "--quiet", "--bare", "--shared", outer.url(), clone.to_str().unwrap()],
    );
    let text = bench.refusal(&source(clone.to_str().unwrap(), "v1", None, None));
    assert!(text.contains("has objects outside of"), "{text}");
}
