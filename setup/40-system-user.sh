#!/usr/bin/env bash
# The system user that the server becomes when root starts it, with subordinate id ranges for its
# sandboxes: eight, so that eight run at once. Where set-up runs as an ordinary user that has a
# range already, that user runs the server and nothing is added.
source "$(dirname "$0")/common.sh"
user=bootwright
ranges=8
size=65536

if [ "$(id -u)" != 0 ]; then
    if grep -q "^$(id -un):" /etc/subuid && grep -q "^$(id -un):" /etc/subgid; then
        say "$(id -un) has subordinate ids"
        exit 0
    fi
    user=$(id -un)
fi

if ! id "$user" >/dev/null 2>&1; then
    say "system user $user to create"
    as_root useradd --system --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin "$user"
fi

# The first id above all ranges of either file and above the ids that people have.
next_free() {
    awk -F: 'BEGIN { next_id = 1000000000 } NF >= 3 && $2 + $3 > next_id { next_id = $2 + $3 } END { printf "%d\n", next_id }' \
        /etc/subuid /etc/subgid
}
as_root touch /etc/subuid /etc/subgid
own=$(awk -F: -v user="$user" '$1 == user { sum += int($3 / 65536) } END { print sum + 0 }' /etc/subuid)
while [ "$own" -lt "$ranges" ]; do
    start=$(next_free)
    as_root usermod --add-subuids "$start-$((start + size - 1))" --add-subgids "$start-$((start + size - 1))" "$user"
    own=$((own + 1))
done
say "$user has $own subordinate id ranges"

# Where tests and benches keep downloaded packages and finished build steps between runs.
if [ "$1" = test ]; then
    as_root install -d -o "$user" -g "$(id -gn "$user")" -m 0755 /var/cache/bootwright-test
    # What no test has used for days was made of scripts or packages that are no more; each use of a file
    # makes it new.
    as_root find /var/cache/bootwright-test -path '*/trees/*/root' -prune -o -type f -mtime +3 -exec rm -f {} +
    # An unpacked release whose fingerprint went that way: what is in it is as old as the release.
    for tree in /var/cache/bootwright-test/cache/trees/*/; do
        [ ! -d "$tree" ] || [ -e "$tree/fingerprint" ] || as_root rm -rf "$tree"
    done
fi
