#!/usr/bin/env bash
# The WebAssembly target: by rustup where that can be had, else Debian's compiler and its standard
# library's source, from which cargo xtask builds the target's standard library along.
source "$(dirname "$0")/common.sh"
purpose=$1
target=wasm32-unknown-unknown

minimum=1.95
found=$(rustc --version 2>/dev/null | cut -d' ' -f2 || true)
if [ "$(printf '%s\n%s\n' "$minimum" "${found:-0}" | sort -V | head -n1)" != "$minimum" ]; then
    fail "rustc is ${found:-missing}, $minimum or newer is needed: update it (rustup update), or remove it so that set-up takes Debian's rustc-web"
fi

# A target counts when its standard library is there.
if [ -d "$(rustc --print sysroot)/lib/rustlib/$target/lib" ]; then
    say "Rust $found with $target is there"
elif command -v rustup >/dev/null && rustup target add "$target" >/dev/null 2>&1; then
    say "Rust $found: $target added by rustup"
else
    missing=()
    [ -x /usr/bin/rustc ] && [ -x /usr/bin/cargo ] || missing+=(rustc-web cargo-web)
    [ -d "/usr/lib/rustlib/src" ] || [ -d /usr/src/rustc-web ] || compgen -G '/usr/src/rustc-*' >/dev/null || missing+=(rust-web-src)
    compgen -G '/usr/bin/*lld*' >/dev/null || missing+=(lld-22)
    if [ ${#missing[@]} -gt 0 ]; then
        say "rustup has no $target here; Debian packages to install instead: ${missing[*]}"
        as_root apt-get update -q
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}"
    fi
    say "Rust $found; $target is built by Debian's compiler"
fi

if [ "$purpose" = test ]; then
    command -v cargo-clippy >/dev/null || { as_root apt-get install -q -y --no-install-recommends rust-web-clippy; }
    command -v rustfmt >/dev/null || { as_root apt-get install -q -y --no-install-recommends rustfmt-web; }
fi
