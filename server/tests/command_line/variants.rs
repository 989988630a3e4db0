//! Variants by command and by curl, on the release that production runs.

use std::{fs, path::Path};

use super::{Person, Server, documented};

/// Searches, looks ahead, builds, boots; then the same by curl, which finds everything built.
pub(super) fn go_the_whole_way(server: &Server, ann: &Person, bob: &Person, folder: &Path) {
    let folder = folder.join("variants");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("tweak.conf"), "kernel.printk = 4 4 1 7\n").unwrap();
    fs::write(folder.join("after.sh"), "test -x /usr/bin/htop\necho 'all there'\n").unwrap();
    let menu = |path: &str| {
        ureq::get(server.boot.replace("/menu.ipxe", path))
            .call()
            .unwrap()
            .body_mut()
            .read_to_string()
            .unwrap()
    };
    let production = menu("/menu.ipxe");

    let variables = [("BOOTWRIGHT_SERVER", &*server.url), ("BOOTWRIGHT_TOKEN", &*ann.token)];
    let said = ann.runs(&documented("variant-commands"), &folder, &variables);
    assert!(said.contains("htop\t") && said.contains("interactive processes viewer"), "{said}");
    assert!(said.contains("on v1.0.0") && said.contains("- pciutils "), "{said}");
    assert!(said.contains("\nlayer: ") && said.contains("\ntakes: "), "{said}");
    assert!(said.contains("probe r1 is saved"), "{said}");
    assert!(said.contains("probe 1 can be booted: a layer of"), "{said}");
    assert!(said.contains("every entry booted and passed every check"), "{said}");
    assert!(menu("/variant/probe/menu.ipxe").contains("layer.squashfs"));
    assert_eq!(menu("/menu.ipxe"), production);

    // A slot of development boots it as well, and none of production ever does.
    let filled = ann.does(&["environment", "fill-slot", "development", "vmlinuz-dev", "probe"]);
    assert_eq!(filled, "probe fills vmlinuz-dev of development");
    let development = menu("/env/development/menu.ipxe");
    assert!(development.contains("Variant probe as vmlinuz-dev"), "{development}");
    assert!(development.contains("layer.squashfs"), "{development}");
    assert_eq!(menu("/menu.ipxe"), production);
    let refused = ann.fails(3, &["environment", "fill-slot", "production", "vmlinuz-dev", "probe"]);
    assert!(refused.contains("production has no slots"), "{refused}");
    let refused = ann.fails(5, &["environment", "fill-slot", "development", "xen-dev", "probe"]);
    assert!(refused.contains("no boot entry that could fill xen-dev"), "{refused}");
    ann.does(&["environment", "empty-slot", "development", "vmlinuz-dev"]);
    // It points at no release, so with its slots empty there is nothing to boot.
    let address = server.boot.replace("/menu.ipxe", "/env/development/menu.ipxe");
    let empty = ureq::get(address).call();
    assert!(matches!(empty, Err(ureq::Error::StatusCode(404))), "{empty:?}");

    let variables = [("BASE", &*server.url), ("TOKEN", &*ann.token)];
    let block = documented("functions") + &documented("variant-curl");
    let said = ann.runs(&block, &folder, &variables);
    assert!(said.contains("htop null ->") && said.contains("\"state\": \"ready\""), "{said}");
    let [first, second] = ["probe", "probe-by-curl"]
        .map(|name| ann.json(&["variant", "show", name])["built"]["digest"].clone());
    assert_eq!(first, second, "the same change gives the same bytes");

    let mine = ann.does(&["variant", "list", "--owner", "ann", "--state", "ready"]);
    assert_eq!(mine.lines().count(), 2, "{mine}");
    let found = ann.does(&["variant", "list", "--words", "by-curl"]);
    assert!(found.lines().count() == 1 && found.starts_with("probe-by-curl"), "{found}");
    let compared = ann.does(&["variant", "compare", "probe"]);
    assert!(compared.contains("\tsmoke.boot\tpassed\tpassed\tunchanged"), "{compared}");
    assert!(compared.contains("# beside v1.0.0: nothing differs"), "{compared}");
    assert_eq!(ann.json(&["variant", "compare", "probe"])["base_name"], "v1.0.0");
    ann.does(&["variant", "validate", "probe"]);
    let compared = ann.does(&["run", "compare", "variant/probe", "v1.0.0", "--wait"]);
    assert!(compared.contains(" beside v1.0.0: 0 regression, 0 new failure, "), "{compared}");
    let jobs = ann.json(&["job", "list", "--kind", "validation"]);
    assert!(jobs.as_array().unwrap().iter().all(|it| it["state"] == "succeeded"), "{jobs}");
    let proposed = ann.does(&["variant", "propose", "probe"]);
    assert!(
        proposed.contains("\n+  \"htop\",") && proposed.contains("\n-  \"pciutils\","),
        "{proposed}"
    );
    assert!(proposed.contains("\n+[script]\n"), "{proposed}");
    let left_out = "# left out: the file /etc/sysctl.d/tweak.conf: it was uploaded";
    assert!(proposed.contains(left_out), "{proposed}");
    let saved = ann.does(&["variant", "propose", "probe", "--save", "htop helped"]);
    assert_eq!(saved, "by-ci r2 is saved");
    ann.fails(5, &["variant", "propose", "probe", "--save", "once more"]);
    let refused = bob.fails(3, &["variant", "delete", "probe"]);
    assert!(refused.contains("ann owns this variant"), "{refused}");
    let unknown = ann.does(&["variant", "preview", "--add", "htpo"]);
    assert!(unknown.contains("has no package htpo; did you mean htop"), "{unknown}");
    assert_eq!(ann.does(&["variant", "delete", "probe"]), "probe is removed");
    ann.fails(4, &["variant", "show", "probe"]);
    ann.fails(4, &["variant", "build", "probe"]);
    let faulty = folder.join("faulty.toml");
    fs::write(&faulty, "[packages]\nad = []\n").unwrap();
    let (status, _, said) = ann.ask(&["variant", "save", "x", "--file", faulty.to_str().unwrap()]);
    assert!(status == 2 && said.contains("line 2: "), "{status} {said}");
}
