# Sourced: what the steps of a kernel share.

# refuse SENTENCE: ends the step; the sentence is what people read.
refuse() {
    echo "refused: $*" >&2
    exit 1
}

# give_way: nothing else waits for this step. A kernel that schedules by session (sched(7),
# autogroup) looks at the session's nice value and not at those of its processes.
give_way() {
    { echo 19 >/proc/self/autogroup; } 2>/dev/null || true
}

unpack_source() {
    mkdir -p /build/tree
    zstd -dcq /in/tree.tar.zst | tar -x --no-same-owner -C /build/tree
}
