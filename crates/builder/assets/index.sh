# Verifies the archive's signature and gives the names of its packages.
#   in:  /in/repo, a mirror's dists/ as it was downloaded; SUITE (one or several), COMPONENTS,
#        ARCHITECTURE
#   out: /out/names, those of further suites as <name>/<suite>
set -eu
. /in/apt.sh
for suite in $SUITE; do
    pin=
    [ "$suite" = "${SUITE%% *}" ] || pin=/$suite
    for index in /tmp/apt/state/lists/*_dists_"$suite"_*_Packages*; do
        /usr/lib/apt/apt-helper cat-file "$index"
    done | sed -n "s,^Package: \\(.*\\),\\1$pin,p"
done | LC_ALL=C sort -u >/out/names
test -s /out/names
