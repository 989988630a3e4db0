use proptest::prelude::*;

use super::{report::Lines, *};

/// The starter with one piece of its text replaced.
fn with(from: &str, to: &str) -> String {
    assert!(starter().contains(from), "the starter has no {from}");
    starter().replacen(from, to, 1)
}

/// The line of `text` that holds `needle`, counted another way than the parser does.
fn line_of(text: &str, needle: &str) -> u32 {
    let index = text.split('\n').position(|line| line.contains(needle));
    u32::try_from(index.unwrap_or_else(|| panic!("no line has {needle}\n{text}")) + 1).unwrap()
}

/// Expects exactly one problem, on the line that holds `needle`, that says `says`.
#[track_caller]
fn one_problem(text: &str, needle: &str, says: &str) {
    let problems = parse(text).expect_err("the text has a problem");
    assert_eq!(problems.len(), 1, "{problems:#?}");
    assert!(problems[0].message.contains(says), "{problems:#?}");
    let line = if needle.is_empty() { 0 } else { line_of(text, needle) };
    assert_eq!(problems[0].line, line, "{problems:#?}");
}

#[test]
fn the_starter_is_clean_and_holds_what_the_tour_shows() {
    let recipe = parse(starter()).unwrap();
    assert_eq!((recipe.suite.as_str(), recipe.architecture.as_str()), ("bookworm", "amd64"));
    for package in ["systemd", "openssh-server", "pciutils", "iproute2", "kmod"] {
        assert!(recipe.packages.iter().any(|name| name == package), "{package}");
    }
    assert_eq!(console_login(&recipe), Some(("root", "debian")));
    assert_eq!(recipe.issue.as_deref(), Some("Debian GNU/Linux 12 \\n \\l [root:debian]\n\n"));
    assert_eq!(recipe.kernel_packages().collect::<Vec<_>>(), ["linux-image-cloud-amd64"]);
    let entry = &recipe.menu.entries[0];
    assert_eq!(entry.label(), recipe.menu.default);
    assert_eq!(entry.text(), "Debian stable netboot 6.1.y");
    assert_eq!(entry.arguments(), ["console=ttyS0,115200"]);
    assert!(starter().lines().all(|line| line.len() <= 100));
}

#[test]
fn what_is_left_out_has_the_documented_defaults() {
    let recipe = parse(
        "schema = 1\nsuite = \"bookworm\"\narchitecture = \"amd64\"\n\
         [[kernels]]\nalias = \"k\"\npackage = \"linux-image-amd64\"\n\
         [menu]\ndefault = \"a\"\n[[menu.entries]]\nlabel = \"a\"\ntext = \"A\"\nkernel = \"k\"\n",
    )
    .unwrap();
    assert_eq!(recipe.components, ["main"]);
    assert_eq!(recipe.menu.timeout_ms, 3000);
    assert_eq!(console_login(&recipe), None);
    let again: Recipe = toml::from_str(&toml::to_string(&recipe).unwrap()).unwrap();
    assert_eq!(again, recipe);
}

#[test]
fn each_rule_speaks_at_the_line_of_its_value() {
    for (from, to, says) in [
        ("schema = 1", "schema = 2", "reads schema = 1"),
        ("schema = 1", "schema = \"1\"", "whole number without quotes"),
        ("suite = \"bookworm\"", "suite = \"Bookworm\"", "code name"),
        ("suite = \"bookworm\"", "suite = \"stable\"", "code name"),
        ("suite = \"bookworm\"", "suite = \"../x\"", "code name"),
        ("architecture = \"amd64\"", "architecture = \"arm64\"", "only \"amd64\""),
        ("components = [\"main\"]", "components = []", "needs a component"),
        ("components = [\"main\"]", "components = [\"main\", \"main\"]", "already"),
        ("components = [\"main\"]", "components = [\"ma in\"]", "no component"),
        ("components = [\"main\"]", "mirror = \"ftp://x\"", "no base URL"),
        ("components = [\"main\"]", "mirror = \"http://a:b@c.example/\"", "no password"),
        ("components = [\"main\"]", "mirror = \"http://c.example/ x\"", "no base URL"),
        ("components = [\"main\"]", "component = [\"main\"]", "did you mean \"components\"?"),
        ("components = [\"main\"]", "quirks = []", "the keys are schema, suite"),
        ("\"pciutils\",", "\"pciutils/../x\",", "no name of a Debian suite"),
        ("\"pciutils\",", "\"pciutils\", \"pciutils/bookworm-backports\",", "already"),
        ("\"pciutils\",", "\"linux-image-cloud-amd64/bookworm-backports\",", "with the kernel"),
        ("\"pciutils\",", "\"pciutils=1\",", "names no versions"),
        ("\"pciutils\",", "\"pciutils:i386\",", "another architecture"),
        ("\"pciutils\",", "\"pciutils-\",", "remove the package"),
        ("\"pciutils\",", "\"PciUtils\",", "write \"pciutils\""),
        ("\"pciutils\",", "\"-y\",", "no package name"),
        ("\"pciutils\",", "7,", "takes text in quotes, not a number"),
        ("\"pciutils\",", "\"linux-image-cloud-amd64\", # twice", "with the kernel"),
        ("name = \"root\"", "name = \"Root\"", "no account name"),
        ("name = \"root\"", "name = \"daemon\"", "exists in every Debian"),
        ("password = \"debian\"", "password = \"a:b\"", "no \":\""),
        ("password = \"debian\"", "password = \"a\\nb\"", "no line break"),
        ("password = \"debian\"", "password = \"\"", "let anybody in"),
        ("password = \"debian\"", "shell = \"bin/sh\"", "must start with \"/\""),
        ("password = \"debian\"", "shell = \"/bin/a b\"", "shell"),
        ("password = \"debian\"", "groups = [\"sudo\", \"a b\"]", "no group name"),
        ("password = \"debian\"", "groups = [\"sudo\", \"sudo\"]", "already"),
        ("password = \"debian\"", "ssh_keys = [\"AAAA\"]", "no SSH public key"),
        (
            "password = \"debian\"",
            "ssh_keys = [\"ssh-rsa AAAA a\\nssh-rsa AAAB b\"]",
            "single line",
        ),
        (
            "password = \"debian\"",
            "ssh_keys = [\"-----BEGIN OPENSSH PRIVATE KEY-----\"]",
            "private",
        ),
        ("password = \"debian\"", "pasword = \"debian\"", "did you mean \"password\"?"),
        ("/etc/systemd/network/80-wired.network", "etc/motd", "must start with \"/\""),
        ("/etc/systemd/network/80-wired.network", "/etc/../motd", "plain path"),
        ("/etc/systemd/network/80-wired.network", "/etc//motd", "plain path"),
        ("/etc/systemd/network/80-wired.network", "/etc/motd/", "plain path"),
        ("path = \"/etc/systemd/network/80-wired.network\"", "path = \"/\"", "plain path"),
        ("/etc/systemd/network/80-wired.network", "/etc/hostname", "name of the release"),
        ("/etc/systemd/network/80-wired.network", "/etc/machine-id", "one machine to DHCP"),
        ("/etc/systemd/network/80-wired.network", "/etc/ssh/ssh_host_rsa_key", "identity"),
        ("/etc/systemd/network/80-wired.network", "/etc/shadow", "[[users]]"),
        (
            "path = \"/etc/systemd/network/80-wired.network\"",
            "path = \"/etc/issue\"",
            "keep one of them",
        ),
        ("/etc/systemd/network/80-wired.network", "/run/x", "never be seen"),
        ("/etc/systemd/network/80-wired.network", "/lib/systemd/x", "/usr in front"),
        ("enable = [\"ssh\", \"systemd-networkd\"]", "enable = [\"ssh\", \"a/b\"]", "systemd unit"),
        ("enable = [\"ssh\", \"systemd-networkd\"]", "enable = [\"--now\"]", "systemd unit"),
        (
            "enable = [\"ssh\", \"systemd-networkd\"]",
            "enable = [\"ssh\", \"ssh.service\"]",
            "already",
        ),
        ("disable = []", "disable = [\"ssh.service\"]", "one of the two lists"),
        ("disable = []", "disabled = []", "did you mean \"disable\"?"),
        ("disable = []", "disable = \"x\"", "must be a list of texts"),
        ("alias = \"vmlinuz-6.1.y\"", "alias = \"vmlinuz-6.1.y\"\nalias2 = 1", "did you mean"),
        ("package = \"linux-image-cloud-amd64\"", "package = \"a b\"", "no package name"),
        (
            "default = \"deb-netboot-6.1.y\"",
            "default = \"deb-netbot-6.1.y\"",
            "did you mean \"deb-",
        ),
        ("default = \"deb-netboot-6.1.y\"", "default = \"x\"", "write the label of one"),
        ("timeout_ms = 3000", "timeout_ms = 999", "1000 to 600000"),
        ("timeout_ms = 3000", "timeout_ms = 600001", "1000 to 600000"),
        ("timeout_ms = 3000", "timeout_ms = -1", "whole number"),
        ("timeout_ms = 3000", "timeout = 3000", "no key \"timeout\""),
        (
            "kernel = \"vmlinuz-6.1.y\"",
            "kernel = \"vmlinuz-6.2.y\"",
            "did you mean \"vmlinuz-6.1.y\"?",
        ),
        (
            "kernel = \"vmlinuz-6.1.y\"",
            "kernel = \"vmlinuz-6.1.y\"\nroot = \"nsf\"",
            "did you mean \"nfs\"?",
        ),
        (
            "kernel = \"vmlinuz-6.1.y\"",
            "kernel = \"vmlinuz-6.1.y\"\nnfs = \"rw\"",
            "root = \"nfs\" only",
        ),
        (
            "kernel = \"vmlinuz-6.1.y\"",
            "kernel = \"vmlinuz-6.1.y\"\nroot = \"nfs\"\nnfs = \"vers=4\"",
            "not served",
        ),
    ] {
        let needle = to.split('\n').next_back().unwrap();
        one_problem(&with(from, to), needle, says);
    }
}

/// The starter with more entries, each a label and a text, on lines of their own.
fn with_entries(entries: &[(String, String)]) -> String {
    let added = entries.iter().map(|(label, text)| {
        format!(
            "[[menu.entries]]\nlabel = \"{label}\"\ntext = \"{text}\"\nkernel = \"vmlinuz-6.1.y\"\n"
        )
    });
    starter().to_owned() + &added.collect::<String>()
}

#[test]
fn rules_of_the_menu_stand_at_the_lines_of_the_entry() {
    let entry = |label: &str, text: &str| (label.to_owned(), text.to_owned());
    for (text, needle, says) in [
        (with_entries(&[entry("Bad Label", "X y")]), "Bad Label", "no label"),
        (with_entries(&[entry("shell", "X y")]), "\"shell\"", "belongs to the menu itself"),
        (with_entries(&[entry("a", "Xen dev"), entry("b", "Xen")]), "\"Xen\"", "earlier line"),
        (with_entries(&[entry("a", "${net0/ip} x")]), "${net0/ip}", "iPXE"),
        (with_entries(&[entry("a", "x || shell")]), "x || shell", "iPXE"),
        (with("console=ttyS0,115200", "a && b"), "a && b", "iPXE"),
        (with("console=ttyS0,115200", "a\\nshell"), "a\\nshell", "printable"),
        (with("console=ttyS0,115200", "initrd=x"), "initrd=x", "set by Bootwright itself"),
    ] {
        one_problem(&text, needle, says);
    }
    let twice = with_entries(&[entry("a", "One"), entry("a", "Two")]);
    let twice = twice.replace("label = \"a\"\ntext = \"Two", "label = \"a\" # twin\ntext = \"Two");
    one_problem(&twice, "# twin", "stands on an earlier entry already");
    assert!(parse(&with_entries(&[entry("a", "Xen"), entry("b", "Xen dev")])).is_ok());

    let many = |count: usize| -> Vec<(String, String)> {
        (1..=count).map(|i| (format!("e{i:05}"), format!("Entry {i:05}"))).collect()
    };
    assert!(parse(&with_entries(&many(crate::menu::MOST_ENTRIES - 1))).is_ok());
    for count in [crate::menu::MOST_ENTRIES, 2_000] {
        let text = with_entries(&many(count));
        let needle = format!("\"e{:05}\"", crate::menu::MOST_ENTRIES);
        let problems = parse(&text).unwrap_err();
        assert_eq!(problems.len(), 1, "{problems:#?}");
        assert_eq!(problems[0].line, line_of(&text, &needle) - 1);
        assert!(problems[0].message.contains(&(count + 1).to_string()), "{problems:#?}");
    }
}

#[test]
fn what_is_missing_is_said_where_it_belongs() {
    one_problem(&with("suite = \"bookworm\"", ""), "", "needs \"suite\"");
    one_problem(&with("name = \"root\"", ""), "[[users]]", "a user needs \"name\"");
    one_problem(
        &with("path = \"/etc/systemd/network/80-wired.network\"", ""),
        "[[files]]",
        "\"path\"",
    );
    one_problem(
        &with("text = \"Debian stable netboot 6.1.y\"", ""),
        "[[menu.entries]]",
        "\"text\"",
    );
    one_problem(&with("default = \"deb-netboot-6.1.y\"", ""), "[menu]", "\"default\"");
    let problems = parse("").unwrap_err();
    assert_eq!(problems.len(), 5, "{problems:#?}");
    assert!(problems.iter().all(|problem| problem.line == 0));
}

#[test]
fn twins_name_the_line_of_the_first() {
    let text = with("\"pciutils\",", "\"pciutils\",\n  \"iproute2\", # again");
    let first = line_of(&text, "\"iproute2\",");
    one_problem(&text, "# again", &format!("line {first} already"));
    let twice = format!("{}\n[[users]]\nname = \"root\" # again\n", starter());
    one_problem(&twice, "# again", "the user \"root\" stands on line");
    let kernel = format!(
        "{}\n[[kernels]]\nalias = \"vmlinuz-6.1.y\" # again\npackage = \"linux-image-amd64\"\n",
        starter()
    );
    one_problem(&kernel, "# again", "the alias");
    let file = format!("{}\n[[files]]\npath = \"/etc/systemd\"\ncontent = \"\"\n", starter());
    one_problem(&file, "/etc/systemd/network/80", "as a file");
}

#[test]
fn all_problems_come_at_once_in_the_order_of_lines() {
    let text = starter()
        .replace("amd64\"", "arm64\"")
        .replace("\"kmod\"", "\"KMOD\"")
        .replace("debian\"", "a:b\"")
        .replace("timeout_ms = 3000", "timeout_ms = 1");
    let problems = parse(&text).unwrap_err();
    let lines: Vec<u32> = problems.iter().map(|problem| problem.line).collect();
    let expected = ["architecture =", "KMOD", "password =", "timeout_ms ="]
        .map(|needle| line_of(&text, needle));
    assert_eq!(lines, expected, "{problems:#?}");
}

#[test]
fn a_slip_of_toml_hides_no_other_problem_and_invents_none() {
    let text = with("schema = 1", "schema = = 1").replace("\"kmod\"", "\"KMOD\"");
    let problems = parse(&text).unwrap_err();
    let lines: Vec<u32> = problems.iter().map(|problem| problem.line).collect();
    assert_eq!(lines, [line_of(&text, "schema ="), line_of(&text, "KMOD")], "{problems:#?}");
    assert!(problems[0].message.starts_with("this is not TOML: "), "{problems:#?}");
    one_problem(&with("suite = \"bookworm\"", "suite = bookworm"), "suite = bookworm", "not TOML");
    one_problem(&with("suite = \"bookworm\"", "suite = \"bookworm"), "suite = \"book", "not TOML");
    one_problem(&with("disable = []", "disable = []\nenable = []"), "enable = []", "stands twice");
    one_problem(&format!("{}\n[menu] # again\n", starter()), "# again", "stands twice");
}

#[test]
fn one_slip_is_one_problem_in_plain_words() {
    for (from, to, needle, says) in [
        ("packages = [", "packages = ", "packages = ", "needs quotes"),
        ("\"iproute2\",", "\"iproute2\"", "\"pciutils\"", "comma is missing"),
        ("  \"pciutils\",\n]", "  \"pciutils\",", "issue = ", "no \"]\" at its end"),
        ("[menu]", "[menu", "[menu", "no \"]\" at its end"),
        ("timeout_ms = 3000", "timeout_ms 3000", "timeout_ms 3000", "needs \"=\""),
        ("\"console=ttyS0,115200\"", "\"\\q\"", "\\q", "begins an escape"),
        ("content = \"\"\"", "mode = 0644\ncontent = \"\"\"", "mode = 0644", "file mode is text"),
    ] {
        let text = with(from, to);
        let first = parse(&text).unwrap_err().remove(0);
        assert!(first.message.contains(says), "{from}: {first:?}");
        assert_eq!(first.line, line_of(&text, needle), "{first:?}");
    }
    let open = parse(&with("  \"pciutils\",\n]", "  \"pciutils\",")).unwrap_err();
    assert_eq!(open.len(), 1, "{open:#?}");
}

#[test]
fn hostile_texts_end_soon_with_a_few_problems() {
    let n = LONGEST_TEXT;
    for text in [
        "[".repeat(n),
        "a = ".to_owned() + &"[".repeat(n - 4),
        "a = ".to_owned() + &"{a=".repeat(n / 3 - 2),
        "a.".repeat(n / 2 - 4) + "a = 1",
        "a\n".repeat(n / 2),
        "=\n".repeat(n / 2),
        "[[users]]\n".repeat(n / 10),
        "[a]\n".repeat(n / 4),
        "x".repeat(n - 4) + " = 1",
        (0..n / 10).map(|i| format!("k{i:05}=1\n")).collect::<String>(),
        format!("packages = [{}]", "\"aa\",".repeat(n / 5 - 4)),
        (0..40_000)
            .map(|i| format!("a{i}.b.c.d.e=1\n").chars().take(6).collect::<String>())
            .collect(),
    ] {
        let problems = parse(&text).unwrap_err();
        assert!(problems.len() <= 201, "{}", problems.len());
        assert!(problems.iter().all(|problem| problem.message.len() < 1000));
    }
    one_problem(&" ".repeat(n + 1), "", "may have 262144");
}

#[test]
fn unknown_packages_stand_at_their_lines_with_what_was_meant() {
    let text = with(
        "\"pciutils\",",
        "\"pciutil\",\n  \"no-such-thing\",\n  \"tmux/bookworm-backports\",\n  \"curl/trixie\",",
    );
    let recipe = parse(&text).unwrap();
    let known = parse(starter()).unwrap();
    let exists = |name: &str, suite: Option<&str>| match suite {
        None => known.packages.iter().any(|package| package == name),
        Some(suite) => (name, suite) == ("tmux", "bookworm-backports"),
    };
    let problems = unknown_packages(&recipe, &text, &exists);
    assert_eq!(
        problems.iter().map(|problem| problem.line).collect::<Vec<_>>(),
        ["\"pciutil\"", "no-such-thing", "curl/trixie", "package ="]
            .map(|needle| line_of(&text, needle))
    );
    assert!(problems[0].message.ends_with("did you mean \"pciutils\"?"), "{problems:#?}");
    assert!(problems[1].message.contains("bookworm (main) has no package \"no-such-thing\""));
    assert!(problems[2].message.contains("trixie (main) has no package \"curl\""));
    assert_eq!(unknown_packages(&recipe, &text, &|_, _| true), []);
}

#[test]
fn line_ends_of_browsers_become_plain() {
    let sent = starter().replace('\n', "\r\n");
    assert_eq!(normalised(&sent), starter());
    assert_eq!(parse(&normalised(&sent)), parse(starter()));
}

/// The starter with a hypervisor, a preseed and one more entry.
fn with_entry(entry: &str) -> String {
    format!(
        "{}\n[[kernels]]\nalias = \"xen-dev\"\nflavor = \"xen\"\npackage = \"xen-hypervisor-4.17-amd64\"\n\
         [[preseeds]]\nname = \"preseed.cfg\"\ncontent = \"d-i x\"\n\
         [[menu.entries]]\nlabel = \"more\"\ntext = \"More\"\n{entry}\n",
        starter()
    )
}

#[test]
fn entries_of_every_kind_are_read() {
    use crate::{
        kernel::{DOM0_ARGUMENTS, Flavor, HYPERVISOR_ARGUMENTS},
        manifest::BootEntry,
    };
    let last = |entry: &str| parse(&with_entry(entry)).unwrap().menu.entries.pop().unwrap();
    let xen = "kind = \"xen\"\nhypervisor = \"xen-dev\"\nkernel = \"vmlinuz-6.1.y\"";
    assert_eq!(last(xen).arguments(), [HYPERVISOR_ARGUMENTS, DOM0_ARGUMENTS]);
    let edited = format!("{xen}\nhypervisor_arguments = \"dom0_mem=1G\"\narguments = \"\"");
    assert_eq!(last(&edited).arguments(), ["dom0_mem=1G", ""]);
    let installer = "kind = \"installer\"\nkernel = \"http://m.example/linux\"\n\
                     initrd = \"http://m.example/initrd.gz\"\npreseed = \"preseed.cfg\"";
    assert!(matches!(
        last(installer),
        BootEntry::Installer { preseed: Some(name), .. } if name == "preseed.cfg"
    ));
    let chain = "kind = \"chain\"\nscript = \"http://b.example/x.ipxe\"";
    assert!(matches!(last(chain), BootEntry::Chain { .. }));
    let recipe = parse(&with_entry(chain)).unwrap();
    assert_eq!(recipe.kernels[1].flavor, Flavor::Xen);

    for (entry, needle, says) in [
        ("kind = \"xne\"", "kind = ", "did you mean \"xen\"?"),
        (&xen.replace("xen-dev", "vmlinuz-6.1.y"), "hypervisor = ", "is of flavor \"linux\""),
        (&xen.replace("xen-dev", "xen-dve"), "hypervisor = ", "did you mean \"xen-dev\"?"),
        (&installer.replace("preseed.cfg", "preseed.cgf"), "preseed = ", "no preseed is called"),
        (&installer.replace("http://m.example/linux", "linux"), "kernel = \"linux", "whole URL"),
        (&format!("{chain}\narguments = \"x\""), "arguments = \"x\"", "a chain entry has no key"),
        (&format!("{xen}\narguments = \"a || b\""), "a || b", "iPXE"),
    ] {
        let text = with_entry(&format!("{entry} # here"));
        let problems = parse(&text).unwrap_err();
        let found = problems.iter().find(|it| it.message.contains(says));
        let found = found.unwrap_or_else(|| panic!("{entry}: {problems:#?}"));
        assert!(text.lines().nth(found.line as usize - 1).unwrap().contains(needle), "{found:?}");
    }
    let unnamed = with_entry(chain).replace("flavor = \"xen\"\n", "");
    one_problem(&unnamed, "xen-hypervisor-4.17-amd64", "write flavor = \"xen\"");
    let preseed = with_entry(chain).replace("\"preseed.cfg\"", "\"rootfs.squashfs\"");
    one_problem(&preseed, "name = \"rootfs.squashfs\"", "no name of a preseed");
}

#[test]
fn a_playbook_and_a_script_are_read() {
    let with = |more: &str| with("[menu]", &format!("{more}\n\n[menu]"));
    let recipe =
        parse(&with("[playbook]\ncontent = \"- hosts: all\"\n[script]\ncontent = \"true\""));
    let recipe = recipe.unwrap();
    assert_eq!(recipe.playbook.unwrap().content, "- hosts: all");
    assert_eq!(recipe.script.unwrap().limit_seconds, 600);
    // What a form leaves where it was emptied is nothing.
    let recipe = parse(&with("[playbook]\n[script]")).unwrap();
    assert_eq!((recipe.playbook, recipe.script), (None, None));
    for (more, needle, says) in [
        ("[script]\nlimit_seconds = 5", "[script]", "needs \"content\""),
        ("[script]\ncontent = \" \"", "content = \" \"", "it is empty"),
        ("[script]\ncontent = \"x\"\nlimit_seconds = 0", "limit_seconds", "1 to 3600 seconds"),
        ("[playbook]\nfile = \"x.yml\"\ncontent = \"x\"", "file = ", "no key \"file\""),
    ] {
        one_problem(&with(more), needle, says);
    }
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in ".{0,400}") {
        let _ = parse(&text);
    }

    #[test]
    fn no_soup_of_toml_makes_it_panic(parts in proptest::collection::vec(
        prop::sample::select(vec![
            "[", "]", "[[", "]]", "{", "}", "=", ".", ",", "\n", "\"", "\"\"\"", "'", "#", "\\",
            "menu", "users", "kernels", "entries", "name", "path", "a", "1", "0x", "1.", "é",
            "menu.entries", "[menu]\n", "[[menu.entries]]\n", "[[users]]\n", "[users]\n", " ",
            "a.b = 1\n", "[a.b]\n", "[a]\n", "[[a]]\n", "\r", "\u{0}", "schema = 1\n",
        ]), 0..60)) {
        let text = parts.concat();
        if let Err(problems) = parse(&text) {
            let lines = u32::try_from(text.split('\n').count()).unwrap();
            prop_assert!(!problems.is_empty());
            prop_assert!(problems.iter().all(|problem| problem.line <= lines));
        }
    }

    #[test]
    fn a_changed_starter_never_panics(at in 0..starter().len(), with in ".{0,3}", cut in 0..40_usize) {
        let start = (0..=at).rev().find(|i| starter().is_char_boundary(*i)).unwrap();
        let end = (start + cut).min(starter().len());
        let text = format!("{}{with}{}", &starter()[..start], &starter()[end..]);
        if let Err(problems) = parse(&text) {
            prop_assert!(!problems.is_empty());
        }
    }

    #[test]
    fn a_problem_moves_with_its_line(above in 0..50_u32) {
        let bad = with("timeout_ms = 3000", "timeout_ms = 1");
        let moved = "# another line\n".repeat(above as usize) + &bad;
        let line = |text: &str| parse(text).unwrap_err()[0].line;
        prop_assert_eq!(line(&moved), line(&bad) + above);
    }

    #[test]
    fn lines_count_line_feeds(text in "[a\n]{0,80}", at in 0..80_usize) {
        let at = at.min(text.len());
        let expected = text[..at].matches('\n').count() + 1;
        prop_assert_eq!(Lines::of(&text).line(at) as usize, expected);
    }
}

#[test]
fn a_kernel_of_our_own_is_named_instead_of_a_package() {
    let text = format!(
        "{}\n[[kernels]]\nalias = \"vmlinuz-dev\"\nkernel = \"linux-6.1-lab\"\n\n\
         [[kernels]]\nalias = \"xen-dev\"\nflavor = \"xen\"\nkernel = \"xen-4.17\"\n",
        starter()
    );
    let recipe = parse(&text).unwrap();
    let own: Vec<_> = recipe.own_kernels().into_iter().collect();
    assert_eq!(own, [("linux-6.1-lab", Flavor::Linux), ("xen-4.17", Flavor::Xen)]);
    assert_eq!(recipe.kernel_packages().collect::<Vec<_>>(), ["linux-image-cloud-amd64"]);

    let known = |pairs: &[(&str, Flavor)]| {
        pairs.iter().map(|(name, flavor)| ((*name).to_owned(), *flavor)).collect()
    };
    let right = known(&[("linux-6.1-lab", Flavor::Linux), ("xen-4.17", Flavor::Xen)]);
    assert_eq!(unknown_kernels(&recipe, &text, &right), []);
    let wrong = known(&[("linux-6.1-labs", Flavor::Linux), ("xen-4.17", Flavor::Linux)]);
    let problems = unknown_kernels(&recipe, &text, &wrong);
    assert_eq!(problems[0].line, line_of(&text, "kernel = \"linux-6.1-lab\""));
    assert!(problems[0].message.contains("did you mean \"linux-6.1-labs\"?"), "{problems:?}");
    assert_eq!(problems[1].line, line_of(&text, "kernel = \"xen-4.17\""));
    assert!(problems[1].message.contains("flavor = \"linux\""), "{problems:?}");

    let both = text.replace("kernel = \"xen-4.17\"", "kernel = \"xen-4.17\"\npackage = \"xen\"");
    let message = &parse(&both).unwrap_err()[0].message;
    assert!(message.contains("not both"), "{message}");
    let no_name = text.replace("kernel = \"xen-4.17\"", "kernel = \"../etc\"");
    let message = &parse(&no_name).unwrap_err()[0].message;
    assert!(message.contains("names none"), "{message}");
}

#[test]
fn a_kernel_may_come_from_another_suite() {
    let kernel = "package = \"linux-image-cloud-amd64";
    let pinned = |suite: &str| starter().replace(kernel, &format!("{kernel}/{suite}"));
    let recipe = parse(&pinned("bookworm-backports")).unwrap();
    assert_eq!(
        recipe.kernel_packages().collect::<Vec<_>>(),
        ["linux-image-cloud-amd64/bookworm-backports"]
    );
    assert_eq!(recipe.pinned_suites(), ["bookworm-backports"]);
    // What the archive lacks is looked for in that suite, and told at the kernel's line.
    let text = pinned("bookworm-backports");
    let exists = |_: &str, suite: Option<&str>| suite.is_none();
    let problems = unknown_packages(&recipe, &text, &exists);
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert_eq!(problems[0].line, line_of(&text, kernel));
    assert!(problems[0].message.starts_with("bookworm-backports (main"), "{problems:?}");
    // It is the same package, whatever suite it is from.
    let twice = text.replace("\"pciutils\"", "\"linux-image-cloud-amd64\"");
    let message = &parse(&twice).unwrap_err()[0].message;
    assert!(message.contains("comes with the kernel of line"), "{message}");
    assert!(parse(&pinned("testing")).is_err());
}
