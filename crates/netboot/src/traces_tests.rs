use super::*;

const MACHINE: &str = "01939c2e-7b1a-7000-8000-0123456789ab";

fn traces() -> Traces {
    Traces::new(TokenKey::new([7; 32]))
}

fn target() -> Arc<BootTarget> {
    Arc::new(BootTarget::Environment("production".to_owned()))
}

fn machine() -> BookedMachine {
    BookedMachine::new(MachineId::from(MACHINE), target(), None)
}

fn address(last: u8) -> IpAddr {
    IpAddr::from([192, 0, 2, last])
}

fn asks(traces: &Traces, from: u8, at: i64) -> BootToken {
    let token =
        traces.begin(&machine(), (&target(), None), Some(address(from)), Timestamp(at)).unwrap();
    traces.token(&token, Timestamp(at)).unwrap()
}

fn sends(traces: &Traces, to: u8, kind: TransferKind, at: i64) {
    let transfer = Transfer {
        kind,
        path: format!("/{at}"),
        started_at: Timestamp(at),
        ended_at: Timestamp(at),
        bytes: 1,
        status: 200,
        complete: true,
        refusal: String::new(),
    };
    let digest = Digest::of("manifest");
    let file = (kind != TransferKind::Script)
        .then(|| (Booted { manifest: digest, name: "v1.0.0".to_owned() }, digest));
    traces.transferred(address(to), transfer, file);
}

fn says(stage: &str) -> BootReport {
    let text = format!("token: a\nstage: {stage}");
    domain::boot::report::parse(text.as_bytes()).unwrap().1
}

#[test]
fn who_reads_a_menu_boots_nothing() {
    let traces = traces();
    let first = asks(&traces, 1, 10);
    sends(&traces, 1, TransferKind::Script, 11);
    assert_eq!(traces.take_news(), []);
    // Asking again is the same boot until it loads something.
    assert_eq!(asks(&traces, 1, 20), first);
    sends(&traces, 1, TransferKind::Kernel, 21);
    let news = traces.take_news();
    assert_eq!(news.len(), 1);
    assert_eq!((news[0].started_at, news[0].events.len()), (Timestamp(10), 2));
    assert_eq!(news[0].booted.as_ref().unwrap().name, "v1.0.0");
    assert_ne!(asks(&traces, 1, 30).boot, first.boot, "it asks anew: that is another boot");
    assert_eq!(traces.take_news(), []);
}

#[test]
fn a_machine_that_waits_long_at_its_menu_boots_from_then_on() {
    let traces = traces();
    let first = asks(&traces, 1, 0);
    let later = Timestamp(0).plus(FORGOTTEN_AT_MENU).0 + 1;
    assert_ne!(asks(&traces, 1, later).boot, first.boot);
}

#[test]
fn what_an_address_is_sent_is_of_the_boot_that_asked_or_reported_from_there() {
    let traces = traces();
    let token = asks(&traces, 1, 10);
    sends(&traces, 1, TransferKind::Kernel, 11);
    sends(&traces, 2, TransferKind::Image, 12);
    assert_eq!(traces.take_news()[0].events.len(), 1, "nobody asked from there");
    let mut reports = traces.take_reports().unwrap();
    assert!(traces.take_reports().is_none(), "one writes them down");
    traces.report(token.clone(), Some(address(2)), Timestamp(13), says("rootfs")).unwrap();
    sends(&traces, 2, TransferKind::Image, 14);
    let news = traces.take_news();
    assert_eq!((news[0].id.clone(), news[0].events.len()), (token.boot.clone(), 1));
    assert_eq!(reports.try_recv().unwrap().token, token);
    traces.close(&token.boot);
    sends(&traces, 2, TransferKind::Image, 15);
    assert_eq!(traces.take_news(), []);
}

#[test]
fn a_boot_that_loops_is_bounded() {
    let traces = traces();
    asks(&traces, 1, 10);
    for at in 0..100 {
        sends(&traces, 1, TransferKind::Script, at);
    }
    for at in 100..1000 {
        sends(&traces, 1, TransferKind::Kernel, at);
    }
    assert_eq!(traces.take_news()[0].events.len(), MOST_EVENTS);
}

#[test]
fn a_flood_of_machines_is_bounded_and_leaves_room_in_time() {
    let traces = traces();
    let machine = |number: usize| {
        let id = MachineId(format!("01939c2e-7b1a-7000-8000-{number:012x}"));
        BookedMachine::new(id, target(), None)
    };
    let begin = |number, at| traces.begin(&machine(number), (&target(), None), None, Timestamp(at));
    for number in 0..MOST_OPEN {
        assert!(begin(number, 0).is_some());
    }
    assert_eq!(begin(MOST_OPEN, 1), None, "this one boots without a trace");
    let later = Timestamp(0).plus(FORGOTTEN_AT_MENU).plus(CLEANED).0 + 1;
    assert!(begin(MOST_OPEN, later).is_some());
}
