//! The form beside a recipe's text: the same recipe in fields, section by section.
//!
//! Its controls are named by `domain::recipe::form`. Without script its buttons send the whole
//! editor. With script an island (`islands/step.rs`) sends it as people type, and takes over what
//! the server answers: a section (`data-part`) whose controls stay the same keeps them, so that
//! nobody's cursor moves, and gets the rest (`data-shown`) anew.

use domain::{
    kernel::{DOM0_ARGUMENTS, HYPERVISOR_ARGUMENTS},
    recipe::form::{Group, Kind, RecipeForm, Row, field_name},
};
use leptos::prelude::*;

use crate::{
    api::{Choice, recipes::EditorForm},
    ui::raw,
};

const KNOWN_OWN_KERNELS: &str = "known-own-kernels";

/// The form. `may` says whether whoever looks may change recipes.
pub(super) fn show(form: &EditorForm, may: &Choice) -> AnyView {
    let sheet = Sheet { values: &form.values, disabled: may.is_err(), open: form.open };
    let disabled = sheet.disabled;
    let fault = form.fault.clone().map(|fault| view! { <div class="alert">{fault}</div> });
    let notice = form.notice.map(|notice| view! { <p class="done">{notice}</p> });
    let sections = [
        sheet.system(),
        sheet.packages(),
        sheet.accounts(),
        sheet.files(),
        sheet.services(),
        sheet.playbook(),
        sheet.script(),
        sheet.kernels(),
        sheet.preseeds(),
        sheet.menu(),
    ];
    view! {
        <div class="state" data-part="state">
            <div data-shown="" role="status">{fault}{notice}</div>
        </div>
        <div class="recipe-form" id="recipe-form">
            {sections.into_iter().collect_view()}
            // The last field of the form: where it arrived, so did the others.
            <input type="hidden" name="seen" value=form.seen.to_string()/>
            <div class="act by-hand">
                <button type="submit" name="do" value="apply" formnovalidate formaction="#recipe-form" disabled=disabled>
                    "Apply to the text"
                </button>
                <button type="submit" name="do" value="read" formnovalidate formaction="#recipe-form" disabled=disabled>
                    "Read the form from the text"
                </button>
            </div>
        </div>
    }
    .into_any()
}

/// The kernels of the page Kernels, for a field that names one. They stand outside of the form, since
/// what is typed into that does not change them.
pub(super) fn known_own_kernels(names: Vec<String>) -> AnyView {
    let options: Vec<_> =
        names.into_iter().map(|it| view! { <option value=it></option> }).collect();
    view! { <datalist id=KNOWN_OWN_KERNELS>{options}</datalist> }.into_any()
}

/// The markup of [`show`], for a page that has a former one of it.
#[must_use]
pub fn markup(form: &EditorForm, may: &Choice) -> String {
    show(form, may).to_html()
}

/// What the form is filled with.
struct Sheet<'a> {
    values: &'a RecipeForm,
    disabled: bool,
    open: Option<Group>,
}

impl Sheet<'_> {
    fn system(&self) -> AnyView {
        let group = Group::System;
        let of = |key| self.values.value(group, 0, key);
        let about = [of("suite"), of("components")].join(" ");
        let content = view! {
            <div class="pair">
                {self.control(group, 0, "suite", "Suite", "bookworm")}
                {self.control(group, 0, "components", "Components, space-separated", "main")}
            </div>
            {self.control(group, 0, "mirror", "Mirror", "the build host's own")}
            {self.control(group, 0, "issue", "Issue, shown above the login prompt", "")}
        };
        section(group, "System", about, true, content.into_any())
    }

    fn packages(&self) -> AnyView {
        let packages = self.values.value(Group::System, 0, "packages");
        let about = packages.lines().count().to_string();
        let control = self.control(
            Group::System,
            0,
            "packages",
            "Packages to install, one per line, such as htop or tmux/bookworm-backports",
            "",
        );
        part("packages", "Packages", about, true, control)
    }

    fn accounts(&self) -> AnyView {
        let group = Group::Users;
        let row = |index| {
            view! {
                <div class="pair">
                    {self.control(group, index, "name", "Account", "root")}
                    {self.control(group, index, "password", "Password, in the clear", "none")}
                    {self.control(group, index, "groups", "Groups, space-separated", "")}
                    {self.control(group, index, "shell", "Login shell", "/bin/bash")}
                </div>
                {self.control(group, index, "ssh_keys", "SSH keys, one per line", "")}
            }
            .into_any()
        };
        self.list(group, "Accounts", "account", &row)
    }

    fn files(&self) -> AnyView {
        let group = Group::Files;
        let row = |index| {
            view! {
                {self.control(group, index, "path", "Path", "/etc/motd")}
                <div class="pair">
                    {self.control(group, index, "mode", "Mode", "0644")}
                    {self.control(group, index, "owner", "Owner", "root:root")}
                </div>
                {self.control(group, index, "content", "Content", "")}
            }
            .into_any()
        };
        self.list(group, "Files", "file", &row)
    }

    fn services(&self) -> AnyView {
        let group = Group::Services;
        let count = |key| self.values.value(group, 0, key).lines().count();
        let about = format!("{} on, {} off", count("enable"), count("disable"));
        let content = view! {
            <div class="pair">
                {self.control(group, 0, "enable", "Units to enable, one per line", "")}
                {self.control(group, 0, "disable", "Units to disable, one per line", "")}
            </div>
        };
        section(group, "Services", about, self.open == Some(group), content.into_any())
    }

    fn playbook(&self) -> AnyView {
        let label = "An Ansible playbook, in YAML, for all hosts";
        self.program(
            Group::Playbook,
            "Playbook",
            self.control(Group::Playbook, 0, "content", label, "- hosts: all"),
        )
    }

    fn script(&self) -> AnyView {
        let group = Group::Script;
        let label = "For /bin/sh in the rootfs, which ends at the first command that fails";
        let content = view! {
            {self.control(group, 0, "content", label, "")}
            <div class="pair">
                {self.control(group, 0, "limit_seconds", "Ends after so many seconds", "600")}
            </div>
        };
        self.program(group, "Script", content.into_any())
    }

    /// A section for something that is run on the rootfs.
    fn program(&self, group: Group, title: &'static str, content: AnyView) -> AnyView {
        let about = match self.values.value(group, 0, "content").lines().count() {
            0 => "none".to_owned(),
            1 => "1 line".to_owned(),
            lines => format!("{lines} lines"),
        };
        section(group, title, about, self.open == Some(group), content)
    }

    fn kernels(&self) -> AnyView {
        let group = Group::Kernels;
        let row = |index| {
            view! {
                <div class="pair">
                    {self.control(group, index, "alias", "Alias", "vmlinuz-6.1.y")}
                    {self.control(group, index, "flavor", "Flavor", "")}
                    {self.control(group, index, "package", "Package", "linux-image-cloud-amd64")}
                    {self.control(group, index, "kernel", "Or a kernel of the page Kernels", "")}
                </div>
            }
            .into_any()
        };
        self.list(group, "Kernels", "kernel", &row)
    }

    fn preseeds(&self) -> AnyView {
        let group = Group::Preseeds;
        let row = |index| {
            view! {
                {self.control(group, index, "name", "File name", "preseed.cfg")}
                {self.control(group, index, "content", "Content", "")}
            }
            .into_any()
        };
        self.list(group, "Preseeds", "preseed", &row)
    }

    fn menu(&self) -> AnyView {
        let (menu, group) = (Group::Menu, Group::Entries);
        let row = |index| {
            let unless_said = match self.values.value(group, index, "kind") {
                "xen" => DOM0_ARGUMENTS,
                _ => "console=ttyS0,115200",
            };
            view! {
                {self.control(group, index, "label", "Label", "deb-netboot-6.1.y")}
                {self.control(group, index, "text", "What the menu shows", "Debian stable netboot 6.1.y")}
                {self.control(group, index, "kind", "Kind", "")}
                <div class="pair of-xen">
                    {self.control(group, index, "hypervisor", "Hypervisor", "xen-4.17-amd64")}
                    {self.control(group, index, "hypervisor_arguments", "Hypervisor arguments", HYPERVISOR_ARGUMENTS)}
                </div>
                <div class="pair of-linux of-xen of-installer">
                    {self.control(group, index, "kernel", "Kernel: its alias, or an installer's URL", "vmlinuz-6.1.y")}
                </div>
                <div class="pair of-installer">
                    {self.control(group, index, "initrd", "URL of the initrd", "http://mirror.example/initrd.gz")}
                    {self.control(group, index, "preseed", "Preseed", "none")}
                </div>
                <div class="of-chain">
                    {self.control(group, index, "script", "URL of the script", "http://boot.example/menu.ipxe")}
                </div>
                <div class="pair of-linux of-xen">
                    {self.control(group, index, "root", "Root", "")}
                    {self.control(group, index, "nfs", "Options of NFS", "rw,rsize=65536")}
                </div>
                <div class="of-linux of-xen of-installer">
                    {self.control(group, index, "arguments", "Kernel arguments", unless_said)}
                </div>
            }
            .into_any()
        };
        let about = match self.values.rows(group).len() {
            1 => "1 entry".to_owned(),
            count => format!("{count} entries"),
        };
        let content = view! {
            <div class="pair">
                {self.control(menu, 0, "default", "Entry that boots by itself", "")}
                {self.control(menu, 0, "timeout_ms", "Waits, in milliseconds", "3000")}
            </div>
            {self.known(group)}
            {self.known(Group::Kernels)}
            {self.known(Group::Preseeds)}
            {self.rows(group, "entry", &row)}
        };
        let open = matches!(self.open, Some(Group::Entries));
        section(menu, "Boot menu", about, open, content.into_any())
    }

    /// A section that is a list.
    fn list(
        &self,
        group: Group,
        title: &'static str,
        what: &'static str,
        row: &dyn Fn(usize) -> AnyView,
    ) -> AnyView {
        let titles: Vec<&str> = self.values.rows(group).iter().map(Row::title).collect();
        let about = if titles.is_empty() { "none".to_owned() } else { titles.join(", ") };
        section(group, title, about, self.open == Some(group), self.rows(group, what, row))
    }

    /// The rows of a list, each with a way to take it out, and a way to add one.
    fn rows(&self, group: Group, what: &'static str, row: &dyn Fn(usize) -> AnyView) -> AnyView {
        let (disabled, anchor) = (self.disabled, format!("#form-{}", section_of(group).word()));
        let rows: Vec<_> = self
            .values
            .rows(group)
            .iter()
            .enumerate()
            .map(|(index, values)| {
                let title = match values.title() {
                    "" => format!("New {what}"),
                    title => title.to_owned(),
                };
                let value = format!("remove.{}.{index}", group.word());
                view! {
                    <fieldset class="row">
                        <legend data-shown="">{title.clone()}</legend>
                        {row(index)}
                        <button type="submit" class="plain" name="do" value=value formnovalidate formaction=anchor.clone() disabled=disabled>
                            "Remove "<span class="hidden" data-shown="">{title}</span>
                        </button>
                    </fieldset>
                }
            })
            .collect();
        let value = format!("add.{}", group.word());
        view! {
            {rows}
            <div class="act">
                <button type="submit" name="do" value=value formnovalidate formaction=anchor disabled=disabled>{format!("Add {what}")}</button>
            </div>
        }
        .into_any()
    }

    /// What other fields may name: the rows of a list.
    fn known(&self, group: Group) -> AnyView {
        let rows = self.values.rows(group).iter().filter(|row| !row.title().is_empty());
        let options: Vec<_> =
            rows.map(|row| view! { <option value=row.title().to_owned()></option> }).collect();
        view! { <datalist id=format!("known-{}", group.word()) data-shown="">{options}</datalist> }
            .into_any()
    }

    /// A field: its label and the control that its kind asks for.
    fn control(
        &self,
        group: Group,
        row: usize,
        key: &'static str,
        label: &'static str,
        placeholder: &'static str,
    ) -> AnyView {
        let name = field_name(group, row, key);
        let value = self.values.value(group, row, key).to_owned();
        let field = group.fields().iter().find(|field| field.key == key);
        let placeholder = Some(placeholder).filter(|placeholder| !placeholder.is_empty());
        let control = match field.map_or(Kind::Line, |field| field.kind) {
            Kind::Line | Kind::Words | Kind::Number => {
                let list = match (group, key) {
                    (Group::Entries, "kernel" | "hypervisor") => Some("known-kernels"),
                    (Group::Entries, "preseed") => Some("known-preseeds"),
                    (Group::Kernels, "kernel") => Some(KNOWN_OWN_KERNELS),
                    (Group::Menu, "default") => Some("known-entries"),
                    _ => None,
                };
                let numeric = ["timeout_ms", "limit_seconds"].contains(&key).then_some("numeric");
                view! {
                    <input id=name.clone() name=name.clone() value=value list=list inputmode=numeric placeholder=placeholder
                        autocomplete="off" autocapitalize="off" spellcheck="false"/>
                }
                .into_any()
            }
            Kind::Block | Kind::Lines => {
                let rows = (value.split('\n').count() + 1).clamp(3, 16).to_string();
                view! {
                    <textarea id=name.clone() name=name.clone() rows=rows placeholder=placeholder wrap="off"
                        autocomplete="off" autocapitalize="off" spellcheck="false">{raw(&value)}</textarea>
                }
                .into_any()
            }
            Kind::Choice(words) => {
                // A word that nobody knows is a fault of the text, and stays until it is changed.
                let unknown = Some(value.clone()).filter(|value| !words.contains(&value.as_str()));
                let unknown = unknown.map(
                    |value| view! { <option value=value.clone() selected>{value.clone()}</option> },
                );
                let known: Vec<_> = words
                    .iter()
                    .map(|word| view! { <option value=*word selected=value == *word>{*word}</option> })
                    .collect();
                view! { <select id=name.clone() name=name.clone()>{unknown}{known}</select> }
                    .into_any()
            }
        };
        view! { <div class="field"><label for=name>{label}</label>{control}</div> }.into_any()
    }
}

/// The group whose section shows a group.
const fn section_of(group: Group) -> Group {
    match group {
        Group::Entries => Group::Menu,
        group => group,
    }
}

/// A section of the form, named by a group.
fn section(
    group: Group,
    title: &'static str,
    about: String,
    open: bool,
    content: AnyView,
) -> AnyView {
    part(group.word(), title, about, open, content)
}

/// A section of the form: a line that says what is in it, and the fields.
fn part(
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

#[cfg(test)]
mod tests {
    use domain::recipe::{form::from_fields, starter};

    use super::*;

    /// What a browser would send of the markup; values stand in it without a special character.
    fn sent(html: &str) -> Vec<(String, String)> {
        let inputs = html.split("<input ").skip(1).filter_map(|input| {
            let attribute = |name: &str| {
                let (_, rest) = input.split('>').next()?.split_once(&format!("{name}=\""))?;
                Some(rest.split('"').next()?.to_owned())
            };
            Some((attribute("name")?, attribute("value").unwrap_or_default()))
        });
        let areas = html.split("<textarea ").skip(1).filter_map(|area| {
            let name = area.split_once("name=\"")?.1.split('"').next()?.to_owned();
            let content = area.split_once('>')?.1.split("</textarea>").next()?;
            Some((name, content.strip_prefix('\n')?.to_owned()))
        });
        let selects = html.split("<select ").skip(1).filter_map(|select| {
            let name = select.split_once("name=\"")?.1.split('"').next()?.to_owned();
            Some((name, select.split_once("value=\"")?.1.split('"').next()?.to_owned()))
        });
        inputs.chain(areas).chain(selects).collect()
    }

    #[test]
    fn a_browser_sends_back_what_it_was_given() {
        let form = EditorForm::of(starter(), None);
        let html = markup(&form, &Ok(()));
        let fields = sent(&html);
        let back = from_fields(fields.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        assert_eq!(back, Ok(form.values), "{html}");
        assert!(fields.contains(&("seen".to_owned(), form.seen.to_string())));
    }

    #[test]
    fn a_value_is_no_markup() {
        let evil = "x</textarea><script>'\"&lt;";
        let text = format!("suite = {evil:?}\nissue = {evil:?}\nusers = [{{ name = {evil:?} }}]\n");
        let html = markup(&EditorForm::of(&text, None), &Ok(()));
        assert!(html.contains("x&lt;/textarea>&lt;script>'\"&amp;lt;</textarea>"), "{html}");
        assert!(!html.contains("<script>"), "{html}");
        assert!(!html.contains("'\"&lt;\""), "{html}");
    }
}
