"""Reads the archive of a rootfs that somebody brought along, and writes the same tree anew.

  in:  the file ARCHIVE: tar, as it is or by gzip, xz or zstd, with the top folder rootfs/;
       MOST_BYTES (of files and headers), MOST_ENTRIES, MOST_RATIO (bytes per byte of the archive)
  out: /out/tree.tar and /out/epoch (the newest time in it), or /out/refused: why not, in one sentence

Names, links and owners are judged here, by the one reader that also writes what later steps unpack:
two readers could understand one archive differently.
"""

import os
import subprocess
import sys
import tarfile

TOP = "rootfs"
# Folders that later steps go through: an absolute link there would lead out of the tree.
WALKED = {
    "boot", "dev", "etc", "etc/apt", "etc/apt/sources.list.d", "lib", "lib/modules", "proc", "tmp",
    "usr", "usr/lib", "usr/lib/modules", "var", "var/lib", "var/lib/apt", "var/lib/dpkg",
    "var/lib/dpkg/info",
}
INITS = ("init", "sbin/init", "usr/sbin/init", "usr/lib/systemd/systemd", "lib/systemd/systemd")
LARGEST_ID = 65535
LATEST_TIME = 2**32 - 1
DECOMPRESSORS = (
    (b"\x1f\x8b", ["gzip", "-dc"]),
    (b"\xfd7zXZ\x00", ["xz", "-dc", "--memlimit-decompress=1GiB"]),
    (b"\x28\xb5\x2f\xfd", ["zstd", "-dcq", "--memory=1024MB"]),
)


class Refused(Exception):
    """Why the archive is not taken."""


class Entry(tarfile.TarInfo):
    """A header; one that cannot be read ends the archive for Python, and must not for us."""

    @classmethod
    def fromtarfile(cls, archive):
        try:
            return super().fromtarfile(archive)
        except tarfile.EOFHeaderError:
            raise
        except tarfile.EmptyHeaderError:
            raise Refused("the archive ends before its end is marked: it was cut off") from None
        except tarfile.HeaderError as error:
            raise Refused(f"the archive is damaged: {error}") from None


class Limited:
    """What comes out of the decompressor, counted."""

    def __init__(self, source, most):
        self.source, self.most, self.count = source, most, 0

    def read(self, length):
        data = self.source.read(length)
        self.count += len(data)
        for limit, why in self.most:
            if self.count > limit:
                raise Refused(why)
        return data


def shown(name):
    return ascii(name)[1:-1][:200]


def place(name):
    """The parts of a name below the top folder; None for what stands above it."""
    if name.startswith("/"):
        raise Refused(f"the name {shown(name)} is absolute")
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise Refused(f"the name {shown(name)} leads out of the tree by \"..\"")
    if not parts:
        return None
    if parts[0] != TOP:
        raise Refused(
            f"the name {shown(name)} does not begin with {TOP}/: pack the folder {TOP} itself"
        )
    return parts[1:]


def check_symlink(parts, target):
    name = "/".join(parts)
    if target.startswith("/"):
        if name in WALKED:
            raise Refused(f"the link {shown(name)} leads to {shown(target)}: write it relative")
        return
    depth = len(parts) - 1
    for part in target.split("/"):
        if part == "..":
            depth -= 1
        elif part not in ("", "."):
            depth += 1
        if depth < 0:
            raise Refused(f"the link {shown(name)} to {shown(target)} leads out of the tree")


class Tree:
    """What was read so far, by name: d, f, l, p."""

    def __init__(self):
        self.kinds = {}
        self.newest = 0
        self.dropped = 0

    def add(self, parts, kind):
        for length in range(1, len(parts)):
            above = "/".join(parts[:length])
            if self.kinds.setdefault(above, "d") != "d":
                name = "/".join(parts)
                raise Refused(f"{shown(name)} lies below {shown(above)}, which is no folder")
        name = "/".join(parts)
        before = self.kinds.get(name)
        if before is not None and not before == kind == "d":
            raise Refused(f"{shown(name)} stands in the archive twice")
        self.kinds[name] = kind

    def hard_link(self, parts, target):
        to = place(target)
        target = "/".join(to or [])
        if self.kinds.get(target) not in ("f", "l"):
            name = "/".join(parts)
            raise Refused(
                f"the hard link {shown(name)} leads to {shown(target)}, which is no file before it"
            )
        return target


def kept_attributes(member):
    """Capabilities and what users wrote; others cannot be written, or belong to one machine."""
    prefixes = ("SCHILY.xattr.security.capability", "SCHILY.xattr.user.")
    return {name: it for name, it in member.pax_headers.items() if name.startswith(prefixes)}


def copy(tree, member, archive, out):
    parts = place(member.name)
    if parts is None:
        if not member.isdir():
            raise Refused(f"the name {shown(member.name)} names nothing")
        return
    if parts and "" not in tree.kinds:
        # An image whose root comes late or never has one that everybody may write.
        root = tarfile.TarInfo(".")
        root.type, root.mode, root.mtime = tarfile.DIRTYPE, 0o755, int(max(0, member.mtime))
        out.addfile(root)
        tree.kinds[""] = "d"
    elif not parts and "" in tree.kinds:
        return
    if member.ischr() or member.isblk():
        # devtmpfs brings them when a machine boots.
        tree.dropped += 1
        return
    for owner in (member.uid, member.gid):
        if not 0 <= owner <= LARGEST_ID:
            raise Refused(f"{shown(member.name)} belongs to {owner}: owners go up to {LARGEST_ID}")
    new = tarfile.TarInfo("/".join([".", *parts]))
    new.mode, new.uid, new.gid = member.mode & 0o7777, member.uid, member.gid
    new.mtime = int(max(0, min(member.mtime, LATEST_TIME)))
    new.pax_headers = kept_attributes(member)
    content = None
    if member.isdir():
        tree.add(parts, "d")
        new.type = tarfile.DIRTYPE
    elif not parts:
        raise Refused(f"{TOP} is no folder")
    elif member.issym():
        check_symlink(parts, member.linkname)
        tree.add(parts, "l")
        new.type, new.linkname = tarfile.SYMTYPE, member.linkname
    elif member.islnk():
        target = tree.hard_link(parts, member.linkname)
        tree.add(parts, tree.kinds[target])
        new.type, new.linkname, new.pax_headers = tarfile.LNKTYPE, f"./{target}", {}
    elif member.isfifo():
        tree.add(parts, "p")
        new.type = tarfile.FIFOTYPE
    elif member.isreg():
        if member.size > MOST_BYTES:
            raise Refused(f"{shown(member.name)} is longer than a rootfs may be")
        tree.add(parts, "f")
        new.type, new.size = tarfile.REGTYPE, member.size
        content = archive.extractfile(member)
    else:
        raise Refused(f"{shown(member.name)} is of a kind that no rootfs has")
    tree.newest = max(tree.newest, new.mtime)
    out.addfile(new, content)
    out.members = []


def opened(path):
    """The decompressor of the archive, None where it is none, and its output."""
    with open(path, "rb") as file:
        head = file.read(512)
    for magic, command in DECOMPRESSORS:
        if head.startswith(magic):
            running = subprocess.Popen(
                [*command, path], stdout=subprocess.PIPE, stderr=subprocess.PIPE
            )
            return running, running.stdout
    if head[257:262] == b"ustar":
        return None, open(path, "rb")
    raise Refused("the file is neither a tar archive nor one compressed by gzip, xz or zstd")


def rewrite(path):
    size = os.stat(path).st_size
    running, source = opened(path)
    most = [
        (MOST_BYTES, f"the archive unpacks to more than {MOST_BYTES} bytes"),
        (
            MOST_RATIO * max(size, 1 << 20),
            f"the archive unpacks to more than {MOST_RATIO} times its own length",
        ),
    ]
    limited = Limited(source, most)
    tree = Tree()
    count = 0
    try:
        with (
            tarfile.open(fileobj=limited, mode="r|", bufsize=1 << 20, tarinfo=Entry) as archive,
            tarfile.open("/out/tree.tar", "w", format=tarfile.PAX_FORMAT) as out,
        ):
            while (member := archive.next()) is not None:
                count += 1
                if count > MOST_ENTRIES:
                    raise Refused(f"the archive has more than {MOST_ENTRIES} entries")
                copy(tree, member, archive, out)
                archive.members = []
        while limited.read(1 << 20):
            pass
    except (tarfile.TarError, EOFError, ValueError) as error:
        raise Refused(f"the archive is damaged: {error}") from None
    finally:
        if running is not None:
            running.stdout.close()
    if running is not None and running.wait() != 0:
        said = running.stderr.read(200).decode(errors="replace").strip()
        raise Refused(f"the archive is damaged: {said}")
    if not any(name in tree.kinds for name in INITS):
        raise Refused("the archive holds no init, so nothing would start what it holds")
    with open("/out/epoch", "w", encoding="ascii") as file:
        file.write(f"{tree.newest}\n")
    print(f"{count} entries, {limited.count} bytes; {tree.dropped} device nodes left out")


MOST_BYTES = int(os.environ["MOST_BYTES"])
MOST_ENTRIES = int(os.environ["MOST_ENTRIES"])
MOST_RATIO = int(os.environ["MOST_RATIO"])

try:
    rewrite(os.environ["ARCHIVE"])
except Refused as refusal:
    with open("/out/refused", "w", encoding="utf-8", errors="replace") as file:
        file.write(f"{refusal}\n")
    print(f"refused: {refusal}", file=sys.stderr)
