# Sourced: how steps unpack and pack the tree of the rootfs.
unpack_tree() {
    mkdir -p /build/tree
    # Device nodes cannot be made in a user namespace; devtmpfs brings them when a machine boots.
    tar --numeric-owner --xattrs --xattrs-include='*' --exclude='./dev/*' -xpf /in/tree.tar -C /build/tree
    mkdir -p /build/tree/dev
}

# enter_tree: what package scripts expect to find.
enter_tree() {
    mount -t proc proc /build/tree/proc
    mount -t tmpfs -o mode=0755 tmpfs /build/tree/dev
    for node in null zero full random urandom tty; do
        : >"/build/tree/dev/$node"
        mount --bind "/dev/$node" "/build/tree/dev/$node"
    done
    ln -s /proc/self/fd /build/tree/dev/fd
}

leave_tree() {
    umount -R /build/tree/dev /build/tree/proc
}

in_tree() {
    env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
        DEBIAN_FRONTEND=noninteractive SYSTEMD_OFFLINE=1 INITRD=No SOURCE_DATE_EPOCH="$SOURCE_DATE_EPOCH" \
        chroot /build/tree "$@"
}

# What differs from one making to the next, or must not be shared by machines, goes.
clean_tree() {
    rm -rf /build/tree/var/cache/apt/* /build/tree/var/lib/apt/lists/* \
        /build/tree/var/cache/ldconfig/aux-cache /build/tree/var/cache/debconf/*-old \
        /build/tree/var/lib/dpkg/*-old /build/tree/var/lib/systemd/random-seed \
        /build/tree/etc/passwd- /build/tree/etc/shadow- /build/tree/etc/group- /build/tree/etc/gshadow- \
        /build/tree/etc/subuid- /build/tree/etc/subgid- /build/tree/etc/.pwd.lock \
        /build/tree/etc/ssh/ssh_host_*_key /build/tree/etc/ssh/ssh_host_*_key.pub \
        /build/tree/var/lib/dbus/machine-id /build/tree/tmp/* /build/tree/run/*
    # The folders of logs belong to packages, whose daemons do not start without them.
    if [ -d /build/tree/var/log ]; then
        find /build/tree/var/log -mindepth 1 ! -type d -delete
    fi
    if [ -d /build/tree/etc ]; then
        # It may be a link.
        rm -f /build/tree/etc/machine-id
        : >/build/tree/etc/machine-id
        chmod 0444 /build/tree/etc/machine-id
    fi
}

pack_tree() {
    clean_tree
    tar --numeric-owner --xattrs --xattrs-include='*' --sort=name --format=posix \
        --pax-option='exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime' \
        --mtime="@$SOURCE_DATE_EPOCH" --clamp-mtime -C /build/tree -cf /out/tree.tar .
}
