#!/usr/bin/env bash
# Licences, sources and bans of every dependency. Advisories need a database from a code host: they
# are checked where it can be had, by `cargo deny check advisories`.
source "$(dirname "$0")/common.sh"
if ! cargo deny --version >/dev/null 2>&1; then
    say "cargo-deny to install (about three minutes, once)"
    # Without this the tool would be compiled anew for every target folder.
    CARGO_TARGET_DIR="${XDG_CACHE_HOME:-$HOME/.cache}/bootwright/tools" cargo install --quiet cargo-deny
fi
cargo deny --log-level error check bans licenses sources
