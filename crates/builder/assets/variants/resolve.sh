# Asks apt what a change of packages would do to a release: a simulation on what dpkg says is installed
# there. That apt refuses is an answer too.
#   in:  /in/image.squashfs, the release; /in/apt.tar; /in/install, what apt is to install and remove,
#        a line each; /in/list (<sha256> <file>) and /in/debs, packages that are no part of the archive
#   out: /out/status, /out/simulation, /out/said, /out/code (exit code), /out/stanzas of the index of
#        what would be installed, /out/suites (a table <package> | <version> | <address> <suite>/…)
set -eu
mkdir -p /tmp/apt /etc/apt/apt.conf.d /tmp/own
# apt looks at the times of its lists before it believes its caches.
tar -x -p -f /in/apt.tar -C /tmp/apt
export APT_CONFIG=/tmp/apt/apt.conf
unsquashfs -cat /in/image.squashfs var/lib/dpkg/status >/tmp/apt/status
unsquashfs -cat /in/image.squashfs var/lib/apt/extended_states >/tmp/apt/state/extended_states 2>/dev/null || true
cp /tmp/apt/status /out/status
while read -r sha256 file; do
    ln -s "$file" "/tmp/own/$sha256.deb"
    echo "/tmp/own/$sha256.deb"
done </in/list >/tmp/names
cat /in/install >>/tmp/names
code=0
if [ -s /tmp/names ]; then
    # As the build itself does it, see packages.sh.
    xargs apt-get -s -q --purge --allow-downgrades --allow-remove-essential --allow-change-held-packages \
        install </tmp/names >/out/simulation 2>/out/said || code=$?
else
    : >/out/simulation
    : >/out/said
fi
echo "$code" >/out/code
# What apt is told by no archive has no stanza, and is listed with the kernels.
sed -n 's/^Inst \([^ ]*\) .*(\([^ ]*\) .*/\1=\2/p' /out/simulation >/tmp/wanted
xargs -r apt-cache show </tmp/wanted >/out/stanzas 2>/dev/null || true
sed 's/=.*//' /tmp/wanted | xargs -r apt-cache madison >/out/suites 2>/dev/null || true
cat /out/said
