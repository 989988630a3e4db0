//! What somebody typed and uploaded into the form of a variant. Its fields are named as the places of
//! a definition (`packages.add`, `files.2.mode`), so that each fault finds its field.

use std::collections::BTreeMap;

use domain::{
    digest::Digest,
    packages::pinned,
    recipe::{self, Problem},
    variant::{self, Boot, Definition, LIFETIME_DAYS, Packages, Playbook, SCRIPT_LIMIT, Script},
};

use super::rows::{Group, Row};
use crate::error::AppError;

/// Names of the fields that stand outside of lists.
pub const FIELDS: [&str; 17] = [
    "name",
    "description",
    "days",
    "base",
    "hostname",
    "packages.add",
    "packages.remove",
    "services.enable",
    "services.disable",
    "boot.arguments",
    "boot.hypervisor_arguments",
    "playbook.file",
    "playbook.content",
    "script.content",
    "script.limit_seconds",
    // What is searched for is no part of the variant.
    "search.words",
    "search.suites",
];

/// The field outside of lists that takes a file.
pub const ARCHIVE: &str = "playbook.archive";

/// A place of the form and what is wrong there.
pub type FieldFault = (String, String);

/// What stands in the form, and what is wrong with it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VariantForm {
    /// The revision that the form was filled from; `None` for a new variant.
    pub revision: Option<u32>,
    /// What stands outside of lists, by its name in [`FIELDS`].
    pub single: Row,
    /// The rows of each list.
    pub rows: BTreeMap<Group, Vec<Row>>,
    /// What may be removed along with what is asked for.
    pub accepted: Vec<String>,
    /// The text as it was typed, where it could not be taken over.
    pub typed: Option<String>,
    /// What is wrong with that text, line by line.
    pub problems: Vec<Problem>,
    /// What was done, where nothing was saved.
    pub notice: Option<&'static str>,
    /// The list that somebody adds to or takes from.
    pub open: Option<Group>,
    /// What is wrong, by place.
    pub faults: Vec<FieldFault>,
    /// Why it was not saved, besides.
    pub error: Option<AppError>,
    /// Whether to ask apt what it would do.
    pub look: bool,
}

impl VariantForm {
    /// The form of a new variant.
    #[must_use]
    pub fn starter() -> Self {
        let mut form = Self::default();
        form.fill(&Definition::default());
        form.single.set("days", &LIFETIME_DAYS.to_string());
        form
    }

    /// Takes over a definition. Name, description and days stay.
    pub fn fill(&mut self, definition: &Definition) {
        let Definition { base, hostname, packages, services, boot, playbook, script, .. } =
            definition;
        let limit = script.as_ref().map_or(SCRIPT_LIMIT, |it| it.limit_seconds);
        let of_playbook = |get: fn(&Playbook) -> Option<&String>| {
            playbook.as_ref().and_then(get).map_or("", String::as_str)
        };
        for (name, value) in [
            ("base", base.as_str()),
            ("hostname", hostname.as_deref().unwrap_or_default()),
            ("packages.add", &packages.add.join("\n")),
            ("packages.remove", &packages.remove.join("\n")),
            ("services.enable", &services.enable.join("\n")),
            ("services.disable", &services.disable.join("\n")),
            ("boot.arguments", &boot.arguments),
            ("boot.hypervisor_arguments", &boot.hypervisor_arguments),
            ("playbook.file", of_playbook(|it| it.file.as_ref())),
            ("playbook.content", of_playbook(|it| it.content.as_ref())),
            ("script.content", script.as_ref().map_or("", |it| &it.content)),
            ("script.limit_seconds", &limit.to_string()),
        ] {
            self.single.set(name, value);
        }
        self.single.uploads.clear();
        if let Some(archive) = playbook.as_ref().and_then(|it| it.archive.clone()) {
            self.single.upload(ARCHIVE, archive);
        }
        self.rows = BTreeMap::from([
            (Group::Users, definition.users.iter().map(Row::of_user).collect()),
            (Group::Files, definition.files.iter().map(Row::of_file).collect()),
            (Group::Kernels, definition.kernels.iter().map(Row::of_kernel).collect()),
        ]);
        self.accepted.clone_from(&packages.accept_removal);
    }

    /// The rows of a list.
    #[must_use]
    pub fn rows(&self, group: Group) -> &[Row] {
        self.rows.get(&group).map_or(&[], Vec::as_slice)
    }

    /// What the form asks for, faults included.
    #[must_use]
    pub fn definition(&self) -> Definition {
        let single = &self.single;
        let filled = |group: Group| self.rows(group).iter().filter(move |it| !group.is_blank(it));
        Definition {
            base: single.text("base").to_owned(),
            hostname: single.given("hostname"),
            packages: Packages {
                add: single.words("packages.add"),
                remove: single.words("packages.remove"),
                accept_removal: self.accepted.clone(),
            },
            services: recipe::Services {
                enable: single.words("services.enable"),
                disable: single.words("services.disable"),
            },
            boot: Boot {
                arguments: single.text("boot.arguments").to_owned(),
                hypervisor_arguments: single.text("boot.hypervisor_arguments").to_owned(),
            },
            users: filled(Group::Users).map(Row::user).collect(),
            files: filled(Group::Files).map(Row::file).collect(),
            kernels: filled(Group::Kernels).map(Row::kernel).collect(),
            playbook: self.playbook(),
            script: Some(single.raw("script.content").to_owned())
                .filter(|content| !content.trim().is_empty())
                // What is no number is out of range: the rules say what fits.
                .map(|content| Script {
                    content,
                    limit_seconds: single.text("script.limit_seconds").parse().unwrap_or(0),
                }),
        }
    }

    fn playbook(&self) -> Option<Playbook> {
        let content = Some(self.single.raw("playbook.content").to_owned());
        let playbook = Playbook {
            file: self.single.given("playbook.file"),
            content: content.filter(|content| !content.trim().is_empty()),
            archive: self.single.uploaded(ARCHIVE).first().cloned(),
        };
        let nothing = Playbook { file: None, content: None, archive: None };
        (playbook != nothing).then_some(playbook)
    }

    /// The text of what the form asks for.
    #[must_use]
    pub fn written(&self) -> String {
        variant::write(&self.definition())
    }

    /// The text that the page shows: what was typed where it could not be taken over.
    #[must_use]
    pub fn text(&self) -> String {
        self.typed.clone().unwrap_or_else(|| self.written())
    }

    /// A short digest of the text that the form came to, by which the next answer knows which side was
    /// changed meanwhile.
    #[must_use]
    pub fn seen(&self) -> String {
        seen(&self.written())
    }

    /// Puts a package of the archive among those to add, once.
    pub fn add_package(&mut self, package: &str) {
        let name = pinned(package).0;
        let mut packages = self.single.words("packages.add");
        if !packages.iter().any(|it| pinned(it).0 == name) {
            packages.push(package.to_owned());
        }
        self.single.set("packages.add", &packages.join("\n"));
    }

    /// The suites besides the base's own in which packages are searched: those that were typed, and
    /// those of packages that were added.
    #[must_use]
    pub fn suites(&self) -> Vec<String> {
        let mut suites = self.single.words("search.suites");
        suites.extend(self.definition().suites());
        suites.sort();
        suites.dedup();
        suites
    }

    /// The place in the form of a place in the definition, which leaves blank rows out.
    #[must_use]
    pub fn place(&self, place: &str) -> String {
        let mut parts = place.splitn(3, '.');
        let (word, at) = (parts.next().unwrap_or_default(), parts.next().map(str::parse::<usize>));
        let group = Group::ALL.into_iter().find(|group| group.word() == word);
        let (Some(group), Some(Ok(at))) = (group, at) else { return place.to_owned() };
        let shown = self.rows(group).iter().enumerate().filter(|(_, row)| !group.is_blank(row));
        let Some((row, _)) = { shown }.nth(at) else { return place.to_owned() };
        let rest = parts.next().map_or_else(String::new, |rest| format!(".{rest}"));
        format!("{word}.{row}{rest}")
    }

    /// What is wrong at a place or inside of it.
    #[must_use]
    pub fn fault(&self, field: &str) -> Option<String> {
        let of_field: Vec<String> = self
            .faults
            .iter()
            .filter(|(place, _)| is_of(place, field))
            .map(|(_, message)| crate::error::sentence(message))
            .collect();
        (!of_field.is_empty()).then(|| of_field.join(" "))
    }
}

/// As [`VariantForm::seen`], of any text.
#[must_use]
pub fn seen(text: &str) -> String {
    Digest::of(text).short()
}

/// Whether a place is a field or inside of it, and of no field of its own.
fn is_of(place: &str, field: &str) -> bool {
    let inside = place.strip_prefix(field);
    inside.is_some_and(|rest| {
        rest.is_empty() || rest.strip_prefix('.').is_some_and(|at| at.parse::<usize>().is_ok())
    })
}

#[cfg(test)]
mod tests {
    use domain::kernel::UploadedFile;

    use super::*;

    const TEXT: &str = r#"
base = "v1.2.0"
hostname = "probe-7"
[packages]
add = ["htop", "tmux/bookworm-backports"]
remove = ["nano"]
accept_removal = ["less"]
[services]
enable = ["ssh.service"]
disable = ["cron.service"]
[boot]
arguments = "debug loglevel=7"
hypervisor_arguments = "loglvl=all"
[[users]]
name = "probe"
password = "secret words"
groups = ["sudo", "adm"]
[[files]]
path = "/etc/motd"
content = "first\n\n'''\"\"\"\\ \ttabs\nlast"
[[files]]
path = "/etc/empty"
content = ""
[[kernels]]
alias = "vmlinuz-6.1.y"
kernel = "lab"
[[kernels]]
alias = "xen-dev"
flavor = "xen"
package = "xen-hypervisor-4.17-amd64"
[playbook]
content = "- hosts: all\n"
[script]
content = "true\n"
limit_seconds = 60
"#;

    fn file(name: &str) -> UploadedFile {
        UploadedFile { name: name.to_owned(), sha256: Digest::of(name) }
    }

    fn filled(definition: &Definition) -> VariantForm {
        let mut form = VariantForm::starter();
        form.fill(definition);
        form
    }

    #[test]
    fn a_form_that_nobody_touches_changes_nothing() {
        let mut whole: Definition = variant::parse(TEXT).unwrap();
        whole.users[0].ssh_keys = vec!["ssh-ed25519 A a".to_owned(), "ssh-ed25519 B b".to_owned()];
        assert_eq!(filled(&whole).definition(), whole);
        whole.files[0].content = None;
        whole.files[0].upload = Some(file("motd"));
        whole.kernels[0].kernel = None;
        whole.kernels[0].packages = vec![file("a.deb"), file("b.deb")];
        whole.kernels[0].image = Some(file("bzImage"));
        whole.playbook = Some(Playbook {
            file: Some("play.yml".to_owned()),
            content: None,
            archive: Some(file("roles.tar")),
        });
        assert_eq!(filled(&whole).definition(), whole);
        assert_eq!(VariantForm::starter().definition(), Definition::default());
    }

    #[test]
    fn rows_that_nobody_filled_in_are_left_out_and_faults_find_the_others() {
        let mut form = VariantForm::starter();
        let mut bad = Group::Files.empty_row();
        bad.set("path", "etc/motd");
        form.rows.insert(Group::Files, vec![Group::Files.empty_row(), bad]);
        let definition = form.definition();
        assert_eq!(definition.files.len(), 1);
        let faults = variant::faults(&definition);
        assert_eq!(faults[0].place, "files.0.path");
        assert_eq!(form.place(&faults[0].place), "files.1.path");
        assert_eq!(form.place("packages.add.2"), "packages.add.2");
        assert_eq!(form.place("files.7.path"), "files.7.path");
    }

    #[test]
    fn a_fault_stands_at_its_field() {
        let fault = |place: &str| (place.to_owned(), "it is wrong".to_owned());
        let faults = vec![fault("packages.add.2"), fault("files.1.path")];
        let form = VariantForm { faults, ..VariantForm::starter() };
        assert_eq!(form.fault("packages.add").as_deref(), Some("It is wrong."));
        assert_eq!(form.fault("packages"), None);
        assert_eq!(form.fault("files.1.path").as_deref(), Some("It is wrong."));
        assert_eq!(form.fault("files.1"), None);
        assert_eq!(form.fault("files"), None);
    }

    #[test]
    fn a_package_is_added_once() {
        let mut form = VariantForm::starter();
        for package in ["htop", "tmux/bookworm-backports", "htop", "tmux"] {
            form.add_package(package);
        }
        assert_eq!(form.definition().packages.add, ["htop", "tmux/bookworm-backports"]);
    }

    #[test]
    fn both_sides_of_a_form_have_one_digest() {
        let form = filled(&variant::parse(TEXT).unwrap());
        assert_eq!(form.seen(), seen(&form.text()));
        assert_ne!(form.seen(), VariantForm::starter().seen());
    }
}
