# Compiles a kernel in the sandbox, from what the steps before left.
#   in:  /in/tree.tar.zst, /in/config, /in/program.sh (compile-linux.sh or compile-xen.sh); EPOCH,
#        REVISION, JOBS, CACHED (whether /cache is a compiler cache), DEBUG (whether the package of
#        debug symbols is kept)
#   out: what program.sh says; /out/packages (see describe_packages), /out/files (every name)
set -eu
. /in/common.sh
give_way
unpack_source
cp /in/config config
# dpkg-buildpackage asks which packages are installed and whose Debian this is; the answers stand in
# files that are not kept. tar asks what root is called, for headers of long names.
mkdir -p /var/lib/dpkg /etc/dpkg/origins
: >/var/lib/dpkg/status
echo "Vendor: Debian" >/etc/dpkg/origins/default
echo "root:x:0:0:root:/root:/bin/sh" >/etc/passwd
echo "root:x:0:" >/etc/group
path=/usr/sbin:/usr/bin:/sbin:/bin
set -- HOME=/build EPOCH="$EPOCH" REVISION="$REVISION" JOBS="$JOBS"
if [ "$CACHED" = yes ]; then
    # Whoever is root in the next sandbox is another user outside: everybody may write there. Every
    # file of the tree is as new as the step, which is no sign that it changes while it is read.
    set -- "$@" CCACHE_DIR=/cache CCACHE_UMASK=000 CCACHE_MAXSIZE=2G CCACHE_BASEDIR=/build \
        CCACHE_NOHASHDIR=1 CCACHE_COMPILERCHECK=content \
        CCACHE_SLOPPINESS=include_file_mtime,include_file_ctime
    path=/usr/lib/ccache:$path
    umask 000
    CCACHE_DIR=/cache ccache --zero-stats >/dev/null
fi
env -i PATH="$path" "$@" sh /in/program.sh
if [ "$CACHED" = yes ]; then
    CCACHE_DIR=/cache ccache --print-stats | awk '
        { count[$1] = $2 }
        END {
            hits = count["direct_cache_hit"] + count["preprocessed_cache_hit"]
            printf "compiler cache: %d of %d compilations were known, %d KiB of 2 GiB in use\n",
                hits, hits + count["cache_miss"], count["cache_size_kibibyte"]
        }'
fi
[ "$DEBUG" = yes ] || rm -f out/*-dbg_*.deb
describe_packages out/*.deb >packages
(cd out && ls) >files
mv out/* packages files /out/
