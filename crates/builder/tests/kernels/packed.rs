//! The tree beside this file, packed as people upload one.

use std::{path::Path, process::Command};

/// Writes an archive with the same bytes each time.
const PACK: &str = r#"
import io, sys, tarfile
name, content, tree = sys.argv[1:]
with tarfile.open(fileobj=sys.stdout.buffer, mode="w|xz") as archive:
    def plain(info):
        info.uid = info.gid = 0
        info.mtime = 1700000000
        return info
    archive.add(tree, "linux-6.1.7", filter=plain)
    if name:
        info = plain(tarfile.TarInfo("linux-6.1.7/" + name))
        info.size = len(content)
        archive.addfile(info, io.BytesIO(content.encode()))
"#;

/// `linux-6.1.7.tar.xz`, with one file more where `extra` has its name and content.
pub(crate) fn tree(extra: (&str, &str)) -> Vec<u8> {
    // From whichever crate includes this.
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let output = Command::new("python3")
        .args(["-c", PACK, extra.0, extra.1])
        .arg(crates.join("builder/tests/kernels/tree"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    output.stdout
}
