# Sourced: lays the .debs of /in/debs out as a local archive in /build/repo.
#   LIST names the packages, a line each: <sha256> <file>
mkdir -p "/build/repo/dists/$SUITE/main/binary-$ARCHITECTURE" /build/repo/pool
while read -r sha256 file; do
    ln -s "$file" "/build/repo/pool/$sha256.deb"
    dpkg-deb --field "$file"
    printf 'Filename: pool/%s.deb\nSize: %s\nSHA256: %s\n\n' "$sha256" "$(stat -L -c %s "$file")" "$sha256"
done <"$LIST" >"/build/repo/dists/$SUITE/main/binary-$ARCHITECTURE/Packages"
cat >"/build/repo/dists/$SUITE/Release" <<EOF
Suite: $SUITE
Codename: $SUITE
Components: main
Architectures: $ARCHITECTURE
EOF
