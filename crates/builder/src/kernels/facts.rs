//! Small texts that our scripts leave: lines of a word and its value.

/// The value of a word, where a line has it.
pub(super) fn value<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    text.lines().find_map(|line| line.strip_prefix(word)?.strip_prefix(' ')).map(str::trim)
}
