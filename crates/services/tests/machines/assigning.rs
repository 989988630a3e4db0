//! What a machine boots: who may say so, and that it is served before that is answered.

use domain::{
    machine::{Answer, Because, Drift, MachineDraft, MachineState, Unregistered, parse_rules},
    page::Slice,
};

use crate::world::{FIRST, SECOND, World, draft, in_hours, says, target};

const MAC: &str = "52:54:00:00:00:01";

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_is_locked_pinned_and_served_at_once() {
    let world = World::open().await;
    let (services, ann) = (&world.services, &world.developer);
    world.add("nuc-1", MAC, "rack=3").await;
    assert_eq!(world.served(MAC).await, FIRST);
    let second = target(&format!("release {SECOND}"));
    let assign = |actor, to, reason| services.assign_machine(actor, "nuc-1", to, reason);
    // It follows production.
    let refused = says(assign(ann, Some(&second), None).await);
    assert!(refused.contains("production") && refused.contains("lock"), "{refused}");
    assert!(says(assign(&world.viewer, Some(&second), None).await).contains("viewer"));
    let until = in_hours(2);
    let lock = services.lock_machine(ann, "nuc-1", "bisect", until, None).await.unwrap();
    assert_eq!((lock.owner.as_str(), lock.until), ("ann", until));
    assign(ann, Some(&second), None).await.unwrap();
    assert_eq!(world.served(MAC).await, SECOND);
    let summary = services.machine(&world.viewer, "nuc-1").await.unwrap();
    assert_eq!((&summary.assigned.target, &summary.assigned.because), (&second, &Because::Own));
    // Nobody else touches it, and each is told why.
    for refused in [
        says(assign(&world.approver, None, Some("mine")).await),
        says(services.remove_machine(&world.other, "nuc-1", None).await),
        says(services.lock_machine(&world.other, "nuc-1", "x", until, None).await),
        says(services.unlock_machine(&world.other, "nuc-1", Some("x y z")).await),
        says(services.unlock_machine(&world.administrator, "nuc-1", None).await),
    ] {
        assert!(refused.contains("ann has locked") && refused.contains("bisect"), "{refused}");
    }
    // The owner extends it; an administrator ends it with a reason.
    let longer = services.lock_machine(ann, "nuc-1", "bisect on", in_hours(4), None).await.unwrap();
    assert_eq!((longer.since, longer.purpose.as_str()), (lock.since, "bisect on"));
    services.unlock_machine(&world.administrator, "nuc-1", Some("ann is away")).await.unwrap();
    assert!(says(services.unlock_machine(ann, "nuc-1", None).await).contains("nobody"));
    // It follows nothing that demands something: a developer may say what it boots; the same again is
    // no change.
    assign(&world.other, None, None).await.unwrap();
    assert_eq!(world.served(MAC).await, FIRST);
    let rows = world.audited("nuc-1").await;
    assign(&world.approver, None, None).await.unwrap();
    assert_eq!(world.audited("nuc-1").await, rows);
    assert_eq!(
        rows,
        [
            "machine.assign",
            "machine.unlock",
            "machine.lock",
            "machine.assign",
            "machine.lock",
            "machine.add"
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_the_machine_can_boot_is_taken() {
    let world = World::open().await;
    let (services, bob) = (&world.services, &world.approver);
    world.add("nuc-1", MAC, "").await;
    let arm = MachineDraft {
        architecture: "arm64".to_owned(),
        ..draft("arm-1", "52:54:00:00:00:02", "")
    };
    services.register_machine(bob, &arm).await.unwrap();
    for (machine, text, reason) in [
        ("nuc-1", "release v9.9.9", "no release called v9.9.9"),
        ("nuc-1", "variant probe", "no variant probe"),
        ("nuc-1", "environment staging", "no environment called staging"),
        ("arm-1", "release v1.1.0-rc.1", "is for amd64, and this machine is arm64"),
        ("none", "release v1.1.0-rc.1", "no machine none"),
    ] {
        let refused = says(services.assign_machine(bob, machine, Some(&target(text)), None).await);
        assert!(refused.contains(reason), "{refused}");
    }
    let second = target(&format!("release {SECOND}"));
    let refused = services.boot_machine_once(bob, "nuc-1", &second, Some("xen"), None).await;
    assert!(says(refused).contains("deb, rescue"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_boot_that_is_ordered_ends_by_its_own_report_and_by_no_request() {
    let world = World::open().await;
    let (services, bob) = (&world.services, &world.approver);
    world.add("nuc-1", MAC, "").await;
    let second = target(&format!("release {SECOND}"));
    let order = |entry| services.boot_machine_once(bob, "nuc-1", &second, entry, None);
    order(None).await.unwrap();
    let earlier = world.token(MAC).await;
    order(Some("rescue")).await.unwrap();
    for _ in 0..2 {
        assert_eq!(world.served(MAC).await, SECOND);
        let (_, script) = world.boots(&format!("mac={MAC}")).await;
        assert!(script.contains("choose --default rescue --timeout 3000"), "{script}");
    }
    let token = world.token(MAC).await;
    assert_eq!(world.reports(&earlier, "rootfs", SECOND).await.0, 200);
    assert_eq!(world.served(MAC).await, SECOND, "that was the boot of an earlier order");
    assert_eq!(world.reports(&token, "rootfs", SECOND).await.0, 200);
    assert_eq!(world.served(MAC).await, FIRST);
    assert_eq!(world.audited("nuc-1").await[0], "machine.once-spent");
    order(None).await.unwrap();
    services.clear_once(bob, "nuc-1", None).await.unwrap();
    services.clear_once(bob, "nuc-1", None).await.unwrap();
    assert_eq!(world.served(MAC).await, FIRST);
    assert_eq!(services.machine(bob, "nuc-1").await.unwrap().machine.once, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_say_what_machines_of_a_label_boot() {
    let world = World::open().await;
    let (services, bob) = (&world.services, &world.approver);
    world.add("nuc-1", MAC, "rack=3").await;
    world.add("nuc-2", "52:54:00:00:00:02", "rack=4").await;
    let rules = parse_rules(&format!("rack=3 => release {SECOND}\n")).unwrap();
    let refused = says(services.change_machine_rules(&world.developer, 0, &rules).await);
    assert!(refused.contains("approver"), "{refused}");
    let saved = services.change_machine_rules(bob, 0, &rules).await.unwrap();
    assert_eq!((saved.revision, world.served(MAC).await), (1, SECOND));
    assert_eq!(world.served("52:54:00:00:00:02").await, FIRST);
    assert_eq!(services.change_machine_rules(bob, 1, &rules).await.unwrap().revision, 1);
    let refused = says(services.change_machine_rules(bob, 0, &[]).await);
    assert!(refused.contains("revision 1 by now"), "{refused}");
    let nowhere = parse_rules("rack=3 => variant none\n").unwrap();
    assert!(says(services.change_machine_rules(bob, 1, &nowhere).await).contains("rule 1"));
    let summary = services.machine(bob, "nuc-1").await.unwrap();
    assert!(matches!(summary.assigned.because, Because::Rule { number: 1, .. }));
    // A machine that is registered later, and one whose label changes.
    world.add("nuc-3", "52:54:00:00:00:03", "rack=3").await;
    assert_eq!(world.served("52:54:00:00:00:03").await, SECOND);
    let moved = draft("nuc-3", "52:54:00:00:00:03", "rack=4");
    services.change_machine(&world.developer, "nuc-3", 1, &moved, None).await.unwrap();
    assert_eq!(world.served("52:54:00:00:00:03").await, FIRST);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_process_changes_is_served_as_well() {
    let world = World::open().await;
    world.add("nuc-1", MAC, "").await;
    let (stop, stopping) = tokio::sync::watch::channel(false);
    let following = tokio::spawn(world.services.clone().keep_machines(stopping));
    let second = target(&format!("release {SECOND}"));
    let beside = world.beside().await;
    beside.assign_machine(&world.approver, "nuc-1", Some(&second), None).await.unwrap();
    let served = async {
        while world.served(MAC).await != SECOND {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), served).await.unwrap();
    stop.send_replace(true);
    following.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_runs_otherwise_than_it_should_is_told() {
    let world = World::open().await;
    let services = &world.services;
    world.add("nuc-1", MAC, "").await;
    let drift = async || services.machine(&world.viewer, "nuc-1").await.unwrap().drift;
    let list =
        async || services.drifting_machines(&world.viewer, &Slice::first()).await.unwrap().items;
    assert_eq!((drift().await, list().await.len()), (Drift::Unknown, 0));
    let token = world.token(MAC).await;
    assert_eq!(world.reports(&token, "rootfs", FIRST).await.0, 200);
    assert_eq!(drift().await, Drift::Unknown, "the rootfs does not run yet");
    assert_eq!(world.reports(&token, "init", FIRST).await.0, 200);
    assert_eq!((drift().await, list().await.len()), (Drift::None, 0));
    let second = target(&format!("release {SECOND}"));
    services.assign_machine(&world.approver, "nuc-1", Some(&second), None).await.unwrap();
    assert_eq!(drift().await, Drift::Other);
    let drifting = list().await;
    assert_eq!(drifting.iter().map(|it| it.machine.name.as_str()).collect::<Vec<_>>(), ["nuc-1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn administrators_say_what_strangers_get() {
    let world = World::open().await;
    let services = &world.services;
    let before = services.unregistered(&world.viewer).await.unwrap();
    let refuse = Unregistered { unknown: Answer::Refuse, pending: Answer::Exit };
    let change = |actor, base| services.change_unregistered(actor, refuse, base);
    assert!(says(change(&world.approver, None).await).contains("administrator"));
    let base = before.version().unwrap();
    change(&world.administrator, Some(&base)).await.unwrap();
    let (status, script) = world.boots(&format!("mac={MAC}")).await;
    assert!(status == 403 && script.contains("is not registered"), "{script}");
    assert!(says(change(&world.administrator, Some(&base)).await).contains("somebody changed"));
    services.note_sightings().await.unwrap();
    assert_eq!(world.boots(&format!("mac={MAC}")).await.1, "#!ipxe\nexit\n");
    let waits = services.machine(&world.viewer, "machine-525400000001").await.unwrap().machine;
    assert_eq!(waits.state, MachineState::Pending);
    let refused =
        services.lock_machine(&world.developer, &waits.name, "x", in_hours(1), None).await;
    assert!(says(refused).contains("accept it first"));
}
