# Makes the rootfs from the lock's packages, without a network.
#   in:  /in/list (<sha256> <file>), /in/debs; SUITE, ARCHITECTURE, SOURCE_DATE_EPOCH
#   out: /out/tree.tar, /out/status (dpkg's)
set -eu
LIST=/in/list
. /in/pool.sh
mkdir -p /etc/apt/apt.conf.d /etc/apt/trusted.gpg.d /var/lib/apt /var/lib/dpkg /var/cache/apt/archives
: >/etc/resolv.conf
echo localhost >/etc/hostname
names=$(sed -n 's/^Package: //p' "/build/repo/dists/$SUITE/main/binary-$ARCHITECTURE/Packages" | LC_ALL=C sort | paste -sd,)
export TMPDIR=/build
# The packages are checked by digest before they come in here; the archive made of them has no signature.
mmdebstrap --mode=root --variant=custom --format=tar --architectures="$ARCHITECTURE" \
    --include="$names" --dpkgopt=force-unsafe-io \
    --aptopt='Acquire::Languages "none"' --aptopt='APT::Install-Recommends "false"' \
    --customize-hook='rm -f "$1/etc/dpkg/dpkg.cfg.d/99mmdebstrap" "$1/etc/resolv.conf" "$1/etc/hostname"' \
    "$SUITE" /out/tree.tar "deb [trusted=yes] copy:/build/repo $SUITE main"
tar -xOf /out/tree.tar ./var/lib/dpkg/status >/out/status
