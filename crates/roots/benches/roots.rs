//! How fast roots are read and changed, one call after the other on one thread.
//!
//! The images are made by `mksquashfs` of programs of this machine, as releases are packed, and of 100,000
//! small files.
#![expect(clippy::unwrap_used, reason = "a bench that cannot go on fails")]

use std::{
    fs::{self, File},
    hint::black_box,
    net::Ipv4Addr,
    path::Path,
    process::Command,
    sync::Arc,
};

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use nfs::{Caller, Change, Creation, FileId, FileSystem as _, Time};
use roots::{Clock, Layered, Quota, WritableRoot};
use squashfs::Image;

/// How much of a file is read in all, in bytes.
const LENGTH: u64 = 64 << 20;
/// Less than that: each pass uncompresses anew.
const CACHE: u64 = 8 << 20;

fn caller() -> Caller {
    Caller { uid: 0, gid: 0, groups: Vec::new(), address: Ipv4Addr::LOCALHOST.into() }
}

fn packed(tree: &Path) -> File {
    let image = tree.with_extension("squashfs");
    let options = ["-noappend", "-quiet", "-no-progress", "-comp", "zstd", "-b", "256K"];
    let level = ["-Xcompression-level", "9"];
    let status =
        Command::new("mksquashfs").arg(tree).arg(&image).args(options).args(level).status();
    assert!(status.unwrap().success());
    File::open(image).unwrap()
}

fn stacked(image: File) -> Layered {
    Layered::stack(vec![Arc::new(Image::open(image, CACHE).unwrap())], "bench").unwrap()
}

/// A folder in memory, where that can be had: what is measured is not the disk.
fn home() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    let home = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    home.unwrap()
}

/// One file of what programs are made of.
fn large(tree: &Path) {
    let mut bytes = Vec::new();
    let mut programs: Vec<_> =
        fs::read_dir("/usr/bin").unwrap().map(|it| it.unwrap().path()).collect();
    programs.sort();
    let mut programs = programs.iter().cycle();
    while (bytes.len() as u64) < LENGTH {
        bytes.extend(fs::read(programs.next().unwrap()).unwrap_or_default());
    }
    bytes.truncate(usize::try_from(LENGTH).unwrap());
    fs::write(tree.join("large"), bytes).unwrap();
}

/// 100,000 files in 1,000 directories.
fn many(tree: &Path) {
    for folder in 0..1000 {
        let folder = tree.join(format!("directory-{folder}"));
        fs::create_dir_all(&folder).unwrap();
        for file in 0..100 {
            fs::write(folder.join(format!("a-file-of-the-usual-name-{file}")), "x").unwrap();
        }
    }
}

/// How much memory this process takes, in KiB.
fn memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|it| it.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

fn all(tree: &Layered, file: FileId, count: u32) -> u64 {
    let mut offset = 0;
    loop {
        let part = tree.read(&caller(), file, offset, count).unwrap();
        offset += part.bytes.len() as u64;
        if part.end {
            return offset;
        }
    }
}

fn reading(criterion: &mut Criterion) {
    let home = home();
    let tree = home.path().join("tree");
    fs::create_dir(&tree).unwrap();
    large(&tree);
    let root = stacked(packed(&tree));
    let file = root.lookup(&caller(), root.root(), b"large").unwrap();
    let mut group = criterion.benchmark_group("read a file of zstd blocks");
    group.sample_size(10).throughput(Throughput::Bytes(LENGTH));
    for count in [64 << 10, 256 << 10, 1 << 20] {
        group.bench_function(format!("by {} KiB", count >> 10), |it| {
            it.iter(|| assert_eq!(all(&root, file, count), LENGTH));
        });
    }
    group.finish();
    criterion.bench_function("read 64 KiB that are cached", |it| {
        it.iter(|| black_box(root.read(&caller(), file, 0, 64 << 10).unwrap()));
    });
}

fn tree(criterion: &mut Criterion) {
    let home = home();
    let folder = home.path().join("tree");
    fs::create_dir(&folder).unwrap();
    many(&folder);
    let image = packed(&folder);
    let before = memory();
    let image = Arc::new(Image::open(image, CACHE).unwrap());
    let opened = memory();
    let root = Layered::stack(vec![image.clone()], "bench").unwrap();
    println!(
        "100,000 files: the image's tables take {} KiB, the tree {} KiB more",
        opened - before,
        memory() - opened
    );
    let mut group = criterion.benchmark_group("100,000 files");
    group.sample_size(10);
    group.bench_function("open", |it| {
        it.iter(|| Layered::stack(vec![image.clone()], "bench").unwrap());
    });
    let directory = root.lookup(&caller(), root.root(), b"directory-500").unwrap();
    group.bench_function("look a name up", |it| {
        it.iter(|| root.lookup(&caller(), directory, b"a-file-of-the-usual-name-50").unwrap());
    });
    let file = root.lookup(&caller(), directory, b"a-file-of-the-usual-name-50").unwrap();
    group.bench_function("attributes", |it| it.iter(|| root.attributes(black_box(file)).unwrap()));
    group.bench_function("list 100 names", |it| {
        it.iter(|| root.list(&caller(), directory, 0, 200).unwrap());
    });
    group.finish();

    let clock: Clock = Arc::new(|| Time { seconds: 2_000_000_000, nanoseconds: 0 });
    let quota = Quota { bytes: 100 << 30, files: 100_000_000 };
    let place = home.path().join("root");
    let writable = WritableRoot::create(&place, Arc::new(root), quota, clock.clone()).unwrap();
    let top = writable.root();
    let mut group = criterion.benchmark_group("a writable root");
    let mut number = 0_u64;
    let mut name = || {
        number += 1;
        number.to_string().into_bytes()
    };
    let how = Creation::Guarded(Change { mode: Some(0o644), ..Change::default() });
    group.bench_function("create a file", |it| {
        it.iter(|| writable.create(&caller(), top, &name(), how).unwrap());
    });
    let create = |name: Vec<u8>| writable.create(&caller(), top, &name, how).unwrap();
    group.bench_function("write 4 KiB to a new file", |it| {
        it.iter_batched(
            || create(name()),
            |file| writable.write(&caller(), file, 0, &[1; 4096], false).unwrap(),
            BatchSize::SmallInput,
        );
    });
    let file = create(name());
    group.throughput(Throughput::Bytes(1 << 20));
    let mut offset = 0;
    let megabyte = vec![1; 1 << 20];
    group.bench_function("write 1 MiB, one after the other", |it| {
        it.iter(|| {
            writable.write(&caller(), file, offset % (256 << 20), &megabyte, false).unwrap();
            offset += 1 << 20;
        });
    });
    offset = 0;
    group.bench_function("read 1 MiB of that", |it| {
        it.iter(|| {
            offset += 1 << 20;
            writable.read(&caller(), file, offset % (64 << 20), 1 << 20).unwrap()
        });
    });
    group.finish();
}

criterion_group!(benches, reading, tree);
criterion_main!(benches);
