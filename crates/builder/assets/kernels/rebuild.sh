#!/bin/sh
# Builds this kernel again, to the same bytes. Beside this file stand the source, the configuration and
# the patches, as listed below; run
#
#     sh rebuild.sh FOLDER
#
# with a FOLDER that is not there yet: what comes out is in FOLDER/out. JOBS=<number> says how many
# compilers run at once. The bytes depend on the toolchain, which was
#TOOLS#
set -eu
archive="#ARCHIVE#"
config="#CONFIG#"
epoch="#EPOCH#"
revision="#REVISION#"

beside=$(cd "$(dirname "$0")" && pwd)
mkdir "${1:?name a folder that is not there yet}"
cd "$1"
umask 022
(cd "$beside" && sha256sum --check --strict) <<'BOOTWRIGHT_GIVEN'
#GIVEN#
BOOTWRIGHT_GIVEN

mkdir source unpacked
case $archive in
*.deb)
    dpkg-deb --extract "$beside/$archive" source
    set -- source/usr/src/*.tar.*
    ;;
*) set -- "$beside/$archive" ;;
esac
case $1 in
*.zip) TZ=UTC unzip -q "$1" -d unpacked ;;
*) tar --extract --no-same-owner --no-same-permissions --file "$1" --directory unpacked ;;
esac
set -- unpacked/* unpacked/.[!.]*
top=
for entry in "$@"; do
    [ -e "$entry" ] || [ -L "$entry" ] || continue
    top=${top:+many}${top:-$entry}
done
if [ -d "$top" ]; then mv "$top" tree; else mv unpacked tree; fi
rm -rf source unpacked
chmod -R u=rwX,go=rX tree
while read -r patch; do
    patch -d tree -p1 --batch --forward --no-backup-if-mismatch --fuzz=0 <"$beside/$patch"
done <<'BOOTWRIGHT_PATCHES'
#PATCHES#
BOOTWRIGHT_PATCHES
cp "$beside/$config" config

cat >program.sh <<'BOOTWRIGHT_PROGRAM'
#PROGRAM#
BOOTWRIGHT_PROGRAM
env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME="$PWD" EPOCH="$epoch" REVISION="$revision" \
    JOBS="${JOBS:-$(nproc)}" sh program.sh
cd out
sha256sum --check --strict <<'BOOTWRIGHT_EXPECTED'
#EXPECTED#
BOOTWRIGHT_EXPECTED
