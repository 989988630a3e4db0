# Compiles the hypervisor of Xen: the same bytes in whatever folder, as whatever user, at whatever time,
# with whatever -j. Runs in a clean environment, in a folder of its own, in the sandbox and by the
# commands of a record.
#   in:  tree/ (the source, patched), config; EPOCH, REVISION (of the package), JOBS
#   out: out/*.deb, out/xen-<release> (not compressed, as a boot loader takes it),
#        out/config-xen-<release>, out/System.map-xen-<release>, out/release
set -eu
umask 022
here=$(pwd)
epoch=$EPOCH revision=$REVISION jobs=$JOBS
unset EPOCH REVISION JOBS
mkdir out
export SOURCE_DATE_EPOCH="$epoch" LC_ALL=C.UTF-8 TZ=UTC XEN_TARGET_ARCH=x86_64 \
    XEN_WHOAMI=bootwright XEN_DOMAIN=bootwright XEN_BUILD_HOST=bootwright \
    EXTRA_CFLAGS_XEN_CORE="-ffile-prefix-map=$here/tree=/usr/src/xen" DPKG_DEB_THREADS_MAX="$jobs"
XEN_BUILD_DATE=$(LC_ALL=C date --utc --date="@$epoch")
XEN_BUILD_TIME=$(LC_ALL=C date --utc --date="@$epoch" +%T)
export XEN_BUILD_DATE XEN_BUILD_TIME

cp config tree/xen/.config
make -C tree/xen olddefconfig </dev/null
if ! cmp -s tree/xen/.config config; then
    diff config tree/xen/.config || true
    echo "refused: the configuration is not whole, or these tools give another: the lines above differ" >&2
    exit 1
fi
release=$(make -s --no-print-directory -C tree/xen xenversion)
make -j "$jobs" -C tree/xen build </dev/null

name=xen-$release
gunzip -c tree/xen/xen.gz >"out/$name"
cp tree/xen/.config "out/config-$name"
cp tree/xen/xen-syms.map "out/System.map-$name"

root=package
mkdir -p "$root/DEBIAN" "$root/boot"
gzip -9 -n -c "out/$name" >"$root/boot/$name.gz"
cp tree/xen/.config "$root/boot/$name.config"
cat >"$root/DEBIAN/control" <<END
Package: xen-hypervisor-$release
Version: $release-$revision
Architecture: amd64
Maintainer: Bootwright <bootwright@localhost>
Section: kernel
Priority: optional
Description: Xen hypervisor $release
 The hypervisor alone, compiled from its source; the toolstack comes from elsewhere.
END
package=xen-hypervisor-${release}_$release-${revision}_amd64.deb
dpkg-deb --root-owner-group -Zxz --build "$root" "out/$package"
echo "$release" >out/release
