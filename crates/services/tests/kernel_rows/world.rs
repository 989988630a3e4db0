//! An installation without a network; nothing works on its jobs unless a case says so.

use std::{net::SocketAddr, time::Duration};

use blobs::BlobStore;
use domain::{
    actor::{Actor, Who},
    blob::BlobRef,
    digest::Digest,
    guest::GuestLimits,
    ids::JobId,
    job::{Job, JobState},
    kernel::{
        BuildMode, ConfigBase, ConfigReport, Configuration, Definition, Flavor, KernelFile,
        KernelFileRole, Record, Source, SourceRecord, UploadedFile,
    },
    person::Role,
    time::{Clock as _, Timestamp},
};
use services::{Services, ServicesOptions, downloads::Download, identity::SystemClock};
use sqlx::Connection as _;
use store::Store;
use tokio::sync::watch;

pub(crate) struct World {
    pub(crate) services: Services,
    pub(crate) developer: Actor,
    pub(crate) viewer: Actor,
    pub(crate) administrator: Actor,
    /// What only workers write is written past the services.
    pub(crate) store: Store,
    pub(crate) blobs: BlobStore,
    folder: tempfile::TempDir,
}

/// A worker, until it is dropped.
pub(crate) struct Working {
    stop: watch::Sender<bool>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Working {
    fn drop(&mut self) {
        self.stop.send_replace(true);
    }
}

impl Working {
    /// Waits until it takes nothing more.
    pub(crate) async fn ends(&mut self) {
        self.stop.send_replace(true);
        (&mut self.task).await.unwrap();
    }
}

impl World {
    pub(crate) async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let services = Services::open(ServicesOptions {
            data_dir: folder.path().to_path_buf(),
            database_url: None,
            cache_dir: None,
            // Nobody listens on the discard port.
            mirror: Some("http://127.0.0.1:9/debian".to_owned()),
            boot_limit: Duration::from_secs(600),
            guests: GuestLimits::default(),
            boot_address: SocketAddr::from(([127, 0, 0, 1], 9)),
            program: folder.path().join("relay"),
            source_root: None,
            suites_python: None,
            source_networks: Vec::new(),
            kernel_jobs: None,
        })
        .await
        .unwrap();
        let store = Store::open(&Store::sqlite_url(folder.path())).await.unwrap();
        let blobs = BlobStore::open(&folder.path().join("blobs")).unwrap();
        let developer = person(&services, "ann", Role::Developer).await;
        let viewer = person(&services, "vera", Role::Viewer).await;
        let administrator = person(&services, "eve", Role::Administrator).await;
        Self { services, developer, viewer, administrator, store, blobs, folder }
    }

    pub(crate) fn now() -> Timestamp {
        SystemClock.now()
    }

    /// What development builds of a kernel compiled lies below this folder.
    pub(crate) fn compiler_cache(&self, kernel: &domain::ids::KernelId) -> std::path::PathBuf {
        self.folder.path().join("cache/ccache").join(kernel.as_str())
    }

    /// Works on everything but kernels.
    pub(crate) fn working(&self) -> Working {
        let (stop, stopping) = watch::channel(false);
        let services = self.services.clone();
        let task = tokio::spawn(async move { services.work(1, stopping).await });
        Working { stop, task }
    }

    /// Works on kernels.
    pub(crate) fn working_on_kernels(&self) -> Working {
        let (stop, stopping) = watch::channel(false);
        let services = self.services.clone();
        let task = tokio::spawn(async move { services.work_on_kernels(stopping).await });
        Working { stop, task }
    }

    /// Waits until a job has ended, woken by each change.
    pub(crate) async fn ended(&self, job: &JobId) -> Job {
        let mut changes = self.services.changes();
        let ended = async {
            loop {
                let found = self.services.job(&self.viewer, job).await.unwrap();
                if found.state.ended() {
                    return found;
                }
                changes.recv().await.unwrap();
            }
        };
        tokio::time::timeout(Duration::from_secs(120), ended).await.unwrap()
    }

    pub(crate) async fn create(&self, name: &str, definition: Definition) {
        self.services.create_kernel(&self.developer, name, definition).await.unwrap();
    }

    pub(crate) async fn upload(&self, name: &str, bytes: &'static [u8]) -> UploadedFile {
        self.services.keep_upload(&self.developer, name, bytes).await.unwrap().0
    }

    /// A blob that was written an hour ago.
    pub(crate) fn old_blob(&self, bytes: &[u8]) -> BlobRef {
        let blob = self.blobs.put(bytes).unwrap();
        self.age(&blob.sha256);
        blob
    }

    /// Lets a blob be as if it were touched an hour ago.
    pub(crate) fn age(&self, digest: &Digest) {
        let hour_ago = blobs::now() - Duration::from_secs(3600);
        let file = std::fs::File::open(self.blobs.path(digest)).unwrap();
        file.set_modified(hour_ago).unwrap();
    }

    /// Asks for a build and completes it as the worker does. Its files hold their names and
    /// `content`; its configuration is `config`.
    pub(crate) async fn built(&self, kernel: &str, content: &str, config: &str) -> Record {
        let mode = BuildMode::Release;
        let job = self.services.start_kernel_build(&self.developer, kernel, mode).await.unwrap();
        let record = self.record(content, config);
        let report = ConfigReport { release: "6.1.170".to_owned(), ..ConfigReport::default() };
        let mut tx = self.store.begin().await.unwrap();
        let config = record.file(KernelFileRole::Config).unwrap().blob();
        tx.set_configured(&job.id, Some(&report), &config).await.unwrap();
        tx.complete_kernel_build(&job.id, &record).await.unwrap();
        tx.end_job(&job.id, JobState::Succeeded, "built", None, Self::now()).await.unwrap();
        tx.commit().await.unwrap();
        record
    }

    fn record(&self, content: &str, config: &str) -> Record {
        let file = |role, name: &str, bytes: String| {
            let blob = self.old_blob(bytes.as_bytes());
            KernelFile { role, name: name.to_owned(), size: blob.size, sha256: blob.sha256 }
        };
        let deb = "linux-image-6.1.170_1_amd64.deb";
        Record {
            schema: 1,
            flavor: Flavor::Linux,
            release: "6.1.170".to_owned(),
            mode: BuildMode::Release,
            source: SourceRecord {
                origin: "linux 6.1.170".to_owned(),
                sha256: Digest::of("source"),
                commit: None,
                patches: Vec::new(),
            },
            epoch: 1_795_442_531,
            toolchain: Vec::new(),
            files: vec![
                file(KernelFileRole::Config, "config-6.1.170", config.to_owned()),
                file(KernelFileRole::Package, deb, format!("package {content}").repeat(1000)),
                file(KernelFileRole::Image, "vmlinuz-6.1.170", format!("image {content}")),
            ],
            packages: Vec::new(),
            commands: "make".to_owned(),
        }
    }

    /// Lets all uploads be as if they were uploaded and named that many days ago.
    pub(crate) async fn age_uploads(&self, days: i64) {
        let url = Store::sqlite_url(self.folder.path());
        let mut connection = sqlx::AnyConnection::connect(&url).await.unwrap();
        let ago = days * 24 * 3600 * 1_000_000;
        sqlx::query("update upload set uploaded_at = uploaded_at - $1, named_at = named_at - $1")
            .bind(ago)
            .execute(&mut connection)
            .await
            .unwrap();
    }

    /// The actions of the audit log, oldest first.
    pub(crate) async fn audited(&self) -> Vec<String> {
        let filter = services::audit::AuditFilter::default();
        let slice = domain::page::Slice { after: None, limit: 100 };
        let page = self.services.audit_page(&self.viewer, &filter, &slice).await.unwrap();
        page.items.into_iter().rev().map(|row| row.entry.action).collect()
    }
}

pub(crate) fn bytes(download: Download) -> Vec<u8> {
    match download {
        Download::Bytes { bytes, .. } => bytes,
        Download::File { mut file, size, .. } => {
            let mut bytes = Vec::new();
            std::io::Read::read_to_end(&mut file, &mut bytes).unwrap();
            assert_eq!(bytes.len() as u64, size);
            bytes
        }
    }
}

/// What a kernel from a package of Debian is made of.
pub(crate) fn binary() -> Definition {
    Definition {
        flavor: Flavor::Linux,
        source: Source::DebianBinary {
            suite: "bookworm".to_owned(),
            package: "linux-image-amd64".to_owned(),
            version: None,
        },
        configuration: None,
        patches: Vec::new(),
        debug: false,
    }
}

/// What a kernel from sources is made of that is configured from `base`.
pub(crate) fn compiled(base: ConfigBase) -> Definition {
    Definition {
        source: Source::DebianSource {
            suite: "bookworm".to_owned(),
            package: "linux-source-6.1".to_owned(),
            version: None,
        },
        configuration: Some(Configuration { base, fragments: Vec::new() }),
        ..binary()
    }
}

pub(crate) fn of_kernel(name: &str) -> ConfigBase {
    ConfigBase::Kernel { name: name.to_owned(), config: None }
}

pub(crate) fn tiny() -> ConfigBase {
    ConfigBase::Defconfig { target: "tinyconfig".to_owned() }
}

async fn person(services: &Services, name: &str, role: Role) -> Actor {
    let added = services
        .add_person_with_password(&Actor::command_line(), name, role, "correct horse".to_owned())
        .await
        .unwrap();
    Actor {
        who: Who::Person { id: added.id, name: added.name, role: added.role },
        request: "test".to_owned(),
        ..Actor::anonymous()
    }
}
