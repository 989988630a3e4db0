//! READDIR and READDIRPLUS.

use super::{Conversation, Target, request::Piece};
use crate::{Entry, Listing, Status, handle, xdr::padding};

/// How long a piece of a directory gets at the most, in bytes, whatever a client asks for.
pub(super) const LONGEST: usize = 64 * 1024;
/// What an answer is long beside its entries: attributes of the directory, verifier, the end of the list.
const AROUND: usize = 88 + 8 + 4 + 4;
/// What an entry is long beside its name: that it is there, number, length of the name, cookie.
const ENTRY: usize = 4 + 8 + 4 + 8;
/// What READDIRPLUS says beside that: attributes and handle.
const PLUS: usize = 88 + 4 + 4 + handle::LENGTH.next_multiple_of(4);

impl Conversation<'_> {
    pub(super) fn list(&mut self, piece: &Piece<'_>) -> Result<(), Status> {
        let directory = self.open(piece.directory)?;
        let listing = self.fitting(&directory, piece);
        self.outcome(&listing);
        self.now(&directory, directory.file);
        let Ok(Listing { entries, end }) = listing else { return Ok(()) };
        // The verifier: cookies are always good.
        self.out.u64(0);
        for entry in &entries {
            self.out.boolean(true);
            self.out.u64(entry.file_id);
            self.out.opaque(&entry.name);
            self.out.u64(entry.cookie);
            if piece.names.is_some() {
                self.now(&directory, entry.file_id);
                self.out.boolean(true);
                self.handle(&directory, entry.file_id);
            }
        }
        self.out.boolean(false);
        self.out.boolean(end);
        Ok(())
    }

    /// The entries that fit.
    fn fitting(&self, directory: &Target, piece: &Piece<'_>) -> Result<Listing, Status> {
        let room = usize::try_from(piece.all).unwrap_or(LONGEST).min(LONGEST);
        let room = room.checked_sub(AROUND).ok_or(Status::TooSmall)?;
        let plus = if piece.names.is_some() { PLUS } else { 0 };
        let names = piece.names.map_or(usize::MAX, |it| usize::try_from(it).unwrap_or(usize::MAX));
        let most = room / (ENTRY + plus) + 1;
        let mut listing = directory.files.list(self.caller, directory.file, piece.cookie, most)?;
        let (mut all, mut of_names) = (0, 0);
        let mut fits = |entry: &Entry| {
            let length = entry.name.len() + padding(entry.name.len()) + ENTRY;
            // The first comes whatever a client says about names only: it has room for it.
            let fits = all + length + plus <= room && (all == 0 || of_names + length <= names);
            all += length + plus;
            of_names += length;
            fits
        };
        let fitting = listing.entries.iter().take_while(|entry| fits(entry)).count();
        if fitting < listing.entries.len() {
            if fitting == 0 {
                return Err(Status::TooSmall);
            }
            listing.entries.truncate(fitting);
            listing.end = false;
        }
        Ok(listing)
    }
}
