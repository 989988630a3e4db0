# Unpacks the image of a release, for variants to stand on.
#   in:  /in/image.squashfs; /tree, a folder that stays
#   out: /tree/root; /out/fingerprint
set -eu
. /in/fingerprint.sh
unsquashfs -quiet -no-progress -dest /tree/root /in/image.squashfs
fingerprint /tree/root >/out/fingerprint
