//! The rules of a variant's definition.

use std::collections::{BTreeMap, BTreeSet};

use super::{Definition, File, Kernel, Packages, Playbook, Script};
use crate::{
    kernel::{self, Flavor, check_upload_name},
    manifest::BootEntry,
    menu,
    packages::pinned,
    recipe::{
        RootMethod,
        report::quoted,
        syntax::{self, Checked},
        system,
    },
};

/// The most that a definition may have of a thing.
const MOST: usize = 500;

/// Something that is wrong with a definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DefinitionFault {
    /// Which part, such as `packages.add.2`.
    pub place: String,
    /// What is wrong and what to do, in one sentence.
    pub message: String,
}

/// Everything that is wrong with a definition by itself, whatever its base is.
#[must_use]
pub fn faults(definition: &Definition) -> Vec<DefinitionFault> {
    let mut faults = Faults(Vec::new());
    if let Some(hostname) = &definition.hostname {
        faults.check("hostname".to_owned(), host_name(hostname));
    }
    packages(&mut faults, &definition.packages);
    for (list, units) in
        [("enable", &definition.services.enable), ("disable", &definition.services.disable)]
    {
        for (at, unit) in units.iter().enumerate() {
            faults.check(format!("services.{list}.{at}"), syntax::unit(unit));
        }
    }
    users(&mut faults, definition);
    files(&mut faults, &definition.files);
    kernels(&mut faults, &definition.kernels);
    boot(&mut faults, definition);
    if let Some(it) = &definition.playbook {
        playbook(&mut faults, it);
    }
    if let Some(it) = &definition.script {
        script(&mut faults, it);
    }
    for upload in definition.uploads() {
        let named = check_upload_name(&upload.name).map_err(|fault| fault.message);
        faults.check("uploads".to_owned(), named);
    }
    faults.0
}

/// Whether a suite of the archive can be called so.
///
/// # Errors
/// What is wrong and what to do, in one sentence.
pub fn check_suite(name: &str) -> Result<(), String> {
    syntax::suite(name)
}

struct Faults(Vec<DefinitionFault>);

impl Faults {
    fn add(&mut self, place: impl Into<String>, message: impl Into<String>) {
        self.0.push(DefinitionFault { place: place.into(), message: message.into() });
    }

    fn check(&mut self, place: String, checked: Checked) {
        if let Err(message) = checked {
            self.add(place, message);
        }
    }

    fn few(&mut self, place: &str, count: usize) {
        if count > MOST {
            self.add(place, format!("a variant has {MOST} of these at the most, not {count}"));
        }
    }
}

/// A host name (hostname(7)): labels of letters, digits and hyphens.
fn host_name(name: &str) -> Checked {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if name.len() <= 64 && name.split('.').all(label) {
        return Ok(());
    }
    Err(format!(
        "{} is no host name: they have letters, digits and \"-\" between dots, 64 at the most",
        quoted(name)
    ))
}

fn packages(faults: &mut Faults, packages: &Packages) {
    let Packages { add, remove, accept_removal } = packages;
    faults.few("packages.add", add.len());
    faults.few("packages.remove", remove.len());
    let mut names = BTreeSet::new();
    for (at, package) in add.iter().enumerate() {
        let (name, _) = pinned(package);
        let place = format!("packages.add.{at}");
        faults.check(place.clone(), syntax::pinned_package(package));
        if !names.insert(name) {
            faults.add(place, format!("{} stands here twice; keep one of them", quoted(name)));
        }
    }
    let mut removed = BTreeSet::new();
    for (at, name) in remove.iter().enumerate() {
        let place = format!("packages.remove.{at}");
        faults.check(place.clone(), syntax::package(name));
        if names.contains(name.as_str()) {
            let message = format!("{} is to be added and removed; keep one of them", quoted(name));
            faults.add(place, message);
        } else if !removed.insert(name.as_str()) {
            faults.add(place, format!("{} stands here twice; keep one of them", quoted(name)));
        }
    }
    for (at, name) in accept_removal.iter().enumerate() {
        faults.check(format!("packages.accept_removal.{at}"), syntax::package(name));
    }
}

fn users(faults: &mut Faults, definition: &Definition) {
    faults.few("users", definition.users.len());
    let mut names = BTreeSet::new();
    for (at, user) in definition.users.iter().enumerate() {
        let place = |field: &str| format!("users.{at}.{field}");
        faults.check(place("name"), syntax::user(&user.name));
        faults.check(place("shell"), syntax::shell(&user.shell));
        if let Some(password) = &user.password {
            faults.check(place("password"), syntax::password(password));
        }
        for group in &user.groups {
            faults.check(place("groups"), syntax::group(group));
        }
        for key in &user.ssh_keys {
            faults.check(place("ssh_keys"), syntax::ssh_key(key));
        }
        if !names.insert(&user.name) {
            let message = format!("the user {} stands here twice", quoted(&user.name));
            faults.add(place("name"), message);
        }
    }
}

fn files(faults: &mut Faults, files: &[File]) {
    faults.few("files", files.len());
    let mut paths = BTreeSet::new();
    for (at, file) in files.iter().enumerate() {
        let place = |field: &str| format!("files.{at}.{field}");
        faults.check(place("path"), system::file_path(&file.path));
        faults.check(place("mode"), syntax::mode(&file.mode));
        faults.check(place("owner"), syntax::owner(&file.owner));
        match (&file.content, &file.upload) {
            (Some(content), None) => faults.check(place("content"), system::file_content(content)),
            (None, Some(_)) => {}
            (Some(_), Some(_)) => {
                faults.add(place("upload"), "a file has \"content\" or \"upload\", not both");
            }
            (None, None) => faults.add(place("path"), "write what the file holds: content = \"…\""),
        }
        if !paths.insert(&file.path) {
            let message = format!("the file {} stands here twice", quoted(&file.path));
            faults.add(place("path"), message);
        }
    }
}

fn kernels(faults: &mut Faults, kernels: &[Kernel]) {
    faults.few("kernels", kernels.len());
    let mut aliases = BTreeMap::new();
    for (at, kernel) in kernels.iter().enumerate() {
        let place = |field: &str| format!("kernels.{at}.{field}");
        faults.check(place("alias"), syntax::alias(&kernel.alias));
        if aliases.insert(&kernel.alias, at).is_some() {
            let message = format!("the alias {} stands here twice", quoted(&kernel.alias));
            faults.add(place("alias"), message);
        }
        if let Some(package) = &kernel.package {
            faults.check(place("package"), syntax::pinned_package(package));
        }
        if let Some(name) = &kernel.kernel {
            let named = kernel::check_name(name);
            faults.check(place("kernel"), named.map_err(|fault| fault.to_string()));
        }
        let uploaded = !kernel.packages.is_empty() || kernel.image.is_some();
        let ways = [kernel.package.is_some(), kernel.kernel.is_some(), uploaded];
        if ways.into_iter().filter(|it| *it).count() != 1 {
            faults.add(
                place("alias"),
                "a kernel is a package of the suite (package = …), one of the list Kernels (kernel = …), or uploaded (packages = […], image = …): one of these",
            );
        }
    }
}

fn boot(faults: &mut Faults, definition: &Definition) {
    let entry = BootEntry::Xen {
        label: "xen".to_owned(),
        text: "Xen".to_owned(),
        hypervisor: "xen".to_owned(),
        hypervisor_arguments: definition.boot.hypervisor_arguments.clone(),
        kernel: "linux".to_owned(),
        root: RootMethod::Http,
        arguments: definition.boot.arguments.clone(),
    };
    for (field, rule) in menu::check_boots(&entry) {
        faults.add(format!("boot.{field}"), rule.to_string());
    }
}

fn playbook(faults: &mut Faults, playbook: &Playbook) {
    match (&playbook.content, &playbook.archive) {
        (Some(content), None) => {
            faults.check("playbook.content".to_owned(), syntax::program(content));
            if playbook.file.is_some() {
                faults.add("playbook.file", "a file is named in an archive; take the line out");
            }
        }
        (None, Some(_)) => {
            let plain = |file: &str| {
                syntax::path_fault(&format!("/{file}")).is_none()
                    && [".yml", ".yaml"].iter().any(|end| file.ends_with(end))
            };
            if let Some(file) = playbook.file.as_ref().filter(|file| !plain(file)) {
                let message = format!(
                    "{} is no playbook of an archive: write its path below the archive's root, such as \"site.yml\"",
                    quoted(file)
                );
                faults.add("playbook.file", message);
            }
        }
        _ => faults.add("playbook", "a playbook has \"content\" or \"archive\": one of these"),
    }
}

fn script(faults: &mut Faults, script: &Script) {
    faults.check("script.content".to_owned(), syntax::program(&script.content));
    faults.check("script.limit_seconds".to_owned(), syntax::script_limit(script.limit_seconds));
}

/// The kernels that `definition` names and that are not among the `known` ones, or are of another
/// flavor.
#[must_use]
pub fn unknown_kernels(
    definition: &Definition,
    known: &BTreeMap<String, Flavor>,
) -> Vec<DefinitionFault> {
    let mut faults = Faults(Vec::new());
    for (at, kernel) in definition.kernels.iter().enumerate() {
        let Some(name) = &kernel.kernel else { continue };
        let place = format!("kernels.{at}.kernel");
        match known.get(name) {
            Some(flavor) if *flavor == kernel.flavor => {}
            Some(flavor) => faults.add(
                place,
                format!(
                    "the kernel {} is of flavor \"{word}\"; write flavor = \"{word}\"",
                    quoted(name),
                    word = flavor.word()
                ),
            ),
            None => faults.add(
                place,
                format!("there is no kernel called {}; add it on the page Kernels", quoted(name)),
            ),
        }
    }
    faults.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_may_come_from_another_suite() {
        let swap = |package: &str| Definition {
            kernels: vec![Kernel {
                alias: "vmlinuz-6.1.y".to_owned(),
                flavor: Flavor::Linux,
                package: Some(package.to_owned()),
                kernel: None,
                packages: Vec::new(),
                image: None,
            }],
            ..Definition::default()
        };
        let pinned = swap("linux-image-amd64/bookworm-backports");
        assert_eq!(faults(&pinned), []);
        assert_eq!(pinned.suites(), ["bookworm-backports"]);
        let other = faults(&swap("linux-image-amd64/Backports"));
        assert_eq!(
            other.iter().map(|it| it.place.as_str()).collect::<Vec<_>>(),
            ["kernels.0.package"]
        );
    }
}
