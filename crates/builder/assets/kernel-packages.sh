# Verifies the archive's signature and gives what it has of a package and of kernels.
#   in:  /in/repo, a mirror's dists/ as it was downloaded; SUITE, COMPONENTS, ARCHITECTURE, PACKAGE
#   out: /out/stanzas of the index, the newest version of each package first
set -eu
. /in/apt.sh
apt-cache pkgnames >/tmp/all
grep -E '^(linux-(image|source|modules|binary)-|linux-source$|xen-hypervisor-)' /tmp/all >/tmp/names || true
grep -Fx -e "$PACKAGE" /tmp/all >>/tmp/names || true
LC_ALL=C sort -u -o /tmp/names /tmp/names
# Names that other packages merely mention have no stanza; apt-cache says so and goes on.
xargs -r apt-cache --all-versions show </tmp/names >/out/stanzas 2>/tmp/said || true
touch /out/stanzas
