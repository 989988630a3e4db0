# Makes the rootfs a system of its own: names, accounts, files, services.
#   in:  /in/tree.tar, /in/system.json; SOURCE_DATE_EPOCH
#   out: /out/tree.tar
set -eu
. /in/tree.sh
unpack_tree
enter_tree
python3 /in/system.py
leave_tree
pack_tree
