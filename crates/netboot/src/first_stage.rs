//! The first stage: iPXE itself, which firmware fetches over TFTP or HTTP before it can read any script.
//!
//! The binaries are those of Debian's package `ipxe`, read once when the server starts. Beside them stand two
//! scripts that lead to the boot listener: `autoexec.ipxe`, which newer builds of iPXE run by themselves, and
//! `boot.ipxe` for a DHCP server that can name files and no URLs.

use std::{
    collections::BTreeMap,
    fs, io,
    net::IpAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use thiserror::Error;

use crate::{
    script::{Base, chain_script},
    tftp::FirstStage,
};

/// What BIOS fetches over TFTP: uses the network card by the firmware's own driver.
pub const BIOS_BINARY: &str = "undionly.kpxe";
/// What UEFI on x86-64 fetches over TFTP or HTTP: uses the firmware's own driver as well.
pub const UEFI_BINARY: &str = "snponly.efi";

/// All that are served, where the folder has them; the others have drivers of their own.
const BINARIES: [&str; 5] = [BIOS_BINARY, UEFI_BINARY, "ipxe.pxe", "ipxe.efi", "ipxe.lkrn"];
/// The names of the scripts.
const SCRIPTS: [&str; 2] = ["autoexec.ipxe", "boot.ipxe"];

/// The binaries of iPXE cannot be served.
#[derive(Debug, Error)]
pub enum FirstStageError {
    /// The folder lacks what both kinds of firmware need.
    #[error(
        "{0} has neither {BIOS_BINARY} nor {UEFI_BINARY}: install the Debian package ipxe, or name the folder with --ipxe-dir"
    )]
    NoBinary(PathBuf),
    /// One of them is there and cannot be read.
    #[error("cannot read {path}: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// The binaries, in memory.
#[derive(Debug, Clone, Default)]
pub struct FirstStageBinaries(Arc<BTreeMap<&'static str, Bytes>>);

impl FirstStageBinaries {
    /// Reads those of a folder; one that is not there is not served.
    ///
    /// # Errors
    /// [`FirstStageError`].
    pub fn load(folder: &Path) -> Result<Self, FirstStageError> {
        let mut binaries = BTreeMap::new();
        for name in BINARIES {
            let path = folder.join(name);
            match fs::read(&path) {
                Ok(content) => drop(binaries.insert(name, Bytes::from(content))),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(source) => return Err(FirstStageError::Unreadable { path, source }),
            }
        }
        if binaries.contains_key(BIOS_BINARY) || binaries.contains_key(UEFI_BINARY) {
            Ok(Self(Arc::new(binaries)))
        } else {
            Err(FirstStageError::NoBinary(folder.to_owned()))
        }
    }

    /// One of them.
    #[must_use]
    pub fn binary(&self, name: &str) -> Option<Bytes> {
        self.0.get(name).cloned()
    }

    /// Their names.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.0.keys().copied()
    }

    /// What TFTP serves: the binaries, and the scripts for a boot listener at this port of the address at
    /// which a machine reached us.
    #[must_use]
    pub fn over_tftp(&self, boot_port: u16) -> FirstStage {
        let binaries = self.clone();
        Arc::new(move |name, reached| {
            if SCRIPTS.contains(&name) {
                return Some(Bytes::from(chain_script(&Base::of(reached, boot_port))));
            }
            binaries.binary(name)
        })
    }
}

/// Where iPXE's own script begins, for a machine that reached us at an address.
pub(crate) fn boot_script_url(reached: IpAddr, boot_port: u16) -> String {
    Base::of(reached, boot_port).url("/boot.ipxe")
}

/// Where UEFI fetches iPXE over HTTP.
pub(crate) fn binary_url(reached: IpAddr, boot_port: u16) -> String {
    Base::of(reached, boot_port).url(&format!("/first-stage/{UEFI_BINARY}"))
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use super::*;

    #[test]
    fn a_folder_is_read_once_and_scripts_name_the_address_that_was_reached() {
        let folder = tempfile::tempdir().unwrap();
        let nothing = FirstStageBinaries::load(folder.path()).unwrap_err().to_string();
        assert!(nothing.contains("install the Debian package ipxe"), "{nothing}");
        fs::write(folder.path().join(UEFI_BINARY), "efi").unwrap();
        let binaries = FirstStageBinaries::load(folder.path()).unwrap();
        assert_eq!(binaries.names().collect::<Vec<_>>(), [UEFI_BINARY]);
        let served = binaries.over_tftp(8000);
        let v4 = IpAddr::from(Ipv4Addr::new(10, 0, 0, 1));
        assert_eq!(served(UEFI_BINARY, v4).unwrap(), "efi");
        assert_eq!(served(BIOS_BINARY, v4), None);
        assert_eq!(served("../snponly.efi", v4), None);
        let script = served("autoexec.ipxe", v4).unwrap();
        assert!(script.starts_with(b"#!ipxe\n"), "{script:?}");
        let script = String::from_utf8(script.to_vec()).unwrap();
        assert!(script.contains(" http://10.0.0.1:8000/ipxe?mac="), "{script}");
        let v6 = served("boot.ipxe", Ipv6Addr::LOCALHOST.into()).unwrap();
        assert!(String::from_utf8(v6.to_vec()).unwrap().contains(" http://[::1]:8000/ipxe?"));
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join(BIOS_BINARY)).unwrap();
        let error = FirstStageBinaries::load(folder.path()).unwrap_err().to_string();
        assert!(error.contains(BIOS_BINARY) && error.starts_with("cannot read"), "{error}");
    }
}
