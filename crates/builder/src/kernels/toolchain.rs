//! What a kernel is compiled with, and whether it is here.

use std::path::Path;

use domain::kernel::BuildMode;

use crate::error::BuildError;

/// Files without which no kernel is compiled, and the Debian package of each.
const NEEDED: [(&str, &str); 14] = [
    ("/usr/bin/gcc", "build-essential"),
    ("/usr/bin/make", "build-essential"),
    ("/usr/bin/ld", "binutils"),
    ("/usr/bin/bc", "bc"),
    ("/usr/bin/bison", "bison"),
    ("/usr/bin/flex", "flex"),
    ("/usr/bin/rsync", "rsync"),
    ("/usr/bin/patch", "patch"),
    ("/usr/bin/zstd", "zstd"),
    ("/usr/bin/cpio", "cpio"),
    ("/usr/bin/perl", "perl"),
    ("/usr/bin/dpkg-buildpackage", "dpkg-dev"),
    ("/usr/include/gelf.h", "libelf-dev"),
    ("/usr/include/openssl/opensslv.h", "libssl-dev"),
];

/// Whether everything is here. Who compiles no kernel needs none of it, so this is no part of
/// [`crate::Builder::check`].
pub(super) fn check(step: &'static str, mode: BuildMode) -> Result<(), BuildError> {
    let cache = (mode == BuildMode::Development).then_some(("/usr/bin/ccache", "ccache"));
    // Where /usr/include is one folder for several architectures, headers stand a folder deeper.
    let is_there = |file: &str| {
        let deeper = file.replace("/usr/include/", "/usr/include/x86_64-linux-gnu/");
        Path::new(file).exists() || Path::new(&deeper).exists()
    };
    let missing = NEEDED.into_iter().chain(cache).find(|(file, _)| !is_there(file));
    missing.map_or(Ok(()), |(file, package)| {
        Err(BuildError::Step {
            step,
            why: format!(
                "kernels are compiled with {file}, which is missing here: install the Debian package {package}"
            ),
            lines: Vec::new(),
        })
    })
}
