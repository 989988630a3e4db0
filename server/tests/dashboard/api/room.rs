//! Room on the disk: what a collection says, removes and leaves, on real files.

use std::{
    fs::File,
    io::{Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

use blobs::BlobStore;
use domain::{
    actor::Actor,
    digest::Digest,
    environment::DEVELOPMENT,
    ids::{JobId, RunId},
    job::{Job, JobKind, JobState},
    manifest::{Component, ComponentRole},
    page::Slice,
    person::Role,
    release::Stage,
    room::{Fate, Need, RoomRules},
    run::file::Said,
};
use services::{Services, jobs::JobFilter, results::ResultsOrder};
use tokio::{net::TcpListener, sync::watch};

use super::{ask, secret};
use crate::world::World;

/// Everything goes that nothing needs.
const AT_ONCE: RoomRules =
    RoomRules { candidates: Some(0), withdrawn: Some(0), logs: Some(0), cache: Some(0), floor: 0 };

fn kept(world: &World) -> BlobStore {
    BlobStore::open(&world.folder().join("blobs")).unwrap()
}

/// A blob that was written an hour ago.
fn old_blob(world: &World, bytes: &[u8]) -> Digest {
    let store = kept(world);
    let digest = store.put(bytes).unwrap().sha256;
    let hour_ago = blobs::now() - Duration::from_secs(3600);
    File::open(store.path(&digest)).unwrap().set_modified(hour_ago).unwrap();
    digest
}

/// A candidate with these files, and their digests.
async fn candidate(world: &World, files: &[&[u8]]) -> (String, Vec<Digest>) {
    let digests: Vec<Digest> = files.iter().map(|bytes| old_blob(world, bytes)).collect();
    let components = files.iter().zip(&digests).enumerate().map(|(number, (bytes, digest))| {
        let name = format!("file-{number}");
        Component { role: ComponentRole::Image, name, size: bytes.len() as u64, sha256: *digest }
    });
    (world.candidate_of(components.collect()).await, digests)
}

async fn set(world: &World, rules: RoomRules) {
    let adam = world.actor(Role::Administrator).await;
    world.services.change_room_rules(&adam, rules, None).await.unwrap();
}

/// A worker, until it is dropped.
struct Working(watch::Sender<bool>);

impl Working {
    fn on(services: &Services) -> Self {
        let (stop, stopping) = watch::channel(false);
        let services = services.clone();
        tokio::spawn(async move { services.work(1, stopping).await });
        Self(stop)
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        self.0.send_replace(true);
    }
}

async fn ended(services: &Services, job: &JobId) -> Job {
    let reader = Actor::command_line();
    let mut changes = services.changes();
    loop {
        let job = services.job(&reader, job).await.unwrap();
        if job.state.ended() {
            return job;
        }
        changes.recv().await.unwrap();
    }
}

/// Collects, and gives what came of it.
async fn collect(world: &World, dry_run: bool) -> String {
    let dave = world.actor(Role::Developer).await;
    let job = world.services.start_collection(&dave, dry_run).await.unwrap();
    let _working = Working::on(&world.services);
    let job = ended(&world.services, &job.id).await;
    assert_eq!((job.kind, job.state), (JobKind::Collection, JobState::Succeeded), "{job:?}");
    job.outcome.unwrap()
}

async fn newest_jobs(world: &World) -> Vec<Job> {
    let (reader, all) = (Actor::command_line(), JobFilter::default());
    world.services.jobs_page(&reader, &all, &Slice::first()).await.unwrap().items
}

async fn stage(world: &World, version: &str) -> Stage {
    world.services.release(&Actor::command_line(), version).await.unwrap().stage
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nothing_needs_goes_and_nothing_else() {
    let world = World::furnished().await;
    let (adam, dave) = (world.actor(Role::Administrator).await, world.actor(Role::Developer).await);
    let (pinned, of_pinned) = candidate(&world, &[b"a kernel of two", b"pinned"]).await;
    let (free, of_free) = candidate(&world, &[b"a kernel of two", &[7; 100_000]]).await;
    let (asked, of_asked) = candidate(&world, &[b"asked for"]).await;
    let (served, of_served) = candidate(&world, &[b"served"]).await;
    let nobodys = old_blob(&world, &[8; 50_000]);
    // The log of a job that began after the rows were read.
    let just_begun = world.services.logs().path(&JobId("just-begun".to_owned()));
    std::fs::write(&just_begun, "a line\n").unwrap();
    let new = kept(&world).put(&b"somebody may just name it"[..]).unwrap().sha256;
    let services = &world.services;
    services.pin_release(&dave, &pinned, "the demo next week").await.unwrap();
    services.request_deployment(&dave, DEVELOPMENT, &asked, "to try it").await.unwrap();
    let request = services.request_deployment(&dave, DEVELOPMENT, &served, "to have it").await;
    services.deploy(&dave, &request.unwrap().id).await.unwrap();

    // The page and the dry run say what would go, and nothing goes.
    set(&world, AT_ONCE).await;
    let room = services.room(&dave).await.unwrap();
    let fate = |version: &str| {
        let found = room.counted.releases.iter().find(|it| it.release.name() == version);
        found.unwrap().fate.clone()
    };
    assert_eq!(fate(&free), Fate::Withdrawn);
    assert!(
        matches!(&fate(&pinned), Fate::Needed(needs) if matches!(needs[..], [Need::Pinned(_)]))
    );
    assert!(matches!(&fate(&served), Fate::Needed(_)) && matches!(&fate(&asked), Fate::Needed(_)));
    assert_eq!(room.counted.would_withdraw, 1);
    let blocks = |digest: &Digest| {
        use std::os::unix::fs::MetadataExt as _;
        kept(&world).path(digest).metadata().unwrap().blocks() * 512
    };
    let expected = blocks(&of_free[1]) + blocks(&nobodys);
    assert_eq!(room.counted.would_free, expected);
    let would = collect(&world, true).await;
    let size = domain::time::human_size(expected);
    assert!(would.starts_with(&format!("would free {size} in 2 files, and withdraw 1")), "{would}");
    assert!(kept(&world).contains(&nobodys) && kept(&world).contains(&of_free[1]));
    assert_eq!(stage(&world, &free).await, Stage::Candidate);

    // Then it goes.
    let before = world.audit_rows().await;
    let freed = collect(&world, false).await;
    assert!(freed.starts_with(&format!("{size} freed: 2 files")), "{freed}");
    let store = kept(&world);
    assert!(!store.contains(&nobodys) && !store.contains(&of_free[1]));
    assert!(just_begun.exists());
    for digest in of_pinned.iter().chain(&of_asked).chain(&of_served).chain([&new]) {
        store.verify(digest).unwrap();
    }
    assert_eq!(stage(&world, &free).await, Stage::Withdrawn);
    for stays in [&pinned, &asked, &served] {
        assert_eq!(stage(&world, stays).await, Stage::Candidate, "{stays}");
    }
    // Asked for, withdrawn, its files given up, ended.
    assert_eq!(world.audit_rows().await, before + 4);

    // What was recorded about it stays, and its files are said to be gone.
    let secret = world.secret_of("dave").await;
    let shown = ask(&world, "GET", &format!("/releases/{free}"), None).bearer(&secret).send().await;
    assert!(shown.value()["files_removed_at"].is_string());
    let file = format!("/releases/{free}/files/file-1");
    let said = ask(&world, "GET", &file, None).bearer(&secret).send().await.problem(404);
    assert!(said.contains("removed as the rules of the room say"), "{said}");

    // Nothing is left to do, until the pin is off.
    let again = collect(&world, false).await;
    assert!(again.starts_with("0 B freed: 0 files"), "{again}");
    let refused = services.withdraw_release(&adam, &pinned, "tidying up").await.unwrap_err();
    assert!(refused.to_string().contains("dave pinned this release"), "{refused}");
    services.unpin_release(&dave, &pinned).await.unwrap();
    collect(&world, false).await;
    assert_eq!(stage(&world, &pinned).await, Stage::Withdrawn);
    assert!(of_pinned.iter().all(|digest| !kept(&world).contains(digest)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_boot_in_flight_keeps_what_it_reads() {
    let world = World::furnished().await;
    // More than the sockets between the two can hold.
    let image: Vec<u8> = (0..32 * 1024 * 1024_u32).map(|at| (at % 251) as u8).collect();
    let (version, digests) = candidate(&world, &[&image]).await;
    let (other, others) = candidate(&world, &[b"nobody boots this"]).await;
    let release = world.services.release(&Actor::command_line(), &version).await.unwrap();
    // Machines are told what there is when something changes.
    let (broken, _) = candidate(&world, &[b"broken"]).await;
    let dave = world.actor(Role::Developer).await;
    world.services.withdraw_release(&dave, &broken, "it is broken").await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let boots = world.services.boot_listener();
    tokio::spawn(netboot::serve(listener, boots, std::future::pending()));

    // A machine has begun to read, and takes its time.
    let path = format!("/artifacts/{}/file-0", release.manifest.unwrap());
    let reading = tokio::task::spawn_blocking(move || {
        let mut machine = TcpStream::connect(address).unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: boot\r\nConnection: close\r\n\r\n");
        machine.write_all(request.as_bytes()).unwrap();
        let mut head = [0; 64 * 1024];
        let read = machine.read(&mut head).unwrap();
        (machine, head[..read].to_vec())
    });
    let (mut machine, mut answer) = reading.await.unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 200"));

    set(&world, AT_ONCE).await;
    collect(&world, false).await;
    assert_eq!(stage(&world, &version).await, Stage::Candidate);
    assert!(kept(&world).contains(&digests[0]));
    assert_eq!(stage(&world, &other).await, Stage::Withdrawn);
    assert!(!kept(&world).contains(&others[0]));

    // Even where a person takes it back meanwhile, the machine gets what it began to read.
    world.services.withdraw_release(&dave, &version, "it is broken").await.unwrap();
    collect(&world, false).await;
    assert!(kept(&world).contains(&digests[0]));
    let rest = tokio::task::spawn_blocking(move || {
        machine.read_to_end(&mut answer).unwrap();
        answer
    });
    let answer = rest.await.unwrap();
    let body = answer.windows(4).position(|it| it == b"\r\n\r\n").unwrap() + 4;
    assert!(answer[body..] == image, "{} bytes came", answer.len() - body);
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_go_when_their_days_are_over_and_those_of_releases_stay() {
    let world = World::furnished().await;
    let run = world.run_with_console().await;
    let dave = world.actor(Role::Developer).await;
    let kept_run = world.services.run(&dave, &run).await.unwrap();
    let console = kept_run.console.unwrap();
    old_blob(&world, b"login:");
    // Another one decides.
    let newer = world.run_of(kept_run.subject.unwrap().name()).await;
    world.end_run(&newer).await;
    set(&world, RoomRules { logs: Some(1), ..AT_ONCE }).await;
    collect(&world, false).await;
    assert!(kept(&world).contains(&console), "it is not a day old");
    set(&world, AT_ONCE).await;
    collect(&world, false).await;
    assert!(!kept(&world).contains(&console));
    let cookie = world.sign_in("vera").await;
    let path = format!("/runs/{run}/console");
    let answer = world.get(&path).cookie(&cookie).send().await;
    assert_eq!(answer.status, 404);
    assert!(answer.body.contains("removed as the rules of the room say"), "{}", answer.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_is_read_on_when_its_file_has_become_a_blob() {
    let world = World::furnished().await;
    collect(&world, true).await;
    let dave = world.actor(Role::Developer).await;
    let job = newest_jobs(&world).await.remove(0);
    assert!(!world.services.logs().path(&job.id).exists(), "the blob has every line");
    let lines = world.services.job_log(&dave, &job.id, 0, 100).await.unwrap();
    assert!(lines.iter().any(|line| line.text.ends_with("that nothing needs")), "{lines:?}");
    let rest = world.services.job_log(&dave, &job.id, lines.len() as u64 - 1, 100).await.unwrap();
    assert_eq!(rest, lines[lines.len() - 1..]);
    let secret = world.secret_of("vera").await;
    let path = format!("/jobs/{}/log", job.id);
    let answer = ask(&world, "GET", &path, None).bearer(&secret).send().await;
    assert_eq!(answer.body.lines().count(), lines.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn builds_wait_below_the_floor_and_say_so() {
    let world = World::furnished().await;
    let nobodys = old_blob(&world, b"in the way");
    let (build, _) = world.queued().await;
    set(&world, RoomRules { floor: 1 << 50, ..AT_ONCE }).await;
    let _working = Working::on(&world.services);
    // What nothing needs is collected without anybody asking.
    let reader = Actor::command_line();
    let mut changes = world.services.changes();
    let collection = loop {
        let found = newest_jobs(&world).await.into_iter().find(|it| it.kind == JobKind::Collection);
        match found {
            Some(job) => break job,
            None => drop(changes.recv().await.unwrap()),
        }
    };
    assert_eq!(collection.created_by, "runner");
    ended(&world.services, &collection.id).await;
    assert!(!kept(&world).contains(&nobodys));
    let waits = world.services.job(&reader, &build.id).await.unwrap();
    assert_eq!(waits.state, JobState::Queued);

    let secret = world.secret_of("vera").await;
    let path = format!("/jobs/{}", build.id);
    let shown = ask(&world, "GET", &path, None).bearer(&secret).send().await.value();
    let why = shown["waits_for"].as_str().unwrap().to_owned();
    assert!(why.starts_with("builds wait for room: ") && why.contains("1024.0 TiB"), "{why}");
    let cookie = world.sign_in("vera").await;
    for page in ["/", "/room", &path] {
        let shown = world.get(page).cookie(&cookie).send().await.body;
        assert!(shown.contains("Builds wait for room"), "{page}: {shown}");
    }
    let room = ask(&world, "GET", "/room", None).bearer(&secret).send().await.value();
    assert_eq!(room["shortage"], why);
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_are_changed_by_who_looked_at_them() {
    let world = World::furnished().await;
    let secret = world.secret_of("adam").await;
    let seen = ask(&world, "GET", "/room/rules", None).bearer(&secret).send().await;
    let tag = seen.header("etag").to_owned();
    let mut rules = seen.value();
    rules["logs"] = serde_json::Value::Null;
    let put = |rules: &serde_json::Value, tag: Option<&str>| {
        let asked = ask(&world, "PUT", "/room/rules", Some(rules)).bearer(&secret);
        match tag {
            Some(tag) => asked.header("if-match", tag),
            None => asked,
        }
    };
    put(&rules, None).send().await.problem(428);
    assert_eq!(put(&rules, Some(&tag)).send().await.value()["logs"], serde_json::Value::Null);
    put(&rules, Some(&tag)).send().await.problem(412);
    rules["cache"] = 40_000.into();
    let now = ask(&world, "GET", "/room/rules", None).bearer(&secret).send().await;
    let said = put(&rules, Some(now.header("etag"))).send().await.problem(422);
    assert!(said.contains("cache can stay for 0 to 36500 days"), "{said}");

    // The form has days as text, and nothing for ever.
    let cookie = world.sign_in("adam").await;
    let path = crate::roles::path_of("change_room_rules");
    let fields = [("candidates", "7"), ("withdrawn", ""), ("floor", "512")];
    let answer = world.post(path, &fields).cookie(&cookie).send().await;
    assert_eq!(answer.status, 302, "{}", answer.body);
    let rules = world.services.room_rules(&Actor::command_line()).await.unwrap();
    assert_eq!((rules.candidates, rules.withdrawn, rules.floor), (Some(7), None, 512 << 20));
}

#[tokio::test(flavor = "multi_thread")]
async fn releases_are_listed_by_what_they_free() {
    let world = World::furnished().await;
    let mut sizes = Vec::new();
    for number in 1..=5_u8 {
        let bytes = vec![number; usize::from(number) * 10_000];
        sizes.push(candidate(&world, &[&bytes]).await.0);
    }
    sizes.reverse();
    let secret = world.secret_of("vera").await;
    let mut found = Vec::new();
    let mut path = "/room/releases?limit=2".to_owned();
    loop {
        let page = ask(&world, "GET", &path, None).bearer(&secret).send().await.value();
        for item in page["items"].as_array().unwrap() {
            assert!(item["frees"].as_u64() <= item["bytes"].as_u64());
            found.push(item["release"].as_str().unwrap().to_owned());
        }
        match page["next"].as_str() {
            Some(next) => path = format!("/room/releases?limit=2&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(found, sizes);
}

/// Brings a file of results in that came an hour ago; gives its run and the digest of its bytes.
async fn brought(world: &World, release: &str, rows: &str) -> (RunId, Digest) {
    let dave = world.actor(Role::Developer).await;
    let said = Said {
        subject: Some(release.to_owned()),
        machine: Some("apu2".to_owned()),
        suite: Some("boot".to_owned()),
        ..Said::default()
    };
    let order = ResultsOrder { name: "boot.csv".to_owned(), said };
    let text = format!("Test name,Result\n{rows}\n");
    let bytes = std::io::Cursor::new(text.clone().into_bytes());
    let run = world.services.bring_results(&dave, order, bytes).await.unwrap().run.id;
    (run, old_blob(world, text.as_bytes()))
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_runs_go_but_for_important_and_deciding_ones_and_results_stay() {
    let world = World::furnished().await;
    let dave = secret(&world, Role::Developer).await;
    let (plain, of_plain) = brought(&world, "recorded/v1", "boot,FAIL").await;
    let (important, of_important) = brought(&world, "recorded/v1", "boot,FAIL,again").await;
    let (deciding, of_deciding) = brought(&world, "recorded/v1", "boot,PASS").await;
    let version = world.candidate().await;
    let (pinned, of_pinned) = brought(&world, &version, "boot,PASS,pinned").await;
    brought(&world, &version, "boot,PASS,newer").await;
    let by_dave = world.actor(Role::Developer).await;
    world.services.pin_release(&by_dave, &version, "the demo").await.unwrap();
    let importance = format!("/runs/{important}/importance");
    let marked = ask(&world, "PUT", &importance, None).bearer(&dave).send().await;
    assert_eq!((marked.status, &marked.value()["important_by"]), (200, &"dave".into()));

    set(&world, AT_ONCE).await;
    collect(&world, false).await;
    let there = |digest: &Digest| kept(&world).contains(digest);
    assert!(!there(&of_plain), "nothing needs it");
    assert!(there(&of_important) && there(&of_deciding) && there(&of_pinned));
    let keeping = async |run: &RunId| {
        let path = format!("/runs/{run}/keeping");
        ask(&world, "GET", &path, None).bearer(&dave).send().await.value()
    };
    assert!(keeping(&plain).await["files_removed_at"].is_string());
    for run in [&important, &deciding, &pinned] {
        assert!(keeping(run).await["files_removed_at"].is_null(), "{run}");
    }
    // Its results stay, its page says what became of its files, and it is too late to keep them.
    let results = ask(&world, "GET", &format!("/runs/{plain}/results"), None).bearer(&dave);
    assert_eq!(results.send().await.value()["items"][0]["outcome"], "failed");
    let cookie = world.sign_in("dave").await;
    let page = world.get(&format!("/runs/{plain}")).cookie(&cookie).send().await;
    assert!(page.body.contains("Its files were removed"), "{}", page.body);
    let late = ask(&world, "PUT", &format!("/runs/{plain}/importance"), None).bearer(&dave);
    assert!(late.send().await.problem(409).contains("removed already"));

    let unmarked = ask(&world, "DELETE", &importance, None).bearer(&dave).send().await;
    assert_eq!(unmarked.status, 200, "{}", unmarked.body);
    let (_, _) = brought(&world, "recorded/v1", "boot,PASS,newest").await;
    collect(&world, false).await;
    assert!(!there(&of_important) && !there(&of_deciding), "newer ones decide");
}
