# Packs the tree into the image that machines load.
#   in:  /in/tree.tar; SOURCE_DATE_EPOCH
#   out: /out/rootfs.squashfs
set -eu
epoch=$SOURCE_DATE_EPOCH
# squashfs-tools refuses the variable beside the options that say the same.
unset SOURCE_DATE_EPOCH
sqfstar -comp zstd -Xcompression-level 9 -b 256K -no-progress -all-time "$epoch" -mkfs-time "$epoch" \
    /out/rootfs.squashfs </in/tree.tar
