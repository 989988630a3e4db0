//! Boots: added, written anew, listed, found by their state, and removed when a machine has many.

use domain::{
    boot::{Boot, BootEvent, BootState, Booted, trace::trace},
    digest::Digest,
    ids::{BootId, MachineId},
    page::Slice,
    time::Timestamp,
    transfer::{Transfer, TransferKind},
};
use store::boots::BootFilter;

use crate::{on_both_engines, world::World};

on_both_engines! {
    a_boot_is_added_and_written_anew
    boots_are_listed_by_what_is_asked_the_newest_first
    boots_that_ended_early_or_went_silent_are_found
    a_machine_keeps_its_newest_boots
}

fn begun(machine: &str, at: i64) -> Boot {
    let target = "environment production".parse().unwrap();
    Boot::begun(MachineId(format!("id of {machine}")), machine.to_owned(), target, Timestamp(at))
}

fn of(boot: Boot, release: &str, state: BootState) -> Boot {
    let booted = Booted { manifest: Digest::of(release), name: release.to_owned() };
    let took_us = (state == BootState::Up).then_some(boot.started_at.0 + 30);
    Boot { booted: Some(booted), state, took_us, ..boot }
}

async fn add(world: &World, boot: &Boot, events: &[BootEvent]) -> (BootId, i64) {
    let id = BootId(world.id());
    let mut tx = world.begin().await;
    let number = tx.insert_boot(&id, boot, events).await.unwrap();
    tx.commit().await.unwrap();
    (id, number)
}

async fn a_boot_is_added_and_written_anew(world: World) {
    let transfer = Transfer {
        kind: TransferKind::Kernel,
        path: "/artifacts/a/vmlinuz".to_owned(),
        started_at: Timestamp(5),
        ended_at: Timestamp(9),
        bytes: 100,
        status: 200,
        complete: true,
        refusal: String::new(),
    };
    let event = BootEvent::Transfer { transfer, sha256: Some(Digest::of("kernel")) };
    let first = begun("nuc-1", 4);
    let (id, number) = add(&world, &first, &[]).await;
    let mut tx = world.begin().await;
    let found = tx.boot_by_id(&id).await.unwrap().unwrap();
    assert_eq!((&found.boot, found.events.len()), (&Boot { number, ..first }, 0));
    let events = [event];
    let known = trace(&events);
    let boot = Boot {
        address: Some("192.0.2.1".parse().unwrap()),
        entry: "debian".to_owned(),
        step: known.step,
        reason: known.reason,
        bytes: known.bytes,
        last_at: Timestamp(9),
        ..of(found.boot, "v1.0.0", BootState::UnderWay)
    };
    tx.update_boot(&boot, &events).await.unwrap();
    tx.commit().await.unwrap();
    let mut rows = world.store.read().await.unwrap();
    let found = rows.boot(number).await.unwrap().unwrap();
    assert_eq!((found.boot, &found.events[..]), (boot, &events[..]));
    assert_eq!(rows.boot(number + 1).await.unwrap(), None);
}

async fn boots_are_listed_by_what_is_asked_the_newest_first(world: World) {
    for (at, machine, release, state) in [
        (1, "nuc-1", "v1.0.0", BootState::Up),
        (2, "nuc-2", "v1.0.0", BootState::Failed),
        (3, "nuc-1", "v1.1.0", BootState::Up),
        (4, "nuc-1", "v1.1.0", BootState::Silent),
    ] {
        add(&world, &of(begun(machine, at), release, state), &[]).await;
    }
    let mut rows = world.store.read().await.unwrap();
    let mut listed = async |filter: BootFilter, limit| {
        let mut slice = Slice { after: None, limit };
        let mut all = Vec::new();
        loop {
            let page = rows.boots_page(&filter, &slice).await.unwrap();
            all.extend(page.items.into_iter().map(|it| it.started_at.0));
            match page.next {
                Some(next) => slice.after = Some(next),
                None => return all,
            }
        }
    };
    let all = BootFilter::default;
    let nuc = Some(MachineId::from("id of nuc-1"));
    let release = |name: &str| Some(name.to_owned());
    assert_eq!(listed(all(), 3).await, [4, 3, 2, 1]);
    assert_eq!(listed(BootFilter { machine: nuc.clone(), ..all() }, 1).await, [4, 3, 1]);
    assert_eq!(listed(BootFilter { release: release("v1.0.0"), ..all() }, 1).await, [2, 1]);
    let up = Some(BootState::Up);
    assert_eq!(listed(BootFilter { state: up, ..all() }, 50).await, [3, 1]);
    let both = BootFilter { machine: nuc.clone(), release: release("v1.1.0"), state: up };
    assert_eq!(listed(both, 50).await, [3]);
    let times = rows.boot_times(nuc.as_ref(), 10).await.unwrap();
    assert_eq!(times, [("v1.1.0".to_owned(), 33), ("v1.0.0".to_owned(), 31)]);
    assert_eq!(rows.boot_times(None, 1).await.unwrap().len(), 1);
}

async fn boots_that_ended_early_or_went_silent_are_found(world: World) {
    for (at, state) in [
        (1, BootState::UnderWay),
        (2, BootState::Failed),
        (3, BootState::Silent),
        (4, BootState::Up),
        (5, BootState::UnderWay),
        (6, BootState::Unreported),
    ] {
        add(&world, &of(begun("nuc-1", at), "v1.0.0", state), &[]).await;
    }
    let mut rows = world.store.read().await.unwrap();
    let failed = async |rows: &mut store::Rows, since| {
        let found = rows.boots_failed_since(Timestamp(since), 10).await.unwrap();
        found.into_iter().map(|it| it.started_at.0).collect::<Vec<_>>()
    };
    assert_eq!(failed(&mut rows, 0).await, [3, 2]);
    assert_eq!(failed(&mut rows, 3).await, [3]);
    let left = rows.boots_left_alone(Timestamp(4), 10).await.unwrap();
    assert_eq!(left.iter().map(|it| it.boot.started_at.0).collect::<Vec<_>>(), [1]);
}

async fn a_machine_keeps_its_newest_boots(world: World) {
    for at in 1..=5 {
        add(&world, &begun("nuc-1", at), &[]).await;
    }
    add(&world, &begun("nuc-2", 9), &[]).await;
    let mut tx = world.begin().await;
    let machine = MachineId::from("id of nuc-1");
    assert_eq!(tx.prune_boots(&machine, 2).await.unwrap(), 3);
    assert_eq!(tx.prune_boots(&machine, 2).await.unwrap(), 0);
    let page = tx.boots_page(&BootFilter::default(), &Slice::first()).await.unwrap();
    assert_eq!(page.items.iter().map(|it| it.started_at.0).collect::<Vec<_>>(), [9, 5, 4]);
    tx.commit().await.unwrap();
}
