use super::*;

fn sent(kind: TransferKind, path: &str, (from, to): (i64, i64), bytes: u64) -> BootEvent {
    let transfer = Transfer {
        kind,
        path: path.to_owned(),
        started_at: Timestamp(from),
        ended_at: Timestamp(to),
        bytes,
        status: 200,
        complete: true,
        refusal: String::new(),
    };
    BootEvent::Transfer { transfer, sha256: None }
}

fn said(stage: ReportedStage, at: i64, ago_us: i64, kernel_ago_us: i64) -> BootEvent {
    let report = BootReport {
        stage,
        ago_us,
        kernel_ago_us: Some(kernel_ago_us),
        entry: "debian".to_owned(),
        manifest: None,
        class: None,
        note: String::new(),
    };
    BootEvent::Report { at: Timestamp(at), report }
}

fn loaded() -> Vec<BootEvent> {
    vec![
        sent(TransferKind::Script, "/ipxe", (10, 11), 100),
        sent(TransferKind::Kernel, "/artifacts/a/vmlinuz", (20, 30), 1000),
        sent(TransferKind::Initrd, "/artifacts/a/initrd", (30, 35), 500),
    ]
}

fn spans(trace: &BootTrace) -> Vec<(&'static str, Option<i64>, Option<i64>)> {
    let seen = trace.steps.iter().filter(|it| it.started_at.is_some());
    seen.map(|it| (it.step.word(), it.started_at.map(|at| at.0), it.ended_at.map(|at| at.0)))
        .collect()
}

#[test]
fn a_whole_boot_has_every_stage_by_the_clock_of_the_server() {
    let mut events = loaded();
    events.push(said(ReportedStage::Rootfs, 60, 0, 20));
    events.push(sent(TransferKind::Image, "/artifacts/a/rootfs.squashfs", (61, 80), 9000));
    events.push(said(ReportedStage::Init, 90, 1, 50));
    events.push(said(ReportedStage::Services, 140, 30, 100));
    events.push(said(ReportedStage::Login, 141, 5, 101));
    let trace = trace(&events);
    let expected = [
        ("script", Some(10), Some(11)),
        ("kernel", Some(20), Some(30)),
        ("initrd", Some(30), Some(35)),
        ("start", Some(40), Some(60)),
        ("rootfs", Some(60), Some(89)),
        ("init", Some(89), Some(110)),
        ("services", Some(110), Some(136)),
        ("login", Some(136), Some(136)),
    ];
    assert_eq!(spans(&trace), expected);
    assert_eq!((trace.state, trace.reason.as_str()), (BootState::Up, ""));
    assert_eq!((trace.bytes, trace.retries, trace.last_at), (10_600, 0, Some(Timestamp(141))));
    assert_eq!(trace.left_alone(), BootState::Up);
}

#[test]
fn a_boot_that_ends_early_says_why() {
    let ends = |events: &[BootEvent]| {
        let trace = trace(events);
        (trace.step, trace.left_alone(), trace.reason)
    };
    let (step, state, reason) = ends(&loaded());
    assert_eq!((step, state), (BootStep::Initrd, BootState::Silent));
    assert!(reason.ends_with("the kernel did not start, or found no network"), "{reason}");

    let mut broken = loaded();
    if let Some(BootEvent::Transfer { transfer, .. }) = broken.last_mut() {
        transfer.complete = false;
    }
    assert_eq!(ends(&broken).2, "initrd broke off after 500 B");

    let mut refused = loaded();
    if let Some(BootEvent::Transfer { transfer, .. }) = refused.last_mut() {
        (transfer.status, transfer.refusal) = (500, "it is damaged".to_owned());
    }
    assert_eq!(ends(&refused).2, "initrd was refused: it is damaged");

    let mut reported = loaded();
    reported.push(said(ReportedStage::Rootfs, 60, 0, 20));
    assert_eq!(ends(&reported).2, "the rootfs was not loaded to its end");
    reported.push(said(ReportedStage::Init, 70, 0, 30));
    assert_eq!(ends(&reported).2, "the rootfs's init was started, and nothing came after");
}

#[test]
fn a_boot_that_cannot_go_on_says_why_itself() {
    let mut events = loaded();
    events.push(said(ReportedStage::Rootfs, 60, 0, 20));
    let BootEvent::Report { report, .. } = said(ReportedStage::Failed, 65, 0, 25) else {
        panic!("a report");
    };
    let report = BootReport {
        class: Some(FailureClass::Lab),
        note: "it took too long".to_owned(),
        ..report
    };
    events.push(BootEvent::Report { at: Timestamp(65), report });
    let trace = trace(&events);
    assert_eq!((trace.state, trace.class), (BootState::Failed, Some(FailureClass::Lab)));
    assert_eq!(trace.reason, "it took too long");
    let rootfs = trace.steps.iter().find(|it| it.step == BootStep::Rootfs).unwrap();
    assert_eq!(rootfs.ended_at, Some(Timestamp(65)));
}

#[test]
fn what_does_not_report_is_not_said_to_have_failed() {
    let mut direct = loaded();
    direct.pop();
    assert_eq!(trace(&direct).left_alone(), BootState::Unreported);
    // The initrd of an older release loads its images without a word.
    let mut older = loaded();
    older.push(sent(TransferKind::Image, "/artifacts/a/rootfs", (61, 80), 9000));
    assert_eq!(trace(&older).left_alone(), BootState::Unreported);
}

#[test]
fn what_is_asked_for_again_is_counted() {
    let mut events = loaded();
    events.extend(loaded());
    assert_eq!(trace(&events).retries, 3);
}
