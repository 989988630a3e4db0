//! Values go into a text and come back the same; everything else stays.

use super::*;
use crate::recipe::{parse, starter};

/// The same small recipe in the ways in which TOML lets people write it.
pub(super) const WRITTEN: [&str; 7] = [
    "",
    "# only a comment",
    // As the starter, with comments everywhere.
    "# top\nschema = 1 # kept 1\n  suite = 'bookworm' # kept 2\narchitecture = \"amd64\"\n\
     components = [ \"main\", 'contrib' ] # kept 3\n\
     packages = [ # kept 4\n  # kept 5\n  \"systemd\", # with systemd\n  \"udev\"\n  # kept 6\n]\n\
     # kept 7\nissue = '''\nhello \\n\n'''\n\n# kept 8\n[[users]] # with the table\nname = \"root\"\n\
     # inside\npassword = \"debian\" # kept 9\n# kept 10\n\n# of ann\n[[users]]\nname = \"ann\"\n\
     groups = [\"sudo\"]\n\n# kept 11\n[[files]]\npath = \"/etc/motd\"\ncontent = \"\"\"\na\nb\"\"\"\n\
     [services]\nenable = [\"ssh\"]\n# kept 12\ndisable = []\n\n[[kernels]]\nalias = \"k\"\n\
     package = \"linux-image-amd64\"\n[menu]\ndefault = \"a\" # kept 13\n\n\
     [[menu.entries]]\nlabel = \"a\"\ntext = \"A\"\nkernel = \"k\"\narguments = \"quiet\"\n# kept 14",
    // Everything in brackets and braces.
    "suite = \"bookworm\"\npackages = [\"a1\", \"b1\", \"c1\",]\nusers = [{ name = \"root\", groups = [\"sudo\", \"adm\"] }, {name=\"ann\"}]\n\
     files = []\nservices = { enable = [\"ssh\"] }\nkernels = [\n  { alias = \"k\", package = \"p1\" }, # one\n  { alias = \"l\", package = \"p2\" },\n]\n\
     menu = { default = \"a\", entries = [{ label = \"a\", text = \"A\", kernel = \"k\", root = \"http\" }] }\n",
    // Keys with a common beginning.
    "menu.default = \"a\"\nservices.enable = [\"ssh\"]\nmenu.timeout_ms = 0x1388\nusers = []\nsuite = \"sid\"\n",
    // A menu that exists by its entries only, values of other shapes, keys of no recipe.
    "suite = 7\npackages = [\"x1\", 8, \"y z\\nw\", \"z1\"]\nissue = \"\"\ncolour = \"red\"\n\
     [[menu.entries]]\nlabel = \"a\"\nroot = \"nfs\"\n[[menu.entries]]\n[other]\nx = 1\n[[users]]\n[users.more]\ny = 2\n",
    // Several on a line, and brackets that close anywhere.
    "packages = [\n  \"a1\", \"b1\",\n  \"c1\", # c\n  \"d1\" ]\nmirror = \"http://mirror.example\"\n[services]\nenable = [\n]\ndisable = [ # none\n]",
];

fn change(text: &str, change: impl FnOnce(&mut RecipeForm)) -> String {
    let mut form = read(text).unwrap();
    change(&mut form);
    let changed = apply(text, &form).unwrap();
    assert_eq!(read(&changed).unwrap(), form);
    changed
}

pub(super) fn set(form: &mut RecipeForm, group: Group, row: usize, key: &str, value: &str) {
    let field = group.fields().iter().position(|field| field.key == key).unwrap();
    form.rows_mut(group)[row].0[field] = group.fields()[field].kind.held(value);
}

/// What `change` does to the starter, as the lines that went and came.
fn lines(change_it: impl FnOnce(&mut RecipeForm)) -> Vec<String> {
    let changed = change(starter(), change_it);
    crate::text_diff::diff(starter(), &changed)
        .into_iter()
        .filter(|line| matches!(line.kind.sign(), "+" | "-"))
        .map(|line| format!("{}{}", line.kind.sign(), line.text))
        .collect()
}

#[test]
fn the_starter_is_read_whole() {
    let form = read(starter()).unwrap();
    let recipe = parse(starter()).unwrap();
    assert_eq!(form.value(Group::System, 0, "suite"), recipe.suite);
    assert_eq!(form.value(Group::System, 0, "packages"), recipe.packages.join("\n"));
    assert_eq!(form.value(Group::System, 0, "issue"), recipe.issue.unwrap());
    assert_eq!(form.value(Group::Users, 0, "password"), "debian");
    assert_eq!(form.value(Group::Files, 0, "content"), recipe.files[0].content);
    assert_eq!(form.value(Group::Services, 0, "enable"), "ssh\nsystemd-networkd");
    assert_eq!(form.value(Group::Menu, 0, "timeout_ms"), "3000");
    assert_eq!(form.value(Group::Entries, 0, "root"), "http");
    assert_eq!(form.value(Group::Entries, 1, "root"), "");
    assert_eq!(form.rows(Group::Kernels)[0].title(), "vmlinuz-6.1.y");
}

#[test]
fn a_change_touches_its_own_lines_only() {
    assert_eq!(
        lines(|form| set(form, Group::System, 0, "suite", "trixie")),
        ["-suite = \"bookworm\"", "+suite = \"trixie\""]
    );
    assert_eq!(
        lines(|form| set(form, Group::System, 0, "mirror", "http://mirror.example/debian")),
        ["+mirror = \"http://mirror.example/debian\""]
    );
    assert_eq!(
        lines(|form| set(form, Group::System, 0, "components", "")),
        ["-components = [\"main\"]"]
    );
    let packages = |form: &RecipeForm| form.value(Group::System, 0, "packages").to_owned();
    assert_eq!(
        lines(|form| {
            let changed = packages(form).replace("udev", "eudev").replace("dbus\n", "dbus\nvim\n");
            set(form, Group::System, 0, "packages", &changed);
        }),
        ["-  \"udev\",", "+  \"eudev\",", "+  \"vim\","]
    );
    assert_eq!(
        lines(|form| {
            let changed = packages(form).replace("kmod\n", "") + "\nvim";
            set(form, Group::System, 0, "packages", &changed);
        }),
        ["-  \"kmod\",", "+  \"vim\","]
    );
    assert_eq!(
        lines(|form| set(form, Group::Services, 0, "enable", "ssh\nnginx\nsystemd-networkd")),
        [
            "-enable = [\"ssh\", \"systemd-networkd\"]",
            "+enable = [\"ssh\", \"nginx\", \"systemd-networkd\"]"
        ]
    );
    assert_eq!(
        lines(|form| set(form, Group::Services, 0, "enable", "ssh")),
        ["-enable = [\"ssh\", \"systemd-networkd\"]", "+enable = [\"ssh\"]"]
    );
    assert_eq!(lines(|form| set(form, Group::Menu, 0, "timeout_ms", "")), ["-timeout_ms = 3000"]);
    assert_eq!(
        lines(|form| set(form, Group::Users, 0, "ssh_keys", "ssh-ed25519 AAAA me")),
        ["+ssh_keys = [\"ssh-ed25519 AAAA me\"]"]
    );
}

#[test]
fn tables_come_and_go_with_their_lines() {
    assert_eq!(
        lines(|form| {
            form.add_row(Group::Users).unwrap();
            set(form, Group::Users, 1, "name", "ann");
            set(form, Group::Users, 1, "groups", "sudo  adm");
        }),
        ["+[[users]]", "+name = \"ann\"", "+groups = [\"sudo\", \"adm\"]", "+"]
    );
    assert_eq!(
        lines(|form| form.add_row(Group::Entries).unwrap()),
        ["+", "+[[menu.entries]]", "+label = \"\"", "+text = \"\"", "+kernel = \"vmlinuz-6.1.y\""]
    );
    // What speaks of all accounts stays without any.
    assert_eq!(
        lines(|form| form.remove_row(Group::Users, 0).unwrap()),
        ["-[[users]]", "-name = \"root\"", "-password = \"debian\""]
    );
    let text = WRITTEN[2];
    let without_ann = change(text, |form| form.remove_row(Group::Users, 1).unwrap());
    let expected = text.replace("# of ann\n[[users]]\nname = \"ann\"\ngroups = [\"sudo\"]\n\n", "");
    assert_eq!(without_ann, expected);
}

#[test]
fn tables_in_braces_are_changed_in_place() {
    let text = WRITTEN[3];
    let changed = change(text, |form| {
        set(form, Group::Users, 0, "groups", "sudo");
        set(form, Group::Users, 1, "password", "x");
        form.add_row(Group::Kernels).unwrap();
        set(form, Group::Services, 0, "enable", "");
    });
    let expected = text
        .replace("[\"sudo\", \"adm\"]", "[\"sudo\"]")
        .replace("{name=\"ann\"}", "{name=\"ann\", password = \"x\"}")
        .replace(
            "{ alias = \"l\", package = \"p2\" },\n",
            "{ alias = \"l\", package = \"p2\" },\n  { alias = \"\" },\n",
        )
        .replace("[\"ssh\"]", "[]");
    assert_eq!(changed, expected);
}

#[test]
fn a_table_that_is_new_stands_where_it_belongs() {
    let changed = change("suite = \"sid\"\n\n[menu]\ndefault = \"a\"\n", |form| {
        set(form, Group::Services, 0, "enable", "ssh");
        form.add_row(Group::Files).unwrap();
        form.add_row(Group::Entries).unwrap();
        set(form, Group::Menu, 0, "timeout_ms", "5000");
    });
    assert_eq!(
        changed,
        "suite = \"sid\"\n\n[[files]]\npath = \"\"\ncontent = \"\"\n\n[services]\nenable = [\"ssh\"]\n\n\
         [menu]\ndefault = \"a\"\ntimeout_ms = 5000\n\n[[menu.entries]]\nlabel = \"\"\ntext = \"\"\n"
    );
}

#[test]
fn quotes_stay_as_they_were() {
    let text = "suite = 'bookworm'\nissue = '''\na\\b\n'''\n";
    let changed = change(text, |form| {
        set(form, Group::System, 0, "suite", "sid");
        set(form, Group::System, 0, "issue", "a\\c\n");
    });
    assert_eq!(changed, "suite = 'sid'\nissue = '''\na\\c\n'''\n");
    let changed = change(text, |form| {
        set(form, Group::System, 0, "suite", "it's");
        set(form, Group::System, 0, "issue", "'''\"\"\" \"\"\n\u{7}\"");
    });
    assert_eq!(
        changed,
        "suite = \"it's\"\nissue = \"\"\"\n'''\\\"\\\"\" \\\"\"\n\\u0007\\\"\"\"\"\n"
    );
}

#[test]
fn what_is_no_toml_is_left_alone() {
    let mut form = read(starter()).unwrap();
    set(&mut form, Group::System, 0, "suite", "sid");
    let broken = starter().replace("udev\"", "udev");
    let line = 1 + broken.lines().position(|line| line.contains("udev")).unwrap();
    let Err(Fault::Unreadable(problem)) = apply(&broken, &form) else { panic!("it is readable") };
    assert_eq!(usize::try_from(problem.line).unwrap(), line);
    let seen = Seen::of(&read(starter()).unwrap());
    let fault = step(&seen, &form, &broken, Latest::Form).unwrap_err();
    assert!(fault.to_string().contains(&format!("line {line} ")), "{fault}");
    let long = format!("# {}", "x".repeat(crate::recipe::LONGEST_TEXT));
    assert_eq!(read(&long).unwrap_err().line, 0);
}

#[test]
fn what_the_form_cannot_change_is_said() {
    for (text, group, key, word) in [
        ("[suite]\nx = 1\n", Group::System, "suite", "suite"),
        ("services = 7\n", Group::Services, "enable", "enable"),
    ] {
        let mut form = read(text).unwrap();
        set(&mut form, group, 0, key, "x");
        assert_eq!(apply(text, &form), Err(Fault::Unfit(word)), "{text}");
    }
    let mut form = read("users = \"x\"\n").unwrap();
    form.add_row(Group::Users).unwrap();
    assert_eq!(apply("users = \"x\"\n", &form), Err(Fault::Unfit("users")));
    let mut form = RecipeForm::default();
    let long = "x\n".repeat(crate::recipe::LONGEST_TEXT);
    set(&mut form, Group::System, 0, "issue", &long);
    assert!(matches!(apply("", &form), Err(Fault::TooLong(_))));
}

#[test]
fn changes_of_both_sides_come_together() {
    let before = read(starter()).unwrap();
    let seen = Seen::of(&before);
    let seen: Seen = seen.to_string().parse().unwrap();
    let text = starter().replace("timeout_ms = 3000", "timeout_ms = 5000");
    let mut form = before.clone();
    assert_eq!(step(&seen, &form, &text, Latest::Unknown).as_deref(), Ok(&*text));
    set(&mut form, Group::System, 0, "suite", "sid");
    let both = text.replace("\"bookworm\"", "\"sid\"");
    assert_eq!(step(&seen, &form, &text, Latest::Unknown).as_deref(), Ok(&*both));

    set(&mut form, Group::Menu, 0, "timeout_ms", "7000");
    let conflict = step(&seen, &form, &text, Latest::Unknown);
    assert_eq!(conflict, Err(Fault::Conflict(vec!["timeout_ms"])));
    assert!(
        conflict.unwrap_err().to_string().starts_with("\"timeout_ms\" was changed in the form")
    );
    assert_eq!(step(&seen, &form, &text, Latest::Text).as_deref(), Ok(&*both));
    let forms = both.replace("5000", "7000");
    assert_eq!(step(&seen, &form, &text, Latest::Form).as_deref(), Ok(&*forms));
    // The same change on both sides is none to decide.
    assert_eq!(step(&seen, &form, &forms, Latest::Unknown).as_deref(), Ok(&*forms));
    for other in ["", "x", &seen.to_string()[1..], &format!("{seen}.0123456789ab")] {
        assert_eq!(other.parse::<Seen>(), Err(Malformed), "{other}");
    }
}

#[test]
fn rows_are_removed_only_where_they_are() {
    let mut form = read(starter()).unwrap();
    assert_eq!(form.remove_row(Group::Users, 1), Err(NoSuchRow));
    assert_eq!(form.remove_row(Group::Users, usize::MAX), Err(NoSuchRow));
    assert_eq!(form.remove_row(Group::Menu, 0), Err(NoSuchRow));
    assert_eq!(form.add_row(Group::System), Err(NoSuchRow));
}

pub(super) fn sent(fields: &[(String, String)]) -> Result<RecipeForm, Malformed> {
    from_fields(fields.iter().map(|(name, value)| (name.as_str(), value.as_str())))
}

#[test]
fn a_form_that_was_not_sent_whole_is_none() {
    let fields = to_fields(&read(WRITTEN[2]).unwrap());
    assert!(sent(&fields).is_ok());
    for index in 0..fields.len() {
        let mut without = fields.clone();
        without.remove(index);
        // A kernel is whole without an entry, an entry is not without its label.
        assert_eq!(sent(&without), Err(Malformed), "without {}", fields[index].0);
        let mut twice = fields.clone();
        twice.push(fields[index].clone());
        assert_eq!(sent(&twice), Err(Malformed), "twice {}", fields[index].0);
    }
    for unknown in [
        "form.",
        "form.users",
        "form.users.0",
        "form.users.0.colour",
        "form.users.00.name",
        "form.users.+1.name",
        "form.users.-1.name",
        "form.users.99999999999999999999999.name",
        "form.users.name",
        "form.system.0.suite",
        "form.nothing.x",
    ] {
        let mut more = fields.clone();
        more.push((unknown.to_owned(), String::new()));
        assert_eq!(sent(&more), Err(Malformed), "{unknown}");
    }
    let mut other = fields;
    other.push(("text".to_owned(), "x".to_owned()));
    assert!(sent(&other).is_ok());
}

/// Comparing each element with each would take minutes.
#[test]
fn lists_as_long_as_a_text_may_be_are_quick() {
    let names = |letter: char| (0..20_000).map(|n| format!("{letter}{n}\n")).collect::<String>();
    let mut form = RecipeForm::default();
    set(&mut form, Group::System, 0, "packages", &names('a'));
    let text = apply("", &form).unwrap();
    set(&mut form, Group::System, 0, "packages", &names('b'));
    let started = std::time::Instant::now();
    apply(&text, &form).unwrap();
    let users = "[[users]]\nname=\"a\"\n".repeat(10_000);
    let mut form = read(&users).unwrap();
    for row in 0..10_000 {
        set(&mut form, Group::Users, row, "name", &format!("b{row}"));
    }
    apply(&users, &form).unwrap();
    assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
}
