# Verifies the signatures of suites and keeps what apt makes of their indexes, so that it answers at
# once whatever it is asked of them.
#   in:  /in/repo, a mirror's dists/ as it was downloaded; SUITE (one or several), COMPONENTS,
#        ARCHITECTURE
#   out: /out/apt.tar, the folder /tmp/apt of apt.sh; /out/packages, a line for each version of each
#        package, its fields between tabs: name, version, suite, KiB on the disk, bytes of the .deb,
#        description
set -eu
. /in/apt.sh
# The caches of the archive's part: what a system has installed is added to them in a moment.
apt-cache gencaches >/dev/null
rm -f /tmp/apt/cache/pkgcache.bin /tmp/apt/status
tar -C /tmp/apt --numeric-owner -cf /out/apt.tar .
for suite in $SUITE; do
    for index in /tmp/apt/state/lists/*_dists_"$suite"_*_Packages*; do
        /usr/lib/apt/apt-helper cat-file "$index"
    done | perl -e '
        my $suite = shift;
        $/ = "";
        while (my $stanza = <STDIN>) {
            my %field = map { /^([A-Za-z-]+): (.*)$/ ? ($1 => $2) : () } split /\n/, $stanza;
            print join("\t", $field{Package}, $field{Version}, $suite, $field{"Installed-Size"} // 0,
                $field{Size} // 0, $field{Description} // ""), "\n" if $field{Package};
        }
    ' "$suite"
done | LC_ALL=C sort >/out/packages
test -s /out/packages
