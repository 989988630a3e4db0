use std::sync::Arc;

use domain::{
    digest::Digest,
    kernel::Flavor,
    manifest::{BootEntry, BoundKernel, Component, ComponentRole, Manifest},
    recipe::{NfsRoot, RootMethod},
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
            flavor: Flavor::Linux,
            release: "6.1".to_owned(),
            image: "vmlinuz-6.1".to_owned(),
            initrd: Some("initrd-6.1.img".to_owned()),
            config: Some("config-6.1".to_owned()),
        }],
        entries: vec![
            entry("deb-netboot", "Debian stable netboot"),
            entry("deb-dev", "Debian dev"),
        ],
        default_entry: "deb-netboot".to_owned(),
        timeout_ms: 3000,
        lock: Some(Digest::of("lock")),
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
         set pause:int32 2000\n\
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
         echo Bootwright: ${{target}} could not be loaded, the line above says why\n\
         iseq ${{pause}} 16000 && goto MENU ||\n\
         prompt --timeout ${{pause}} Trying again in ${{pause}} ms, press any key for the menu && \
         goto MENU ||\n\
         inc pause ${{pause}}\n\
         goto ${{target}}\n\
         \n\
         :deb-netboot\nset target deb-netboot\n{boot}\n\
         :deb-dev\nset target deb-dev\n{boot}"
    );
    assert_eq!(menu_script(&served(), &base).unwrap(), expected);
}

const MAC: &str = "52-54-00-12-34-56";

#[test]
fn a_rootfs_over_nfs_is_mounted_by_the_initrd_or_by_the_kernel() {
    let of = |options: &str, base: &Base| {
        let mut served = served();
        let nfs = NfsRoot::parse(options).unwrap();
        if let Some(BootEntry::Linux { root, .. }) = served.manifest.entries.first_mut() {
            *root = RootMethod::Nfs(nfs);
        }
        let script = menu_script(&served, base).unwrap();
        let (_, body) = script.split_once("\n:deb-netboot\n").unwrap();
        let alone = EnvironmentServed::alone(Arc::new(served));
        let pixie = pixiecore(&alone, base, (None, MAC));
        (body.split_once("goto MENU").unwrap().0.to_owned(), pixie)
    };
    let plain = Base::from_host("192.0.2.1:8000").unwrap();
    let base = plain.clone().with_nfs(Some(2049));
    let digest = Digest::of("manifest");
    let (body, pixie) = of("", &base);
    let export =
        format!(" bootwright.nfs=192.0.2.1:/release/{digest},ro,port=2049,mountport=2049 ");
    assert!(body.contains(&export) && body.contains("\ninitrd "), "{body}");
    assert!(!body.contains("bootwright.image"), "{body}");
    assert!(pixie.unwrap().contains(export.trim()));
    let (body, pixie) = of("rw,rsize=65536", &base);
    assert!(body.contains(&format!("/private/{digest}/${{netX/mac:hexhyp}},rw,port=")), "{body}");
    assert!(body.contains(",mountport=2049,rsize=65536 "), "{body}");
    assert!(pixie.unwrap().contains(&format!("/private/{digest}/52-54-00-12-34-56,rw,")));
    let (body, pixie) = of("rw,noinitrd", &base);
    assert!(!body.contains("initrd"), "{body}");
    let line = format!(
        " root=/dev/nfs nfsroot=192.0.2.1:/private/{digest}/${{netX/mac:hexhyp}},vers=3,tcp,\
         port=2049,mountport=2049,nolock rw ip=dhcp console=ttyS0,115200 ||"
    );
    assert!(body.contains(&line), "{body}");
    assert!(pixie.unwrap().contains("\"initrd\":[]"));
    // What cannot be mounted is said on the console, and the rest of the menu goes on.
    for (base, said) in [
        (plain, "which this server does not serve"),
        (Base::from_host("boot.example:8000").unwrap().with_nfs(Some(2049)), "IPv4 address"),
        (Base::from_host("[2001:db8::1]:8000").unwrap().with_nfs(Some(2049)), "IPv4 address"),
    ] {
        let (body, pixie) = of("rw", &base);
        assert!(body.contains("echo Bootwright: deb-netboot needs NFS"), "{body}");
        assert!(body.contains(said) && body.ends_with("goto FAILED\n"), "{body}");
        assert!(pixie.unwrap_err().contains(said));
    }
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
            let BootEntry::Linux { label, text, arguments, .. } = &mut release.manifest.entries[0]
            else {
                panic!("entries of this release are of kind linux");
            };
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

/// The example of pxe-server v1.0.0's menu, with its kernels bound on paper.
fn pxe_server() -> Served {
    let text = include_str!("../../../examples/pxe-server-v1.0.0.toml");
    let recipe = domain::recipe::parse(text).unwrap();
    let file = |role, name: String| Component { role, size: 3, sha256: Digest::of(&name), name };
    let mut components = vec![file(ComponentRole::Image, "rootfs.squashfs".to_owned())];
    let mut kernels = Vec::new();
    for kernel in &recipe.kernels {
        let (role, initrd) = match kernel.flavor {
            Flavor::Linux => (ComponentRole::Kernel, Some(format!("initrd-{}.img", kernel.alias))),
            Flavor::Xen => (ComponentRole::Hypervisor, None),
        };
        components.push(file(role, kernel.alias.clone()));
        components.extend(initrd.iter().map(|it| file(ComponentRole::Initrd, it.clone())));
        kernels.push(BoundKernel {
            alias: kernel.alias.clone(),
            flavor: kernel.flavor,
            release: "1".to_owned(),
            image: kernel.alias.clone(),
            initrd,
            config: Some("config-1".to_owned()),
        });
    }
    components
        .extend(recipe.preseeds.iter().map(|it| file(ComponentRole::Preseed, it.name.clone())));
    let manifest = Manifest {
        components,
        kernels,
        entries: recipe.menu.entries,
        default_entry: recipe.menu.default,
        ..served().manifest
    };
    Served { manifest, ..served() }
}

/// What iPXE shows of a menu, line by line.
fn screen(script: &str) -> Vec<&str> {
    let items = script.lines().filter_map(|line| line.strip_prefix("item "));
    items
        .map(|item| {
            item.strip_prefix("--gap -- ").unwrap_or_else(|| item.split_once(' ').unwrap().1)
        })
        .collect()
}

/// As lab robots do: read until the header, then until the footer, and count the lines from the
/// first that holds `ipxe shell` to the first that holds the text.
fn robot(screen: &[&str], text: &str) -> Option<usize> {
    let header = screen.iter().position(|line| line.contains("iPXE boot menu"))?;
    let footer =
        screen.iter().skip(header + 1).position(|line| line.contains("iPXE boot menu end"))?;
    let read = &screen[header + 1..=header + 1 + footer];
    let line = |words: &str| read.iter().position(|line| line.contains(words));
    line(text)?.checked_sub(line("ipxe shell")?)
}

#[test]
fn robots_find_every_entry_of_the_menu_of_pxe_server() {
    let base = Base::from_host("192.168.10.123:8000").unwrap();
    let script = menu_script(&pxe_server(), &base).unwrap();
    let screen = screen(&script);
    let texts = [
        "ipxe shell",
        "Xen",
        "Xen dev",
        "Xen Linux dev",
        "Debian stable netboot dev",
        "Debian stable netboot 4.9.y",
        "Debian stable netboot 4.14.y",
        "Debian stable netinst",
        "Debian i386 stable netinst",
        "Voyage netinst 0.11.0",
        "Ubuntu LTS netinst",
        "Core OS  netinst",
        "Core 6.4",
    ];
    for (downs, text) in texts.iter().enumerate() {
        assert_eq!(robot(&screen, text), Some(downs), "{text}\n{screen:#?}");
    }
    assert_eq!(screen.len(), texts.len() + 2);
}

#[test]
fn a_hypervisor_gets_its_dom0_within_what_ipxe_keeps() {
    let served = pxe_server();
    let commands = |host: &str| {
        let script = menu_script(&served, &Base::from_host(host).unwrap()).unwrap();
        let from = script.find("\n:xen\n").unwrap();
        script[from..]
            .lines()
            .skip(2)
            .take_while(|it| *it != "goto MENU")
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let short = "http://192.168.10.123:8000/s/".to_owned() + &served.digest.to_string()[..16];
    let list = Digest::of(format!("0 {}\n", Digest::of("rootfs.squashfs")));
    assert_eq!(
        commands("192.168.10.123:8000"),
        [
            "set target xen".to_owned(),
            "imgfree".to_owned(),
            format!(
                "kernel {short}/7 dom0_mem=512M loglvl=all guest_loglvl=all com1=115200,8n1 console=com1 || goto FAILED"
            ),
            format!(
                "module {short}/3 bootwright.images={short}/images,{list} BOOTIF=01-${{netX/mac:hexhyp}} console=hvc0 earlyprintk=xen nomodeset || goto FAILED"
            ),
            format!("module {short}/4 || goto FAILED"),
            "boot || goto FAILED".to_owned(),
        ]
    );
    // A name that leaves no room is told on the console, and nothing is cut off.
    let long = commands(&format!("{}.example:8000", "a".repeat(60)));
    assert!(long[2].starts_with("echo Bootwright: xen needs command lines of "), "{long:?}");
    assert_eq!(long[3], "goto FAILED");
}

#[test]
fn installers_and_chains_lead_elsewhere() {
    let served = pxe_server();
    let base = Base::from_host("192.0.2.1:8000").unwrap();
    let script = menu_script(&served, &base).unwrap();
    let installer = format!(
        "/linux initrd=initrd auto=true priority=critical \
         preseed/url=http://192.0.2.1:8000/artifacts/{}/preseed.cfg --- console=ttyS0,115200 || goto FAILED\n\
         initrd --name initrd http://mirror.example/",
        served.digest
    );
    assert!(script.contains(&installer), "{script}");
    let mut chained = served.clone();
    chained.manifest.entries = vec![BootEntry::Chain {
        label: "lab".to_owned(),
        text: "Another menu".to_owned(),
        script: "http://boot.example/menu.ipxe".to_owned(),
    }];
    chained.manifest.default_entry = "lab".to_owned();
    let script = menu_script(&chained, &base).unwrap();
    assert!(script.ends_with(
        ":lab\nset target lab\nimgfree\nchain --autofree http://boot.example/menu.ipxe || goto FAILED\ngoto MENU\n"
    ));
    let alone = EnvironmentServed::alone(Arc::new(chained));
    let refused = |entry| pixiecore(&alone, &base, (entry, MAC)).unwrap_err();
    assert!(refused(None).contains("of kind chain"));
    assert!(refused(Some("none")).contains("no entry none"));
}

#[test]
fn what_a_waiting_machine_says_fits_a_line_of_its_console() {
    let script = chain_script(&Base::from_host("192.168.100.100:8000").unwrap());
    let said = script.lines().filter_map(|line| line.strip_prefix("echo "));
    let shown = said.map(|text| {
        text.replace("${netX/mac}", "52:54:00:00:00:01")
            .replace("${pause}", &LONGEST_PAUSE_S.to_string())
    });
    for line in shown {
        assert!(line.len() < 80, "{line}");
    }
}
