use proptest::prelude::*;

use super::*;
use crate::recipe::RootMethod;

fn item(label: &str, text: &str) -> BootEntry {
    with_arguments(label, text, "console=ttyS0,115200")
}

fn with_arguments(label: &str, text: &str, arguments: &str) -> BootEntry {
    BootEntry::Linux {
        label: label.to_owned(),
        text: text.to_owned(),
        kernel: "vmlinuz-6.1.y".to_owned(),
        root: RootMethod::Http,
        arguments: arguments.to_owned(),
    }
}

fn faults(items: &[BootEntry]) -> Vec<MenuFault> {
    check_menu(items, items.first().map_or("", BootEntry::label))
}

/// The only fault of `items`.
#[track_caller]
fn one(items: &[BootEntry]) -> MenuFault {
    let mut faults = faults(items);
    assert_eq!(faults.len(), 1, "{faults:?}");
    faults.remove(0)
}

#[test]
fn the_menu_of_pxe_server_v1_is_clean() {
    let texts = [
        ("xen", "Xen"),
        ("xen-dev", "Xen dev"),
        ("xen-linux-dev", "Xen Linux dev"),
        ("deb-netboot-dev", "Debian stable netboot dev"),
        ("deb-netboot-4.9.y", "Debian stable netboot 4.9.y"),
        ("deb-netboot-4.14.y", "Debian stable netboot 4.14.y"),
        ("deb-stable-netinst", "Debian stable netinst"),
        ("deb-i386-stable-netinst", "Debian i386 stable netinst"),
        ("voyage-netinst", "Voyage netinst 0.11.0"),
        ("ubuntu-lts-netinst", "Ubuntu LTS netinst"),
        ("coreos-netinst", "Core OS  netinst"),
        ("core-6.4", "Core 6.4"),
    ];
    let items: Vec<_> = texts.iter().map(|(label, text)| item(label, text)).collect();
    assert_eq!(faults(&items), []);
}

#[test]
fn a_text_must_not_hide_in_an_earlier_line() {
    assert_eq!(faults(&[item("a", "Xen"), item("b", "Xen dev")]), []);
    let fault = one(&[item("b", "Xen dev"), item("a", "Xen")]);
    assert_eq!(fault.part, MenuPart::Field(1, "text"));
    assert!(fault.to_string().contains("earlier line \"Xen dev\""), "{fault}");
    for framed in ["boot menu", "shell", "ipxe", "boot"] {
        let fault = one(&[item("a", framed)]);
        assert!(matches!(fault.rule, MenuRule::HiddenText { .. }), "{fault:?}");
    }
    for framed in ["the iPXE boot menu end", "an ipxe shell of mine"] {
        let fault = one(&[item("a", framed)]);
        assert!(matches!(fault.rule, MenuRule::FrameText(_)), "{fault:?}");
    }
    let fault = one(&[item("a", "Same"), item("b", "Same")]);
    assert_eq!(fault.part, MenuPart::Field(1, "text"));
}

#[test]
fn a_menu_fits_one_screen() {
    let labels: Vec<String> = (10..27).map(|n| format!("entry-{n}")).collect();
    let items: Vec<_> = labels.iter().map(|label| item(label, label)).collect();
    assert_eq!(faults(&items[..16]), []);
    assert_eq!(one(&items).rule, MenuRule::TooManyEntries(17));
    assert_eq!(check_text(&"x".repeat(70)), Ok(()));
    assert_eq!(check_text(&"x".repeat(71)), Err(MenuRule::TextTooLong(71)));
}

#[test]
fn labels_are_strict_and_unique() {
    for label in ["deb-netboot-6.1.y", "0", "a_b"] {
        assert_eq!(check_label(label), Ok(()));
    }
    for label in ["", "-a", ".a", "A", "a b", "a:b", "a/b", "ä", "a\n", "${a}", "a;b", "_a"] {
        assert!(matches!(check_label(label), Err(MenuRule::NoLabel(_))), "{label}");
    }
    for label in ["shell", "SHELL", "MENU", "menu", "boot", "exit"] {
        assert!(matches!(check_label(label), Err(MenuRule::ReservedLabel(_))), "{label}");
    }
    let twice = one(&[item("a", "One"), item("a", "Two")]);
    assert_eq!(
        (twice.part, twice.rule),
        (MenuPart::Field(1, "label"), MenuRule::LabelTwice("a".into()))
    );
}

#[test]
fn the_default_is_one_of_the_labels() {
    let faults = check_menu(&[item("a", "One")], "b");
    assert_eq!(faults[0].part, MenuPart::Default);
    assert!(faults[0].to_string().contains("\"b\""));
}

#[test]
fn nothing_becomes_a_command_of_ipxe() {
    for text in [
        "a\nshell",
        "a\rb",
        "a\tb",
        "a\u{b}b",
        "a\u{0}b",
        "${net0/mac}",
        "a$",
        "a || shell",
        "a||b",
        "a && shell",
        "a ; shell",
        "# a",
        "a #b",
        "a\\",
        "\"a\"",
        "it's",
        "`a`",
        "ä",
        "a\u{2028}b",
        "a\u{7f}",
        "a\u{1b}[2J",
        "\u{a0}a",
    ] {
        assert!(check_text(text).is_err(), "{text:?}");
        assert!(check_arguments(text).is_err(), "{text:?}");
    }
    for arguments in
        ["", "console=ttyS0,115200 quiet", "pci=a;b x=C#3 -- single", "a=b|c a&b init=/bin/false"]
    {
        assert_eq!(check_arguments(arguments), Ok(()), "{arguments:?}");
    }
    for own in ["quiet bootwright.image=x", "initrd=other.img", "BOOTIF=01-aa"] {
        assert!(matches!(check_arguments(own), Err(MenuRule::OwnArgument(_))), "{own}");
    }
    assert!(matches!(check_text("12:34"), Err(MenuRule::NoWords(_))));
    assert_eq!(check_text(" a"), Err(MenuRule::OuterSpace));
    for name in ["", ".a", "a/b", "a b", "a,b", "..", "a\n", "-a"] {
        assert!(check_file_name(name).is_err(), "{name:?}");
    }
    assert_eq!(check_file_name("vmlinuz-6.1.0-40-cloud-amd64+x"), Ok(()));
}

/// What a robot does with the lines of a menu: the first that holds `text`.
fn robot(lines: &[&str], text: &str) -> Option<usize> {
    let line_of = |text: &str| lines.iter().position(|line| line.contains(text));
    Some(line_of(text)? - line_of(SHELL_TEXT)?)
}

proptest! {
    /// In every menu that is clean, a robot finds each entry where it stands.
    #[test]
    fn a_robot_finds_every_entry_of_a_clean_menu(
        texts in prop::collection::vec("[XxeEnN dD6.]{1,7}|[ -~]{1,20}", 1..18),
    ) {
        let labels: Vec<String> = (0..texts.len()).map(|n| format!("e{n}")).collect();
        let items: Vec<_> =
            labels.iter().zip(&texts).map(|(label, text)| item(label, text)).collect();
        if faults(&items).is_empty() {
            let mut lines = vec![HEADER, SHELL_TEXT];
            lines.extend(texts.iter().map(String::as_str));
            lines.push(FOOTER);
            prop_assert!(lines.len() <= MOST_LINES);
            for (index, text) in texts.iter().enumerate() {
                prop_assert_eq!(robot(&lines, text), Some(index + 1));
            }
        }
    }

    /// Any text whatever gives an answer, and a fault names an entry that exists.
    #[test]
    fn any_menu_gets_an_answer(
        texts in prop::collection::vec((".{0,80}", ".{0,80}", ".{0,80}"), 0..20),
    ) {
        let items: Vec<_> = texts
            .iter()
            .map(|(label, text, arguments)| with_arguments(label, text, arguments))
            .collect();
        for fault in check_menu(&items, "x") {
            if let MenuPart::Field(entry, _) = fault.part {
                prop_assert!(entry < items.len());
            }
            prop_assert!(!fault.to_string().contains('\n'));
        }
    }
}

#[test]
fn what_an_entry_boots_is_checked_by_its_kind() {
    let xen = |hypervisor_arguments: &str, arguments: &str| BootEntry::Xen {
        label: "xen".to_owned(),
        text: "Xen".to_owned(),
        hypervisor: "xen-4.17-amd64".to_owned(),
        hypervisor_arguments: hypervisor_arguments.to_owned(),
        kernel: "vmlinuz-6.1.y".to_owned(),
        root: RootMethod::Http,
        arguments: arguments.to_owned(),
    };
    use crate::kernel::{DOM0_ARGUMENTS, HYPERVISOR_ARGUMENTS};
    assert_eq!(faults(&[xen(HYPERVISOR_ARGUMENTS, DOM0_ARGUMENTS)]), []);
    assert_eq!(one(&[xen("a || b", "")]).part, MenuPart::Field(0, "hypervisor_arguments"));
    let long = one(&[xen(HYPERVISOR_ARGUMENTS, &"a=b ".repeat(30))]);
    assert!(matches!(long.rule, MenuRule::XenArgumentsTooLong(_)), "{long}");

    let chain = |script: &str| BootEntry::Chain {
        label: "more".to_owned(),
        text: "More".to_owned(),
        script: script.to_owned(),
    };
    for good in [
        "http://boot.example/menu.ipxe",
        "https://boot.example:8443/a/b.ipxe?x=1&y=2",
        "http://[fd00::1]/x",
    ] {
        assert_eq!(faults(&[chain(good)]), [], "{good}");
    }
    for bad in [
        "",
        "menu.ipxe",
        "tftp://boot.example/x",
        "http://boot.example",
        "http://me:secret@boot.example/x",
        "http://boot.example/a b",
        "http://boot.example/${uuid}",
        "http://boot.example/x#y",
    ] {
        assert_eq!(one(&[chain(bad)]).part, MenuPart::Field(0, "script"), "{bad}");
    }
    let installer = |kernel: &str, preseed: &str| BootEntry::Installer {
        label: "netinst".to_owned(),
        text: "Debian netinst".to_owned(),
        kernel: kernel.to_owned(),
        initrd: "http://mirror.example/initrd.gz".to_owned(),
        preseed: Some(preseed.to_owned()),
        arguments: "console=ttyS0,115200".to_owned(),
    };
    assert_eq!(faults(&[installer("http://mirror.example/linux", "preseed.cfg")]), []);
    assert_eq!(one(&[installer("vmlinuz-6.1.y", "a.cfg")]).part, MenuPart::Field(0, "kernel"));
    assert_eq!(
        one(&[installer("http://mirror.example/linux", "../a")]).part,
        MenuPart::Field(0, "preseed")
    );
}
