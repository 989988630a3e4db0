//! What holds for any form and any text.

use proptest::{collection::vec, prelude::*, sample::select};

use super::{
    tests::{WRITTEN, sent},
    *,
};
use crate::recipe::starter;

/// Values as people type them, and as nobody does.
fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-z0-9/._ -]{0,12}",
        2 => "[a-c \n]{0,12}",
        1 => "[\"'\\\\\n\r\t #=\\[\\]{}]{0,10}",
        1 => any::<String>(),
    ]
}

fn rows(group: Group) -> impl Strategy<Value = Vec<Row>> {
    let count = if group.is_list() { 0..4_usize } else { 1..2 };
    let row = vec(value(), group.fields().len()).prop_map(move |values| {
        let mut values = values.into_iter();
        Row::new(group, |_| values.next().unwrap_or_default())
    });
    vec(row, count)
}

fn form() -> impl Strategy<Value = RecipeForm> {
    Group::ALL.map(rows).prop_map(RecipeForm)
}

/// A change as a person makes it in the form of some text.
#[derive(Debug, Clone)]
enum Typed {
    Value(Group, usize, usize, String),
    Add(Group),
    Remove(Group, usize),
    TakeLine(Group, usize, usize, usize),
    AddLine(Group, usize, usize, usize, String),
}

fn typed() -> impl Strategy<Value = Typed> {
    let group = || select(&Group::ALL[..]);
    let line = "[a-z][a-z0-9]{1,5}";
    prop_oneof![
        (group(), 0..3_usize, 0..5_usize, value())
            .prop_map(|(g, r, f, v)| Typed::Value(g, r, f, v)),
        group().prop_map(Typed::Add),
        (group(), 0..3_usize).prop_map(|(g, r)| Typed::Remove(g, r)),
        (group(), 0..3_usize, 0..5_usize, 0..4_usize)
            .prop_map(|(g, r, f, l)| Typed::TakeLine(g, r, f, l)),
        (group(), 0..3_usize, 0..5_usize, 0..4_usize, line)
            .prop_map(|(g, r, f, l, v)| Typed::AddLine(g, r, f, l, v)),
    ]
}

impl Typed {
    fn into(self, form: &mut RecipeForm) {
        let edit = |form: &mut RecipeForm,
                    group: Group,
                    row: usize,
                    field: usize,
                    edit: &dyn Fn(&mut Vec<String>)| {
            let Some(value) =
                form.rows_mut(group).get_mut(row).and_then(|row: &mut Row| row.0.get_mut(field))
            else {
                return;
            };
            let kind = group.fields()[field].kind;
            let mut items = if kind.is_list() { kind.items(value) } else { vec![value.clone()] };
            edit(&mut items);
            *value = kind.held(&items.join(if kind == Kind::Words { " " } else { "\n" }));
        };
        match self {
            Self::Add(group) => drop(form.add_row(group)),
            Self::Remove(group, row) => drop(form.remove_row(group, row)),
            Self::Value(group, row, field, value) => {
                edit(form, group, row, field, &|items| *items = vec![value.clone()]);
            }
            Self::TakeLine(group, row, field, line) => edit(form, group, row, field, &|items| {
                if line < items.len() {
                    items.remove(line);
                }
            }),
            Self::AddLine(group, row, field, line, value) => {
                edit(form, group, row, field, &|items| {
                    items.insert(line.min(items.len()), value.clone());
                });
            }
        }
    }
}

/// The lines of a text that are nothing but a comment.
fn comments(text: &str) -> Vec<&str> {
    text.lines().map(str::trim).filter(|line| line.starts_with('#')).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn any_form_reads_back_from_any_text(form in form(), text in select(&WRITTEN[..])) {
        let changed = apply(text, &form);
        // An unusual shape is told or changed; nothing is ever changed into something else.
        if let Err(fault) = &changed {
            prop_assert!(text == WRITTEN[5], "{fault} of\n{text}");
        }
        if let Ok(changed) = changed {
            prop_assert_eq!(read(&changed), Ok(form.clone()), "{}", changed);
            prop_assert_eq!(apply(&changed, &form), Ok(changed.clone()));
        }
        let changed = apply(starter(), &form).unwrap();
        prop_assert_eq!(read(&changed), Ok(form));
    }

    #[test]
    fn what_is_typed_reads_back_and_comments_survive(
        typed in vec(typed(), 1..6),
        text in select(vec![starter(), WRITTEN[2], WRITTEN[3], WRITTEN[4], WRITTEN[6]]),
    ) {
        let before = read(text).unwrap();
        let mut form = before.clone();
        for typed in typed {
            typed.into(&mut form);
        }
        let changed = apply(text, &form).unwrap();
        prop_assert_eq!(read(&changed).unwrap(), form.clone());
        let left = comments(&changed);
        // A comment in a list that went with its key, or in a table that went, is gone with it.
        let lists_stay = !form.value(Group::System, 0, "components").is_empty();
        for comment in comments(text).into_iter().filter(|it| it.contains("kept") && lists_stay) {
            prop_assert!(left.contains(&comment), "{comment} is gone from\n{changed}");
        }
        if text == starter() && form.rows(Group::Users).len() + form.rows(Group::Files).len() > 1 {
            let gone: Vec<_> =
                comments(text).into_iter().filter(|comment| !left.contains(comment)).collect();
            prop_assert!(gone.is_empty(), "{gone:?} are gone from\n{changed}");
        }
    }

    #[test]
    fn unchanged_values_leave_every_byte(text in ".*", lines in vec(select(
        WRITTEN.iter().flat_map(|text| text.lines()).collect::<Vec<_>>()
    ), 0..20)) {
        for text in [text, lines.join("\n"), lines.join("\r\n"), format!("\u{feff}{}", lines.join("\n"))] {
            if let Ok(form) = read(&text) {
                prop_assert_eq!(apply(&text, &form), Ok(text.clone()));
                let seen = Seen::of(&form);
                prop_assert_eq!(step(&seen, &form, &text, Latest::Unknown), Ok(text));
            }
        }
    }

    #[test]
    fn any_text_is_changed_as_asked_or_left(form in form(), lines in vec(select(
        WRITTEN.iter().flat_map(|text| text.lines()).collect::<Vec<_>>()
    ), 0..20)) {
        if let Ok(changed) = apply(&lines.join("\n"), &form) {
            prop_assert_eq!(read(&changed), Ok(form));
        }
    }

    #[test]
    fn what_a_page_sends_is_the_form(form in form()) {
        prop_assert_eq!(sent(&to_fields(&form)), Ok(form.clone()));
        // A browser sends line ends its own way.
        let windows: Vec<_> =
            to_fields(&form).into_iter().map(|(name, value)| (name, value.replace('\n', "\r\n"))).collect();
        prop_assert_eq!(sent(&windows), Ok(form));
    }

    #[test]
    fn steps_name_each_thing_once_in_order(
        old in vec("[a-d]{1,2}", 0..9), new in vec("[a-d]{1,2}", 0..9),
    ) {
        use super::pair::Step;
        let steps = super::pair::pair(&old, &new, |it| &it[..1]);
        let olds: Vec<usize> = steps.iter().filter_map(|step| match step {
            Step::Both(old, _) | Step::Gone(old) => Some(*old),
            Step::New(_) => None,
        }).collect();
        let news: Vec<usize> = steps.iter().filter_map(|step| match step {
            Step::Both(_, new) | Step::New(new) => Some(*new),
            Step::Gone(_) => None,
        }).collect();
        prop_assert_eq!(olds, (0..old.len()).collect::<Vec<_>>());
        prop_assert_eq!(news, (0..new.len()).collect::<Vec<_>>());
    }
}
