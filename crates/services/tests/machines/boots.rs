//! Boots: what the boot listener sees and machines report is written down, and shown as it went.

use domain::{
    boot::{BootState, BootStep},
    page::Slice,
};
use services::boots::{BootQuery, BootWithTrace};

use crate::world::{FIRST, SECOND, World, manifest};

const MAC: &str = "52:54:00:00:00:01";

/// The boots of a machine once there are as many and the newest stands so, the newest first.
async fn boots(world: &World, count: usize, state: BootState) -> Vec<BootWithTrace> {
    let query = BootQuery { machine: Some("nuc-1".to_owned()), ..BootQuery::default() };
    let come = async {
        loop {
            let page =
                world.services.boots_page(&world.viewer, &query, &Slice::first()).await.unwrap();
            if page.items.len() == count && page.items.first().is_some_and(|it| it.state == state) {
                return page.items;
            }
            tokio::task::yield_now().await;
        }
    };
    let listed = tokio::time::timeout(std::time::Duration::from_secs(10), come).await.unwrap();
    let mut all = Vec::new();
    for it in listed {
        all.push(world.services.boot(&world.viewer, it.number).await.unwrap());
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn a_boot_is_traced_from_its_script_to_its_login() {
    let world = World::open().await;
    world.add("nuc-1", MAC, "").await;
    let token = world.token(MAC).await;
    for stage in ["rootfs", "init", "services", "login"] {
        let (status, text) = world.reports(&token, stage, FIRST).await;
        assert_eq!(status, 200, "{text}");
    }
    let [boot] = &boots(&world, 1, BootState::Up).await[..] else { panic!("one boot") };
    let BootWithTrace { boot, trace, events } = boot;
    assert_eq!((boot.machine.as_str(), boot.entry.as_str()), ("nuc-1", "deb"));
    assert_eq!(boot.booted.as_ref().unwrap().name, FIRST);
    assert_eq!((boot.step, boot.reason.as_str()), (BootStep::Login, ""));
    assert!(boot.took_us.is_some() && boot.address.is_some());
    assert_eq!(events.len(), 5, "the script and four reports");
    let script = &trace.steps[0];
    assert!(script.started_at.is_some() && script.bytes > Some(100), "{script:?}");
    let times = world.services.boot_times(&world.viewer, Some("nuc-1")).await.unwrap();
    assert_eq!((times.len(), times[0].boots, times[0].name.as_str()), (1, 1, FIRST));
    // Its token is spent, and so is that of nobody else.
    let (status, text) = world.reports(&token, "login", FIRST).await;
    assert_eq!((status, text.trim()), (410, "this boot has ended: its token is spent"));
    let again = world.token(MAC).await;
    assert_ne!(again, token);
    assert_eq!(world.reports(&again, "rootfs", FIRST).await.0, 200);
    assert_eq!(boots(&world, 2, BootState::UnderWay).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_boot_that_ends_early_says_why_and_stands_on_the_overview() {
    let world = World::open().await;
    world.add("nuc-1", MAC, "").await;
    let token = world.token(MAC).await;
    // This release has no such file.
    let digest = manifest(&FIRST.parse().unwrap()).digest().unwrap();
    let (status, _) = world.asks(&format!("/artifacts/{digest}/vmlinuz-6.1.0"), None).await;
    assert_eq!(status, 404);
    let [boot] = &boots(&world, 1, BootState::UnderWay).await[..] else { panic!("one boot") };
    assert!(boot.boot.reason.starts_with("vmlinuz-6.1.0 was refused: "), "{}", boot.boot.reason);
    let failed = format!(
        "token: {token}\nstage: failed\nclass: lab\nnote: no network card got an address\n"
    );
    assert_eq!(world.asks("/report", Some(failed)).await.0, 200);
    let [boot] = &boots(&world, 1, BootState::Failed).await[..] else { panic!("one boot") };
    assert_eq!(boot.boot.reason, "no network card got an address");
    let overview = world.services.overview(&world.viewer).await.unwrap();
    assert_eq!(overview.failed_boots, std::slice::from_ref(&boot.boot));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_machine_of_ours_says_is_refused() {
    let world = World::open().await;
    let machine = world.add("nuc-1", MAC, "").await;
    let token = world.token(MAC).await;
    let says = async |text: String| world.asks("/report", Some(text)).await;
    let forged = format!("token: {}\nstage: login\n", token.replace(&token[..1], "_"));
    assert_eq!(says(forged).await.0, 403);
    assert_eq!(says("stage: login\n".to_owned()).await.0, 400);
    assert_eq!(says(format!("token: {token}\nstage: launch\n")).await.0, 400);
    assert_eq!(says(format!("token: {token}\nnote: {}", "a".repeat(5000))).await.0, 413);
    // A manifest that is served nowhere makes no release of what runs.
    let nowhere = domain::digest::Digest::of("nowhere");
    let text = format!("token: {token}\nstage: init\nmanifest: {nowhere}\n");
    assert_eq!(says(text).await.0, 200);
    let shown = world.services.machine(&world.viewer, "nuc-1").await.unwrap().machine;
    assert_eq!((shown.running, shown.id), (None, machine.id));
    world.services.remove_machine(&world.approver, "nuc-1", None).await.unwrap();
    assert_eq!(world.reports(&token, "login", SECOND).await.0, 404);
}
