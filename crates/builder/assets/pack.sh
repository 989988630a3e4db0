# Packs the tree into the image that machines load.
#   in:  /in/tree.tar; SOURCE_DATE_EPOCH
#   out: /out/rootfs.squashfs
set -eu
epoch=$SOURCE_DATE_EPOCH
# squashfs-tools refuses the variable beside the options that say the same.
unset SOURCE_DATE_EPOCH
mksquashfs - /out/rootfs.squashfs -tar -comp zstd -Xcompression-level 9 -b 256K -noappend -no-progress \
    -all-time "$epoch" -mkfs-time "$epoch" </in/tree.tar
