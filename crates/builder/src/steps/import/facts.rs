//! What a rootfs that was brought along says of itself. All of it was written by others: names are
//! checked before they become names of files.

use std::io::Read as _;

use domain::{kernel::Flavor, menu::check_file_name, recipe::RootfsFacts};

use crate::{
    cache::StepOutputs,
    error::BuildError,
    steps::{import::Import, run},
};

/// The files that say it, as the script copies them.
pub(super) const FILES: [&str; 6] =
    ["status", "extended_states", "os-release", "sources", "passwd", "hostname"];
/// How long each may be, in bytes.
const MOST: u64 = 32 << 20;

/// What a rootfs says of itself.
pub(super) struct Facts {
    pub(super) rootfs: RootfsFacts,
    pub(super) hostname: Option<String>,
}

impl Facts {
    pub(super) fn read(
        work: &Import<'_>,
        step: &'static str,
        outputs: &StepOutputs,
    ) -> Result<Self, BuildError> {
        let text = |name| text(work, step, outputs, name);
        Ok(Self {
            rootfs: RootfsFacts {
                os_release: text("os-release")?,
                sources: text("sources")?,
                status: text("status")?,
                extended_states: text("extended_states")?,
                passwd: text("passwd")?,
            },
            hostname: hostname(&text("hostname")?),
        })
    }
}

/// The first line that is no comment (hostname(5)), where a console can show it.
fn hostname(text: &str) -> Option<String> {
    let line = text.lines().map(str::trim).find(|it| !it.is_empty() && !it.starts_with('#'))?;
    let plain = line.bytes().all(|it| it.is_ascii_alphanumeric() || b"-_.".contains(&it));
    (plain && line.len() <= 64).then(|| line.to_owned())
}

/// The text of an output; what is no UTF-8 in it is replaced.
pub(super) fn text(
    work: &Import<'_>,
    step: &'static str,
    outputs: &StepOutputs,
    name: &str,
) -> Result<String, BuildError> {
    let blob = run::file(outputs, step, name)?;
    let mut bytes = Vec::new();
    work.builder
        .cache
        .blobs
        .open_blob(&blob.sha256)?
        .take(MOST)
        .read_to_end(&mut bytes)
        .map_err(|error| BuildError::Unexpected { step, what: format!("{name}: {error}") })?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// A line of the list that the script writes of kernels.
pub(super) struct KernelLine<'a> {
    pub(super) alias: &'a str,
    pub(super) flavor: Flavor,
    pub(super) release: &'a str,
    pub(super) name: &'a str,
    pub(super) config: Option<&'a str>,
    pub(super) package: &'a str,
}

impl<'a> KernelLine<'a> {
    /// Reads a line.
    ///
    /// # Errors
    /// Where a name of it cannot be one of a file of a release.
    pub(super) fn read(step: &'static str, line: &'a str) -> Result<Self, BuildError> {
        let strange = || BuildError::Unexpected { step, what: format!("a kernel called {line:?}") };
        let words: Vec<&str> = line.split(' ').collect();
        let [alias, flavor, release, name, config, package] = words[..] else {
            return Err(strange());
        };
        let flavor = Flavor::ALL.into_iter().find(|it| it.word() == flavor).ok_or_else(strange)?;
        let config = Some(config).filter(|it| *it != "-");
        let names = [alias, release, name, package].into_iter().chain(config);
        if names.into_iter().any(|it| check_file_name(it).is_err()) {
            return Err(strange());
        }
        Ok(Self { alias, flavor, release, name, config, package })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_from_a_rootfs_are_looked_at() {
        assert_eq!(hostname("# x\n\n rootfs-v1.0.0 \n").as_deref(), Some("rootfs-v1.0.0"));
        for bad in ["", "a b\n", "\u{1b}[31m\n", "é\n", &"x".repeat(65)] {
            assert_eq!(hostname(bad), None, "{bad:?}");
        }
        let line = "vmlinuz-dev linux 6.1 vmlinuz-6.1 - linux-image-6.1";
        let read = KernelLine::read("kernel", line).unwrap();
        assert_eq!((read.flavor, read.config), (Flavor::Linux, None));
        for bad in [
            "vmlinuz-dev linux 6.1 vmlinuz-6.1 -",
            "vmlinuz-dev bsd 6.1 vmlinuz-6.1 - linux-image-6.1",
            "vmlinuz-dev linux 6.1 ../vmlinuz - linux-image-6.1",
            "vmlinuz-dev linux 6.1 vmlinuz-6.1 /etc/passwd linux-image-6.1",
        ] {
            assert!(KernelLine::read("kernel", bad).is_err(), "{bad}");
        }
    }
}
