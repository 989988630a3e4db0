//! Short names of a release's files.
//!
//! iPXE keeps the URLs and arguments of everything that it starts by multiboot in 512 bytes
//! together ([`domain::menu::MULTIBOOT_COMMAND_LINES`]), and cuts the rest off without a word. So a
//! file has a second address: `/s/<first 16 digits of the manifest's digest>/<its number in the
//! manifest>`. And the images, each of which would need a digest of 64 digits there, are named by a
//! list: `/s/<…>/images` has a line `<number> <sha256>` for each, from the lowest layer to the
//! highest, and the digest of the list stands on the command line.

use std::fmt::Write as _;

use domain::digest::Digest;

use crate::{catalogue::Served, script::Base};

/// How many digits of a manifest's digest stand in a short address.
const DIGITS: usize = 16;
/// The name of the list of images.
pub(crate) const LIST: &str = "images";

/// The short addresses of a release.
pub(crate) struct Short<'a> {
    served: &'a Served,
    folder: String,
}

impl<'a> Short<'a> {
    pub(crate) fn new(served: &'a Served, base: &Base) -> Self {
        let digits: String = served.digest.to_string().chars().take(DIGITS).collect();
        Self { served, folder: base.url(&format!("/s/{digits}/")) }
    }

    pub(crate) fn url(&self, name: &str) -> String {
        format!("{}{name}", self.folder)
    }

    /// The address of a component.
    pub(crate) fn file(&self, name: &str) -> Result<String, String> {
        number(self.served, name).map(|number| self.url(&number.to_string()))
    }
}

fn number(served: &Served, name: &str) -> Result<usize, String> {
    let position = served.manifest.components.iter().position(|it| it.name == name);
    position.ok_or_else(|| format!("the release names the file {name} and lacks it"))
}

/// The name of the component that a short address means.
pub(crate) fn component<'a>(served: &'a Served, number: &str) -> Option<&'a str> {
    let component = served.manifest.components.get(number.parse::<usize>().ok()?)?;
    Some(&component.name)
}

/// The name of the list of images, and its digest.
pub(crate) fn image_list(served: &Served) -> Result<(&'static str, Digest), String> {
    Ok((LIST, Digest::of(list_text(served)?)))
}

/// The list of images.
pub(crate) fn list_text(served: &Served) -> Result<String, String> {
    let mut text = String::new();
    for name in &served.manifest.images {
        let number = number(served, name)?;
        let (_, _, sha256) = served.file(name).ok_or_else(|| format!("there is no {name}"))?;
        let _ = writeln!(text, "{number} {sha256}");
    }
    Ok(text)
}

/// The digests that begin with the digits of a short address: from the first to the last.
pub(crate) fn digests(digits: &str) -> Option<(Digest, Digest)> {
    let plain = |b: u8| b.is_ascii_digit() || matches!(b, b'a'..=b'f');
    if digits.len() != DIGITS || !digits.bytes().all(plain) {
        return None;
    }
    let filled = |with: &str| format!("{digits}{}", with.repeat(64 - DIGITS)).parse().ok();
    Some((filled("0")?, filled("f")?))
}
