#!/usr/bin/env bash
# Python packages of the tests, in a folder of their own outside the clone; its name holds the digest
# of what is asked for, so that it never changes what another clone uses.
source "$(dirname "$0")/common.sh"
[ "$1" = test ] || exit 0
folder=$(python_of_tests)
if [ ! -e "$folder/complete" ]; then
    say "Python packages of the tests"
    rm -rf "$folder"
    python3 -m venv "$folder"
    "$folder/bin/pip" install --quiet --disable-pip-version-check --requirement end2end/requirements.txt
    touch "$folder/complete"
fi

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
