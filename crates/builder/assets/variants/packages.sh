# Runs in the tree: apt installs and removes exactly what was resolved, from a local archive.
#   /run/bootwright/pool: Packages, and the .debs below debs/
#   /run/bootwright/change: <name>=<version> and <name>-, a line each
#   /run/bootwright/automatic: names of what comes along, a line each
set -eu
cd /run/bootwright
mkdir -p lists/partial cache/archives/partial bin
echo "deb [trusted=yes] file:/run/bootwright/pool ./" >sources.list
cat >apt.conf <<EOC
Dir::Etc::sourcelist "/run/bootwright/sources.list";
Dir::Etc::sourceparts "-";
Dir::State::lists "/run/bootwright/lists";
Dir::Cache "/run/bootwright/cache";
Dir::Log "/run/bootwright";
APT::Install-Recommends "false";
APT::Get::Assume-Yes "true";
APT::Sandbox::User "root";
Acquire::Languages "none";
DPkg::Use-Pty "false";
DPkg::Path "/run/bootwright/bin:$PATH";
DPkg::Options { "--force-unsafe-io"; "--force-confdef"; "--force-confold"; };
EOC
# Packages of kernels made by make(1) ask for an initrd whatever INITRD says; machines never load it.
cat >bin/update-initramfs <<'EOC'
#!/bin/sh
case " $* " in
*' -d '*)
    [ -x /usr/sbin/update-initramfs ] || exit 0
    exec /usr/sbin/update-initramfs "$@"
    ;;
esac
EOC
chmod 0755 bin/update-initramfs
export APT_CONFIG=/run/bootwright/apt.conf
# No daemon starts while packages are installed (invoke-rc.d(8)).
mine=no
if [ ! -e /usr/sbin/policy-rc.d ] && [ ! -L /usr/sbin/policy-rc.d ]; then
    printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
    chmod 0755 /usr/sbin/policy-rc.d
    mine=yes
fi
apt-get -qq update
xargs apt-get -q --purge --allow-downgrades --allow-remove-essential --allow-change-held-packages \
    install <change
if [ -s automatic ]; then
    xargs apt-mark -qq auto <automatic
fi
if [ "$mine" = yes ]; then
    rm -f /usr/sbin/policy-rc.d
fi
