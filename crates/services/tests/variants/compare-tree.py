#!/usr/bin/python3
"""Compares the root of a booted machine with what the build saw, but for what the boot itself wrote.

Says in one line how many paths were compared, which differ, and the SHA-256 of what the build saw.
"""
import hashlib
import os
import subprocess

SEEN = "/var/lib/listing"
# What was written since the images were stacked (initrd-init.sh).
WRITTEN = "/run/bootwright/rw/upper"


def listed(path):
    with open(path, encoding="utf-8", errors="surrogateescape") as file:
        return dict(line.split("\t", 1) for line in file)


subprocess.run(["list-tree", "/", "/run/listing"], check=True)
saw, boots = listed(SEEN), listed("/run/listing")


def written(path):
    """A folder in which something was written is written too, and stays what it was."""
    upper = f"{WRITTEN}/{path}"
    return os.path.lexists(upper) and not (path in saw and os.path.isdir(upper))


compared = [path for path in sorted(saw.keys() | boots.keys()) if not written(path)]
differ = [path for path in compared if saw.get(path) != boots.get(path)]
for path in differ[:20]:
    print(path, saw.get(path), boots.get(path))
with open(SEEN, "rb") as file:
    digest = hashlib.sha256(file.read()).hexdigest()
print(f"of {digest}: compared {len(compared)} of {len(saw)}, {len(differ)} differ.")
