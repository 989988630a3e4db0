# Makes the whole configuration that a tree gives for what was asked.
#   in:  /in/tree.tar.zst, /in/base (a configuration; where TARGET is empty), /in/fragments/<number>
#        (as many as COUNT says), /in/kconfig.py; FLAVOR, TARGET (of the tree's Makefile)
#   out: /out/requested (base and fragments), /out/config (what the tree made of it), /out/release,
#        /out/reasons (<fragment number> <option> <reason>, see kconfig.py), /out/facts (<word>…)
set -eu
. /in/common.sh
give_way
# What the trees' own Makefiles and scripts see has no variable of ours.
flavor=$FLAVOR target=$TARGET count=$COUNT
unset FLAVOR TARGET COUNT
unpack_source
export KBUILD_BUILD_USER=bootwright KBUILD_BUILD_HOST=bootwright XEN_TARGET_ARCH=x86_64
cd /build/tree
folder=.
[ "$flavor" = linux ] || folder=xen

# tree TARGET…: the tree's own make.
tree() {
    if [ "$flavor" = linux ]; then
        make ARCH=x86_64 LOCALVERSION= "$@"
    else
        make -C xen "$@"
    fi
}

if [ -n "$target" ]; then
    case $target in
    config | menuconfig | nconfig | xconfig | gconfig | oldconfig | localmodconfig | localyesconfig | randconfig)
        refuse "$target asks questions, looks at the machine or throws dice: name a defconfig of the tree"
        ;;
    esac
    if ! tree "$target" </dev/null >/build/told 2>&1; then
        cat /build/told
        if grep -q "No rule to make target\|Can't find default configuration" /build/told; then
            refuse "the tree has no configuration called $target: see arch/x86/configs and kernel/configs in it"
        fi
        refuse "make $target failed: $(tail -n 1 /build/told)"
    fi
    [ -e "$folder/.config" ] || refuse "make $target left no configuration"
    cp "$folder/.config" /build/base
else
    cp /in/base /build/base
fi

set --
number=0
while [ "$number" -lt "$count" ]; do
    set -- "$@" "/in/fragments/$number"
    number=$((number + 1))
done
python3 /in/kconfig.py merge /out/requested /build/base "$@"
cp /out/requested "$folder/.config"
tree olddefconfig </dev/null
cp "$folder/.config" /out/config

if [ "$flavor" = linux ]; then
    tree -s include/config/kernel.release </dev/null
    cp include/config/kernel.release /out/release
else
    tree -s xenversion </dev/null >/out/release
fi
: >/out/facts
# Files that the configuration names and the tree must have.
sed -n 's/^CONFIG_\(MODULE_SIG_KEY\|SYSTEM_TRUSTED_KEYS\|SYSTEM_REVOCATION_KEYS\)="\([^"]\{1,\}\)"$/\1 \2/p' /out/config |
    while read -r option file; do
        [ -e "$file" ] || echo "missing $option $file" >>/out/facts
    done
python3 /in/kconfig.py reasons "$folder" /out/config /out/reasons "$@"
