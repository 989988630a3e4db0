//! Text within XML: names and messages come from anywhere, and become no mark in what we write.

/// A text within an element or an attribute. What XML 1.0 cannot hold at all is left out.
#[must_use]
pub fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\t' | '\n' | '\r' => escaped.push(letter),
            '\u{fffe}' | '\u{ffff}' => {}
            control if control < ' ' => {}
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_becomes_a_mark_or_breaks_the_document() {
        assert_eq!(escaped("<a b='\"'>&\0\u{1b}x\u{ffff}"), "&lt;a b=&#39;&quot;&#39;&gt;&amp;x");
        assert_eq!(escaped("two\nlines"), "two\nlines");
    }
}
