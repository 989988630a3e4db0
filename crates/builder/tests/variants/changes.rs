//! What variants change, and that their layers stack to what the build saw.

use std::{
    collections::BTreeMap,
    sync::{Condvar, Mutex},
    time::Duration,
};

use builder::{BuildObserver, StepEvent};
use domain::{
    job::StepState,
    lock::Lock,
    manifest::ComponentRole,
    variant::{File, LAYER},
};

use super::world::{Watch, World, world};

const LIST_TREE: &str = include_str!("list-tree.py");

/// Deletes, turns a file into a folder and back, replaces a folder by one of the same name, links and
/// gives capabilities: what layers have to tell apart.
const CHANGES: &str = r#"
rm /usr/bin/apt-mark
rm -r /usr/share/doc
mkdir -p /usr/share/doc/fresh
echo hello >/usr/share/doc/fresh/only
# A file becomes a folder, and another one that and a file again.
rm /etc/issue.net && mkdir /etc/issue.net && echo inside >/etc/issue.net/file
rm /etc/debconf.conf && mkdir /etc/debconf.conf && rmdir /etc/debconf.conf && echo back >/etc/debconf.conf
# A folder becomes a file.
rm -r /etc/skel && echo 'no folder' >/etc/skel
# A folder is replaced by one of the same name, with a folder of the same name in it.
rm -r /etc/pam.d && mkdir -m 0750 /etc/pam.d && echo new >/etc/pam.d/login
rm -r /usr/lib/systemd/network && mkdir /usr/lib/systemd/network && ln -s nowhere /usr/lib/systemd/network/link
# Modes, owners, links, attributes, capabilities.
chmod 2755 /usr/bin/passwd
chown www-data:games /usr/bin/chage
printf 'linked' >/usr/local/bin/one && ln /usr/local/bin/one /usr/local/bin/two
ln /usr/bin/env /usr/local/bin/env
cp /usr/bin/true /usr/local/bin/capable && setcap cap_net_raw+ep /usr/local/bin/capable
mkfifo /var/lib/pipe
mkdir -p "/opt/with space/and 'quotes'" && touch "/opt/with space/and 'quotes'/ümlaut"
list-tree / /var/lib/listing
"#;

fn lines(listing: &str) -> BTreeMap<String, String> {
    listing
        .lines()
        .filter_map(|line| line.split_once('\t'))
        .map(|(path, rest)| (path.to_owned(), rest.to_owned()))
        .collect()
}

/// Stacks base and layer as an initrd does, without any mark of an overlay, and lists the result.
fn stacked(world: &World, layer: &domain::digest::Digest) -> String {
    let image = world.base().component("rootfs.squashfs").unwrap().sha256;
    let script = "set -eu
        unsquashfs -quiet -no-progress -dest /build/1 /in/1 >/dev/null
        unsquashfs -quiet -no-progress -dest /build/2 /in/2 >/dev/null
        cp /build/2/var/lib/listing /out/saw
        mkdir /build/stacked
        mount -t overlay overlay -o lowerdir=/build/2:/build/1 /build/stacked
        python3 /in/list-tree /build/stacked /out/listing
        cat /out/saw >>/out/listing.saw";
    let lister = world.folder().join("list-tree");
    std::fs::write(&lister, LIST_TREE).unwrap();
    world.look(
        script,
        vec![
            ("1".to_owned(), world.path(&image)),
            ("2".to_owned(), world.path(layer)),
            ("list-tree".to_owned(), lister),
        ],
    )
}

/// What the build itself saw at its end.
fn seen(world: &World, layer: &domain::digest::Digest) -> String {
    let script = "unsquashfs -cat /in/2 var/lib/listing >/out/listing";
    world.look(script, vec![("2".to_owned(), world.path(layer))])
}

#[test]
fn what_boots_is_what_the_build_saw() {
    let world = world();
    let mut request = world.request(
        "hostname = \"probe-7\"\n[packages]\nadd = [\"python3-minimal\", \"tree\"]\nremove = [\"pciutils\"]\n\
         accept_removal = []\n[services]\ndisable = [\"ssh\"]\n\
         [[users]]\nname = \"probe\"\npassword = \"secret\"\n\
         [[files]]\npath = \"/etc/motd\"\ncontent = \"hello\\n\"\nmode = \"0640\"\nowner = \"root:games\"\n",
    );
    request.definition.files.push(File {
        path: "/usr/local/bin/list-tree".to_owned(),
        mode: "0755".to_owned(),
        owner: "root:root".to_owned(),
        content: None,
        upload: Some(world.upload("list-tree", LIST_TREE.as_bytes())),
    });
    request.definition.script =
        Some(domain::variant::Script { content: CHANGES.to_owned(), limit_seconds: 120 });
    let first = world.build(&request, &Watch::default()).unwrap();

    let names: Vec<&str> = first.lock.install.iter().map(|it| it.name.as_str()).collect();
    assert!(names.contains(&"python3-minimal") && names.contains(&"tree"), "{names:?}");
    assert_eq!(first.lock.removed().map(|it| it.name.as_str()).collect::<Vec<_>>(), ["pciutils"]);
    assert_eq!(first.manifest.images, ["rootfs.squashfs", LAYER]);
    let layer = first.manifest.component(LAYER).unwrap();
    assert_eq!(layer.role, ComponentRole::Image);

    let (saw, boots) = (seen(world, &layer.sha256), stacked(world, &layer.sha256));
    let (saw, boots) = (lines(&saw), lines(&boots));
    for (path, line) in &saw {
        assert_eq!(boots.get(path), Some(line), "{path} differs");
    }
    for (path, line) in &boots {
        assert!(saw.contains_key(path), "{path} was not there: {line}");
    }
    assert!(saw.len() > 5000, "{}", saw.len());
    assert!(saw["usr/local/bin/capable"].contains("security.capability"));
    assert!(
        saw["usr/local/bin/one"].starts_with("100000 644 0:0 2 "),
        "{}",
        saw["usr/local/bin/one"]
    );
    assert!(saw["etc/motd"].starts_with("100000 640 0:60 1 "), "{}", saw["etc/motd"]);
    assert!(!saw.contains_key("usr/share/doc/apt"));

    // The same again is known, whatever it is called.
    let again = Watch::default();
    let second = world.build(&request, &again).unwrap();
    assert_eq!(second.manifest, first.manifest);
    for step in ["base", "packages", "system", "script", "pack"] {
        assert_eq!(again.state(step), Some(StepState::Reused), "{step}");
    }
}

#[test]
fn one_file_makes_a_layer_of_one_file() {
    let world = world();
    let request = world.request("[[files]]\npath = \"/etc/motd\"\ncontent = \"one file\\n\"\n");
    let built = world.build(&request, &Watch::default()).unwrap();
    let layer = built.manifest.component(LAYER).unwrap();
    let listing = world.look(
        "unsquashfs -ll -d '' /in/2 | awk '{ print $1, $2, $6 }' >/out/listing",
        vec![("2".to_owned(), world.path(&layer.sha256))],
    );
    let paths: Vec<&str> = listing
        .lines()
        .filter_map(|line| line.split(' ').nth(2))
        .filter(|it| !it.is_empty())
        .collect();
    assert_eq!(paths, ["/etc", "/etc/machine-id", "/etc/motd"], "{listing}");
    assert!(layer.size <= 8192, "{} bytes", layer.size);
    assert!(built.lock.install.is_empty() && built.lock.changes.is_empty());
    // The menu and the kernels are those of the base.
    assert_eq!(built.manifest.kernels, world.base().kernels);
    assert_eq!(built.manifest.entries, world.base().entries);
}

/// Holds each of two builds at its script until the other is there too.
#[derive(Default)]
struct Meeting {
    there: Mutex<usize>,
    came: Condvar,
}

impl Meeting {
    fn wait(&self) {
        let mut there = self.there.lock().unwrap();
        *there += 1;
        self.came.notify_all();
        let alone = |there: &mut usize| *there < 2;
        let limit = Duration::from_secs(120);
        let waited = self.came.wait_timeout_while(there, limit, alone).unwrap();
        assert!(!waited.1.timed_out(), "the other build waited for this one to end");
    }
}

impl BuildObserver for &Meeting {
    fn step(&self, _: StepEvent<'_>) {}

    fn log(&self, _: &str, line: &str) {
        if line == "meet the other" {
            self.wait();
        }
    }

    fn lock_resolved(&self, _: &Lock) {}

    fn cancelled(&self) -> bool {
        false
    }
}

#[test]
fn two_variants_of_one_base_are_built_side_by_side() {
    let world = world();
    let texts = [1, 2].map(|number| {
        format!(
            "[[files]]\npath = \"/etc/motd\"\ncontent = \"{} {number}\"\n\
             [script]\ncontent = \"echo meet the other\"\n",
            world.mark()
        )
    });
    let meeting = Meeting::default();
    let built = std::thread::scope(|scope| {
        let building = texts.map(|text| {
            let request = world.request(&text);
            let meeting = &meeting;
            scope.spawn(move || world.builder.build_variant(&request, &meeting))
        });
        building.map(|it| it.join().unwrap().unwrap())
    });
    assert_ne!(built[0].manifest, built[1].manifest);
}

#[test]
fn a_tree_that_is_lost_or_touched_is_unpacked_again() {
    let world = world();
    let build = |number: u32| {
        let watch = Watch::default();
        let content = format!("{} {number}", world.mark());
        let text = format!("[[files]]\npath = \"/etc/motd\"\ncontent = \"{content}\"\n");
        world.build(&world.request(&text), &watch).unwrap();
        assert_eq!(watch.state("pack"), Some(StepState::Succeeded));
        watch
    };
    build(1);
    for tree in world.trees() {
        // Another test may be building on it.
        world.builder.remove_tree(&tree).unwrap();
    }
    build(2);
    // As if the cache had been restored from a copy: every time of change is another.
    for fingerprint in world.fingerprints() {
        std::fs::write(fingerprint, "another\n").unwrap();
    }
    let watch = build(3);
    assert!(watch.line("not as it was left").is_some());
}
