# Plays the recipe's playbook on the rootfs, or runs its script there.
#   in:  /in/tree.tar; /in/tree.sh, /in/inner.sh; /in/playbook.sh and /in/playbook.yml with PLAYBOOK, or
#        /in/user-script with SCRIPT_SECONDS; SOURCE_DATE_EPOCH
#   out: /out/tree.tar
set -eu
. /in/tree.sh
. /in/inner.sh
SECONDS_LEFT=1800

failed() {
    echo "refused: $*" >&2
    exit 1
}

unpack_tree
if [ -e /in/playbook.sh ]; then
    . /in/playbook.sh
    told() { echo "$1:"; }
    play_playbook
else
    run_script
fi
pack_tree
