#!/usr/bin/env python3
"""Measures how long it takes from a click to a variant that machines can boot, and what it takes of disk
and wire, and prints each figure beside its target.

    benches/variants.py PROGRAM

PROGRAM is a built `bootwright`. Ten pairs of packages are added to one release, each pair once: the
unpacked release, the archive's index and the packages are there already, the request itself never is.
The same change is made by hand (an overlay, apt-get, mksquashfs), with index and packages there too, and
by a full build of the release, in the same run. Runs as root: the program becomes its system user. Takes about ten minutes on two
processors, and longer where the small kernel is compiled first.
"""

import http.client
import json
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse

from figures import Installation, mirror
from while_compiling import small_linux

PAIRS = [
    ("htop", "tree"), ("strace", "lsof"), ("bc", "file"), ("jq", "pv"), ("rsync", "zip"),
    ("ethtool", "tcpdump"), ("nano", "less"), ("tmux", "screen"), ("dmidecode", "usbutils"), ("socat", "iperf3"),
]
ADDED, SWAPPED, WRITTEN = 5.0, 5.0, 2.0  # seconds
SHARE = 0.05  # of the release's image
ROUNDS = 5


class Bench:
    def __init__(self, installation, program):
        self.installation, self.failed = installation, False
        token = [program, "admin", "create-token", "ada", "--data-dir", installation.folder / "data"]
        token = subprocess.run(token, check=True, capture_output=True, text=True).stdout.split()[-1]
        self.headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self.made = 0

    def call(self, method, path, body=None):
        connection = http.client.HTTPConnection(urllib.parse.urlsplit(self.installation.browser.origin).netloc)
        connection.request(method, f"/api/v1{path}", body and json.dumps(body), self.headers)
        answer = connection.getresponse()
        content = answer.read()
        assert answer.status < 300, f"{path}: {answer.status} {content[:300]!r}"
        return content

    def json(self, method, path, body=None):
        return json.loads(self.call(method, path, body))

    def ended(self, job):
        """Waits for a job; the answer ends when it does."""
        self.call("GET", f"/jobs/{job}/log?follow=true")
        details = self.json("GET", f"/jobs/{job}")
        assert details["state"] == "succeeded", details["outcome"]
        return details

    def variant(self, text):
        """Makes and builds one; gives the seconds from asking to bootable, the variant, and its job."""
        self.made += 1
        name = f"v{self.made}"
        self.json("POST", "/variants", {"name": name, "text": text})
        begun = time.monotonic()
        job = self.json("POST", f"/variants/{name}/builds", {})["id"]
        details = self.ended(job)
        took = time.monotonic() - begun
        return took, self.json("GET", f"/variants/{name}"), details

    def figure(self, what, value, target, passed):
        self.failed |= not passed
        print(f"{what:<58} {value:>22}   target {target:<24} {'PASS' if passed else 'FAIL'}", flush=True)


def parts(job):
    """Where the seconds of a job went."""
    return ", ".join(f"{it['name']} {it['took_ms'] / 1000:.2f}" for it in job["steps"] if it["took_ms"] is not None)


def by_hand(image, pairs):
    """Seconds of each pair: an overlay over the unpacked image, apt-get install, mksquashfs. The index and the
    packages of all pairs are there, as they are for the program."""
    script = """
        set -eu
        mount -t tmpfs tmpfs "$1" && cd "$1" && mkdir base && unsquashfs -q -n -f -d base "$2" >/dev/null
        echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $3 bookworm main" >sources
        cp /usr/share/keyrings/debian-archive-keyring.gpg base/usr/share/keyrings/
        cp sources base/etc/apt/sources.list && cp --dereference /etc/resolv.conf base/etc/resolv.conf
        shift 3
        mkdir -p lists/partial archives/partial
        change() {
            mkdir upper work merged
            mount -t overlay overlay -o lowerdir=base,upperdir=upper,workdir=work merged
            mount --bind /proc merged/proc && mount --rbind /dev merged/dev
            mkdir -p merged/var/lib/apt/lists merged/var/cache/apt/archives
            mount --bind lists merged/var/lib/apt/lists && mount --bind archives merged/var/cache/apt/archives
            printf '#!/bin/sh\\nexit 101\\n' >merged/usr/sbin/policy-rc.d && chmod 755 merged/usr/sbin/policy-rc.d
            DEBIAN_FRONTEND=noninteractive chroot merged sh -c "$1" >/dev/null 2>&1
            umount -R merged/dev merged/proc merged/var/lib/apt/lists merged/var/cache/apt/archives && umount merged
        }
        install="apt-get -qq install -y --no-install-recommends -o APT::Keep-Downloaded-Packages=true"
        change "apt-get -qq update && $install --download-only $*"
        rm -rf upper work merged
        for pair in "$@"; do
            begun=$(date +%s.%N)
            change "$install $pair"
            rm -rf upper/var/cache/apt upper/var/lib/apt/lists
            mksquashfs upper layer.squashfs -comp zstd -Xcompression-level 9 -b 256K -noappend -quiet -no-progress >/dev/null
            echo "$begun $(date +%s.%N)"
            rm -rf upper work merged
        done
    """
    with tempfile.TemporaryDirectory() as folder:
        command = ["unshare", "--mount", "sh", "-c", script, "sh", folder, image, mirror(), *(" ".join(it) for it in pairs)]
        done = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [float(end) - float(begun) for begun, end in (line.split() for line in done.splitlines())]


def main():
    program = pathlib.Path(sys.argv[1])
    with Installation(program) as installation:
        bench = Bench(installation, program)
        release, _ = installation.build("base", lambda text: text)
        on = f'base = "{release}"\n'
        files = bench.json("GET", f"/releases/{release}")["manifest"]["components"]
        image = next(it for it in files if it["name"] == "rootfs.squashfs")
        blob = installation.folder / "data/blobs" / image["sha256"][:2] / image["sha256"][2:]

        # The packages come into the pool, the release is unpacked, the index is read.
        everything = [name for pair in PAIRS for name in pair]
        bench.variant(on + f"[packages]\nadd = {json.dumps(everything)}\n")

        ours, sizes, slowest = [], [], None
        for pair in PAIRS:
            took, variant, job = bench.variant(on + f"[packages]\nadd = {json.dumps(pair)}\n")
            ours.append(took)
            sizes.append(variant["built"]["layer_size"])
            if slowest is None or took > slowest[0]:
                slowest = (took, pair, job)
        median = statistics.median(ours)
        hand = statistics.median(by_hand(blob, PAIRS))
        extra = json.dumps(list(PAIRS[0]))[1:-1]
        _, rebuilt = installation.build("again", lambda text: text.replace("packages = [", f"packages = [\n  {extra},", 1))
        print(f"two packages, median of {len(PAIRS)} pairs: each {', '.join(f'{it:.1f}' for it in sorted(ours))} s")
        bench.figure("two packages: click to bootable", f"{median:.2f} s", f"{ADDED:.0f} s", median <= ADDED)
        bench.figure("two packages: the same by hand", f"{hand:.2f} s", "for comparison", True)
        bench.figure("two packages: the whole release again", f"{rebuilt:.1f} s", "for comparison", True)
        print(f"  the slowest, {' and '.join(slowest[1])}, {slowest[0]:.2f} s, and its steps: {parts(slowest[2])}")
        share = statistics.median(sizes) / image["size"]
        bench.figure("two packages: layer of the image on the disk", f"{share:.1%}", f"{SHARE:.0%}", share <= SHARE)

        # Once more, which runs nothing.
        begun = time.monotonic()
        again = bench.ended(bench.json("POST", "/variants/v2/builds", {})["id"])
        took = time.monotonic() - begun
        ran = [it["name"] for it in again["steps"] if it["key"] and it["state"] != "reused"]
        bench.figure("the same request again", f"{took:.2f} s, {len(ran)} steps run", "0 steps run", not ran)

        written = statistics.median(
            bench.variant(on + f'[[files]]\npath = "/etc/motd"\ncontent = "{round}"\n')[0] for round in range(ROUNDS)
        )
        bench.figure(f"one file, median of {ROUNDS}", f"{written:.2f} s", f"{WRITTEN:.0f} s", written <= WRITTEN)

        bench.json("POST", "/kernels", {"name": "small", "definition": small_linux()})
        bench.ended(bench.json("POST", "/kernels/small/builds", {"mode": "development"})["id"])
        swapped = [
            bench.variant(
                on + f'[[files]]\npath = "/etc/motd"\ncontent = "swapped {round}"\n'
                '[[kernels]]\nalias = "vmlinuz-6.1.y"\nkernel = "small"\n'
            )
            for round in range(ROUNDS)
        ]
        took = [it[0] for it in swapped]
        print(f"another kernel: first {took[0]:.2f} s, which makes its initrd, then {', '.join(f'{it:.2f}' for it in took[1:])} s")
        print(f"  the first, and its steps: {parts(swapped[0][2])}")
        worst = max(took)
        bench.figure(f"another kernel, the slowest of {ROUNDS}", f"{worst:.2f} s", f"{SWAPPED:.0f} s", worst <= SWAPPED)

        # By the boot listener's own counters.
        job = bench.json("POST", "/variants/v2/validations", {})["id"]
        bench.ended(job)
        validation = bench.json("GET", f"/jobs/{job}")["validation"]
        stages = bench.json("GET", f"/validations/{validation}")["runs"][0]["stages"]
        sent = next(it["bytes"] for it in stages if it["stage"] == "rootfs") - image["size"]
        share = sent / image["size"]
        bench.figure("two packages: layer of the image on the wire", f"{share:.1%}", f"{SHARE:.0%}", share <= SHARE)
    sys.exit(bench.failed)


if __name__ == "__main__":
    main()
