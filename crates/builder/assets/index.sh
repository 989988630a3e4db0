# Verifies the archive's signature and gives the names of its packages.
#   in:  /in/repo, a mirror's dists/ as it was downloaded; SUITE, COMPONENTS, ARCHITECTURE
#   out: /out/names
set -eu
. /in/apt.sh
for index in /tmp/apt/state/lists/*_Packages*; do
    /usr/lib/apt/apt-helper cat-file "$index"
done | sed -n 's/^Package: //p' | LC_ALL=C sort -u >/out/names
test -s /out/names
