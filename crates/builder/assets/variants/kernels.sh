# Sourced: takes out of a variant's tree what machines load of its kernels.

# holds PACKAGE PATTERN: the first file of the package, or of one that it depends on, that matches.
holds() {
    in_tree -- /bin/sh -c '
        dpkg-query -W -f "\${Package},\${Depends}\n" "$1" | tr ",|" "\n\n" | sed "s/ *(.*//; s/^ *//" |
            while read -r one; do
                dpkg-query -L "$one" 2>/dev/null | grep "$2" || true
            done | head -n 1
    ' sh "$1" "$2"
}

# take_kernels: as kernel.sh does of a release.
take_kernels() {
    while read -r alias flavor package; do
        release=
        case $flavor in
        linux)
            kernel=$(holds "$package" '^/boot/vmlinuz-')
            release=${kernel#/boot/vmlinuz-}
            name=vmlinuz-$release
            config=config-$release
            [ -z "$kernel" ] || cp "$TREE$kernel" "$TREE/boot/$config" /out/
            vermagics "$release"
            ;;
        xen)
            kernel=$(holds "$package" '^/boot/xen-.*\.gz$')
            name=$(basename "$kernel" .gz)
            config=config-$name
            if [ -n "$kernel" ]; then
                # Stock iPXE cannot start one that is compressed.
                gunzip -c "$TREE$kernel" >"/out/$name"
                cp "$TREE/boot/$name.config" "/out/$config"
                release=$(sed -n 's,^# Xen/[^ ]* \([^ ]*\) Configuration$,\1,p' "/out/$config" | head -n 1)
            fi
            ;;
        esac
        [ -n "$kernel" ] || failed "the package $package brings no kernel of flavor $flavor in /boot: name one that does"
        [ -n "$release" ] || failed "the configuration of $package does not say which version of Xen it is of"
        echo "$alias $flavor $release $name $config" >>/out/kernels
    done </in/kernels
}

# vermagics RELEASE: for which kernels its modules are, a line for each that differs.
vermagics() {
    find "$TREE/usr/lib/modules/$1" -name '*.ko' -o -name '*.ko.xz' -o -name '*.ko.zst' -o -name '*.ko.gz' \
        >/build/modules
    : >/build/vermagics
    [ ! -s /build/modules ] || xargs modinfo -F vermagic </build/modules >/build/vermagics
    [ -s /build/vermagics ] || echo >/build/vermagics
    LC_ALL=C sort -u /build/vermagics | sed "s,^,rootfs $1 ," >>/out/facts
}
