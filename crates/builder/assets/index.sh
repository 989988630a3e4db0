# Verifies the archive's signature and gives the names of its packages.
#   in:  /in/repo, a mirror's dists/ as it was downloaded; SUITE, COMPONENTS, ARCHITECTURE
#   out: /out/names
set -eu
. /in/apt.sh
apt-cache --names-only pkgnames | LC_ALL=C sort >/out/names
