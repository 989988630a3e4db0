"""Makes the upper folder of an overlay one that stacks the same on any kernel.

    layer.py UPPER LOWER

An overlay that is mounted in a user namespace marks a folder that hides the one below it with the
attribute user.overlay.opaque, which an initrd's overlay does not look at: what was deleted would come
back. So each child that is hidden gets a whiteout of its own, a character device 0:0, and the overlay's
attributes go (https://docs.kernel.org/filesystems/overlayfs.html). Nothing here follows a link.
"""
import os
import stat
import sys

MARKS = "user.overlay."


def folder_of(lower, name):
    """The folder of that name below, or None: below what is no folder nothing can show."""
    if lower is None:
        return None
    path = os.path.join(lower, name)
    try:
        return path if stat.S_ISDIR(os.lstat(path).st_mode) else None
    except FileNotFoundError:
        return None


def is_whiteout(found):
    return stat.S_ISCHR(found.st_mode) and found.st_rdev == 0


def settle(upper, lower, hides):
    """`hides`: whether the folder above was made anew, so that nothing of `lower` shows."""
    for name in os.listxattr(upper, follow_symlinks=False):
        if name == MARKS + "opaque" and os.getxattr(upper, name, follow_symlinks=False) == b"y":
            hides = True
        if name.startswith(MARKS):
            os.removexattr(upper, name, follow_symlinks=False)
    below = set(os.listdir(lower)) if lower else set()
    for name in sorted(os.listdir(upper)):
        path = os.path.join(upper, name)
        found = os.lstat(path)
        if is_whiteout(found) and name not in below:
            os.unlink(path)
        elif stat.S_ISDIR(found.st_mode):
            settle(path, folder_of(lower, name), hides)
        else:
            for mark in os.listxattr(path, follow_symlinks=False):
                if mark.startswith(MARKS):
                    os.removexattr(path, mark, follow_symlinks=False)
        below.discard(name)
    if hides:
        for name in below:
            os.mknod(os.path.join(upper, name), stat.S_IFCHR | 0o000, os.makedev(0, 0))


sys.setrecursionlimit(10000)
settle(sys.argv[1], sys.argv[2], False)
