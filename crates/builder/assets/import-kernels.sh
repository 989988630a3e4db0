# Takes kernels into a rootfs that was brought along, and says what it holds.
#   in:  /in/tree.tar, /in/debs (uploads by digest), /in/uploads (<sha256> <name>),
#        /in/kernels (<number> <alias> <flavor> <image> <package>,<package>…: digests, "-" for none);
#        SOURCE_DATE_EPOCH
#   out: the kernels and their configurations,
#        /out/kernels (<alias> <flavor> <release> <kernel> <configuration or -> <Debian package>),
#        /out/tree.tar where packages were installed, /out/modules.tar (those of the kernels),
#        what the rootfs says of itself: /out/status, extended_states, os-release, sources, passwd,
#        hostname; or /out/refused: why not, in one sentence
set -eu
. /in/tree.sh
tree=/build/tree

refuse() {
    echo "$1" >/out/refused
    echo "refused: $1" >&2
    exit 0
}

# What was brought along stays as it is.
clean_tree() {
    :
}

name_of() {
    sed -n "s/^$1 //p" /in/uploads | head -n 1
}

# release_of FILE: the first word of the version in a bzImage's header
# (https://docs.kernel.org/arch/x86/boot.html); nothing where it is none.
release_of() {
    [ "$(dd if="$1" bs=1 skip=514 count=4 2>/dev/null | tr -d '\0')" = HdrS ] || return 0
    at=$(od -A n -t u2 -j 526 -N 2 "$1" | tr -d ' ')
    [ "$at" -gt 0 ] || return 0
    dd if="$1" bs=1 skip=$((at + 512)) count=128 2>/dev/null | tr '\0' '\n' | head -n 1 | cut -d ' ' -f 1
}

# first FOLDER PATTERN: the first plain file in FOLDER/boot of that name.
first() {
    [ -d "$1/boot" ] || return 0
    find "$1/boot" -maxdepth 1 -type f -name "$2" | LC_ALL=C sort | head -n 1
}

plain_hypervisor() {
    if [ "$(od -A n -t x1 -N 2 "$1" | tr -d ' ')" = 1f8b ]; then
        gunzip -c "$1" >"$2" || refuse "$3 is damaged: gzip cannot read it"
    else
        cp "$1" "$2"
    fi
}

has_modules() {
    [ -d "$tree/lib/modules/$1" ] && [ ! -L "$tree/lib/modules/$1" ]
}

unpack_tree
mkdir -p /build/brought

# Each kernel by its number: what is started, and what its packages have in /boot.
: >/build/install
while read -r number alias flavor image packages; do
    folder=/build/brought/$number
    mkdir -p "$folder"
    for package in $(echo "$packages" | tr ',' ' '); do
        [ "$package" != - ] || continue
        file=/in/debs/$package
        dpkg-deb --info "$file" >/dev/null 2>&1 || refuse "$(name_of "$package") is no Debian package"
        dpkg-deb --fsys-tarfile "$file" | tar -t >/build/list
        if grep -q '^\./boot/.' /build/list; then
            dpkg-deb --fsys-tarfile "$file" | tar -x --no-same-owner -C "$folder" ./boot
        fi
    done
    case $flavor in
    linux)
        if [ "$image" != - ]; then from=/in/debs/$image; else from=$(first "$folder" 'vmlinuz-*'); fi
        [ -n "$from" ] || refuse "no package of $alias has a kernel in /boot: bring its file too"
        cp "$from" "$folder/image"
        release=$(release_of "$folder/image")
        case $release in
        '' | *[!A-Za-z0-9._+-]*) refuse "$alias is no Linux kernel for amd64 that says its version" ;;
        esac
        echo "$release" >"$folder/release"
        has_modules "$release" || [ "$packages" = - ] || echo "$packages" >>/build/install
        ;;
    xen)
        if [ "$image" != - ]; then from=/in/debs/$image; else from=$(first "$folder" 'xen-*.gz'); fi
        [ -n "$from" ] || refuse "no package of $alias has a hypervisor in /boot: bring its file too"
        plain_hypervisor "$from" "$folder/image" "$alias"
        ;;
    esac
done </in/kernels

if [ -s /build/install ]; then
    [ -x "$tree/usr/bin/dpkg" ] || refuse "the rootfs has no dpkg, so packages of kernels cannot be installed in it"
    mkdir -p "$tree/tmp/debs" "$tree/proc"
    for package in $(tr ',' '\n' </build/install | LC_ALL=C sort -u); do
        cp "/in/debs/$package" "$tree/tmp/debs/$package.deb"
    done
    enter_tree
    # INITRD=No: the initrd that machines load is ours, made in the next step.
    in_tree sh -c 'dpkg --force-unsafe-io --install /tmp/debs/*.deb'
    leave_tree
    rm -rf "$tree/tmp/debs"
    pack_tree
fi

# same_hypervisor FOLDER IMAGE: the file of FOLDER/boot that is this hypervisor.
same_hypervisor() {
    [ -d "$1/boot" ] || return 0
    find "$1/boot" -maxdepth 1 -type f -name 'xen-*.gz' | LC_ALL=C sort | while read -r known; do
        if gunzip -c "$known" 2>/dev/null | cmp -s - "$2"; then
            echo "$known"
            break
        fi
    done
}

# keep FILE NAME ALIAS: two kernels of one name must be one kernel.
keep() {
    if [ -e "/out/$2" ] && ! cmp -s "$1" "/out/$2"; then
        refuse "$3 is $2 as another kernel of the import, and their bytes differ: bring one of them"
    fi
    cp "$1" "/out/$2"
}

# owner FILE: the installed package that a file of /boot came with.
owner() {
    grep -lxF "$1" "$tree"/var/lib/dpkg/info/*.list 2>/dev/null | head -n 1 |
        sed 's,.*/,,; s,\.list$,,; s,:.*,,'
}

version_of() {
    sed -n "/^Package: $1\$/,/^\$/s/^Version: //p" "$tree/var/lib/dpkg/status" | head -n 1
}

: >/out/kernels
: >/build/releases
while read -r number alias flavor image packages; do
    folder=/build/brought/$number
    config=-
    case $flavor in
    linux)
        release=$(cat "$folder/release")
        name=vmlinuz-$release
        if ! has_modules "$release"; then
            known=
            [ ! -d "$tree/lib/modules" ] || known=$(ls "$tree/lib/modules" | head -n 5 | paste -s -d ' ')
            refuse "the kernel $alias is $release, and the rootfs has modules of ${known:-no kernel}: they do not belong together; bring the packages of that kernel, or the kernel of those modules"
        fi
        for known in "$folder/boot/config-$release" "$tree/boot/config-$release"; do
            if [ "$config" = - ] && [ -f "$known" ] && [ ! -L "$known" ]; then
                config=config-$release
                keep "$known" "$config" "$alias"
            fi
        done
        package=$(owner "/boot/vmlinuz-$release")
        package=${package:-linux-image-$release}
        echo "$release" >>/build/releases
        ;;
    xen)
        known=$(same_hypervisor "$folder" "$folder/image")
        place=$folder
        if [ -z "$known" ]; then
            place=$tree
            known=$(same_hypervisor "$tree" "$folder/image")
        fi
        [ -n "$known" ] || refuse "nothing says of which version the hypervisor $alias is: bring its package, or a rootfs that has it in /boot"
        name=$(basename "$known" .gz)
        release=
        if [ -f "$place/boot/$name.config" ] && [ ! -L "$place/boot/$name.config" ]; then
            config=config-$name
            keep "$place/boot/$name.config" "$config" "$alias"
            release=$(sed -n 's,^# Xen/[^ ]* \([^ ]*\) Configuration$,\1,p' "/out/$config" | head -n 1)
        fi
        package=$(owner "/boot/$name.gz")
        package=${package:-xen-hypervisor-${name#xen-}}
        if [ -z "$release" ]; then
            version=$(version_of "$package")
            for deb in $(echo "$packages" | tr ',' ' '); do
                [ "$deb" = - ] || [ "$place" = "$tree" ] || version=$(dpkg-deb --field "/in/debs/$deb" Version)
            done
            release=$(echo "$version" | sed -n 's/^[0-9]*://; s/^\([0-9][0-9]*\(\.[0-9][0-9]*\)\{1,2\}\).*/\1/p')
        fi
        [ -n "$release" ] || refuse "nothing says of which version the hypervisor $alias is: bring its package"
        ;;
    esac
    keep "$folder/image" "$name" "$alias"
    echo "$alias $flavor $release $name $config $package" >>/out/kernels
done </in/kernels

(
    cd "$tree"
    LC_ALL=C sort -u /build/releases | sed 's,^,lib/modules/,' >/build/folders
    # Links to where a kernel was compiled lead nowhere here.
    tar --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner \
        --exclude='lib/modules/*/build' --exclude='lib/modules/*/source' \
        -cf /out/modules.tar -T /build/folders
)

# fact NAME FILE…: what the first of the files holds that is a plain one.
fact() {
    name=$1
    shift
    : >"/out/$name"
    for file; do
        if [ -f "$tree/$file" ] && [ ! -L "$tree/$file" ]; then
            head -c 33554432 "$tree/$file" >"/out/$name"
            return
        fi
    done
}

fact status var/lib/dpkg/status
fact extended_states var/lib/apt/extended_states
fact os-release usr/lib/os-release etc/os-release
fact passwd etc/passwd
fact hostname etc/hostname
: >/out/sources
for file in "$tree"/etc/apt/sources.list "$tree"/etc/apt/sources.list.d/*.list "$tree"/etc/apt/sources.list.d/*.sources; do
    if [ -f "$file" ] && [ ! -L "$file" ]; then
        head -c 65536 "$file" >>/out/sources
        printf '\n\n' >>/out/sources
    fi
done
cat /out/kernels
