//! Slots of development: what fills them shares the room of one menu.

use domain::recipe::RootMethod;
use domain::{environment::DEVELOPMENT, manifest::BootEntry, menu::MOST_ENTRIES, person::Role};
use serde_json::json;

use super::{ask, secret};
use crate::world::World;

fn linux(label: &str) -> BootEntry {
    BootEntry::Linux {
        label: label.to_owned(),
        text: format!("Debian {label}"),
        kernel: "linux".to_owned(),
        root: RootMethod::Http,
        arguments: String::new(),
    }
}

fn xen() -> BootEntry {
    BootEntry::Xen {
        label: "xen".to_owned(),
        text: "Xen".to_owned(),
        hypervisor: "xen-4.17".to_owned(),
        hypervisor_arguments: String::new(),
        kernel: "linux".to_owned(),
        root: RootMethod::Http,
        arguments: String::new(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_slots_do_not_fill_one_free_place() {
    let world = World::furnished().await;
    let secret = secret(&world, Role::Developer).await;
    // All but one of the lines of a menu, none of which boots a slot.
    let mut entries = vec![linux("linux")];
    entries.extend((2..MOST_ENTRIES).map(|it| linux(&format!("linux-{it}"))));
    let full = world.candidate_that_boots(Vec::new(), entries).await;
    world.serve(DEVELOPMENT, &full).await;
    let both = world.candidate_that_boots(Vec::new(), vec![linux("linux"), xen()]).await;
    let (one, other) = (world.built_variant_on(&both).await, world.built_variant_on(&both).await);
    let fill = async |slot: &str, variant: &str| {
        let path = format!("/environments/{DEVELOPMENT}/slots/{slot}");
        ask(&world, "PUT", &path, Some(&json!({ "variant": variant }))).bearer(&secret).send().await
    };
    let filled = fill("vmlinuz-dev", &one).await;
    assert!((200..300).contains(&filled.status), "{} {}", filled.status, filled.body);
    let said = fill("xen-dev", &other).await.problem(422);
    assert!(said.contains(&format!("beside {one} in vmlinuz-dev")), "{said}");
    assert!(said.contains("or empty the other slot"), "{said}");
    // What is in the slot already makes room for what comes in its place.
    let replaced = fill("vmlinuz-dev", &other).await;
    assert!((200..300).contains(&replaced.status), "{} {}", replaced.status, replaced.body);
    let path = format!("/environments/{DEVELOPMENT}/slots/vmlinuz-dev");
    let emptied = ask(&world, "DELETE", &path, None).bearer(&secret).send().await;
    assert_eq!(emptied.status, 200, "{}", emptied.body);
    let filled = fill("xen-dev", &other).await;
    assert!((200..300).contains(&filled.status), "{} {}", filled.status, filled.body);
}
