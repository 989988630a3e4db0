use domain::{
    digest::Digest,
    manifest::{BoundKernel, Component, ComponentRole, Manifest},
    recipe::RootMethod,
    version::TargetVersion,
};

use super::*;

pub(crate) fn served() -> Served {
    let component = |role, name: &str| Component {
        role,
        name: name.to_owned(),
        size: 3,
        sha256: Digest::of(name),
    };
    let entry = |label: &str, text: &str| BootEntry::Linux {
        label: label.to_owned(),
        text: text.to_owned(),
        kernel: "vmlinuz-6.1.y".to_owned(),
        root: RootMethod::Http,
        arguments: "console=ttyS0,115200".to_owned(),
    };
    let manifest = Manifest {
        schema: 1,
        version: TargetVersion::new(1, 0, 0),
        architecture: "amd64".to_owned(),
        components: vec![
            component(ComponentRole::Initrd, "initrd-6.1.img"),
            component(ComponentRole::Image, "rootfs.squashfs"),
            component(ComponentRole::Kernel, "vmlinuz-6.1"),
        ],
        images: vec!["rootfs.squashfs".to_owned()],
        kernels: vec![BoundKernel {
            alias: "vmlinuz-6.1.y".to_owned(),
            release: "6.1".to_owned(),
            image: "vmlinuz-6.1".to_owned(),
            initrd: "initrd-6.1.img".to_owned(),
            config: "config-6.1".to_owned(),
        }],
        entries: vec![
            entry("deb-netboot", "Debian stable netboot"),
            entry("deb-dev", "Debian dev"),
        ],
        default_entry: "deb-netboot".to_owned(),
        timeout_ms: 3000,
        lock: Digest::of("lock"),
    };
    Served { name: "v1.0.0".to_owned(), digest: Digest::of("manifest"), manifest }
}

#[test]
fn a_menu_is_exactly_this() {
    let base = Base::from_host("192.0.2.1:8000").unwrap();
    let digest = Digest::of("manifest");
    let image = Digest::of("rootfs.squashfs");
    let files = format!("http://192.0.2.1:8000/artifacts/{digest}");
    let boot = format!(
        "imgfree\n\
         kernel {files}/vmlinuz-6.1 initrd=initrd-6.1.img \
         bootwright.image={files}/rootfs.squashfs,{image} bootwright.manifest={digest} \
         BOOTIF=01-${{netX/mac:hexhyp}} console=ttyS0,115200 || goto FAILED\n\
         initrd {files}/initrd-6.1.img || goto FAILED\n\
         boot || goto FAILED\n\
         goto MENU\n"
    );
    let expected = format!(
        "#!ipxe\n\
         :MENU\n\
         menu\n\
         item --gap -- ---------------- iPXE boot menu ----------------\n\
         item shell ipxe shell\n\
         item deb-netboot Debian stable netboot\n\
         item deb-dev Debian dev\n\
         item --gap -- ------------ iPXE boot menu end ----------------\n\
         choose --default shell --timeout 3000 target && goto ${{target}}\n\
         \n\
         :shell\n\
         prompt --timeout 3000 Press any key for the iPXE shell, or wait for deb-netboot || \
         goto deb-netboot\n\
         shell ||\n\
         goto MENU\n\
         \n\
         :FAILED\n\
         echo Bootwright: this entry could not be loaded, the line above says why\n\
         prompt --timeout 10000 Press any key for the menu ||\n\
         goto MENU\n\
         \n\
         :deb-netboot\n{boot}\n\
         :deb-dev\n{boot}"
    );
    assert_eq!(menu_script(&served(), &base).unwrap(), expected);
}

#[test]
fn only_plain_hosts_reach_a_script() {
    for host in ["192.0.2.1:8000", "boot.example", "[2001:db8::1]:8000", "[::1]", "a_b:1"] {
        assert!(Base::from_host(host).is_some(), "{host}");
    }
    for host in [
        "",
        "a b",
        "a\nshell",
        "${x}",
        "a:",
        "a:99999",
        "a:8000||shell",
        "[::1",
        "[::1]x",
        "[zz]:1",
        "a:+1",
    ] {
        assert!(Base::from_host(host).is_none(), "{host:?}");
    }
}

/// Texts that tried to become commands elsewhere.
const HOSTILE: [&str; 14] = [
    "a\nshell",
    "a\rshell",
    "${net0/mac}",
    "a || shell",
    "a && shell",
    "a;shell",
    "`shell`",
    "$(shell)",
    "a\\\nshell",
    "\u{1b}[2J",
    "a\0b",
    "\"quoted",
    "--timeout 0 x",
    "#!ipxe",
];

#[test]
fn a_refusal_is_four_lines_whatever_the_reason() {
    for reason in HOSTILE {
        let script = refusal_script(reason);
        assert_eq!(script.lines().count(), 4, "{script}");
        assert!(!script.contains("${") && !script.contains("&&"), "{script}");
    }
}

#[test]
fn nothing_hostile_becomes_a_command() {
    let base = Base::from_host("192.0.2.1:8000").unwrap();
    let harmless = menu_script(&served(), &base).unwrap();
    for hostile in HOSTILE {
        for field in 0..3 {
            let mut release = served();
            let BootEntry::Linux { label, text, arguments, .. } = &mut release.manifest.entries[0];
            *[label, text, arguments][field] = hostile.to_owned();
            let Ok(script) = menu_script(&release, &base) else { continue };
            // What passes stays one word or text in its own line.
            assert_eq!(script.lines().count(), harmless.lines().count(), "{hostile:?}: {script}");
            assert_eq!(script.matches("||").count(), harmless.matches("||").count(), "{hostile:?}");
            assert_eq!(script.matches("&&").count(), harmless.matches("&&").count(), "{hostile:?}");
            assert_eq!(script.matches("${").count(), harmless.matches("${").count(), "{hostile:?}");
        }
    }
}
