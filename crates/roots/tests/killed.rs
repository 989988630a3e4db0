//! A process that works on a writable root is killed at any instant: nothing acknowledged is lost, and
//! nothing is half.
//!
//! The process is this test's own program. It says on its output when an operation was acknowledged. The same
//! operations are made on a root that nobody kills; after each death both are compared.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use nfs::{Attributes, Change, Creation, FileKind, FileSystem as _, Node, Status, Time};
use roots::{Clock, Layered, Quota, WritableRoot};
use squashfs::Image;

use crate::images::{content, names, packed, root, stack};

mod images;

const QUOTA: Quota = Quota { bytes: 1 << 30, files: 100_000 };
/// How often the process is killed.
const DEATHS: u64 = 60;
/// Tells the program that it is the one to be killed: the folder, and the operation that it begins with.
const FOLDER: &str = "ROOTS_TEST_FOLDER";
const BEGIN: &str = "ROOTS_TEST_BEGIN";

/// Numbers that look random, the same for the same seed.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: u64) -> u64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}

/// A clock that stands still during each operation.
fn clock() -> (Arc<AtomicU32>, Clock) {
    let seconds = Arc::new(AtomicU32::new(0));
    let read = Arc::clone(&seconds);
    let clock = move || Time { seconds: read.load(Ordering::SeqCst), nanoseconds: 0 };
    (seconds, Arc::new(clock))
}

/// The operation of a number: which it is depends on nothing else, and what comes of it on the root alone.
fn operation(tree: &WritableRoot, clock: &AtomicU32, number: u32) -> Result<(), Status> {
    clock.store(2_000_000_000 + number, Ordering::SeqCst);
    let mut numbers = Numbers(u64::from(number));
    let mut place = || {
        let folders = ["", "a", "b", "a/sub"];
        let folder = folders[usize::try_from(numbers.below(4)).unwrap()];
        let mut id = tree.root();
        for name in folder.split('/').filter(|it| !it.is_empty()) {
            id = tree.lookup(&root(), id, name.as_bytes()).unwrap_or(id);
        }
        (id, format!("file-{}", numbers.below(6)).into_bytes())
    };
    let ((folder, name), (other, new)) = (place(), place());
    let file = || tree.lookup(&root(), folder, &name);
    let mode = Change { mode: Some(0o644), ..Change::default() };
    match numbers.below(12) {
        0 => tree.create(&root(), folder, &name, Creation::Guarded(mode)).map(drop),
        1 => tree.make(&root(), folder, &name, &Node::Directory, &mode).map(drop),
        2 => tree.remove(&root(), folder, &name),
        3 => tree.remove_directory(&root(), folder, &name),
        4 | 5 => tree.rename(&root(), (folder, &name), (other, &new)),
        6 => tree.link(&root(), file()?, other, &new),
        7 => {
            let size = Some(numbers.below(60_000));
            tree.change(&root(), file()?, &Change { size, ..Change::default() }, None)
        }
        8 => {
            let mode = Some(u32::try_from(numbers.below(0o10000)).unwrap());
            tree.change(&root(), file()?, &Change { mode, ..Change::default() }, None)
        }
        _ => {
            let length = usize::try_from(numbers.below(30_000)).unwrap();
            let bytes = vec![number.to_le_bytes()[0]; length];
            let (offset, stable) = (numbers.below(60_000), numbers.below(20) == 0);
            tree.write(&root(), file()?, offset, &bytes, stable)
        }
    }
}

/// What is there, but for the numbers of files.
fn told(tree: &WritableRoot) -> BTreeMap<Vec<u8>, (Attributes, Vec<u8>)> {
    let mut all = BTreeMap::new();
    let mut waiting = vec![(tree.root(), Vec::new())];
    while let Some((folder, path)) = waiting.pop() {
        let mut it = tree.attributes(folder).unwrap();
        it.file_id = 0;
        all.insert([path.clone(), b"/".to_vec()].concat(), (it, Vec::new()));
        for (name, file) in names(tree, folder) {
            let path = [path.clone(), b"/".to_vec(), name].concat();
            let mut it = tree.attributes(file).unwrap();
            it.file_id = 0;
            match it.kind {
                FileKind::Directory => waiting.push((file, path)),
                _ => drop(all.insert(path, (it, content(tree, file)))),
            }
        }
    }
    all
}

fn base(home: &Path) -> Arc<Layered> {
    let image = fs::File::open(home.join("tree.squashfs")).unwrap();
    stack(&[Arc::new(Image::open(image, 1 << 20).unwrap())])
}

#[test]
#[ignore = "it is run by the test below, which kills it"]
fn victim() {
    let home = std::env::var_os(FOLDER).unwrap();
    let begin = std::env::var_os(BEGIN).unwrap().into_string().unwrap().parse().unwrap();
    let home = Path::new(&home);
    let (seconds, clock) = clock();
    let tree = WritableRoot::open(&home.join("root"), base(home), clock).unwrap();
    let mut output = std::io::stderr().lock();
    for number in begin.. {
        let _ = operation(&tree, &seconds, number);
        // In one call, so that no line is half.
        output.write_all(format!("acknowledged {number}\n").as_bytes()).unwrap();
    }
}

#[test]
fn nothing_acknowledged_is_lost_and_nothing_is_half() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let tree = home.join("tree");
    fs::create_dir_all(tree.join("a/sub")).unwrap();
    fs::create_dir_all(tree.join("b")).unwrap();
    for name in ["a/file-0", "a/file-1", "b/file-2", "a/sub/file-3"] {
        fs::write(tree.join(name), vec![b'x'; 50_000]).unwrap();
    }
    packed(&tree, &[]);
    let base = base(home);
    let (seconds, clock) = clock();
    let folder = home.join("root");
    drop(WritableRoot::create(&folder, base.clone(), QUOTA, clock.clone()).unwrap());
    let model =
        WritableRoot::create(&home.join("model"), base.clone(), QUOTA, clock.clone()).unwrap();
    let mut numbers = Numbers(std::process::id().into());
    let (mut next, mut in_flight) = (0, 0);
    for death in 0..DEATHS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "victim", "--ignored", "--nocapture"])
            .env(FOLDER, home)
            .env(BEGIN, next.to_string())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut acknowledged = |lines: &mut dyn Iterator<Item = _>, most: u64| {
            let mut seen = 0;
            for line in lines.take(usize::try_from(most).unwrap()) {
                let line: String = Result::<_, std::io::Error>::unwrap(line);
                if let Some(number) = line.strip_prefix("acknowledged ") {
                    assert_eq!(number.parse(), Ok(next));
                    let _ = operation(&model, &seconds, next);
                    next += 1;
                    seen += 1;
                }
            }
            seen
        };
        let most = 1 + numbers.below(400);
        assert!(acknowledged(&mut lines, most) > 0, "it did not begin");
        // Not at the same place of an operation each time.
        let instant = std::time::Instant::now();
        let delay = Duration::from_micros(numbers.below(300));
        while instant.elapsed() < delay {
            std::hint::spin_loop();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        acknowledged(&mut lines, u64::from(u32::MAX));
        let tree = WritableRoot::open(&folder, base.clone(), clock.clone()).unwrap();
        if told(&tree) != told(&model) {
            // One more may have been made, and not been acknowledged; or a write was under way, which changes
            // bytes before all else: a client sends it again then.
            in_flight += 1;
            let _ = operation(&model, &seconds, next);
            if told(&tree) != told(&model) {
                let _ = operation(&tree, &seconds, next);
            }
            assert!(told(&tree) == told(&model), "not as it was after death {death}, at {next}");
            next += 1;
        }
    }
    println!("{DEATHS} deaths in {next} operations, {in_flight} in the midst of one");
}
