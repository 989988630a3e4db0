//! What differs from the images below, in memory: files, names, and which blocks are a root's own.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use nfs::{Attributes, FileId, FileSystem as _, Status};

use super::{
    BLOCK, FIRST_OWN, NAME_COST, NODE_COST,
    ranges::Ranges,
    record::{Edit, Row, What, pair},
};
use crate::Layered;

/// A name's own history in a directory: what it stands for, at which cookie; nothing where it was removed.
type Named = Option<(FileId, u64)>;

/// The names of a directory, as far as they differ from the directory below.
#[derive(Debug, Default)]
pub(super) struct Names {
    changed: BTreeMap<Arc<[u8]>, Named>,
    by_cookie: BTreeMap<u64, Arc<[u8]>>,
    /// How many names there are in all.
    count: u64,
}

/// A file that is new, or differs from the one below.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) row: Row,
    pub(super) names: Names,
    /// The blocks that lie in its own file.
    pub(super) blocks: Ranges,
}

/// All that differs.
#[derive(Debug, Default)]
pub(super) struct State {
    /// Nothing stands for a file of the images that is gone.
    nodes: HashMap<FileId, Option<Node>>,
    /// Bytes and files as a quota counts them.
    pub(super) bytes: u64,
    pub(super) files: u64,
    /// Numbers below this one may have been given out.
    pub(super) reserved: u64,
}

/// An edit that cannot be: the log is none of this base.
#[derive(Debug)]
pub(super) struct Contradiction;

const fn is_own(file: FileId) -> bool {
    file >= FIRST_OWN
}

impl State {
    /// What is kept of a file that differs.
    pub(super) fn node(&self, file: FileId) -> Result<Option<&Node>, Status> {
        match self.nodes.get(&file) {
            Some(Some(node)) => Ok(Some(node)),
            Some(None) => Err(Status::Stale),
            None if is_own(file) => Err(Status::Stale),
            None => Ok(None),
        }
    }

    pub(super) fn attributes(&self, base: &Layered, file: FileId) -> Result<Attributes, Status> {
        match self.node(file)? {
            Some(node) => Ok(node.row.attributes(file, node.blocks.total())),
            None => base.attributes(file),
        }
    }

    /// A file as it would be kept.
    pub(super) fn row(&self, base: &Layered, file: FileId) -> Result<Row, Status> {
        if let Some(node) = self.node(file)? {
            return Ok(node.row.clone());
        }
        let it = base.attributes(file)?;
        let what = match it.kind {
            nfs::FileKind::File => What::File { base: it.size, verifier: None },
            nfs::FileKind::Directory => What::Directory { parent: base.parent(file)? },
            nfs::FileKind::Link => What::Link(base.read_link(file)?),
            nfs::FileKind::BlockDevice => What::BlockDevice(it.device.0, it.device.1),
            nfs::FileKind::CharacterDevice => What::CharacterDevice(it.device.0, it.device.1),
            nfs::FileKind::Pipe => What::Pipe,
            nfs::FileKind::Socket => What::Socket,
        };
        Ok(Row {
            what,
            mode: it.mode,
            links: it.links,
            uid: it.uid,
            gid: it.gid,
            size: it.size,
            accessed: pair(it.accessed),
            modified: pair(it.modified),
            changed: pair(it.changed),
        })
    }

    pub(super) fn parent(&self, base: &Layered, directory: FileId) -> Result<FileId, Status> {
        match self.node(directory)? {
            Some(Node { row: Row { what: What::Directory { parent }, .. }, .. }) => Ok(*parent),
            Some(_) => Err(Status::NotDirectory),
            None => base.parent(directory),
        }
    }

    /// What a name in a directory stands for.
    pub(super) fn find(
        &self,
        base: &Layered,
        directory: FileId,
        name: &[u8],
    ) -> Result<Option<FileId>, Status> {
        let changed = self.node(directory)?.and_then(|it| it.names.changed.get(name));
        Ok(changed.map_or_else(|| base.find(directory, name), |it| it.map(|(file, _)| file)))
    }

    /// How many names a directory has.
    pub(super) fn count(&self, base: &Layered, directory: FileId) -> Result<u64, Status> {
        Ok(self.node(directory)?.map_or_else(|| base.count(directory), |it| it.names.count))
    }

    /// The names of a directory behind a cookie: first those from the images that are left, at the cookies
    /// that they have there, then those of its own in the order in which they came.
    pub(super) fn names_after<'a>(
        &'a self,
        base: &'a Layered,
        directory: FileId,
        cookie: u64,
    ) -> Result<impl Iterator<Item = (&'a [u8], FileId, u64)>, Status> {
        let names = self.node(directory)?.map(|it| &it.names);
        let below = base.names_after(directory, cookie);
        let left = move |it: &(&[u8], FileId, u64)| {
            names.is_none_or(|names| !names.changed.contains_key(it.0))
        };
        let from = cookie.saturating_add(1);
        let own = names.into_iter().flat_map(move |names| {
            names.by_cookie.range(from..).filter_map(|(cookie, name)| {
                let (file, _) = (*names.changed.get(name)?)?;
                Some((name.as_ref(), file, *cookie))
            })
        });
        Ok(below.filter(left).chain(own))
    }

    /// Makes one edit.
    pub(super) fn apply(&mut self, base: &Layered, edit: Edit) -> Result<(), Contradiction> {
        match edit {
            Edit::Reserved(until) => self.reserved = self.reserved.max(until),
            Edit::File(file, row) => match self.nodes.get_mut(&file) {
                Some(Some(node)) => node.row = row,
                Some(None) => return Err(Contradiction),
                None => {
                    if is_own(file) {
                        self.files += 1;
                        self.bytes += NODE_COST;
                    }
                    let names = Names { count: base.count(file), ..Names::default() };
                    let node = Node { row, names, blocks: Ranges::default() };
                    self.nodes.insert(file, Some(node));
                }
            },
            Edit::Gone(file) => {
                if let Some(Some(node)) = self.nodes.remove(&file) {
                    self.bytes = self.bytes.saturating_sub(node.blocks.total() * BLOCK);
                    if is_own(file) {
                        self.files = self.files.saturating_sub(1);
                        self.bytes = self.bytes.saturating_sub(NODE_COST);
                    }
                }
                if !is_own(file) {
                    self.nodes.insert(file, None);
                }
            }
            Edit::Name { directory, name, file, cookie } => {
                let below = base.find(directory, &name).is_some();
                let names = &mut self.known(directory)?.names;
                let name: Arc<[u8]> = name.into();
                match names.changed.insert(Arc::clone(&name), Some((file, cookie))) {
                    Some(Some((_, before))) => {
                        names.by_cookie.remove(&before);
                        self.bytes = self.bytes.saturating_sub(NAME_COST);
                    }
                    None if below => {}
                    Some(None) | None => names.count += 1,
                }
                self.known(directory)?.names.by_cookie.insert(cookie, name);
                self.bytes += NAME_COST;
            }
            Edit::NoName { directory, name } => {
                let below = base.find(directory, &name).is_some();
                let names = &mut self.known(directory)?.names;
                let before = names.changed.remove(name.as_slice());
                if below {
                    names.changed.insert(name.into(), None);
                }
                if before != Some(None) {
                    names.count = names.count.saturating_sub(1);
                }
                if let Some(Some((_, cookie))) = before {
                    names.by_cookie.remove(&cookie);
                    self.bytes = self.bytes.saturating_sub(NAME_COST);
                }
            }
            Edit::Blocks(file, from, until) => {
                let blocks = &mut self.known(file)?.blocks;
                let before = blocks.total();
                blocks.insert(from..until);
                let added = blocks.total() - before;
                self.bytes += added * BLOCK;
            }
            Edit::Cut(file, from) => {
                let blocks = &mut self.known(file)?.blocks;
                let before = blocks.total();
                blocks.cut(from);
                let freed = before - blocks.total();
                self.bytes = self.bytes.saturating_sub(freed * BLOCK);
            }
        }
        Ok(())
    }

    fn known(&mut self, file: FileId) -> Result<&mut Node, Contradiction> {
        self.nodes.get_mut(&file).and_then(Option::as_mut).ok_or(Contradiction)
    }

    /// The edits that lead from nothing to here.
    pub(super) fn edits(&self) -> impl Iterator<Item = Edit> {
        let reserved = std::iter::once(Edit::Reserved(self.reserved));
        let files = self.nodes.iter().map(|(&file, node)| match node {
            Some(node) => Edit::File(file, node.row.clone()),
            None => Edit::Gone(file),
        });
        let known = || self.nodes.iter().filter_map(|(&file, it)| Some((file, it.as_ref()?)));
        let names = known().flat_map(|(directory, node)| {
            node.names.changed.iter().map(move |(name, named)| {
                let name = name.to_vec();
                match *named {
                    Some((file, cookie)) => Edit::Name { directory, name, file, cookie },
                    None => Edit::NoName { directory, name },
                }
            })
        });
        let blocks = known().flat_map(|(file, node)| {
            node.blocks.all().map(move |it| Edit::Blocks(file, it.start, it.end))
        });
        reserved.chain(files).chain(names).chain(blocks)
    }
}
