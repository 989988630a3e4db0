#!/usr/bin/env bash
# Sets up this machine for a purpose and says what it does. Idempotent: what is there is left alone.
#   setup/run.sh run     what `make run` needs: compiler, builder's tools, QEMU, system user
#   setup/run.sh test    also Chromium, Playwright, PostgreSQL, minisign and the compiler's linters
#   setup/run.sh release also wasm-opt
#   setup/run.sh bench   what benches compare with: nginx, wrk
# Installs from the Debian, crate and npm registries only, through their own clients.
set -euo pipefail
cd "$(dirname "$0")/.."
purpose=${1:-run}
case $purpose in run | test | release | bench) ;; *) echo "usage: setup/run.sh run|test|release|bench" >&2; exit 2 ;; esac
for concern in setup/[0-9]*.sh; do
    bash "$concern" "$purpose"
done
