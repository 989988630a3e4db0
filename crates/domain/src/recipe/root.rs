//! How the rootfs of an entry reaches the machine.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// How the rootfs reaches the machine.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum RootMethod {
    /// The initrd loads the images over HTTP and checks their SHA-256.
    #[default]
    Http,
    /// The same images are read over NFS while the machine runs.
    Nfs(NfsRoot),
}

impl RootMethod {
    /// The words in recipes.
    pub const WORDS: [&str; 2] = ["http", "nfs"];

    /// The word in recipes.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Nfs(_) => "nfs",
        }
    }

    /// How it is mounted, where it is over NFS.
    #[must_use]
    pub const fn nfs(self) -> Option<NfsRoot> {
        match self {
            Self::Http => None,
            Self::Nfs(nfs) => Some(nfs),
        }
    }
}

/// How a rootfs is mounted over NFS: version 3 over TCP, without locks of the server.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct NfsRoot {
    /// The machine gets a copy of its own that it may write, thrown away at its next boot. Otherwise it
    /// mounts the images read-only and keeps what it writes in memory.
    #[serde(default, skip_serializing_if = "is_false")]
    pub writable: bool,
    /// The kernel mounts it by itself and gets no initrd; takes `CONFIG_ROOT_NFS`, `CONFIG_IP_PNP_DHCP` and
    /// the network card's driver in the kernel.
    #[serde(default, skip_serializing_if = "is_false")]
    pub direct: bool,
    /// The most bytes of one READ; what client and server agree on where it is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_size: Option<u32>,
    /// The most bytes of one WRITE.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub write_size: Option<u32>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
const fn is_false(value: &bool) -> bool {
    !*value
}

/// An option of `nfs` cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum InvalidNfsOption {
    /// No such option.
    #[error(
        "\"{0}\" is no option of nfs; it takes rw, ro, noinitrd, rsize=<bytes>, wsize=<bytes>, vers=3 and proto=tcp"
    )]
    Unknown(String),
    /// A version or a protocol that is not served.
    #[error("{0} is not served: rootfs come by vers=3 over proto=tcp")]
    NotServed(String),
    /// A size that the protocol does not allow.
    #[error("{0} is no size: write {least} to {most} bytes, a multiple of {least}", least = NfsRoot::LEAST, most = NfsRoot::MOST)]
    Size(String),
    /// Without an initrd nothing keeps in memory what is written.
    #[error("noinitrd needs rw: only an initrd can keep in memory what a machine writes")]
    DirectReadOnly,
}

impl NfsRoot {
    /// The smallest size of a READ or WRITE, in bytes; sizes are multiples of it, as Linux rounds them.
    pub const LEAST: u32 = 4096;
    /// The largest size of a READ or WRITE, in bytes: what our server takes, and Linux as well.
    pub const MOST: u32 = 1024 * 1024;

    /// Reads options as they stand in a recipe, such as `rw,rsize=65536`; an empty text is all defaults.
    ///
    /// # Errors
    /// [`InvalidNfsOption`].
    pub fn parse(text: &str) -> Result<Self, InvalidNfsOption> {
        let mut root = Self::default();
        for option in text.split(',').map(str::trim).filter(|option| !option.is_empty()) {
            match option.split_once('=') {
                None if option == "rw" => root.writable = true,
                None if option == "ro" => root.writable = false,
                None if option == "noinitrd" => root.direct = true,
                Some(("vers" | "nfsvers", "3")) | Some(("proto", "tcp")) => {}
                Some(("vers" | "nfsvers" | "proto", _)) => {
                    return Err(InvalidNfsOption::NotServed(option.to_owned()));
                }
                Some(("rsize", bytes)) => root.read_size = Some(size(option, bytes)?),
                Some(("wsize", bytes)) => root.write_size = Some(size(option, bytes)?),
                _ => return Err(InvalidNfsOption::Unknown(option.to_owned())),
            }
        }
        if root.direct && !root.writable {
            return Err(InvalidNfsOption::DirectReadOnly);
        }
        Ok(root)
    }
}

fn size(option: &str, bytes: &str) -> Result<u32, InvalidNfsOption> {
    bytes
        .parse()
        .ok()
        .filter(|it| (NfsRoot::LEAST..=NfsRoot::MOST).contains(it) && it % NfsRoot::LEAST == 0)
        .ok_or_else(|| InvalidNfsOption::Size(option.to_owned()))
}

/// As in a recipe, without what is the default.
impl fmt::Display for NfsRoot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.writable { "rw" } else { "ro" })?;
        if self.direct {
            f.write_str(",noinitrd")?;
        }
        for (name, size) in [("rsize", self.read_size), ("wsize", self.write_size)] {
            if let Some(size) = size {
                write!(f, ",{name}={size}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read_and_written_alike() {
        for (text, canonical) in [
            ("", "ro"),
            ("rw", "rw"),
            ("vers=3, proto=tcp", "ro"),
            ("rw,noinitrd,rsize=65536", "rw,noinitrd,rsize=65536"),
            ("noinitrd,wsize=4096,rw,rsize=1048576", "rw,noinitrd,rsize=1048576,wsize=4096"),
        ] {
            let root = NfsRoot::parse(text).unwrap();
            assert_eq!(root.to_string(), canonical);
            assert_eq!(NfsRoot::parse(canonical).unwrap(), root);
            let json = serde_json::to_string(&RootMethod::Nfs(root)).unwrap();
            assert_eq!(serde_json::from_str::<RootMethod>(&json).unwrap(), RootMethod::Nfs(root));
        }
        assert_eq!(serde_json::to_string(&RootMethod::Http).unwrap(), "\"http\"");
    }

    #[test]
    fn what_is_not_served_is_said() {
        for (text, said) in [
            ("soft", "no option"),
            ("vers=4", "not served"),
            ("proto=udp", "not served"),
            ("rsize=big", "no size"),
            ("rsize=1000", "no size"),
            ("wsize=2097152", "no size"),
            ("noinitrd", "needs rw"),
            ("rw shell", "no option"),
        ] {
            let error = NfsRoot::parse(text).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
        }
    }
}
