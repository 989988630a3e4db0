//! Badges: one fact in a small picture, to stand in a wiki or a README.
//!
//! They are flat SVG that needs no font, script or style of anybody: how wide a text is comes from a table
//! of advance widths, and `textLength` holds the reader's own font to it.

use std::fmt::Write as _;

use crate::xml::escaped;

/// Advance widths of U+0020 to U+007E in Verdana, in thousandths of the font's size.
const WIDTHS: [u16; 95] = [
    352, 394, 459, 818, 636, 1076, 727, 269, 454, 454, 636, 818, 364, 454, 364, 454, 636, 636, 636,
    636, 636, 636, 636, 636, 636, 636, 454, 454, 818, 818, 818, 545, 1000, 684, 686, 698, 771, 632,
    575, 775, 751, 421, 455, 693, 557, 843, 748, 787, 603, 787, 695, 684, 616, 732, 684, 989, 685,
    615, 685, 454, 454, 454, 818, 636, 636, 601, 623, 521, 623, 596, 352, 623, 633, 274, 344, 592,
    274, 973, 633, 607, 623, 623, 427, 521, 394, 633, 592, 818, 592, 592, 525, 635, 454, 635, 818,
];
/// The width of what the table does not hold: about that of a capital, as in most scripts.
const OTHER: u16 = 700;
/// The width of a letter that fills a square: Han, Kana, Hangul, pictures.
const SQUARE: u16 = 1000;
/// Height of a letter, in pixels.
const SIZE: u64 = 11;
/// Pixels on each side of a text.
const PADDING: u64 = 6;
/// The longest text, in letters; names are cut to it.
const LONGEST: usize = 80;

/// What a badge says together with its words, by its colour. White text has a contrast of 4.5 and more
/// on each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// As it should be.
    Good,
    /// Somebody should look.
    Bad,
    /// Nobody knows.
    Unknown,
}

impl Tone {
    const fn colour(self) -> &'static str {
        match self {
            Self::Good => "#2a7a3f",
            Self::Bad => "#b3322b",
            Self::Unknown => "#6a6d73",
        }
    }
}

/// A badge: what it is about, and what is to be said of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Badge {
    /// What it is about.
    pub label: String,
    /// What is to be said.
    pub message: String,
    /// Whether that is good.
    pub tone: Tone,
}

impl Badge {
    /// The picture.
    #[must_use]
    pub fn svg(&self) -> String {
        let (label, message) = (shown(&self.label), shown(&self.message));
        let (left, right) = (width(&label), width(&message));
        let (split, whole) = (left + 2 * PADDING, left + right + 4 * PADDING);
        let title = escaped(&format!("{label}: {message}"));
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{whole}\" height=\"20\" \
             viewBox=\"0 0 {whole} 20\" role=\"img\" aria-label=\"{title}\"><title>{title}</title>\
             <clipPath id=\"r\"><rect width=\"{whole}\" height=\"20\" rx=\"3\"/></clipPath>\
             <g clip-path=\"url(#r)\"><rect width=\"{split}\" height=\"20\" fill=\"#3f4349\"/>\
             <rect x=\"{split}\" width=\"{}\" height=\"20\" fill=\"{}\"/></g>\
             <g fill=\"#fff\" font-family=\"Verdana,DejaVu Sans,Geneva,sans-serif\" font-size=\"{SIZE}\">",
            whole - split,
            self.tone.colour()
        );
        for (x, length, text) in [(PADDING, left, &label), (split + PADDING, right, &message)] {
            let text = escaped(text);
            let _ = write!(
                svg,
                "<text x=\"{x}\" y=\"14\" textLength=\"{length}\" \
                 lengthAdjust=\"spacingAndGlyphs\">{text}</text>"
            );
        }
        svg.push_str("</g></svg>\n");
        svg
    }
}

/// A text as a badge shows it: one line, not too long.
fn shown(text: &str) -> String {
    let mut letters = text.chars().filter(|c| !c.is_control());
    let mut shown: String = letters.by_ref().take(LONGEST).collect();
    if letters.next().is_some() {
        shown.pop();
        shown.push('…');
    }
    shown
}

/// How wide a text is, in whole pixels.
fn width(text: &str) -> u64 {
    let sum: u64 = text.chars().map(|letter| u64::from(advance(letter))).sum();
    (sum * SIZE).div_ceil(1000)
}

fn advance(letter: char) -> u16 {
    let known = u32::from(letter).checked_sub(0x20).and_then(|it| usize::try_from(it).ok());
    if let Some(width) = known.and_then(|it| WIDTHS.get(it)) {
        return *width;
    }
    match letter {
        // Marks that stand on the letter before, and signs that only direct a line.
        '\u{0300}'..='\u{036f}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' => 0,
        '\u{1100}'..='\u{115f}' | '\u{2e80}'..='\u{a4cf}' | '\u{ac00}'..='\u{d7a3}' => SQUARE,
        '\u{f900}'..='\u{faff}' | '\u{ff00}'..='\u{ff60}' | '\u{1f300}'..='\u{1faff}' => SQUARE,
        _ => OTHER,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_gets_the_room_that_it_needs() {
        assert_eq!(width(""), 0);
        // 4 x 274 and 4 x 973 thousandths of 11 pixels.
        assert_eq!((width("iiii"), width("mmmm")), (13, 43));
        assert_eq!(width("漢字"), 22);
        assert_eq!(width("e\u{301}"), width("e"));
        assert_eq!(shown(&"x".repeat(200)).chars().count(), LONGEST);
        assert_eq!(shown("a\nb"), "ab");
    }

    #[test]
    fn a_badge_says_in_words_what_its_colour_says() {
        let badge = Badge {
            label: "tests <v1>".to_owned(),
            message: "8 passed & 1 failed".to_owned(),
            tone: Tone::Bad,
        };
        let svg = badge.svg();
        let title = "tests &lt;v1&gt;: 8 passed &amp; 1 failed";
        assert!(svg.contains("role=\"img\""), "{svg}");
        assert!(svg.contains(&format!("<title>{title}</title>")), "{svg}");
        assert!(svg.contains(&format!("aria-label=\"{title}\"")), "{svg}");
        let whole = width("tests <v1>") + width("8 passed & 1 failed") + 4 * PADDING;
        assert!(svg.contains(&format!("viewBox=\"0 0 {whole} 20\"")), "{svg}");
    }
}
