//! A whole installation for tests: as the system user, on a data folder of its own, with workers
//! and a boot listener on a port that the system picks.
#![allow(dead_code, reason = "each test uses its part of this")]

use std::{
    future::Future,
    path::{Path, PathBuf},
    process::Command,
    sync::LazyLock,
    time::Duration,
};

use domain::{
    actor::{Actor, Who},
    digest::Digest,
    guest::GuestLimits,
    ids::{GuestId, JobId, RunId},
    job::{Job, JobState},
    person::Role,
    run::Run,
};
use nix::unistd::{Uid, User, setgroups, setresgid, setresuid};
use services::{
    Services, ServicesOptions, downloads::Download, recipes::Saved, releases::Packages,
};
use tokio::{net::TcpListener, sync::watch};

#[path = "../../../lab/tests/support/mod.rs"]
pub(crate) mod guests;
use guests::relay_program;

/// Set-up makes it, owned by the system user: what is downloaded and built is kept between runs.
const CACHE: &str = "/var/cache/bootwright-test";

pub(crate) struct World {
    pub(crate) services: Services,
    pub(crate) developer: Actor,
    pub(crate) approver: Actor,
    pub(crate) administrator: Actor,
    boot: String,
    folder: tempfile::TempDir,
    stop: watch::Sender<bool>,
}

/// Becomes the system user, opens an installation whose guests have `boot_limit` to log in, runs
/// `story`, and ends everything.
pub(crate) fn run<S, F>(boot_limit: Duration, story: S)
where
    S: FnOnce(World) -> F,
    F: Future<Output = World>,
{
    run_with(boot_limit, None, story);
}

/// As [`run`], with packages from `mirror` where it is given.
pub(crate) fn run_with<S, F>(boot_limit: Duration, mirror: Option<&str>, story: S)
where
    S: FnOnce(World) -> F,
    F: Future<Output = World>,
{
    let relay = &*RELAY_OF_SYSTEM_USER;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let folder = runtime.block_on(async {
        let World { stop, folder, .. } = story(World::open(relay, boot_limit, mirror).await).await;
        stop.send_replace(true);
        folder
    });
    runtime.shutdown_timeout(Duration::from_secs(10));
    // Not before: whoever still writes would leave what nobody removes.
    folder.close().unwrap();
}

/// The relay's program, read before the process becomes the system user, who may not be able to
/// reach it. Once for all tests of a process: its user changes for every thread.
static RELAY_OF_SYSTEM_USER: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let relay =
        std::fs::read(relay_program()).expect("cargo builds the example `relay` of crate lab");
    become_system_user();
    relay
});

/// The Python environment of suites, by the name that set-up gives it.
pub(crate) fn python_of_suites() -> PathBuf {
    let requirements = include_str!("../../../../examples/suites/requirements.txt");
    let digest = Digest::of(requirements).to_string();
    PathBuf::from(format!("/var/cache/bootwright-suites-{}", &digest[..16]))
}

fn become_system_user() {
    if !Uid::effective().is_root() {
        return;
    }
    let user = User::from_name("bootwright")
        .unwrap()
        .expect("the system user bootwright is missing: run setup/run.sh test");
    setgroups(&[]).unwrap();
    setresgid(user.gid, user.gid, user.gid).unwrap();
    setresuid(user.uid, user.uid, user.uid).unwrap();
}

impl World {
    async fn open(relay: &[u8], boot_limit: Duration, mirror: Option<&str>) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("bootwright-world-")
            .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o755))
            .tempdir()
            .unwrap();
        let program = folder.path().join("relay");
        std::fs::write(&program, relay).unwrap();
        std::fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755))
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let boot_address = listener.local_addr().unwrap();
        let cache = Path::new(CACHE);
        let services = Services::open(ServicesOptions {
            data_dir: folder.path().to_path_buf(),
            database_url: None,
            cache_dir: Some(cache.join("cache")),
            mirror: mirror.map(ToOwned::to_owned),
            source_root: None,
            suites_python: Some(python_of_suites()),
            source_networks: Vec::new(),
            kernel_jobs: None,
            boot_limit,
            guests: GuestLimits::default(),
            boot_address,
            program,
        })
        .await
        .unwrap();
        let (stop, stopping) = watch::channel(false);
        let worker = (services.clone(), stopping.clone());
        tokio::spawn(async move { worker.0.work(1, worker.1).await });
        let kernels = (services.clone(), stop.subscribe());
        tokio::spawn(async move { kernels.0.work_on_kernels(kernels.1).await });
        let variants = (services.clone(), stop.subscribe());
        tokio::spawn(async move { variants.0.work_on_variants(1, variants.1).await });
        tokio::spawn(netboot::serve(listener, services.boot_listener(), async {
            std::future::pending::<()>().await;
        }));
        let [administrator, approver, developer] =
            [("eve", Role::Administrator), ("bob", Role::Approver), ("ann", Role::Developer)];
        Self {
            developer: person(&services, developer).await,
            approver: person(&services, approver).await,
            administrator: person(&services, administrator).await,
            boot: format!("http://{boot_address}"),
            services,
            folder,
            stop,
        }
    }

    /// Waits until a job has ended, woken by each change.
    pub(crate) async fn wait_for(&self, job: &JobId, limit: Duration) -> Job {
        let mut changes = self.services.changes();
        let ended = async {
            loop {
                let found = self.services.job(&self.developer, job).await.unwrap();
                if found.state.ended() {
                    return found;
                }
                let _ = changes.recv().await;
            }
        };
        match tokio::time::timeout(limit, ended).await {
            Ok(job) => job,
            Err(_) => {
                self.print_log(job).await;
                panic!("job {job} did not end within {limit:?}");
            }
        }
    }

    /// The data folder.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Saves a revision of the recipe `starter`, the first where there is no `base`.
    pub(crate) async fn save(&self, base: Option<u32>, text: &str) {
        let ann = &self.developer;
        let saved = match base {
            None => self.services.create_recipe(ann, "starter", text, "first").await,
            Some(base) => {
                self.services.save_revision(ann, "starter", base, text, "another text").await
            }
        };
        assert!(matches!(saved, Ok(Saved::Revision(_))), "{saved:?}");
    }

    /// Builds a revision of it, whatever comes of that; gives the job and the version.
    pub(crate) async fn build(&self, revision: u32, packages: Packages) -> (Job, String) {
        let ann = &self.developer;
        let version = self.services.propose_build(ann, "starter").await.unwrap().version;
        let job = self
            .services
            .start_build(ann, "starter", revision, version.clone(), packages)
            .await
            .unwrap();
        let job = self.wait_for(&job.id, Duration::from_secs(1200)).await;
        for step in self.services.steps(ann, &job.id).await.unwrap() {
            let key = step.key.map_or_else(String::new, |key| format!(" inputs {}", key.short()));
            println!("build {version}: {} {}{key}", step.name, step.state);
        }
        if job.state != JobState::Succeeded {
            self.print_log(&job.id).await;
        }
        (job, version.to_string())
    }

    /// A whole job of a variant, and what it logged.
    pub(crate) async fn build_variant(&self, name: &str) -> (Job, String) {
        let (services, ann) = (&self.services, &self.developer);
        let job = services.start_variant_build(ann, name).await.unwrap();
        let job = self.wait_for(&job.id, Duration::from_secs(300)).await;
        for step in services.steps(ann, &job.id).await.unwrap() {
            println!("variant {name}: {} {}", step.name, step.state);
        }
        if job.state != JobState::Succeeded {
            self.print_log(&job.id).await;
        }
        let lines = services.job_log(ann, &job.id, 0, usize::MAX).await.unwrap();
        (job, lines.into_iter().map(|it| it.text + "\n").collect())
    }

    /// Waits until the log of a job that runs, or is about to, has this in it.
    pub(crate) async fn wait_for_line(&self, job: &JobId, text: &str) {
        let mut opened = self.services.logs().opened();
        let mut grown = loop {
            match self.services.logs().follow(job) {
                Some(grown) => break grown,
                None => opened.changed().await.unwrap(),
            }
        };
        loop {
            let lines = self.services.job_log(&self.developer, job, 0, usize::MAX).await.unwrap();
            if lines.iter().any(|it| it.text.contains(text)) {
                return;
            }
            grown.changed().await.expect("the job ended before it logged that");
        }
    }

    /// Waits until a guest has written `text` to its console from offset `at` on, and moves that behind
    /// what was read; gives what it wrote.
    pub(crate) async fn guest_says(&self, id: &GuestId, at: &mut u64, text: &str) -> String {
        const PATIENCE: Duration = Duration::from_secs(600);
        let mut bytes = Vec::new();
        let says = async {
            while !String::from_utf8_lossy(&bytes).contains(text) {
                let more = self.services.guest_console(&self.developer, id, *at, PATIENCE).await;
                let more = more.unwrap();
                assert!(!more.bytes.is_empty(), "the guest has ended: {bytes:?}");
                *at = more.end();
                print!("{}", String::from_utf8_lossy(&more.bytes));
                bytes.extend(more.bytes);
            }
        };
        tokio::time::timeout(PATIENCE, says).await.expect("the guest says what is waited for");
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Validates a release by plan "smoke" to its end; gives the job and its runs.
    pub(crate) async fn validate(&self, version: &str) -> (Job, Vec<Run>) {
        self.validate_by(version, None).await
    }

    /// As [`World::validate`], by a plan.
    pub(crate) async fn validate_by(&self, version: &str, plan: Option<&str>) -> (Job, Vec<Run>) {
        let ann = &self.developer;
        let job = self.services.start_validation(ann, version, plan).await.unwrap();
        let job = self.wait_for(&job.id, Duration::from_secs(1200)).await;
        let runs = self.services.validation_of_job(ann, &job.id).await.unwrap().unwrap().runs;
        for run in &runs {
            println!("{}: {:?} {:?} {}", run.entry, run.outcome, run.failure, run.message);
            for result in &run.results {
                println!("  {}: {} {}", result.case, result.outcome, result.message);
            }
        }
        (job, runs)
    }

    /// Where a blob lies.
    pub(crate) fn blob(&self, digest: &Digest) -> PathBuf {
        let name = digest.to_string();
        self.folder.path().join("blobs").join(&name[..2]).join(&name[2..])
    }

    /// Where a blob of the step cache lies.
    pub(crate) fn cached(&self, digest: &Digest) -> PathBuf {
        let name = digest.to_string();
        Path::new(CACHE).join("cache/blobs").join(&name[..2]).join(&name[2..])
    }

    /// Turns over one byte in the middle of a blob, as failing hardware would.
    pub(crate) fn damage(&self, blob: &Digest) {
        let path = self.blob(blob);
        // Not in place: the same file is in the step cache, which other tests share.
        let mut bytes = std::fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::remove_file(&path).unwrap();
        std::fs::write(&path, bytes).unwrap();
    }

    /// Asks the boot listener.
    pub(crate) async fn get(&self, path: &str) -> String {
        let url = format!("{}{path}", self.boot);
        tokio::task::spawn_blocking(move || {
            let agent = ureq::Agent::config_builder().http_status_as_error(false).build();
            let mut response = ureq::Agent::from(agent).get(url).call().unwrap();
            response.body_mut().read_to_string().unwrap()
        })
        .await
        .unwrap()
    }

    pub(crate) async fn print_log(&self, job: &JobId) {
        let lines = self.services.job_log(&self.developer, job, 0, usize::MAX).await.unwrap();
        for line in lines.iter().rev().take(60).rev() {
            println!("{:<10} {}", line.step, line.text);
        }
    }

    pub(crate) async fn print_console(&self, run: &RunId) {
        if let Ok(Download::File { file, .. }) =
            self.services.console_file(&self.developer, run).await
        {
            let text = std::io::read_to_string(file).unwrap_or_default();
            println!(
                "{}",
                text.chars().rev().take(6000).collect::<String>().chars().rev().collect::<String>()
            );
        }
    }

    /// A stock `minisign -V` accepts the manifest's signature, and not that of other bytes.
    pub(crate) async fn verify_signature(&self, release: &str) {
        for name in ["manifest.json", "manifest.json.minisig", "bootwright.pub"] {
            let bytes =
                match self.services.release_file(&self.developer, release, name).await.unwrap() {
                    Download::Bytes { bytes, .. } => bytes,
                    Download::File { mut file, .. } => {
                        let mut bytes = Vec::new();
                        std::io::Read::read_to_end(&mut file, &mut bytes).unwrap();
                        bytes
                    }
                };
            std::fs::write(self.folder.path().join(name), bytes).unwrap();
        }
        let verify = || {
            Command::new("minisign")
                .current_dir(self.folder.path())
                .args(["-V", "-p", "bootwright.pub", "-m", "manifest.json"])
                .output()
                .expect("minisign is missing: run setup/run.sh test")
        };
        let accepted = verify();
        assert!(accepted.status.success(), "{accepted:?}");
        let manifest = self.folder.path().join("manifest.json");
        let mut bytes = std::fs::read(&manifest).unwrap();
        bytes[0] ^= 1;
        std::fs::write(&manifest, bytes).unwrap();
        assert!(!verify().status.success());
    }
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
