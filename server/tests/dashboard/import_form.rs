//! The form of an import, as a browser without script sends it, and as none does.

use domain::person::Role;

use crate::{
    http::{Answer, Ask},
    world::{World, name},
};

const BOUNDARY: &str = "----a-boundary-of-an-import";
const MENU: &str =
    "item a Debian\r\nitem b Lost\r\n:a\r\nkernel kernels/vmlinuz-dev nfsroot=h:/d\r\nboot\r\n";

type Parts = Vec<(&'static str, Option<&'static str>, String)>;

/// What a form of texts and files sends (RFC 7578); a file has a name besides.
fn sent(world: &World, parts: &Parts) -> Ask {
    let mut body = String::new();
    for (name, file, value) in parts {
        let file = file.map_or_else(String::new, |file| format!("; filename=\"{file}\""));
        body.push_str(&format!(
            "--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"{name}\"{file}\r\n\r\n{value}\r\n"
        ));
    }
    body.push_str(&format!("--{BOUNDARY}--\r\n"));
    let kind = format!("multipart/form-data; boundary={BOUNDARY}");
    Ask::post(world.address, "/releases/import", body.into_bytes()).header("content-type", &kind)
}

/// The form with everything that an import needs; its files were uploaded before.
fn whole(world: &World, version: &str) -> Parts {
    let kept = |content: &str| format!("{} {content}", world.uploaded(content));
    vec![
        ("version", None, version.to_owned()),
        ("kept.rootfs", None, kept("rootfs-v1.0.0.tar.gz")),
        // Nothing was chosen here.
        ("rootfs", Some(""), String::new()),
        ("menu", None, MENU.to_owned()),
        ("menu-file", Some(""), String::new()),
        ("kernel.0.alias", None, "vmlinuz-dev".to_owned()),
        ("kernel.0.flavor", None, "linux".to_owned()),
        ("kept.kernel.0.image", None, kept("vmlinuz-4.14.71")),
        ("kernel.1.alias", None, String::new()),
        ("kernel.1.flavor", None, "linux".to_owned()),
        ("user", None, "root".to_owned()),
        ("password", None, "debian".to_owned()),
    ]
}

/// A whole form, for whoever asks every route.
pub(crate) fn whole_form(world: &World, version: &str) -> Ask {
    sent(world, &whole(world, version))
}

async fn send(world: &World, cookie: &str, parts: &Parts) -> Answer {
    sent(world, parts).cookie(cookie).send().await
}

/// `parts` with another value of one.
fn with(mut parts: Parts, name: &str, value: &str) -> Parts {
    for part in parts.iter_mut().filter(|part| part.0 == name) {
        value.clone_into(&mut part.2);
    }
    parts
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_form_leads_to_the_job() {
    let world = World::with_people().await;
    let cookie = world.sign_in(name(Role::Developer)).await;
    let answer = send(&world, &cookie, &whole(&world, "v3.0.0-rc.1")).await;
    assert_eq!(answer.status, 303, "{}", answer.body);
    assert!(answer.header("location").starts_with("/jobs/"));
    let developer = world.actor(Role::Developer).await;
    let release = world.services.release(&developer, "v3.0.0-rc.1").await.unwrap();
    let import = world.services.import_of(&developer, &release).await.unwrap().unwrap();
    assert_eq!(import.import.unread[0].label, "b");
    assert!(release.is_imported());
    let page = Ask::get(world.address, "/releases/v3.0.0-rc.1").cookie(&cookie).send().await;
    assert!(page.body.contains("imported") && page.body.contains("cannot be built again"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_is_said_and_nothing_is_lost() {
    let world = World::with_people().await;
    let cookie = world.sign_in(name(Role::Developer)).await;
    let good = || whole(&world, "v3.1.0-rc.1");
    for (parts, words) in [
        (with(good(), "version", "next"), "v1.2.0-rc.1"),
        (with(good(), "password", ""), "empty password"),
        (with(good(), "menu", "no menu"), "entry of the menu can be read"),
        (with(good(), "kernel.0.alias", "a b"), "alias"),
        (good().into_iter().filter(|part| part.0 != "kept.rootfs").collect(), "its archive"),
    ] {
        let answer = send(&world, &cookie, &parts).await;
        assert_eq!(answer.status, 422, "{words}");
        assert!(answer.body.contains(words), "{words}: {}", answer.body);
        assert!(answer.body.contains("vmlinuz-4.14.71"), "what was uploaded stays");
        assert!(answer.body.contains("name=\"kept.kernel.0.image\""));
    }
    let developer = world.actor(Role::Developer).await;
    assert!(world.services.release(&developer, "v3.1.0-rc.1").await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_browser_sends_is_refused() {
    let world = World::with_people().await;
    let cookie = world.sign_in(name(Role::Developer)).await;
    for (field, value) in
        [("kernel.0.flavor", "bsd"), ("kept.rootfs", "no digest"), ("kept.kernel.0.image", "x")]
    {
        let answer = send(&world, &cookie, &with(whole(&world, "v3.2.0-rc.1"), field, value)).await;
        assert_eq!(answer.status, 422, "{field}");
        assert!(answer.body.contains("not sent whole"), "{field}: {}", answer.body);
    }
}
