#!/usr/bin/env bash
# clippy over what runs in the browser, where this compiler has the target's standard library.
# Elsewhere `cargo xtask site` compiles it with warnings denied by the same lints of rustc.
source "$(dirname "$0")/common.sh"
target=wasm32-unknown-unknown
if [ -d "$(rustc --print sysroot)/lib/rustlib/$target/lib" ]; then
    cargo clippy -p frontend --target "$target" -- -D warnings
fi
graph=$(cargo tree -p frontend --target "$target" -e normal --prefix none | cut -d' ' -f1 | sort -u)
for heavy in sqlx tokio axum chrono; do
    if grep -qx "$heavy" <<<"$graph"; then
        fail "the browser's bundle must not contain $heavy: see 'cargo tree -p frontend -i $heavy --target $target'"
    fi
done
