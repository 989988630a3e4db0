"""Unpacks an archive that anybody may have made, and refuses what would leave the folder or never end.

    unpack.py tree ARCHIVE FOLDER FACTS   a source tree; leaves it in FOLDER without its top folder
    unpack.py deb PACKAGE FOLDER EPOCH    the files of a .deb; the newest time of one goes to EPOCH

Takes tar, plain or by gzip, xz, bzip2 or zstd, zip, and a .deb with such an archive below usr/src.
FACTS gets lines `epoch <seconds>` (the newest time of an entry), `flavor <linux|xen>` and
`version <version>`. What is refused is one line on stderr: `refused: <sentence>`.
"""

import errno
import lzma
import os
import posixpath
import re
import stat
import struct
import subprocess
import sys
import tarfile
import zipfile
import zlib

BYTES = 6 << 30
ENTRIES = 1_000_000
# Of what comes out to what lies in the archive. Sources shrink to a tenth, rarely to a thirtieth.
RATIO = 200
SMALL = 64 << 20
COPY = 1 << 20
# 1980: what zip and ar cannot go below.
FIRST_EPOCH = 315532800
DECOMPRESSORS = [
    (b"\xfd7zXZ\0", ["xz", "-dc"]),
    (b"\x1f\x8b", ["gzip", "-dc"]),
    (b"BZh", ["bzip2", "-dc"]),
    (b"\x28\xb5\x2f\xfd", ["zstd", "-dcq"]),
]


class Refused(Exception):
    """The archive is not taken; says why."""


def shown(name):
    text = name if len(name) <= 200 else name[:200] + "…"
    return '"' + "".join(c if c.isprintable() else "?" for c in text) + '"'


class Folder:
    """Where entries are written, each by a name that was checked."""

    def __init__(self, path, archive_size, in_package=False):
        # Links of a package lead to where it will be installed; nothing is written behind one.
        self.in_package = in_package
        self.path, self.most = path, min(BYTES, max(SMALL, RATIO * archive_size))
        self.bytes = self.entries = self.newest = 0
        self.kinds, self.links = {"": "folder"}, {}
        os.makedirs(path, exist_ok=True)

    def place(self, name, mtime):
        """The entry's path below the folder in its plain form; the folders above it are made."""
        self.entries += 1
        if self.entries > ENTRIES:
            raise Refused(f"the archive has more than {ENTRIES} entries")
        if name.startswith("/"):
            raise Refused(f"the entry {shown(name)} has an absolute name")
        parts = [it for it in name.split("/") if it not in ("", ".")]
        if ".." in parts:
            raise Refused(f"the entry {shown(name)} leads out of the archive by \"..\"")
        if any(len(os.fsencode(it)) > 255 or "\0" in it for it in parts) or len(parts) > 100:
            raise Refused(f"the entry {shown(name)} has a name that no file can have")
        self.newest = max(self.newest, int(mtime))
        above = ""
        for part in parts[:-1]:
            above = posixpath.join(above, part)
            kind = self.kinds.get(above)
            if kind is None:
                os.mkdir(os.path.join(self.path, above))
                self.kinds[above] = "folder"
            elif kind != "folder":
                raise Refused(f"the entry {shown(name)} lies behind {shown(above)}, which is a {kind}")
        return "/".join(parts)

    def new(self, plain, name, kind):
        known = self.kinds.get(plain)
        if known == "folder" and kind == "folder":
            return None
        if known is not None:
            raise Refused(f"the entry {shown(name)} stands in the archive twice")
        self.kinds[plain] = kind
        return os.path.join(self.path, plain)

    def folder(self, name, mtime):
        path = self.new(self.place(name, mtime), name, "folder")
        if path:
            os.mkdir(path)

    def file(self, name, mtime, size, executable, source):
        plain = self.place(name, mtime)
        path = self.new(plain, name, "file")
        self.bytes += size
        if self.bytes > self.most:
            raise Refused(
                f"the archive is larger unpacked than the {self.most >> 20} MiB that one of its size may be, at the entry {shown(name)}"
            )
        left = size
        with open(path, "xb") as out:
            while left:
                block = source.read(min(left, COPY))
                if not block:
                    raise Refused(f"the archive ends in the entry {shown(name)}")
                out.write(block)
                left -= len(block)
        os.chmod(path, 0o755 if executable else 0o644)
        os.utime(path, (mtime, mtime))

    def link(self, name, mtime, target):
        plain = self.place(name, mtime)
        if target.startswith("/") and not self.in_package:
            raise Refused(f"the link {shown(name)} leads to the absolute {shown(target)}")
        path = self.new(plain, name, "link")
        self.links[plain] = (name, target)
        os.symlink(target, path)
        os.utime(path, (mtime, mtime), follow_symlinks=False)

    def same(self, name, mtime, target):
        plain = self.place(name, mtime)
        known = "/".join(it for it in target.split("/") if it not in ("", "."))
        if self.kinds.get(known) != "file":
            raise Refused(f"the entry {shown(name)} is to be the same file as {shown(target)}, which is none of the archive")
        path = self.new(plain, name, "file")
        os.link(os.path.join(self.path, known), path)

    def links_stay_in(self, top):
        """Refuses a link that leaves `top`, a folder of the archive; the empty one is the archive."""
        for plain, (name, target) in self.links.items():
            end = posixpath.normpath(posixpath.join(posixpath.dirname(plain), target))
            inside = end == top or end.startswith(top + "/") if top else not (end + "/").startswith("../")
            if not inside:
                raise Refused(f"the link {shown(name)} leads out of the tree, to {shown(target)}")


def decompressed(path, work):
    """Calls `work` with a stream of the tar in the archive."""
    # Without a buffer: the child reads on where the file stands.
    with open(path, "rb", buffering=0) as file:
        head = file.read(512)
        file.seek(0)
        command = next((command for magic, command in DECOMPRESSORS if head.startswith(magic)), None)
        if command is None:
            if head[257:262] != b"ustar":
                raise Refused("this is no archive that is read here: .tar, .tar.gz, .tar.xz, .tar.bz2, .tar.zst, .zip, or a .deb of a source")
            work(file)
            return
        with subprocess.Popen(command, stdin=file, stdout=subprocess.PIPE) as child:
            try:
                work(child.stdout)
                # Behind the archive's end stands padding only.
                while child.stdout.read(COPY):
                    pass
            except BaseException:
                child.kill()
                raise
        if child.returncode:
            raise Refused(f"the archive is damaged: {command[0]} cannot read it to its end")


def untar(stream, folder):
    with tarfile.open(fileobj=stream, mode="r|", errors="surrogateescape") as archive:
        for member in archive:
            name, mtime = member.name, max(0, int(member.mtime))
            if member.isdir():
                folder.folder(name, mtime)
            elif member.isreg():
                folder.file(name, mtime, member.size, member.mode & 0o100, archive.extractfile(member))
            elif member.issym():
                folder.link(name, mtime, member.linkname)
            elif member.islnk():
                folder.same(name, mtime, member.linkname)
            else:
                raise Refused(f"the entry {shown(name)} is a device or pipe")
            # Else the module remembers every entry.
            archive.members = []


def unzip(path, folder):
    import calendar

    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            mtime = calendar.timegm((*info.date_time, 0, 0, 0))
            mode = info.external_attr >> 16
            kind = stat.S_IFMT(mode)
            if info.is_dir():
                folder.folder(info.filename, mtime)
            elif kind == stat.S_IFLNK:
                with archive.open(info) as source:
                    folder.link(info.filename, mtime, os.fsdecode(source.read(4096)))
            elif kind in (0, stat.S_IFREG):
                with archive.open(info) as source:
                    folder.file(info.filename, mtime, info.file_size, mode & 0o100, source)
            else:
                raise Refused(f"the entry {shown(info.filename)} is a device or pipe")


def of_package(path, work):
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", path], stdout=subprocess.PIPE) as child:
        try:
            work(child.stdout)
            while child.stdout.read(COPY):
                pass
        except BaseException:
            child.kill()
            raise
    if child.returncode:
        raise Refused("the package is damaged: dpkg-deb cannot read it")


def source_in(path, most):
    """The one archive below usr/src of a .deb, as a file of its own."""
    place = "/build/source-in-package"

    def find(stream):
        with tarfile.open(fileobj=stream, mode="r|") as archive:
            for member in archive:
                if member.isreg() and re.fullmatch(r"\./usr/src/[^/]+\.tar\.\w+", member.name):
                    if os.path.exists(place):
                        raise Refused(f"the package holds more than one source, {shown(member.name)} the second")
                    if member.size > most:
                        raise Refused(f"the source {shown(member.name)} in the package is too large")
                    with open(place, "xb") as out:
                        source = archive.extractfile(member)
                        while block := source.read(COPY):
                            out.write(block)
                archive.members = []

    of_package(path, find)
    if not os.path.exists(place):
        raise Refused("the package holds no source: an archive below /usr/src")
    return place


def top_of(folder):
    tops = {it.split("/")[0] for it in folder.kinds if it}
    if len(tops) == 1 and folder.kinds[next(iter(tops))] == "folder":
        return next(iter(tops))
    if "Makefile" in tops:
        return ""
    raise Refused("the archive has no one top folder, and no Makefile at its top: it is no source tree")


def variables(path, names):
    """Variables of a Makefile that are set to plain words; what a word refers to is left out."""
    values = {}
    try:
        with open(path, errors="replace") as file:
            for line in file:
                found = re.match(r"(?:export\s+)?(\w+)\s*\??:?=\s*(.*?)\s*$", line)
                if found and found[1] in names and found[1] not in values:
                    values[found[1]] = re.sub(r"\$\([^)]*\)", "", found[2])
    except OSError:
        pass
    return values


def flavor(tree):
    linux = variables(f"{tree}/Makefile", ("VERSION", "PATCHLEVEL", "SUBLEVEL", "EXTRAVERSION"))
    if {"VERSION", "PATCHLEVEL"} <= linux.keys() and os.path.isdir(f"{tree}/arch/x86"):
        numbers = [linux[it] for it in ("VERSION", "PATCHLEVEL", "SUBLEVEL") if linux.get(it)]
        return "linux", ".".join(numbers) + linux.get("EXTRAVERSION", "")
    xen = variables(f"{tree}/xen/Makefile", ("XEN_VERSION", "XEN_SUBVERSION", "XEN_EXTRAVERSION"))
    if {"XEN_VERSION", "XEN_SUBVERSION"} <= xen.keys():
        return "xen", f"{xen['XEN_VERSION']}.{xen['XEN_SUBVERSION']}{xen.get('XEN_EXTRAVERSION', '')}"
    raise Refused("the tree is neither one of Linux (VERSION and PATCHLEVEL in its Makefile, arch/x86) nor one of Xen (XEN_VERSION in xen/Makefile)")


def unpack_tree(path, target, facts):
    with open(path, "rb") as file:
        head = file.read(8)
    size = os.path.getsize(path)
    if head == b"!<arch>\n":
        path = source_in(path, BYTES)
    unpacked = target + ".unpacked"
    folder = Folder(unpacked, size)
    if head.startswith(b"PK\x03\x04"):
        unzip(path, folder)
    else:
        decompressed(path, lambda stream: untar(stream, folder))
    top = top_of(folder)
    folder.links_stay_in(top)
    os.rename(os.path.join(unpacked, top) if top else unpacked, target)
    kind, version = flavor(target)
    with open(facts, "x") as out:
        out.write(f"epoch {max(folder.newest, FIRST_EPOCH)}\nflavor {kind}\nversion {version}\n")
    print(f"{folder.entries} entries, {folder.bytes >> 20} MiB: {kind} {version}")


def unpack_package(path, target, epoch):
    folder = Folder(target, os.path.getsize(path), in_package=True)
    of_package(path, lambda stream: untar(stream, folder))
    with open(epoch, "w") as out:
        out.write(f"{max(folder.newest, FIRST_EPOCH)}\n")


def taking(work):
    """Calls `work`, and says in one line why the archive is not taken where it cannot be."""
    try:
        work()
    except Refused as refused:
        sys.exit(f"refused: {refused}")
    # Of a zip: encrypted, or by a method that Python has not.
    except RuntimeError as error:
        sys.exit(f"refused: the archive cannot be read here: {error}")
    except OSError as error:
        if error.errno is None:
            sys.exit(f"refused: the archive is damaged: {error}")
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            # The builder knows how much room there is, and says so of what is not refused.
            sys.exit(f"too large for the room that there is: {error.strerror}")
        sys.exit(f"refused: the archive cannot be unpacked: {error}")
    except (tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, ArithmeticError, ValueError) as error:
        sys.exit(f"refused: the archive is damaged: {error}")


def main():
    if sys.argv[1] == "tree":
        taking(lambda: unpack_tree(*sys.argv[2:]))
    else:
        taking(lambda: unpack_package(*sys.argv[2:]))


if __name__ == "__main__":
    main()
