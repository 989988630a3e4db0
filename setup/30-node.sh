#!/usr/bin/env bash
# Node packages: the terminal of guests' pages, the browser tests' runner (test), wasm-opt (release).
source "$(dirname "$0")/common.sh"
purpose=$1
install() {
    local folder=$1
    if [ ! -e "$folder/node_modules/.package-lock.json" ] ||
        [ "$folder/package-lock.json" -nt "$folder/node_modules/.package-lock.json" ]; then
        say "Node packages of $folder"
        (cd "$folder" && PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm ci --no-audit --no-fund --loglevel=error)
    fi
}
install frontend/terminal
case $purpose in
    test) install end2end ;;
    release) install xtask/wasm-opt ;;
esac
