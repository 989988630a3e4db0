//! Private writable roots: one for each machine, thrown away at its next boot.
//!
//! A machine is known by the MAC address in the path that its script gives it, its root by a number that nobody can
//! guess, and both are bound to the address that mounted it. A kernel mounts its root once a boot, and asks again
//! where an answer gets lost: so another mount begins anew as soon as the root that the machine has was used. What
//! was bound survives a restart, and the handles of a machine that runs stay good.

use std::{
    collections::HashMap,
    fs, io,
    net::IpAddr,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use domain::{digest::Digest, time::Clock};
use nfs::{ExportId, MountRefused, Status, Time};
use roots::{Layered, RootError, WritableRoot};
use serde::{Deserialize, Serialize};

use super::{PrivateOptions, locked};

/// How long a root that is in use stays another client's, in microseconds after its last call.
const IN_USE: i64 = 60 * 1_000_000;
/// What a root is bound to, beside its folder.
const BINDING: &str = "binding.json";
const ROOT: &str = "root";

/// What a root is bound to, as it is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Binding {
    mac: String,
    client: IpAddr,
    release: Digest,
    /// UTC, in microseconds.
    made_at: i64,
}

/// A root that can be used.
struct Private {
    binding: Binding,
    folder: PathBuf,
    /// Opened when it is used for the first time.
    root: Option<Arc<WritableRoot>>,
    /// When it was used last, UTC in microseconds; never yet where it is `None`.
    used_at: Option<i64>,
}

pub(super) struct PrivateRoots {
    options: PrivateOptions,
    clock: Arc<dyn Clock>,
    all: Mutex<HashMap<ExportId, Private>>,
    /// Folders that could not be removed yet: a call was under way, or a child that was just being started
    /// still held their locks.
    left: Mutex<Vec<PathBuf>>,
}

impl PrivateRoots {
    /// Takes up what an earlier server left; for each machine its newest root, the rest is removed.
    pub(super) fn open(options: PrivateOptions, clock: Arc<dyn Clock>) -> Self {
        let mut newest: HashMap<String, (ExportId, Private)> = HashMap::new();
        let mut left = Vec::new();
        for entry in fs::read_dir(&options.folder).into_iter().flatten().flatten() {
            let folder = entry.path();
            let Some((export, binding)) = read(&folder) else {
                left.push(folder);
                continue;
            };
            let private = Private { binding, folder: folder.clone(), root: None, used_at: None };
            let other = newest.get(&private.binding.mac);
            if other.is_some_and(|(_, it)| it.binding.made_at >= private.binding.made_at) {
                left.push(folder);
            } else if let Some((_, older)) =
                newest.insert(private.binding.mac.clone(), (export, private))
            {
                left.push(older.folder);
            }
        }
        let now = clock.now().0;
        // A machine may well run on them: they count as used.
        let used = |mut it: Private| {
            it.used_at = Some(now);
            it
        };
        let all = newest.into_values().map(|(export, it)| (export, used(it))).collect();
        let opened = Self { options, clock, all: Mutex::new(all), left: Mutex::new(left) };
        opened.remove_left();
        opened
    }

    fn remove_left(&self) {
        locked(&self.left).retain(|folder| {
            remove(folder)
                .inspect_err(|error| {
                    let folder = folder.display();
                    tracing::debug!(%folder, %error, "a private root cannot be removed yet");
                })
                .is_err()
        });
    }

    /// The root of a machine for its boot from now on.
    pub(super) fn mount(
        &self,
        mac: &str,
        release: Digest,
        base: &Arc<Layered>,
        client: IpAddr,
    ) -> Result<ExportId, MountRefused> {
        let now = self.clock.now().0;
        let mut all = locked(&self.all);
        let held = all.iter().find(|(_, it)| it.binding.mac == mac).map(|(export, _)| *export);
        if let Some((export, private)) = held.and_then(|export| all.get_key_value(&export)) {
            let same = private.binding.client == client;
            if same && private.used_at.is_none() && private.binding.release == release {
                return Ok(*export);
            }
            if !same && private.used_at.is_some_and(|at| now - at < IN_USE) {
                let owner = private.binding.client;
                tracing::warn!(%client, mac, %owner, "a root that another address uses was asked for");
                return Err(MountRefused::Denied);
            }
        }
        let binding = Binding { mac: mac.to_owned(), client, release, made_at: now };
        let (export, private) = self.make(binding, base).map_err(|error| {
            tracing::error!(%client, mac, %error, "no private root could be made");
            MountRefused::Io
        })?;
        all.insert(export, private);
        let old = held.and_then(|export| all.remove(&export));
        drop(all);
        if let Some(Private { folder, root, .. }) = old {
            drop(root);
            locked(&self.left).push(folder);
        }
        self.remove_left();
        Ok(export)
    }

    fn make(
        &self,
        binding: Binding,
        base: &Arc<Layered>,
    ) -> Result<(ExportId, Private), Box<dyn std::error::Error>> {
        let mut number = [0; 16];
        getrandom::fill(&mut number)?;
        let folder = self.options.folder.join(hex::encode(number));
        let root = WritableRoot::create(
            &folder.join(ROOT),
            base.clone(),
            self.options.quota,
            clock(&self.clock),
        )?;
        // What has no binding was never told to anybody, and is removed when a server starts.
        let written = folder.join("binding.part");
        fs::write(&written, serde_json::to_vec(&binding)?)?;
        fs::rename(&written, folder.join(BINDING))?;
        Ok((
            ExportId(number),
            Private { binding, folder, root: Some(Arc::new(root)), used_at: None },
        ))
    }

    /// The release that a private root is a copy of, and `None` for what is no private root.
    pub(super) fn release(
        &self,
        export: ExportId,
        client: IpAddr,
    ) -> Result<Option<Digest>, Status> {
        match locked(&self.all).get(&export) {
            Some(private) if private.binding.client == client => Ok(Some(private.binding.release)),
            Some(_) => Err(Status::Denied),
            None => Ok(None),
        }
    }

    /// A private root that is used now.
    pub(super) fn root(
        &self,
        export: ExportId,
        base: impl FnOnce() -> Result<Arc<Layered>, Status>,
    ) -> Result<Arc<WritableRoot>, Status> {
        let now = self.clock.now().0;
        let mut all = locked(&self.all);
        let private = all.get_mut(&export).ok_or(Status::Stale)?;
        private.used_at = Some(now);
        if let Some(root) = &private.root {
            return Ok(root.clone());
        }
        let folder = private.folder.join(ROOT);
        let opened = WritableRoot::open(&folder, base()?, clock(&self.clock)).map_err(|error| {
            tracing::error!(mac = private.binding.mac, %error, "a private root cannot be opened");
            Status::Io
        })?;
        Ok(private.root.insert(Arc::new(opened)).clone())
    }
}

fn read(folder: &Path) -> Option<(ExportId, Binding)> {
    let number = hex::decode(folder.file_name()?.to_str()?).ok()?.try_into().ok()?;
    let binding = serde_json::from_slice(&fs::read(folder.join(BINDING)).ok()?).ok()?;
    Some((ExportId(number), binding))
}

/// Removes a root with its binding, whose loss alone makes it nobody's.
fn remove(folder: &Path) -> io::Result<()> {
    match fs::remove_file(folder.join(BINDING)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    match WritableRoot::discard(&folder.join(ROOT)) {
        Ok(()) | Err(RootError::Missing(_)) => {}
        Err(error) => return Err(io::Error::other(error)),
    }
    fs::remove_dir_all(folder)
}

fn clock(clock: &Arc<dyn Clock>) -> roots::Clock {
    let clock = clock.clone();
    Arc::new(move || {
        let micros = clock.now().0.max(0).unsigned_abs();
        let seconds = u32::try_from(micros / 1_000_000).unwrap_or(u32::MAX);
        // Below a thousand millions.
        let nanoseconds = u32::try_from(micros % 1_000_000 * 1000).unwrap_or_default();
        Time { seconds, nanoseconds }
    })
}
