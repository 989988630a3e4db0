//! What can be mounted over NFS: the images that HTTP serves, read in place, and private copies of them.
//!
//! | path | what it is |
//! | --- | --- |
//! | `/release/<name or digest>` | a candidate or release, read-only |
//! | `/variant/<name>` | a variant, read-only |
//! | `/env/<name>` | the release of an environment, read-only |
//! | `/srv/nfs/debian`, `/srv/nfs/xen` | that of the default environment, as pxe-server called them |
//! | `/private/<digest>/<mac>` | a writable copy for one machine ([`private`]) |
//!
//! A path is looked up once, when it is mounted; file handles name the manifest behind it, so what runs stays on
//! the set that it began with, whatever is deployed meanwhile, and a restart changes nothing.

mod private;

use std::{
    collections::HashMap,
    net::IpAddr,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use domain::{digest::Digest, machine::Mac, time::Clock};
use nfs::{ExportId, Exports, FileSystem, MountRefused, Status};
use roots::{Layered, Quota};
use squashfs::Image;

use self::private::PrivateRoots;
use crate::{
    artifact::Files,
    boots::Boots,
    catalogue::{Served, SharedCatalogue},
};

/// How much of the images is kept in memory, decompressed, in bytes: for each, since few are mounted at once.
const CACHE: u64 = 48 * 1024 * 1024;
/// The paths of pxe-server, which stand for the default environment.
const FAMILIAR: [&str; 2] = ["/srv/nfs/debian", "/srv/nfs/xen"];

/// Where private roots are kept, and how large one may get.
#[derive(Debug, Clone)]
pub struct PrivateOptions {
    /// The folder, which nobody else uses.
    pub folder: PathBuf,
    /// The most that one root may hold beyond its images.
    pub quota: Quota,
}

/// What the NFS server exports.
pub struct RootExports {
    trees: Arc<Trees>,
    private: PrivateRoots,
}

impl RootExports {
    pub(crate) fn new(trees: Arc<Trees>, options: PrivateOptions) -> Self {
        let private = PrivateRoots::open(options, trees.clock.clone());
        Self { trees, private }
    }
}

impl Exports for RootExports {
    fn mount(&self, path: &[u8], client: IpAddr) -> Result<ExportId, MountRefused> {
        let path = std::str::from_utf8(path).map_err(|_| MountRefused::NotFound)?;
        let path = path.strip_suffix('/').unwrap_or(path);
        if let Some(private) = path.strip_prefix("/private/") {
            let (digest, mac) = private.split_once('/').ok_or(MountRefused::NotFound)?;
            let digest: Digest = digest.parse().map_err(|_| MountRefused::NotFound)?;
            let mac: Mac = mac.parse().map_err(|_| MountRefused::NotFound)?;
            let served = self.trees.by_digest(&digest).ok_or(MountRefused::NotFound)?;
            let base = self.trees.tree(&served)?;
            return self.private.mount(&mac.to_string(), digest, &base, client);
        }
        let served = self.trees.at(path).ok_or(MountRefused::NotFound)?;
        self.trees.tree(&served)?;
        Ok(read_only(&served.digest))
    }

    fn export(&self, export: ExportId, client: IpAddr) -> Result<Arc<dyn FileSystem>, Status> {
        if let Some(release) = self.private.release(export, client)? {
            let base = || {
                let served = self.trees.by_digest(&release).ok_or(Status::Stale)?;
                self.trees.tree(&served).map_err(|_| Status::Io)
            };
            self.trees.notes(release);
            return self.private.root(export, base).map(|root| root as Arc<dyn FileSystem>);
        }
        let served = self.trees.exported(export).ok_or(Status::Stale)?;
        self.trees.notes(served.digest);
        let tree = self.trees.tree(&served).map_err(|_| Status::Io)?;
        Ok(tree)
    }

    fn paths(&self) -> Vec<String> {
        let snapshot = self.trees.catalogue.snapshot();
        let familiar = FAMILIAR.iter().map(|path| (*path).to_owned());
        let environments = snapshot.environments.iter().filter(|(_, release)| release.is_some());
        let environments = environments.map(|(name, _)| format!("/env/{name}"));
        let releases = snapshot.release_names().map(|name| format!("/release/{name}"));
        let variants = snapshot.variant_names(self.trees.clock.now());
        let variants = variants.map(|name| format!("/variant/{name}"));
        familiar.chain(environments).chain(releases).chain(variants).collect()
    }
}

/// What names a release in the handles of its read-only export: the first half of its digest.
fn read_only(digest: &Digest) -> ExportId {
    let mut id = [0; 16];
    id.iter_mut().zip(digest.as_bytes()).for_each(|(to, from)| *to = *from);
    ExportId(id)
}

/// The digests that such a handle can mean: from the first to the last.
fn named(ExportId(id): ExportId) -> (Digest, Digest) {
    let filled = |with: u8| {
        let mut digest = [with; 32];
        digest.iter_mut().zip(id).for_each(|(to, from)| *to = from);
        Digest::from_bytes(digest)
    };
    (filled(0), filled(u8::MAX))
}

/// The trees of what the catalogue names, each opened once.
pub(crate) struct Trees {
    catalogue: SharedCatalogue,
    files: Files,
    boots: Boots,
    clock: Arc<dyn Clock>,
    /// By the digest of the manifest.
    open: Mutex<HashMap<Digest, Arc<Layered>>>,
    /// By the digest of the image: variants share those of their releases.
    images: Mutex<HashMap<Digest, Weak<Image>>>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Trees {
    pub(crate) fn new(
        catalogue: SharedCatalogue,
        files: Files,
        boots: Boots,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { catalogue, files, boots, clock, open: Mutex::default(), images: Mutex::default() }
    }

    fn by_digest(&self, digest: &Digest) -> Option<Arc<Served>> {
        self.catalogue.snapshot().by_digest(digest).cloned()
    }

    /// What stands behind a read-only handle.
    fn exported(&self, export: ExportId) -> Option<Arc<Served>> {
        self.catalogue.snapshot().between(named(export)).cloned()
    }

    /// What is to be found at a path now.
    fn at(&self, path: &str) -> Option<Arc<Served>> {
        let (snapshot, now) = (self.catalogue.snapshot(), self.clock.now());
        if FAMILIAR.contains(&path) {
            return snapshot.environment(&snapshot.default_environment, now)?.release;
        }
        let (kind, name) = path.strip_prefix('/')?.split_once('/')?;
        match kind {
            "release" => match name.parse::<Digest>() {
                Ok(digest) => snapshot.by_digest(&digest).cloned(),
                Err(_) => snapshot.release(name).cloned(),
            },
            "env" => snapshot.environment(name, now)?.release,
            "variant" => {
                snapshot.variant(name).filter(|(_, until)| *until > now).map(|(it, _)| it.clone())
            }
            _ => None,
        }
    }

    /// A machine reads of a release: what it consists of must stay.
    fn notes(&self, release: Digest) {
        drop(self.boots.begin(release));
    }

    /// The tree of a release or variant; opened where nobody has it yet, its images read through once.
    fn tree(&self, served: &Served) -> Result<Arc<Layered>, MountRefused> {
        if let Some(tree) = locked(&self.open).get(&served.digest) {
            return Ok(tree.clone());
        }
        let mut images = Vec::with_capacity(served.manifest.images.len());
        let mut identity = Vec::with_capacity(served.manifest.images.len());
        for name in &served.manifest.images {
            let (_, _, digest) = served.file(name).ok_or(MountRefused::Io)?;
            images.push(self.image(name, digest)?);
            identity.push(digest.to_string());
        }
        let tree = Layered::stack(images, &identity.join(" ")).map_err(|error| {
            tracing::error!(release = served.name, %error, "a rootfs cannot be exported");
            MountRefused::Io
        })?;
        let snapshot = self.catalogue.snapshot();
        let mut open = locked(&self.open);
        // What is served no more is let go; who reads it still has it.
        open.retain(|digest, _| snapshot.by_digest(digest).is_some());
        Ok(open.entry(served.digest).or_insert_with(|| Arc::new(tree)).clone())
    }

    fn image(&self, name: &str, digest: Digest) -> Result<Arc<Image>, MountRefused> {
        if let Some(image) = locked(&self.images).get(&digest).and_then(Weak::upgrade) {
            return Ok(image);
        }
        let failed = |reason: String| {
            tracing::error!(%digest, name, reason, "an image cannot be exported");
            MountRefused::Io
        };
        let file = self.files.open_verified(&digest).map_err(failed)?;
        let image = Image::open(file, CACHE).map_err(|error| failed(error.to_string()))?;
        let image = Arc::new(image);
        let mut images = locked(&self.images);
        images.retain(|_, image| image.strong_count() > 0);
        images.insert(digest, Arc::downgrade(&image));
        Ok(image)
    }
}
