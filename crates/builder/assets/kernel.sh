# Installs the kernels in the rootfs and takes out what machines load.
#   in:  /in/tree.tar, /in/debs, /in/list (<sha256> <file>), /in/kernels (<alias> <package>);
#        SOURCE_DATE_EPOCH
#   out: /out/tree.tar, /out/status, /out/vmlinuz-<release>, /out/config-<release>,
#        /out/kernels (<alias> <release>)
set -eu
. /in/tree.sh
unpack_tree
mkdir -p /build/tree/tmp/debs
while read -r _ file; do
    package=$(dpkg-deb --field "$file" Package)
    cp "$file" "/build/tree/tmp/debs/$package.deb"
done </in/list
enter_tree
# INITRD=No: the initrd that machines load is ours, made in the next step.
in_tree sh -c 'dpkg --force-unsafe-io --install /tmp/debs/*.deb'
leave_tree
rm -rf /build/tree/tmp/debs /build/tree/boot/initrd.img-*

: >/out/kernels
while read -r alias package; do
    # A package like linux-image-amd64 is empty and depends on the one that holds the kernel.
    release=$(in_tree dpkg-query -L "$package" | sed -n 's,^/boot/vmlinuz-,,p')
    if [ -z "$release" ]; then
        for dependency in $(in_tree dpkg-query -W -f '${Depends}' "$package" | tr ',|' '\n\n' | sed 's/ *(.*//'); do
            release=$(in_tree dpkg-query -L "$dependency" 2>/dev/null | sed -n 's,^/boot/vmlinuz-,,p')
            [ -z "$release" ] || break
        done
    fi
    if [ -z "$release" ]; then
        echo "the package $package brings no /boot/vmlinuz: name one that holds a kernel" >&2
        exit 1
    fi
    cp "/build/tree/boot/vmlinuz-$release" "/build/tree/boot/config-$release" /out/
    echo "$alias $release" >>/out/kernels
done </in/kernels
cp /build/tree/var/lib/dpkg/status /out/status
pack_tree
