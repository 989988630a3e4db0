//! The bytes of a file of results: lines are counted, and no piece is without end.

use std::io::{self, BufRead, Cursor, Read};

use super::{Problem, ResultFileError};

/// The most bytes of one piece: an element's text, a value, a row.
pub(super) const PIECE: u64 = 16 * 1024 * 1024;

/// So many bytes are looked at to recognise a format.
const HEAD: usize = 64 * 1024;

/// The first bytes again, and those behind them.
pub(super) type Whole<R> = io::Chain<Cursor<Vec<u8>>, R>;

/// The first bytes of a file, and the file with these bytes in it, without a byte order mark.
pub(super) fn peek<R: BufRead>(mut input: R) -> Result<(Vec<u8>, Whole<R>), ResultFileError> {
    let mut head = Vec::with_capacity(HEAD);
    input.by_ref().take(HEAD as u64).read_to_end(&mut head).map_err(ResultFileError::Read)?;
    if head.starts_with(b"\xef\xbb\xbf") {
        head.drain(..3);
    }
    Ok((head.clone(), Cursor::new(head).chain(input)))
}

/// A reader that counts lines and refuses a piece without end.
pub(super) struct Counted<R> {
    input: R,
    line: u64,
    left: u64,
}

impl<R> Counted<R> {
    /// From the first line on.
    pub(super) const fn new(input: R) -> Self {
        Self { input, line: 1, left: PIECE }
    }

    /// The line that is being read.
    pub(super) const fn line(&self) -> u64 {
        self.line
    }

    /// Another piece begins.
    pub(super) const fn next_piece(&mut self) {
        self.left = PIECE;
    }

    /// What a failure to read means here.
    pub(super) fn failure(&self, error: io::Error) -> ResultFileError {
        if self.left == 0 {
            Problem::TooLong(PIECE).at(self.line)
        } else {
            ResultFileError::Read(error)
        }
    }

    fn count(&mut self, taken: &[u8]) {
        self.line += newlines(taken);
        self.left = self.left.saturating_sub(taken.len() as u64);
    }
}

fn newlines(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|byte| **byte == b'\n').count() as u64
}

impl<R: BufRead> BufRead for Counted<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.left == 0 {
            return Err(io::Error::other("a piece without end"));
        }
        self.input.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        // What is there was shown by `fill_buf`: an error would have come there.
        let there = self.input.fill_buf().map_or(0, |bytes| {
            let taken = &bytes[..amount.min(bytes.len())];
            self.line += newlines(taken);
            taken.len()
        });
        self.left = self.left.saturating_sub(there as u64);
        self.input.consume(amount);
    }
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            return Err(io::Error::other("a piece without end"));
        }
        let read = self.input.read(buffer)?;
        self.count(&buffer[..read]);
        Ok(read)
    }
}

/// Reads a line, of which at the most `most` bytes are kept, with what ends it taken off. False at the end of the file.
pub(super) fn read_line<R: BufRead>(
    input: &mut R,
    line: &mut Vec<u8>,
    most: usize,
) -> io::Result<bool> {
    line.clear();
    let mut any = false;
    loop {
        let bytes = input.fill_buf()?;
        if bytes.is_empty() {
            break;
        }
        any = true;
        let end = bytes.iter().position(|byte| *byte == b'\n');
        let part = &bytes[..end.unwrap_or(bytes.len())];
        line.extend_from_slice(&part[..part.len().min(most.saturating_sub(line.len()))]);
        let taken = part.len() + usize::from(end.is_some());
        input.consume(taken);
        if end.is_some() {
            break;
        }
    }
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    Ok(any)
}
