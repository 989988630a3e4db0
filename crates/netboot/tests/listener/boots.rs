//! Boots that are watched: the token in a machine's script, and what is seen of what it loads.

use std::sync::Arc;

use domain::{boot::BootEvent, ids::MachineId, machine::Mac, transfer::TransferKind};
use netboot::{BookedMachine, BootNews, ReportAnswer, TokenKey, Traces};

use crate::support::{Bench, wait_until};

const ID: &str = "01939c2e-7b1a-7000-8000-0123456789ab";
const MAC: &str = "52:54:00:00:00:01";

fn bench() -> (Bench, Traces) {
    let traces = Traces::new(TokenKey::new([7; 32]));
    let bench = Bench::watching(traces.clone());
    let target = Arc::new("environment production".parse().unwrap());
    let machine = BookedMachine {
        name: "nuc-1".to_owned(),
        macs: vec![MAC.parse::<Mac>().unwrap()],
        ..BookedMachine::new(MachineId::from(ID), target, None)
    };
    bench.listener.machines().change(|book| book.put(machine));
    (bench, traces)
}

fn token_of(script: &str) -> &str {
    let line = script.lines().nth(1).unwrap();
    line.strip_prefix("set boot ").unwrap()
}

#[test]
fn a_known_machines_script_has_a_token_and_is_else_the_same() {
    let (bench, _traces) = bench();
    let answer = bench.get(&format!("/ipxe?mac={MAC}"));
    let script = answer.text();
    let token = token_of(script);
    let menu = bench.get("/menu.ipxe").text().to_owned();
    // Each entry says which one it is.
    let mut without = script.replace(&format!("set boot {token}\n"), "");
    for entry in &bench.served.manifest.entries {
        let argument = format!("bootwright.boot=${{boot}},{} ", entry.label());
        assert!(without.contains(&argument), "{script}");
        without = without.replace(&argument, "");
    }
    assert_eq!(without, menu, "nobody else's has one");
    let json = bench.get(&format!("/v1/boot/{MAC}"));
    assert!(json.text().contains(&format!("bootwright.boot={token}")), "the same boot goes on");
    assert!(!bench.get("/ipxe?mac=52:54:00:00:00:99").text().contains("boot="));
}

#[test]
fn what_a_machine_loads_is_of_its_boot() {
    let (bench, traces) = bench();
    let answer = bench.get(&format!("/ipxe?mac={MAC}"));
    let token = token_of(answer.text());
    bench.get(&bench.file("vmlinuz-6.1.0-cloud"));
    bench.ask("GET", &bench.file("rootfs.squashfs"), &["Range: bytes=0-3"]);
    bench.get(&bench.file("missing"));
    let mut all: Vec<BootNews> = Vec::new();
    let seen = std::cell::RefCell::new(&mut all);
    wait_until("all four are told", || {
        let mut all = seen.borrow_mut();
        all.extend(traces.take_news());
        all.iter().map(|it| it.events.len()).sum::<usize>() == 4
    });
    let of = |event: &BootEvent| match event {
        BootEvent::Transfer { transfer, sha256 } => {
            (transfer.kind, transfer.status, transfer.bytes, *sha256)
        }
        BootEvent::Report { .. } => panic!("nothing was reported"),
    };
    let events: Vec<_> = all.iter().flat_map(|it| &it.events).map(of).collect();
    let kernel = bench.digest_of("vmlinuz-6.1.0-cloud");
    assert_eq!((events[0].0, events[0].1), (TransferKind::Script, 200));
    assert_eq!((events[1].0, events[1].3), (TransferKind::Kernel, Some(kernel)));
    assert_eq!((events[2].0, events[2].1, events[2].2), (TransferKind::Image, 206, 4));
    assert_eq!((events[3].0, events[3].1), (TransferKind::Other, 404));
    let last = all.last().unwrap();
    assert_eq!(last.machine, MachineId::from(ID));
    assert_eq!(last.booted.as_ref().unwrap().manifest, bench.served.digest);
    assert!(token.len() < 64, "short enough for Xen's command lines: {token}");
}

#[test]
fn a_report_is_answered_when_it_is_written_down() {
    let (bench, traces) = bench();
    let answer = bench.get(&format!("/ipxe?mac={MAC}"));
    let text = format!("token: {}\nstage: rootfs\n", token_of(answer.text()));
    let mut reports = traces.take_reports().unwrap();
    let writing = std::thread::spawn(move || {
        for answer in [ReportAnswer::Noted, ReportAnswer::Spent, ReportAnswer::Unknown] {
            let reported = reports.blocking_recv().unwrap();
            assert_eq!(reported.token.machine, MachineId::from(ID));
            reported.answer.send(answer).unwrap();
        }
        // Whoever writes them down is gone: nothing is.
        drop(reports);
    });
    let report = |text: &str| bench.post("/report", text).status;
    assert_eq!([report(&text), report(&text), report(&text)], [200, 410, 404]);
    writing.join().unwrap();
    assert_eq!(report(&text), 503);
    assert_eq!(report("token: a\nstage: rootfs\n"), 403);
    assert_eq!(report("nonsense"), 400);
    assert_eq!(report(&"a".repeat(5000)), 413);
    for method in ["GET", "PUT", "DELETE"] {
        assert_eq!(bench.ask(method, "/report", &[]).status, 405, "{method}");
    }
}

#[test]
fn a_guest_and_a_listener_that_watches_nothing_take_no_reports() {
    let bench = Bench::start();
    assert_eq!(bench.post("/report", "token: a\nstage: rootfs\n").status, 404);
}
