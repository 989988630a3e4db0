//! Lists of the compose form: accounts, files and kernels, each a row of fields and uploads.

use std::collections::BTreeMap;

use domain::{
    kernel::{Flavor, UploadedFile},
    recipe::User,
    variant::{File, Kernel},
};

/// The lists of the form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// Accounts to add.
    Users,
    /// Files to write.
    Files,
    /// Kernels to swap.
    Kernels,
}

impl Group {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Users, Self::Files, Self::Kernels];

    /// The word in names of fields and in a definition.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Users => "users",
            Self::Files => "files",
            Self::Kernels => "kernels",
        }
    }

    /// The fields of a row that are typed or chosen.
    #[must_use]
    pub const fn fields(self) -> &'static [&'static str] {
        match self {
            Self::Users => &["name", "password", "groups", "shell", "ssh_keys"],
            Self::Files => &["path", "mode", "owner", "content"],
            Self::Kernels => &["alias", "flavor", "from", "package", "kernel"],
        }
    }

    /// The fields of a row that take files.
    #[must_use]
    pub const fn slots(self) -> &'static [&'static str] {
        match self {
            Self::Users => &[],
            Self::Files => &["upload"],
            Self::Kernels => &["packages", "image"],
        }
    }

    /// A row that nobody has filled in.
    #[must_use]
    pub fn empty_row(self) -> Row {
        let values: &[(&str, &str)] = match self {
            Self::Users => &[("shell", "/bin/bash")],
            Self::Files => &[("mode", "0644"), ("owner", "root:root")],
            Self::Kernels => &[("flavor", "linux"), ("from", "package")],
        };
        let mut row = Row::default();
        for (name, value) in values {
            row.set(name, value);
        }
        row
    }

    /// Whether a row asks for nothing, so that it is left out.
    #[must_use]
    pub fn is_blank(self, row: &Row) -> bool {
        let named: &[&str] = match self {
            Self::Users => &["name", "password", "groups", "ssh_keys"],
            Self::Files => &["path", "content"],
            Self::Kernels => &["alias", "package", "kernel"],
        };
        named.iter().all(|name| row.text(name).is_empty()) && row.uploads.is_empty()
    }
}

/// One row: what was typed, and what was uploaded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Row {
    /// Values by the names of their fields.
    pub texts: BTreeMap<String, String>,
    /// Uploads by the names of their fields.
    pub uploads: BTreeMap<String, Vec<UploadedFile>>,
}

impl Row {
    /// A value as it was typed.
    #[must_use]
    pub fn raw(&self, name: &str) -> &str {
        self.texts.get(name).map_or("", String::as_str)
    }

    /// A value without the blanks around it.
    #[must_use]
    pub fn text(&self, name: &str) -> &str {
        self.raw(name).trim()
    }

    /// Puts a value in.
    pub fn set(&mut self, name: &str, value: &str) {
        self.texts.insert(name.to_owned(), value.to_owned());
    }

    /// What was uploaded for a field.
    #[must_use]
    pub fn uploaded(&self, slot: &str) -> &[UploadedFile] {
        self.uploads.get(slot).map_or(&[], Vec::as_slice)
    }

    /// Takes in an upload. Only `.deb`s come in numbers; any other replaces the former.
    pub fn upload(&mut self, slot: &str, file: UploadedFile) {
        let files = self.uploads.entry(slot.to_owned()).or_default();
        if slot != "packages" {
            files.clear();
        }
        if !files.contains(&file) {
            files.push(file);
        }
    }

    /// A value, where there is one.
    pub(super) fn given(&self, name: &str) -> Option<String> {
        Some(self.text(name).to_owned()).filter(|value| !value.is_empty())
    }

    /// The words of a value.
    pub(super) fn words(&self, name: &str) -> Vec<String> {
        self.raw(name).split_whitespace().map(ToOwned::to_owned).collect()
    }

    /// The lines of a value that have something on them.
    pub(super) fn lines(&self, name: &str) -> Vec<String> {
        let lines = self.raw(name).lines().map(str::trim).filter(|line| !line.is_empty());
        lines.map(ToOwned::to_owned).collect()
    }

    pub(super) fn of_user(user: &User) -> Self {
        let mut row = Self::default();
        row.set("name", &user.name);
        row.set("password", user.password.as_deref().unwrap_or_default());
        row.set("groups", &user.groups.join(" "));
        row.set("shell", &user.shell);
        row.set("ssh_keys", &user.ssh_keys.join("\n"));
        row
    }

    pub(super) fn user(&self) -> User {
        User {
            name: self.text("name").to_owned(),
            password: Some(self.raw("password").to_owned()).filter(|it| !it.is_empty()),
            groups: self.words("groups"),
            ssh_keys: self.lines("ssh_keys"),
            shell: self.text("shell").to_owned(),
        }
    }

    pub(super) fn of_file(file: &File) -> Self {
        let mut row = Self::default();
        row.set("path", &file.path);
        row.set("mode", &file.mode);
        row.set("owner", &file.owner);
        row.set("content", file.content.as_deref().unwrap_or_default());
        file.upload.iter().cloned().for_each(|upload| row.upload("upload", upload));
        row
    }

    pub(super) fn file(&self) -> File {
        let upload = self.uploaded("upload").first().cloned();
        let content = self.raw("content").to_owned();
        File {
            path: self.text("path").to_owned(),
            mode: self.text("mode").to_owned(),
            owner: self.text("owner").to_owned(),
            // A file without anything in it is one too; beside an upload it would be a second word.
            content: Some(content).filter(|it| upload.is_none() || !it.is_empty()),
            upload,
        }
    }

    pub(super) fn of_kernel(kernel: &Kernel) -> Self {
        let mut row = Self::default();
        let from = match (&kernel.package, &kernel.kernel) {
            (Some(_), _) => "package",
            (None, Some(_)) => "kernel",
            (None, None) => "upload",
        };
        row.set("alias", &kernel.alias);
        row.set("flavor", kernel.flavor.word());
        row.set("from", from);
        row.set("package", kernel.package.as_deref().unwrap_or_default());
        row.set("kernel", kernel.kernel.as_deref().unwrap_or_default());
        kernel.packages.iter().cloned().for_each(|file| row.upload("packages", file));
        kernel.image.iter().cloned().for_each(|file| row.upload("image", file));
        row
    }

    /// Fields of the other ways are kept in the form and have no part in what it asks for.
    pub(super) fn kernel(&self) -> Kernel {
        let from = self.text("from");
        let uploaded = |slot: &str| if from == "upload" { self.uploaded(slot) } else { &[] };
        Kernel {
            alias: self.text("alias").to_owned(),
            flavor: self.text("flavor").parse().unwrap_or(Flavor::Linux),
            package: self.given("package").filter(|_| from == "package"),
            kernel: self.given("kernel").filter(|_| from == "kernel"),
            packages: uploaded("packages").to_vec(),
            image: uploaded("image").first().cloned(),
        }
    }
}
