use proptest::prelude::*;

use super::*;
use crate::menu::check_menu;

/// The menu of pxe-server v1.0.0, written from what is known of it.
const V1: &str = r#"#!ipxe
:MENU
menu
item --gap -- ---------------- iPXE boot menu ----------------
item shell   ipxe shell
item xen Xen
item xen-dev Xen dev
item xen-linux-dev Xen Linux dev
item deb-netboot-dev Debian stable netboot dev
item deb-netboot-4.9.y Debian stable netboot 4.9.y
item deb-netboot-4.14.y Debian stable netboot 4.14.y
item deb-stable-netinst Debian stable netinst
item deb-i386-stable-netinst Debian i386 stable netinst
item voyage-netinst Voyage netinst 0.11.0
item ubuntu-lts-netinst Ubuntu LTS netinst
item coreos-netinst Core OS  netinst
item core-6.4 Core 6.4
item --gap -- ------------ iPXE boot menu end ----------------
choose --default boot --timeout 3000 target && goto ${target}

:shell
shell ||
goto MENU

:xen
kernel kernels/xen-4.8-amd64 dom0_mem=512M loglvl=all guest_loglvl=all com1=115200,8n1 console=com1
module kernels/vmlinuz-4.14.y console=hvc0 earlyprintk=xen nomodeset root=/dev/nfs rw ip=dhcp nfsroot=192.0.2.10:/srv/nfs/debian,vers=3,udp nfsrootdebug
boot
goto MENU

:xen-dev
kernel kernels/xen-dev dom0_mem=512M loglvl=all guest_loglvl=all com1=115200,8n1 console=com1
module kernels/vmlinuz-4.14.y console=hvc0 earlyprintk=xen nomodeset root=/dev/nfs rw ip=dhcp nfsroot=192.0.2.10:/srv/nfs/debian,vers=3,udp nfsrootdebug
boot
goto MENU

:xen-linux-dev
kernel kernels/xen-4.8-amd64 dom0_mem=512M loglvl=all guest_loglvl=all com1=115200,8n1 console=com1
module kernels/vmlinuz-dev console=hvc0 earlyprintk=xen nomodeset root=/dev/nfs rw ip=dhcp nfsroot=192.0.2.10:/srv/nfs/debian,vers=3,udp nfsrootdebug
boot
goto MENU

:deb-netboot-dev
kernel kernels/vmlinuz-dev bootfile=http://192.0.2.10:8000/menu.ipxe root=/dev/nfs rw ip=dhcp nfsroot=192.0.2.10:/srv/nfs/debian,vers=3,udp nfsrootdebug --- console=ttyS0,115200 earlyprint=serial,ttyS0,115200
boot
goto MENU

:deb-netboot-4.9.y
kernel kernels/vmlinuz-4.9.y bootfile=http://192.0.2.10:8000/menu.ipxe root=/dev/nfs rw ip=dhcp nfsroot=192.0.2.10:/srv/nfs/debian,vers=3,udp nfsrootdebug --- console=ttyS0,115200 earlyprint=serial,ttyS0,115200
boot
goto MENU

:deb-netboot-4.14.y
kernel kernels/vmlinuz-4.14.y bootfile=http://192.0.2.10:8000/menu.ipxe root=/dev/nfs rw ip=dhcp nfsroot=192.0.2.10:/srv/nfs/debian,vers=3,udp nfsrootdebug --- console=ttyS0,115200 earlyprint=serial,ttyS0,115200
boot
goto MENU

:deb-stable-netinst
kernel http://mirror.example/installer-amd64/linux --- console=ttyS0,115200 earlyprint=serial,ttyS0,115200 initrd=initrd.gz
initrd http://mirror.example/installer-amd64/initrd.gz
boot
goto MENU

:deb-i386-stable-netinst
kernel http://mirror.example/installer-i386/linux --- console=ttyS0,115200 earlyprint=serial,ttyS0,115200 initrd=initrd.gz
initrd http://mirror.example/installer-i386/initrd.gz
boot
goto MENU

:voyage-netinst
kernel kernels/voyage/vmlinuz boot=live netboot=nfs root=/dev/nfs rw ip=dhcp nfsroot=192.0.2.10:/srv/nfs/voyage --- console=ttyS0,115200 earlyprint=serial,ttyS0,115200
initrd kernels/voyage/initrd.img
boot
goto MENU

:ubuntu-lts-netinst
kernel http://archive.example/xenial/linux --- console=ttyS0,115200 earlyprint=serial,ttyS0,115200 initrd=initrd.gz
initrd http://archive.example/xenial/initrd.gz
boot
goto MENU

:coreos-netinst
set base-url http://core.example/amd64-usr/current
kernel ${base-url}/coreos_production_pxe.vmlinuz initrd=coreos_production_pxe_image.cpio.gz coreos.first_boot=1 --- console=ttyS0,115200 coreos.autologin=ttyS0
initrd ${base-url}/coreos_production_pxe_image.cpio.gz
boot
goto MENU

:core-6.4
kernel http://core.example/6.x/vmlinuz --- root=/dev/ram0 console=ttyS0,115200 earlyprint=serial,ttyS0,115200
initrd http://192.0.2.10:8000/core.gz
boot
goto MENU
"#;

fn kernels() -> BTreeMap<String, Flavor> {
    let linux = ["vmlinuz-4.9.y", "vmlinuz-4.14.y", "vmlinuz-dev"].map(|it| (it, Flavor::Linux));
    let xen = ["xen-4.8-amd64", "xen-dev"].map(|it| (it, Flavor::Xen));
    linux.into_iter().chain(xen).map(|(alias, flavor)| (alias.to_owned(), flavor)).collect()
}

/// A menu of one entry that runs `body`.
fn with_body(body: &str) -> ReadMenu {
    let text =
        format!("#!ipxe\n:MENU\nmenu\nitem a An entry\nchoose x && goto ${{x}}\n:a\n{body}\n");
    read(&text, &kernels())
}

#[track_caller]
fn refused(body: &str) -> Unread {
    let mut menu = with_body(body);
    assert_eq!(menu.entries, [], "{body}");
    menu.unread.remove(0)
}

const NFS: &str =
    "root=/dev/nfs rw ip=dhcp nfsroot=192.0.2.10:/srv/nfs/debian,vers=3,udp nfsrootdebug";

#[test]
fn the_menu_of_pxe_server_v1_is_read() {
    let menu = read(V1, &kernels());
    let labels: Vec<&str> = menu.entries.iter().map(BootEntry::label).collect();
    assert_eq!(
        labels,
        [
            "xen",
            "xen-dev",
            "xen-linux-dev",
            "deb-netboot-dev",
            "deb-netboot-4.9.y",
            "deb-netboot-4.14.y",
            "deb-stable-netinst",
            "deb-i386-stable-netinst",
            "ubuntu-lts-netinst",
            "coreos-netinst",
        ]
    );
    assert_eq!(check_menu(&menu.entries, &menu.default), []);
    // The default of its `choose` names no entry.
    assert_eq!((menu.default.as_str(), menu.timeout_ms), ("xen", 3000));
    assert_eq!(
        menu.entries[1],
        BootEntry::Xen {
            label: "xen-dev".to_owned(),
            text: "Xen dev".to_owned(),
            hypervisor: "xen-dev".to_owned(),
            hypervisor_arguments: crate::kernel::HYPERVISOR_ARGUMENTS.to_owned(),
            kernel: "vmlinuz-4.14.y".to_owned(),
            root: crate::recipe::RootMethod::Http,
            arguments: crate::kernel::DOM0_ARGUMENTS.to_owned(),
        }
    );
    assert_eq!(
        menu.entries[5],
        BootEntry::Linux {
            label: "deb-netboot-4.14.y".to_owned(),
            text: "Debian stable netboot 4.14.y".to_owned(),
            kernel: "vmlinuz-4.14.y".to_owned(),
            root: crate::recipe::RootMethod::Http,
            arguments: "--- console=ttyS0,115200 earlyprint=serial,ttyS0,115200".to_owned(),
        }
    );
    assert_eq!(
        menu.entries[9],
        BootEntry::Installer {
            label: "coreos-netinst".to_owned(),
            text: "Core OS  netinst".to_owned(),
            kernel: "http://core.example/amd64-usr/current/coreos_production_pxe.vmlinuz"
                .to_owned(),
            initrd: "http://core.example/amd64-usr/current/coreos_production_pxe_image.cpio.gz"
                .to_owned(),
            preseed: None,
            arguments: "coreos.first_boot=1 --- console=ttyS0,115200 coreos.autologin=ttyS0"
                .to_owned(),
        }
    );
    let unread: Vec<(&str, &str)> =
        menu.unread.iter().map(|it| (it.label.as_str(), it.reason.as_str())).collect();
    assert_eq!(
        unread,
        [
            (
                "voyage-netinst",
                "it starts kernels/voyage/vmlinuz, and no kernel of that name was brought along"
            ),
            (
                "core-6.4",
                "it loads http://192.0.2.10:8000/core.gz from the server that the menu came from, which no release holds"
            ),
        ]
    );
    let line = V1.lines().nth(menu.unread[0].line as usize - 1).unwrap();
    assert_eq!(line, "boot");
    assert_eq!(menu.unread[0].text, "Voyage netinst 0.11.0");
}

#[test]
fn kernels_that_were_not_brought_make_entries_unreadable() {
    let mut some = kernels();
    some.remove("vmlinuz-dev");
    some.insert("xen-dev".to_owned(), Flavor::Linux);
    let menu = read(V1, &some);
    let unread: Vec<&str> = menu.unread.iter().map(|it| it.label.as_str()).collect();
    assert_eq!(
        unread,
        ["xen-dev", "xen-linux-dev", "deb-netboot-dev", "voyage-netinst", "core-6.4"]
    );
    assert!(menu.unread[0].reason.contains("nfsroot="), "{}", menu.unread[0].reason);
}

#[test]
fn what_leads_elsewhere_or_nowhere_says_why() {
    for (body, reason) in [
        ("goto MENU", "without booting"),
        ("kernel kernels/vmlinuz-dev\nboot", "does not boot the rootfs"),
        ("boot", "\"boot\" leads to no boot"),
        ("sanboot http://iso.example/a.iso", "\"sanboot\" leads to no boot"),
        ("iseq ${arch} x86_64 && goto b", "\"iseq\" leads to no boot"),
        ("goto b", "no line \":b\""),
        ("shell", "first entry"),
        ("chain other.ipxe", "the server that the menu came from"),
        ("chain http://${next-server}/x.ipxe", "\"${next-server}\""),
        ("chain ftp://a.example/x.ipxe", "no address that iPXE can load"),
        ("kernel http://a.example/linux\nboot", "0 initrds"),
        ("kernel http://a.example/l x=${net0/mac}\ninitrd http://a.example/i\nboot", "${net0/mac}"),
        ("echo nothing", "the script ends"),
        (":b\ngoto b", "without booting"),
        ("kernel kernels/xen-dev\nboot", "0 modules"),
    ] {
        let unread = refused(body);
        assert!(unread.reason.contains(reason), "{body}: {}", unread.reason);
        assert!(unread.line >= 4, "{body}");
    }
    let live = refused(&format!("kernel kernels/vmlinuz-dev boot=live {NFS}\nboot"));
    assert!(live.reason.contains("live system"), "{}", live.reason);
    let without_colon = read("item a A\nchoose x\na\nshell\n", &kernels());
    assert!(without_colon.unread[0].reason.contains("no line \":a\""));
}

#[test]
fn another_export_is_another_rootfs() {
    let entry = |label: &str, export: &str| {
        format!(
            ":{label}\nkernel kernels/vmlinuz-dev root=/dev/nfs nfsroot=192.0.2.10:{export}\nboot\n"
        )
    };
    let text = [
        "item a One\nitem b Two\nitem c Three\nchoose x\n".to_owned(),
        entry("a", "/srv/nfs/xen"),
        entry("b", "/srv/nfs/debian"),
        entry("c", "/srv/nfs/debian/"),
    ]
    .concat();
    let menu = read(&text, &kernels());
    assert_eq!(menu.entries.len(), 2);
    assert!(menu.unread[0].reason.contains("/srv/nfs/xen"), "{}", menu.unread[0].reason);
}

#[test]
fn variables_lines_and_lists_are_followed_as_ipxe_does() {
    let menu = with_body(&format!(
        "set file vmlinuz-dev # the newest\nset kflags quiet \\\n  {NFS} ${{file}}=1\necho loading && kernel --timeout 5 kernels/${{file}} ${{kflags}} || goto MENU\ngoto end\n:end\nboot || shell"
    ));
    let BootEntry::Linux { kernel, arguments, .. } = &menu.entries[0] else { panic!("{menu:?}") };
    assert_eq!((kernel.as_str(), arguments.as_str()), ("vmlinuz-dev", "quiet vmlinuz-dev=1"));
    let chosen = "item --key a a A\nitem b B\nchoose --timeout=5000 -d b x\n:a\nchain http://a.example/a\n:b\nchain --autofree http://a.example/b\n";
    let menu = read(chosen, &kernels());
    assert_eq!((menu.default.as_str(), menu.timeout_ms), ("b", 5000));
    assert_eq!(menu.entries.len(), 2);
}

#[test]
fn what_breaks_the_rules_of_a_menu_is_listed() {
    let items: String = (10..40).map(|it| format!("item e{it} Entry {it}\n")).collect();
    let pieces: String =
        (10..40).map(|it| format!(":e{it}\nchain http://a.example/{it}\n")).collect();
    let menu = read(&format!("{items}choose x\n{pieces}"), &kernels());
    assert_eq!(menu.entries.len(), crate::menu::MOST_ENTRIES);
    assert!(menu.unread[0].reason.contains("one screen"), "{}", menu.unread[0].reason);
    let same = "item a Xen dev\nitem b Xen\nitem A Big\nchoose x\n:a\nchain http://a.example/a\n:b\nchain http://a.example/b\n:A\nchain http://a.example/b\n";
    let menu = read(same, &kernels());
    let reasons: Vec<&str> = menu.unread.iter().map(|it| it.reason.as_str()).collect();
    assert!(reasons[0].contains("earlier line") && reasons[1].contains("no label"), "{reasons:?}");
}

#[test]
fn variables_that_hold_each_other_do_not_grow_without_end() {
    let mut body = "set a xxxxxxxxxxxxxxxx\n".to_owned();
    body.push_str(&"set a ${a}${a}\n".repeat(200));
    body.push_str("chain http://a.example/${a}\n");
    let menu = with_body(&body);
    assert!(menu.entries.is_empty());
    assert!(menu.unread[0].reason.len() < 8192);
}

proptest! {
    #[test]
    fn whatever_the_text_what_is_read_is_a_clean_menu(text in "(?s).{0,400}") {
        clean(&text)?;
    }

    #[test]
    fn whatever_the_commands_what_is_read_is_a_clean_menu(
        commands in prop::collection::vec(
            prop::sample::select(vec![
                "item a Xen", "item b Xen dev", "item a ${x}", "choose --default b x && goto ${x}",
                ":a", ":b", "set x ${x}a ${", "kernel kernels/vmlinuz-dev nfsroot=h:/d ${x}",
                "kernel kernels/xen-dev", "module kernels/vmlinuz-dev nfsroot=h:/d initrd=x", "boot",
                "kernel http://h/linux || goto b", "initrd http://h/i", "initrd http://a.example/i",
                "chain http://a.example/x", "goto a", "goto b", "menu", "#", "\\", "shell", "item",
                "kernel", "goto", "set", "choose", "chain --x", "kernel -", "a || b && c ; d",
            ]),
            0..60,
        )
    ) {
        clean(&commands.join("\n"))?;
    }
}

fn clean(text: &str) -> Result<(), TestCaseError> {
    let menu = read(text, &kernels());
    let faults = check_menu(&menu.entries, &menu.default);
    let known =
        |fault: &crate::menu::MenuFault| fault.part == MenuPart::Default && menu.entries.is_empty();
    prop_assert!(faults.iter().all(known), "{faults:?}");
    for entry in &menu.entries {
        for alias in entry.kernel().into_iter().chain(entry.hypervisor()) {
            prop_assert!(kernels().contains_key(alias));
        }
    }
    Ok(())
}
