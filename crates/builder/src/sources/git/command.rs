//! The host's `git`, shut in: a bare repository and a configuration of ours, for one source alone.

use std::{
    fs,
    io::{self, Read as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    process::ChildStdout,
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use domain::{blob::BlobRef, time::human_size};
use process::{Invocation, Running};
use sandbox::{SandboxError, follow};

use super::{is_commit, proxy::Proxy, ssh};
use crate::{
    error::BuildError,
    sources::{
        Asking, SourceError,
        archive::{LARGEST, kept},
        io_error,
    },
};

/// How long a fetch may take.
const LIMIT: Duration = Duration::from_secs(2 * 3600);
/// How long a question may take.
const QUESTION: Duration = Duration::from_secs(120);
/// How often git's progress becomes a line of the log.
const SAYS: Duration = Duration::from_secs(5);

/// What git does to the files of a commit because the tree says so (gitattributes(5)): switched off
/// for every file, so that the archive has the bytes of the commit. This file beats those in the tree.
const ATTRIBUTES: &str =
    "* -export-ignore -export-subst -text -ident -filter !eol !working-tree-encoding\n";

/// How a repository is reached.
#[derive(Clone, Copy)]
pub(super) enum Way<'a> {
    /// Through our proxy.
    Https { proxy: &'a Proxy },
    /// With a key, to a judged address.
    Ssh { access: &'a ssh::Access },
    /// On this host.
    Folder { path: &'a Path },
}

/// Git with a bare repository of its own; removed when dropped.
pub(super) struct Git<'a> {
    asking: &'a Asking<'a>,
    /// As the definition names it.
    url: &'a str,
    /// What git is told to fetch from.
    remote: String,
    protocol: &'static str,
    folder: tempfile::TempDir,
}

impl<'a> Git<'a> {
    pub(super) fn new(
        asking: &'a Asking<'a>,
        url: &'a str,
        way: Way<'_>,
    ) -> Result<Self, BuildError> {
        let folder = asking.work_folder()?;
        let (protocol, remote, configuration) = match way {
            Way::Https { proxy } => {
                let rules = &asking.builder.config.sources;
                ("https", url.to_owned(), of_https(proxy, &rules.authorities))
            }
            Way::Ssh { access } => {
                let place = folder.path().join("ssh");
                write_private(&place, &access.configuration()?)?;
                ("ssh", url.to_owned(), String::new())
            }
            Way::Folder { path } => ("file", path.display().to_string(), String::new()),
        };
        let home = folder.path().join("home");
        fs::create_dir(&home).map_err(io_error("make", &home))?;
        let git = Self { asking, url, remote, protocol, folder };
        let configuration = format!("{}{configuration}", common(protocol));
        write_private(&git.folder.path().join("gitconfig"), &configuration)?;
        git.run(&["init", "--quiet", "--bare", "--template="], None, QUESTION)?;
        let info = git.repository().join("info");
        fs::create_dir_all(&info)
            .and_then(|()| fs::write(info.join("attributes"), ATTRIBUTES))
            .map_err(io_error("write attributes in", &info))?;
        Ok(git)
    }

    /// The commit that a tag of the repository stands for now.
    pub(super) fn remote_commit(&self, tag: &str) -> Result<Option<String>, BuildError> {
        let peeled = format!("{tag}^{{}}");
        let lines = self.run(&["ls-remote", "--", &self.remote, tag, &peeled], None, QUESTION)?;
        let of = |name: &str| {
            lines.iter().find_map(|line| {
                let (commit, found) = line.split_once('\t')?;
                (found == name && is_commit(commit)).then(|| commit.to_owned())
            })
        };
        Ok(of(&peeled).or_else(|| of(tag)))
    }

    /// Fetches into the repository; `shallow` fetches no history.
    pub(super) fn fetch(&self, shallow: bool, references: &[&str]) -> Result<(), BuildError> {
        let mut arguments = vec!["fetch", "--progress", "--no-tags", "--no-recurse-submodules"];
        if shallow {
            arguments.push("--depth=1");
        }
        arguments.extend(["--", &self.remote]);
        arguments.extend(references);
        self.run(&arguments, Some(self.asking), LIMIT).map(drop)
    }

    /// The commit of a name in the repository.
    pub(super) fn commit(&self, name: &str) -> Result<Option<String>, BuildError> {
        let commit = format!("{name}^{{commit}}");
        let question = ["rev-parse", "--verify", "--quiet", "--end-of-options", &commit];
        match self.run(&question, None, QUESTION) {
            Ok(lines) => Ok(lines.into_iter().find(|line| is_commit(line))),
            Err(BuildError::Source(SourceError::Git { .. })) => Ok(None),
            Err(other) => Err(other),
        }
    }

    /// The tree of a commit as a tar, below a folder `source`.
    pub(super) fn archive(&self, commit: &str) -> Result<BlobRef, BuildError> {
        let arguments = ["archive", "--format=tar", "--prefix=source/", commit];
        let mut running = self
            .asking
            .builder
            .spawner
            .spawn(&self.invocation(&arguments))
            .map_err(SandboxError::from)?;
        let fault = || io::Error::other("git has no output");
        let stdout = running.child.stdout.take().ok_or_else(fault);
        let stderr = running.child.stderr.take().ok_or_else(fault);
        let (stdout, mut stderr) = stdout
            .and_then(|stdout| Ok((stdout, stderr?)))
            .map_err(io_error("read the output of", Path::new("git")))?;
        let said = thread::spawn(move || {
            let mut text = String::new();
            // What was read before an error is still worth showing.
            let _ = stderr.read_to_string(&mut text);
            text
        });
        let packed = Packed {
            asking: self.asking,
            url: self.url,
            running,
            stdout,
            said: Some(said),
            received: 0,
        };
        kept(self.asking, self.asking.builder.cache.blobs.put(packed))
    }

    fn repository(&self) -> PathBuf {
        self.folder.path().join("repository")
    }

    /// Runs git to its end and gives its lines; those of its progress go to the log of `tell`.
    fn run(
        &self,
        arguments: &[&str],
        tell: Option<&Asking<'_>>,
        limit: Duration,
    ) -> Result<Vec<String>, BuildError> {
        self.asking.go_on()?;
        let mut running = self
            .asking
            .builder
            .spawner
            .spawn(&self.invocation(arguments))
            .map_err(SandboxError::from)?;
        let (mut lines, mut said) = (Vec::new(), Instant::now());
        let mut keep = |line: &str| {
            let line = line.trim_end();
            // `Receiving objects:  42% (…)`, many times a second.
            let passing = line.contains('%') && !line.contains("100%");
            if !passing {
                lines.push(line.to_owned());
            }
            if let Some(asking) = tell
                && (!passing || said.elapsed() >= SAYS)
            {
                said = Instant::now();
                asking.say(line);
            }
        };
        let ended = follow(&mut running, limit, Duration::ZERO, &mut keep, self.asking.stop);
        running.kill();
        match ended {
            Ok(()) => Ok(lines),
            Err(SandboxError::Cancelled) => Err(BuildError::Cancelled),
            Err(SandboxError::Failed { status, .. }) => {
                Err(self.fault(what_it_said(&lines, &status)))
            }
            Err(SandboxError::TimedOut(limit)) => {
                Err(self.fault(format!("it did not end within {} s", limit.as_secs())))
            }
            Err(other) => Err(other.into()),
        }
    }

    fn fault(&self, why: String) -> BuildError {
        SourceError::Git { url: self.url.to_owned(), why }.into()
    }

    /// Git as a program that reads no configuration but ours, asks nobody, and writes no file that is
    /// larger than a source may be. What is secret stands in the file, since everybody can read the
    /// arguments of a process.
    fn invocation(&self, arguments: &[&str]) -> Invocation {
        let folder = self.folder.path();
        let ssh = format!("ssh -F '{}'", folder.join("ssh").display());
        let mut invocation = Invocation::new("prlimit")
            .arg(format!("--fsize={LARGEST}"))
            .args(["--core=0", "git"])
            .arg(format!("--git-dir={}", self.repository().display()))
            .args(arguments)
            .env("HOME", folder.join("home"))
            .env("XDG_CONFIG_HOME", folder.join("home"))
            .env("GIT_CONFIG_GLOBAL", folder.join("gitconfig"))
            .env("GIT_ALLOW_PROTOCOL", self.protocol)
            .env("GIT_SSH_COMMAND", ssh);
        for (name, value) in [
            ("GIT_CONFIG_NOSYSTEM", "1"),
            ("GIT_ATTR_NOSYSTEM", "1"),
            ("GIT_TERMINAL_PROMPT", "0"),
            ("GIT_ASKPASS", "true"),
            ("GIT_SSH_VARIANT", "ssh"),
            ("GIT_PROTOCOL_FROM_USER", "0"),
            ("GIT_NO_LAZY_FETCH", "1"),
            ("GIT_NO_REPLACE_OBJECTS", "1"),
            ("GIT_ADVICE", "0"),
        ] {
            invocation = invocation.env(name, value);
        }
        invocation
    }
}

/// The configuration of every fetch (git-config(1)).
fn common(protocol: &str) -> String {
    format!(
        "[core]\n\thooksPath = /dev/null\n\tfsmonitor = false\n\tattributesFile = /dev/null\n\
         [init]\n\tdefaultBranch = none\n\
         [credential]\n\thelper =\n\
         [protocol]\n\tallow = never\n[protocol \"{protocol}\"]\n\tallow = always\n\
         [transfer]\n\tfsckObjects = true\n\tunpackLimit = 1\n\
         [fetch]\n\trecurseSubmodules = false\n\
         [gc]\n\tauto = 0\n[maintenance]\n\tauto = false\n\
         [tar]\n\tumask = 0022\n\
         [safe]\n\tdirectory = *\n"
    )
}

/// What `https` needs: our proxy, and the authorities that this host believes. A server may send on
/// the first question only, and through the proxy wherever that leads.
fn of_https(proxy: &Proxy, authorities: &Path) -> String {
    let authorities = authorities.display().to_string().replace('\\', "\\\\").replace('"', "\\\"");
    format!(
        "[http]\n\tproxy = {}\n\tproxyAuthMethod = basic\n\tsslVerify = true\n\
         \tsslCAInfo = \"{authorities}\"\n\tfollowRedirects = initial\n\
         \tlowSpeedLimit = 1000\n\tlowSpeedTime = 60\n",
        proxy.url()
    )
}

fn write_private(path: &Path, text: &str) -> Result<(), BuildError> {
    fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| io::Write::write_all(&mut file, text.as_bytes()))
        .map_err(io_error("write", path))
}

/// The lines of a failed git that say why; they may be the other side's.
fn what_it_said(lines: &[String], status: &str) -> String {
    const MOST: usize = 4;
    let telling = |line: &&String| {
        !line.starts_with("Please make sure you have the correct access rights")
            && !line.starts_with("and the repository exists")
            && !line.trim().is_empty()
    };
    let mut last: Vec<&str> =
        lines.iter().filter(telling).rev().take(MOST).map(String::as_str).collect();
    last.reverse();
    if last.is_empty() { format!("it ended with {status}") } else { last.join(" | ") }
}

/// The tar that git writes; its end is one only where git ended well.
struct Packed<'a> {
    asking: &'a Asking<'a>,
    url: &'a str,
    running: Running,
    stdout: ChildStdout,
    said: Option<JoinHandle<String>>,
    received: u64,
}

impl io::Read for Packed<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if (self.asking.stop)() {
            return Err(io::Error::other("stopped"));
        }
        let read = self.stdout.read(buffer)?;
        self.received += read as u64;
        if self.received > LARGEST {
            let (what, limit) = (format!("the tree of {}", self.url), human_size(LARGEST));
            return Err(io::Error::other(SourceError::TooLarge { what, limit }));
        }
        if read > 0 {
            return Ok(read);
        }
        let status = self.running.wait().map_err(io::Error::other)?;
        if status.success() {
            return Ok(0);
        }
        let said = self.said.take().and_then(|it| it.join().ok()).unwrap_or_default();
        let lines: Vec<String> = said.lines().map(ToOwned::to_owned).collect();
        let why = what_it_said(&lines, &status.to_string());
        Err(io::Error::other(SourceError::Git { url: self.url.to_owned(), why }))
    }
}
