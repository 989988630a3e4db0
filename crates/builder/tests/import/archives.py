"""Writes archives of a small rootfs for tests: `archives.py FOLDER` makes one per case, and
FOLDER/cases with a line each: <file> TAB <words of the refusal, or nothing where it is taken>."""

import gzip
import io
import lzma
import os
import struct
import subprocess
import sys
import tarfile

FOLDER = sys.argv[1]
RELEASE = "6.1.0-test"
CASES = []
# Hypervisors as Debian 9 and 12 have them: the package says the version of the one, a configuration
# that of the other.
XEN = {"xen-4.8-amd64": b"hypervisor 4.8" * 9, "xen-4.17-amd64": b"hypervisor 4.17" * 9}


def info(name, kind=tarfile.REGTYPE, **more):
    member = tarfile.TarInfo(name)
    member.type, member.mode, member.mtime = kind, 0o644, 1_600_000_000
    for key, value in more.items():
        setattr(member, key, value)
    return member


def folder(name, mode=0o755):
    return info(name, tarfile.DIRTYPE, mode=mode), None


def file(name, content=b"", **more):
    return info(name, size=len(content), **more), content


def link(name, target, kind=tarfile.SYMTYPE, **more):
    return info(name, kind, linkname=target, **more), None


def rootfs():
    status = (
        "Package: base\nStatus: install ok installed\nVersion: 1\nArchitecture: all\n\n"
        "Package: xen-hypervisor-4.8-amd64\nStatus: install ok installed\n"
        "Version: 4.8.5.final+shim4.10.4-1+deb9u12\nArchitecture: amd64\n"
    )
    return [
        folder("rootfs/"),
        folder("rootfs/sbin"),
        file("rootfs/sbin/init", b"#!/bin/sh\n", mode=0o755),
        folder("rootfs/usr"),
        file("rootfs/usr/sudo", b"root", mode=0o4755, uid=0, gid=7),
        file("rootfs/usr/mine", b"x", uid=1000, gid=1000),
        link("rootfs/usr/again", "rootfs/usr/mine", tarfile.LNKTYPE),
        link("rootfs/usr/link", "../sbin/init"),
        link("rootfs/usr/absolute", "/sbin/init"),
        file(
            "rootfs/usr/ping",
            b"ping",
            pax_headers={"SCHILY.xattr.security.capability": "\x01\x00\x00\x02\x00\x20" + "\x00" * 14},
        ),
        file(f"rootfs/lib/modules/{RELEASE}/modules.order", b"\n"),
        *[file(f"rootfs/boot/{it}.gz", gzip.compress(XEN[it], mtime=0)) for it in XEN],
        file("rootfs/boot/xen-4.17-amd64.config", b"#\n# Xen/x86 4.17.5 Configuration\n#\n"),
        file(
            "rootfs/var/lib/dpkg/info/xen-hypervisor-4.8-amd64.list",
            b"/.\n/boot\n/boot/xen-4.8-amd64.gz\n",
        ),
        file("rootfs/var/lib/dpkg/status", status.encode()),
        file("rootfs/etc/os-release", b"VERSION_CODENAME=bookworm\n"),
        file("rootfs/etc/hostname", b"rootfs-v1.0.0\n"),
        (info("rootfs/dev/sda", tarfile.BLKTYPE, devmajor=8), None),
        (info("rootfs/run/pipe", tarfile.FIFOTYPE), None),
    ]


def packed(members, form=tarfile.PAX_FORMAT):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as archive:
        for member, content in members:
            archive.addfile(member, io.BytesIO(content) if content is not None else None)
    return out.getvalue()


def case(name, data, refusal=""):
    with open(os.path.join(FOLDER, name), "wb") as out:
        out.write(data)
    CASES.append(f"{name}\t{refusal}\n")


def with_member(name, member, refusal):
    case(name, gzip.compress(packed([*rootfs(), member])), refusal)


good = packed(rootfs())
case("good.tar.gz", gzip.compress(good))
case("good.tar", good)
case("good.tar.xz", lzma.compress(good))
zstd = subprocess.run(["zstd", "-qc"], input=good, stdout=subprocess.PIPE, check=True)
case("good.tar.zst", zstd.stdout)
case("rootless.tar.gz", gzip.compress(packed(rootfs()[1:])))
case("gnu.tar.gz", gzip.compress(packed(rootfs(), tarfile.GNU_FORMAT)))

with_member("absolute.tar.gz", file("/etc/passwd", b"x"), "is absolute")
with_member("dots.tar.gz", file("rootfs/../etc/passwd", b"x"), "leads out of the tree")
with_member("other-top.tar.gz", file("etc/passwd", b"x"), "does not begin with rootfs/")
with_member("out.tar.gz", link("rootfs/usr/out", "../../etc"), "leads out of the tree")
with_member("deep-out.tar.gz", link("rootfs/usr/o", "a/../../../x"), "leads out of the tree")
with_member("walked.tar.gz", link("rootfs/boot", "/usr"), "write it relative")
with_member(
    "hard-out.tar.gz", link("rootfs/x", "rootfs/../etc/shadow", tarfile.LNKTYPE), "leads out"
)
with_member("hard-absolute.tar.gz", link("rootfs/x", "/etc/shadow", tarfile.LNKTYPE), "absolute")
with_member(
    "hard-nothing.tar.gz", link("rootfs/x", "rootfs/nothing", tarfile.LNKTYPE), "no file before it"
)
with_member("below-link.tar.gz", file("rootfs/usr/absolute/x", b"x"), "which is no folder")
with_member("below-file.tar.gz", file("rootfs/usr/mine/x", b"x"), "which is no folder")
with_member("twice.tar.gz", file("rootfs/usr/mine", b"other"), "stands in the archive twice")
with_member("becomes-link.tar.gz", link("rootfs/usr", "/etc"), "write it relative")
with_member("folder-to-link.tar.gz", link("rootfs/sbin", "usr"), "stands in the archive twice")
with_member("owner.tar.gz", file("rootfs/usr/x", b"x", uid=100000), "owners go up to 65535")
case("cut.tar.gz", gzip.compress(good)[:-200], "damaged")
case("cut.tar", good[: len(good) // 2], "cut off")
broken = bytearray(good)
broken[2048 + 148 : 2048 + 156] = b"99999999"
case("broken.tar", bytes(broken), "damaged")
case("text.tar.gz", b"this is no archive" * 100, "neither a tar archive")
case("text.gz", gzip.compress(b"this is no archive" * 100), "damaged")
case("empty", b"", "neither a tar archive")
case("bomb.tar.gz", gzip.compress(packed([*rootfs(), file("rootfs/zero", bytes(150 << 20))])), "times its own length")
case("no-init.tar.gz", gzip.compress(packed([rootfs()[0], rootfs()[3]])), "no init")

# What a bzImage has in its header: the mark, and where its version stands.
for name, release in [("vmlinuz", RELEASE), ("other", "6.2.0-other"), ("hostile", "../../x")]:
    image = bytearray(0x400)
    image[0x202:0x206] = b"HdrS"
    image[0x20E:0x210] = struct.pack("<H", 0x80)
    version = f"{release} (a@b) #1".encode()
    image[0x280 : 0x280 + len(version)] = version
    with open(os.path.join(FOLDER, name), "wb") as out:
        out.write(image)

for name, content in [*XEN.items(), ("xen-other", b"another hypervisor")]:
    with open(os.path.join(FOLDER, name), "wb") as out:
        out.write(content)
with open(os.path.join(FOLDER, "xen-4.8-amd64.gz"), "wb") as out:
    out.write(gzip.compress(XEN["xen-4.8-amd64"], mtime=1))

with open(os.path.join(FOLDER, "cases"), "w", encoding="ascii") as out:
    out.writelines(CASES)
