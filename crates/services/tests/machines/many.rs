//! Ten thousand machines: that a list is read in pages and a change stays cheap.

use std::{fmt::Write as _, time::Instant};

use domain::{machine::parse_rules, page::Slice};
use services::machines::{Import, MachineFilter};

use crate::world::{FIRST, SECOND, World, target};

/// The figures that docs name are of 100,000: change it here to see them.
const MACHINES: u32 = 10_000;

fn mac(number: u32) -> String {
    let [_, b, c, d] = number.to_be_bytes();
    format!("52:54:00:{b:02x}:{c:02x}:{d:02x}")
}

#[tokio::test(flavor = "multi_thread")]
async fn many_machines_are_imported_listed_and_changed() {
    let world = World::open().await;
    let (services, bob) = (&world.services, &world.approver);
    let mut table = String::from("name,macs,serial,labels\n");
    for number in 0..MACHINES {
        let _ = writeln!(table, "m{number:06},{},SN-{number},rack={}", mac(number), number % 100);
    }
    let begun = Instant::now();
    let import = services.import_machines(bob, &table, false, None).await.unwrap();
    assert!(matches!(import, Import::Done(it) if it.added.len() == MACHINES as usize));
    println!("imported in {:?}", begun.elapsed());
    let label = Some(("rack".to_owned(), "7".to_owned()));
    for (what, filter) in [
        ("all", MachineFilter::default()),
        ("words", MachineFilter { words: Some("sn-9999".to_owned()), ..MachineFilter::default() }),
        ("label", MachineFilter { label, ..MachineFilter::default() }),
        ("nothing", MachineFilter { words: Some("none".to_owned()), ..MachineFilter::default() }),
    ] {
        let begun = Instant::now();
        let page = services.machines_page(bob, &filter, &Slice::first()).await.unwrap();
        println!("{what}: {} in {:?}", page.items.len(), begun.elapsed());
        assert_eq!(page.items.is_empty(), what == "nothing");
    }
    let begun = Instant::now();
    let second = target(&format!("release {SECOND}"));
    for number in 0..10 {
        let name = format!("m{number:06}");
        services.assign_machine(bob, &name, Some(&second), None).await.unwrap();
    }
    println!("a change is made and served in {:?}", begun.elapsed() / 10);
    assert_eq!(world.served(&mac(9)).await, SECOND);
    assert_eq!(world.served(&mac(10)).await, FIRST);
    let begun = Instant::now();
    let rules = parse_rules(&format!("rack=10 => release {SECOND}\n")).unwrap();
    services.change_machine_rules(bob, 0, &rules).await.unwrap();
    println!("rules are served in {:?}", begun.elapsed());
    assert_eq!(world.served(&mac(10)).await, SECOND);
}
