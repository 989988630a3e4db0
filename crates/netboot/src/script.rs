//! iPXE scripts: pure functions from what is served to the bytes that a machine reads.
//!
//! The frame of a menu (header and footer texts, `ipxe shell` first, `goto MENU` after each entry)
//! is read by lab robots from a serial console and kept to the letter (DESIGN.md §6). Commands and
//! settings: <https://ipxe.org/cmd>, <https://ipxe.org/cfg>.

mod entry;

use std::{
    fmt::Write as _,
    net::{IpAddr, Ipv4Addr, SocketAddr},
};

use bytes::Bytes;
use domain::{
    manifest::BootEntry,
    menu::{self, FOOTER, HEADER, SHELL_LABEL, SHELL_TEXT},
    slot::FilledMenu,
};

use crate::catalogue::{EnvironmentServed, Served};

/// How long the menu waits for a key before it boots the default where nobody chose anything.
const UNATTENDED_MS: u32 = 3000;
/// How long a failed entry waits before it is tried again; each time twice as long.
const FIRST_PAUSE_MS: u32 = 2000;
/// The pause at which it is given up, and the menu comes back: after three more tries within 14 s.
const LAST_PAUSE_MS: u32 = 16_000;
/// How long a machine waits before it asks for its script again; each time twice as long.
const FIRST_PAUSE_S: u32 = 1;
/// The longest such pause; a machine asks for as long as it is on.
const LONGEST_PAUSE_S: u32 = 32;

/// The setting of iPXE that holds the token of a boot, as a script expands it.
pub(crate) const BOOT_SETTING: &str = "${boot}";
/// The first line of every script.
const FIRST_LINE: &[u8] = b"#!ipxe\n";

/// The address by which a machine reached us, checked: `10.0.2.100:8000`; where NFS is beside it; and whether
/// its boot is watched.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Base {
    host: String,
    nfs_port: Option<u16>,
    token: Option<Box<str>>,
}

impl Base {
    /// Takes the value of a `Host` header (RFC 9110 §7.2) where it is a plain host with or without
    /// a port; anything else could carry commands into a script.
    #[must_use]
    pub fn from_host(host: &str) -> Option<Self> {
        let (name, port) = match host.strip_prefix('[') {
            Some(rest) => {
                let (address, rest) = rest.split_once(']')?;
                address.parse::<std::net::Ipv6Addr>().ok()?;
                (None, rest.strip_prefix(':').or_else(|| rest.is_empty().then_some(""))?)
            }
            None => match host.split_once(':') {
                Some((name, port)) => (Some(name), port),
                None => (Some(host), ""),
            },
        };
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        let name_is_plain = name
            .is_none_or(|name| !name.is_empty() && name.len() <= 253 && name.chars().all(plain));
        let port_is_plain = match host.ends_with(':') {
            true => false,
            false => {
                port.is_empty()
                    || (port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok())
            }
        };
        (name_is_plain && port_is_plain).then(|| Self::plain(host.to_owned()))
    }

    fn plain(host: String) -> Self {
        Self { host, nfs_port: None, token: None }
    }

    /// The same for one boot, whose machine reports with a token: that itself, or [`BOOT_SETTING`] in a script
    /// that begins as [`with_token`] does.
    #[must_use]
    pub(crate) fn reporting(self, token: &str) -> Self {
        Self { token: Some(token.into()), ..self }
    }

    /// How the initrd learns of which boot it reports: `bootwright.boot=<token>,<label>`, and where to, should
    /// nothing else on the command line say that.
    pub(crate) fn boot_argument(&self, label: &str, with_host: bool) -> Option<String> {
        let token = self.token.as_ref()?;
        let host = if with_host { format!(",{}", self.host) } else { String::new() };
        Some(format!("bootwright.boot={token},{label}{host}"))
    }

    /// The boot listener at an address of ours.
    pub(crate) fn of(address: IpAddr, port: u16) -> Self {
        Self::plain(SocketAddr::new(address, port).to_string())
    }

    /// The same, with NFS served at a port of the same address.
    #[must_use]
    pub fn with_nfs(self, nfs_port: Option<u16>) -> Self {
        Self { nfs_port, ..self }
    }

    pub(crate) fn nfs_port(&self) -> Option<u16> {
        self.nfs_port
    }

    /// The address, where it is no name and of version 4: the kernel's mount of a root takes no other.
    pub(crate) fn ipv4(&self) -> Option<Ipv4Addr> {
        self.host.split(':').next()?.parse().ok()
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.host)
    }
}

/// The menu of a release, or why it cannot be rendered.
///
/// # Errors
/// Where the manifest holds something that must not stand in a script; no recipe that was checked
/// gives such a manifest.
pub fn menu_script(served: &Served, base: &Base) -> Result<String, String> {
    let manifest = &served.manifest;
    let entries = manifest.entries.iter().map(|entry| (entry, served));
    rendered(entries, &manifest.default_entry, Start::Shell(manifest.timeout_ms), base)
}

/// What the menu begins on, and boots where nobody presses a key.
#[derive(Debug, Clone, Copy)]
enum Start<'a> {
    /// The shell, which asks once more and goes to the default; after milliseconds.
    Shell(u32),
    /// An entry that was ordered for this boot.
    Entry(&'a str),
}

/// The menu of an environment with variants in its slots. Where one boot was ordered, the menu begins on
/// its entry: the one of that label, or the menu's default.
pub(crate) fn environment_script(
    environment: &EnvironmentServed,
    base: &Base,
    ordered: Option<Option<&str>>,
) -> Result<String, String> {
    let menu = environment.menu();
    let entries = entries_of(environment, &menu)?;
    let start = match ordered {
        Some(label) => Start::Entry(label.unwrap_or(&menu.default_entry)),
        None => {
            let timeout_ms = environment.release.as_ref().map(|it| it.manifest.timeout_ms);
            Start::Shell(timeout_ms.unwrap_or(UNATTENDED_MS))
        }
    };
    rendered(entries.into_iter(), &menu.default_entry, start, base)
}

/// The entries of a menu, each with what it boots.
fn entries_of<'a>(
    environment: &'a EnvironmentServed,
    menu: &'a FilledMenu,
) -> Result<Vec<(&'a BootEntry, &'a Served)>, String> {
    let release = environment.release.as_deref();
    let mut entries = Vec::with_capacity(menu.entries.len());
    for (entry, slot) in &menu.entries {
        let served = match slot {
            Some(index) => environment.slots.get(*index).map(|it| &*it.served),
            None => release,
        };
        entries.push((entry, served.ok_or("an entry of the menu is of nothing that is served")?));
    }
    Ok(entries)
}

/// What a machine boots without a menu, in the form of Pixiecore's API: the entry of that label, or the
/// menu's default, for the machine with that MAC address, written as `52-54-00-12-34-56`.
pub(crate) fn pixiecore(
    environment: &EnvironmentServed,
    base: &Base,
    (entry, mac): (Option<&str>, &str),
) -> Result<String, String> {
    let menu = environment.menu();
    let label = entry.unwrap_or(&menu.default_entry);
    let entries = entries_of(environment, &menu)?;
    let (entry, served) = entries
        .into_iter()
        .find(|(it, _)| it.label() == label)
        .ok_or_else(|| format!("the menu has no entry {label}"))?;
    entry::pixiecore(served, entry, base, mac)
}

/// A script whose boot is known by a token: [`BOOT_SETTING`] stands for it from its second line on.
pub(crate) fn with_token(script: &[u8], token: &str) -> Bytes {
    let rest = script.strip_prefix(FIRST_LINE).unwrap_or(script);
    let line = format!("set boot {token}\n");
    [FIRST_LINE, line.as_bytes(), rest].concat().into()
}

/// A menu of entries, each with what it boots.
fn rendered<'a>(
    entries: impl Iterator<Item = (&'a BootEntry, &'a Served)>,
    default: &str,
    start: Start<'_>,
    base: &Base,
) -> Result<String, String> {
    let mut items = String::new();
    let mut bodies = String::new();
    let (first, timeout_ms) = match start {
        Start::Shell(timeout_ms) => (SHELL_LABEL, timeout_ms),
        Start::Entry(label) => (label, UNATTENDED_MS),
    };
    let mut has_default = false;
    let mut has_first = first == SHELL_LABEL;
    for (entry, served) in entries {
        let (label, text) = (entry.label(), entry.text());
        menu::check_label(label).map_err(|rule| rule.to_string())?;
        menu::check_text(text).map_err(|rule| rule.to_string())?;
        has_default |= label == default;
        has_first |= label == first;
        let _ = writeln!(items, "item {label} {text}");
        bodies.push_str(&entry::lines(served, entry, base)?);
    }
    // A robot presses arrow-down as often as the entry stands below `ipxe shell`, so that one is
    // what the menu begins on. A machine without anybody ends there as well when the time is over,
    // says what to do, and boots its default.
    if !has_default {
        return Err(format!("the release has no entry {default}, which it names as its default"));
    }
    if !has_first {
        return Err(format!("this boot was ordered with the entry {first}, which the menu lacks"));
    }
    Ok(format!(
        "#!ipxe\n\
         :MENU\n\
         set pause:int32 {FIRST_PAUSE_MS}\n\
         menu\n\
         item --gap -- {HEADER}\n\
         item {SHELL_LABEL} {SHELL_TEXT}\n\
         {items}\
         item --gap -- {FOOTER}\n\
         choose --default {first} --timeout {timeout_ms} target && goto ${{target}}\n\
         \n\
         :{SHELL_LABEL}\n\
         prompt --timeout {UNATTENDED_MS} Press any key for the iPXE shell, or wait for {default} || \
         goto {default}\n\
         shell ||\n\
         goto MENU\n\
         \n\
         :FAILED\n\
         echo Bootwright: ${{target}} could not be loaded, the line above says why\n\
         iseq ${{pause}} {LAST_PAUSE_MS} && goto MENU ||\n\
         prompt --timeout ${{pause}} Trying again in ${{pause}} ms, press any key for the menu && goto MENU ||\n\
         inc pause ${{pause}}\n\
         goto ${{target}}\n\
         {bodies}"
    ))
}

/// A script that asks for the script of the machine that runs it, until one comes.
#[must_use]
pub fn chain_script(base: &Base) -> String {
    let script = base.url(
        "/ipxe?mac=${netX/mac:hexhyp}&uuid=${uuid}&serial=${serial:uristring}&arch=${buildarch}",
    );
    let server = base.url("/");
    // A script that ends well has had its say: the firmware goes on with what it boots next.
    format!(
        "#!ipxe\n\
         set pause:int32 {FIRST_PAUSE_S}\n\
         :ASK\n\
         echo Bootwright: asking {server} what ${{netX/mac}} boots\n\
         chain --autofree {script} && exit ||\n\
         echo Bootwright: nothing came from {server}, again in ${{pause}} s\n\
         sleep ${{pause}}\n\
         iseq ${{pause}} {LONGEST_PAUSE_S} || inc pause ${{pause}}\n\
         goto ASK\n"
    )
}

/// A script by which firmware goes on with its next device.
pub(crate) const EXIT_SCRIPT: &str = "#!ipxe\nexit\n";

/// A script that says on the machine's console why there is nothing to boot.
#[must_use]
pub fn refusal_script(reason: &str) -> String {
    // Only what a console shows and no command understands stays.
    let plain: String = reason
        .chars()
        .map(|c| match c {
            'a'..='z'
            | 'A'..='Z'
            | '0'..='9'
            | ' '
            | '.'
            | ','
            | ':'
            | '-'
            | '_'
            | '/'
            | '('
            | ')' => c,
            _ => '?',
        })
        .take(200)
        .collect();
    format!("#!ipxe\necho Bootwright: {plain}\nprompt --timeout 10000 Press any key ||\nexit 1\n")
}

#[cfg(test)]
#[path = "script_tests.rs"]
mod tests;
