//! What the editor sends: the text, the form beside it, and what is to be done with them.

use domain::recipe::form::{Group, Malformed, RecipeForm, Seen, from_fields};

/// What is to be done: the value of the button that was pressed (`do`), or of the script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Task {
    /// Save; what a form without a word of it asks.
    Save,
    /// Bring both in step; the text was typed into last.
    Text,
    /// Bring both in step; the form was typed into last.
    Form,
    /// Write the form's values into the text.
    Apply,
    /// Take the text's values into the form.
    Read,
    /// Add a row to a list.
    Add(Group),
    /// Take a row out of a list.
    Remove(Group, usize),
}

impl Task {
    fn of(word: &str) -> Option<Self> {
        let words: Vec<&str> = word.split('.').collect();
        Some(match words[..] {
            ["save" | ""] => Self::Save,
            ["text"] => Self::Text,
            ["form"] => Self::Form,
            ["apply"] => Self::Apply,
            ["read"] => Self::Read,
            ["add", group] => Self::Add(Group::of_word(group)?),
            ["remove", group, row] => Self::Remove(Group::of_word(group)?, row.parse().ok()?),
            _ => return None,
        })
    }

    /// The list that it concerns.
    pub(super) const fn group(self) -> Option<Group> {
        match self {
            Self::Add(group) | Self::Remove(group, _) => Some(group),
            Self::Save | Self::Text | Self::Form | Self::Apply | Self::Read => None,
        }
    }
}

/// The form beside the text, as it was sent.
pub(super) struct Filled {
    pub(super) values: RecipeForm,
    /// What form and text held when they were last in step.
    pub(super) seen: Seen,
}

/// What the editor sent.
pub(super) struct Sent {
    pub(super) task: Task,
    pub(super) name: String,
    pub(super) base: Option<u32>,
    pub(super) text: String,
    pub(super) message: String,
    /// `None` where a program sends a text alone.
    pub(super) filled: Option<Filled>,
}

impl Sent {
    /// Takes the fields apart; those that nobody knows are left alone, as those of any form.
    pub(super) fn of(fields: &[(String, String)]) -> Result<Self, Malformed> {
        const OWN: [&str; 6] = ["do", "name", "base", "text", "message", "seen"];
        let mut own = OWN.map(|_| None);
        for (name, value) in fields {
            if let Some(place) = OWN.iter().position(|known| known == name)
                && own[place].replace(value.clone()).is_some()
            {
                return Err(Malformed);
            }
        }
        let [task, name, base, text, message, seen] = own;
        let filled = match seen {
            None => None,
            Some(seen) => {
                let fields = fields.iter().map(|(name, value)| (name.as_str(), value.as_str()));
                Some(Filled { values: from_fields(fields)?, seen: seen.parse()? })
            }
        };
        Ok(Self {
            task: Task::of(&task.unwrap_or_default()).ok_or(Malformed)?,
            name: name.unwrap_or_default(),
            base: base.and_then(|base| base.parse().ok()),
            text: text.ok_or(Malformed)?,
            message: message.ok_or(Malformed)?,
            filled,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(fields: &[(&str, &str)]) -> Result<Sent, Malformed> {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Sent::of(&fields.iter().map(owned).collect::<Vec<_>>())
    }

    #[test]
    fn a_text_alone_is_saved() {
        let sent = sent(&[("text", "x"), ("message", "y"), ("base", "3"), ("colour", "red")]);
        let sent = sent.unwrap();
        assert_eq!((sent.task, sent.base), (Task::Save, Some(3)));
        assert!(sent.filled.is_none());
    }

    #[test]
    fn what_nobody_can_have_pressed_is_refused() {
        let with = |task| sent(&[("text", "x"), ("message", "y"), ("do", task)]).map(|it| it.task);
        assert_eq!(with("add.users"), Ok(Task::Add(Group::Users)));
        assert_eq!(with("remove.entries.2"), Ok(Task::Remove(Group::Entries, 2)));
        for task in ["x", "add", "add.x", "add.users.1", "remove.users", "remove.users.-1", "."] {
            assert_eq!(with(task), Err(Malformed), "{task}");
        }
        let (text, message) = (("text", "x"), ("message", "y"));
        for fields in [
            &[text][..],
            &[message],
            &[text, message, text],
            &[text, message, ("seen", "x")],
            &[text, message, ("do", ""), ("do", "")],
        ] {
            assert!(sent(fields).is_err(), "{fields:?}");
        }
    }
}
