# Says which busybox an initrd gets, from the archive's index alone.
#   in:  /in/repo; SUITE, COMPONENTS, ARCHITECTURE
#   out: /out/initrd: its stanza of the index
set -eu
. /in/apt.sh
apt-cache show --no-all-versions busybox-static >/out/initrd
