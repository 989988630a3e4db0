//! An installation with the dashboard served on a port of its own; nothing works on its jobs.

mod boots;
pub(crate) mod guests;
pub(crate) mod kernels;
mod machines;
pub(crate) mod plans;
pub(crate) mod variants;

use std::{
    ffi::OsString,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use domain::{
    actor::{Actor, Who},
    audit::AuditEntry,
    deployment::{Deployment, Verdict},
    digest::Digest,
    environment::{DEVELOPMENT, PRODUCTION, Policy},
    guest::GuestLimits,
    ids::{JobId, RunId, TokenId},
    job::{Job, JobState},
    lock::Lock,
    manifest::{BootEntry, Component, EntryKind, Manifest},
    person::{Person, Role},
    plan::SMOKE,
    recipe::{self, RootMethod},
    run::{CaseResult, Outcome, Run, file::Said},
    time::{Clock as _, Timestamp},
    token::Scope,
};
use server::config::{Command, load};
use services::{
    Services, ServicesOptions,
    assessments::{FailureAt, SeenFailure, Statement},
    identity::SystemClock,
    recipes::Saved,
    releases::Packages,
    tokens::NewToken,
};
use sqlx::Connection as _;
use store::{Store, runs::RunPlace};
use tokio::{net::TcpListener, sync::watch};

use crate::http::{Answer, Ask, form};

/// Everybody's password.
/// Where runs of these tests take place.
pub(crate) const SMOKE_ON_QEMU: RunPlace<'static> =
    RunPlace { machine: "qemu", entry: "linux", suite: "smoke", kernel: "" };
pub(crate) const PASSWORD: &str = "correct horse battery";
/// The recipe that is there from the start, with two revisions.
pub(crate) const RECIPE: &str = "starter";

pub(crate) struct World {
    pub(crate) services: Services,
    pub(crate) address: SocketAddr,
    pub(crate) stop: watch::Sender<bool>,
    /// What only workers write is written past the services.
    store: Store,
    counter: AtomicU32,
    folder: tempfile::TempDir,
}

/// The sign-in name of the person of each role.
pub(crate) const fn name(role: Role) -> &'static str {
    match role {
        Role::Viewer => "vera",
        Role::Developer => "dave",
        Role::Approver => "anna",
        Role::Administrator => "adam",
    }
}

/// A mirror that has nothing: packages of recipes are not checked, and no save waits for a network.
async fn empty_mirror() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, axum::Router::new()).await });
    address
}

/// An entry that boots Linux.
fn entry(label: &str) -> BootEntry {
    BootEntry::Linux {
        label: label.to_owned(),
        text: "Debian".to_owned(),
        kernel: "linux".to_owned(),
        root: RootMethod::Http,
        arguments: String::new(),
    }
}

impl World {
    /// An installation that nobody can sign in to yet.
    pub(crate) async fn empty() -> Self {
        Self::with_options(&[]).await
    }

    /// As [`World::empty`], served with these options of `bootwright serve` besides.
    pub(crate) async fn with_options(options: &[&str]) -> Self {
        Self::open(options, GuestLimits::default()).await
    }

    /// An installation with a person of each role that runs so many guests for so long.
    pub(crate) async fn with_guests(guests: GuestLimits) -> Self {
        let world = Self::open(&[], guests).await;
        world.populate().await;
        world.recipe().await;
        world
    }

    async fn open(options: &[&str], guests: GuestLimits) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data_dir = folder.path();
        let services = Services::open(ServicesOptions {
            data_dir: data_dir.to_path_buf(),
            database_url: None,
            cache_dir: None,
            mirror: Some(format!("http://{}/debian", empty_mirror().await)),
            source_root: None,
            suites_python: None,
            source_networks: Vec::new(),
            kernel_jobs: None,
            boot_limit: Duration::from_secs(600),
            guests,
            boot_address: SocketAddr::from(([127, 0, 0, 1], 9)),
            program: PathBuf::from(env!("CARGO_BIN_EXE_bootwright")),
        })
        .await
        .unwrap();
        let mut arguments: Vec<OsString> =
            ["bootwright", "serve", "--data-dir"].map(OsString::from).to_vec();
        arguments.push(data_dir.into());
        arguments.extend(options.iter().map(OsString::from));
        let Command::Serve(arguments) = load(&arguments).unwrap().command else {
            panic!("these are the arguments of `serve`");
        };
        let (stop, stopping) = watch::channel(false);
        tokio::spawn(services.clone().keep_boots(stopping.clone()));
        let router = server::dashboard::router(&services, &arguments, &stopping);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, service).await });
        let store = Store::open(&Store::sqlite_url(data_dir)).await.unwrap();
        Self { services, address, stop, store, counter: AtomicU32::new(0), folder }
    }

    /// An installation with a person of each role and a recipe of two revisions. Production demands
    /// one approval and no plan, since nothing boots here.
    pub(crate) async fn furnished() -> Self {
        let world = Self::with_people().await;
        world.recipe().await;
        let services = &world.services;
        let policy = Policy { plans: Vec::new(), approvals: 1, self_approval: false };
        let adam = world.actor(Role::Administrator).await;
        services.change_policy(&adam, PRODUCTION, policy, None).await.unwrap();
        world
    }

    /// An installation with a person of each role.
    pub(crate) async fn with_people() -> Self {
        let world = Self::empty().await;
        world.populate().await;
        world
    }

    async fn populate(&self) {
        for role in Role::ALL {
            self.add(name(role), role).await;
        }
    }

    async fn recipe(&self) {
        let dave = self.actor(Role::Developer).await;
        let second = recipe::starter().replace("Debian stable", "Debian stable, again");
        assert_ne!(second, recipe::starter());
        let services = &self.services;
        let first = services.create_recipe(&dave, RECIPE, recipe::starter(), "the first").await;
        assert!(matches!(first, Ok(Saved::Revision(_))), "{first:?}");
        let second = services.save_revision(&dave, RECIPE, 1, &second, "the second").await;
        assert!(matches!(second, Ok(Saved::Revision(_))), "{second:?}");
    }

    pub(crate) async fn add(&self, name: &str, role: Role) -> Person {
        self.services
            .add_person_with_password(&Actor::command_line(), name, role, PASSWORD.to_owned())
            .await
            .unwrap()
    }

    /// Somebody of that role, past HTTP.
    pub(crate) async fn actor(&self, role: Role) -> Actor {
        let people = self.services.list_people(&Actor::command_line()).await.unwrap();
        let person = people.into_iter().find(|person| person.name == name(role)).unwrap();
        let who = Who::Person { id: person.id, name: person.name, role };
        Actor { who, request: "test".to_owned(), ..Actor::anonymous() }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn get(&self, target: &str) -> Ask {
        Ask::get(self.address, target)
    }

    pub(crate) fn post(&self, target: &str, fields: &[(&str, &str)]) -> Ask {
        Ask::post(self.address, target, form(fields))
    }

    pub(crate) async fn try_to_sign_in(&self, name: &str, password: &str) -> Answer {
        self.post("/session/login", &[("name", name), ("password", password)]).send().await
    }

    /// Signs in as people do; gives the cookie.
    pub(crate) async fn sign_in(&self, name: &str) -> String {
        let answer = self.try_to_sign_in(name, PASSWORD).await;
        assert_eq!((answer.status, answer.header("location")), (303, "/"), "{}", answer.body);
        answer.session().expect("a session begins")
    }

    /// A token of whoever goes by that name, for everything that the role allows.
    pub(crate) async fn secret_of(&self, name: &str) -> String {
        let new = NewToken {
            name: format!("token {}", self.number()),
            role: None,
            scope: Scope::All,
            days: 1,
        };
        let by = Actor::command_line();
        self.services.create_token_for(&by, name, new).await.unwrap().secret
    }

    /// Lets a token's time be over.
    pub(crate) async fn expire_token(&self, id: &TokenId) {
        let url = Store::sqlite_url(self.folder());
        let mut connection = sqlx::AnyConnection::connect(&url).await.unwrap();
        sqlx::query("update token set expires_at = 1 where id = $1")
            .bind(id.as_str())
            .execute(&mut connection)
            .await
            .unwrap();
    }

    /// Lets collections that wait be over.
    pub(crate) async fn end_collections(&self) {
        let url = Store::sqlite_url(self.folder());
        let mut connection = sqlx::AnyConnection::connect(&url).await.unwrap();
        sqlx::query("update job set state = 'cancelled' where kind = 'collection'")
            .execute(&mut connection)
            .await
            .unwrap();
    }

    /// A number that was never given before.
    pub(crate) fn number(&self) -> u32 {
        self.counter.fetch_add(1, Ordering::Relaxed) + 1
    }

    fn now() -> Timestamp {
        SystemClock.now()
    }

    /// A build that waits for a worker, and the version of its release.
    pub(crate) async fn queued(&self) -> (Job, String) {
        let dave = self.actor(Role::Developer).await;
        let version = format!("v1.{}.0-rc.1", self.number());
        let job = self
            .services
            .start_build(&dave, RECIPE, 2, version.parse().unwrap(), Packages::Newer)
            .await
            .unwrap();
        (job, version)
    }

    /// The version of a release whose build is complete.
    pub(crate) async fn candidate(&self) -> String {
        self.candidate_of(Vec::new()).await
    }

    /// The version of a candidate that somebody pinned.
    pub(crate) async fn pinned(&self) -> String {
        let version = self.candidate().await;
        let dave = self.actor(Role::Developer).await;
        self.services.pin_release(&dave, &version, "the demo next week").await.unwrap();
        version
    }

    /// The version of a release that consists of these files.
    pub(crate) async fn candidate_of(&self, components: Vec<Component>) -> String {
        self.candidate_that_boots(components, vec![entry("linux")]).await
    }

    /// The version of a release with this boot entry besides "linux".
    pub(crate) async fn candidate_with_entry(&self, label: &str) -> String {
        self.candidate_that_boots(Vec::new(), vec![entry("linux"), entry(label)]).await
    }

    /// The version of a release with these entries, of which "linux" is the default.
    pub(crate) async fn candidate_that_boots(
        &self,
        components: Vec<Component>,
        entries: Vec<BootEntry>,
    ) -> String {
        let (job, version) = self.queued().await;
        let dave = self.actor(Role::Developer).await;
        let release = self.services.release(&dave, &version).await.unwrap();
        let lock = Lock {
            schema: 1,
            suite: "stable".to_owned(),
            architecture: "amd64".to_owned(),
            epoch: i64::from(self.number()),
            packages: Vec::new(),
            kernels: Vec::new(),
        };
        let mut tx = self.store.begin().await.unwrap();
        let lock = tx.insert_lock(&lock, Self::now()).await.unwrap();
        tx.set_lock(&release.id, &lock).await.unwrap();
        let manifest = Manifest {
            schema: 1,
            version: release.version.target.clone(),
            architecture: "amd64".to_owned(),
            components,
            images: Vec::new(),
            kernels: Vec::new(),
            entries,
            default_entry: "linux".to_owned(),
            timeout_ms: 5000,
            lock: Some(lock),
        };
        let signature = Digest::of("signature");
        tx.complete_release(&release.id, &manifest, &signature, Self::now()).await.unwrap();
        let (done, outcome) = (JobState::Succeeded, "it is complete");
        tx.end_job(&job.id, done, outcome, None, Self::now()).await.unwrap();
        tx.commit().await.unwrap();
        version
    }

    /// A run of a candidate's validation that has not ended.
    pub(crate) async fn run(&self) -> RunId {
        let version = self.candidate().await;
        self.run_of(&version).await
    }

    /// A run of a candidate's validation that has ended, every case passed.
    pub(crate) async fn ended_run(&self) -> RunId {
        let id = self.run().await;
        self.end_run(&id).await;
        id
    }

    /// A run of which nobody has said yet what it is about.
    pub(crate) async fn unattached_run(&self) -> RunId {
        let rows = format!("Test name,Result\nboot {},PASS\n", self.number());
        let dave = self.actor(Role::Developer).await;
        let order = services::results::ResultsOrder::default();
        let bytes = std::io::Cursor::new(rows.into_bytes());
        self.services.bring_results(&dave, order, bytes).await.unwrap().run.id
    }

    /// A run of a new candidate that the developer brought in from elsewhere: `smoke.boot` passed.
    pub(crate) async fn brought_run(&self, machine: &str, entry: &str, suite: &str) -> RunId {
        let rows = format!("Test name,Test ID,Result\nboot {},smoke.boot,PASS\n", self.number());
        let dave = self.actor(Role::Developer).await;
        let some = |text: &str| Some(text.to_owned());
        let said = Said {
            subject: Some(self.candidate().await),
            machine: some(machine),
            entry: some(entry),
            suite: some(suite),
            ..Said::default()
        };
        let order = services::results::ResultsOrder { said, ..Default::default() };
        let bytes = std::io::Cursor::new(rows.into_bytes());
        self.services.bring_results(&dave, order, bytes).await.unwrap().run.id
    }

    /// The digest of bytes that lie where uploads are kept.
    pub(crate) fn uploaded(&self, content: &str) -> Digest {
        let blobs = blobs::BlobStore::open(&self.folder().join("blobs")).unwrap();
        blobs.put(content.as_bytes()).unwrap().sha256
    }

    /// A run that has ended and kept what its machine wrote.
    pub(crate) async fn run_with_console(&self) -> RunId {
        let id = self.run().await;
        let blobs = blobs::BlobStore::open(&self.folder().join("blobs")).unwrap();
        let console = blobs.put(&b"login:"[..]).unwrap().sha256;
        let mut tx = self.store.begin().await.unwrap();
        let run = tx.run(&id).await.unwrap().unwrap();
        let (ended_at, outcome) = (Some(Self::now()), Some(Outcome::Passed));
        tx.end_run(&Run { ended_at, outcome, console: Some(console), ..run }).await.unwrap();
        tx.commit().await.unwrap();
        id
    }

    /// A run of that candidate's validation that has not ended.
    pub(crate) async fn run_of(&self, version: &str) -> RunId {
        self.run_asked_by(Role::Developer, version).await
    }

    /// As [`World::run_of`], where the person of `role` asked for the validation.
    pub(crate) async fn run_asked_by(&self, role: Role, version: &str) -> RunId {
        let asker = self.actor(role).await;
        self.services.start_validation(&asker, version, None).await.unwrap();
        let release = self.services.release(&asker, version).await.unwrap();
        let validations = self.services.validations(&asker, &release).await.unwrap();
        let run = RunId(format!("run-{}", self.number()));
        let mut tx = self.store.begin().await.unwrap();
        tx.begin_run(&validations[0], &run, &SMOKE_ON_QEMU, Self::now()).await.unwrap();
        tx.commit().await.unwrap();
        run
    }

    /// Ends a run as the runner does, with an audit row in the same transaction; every case passed.
    pub(crate) async fn end_run(&self, id: &RunId) {
        self.end_run_with(id, |_| None).await;
    }

    /// As [`World::end_run`], where cases end as `otherwise` says.
    pub(crate) async fn end_run_with(
        &self,
        id: &RunId,
        otherwise: impl Fn(&str) -> Option<(Outcome, String)>,
    ) {
        let mut tx = self.store.begin().await.unwrap();
        let run = tx.run(id).await.unwrap().unwrap();
        let results = SMOKE.cases_of(EntryKind::Linux).map(|case| {
            let passed = || (Outcome::Passed, "seen".to_owned());
            let (outcome, message) = otherwise(case.id).unwrap_or_else(passed);
            CaseResult {
                case: case.id.to_owned(),
                title: case.title.to_owned(),
                outcome,
                duration_us: Some(1),
                message,
            }
        });
        let results: Vec<_> = results.collect();
        let whole = results.iter().all(|it| it.outcome == Outcome::Passed);
        let (outcome, message) = match whole {
            true => (Outcome::Passed, "every case passed"),
            false => (Outcome::Failed, "a case did not pass"),
        };
        let ended = Run {
            ended_at: Some(Self::now()),
            outcome: Some(outcome),
            message: message.to_owned(),
            results,
            ..run
        };
        tx.end_run(&ended).await.unwrap();
        let runner = Actor::runner("test");
        let (action, nothing) = ("validation.end", serde_json::json!({}));
        let entry = AuditEntry::new(Self::now(), &runner, action, "run", id.to_string(), nothing);
        tx.record(&entry).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// A run of a new candidate's validation in which `smoke.boot` failed with that message.
    pub(crate) async fn failed_run(&self, message: &str) -> RunId {
        let id = self.run().await;
        self.end_run_with(&id, |case| {
            (case == "smoke.boot").then(|| (Outcome::Failed, message.to_owned()))
        })
        .await;
        id
    }

    /// As [`World::failed_run`], where the approver has waived the failure.
    pub(crate) async fn waived_run(&self, message: &str) -> RunId {
        let run = self.failed_run(message).await;
        let anna = self.actor(Role::Approver).await;
        let at = FailureAt::Result { run: run.clone(), case: "smoke.boot".to_owned() };
        let failure = SeenFailure { at, seen: None };
        let statement =
            Statement::Waive { reason: "known since long".to_owned(), until: self.in_days(7) };
        self.services.review_failures(&anna, &[failure], &statement).await.unwrap();
        run
    }

    /// Lets the time of all waivers be over.
    pub(crate) async fn end_waivers(&self) {
        let url = Store::sqlite_url(self.folder());
        let mut connection = sqlx::AnyConnection::connect(&url).await.unwrap();
        let done = sqlx::query("update assessment set waiver_until = 1 where waiver_until > 1")
            .execute(&mut connection)
            .await
            .unwrap();
        assert_ne!(done.rows_affected(), 0);
    }

    /// The day so many days from now.
    pub(crate) fn in_days(&self, days: u64) -> String {
        let day = self.services.now().plus(Duration::from_secs(days * 86_400));
        day.rfc3339().chars().take(10).collect()
    }

    /// A request of the person of `role` that development serve a new candidate.
    pub(crate) async fn requested(&self, role: Role) -> Deployment {
        self.requested_for(DEVELOPMENT, role).await
    }

    pub(crate) async fn requested_for(&self, environment: &str, role: Role) -> Deployment {
        let version = self.candidate().await;
        self.request(environment, &version, role).await
    }

    async fn request(&self, environment: &str, version: &str, role: Role) -> Deployment {
        let actor = self.actor(role).await;
        let asked = self.services.request_deployment(&actor, environment, version, "why not");
        asked.await.unwrap()
    }

    /// Lets an environment serve a release.
    pub(crate) async fn serve(&self, environment: &str, version: &str) -> Deployment {
        let (dave, anna) = (self.actor(Role::Developer).await, self.actor(Role::Approver).await);
        let asked = self.request(environment, version, Role::Developer).await;
        let judged =
            self.services.judge_deployment(&anna, &asked.id, Verdict::Approved, None, "").await;
        judged.unwrap();
        self.services.deploy(&dave, &asked.id).await.unwrap();
        self.services.deployment(&dave, &asked.id).await.unwrap()
    }

    /// What an environment has served before it went on to something else.
    pub(crate) async fn served_before(&self, environment: &str) -> Deployment {
        let mut served = Vec::new();
        for _ in 0..2 {
            let version = self.candidate().await;
            served.push(self.serve(environment, &version).await);
        }
        served.swap_remove(0)
    }

    /// Lets a worker end what was cancelled.
    pub(crate) async fn end_cancelled(&self, job: &JobId) {
        let dave = self.actor(Role::Developer).await;
        self.services.cancel_job(&dave, job).await.unwrap();
        let mut changes = self.services.changes();
        let (stop, stopping) = watch::channel(false);
        let services = self.services.clone();
        let worker = tokio::spawn(async move { services.work(1, stopping).await });
        while !self.services.job(&dave, job).await.unwrap().state.ended() {
            changes.recv().await.unwrap();
        }
        stop.send_replace(true);
        worker.await.unwrap();
    }

    /// How many rows the audit log has: every change adds one.
    pub(crate) async fn audit_rows(&self) -> u64 {
        u64::try_from(self.services.verify_audit().await.unwrap().rows).unwrap()
    }
}
