//! What a sandbox may take of the machine, and what it may write to besides `/out`.

use std::{path::PathBuf, time::Duration};

use process::Invocation;

/// How large `/build` may grow for what is not said otherwise, in bytes.
const BUILD_SIZE: u64 = 8 << 30;
/// How large `/build` may grow at the most, in bytes: what a kernel with every driver and with debug
/// information takes.
const LARGEST_BUILD: u64 = 16 << 30;

/// What a sandbox may take, and what it may write to.
#[derive(Debug, Clone)]
pub struct Conditions {
    /// How large `/build` may grow, in bytes. It lies in memory.
    pub build_size: u64,
    /// Whether everything else on the machine goes first: processors, disks, and memory where that
    /// comes to its end.
    pub gives_way: bool,
    /// Whether it may mount: who may can give itself more memory for files than is said here.
    pub mounts: bool,
    /// Whether a user namespace can be made inside, in which everything could be mounted.
    pub namespaces: bool,
    /// How long what runs inside has to end by itself where it is to stop, or its time is over: it is
    /// told by the end of its standard input. With none it is ended at once.
    pub patience: Duration,
    /// Folders outside that the script may write to, each with the place where it stands inside.
    pub writable: Vec<(&'static str, PathBuf)>,
    /// As `writable`, where what the script leaves keeps its modes: to be removed with [`super::empty`].
    pub kept: Vec<(&'static str, PathBuf)>,
    /// Folders outside that the script may read, each with the place where it stands inside. What
    /// lies in them belongs to the ids of one range: to be used in that range only.
    pub readable: Vec<(&'static str, PathBuf)>,
}

impl Default for Conditions {
    fn default() -> Self {
        Self {
            build_size: BUILD_SIZE,
            gives_way: false,
            mounts: true,
            namespaces: true,
            patience: Duration::ZERO,
            writable: Vec::new(),
            kept: Vec::new(),
            readable: Vec::new(),
        }
    }
}

impl Conditions {
    /// For a step that runs what a source brought along: it gives way, and mounts nothing.
    #[must_use]
    pub fn of_source() -> Self {
        Self { gives_way: true, mounts: false, namespaces: false, ..Self::default() }
    }

    /// For a step whose script mounts a tree and then lets somebody else's programs change it: they
    /// run in sandboxes that the script makes in its own, and fill no more than half of the memory.
    #[must_use]
    pub fn layering() -> Self {
        let half = memory().map_or(BUILD_SIZE, |bytes| bytes / 2);
        Self {
            build_size: half.min(BUILD_SIZE),
            gives_way: true,
            namespaces: false,
            ..Self::default()
        }
    }

    /// For a step that compiles: as [`Conditions::of_source`], and its `/build` takes half of the
    /// machine's memory, 16 GiB at the most, so that the server keeps the other half.
    #[must_use]
    pub fn compiling() -> Self {
        let half = memory().map_or(BUILD_SIZE, |bytes| bytes / 2);
        Self { build_size: half.min(LARGEST_BUILD), ..Self::of_source() }
    }

    /// The program that makes namespaces, as far down as it is to be.
    pub(super) fn unshare(&self) -> Invocation {
        if !self.gives_way {
            return Invocation::new("unshare");
        }
        // A process may make itself the first that goes where memory ends (proc(5), oom_score_adj).
        Invocation::new("choom")
            .args(["-n", "500", "--", "nice", "-n", "19", "ionice", "-c", "3", "-t", "unshare"])
    }
}

/// The machine's memory in bytes (proc(5), `/proc/meminfo`).
fn memory() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? << 10)
}
