//! A store of one engine for one case, and the things that most cases start with.

use std::{
    path::Path,
    sync::atomic::{AtomicI64, Ordering},
};

use domain::{
    actor::Actor,
    audit::AuditEntry,
    digest::Digest,
    ids::{JobId, KernelId, PersonId, RecipeId, ReleaseId},
    job::{JobKind, JobState},
    kernel::{
        BuildMode, Definition, Flavor, Kernel, KernelFile, KernelFileRole, Record, Source,
        SourceRecord,
    },
    lock::{Lock, LockedPackage, Part},
    manifest::Manifest,
    person::{Person, Role},
    recipe::Revision,
    release::{Release, Stage},
    time::Timestamp,
    version::TargetVersion,
};
use sqlx::{AnyConnection, Connection as _, Executor as _};
use store::{Store, WriteTx, jobs::NewJob, kernels::builds::NewKernelBuild};
use tempfile::TempDir;

use crate::cluster::Cluster;

pub(crate) struct World {
    pub(crate) store: Store,
    pub(crate) url: String,
    pub(crate) home: Home,
    counter: AtomicI64,
}

pub(crate) enum Home {
    Sqlite(TempDir),
    Postgres(Cluster),
}

impl World {
    pub(crate) async fn sqlite() -> Self {
        let folder = TempDir::with_prefix("bw-store-").unwrap();
        let url = Store::sqlite_url(folder.path());
        Self::open(url, Home::Sqlite(folder)).await
    }

    pub(crate) async fn postgres(cluster: &Cluster, database: &str) -> Self {
        sqlx::any::install_default_drivers();
        let mut connection = AnyConnection::connect(&cluster.url("postgres")).await.unwrap();
        let statement = format!("create database {database} template template0");
        connection.execute(sqlx::AssertSqlSafe(statement)).await.unwrap();
        connection.close().await.unwrap();
        Self::open(cluster.url(database), Home::Postgres(cluster.clone())).await
    }

    async fn open(url: String, home: Home) -> Self {
        let store = Store::open(&url).await.unwrap();
        store.migrate().await.unwrap();
        Self { store, url, home, counter: AtomicI64::new(0) }
    }

    pub(crate) fn is_sqlite(&self) -> bool {
        matches!(self.home, Home::Sqlite(_))
    }

    /// The store as a new process finds it after the one before has died at this instant.
    pub(crate) async fn after_a_crash(&self) -> Store {
        match &self.home {
            Home::Sqlite(folder) => {
                // What the kernel has of the files is all that a process leaves when it is killed.
                let copy = folder.path().join("after");
                std::fs::create_dir(&copy).unwrap();
                for name in ["bootwright.db", "bootwright.db-wal"] {
                    std::fs::copy(folder.path().join(name), copy.join(name)).unwrap();
                }
                Store::open(&Store::sqlite_url(&copy)).await.unwrap()
            }
            Home::Postgres(cluster) => {
                cluster.crash();
                Store::open(&self.url).await.unwrap()
            }
        }
    }

    /// A connection past the store, as an intruder would have.
    pub(crate) async fn intrude(&self) -> AnyConnection {
        AnyConnection::connect(&self.url).await.unwrap()
    }

    /// Never the same twice, always later.
    pub(crate) fn now(&self) -> Timestamp {
        Timestamp(self.counter.fetch_add(1, Ordering::Relaxed) + 1_795_442_531_000_000)
    }

    pub(crate) fn id(&self) -> String {
        format!("id-{}", self.now().0)
    }

    pub(crate) async fn person(&self, name: &str, role: Role) -> Person {
        let person = Person {
            id: PersonId(self.id()),
            name: name.to_owned(),
            role,
            created_at: self.now(),
            disabled_at: None,
        };
        let mut tx = self.store.begin().await.unwrap();
        tx.insert_person(&person, Some("$argon2id$")).await.unwrap();
        tx.commit().await.unwrap();
        person
    }

    pub(crate) fn revision(&self, recipe: &RecipeId, number: u32, author: &Person) -> Revision {
        let text = format!("# revision {number}\n");
        Revision {
            recipe: recipe.clone(),
            number,
            digest: Digest::of(&text),
            text,
            message: format!("why {number}"),
            author: author.name.clone(),
            saved_at: self.now(),
        }
    }

    /// A recipe of that name with one revision, by an author of the same name.
    pub(crate) async fn recipe(&self, name: &str) -> (Person, Revision) {
        let author = self.person(name, Role::Developer).await;
        let first = self.revision(&RecipeId(self.id()), 1, &author);
        let mut tx = self.store.begin().await.unwrap();
        tx.insert_recipe(name, &first, &author.id).await.unwrap();
        tx.commit().await.unwrap();
        (author, first)
    }

    pub(crate) fn building(&self, from: &Revision, name: &str, version: &str) -> Release {
        Release {
            id: ReleaseId(self.id()),
            version: version.parse().unwrap(),
            stage: Stage::Building,
            recipe: from.recipe.clone(),
            recipe_name: name.to_owned(),
            revision: from.number,
            job: JobId(self.id()),
            manifest: None,
            lock: None,
            identical_to: None,
            created_at: self.now(),
            created_by: "ada".to_owned(),
            built_at: None,
            released_at: None,
            imported_at: None,
        }
    }

    /// A release of a recipe of its own that is being built.
    pub(crate) async fn release(&self, version: &str) -> Release {
        let name = format!("recipe-{}", self.id());
        let (_, revision) = self.recipe(&name).await;
        let release = self.building(&revision, &name, version);
        let mut tx = self.store.begin().await.unwrap();
        tx.insert_release(&release).await.unwrap();
        tx.commit().await.unwrap();
        release
    }

    /// A candidate; its manifest is that of its version and `content`.
    pub(crate) async fn candidate(&self, version: &str, content: &str) -> Release {
        let release = self.release(version).await;
        let mut tx = self.store.begin().await.unwrap();
        let manifest = manifest(&release.version.target, content);
        tx.complete_release(&release.id, &manifest, &Digest::of("signature"), self.now())
            .await
            .unwrap();
        let candidate = tx.release(&release.id).await.unwrap().unwrap();
        tx.commit().await.unwrap();
        candidate
    }

    pub(crate) fn entry(&self, action: &str, subject: &str) -> AuditEntry {
        AuditEntry::new(
            self.now(),
            &Actor::command_line(),
            action,
            "thing",
            subject.to_owned(),
            serde_json::json!({ "z": 1, "a": "ä \" \\ \u{1}", "nested": [null, true, -7] }),
        )
    }

    pub(crate) async fn record(&self, action: &str, subject: &str) -> i64 {
        let mut tx = self.store.begin().await.unwrap();
        let sequence = tx.record(&self.entry(action, subject)).await.unwrap();
        tx.commit().await.unwrap();
        sequence
    }

    pub(crate) async fn begin(&self) -> WriteTx {
        self.store.begin().await.unwrap()
    }
}

pub(crate) fn manifest(version: &TargetVersion, content: &str) -> Manifest {
    Manifest {
        schema: 1,
        version: version.clone(),
        architecture: "amd64".to_owned(),
        components: Vec::new(),
        images: vec!["rootfs.squashfs".to_owned()],
        kernels: Vec::new(),
        entries: Vec::new(),
        default_entry: "linux".to_owned(),
        timeout_ms: 5000,
        lock: Some(Digest::of(content)),
    }
}

pub(crate) fn package(part: Part, name: &str, version: &str) -> LockedPackage {
    LockedPackage {
        part,
        name: name.to_owned(),
        version: version.to_owned(),
        architecture: "amd64".to_owned(),
        size: 3_000_000_000,
        sha256: Digest::of(name),
        origin: "bookworm/main".to_owned(),
        path: format!("pool/main/{name}_{version}.deb"),
    }
}

pub(crate) fn lock(packages: Vec<LockedPackage>) -> Lock {
    Lock {
        schema: 1,
        suite: "bookworm".to_owned(),
        architecture: "amd64".to_owned(),
        epoch: 1_795_442_531,
        packages,
        kernels: Vec::new(),
    }
}

/// The bytes of a file's permissions.
pub(crate) fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// What a kernel from a package of Debian is made of.
pub(crate) fn binary(package: &str) -> Definition {
    Definition {
        flavor: Flavor::Linux,
        source: Source::DebianBinary {
            suite: "bookworm".to_owned(),
            package: package.to_owned(),
            version: None,
        },
        configuration: None,
        patches: Vec::new(),
        debug: false,
    }
}

/// A record of a build with a package, an image and a configuration; their bytes are that of their
/// names and of `content`.
pub(crate) fn record(content: &str) -> Record {
    let file = |role, name: &str| KernelFile {
        role,
        name: name.to_owned(),
        size: 1000,
        sha256: Digest::of(format!("{name} {content}")),
    };
    Record {
        schema: 1,
        flavor: Flavor::Linux,
        release: "6.1.170".to_owned(),
        mode: BuildMode::Release,
        source: SourceRecord {
            origin: "linux-source-6.1 6.1.170-1".to_owned(),
            sha256: Digest::of("source"),
            commit: None,
            patches: Vec::new(),
        },
        epoch: 1_795_442_531,
        toolchain: Vec::new(),
        files: vec![
            file(KernelFileRole::Config, "config-6.1.170"),
            file(KernelFileRole::Package, "linux-image-6.1.170_1_amd64.deb"),
            file(KernelFileRole::Image, "vmlinuz-6.1.170"),
        ],
        packages: Vec::new(),
        commands: String::new(),
    }
}

impl World {
    /// A kernel of that name from a package of Debian.
    pub(crate) async fn kernel(&self, name: &str, definition: Definition) -> Kernel {
        let at = self.now();
        let kernel = Kernel {
            id: KernelId(self.id()),
            name: name.to_owned(),
            revision: 1,
            definition,
            created_at: at,
            created_by: "ada".to_owned(),
            changed_at: at,
            changed_by: "ada".to_owned(),
        };
        let mut tx = self.begin().await;
        tx.insert_kernel(&kernel).await.unwrap();
        tx.commit().await.unwrap();
        kernel
    }

    /// A build of a kernel whose job waits.
    pub(crate) async fn kernel_build(
        &self,
        kernel: &Kernel,
        number: u32,
        mode: BuildMode,
    ) -> JobId {
        let job = JobId(self.id());
        let mut tx = self.begin().await;
        tx.insert_job(&NewJob {
            id: job.clone(),
            kind: JobKind::Kernel,
            release: None,
            kernel: Some(kernel.id.clone()),
            variant: None,
            created_at: self.now(),
            created_by: "ada".to_owned(),
            parameters: serde_json::json!({}),
            steps: vec!["source".to_owned()],
        })
        .await
        .unwrap();
        tx.insert_kernel_build(&NewKernelBuild {
            kernel: kernel.id.clone(),
            number,
            mode,
            job: job.clone(),
            revision: kernel.revision,
            definition: kernel.definition.clone(),
        })
        .await
        .unwrap();
        tx.commit().await.unwrap();
        job
    }

    /// A build of a kernel that is complete.
    pub(crate) async fn built(&self, kernel: &Kernel, number: u32, record: &Record) -> JobId {
        let job = self.kernel_build(kernel, number, BuildMode::Release).await;
        let mut tx = self.begin().await;
        tx.complete_kernel_build(&job, record).await.unwrap();
        tx.end_job(&job, JobState::Succeeded, "built", None, self.now()).await.unwrap();
        tx.commit().await.unwrap();
        job
    }
}
