//! What a client asks for: the arguments of the procedures of RFC 1813 §3.3, in their order.

use crate::{
    Change, Creation, FileKind, Node, SetTime, Time,
    record::MOST_DATA,
    rpc::Refusal,
    xdr::{Malformed, Reader},
};

/// The longest handle, in bytes (RFC 1813 §2.4).
pub(super) const LONGEST_HANDLE: usize = 64;

/// A handle as it was shown: not yet known for one of ours.
pub(crate) type Shown<'a> = &'a [u8];

/// A name in a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place<'a> {
    pub(crate) directory: Shown<'a>,
    pub(crate) name: &'a [u8],
}

/// A piece of a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Piece<'a> {
    pub(crate) directory: Shown<'a>,
    pub(crate) cookie: u64,
    /// How long names and cookies may be in all, in bytes, where attributes and handles come with them.
    pub(crate) names: Option<u32>,
    /// How long the whole answer may be, in bytes.
    pub(crate) all: u32,
}

/// A call with its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Request<'a> {
    Null,
    /// GETATTR
    Attributes(Shown<'a>),
    /// SETATTR
    Change {
        file: Shown<'a>,
        change: Change,
        guard: Option<Time>,
    },
    Lookup(Place<'a>),
    Access {
        file: Shown<'a>,
        wanted: u32,
    },
    ReadLink(Shown<'a>),
    Read {
        file: Shown<'a>,
        offset: u64,
        count: u32,
    },
    Write {
        file: Shown<'a>,
        offset: u64,
        stable: bool,
        bytes: &'a [u8],
    },
    Create {
        place: Place<'a>,
        how: Creation,
    },
    /// MKDIR, SYMLINK and MKNOD; `None` is what MKNOD cannot make.
    Make {
        place: Place<'a>,
        node: Option<Node>,
        change: Change,
    },
    Remove(Place<'a>),
    /// RMDIR
    RemoveDirectory(Place<'a>),
    Rename {
        from: Place<'a>,
        to: Place<'a>,
    },
    Link {
        file: Shown<'a>,
        to: Place<'a>,
    },
    /// READDIR and READDIRPLUS
    List(Piece<'a>),
    /// FSSTAT
    Space(Shown<'a>),
    /// FSINFO
    Properties(Shown<'a>),
    /// PATHCONF
    PathLimits(Shown<'a>),
    Commit(Shown<'a>),
}

impl<'a> Request<'a> {
    /// Reads the arguments of a procedure.
    pub(crate) fn parse(procedure: u32, mut from: Reader<'a>) -> Result<Self, Refusal> {
        let from = &mut from;
        Ok(match procedure {
            0 => Self::Null,
            1 => Self::Attributes(handle(from)?),
            2 => Self::Change {
                file: handle(from)?,
                change: change(from)?,
                guard: from.optional(time)?,
            },
            3 => Self::Lookup(place(from)?),
            4 => Self::Access { file: handle(from)?, wanted: from.u32()? },
            5 => Self::ReadLink(handle(from)?),
            6 => Self::Read { file: handle(from)?, offset: from.u64()?, count: from.u32()? },
            7 => write(from)?,
            8 => Self::Create { place: place(from)?, how: creation(from)? },
            9 => {
                let place = place(from)?;
                Self::Make { place, node: Some(Node::Directory), change: change(from)? }
            }
            10 => {
                let (place, change) = (place(from)?, change(from)?);
                let target = from.opaque(usize::MAX)?.to_vec();
                Self::Make { place, node: Some(Node::Link(target)), change }
            }
            11 => special(from)?,
            12 => Self::Remove(place(from)?),
            13 => Self::RemoveDirectory(place(from)?),
            14 => Self::Rename { from: place(from)?, to: place(from)? },
            15 => Self::Link { file: handle(from)?, to: place(from)? },
            16 => Self::List(piece(from, false)?),
            17 => Self::List(piece(from, true)?),
            18 => Self::Space(handle(from)?),
            19 => Self::Properties(handle(from)?),
            20 => Self::PathLimits(handle(from)?),
            21 => {
                // Which part is meant does not matter: all of the file is put on the disk.
                Self::Commit(handle(from)?)
            }
            _ => return Err(Refusal::NoProcedure),
        })
    }

    /// Whether doing it twice is not the same as doing it once.
    pub(crate) fn once_only(&self) -> bool {
        match self {
            Self::Change { .. }
            | Self::Create { .. }
            | Self::Make { .. }
            | Self::Remove(_)
            | Self::RemoveDirectory(_)
            | Self::Rename { .. }
            | Self::Link { .. } => true,
            Self::Null
            | Self::Attributes(_)
            | Self::Lookup(_)
            | Self::Access { .. }
            | Self::ReadLink(_)
            | Self::Read { .. }
            | Self::Write { .. }
            | Self::List(_)
            | Self::Space(_)
            | Self::Properties(_)
            | Self::PathLimits(_)
            | Self::Commit(_) => false,
        }
    }

    /// How many bytes of a file or of a directory the answer may have.
    pub(crate) fn wanted(&self) -> usize {
        let wanted = match self {
            Self::Read { count, .. } => *count,
            Self::List(piece) => piece.all,
            _ => 0,
        };
        usize::try_from(wanted).unwrap_or(MOST_DATA).min(MOST_DATA)
    }
}

fn handle<'a>(from: &mut Reader<'a>) -> Result<Shown<'a>, Malformed> {
    from.opaque(LONGEST_HANDLE)
}

fn place<'a>(from: &mut Reader<'a>) -> Result<Place<'a>, Malformed> {
    // A name that is too long is answered, so it must be read.
    Ok(Place { directory: handle(from)?, name: from.opaque(usize::MAX)? })
}

fn write<'a>(from: &mut Reader<'a>) -> Result<Request<'a>, Malformed> {
    let (file, offset, count) = (handle(from)?, from.u64()?, from.u32()?);
    let stable = match from.u32()? {
        0 => false,
        1 | 2 => true,
        _ => return Err(Malformed),
    };
    let bytes = from.opaque(MOST_DATA)?;
    // The count stands there twice.
    if u32::try_from(bytes.len()) != Ok(count) {
        return Err(Malformed);
    }
    Ok(Request::Write { file, offset, stable, bytes })
}

fn creation(from: &mut Reader<'_>) -> Result<Creation, Malformed> {
    match from.u32()? {
        0 => change(from).map(Creation::Unchecked),
        1 => change(from).map(Creation::Guarded),
        2 => from.fixed().map(Creation::Exclusive),
        _ => Err(Malformed),
    }
}

fn special<'a>(from: &mut Reader<'a>) -> Result<Request<'a>, Malformed> {
    let place = place(from)?;
    let (kind, device) = match from.u32()? {
        3 => (FileKind::BlockDevice, true),
        4 => (FileKind::CharacterDevice, true),
        6 => (FileKind::Socket, false),
        7 => (FileKind::Pipe, false),
        1 | 2 | 5 => return Ok(Request::Make { place, node: None, change: Change::default() }),
        _ => return Err(Malformed),
    };
    let change = change(from)?;
    let numbers = if device { (from.u32()?, from.u32()?) } else { (0, 0) };
    Ok(Request::Make { place, node: Some(Node::Special(kind, numbers)), change })
}

fn piece<'a>(from: &mut Reader<'a>, plus: bool) -> Result<Piece<'a>, Malformed> {
    let (directory, cookie) = (handle(from)?, from.u64()?);
    // Cookies are good for as long as the entry is there, whenever they were given.
    let _verifier: [u8; 8] = from.fixed()?;
    let names = if plus { Some(from.u32()?) } else { None };
    Ok(Piece { directory, cookie, names, all: from.u32()? })
}

fn change(from: &mut Reader<'_>) -> Result<Change, Malformed> {
    Ok(Change {
        mode: from.optional(|it| it.u32().map(|mode| mode & 0o7777))?,
        uid: from.optional(Reader::u32)?,
        gid: from.optional(Reader::u32)?,
        size: from.optional(Reader::u64)?,
        accessed: set_time(from)?,
        modified: set_time(from)?,
    })
}

fn set_time(from: &mut Reader<'_>) -> Result<Option<SetTime>, Malformed> {
    match from.u32()? {
        0 => Ok(None),
        1 => Ok(Some(SetTime::Now)),
        2 => time(from).map(|it| Some(SetTime::To(it))),
        _ => Err(Malformed),
    }
}

fn time(from: &mut Reader<'_>) -> Result<Time, Malformed> {
    let time = Time { seconds: from.u32()?, nanoseconds: from.u32()? };
    if time.nanoseconds < 1_000_000_000 { Ok(time) } else { Err(Malformed) }
}
