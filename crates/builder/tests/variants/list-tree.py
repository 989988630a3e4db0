#!/usr/bin/python3
"""Writes a line for each path of a tree: type, mode, owner, attributes, and what it holds.

    list-tree ROOT LISTING

What no layer keeps, and the listing itself, is left out.
"""
import errno
import hashlib
import os
import stat
import sys

root, listing = sys.argv[1:]
LEFT_OUT = {
    "proc", "sys", "dev", "run", "tmp", "var/log", "var/cache", "var/lib/apt/lists",
    "etc/machine-id", "etc/.pwd.lock", "etc/passwd-", "etc/shadow-", "etc/group-", "etc/gshadow-",
    "etc/subuid-", "etc/subgid-", "var/lib/dpkg/status-old", "var/lib/listing",
}


def attributes_of(path):
    try:
        names = os.listxattr(path, follow_symlinks=False)
    except OSError as error:
        # An image in which nothing has attributes has no table of them.
        if error.errno != errno.ENOTSUP:
            raise
        names = []
    return sorted((name, os.getxattr(path, name, follow_symlinks=False).hex()) for name in names)


def shown(path, relative):
    found = os.lstat(path)
    kind = stat.S_IFMT(found.st_mode)
    if kind == stat.S_IFREG:
        with open(path, "rb") as file:
            held = hashlib.sha256(file.read()).hexdigest()
    elif kind == stat.S_IFLNK:
        held = os.readlink(path)
    else:
        held = ""
    links = found.st_nlink if kind == stat.S_IFREG else 0
    return f"{relative}\t{kind:o} {found.st_mode & 0o7777:o} {found.st_uid}:{found.st_gid} {links} {attributes_of(path)} {held}"


lines = []
for folder, names, files in os.walk(root):
    relative = os.path.relpath(folder, root)
    relative = "" if relative == "." else relative + "/"
    names[:] = sorted(name for name in names if relative + name not in LEFT_OUT)
    for name in names + files:
        if relative + name not in LEFT_OUT and not (relative == "" and name in LEFT_OUT):
            lines.append(shown(os.path.join(folder, name), relative + name))
with open(listing, "w", encoding="utf-8", errors="surrogateescape") as file:
    file.write("\n".join(sorted(lines)) + "\n")
