# Makes the archive of a rootfs that teams take away: one folder `rootfs`, owners as numbers.
#   in:  /in/rootfs.squashfs
#   out: /out/rootfs.tar.gz
set -eu
unsquashfs -quiet -no-progress -dest /build/rootfs /in/rootfs.squashfs >/dev/null
# The image has one time for everything: nothing here depends on when it is done.
tar --numeric-owner --xattrs --xattrs-include='*' --sort=name --format=posix \
    --pax-option='exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime' \
    -C /build -cf - rootfs | gzip -6 -n >/out/rootfs.tar.gz
