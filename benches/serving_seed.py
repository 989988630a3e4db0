"""An installation whose production serves a release of files that are really there, to many machines.

The store of a new installation is filled past the program, which is then started. What is in the files is noise,
so nothing on the way can make it smaller.
"""

import hashlib
import json
import os
import pathlib
import random
import re
import shutil
import sqlite3
import subprocess
import tempfile
import time
import urllib.request

from figures import PASSWORD, Browser

# Labels that a rule has a target for, and one that none has.
ROLES = ["build", "soak", "spare"]


def canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()


def mac(number):
    """The address of the network card of a machine, by its number."""
    return f"52:54:{number >> 24 & 255:02x}:{number >> 16 & 255:02x}:{number >> 8 & 255:02x}:{number & 255:02x}"


class Served:
    """The program on a new data folder that serves `sizes` (bytes of kernel, initrd and rootfs) to `machines`
    machines; all goes with the block."""

    def __init__(self, program, sizes, machines):
        self.folder = folder = pathlib.Path(tempfile.mkdtemp(prefix="bootwright-serving-"))
        folder.chmod(0o755)
        shutil.chown(folder, "bootwright", "bootwright")
        data = ["--data-dir", folder / "data"]
        create = [program, "admin", "create-user", "ada", "--role", "administrator", "--password-stdin", *data]
        subprocess.run(create, input=PASSWORD + "\n", text=True, check=True, stdout=subprocess.DEVNULL)
        token = [program, "admin", "create-token", "ada", *data]
        self.token = subprocess.run(token, check=True, capture_output=True, text=True).stdout.split()[-1]
        self.files = {name: self.blob(size) for name, size in zip(("vmlinuz", "initrd", "rootfs"), sizes)}
        self.fill(machines)
        command = [program, "serve", *data, "--log", "warn", "--workers", "0", "--nfs-listen", "off"]
        command += ["--listen", "127.0.0.1:0", "--boot-listen", "127.0.0.1:0"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        told = [self.process.stdout.readline().split() for _ in range(2)]
        self.browser = Browser(told[0][-1])
        self.boot = told[1][-1].removesuffix("/menu.ipxe")
        self.browser.submit("/login", "Sign in", name="ada", password=PASSWORD)
        menu = urllib.request.urlopen(f"{self.boot}/menu.ipxe").read().decode()
        # As the program has it, by which it serves files.
        self.manifest = re.search("/artifacts/([0-9a-f]{64})/", menu)[1]

    def blob(self, size):
        """A file of noise among the blobs: its size and its digest."""
        part = self.folder / "part"
        sha256, noise = hashlib.sha256(), random.Random(size)
        with open(part, "wb") as file:
            for at in range(0, size, 1 << 20):
                piece = noise.randbytes(min(1 << 20, size - at))
                sha256.update(piece)
                file.write(piece)
        name = sha256.hexdigest()
        place = self.folder / "data/blobs" / name[:2] / name[2:]
        place.parent.mkdir(parents=True, exist_ok=True)
        part.rename(place)
        for it in (place, place.parent, place.parent.parent):
            shutil.chown(it, "bootwright", "bootwright")
        return size, name

    def fill(self, machines):
        rows = sqlite3.connect(self.folder / "data/bootwright.db")
        person = rows.execute("select id from person").fetchone()[0]
        now = time.time_ns() // 1000
        rows.execute("insert into recipe values ('recipe', 'large')")
        text = "schema = 1\n"
        rows.execute(
            "insert into recipe_revision values ('recipe', 1, ?, ?, 'seeded', ?, 'ada', ?)", (digest(text), text, person, now)
        )
        lock = canonical({"schema": 1, "suite": "bookworm", "architecture": "amd64", "epoch": 0, "packages": []})
        rows.execute("insert into lock values (?, ?, ?)", (digest(lock), lock, now))
        roles = [("initrd", "initrd.img", "initrd"), ("image", "rootfs.squashfs", "rootfs"), ("kernel", "vmlinuz", "vmlinuz")]
        components = [
            {"role": role, "name": name, "size": self.files[file][0], "sha256": self.files[file][1]} for role, name, file in roles
        ]
        kernel = {"alias": "linux", "flavor": "linux", "release": "6.1", "image": "vmlinuz", "initrd": "initrd.img"}
        entries = [{"kind": "linux", "label": "debian", "text": "Debian", "kernel": "linux", "root": "http", "arguments": ""}]
        manifest = {
            "schema": 1,
            "version": "v1.0.0",
            "architecture": "amd64",
            "components": components,
            "images": ["rootfs.squashfs"],
            "kernels": [kernel],
            "entries": entries,
            "default_entry": "debian",
            "timeout_ms": 3000,
            "lock": digest(lock),
        }
        rows.execute(
            "insert into release (id, target, number, stage, recipe_id, revision, job_id, manifest_digest, manifest,"
            " signature_digest, lock_digest, created_at, created_by, built_at)"
            " values ('release', 'v1.0.0', 1, 'candidate', 'recipe', 1, 'job', ?, ?, ?, ?, ?, 'ada', ?)",
            (digest(canonical(manifest)), canonical(manifest), digest("s"), digest(lock), now, now),
        )
        rows.execute("update environment set release_id = 'release', since = ?", (now,))
        rules = [{"labels": {"role": role}, "target": {"kind": "environment", "name": "production"}} for role in ROLES[:-1]]
        rows.execute("insert into machine_rules values (1, ?, ?, 'ada')", (canonical(rules), now))
        for number in range(machines):
            name, role = f"m-{number:06}", ROLES[number % len(ROLES)]
            ident = f"01939c2e-0000-7000-8000-{number:012x}"
            rows.execute(
                "insert into machine (id, name, state, macs, architecture, labels, location, note, search, revision, created_at,"
                " created_by) values (?, ?, 'accepted', ?, 'amd64', ?, '', '', ?, 1, ?, 'ada')",
                (ident, name, mac(number), canonical({"role": role}), f"{name} {mac(number)}", now),
            )
            rows.execute("insert into machine_mac values (?, ?)", (mac(number), ident))
            rows.execute("insert into machine_label values (?, 'role', ?, ?)", (ident, role, name))
        rows.commit()
        rows.close()

    def path(self, name):
        """Where a file of the release is served: `vmlinuz`, `initrd.img` or `rootfs.squashfs`."""
        return f"/artifacts/{self.manifest}/{name}"

    def resident(self):
        """The most memory that the program has had, in bytes."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) * 1024

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def cpu_seconds(processes):
    """What processes have used of a processor, in the kernel and out of it."""
    ticks = 0
    for process in processes:
        fields = pathlib.Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")
