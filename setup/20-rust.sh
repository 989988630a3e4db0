#!/usr/bin/env bash
# The Rust compiler: whichever is there, where it is new enough; for tests its linters as well.
source "$(dirname "$0")/common.sh"
purpose=$1

minimum=1.95
found=$(rustc --version 2>/dev/null | cut -d' ' -f2 || true)
if [ "$(printf '%s\n%s\n' "$minimum" "${found:-0}" | sort -V | head -n1)" != "$minimum" ]; then
    fail "rustc is ${found:-missing}, $minimum or newer is needed: update it (rustup update), or remove it so that set-up takes Debian's rustc-web"
fi

say "Rust $found is there"

if [ "$purpose" = test ]; then
    command -v cargo-clippy >/dev/null || { as_root apt-get install -q -y --no-install-recommends rust-web-clippy; }
    command -v rustfmt >/dev/null || { as_root apt-get install -q -y --no-install-recommends rustfmt-web; }
fi
