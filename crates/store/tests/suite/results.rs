//! Results: what counts of them, and what came in from elsewhere.

use domain::{
    digest::Digest,
    ids::{ResultFileId, RunId},
    page::Slice,
    run::{
        Outcome, RunSource,
        file::{ResultFile, Said},
        reported::{EarlierAttempt, Measurement, ReportedCase, Totals},
    },
    subject::{Subject, SubjectKey},
    time::Timestamp,
};
use sqlx::{AnyConnection, AssertSqlSafe, Connection as _, Executor as _, Row as _};
use store::{
    Store, StoreError, WriteTx,
    runs::{NewRun, RunEnd, RunFilter},
    subjects::SubjectNumber,
};

use crate::{
    on_both_engines,
    world::{Home, World},
};

on_both_engines! {
    the_newest_result_of_a_lane_counts
    a_run_that_nobody_has_attached_counts_for_nothing
    nothing_is_seen_of_a_file_that_is_being_read
    a_case_goes_by_its_newest_title
    subjects_are_found_by_their_keys
    what_was_there_before_counts_as_before
}

/// A run with that file's results that has not ended.
pub(crate) fn new_run(world: &World, subject: Option<SubjectNumber>, machine: &str) -> NewRun {
    NewRun {
        id: RunId(world.id()),
        subject,
        machine: machine.to_owned(),
        entry: String::new(),
        suite: "regression".to_owned(),
        source: RunSource::Upload,
        gate: None,
        file: None,
        kernel: "6.1.172".to_owned(),
        generator: "Robot 7.1".to_owned(),
        started_at: world.now(),
        recorded_by: "ada".to_owned(),
    }
}

pub(crate) fn case(id: &str, outcome: Outcome) -> ReportedCase {
    ReportedCase {
        id: id.to_owned(),
        title: format!("{id} works"),
        suites: vec!["Network".to_owned()],
        tags: vec!["minimal-regression".to_owned()],
        outcome,
        started_at: Some(Timestamp(5)),
        duration_us: None,
        message: if outcome.fails() { "no\0answer".to_owned() } else { String::new() },
        excerpt: String::new(),
        measurements: Vec::new(),
        earlier: Vec::new(),
    }
}

pub(crate) fn end(at: Timestamp) -> RunEnd {
    RunEnd {
        ended_at: at,
        outcome: Outcome::Failed,
        failure: None,
        message: String::new(),
        incomplete: None,
        remarks: vec!["one case came twice".to_owned()],
    }
}

async fn recorded(world: &World, tx: &mut WriteTx, run: &NewRun, cases: &[ReportedCase]) {
    tx.insert_run(run, None).await.unwrap();
    tx.insert_results(&run.id, 0, cases).await.unwrap();
    tx.finish_run(&run.id, &end(world.now())).await.unwrap();
}

async fn counted(world: &World, name: &str) -> Totals {
    let mut rows = world.store.read().await.unwrap();
    let (number, judged) = rows.subject(&SubjectKey::from(name)).await.unwrap().unwrap();
    let placed = rows.placed_results(number).await.unwrap();
    let sum = placed.iter().fold(Totals::default(), |sum, it| sum.plus(&it.totals));
    assert_eq!(sum, judged.totals, "what still counts of runs sums up to what counts");
    judged.totals
}

async fn the_newest_result_of_a_lane_counts(world: World) {
    use Outcome::{Errored, Failed, Passed, Skipped};
    let mut tx = world.begin().await;
    let subject = tx.recorded_subject("v1.0.0", world.now()).await.unwrap();
    let first = new_run(&world, Some(subject), "apu2");
    recorded(&world, &mut tx, &first, &[case("A1.1", Failed), case("A1.2", Passed)]).await;
    let other = new_run(&world, Some(subject), "apu3");
    recorded(&world, &mut tx, &other, &[case("A1.1", Passed), case("A1.3", Skipped)]).await;
    tx.commit().await.unwrap();
    let totals = counted(&world, "v1.0.0").await;
    assert_eq!(totals, Totals { passed: 2, failed: 1, skipped: 1, ..Totals::default() });

    // A newer run of a part replaces that part alone.
    let mut tx = world.begin().await;
    let again = new_run(&world, Some(subject), "apu2");
    recorded(&world, &mut tx, &again, &[case("A1.1", Errored)]).await;
    // One that ended before says nothing any more.
    let late = new_run(&world, Some(subject), "apu2");
    tx.insert_run(&late, None).await.unwrap();
    tx.insert_results(&late.id, 0, &[case("A1.1", Passed)]).await.unwrap();
    tx.finish_run(&late.id, &end(Timestamp(7))).await.unwrap();
    tx.commit().await.unwrap();
    let totals = counted(&world, "v1.0.0").await;
    assert_eq!(totals, Totals { passed: 2, errored: 1, skipped: 1, ..Totals::default() });
    let run = world.store.read().await.unwrap().run(&first.id).await.unwrap().unwrap();
    assert_eq!(run.totals, Totals { passed: 1, failed: 1, ..Totals::default() });
    assert_eq!((run.source, run.suite.as_str()), (RunSource::Upload, "regression"));
    assert_eq!(run.subject, Some(Subject::Recorded { name: "v1.0.0".to_owned() }));
    assert_eq!(run.remarks, ["one case came twice"]);
    assert_eq!(run.results[0].message, "no\u{fffd}answer");

    let mut tx = world.begin().await;
    let again = tx.finish_run(&first.id, &end(world.now())).await;
    assert!(matches!(again, Err(StoreError::Changed("run"))), "{again:?}");
    let added = tx.insert_results(&first.id, 9, &[case("A1.9", Passed)]).await;
    assert!(matches!(added, Err(StoreError::Changed("run"))), "{added:?}");
}

async fn a_run_that_nobody_has_attached_counts_for_nothing(world: World) {
    let mut tx = world.begin().await;
    let run = new_run(&world, None, "apu2");
    recorded(&world, &mut tx, &run, &[case("A1.1", Outcome::Passed)]).await;
    let subject = tx.recorded_subject("v1.0.0", world.now()).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(counted(&world, "v1.0.0").await, Totals::default());
    let unattached = RunFilter { unattached: true, ..RunFilter::default() };
    let inbox = async || {
        let mut rows = world.store.read().await.unwrap();
        rows.runs_page(&unattached, &Slice::first()).await.unwrap().items.len()
    };
    assert_eq!(inbox().await, 1);

    let mut tx = world.begin().await;
    tx.attach_run(&run.id, subject).await.unwrap();
    let again = tx.attach_run(&run.id, subject).await;
    assert!(matches!(again, Err(StoreError::Changed("run"))), "{again:?}");
    tx.commit().await.unwrap();
    assert_eq!(counted(&world, "v1.0.0").await, Totals { passed: 1, ..Totals::default() });
    assert_eq!(inbox().await, 0);
}

async fn nothing_is_seen_of_a_file_that_is_being_read(world: World) {
    let file = ResultFile {
        id: ResultFileId(world.id()),
        sha256: Digest::of("file"),
        name: "output.xml".to_owned(),
        size: 4,
        said: Said { machine: Some("apu2".to_owned()), ..Said::default() },
        source: RunSource::Upload,
        received_at: world.now(),
        received_by: "ada".to_owned(),
        read_at: None,
        removed_at: None,
    };
    let mut tx = world.begin().await;
    tx.insert_result_file(&file).await.unwrap();
    let subject = tx.recorded_subject("v1.0.0", world.now()).await.unwrap();
    let run = NewRun { file: Some(file.id.clone()), ..new_run(&world, Some(subject), "apu2") };
    let measured = ReportedCase {
        measurements: vec![Measurement { name: "boot".into(), value: 12.4, unit: "s".into() }],
        earlier: vec![EarlierAttempt {
            outcome: Outcome::Failed,
            duration_us: Some(3),
            message: "once".into(),
        }],
        ..case("A1.1", Outcome::Passed)
    };
    tx.insert_run(&run, None).await.unwrap();
    tx.insert_results(&run.id, 0, &[measured]).await.unwrap();
    tx.commit().await.unwrap();

    let mut rows = world.store.read().await.unwrap();
    let page = rows.runs_page(&RunFilter::default(), &Slice::first()).await.unwrap();
    assert_eq!(page.items, []);
    assert_eq!(rows.result_file_of(&file.sha256, None).await.unwrap().as_ref(), Some(&file));
    assert_eq!(rows.result_file_of(&file.sha256, Some("apu3")).await.unwrap(), None);
    assert_eq!(rows.unread_result_files().await.unwrap(), std::slice::from_ref(&file));
    drop(rows);
    assert_eq!(counted(&world, "v1.0.0").await, Totals::default());

    // The server died; it reads the file again.
    let mut tx = world.begin().await;
    tx.delete_half_read(&file.id).await.unwrap();
    assert_eq!(tx.run(&run.id).await.unwrap(), None);
    tx.insert_run(&run, None).await.unwrap();
    tx.insert_results(&run.id, 0, &[case("A1.1", Outcome::Passed)]).await.unwrap();
    tx.finish_run(&run.id, &end(world.now())).await.unwrap();
    tx.result_file_was_read(&file.id, world.now()).await.unwrap();
    // What has ended stays.
    tx.delete_half_read(&file.id).await.unwrap();
    tx.commit().await.unwrap();
    let mut rows = world.store.read().await.unwrap();
    assert_eq!(rows.unread_result_files().await.unwrap(), []);
    assert_eq!(rows.run_of_file(&file.id).await.unwrap(), Some(run.id.clone()));
    let found = rows.result_file(&file.id).await.unwrap().unwrap();
    assert!(found.read_at.is_some());
    assert_eq!(rows.run(&run.id).await.unwrap().unwrap().file, Some(file.id));
}

async fn a_case_goes_by_its_newest_title(world: World) {
    let mut tx = world.begin().await;
    let old = new_run(&world, None, "apu2");
    recorded(&world, &mut tx, &old, &[case("A1.1", Outcome::Passed)]).await;
    let new = new_run(&world, None, "apu2");
    let renamed = ReportedCase { title: "A1.1 works well".into(), ..case("A1.1", Outcome::Passed) };
    recorded(&world, &mut tx, &new, &[renamed]).await;
    tx.commit().await.unwrap();
    let mut rows = world.store.read().await.unwrap();
    for (run, title) in [(&old, "A1.1 works"), (&new, "A1.1 works well")] {
        assert_eq!(rows.run(&run.id).await.unwrap().unwrap().results[0].title, title);
    }
    let titles = world.intrude().await.fetch_all("select title from test_case").await.unwrap();
    assert_eq!(titles.len(), 1);
    assert_eq!(titles[0].get::<String, _>("title"), "A1.1 works well");
}

async fn subjects_are_found_by_their_keys(world: World) {
    let release = world.candidate("v1.0.0-rc.1", "a").await;
    let mut tx = world.begin().await;
    let manifest = release.manifest.unwrap();
    let of_release =
        tx.subject_of_manifest(&release.id, None, &manifest, world.now()).await.unwrap();
    let again = tx.subject_of_manifest(&release.id, None, &manifest, world.now()).await.unwrap();
    assert_eq!(of_release, again);
    let recorded = tx.recorded_subject("v0.9.0", Timestamp(3)).await.unwrap();
    assert_eq!(tx.recorded_subject("v0.9.0", Timestamp(4)).await.unwrap(), recorded);
    tx.commit().await.unwrap();
    let mut rows = world.store.read().await.unwrap();
    for (key, number) in [
        ("v1.0.0-rc.1", Some(of_release)),
        ("v0.9.0", Some(recorded)),
        ("recorded/v0.9.0", Some(recorded)),
        ("recorded/v1.0.0-rc.1", None),
        ("v1.0.0", None),
        ("variant/probe", None),
        ("", None),
    ] {
        let found = rows.subject(&SubjectKey::from(key)).await.unwrap();
        assert_eq!(found.map(|(number, _)| number), number, "{key}");
    }
    let all: Vec<_> = rows.judged_releases(10).await.unwrap();
    let names: Vec<_> = all.iter().map(|(_, it)| it.subject.name()).collect();
    assert_eq!(names, ["v1.0.0-rc.1", "v0.9.0"], "newest first");
}

/// Everything that a store held whose program kept results of plan "smoke" alone.
async fn what_was_there_before_counts_as_before(world: World) {
    let (engine, url) = match &world.home {
        Home::Sqlite(folder) => {
            let before = folder.path().join("before");
            std::fs::create_dir(&before).unwrap();
            ("sqlite", Store::sqlite_url(&before))
        }
        Home::Postgres(cluster) => {
            let statement = "create database before template template0";
            world.intrude().await.execute(statement).await.unwrap();
            ("postgres", cluster.url("before"))
        }
    };
    let mut connection = AnyConnection::connect(&url).await.unwrap();
    let folder = format!("{}/../../migrations/{engine}", env!("CARGO_MANIFEST_DIR"));
    let mut names: Vec<_> =
        std::fs::read_dir(&folder).unwrap().map(|it| it.unwrap().path()).collect();
    names.sort();
    let (before, after): (Vec<_>, Vec<_>) =
        names.into_iter().partition(|it| it.file_name().unwrap().to_str().unwrap() < "0009");
    for path in before {
        let text = std::fs::read_to_string(path).unwrap();
        sqlx::raw_sql(AssertSqlSafe(text)).execute(&mut connection).await.unwrap();
    }
    sqlx::raw_sql(OF_A_PROGRAM_BEFORE).execute(&mut connection).await.unwrap();
    for path in after {
        let text = std::fs::read_to_string(path).unwrap();
        sqlx::raw_sql(AssertSqlSafe(text)).execute(&mut connection).await.unwrap();
    }
    connection.close().await.unwrap();

    let store = Store::open(&url).await.unwrap();
    let mut rows = store.read().await.unwrap();
    let (_, judged) = rows.subject(&SubjectKey::from("v1.0.0-rc.1")).await.unwrap().unwrap();
    assert_eq!(judged.created_at, Timestamp(100));
    // The second run of the entry decides, and the one that never ended says nothing.
    assert_eq!(judged.totals, Totals { passed: 1, skipped: 1, ..Totals::default() });
    let run = rows.run(&RunId::from("run-1")).await.unwrap().unwrap();
    assert_eq!(
        (run.entry.as_str(), run.machine.as_str(), run.suite.as_str()),
        ("linux", "qemu", "smoke")
    );
    assert_eq!((run.source, run.outcome), (RunSource::Runner, Some(Outcome::Failed)));
    assert_eq!(run.totals, Totals { failed: 1, skipped: 1, ..Totals::default() });
    let known: Vec<_> =
        run.results.iter().map(|it| (it.case.as_str(), it.title.as_str())).collect();
    assert_eq!(known, [("smoke.b", "checks b"), ("smoke.a", "checks a")]);
    let open = rows.run(&RunId::from("run-3")).await.unwrap().unwrap();
    assert_eq!((open.ended_at, open.totals), (None, Totals::default()));
    let named = ["smoke.a".to_owned()];
    let decides = rows.deciding_runs(&Digest::of("m"), ("smoke", 2), &named, None).await.unwrap();
    assert_eq!(decides.len(), 1);
    assert_eq!(decides[0].run.as_str(), "run-2");
    assert_eq!(decides[0].results, [("smoke.a".to_owned(), Outcome::Passed)]);
}

const OF_A_PROGRAM_BEFORE: &str = "
insert into person (id, name, name_folded, role, created_at, credentials_version)
values ('p', 'ada', 'ada', 'developer', 1, 1);
insert into recipe (id, name) values ('c', 'base');
insert into recipe_revision (recipe_id, number, digest, text, message, author_id, author, saved_at)
values ('c', 1, 'd', 't', 'm', 'p', 'ada', 1);
insert into release (id, target, number, stage, recipe_id, revision, job_id, manifest_digest,
                     manifest, created_at, created_by)
values ('r', 'v1.0.0', 1, 'candidate', 'c', 1, 'j',
        '62c66a7a5dd70c3146618063c344e531e6d4b59e379808443ce962b3abd63c5a', '{}', 100, 'ada');
insert into job (id, kind, release_id, state, priority, parameters, created_at, created_by, attempts)
values ('j', 'validation', 'r', 'failed', 0, '{}', 200, 'ada', 1);
insert into validation (id, job_id, release_id, manifest_digest, plan, plan_revision, created_at,
                        created_by)
values ('v', 'j', 'r', '62c66a7a5dd70c3146618063c344e531e6d4b59e379808443ce962b3abd63c5a', 'smoke', 2,
        200, 'ada');
insert into run (id, validation_id, manifest_digest, plan, plan_revision, entry, machine,
                 machine_details, started_at, ended_at, outcome, failure, message, stages)
values ('run-1', 'v', '62c66a7a5dd70c3146618063c344e531e6d4b59e379808443ce962b3abd63c5a', 'smoke', 2,
        'linux', 'qemu', 'tcg', 201, 202, 'failed', 'product', 'a case failed', '[]'),
       ('run-2', 'v', '62c66a7a5dd70c3146618063c344e531e6d4b59e379808443ce962b3abd63c5a', 'smoke', 2,
        'linux', 'qemu', 'tcg', 203, 204, 'passed', null, 'all passed', '[]'),
       ('run-3', 'v', '62c66a7a5dd70c3146618063c344e531e6d4b59e379808443ce962b3abd63c5a', 'smoke', 2,
        'linux', 'qemu', 'tcg', 205, null, null, null, '', '[]');
insert into case_result (run_id, position, case_id, title, outcome, duration_us, message)
values ('run-1', 0, 'smoke.b', 'checks b', 'skipped', 1, ''),
       ('run-1', 1, 'smoke.a', 'checks a', 'failed', 1, 'seen'),
       ('run-2', 0, 'smoke.a', 'checks a', 'passed', 1, '');
";
