#!/bin/busybox sh
# The first program of a machine that boots a Bootwright release: loads the images of the rootfs
# over HTTP and checks their SHA-256, or mounts the rootfs over NFS, stacks what is read-only under a
# writable layer in memory and hands over.
#
# The initrd holds: /bin/busybox (static), this file as /init, and /lib/modules/<uname -r>/ with
# modules.dep and the modules named below as far as the kernel has them as modules.
#
# The kernel command line says what to do:
#   bootwright.image=<url>,<sha256>  an image, repeatable, the lowest layer first
#   bootwright.images=<url>,<sha256> a list of images, where a command line has no room for them:
#                                    lines of <name beside the list> <sha256>, lowest layer first
#   bootwright.nfs=<IPv4 address>:<path>,<ro|rw>[,<mount option>...]
#                                    in their place: a tree on an NFS server, of version 3 over TCP
#   BOOTIF=01-<mac with dashes>      the network card that the boot loader used
#   bootwright.boot=<token>,<label>[,<host>]
#                                    of which boot, and of which entry, to report to the boot server how far it
#                                    is (domain::boot::report); the host is that of the first URL by itself
#   bootwright.manifest=<digest>     what is booted, for that report
#   init=<path>                      the program to start in the rootfs, /sbin/init by itself
#
# The lab reads these lines from the console; their wording is a contract:
#   bootwright: stage rootfs | bootwright: verified <sha256> | bootwright: stage init
#   bootwright: FAILED <configuration|lab|product> <reason>

set -u -f
REPORT=
export PATH=/bin:/sbin:/usr/bin:/usr/sbin

MODULES="virtio_pci virtio_net virtio_rng e1000 e1000e igb igc ixgbe r8169 tg3 bnxt_en mlx5_core
  vmxnet3 ena hv_netvsc xen_netfront af_packet loop squashfs overlay nfs nfsv3"
NETWORK_SECONDS=30
ATTEMPTS=3
MOUNT_ATTEMPTS=10
DOWNLOAD_SECONDS=900

say() {
    echo "bootwright: $*"
}

# fail CLASS REASON: says why this machine cannot boot, leaves time to read it, switches off.
fail() {
    trap - EXIT
    say "FAILED $*"
    class=$1
    shift
    report failed "$class" "$*"
    sync
    sleep 5
    poweroff -f
    # Where a machine cannot switch itself off, it stays with the reason on its screen.
    while :; do sleep 3600; done
}

# report STAGE [CLASS NOTE]: tells the boot server how far this boot is. A boot never waits long for that.
report() {
    [ -n "$REPORT" ] || return 0
    now=$(cut -d ' ' -f 1 /proc/uptime)
    for _ in 1 2 3; do
        timeout 5 wget -q -O /dev/null --post-data "token: $TOKEN
entry: $ENTRY
manifest: $MANIFEST
stage: $1
since: $now
now: $(cut -d ' ' -f 1 /proc/uptime)
class: ${2:-}
note: ${3:-}
" "$REPORT" 2>/run/bootwright/wget && return 0
        case "$(tail -n 1 /run/bootwright/wget)" in
        *"server returned error"*) break ;;
        esac
        sleep 1
    done
    # This boot goes on without.
    REPORT=
}

# Has systemd, should the rootfs have that, report the rest from within the rootfs.
leave_reporter() {
    [ -n "$REPORT" ] || return 0
    mkdir -p /run/bootwright/bin /run/systemd/system/multi-user.target.wants
    cp /bin/busybox /run/bootwright/bin/busybox
    {
        echo "TOKEN=$TOKEN ENTRY=$ENTRY MANIFEST=$MANIFEST REPORT=$REPORT"
        cat <<'REPORTER'
busybox=/run/bootwright/bin/busybox

uptime() {
    $busybox cut -d ' ' -f 1 /proc/uptime
}

# When a target was reached, in seconds since the kernel began.
reached() {
    micros=$(systemctl show --property=ActiveEnterTimestampMonotonic --value "$1")
    case "$micros" in
    '' | 0 | *[!0-9]*) uptime ;;
    *) $busybox printf '%d.%06d' $((micros / 1000000)) $((micros % 1000000)) ;;
    esac
}

# report STAGE SINCE NOTE: as in the initrd. The rootfs's network may come up later.
report() {
    deadline=$(($(uptime | $busybox cut -d . -f 1) + 120))
    until $busybox timeout 5 $busybox wget -q -O /dev/null --post-data "token: $TOKEN
entry: $ENTRY
manifest: $MANIFEST
stage: $1
since: $2
now: $(uptime)
note: $3
" "$REPORT" 2>/run/bootwright/wget; do
        case "$($busybox tail -n 1 /run/bootwright/wget)" in
        *"server returned error"*) exit 0 ;;
        esac
        [ "$(uptime | $busybox cut -d . -f 1)" -lt "$deadline" ] || exit 0
        $busybox sleep 1
    done
}

failed=$(systemctl --failed --plain --no-legend | $busybox cut -d ' ' -f 1 | $busybox tr '\n' ' ')
report services "$(reached basic.target)" ''
report login "$(reached multi-user.target)" "${failed:+failed units: $failed}"
REPORTER
    } >/run/bootwright/report.sh
    cat >/run/systemd/system/bootwright-report.service <<'UNIT'
[Unit]
Description=Report to the boot server that this boot is up
After=multi-user.target

[Service]
ExecStart=/run/bootwright/bin/busybox sh /run/bootwright/report.sh
UNIT
    ln -s ../bootwright-report.service \
        /run/systemd/system/multi-user.target.wants/bootwright-report.service
}

prepare() {
    /bin/busybox mkdir -p /proc /sys /dev /run /root /etc /tmp /sbin /usr/bin /usr/sbin
    /bin/busybox mount -t proc -o nosuid,nodev,noexec proc /proc
    /bin/busybox mount -t sysfs -o nosuid,nodev,noexec sysfs /sys
    /bin/busybox mount -t devtmpfs -o nosuid,mode=0755 devtmpfs /dev
    exec </dev/console >/dev/console 2>&1
    trap 'fail lab "the initrd ended where it should not"' EXIT
    /bin/busybox --install -s
    mount -t tmpfs -o nosuid,nodev,mode=0755 tmpfs /run
    mkdir -p /run/bootwright/layers /run/bootwright/rw
    # Kernel messages below an error would tear the lines that the lab reads.
    read -r PRINTK _ </proc/sys/kernel/printk
    dmesg -n 4
}

read_command_line() {
    IMAGES=
    LIST=
    NFS=
    BOOTIF=
    TOKEN=
    ENTRY=
    MANIFEST=
    BOOT_HOST=
    INIT=/sbin/init
    # shellcheck disable=SC2013 # words, not lines
    for word in $(cat /proc/cmdline); do
        case "$word" in
        bootwright.image=?*,?*) IMAGES="$IMAGES ${word#bootwright.image=}" ;;
        bootwright.images=?*,?*) LIST=${word#bootwright.images=} ;;
        bootwright.image=* | bootwright.images=*)
            fail configuration "$word is not <url>,<sha256>"
            ;;
        bootwright.nfs=?*:/?*,r[ow] | bootwright.nfs=?*:/?*,r[ow],*) NFS=${word#bootwright.nfs=} ;;
        bootwright.nfs=*)
            fail configuration "$word is not <address>:<path>,<ro|rw>"
            ;;
        bootwright.boot=?*,?*)
            ENTRY=${word#bootwright.boot=}
            TOKEN=${ENTRY%%,*}
            ENTRY=${ENTRY#*,}
            case "$ENTRY" in
            *,*)
                BOOT_HOST=${ENTRY#*,}
                ENTRY=${ENTRY%%,*}
                ;;
            esac
            ;;
        bootwright.manifest=?*) MANIFEST=${word#bootwright.manifest=} ;;
        BOOTIF=01-*) BOOTIF=$(echo "${word#BOOTIF=01-}" | tr 'A-F-' 'a-f:') ;;
        init=/*) INIT=${word#init=} ;;
        --) break ;;
        esac
    done
    [ -n "$IMAGES$LIST$NFS" ] ||
        fail configuration "the kernel command line names neither bootwright.image nor bootwright.nfs"
    [ -n "$TOKEN" ] || return 0
    if [ -z "$BOOT_HOST" ]; then
        for first in $LIST $IMAGES; do
            BOOT_HOST=${first#*://}
            BOOT_HOST=${BOOT_HOST%%/*}
            break
        done
    fi
    REPORT=${BOOT_HOST:+http://$BOOT_HOST/report}
}

load_modules() {
    # What is built in, or not there at all, is not an error: what is missing shows in the end.
    for module in $MODULES; do
        modprobe -q "$module" 2>/dev/null
    done
}

# The network cards to try, the one that the boot loader used first.
cards() {
    first=
    others=
    for card in $(ls /sys/class/net); do
        [ -e "/sys/class/net/$card/device" ] || continue
        if [ -n "$BOOTIF" ] && [ "$(cat "/sys/class/net/$card/address")" = "$BOOTIF" ]; then
            first=$card
        else
            others="$others $card"
        fi
    done
    echo "$first $others"
}

write_dhcp_script() {
    cat >/etc/udhcpc.script <<'SCRIPT'
#!/bin/busybox sh
# Called by udhcpc: $1 is the event, the lease stands in the environment.
case "$1" in
deconfig)
    ip addr flush dev "$interface"
    ip link set "$interface" up
    ;;
bound | renew)
    ip addr flush dev "$interface"
    ip addr add "$ip/${mask:-24}" dev "$interface"
    for gateway in ${router:-}; do
        ip route add default via "$gateway" dev "$interface" && break
    done
    : >/etc/resolv.conf
    for server in ${dns:-}; do
        echo "nameserver $server" >>/etc/resolv.conf
    done
    ;;
esac
SCRIPT
    chmod 0755 /etc/udhcpc.script
}

# Sets CARD to the card that has got an address.
start_network() {
    write_dhcp_script
    ip link set lo up
    CARD=
    deadline=$(($(uptime_seconds) + NETWORK_SECONDS))
    while [ -z "$CARD" ] && [ "$(uptime_seconds)" -lt "$deadline" ]; do
        for card in $(cards); do
            ip link set "$card" up 2>/dev/null || continue
            has_carrier "$card" || continue
            if udhcpc -i "$card" -n -q -f -t 4 -T 2 -s /etc/udhcpc.script >/run/bootwright/dhcp 2>&1; then
                CARD=$card
                break
            fi
        done
        [ -n "$CARD" ] || sleep 1
    done
    [ -n "$CARD" ] && return
    if [ "$(cards)" = " " ]; then
        fail product "this kernel has no driver for a network card of this machine"
    fi
    fail lab "no network card got an address by DHCP within $NETWORK_SECONDS s: $(cards)"
}

# Whether the card sees its cable, at once or within three seconds.
has_carrier() {
    for _ in 1 2 3 4 5 6; do
        [ "$(cat "/sys/class/net/$1/carrier" 2>/dev/null)" = 1 ] && return 0
        usleep 500000
    done
    return 1
}

uptime_seconds() {
    cut -d . -f 1 /proc/uptime
}

# download FILE URL SHA256: loads a file and checks its digest.
download() {
    attempt=1
    # Without wget's own -T: Debian 12's busybox-static ends in a segmentation fault with it.
    while ! timeout "$DOWNLOAD_SECONDS" wget -q -O "$1" "$2" 2>/run/bootwright/wget; do
        reason=$(tail -n 1 /run/bootwright/wget)
        rm -f "$1"
        case "$reason" in
        *"server returned error: HTTP/"*" 4"*) fail configuration "$2: $reason" ;;
        *"No space left"*) fail configuration "$2 does not fit into this machine's memory" ;;
        esac
        if [ "$attempt" -ge "$ATTEMPTS" ]; then
            fail lab "$2 could not be loaded in $ATTEMPTS attempts: ${reason:-it took too long}"
        fi
        attempt=$((attempt + 1))
        sleep 2
    done
    found=$(sha256sum "$1" | cut -d ' ' -f 1)
    if [ "$found" != "$3" ]; then
        fail configuration "digest of $2 is $found, expected $3"
    fi
}

# Adds the images of LIST to IMAGES.
load_list() {
    [ -n "$LIST" ] || return 0
    download /run/bootwright/list "${LIST%,*}" "${LIST##*,}"
    folder=${LIST%,*}
    folder=${folder%/*}
    while read -r name sha256; do
        IMAGES="$IMAGES $folder/$name,$sha256"
    done </run/bootwright/list
}

# load NUMBER URL SHA256: leaves the image mounted on /run/bootwright/layers/NUMBER.
load() {
    file=/run/bootwright/layers/$1.squashfs
    download "$file" "$2" "$3"
    say "verified $3"
    mkdir -p "/run/bootwright/layers/$1"
    mount -t squashfs -o ro,loop "$file" "/run/bootwright/layers/$1" ||
        fail product "$2 cannot be mounted as SquashFS by kernel $(uname -r)"
}

load_images() {
    say "stage rootfs"
    mount -t tmpfs -o nosuid,nodev,mode=0755,size=90% tmpfs /run/bootwright/layers
    load_list
    number=0
    lower=
    for image in $IMAGES; do
        number=$((number + 1))
        load "$number" "${image%,*}" "${image##*,}"
        lower="/run/bootwright/layers/$number${lower:+:$lower}"
        echo "$image" >>/run/bootwright/images
    done
    stack "$lower"
}

# stack LOWER: the root is LOWER under a writable layer in memory.
stack() {
    mount -t tmpfs -o mode=0755,size=75% tmpfs /run/bootwright/rw
    mkdir -p /run/bootwright/rw/upper /run/bootwright/rw/work
    chmod 0755 /run/bootwright/rw/upper
    mount -t overlay -o "lowerdir=$1,upperdir=/run/bootwright/rw/upper,workdir=/run/bootwright/rw/work" \
        overlay /root || fail product "kernel $(uname -r) cannot stack the images with overlayfs"
}

# Mounts NFS on a folder; the kernel asks the server's MOUNT service itself.
mount_nfs() {
    mkdir -p "$1"
    attempt=1
    until mount -t nfs -o "$access,vers=3,proto=tcp,mountproto=tcp,nolock,addr=${export%%:*}$options" \
        "$export" "$1" 2>/run/bootwright/mount; do
        if [ "$attempt" -ge "$MOUNT_ATTEMPTS" ]; then
            fail lab "$export could not be mounted in $MOUNT_ATTEMPTS attempts:" \
                "$(tail -n 1 /run/bootwright/mount)"
        fi
        attempt=$((attempt + 1))
        sleep 2
    done
    say "mounted $export"
}

mount_root() {
    say "stage rootfs"
    export=${NFS%%,*}
    options=${NFS#*,}
    access=${options%%,*}
    options=${options#"$access"}
    case "$access" in
    rw) mount_nfs /root ;;
    ro)
        mount_nfs /run/bootwright/layers/nfs
        stack /run/bootwright/layers/nfs
        ;;
    esac
    echo "$NFS" >/run/bootwright/nfs
    # Should systemd-networkd run in the rootfs, it takes the card over without taking its address away.
    mkdir -p /run/systemd/network
    cat >/run/systemd/network/10-bootwright-root.network <<NETWORK
[Match]
MACAddress=$(cat "/sys/class/net/$CARD/address")

[Network]
DHCP=yes
KeepConfiguration=yes
NETWORK
}

hand_over() {
    if [ ! -e "/root$INIT" ] && [ ! -L "/root$INIT" ]; then
        fail product "the rootfs has no $INIT"
    fi
    report init
    leave_reporter
    # The rootfs names and configures its cards itself; one that is up could not be renamed. What the
    # root comes by must stay up.
    if [ -z "$NFS" ]; then
        ip addr flush dev "$CARD"
        ip link set "$CARD" down
    fi
    for folder in proc sys dev run; do
        mkdir -p "/root/$folder"
        mount -o move "/$folder" "/root/$folder" ||
            fail product "the rootfs cannot take over /$folder"
    done
    say "stage init"
    dmesg -n "$PRINTK" 2>/dev/null
    trap - EXIT
    exec switch_root /root "$INIT"
}

prepare
read_command_line
load_modules
start_network
report rootfs
if [ -n "$NFS" ]; then
    mount_root
else
    load_images
fi
hand_over
