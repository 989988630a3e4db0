//! How names and paths of a recipe are written. Each check says what is wrong and what to do.

use super::report::quoted;
use crate::{packages::pinned, variant::LONGEST_SCRIPT_LIMIT};

/// The longest script or playbook, in bytes.
const LONGEST_PROGRAM: usize = 256 * 1024;

/// `Err` says what is wrong and what to do.
pub(crate) type Checked = Result<(), String>;

/// Whether `text` has 1 to `longest` characters, starts with one that `first` takes and goes on
/// with ones that `rest` takes.
fn is(text: &str, longest: usize, first: fn(char) -> bool, rest: fn(char) -> bool) -> bool {
    let mut chars = text.chars();
    text.len() <= longest && chars.next().is_some_and(first) && chars.all(rest)
}

const fn lower(c: char) -> bool {
    c.is_ascii_lowercase()
}

const fn lower_or_digit(c: char) -> bool {
    c.is_ascii_lowercase() || c.is_ascii_digit()
}

/// A script or playbook.
pub(crate) fn program(content: &str) -> Checked {
    if content.trim().is_empty() {
        return Err("it is empty; write something, or take it out".to_owned());
    }
    if content.len() > LONGEST_PROGRAM {
        return Err(format!(
            "it has {} bytes and may have {LONGEST_PROGRAM}; put large files into an archive",
            content.len()
        ));
    }
    if content.contains('\0') {
        return Err("it holds a zero byte; take it out".to_owned());
    }
    Ok(())
}

/// How long a script may take, in seconds.
pub(crate) fn script_limit(seconds: u32) -> Checked {
    if (1..=LONGEST_SCRIPT_LIMIT).contains(&seconds) {
        return Ok(());
    }
    Err(format!("a script may take 1 to {LONGEST_SCRIPT_LIMIT} seconds"))
}

/// A name of a Debian suite.
pub(crate) fn suite(name: &str) -> Checked {
    if matches!(name, "stable" | "oldstable" | "oldoldstable" | "testing") {
        return Err(format!(
            "\"{name}\" is another Debian after each of its releases; write the code name, such as \"bookworm\""
        ));
    }
    if is(name, 40, lower, |c| lower_or_digit(c) || c == '-') {
        return Ok(());
    }
    Err(format!(
        "{} is no name of a Debian suite; write its code name, such as \"bookworm\"",
        quoted(name)
    ))
}

/// The architecture; one so far.
pub(super) fn architecture(name: &str) -> Checked {
    if name == "amd64" {
        return Ok(());
    }
    Err(format!(
        "only \"amd64\" can be built so far, not {}; write architecture = \"amd64\"",
        quoted(name)
    ))
}

/// A part of the archive, such as `non-free-firmware`.
pub(super) fn component(name: &str) -> Checked {
    if is(name, 40, lower, |c| lower_or_digit(c) || c == '-') {
        return Ok(());
    }
    Err(format!(
        "{} is no component of an archive; Debian's are \"main\", \"contrib\", \"non-free\" and \"non-free-firmware\"",
        quoted(name)
    ))
}

/// The base URL of a mirror.
pub(super) fn mirror(url: &str) -> Checked {
    let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
    let host = rest.map(|rest| rest.split('/').next().unwrap_or_default());
    if host.is_some_and(|host| host.contains('@')) {
        return Err("a mirror's URL must hold no password: everybody who may read the recipe sees it; take the part up to \"@\" out".to_owned());
    }
    let host_fits = host.is_some_and(|host| {
        is(
            host,
            260,
            |c| c.is_ascii_alphanumeric() || c == '[',
            |c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | ']'),
        )
    });
    let path_fits = url.len() <= 500
        && url.chars().all(|c| c.is_ascii_alphanumeric() || "-._~:/[]%+".contains(c))
        && !url.contains("/../");
    if host_fits && path_fits {
        return Ok(());
    }
    Err(format!(
        "{} is no base URL of a mirror; write one such as \"http://mirror.example/debian\", or take the line out to use the build host's own",
        quoted(url)
    ))
}

/// A package name, or `name/suite`.
pub(crate) fn pinned_package(package_and_suite: &str) -> Checked {
    let (name, suite) = pinned(package_and_suite);
    package(name)?;
    suite.map_or(Ok(()), self::suite)
}

/// A package name by Debian policy §5.6.1.
pub(crate) fn package(name: &str) -> Checked {
    let shown = quoted(name);
    if let Some((bare, _)) = name.split_once('=') {
        return Err(format!(
            "{shown}: a recipe names no versions, the lock of each build does; write {}",
            quoted(bare)
        ));
    }
    if let Some((bare, _)) = name.split_once(':') {
        return Err(format!(
            "{shown}: packages of another architecture are not supported; write {}",
            quoted(bare)
        ));
    }
    if name.len() > 1 && name.ends_with('-') {
        return Err(format!(
            "{shown}: a \"-\" at the end would ask apt to remove the package; take it off"
        ));
    }
    if name.len() > 1 && is(name, 128, lower_or_digit, |c| lower_or_digit(c) || "+-.".contains(c)) {
        return Ok(());
    }
    let small = name.trim().to_lowercase();
    if small != name && package(&small).is_ok() {
        return Err(format!(
            "{shown} is no package name: they are lower case without spaces; write {}",
            quoted(&small)
        ));
    }
    Err(format!(
        "{shown} is no package name: they have two or more of a-z, 0-9, \"+\", \"-\", \".\" and start with a letter or digit"
    ))
}

/// An account or group name as `useradd` takes it.
pub(super) fn account(name: &str) -> bool {
    is(name, 32, |c| lower(c) || c == '_', |c| lower_or_digit(c) || c == '_' || c == '-')
}

/// Accounts that every Debian has from the start (package base-passwd, and apt's own).
const STANDARD_ACCOUNTS: [&str; 19] = [
    "daemon", "bin", "sys", "sync", "games", "man", "lp", "mail", "news", "uucp", "proxy",
    "www-data", "backup", "list", "irc", "gnats", "nobody", "_apt", "operator",
];

/// The name of an account to make, or `root`.
pub(crate) fn user(name: &str) -> Checked {
    if !account(name) {
        return Err(format!(
            "{} is no account name: they have 1 to 32 of a-z, 0-9, \"_\", \"-\" and start with a letter or \"_\"",
            quoted(name)
        ));
    }
    if STANDARD_ACCOUNTS.contains(&name) {
        return Err(format!(
            "\"{name}\" exists in every Debian for its own services; take another name"
        ));
    }
    Ok(())
}

/// A group that an account joins.
pub(crate) fn group(name: &str) -> Checked {
    if account(name) {
        return Ok(());
    }
    Err(format!(
        "{} is no group name: they have 1 to 32 of a-z, 0-9, \"_\", \"-\" and start with a letter or \"_\"",
        quoted(name)
    ))
}

/// Why `path` is not absolute and in its plainest form; `None` where it is.
pub(crate) fn path_fault(path: &str) -> Option<String> {
    let shown = quoted(path);
    let Some(below) = path.strip_prefix('/') else {
        return Some(format!("{shown} must start with \"/\": paths are those of the rootfs"));
    };
    if path.chars().any(char::is_control) {
        return Some(format!("{shown} holds control characters; take them out"));
    }
    if path.len() > 1024 || below.split('/').any(|part| part.len() > 255) {
        return Some(format!(
            "{shown} is too long: a path may have 1024 bytes, each of its parts 255"
        ));
    }
    if below.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return Some(format!(
            "{shown} must be the plain path of a file: no \"..\", no \".\", no \"//\", no \"/\" at the end"
        ));
    }
    None
}

/// A login shell.
pub(crate) fn shell(path: &str) -> Checked {
    if let Some(fault) = path_fault(path) {
        return Err(format!("the shell {fault}"));
    }
    if path.chars().all(|c| c.is_ascii_alphanumeric() || "/._+-".contains(c)) {
        return Ok(());
    }
    Err(format!(
        "the shell {} may have letters, digits, \"/\", \".\", \"_\", \"+\", \"-\" only",
        quoted(path)
    ))
}

/// A password that `chpasswd` takes.
pub(crate) fn password(text: &str) -> Checked {
    if text.is_empty() {
        return Err(
            "an empty password would let anybody in; take the line out for an account without one"
                .to_owned(),
        );
    }
    if text.chars().any(char::is_control) || text.contains(':') {
        return Err("a password must have no line break, no other control character and no \":\""
            .to_owned());
    }
    if text.chars().count() > 200 {
        return Err("a password may have 200 characters".to_owned());
    }
    Ok(())
}

/// A line of `authorized_keys`.
pub(crate) fn ssh_key(line: &str) -> Checked {
    if line.contains("PRIVATE KEY") {
        return Err("this is a private key, and everybody who may read the recipe sees it: make a new pair, and write the line of its .pub file here".to_owned());
    }
    if line.trim().lines().count() > 1 {
        return Err(
            "an SSH key must be a single line; write several keys as several texts of the list"
                .to_owned(),
        );
    }
    if line.chars().any(char::is_control) || line.len() > 16_384 {
        return Err("an SSH key has no control characters and 16384 bytes at most; copy the line of a .pub file".to_owned());
    }
    let words: Vec<&str> = line.split(' ').collect();
    let holds_key = words.windows(2).any(|pair| key_type(pair[0]) && pair[1].starts_with("AAAA"));
    if holds_key && !line.starts_with('#') {
        return Ok(());
    }
    Err(format!(
        "{} is no SSH public key; copy the line of a .pub file, such as \"ssh-ed25519 AAAA… name\"",
        quoted(line)
    ))
}

fn key_type(word: &str) -> bool {
    matches!(word, "ssh-ed25519" | "ssh-rsa" | "sk-ssh-ed25519@openssh.com")
        || word.starts_with("ecdsa-sha2-nistp")
        || word.starts_with("sk-ecdsa-sha2-nistp")
}

/// The mode of a file.
pub(crate) fn mode(text: &str) -> Checked {
    let digits = text.len() == 3 || text.len() == 4;
    if digits && text.bytes().all(|b| matches!(b, b'0'..=b'7')) {
        return Ok(());
    }
    Err(format!(
        "{} is no file mode; write three or four octal digits, such as \"0644\", at most \"7777\"",
        quoted(text)
    ))
}

/// The owner of a file.
pub(crate) fn owner(text: &str) -> Checked {
    if text.split_once(':').is_some_and(|(user, group)| account(user) && account(group)) {
        return Ok(());
    }
    Err(format!(
        "{} is no owner; write user and group by name, such as \"root:root\"",
        quoted(text)
    ))
}

/// A systemd unit.
pub(crate) fn unit(name: &str) -> Checked {
    let allowed =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, ':' | '_' | '.' | '\\' | '@' | '-');
    if is(name, 255, |c| c.is_ascii_alphanumeric() || c == '_', allowed) && !name.contains("..") {
        return Ok(());
    }
    Err(format!("{} is no name of a systemd unit; write one such as \"ssh.service\"", quoted(name)))
}

/// The unit in full: `ssh` is `ssh.service`.
pub(crate) fn full_unit(name: &str) -> String {
    const KINDS: [&str; 9] = [
        ".service",
        ".socket",
        ".timer",
        ".target",
        ".path",
        ".mount",
        ".automount",
        ".swap",
        ".slice",
    ];
    if KINDS.iter().any(|kind| name.ends_with(kind)) {
        name.to_owned()
    } else {
        format!("{name}.service")
    }
}

/// The name of a preseed: a file of the release beside its others.
pub(super) fn preseed(name: &str) -> Checked {
    if is(
        name,
        64,
        |c| c.is_ascii_alphanumeric(),
        |c| c.is_ascii_alphanumeric() || "._-".contains(c),
    ) && [".cfg", ".seed", ".ks", ".yaml", ".xml", ".txt"].iter().any(|end| name.ends_with(end))
    {
        return Ok(());
    }
    Err(format!(
        "{} is no name of a preseed: they have letters, digits, \".\", \"_\", \"-\" and end in .cfg, .seed, .ks, .yaml, .xml or .txt, such as \"preseed.cfg\"",
        quoted(name)
    ))
}

/// The alias of a kernel: part of URLs and of iPXE scripts.
pub(crate) fn alias(name: &str) -> Checked {
    if name == "rootfs.squashfs" || name.starts_with("initrd-") || name.starts_with("config-") {
        return Err(format!(
            "{} is how other files of a release are called; take an alias such as \"vmlinuz-6.1.y\"",
            quoted(name)
        ));
    }
    if is(
        name,
        64,
        |c| c.is_ascii_alphanumeric(),
        |c| c.is_ascii_alphanumeric() || "._+-".contains(c),
    ) {
        return Ok(());
    }
    Err(format!(
        "{} is no alias: they have 1 to 64 letters, digits, \".\", \"_\", \"+\", \"-\" and start with a letter or digit, such as \"vmlinuz-6.1.y\"",
        quoted(name)
    ))
}
