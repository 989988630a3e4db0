//! Machines registered, discovered, accepted, merged, and taken from tables.

use domain::{machine::MachineState, page::Slice};
use services::machines::{Import, Imported, MOST_PENDING, MachineFilter};

use crate::world::{FIRST, SECOND, World, draft, in_hours, says};

const UUID: &str = "4c4c4544-0042-3510-8052-b4c04f4e3732";

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_is_registered_and_changed_by_one_person_at_a_time() {
    let world = World::open().await;
    let (services, ann) = (&world.services, &world.developer);
    world.add("nuc-1", "52:54:00:00:00:01", "").await;
    for (name, macs, reason) in [
        ("nuc-1", "52:54:00:00:00:02", "called nuc-1 already"),
        ("nuc-2", "52:54:00:00:00:02 52-54-00-00-00-01", "that of machine nuc-1"),
        ("Nuc", "52:54:00:00:00:02", "a machine's name"),
        ("nuc-2", "", "1 to 16"),
    ] {
        let refused = says(services.register_machine(ann, &draft(name, macs, "")).await);
        assert!(refused.contains(reason), "{refused}");
    }
    let viewer =
        services.register_machine(&world.viewer, &draft("a", "52:54:00:00:00:09", "")).await;
    assert!(says(viewer).contains("viewer"));
    let renamed = draft("nuc-9", "52:54:00:00:00:01", "rack=3");
    let change = |base| services.change_machine(ann, "nuc-1", base, &renamed, None);
    assert_eq!(change(1).await.unwrap().revision, 2);
    assert!(says(change(2).await).contains("no machine nuc-1"));
    let again = services.change_machine(ann, "nuc-9", 2, &renamed, None).await.unwrap();
    assert_eq!(again.revision, 2, "nothing was changed");
    assert!(
        says(services.change_machine(ann, "nuc-9", 1, &renamed, None).await).contains("by now")
    );
    services.lock_machine(ann, "nuc-9", "bisect", in_hours(1), None).await.unwrap();
    services.remove_machine(ann, "nuc-9", None).await.unwrap();
    assert!(says(services.machine(ann, "nuc-9").await).contains("no machine"));
    // What follows production takes an approver, or a lock.
    world.add("nuc-1", "52:54:00:00:00:01", "").await;
    assert!(says(services.remove_machine(ann, "nuc-1", None).await).contains("production"));
    services.remove_machine(&world.approver, "nuc-1", None).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_is_discovered_accepted_and_seen_again() {
    let world = World::open().await;
    let (services, ann) = (&world.services, &world.developer);
    let query = format!("mac=52-54-00-00-00-01&uuid={UUID}&serial=PC-17&arch=x86_64");
    assert_eq!(world.boots(&query).await.0, 200);
    let pending = MachineFilter { state: Some(MachineState::Pending), ..MachineFilter::default() };
    let waiting =
        async || services.machines_page(ann, &pending, &Slice::first()).await.unwrap().items;
    assert_eq!(waiting().await.len(), 0, "a request writes nothing");
    services.note_sightings().await.unwrap();
    // Seen again, on another of its cards as well: it is the same machine.
    assert_eq!(world.boots(&query).await.0, 200);
    assert_eq!(world.boots(&format!("mac=52:54:00:00:00:02&uuid={UUID}")).await.0, 200);
    services.note_sightings().await.unwrap();
    let found = waiting().await;
    assert_eq!(found.len(), 1);
    let it = &found[0].machine;
    assert_eq!(
        (it.name.as_str(), it.profile.serial.as_deref()),
        ("machine-525400000001", Some("PC-17"))
    );
    assert_eq!(it.last_seen.unwrap().address, "127.0.0.1".parse().ok());
    let mut draft = draft("nuc-1", "52:54:00:00:00:01", "rack=3");
    draft.uuid = UUID.to_owned();
    let accepted = services.accept_machine(ann, &it.name, 1, &draft).await.unwrap();
    assert_eq!((accepted.state, accepted.revision), (MachineState::Accepted, 2));
    assert!(says(services.accept_machine(ann, "nuc-1", 2, &draft).await).contains("already"));
    assert_eq!(world.audited("machine-525400000001").await, ["machine.discover"]);

    // A stranger turns out to be a second card of it.
    world.boots("mac=52:54:00:00:00:07&serial=PC-7").await;
    services.note_sightings().await.unwrap();
    let merged = services.merge_machine(ann, "machine-525400000007", "nuc-1", None).await.unwrap();
    assert_eq!(merged.profile.macs.len(), 2);
    assert_eq!(merged.profile.serial.as_deref(), Some("PC-7"));
    assert_eq!(waiting().await.len(), 0);
    assert!(says(services.merge_machine(ann, "nuc-1", "nuc-1", None).await).contains("already"));
    // And one is discarded.
    world.boots("mac=52:54:00:00:00:08").await;
    services.note_sightings().await.unwrap();
    services.remove_machine(ann, "machine-525400000008", None).await.unwrap();
    assert_eq!(waiting().await.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_fill_neither_the_list_nor_the_log() {
    let world = World::open().await;
    for number in 0..MOST_PENDING + 5 {
        let [.., a, b] = number.to_be_bytes();
        world.boots(&format!("mac=52:54:00:00:{a:02x}:{b:02x}")).await;
    }
    world.services.note_sightings().await.unwrap();
    world.boots("mac=52:54:00:01:00:01").await;
    world.services.note_sightings().await.unwrap();
    let table = world.services.export_machines(&world.viewer).await.unwrap();
    let lines = u32::try_from(table.lines().count()).unwrap();
    assert_eq!(lines, MOST_PENDING + 1, "and the header");
    let filter = services::audit::AuditFilter {
        action: Some("machine.discover".to_owned()),
        ..services::audit::AuditFilter::default()
    };
    let mut slice = Slice { limit: 100, after: None };
    let mut discovered = 0;
    loop {
        let page = world.services.audit_page(&world.viewer, &filter, &slice).await.unwrap();
        discovered += u32::try_from(page.items.len()).unwrap();
        match page.next {
            Some(next) => slice.after = Some(next),
            None => break,
        }
    }
    assert_eq!(discovered, MOST_PENDING);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_is_taken_whole_or_not_at_all() {
    let world = World::open().await;
    let (services, bob) = (&world.services, &world.approver);
    world.add("nuc-1", "52:54:00:00:00:01", "rack=3").await;
    let import = async |table: &str, dry_run| {
        services.import_machines(bob, table, dry_run, None).await.unwrap()
    };
    let faulty = "name,macs,release\n\
                  nuc-1,52:54:00:00:00:02,\n\
                  nuc-2,52:54:00:00:00:02,\n\
                  nuc-3,nonsense,\n\
                  nuc-4,52:54:00:00:00:04,v9.9.9\n\
                  nuc-5,52:54:00:00:00:05,\n\
                  nuc-5,52:54:00:00:00:06,\n";
    let Import::Faulty(faults) = import(faulty, false).await else { panic!("it was taken") };
    let lines: Vec<u64> = faults.iter().map(|it| it.line).collect();
    assert_eq!(lines, [3, 4, 4, 5, 7], "{faults:?}");
    assert!(says(services.machine(bob, "nuc-5").await).contains("no machine"));

    let table = format!(
        "name,macs,labels,release\n\
         nuc-1,52:54:00:00:00:02,rack=4,{SECOND}\n\
         nuc-2,52:54:00:00:00:01,,\n"
    );
    let done = |added: &[&str], changed: &[&str], unchanged| {
        let names = |of: &[&str]| of.iter().map(|it| (*it).to_owned()).collect();
        Import::Done(Imported { added: names(added), changed: names(changed), unchanged })
    };
    assert_eq!(import(&table, true).await, done(&["nuc-2"], &["nuc-1"], 0));
    assert!(services.machine(bob, "nuc-2").await.is_err(), "a dry run");
    assert_eq!(import(&table, false).await, done(&["nuc-2"], &["nuc-1"], 0));
    assert_eq!(import(&table, false).await, done(&[], &[], 2));
    assert_eq!(world.served("52:54:00:00:00:02").await, SECOND);
    assert_eq!(world.served("52:54:00:00:00:01").await, FIRST);
    let exported = services.export_machines(bob).await.unwrap();
    assert_eq!(import(&exported, false).await, done(&[], &[], 2));
    // Who may not assign a machine of production does not by a table.
    let assigns = format!("name,release\nnuc-2,{SECOND}\n");
    let ann = services.import_machines(&world.developer, &assigns, false, None).await.unwrap();
    let Import::Faulty(faults) = ann else { panic!("it was taken") };
    assert!(faults[0].message.contains("production"), "{faults:?}");
    assert!(services.import_machines(&world.viewer, &table, true, None).await.is_err());
}
