# Looks into packages that were built elsewhere.
#   in:  /in/debs/<number>, /in/names (<number> <file>), /in/unpack.py; FLAVOR
#   out: /out/packages (see describe_packages, with the file names of /in/names), /out/facts
#        (`release <what the kernel's file is called after>`, `epoch <seconds>`), /out/vermagic
#        (<file> <folder> <vermagic>), /out/image, and where there are any /out/config, /out/map
set -eu
. /in/common.sh
: >/out/packages
: >/out/vermagic
epoch=0
kernel=
while read -r number file; do
    dpkg-deb --field "/in/debs/$number" Package >/dev/null 2>&1 || refuse "$file is no Debian package"
    python3 /in/unpack.py deb "/in/debs/$number" "/build/$number" "/build/epoch"
    newest=$(cat /build/epoch)
    [ "$newest" -le "$epoch" ] || epoch=$newest
    described=$(describe_packages "/in/debs/$number")
    echo "$file ${described#* }" >>/out/packages
    held=${described##* }
    case $FLAVOR:$held in
    *:-) ;;
    linux:boot/vmlinuz-* | xen:boot/xen-*)
        [ -z "$kernel" ] || refuse "$kernel_file and $file both hold a kernel: name the packages of one kernel"
        kernel=/build/$number/$held kernel_file=$file
        ;;
    *) refuse "$file holds $held, and the kernel is of flavor \"$FLAVOR\"" ;;
    esac
    for modules in "/build/$number"/lib/modules/* "/build/$number"/usr/lib/modules/*; do
        [ -d "$modules" ] && [ ! -L "$modules" ] || continue
        find "$modules" -type f \( -name '*.ko' -o -name '*.ko.xz' -o -name '*.ko.zst' -o -name '*.ko.gz' \) >/build/modules
        : >/build/vermagics
        [ ! -s /build/modules ] || xargs modinfo -F vermagic </build/modules >/build/vermagics
        # A folder without modules says for which kernel it is, too.
        [ -s /build/vermagics ] || echo >/build/vermagics
        LC_ALL=C sort -u /build/vermagics | sed "s,^,$file $(basename "$modules") ," >>/out/vermagic
    done
done </in/names
case $FLAVOR in
linux) sought=boot/vmlinuz-… ;;
xen) sought=boot/xen-….gz ;;
esac
[ -n "$kernel" ] || refuse "none of the packages holds a kernel of flavor \"$FLAVOR\": a file $sought"
[ -f "$kernel" ] && [ ! -L "$kernel" ] || refuse "$kernel_file holds its kernel by a link"

boot=$(dirname "$kernel")
take() {
    if [ -f "$1" ] && [ ! -L "$1" ]; then cp "$1" "$2"; fi
}
case $FLAVOR in
linux)
    release=${kernel##*/vmlinuz-}
    cp "$kernel" /out/image
    take "$boot/config-$release" /out/config
    take "$boot/System.map-$release" /out/map
    ;;
xen)
    release=$(basename "$kernel" .gz)
    # A hypervisor has a few MB; what never ends is cut, and is no hypervisor then.
    gunzip -c "$kernel" | head -c 268435456 >/out/image
    take "$boot/$release.config" /out/config
    ;;
esac
printf 'release %s\nepoch %s\n' "$release" "$epoch" >/out/facts
