//! Texts of foreign files, bounded while they come: a file may hold a line of a hundred megabytes.

use std::borrow::Cow;

/// The most characters of an id.
pub(super) const ID: usize = 500;
/// The most characters of a title, and of the name of a suite or a tag.
pub(super) const TITLE: usize = 1000;
/// The most bytes of a message, and of an excerpt of a log.
pub(super) const MESSAGE: usize = 16 * 1024;
/// What ends a text that was cut.
const CUT: &str = "\n… (cut)";

/// A text of one line: newlines become spaces, other control characters U+FFFD.
pub(super) fn one_line(text: &str, most: usize) -> String {
    let mut line = String::with_capacity(text.len().min(most));
    let mut before = ' ';
    for character in text.trim().chars().take(most) {
        match character {
            '\n' if before == '\r' => {}
            '\n' | '\r' => line.push(' '),
            '\t' => line.push('\t'),
            other if other.is_control() => line.push(char::REPLACEMENT_CHARACTER),
            other => line.push(other),
        }
        before = character;
    }
    line.truncate(line.trim_end().len());
    line
}

/// A text of several lines, without what a database cannot hold, at the most [`MESSAGE`] bytes.
pub(super) fn block(text: &str) -> String {
    let mut head = Head::default();
    head.push(text);
    head.finish()
}

/// The byte up to which `text` can be cut so that at the most `most` bytes remain.
fn boundary(text: &str, most: usize) -> usize {
    text.floor_char_boundary(most.min(text.len()))
}

/// The beginning of a text that comes in pieces.
#[derive(Debug, Default)]
pub(super) struct Head {
    text: String,
    cut: bool,
}

impl Head {
    /// The next piece.
    pub(super) fn push(&mut self, piece: &str) {
        if !self.cut {
            let kept = &piece[..boundary(piece, (MESSAGE + 1).saturating_sub(self.text.len()))];
            self.text.push_str(kept);
            self.cut = kept.len() < piece.len() || self.text.len() > MESSAGE;
        }
    }

    /// Whether only white space came.
    pub(super) fn is_blank(&self) -> bool {
        self.text.trim().is_empty()
    }

    /// What came so far.
    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    /// The text; one that was cut says so.
    pub(super) fn finish(self) -> String {
        let Self { text, cut } = self;
        let clean = tidy(&text);
        let trimmed = clean.trim_end().trim_start_matches('\n');
        if cut || trimmed.len() > MESSAGE {
            return format!("{}{CUT}", &trimmed[..boundary(trimmed, MESSAGE - CUT.len())]);
        }
        trimmed.to_owned()
    }
}

fn tidy(text: &str) -> Cow<'_, str> {
    if text.contains(['\0', '\r']) {
        let lines = text.replace("\r\n", "\n").replace('\r', "\n");
        Cow::Owned(lines.replace('\0', "\u{fffd}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// The end of a text that comes in pieces.
#[derive(Debug, Default)]
pub(super) struct Tail {
    text: String,
    cut: bool,
}

impl Tail {
    const MOST: usize = MESSAGE - 64;

    /// The next piece.
    pub(super) fn push(&mut self, piece: &str) {
        self.text
            .push_str(&piece[piece.ceil_char_boundary(piece.len().saturating_sub(Self::MOST))..]);
        if self.text.len() > 2 * Self::MOST {
            self.trim(Self::MOST);
        }
    }

    /// The next line.
    pub(super) fn line(&mut self, line: &str) {
        self.push(line);
        self.push("\n");
    }

    fn trim(&mut self, most: usize) {
        if self.text.len() > most {
            let from = self.text.ceil_char_boundary(self.text.len() - most);
            self.text.drain(..from);
            self.cut = true;
        }
    }

    /// At the most so many bytes of the end; what was cut off is said in front.
    pub(super) fn finish(mut self, most: usize) -> String {
        self.trim(most.min(Self::MOST));
        let text = tidy(self.text.trim_matches('\n')).into_owned();
        if self.cut && !text.is_empty() { format!("(cut) …\n{text}") } else { text }
    }
}

/// A log of which the surroundings of its first error are kept.
#[derive(Debug, Default)]
pub(super) struct Excerpt {
    before: Tail,
    /// From the first error on.
    after: Option<Head>,
}

impl Excerpt {
    /// The next message of the log.
    pub(super) fn line(&mut self, line: &str, is_error: bool) {
        if self.after.is_none() && is_error {
            self.after = Some(Head::default());
        }
        match &mut self.after {
            Some(after) => {
                after.push(line);
                after.push("\n");
            }
            None => self.before.line(line),
        }
    }

    /// From the first error on at the most half, and the rest of what came before; where no error came,
    /// the end.
    pub(super) fn finish(self) -> String {
        let Some(after) = self.after else {
            return self.before.finish(MESSAGE);
        };
        let mut after = after.finish();
        if after.len() > MESSAGE / 2 {
            after.truncate(boundary(&after, MESSAGE / 2));
            after.push_str(CUT);
        }
        let before = self.before.finish(MESSAGE - 64 - after.len());
        if before.is_empty() { after } else { format!("{before}\n{after}") }
    }
}

/// HTML as loggers write it, reduced to what is read: tags go, breaks become newlines.
pub(super) fn html_to_text(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(at) = rest.find(['<', '&']) {
        text.push_str(&rest[..at]);
        rest = &rest[at..];
        let taken =
            if rest.starts_with('<') { tag(rest, &mut text) } else { entity(rest, &mut text) };
        rest = &rest[taken..];
    }
    text.push_str(rest);
    text
}

/// Takes a tag off the front: how long it is.
fn tag(rest: &str, text: &mut String) -> usize {
    let name: String =
        rest[1..].trim_start_matches('/').chars().take_while(char::is_ascii_alphanumeric).collect();
    // What is longer than any tag is none, and need not be looked through.
    let end = rest.bytes().take(1000).position(|byte| byte == b'>');
    let Some(end) = end.filter(|_| !name.is_empty()) else {
        text.push('<');
        return 1;
    };
    let breaks = ["br", "p", "hr", "tr", "li", "div", "pre"].contains(&&*name.to_ascii_lowercase());
    if breaks && !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    end + 1
}

/// Takes a name of a character off the front: how long it is.
fn entity(rest: &str, text: &mut String) -> usize {
    // The longest names of characters that are written are shorter than this.
    let end = rest.bytes().take(12).position(|byte| byte == b';');
    let character = end.and_then(|end| match &rest[1..end] {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        "nbsp" => Some(' '),
        name => {
            let digits = name.strip_prefix('#')?;
            let number = match digits.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16),
                None => digits.parse(),
            };
            char::from_u32(number.ok()?)
        }
    });
    text.push(character.unwrap_or('&'));
    end.filter(|_| character.is_some()).map_or(1, |end| end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_one_line_without_control_characters() {
        assert_eq!(
            one_line(" a\r\nb\nc\0d\te\u{1b}<script>\u{202e} ", 500),
            "a b c\u{fffd}d\te\u{fffd}<script>\u{202e}"
        );
        assert_eq!(one_line(&"é".repeat(600), ID).chars().count(), ID);
    }

    #[test]
    fn long_texts_say_that_they_were_cut_and_are_cut_once() {
        let long = "é".repeat(MESSAGE);
        let cut = block(&long);
        assert!(cut.len() <= MESSAGE && cut.ends_with("(cut)"));
        assert_eq!(block(&cut), cut);
        let odd = format!("\n\r\r\n a\0{}\r\n", "\r\r\n".repeat(MESSAGE));
        assert_eq!(block(&block(&odd)), block(&odd));
        assert_eq!(block("\n a\r\nb\rc\0 \n"), " a\nb\nc\u{fffd}");
        let whole = "x".repeat(MESSAGE);
        assert_eq!(block(&whole), whole);
    }

    #[test]
    fn an_excerpt_is_around_the_first_error() {
        let mut log = Excerpt::default();
        for number in 0..5000 {
            log.line(&format!("line {number}"), number == 2500 || number == 4000);
        }
        let text = log.finish();
        assert!(text.len() <= MESSAGE, "{}", text.len());
        assert!(text.contains("line 2499\nline 2500\nline 2501"));
        assert!(text.starts_with("(cut)") && !text.contains("line 4000"));
    }

    #[test]
    fn html_is_reduced_to_its_text() {
        assert_eq!(
            html_to_text("<b>a</b> &lt;x&gt;&#233;&nbsp;b<br>c &bogus; 1 < 2 <"),
            "a <x>é b\nc &bogus; 1 < 2 <"
        );
    }
}
