//! Sources from Git repositories: one commit, packed as a tar that is a function of that commit.
//!
//! The host's `git` fetches, shut in by a configuration of ours ([`command`]): it reads nobody
//! else's, runs no hooks, follows no submodules, and speaks one protocol. `https` goes out through a
//! proxy of ours ([`proxy`]), `ssh` to an address that was judged ([`ssh`]), and a folder is one below
//! the administrator's root ([`folder`]).

mod command;
mod folder;
mod proxy;
mod ssh;

use domain::time::human_size;

use self::{
    command::{Git, Way},
    proxy::Proxy,
};
use super::{Asked, Asking, FetchedContent, FetchedSource, SourceError, addresses::Guard};
use crate::error::BuildError;

/// Where a fetched reference stands in our repository.
const FETCHED: &str = "refs/wanted/it";

/// What git says where the server gives only what a branch or tag stands at (fetch-pack.c).
const UNADVERTISED: &str = "unadvertised object";
/// What git says where the server has no such commit (upload-pack.c).
const UNKNOWN: &str = "not our ref";

/// What was asked for.
pub(super) struct Wanted<'a> {
    pub(super) url: &'a str,
    /// A tag, or a commit.
    pub(super) reference: &'a str,
    /// What the tag stood for when it was first fetched.
    pub(super) commit: Option<&'a str>,
    /// Name of the key for `ssh`.
    pub(super) key: Option<&'a str>,
}

impl<'a> Wanted<'a> {
    /// The commit, where no repository has to be asked for it.
    fn known_commit(&self) -> Result<Option<&'a str>, SourceError> {
        match (is_commit(self.reference), self.commit) {
            (true, Some(commit)) if commit != self.reference => {
                Err(SourceError::Definition(format!(
                    "the reference is the commit {}, and the definition pins {commit}: take one of the two out",
                    self.reference
                )))
            }
            (true, _) => Ok(Some(self.reference)),
            (false, commit) => Ok(commit),
        }
    }

    fn check_not_moved(&self, now: &str) -> Result<(), SourceError> {
        match self.commit {
            Some(before) if before != now => Err(SourceError::Moved {
                tag: self.reference.to_owned(),
                url: self.url.to_owned(),
                before: before.to_owned(),
                now: now.to_owned(),
            }),
            Some(_) | None => Ok(()),
        }
    }

    fn origin(&self, commit: &str) -> String {
        if self.reference == commit {
            format!("{} at {commit}", self.url)
        } else {
            format!("{} at {} ({commit})", self.url, self.reference)
        }
    }

    fn missing(&self, what: String, remedy: &'static str) -> BuildError {
        SourceError::NoReference { url: self.url.to_owned(), what, remedy }.into()
    }
}

/// Whether this is a whole commit id.
fn is_commit(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

pub(super) fn fetch(asking: &Asking<'_>, wanted: &Wanted<'_>) -> Result<FetchedSource, BuildError> {
    // Rules of definitions, kept here as well: what begins with a dash would be an option.
    if wanted.reference.starts_with('-') || wanted.url.starts_with('-') {
        let fault = "a repository or reference does not begin with a dash".to_owned();
        return Err(SourceError::Definition(fault).into());
    }
    if let Some(commit) = wanted.known_commit()?
        && let Some(found) = known(asking, wanted, commit)?
    {
        return Ok(found);
    }
    let rules = &asking.builder.config.sources;
    let guard = Guard::new(&rules.networks);
    if wanted.url.starts_with("https://") {
        let proxy = Proxy::start(guard)?;
        let git = Git::new(asking, wanted.url, Way::Https { proxy: &proxy })?;
        // What the proxy refused says more than what git makes of it.
        take(asking, wanted, &git)
            .map_err(|error| proxy.refused().map_or(error, BuildError::Source))
    } else if let Some(location) = wanted.url.strip_prefix("ssh://") {
        let access = ssh::Access::find(&guard, rules, location, wanted.key.unwrap_or_default())?;
        let git = Git::new(asking, wanted.url, Way::Ssh { access: &access })?;
        take(asking, wanted, &git).map_err(|error| access.explain(error))
    } else if wanted.url.starts_with('/') {
        let folder = folder::below(rules.root.as_deref(), wanted.url)?;
        let git = Git::new(asking, wanted.url, Way::Folder { path: &folder })?;
        take(asking, wanted, &git)
    } else {
        let fault = "a repository is https://…, ssh://user@host/path, or a folder on this server"
            .to_owned();
        Err(SourceError::Definition(fault).into())
    }
}

/// What was packed of that commit before.
fn known(
    asking: &Asking<'_>,
    wanted: &Wanted<'_>,
    commit: &str,
) -> Result<Option<FetchedSource>, BuildError> {
    let Some(blob) = asking.known(&Asked::Commit { url: wanted.url, commit })? else {
        return Ok(None);
    };
    asking.say(&format!("the commit {commit} is here"));
    Ok(Some(fetched(wanted, commit, blob)))
}

fn fetched(wanted: &Wanted<'_>, commit: &str, blob: domain::blob::BlobRef) -> FetchedSource {
    FetchedSource {
        origin: wanted.origin(commit),
        sha256: blob.sha256,
        commit: Some(commit.to_owned()),
        content: FetchedContent::archive(&format!("{}.tar", &commit[..12]), blob),
    }
}

fn take(
    asking: &Asking<'_>,
    wanted: &Wanted<'_>,
    git: &Git<'_>,
) -> Result<FetchedSource, BuildError> {
    let commit = if is_commit(wanted.reference) {
        fetch_commit(asking, wanted, git)?
    } else {
        let tag = format!("refs/tags/{}", wanted.reference);
        let Some(now) = git.remote_commit(&tag)? else {
            return Err(wanted.missing(
                format!("tag {}", wanted.reference),
                "name a tag or a commit that it has; a branch is not taken, since it moves",
            ));
        };
        wanted.check_not_moved(&now)?;
        if let Some(found) = known(asking, wanted, &now)? {
            return Ok(found);
        }
        asking.say(&format!("fetching {} of {}, the commit {now}", wanted.reference, wanted.url));
        git.fetch(true, &[&format!("+{tag}:{FETCHED}")])?;
        let Some(commit) = git.commit(FETCHED)? else {
            return Err(wanted
                .missing(format!("commit at the tag {}", wanted.reference), "name another tag"));
        };
        // Between the two questions it may have moved.
        wanted.check_not_moved(&commit)?;
        commit
    };
    let blob = git.archive(&commit)?;
    asking.remember(&Asked::Commit { url: wanted.url, commit: &commit }, "source.tar", blob)?;
    asking.say(&format!("packed the commit {commit}: {}", human_size(blob.size)));
    Ok(fetched(wanted, &commit, blob))
}

/// A server may give a commit only where a branch or tag leads to it: then all of them are fetched.
fn fetch_commit(
    asking: &Asking<'_>,
    wanted: &Wanted<'_>,
    git: &Git<'_>,
) -> Result<String, BuildError> {
    let commit = wanted.reference;
    asking.say(&format!("fetching the commit {commit} of {}", wanted.url));
    let alone = git.fetch(true, &[&format!("+{commit}:{FETCHED}")]);
    let place = match alone {
        Ok(()) => FETCHED,
        Err(BuildError::Source(SourceError::Git { why, .. })) if why.contains(UNADVERTISED) => {
            asking.say("the server does not give a single commit: fetching its branches and tags");
            git.fetch(
                false,
                &["+refs/heads/*:refs/wanted/heads/*", "+refs/tags/*:refs/wanted/tags/*"],
            )?;
            commit
        }
        Err(BuildError::Source(SourceError::Git { why, .. })) if why.contains(UNKNOWN) => FETCHED,
        Err(other) => return Err(other),
    };
    match git.commit(place)? {
        Some(found) if found == commit => Ok(found),
        Some(_) => Err(wanted.missing(
            format!("commit {commit}, which is a tag's own id"),
            "name the tag, or the commit that it stands for",
        )),
        None => Err(wanted.missing(
            format!("commit {commit}"),
            "name a commit that one of its branches or tags leads to",
        )),
    }
}
