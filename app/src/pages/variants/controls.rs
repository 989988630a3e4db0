//! Fields of the compose form: each with its label, its control, and a place for what is wrong.
//!
//! A field is named as its place in a definition, and so is its id. What changes while somebody types
//! elsewhere stands in an element with `data-shown` (`islands/fields.rs`).

use leptos::prelude::*;

use crate::{
    api::variants::{Row, VariantForm},
    ui::raw,
};

/// A field by what does not depend on what is in it.
pub(super) struct Field {
    /// The key in its row.
    pub(super) key: &'static str,
    pub(super) label: &'static str,
    pub(super) example: &'static str,
    pub(super) hint: &'static str,
}

/// A field without a hint.
pub(super) const fn field(key: &'static str, label: &'static str, example: &'static str) -> Field {
    Field { key, label, example, hint: "" }
}

/// A row of the form, or what stands outside of rows.
pub(super) struct Place<'a> {
    pub(super) form: &'a VariantForm,
    pub(super) row: &'a Row,
    /// What stands before the key in the names of its fields: `files.0.`.
    pub(super) before: String,
}

impl<'a> Place<'a> {
    /// What stands outside of rows.
    pub(super) fn single(form: &'a VariantForm) -> Self {
        Self { form, row: &form.single, before: String::new() }
    }

    pub(super) fn name(&self, key: &str) -> String {
        format!("{}{key}", self.before)
    }

    /// A line to type; `list` names what it may be chosen from.
    pub(super) fn line(&self, field: &Field, list: Option<&'static str>) -> AnyView {
        let name = self.name(field.key);
        let control = view! {
            <input id=name.clone() name=name.clone() value=self.row.raw(field.key).to_owned() placeholder=example(field) list=list
                autocomplete="off" autocapitalize="off" spellcheck="false" aria-describedby=about_id(&name)/>
        };
        self.framed(field, control.into_any())
    }

    /// Several lines to type.
    pub(super) fn area(&self, field: &Field, least: usize) -> AnyView {
        let name = self.name(field.key);
        let value = self.row.raw(field.key);
        let rows = (value.split('\n').count() + 1).clamp(least, 20).to_string();
        let control = view! {
            <textarea id=name.clone() name=name.clone() rows=rows placeholder=example(field) wrap="off"
                autocomplete="off" autocapitalize="off" spellcheck="false" aria-describedby=about_id(&name)>{raw(value)}</textarea>
        };
        self.framed(field, control.into_any())
    }

    /// A word to choose, each with how it reads.
    pub(super) fn choice(&self, field: &Field, words: Vec<(String, String)>) -> AnyView {
        let name = self.name(field.key);
        let value = self.row.text(field.key);
        // What is not offered is still what the form holds.
        let unknown = (!words.iter().any(|(word, _)| word == value))
            .then(|| (value.to_owned(), value.to_owned()));
        let options: Vec<_> = unknown
            .into_iter()
            .chain(words)
            .map(|(word, reads)| {
                view! { <option value=word.clone() selected=word == value>{reads}</option> }
            })
            .collect();
        let control = view! { <select id=name.clone() name=name.clone() aria-describedby=about_id(&name)>{options}</select> };
        self.framed(field, control.into_any())
    }

    /// Files to choose, below what was uploaded before, each to keep or not.
    pub(super) fn upload(&self, field: &Field, several: bool) -> AnyView {
        let name = self.name(field.key);
        let kept_name = format!("kept.{name}");
        let kept: Vec<_> = self
            .row
            .uploaded(field.key)
            .iter()
            .map(|file| {
                let value = format!("{} {}", file.sha256, file.name);
                view! {
                    <label class="choice">
                        <input type="checkbox" name=kept_name.clone() value=value checked/>
                        <span><code>{file.name.clone()}</code>" "<span class="quiet">{format!("uploaded, SHA-256 {}", file.sha256.short())}</span></span>
                    </label>
                }
            })
            .collect();
        let control = view! { <input id=name.clone() r#type="file" name=name.clone() multiple=several aria-describedby=about_id(&name)/> };
        view! { {kept}{self.framed(field, control.into_any())} }.into_any()
    }

    fn framed(&self, field: &Field, control: AnyView) -> AnyView {
        let name = self.name(field.key);
        let class = if field.hint.is_empty() { "about bare" } else { "about" };
        view! {
            <div class="field">
                <label for=name.clone()>{field.label}</label>
                {control}
                <p class=class id=about_id(&name)>
                    <span class="wrong" data-shown="">{self.form.fault(&name)}</span>" "{field.hint}
                </p>
            </div>
        }
        .into_any()
    }
}

fn about_id(name: &str) -> String {
    format!("{name}-about")
}

fn example(field: &Field) -> Option<&'static str> {
    Some(field.example).filter(|example| !example.is_empty())
}

/// A section of the form: a line that says what is in it, and the fields.
pub(super) fn part(
    word: &'static str,
    title: &'static str,
    about: String,
    open: bool,
    content: AnyView,
) -> AnyView {
    view! {
        <details class="part" data-part=word id=format!("form-{word}") open=open>
            <summary>{title}" "<span class="about" data-shown="">{about}</span></summary>
            <div class="fields">{content}</div>
        </details>
    }
    .into_any()
}

/// A button that brings the form back, near the section in which it stands.
pub(super) fn button(
    label: AnyView,
    task: String,
    near: &'static str,
    class: &'static str,
    disabled: bool,
) -> AnyView {
    view! {
        <button type="submit" id=format!("do-{task}") class=class name="do" value=task formnovalidate formaction=format!("#form-{near}") disabled=disabled data-in-place="">
            {label}
        </button>
    }
    .into_any()
}
