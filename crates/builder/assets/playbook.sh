# Sourced: plays an Ansible playbook on a tree. Ansible itself runs beside the tree, so that
# lookups, plugins and what is delegated to localhost see the sandbox and nothing of the host.

# unpack_playbook: leaves it in /build/playbook, whoever made its archive.
unpack_playbook() {
    mkdir -p /build/playbook
    if [ -e /in/playbook.archive ]; then
        said=$(beside_tree --ro-bind /in/unpack.py /in/unpack.py --ro-bind /in/unpack-files.py /in/unpack-files.py \
            --ro-bind /in/playbook.archive /in/playbook.archive --bind /build/playbook /build/playbook \
            -- /usr/bin/python3 /in/unpack-files.py /in/playbook.archive /build/playbook 2>&1) ||
            failed "the playbook's archive is ${said:-not to be unpacked}"
        echo "$said"
    else
        cp /in/playbook.yml "/build/playbook/$PLAYBOOK"
    fi
    [ -e "/build/playbook/$PLAYBOOK" ] || failed "the archive has no file $PLAYBOOK: name the playbook in it"
    in_tree -- /usr/bin/python3 -c '' 2>/dev/null ||
        failed "the rootfs has no python3, which Ansible needs there: add python3-minimal to the packages"
    echo "root:x:0:0:root:/root:/bin/sh" >/build/passwd
    echo "rootfs ansible_connection=community.general.chroot ansible_host=/build/tree ansible_python_interpreter=/usr/bin/python3 ansible_remote_tmp=/tmp/.ansible" \
        >/build/inventory
    # Not the one that an archive may bring.
    echo "[defaults]" >/build/ansible.cfg
}

# play ARGUMENTS...: the playbook, with the time of each task.
play() {
    FOLDER=/build/playbook beside_tree --ro-bind /build/passwd /etc/passwd --ro-bind /build/inventory /build/inventory \
        --ro-bind /build/ansible.cfg /build/ansible.cfg --ro-bind /build/playbook /build/playbook \
        --setenv ANSIBLE_HOME /tmp/ansible --setenv ANSIBLE_LOCAL_TEMP /tmp/ansible/tmp \
        --setenv ANSIBLE_CONFIG /build/ansible.cfg --setenv ANSIBLE_NOCOLOR 1 --setenv ANSIBLE_RETRY_FILES_ENABLED 0 \
        --setenv ANSIBLE_CALLBACKS_ENABLED ansible.posix.profile_tasks --setenv ANSIBLE_DEPRECATION_WARNINGS 0 \
        --setenv ANSIBLE_ROLES_PATH /build/playbook/roles --setenv ANSIBLE_COLLECTIONS_PATH /build/playbook/collections \
        -- /usr/bin/ansible-playbook --inventory /build/inventory "$@" "$PLAYBOOK"
}

# play_playbook: in check mode, then in earnest; tells of both.
play_playbook() {
    unpack_playbook
    # What cannot be tried, such as a service of a package that is not there yet, is no failure yet.
    told check
    play --check || echo "check mode: see above; the play itself decides"
    told play
    code=0
    play || code=$?
    ends "$code" "$SECONDS_LEFT" "the playbook"
}
