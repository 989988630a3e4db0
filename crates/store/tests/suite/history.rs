//! The history of results: which cells each question gives.

use domain::{
    history::{Column, Day, HistoryQuery},
    run::{
        Outcome,
        reported::{ReportedCase, Totals},
    },
    subject::SubjectKey,
    time::Timestamp,
};
use store::{
    history::PastFilter,
    runs::{NewRun, RunEnd},
    standings::FailingFilter,
};

use crate::{
    on_both_engines,
    results::{case, end, new_run},
    world::World,
};

on_both_engines! {
    cells_count_what_counts
    questions_narrow_rows_and_columns
    runs_are_columns_of_single_results
    pages_follow_one_another
    the_past_of_a_case_is_told_newest_first
    what_was_seen_comes_back_as_it_was_kept
    what_counts_is_told_by_place_and_failures_with_their_strips
}

const SECOND_DAY: i64 = 1_769_904_000_000_000;

/// Two releases, the second on two machines:
/// A1.1 fails only on apu3, A1.2 was fixed, A1.3 is skipped.
async fn lab(world: &World) {
    use Outcome::{Failed, Passed, Skipped};
    type Cases<'a> = &'a [(&'a str, Outcome)];
    let results: [(&str, i64, &str, &str, Cases<'_>); 3] = [
        ("v1", 5, "apu2", "6.1", &[("A1.1", Passed), ("A1.2", Failed)]),
        ("v2", SECOND_DAY, "apu2", "6.1", &[("A1.1", Passed), ("A1.2", Passed), ("A1.3", Skipped)]),
        ("v2", SECOND_DAY, "apu3", "6.12", &[("A1.1", Failed), ("A1.2", Passed)]),
    ];
    let mut tx = world.begin().await;
    for (number, (subject, at, machine, kernel, cases)) in (1_i64..).zip(results) {
        let subject = tx.recorded_subject(subject, Timestamp(at)).await.unwrap();
        let run = NewRun {
            kernel: kernel.to_owned(),
            started_at: Timestamp(at + number),
            suite: format!("suite of {machine}"),
            ..new_run(world, Some(subject), machine)
        };
        let cases: Vec<_> = cases.iter().map(|(id, outcome)| case(id, *outcome)).collect();
        tx.insert_run(&run, None).await.unwrap();
        tx.insert_results(&run.id, 0, &cases).await.unwrap();
        let end = RunEnd { outcome: Passed, ..end(world.now()) };
        tx.finish_run(&run.id, &end).await.unwrap();
    }
    tx.commit().await.unwrap();
}

fn asked(parts: &[(&'static str, &str)]) -> HistoryQuery {
    HistoryQuery::of(|name| {
        let found = parts.iter().find(|(part, _)| *part == name);
        found.map_or_else(String::new, |(_, value)| (*value).to_owned())
    })
    .unwrap()
}

/// Rows as `A1.1: 1/0 -`: passed and failed of each column, newest first.
async fn rows(world: &World, parts: &[(&'static str, &str)]) -> Vec<String> {
    let history = world.store.read().await.unwrap().history(&asked(parts)).await.unwrap();
    let cell = |cell: &Option<Totals>| match cell {
        Some(totals) => format!(" {}/{}", totals.passed, totals.failed),
        None => " -".to_owned(),
    };
    let row = |row: &domain::history::HistoryRow| {
        format!("{}:{}", row.case, row.cells.iter().map(cell).collect::<String>())
    };
    history.rows.iter().map(row).collect()
}

async fn cells_count_what_counts(world: World) {
    lab(&world).await;
    assert_eq!(rows(&world, &[]).await, ["A1.1: 1/1 1/0", "A1.2: 2/0 0/1", "A1.3: 0/0 -"]);
    let history = world.store.read().await.unwrap().history(&asked(&[])).await.unwrap();
    let Column::Release(newest) = &history.columns[0] else { panic!("{history:?}") };
    assert_eq!(newest.subject.name(), "v2");
    assert_eq!(newest.totals, Totals { passed: 3, failed: 1, skipped: 1, ..Totals::default() });
    assert_eq!(history.rows[0].title, "A1.1 works");
    let [suites, machines, kernels, tags] =
        world.store.read().await.unwrap().history_words().await.unwrap();
    assert_eq!(suites, ["suite of apu2", "suite of apu3"]);
    assert_eq!(machines, ["apu2", "apu3"]);
    assert_eq!(kernels, ["6.1", "6.12"]);
    assert_eq!(tags, ["minimal-regression"]);
}

async fn questions_narrow_rows_and_columns(world: World) {
    lab(&world).await;
    let day = Day::parse("2026-02-01").unwrap();
    assert_eq!(day.begins(), Timestamp(SECOND_DAY));
    for (parts, expected) in [
        (&[("machine", "apu2")][..], &["A1.1: 1/0 1/0", "A1.2: 1/0 0/1", "A1.3: 0/0 -"][..]),
        (&[("kernel", "6.12")], &["A1.1: 0/1 -", "A1.2: 1/0 -"]),
        (&[("kernel", "6.12"), ("machine", "apu2")], &[]),
        (&[("outcome", "failed")], &["A1.1: 1/1 1/0", "A1.2: 2/0 0/1"]),
        (&[("outcome", "failed"), ("machine", "apu2")], &["A1.2: 1/0 0/1"]),
        (&[("outcome", "failed"), ("kernel", "6.12")], &["A1.1: 0/1 -"]),
        (&[("outcome", "skipped")], &["A1.3: 0/0 -"]),
        (&[("outcome", "passed")], &["A1.1: 1/1 1/0", "A1.2: 2/0 0/1"]),
        (&[("outcome", "passed"), ("machine", "apu3")], &["A1.2: 1/0 -"]),
        (&[("outcome", "passed"), ("kernel", "6.12")], &["A1.2: 1/0 -"]),
        (&[("outcome", "passed"), ("id", "A1.3")], &[]),
        (&[("changes", "1"), ("machine", "apu2")], &["A1.2: 1/0 0/1"]),
        (&[("changes", "1")], &["A1.1: 1/1 1/0", "A1.2: 2/0 0/1"]),
        (&[("changes", "1"), ("kernel", "6.12")], &[]),
        (&[("id", "a1.2")], &["A1.2: 2/0 0/1"]),
        (&[("id", "A1.2 w")], &["A1.2: 2/0 0/1"]),
        (&[("id", "A_.2")], &[]),
        (&[("suite", "suite of apu3")], &["A1.1: 1/1 1/0", "A1.2: 2/0 0/1"]),
        (&[("suite", "other")], &[]),
        (&[("tag", "minimal-regression"), ("id", "A1.3")], &["A1.3: 0/0 -"]),
        (&[("tag", "other")], &[]),
        (&[("from", "2026-02-01")], &["A1.1: 1/1", "A1.2: 2/0", "A1.3: 0/0"]),
        (&[("to", "2026-01-31")], &["A1.1: 1/0", "A1.2: 0/1"]),
        (&[("columns", "1")], &["A1.1: 1/1", "A1.2: 2/0", "A1.3: 0/0"]),
    ] {
        assert_eq!(rows(&world, parts).await, expected, "{parts:?}");
    }
}

async fn runs_are_columns_of_single_results(world: World) {
    lab(&world).await;
    let by = ("by", "runs");
    assert_eq!(
        rows(&world, &[by]).await,
        ["A1.1: 0/1 1/0 1/0", "A1.2: 1/0 1/0 0/1", "A1.3: - 0/0 -"]
    );
    for (parts, expected) in [
        (&[by, ("machine", "apu3")][..], &["A1.1: 0/1", "A1.2: 1/0"][..]),
        (&[by, ("suite", "suite of apu2"), ("changes", "1")], &["A1.2: 1/0 0/1"]),
        (&[by, ("kernel", "6.12"), ("outcome", "failed")], &["A1.1: 0/1"]),
        (&[by, ("columns", "1")], &["A1.1: 0/1", "A1.2: 1/0"]),
        (&[by, ("to", "2026-01-31")], &["A1.1: 1/0", "A1.2: 0/1"]),
        (&[by, ("tag", "other")], &[]),
    ] {
        assert_eq!(rows(&world, parts).await, expected, "{parts:?}");
    }
    let history = world.store.read().await.unwrap().history(&asked(&[by])).await.unwrap();
    let Column::Run { about, machine, suite, .. } = &history.columns[0] else { panic!() };
    assert_eq!((&**about, &**machine, &**suite), ("v2", "apu3", "suite of apu3"));
}

async fn pages_follow_one_another(world: World) {
    lab(&world).await;
    let page = async |parts: &[(&'static str, &str)]| {
        let read = world.store.read().await.unwrap().history(&asked(parts)).await.unwrap();
        (read.rows.into_iter().map(|it| it.case).collect::<Vec<_>>(), read.next)
    };
    for by in ["releases", "runs"] {
        let (rows, next) = page(&[("by", by), ("rows", "2")]).await;
        assert_eq!((rows.join(" "), next.as_deref()), ("A1.1 A1.2".to_owned(), Some("A1.2")));
        let (rows, next) = page(&[("by", by), ("rows", "2"), ("after", "A1.2")]).await;
        assert_eq!((rows.join(" "), next), ("A1.3".to_owned(), None));
    }
}

async fn the_past_of_a_case_is_told_newest_first(world: World) {
    lab(&world).await;
    let mut rows = world.store.read().await.unwrap();
    let all = PastFilter { limit: 10, ..PastFilter::default() };
    let past = rows.results_of_case("A1.1", &all).await.unwrap();
    let known: Vec<_> = past
        .iter()
        .map(|it| (it.subject.as_ref().unwrap().name(), it.machine.as_str(), it.outcome))
        .collect();
    assert_eq!(
        known,
        [
            ("v2", "apu3", Outcome::Failed),
            ("v2", "apu2", Outcome::Passed),
            ("v1", "apu2", Outcome::Passed)
        ]
    );
    let of_apu2 = PastFilter { machine: Some("apu2".to_owned()), ..all.clone() };
    assert_eq!(rows.results_of_case("A1.1", &of_apu2).await.unwrap(), past[1..]);
    let before = PastFilter { before: Some(past[1].at), ..all.clone() };
    assert_eq!(rows.results_of_case("A1.1", &before).await.unwrap(), past[2..]);
    let one = PastFilter { limit: 1, ..all.clone() };
    assert_eq!(rows.results_of_case("A1.1", &one).await.unwrap(), past[..1]);
    assert_eq!(rows.results_of_case("A9.9", &all).await.unwrap(), []);

    let stood = rows.standing_of_case("A1.2", 10).await.unwrap();
    let known: Vec<_> =
        stood.iter().map(|it| (it.subject.name(), it.totals.passed, it.totals.failed)).collect();
    assert_eq!(known, [("v2", 2, 0), ("v1", 0, 1)]);
    assert_eq!(rows.case_title("A1.1").await.unwrap().as_deref(), Some("A1.1 works"));
    assert_eq!(rows.case_title("A9.9").await.unwrap(), None);
}

async fn what_was_seen_comes_back_as_it_was_kept(world: World) {
    let seen = ["3:a", "", "zwölf\nZeilen 🦀:", ":", "0:1:", "\u{202e}\u{1f}"];
    let mut tx = world.begin().await;
    let subject = tx.recorded_subject("v1", Timestamp(5)).await.unwrap();
    for (number, message) in (1_i64..).zip(seen) {
        let run =
            NewRun { started_at: Timestamp(number), ..new_run(&world, Some(subject), "apu2") };
        tx.insert_run(&run, None).await.unwrap();
        let case = ReportedCase { message: message.to_owned(), ..case("A1.1", Outcome::Failed) };
        tx.insert_results(&run.id, 0, &[case]).await.unwrap();
        let end = RunEnd { outcome: Outcome::Failed, ..end(world.now()) };
        tx.finish_run(&run.id, &end).await.unwrap();
    }
    tx.commit().await.unwrap();
    let mut rows = world.store.read().await.unwrap();
    let all = PastFilter { limit: 10, ..PastFilter::default() };
    let past = rows.results_of_case("A1.1", &all).await.unwrap();
    let told: Vec<_> = past.iter().rev().map(|it| it.message.as_str()).collect();
    assert_eq!(told, seen);
}

async fn what_counts_is_told_by_place_and_failures_with_their_strips(world: World) {
    lab(&world).await;
    let mut rows = world.store.read().await.unwrap();
    let (newest, _) = rows.subject(&SubjectKey::from("v2")).await.unwrap().unwrap();
    let placed = rows.placed_results(newest).await.unwrap();
    assert!(placed.iter().all(|it| it.plan.is_none()), "it was run for none");
    let placed: Vec<_> = placed
        .into_iter()
        .map(|it| (it.machine, it.suite, it.totals.passed, it.totals.failed, it.totals.skipped))
        .collect();
    let place = |machine: &str, passed, failed, skipped| {
        (machine.to_owned(), format!("suite of {machine}"), passed, failed, skipped)
    };
    assert_eq!(placed, [place("apu2", 2, 0, 1), place("apu3", 1, 1, 0)]);

    let filter = FailingFilter { limit: 10, ..FailingFilter::default() };
    let failing = rows.failing_results(newest, &filter).await.unwrap();
    let told: Vec<_> = failing.iter().map(|it| (&*it.case, &*it.machine, &*it.suite)).collect();
    assert_eq!(told, [("A1.1", "apu3", "suite of apu3")]);
    let planned = FailingFilter { plan: Some("smoke".to_owned()), ..filter.clone() };
    assert_eq!(rows.failing_results(newest, &planned).await.unwrap(), [], "it was run for none");
    let elsewhere = FailingFilter { machine: Some("apu2".to_owned()), ..filter };
    assert_eq!(rows.failing_results(newest, &elsewhere).await.unwrap(), []);
    let strips = rows.strips_of_failing(newest, ("A1.1", "A1.1"), 10).await.unwrap();
    let strip: Vec<_> = strips
        .iter()
        .map(|(case, mark)| (&**case, &*mark.about, mark.totals.passed, mark.totals.failed))
        .collect();
    assert_eq!(strip, [("A1.1", "v2", 1, 1), ("A1.1", "v1", 1, 0)]);
    let others = rows.strips_of_failing(newest, ("A1.2", "B"), 10).await.unwrap();
    assert_eq!(others, [], "none of the listed");
}
