//! XML in pieces, as far as runners write it: elements, attributes, text.
//!
//! Document types are refused, so no entity can grow, and a file that ends in the middle is no error
//! here: an aborted run leaves such files, and what is whole of them counts.

use std::{borrow::Cow, io::BufRead};

use quick_xml::{
    Reader, XmlVersion,
    errors::IllFormedError,
    escape::resolve_predefined_entity,
    events::{BytesStart, Event},
};

use super::{Problem, ResultFileError, input::Counted, problem::CutShort};

/// The most elements within each other: Robot Framework stops at a hundred keywords.
const DEEPEST: usize = 512;
/// The most bytes of the name of an element: the names of those that are open are held.
const NAME: usize = 256;

/// A file of XML that is read from its beginning to its end.
pub(super) struct XmlFile<R> {
    reader: Reader<Counted<R>>,
    buffer: Vec<u8>,
    depth: usize,
    begun: bool,
}

/// What comes next.
pub(super) enum Piece<'a> {
    /// An element begins.
    Open(Tag<'a>),
    /// A part of the text of an element: there may be several.
    Text(Cow<'a, str>),
    /// The innermost element ends.
    Close,
    /// The file ends, in the middle or where it should.
    End(Option<CutShort>),
}

/// The beginning of an element.
pub(super) struct Tag<'a> {
    start: BytesStart<'a>,
    line: u64,
}

impl Tag<'_> {
    /// Its name.
    pub(super) fn name(&self) -> &str {
        self.start.name().into_inner()
    }

    /// An attribute of it.
    pub(super) fn attribute(&self, name: &str) -> Result<Option<String>, ResultFileError> {
        // Two of one name are not looked for: that takes the square of their number.
        for attribute in self.start.attributes().with_checks(false) {
            let attribute =
                attribute.map_err(|error| Problem::Xml(error.to_string()).at(self.line))?;
            if attribute.key.into_inner() == name {
                let value = attribute.normalized_value(XmlVersion::Implicit1_0);
                let value = value.map_err(|error| Problem::Xml(error.to_string()).at(self.line))?;
                return Ok(Some(value.into_owned()));
            }
        }
        Ok(None)
    }
}

impl<R: BufRead> XmlFile<R> {
    /// Reads from the first byte.
    pub(super) fn new(input: R) -> Self {
        let mut reader = Reader::from_reader(Counted::new(input));
        reader.config_mut().expand_empty_elements = true;
        Self { reader, buffer: Vec::new(), depth: 0, begun: false }
    }

    /// The line that is being read.
    pub(super) fn line(&self) -> u64 {
        self.reader.get_ref().line()
    }

    /// The next piece.
    pub(super) fn next(&mut self) -> Result<Piece<'_>, ResultFileError> {
        loop {
            self.buffer.clear();
            self.reader.get_mut().next_piece();
            let event = match self.reader.read_event_into(&mut self.buffer) {
                Ok(event) => event.into_owned(),
                Err(error) => return self.broken(error),
            };
            let line = self.line();
            match event {
                Event::Start(start) => {
                    if self.depth == 0 && self.begun {
                        return Err(Problem::Xml("a second document begins".to_owned()).at(line));
                    }
                    if start.name().into_inner().len() > NAME {
                        return Err(
                            Problem::Xml("no element has so long a name".to_owned()).at(line)
                        );
                    }
                    self.begun = true;
                    self.depth += 1;
                    if self.depth > DEEPEST {
                        return Err(Problem::TooDeep(DEEPEST).at(line));
                    }
                    return Ok(Piece::Open(Tag { start, line }));
                }
                Event::End(_) => {
                    self.depth = self.depth.saturating_sub(1);
                    return Ok(Piece::Close);
                }
                Event::Text(text) => {
                    return Ok(Piece::Text(Cow::Owned(text.xml10_content().into_owned())));
                }
                Event::CData(text) => {
                    return Ok(Piece::Text(Cow::Owned(text.xml10_content().into_owned())));
                }
                Event::GeneralRef(name) => {
                    let text = reference(&name, line)?;
                    return Ok(Piece::Text(Cow::Owned(text)));
                }
                Event::DocType(_) => return Err(Problem::DocumentType.at(line)),
                Event::Decl(declaration) => {
                    if let Some(Ok(encoding)) = declaration.encoding()
                        && !["utf-8", "utf8", "us-ascii", "ascii"]
                            .contains(&&*encoding.to_ascii_lowercase())
                    {
                        return Err(Problem::Encoding(encoding.into_owned()).at(line));
                    }
                }
                Event::Eof => return Ok(Piece::End((self.depth > 0).then_some(CutShort { line }))),
                Event::Empty(_) | Event::Comment(_) | Event::PI(_) => {}
            }
        }
    }

    /// A fault at the very end is the end of an aborted run, unless an element is closed that is not open.
    fn broken(&mut self, error: quick_xml::Error) -> Result<Piece<'_>, ResultFileError> {
        use quick_xml::Error;
        let line = self.line();
        let ends_wrongly = matches!(
            &error,
            Error::IllFormed(
                IllFormedError::MismatchedEndTag { .. } | IllFormedError::UnmatchedEndTag(_)
            )
        );
        let at_end = self.reader.get_mut().fill_buf().is_ok_and(<[u8]>::is_empty);
        match error {
            Error::Io(error) => {
                let error = std::io::Error::new(error.kind(), error.to_string());
                Err(self.reader.get_ref().failure(error))
            }
            _ if at_end && !ends_wrongly && self.depth > 0 => {
                Ok(Piece::End(Some(CutShort { line })))
            }
            Error::Encoding(_) => Err(Problem::NotUtf8.at(line)),
            other => Err(Problem::Xml(other.to_string()).at(line)),
        }
    }
}

/// The text that a reference stands for; characters that XML does not have are U+FFFD.
fn reference(name: &quick_xml::events::BytesRef<'_>, line: u64) -> Result<String, ResultFileError> {
    if name.is_char_ref() {
        let character =
            name.resolve_char_ref().ok().flatten().unwrap_or(char::REPLACEMENT_CHARACTER);
        return Ok(character.to_string());
    }
    match resolve_predefined_entity(name) {
        Some(text) => Ok(text.to_owned()),
        None => Err(Problem::Entity(super::text::one_line(name, 40)).at(line)),
    }
}
