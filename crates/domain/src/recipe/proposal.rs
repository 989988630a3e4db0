//! Proposes a recipe for a rootfs that was put together elsewhere: its suite, the packages that
//! somebody asked for, its kernels and its menu.
//!
//! What was done to such a rootfs by hand stands nowhere, so a build of the proposal is not the same
//! rootfs: the text says so, and is a place to start from.

use std::collections::{BTreeMap, BTreeSet};

use super::syntax;
use crate::{import::ConsoleLogin, kernel::Flavor, manifest::EntryKind, menu::reader::ReadMenu};

/// The suite where nothing says which one it is.
const UNKNOWN_SUITE: &str = "bookworm";
/// Accounts of people have these ids in a Debian (policy §9.2.2).
const PEOPLE: std::ops::Range<u32> = 1000..60000;
/// How many accounts are named in a comment.
const MOST_ACCOUNTS: usize = 20;

/// What is read of a rootfs, as its files have it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RootfsFacts {
    /// `etc/os-release` (os-release(5)).
    pub os_release: String,
    /// `etc/apt/sources.list` and all of `sources.list.d`, one-line or deb822 (sources.list(5)).
    pub sources: String,
    /// `var/lib/dpkg/status` (deb-control(5)).
    pub status: String,
    /// `var/lib/apt/extended_states`, which says what apt installed by itself.
    pub extended_states: String,
    /// `etc/passwd` (passwd(5)).
    pub passwd: String,
}

/// A kernel of an import, as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BroughtKernel {
    /// Its alias.
    pub alias: String,
    /// What it is.
    pub flavor: Flavor,
    /// The package that it is of, or would be: `linux-image-4.14.71`.
    pub package: String,
}

/// Writes the proposal; [`super::parse`] accepts it.
#[must_use]
pub fn propose(
    facts: &RootfsFacts,
    login: &ConsoleLogin,
    kernels: &[BroughtKernel],
    menu: &ReadMenu,
) -> String {
    let suite = suite(facts);
    let components = components(facts, suite.as_deref());
    let installed = installed(&facts.status);
    let of_kernels: BTreeSet<&str> = kernels.iter().map(|it| it.package.as_str()).collect();
    let packages = wanted(&installed, &facts.extended_states)
        .into_iter()
        .filter(|name| !of_kernels.contains(name) && syntax::package(name).is_ok());
    let mut text = String::new();
    let mut line = |it: &str| {
        text.push_str(it);
        text.push('\n');
    };
    line(
        "# Proposed by an import, from what its rootfs says of itself. A build of this is not the",
    );
    line(
        "# imported release: files that were changed by hand, services that were switched on or off,",
    );
    line("# and packages from elsewhere are not in it. Look it through before you build it.");
    line("schema = 1");
    if suite.is_none() {
        line("# The rootfs does not say which Debian it is.");
    }
    line(&format!("suite = {}", quoted(suite.as_deref().unwrap_or(UNKNOWN_SUITE))));
    line("architecture = \"amd64\"");
    line(&format!(
        "components = [{}]",
        components.iter().map(|it| quoted(it)).collect::<Vec<_>>().join(", ")
    ));
    line("");
    line("# What somebody asked apt for, and nothing else brings along.");
    line("packages = [");
    for package in packages {
        line(&format!("  {},", quoted(package)));
    }
    line("]");
    line("");
    line("# The account that the import named. The passwords of others cannot be read.");
    for account in accounts(&facts.passwd, &login.user) {
        line(&format!("# The rootfs also has the account {account}."));
    }
    line("[[users]]");
    line(&format!("name = {}", quoted(&login.user)));
    line(&format!("password = {}", quoted(&login.password)));
    for kernel in kernels {
        line("");
        line(
            "# Brought along: where the archive does not have this package, add the kernel here first.",
        );
        line("[[kernels]]");
        line(&format!("alias = {}", quoted(&kernel.alias)));
        if kernel.flavor == Flavor::Xen {
            line("flavor = \"xen\"");
        }
        line(&format!("package = {}", quoted(&kernel.package)));
    }
    line("");
    line("[menu]");
    line(&format!("default = {}", quoted(&menu.default)));
    line(&format!("timeout_ms = {}", menu.timeout_ms));
    for entry in &menu.entries {
        line("");
        line("[[menu.entries]]");
        line(&format!("label = {}", quoted(entry.label())));
        for (name, value) in entry.fields() {
            // Both are what an entry is where nothing is said.
            let said = !((name == "root" && value == super::RootMethod::default().word())
                || (name == "kind" && entry.kind() == EntryKind::Linux));
            if said {
                line(&format!("{name} = {}", quoted(&value)));
            }
        }
    }
    for unread in &menu.unread {
        line("");
        line(&format!("# Not read: {} ({})", plain(&unread.text), plain(&unread.reason)));
    }
    text
}

/// `text` as a TOML string: what JSON escapes, TOML reads.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string().replace('\u{7f}', "\\u007F")
}

/// `text` as it can stand in a comment.
fn plain(text: &str) -> String {
    text.chars().map(|it| if it.is_control() { ' ' } else { it }).take(200).collect()
}

/// The code name: what os-release says, else what the sources name first.
fn suite(facts: &RootfsFacts) -> Option<String> {
    let field = |name: &str| {
        facts.os_release.lines().find_map(|line| {
            Some(line.strip_prefix(name)?.strip_prefix('=')?.trim().trim_matches('"').to_owned())
        })
    };
    // Debian 9 had no VERSION_CODENAME yet, but VERSION="9 (stretch)".
    let in_brackets = || {
        let version = field("VERSION")?;
        Some(version.split_once('(')?.1.split_once(')')?.0.to_owned())
    };
    let in_sources = || sources(&facts.sources).into_iter().next().map(|(suite, _)| suite);
    [field("VERSION_CODENAME"), in_brackets(), in_sources()]
        .into_iter()
        .flatten()
        .find(|name| syntax::suite(name).is_ok())
}

/// The components of the suite's own sources; `main` where there are none.
fn components(facts: &RootfsFacts, suite: Option<&str>) -> Vec<String> {
    let mut components = Vec::new();
    for (named, parts) in sources(&facts.sources) {
        if Some(named.as_str()) != suite {
            continue;
        }
        for part in parts {
            if !components.contains(&part) && syntax::component(&part).is_ok() {
                components.push(part);
            }
        }
    }
    if components.is_empty() { vec!["main".to_owned()] } else { components }
}

/// Suites and components that apt is told to use.
fn sources(text: &str) -> Vec<(String, Vec<String>)> {
    let words = |text: &str| text.split_whitespace().map(ToOwned::to_owned).collect::<Vec<_>>();
    let mut found = Vec::new();
    for line in text.lines().filter_map(|line| line.trim().strip_prefix("deb ")) {
        let options = line.split_once(']').filter(|_| line.trim_start().starts_with('['));
        let rest = words(options.map_or(line, |(_, rest)| rest));
        if let [_, suite, components @ ..] = &rest[..] {
            found.push((suite.clone(), components.to_vec()));
        }
    }
    for stanza in text.split("\n\n") {
        let field = |name: &str| {
            stanza.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(words)
        };
        if let (Some(suites), Some(components)) = (field("Suites"), field("Components")) {
            found.extend(suites.into_iter().map(|suite| (suite, components.clone())));
        }
    }
    found
}

/// An installed package.
struct Installed<'a> {
    /// Essential, or so important that every build has it.
    given: bool,
    /// What it needs: names, whatever their versions and alternatives.
    needs: Vec<&'a str>,
}

fn field<'a>(stanza: &'a str, name: &str) -> Option<&'a str> {
    stanza.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
}

fn installed(status: &str) -> BTreeMap<&str, Installed<'_>> {
    let stanzas = status
        .split("\n\n")
        .filter(|stanza| field(stanza, "Status") == Some("install ok installed"));
    let package = |stanza| {
        let needs = ["Depends", "Pre-Depends"].into_iter().filter_map(|name| field(stanza, name));
        let one = |it: &'_ str| it.trim().split([' ', ':', '(']).next().unwrap_or_default().len();
        let needs =
            needs.flat_map(|list| list.split([',', '|'])).map(|it| &it.trim()[..one(it)]).collect();
        let given = field(stanza, "Essential") == Some("yes")
            || field(stanza, "Priority") == Some("required");
        Some((field(stanza, "Package")?, Installed { given, needs }))
    };
    stanzas.filter_map(package).collect()
}

/// The packages that somebody asked for: those that apt did not install by itself. Where apt has
/// written nothing down, those that no other needs.
fn wanted<'a>(installed: &BTreeMap<&'a str, Installed<'a>>, states: &str) -> Vec<&'a str> {
    let automatic: BTreeSet<&str> = states
        .split("\n\n")
        .filter(|stanza| field(stanza, "Auto-Installed") == Some("1"))
        .filter_map(|stanza| field(stanza, "Package"))
        .collect();
    let needed: BTreeSet<&str> =
        installed.values().flat_map(|it| it.needs.iter().copied()).collect();
    let by_itself = if automatic.is_empty() { &needed } else { &automatic };
    installed
        .iter()
        .filter(|(name, package)| !package.given && **name != "apt" && !by_itself.contains(*name))
        .map(|(name, _)| *name)
        .collect()
}

/// People's accounts besides the one that is known.
fn accounts<'a>(passwd: &'a str, known: &str) -> Vec<&'a str> {
    let account = |line: &'a str| {
        let fields: Vec<&str> = line.split(':').collect();
        let (name, id) = (*fields.first()?, fields.get(2)?.parse().ok()?);
        (PEOPLE.contains(&id) && name != known && syntax::account(name)).then_some(name)
    };
    passwd.lines().filter_map(account).take(MOST_ACCOUNTS).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        menu::reader,
        recipe::{console_login, parse, starter},
    };

    const STATUS: &str = "Package: bash\nEssential: yes\nStatus: install ok installed\nPriority: required\nVersion: 5\nArchitecture: amd64\n\n\
        Package: openssh-server\nStatus: install ok installed\nPriority: optional\nDepends: libc6 (>= 2.24), libssl1.1 | libssl1.0:any, adduser\n\n\
        Package: libssl1.1\nStatus: install ok installed\nPriority: optional\n\n\
        Package: adduser\nStatus: install ok installed\nPriority: important\n\n\
        Package: gone\nStatus: deinstall ok config-files\nPriority: optional\n\n\
        Package: linux-image-4.14.71\nStatus: install ok installed\nPriority: optional\n";

    fn facts() -> RootfsFacts {
        RootfsFacts {
            os_release: "PRETTY_NAME=\"Debian GNU/Linux 9 (stretch)\"\nVERSION=\"9 (stretch)\"\n"
                .to_owned(),
            sources: "# x\ndeb [arch=amd64] http://a.example/debian stretch main contrib\n\
                deb http://a.example/debian stretch-backports main non-free\n"
                .to_owned(),
            status: STATUS.to_owned(),
            extended_states: String::new(),
            passwd: "root:x:0:0::/root:/bin/bash\ndebian:x:1000:1000::/home/debian:/bin/bash\nnobody:x:65534:65534::/:/bin/false\n".to_owned(),
        }
    }

    fn login() -> ConsoleLogin {
        ConsoleLogin { user: "root".to_owned(), password: "de\"bian\\".to_owned() }
    }

    fn kernels() -> Vec<BroughtKernel> {
        [
            ("vmlinuz-4.14.y", Flavor::Linux, "linux-image-4.14.71"),
            ("xen-dev", Flavor::Xen, "xen-hypervisor-4.8-amd64"),
        ]
        .into_iter()
        .map(|(alias, flavor, package)| BroughtKernel {
            alias: alias.to_owned(),
            flavor,
            package: package.to_owned(),
        })
        .collect()
    }

    fn menu() -> ReadMenu {
        let text = "item a Debian stable\nitem b Xen dev\nitem c Lost\nchoose x\n:a\n\
            kernel kernels/vmlinuz-4.14.y nfsroot=h:/d console=ttyS0\nboot\n:b\n\
            kernel kernels/xen-dev com1=1\nmodule kernels/vmlinuz-4.14.y nfsroot=h:/d\nboot\n";
        let kernels = kernels().into_iter().map(|it| (it.alias, it.flavor)).collect();
        reader::read(text, &kernels)
    }

    #[test]
    fn a_proposal_is_a_recipe_with_what_is_known() {
        let text = propose(&facts(), &login(), &kernels(), &menu());
        let recipe = parse(&text).unwrap_or_else(|problems| panic!("{problems:#?}\n{text}"));
        assert_eq!((recipe.suite.as_str(), recipe.components.len()), ("stretch", 2));
        assert_eq!(recipe.packages, ["openssh-server"]);
        assert_eq!(console_login(&recipe), Some(("root", "de\"bian\\")));
        assert_eq!(recipe.menu.entries, menu().entries);
        assert_eq!(recipe.kernels.len(), 2);
        assert!(text.contains("# The rootfs also has the account debian."));
        assert!(text.contains("# Not read: Lost (no line \":c\""), "{text}");
    }

    #[test]
    fn what_apt_installed_by_itself_is_left_out() {
        let states = "Package: adduser\nArchitecture: amd64\nAuto-Installed: 1\n\n\
            Package: openssh-server\nArchitecture: amd64\nAuto-Installed: 0\n";
        let facts = RootfsFacts { extended_states: states.to_owned(), ..facts() };
        let recipe = parse(&propose(&facts, &login(), &kernels(), &menu())).unwrap();
        assert_eq!(recipe.packages, ["libssl1.1", "openssh-server"]);
    }

    #[test]
    fn suites_are_found_wherever_they_are_named() {
        let of = |os_release: &str, sources: &str| {
            let facts = RootfsFacts {
                os_release: os_release.to_owned(),
                sources: sources.to_owned(),
                ..RootfsFacts::default()
            };
            (suite(&facts), components(&facts, suite(&facts).as_deref()))
        };
        let main = vec!["main".to_owned()];
        assert_eq!(
            of("VERSION_CODENAME=bookworm\n", ""),
            (Some("bookworm".to_owned()), main.clone())
        );
        let deb822 = "Types: deb\nURIs: http://a.example\nSuites: sid\nComponents: main contrib\n";
        assert_eq!(
            of("", deb822),
            (Some("sid".to_owned()), vec!["main".to_owned(), "contrib".to_owned()])
        );
        assert_eq!(of("VERSION_CODENAME=../../x\n", "deb http://a stable main\n"), (None, main));
        assert!(parse(starter()).is_ok_and(|it| it.suite == UNKNOWN_SUITE));
    }

    proptest! {
        #[test]
        fn whatever_a_rootfs_says_the_proposal_can_be_read(
            os_release in "(VERSION_CODENAME=|VERSION=\"9 \\()?(?s).{0,40}",
            sources in "(deb |Suites: )?(?s).{0,60}",
            names in prop::collection::vec("(?s).{0,12}", 0..6),
            accounts in prop::collection::vec("(?s).{0,12}", 0..4),
        ) {
            let status: String = names
                .iter()
                .map(|it| format!("Package: {it}\nStatus: install ok installed\nDepends: {it}x, é\n\n"))
                .collect();
            let passwd: String = accounts.iter().map(|it| format!("{it}:x:1001:\n")).collect();
            let facts = RootfsFacts { os_release, sources, status, passwd, ..facts() };
            let text = propose(&facts, &login(), &kernels(), &menu());
            prop_assert!(parse(&text).is_ok(), "{:?}\n{text}", parse(&text));
        }
    }
}
