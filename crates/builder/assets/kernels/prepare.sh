# Unpacks a source, whoever made it, and applies the patches.
#   in:  /in/archive, /in/unpack.py, /in/names (<file below /in> <name>) and those files; FLAVOR
#   out: /out/tree.tar.zst (the tree without its top folder), /out/facts (see unpack.py)
set -eu
. /in/common.sh
python3 /in/unpack.py tree /in/archive /build/tree /out/facts
found=$(sed -n 's/^flavor //p' /out/facts)
[ "$found" = "$FLAVOR" ] || refuse "the source is one of $found, and the kernel is of flavor \"$FLAVOR\""
epoch=$(sed -n 's/^epoch //p' /out/facts)

while read -r file name; do
    echo "patch $name"
    # Beside the tree: a rejected hunk is no part of it.
    if ! patch -d /build/tree -p1 --batch --forward --no-backup-if-mismatch --fuzz=0 \
        --reject-file=/build/rejected <"/in/$file" >/build/patched 2>&1; then
        cat /build/patched
        target=$(sed -n "s/^patching file '\{0,1\}\([^']*\)'\{0,1\}.*/\1/p" /build/patched | tail -n 1)
        # The first hunk that fails, and the file that it stands below.
        failed=$(awk '
            /^patching file / { file = $3 }
            /^Hunk #[0-9]+ FAILED/ { print file ", hunk " $2 " " $4 " line " $5; exit }
            /previously applied|malformed patch|can.t find file|Only garbage/ { print (file ? file ": " : "") $0; exit }
            /^.* out of .* hunks? ignored/ { print file ": " $0; exit }' /build/patched | tr -d "'" | sed 's/\.$//')
        refuse "the patch $name does not apply: ${failed:-$target $(tail -n 1 /build/patched)}"
    fi
    cat /build/patched
done </in/names
# A patch of the wrong depth would leave its files beside those that are meant.
find /build/tree \( -name '*.rej' -o -name '*.orig' \) -newermt "@$epoch" -type f -delete
tar --create --sort=name --format=posix --pax-option='exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime' \
    --numeric-owner --owner=0 --group=0 --mtime="@$epoch" --clamp-mtime -C /build/tree . |
    zstd -1 -T0 -q -o /out/tree.tar.zst
