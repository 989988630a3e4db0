# Shared by the concerns of set-up: sourced, never run.
set -euo pipefail

say() { printf 'setup: %s\n' "$*"; }

fail() {
    printf 'setup: %s\n' "$*" >&2
    exit 1
}

# Runs a command as root: directly, or through sudo without asking twice.
as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        fail "'$*' must run as root: run this as root or install sudo"
    fi
}

have() { command -v "$1" >/dev/null 2>&1 || [ -x "/usr/sbin/$1" ] || [ -x "/sbin/$1" ]; }

# The folder of the tests' Python packages, from the root of the project.
python_of_tests() {
    local digest
    digest=$(sha256sum end2end/requirements.txt | cut -c1-16)
    echo "${XDG_CACHE_HOME:-$HOME/.cache}/bootwright/python-$digest"
}

# The folder of the Python environment that suites run in. The user ids of sandboxes must reach it, so it
# is not below anybody's home. Tests know it by the same name.
python_of_suites() {
    local digest
    digest=$(sha256sum examples/suites/requirements.txt | cut -c1-16)
    echo "/var/cache/bootwright-suites-$digest"
}
