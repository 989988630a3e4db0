# Says for which kernels the modules of a rootfs and of initrds are.
#   in:  /in/rootfs.squashfs, or /in/facts of what is in it; /in/initrds/<release>
#   out: /out/facts: lines of
#          rootfs <folder> <vermagic>
#          initrd <release> <folder> <vermagic>
#        where <folder> is the one below lib/modules, and the vermagic is empty where no module
#        lies in it
set -eu
: >/out/facts

# vermagics FOLDER PREFIX: a line for each folder of modules and each vermagic in it.
vermagics() {
    for modules in "$1"/lib/modules/* "$1"/usr/lib/modules/*; do
        [ -d "$modules" ] || continue
        find "$modules" -name '*.ko' -o -name '*.ko.xz' -o -name '*.ko.zst' -o -name '*.ko.gz' >/build/files
        # Not in a pipe: a module that cannot be read must end the step.
        : >/build/vermagics
        [ ! -s /build/files ] || xargs modinfo -F vermagic </build/files >/build/vermagics
        [ -s /build/vermagics ] || echo >/build/vermagics
        LC_ALL=C sort -u /build/vermagics | sed "s,^,$2 $(basename "$modules") ,"
    done >>/out/facts
}

if [ -e /in/facts ]; then
    cat /in/facts >>/out/facts
else
    # Where lib is a link to usr/lib, the first pattern matches nothing.
    unsquashfs -quiet -no-progress -no-xattrs -dest /build/rootfs /in/rootfs.squashfs \
        lib/modules usr/lib/modules >/dev/null
    [ ! -L /build/rootfs/lib ] || rm /build/rootfs/lib
    vermagics /build/rootfs rootfs
fi
for initrd in /in/initrds/*; do
    # There is none where a variant swaps the hypervisor alone.
    [ -e "$initrd" ] || continue
    release=$(basename "$initrd")
    mkdir -p "/build/initrd-$release"
    (
        cd "/build/initrd-$release"
        gunzip -c "$initrd" | cpio --quiet --extract --make-directories --no-absolute-filenames 'lib/modules/*'
    )
    vermagics "/build/initrd-$release" "initrd $release"
done
cat /out/facts
