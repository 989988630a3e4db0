# Sourced: what changes with every change of a tree.

# fingerprint FOLDER: a digest over what all of it is. Whoever writes to a file, its mode, its owner or
# its attributes moves its ctime, and nothing sets that back (inode(7)).
fingerprint() {
    find "$1" -printf '%P\0%y %m %U %G %n %s %C@ %i %l\0' | LC_ALL=C sort -z | sha256sum | cut -d ' ' -f 1
}
