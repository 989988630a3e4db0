# Sourced: an apt that knows nothing but /in/repo, and trusts nothing but Debian's own keyring, and
# the .debs that /in/own lists (<sha256> <file>), whose digests were checked.
mkdir -p /tmp/apt/etc/apt.conf.d /tmp/apt/etc/preferences.d /tmp/apt/etc/trusted.gpg.d \
    /tmp/apt/state/lists/partial /tmp/apt/cache/archives/partial
: >/tmp/apt/status
mkdir -p /etc/apt/apt.conf.d
# One suite, or several: then the first gives what is not asked of another by name.
for suite in $SUITE; do
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] file:/in/repo $suite $COMPONENTS"
done >/tmp/apt/etc/sources.list
if [ -s /in/own ]; then
    mkdir -p /tmp/own
    while read -r sha256 file; do
        dpkg-deb --field "$file"
        printf 'Filename: ./%s.deb\nSize: %s\nSHA256: %s\n\n' "$sha256" "$(stat -L -c %s "$file")" "$sha256"
    done </in/own >/tmp/own/Packages
    echo "deb [trusted=yes] file:/tmp/own ./" >>/tmp/apt/etc/sources.list
fi
cat >/tmp/apt/apt.conf <<EOF
Dir::Etc "/tmp/apt/etc";
Dir::State "/tmp/apt/state";
Dir::State::status "/tmp/apt/status";
Dir::Cache "/tmp/apt/cache";
APT::Architecture "$ARCHITECTURE";
APT::Architectures "$ARCHITECTURE";
APT::Install-Recommends "false";
APT::Get::Assume-Yes "true";
APT::Sandbox::User "root";
Acquire::Languages "none";
Acquire::Check-Valid-Until "true";
EOF
case $SUITE in
*' '*) echo "APT::Default-Release \"${SUITE%% *}\";" >>/tmp/apt/apt.conf ;;
esac
export APT_CONFIG=/tmp/apt/apt.conf
apt-get -q update
# apt says of an index that it could not use, but goes on.
if ! ls /tmp/apt/state/lists/*_Packages* >/dev/null 2>&1; then
    echo "the mirror's package index could not be used" >&2
    exit 1
fi
