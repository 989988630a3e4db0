//! What both formats in JSON need: a reader that keeps values bounded and levels few, and a place where
//! a failure waits while the parser unwinds.

use std::{
    fmt,
    io::{self, Read},
};

use serde::{
    Deserializer,
    de::{DeserializeSeed, SeqAccess, Visitor},
};

use super::{Problem, ResultFileError, input::PIECE, problem::CutShort};

/// The most levels within each other, counted by bytes before anything is built from them.
const DEEPEST: usize = 512;

/// Counts levels and the length of values, as bytes go by.
pub(super) struct Guard<R> {
    input: R,
    depth: usize,
    in_string: bool,
    escaped: bool,
    /// A value that stands at this level is one piece; strings are where nothing is said.
    whole_from: usize,
    length: u64,
}

/// What the guard stops at.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("too deep")]
    Deep,
    #[error("too long")]
    Long,
}

impl<R: Read> Guard<R> {
    /// Values from level `whole_from` on are read as a whole, and so bounded as a whole.
    pub(super) const fn new(input: R, whole_from: usize) -> Self {
        Self { input, depth: 0, in_string: false, escaped: false, whole_from, length: 0 }
    }

    fn look(&mut self, byte: u8) -> Result<(), Refused> {
        if self.in_string {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => self.in_string = false,
                _ => {}
            }
        } else {
            match byte {
                b'"' => self.in_string = true,
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => self.depth = self.depth.saturating_sub(1),
                b',' | b':' | b' ' | b'\n' if self.depth < self.whole_from => self.length = 0,
                _ => {}
            }
        }
        self.length += 1;
        if self.depth > DEEPEST {
            return Err(Refused::Deep);
        }
        if self.length > PIECE {
            return Err(Refused::Long);
        }
        Ok(())
    }
}

impl<R: Read> Read for Guard<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(buffer)?;
        for byte in &buffer[..read] {
            self.look(*byte).map_err(io::Error::other)?;
        }
        Ok(read)
    }
}

/// Where a failure of ours waits: the parser knows only its own.
#[derive(Default)]
pub(super) struct Waiting(Option<ResultFileError>);

impl Waiting {
    /// Puts a failure there, and ends the parsing.
    pub(super) fn stop<E: serde::de::Error>(&mut self, error: ResultFileError) -> E {
        self.0 = Some(error);
        E::custom("stopped")
    }

    /// As [`Waiting::stop`], for a problem; its line is where the parser stands then.
    pub(super) fn problem<E: serde::de::Error>(&mut self, problem: Problem) -> E {
        self.stop(problem.at(0))
    }

    /// What the end of the parsing means: the file was whole, ends in the middle, or is wrong.
    pub(super) fn judge<T>(
        self,
        end: Result<T, serde_json::Error>,
    ) -> Result<Option<CutShort>, ResultFileError> {
        let Err(error) = end else { return Ok(None) };
        let line = error.line() as u64;
        match self.0 {
            Some(ResultFileError::At { line: 0, problem }) => return Err(problem.at(line)),
            Some(other) => return Err(other),
            None => {}
        }
        if error.is_eof() {
            return Ok(Some(CutShort { line }));
        }
        if !error.is_io() {
            let words = error.to_string();
            // The line stands in front of ours.
            let words = words.rsplit_once(" at line ").map_or(&*words, |(words, _)| words);
            let problem = if words.contains("invalid unicode code point") {
                Problem::NotUtf8
            } else {
                Problem::Json(words.to_owned())
            };
            return Err(problem.at(line));
        }
        let error = io::Error::from(error);
        match error.get_ref().and_then(|inner| inner.downcast_ref::<Refused>()) {
            Some(Refused::Deep) => Err(Problem::TooDeep(DEEPEST).at(line)),
            Some(Refused::Long) => Err(Problem::TooLong(PIECE).at(line)),
            None => Err(ResultFileError::Read(error)),
        }
    }
}

/// A list whose items are taken one by one as they come, each by a copy of one seed.
pub(super) struct Each<S>(pub(super) S);

impl<'de, S: DeserializeSeed<'de> + Copy> DeserializeSeed<'de> for Each<S> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, S: DeserializeSeed<'de> + Copy> Visitor<'de> for Each<S> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(self.0)?.is_some() {}
        Ok(())
    }
}
