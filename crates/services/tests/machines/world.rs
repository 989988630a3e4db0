//! An installation with two candidates, v1.0.0-rc.1 and v1.1.0-rc.1, of which production and development
//! serve the first, and its boot listener.

use std::{net::SocketAddr, time::Duration};

use domain::{
    actor::{Actor, Who},
    digest::Digest,
    guest::GuestLimits,
    ids::{JobId, PersonId, RecipeId, ReleaseId},
    kernel::Flavor,
    machine::{BootTarget, Machine, MachineDraft},
    manifest::{BootEntry, BoundKernel, Manifest},
    person::{Person, Role},
    recipe::{Revision, RootMethod},
    release::{Release, Stage},
    time::{Clock as _, Timestamp},
    version::CandidateVersion,
};
use services::{ServiceError, Services, ServicesOptions, identity::SystemClock};
use sqlx::Connection as _;
use store::Store;
use tokio::{net::TcpListener, sync::watch};

pub(crate) const FIRST: &str = "v1.0.0-rc.1";
pub(crate) const SECOND: &str = "v1.1.0-rc.1";

pub(crate) struct World {
    pub(crate) services: Services,
    pub(crate) developer: Actor,
    pub(crate) other: Actor,
    pub(crate) approver: Actor,
    pub(crate) viewer: Actor,
    pub(crate) administrator: Actor,
    boot: SocketAddr,
    folder: tempfile::TempDir,
    /// Boots are written down as long as this lives.
    _keeping: watch::Sender<bool>,
}

pub(crate) fn now() -> Timestamp {
    SystemClock.now()
}

pub(crate) fn in_hours(hours: u64) -> Timestamp {
    now().plus(Duration::from_secs(hours * 3600))
}

pub(crate) fn target(text: &str) -> BootTarget {
    text.parse().unwrap()
}

pub(crate) fn draft(name: &str, macs: &str, labels: &str) -> MachineDraft {
    MachineDraft {
        name: name.to_owned(),
        macs: macs.to_owned(),
        labels: labels.to_owned(),
        ..MachineDraft::default()
    }
}

/// The reason of a refusal or a fault.
pub(crate) fn says<T: std::fmt::Debug>(result: Result<T, ServiceError>) -> String {
    result.unwrap_err().to_string()
}

pub(crate) fn manifest(version: &CandidateVersion) -> Manifest {
    let entry = |label: &str| BootEntry::Linux {
        label: label.to_owned(),
        text: format!("Debian {label}"),
        kernel: "vmlinuz-6.1.y".to_owned(),
        root: RootMethod::Http,
        arguments: String::new(),
    };
    Manifest {
        schema: 1,
        version: version.target.clone(),
        architecture: "amd64".to_owned(),
        components: Vec::new(),
        images: Vec::new(),
        kernels: vec![BoundKernel {
            alias: "vmlinuz-6.1.y".to_owned(),
            flavor: Flavor::Linux,
            release: "6.1.0".to_owned(),
            image: "vmlinuz-6.1.0".to_owned(),
            initrd: Some("initrd-6.1.0.img".to_owned()),
            config: None,
        }],
        entries: vec![entry("deb"), entry("rescue")],
        default_entry: "deb".to_owned(),
        timeout_ms: 3000,
        lock: None,
    }
}

impl World {
    pub(crate) async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Services::migrate(folder.path(), None).await.unwrap();
        let store = Store::open(&Store::sqlite_url(folder.path())).await.unwrap();
        seed(&store, folder.path()).await;
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let boot = socket.local_addr().unwrap();
        let services = Services::open(ServicesOptions {
            data_dir: folder.path().to_path_buf(),
            database_url: None,
            cache_dir: None,
            mirror: Some("http://127.0.0.1:9/debian".to_owned()),
            boot_limit: Duration::from_secs(600),
            guests: GuestLimits::default(),
            boot_address: boot,
            program: folder.path().join("relay"),
            source_root: None,
            suites_python: None,
            source_networks: Vec::new(),
            kernel_jobs: None,
        })
        .await
        .unwrap();
        tokio::spawn(netboot::serve(socket, services.boot_listener(), std::future::pending()));
        let [developer, other] = ["ann", "dan"].map(|name| (name, Role::Developer));
        let (keeping, ends) = watch::channel(false);
        tokio::spawn(services.clone().keep_boots(ends));
        Self {
            developer: person(&services, developer).await,
            other: person(&services, other).await,
            approver: person(&services, ("bob", Role::Approver)).await,
            viewer: person(&services, ("vera", Role::Viewer)).await,
            administrator: person(&services, ("eve", Role::Administrator)).await,
            services,
            boot,
            folder,
            _keeping: keeping,
        }
    }

    /// Registers a machine as the developer.
    pub(crate) async fn add(&self, name: &str, macs: &str, labels: &str) -> Machine {
        let draft = draft(name, macs, labels);
        self.services.register_machine(&self.developer, &draft).await.unwrap()
    }

    /// The status and the script that the boot listener answers.
    pub(crate) async fn boots(&self, query: &str) -> (u16, String) {
        self.asks(&format!("/ipxe?{query}"), None).await
    }

    /// What the boot listener answers: to a GET, or to a POST of a text.
    pub(crate) async fn asks(&self, path: &str, sent: Option<String>) -> (u16, String) {
        let url = format!("http://{}{path}", self.boot);
        tokio::task::spawn_blocking(move || {
            let agent = ureq::Agent::config_builder().http_status_as_error(false).build();
            let agent = ureq::Agent::from(agent);
            let answered = match sent {
                Some(text) => agent.post(url).send(text),
                None => agent.get(url).call(),
            };
            let mut response = answered.unwrap();
            let status = response.status().as_u16();
            (status, response.body_mut().read_to_string().unwrap())
        })
        .await
        .unwrap()
    }

    /// The token of a boot, as the script of a machine has it.
    pub(crate) async fn token(&self, mac: &str) -> String {
        let (_, script) = self.boots(&format!("mac={mac}")).await;
        let line = script.lines().find_map(|it| it.strip_prefix("set boot "));
        line.unwrap().to_owned()
    }

    /// A machine reports how far it is that boots a release; the status and the text of the answer.
    pub(crate) async fn reports(&self, token: &str, stage: &str, release: &str) -> (u16, String) {
        let manifest = manifest(&release.parse().unwrap()).digest().unwrap();
        let report = format!(
            "token: {token}\nentry: deb\nmanifest: {manifest}\nstage: {stage}\nsince: 4.5\nnow: 5\n"
        );
        self.asks("/report", Some(report)).await
    }

    /// Which release a machine is served: the name of it.
    pub(crate) async fn served(&self, mac: &str) -> &'static str {
        let (status, script) = self.boots(&format!("mac={mac}")).await;
        assert_eq!(status, 200, "{script}");
        let names = [FIRST, SECOND];
        let of = |name: &&&str| {
            let digest = manifest(&name.parse().unwrap()).digest().unwrap();
            script.contains(&digest.to_string())
        };
        names.iter().find(of).unwrap()
    }

    /// Another process on the same store, as the command line is one.
    pub(crate) async fn beside(&self) -> Services {
        Services::open_for_administration(self.folder.path(), None).await.unwrap()
    }

    /// The actions of the audit log, newest first.
    pub(crate) async fn audited(&self, name: &str) -> Vec<String> {
        let filter = services::audit::AuditFilter {
            subject: Some(name.to_owned()),
            ..services::audit::AuditFilter::default()
        };
        let slice = domain::page::Slice::first();
        let page = self.services.audit_page(&self.viewer, &filter, &slice).await.unwrap();
        page.items.into_iter().map(|it| it.entry.action).collect()
    }
}

async fn seed(store: &Store, folder: &std::path::Path) {
    let author = Person {
        id: PersonId::from("author"),
        name: "ada".to_owned(),
        role: Role::Developer,
        created_at: now(),
        disabled_at: None,
    };
    let text = "# a recipe\n".to_owned();
    let revision = Revision {
        recipe: RecipeId::from("recipe"),
        number: 1,
        digest: Digest::of(&text),
        text,
        message: "first".to_owned(),
        author: "ada".to_owned(),
        saved_at: now(),
    };
    let mut tx = store.begin().await.unwrap();
    tx.insert_person(&author, None).await.unwrap();
    tx.insert_recipe("starter", &revision, &author.id).await.unwrap();
    for name in [FIRST, SECOND] {
        let version: CandidateVersion = name.parse().unwrap();
        let release = Release {
            id: ReleaseId::from(name),
            version: version.clone(),
            stage: Stage::Building,
            recipe: revision.recipe.clone(),
            recipe_name: "starter".to_owned(),
            revision: 1,
            job: JobId::from(name),
            manifest: None,
            lock: None,
            identical_to: None,
            created_at: now(),
            created_by: "ada".to_owned(),
            built_at: None,
            released_at: None,
            imported_at: None,
        };
        tx.insert_release(&release).await.unwrap();
        let signature = Digest::of("signature");
        tx.complete_release(&release.id, &manifest(&version), &signature, now()).await.unwrap();
    }
    tx.commit().await.unwrap();
    // Deployments are tried elsewhere.
    let url = Store::sqlite_url(folder);
    let mut connection = sqlx::AnyConnection::connect(&url).await.unwrap();
    sqlx::query("update environment set release_id = $1")
        .bind(FIRST)
        .execute(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
}

async fn person(services: &Services, (name, role): (&str, Role)) -> Actor {
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
