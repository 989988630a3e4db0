# Makes a small initrd for each kernel.
#   in:  /in/busybox (its .deb), /in/debs, /in/list (<sha256> <file>), /in/init,
#        /in/releases (a line each), /in/modules.tar where no package of the list has the modules;
#        SOURCE_DATE_EPOCH
#   out: /out/initrd-<release>.img
set -eu
mkdir -p /build/busybox /build/kernels
dpkg-deb --fsys-tarfile "$(cat /in/busybox)" | tar -x -C /build/busybox
while read -r _ file; do
    case $(dpkg-deb --field "$file" Package) in
    linux-image-*) dpkg-deb --fsys-tarfile "$file" | tar -x -C /build/kernels ;;
    esac
done </in/list
[ ! -e /in/modules.tar ] || tar -x -f /in/modules.tar -C /build/kernels
modules=$(sed -n '/^MODULES="/,/"$/p' /in/init | tr -d '\n' | sed 's/^MODULES="//; s/".*//')
while read -r release; do
    root=/build/initrd-$release
    # kmod looks below lib/modules, whether the package put them there or below usr/.
    mkdir -p "$root/bin" "$root/lib/modules/$release"
    [ -d /build/kernels/lib/modules ] || ln -s usr/lib /build/kernels/lib
    depmod -b /build/kernels "$release"
    for module in $modules; do
        modprobe -d /build/kernels -S "$release" --show-depends "$module" 2>/dev/null || true
    done | sed -n 's,^insmod /build/kernels/\([^ ]*\).*,\1,p' | LC_ALL=C sort -u >/build/wanted
    while read -r file; do
        install -D -m 0644 "/build/kernels/$file" "$root/$file"
    done </build/wanted
    for list in modules.order modules.builtin modules.builtin.modinfo; do
        if [ -e "/build/kernels/lib/modules/$release/$list" ]; then
            cp "/build/kernels/lib/modules/$release/$list" "$root/lib/modules/$release/$list"
        fi
    done
    depmod -b "$root" "$release"
    install -m 0755 /build/busybox/bin/busybox "$root/bin/busybox"
    install -m 0755 /in/init "$root/init"
    find "$root" -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +
    (
        cd "$root"
        find . -print0 | LC_ALL=C sort -z | cpio --quiet --null --create --format=newc --reproducible --owner=0:0
    ) | gzip -9 -n >"/out/initrd-$release.img"
    echo "initrd-$release.img: $(stat -c %s "/out/initrd-$release.img") bytes, $(wc -l </build/wanted) modules"
done </in/releases
