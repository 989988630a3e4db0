//! Reads a recipe text: first TOML, then every rule, and all problems of both.

use std::collections::{BTreeMap, BTreeSet};

use toml::de::DeTable;

use super::{
    Problem, Recipe, boot,
    entries::Named,
    fields::Fields,
    kernels, main_component,
    report::{Placed, Report, quoted},
    slips,
    syntax::{self, Checked},
    system,
};
use crate::packages::pinned;

/// The most bytes that a recipe text may have.
pub const LONGEST_TEXT: usize = 256 * 1024;

const KEYS: [&str; 15] = [
    "schema",
    "suite",
    "architecture",
    "components",
    "mirror",
    "packages",
    "issue",
    "users",
    "files",
    "services",
    "playbook",
    "script",
    "kernels",
    "preseeds",
    "menu",
];

/// Reads a recipe text.
///
/// # Errors
/// Every problem of the text in the order of lines. A text that is no TOML is still read as far as
/// it goes, so that one slip hides no other.
pub fn parse(text: &str) -> Result<Recipe, Vec<Problem>> {
    let mut report = Report::new(text);
    if let Some(message) = too_long(text) {
        report.add(0, message);
        return Err(report.into_problems());
    }
    let (root, errors) = DeTable::parse_recoverable(text);
    slips::add(&mut report, &errors);
    let recipe = recipe(&mut report, root.get_ref());
    if report.is_empty() { Ok(recipe) } else { Err(report.into_problems()) }
}

/// What to say of a text that is longer than a recipe may be.
pub(super) fn too_long(text: &str) -> Option<String> {
    let length = text.len();
    (length > LONGEST_TEXT).then(|| {
        format!("the text has {length} bytes and may have {LONGEST_TEXT}; put large files into a package")
    })
}

fn recipe(report: &mut Report, table: &DeTable<'_>) -> Recipe {
    let root = Fields::new(report, table, 0, "a recipe", &KEYS);
    root.require(report, "schema", "schema = 1");
    let schema = root.number(report, "schema");
    if let Some(schema) = schema.filter(|schema| schema.value != 1) {
        let message =
            format!("schema {} is not known; this Bootwright reads schema = 1", schema.value);
        report.add(schema.line, message);
    }
    let suite = root.required(report, "suite", "suite = \"bookworm\"");
    let architecture = root.required(report, "architecture", "architecture = \"amd64\"");
    let mirror = root.text(report, "mirror");
    for (value, rule) in [
        (&suite, syntax::suite as fn(&str) -> Checked),
        (&architecture, syntax::architecture),
        (&mirror, syntax::mirror),
    ] {
        if let Some(placed) = value {
            check(report, placed, rule);
        }
    }
    let issue = root.text(report, "issue");
    let hostile = |c: char| c.is_control() && !matches!(c, '\n' | '\t' | '\u{1b}');
    if let Some(issue) = issue.as_ref().filter(|issue| issue.value.contains(hostile)) {
        report.add(issue.line, "the issue text holds control characters; only line breaks, tabs and escape sequences reach a terminal");
    }
    let components = components(report, &root);
    let packages = root.texts(report, "packages");
    check_all(report, &packages, syntax::pinned_package);
    let named: Vec<Placed<String>> = packages
        .iter()
        .map(|it| Placed { value: pinned(&it.value).0.to_owned(), line: it.line })
        .collect();
    no_twins(report, &named, "package");
    let users = system::users(report, &root);
    let files = system::files(report, &root, issue.is_some());
    let services = system::services(report, &root);
    let playbook = system::playbook(report, &root);
    let script = system::script(report, &root);
    let kernels = kernels::kernels(report, &root, &named);
    let preseeds = kernels::preseeds(report, &root);
    let named = Named { kernels: &kernels, preseeds: &preseeds };
    let menu = boot::menu(report, &root, &named);
    Recipe {
        schema: 1,
        suite: value(suite),
        architecture: value(architecture),
        components,
        mirror: mirror.map(|mirror| mirror.value),
        packages: values(packages),
        issue: issue.map(|issue| issue.value),
        users,
        files,
        services,
        playbook,
        script,
        kernels,
        preseeds,
        menu,
    }
}

fn components(report: &mut Report, root: &Fields<'_, '_>) -> Vec<String> {
    if !root.has("components") {
        return main_component();
    }
    let components = root.texts(report, "components");
    check_all(report, &components, syntax::component);
    no_twins(report, &components, "component");
    if components.is_empty() {
        let line = root.line_of(report, "components");
        report.add(line, "a recipe needs a component; write components = [\"main\"]");
    }
    values(components)
}

/// Checks one value.
pub(super) fn check(report: &mut Report, placed: &Placed<String>, rule: impl Fn(&str) -> Checked) {
    if let Err(message) = rule(&placed.value) {
        report.add(placed.line, message);
    }
}

/// Checks every value of a list.
pub(super) fn check_all(
    report: &mut Report,
    list: &[Placed<String>],
    rule: impl Fn(&str) -> Checked,
) {
    for placed in list {
        check(report, placed, &rule);
    }
}

/// Says which values stand more than once.
pub(super) fn no_twins(report: &mut Report, list: &[Placed<String>], what: &str) {
    let mut first: BTreeMap<&str, u32> = BTreeMap::new();
    let mut said = BTreeSet::new();
    for placed in list {
        if let Some(line) = first.get(placed.value.as_str()) {
            if said.insert((placed.line, placed.value.as_str())) {
                let message = format!(
                    "the {what} {} stands on line {line} already; keep one of them",
                    quoted(&placed.value)
                );
                report.add(placed.line, message);
            }
        } else {
            first.insert(&placed.value, placed.line);
        }
    }
}

/// The value, or an empty text where a problem was reported instead.
pub(super) fn value(placed: Option<Placed<String>>) -> String {
    placed.map(|placed| placed.value).unwrap_or_default()
}

/// The values without their lines.
pub(super) fn values(list: Vec<Placed<String>>) -> Vec<String> {
    list.into_iter().map(|placed| placed.value).collect()
}
