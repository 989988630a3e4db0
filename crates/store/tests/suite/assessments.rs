//! Assessments: what is said of a failure holds for the next one that says the same.

use std::time::Duration;

use domain::{
    assessment::{Assessment, MadeAssessment, Waiver},
    person::Role,
    run::{FailureClass, Outcome, reported::ReportedCase},
    subject::SubjectKey,
};
use store::{
    StoreError, assessments::Reviewed, runs::NewRun, standings::FailingFilter,
    subjects::SubjectNumber,
};

use crate::{
    on_both_engines,
    results::{case, end, new_run},
    world::World,
};

on_both_engines! {
    what_is_said_of_a_failure_holds_for_the_next_one
    nobody_overwrites_what_another_said
    a_waiver_counts_until_it_ends
    a_case_without_any_result_can_be_assessed
}

async fn failing(world: &World, about: &str, message: &str) -> (NewRun, SubjectNumber) {
    let mut tx = world.begin().await;
    let subject = tx.recorded_subject(about, world.now()).await.unwrap();
    let run = new_run(world, Some(subject), "apu2");
    let failed = ReportedCase { message: message.to_owned(), ..case("A1.1", Outcome::Failed) };
    tx.insert_run(&run, None).await.unwrap();
    tx.insert_results(&run.id, 0, &[failed, case("A1.2", Outcome::Passed)]).await.unwrap();
    tx.finish_run(&run.id, &end(world.now())).await.unwrap();
    tx.commit().await.unwrap();
    (run, subject)
}

fn made(world: &World, revision: u32, said: Assessment, run: &NewRun) -> MadeAssessment {
    MadeAssessment {
        said,
        revision,
        at: world.now(),
        by: "ada".to_owned(),
        about: Some("v1.0.0".to_owned()),
        run: Some(run.id.clone()),
    }
}

fn blamed(blame: FailureClass) -> Assessment {
    Assessment {
        issue: Some("ABC-12".parse().unwrap()),
        blame: Some(blame),
        comment: "a loose cable".to_owned(),
        waiver: None,
    }
}

async fn say(world: &World, made: &MadeAssessment, subject: SubjectNumber) {
    let run = made.run.clone().unwrap();
    let mut tx = world.begin().await;
    let mark = tx.failure_signature(&run, "A1.1").await.unwrap().unwrap();
    tx.insert_assessment(("A1.1", &mark), made, Some(subject)).await.unwrap();
    tx.commit().await.unwrap();
}

async fn what_is_said_of_a_failure_holds_for_the_next_one(world: World) {
    let (run, subject) = failing(&world, "v1.0.0", "no answer after 3 s").await;
    let first = made(&world, 1, blamed(FailureClass::Lab), &run);
    say(&world, &first, subject).await;
    let second = made(&world, 2, blamed(FailureClass::Test), &run);
    say(&world, &second, subject).await;

    let (same, next) = failing(&world, "v1.0.1", "no answer after 4 s").await;
    let (_, other) = failing(&world, "v1.0.2", "the cable burns").await;
    let mut rows = world.store.read().await.unwrap();
    let of_run = rows.assessments_of_run(&same.id, None).await.unwrap();
    assert_eq!(of_run, [("A1.1".to_owned(), second.clone())]);
    let filter = FailingFilter { limit: 9, ..FailingFilter::default() };
    let listed = rows.failing_results(next, &filter).await.unwrap();
    assert_eq!(listed[0].assessment, Some(second.clone()));
    let mark = rows.failure_signature(&same.id, "A1.1").await.unwrap().unwrap();
    assert_eq!(rows.assessments("A1.1", &mark).await.unwrap(), [second, first]);
    // Another message is another failure.
    let listed = rows.failing_results(other, &filter).await.unwrap();
    assert_eq!(listed[0].assessment, None);
    assert_eq!(
        rows.reviewed_failures(other, world.now()).await.unwrap(),
        Reviewed { reviewed: 0, all: 1 }
    );
    let judged = rows.subject(&SubjectKey::from("v1.0.1")).await.unwrap().unwrap();
    assert_eq!(judged.1.totals.failed, 1);
}

async fn nobody_overwrites_what_another_said(world: World) {
    let (run, subject) = failing(&world, "v1.0.0", "no answer").await;
    let first = made(&world, 1, blamed(FailureClass::Lab), &run);
    say(&world, &first, subject).await;
    let mut tx = world.begin().await;
    let mark = tx.failure_signature(&run.id, "A1.1").await.unwrap().unwrap();
    for revision in [1, 3] {
        let late = made(&world, revision, blamed(FailureClass::Product), &run);
        let kept = tx.insert_assessment(("A1.1", &mark), &late, Some(subject)).await;
        assert!(matches!(kept, Err(StoreError::Changed("assessment"))), "{kept:?}");
    }
    drop(tx);
    let mut rows = world.store.read().await.unwrap();
    assert_eq!(rows.assessments("A1.1", &mark).await.unwrap(), [first]);
}

async fn a_waiver_counts_until_it_ends(world: World) {
    let anna = world.person("anna", Role::Approver).await;
    let (run, subject) = failing(&world, "v1.0.0", "no answer").await;
    let until = world.now().plus(Duration::from_secs(60));
    let waiver = Waiver {
        reason: "known since v0.9".to_owned(),
        person: anna.id.clone(),
        by: anna.name.clone(),
        at: world.now(),
        until,
    };
    let waived = Assessment { waiver: Some(waiver), ..Assessment::default() };
    let waived = made(&world, 1, waived, &run);
    say(&world, &waived, subject).await;

    let mut rows = world.store.read().await.unwrap();
    let mark = rows.failure_signature(&run.id, "A1.1").await.unwrap().unwrap();
    assert_eq!(rows.assessment("A1.1", &mark).await.unwrap(), Some(waived));
    for (at, reviewed) in [(world.now(), 1), (until, 0)] {
        let counted = rows.reviewed_failures(subject, at).await.unwrap();
        assert_eq!(counted, Reviewed { reviewed, all: 1 });
        let filter =
            FailingFilter { unreviewed_at: Some(at), limit: 9, ..FailingFilter::default() };
        let open = rows.failing_results(subject, &filter).await.unwrap();
        assert_eq!(open.len() as u64, 1 - reviewed);
    }
}

async fn a_case_without_any_result_can_be_assessed(world: World) {
    let said = MadeAssessment {
        run: None,
        about: None,
        ..made(&world, 1, blamed(FailureClass::Lab), &new_run(&world, None, "apu2"))
    };
    let mut tx = world.begin().await;
    tx.insert_assessment(("B1.1", "not-run/apu2/boot"), &said, None).await.unwrap();
    tx.commit().await.unwrap();
    let mut rows = world.store.read().await.unwrap();
    assert_eq!(rows.assessment("B1.1", "not-run/apu2/boot").await.unwrap(), Some(said));
    assert_eq!(rows.assessment("B1.1", "not-run/apu3/boot").await.unwrap(), None);
}
