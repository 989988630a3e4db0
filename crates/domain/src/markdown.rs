//! Markdown that people post: what others wrote becomes no mark in it.

/// A text in a cell or a line: what a runner wrote must become no mark, no tag and no second line.
#[must_use]
pub fn cell(text: &str) -> String {
    let mut cell = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '~' | '&' | '@' => {
                cell.extend(['\\', letter]);
            }
            control if control.is_control() => cell.push(' '),
            other => cell.push(other),
        }
    }
    cell
}

/// Plain text of several lines between headings of ours: its lists stay lists, and nothing in it
/// becomes a heading, a tag or a mention.
#[must_use]
pub fn prose(text: &str) -> String {
    let mut prose = String::with_capacity(text.len());
    for line in text.lines() {
        // `===` and `---` below a line would make a heading of it.
        let bare = line.trim();
        let rule = !bare.is_empty() && bare.chars().all(|c| matches!(c, '=' | '-'));
        if line.trim_start().starts_with(['#', '`', '~']) || rule {
            prose.push('\\');
        }
        for letter in line.chars().filter(|c| !c.is_control()) {
            if matches!(letter, '<' | '&' | '@' | '|') {
                prose.push('\\');
            }
            prose.push(letter);
        }
        prose.push('\n');
    }
    prose
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_stays_one_cell() {
        assert_eq!(cell("a|b\n<i>"), "a\\|b \\<i\\>");
        assert_eq!(cell("@all *x*"), "\\@all \\*x\\*");
    }

    #[test]
    fn prose_keeps_its_lists_and_makes_no_heading() {
        assert_eq!(
            prose("- new kernel\n# not mine\n---\n<b> @all"),
            "- new kernel\n\\# not mine\n\\---\n\\<b> \\@all\n"
        );
    }
}
