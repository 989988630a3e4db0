//! Machines: added, changed, found by all they are known by, listed, locked, ordered to boot once.

use domain::{
    digest::Digest,
    ids::{BootOnceId, MachineId},
    machine::{
        Answer, BootTarget, Identifier, Machine, MachineDraft, MachineLock, MachineState, Once,
        Running, Seen, Unregistered, parse_rules,
    },
    page::Slice,
    person::Role,
    time::Timestamp,
};
use store::{
    StoreError,
    machines::{MachineFilter, Sighted},
};

use crate::{on_both_engines, world::World};

on_both_engines! {
    a_machine_is_added_changed_and_removed
    what_one_machine_is_known_by_is_no_other_machines
    machines_are_listed_by_what_is_asked
    a_machine_boots_once_until_that_very_order_is_spent
    a_machine_is_locked_seen_and_says_what_it_runs
    those_that_wait_go_when_they_were_not_seen_again
    rules_are_revisions_and_strangers_have_a_setting
}

fn machine(world: &World, name: &str, macs: &str, labels: &str) -> Machine {
    let draft = MachineDraft {
        name: name.to_owned(),
        macs: macs.to_owned(),
        labels: labels.to_owned(),
        ..MachineDraft::default()
    };
    let (name, profile) = draft.check().unwrap();
    Machine {
        id: MachineId(world.id()),
        name,
        state: MachineState::Accepted,
        profile,
        revision: 1,
        target: None,
        once: None,
        lock: None,
        running: None,
        first_seen_at: None,
        last_seen: None,
        created_at: world.now(),
        created_by: "ada".to_owned(),
    }
}

async fn add(world: &World, machine: &Machine) {
    let mut tx = world.begin().await;
    tx.insert_machine(machine).await.unwrap();
    tx.commit().await.unwrap();
}

async fn a_machine_is_added_changed_and_removed(world: World) {
    let mut first = machine(&world, "nuc-7", "52:54:00:00:00:01 52:54:00:00:00:02", "rack=3");
    first.profile.uuid = "4c4c4544-0042-3510-8052-b4c04f4e3732".parse().ok();
    first.profile.serial = Some("PC-17".to_owned());
    first.profile.note = "spare fan".to_owned();
    first.target = "variant probe".parse().ok();
    first.first_seen_at = Some(world.now());
    first.last_seen = Some(Seen { at: world.now(), address: "fe80::1".parse().ok() });
    add(&world, &first).await;
    let mut tx = world.begin().await;
    assert_eq!(tx.machine("nuc-7").await.unwrap().as_ref(), Some(&first));
    assert_eq!(tx.machine_by_id(&first.id).await.unwrap().as_ref(), Some(&first));
    assert_eq!(tx.machines().await.unwrap(), [first.clone()]);
    let row = tx.boot_row(&first.id).await.unwrap().unwrap();
    assert_eq!(
        (&row.macs, row.uuid, &row.serial),
        (&first.profile.macs, first.profile.uuid, &first.profile.serial)
    );
    assert_eq!(tx.boot_rows("", 10).await.unwrap(), [row]);
    assert_eq!(tx.boot_rows("nuc-7", 10).await.unwrap(), []);

    let mut next = machine(&world, "nuc-8", "52:54:00:00:00:02", "rack=4 role=build");
    next = Machine { id: first.id.clone(), revision: 2, state: MachineState::Pending, ..next };
    tx.change_machine(&next).await.unwrap();
    assert!(matches!(tx.change_machine(&next).await, Err(StoreError::Changed(_))));
    let changed = tx.machine("nuc-8").await.unwrap().unwrap();
    assert_eq!((&changed.profile, changed.state), (&next.profile, next.state));
    assert_eq!((changed.target, changed.last_seen), (first.target, first.last_seen), "untouched");
    let freed = Identifier::Mac("52:54:00:00:00:01".parse().unwrap());
    assert_eq!(tx.machine_known_by(&freed).await.unwrap(), None);
    tx.assign_machine(&first.id, None).await.unwrap();
    assert_eq!(tx.machine("nuc-8").await.unwrap().unwrap().target, None);
    tx.delete_machine(&first.id).await.unwrap();
    assert!(matches!(tx.delete_machine(&first.id).await, Err(StoreError::Changed(_))));
    assert_eq!(tx.machine("nuc-8").await.unwrap(), None);
    tx.commit().await.unwrap();
    // All that it had is free.
    add(&world, &machine(&world, "nuc-8", "52:54:00:00:00:02", "")).await;
}

async fn what_one_machine_is_known_by_is_no_other_machines(world: World) {
    let mut first = machine(&world, "a", "52:54:00:00:00:01", "");
    first.profile.uuid = "4c4c4544-0042-3510-8052-b4c04f4e3732".parse().ok();
    first.profile.serial = Some("S1".to_owned());
    add(&world, &first).await;
    let known = Some((first.id.clone(), "a".to_owned()));
    let mut tx = world.begin().await;
    for identifier in first.profile.identifiers() {
        assert_eq!(tx.machine_known_by(&identifier).await.unwrap(), known, "{identifier}");
    }
    drop(tx);
    let other = machine(&world, "b", "52:54:00:00:00:02", "");
    let mut twins = vec![other.clone(); 4];
    twins[0].name = "a".to_owned();
    twins[1].profile.macs = first.profile.macs.clone();
    twins[2].profile.uuid = first.profile.uuid;
    twins[3].profile.serial = first.profile.serial.clone();
    for twin in twins {
        let mut tx = world.begin().await;
        assert!(tx.insert_machine(&twin).await.unwrap_err().is_conflict());
    }
    // Within one transaction what one gives up another takes.
    add(&world, &other).await;
    let mut tx = world.begin().await;
    let swapped = |of: &Machine, with: &Machine| {
        let mut it = Machine { revision: 2, ..of.clone() };
        it.profile.macs.clone_from(&with.profile.macs);
        it
    };
    tx.free_identifiers(&first.id).await.unwrap();
    tx.change_machine(&swapped(&other, &first)).await.unwrap();
    tx.change_machine(&swapped(&first, &other)).await.unwrap();
    let known = Identifier::Mac(first.profile.macs[0]);
    assert_eq!(tx.machine_known_by(&known).await.unwrap().unwrap().1, "b");
    tx.commit().await.unwrap();
}

async fn machines_are_listed_by_what_is_asked(world: World) {
    for number in 1..=5_u8 {
        let rack = if number < 4 { "rack=3" } else { "rack=4" };
        let mut it =
            machine(&world, &format!("m{number}"), &format!("52:54:00:00:00:0{number}"), rack);
        it.profile.location = format!("Room {number}_%");
        it.profile.serial = Some(format!("Serial{number}"));
        if number == 5 {
            it.state = MachineState::Pending;
        }
        it.target = (number == 2).then(|| BootTarget::Variant("probe".to_owned()));
        add(&world, &it).await;
    }
    let mut tx = world.begin().await;
    let all = MachineFilter::default;
    let words = |words: &str| MachineFilter { words: Some(words.to_owned()), ..all() };
    let label = |value: &str| Some(("rack".to_owned(), value.to_owned()));
    let target = |text: &str| MachineFilter { target: text.parse().ok(), ..all() };
    for (filter, expected) in [
        (all(), &["m1", "m2", "m3", "m4", "m5"][..]),
        (words("ROOM 3_%"), &["m3"]),
        (words("serial4"), &["m4"]),
        (words("00:02"), &["m2"]),
        (words("_3"), &[]),
        (MachineFilter { label: label("3"), ..all() }, &["m1", "m2", "m3"]),
        (MachineFilter { label: label("3"), ..words("room 2") }, &["m2"]),
        (MachineFilter { label: label("3"), ..target("variant probe") }, &["m2"]),
        (MachineFilter { label: label("5"), ..all() }, &[]),
        (MachineFilter { state: Some(MachineState::Pending), ..all() }, &["m5"]),
        (
            MachineFilter { state: Some(MachineState::Accepted), label: label("4"), ..all() },
            &["m4"],
        ),
        (target("variant probe"), &["m2"]),
        (target("release probe"), &[]),
    ] {
        let mut slice = Slice { limit: 2, ..Slice::first() };
        let mut names = Vec::new();
        loop {
            let page = tx.machines_page(&filter, &slice).await.unwrap();
            names.extend(page.items.into_iter().map(|it| it.name));
            match page.next {
                Some(next) => slice.after = Some(next),
                None => break,
            }
        }
        assert_eq!(names, expected, "{filter:?}");
    }
    assert_eq!(tx.count_machines(MachineState::Pending).await.unwrap(), 1);
}

async fn a_machine_boots_once_until_that_very_order_is_spent(world: World) {
    let it = machine(&world, "a", "52:54:00:00:00:01", "");
    add(&world, &it).await;
    let order = |entry: Option<&str>| Once {
        id: BootOnceId(world.id()),
        target: BootTarget::Release("v1.2.0".to_owned()),
        entry: entry.map(str::to_owned),
        asked_by: "ada".to_owned(),
        asked_at: world.now(),
        boot: None,
    };
    let (first, second) = (order(None), order(Some("xen")));
    let mut tx = world.begin().await;
    tx.boot_once(&it.id, &first).await.unwrap();
    assert_eq!(tx.machine("a").await.unwrap().unwrap().once.as_ref(), Some(&first));
    tx.boot_once(&it.id, &second).await.unwrap();
    assert!(!tx.give_once(&it.id, &first.id, "nonce").await.unwrap());
    assert!(tx.give_once(&it.id, &second.id, "nonce").await.unwrap());
    let given = Once { boot: Some("nonce".to_owned()), ..second.clone() };
    assert_eq!(tx.machine("a").await.unwrap().unwrap().once.as_ref(), Some(&given));
    tx.assign_machine(&it.id, Some(&BootTarget::Release("v1.1.0".to_owned()))).await.unwrap();
    let mut kept = tx.releases_of_machines().await.unwrap();
    kept.sort();
    let [always, once] = ["v1.1.0", "v1.2.0"].map(|it| (it.to_owned(), "machine a".to_owned()));
    assert_eq!(kept, [always, once]);
    let row = tx.boot_row(&it.id).await.unwrap().unwrap();
    assert_eq!(row.once, Some((second.id.clone(), second.target.clone(), second.entry.clone())));
    assert!(!tx.spend_once(&it.id, &first.id).await.unwrap(), "an earlier order");
    assert!(tx.spend_once(&it.id, &second.id).await.unwrap());
    assert!(!tx.spend_once(&it.id, &second.id).await.unwrap());
    tx.boot_once(&it.id, &first).await.unwrap();
    assert!(tx.clear_once(&it.id).await.unwrap() && !tx.clear_once(&it.id).await.unwrap());
    tx.boot_once(&it.id, &first).await.unwrap();
    tx.delete_machine(&it.id).await.unwrap();
    tx.commit().await.unwrap();
}

async fn a_machine_is_locked_seen_and_says_what_it_runs(world: World) {
    let ada = world.person("ada", Role::Developer).await;
    let it = machine(&world, "a", "52:54:00:00:00:01", "");
    add(&world, &it).await;
    let lock = MachineLock {
        owner_id: ada.id,
        owner: "ada".to_owned(),
        purpose: "bisect".to_owned(),
        since: world.now(),
        until: world.now(),
    };
    let running = Running {
        manifest: Digest::of("manifest"),
        name: "v1.2.0".to_owned(),
        entry: "xen".to_owned(),
        since: world.now(),
    };
    let mut tx = world.begin().await;
    tx.set_machine_lock(&it.id, Some(&lock)).await.unwrap();
    tx.set_machine_running(&it.id, &running).await.unwrap();
    let (first, last) = (world.now(), world.now());
    let seen =
        |at, address: &str| Sighted { machine: it.id.clone(), at, address: address.parse().ok() };
    let gone = Sighted { machine: MachineId::from("gone"), ..seen(last, "10.0.0.9") };
    tx.sight_machines(&[seen(first, "10.0.0.1"), gone, seen(last, "10.0.0.2")]).await.unwrap();
    tx.sight_machines(&[seen(first, "10.0.0.1")]).await.unwrap();
    let now = tx.machine("a").await.unwrap().unwrap();
    assert_eq!((now.lock, now.running), (Some(lock), Some(running.clone())));
    assert_eq!(now.first_seen_at, Some(first));
    assert_eq!(now.last_seen, Some(Seen { at: last, address: "10.0.0.2".parse().ok() }));
    assert_eq!(tx.boot_row(&it.id).await.unwrap().unwrap().running, Some(running.manifest));
    tx.set_machine_lock(&it.id, None).await.unwrap();
    assert_eq!(tx.machine("a").await.unwrap().unwrap().lock, None);
    tx.commit().await.unwrap();
}

async fn those_that_wait_go_when_they_were_not_seen_again(world: World) {
    for (name, state, at) in [
        ("old", MachineState::Pending, 10),
        ("older", MachineState::Pending, 5),
        ("young", MachineState::Pending, 20),
        ("ours", MachineState::Accepted, 1),
    ] {
        let mac = format!("52:54:00:00:00:{at:02}");
        let seen = Some(Seen { at: Timestamp(at), address: None });
        add(&world, &Machine { state, last_seen: seen, ..machine(&world, name, &mac, "") }).await;
    }
    let mut rows = world.store.read().await.unwrap();
    let unseen = rows.machines_pending_unseen(Timestamp(10), 9).await.unwrap();
    assert_eq!(unseen.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(), ["older", "old"]);
    assert_eq!(rows.machines_pending_unseen(Timestamp(10), 1).await.unwrap().len(), 1);
}

async fn rules_are_revisions_and_strangers_have_a_setting(world: World) {
    let mut tx = world.begin().await;
    assert_eq!(tx.machine_rules().await.unwrap().revision, 0);
    let rules = parse_rules("rack=3 => variant probe\nrole=build => release v1.2.0\n").unwrap();
    let at = world.now();
    tx.insert_machine_rules(1, &rules[..1], at, "ada").await.unwrap();
    tx.insert_machine_rules(2, &rules, at, "ada").await.unwrap();
    let now = tx.machine_rules().await.unwrap();
    assert_eq!((now.revision, &now.rules), (2, &rules));
    assert_eq!((now.saved_at, now.saved_by.as_deref()), (Some(at), Some("ada")));
    assert_eq!(tx.unregistered().await.unwrap(), Unregistered::default());
    let refuse = Unregistered { unknown: Answer::Refuse, pending: Answer::Exit };
    tx.set_unregistered(&refuse).await.unwrap();
    tx.set_unregistered(&refuse).await.unwrap();
    assert_eq!(tx.unregistered().await.unwrap(), refuse);
    tx.commit().await.unwrap();
    let mut tx = world.begin().await;
    assert!(tx.insert_machine_rules(2, &[], at, "bob").await.unwrap_err().is_conflict());
}
