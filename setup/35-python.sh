#!/usr/bin/env bash
# Python packages, in folders outside the clone; their names hold the digest of what is asked for, so that
# none ever changes what another clone uses.
source "$(dirname "$0")/common.sh"

# Sandboxes have the system's own Python and no other.
suites=$(python_of_suites)
if [ ! -e "$suites/complete" ]; then
    say "Python environment of suites"
    as_root rm -rf "$suites"
    as_root install -d -o "$(id -un)" -g "$(id -gn)" -m 0755 "$suites"
    umask 022
    /usr/bin/python3 -m venv "$suites"
    "$suites/bin/pip" install --quiet --disable-pip-version-check --requirement examples/suites/requirements.txt
    touch "$suites/complete"
fi

[ "$1" = test ] || exit 0
folder=$(python_of_tests)
if [ ! -e "$folder/complete" ]; then
    say "Python packages of the tests"
    rm -rf "$folder"
    python3 -m venv "$folder"
    "$folder/bin/pip" install --quiet --disable-pip-version-check --requirement end2end/requirements.txt
    touch "$folder/complete"
fi
