# Compiles Linux: the same bytes in whatever folder, as whatever user, at whatever time, with whatever -j.
# Runs in a clean environment, in a folder of its own, in the sandbox and by the commands of a record.
#   in:  tree/ (the source, patched), config; EPOCH, REVISION (of the packages), JOBS
#   out: out/*.deb, out/vmlinuz-<release>, out/config-<release>, out/System.map-<release>,
#        out/release, out/vermagic (each that a module has)
set -eu
umask 022
here=$(pwd)
epoch=$EPOCH revision=$REVISION jobs=$JOBS
unset EPOCH REVISION JOBS
mkdir programs out

# Changelogs of packages get the time of `date`: without a time of its own it tells the source's.
cat >programs/date <<END
#!/bin/sh
for argument in "\$@"; do
    case \$argument in
    -d* | -r* | -f* | --date* | --reference* | --file*) exec /usr/bin/date "\$@" ;;
    esac
done
exec /usr/bin/date --utc --date=@$epoch "\$@"
END
# Lists of sums are in the order in which a file system happens to have a folder's files.
cat >programs/find <<END
#!/bin/sh
for argument in "\$@"; do
    if [ "\$argument" = '%P\0' ]; then
        /usr/bin/find "\$@" | LC_ALL=C sort -z
        exit
    fi
done
exec /usr/bin/find "\$@"
END
# A compiler writes its folder into what debuggers read, of the kernel's own tools as well, and command
# lines are kept in the package of headers: so the folder is taken out where nobody sees the option.
for compiler in gcc g++; do
    real=$(command -v "$compiler") || continue
    cat >"programs/$compiler" <<END
#!/bin/sh
PATH="$PATH" exec "$real" "-ffile-prefix-map=$here/tree=/usr/src/linux" "\$@"
END
done
chmod 0755 programs/*
PATH=$here/programs:$PATH
export PATH SOURCE_DATE_EPOCH="$epoch" LC_ALL=C.UTF-8 TZ=UTC \
    KBUILD_BUILD_USER=bootwright KBUILD_BUILD_HOST=bootwright KBUILD_BUILD_VERSION="$revision" \
    DEBEMAIL=bootwright@localhost DEBFULLNAME=Bootwright KDEB_CHANGELOG_DIST=unstable KDEB_COMPRESS=xz \
    DPKG_DEB_THREADS_MAX="$jobs"
KBUILD_BUILD_TIMESTAMP=$(LC_ALL=C /usr/bin/date --utc --date="@$epoch")
export KBUILD_BUILD_TIMESTAMP

cd tree
cp ../config .config
root=fakeroot
# Trees before 4.19 want a program that makes them root, even where they are.
[ "$(id -u)" != 0 ] || root=env
# A tree may say otherwise by its configuration alone: what it asks for anew was not agreed to.
make ARCH=x86_64 LOCALVERSION= olddefconfig </dev/null
if ! cmp -s .config ../config; then
    diff ../config .config || true
    echo "refused: the configuration is not whole, or these tools give another: the lines above differ" >&2
    exit 1
fi
make ARCH=x86_64 LOCALVERSION= include/config/kernel.release </dev/null
release=$(cat include/config/kernel.release)
make -j "$jobs" ARCH=x86_64 LOCALVERSION= KBUILD_PKG_ROOTCMD="$root" KDEB_PKGVERSION="$release-$revision" \
    DPKG_FLAGS=-d bindeb-pkg </dev/null
cd ..

mv ./*.deb out/
cp tree/arch/x86/boot/bzImage "out/vmlinuz-$release"
cp tree/.config "out/config-$release"
cp tree/System.map "out/System.map-$release"
echo "$release" >out/release
find tree/debian -path '*/lib/modules/*.ko*' -not -path '*-dbg/*' -exec modinfo -F vermagic {} + >vermagics
LC_ALL=C sort -u vermagics >out/vermagic
