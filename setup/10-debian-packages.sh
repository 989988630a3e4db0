#!/usr/bin/env bash
# Debian packages: the builder's tools, what kernels are compiled with, QEMU with its iPXE, compilers,
# Node with npm for the terminal's packages; for tests Chromium, minisign,
# PostgreSQL, a DHCP server and the firmware of UEFI machines; for benches nginx and wrk.
source "$(dirname "$0")/common.sh"
purpose=$1
missing=()

# need <program> <package>: the program counts, whoever installed it.
need() { have "$1" || missing+=("$2"); }
need_file() { [ -e "$1" ] || missing+=("$2"); }

need cc build-essential
need git git
need ssh openssh-client
need_file /etc/ssl/certs/ca-certificates.crt ca-certificates
need mmdebstrap mmdebstrap
need bwrap bubblewrap
need newuidmap uidmap
need unshare util-linux
need setpriv util-linux
need prlimit util-linux
need mksquashfs squashfs-tools
need cpio cpio
need modprobe kmod
need xz xz-utils
need zstd zstd
need gpgv gpgv
need perl perl
need python3 python3
# With the collections of the community: playbooks use them, and so does the way into a rootfs.
need_file /usr/lib/python3/dist-packages/ansible_collections/community/general ansible
need qemu-system-x86_64 qemu-system-x86
# What the source trees of Linux and Xen are compiled with.
need bc bc
need bison bison
need flex flex
need rsync rsync
need ccache ccache
need patch patch
need bzip2 bzip2
need unzip unzip
need dpkg-buildpackage dpkg-dev
need_file /usr/include/gelf.h libelf-dev
need_file /usr/include/openssl/opensslv.h libssl-dev
need_file /usr/share/keyrings/debian-archive-keyring.gpg debian-archive-keyring
need_file /usr/lib/ipxe/qemu ipxe-qemu
need_file /usr/lib/ipxe/undionly.kpxe ipxe
if ! have cargo; then
    missing+=(rustc-web cargo-web)
fi
need node nodejs
need npm npm
if [ "$purpose" = test ]; then
    need chromium chromium
    need minisign minisign
    need curl curl
    need jq jq
    need openssl openssl
    need ip iproute2
    need dnsmasq dnsmasq-base
    need_file /usr/share/OVMF/OVMF_CODE_4M.fd ovmf
    if [ ! -e /usr/sbin/sshd ]; then
        # Tests start the program themselves, on loopback; this machine gets no SSH service by that.
        as_root install -d /etc/systemd/system
        as_root ln -sfn /dev/null /etc/systemd/system/ssh.service
        as_root ln -sfn /dev/null /etc/systemd/system/ssh.socket
        missing+=(openssh-server)
    fi
    compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || missing+=(postgresql)
fi
if [ "$purpose" = bench ]; then
    # What benches compare with and ask by.
    need wrk wrk
    if [ ! -e /usr/sbin/nginx ]; then
        # Benches start the program themselves, on loopback; this machine gets no web server by that.
        as_root install -d /etc/systemd/system
        as_root ln -sfn /dev/null /etc/systemd/system/nginx.service
        missing+=(nginx-light)
    fi
fi
python3 -c "import ensurepip" 2>/dev/null || missing+=(python3-venv)
if [ ${#missing[@]} -gt 0 ]; then
    say "Debian packages to install: ${missing[*]}"
    as_root apt-get update -q
    # Only what is named: recommendations of QEMU alone are several hundred MB of desktop.
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}"
fi
say "Debian packages are there"
