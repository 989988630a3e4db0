//! An installation that is open: its store, blobs, builder, logs, and who listens.

use std::{
    collections::HashMap,
    fs::File,
    net::SocketAddr,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use blobs::BlobStore;
use builder::{Builder, BuilderConfig, SigningKey, SourceRules};
use domain::{
    actor::{Actor, Who},
    guest::GuestLimits,
    ids::{IdGenerator, JobId, PersonId},
    person::Role,
    policy::Action,
    time::{Clock, Timestamp},
};
use ipnet::IpNet;
use netboot::{BootListener, SharedCatalogue, TokenKey, Traces};
use process::Spawner;
use store::{Rows, Store, WriteTx};
use tokio::sync::{Notify, broadcast, futures::Notified};

use crate::{
    error::{ServiceError, StartError},
    guests::Guests,
    identity::{SystemClock, Uuids},
    job_log::JobLogs,
    machines::Followed,
    remembered::OfResults,
    room::Counted,
    secret_key::secret_key,
};

/// Where an installation is and how it works.
#[derive(Debug, Clone)]
pub struct ServicesOptions {
    /// The folder that holds everything.
    pub data_dir: PathBuf,
    /// The database; an SQLite file in the data folder where absent.
    pub database_url: Option<String>,
    /// Folder of finished build steps; `cache` in the data folder where absent.
    pub cache_dir: Option<PathBuf>,
    /// Base URL of the Debian mirror; the one of this host's apt where absent.
    pub mirror: Option<String>,
    /// Folder below which repositories on disk must lie; none are taken where absent.
    pub source_root: Option<PathBuf>,
    /// Networks that sources of kernels may be fetched from although they are private or loopback.
    pub source_networks: Vec<IpNet>,
    /// How many processes compile one kernel side by side; as many as there are cores where absent.
    pub kernel_jobs: Option<usize>,
    /// How long a validated machine may take to its login prompt.
    pub boot_limit: Duration,
    /// How many guests people may start, and for how long.
    pub guests: GuestLimits,
    /// Where the boot listener listens.
    pub boot_address: SocketAddr,
    /// The folder of a Python environment with Robot Framework, made by this host's own Python
    /// (`docs/suites.md`); suites of Robot Framework cannot be run where absent.
    pub suites_python: Option<PathBuf>,
    /// This very program, as a path that the server's user can execute: guests reach the boot
    /// listener through its command `relay`.
    pub program: PathBuf,
}

/// An open installation; cheap to clone. Pages, the API and the workers share one.
#[derive(Clone)]
pub struct Services(Arc<Inner>);

struct Inner {
    options: ServicesOptions,
    store: Store,
    blobs: BlobStore,
    builder: Arc<Builder>,
    spawner: Spawner,
    key: SigningKey,
    logs: JobLogs,
    catalogue: SharedCatalogue,
    listener: BootListener,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdGenerator>,
    changes: broadcast::Sender<String>,
    told: AtomicU64,
    work: Notify,
    running: Mutex<HashMap<JobId, Running>>,
    counted: tokio::sync::Mutex<Option<(u64, Arc<Counted>)>>,
    room_changes: AtomicU64,
    /// Held by whoever derives a file that is large.
    deriving: tokio::sync::Mutex<()>,
    remembered: OfResults,
    /// How far the boot listener's machines follow the store; held by whoever brings them further.
    followed: tokio::sync::Mutex<Followed>,
    /// Held by whoever reads a file of results into rows: one at a time, so that memory stays flat.
    reading_results: tokio::sync::Mutex<()>,
    guests: Guests,
    /// Held for the life of the server: one server works on one data folder.
    _lock: Option<File>,
}

/// A job that runs here.
struct Running {
    /// Set where it is to stop.
    cancelled: Arc<AtomicBool>,
    /// Since when it may write files that no row names yet.
    since: SystemTime,
}

impl Services {
    /// Brings the store of a data folder to this program's form.
    ///
    /// # Errors
    /// Where it cannot be opened or a migration fails.
    pub async fn migrate(data_dir: &Path, database_url: Option<&str>) -> Result<(), StartError> {
        let store = open_store(data_dir, database_url).await?;
        store.close().await;
        Ok(())
    }

    /// Opens an installation to serve it. Jobs that a former server left behind go on.
    ///
    /// # Errors
    /// [`StartError`], each with what to do.
    pub async fn open(options: ServicesOptions) -> Result<Self, StartError> {
        let lock = lock_folder(&options.data_dir)?;
        let services = Self::assemble(options, Some(lock)).await?;
        services.0.builder.remove_leftovers();
        services.take_over().await.map_err(|error| StartError::Catalogue(Box::new(error)))?;
        Ok(services)
    }

    /// Opens an installation for a command of its administrator, beside a server or without one.
    ///
    /// # Errors
    /// As [`Services::open`].
    pub async fn open_for_administration(
        data_dir: &Path,
        database_url: Option<&str>,
    ) -> Result<Self, StartError> {
        let options = ServicesOptions {
            data_dir: data_dir.to_path_buf(),
            database_url: database_url.map(str::to_owned),
            cache_dir: None,
            mirror: None,
            source_root: None,
            source_networks: Vec::new(),
            kernel_jobs: None,
            boot_limit: Duration::from_secs(600),
            guests: GuestLimits::default(),
            boot_address: SocketAddr::from(([127, 0, 0, 1], 0)),
            suites_python: None,
            program: PathBuf::new(),
        };
        Self::assemble(options, None).await
    }

    async fn assemble(options: ServicesOptions, lock: Option<File>) -> Result<Self, StartError> {
        let data_dir = &options.data_dir;
        let folder = |path: PathBuf| move |source| StartError::Folder { path, source };
        let store = open_store(data_dir, options.database_url.as_deref()).await?;
        let blobs = BlobStore::open(&data_dir.join("blobs"))
            .map_err(|error| StartError::Builder(error.into()))?;
        let key = SigningKey::open_or_create(&data_dir.join("keys"))
            .map_err(|error| StartError::Builder(error.into()))?;
        let spawner = Spawner::start().map_err(|error| StartError::Builder(error.into()))?;
        let builder = Builder::new(
            BuilderConfig {
                work_dir: data_dir.join("work"),
                cache_dir: options.cache_dir.clone().unwrap_or_else(|| data_dir.join("cache")),
                mirror: options.mirror.clone(),
                sources: SourceRules {
                    root: options.source_root.clone(),
                    networks: options.source_networks.clone(),
                    ssh_keys: data_dir.join("keys/ssh"),
                    authorities: PathBuf::from(SourceRules::AUTHORITIES),
                },
                kernel_jobs: options
                    .kernel_jobs
                    .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from)),
            },
            spawner.clone(),
            blobs.clone(),
            key.clone(),
        )
        .map_err(|error| StartError::Builder(error.into()))?;
        let logs = JobLogs::open(&data_dir.join("logs")).map_err(folder(data_dir.join("logs")))?;
        let catalogue = SharedCatalogue::default();
        let key_file = data_dir.join("keys/report.key");
        let traces = Traces::new(TokenKey::new(secret_key(&key_file).map_err(folder(key_file))?));
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        Ok(Self(Arc::new(Inner {
            listener: BootListener::new(catalogue.clone(), blobs.clone(), clock.clone())
                .with_traces(traces),
            store,
            blobs,
            builder: Arc::new(builder),
            spawner,
            key,
            logs,
            catalogue,
            clock,
            ids: Arc::new(Uuids),
            changes: broadcast::Sender::new(1024),
            told: AtomicU64::new(0),
            work: Notify::new(),
            running: Mutex::default(),
            counted: tokio::sync::Mutex::default(),
            room_changes: AtomicU64::new(0),
            deriving: tokio::sync::Mutex::default(),
            remembered: OfResults::default(),
            followed: tokio::sync::Mutex::default(),
            reading_results: tokio::sync::Mutex::default(),
            guests: Guests::default(),
            options,
            _lock: lock,
        })))
    }

    /// After a start: jobs of a former server are free to be taken, guests that it left have their
    /// end in the audit log, and machines can boot.
    async fn take_over(&self) -> Result<(), ServiceError> {
        let mut tx = self.begin().await?;
        tx.expire_leases_of(crate::work::WORKER).await?;
        tx.delete_expired_sessions(self.now()).await?;
        self.end_interrupted_guests(&mut tx).await?;
        tx.commit().await?;
        self.refresh_catalogue().await?;
        self.refresh_machines().await
    }

    /// Whether sandboxes work here, so that builds can.
    ///
    /// # Errors
    /// What is missing or not permitted, and the remedy.
    pub async fn check_builder(&self) -> Result<(), ServiceError> {
        let builder = self.builder().clone();
        tokio::task::spawn_blocking(move || builder.check())
            .await
            .map_err(ServiceError::internal)?
            .map_err(|error| ServiceError::Unavailable(error.to_string()))
    }

    /// Whether the store answers and the data folder can be written.
    ///
    /// # Errors
    /// What does not work.
    pub async fn check_ready(&self) -> Result<(), ServiceError> {
        self.read().await?.ping().await?;
        let probe = self.0.options.data_dir.join("work");
        std::fs::create_dir_all(&probe)?;
        tempfile_probe(&probe)?;
        Ok(())
    }

    /// Topics of committed changes, such as `job/<id>`, for those who listen.
    #[must_use]
    pub fn changes(&self) -> broadcast::Receiver<String> {
        self.0.changes.subscribe()
    }

    /// How many changes were told since the server began: what was read after this call shows
    /// all of them.
    #[must_use]
    pub fn changes_told(&self) -> u64 {
        self.0.told.load(Ordering::Acquire)
    }

    /// The logs of jobs.
    #[must_use]
    pub fn logs(&self) -> &JobLogs {
        &self.0.logs
    }

    /// The public key of this installation, in minisign's form.
    #[must_use]
    pub fn public_key(&self) -> String {
        self.0.key.public_key()
    }

    pub(crate) fn signing_key_id(&self) -> String {
        self.0.key.key_id()
    }

    pub(crate) fn boot_address(&self) -> SocketAddr {
        self.0.options.boot_address
    }

    /// What machines talk to.
    #[must_use]
    pub fn boot_listener(&self) -> BootListener {
        self.0.listener.clone()
    }

    pub(crate) fn options(&self) -> &ServicesOptions {
        &self.0.options
    }

    pub(crate) fn blobs(&self) -> &BlobStore {
        &self.0.blobs
    }

    pub(crate) fn builder(&self) -> &Arc<Builder> {
        &self.0.builder
    }

    pub(crate) fn spawner(&self) -> &Spawner {
        &self.0.spawner
    }

    pub(crate) fn catalogue(&self) -> &SharedCatalogue {
        &self.0.catalogue
    }

    pub(crate) fn clock(&self) -> &Arc<dyn Clock> {
        &self.0.clock
    }

    /// The present time, by the installation's clock.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    pub(crate) fn ids(&self) -> &dyn IdGenerator {
        &*self.0.ids
    }

    pub(crate) async fn read(&self) -> Result<Rows, ServiceError> {
        Ok(self.0.store.read().await?)
    }

    pub(crate) async fn begin(&self) -> Result<WriteTx, ServiceError> {
        Ok(self.0.store.begin().await?)
    }

    /// Commits and tells who listens to `topic`.
    pub(crate) async fn commit(&self, tx: WriteTx, topic: &str) -> Result<(), ServiceError> {
        tx.commit().await?;
        self.tell(topic);
        Ok(())
    }

    pub(crate) fn tell(&self, topic: &str) {
        self.0.told.fetch_add(1, Ordering::AcqRel);
        // An error means that nobody listens.
        let _ = self.0.changes.send(topic.to_owned());
    }

    /// Wakes the workers: there may be something to do.
    pub(crate) fn nudge(&self) {
        self.0.work.notify_waiters();
    }

    /// Ends with the next nudge after this call, awaited or not.
    pub(crate) fn nudged(&self) -> Notified<'_> {
        self.0.work.notified()
    }

    /// The flag by which a running job learns that it is to stop.
    pub(crate) fn register_running(&self, job: &JobId) -> Arc<AtomicBool> {
        let cancelled = Arc::new(AtomicBool::new(false));
        let running = Running { cancelled: cancelled.clone(), since: blobs::now() };
        self.running().insert(job.clone(), running);
        cancelled
    }

    /// Since when the oldest job runs that runs here now.
    pub(crate) fn running_since(&self) -> Option<SystemTime> {
        self.running().values().map(|running| running.since).min()
    }

    /// The last count of the room on the disk, with the number of changes before it.
    pub(crate) fn counted(&self) -> &tokio::sync::Mutex<Option<(u64, Arc<Counted>)>> {
        &self.0.counted
    }

    /// The guests of people.
    pub(crate) fn held_guests(&self) -> &Guests {
        &self.0.guests
    }

    pub(crate) fn remembered(&self) -> &OfResults {
        &self.0.remembered
    }

    pub(crate) fn followed(&self) -> &tokio::sync::Mutex<Followed> {
        &self.0.followed
    }

    pub(crate) fn reading_results(&self) -> &tokio::sync::Mutex<()> {
        &self.0.reading_results
    }

    pub(crate) fn deriving(&self) -> &tokio::sync::Mutex<()> {
        &self.0.deriving
    }

    /// How often something changed that takes room or needs it.
    pub(crate) fn room_changes(&self) -> u64 {
        self.0.room_changes.load(Ordering::Acquire)
    }

    /// The next look at the room counts anew.
    pub(crate) fn count_room_anew(&self) {
        self.0.room_changes.fetch_add(1, Ordering::AcqRel);
    }

    pub(crate) fn forget_running(&self, job: &JobId) {
        self.running().remove(job);
    }

    pub(crate) fn cancel_running(&self, job: &JobId) {
        if let Some(running) = self.running().get(job) {
            running.cancelled.store(true, Ordering::Release);
        }
    }

    /// Stops everything that runs here, so that the server can end: the jobs go on when one starts
    /// again.
    pub(crate) fn interrupt_running(&self) {
        for running in self.running().values() {
            running.cancelled.store(true, Ordering::Release);
        }
    }

    fn running(&self) -> std::sync::MutexGuard<'_, HashMap<JobId, Running>> {
        self.0.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The person's role, where the role allows the action at all.
    pub(crate) fn role_of(actor: &Actor, action: Action) -> Result<Role, ServiceError> {
        action.allowed_to(&actor.who)?;
        match &actor.who {
            Who::Person { role, .. } => Ok(*role),
            Who::CommandLine => Ok(Role::Administrator),
            Who::Anonymous | Who::Runner | Who::Reporter { .. } => {
                Err(ServiceError::Unauthenticated)
            }
        }
    }

    /// The person who asks.
    pub(crate) fn person_of(actor: &Actor) -> Result<(PersonId, Role), ServiceError> {
        match &actor.who {
            Who::Person { id, role, .. } => Ok((id.clone(), *role)),
            Who::Reporter { .. } => {
                Action::Read.allowed_to(&actor.who)?;
                Err(ServiceError::Unauthenticated)
            }
            Who::Anonymous | Who::Runner | Who::CommandLine => Err(ServiceError::Unauthenticated),
        }
    }
}

async fn open_store(data_dir: &Path, url: Option<&str>) -> Result<Store, StartError> {
    if url.is_none() {
        // Made here so that nobody else can read it: SQLite would leave that to the umask.
        let path = data_dir.join("bootwright.db");
        std::fs::File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&path)
            .map_err(|source| StartError::Folder { path, source })?;
    }
    let url = url.map_or_else(|| Store::sqlite_url(data_dir), str::to_owned);
    let store = Store::open(&url).await?;
    store.migrate().await?;
    Ok(store)
}

fn lock_folder(data_dir: &Path) -> Result<File, StartError> {
    let path = data_dir.join("server.lock");
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(|source| StartError::Folder { path: path.clone(), source })?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(StartError::InUse(data_dir.to_path_buf())),
        Err(std::fs::TryLockError::Error(source)) => Err(StartError::Folder { path, source }),
    }
}

fn tempfile_probe(folder: &Path) -> std::io::Result<()> {
    let path = folder.join(".ready");
    std::fs::write(&path, b"")?;
    std::fs::remove_file(path)
}
