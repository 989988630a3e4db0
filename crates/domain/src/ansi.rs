//! Log lines with ANSI sequences, as styled spans for pages.
//!
//! Colours and weight (SGR, ECMA-48 §8.3.117) become classes; every other sequence is dropped, so
//! that nothing a program or a machine wrote can act in the browser. Any text is taken: a broken
//! sequence ends where it stops making sense.

use serde::{Deserialize, Serialize};

/// A stretch of a line in one style.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// How it looks.
    pub style: Style,
    /// What it says, without sequences and control characters.
    pub text: String,
}

/// How a stretch looks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Style {
    /// Colour of the letters: 0 to 7 normal, 8 to 15 bright; `None` for the page's own.
    pub foreground: Option<u8>,
    /// Colour behind them, likewise.
    pub background: Option<u8>,
    /// Bold.
    pub bold: bool,
    /// Faint.
    pub dim: bool,
    /// Italic.
    pub italic: bool,
    /// Underlined.
    pub underline: bool,
}

impl Style {
    /// The classes that the style sheet knows: `fg1 bold`, say; empty for plain text.
    #[must_use]
    pub fn classes(self) -> String {
        let mut classes = Vec::new();
        if let Some(colour) = self.foreground {
            classes.push(format!("fg{colour}"));
        }
        if let Some(colour) = self.background {
            classes.push(format!("bg{colour}"));
        }
        let flags = [
            (self.bold, "bold"),
            (self.dim, "dim"),
            (self.italic, "italic"),
            (self.underline, "underline"),
        ];
        classes.extend(flags.into_iter().filter(|(on, _)| *on).map(|(_, name)| name.to_owned()));
        classes.join(" ")
    }
}

/// The spans of one line. A style does not reach over the end of a line: what is shown of a log
/// may begin anywhere.
#[must_use]
pub fn spans(line: &str) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    let mut style = Style::default();
    let mut text = String::new();
    let mut rest = after_overwriting(line);
    while let Some(c) = rest.chars().next() {
        if c == '\u{1b}' {
            let (sequence, after) = sequence(&rest[1..]);
            if let Some(parameters) = sequence {
                let next = changed(style, parameters);
                if next != style && !text.is_empty() {
                    spans.push(Span { style, text: std::mem::take(&mut text) });
                }
                style = next;
            }
            rest = after;
            continue;
        }
        if c == '\t' || !c.is_control() {
            text.push(c);
        }
        rest = &rest[c.len_utf8()..];
    }
    if !text.is_empty() {
        spans.push(Span { style, text });
    }
    spans
}

/// The words of a line alone.
#[must_use]
pub fn plain(line: &str) -> String {
    spans(line).into_iter().map(|span| span.text).collect()
}

/// Programs draw progress by going back to the start of the line: its last state counts.
fn after_overwriting(line: &str) -> &str {
    line.trim_end_matches('\r').rsplit('\r').next().unwrap_or_default()
}

/// Reads a sequence after its escape character: the parameters, where it is a change of style, and
/// what comes after it.
fn sequence(text: &str) -> (Option<&str>, &str) {
    match text.chars().next() {
        // Control sequence: parameters and intermediates, then one final character.
        Some('[') => {
            let body = &text[1..];
            let end = body.find(|c: char| !matches!(c, ' '..='?'));
            match end.and_then(|end| body[end..].chars().next().map(|last| (end, last))) {
                Some((end, 'm')) => (Some(&body[..end]), &body[end + 1..]),
                Some((end, '@'..='~')) => (None, &body[end + 1..]),
                Some((end, _)) => (None, &body[end..]),
                None => (None, ""),
            }
        }
        // A string for the terminal (title, link): up to BEL or ESC \, else to the end of the line.
        Some(']' | 'P' | 'X' | '^' | '_') => {
            let body = &text[1..];
            let bell = body.find('\u{7}').map(|at| (at, 1));
            let terminator = body.find("\u{1b}\\").map(|at| (at, 2));
            let end = match (bell, terminator) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            };
            (None, end.map_or("", |(at, length)| &body[at + length..]))
        }
        // Two or three characters, such as a choice of character set.
        Some(' '..='/') => {
            let end = text.find(|c: char| !matches!(c, ' '..='/')).unwrap_or(text.len());
            let last = text[end..].chars().next().map_or(0, char::len_utf8);
            (None, &text[end + last..])
        }
        Some('0'..='~') => (None, &text[1..]),
        Some(_) | None => (None, text),
    }
}

/// The style after a change; parameters that are not understood change nothing.
fn changed(mut style: Style, parameters: &str) -> Style {
    let mut codes = parameters.split([';', ':']).map(|code| match code {
        "" => Some(0),
        code => code.parse::<u16>().ok(),
    });
    while let Some(code) = codes.next() {
        match code {
            Some(0) => style = Style::default(),
            Some(1) => style.bold = true,
            Some(2) => style.dim = true,
            Some(3) => style.italic = true,
            Some(4) => style.underline = true,
            Some(22) => (style.bold, style.dim) = (false, false),
            Some(23) => style.italic = false,
            Some(24) => style.underline = false,
            Some(code @ 30..=37) => style.foreground = index(code, 30),
            Some(38) => style.foreground = palette(&mut codes),
            Some(39) => style.foreground = None,
            Some(code @ 40..=47) => style.background = index(code, 40),
            Some(48) => style.background = palette(&mut codes),
            Some(49) => style.background = None,
            Some(code @ 90..=97) => style.foreground = index(code, 82),
            Some(code @ 100..=107) => style.background = index(code, 92),
            Some(_) | None => {}
        }
    }
    style
}

fn index(code: u16, base: u16) -> Option<u8> {
    u8::try_from(code - base).ok()
}

/// A colour of the larger palettes, as the nearest of the sixteen that pages have in both themes.
fn palette(codes: &mut dyn Iterator<Item = Option<u16>>) -> Option<u8> {
    let mut next = || codes.next().flatten();
    match next()? {
        5 => {
            let colour = next()?;
            match colour {
                0..=15 => u8::try_from(colour).ok(),
                16..=231 => {
                    let colour = colour - 16;
                    Some(nearest(colour / 36 * 51, colour / 6 % 6 * 51, colour % 6 * 51))
                }
                232..=255 => {
                    let grey = 8 + (colour - 232) * 10;
                    Some(nearest(grey, grey, grey))
                }
                256.. => None,
            }
        }
        2 => Some(nearest(next()?, next()?, next()?)),
        _ => None,
    }
}

fn nearest(red: u16, green: u16, blue: u16) -> u8 {
    let brightest = red.max(green).max(blue);
    let bit = |level: u16, bit: u8| {
        if brightest > 60 && u32::from(level) * 2 > u32::from(brightest) { bit } else { 0 }
    };
    let colour = bit(red, 1) | bit(green, 2) | bit(blue, 4);
    if brightest > 200 { colour + 8 } else { colour }
}

/// Whether a line looks like the report of an error: where "first error" jumps to.
///
/// A word counts where it begins a message or stands by itself in front of one ("E:", "error:",
/// "fatal:", "FAILED"), not inside names and counts ("0 errors", "liberror-perl").
#[must_use]
pub fn is_error_line(text: &str) -> bool {
    let plain = plain(text);
    let line = plain.trim_start();
    if ["E: ", "Traceback (most recent call last)", "Kernel panic", "bootwright: FAILED"]
        .iter()
        .any(|start| line.starts_with(start))
        || line.contains("Kernel panic - not syncing")
        || line.contains("make: *** ")
        || line.contains("No space left on device")
    {
        return true;
    }
    let lower = line.to_lowercase();
    ["error", "fatal", "failed", "fatal error"].iter().any(|word| says(&lower, word))
}

/// `word` stands by itself in front of a colon, or the line begins with it.
fn says(line: &str, word: &str) -> bool {
    let begins = line.strip_prefix(word).is_some_and(|rest| {
        rest.is_empty() || rest.starts_with([':', '!']) || rest.starts_with(" to ")
    });
    let in_front_of_a_message = line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = &line[at + word.len()..];
        before.is_none_or(|c| matches!(c, ' ' | '[' | ':' | '*' | '(')) && after.starts_with(':')
    });
    begins || in_front_of_a_message
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn styled(line: &str) -> Vec<(String, String)> {
        spans(line).into_iter().map(|span| (span.style.classes(), span.text)).collect()
    }

    fn pair(classes: &str, text: &str) -> (String, String) {
        (classes.to_owned(), text.to_owned())
    }

    #[test]
    fn colours_and_weight_become_classes() {
        assert_eq!(styled("plain"), [pair("", "plain")]);
        assert_eq!(
            styled("a\u{1b}[1;31merr\u{1b}[0m b\u{1b}[92mg\u{1b}[mz"),
            [
                pair("", "a"),
                pair("fg1 bold", "err"),
                pair("", " b"),
                pair("fg10", "g"),
                pair("", "z")
            ]
        );
        assert_eq!(
            styled("\u{1b}[38;5;196mx\u{1b}[48;2;0;0;90my"),
            [pair("fg9", "x"), pair("fg9 bg4", "y")]
        );
        assert_eq!(styled("\u{1b}[38;5mx"), [pair("", "x")]);
    }

    #[test]
    fn other_sequences_are_dropped() {
        assert_eq!(plain("\u{1b}[2K\u{1b}[1Gdone"), "done");
        assert_eq!(plain("\u{1b}]0;title\u{7}x\u{1b}]8;;https://e\u{1b}\\y"), "xy");
        assert_eq!(plain("\u{1b}(Bx\u{1b}7y\u{1b}=z"), "xyz");
        assert_eq!(plain("10%\r50%\r100%\r"), "100%");
        assert_eq!(plain("a\u{7}b\u{0}c\td"), "abc\td");
        assert_eq!(plain("cut\u{1b}[3"), "cut");
        assert_eq!(plain("cut\u{1b}"), "cut");
        assert_eq!(plain("\u{1b}[31ä"), "ä");
    }

    #[test]
    fn lines_that_report_an_error_are_found() {
        for line in [
            "E: Unable to locate package foo",
            "\u{1b}[31merror:\u{1b}[0m no such file",
            "dpkg: error: requested operation requires superuser",
            "make: *** [Makefile:12: all] Error 2",
            "fatal error: linux/types.h: No such file",
            "[  3.1] Kernel panic - not syncing: VFS",
            "ERROR: the build failed",
            "Failed to start networkd",
            "tar: write error: No space left on device",
            "bootwright: FAILED product the digest differs",
        ] {
            assert!(is_error_line(line), "{line}");
        }
        for line in [
            "0 errors, 0 warnings",
            "Setting up liberror-perl (0.17029-2) ...",
            "Unpacking failed-units",
            "WE: x",
            "errors=remount-ro",
            "",
            "no error",
        ] {
            assert!(!is_error_line(line), "{line}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_taken_and_nothing_dangerous_comes_out(line in any::<String>()) {
            let plain = plain(&line);
            prop_assert!(!plain.chars().any(|c| c.is_control() && c != '\t'));
            let _ = is_error_line(&line);
        }

        #[test]
        fn sequences_of_any_form_are_taken(line in "([a-z\u{1b}\\[\\]0-9;:mKäP\\\\\u{7} (]){0,40}") {
            for span in spans(&line) {
                prop_assert!(!span.text.is_empty());
                let escape = span.text.contains('\u{1b}');
                prop_assert!(!escape);
                prop_assert!(span.style.foreground.is_none_or(|colour| colour < 16));
                prop_assert!(span.style.background.is_none_or(|colour| colour < 16));
            }
        }

        #[test]
        fn text_without_sequences_is_kept(line in "[ -~äöüß→]{0,60}") {
            prop_assert_eq!(plain(&line), line);
        }
    }
}
