//! A writable root, and the operations as calls of it.

use std::{collections::BTreeMap, fmt::Write as _};

use nfs::{Attributes, Caller, Change, Creation, FileId, FileKind, FileSystem as _, Node, Status};
use roots::WritableRoot;

use crate::{
    images::{at as found, content, names},
    joined,
    step::Step,
};

/// Every path, with what it is, and contents.
pub(crate) fn told(tree: &WritableRoot) -> BTreeMap<String, (String, Vec<u8>)> {
    let mut all = BTreeMap::new();
    let mut groups = BTreeMap::new();
    let mut waiting = vec![(tree.root(), String::new())];
    while let Some((folder, path)) = waiting.pop() {
        let mut listed = names(tree, folder);
        listed.sort();
        for (name, file) in listed {
            let path = joined(&path, std::str::from_utf8(&name).unwrap());
            let it: Attributes = tree.attributes(file).unwrap();
            let (letter, bytes) = match it.kind {
                FileKind::Directory => {
                    assert_eq!(tree.parent(file), Ok(folder));
                    waiting.push((file, path.clone()));
                    ('d', Vec::new())
                }
                FileKind::Link => ('l', tree.read_link(file).unwrap()),
                FileKind::File => ('f', content(tree, file)),
                FileKind::Pipe => ('p', Vec::new()),
                FileKind::Socket => ('s', Vec::new()),
                FileKind::BlockDevice => ('b', Vec::new()),
                FileKind::CharacterDevice => ('c', Vec::new()),
            };
            let group = groups.entry(file).or_insert_with(|| path.clone()).clone();
            let size = if it.kind == FileKind::File { it.size } else { 0 };
            let mut line = format!("{letter} {:o} {} {}", it.mode, it.uid, it.gid);
            write!(line, " {} {size} {:?} {group}", it.links, it.device).unwrap();
            all.insert(path, (line, bytes));
        }
    }
    all
}

pub(crate) fn run(
    tree: &WritableRoot,
    who: &Caller,
    step: &Step,
    places: &[(String, String)],
) -> Result<(), Status> {
    let at = |number: usize| {
        let (folder, name) = &places[number];
        (found(tree, folder), name.as_bytes())
    };
    let file = || -> Result<FileId, Status> {
        let (folder, name) = at(0);
        tree.lookup(who, folder, name)
    };
    let mode = |mode: u32| Change { mode: Some(mode), ..Change::default() };
    let make =
        |node: Node, bits: u32| tree.make(who, at(0).0, at(0).1, &node, &mode(bits)).map(drop);
    match step {
        Step::Create(_, bits) => {
            tree.create(who, at(0).0, at(0).1, Creation::Guarded(mode(*bits))).map(drop)
        }
        Step::Directory(_, bits) => make(Node::Directory, *bits),
        Step::Link(_) => make(Node::Link(b"target".to_vec()), 0o777),
        Step::Special(_, bits, kind) => {
            let node = match kind {
                0 => Node::Special(FileKind::Pipe, (0, 0)),
                1 => Node::Special(FileKind::Socket, (0, 0)),
                2 => Node::Special(FileKind::CharacterDevice, (1, 3)),
                _ => Node::Special(FileKind::BlockDevice, (7, 77)),
            };
            make(node, *bits)
        }
        Step::Remove(_) => tree.remove(who, at(0).0, at(0).1),
        Step::RemoveDirectory(_) => tree.remove_directory(who, at(0).0, at(0).1),
        Step::Rename(..) => tree.rename(who, at(0), at(1)),
        Step::HardLink(..) => tree.link(who, file()?, at(1).0, at(1).1),
        Step::Mode(_, bits) => tree.change(who, file()?, &mode(*bits), None),
        Step::Owner(_, uid, gid) => {
            let change = Change { uid: *uid, gid: *gid, ..Change::default() };
            tree.change(who, file()?, &change, None)
        }
        Step::Write(_, offset, length, byte) => {
            tree.write(who, file()?, *offset, &vec![*byte; *length], false)
        }
        Step::Size(_, size) => {
            let change = Change { size: Some(*size), ..Change::default() };
            tree.change(who, file()?, &change, None)
        }
        Step::Reopen => Ok(()),
    }
}
