//! What the build host is: the mirror that its own apt uses, and the tools that steps run.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use process::{Invocation, Spawner};

/// How long the host's apt is taken to use the mirror that it used: it takes half a second to say.
const FRESH: Duration = Duration::from_secs(300);

/// Packages whose programs shape what a step gives: their versions are part of every step's key.
const TOOLS: [&str; 8] =
    ["apt", "bubblewrap", "cpio", "dpkg", "kmod", "mmdebstrap", "squashfs-tools", "tar"];

/// Packages whose programs shape what a compiled kernel is. A pattern stands for the versions of a
/// compiler, of which one is used.
const TOOLCHAIN: [&str; 30] = [
    "bc",
    "binutils",
    "bison",
    "bzip2",
    "coreutils",
    "cpio",
    "cpp-[0-9]*",
    "dash",
    "dpkg",
    "dpkg-dev",
    "findutils",
    "flex",
    "gawk",
    "gcc",
    "gcc-[0-9]*",
    "gzip",
    "kmod",
    "libc6-dev",
    "libelf-dev",
    "liblzma5",
    "libssl-dev",
    "linux-libc-dev",
    "m4",
    "make",
    "mawk",
    "pahole",
    "perl-base",
    "python3",
    "rsync",
    "sed",
];

/// Packages that play a playbook.
const ANSIBLE: [&str; 3] = ["ansible", "ansible-core", "python3"];

/// Versions of what plays a playbook, a line each, in a fixed order.
pub(crate) fn ansible_versions(spawner: &Spawner) -> Vec<String> {
    versions(spawner, &ANSIBLE)
}

/// Versions of the tools, a line each, in a fixed order.
pub(crate) fn tool_versions(spawner: &Spawner) -> Vec<String> {
    versions(spawner, &TOOLS)
}

/// Versions of what compiles kernels, a line each, in a fixed order.
pub(crate) fn toolchain_versions(spawner: &Spawner) -> Vec<String> {
    versions(spawner, &TOOLCHAIN)
}

fn versions(spawner: &Spawner, packages: &[&str]) -> Vec<String> {
    let query = Invocation::new("dpkg-query")
        .args(["-W", "-f", "${db:Status-Status} ${Package} ${Version}\\n"])
        .args(packages);
    let output = spawner.output(&query).map(|it| it.stdout).unwrap_or_default();
    let mut lines: Vec<String> = String::from_utf8_lossy(&output)
        .lines()
        .filter_map(|line| line.strip_prefix("installed "))
        .map(str::to_owned)
        .collect();
    lines.sort();
    lines
}

/// The mirrors of this host's own apt by suite, and when it was asked.
#[derive(Debug, Default)]
pub(crate) struct OwnMirrors(Mutex<HashMap<String, (Instant, String)>>);

impl OwnMirrors {
    /// The mirror from which this host's own apt takes `suite`, or any other of Debian where it does
    /// not know the suite.
    pub(crate) fn of(&self, spawner: &Spawner, suite: &str) -> Option<String> {
        let known = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, mirror)) = known().get(suite)
            && at.elapsed() < FRESH
        {
            return Some(mirror.clone());
        }
        let mirror = own_mirror(spawner, suite)?;
        known().insert(suite.to_owned(), (Instant::now(), mirror.clone()));
        Some(mirror)
    }
}

fn own_mirror(spawner: &Spawner, suite: &str) -> Option<String> {
    let question = Invocation::new("apt-get").args([
        "indextargets",
        "--format",
        "$(CREATED_BY)\t$(CODENAME)\t$(ORIGIN)\t$(SITE)",
    ]);
    let known = spawner.output(&question).map(|it| it.stdout).unwrap_or_default();
    let text = String::from_utf8_lossy(&known).into_owned();
    choose(&text, suite).or_else(|| from_sources(suite))
}

/// The suite that this host itself runs, where it says so (os-release(5)).
pub(crate) fn own_suite() -> Option<String> {
    let text = std::fs::read_to_string("/etc/os-release").ok()?;
    let named = text.lines().find_map(|line| line.strip_prefix("VERSION_CODENAME="))?;
    Some(named.trim_matches('"').to_owned()).filter(|it| !it.is_empty())
}

fn choose(targets: &str, suite: &str) -> Option<String> {
    let sites = |wanted: &dyn Fn(&str) -> bool| {
        targets.lines().find_map(|line| {
            let mut fields = line.split('\t');
            let (kind, codename, origin, site) =
                (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
            let fits = kind == "Packages" && origin == "Debian" && wanted(codename);
            (fits && !site.is_empty()).then(|| site.trim_end_matches('/').to_owned())
        })
    };
    // Security and updates stand on other sites, and under other codenames.
    sites(&|codename| codename == suite)
        .or_else(|| sites(&|codename| !codename.is_empty() && !codename.contains('-')))
}

/// Before the first `apt-get update` apt knows no targets: then its sources say it.
fn from_sources(suite: &str) -> Option<String> {
    let folder = std::fs::read_dir("/etc/apt/sources.list.d").into_iter().flatten().flatten();
    let mut texts: Vec<String> = folder
        .map(|it| it.path())
        .chain([std::path::PathBuf::from("/etc/apt/sources.list")])
        .filter_map(|path| std::fs::read_to_string(path).ok())
        .collect();
    texts.sort();
    texts.iter().find_map(|text| in_sources(text, suite))
}

fn in_sources(text: &str, suite: &str) -> Option<String> {
    let one_line = text.lines().find_map(|line| {
        let mut words = line
            .strip_prefix("deb ")?
            .split_whitespace()
            .skip_while(|word| word.starts_with('[') || word.ends_with(']'));
        let (site, named) = (words.next()?, words.next()?);
        (named == suite).then(|| site.to_owned())
    });
    let deb822 = || {
        text.split("\n\n").find_map(|stanza| {
            let field =
                |name: &str| stanza.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
            let suites = field("Suites:")?;
            suites.split_whitespace().find(|named| *named == suite)?;
            field("URIs:")?.split_whitespace().next().map(str::to_owned)
        })
    };
    one_line.or_else(deb822).map(|site| site.trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_suites_own_site_is_chosen() {
        let targets = "Packages\tbookworm-security\tDebian\thttp://security.example/debian-security\n\
            DEP-11\tbookworm\tDebian\thttp://no.example/debian/\n\
            Packages\tbookworm\tDebian\thttp://mirror.example/debian/\n\
            Packages\tnodistro\tOther\thttp://other.example\n";
        assert_eq!(choose(targets, "bookworm").unwrap(), "http://mirror.example/debian");
        assert_eq!(choose(targets, "trixie").unwrap(), "http://mirror.example/debian");
        assert_eq!(choose("", "bookworm"), None);
    }

    #[test]
    fn sources_of_both_forms_are_read() {
        let old = "# x\ndeb [arch=amd64] http://a.example/debian/ bookworm main\n";
        assert_eq!(in_sources(old, "bookworm").unwrap(), "http://a.example/debian");
        let new = "Types: deb\nURIs: http://b.example/debian\nSuites: bookworm bookworm-updates\n";
        assert_eq!(in_sources(new, "bookworm").unwrap(), "http://b.example/debian");
        assert_eq!(in_sources(new, "trixie"), None);
    }
}
