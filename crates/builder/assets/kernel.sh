# Installs the kernels in the rootfs and takes out what machines load.
#   in:  /in/tree.tar, /in/debs, /in/list (<sha256> <file>),
#        /in/kernels (<alias> <flavor> <package>); SOURCE_DATE_EPOCH
#   out: /out/tree.tar, /out/status, the kernels and their configurations,
#        /out/kernels (<alias> <flavor> <release> <kernel> <configuration>)
set -eu
. /in/tree.sh
unpack_tree
mkdir -p /build/tree/tmp/debs/late
: >/build/before
while read -r _ file; do
    package=$(dpkg-deb --field "$file" Package)
    cp "$file" "/build/tree/tmp/debs/$package.deb"
    dpkg-deb --field "$file" Pre-Depends | tr ',|' '\n\n' |
        sed -n "s/^ *\([a-z0-9][a-z0-9+.-]*\).*/\1 $package/p" >>/build/before
done </in/list
# dpkg unpacks all that it installs before it configures any of it, so what needs another one configured
# before it is unpacked comes in a second turn.
first=
while read -r needed package; do
    if [ -e "/build/tree/tmp/debs/$needed.deb" ]; then
        first="$first $needed"
        [ ! -e "/build/tree/tmp/debs/$package.deb" ] || mv "/build/tree/tmp/debs/$package.deb" /build/tree/tmp/debs/late/
    fi
done </build/before
enter_tree
# INITRD=No: the initrd that machines load is ours, made in the next step.
if [ -n "$first" ]; then
    in_tree sh -c 'dpkg --force-unsafe-io --unpack /tmp/debs/*.deb'
    # shellcheck disable=SC2086 # words are package names
    in_tree dpkg --force-configure-any --configure $first
    in_tree sh -c 'dpkg --force-unsafe-io --unpack /tmp/debs/late/*.deb'
    in_tree dpkg --configure --pending
else
    in_tree sh -c 'dpkg --force-unsafe-io --install /tmp/debs/*.deb'
fi
leave_tree
rm -rf /build/tree/tmp/debs /build/tree/boot/initrd.img-*

# holds PACKAGE PATTERN: the first file of the package, or of one that it depends on, that matches;
# a package like linux-image-amd64 is empty and depends on the one that holds the kernel.
holds() {
    in_tree dpkg-query -W -f '${Package},${Depends}\n' "$1" | tr ',|' '\n\n' | sed 's/ *(.*//; s/^ *//' |
        while read -r one; do
            in_tree dpkg-query -L "$one" 2>/dev/null | grep "$2" || true
        done | head -n 1
}

: >/out/kernels
while read -r alias flavor package; do
    case $flavor in
    linux)
        kernel=$(holds "$package" '^/boot/vmlinuz-')
        release=${kernel#/boot/vmlinuz-}
        name=vmlinuz-$release
        config=config-$release
        [ -z "$kernel" ] || cp "/build/tree$kernel" "/build/tree/boot/$config" /out/
        ;;
    xen)
        kernel=$(holds "$package" '^/boot/xen-.*\.gz$')
        name=$(basename "$kernel" .gz)
        config=config-$name
        release=
        if [ -n "$kernel" ]; then
            # Stock iPXE cannot start one that is compressed.
            gunzip -c "/build/tree$kernel" >"/out/$name"
            cp "/build/tree/boot/$name.config" "/out/$config"
            release=$(sed -n 's,^# Xen/[^ ]* \([^ ]*\) Configuration$,\1,p' "/out/$config" | head -n 1)
            if [ -z "$release" ]; then
                echo "the configuration of $package does not say which version of Xen it is of" >&2
                exit 1
            fi
        fi
        ;;
    esac
    if [ -z "$kernel" ]; then
        echo "the package $package brings no kernel of flavor $flavor in /boot: name one that does" >&2
        exit 1
    fi
    echo "$alias $flavor $release $name $config" >>/out/kernels
done </in/kernels
cp /build/tree/var/lib/dpkg/status /out/status
pack_tree
