# Takes the fingerprint of a tree that a build stood on.
#   in:  /base; /in/fingerprint.sh
#   out: /out/fingerprint
set -eu
. /in/fingerprint.sh
fingerprint /base >/out/fingerprint
