# Sourced: what the steps of a kernel share.

# refuse SENTENCE: ends the step; the sentence is what people read.
refuse() {
    echo "refused: $*" >&2
    exit 1
}

# give_way: a kernel that schedules by session (sched(7), autogroup) looks at the session's nice value
# and not at those of its processes. Not 19: this step would stand still where another session is busy.
give_way() {
    { echo 5 >/proc/self/autogroup; } 2>/dev/null || true
}

unpack_source() {
    mkdir -p /build/tree
    zstd -dcq /in/tree.tar.zst | tar -x --no-same-owner -C /build/tree
}

# describe_packages DEB…: a line `<file> <package> <version> <architecture> <kernel>` for each, where
# <kernel> is the file that a boot loader starts, or - where it holds none.
describe_packages() {
    for package in "$@"; do
        kernel=$(dpkg-deb --fsys-tarfile "$package" | tar -t |
            sed -n 's,^\./\(boot/vmlinuz-[^/]*\|boot/xen-[^/]*\.gz\)$,\1,p' | head -n 1)
        echo "$(basename "$package") $(dpkg-deb --show --showformat '${Package} ${Version} ${Architecture}' "$package") ${kernel:--}"
    done
}
