//! Stacks of images that the real `mksquashfs` made, beside what overlayfs shows of the same folders.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fmt::Write as _,
    fs,
    path::Path,
    process::Command,
    sync::Arc,
};

use nfs::{FileId, FileKind, FileSystem, Status};
use proptest::prelude::*;
use roots::Layered;
use squashfs::Image;

use crate::images::{at, caller, content, in_memory, names, packed, root, stack};

mod images;

/// Makes `base`, then two layers by changes to overlays, and tells what overlays of two and three show.
///
/// A line for each path: path, kind, mode, links (of files), size (of files), target, seconds, and the sum
/// of its content. The last line but one is the only one with spaces.
const SCRIPT: &str = r#"
set -eu
cd "$1"
mkdir base one two work shown
cd base
mkdir -p etc/conf.d usr/bin usr/lib/many var/log gone/deep replaced/below kept merged/a merged/b
echo base > etc/hostname; chmod 640 etc/hostname
echo shadow > etc/shadow; chmod 600 etc/shadow
head -c 700000 /dev/zero | tr '\0' x > usr/lib/large
echo linked > usr/bin/first; ln usr/bin/first usr/bin/second; ln usr/bin/first usr/lib/third
ln -s ../bin/first usr/lib/link
mkfifo var/pipe; chmod 1777 var/log
for n in $(seq 300); do echo $n > usr/lib/many/$n; done
echo a > gone/deep/file; echo b > replaced/below/file; echo c > merged/a/one; echo f > file; echo d > dir-to-be
touch -d @1000000 etc/hostname; chmod 4755 usr/bin/first
cd ..
over() { mount -t overlay overlay -o "lowerdir=$1,upperdir=$2,workdir=work,userxattr" shown; }
over base one
cd shown
rm -r gone; rm etc/shadow; rm -r replaced; mkdir replaced; echo new > replaced/new
echo one > merged/a/two; echo changed > etc/hostname; rm -r merged/b; echo file > merged/b
rm file; mkdir file; echo in > file/in; rm dir-to-be; mkdir dir-to-be
rm usr/bin/second; mv usr/lib/many/7 usr/lib/many/seven; rm usr/lib/many/1*
cd ..; umount shown; rm -rf work; mkdir work
over one:base two
cd shown
mkdir gone; echo again > gone/again; rm merged/b; mkdir merged/b; echo back > merged/b/back
rm -r file; echo file > file; echo more > replaced/more; rm replaced/new; echo shadow2 > etc/shadow
chmod 700 dir-to-be; echo x > usr/lib/many/7
cd ..; umount shown
tell() {
    (cd shown; find . -mindepth 1 -printf '%P|%y|%m|%n|%s|%l|%Ts\n' | sort > ../"$1"
    find . -type f -exec sha256sum {} + | sort -k2 > ../"$1.sums")
}
mount -t overlay overlay -o lowerdir=one:base,userxattr shown; tell two-layers; umount shown
mount -t overlay overlay -o lowerdir=two:one:base,userxattr shown; tell three-layers; umount shown
"#;

const fn letter(kind: FileKind) -> char {
    match kind {
        FileKind::File => 'f',
        FileKind::Directory => 'd',
        FileKind::Link => 'l',
        FileKind::BlockDevice => 'b',
        FileKind::CharacterDevice => 'c',
        FileKind::Pipe => 'p',
        FileKind::Socket => 's',
    }
}

/// Each path with what the tree says of it, and the contents of files.
fn told(tree: &Layered) -> (BTreeMap<String, String>, HashMap<String, Vec<u8>>) {
    let (mut lines, mut contents) = (BTreeMap::new(), HashMap::new());
    let mut waiting = vec![(tree.root(), String::new())];
    let mut seen: HashSet<FileId> = HashSet::new();
    while let Some((id, path)) = waiting.pop() {
        assert!(seen.insert(id), "{path} is there twice");
        let listed = names(tree, id);
        assert!(listed.is_sorted());
        for (name, named) in listed {
            assert_eq!(tree.lookup(&root(), id, &name), Ok(named));
            let name = String::from_utf8(name).unwrap();
            let path = if path.is_empty() { name } else { format!("{path}/{name}") };
            let it = tree.attributes(named).unwrap();
            assert_eq!(it.file_id, named);
            let mut line = format!("{}|{:o}|", letter(it.kind), it.mode);
            if it.kind == FileKind::File {
                contents.insert(path.clone(), content(tree, named));
                write!(line, "{}|{}", it.links, it.size).unwrap();
            }
            line.push('|');
            if it.kind == FileKind::Link {
                line += std::str::from_utf8(&tree.read_link(named).unwrap()).unwrap();
            }
            write!(line, "|{}", it.modified.seconds).unwrap();
            lines.insert(path.clone(), line);
            if it.kind == FileKind::Directory {
                assert_eq!(tree.parent(named), Ok(id));
                waiting.push((named, path));
            }
        }
    }
    (lines, contents)
}

/// The same of what the script wrote down.
fn written_down(file: &Path) -> BTreeMap<String, String> {
    let text = fs::read_to_string(file).unwrap();
    let line = |line: &str| {
        let [path, kind, mode, links, size, target, seconds] =
            line.split('|').collect::<Vec<_>>().try_into().unwrap();
        let (links, size) = if kind == "f" { (links, size) } else { ("", "") };
        let counts = if kind == "f" { format!("{links}|{size}") } else { String::new() };
        (path.to_owned(), format!("{kind}|{mode}|{counts}|{target}|{seconds}"))
    };
    text.lines().map(line).collect()
}

fn sums(folder: &Path, contents: &HashMap<String, Vec<u8>>) -> String {
    let mut lines = Vec::new();
    for (path, bytes) in contents {
        fs::write(folder, bytes).unwrap();
        let output = Command::new("sha256sum").arg(folder).output().unwrap();
        let sum = String::from_utf8(output.stdout).unwrap();
        lines.push((format!("./{path}"), sum.split(' ').next().unwrap().to_owned()));
    }
    lines.sort();
    lines.iter().map(|(path, sum)| format!("{sum}  {path}\n")).collect()
}

#[test]
fn a_stack_shows_what_overlayfs_shows() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let output = Command::new("unshare")
        .args(["-r", "-m", "sh", "-c", SCRIPT, "sh"])
        .arg(home)
        .env("LC_ALL", "C")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let [base, one, two] = ["base", "one", "two"].map(|it| packed(&home.join(it), &[]));
    for (images, file) in [
        (vec![base.clone(), one.clone()], "two-layers"),
        (vec![base.clone(), one.clone(), two.clone()], "three-layers"),
    ] {
        let tree = Layered::stack(images, file).unwrap();
        let (mut lines, contents) = told(&tree);
        let mut expected = written_down(&home.join(file));
        // A name of a file with three was removed in a layer, as was hers by copying it up: overlayfs goes on
        // to count it, and we count those that are there.
        for path in ["usr/bin/first", "usr/lib/third"] {
            let there = lines.remove(path).unwrap();
            assert_eq!(there, expected.remove(path).unwrap().replace("|3|", "|2|"));
        }
        assert_eq!(lines, expected);
        let listed = fs::read_to_string(home.join(format!("{file}.sums"))).unwrap();
        assert_eq!(sums(&home.join("content"), &contents), {
            let mut lines: Vec<_> = listed.lines().map(|it| format!("{it}\n")).collect();
            lines.sort_by_key(|it| it[66..].to_owned());
            lines.concat()
        });
    }
}

#[test]
fn numbers_are_the_same_after_a_restart() {
    let home = tempfile::tempdir().unwrap();
    let tree = home.path().join("tree");
    fs::create_dir_all(tree.join("a/b")).unwrap();
    fs::write(tree.join("a/b/file"), "x").unwrap();
    fs::hard_link(tree.join("a/b/file"), tree.join("same")).unwrap();
    let image = packed(&tree, &["null c 666 0 0 1 3", "disk b 660 0 6 259 1048575"]);
    let (first, second) = (stack(std::slice::from_ref(&image)), stack(&[image]));
    for path in ["", "a", "a/b", "a/b/file", "same", "null"] {
        assert_eq!(at(&*first, path), at(&*second, path), "{path}");
    }
    assert_eq!(at(&*first, "same"), at(&*first, "a/b/file"));
    let attributes = |path| first.attributes(at(&*first, path)).unwrap();
    assert_eq!(attributes("same").links, 2);
    assert_eq!((attributes("").links, attributes("a/b").links), (3, 2));
    assert_eq!((attributes("null").kind, attributes("null").device), {
        (FileKind::CharacterDevice, (1, 3))
    });
    assert_eq!(attributes("disk").device, (259, 1_048_575));
    assert_eq!(first.parent(first.root()), Ok(first.root()));
    for unknown in [0, 999_999, u64::MAX, 5 << 32] {
        assert_eq!(first.attributes(unknown), Err(Status::Stale));
        assert_eq!(first.parent(unknown), Err(Status::Stale));
    }
    let file = at(&*first, "same");
    assert_eq!(first.parent(file), Err(Status::NotDirectory));
    assert_eq!(first.lookup(&root(), file, b"x"), Err(Status::NotDirectory));
    assert_eq!(first.read_link(file), Err(Status::Invalid));
    assert_eq!(first.remove(&root(), first.root(), b"same"), Err(Status::ReadOnly));
    let end = first.list(&root(), first.root(), u64::MAX, 10).unwrap();
    assert_eq!((end.entries, end.end), (Vec::new(), true));
}

#[test]
fn an_ordinary_user_reads_no_secrets() {
    let home = tempfile::tempdir().unwrap();
    let tree = home.path().join("tree");
    fs::create_dir_all(tree.join("closed")).unwrap();
    for name in ["shadow", "passwd", "closed/inside"] {
        fs::write(tree.join(name), name).unwrap();
    }
    let modes = ["shadow m 640 0 42", "passwd m 644 0 0", "closed m 700 0 0"];
    let tree = stack(&[packed(&tree, &modes)]);
    let user = caller(1000, 1000);
    let (shadow, passwd, closed) =
        (at(&*tree, "shadow"), at(&*tree, "passwd"), at(&*tree, "closed"));
    assert_eq!(tree.read(&user, shadow, 0, 10), Err(Status::Denied));
    assert_eq!(tree.access(&user, shadow, 0x3f), Ok(0));
    assert_eq!(&tree.read(&user, passwd, 0, 10).unwrap().bytes[..], b"passwd");
    assert_eq!(&tree.read(&caller(1000, 42), shadow, 2, 2).unwrap().bytes[..], b"ad");
    assert_eq!(tree.lookup(&user, closed, b"inside"), Err(Status::Denied));
    assert_eq!(tree.list(&user, closed, 0, 10), Err(Status::Denied));
    assert_eq!(tree.access(&root(), shadow, 0x3f), Ok(0x01));
}

#[test]
fn a_sparse_file_beyond_four_gibibytes_and_ten_thousand_names() {
    use std::os::unix::fs::FileExt as _;
    let home = in_memory();
    let tree = home.path().join("tree");
    fs::create_dir_all(tree.join("many")).unwrap();
    for number in 0..10_000 {
        fs::write(tree.join(format!("many/{number}")), "").unwrap();
    }
    let sparse = fs::File::create(tree.join("sparse")).unwrap();
    let far = (4 << 30) + 12_345;
    sparse.write_all_at(b"far", far).unwrap();
    let tree = stack(&[packed(&tree, &[])]);
    let file = at(&*tree, "sparse");
    let part = tree.read(&root(), file, far - 5, 100).unwrap();
    assert_eq!((&part.bytes[..], part.end), (&b"\0\0\0\0\0far"[..], true));
    let part = tree.read(&root(), file, 1 << 30, 1 << 20).unwrap();
    assert!(part.bytes.len() == 1 << 20 && part.bytes.iter().all(|it| *it == 0) && !part.end);
    assert_eq!(tree.read(&root(), file, far + 3, 1).unwrap().bytes.len(), 0);
    assert_eq!(names(&*tree, at(&*tree, "many")).len(), 10_000);
}

#[test]
fn a_damaged_image_gives_errors_and_no_panic() {
    let home = tempfile::tempdir().unwrap();
    let tree = home.path().join("tree");
    fs::create_dir_all(tree.join("a/b/c")).unwrap();
    for number in 0..50 {
        fs::write(tree.join(format!("a/{number}")), "x".repeat(number * 100)).unwrap();
        fs::write(tree.join(format!("a/b/c/{number}")), "x").unwrap();
    }
    let image = tree.with_extension("squashfs");
    let options = ["-quiet", "-no-progress", "-comp", "lz4", "-noI"];
    let made = Command::new("mksquashfs").arg(&tree).arg(&image).args(options).status().unwrap();
    assert!(made.success());
    let sound = fs::read(&image).unwrap();
    let open = |bytes: &[u8]| {
        let mut file = tempfile::tempfile().unwrap();
        std::io::Write::write_all(&mut file, bytes).unwrap();
        Image::open(file, 1 << 20)
    };
    let lowest = Arc::new(open(&sound).unwrap());
    let tables = u64::from_le_bytes(sound[64..72].try_into().unwrap());
    let tables = usize::try_from(tables).unwrap();
    let places = (0..96_usize).prop_union(tables..sound.len());
    let changes = proptest::collection::vec((places, any::<u8>()), 1..6);
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(500));
    runner
        .run(&changes, |changes| {
            let mut damaged = sound.clone();
            for (place, byte) in changes {
                damaged[place] = byte;
            }
            let Ok(image) = open(&damaged) else { return Ok(()) };
            let stack = vec![lowest.clone(), Arc::new(image)];
            let Ok(tree) = Layered::stack(stack, "damaged") else { return Ok(()) };
            let mut waiting = vec![tree.root()];
            while let Some(folder) = waiting.pop() {
                let Ok(listing) = tree.list(&root(), folder, 2, usize::MAX) else { continue };
                for entry in listing.entries {
                    let _ = tree.read(&root(), entry.file_id, 0, 10_000);
                    if tree.parent(entry.file_id) == Ok(folder) {
                        waiting.push(entry.file_id);
                    }
                }
            }
            Ok(())
        })
        .unwrap();
}
