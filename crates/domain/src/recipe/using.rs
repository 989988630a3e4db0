//! What others ask of a recipe that has been read.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use toml::de::DeTable;

use super::{
    Problem, Recipe,
    nearest::nearest,
    report::{Lines, quoted},
};
use crate::{kernel::Flavor, packages::pinned};

/// The recipe that an empty installation offers: a small Debian that boots over the network.
#[must_use]
pub const fn starter() -> &'static str {
    include_str!("starter.toml")
}

/// `text` as recipes are kept: lines end in a line feed, as a browser's form does not send them.
#[must_use]
pub fn normalised(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}

/// Name and password of the account with which the smoke plan signs in at the console: `root`
/// where it has a password, else the first account that has one.
#[must_use]
pub fn console_login(recipe: &Recipe) -> Option<(&str, &str)> {
    let with_password = || {
        recipe.users.iter().filter_map(|user| Some((user.name.as_str(), user.password.as_deref()?)))
    };
    with_password().find(|(name, _)| *name == "root").or_else(|| with_password().next())
}

/// Names of the kernels of this installation that a text of a recipe names (`kernel = "…"` below
/// `[[kernels]]`), whatever else is wrong with it; none where it is no TOML at all.
#[must_use]
pub fn kernels_named(text: &str) -> BTreeSet<String> {
    #[derive(Deserialize)]
    struct Named {
        #[serde(default)]
        kernels: Vec<Kernel>,
    }
    #[derive(Deserialize)]
    struct Kernel {
        kernel: Option<String>,
    }
    let named = toml::from_str::<Named>(text).map_or_else(|_| Vec::new(), |it| it.kernels);
    named.into_iter().filter_map(|it| it.kernel).collect()
}

/// The packages of `recipe` that the archive lacks, each at its line of `text`.
///
/// `exists` answers for one name in the recipe's own suite, or in the one that it is pinned to. Names that are one slip away from an existing one say so.
#[must_use]
pub fn unknown_packages(
    recipe: &Recipe,
    text: &str,
    exists: &dyn Fn(&str, Option<&str>) -> bool,
) -> Vec<Problem> {
    let lines = lines_of_packages(text);
    let kernels = recipe.kernel_packages();
    let mut problems: Vec<Problem> = recipe
        .packages
        .iter()
        .map(String::as_str)
        .chain(kernels)
        .map(|package| (package, pinned(package)))
        .filter(|(_, (name, suite))| !exists(name, *suite))
        .map(|(package, (name, suite))| {
            let line =
                lines.iter().find(|(known, _)| known == package).map_or(0, |(_, line)| *line);
            let (archive, components) =
                (suite.unwrap_or(&recipe.suite), recipe.components.join(", "));
            let near = suggestion(name, &|near| exists(near, suite));
            let message = format!("{archive} ({components}) has no package {}{near}", quoted(name));
            Problem { line, message }
        })
        .collect();
    problems.sort_by_key(|problem| problem.line);
    problems
}

/// The kernels that `recipe` names and that are not among the `known` ones, or are of another flavor,
/// each at its line of `text`.
#[must_use]
pub fn unknown_kernels(
    recipe: &Recipe,
    text: &str,
    known: &BTreeMap<String, Flavor>,
) -> Vec<Problem> {
    let lines = lines_of(text, "kernels", "kernel");
    let line = |name: &str| lines.iter().find(|(it, _)| it == name).map_or(0, |(_, line)| *line);
    let problem = |(name, flavor): (&str, Flavor)| {
        let message = match known.get(name) {
            Some(is) if *is == flavor => return None,
            Some(is) => format!(
                "the kernel {} is of flavor \"{word}\"; write flavor = \"{word}\"",
                quoted(name),
                word = is.word()
            ),
            None => {
                let near = nearest(name, known.keys().map(String::as_str)).map_or_else(
                    || "; add it on the page Kernels, or name another".to_owned(),
                    |near| format!("; did you mean \"{near}\"?"),
                );
                format!("there is no kernel called {}{near}", quoted(name))
            }
        };
        Some(Problem { line: line(name), message })
    };
    let mut problems: Vec<Problem> = recipe.own_kernels().into_iter().filter_map(problem).collect();
    problems.sort_by_key(|problem| problem.line);
    problems
}

/// What to do about a package that is not there.
fn suggestion(name: &str, exists: &dyn Fn(&str) -> bool) -> String {
    let candidates: Vec<String> = slips(name).filter(|name| exists(name)).collect();
    nearest(name, candidates.iter().map(String::as_str)).map_or_else(
        || "; correct the name, or add the component that has it".to_owned(),
        |near| format!("; did you mean \"{near}\"?"),
    )
}

/// Every name that is one slip of a finger away from `name`.
///
/// The archive is known by a question only, so names are tried instead of compared: some thousand
/// for a name of usual length.
fn slips(name: &str) -> impl Iterator<Item = String> {
    const LONGEST: usize = 40;
    const LETTERS: &str = "abcdefghijklmnopqrstuvwxyz0123456789+-.";
    let short = if name.len() <= LONGEST && name.is_ascii() { name } else { "" };
    let at = move |from: usize, to: usize, middle: &str| {
        format!("{}{middle}{}", &short[..from], &short[to..])
    };
    let letter = |letter: char| letter.to_string();
    (0..=short.len())
        .flat_map(move |i| {
            let next = (i + 1).min(short.len());
            let after = (i + 2).min(short.len());
            let swapped: String = short[i..after].chars().rev().collect();
            let inserted = LETTERS.chars().map(move |c| at(i, i, &letter(c)));
            let replaced = LETTERS.chars().map(move |c| at(i, next, &letter(c)));
            [at(i, next, ""), at(i, after, &swapped)].into_iter().chain(inserted).chain(replaced)
        })
        .filter(move |slip| slip != name && slip.len() > 1)
}

/// Each package that `text` names, with its line.
fn lines_of_packages(text: &str) -> Vec<(String, u32)> {
    let lines = Lines::of(text);
    let (root, _) = DeTable::parse_recoverable(text);
    let packages = root.get_ref().get("packages").and_then(|value| value.get_ref().as_array());
    let packages = packages.into_iter().flat_map(|list| list.iter()).filter_map(|value| {
        Some((value.get_ref().as_str()?.to_owned(), lines.line(value.span().start)))
    });
    packages.chain(lines_of(text, "kernels", "package")).collect()
}

/// Each text that the tables of a list have under `key`, with its line.
fn lines_of(text: &str, list: &str, key: &str) -> Vec<(String, u32)> {
    let lines = Lines::of(text);
    let (root, _) = DeTable::parse_recoverable(text);
    let tables = root.get_ref().get(list).and_then(|value| value.get_ref().as_array());
    tables
        .into_iter()
        .flat_map(|list| list.iter())
        .filter_map(|table| {
            let value = table.get_ref().as_table()?.get(key)?;
            Some((value.get_ref().as_str()?.to_owned(), lines.line(value.span().start)))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_names_kernels_whatever_else_is_wrong_with_it() {
        let text = "schema = 7\n[[kernels]]\nalias = \"a\"\nkernel = \"lab\"\n[[kernels]]\nkernel = \"lab\"\n\
                    [[kernels]]\npackage = \"linux-image-amd64\"\n[[kernels]]\nkernel = \"xen-dev\"\n";
        assert_eq!(Vec::from_iter(kernels_named(text)), ["lab", "xen-dev"]);
        assert!(kernels_named(starter()).is_empty());
        assert!(kernels_named("[[kernels").is_empty());
    }
}
