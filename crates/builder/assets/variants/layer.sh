# Changes a release and packs the difference.
#   in:  /base, the unpacked image of the release, and FINGERPRINT of it
#        /in/tree.sh, /in/inner.sh, /in/fingerprint.sh, /in/kernels.sh, /in/layer.py, and of each that is wanted:
#        /in/packages.sh with /in/change, /in/automatic, /in/list (<sha256> <file>), /in/debs;
#        /in/system.json, /in/system.py, /in/uploads/<sha256>; /in/playbook.sh with PLAYBOOK (its path)
#        and /in/playbook.yml or /in/playbook.archive with /in/unpack.py, /in/unpack-files.py;
#        /in/user-script with SCRIPT_SECONDS;
#        /in/kernels (<alias> <flavor> <package>); /in/releases of bare kernels, a line each
#        MARK stands before the lines that tell what happens; SOURCE_DATE_EPOCH
#   out: /out/layer.squashfs, /out/status; with kernels those and /out/kernels as kernel.sh has it;
#        /out/facts as check.sh has them, of the modules of new kernels; /out/modules, the releases
#        that the rootfs has modules for; /out/modules.tar, those of the bare kernels
set -eu
. /in/inner.sh
. /in/fingerprint.sh
. /in/kernels.sh
SECONDS_LEFT=1800

phase() { echo "$MARK phase $1"; }
failed() {
    echo "$MARK failed $*"
    exit 1
}

# The folder may have been moved, or its disk been repaired: then it is unpacked anew.
if [ "$(fingerprint /base)" != "$FINGERPRINT" ]; then
    echo "$MARK stale"
    exit 1
fi
mkdir -p /build/upper /build/work "$TREE"
mount -t overlay overlay -o lowerdir=/base,upperdir=/build/upper,workdir=/build/work,userxattr "$TREE" ||
    failed "overlayfs cannot be mounted in a user namespace with its attributes on tmpfs: Linux 6.6 or newer is needed"

if [ -e /in/packages.sh ]; then
    phase packages
    mkdir -p /build/pool/debs
    while read -r sha256 file; do
        dpkg-deb --field "$file"
        printf 'Filename: debs/%s\nSize: %s\nSHA256: %s\n\n' "$sha256" "$(stat -L -c %s "$file")" "$sha256"
    done </in/list >/build/pool/Packages
    code=0
    in_tree --ro-bind /build/pool /run/bootwright/pool --ro-bind-try /in/debs /run/bootwright/pool/debs \
        --ro-bind /in/change /run/bootwright/change --ro-bind /in/automatic /run/bootwright/automatic \
        --ro-bind /in/packages.sh /run/bootwright/packages.sh -- /bin/sh /run/bootwright/packages.sh || code=$?
    ends "$code" "$SECONDS_LEFT" "apt"
fi

if [ -e /in/system.json ]; then
    phase system
    set -- --ro-bind /in/system.py /in/system.py --ro-bind /in/system.json /in/system.json
    [ ! -d /in/uploads ] || set -- "$@" --ro-bind /in/uploads /in/uploads
    code=0
    beside_tree "$@" -- /usr/bin/python3 /in/system.py || code=$?
    ends "$code" "$SECONDS_LEFT" "writing accounts, files and services"
fi

if [ -e /in/playbook.sh ]; then
    phase playbook
    . /in/playbook.sh
    told() { echo "$MARK task $1"; }
    play_playbook
fi

if [ -e /in/user-script ]; then
    phase script
    run_script
fi

phase pack
: >/out/kernels
: >/out/facts
if [ -e /in/releases ]; then
    # A kernel without modules has an empty folder of them, which says so.
    while read -r release; do
        in_tree -- /bin/sh -c 'mkdir -p "/usr/lib/modules/$1"' sh "$release"
        vermagics "$release"
        echo "lib/modules/$release"
    done </in/releases >/build/folders
    tar -C "$TREE/usr" --sort=name --mtime="@$SOURCE_DATE_EPOCH" -cf /out/modules.tar -T /build/folders
fi
if [ -e /in/kernels ]; then
    take_kernels
fi
beside_tree -- /bin/sh -c "$(cat /in/tree.sh)
clean_tree"
ls "$TREE/usr/lib/modules" >/out/modules 2>/dev/null || : >/out/modules
cp "$TREE/var/lib/dpkg/status" /out/status
umount "$TREE"
python3 /in/layer.py /build/upper /base
epoch=$SOURCE_DATE_EPOCH
unset SOURCE_DATE_EPOCH
mksquashfs /build/upper /out/layer.squashfs -comp zstd -Xcompression-level 9 -b 256K -noappend -no-progress \
    -all-time "$epoch" -mkfs-time "$epoch" >/dev/null
[ "$(fingerprint /base)" = "$FINGERPRINT" ] || failed "the base's tree is not as it was"
