#!/usr/bin/env bash
# Asks a running server what nobody would: requests made from the OpenAPI document, well-formed and
# not. No answer may be a fault of ours (5xx), or one that the document does not describe.
#   end2end/fuzz.sh PROGRAM [EXAMPLES]
set -euo pipefail
cd "$(dirname "$0")/.."
source setup/common.sh
program=$1 examples=${2:-30}
folder=$(mktemp -d)
chmod 755 "$folder"
server=
finish() {
    [ -z "$server" ] || kill "$server" 2>/dev/null || true
    wait
    rm -rf "$folder"
}
trap finish EXIT

# No workers: what is asked for here is never built.
"$program" serve --data-dir "$folder/data" --listen 127.0.0.1:0 --boot-listen 127.0.0.1:0 --nfs-listen off \
    --workers 0 --log-format json >"$folder/said" 2>"$folder/log" &
server=$!
until grep -q '^Boot listener:' "$folder/said"; do
    kill -0 "$server" || { cat "$folder/log" >&2; exit 1; }
    sleep 0.1
done
export BOOTWRIGHT_SERVER BOOTWRIGHT_TOKEN
BOOTWRIGHT_SERVER=$(sed -n 's/^Dashboard: *//p' "$folder/said")
echo 'correct horse battery' |
    "$program" admin create-user ada --role administrator --password-stdin --data-dir "$folder/data" 2>>"$folder/log"
BOOTWRIGHT_TOKEN=$("$program" admin create-token ada --data-dir "$folder/data" 2>>"$folder/log" | tail -n 1)

# Something to find.
"$program" recipe import crates/domain/src/recipe/starter.toml --name starter --message 'the first'
"$program" release build starter
"$program" kernel add lab --debian-source linux-source-6.1 --suite bookworm --defconfig tinyconfig
"$program" kernel build lab

ask() {
    "$(python_of_tests)/bin/schemathesis" run "$BOOTWRIGHT_SERVER/api/v1/openapi.json" \
        --header "Authorization: Bearer $BOOTWRIGHT_TOKEN" --seed 1 --max-examples "$examples" \
        --phases examples,coverage,fuzzing --no-color "$@" \
        --checks not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance
}
# A log is followed until its job ends, which none does here. And what takes its own rights from whoever
# asks comes last: everything after that is answered by 401.
revokes=('DELETE /tokens/{id}' 'PATCH /people/{name}')
ask --exclude-name 'GET /jobs/{id}/log' "${revokes[@]/#/--exclude-name=}"
ask "${revokes[@]/#/--include-name=}"
# What is found wrong stays in the log of the server as well.
if grep -E '"level":"ERROR"|panicked at' "$folder/log"; then
    exit 1
fi
