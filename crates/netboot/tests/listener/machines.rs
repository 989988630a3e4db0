//! Machines that are registered, those that wait, and strangers.

use std::sync::Arc;

use domain::{
    digest::Digest,
    ids::{BootOnceId, MachineId},
    machine::{Answer, Architecture, BootTarget, Mac, Unregistered},
    time::Timestamp,
};
use netboot::{BookedMachine, BookedOnce, Known, MachineBook, Served, Snapshot};

use crate::support::Bench;

const UUID: &str = "4c4c4544-0042-3510-8052-b4c04f4e3732";

fn mac(last: u8) -> Mac {
    Mac([0x52, 0x54, 0, 0, 0, last])
}

fn machine(last: u8, target: &str) -> BookedMachine {
    let id = MachineId(format!("m{last}"));
    BookedMachine {
        name: format!("nuc-{last}"),
        macs: vec![mac(last)],
        ..BookedMachine::new(id, Arc::new(target.parse().unwrap()), Some(Timestamp(0)))
    }
}

/// A second release that no environment serves, and the script of its menu.
fn other_release(bench: &Bench) -> Arc<Served> {
    let mut manifest = bench.served.manifest.clone();
    manifest.timeout_ms = 5000;
    let digest = Digest::of("another manifest");
    let other = Arc::new(Served { name: "v1.3.0".to_owned(), digest, manifest });
    let mut snapshot = Snapshot::clone(&bench.catalogue.snapshot());
    snapshot.add(other.clone(), "v1.3.0");
    bench.catalogue.swap(snapshot);
    other
}

fn ask(bench: &Bench, last: u8) -> String {
    bench.get(&format!("/ipxe?mac={}", mac(last))).text().to_owned()
}

#[test]
fn each_machine_gets_what_it_is_assigned_and_a_change_is_served_at_once() {
    let bench = Bench::start();
    let other = other_release(&bench);
    let production = bench.get("/menu.ipxe").text().to_owned();
    let pinned = bench.get("/release/v1.3.0/menu.ipxe").text().to_owned();
    assert!(pinned.contains(&other.digest.to_string()) && pinned != production);
    bench.listener.machines().change(|book| {
        book.put(machine(1, "release v1.3.0"));
        book.put(machine(2, "environment production"));
        book.put(machine(3, "variant probe"));
    });
    assert_eq!(ask(&bench, 1), pinned);
    assert_eq!(ask(&bench, 2), production);
    assert_eq!(ask(&bench, 3), bench.get("/variant/probe/menu.ipxe").text());
    assert_eq!(ask(&bench, 4), production, "a stranger");
    bench.listener.machines().change(|book| book.put(machine(2, "release v1.3.0")));
    assert_eq!(ask(&bench, 2), pinned);
    // What the environment serves changes, and no machine does.
    let mut snapshot = Snapshot::clone(&bench.catalogue.snapshot());
    snapshot.environments.insert("production".to_owned(), Some(other));
    bench.catalogue.swap(snapshot);
    assert_eq!(ask(&bench, 4), pinned);
    bench.listener.machines().swap(MachineBook::default());
    assert_eq!(ask(&bench, 1), pinned, "as the default environment");
}

#[test]
fn what_a_machine_should_boot_and_is_not_there_is_said_on_its_console() {
    let bench = Bench::start();
    bench.listener.machines().change(|book| {
        book.put(machine(1, "release v9.9.9"));
        book.put(machine(2, "variant over"));
        book.put(machine(3, "environment development"));
        book.put(machine(4, "environment staging"));
    });
    for (last, says) in [
        (1, "no candidate or release v9.9.9"),
        (2, "the days of variant over ended"),
        (3, "serves no release yet"),
        (4, "no environment staging"),
    ] {
        let answer = bench.get(&format!("/ipxe?mac={}", mac(last)));
        assert_eq!(answer.status, 404);
        assert!(answer.text().contains(says), "{}", answer.text());
        assert_eq!(bench.get(&format!("/v1/boot/{}", mac(last))).status, 404);
    }
}

#[test]
fn a_machine_is_known_by_uuid_or_serial_number_alone() {
    let bench = Bench::start();
    other_release(&bench);
    let pinned = bench.get("/release/v1.3.0/menu.ipxe").text().to_owned();
    bench.listener.machines().change(|book| {
        book.put(BookedMachine {
            uuid: UUID.parse().ok(),
            serial: Some("PC-17".to_owned()),
            ..machine(1, "release v1.3.0")
        });
    });
    for query in [
        format!("uuid={UUID}"),
        format!("mac=&uuid={}", UUID.to_uppercase()),
        "serial=PC-17".to_owned(),
        "mac=52-54-00-00-00-09&serial=PC-17&arch=x86_64".to_owned(),
        "mac=52-54-00-00-00-01&uuid=nonsense&serial=0".to_owned(),
    ] {
        assert_eq!(bench.get(&format!("/ipxe?{query}")).text(), pinned, "{query}");
    }
    assert_eq!(bench.get(&format!("/ipxe?mac=nonsense&uuid={UUID}")).status, 400);
}

#[test]
fn an_order_is_the_default_at_a_short_timeout_and_no_request_ends_it() {
    let bench = Bench::start();
    other_release(&bench);
    let order = |entry: Option<&str>| BookedOnce {
        id: BootOnceId::from("order"),
        target: Arc::new(BootTarget::Release("v1.3.0".to_owned())),
        entry: entry.map(str::to_owned),
    };
    let put = |entry| {
        bench.listener.machines().change(|book| {
            let once = Some(order(entry));
            book.put(BookedMachine { once, ..machine(1, "environment production") });
        });
    };
    put(Some("xen-dev"));
    let usual = bench.get("/release/v1.3.0/menu.ipxe").text().to_owned();
    let expected = usual.replace(
        "choose --default shell --timeout 5000",
        "choose --default xen-dev --timeout 3000",
    );
    assert_ne!(expected, usual);
    for _ in 0..2 {
        assert_eq!(ask(&bench, 1), expected);
    }
    put(None);
    assert!(ask(&bench, 1).contains("choose --default deb --timeout 3000"), "the menu's default");
    put(Some("none"));
    let answer = bench.get(&format!("/ipxe?mac={}", mac(1)));
    assert!(answer.status == 500 && answer.text().contains("the entry none"), "{}", answer.text());
}

#[test]
fn pixiecore_gets_the_entry_that_was_ordered() {
    let bench = Bench::start();
    let mut manifest = bench.served.manifest.clone();
    manifest.entries.truncate(1);
    manifest.default_entry = "xen".to_owned();
    let other = Arc::new(Served {
        name: "v1.3.0".to_owned(),
        digest: Digest::of("another manifest"),
        manifest,
    });
    let mut snapshot = Snapshot::clone(&bench.catalogue.snapshot());
    snapshot.add(other.clone(), "v1.3.0");
    bench.catalogue.swap(snapshot);
    bench.listener.machines().change(|book| book.put(machine(1, "release v1.3.0")));
    let answer = bench.get(&format!("/v1/boot/{}", mac(1)));
    assert!(answer.text().contains(&other.digest.to_string()), "{}", answer.text());
    assert!(
        bench.get("/v1/boot/52:54:00:00:00:02").text().contains(&bench.served.digest.to_string())
    );
}

#[test]
fn strangers_and_those_that_wait_get_what_the_policy_says() {
    let bench = Bench::start();
    let menu = bench.get("/menu.ipxe").text().to_owned();
    let serve = |unknown, pending| {
        bench.listener.machines().change(|book| {
            book.unregistered = Unregistered { unknown, pending };
            book.put(BookedMachine { pending: true, ..machine(1, "release v9.9.9") });
            book.put(machine(2, "environment production"));
        });
    };
    serve(Answer::Menu, Answer::Menu);
    assert_eq!([1, 2, 3].map(|it| ask(&bench, it)), [1, 2, 3].map(|_| menu.clone()));
    serve(Answer::Exit, Answer::Refuse);
    assert_eq!(ask(&bench, 2), menu);
    let stranger = bench.get(&format!("/ipxe?mac={}", mac(3)));
    assert_eq!((stranger.status, stranger.text()), (200, "#!ipxe\nexit\n"));
    assert_eq!(bench.get(&format!("/v1/boot/{}", mac(3))).status, 404);
    let path = format!("/ipxe?mac={}", mac(1));
    let waits = bench.get(&path);
    assert_eq!(waits.status, 403);
    assert!(waits.text().contains("machine nuc-1 waits to be accepted"), "{}", waits.text());
    let seen = bench.ask("GET", &path, &["User-Agent: iPXE/1.21.1"]);
    assert_eq!((seen.status, seen.text()), (200, waits.text()), "so that a console shows it");
    serve(Answer::Refuse, Answer::Exit);
    let stranger = bench.get(&format!("/ipxe?mac={}&uuid={UUID}", mac(3)));
    assert!(stranger.text().contains("machine 52:54:00:00:00:03 is not registered"));
}

#[test]
fn who_asked_is_noted_in_memory_and_once() {
    let bench = Bench::start();
    bench.listener.machines().change(|book| {
        let target = Arc::new(BootTarget::Environment("production".to_owned()));
        let unseen = BookedMachine::new(MachineId::from("m1"), target, None);
        book.put(BookedMachine { macs: vec![mac(1)], ..unseen });
        book.put(machine(2, "environment production"));
    });
    for last in [1, 1, 2, 3, 3] {
        ask(&bench, last);
    }
    bench.get(&format!("/ipxe?mac={}&uuid={UUID}&serial=PC-17&arch=arm64", mac(4)));
    bench.get(&format!("/ipxe?uuid={UUID}"));
    bench.get("/menu.ipxe");
    let sightings = bench.listener.sightings();
    let here = Some("127.0.0.1".parse().unwrap());
    let known = sightings.take_known();
    let ids: Vec<_> = known.iter().map(|(id, _, address)| (id.as_str(), *address)).collect();
    assert_eq!(ids, [("m1", here)], "m2 was noted just before");
    let unknown = sightings.take_unknown();
    let macs: Vec<_> = unknown.iter().map(|it| it.known.mac.unwrap()).collect();
    assert_eq!(macs, [mac(3), mac(4)], "who has no card is nobody");
    let last =
        Known { mac: Some(mac(4)), uuid: UUID.parse().ok(), serial: Some("PC-17".to_owned()) };
    assert_eq!((&unknown[1].known, unknown[1].address), (&last, here));
    assert_eq!(unknown[1].architecture, Some(Architecture::Arm64));
    assert!(sightings.take_known().is_empty() && sightings.take_unknown().is_empty());
}
