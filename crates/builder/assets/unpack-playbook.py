"""Unpacks the archive of a playbook, and refuses what would leave its folder or never end.

    unpack-playbook.py ARCHIVE FOLDER
"""
import os
import sys
import tarfile
import zipfile

sys.path.insert(0, "/in")
import unpack  # noqa: E402


def main(path, target):
    folder = unpack.Folder(target, os.path.getsize(path))
    with open(path, "rb") as file:
        head = file.read(4)
    try:
        if head == b"PK\x03\x04":
            unpack.unzip(path, folder)
        else:
            unpack.decompressed(path, lambda stream: unpack.untar(stream, folder))
        folder.links_stay_in("")
    except unpack.Refused as refused:
        sys.exit(f"refused: {refused}")
    except (tarfile.TarError, zipfile.BadZipFile, EOFError) as error:
        sys.exit(f"refused: the archive is damaged: {error}")
    print(f"{folder.entries} entries, {folder.bytes >> 10} KiB")


main(*sys.argv[1:])
