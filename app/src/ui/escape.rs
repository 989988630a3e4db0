//! Text as it stands in HTML that is written as text.

use std::borrow::Cow;

/// `text` in content or in an attribute between `"`.
#[must_use]
pub fn escaped(text: &str) -> Cow<'_, str> {
    // All of these are one byte each, and bytes are quicker to look at than characters.
    if !text.bytes().any(|it| matches!(it, b'&' | b'<' | b'>' | b'"' | b'\'')) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    Cow::Owned(escaped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_ends_what_it_stands_in() {
        assert_eq!(escaped("<b a=\"x\" c='y'>&"), "&lt;b a=&quot;x&quot; c=&#39;y&#39;&gt;&amp;");
        assert!(matches!(escaped("XEN1.2 works"), Cow::Borrowed(_)));
    }
}
