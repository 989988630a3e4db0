"""Unpacks an archive of files, such as a playbook or a suite, and refuses what would leave its folder or never end.

    unpack-files.py ARCHIVE FOLDER
"""
import os
import sys

sys.path.insert(0, "/in")
import unpack  # noqa: E402


def main(path, target):
    folder = unpack.Folder(target, os.path.getsize(path))
    with open(path, "rb") as file:
        head = file.read(4)
    if head == b"PK\x03\x04":
        unpack.unzip(path, folder)
    else:
        unpack.decompressed(path, lambda stream: unpack.untar(stream, folder))
    folder.links_stay_in("")
    print(f"{folder.entries} entries, {folder.bytes >> 10} KiB")


unpack.taking(lambda: main(*sys.argv[1:]))
