#!/usr/bin/env python3
"""Measures what compiling a kernel costs beyond compiling it, and prints each figure beside its target.

    benches/kernels.py PROGRAM

PROGRAM is the built example `kernel` of the crate builder. Runs as root: everything is done as the
system user, one thing after the other, with the small kernel of `examples/small-linux.config`. The
plain build is `make bindeb-pkg` of the same source with the same configuration, on a disk in memory as
ours is. Takes half an hour on two processors.
"""

import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

OVERHEAD = 1.03
# A build that finds all but one file in its compiler cache still unpacks, links and packs.
AGAIN = 0.5
UNCHANGED = 10.0  # seconds, of which none compiles
USER = ["setpriv", "--reuid=bootwright", "--regid=bootwright", "--clear-groups"]
CHANGE = """\
--- a/lib/ctype.c
+++ b/lib/ctype.c
@@ -1,2 +1,3 @@
 // SPDX-License-Identifier: GPL-2.0
+/* A line that was not there before. */
 /*
"""


class Bench:
    def __init__(self, program, folder):
        self.program, self.folder, self.failed = program, folder, False

    def figure(self, what, value, target, passed):
        self.failed |= not passed
        print(f"{what:<58} {value:>18}   target {target:<28} {'PASS' if passed else 'FAIL'}", flush=True)

    def definition(self, patches=()):
        small = pathlib.Path(__file__).parent.parent / "examples/small-linux.config"
        source = {"kind": "debian-source", "suite": "bookworm", "package": "linux-source-6.1"}
        fragments = [{"name": "small", "content": small.read_text()}]
        base = {"kind": "defconfig", "target": "tinyconfig"}
        named = []
        for name, text in patches:
            (self.folder / name).write_text(text)
            named.append({"name": name, "sha256": hashlib.sha256(text.encode()).hexdigest()})
        return {"source": source, "configuration": {"base": base, "fragments": fragments}, "patches": named}

    def build(self, mode, patches=()):
        """Makes a kernel; gives the steps, each with how it ended and how many seconds it took."""
        file = self.folder / "definition.json"
        file.write_text(json.dumps(self.definition(patches)))
        command = [*USER, self.program, file, mode, self.folder / "data"]
        with open(self.folder / "log", "ab") as log:
            output = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=log, text=True).stdout
            log.write(output.encode())
        steps = {}
        for line in output.splitlines():
            if line.startswith("step "):
                _, name, state, seconds = line.split()
                steps[name] = (state, float(seconds))
        return steps

    def plainly(self):
        """The same by hand: the tree of the same source, its configuration, `make bindeb-pkg`."""
        record = json.loads((self.folder / "data/record.json").read_text())

        def blob(sha256):
            stores = [self.folder / "data/blobs", self.folder / "data/cache/blobs"]
            return next(path for it in stores if (path := it / sha256[:2] / sha256[2:]).exists())

        config = next(it for it in record["files"] if it["role"] == "config")
        script = (
            "set -e; mount -t tmpfs -o size=8G tmpfs $0; cd $0; dpkg-deb -x $1 s;"
            " mkdir t; tar -xf s/usr/src/linux-source-*.tar.xz -C t --strip-components=1; cd t; cp $2 .config;"
            " begin=$(date +%s.%N); nice -n 19 make -s -j $(nproc) ARCH=x86_64 LOCALVERSION= DPKG_FLAGS=-d bindeb-pkg >$0/log 2>&1"
            " || { tail $0/log >&2; exit 1; }; end=$(date +%s.%N); echo $begin $end"
        )
        place = self.folder / "plain"
        place.mkdir()
        command = ["unshare", "--mount", "sh", "-c", script, place, blob(record["source"]["sha256"]), blob(config["sha256"])]
        begin, end = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
        return float(end) - float(begin)


def main():
    program = pathlib.Path(sys.argv[1]).resolve()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="bootwright-bench-"))
    folder.chmod(0o755)
    shutil.chown(folder, "bootwright", "bootwright")
    # The build folder of the program's crate may be one that the system user cannot enter.
    program = pathlib.Path(shutil.copy(program, folder / "kernel"))
    bench = Bench(program, folder)
    try:
        bench.build("configure")
        ours = bench.build("release")["compile"][1]
        plain = bench.plainly()
        bench.figure(
            "small Linux, compiled and packed",
            f"{ours:.0f} s",
            f"make bindeb-pkg {plain:.0f} s + 3 %",
            ours <= plain * OVERHEAD,
        )
        first = bench.build("development")["compile"][1]
        second = bench.build("development", [("line.patch", CHANGE)])["compile"][1]
        bench.figure(
            "second development build, one line changed",
            f"{second:.0f} s",
            f"half of the first's {first:.0f} s",
            second <= first * AGAIN,
        )
        begun = time.monotonic()
        steps = bench.build("release")
        took = time.monotonic() - begun
        nothing = all(steps[it][0] == "Reused" for it in ("prepare", "configure", "compile"))
        bench.figure("unchanged kernel, built again", f"{took:.1f} s", "no step runs, at most 10 s", nothing and took <= UNCHANGED)
    except subprocess.CalledProcessError as error:
        print(error, (folder / "log").read_text()[-2000:] if (folder / "log").exists() else "", error.stderr)
        raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    sys.exit(bench.failed)


if __name__ == "__main__":
    main()
