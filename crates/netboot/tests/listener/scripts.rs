//! Which menu a machine gets.

use std::sync::Arc;

use domain::{digest::Digest, slot::Slot, time::Timestamp};
use netboot::{Base, Served, Snapshot, menu_script};

use crate::support::{Bench, CONFIG, KERNEL};

fn menu(bench: &Bench, served: &Served) -> String {
    menu_script(served, &Base::from_host(&bench.address.to_string()).unwrap()).unwrap()
}

#[test]
fn the_same_menu_stands_behind_every_name_of_a_release() {
    let bench = Bench::start();
    let expected = menu(&bench, &bench.served);
    for path in [
        "/menu.ipxe",
        "/env/production/menu.ipxe",
        "/release/v1.2.0/menu.ipxe",
        "/release/v1.2.0-rc.1/menu.ipxe",
        "/ipxe?mac=52-54-00-12-34-56&uuid=&serial=&arch=",
        "/ipxe?mac=52:54:00:12:34:56",
        "/ipxe?mac=52%3a54%3a00%3a12%3a34%3a56",
    ] {
        let answer = bench.get(path);
        assert_eq!((answer.status, answer.text()), (200, expected.as_str()), "{path}");
        assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"), "{path}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{path}");
    }
}

#[test]
fn a_variant_fills_a_slot_of_development_and_nothing_of_production() {
    let bench = Bench::start();
    let before = bench.get("/menu.ipxe");
    let mut manifest = bench.served.manifest.clone();
    manifest.kernels[0].image = "config-6.1.0-cloud".to_owned();
    let digest = Digest::of("a variant");
    let variant = Arc::new(Served { name: "variant dev".to_owned(), digest, manifest });
    let serve = |until| {
        let mut snapshot = Snapshot::default();
        "production".clone_into(&mut snapshot.default_environment);
        let release = Some(bench.served.clone());
        snapshot.environments.insert("production".to_owned(), release.clone());
        snapshot.environments.insert("development".to_owned(), release);
        snapshot.add(bench.served.clone(), "v1.2.0");
        snapshot.add_variant(variant.clone(), "dev", Timestamp(until));
        snapshot.fill_slot("development", Slot::VmlinuzDev, "dev");
        snapshot.fill_slot("development", Slot::XenDev, "never-built");
        bench.catalogue.swap(snapshot);
    };
    serve(i64::MAX);
    let filled = bench.get("/env/development/menu.ipxe");
    let text = filled.text();
    assert!(text.contains("item vmlinuz-dev Variant dev as vmlinuz-dev\n"), "{text}");
    let (own, added) = text.split_once("\n:vmlinuz-dev\n").unwrap();
    let of_variant = format!("/artifacts/{digest}/");
    assert!(added.contains(&of_variant) && !own.contains(&of_variant), "{text}");
    assert_eq!(bench.get("/env/development/kernels/vmlinuz-dev").body, CONFIG);
    assert_eq!(bench.get("/env/development/kernels/vmlinuz-6.1.y").body, KERNEL);
    assert_eq!(bench.get("/env/production/kernels/vmlinuz-dev").status, 404);
    for path in ["/menu.ipxe", "/env/production/menu.ipxe", "/ipxe?mac=52:54:00:12:34:56"] {
        assert_eq!(bench.get(path).text(), before.text(), "{path}");
    }

    // Its days are over: the environment is what its release is.
    serve(0);
    assert_eq!(bench.get("/env/development/menu.ipxe").text(), before.text());
    assert_eq!(bench.get("/env/development/kernels/vmlinuz-dev").status, 404);
}

#[test]
fn refusals_are_scripts_with_the_reason() {
    let bench = Bench::start();
    for (path, status, says) in [
        ("/env/staging/menu.ipxe", 404, "there is no environment staging"),
        ("/env/development/menu.ipxe", 404, "serves no release yet"),
        ("/release/v9.9.9/menu.ipxe", 404, "no candidate or release v9.9.9"),
        ("/ipxe?mac=nonsense", 400, "no MAC address"),
        ("/ipxe", 400, "names no mac"),
        ("/ipxe?mac=&uuid=u&serial=None", 400, "names no mac"),
        ("/elsewhere", 404, "/menu.ipxe"),
    ] {
        let answer = bench.get(path);
        assert_eq!(answer.status, status, "{path}");
        assert!(answer.text().starts_with("#!ipxe\necho "), "{path}: {}", answer.text());
        assert!(answer.text().contains(says), "{path}: {}", answer.text());
        // iPXE drops the body of an error, so that the reason would never reach the console.
        let seen = bench.ask("GET", path, &["User-Agent: iPXE/1.0.0+git-20190125"]);
        assert_eq!((seen.status, seen.text()), (200, answer.text()), "{path}");
    }
}

#[test]
fn a_file_that_is_refused_is_an_error_for_ipxe_as_well() {
    let bench = Bench::start();
    for path in ["/kernels/none".to_owned(), bench.file("none"), "/artifacts/x/y".to_owned()] {
        let answer = bench.ask("GET", &path, &["User-Agent: iPXE/1.0.0"]);
        assert_eq!(answer.status, 404, "{path}: a script must not be taken for an initrd");
    }
}

#[test]
fn a_robot_reaches_every_entry_by_counting_lines() {
    let bench = Bench::start();
    let script = bench.get("/menu.ipxe");
    let lines: Vec<&str> = script.text().lines().filter(|line| line.starts_with("item ")).collect();
    let line_of = |text: &str| lines.iter().position(|line| line.contains(text)).unwrap();
    // The first line that can be chosen is what the menu begins on, and it is the shell.
    assert!(script.text().contains("choose --default shell "), "{}", script.text());
    assert_eq!(lines[line_of("ipxe shell")], "item shell ipxe shell");
    for entry in &bench.served.manifest.entries {
        let downs = line_of(entry.text()) - line_of("ipxe shell");
        let chosen = lines[line_of("ipxe shell") + downs];
        assert!(chosen.starts_with(&format!("item {} ", entry.label())), "{chosen}");
    }
}

#[test]
fn boot_ipxe_asks_for_the_machine_that_runs_it() {
    let bench = Bench::start();
    let script = bench.get("/boot.ipxe");
    let here = format!("http://{}", bench.address);
    let expected = format!(
        "#!ipxe\nset pause:int32 1\n:ASK\n\
         echo Bootwright: asking {here}/ what ${{netX/mac}} boots\n\
         chain --autofree {here}/ipxe?mac=${{netX/mac:hexhyp}}&uuid=${{uuid}}\
         &serial=${{serial:uristring}}&arch=${{buildarch}} && exit ||\n\
         echo Bootwright: nothing came from {here}/, again in ${{pause}} s\n\
         sleep ${{pause}}\niseq ${{pause}} 32 || inc pause ${{pause}}\ngoto ASK\n"
    );
    assert_eq!(script.text(), expected);
}

#[test]
fn pixiecore_gets_the_default_entry() {
    let bench = Bench::start();
    let answer = bench.get("/v1/boot/52:54:00:12:34:56");
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let json: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    let here = format!("http://{}", bench.address);
    assert_eq!(json["kernel"], format!("{here}{}", bench.file("vmlinuz-6.1.0-cloud")));
    assert_eq!(json["initrd"][0], format!("{here}{}", bench.file("initrd-6.1.0-cloud.img")));
    let line = json["cmdline"].as_str().unwrap();
    let image = bench.file("rootfs.squashfs");
    let digest = bench.digest_of("rootfs.squashfs");
    assert!(line.contains(&format!("bootwright.image={here}{image},{digest} ")), "{line}");
    assert!(line.ends_with("console=ttyS0,115200"), "{line}");
    assert_eq!(bench.get("/v1/boot/52:54").status, 400);
}

#[test]
fn a_swap_is_seen_at_once_and_boots_in_flight_finish() {
    let bench = Bench::start();
    let before = bench.get("/menu.ipxe");
    let mut manifest = bench.served.manifest.clone();
    manifest.timeout_ms = 5000;
    let digest = Digest::of("another manifest");
    let other = Arc::new(Served { name: "v1.3.0".to_owned(), digest, manifest });
    let mut snapshot = Snapshot::default();
    "production".clone_into(&mut snapshot.default_environment);
    snapshot.environments.insert("production".to_owned(), Some(other.clone()));
    snapshot.add(other.clone(), "v1.3.0");
    snapshot.add(bench.served.clone(), "v1.2.0");
    bench.catalogue.swap(snapshot);
    assert_eq!(bench.get("/menu.ipxe").text(), menu(&bench, &other));
    assert_ne!(bench.get("/menu.ipxe").text(), before.text());
    // What the former script names is there still.
    assert_eq!(bench.get(&bench.file("vmlinuz-6.1.0-cloud")).status, 200);
    assert_eq!(bench.get("/release/v1.2.0-rc.1/menu.ipxe").status, 404);
}
