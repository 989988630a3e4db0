//! Archives that somebody made to leave the sandbox's folder, or never to end.

use std::fs;

use domain::kernel::{BuildMode, Source};

use crate::world::{World, python, tiny};

/// Writes an archive of each kind, called after what is wrong with it.
const MAKE: &str = r#"
import gzip, io, os, subprocess, sys, tarfile, zipfile
os.chdir(sys.argv[1])

def tar(name, *members):
    with tarfile.open(name, "w:gz") as archive:
        for path, kind, value in (("linux/Makefile", tarfile.REGTYPE, b"VERSION = 6\nPATCHLEVEL = 1\n"),
                                  ("linux/arch/x86/Kconfig", tarfile.REGTYPE, b""), *members):
            info = tarfile.TarInfo(path)
            info.type = kind
            if kind == tarfile.REGTYPE:
                info.size = len(value)
                archive.addfile(info, io.BytesIO(value))
            else:
                info.linkname = value
                archive.addfile(info)

tar("absolute", ("/etc/passwd", tarfile.REGTYPE, b"x"))
tar("above", ("linux/../../out", tarfile.REGTYPE, b"x"))
tar("link-out", ("linux/out", tarfile.SYMTYPE, "../../etc"))
tar("link-to-neighbour", ("linux/out", tarfile.SYMTYPE, "../linux-not-the-tree/x"))
tar("link-absolute", ("linux/out", tarfile.SYMTYPE, "/etc"))
tar("behind-link", ("linux/in", tarfile.SYMTYPE, "arch"), ("linux/in/x", tarfile.REGTYPE, b"x"))
tar("same-as-none", ("linux/passwd", tarfile.LNKTYPE, "../../../etc/passwd"))
tar("device", ("linux/disk", tarfile.BLKTYPE, ""))
tar("twice", ("linux/Makefile", tarfile.REGTYPE, b"x"))
tar("large", ("linux/zeros", tarfile.REGTYPE, bytes(100 << 20)))
with tarfile.open("no-tree.tar", "w") as archive:
    archive.addfile(tarfile.TarInfo("readme/README"), io.BytesIO())
with tarfile.open("xen.tar", "w") as archive:
    text = b"export XEN_VERSION = 4\nexport XEN_SUBVERSION = 17\nexport XEN_EXTRAVERSION ?= .5$(XEN_VENDORVERSION)\n"
    info = tarfile.TarInfo("xen-4.17/xen/Makefile")
    info.size = len(text)
    archive.addfile(info, io.BytesIO(text))
many = tarfile.TarInfo("linux/many")
many.type = tarfile.DIRTYPE
block = many.tobuf()
with subprocess.Popen(["zstd", "-q", "-o", "many"], stdin=subprocess.PIPE) as zstd:
    for _ in range(1010):
        zstd.stdin.write(block * 1000)
with zipfile.ZipFile("above.zip", "w") as archive:
    archive.writestr("linux/../../x", "x")
with zipfile.ZipFile("plain.zip", "w", zipfile.ZIP_DEFLATED) as archive:
    archive.writestr("linux/Makefile", "VERSION = 6\n" * 100)
plain = open("plain.zip", "rb").read()
central = plain.index(b"PK\1\2")
secret = bytearray(plain)
secret[6] |= 1
secret[central + 8] |= 1
open("secret.zip", "wb").write(secret)
data = 30 + len("linux/Makefile")
open("flipped.zip", "wb").write(plain[:data] + b"\xff" * 4 + plain[data + 4 :])
whole = open("absolute", "rb").read()
open("cut", "wb").write(whole[: len(whole) // 2])
open("nothing", "wb").write(b"hello")
open("broken.deb", "wb").write(b"!<arch>\nhello")
"#;

#[test]
fn hostile_archives_are_refused_and_their_entry_is_named() {
    let world = World::empty(1);
    let folder = world.folder().join("archives");
    fs::create_dir(&folder).unwrap();
    python(MAKE, &folder);
    for (name, parts) in [
        ("absolute", ["\"/etc/passwd\"", "absolute name"]),
        ("above", ["\"linux/../../out\"", "\"..\""]),
        ("link-out", ["\"linux/out\"", "\"../../etc\""]),
        ("link-to-neighbour", ["\"linux/out\"", "out of the tree"]),
        ("link-absolute", ["\"linux/out\"", "absolute \"/etc\""]),
        ("behind-link", ["\"linux/in/x\"", "\"linux/in\", which is a link"]),
        ("same-as-none", ["\"linux/passwd\"", "none of the archive"]),
        ("device", ["\"linux/disk\"", "device"]),
        ("twice", ["\"linux/Makefile\"", "twice"]),
        ("large", ["\"linux/zeros\"", "64 MiB"]),
        ("many", ["1000000", "entries"]),
        ("above.zip", ["\"linux/../../x\"", "\"..\""]),
        ("secret.zip", ["cannot be read here", "encrypted"]),
        ("flipped.zip", ["damaged", ""]),
        ("no-tree.tar", ["neither one of Linux", "nor one of Xen"]),
        ("xen.tar", ["is one of xen", "flavor \"linux\""]),
        ("cut", ["damaged", ""]),
        ("nothing", ["no archive that is read here", ".tar.zst"]),
        ("broken.deb", ["is damaged", ""]),
    ] {
        let bytes = fs::read(folder.join(name)).unwrap();
        // What it is says the content, not the name.
        let file = world.upload("source", &bytes);
        let definition = tiny(Source::UploadedArchive { file }, Vec::new());
        let said = world.refused(&definition, BuildMode::Configure);
        for part in parts {
            assert!(said.contains(part), "{name}: {part} is missing in: {said}");
        }
        assert!(said.starts_with("the step prepare failed: "), "{name}: {said}");
        assert!(!said.contains("last lines"), "{name}: one sentence, not {said}");
    }
}
