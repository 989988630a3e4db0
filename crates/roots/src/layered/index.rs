//! The tree that stacked images show, worked out once when they are opened.
//!
//! For each directory it holds the sorted names and what they name, one behind the other, so that a name is
//! found by halving and a position in a directory is a number. For 30,000 files it takes one to two
//! megabytes, for 100,000 about six.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use nfs::FileId;
use squashfs::{Image, Inode, InodeRef, Kind, SquashfsError};

/// How many names a tree may have: more is no root file system but a damaged image.
const MOST_NAMES: usize = 2 * 1024 * 1024;
/// Where an inode number would stand that no name leads to.
const NOWHERE: u64 = u64::MAX;

/// A directory as it shows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Directory {
    /// Where its names begin.
    first: usize,
    /// How many names it has.
    pub(crate) count: usize,
    /// The directory that it is in.
    pub(crate) parent: FileId,
    /// How many of its names are directories.
    pub(crate) directories: u32,
}

/// A name: where it stands among all names, how long it is, what it names.
#[derive(Debug, Clone, Copy)]
struct Name {
    begin: u32,
    length: u8,
    id: FileId,
}

/// The whole tree.
#[derive(Debug, Default)]
pub(crate) struct Index {
    bytes: Vec<u8>,
    names: Vec<Name>,
    directories: HashMap<FileId, Directory>,
    /// Of each image: where the inode of a number stands, from number 1.
    places: Vec<Vec<u64>>,
    /// How many names those have that have more than one in their image.
    links: HashMap<FileId, u32>,
}

/// A directory of one image.
type Source = (usize, Inode);

/// What a name stands for while images are laid over each other, from the top.
enum Shown {
    Nothing,
    File(FileId),
    /// The directories that merge, the topmost first, and whether lower ones still show through.
    Directories(Vec<Source>, bool),
}

/// The number of an inode of an image: the same as long as image and place in the stack are.
pub(crate) fn file_id(layer: usize, number: u32) -> FileId {
    ((layer as u64) << 32) | u64::from(number)
}

/// Which image a number is from, and which inode there.
fn parts(id: FileId) -> (usize, usize) {
    let index = |it: u64| usize::try_from(it).unwrap_or(usize::MAX);
    (index(id >> 32), index(id & 0xffff_ffff))
}

impl Index {
    /// Works the tree of images out, the lowest first; gives its top as well.
    pub(crate) fn of(images: &[Arc<Image>]) -> Result<(Self, FileId), SquashfsError> {
        let places = images.iter().map(|it| vec![NOWHERE; it.inodes() as usize]).collect();
        let mut index = Self { places, ..Self::default() };
        let mut seen = HashSet::new();
        let mut sources = Vec::new();
        for (layer, image) in images.iter().enumerate().rev() {
            let inode = image.inode(image.root())?;
            index.place(layer, &inode, image.root())?;
            let opaque = is_opaque(image, &inode)?;
            sources.push((layer, inode));
            if opaque {
                break;
            }
        }
        let root = sources.first().map(|(layer, inode)| file_id(*layer, inode.number));
        let root = root.ok_or(SquashfsError::Damaged("there is no image"))?;
        let mut waiting = vec![(root, root, sources)];
        while let Some((id, parent, sources)) = waiting.pop() {
            for (layer, inode) in &sources {
                if !seen.insert(file_id(*layer, inode.number)) {
                    return Err(SquashfsError::Damaged("a folder is in two folders"));
                }
            }
            let shown = index.merged(images, &sources)?;
            let mut directory =
                Directory { first: index.names.len(), count: 0, parent, directories: 0 };
            for (name, shown) in shown {
                let named = match shown {
                    Shown::Nothing => continue,
                    Shown::File(named) => named,
                    Shown::Directories(sources, _) => {
                        let Some((layer, top)) = sources.first() else { continue };
                        let named = file_id(*layer, top.number);
                        directory.directories += 1;
                        waiting.push((named, id, sources));
                        named
                    }
                };
                index.push(&name, named)?;
                directory.count += 1;
            }
            index.directories.insert(id, directory);
        }
        index.bytes.shrink_to_fit();
        index.names.shrink_to_fit();
        Ok((index, root))
    }

    /// The names of directories that lie over each other, as overlayfs shows them.
    fn merged(
        &mut self,
        images: &[Arc<Image>],
        sources: &[Source],
    ) -> Result<BTreeMap<Vec<u8>, Shown>, SquashfsError> {
        let mut shown: BTreeMap<Vec<u8>, Shown> = BTreeMap::new();
        for (layer, directory) in sources {
            let Some(image) = images.get(*layer) else { continue };
            for entry in image.entries(directory)? {
                let before = shown.get_mut(&entry.name);
                if matches!(before, Some(Shown::Nothing | Shown::File(_))) {
                    continue;
                }
                let inode = image.inode(entry.inode)?;
                if let Some(Shown::Directories(sources, open)) = before {
                    if !*open {
                        continue;
                    }
                    if !matches!(inode.kind, Kind::Directory(_)) {
                        *open = false;
                        continue;
                    }
                    *open = !is_opaque(image, &inode)?;
                    sources.push((*layer, inode));
                    continue;
                }
                let what = match inode.kind {
                    Kind::CharacterDevice(0, 0) => Shown::Nothing,
                    Kind::Directory(_) => {
                        self.place(*layer, &inode, entry.inode)?;
                        let open = !is_opaque(image, &inode)?;
                        Shown::Directories(vec![(*layer, inode)], open)
                    }
                    Kind::File(_)
                    | Kind::Symlink(_)
                    | Kind::BlockDevice(..)
                    | Kind::CharacterDevice(..)
                    | Kind::Fifo
                    | Kind::Socket => {
                        self.place(*layer, &inode, entry.inode)?;
                        let id = file_id(*layer, inode.number);
                        if inode.links > 1 {
                            *self.links.entry(id).or_default() += 1;
                        }
                        Shown::File(id)
                    }
                };
                shown.insert(entry.name, what);
            }
        }
        Ok(shown)
    }

    /// Notes where an inode stands.
    fn place(&mut self, layer: usize, inode: &Inode, at: InodeRef) -> Result<(), SquashfsError> {
        let number = (inode.number as usize).wrapping_sub(1);
        let place = self.places.get_mut(layer).and_then(|it| it.get_mut(number));
        let place = place.ok_or(SquashfsError::Damaged("an inode's number is too high"))?;
        if *place != NOWHERE && *place != at.0 {
            return Err(SquashfsError::Damaged("two inodes have one number"));
        }
        *place = at.0;
        Ok(())
    }

    fn push(&mut self, name: &[u8], id: FileId) -> Result<(), SquashfsError> {
        const TOO_MANY: SquashfsError = SquashfsError::Damaged("there are too many names");
        let begin = u32::try_from(self.bytes.len()).map_err(|_| TOO_MANY)?;
        let length = u8::try_from(name.len()).map_err(|_| TOO_MANY)?;
        if self.names.len() >= MOST_NAMES {
            return Err(TOO_MANY);
        }
        self.bytes.extend_from_slice(name);
        self.names.push(Name { begin, length, id });
        Ok(())
    }

    /// A directory by its number.
    pub(crate) fn directory(&self, id: FileId) -> Option<&Directory> {
        self.directories.get(&id)
    }

    /// Which image a file is in and where its inode stands, where a name leads to it.
    pub(crate) fn inode(&self, id: FileId) -> Option<(usize, InodeRef)> {
        let (layer, number) = parts(id);
        let at = *self.places.get(layer)?.get(number.checked_sub(1)?)?;
        (at != NOWHERE).then_some((layer, InodeRef(at)))
    }

    /// How many names lead to a file.
    pub(crate) fn links(&self, id: FileId) -> u32 {
        self.links.get(&id).copied().unwrap_or(1)
    }

    /// The names of a directory from a position on, sorted by their bytes.
    pub(crate) fn names_from(
        &self,
        directory: &Directory,
        position: usize,
    ) -> impl Iterator<Item = (&[u8], FileId)> {
        let all = self.names.get(directory.first..directory.first + directory.count);
        let rest = all.and_then(|it| it.get(position..)).unwrap_or_default();
        rest.iter().map(|it| (self.name(it), it.id))
    }

    /// What a name in a directory stands for.
    pub(crate) fn find(&self, directory: &Directory, name: &[u8]) -> Option<FileId> {
        let names = self.names.get(directory.first..directory.first + directory.count)?;
        let found = names.binary_search_by(|it| self.name(it).cmp(name)).ok()?;
        names.get(found).map(|it| it.id)
    }

    fn name(&self, name: &Name) -> &[u8] {
        let begin = name.begin as usize;
        self.bytes.get(begin..begin + usize::from(name.length)).unwrap_or_default()
    }
}

/// Whether a directory hides what lies below it.
fn is_opaque(image: &Image, directory: &Inode) -> Result<bool, SquashfsError> {
    let opaque = |it: &squashfs::Xattr| {
        matches!(it.name.as_slice(), b"user.overlay.opaque" | b"trusted.overlay.opaque")
            && it.value == b"y"
    };
    Ok(image.xattrs(directory)?.iter().any(opaque))
}
