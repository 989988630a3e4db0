# Sourced: how somebody else's programs run on a tree: in a sandbox within the sandbox that
# sees nothing of the base, of what comes out, or of other processes, and mounts nothing.
TREE=/build/tree

# inner ROOT-ARGUMENTS... -- COMMAND...: devices by hand, since those of bwrap could be filled up. However
# many processes die with it, this script can still start some. bwrap ends with its command, whatever else
# that left behind; unshare ends when no process of the namespace is left, so that none counts for the next.
inner() {
    # shellcheck disable=SC2086 # words are arguments
    timeout --kill-after=5 "$SECONDS_LEFT" prlimit --nproc=2048 unshare --pid --mount-proc --fork --kill-child \
        bwrap --unshare-pid --unshare-ipc --unshare-uts --die-with-parent \
        --cap-add ALL --cap-drop CAP_SYS_ADMIN --cap-drop CAP_SYS_RESOURCE --clearenv \
        --setenv PATH /usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
        --setenv HOME /root --setenv LC_ALL C.UTF-8 --setenv DEBIAN_FRONTEND noninteractive \
        --setenv SYSTEMD_OFFLINE 1 --setenv INITRD No --setenv SOURCE_DATE_EPOCH "$SOURCE_DATE_EPOCH" \
        "$@" </dev/null
}

DEVICES="--size 1048576 --tmpfs /dev
    --dev-bind /dev/null /dev/null --dev-bind /dev/zero /dev/zero --dev-bind /dev/full /dev/full
    --dev-bind /dev/random /dev/random --dev-bind /dev/urandom /dev/urandom --dev-bind /dev/tty /dev/tty
    --symlink /proc/self/fd /dev/fd --symlink /proc/self/fd/0 /dev/stdin
    --symlink /proc/self/fd/1 /dev/stdout --symlink /proc/self/fd/2 /dev/stderr
    --size 67108864 --tmpfs /dev/shm"

# in_tree ARGUMENTS... -- COMMAND...: the tree is the root.
in_tree() {
    # shellcheck disable=SC2086
    inner --bind "$TREE" / --proc /proc $DEVICES --size 268435456 --tmpfs /run --chdir / "$@"
}

# beside_tree ARGUMENTS... -- COMMAND...: the host's programs, with the tree at /build/tree, in FOLDER.
beside_tree() {
    # shellcheck disable=SC2086
    inner --ro-bind /usr /usr --symlink usr/bin /bin --symlink usr/sbin /sbin --symlink usr/lib /lib \
        --symlink usr/lib64 /lib64 --proc /proc $DEVICES --size 268435456 --tmpfs /tmp \
        --size 1048576 --tmpfs /etc --size 16777216 --tmpfs /run --size 16777216 --tmpfs /root \
        --ro-bind-try /etc/alternatives /etc/alternatives --ro-bind-try /etc/ld.so.cache /etc/ld.so.cache \
        --bind "$TREE" /build/tree --chdir "${FOLDER:-/}" "$@"
}

# ends CODE SECONDS WHAT: says why WHAT did not come to its end.
ends() {
    case $1 in
    0) ;;
    124 | 137) failed "$3 did not end within $2 s and was ended" ;;
    *) failed "$3 ended with exit code $1" ;;
    esac
}

# run_script: /in/user-script, which has SCRIPT_SECONDS.
run_script() {
    code=0
    SECONDS_LEFT=$SCRIPT_SECONDS in_tree --ro-bind /in/user-script /run/bootwright/script \
        -- /bin/sh -eu /run/bootwright/script || code=$?
    ends "$code" "$SCRIPT_SECONDS" "the script"
}
