# Resolves what is to be installed, from the archive's index alone.
#   in:  /in/repo; SUITE (one or several), COMPONENTS, ARCHITECTURE, PACKAGES, KERNELS
#   out: /out/rootfs, /out/kernel, /out/initrd: stanzas of the index; /out/suites: apt-cache's table of
#        <package> | <version> | <address> <suite>/…
set -eu
. /in/apt.sh

# uris <package…>: the archive's paths of all that would be installed on an empty system.
uris() {
    apt-get -qq install --print-uris '?essential' '?priority(required)' apt "$@" |
        perl -ne 'if (m{^\x27file:/in/repo/([^\x27]+)\x27}) { my $p = $1; $p =~ s/%([0-9A-Fa-f]{2})/chr hex $1/ge; print "$p\n" }' |
        LC_ALL=C sort
}

# shellcheck disable=SC2086 # words are package names, checked before
uris $PACKAGES >/tmp/rootfs
# shellcheck disable=SC2086
uris $PACKAGES $KERNELS >/tmp/all
LC_ALL=C comm -13 /tmp/rootfs /tmp/all >/tmp/kernel
apt-get -qq download --print-uris busybox-static |
    perl -ne 'if (m{^\x27file:/in/repo/([^\x27]+)\x27}) { my $p = $1; $p =~ s/%([0-9A-Fa-f]{2})/chr hex $1/ge; print "$p\n" }' \
        >/tmp/initrd

for part in rootfs kernel initrd; do
    perl -e '
        my ($list, @indexes) = @ARGV;
        open my $wanted, "<", $list or die "$list: $!";
        chomp(my @paths = <$wanted>);
        my %wanted = map { $_ => 1 } @paths;
        $/ = "";
        for my $index (@indexes) {
            open my $stanzas, "-|", "/usr/lib/apt/apt-helper", "cat-file", $index or die "$index: $!";
            while (my $stanza = <$stanzas>) {
                print $stanza if $stanza =~ /^Filename: (\S+)$/m && delete $wanted{$1};
            }
        }
        die "not in the index: " . join(" ", sort keys %wanted) . "\n" if %wanted;
    ' "/tmp/$part" /tmp/apt/state/lists/*_Packages* >"/out/$part"
done
sed -n 's/^Package: //p' /out/rootfs /out/kernel /out/initrd | LC_ALL=C sort -u |
    xargs apt-cache madison >/out/suites
wc -l /tmp/rootfs /tmp/kernel /tmp/initrd
