//! What a control of the form holds: always a text, as a browser would give it back unchanged.

/// What the control of a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// One line of text.
    Line,
    /// A whole number in one line.
    Number,
    /// Several lines of text.
    Block,
    /// A list of texts without spaces, in one line.
    Words,
    /// A list of texts, one per line.
    Lines,
    /// One of some words; the first where nothing is said.
    Choice(&'static [&'static str]),
}

impl Kind {
    /// `value` as its control holds it.
    ///
    /// Browsers take line ends out of a single line and write others their own way, and a page
    /// carries no NUL; a value must not seem changed because it has been through one.
    pub(in crate::recipe) fn held(self, value: &str) -> String {
        match self {
            Self::Line => value.replace(['\r', '\n', '\0'], ""),
            Self::Number => {
                let line = Self::Line.held(value.trim());
                line.parse::<i64>().map_or(line, |number| number.to_string())
            }
            Self::Block => super::super::normalised(value).replace('\0', ""),
            Self::Words => {
                let value = value.replace('\0', "");
                value.split_whitespace().collect::<Vec<_>>().join(" ")
            }
            Self::Lines => {
                let block = Self::Block.held(value);
                let lines = block.split('\n').map(str::trim).filter(|line| !line.is_empty());
                lines.collect::<Vec<_>>().join("\n")
            }
            Self::Choice(words) => {
                let line = Self::Line.held(value);
                if line.is_empty() {
                    words.first().map_or(line, |first| (*first).to_owned())
                } else {
                    line
                }
            }
        }
    }

    /// Whether it stands for a list in the text.
    pub(super) const fn is_list(self) -> bool {
        matches!(self, Self::Words | Self::Lines)
    }

    /// The texts of a list.
    pub(super) fn items(self, value: &str) -> Vec<String> {
        let separator = if self == Self::Words { ' ' } else { '\n' };
        value.split(separator).filter(|item| !item.is_empty()).map(str::to_owned).collect()
    }

    /// The control of a list that holds `items`.
    pub(super) fn joined(self, items: &[String]) -> String {
        items.join(if self == Self::Words { " " } else { "\n" })
    }

    /// An item as the control of the list holds it; `None` where it would become several there, or
    /// none, so that it can be changed in the text only.
    pub(super) fn item(self, item: &str) -> Option<String> {
        let item = item.trim();
        let splits = |c: char| match self {
            Self::Words => c.is_whitespace(),
            _ => matches!(c, '\n' | '\r'),
        };
        let fits = !item.is_empty() && !item.contains('\0') && !item.contains(splits);
        fits.then(|| item.to_owned())
    }

    /// Whether `value` is the same as saying nothing.
    pub(super) fn says_nothing(self, value: &str) -> bool {
        value.is_empty() || matches!(self, Self::Choice([first, ..]) if value == *first)
    }
}
