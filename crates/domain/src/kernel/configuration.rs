//! Configurations of kernels: the `.config` that Kconfig writes (Linux
//! `Documentation/kbuild/kconfig-language.rst`; Xen's is the same program), and what differs.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::Flavor;

/// A configuration, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The architecture that its head names, such as `x86`; `None` where it has no head.
    pub architecture: Option<String>,
    /// What program its head says it is of, such as `Linux` or `Xen`.
    pub program: Option<String>,
    /// Every option in the order of the text.
    pub options: Vec<ConfigOption>,
}

/// One option of a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigOption {
    /// Name without `CONFIG_`, such as `VIRTIO_NET`.
    pub name: String,
    /// What it is set to as written (`y`, `m`, `"text"`, `0x10`); `None` is `is not set`.
    pub value: Option<String>,
    /// The menus that it stands in, from the outermost, joined by " / "; empty at the top.
    pub menu: String,
}

/// A text is no configuration, or one of something else.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ConfigFault {
    /// A line is none of a configuration.
    #[error(
        "line {line} is not a line of a configuration: {text:?}; write CONFIG_NAME=value or # CONFIG_NAME is not set"
    )]
    Line {
        /// Its number, from 1.
        line: usize,
        /// What stands there, cut.
        text: String,
    },
    /// No option at all.
    #[error("it sets no option")]
    Empty,
    /// It was made for another architecture.
    #[error("it is of {found}, and this product builds for x86 (amd64)")]
    Architecture {
        /// What it is of.
        found: String,
    },
    /// It is of the other flavor.
    #[error("it is of {found}, and the kernel is of flavor \"{}\"", flavor.word())]
    Program {
        /// What it is of.
        found: String,
        /// What was asked for.
        flavor: Flavor,
    },
}

/// How one option differs between two configurations. An option that is not set and one that does
/// not stand there are the same to a build: `None`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ConfigDifference {
    /// Name without `CONFIG_`.
    pub name: String,
    /// The menus that it stands in; those of the later one where it has it.
    pub menu: String,
    /// What it was set to.
    pub before: Option<String>,
    /// What it is set to.
    pub after: Option<String>,
}

/// What the tree made of a configuration, before anything is compiled.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ConfigReport {
    /// What `uname -r` will print.
    pub release: String,
    /// What `olddefconfig` changed of what was asked for, base and fragments together.
    pub changed: Vec<ConfigDifference>,
    /// Options of the fragments that did not stick.
    pub not_kept: Vec<NotKept>,
    /// Options that make two builds differ, or that somebody should know of, a sentence each.
    pub warnings: Vec<String>,
}

/// A requested option that the tree did not take as it was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct NotKept {
    /// Name without `CONFIG_`.
    pub name: String,
    /// Name of the fragment that asked for it.
    pub fragment: String,
    /// What was asked for; `None` is "not set".
    pub requested: Option<String>,
    /// What it is.
    pub actual: Option<String>,
    /// Why, in one sentence: an unmet dependency, an option that selects it, or a name that the tree
    /// does not know.
    pub reason: String,
}

impl Config {
    /// Reads a whole configuration, as Kconfig writes it.
    ///
    /// # Errors
    /// The first line that is none, or where nothing is set.
    pub fn parse(text: &str) -> Result<Self, ConfigFault> {
        let mut config = Self { architecture: None, program: None, options: Vec::new() };
        let mut menus: Vec<&str> = Vec::new();
        let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
        for (index, line) in lines.iter().enumerate() {
            if let Some((name, value)) = option(line) {
                config.options.push(ConfigOption {
                    name: name.to_owned(),
                    value: value.map(ToOwned::to_owned),
                    menu: menus.join(" / "),
                });
                continue;
            }
            let Some(comment) = line.strip_prefix('#') else {
                if line.trim().is_empty() {
                    continue;
                }
                return Err(fault(index, line));
            };
            let comment = comment.trim();
            if let Some(head) = comment.strip_suffix(" Configuration") {
                // `Linux/x86 6.1.170 Kernel Configuration`, `Xen/x86 4.17.5 Configuration`.
                if let Some((program, rest)) = head.split_once('/') {
                    config.program = Some(program.to_owned());
                    config.architecture = rest.split(' ').next().map(ToOwned::to_owned);
                }
            } else if let Some(ended) = comment.strip_prefix("end of ") {
                if let Some(depth) = menus.iter().rposition(|menu| *menu == ended) {
                    menus.truncate(depth);
                }
            } else if is_heading(&lines, index) && has_end(&lines[index..], comment) {
                menus.push(comment);
            }
        }
        if config.options.is_empty() { Err(ConfigFault::Empty) } else { Ok(config) }
    }

    /// Reads lines that are set over another configuration.
    ///
    /// # Errors
    /// The first line that is none, or where nothing is set.
    pub fn parse_fragment(text: &str) -> Result<Self, ConfigFault> {
        let mut options = Vec::new();
        for (index, line) in text.lines().map(str::trim_end).enumerate() {
            if let Some((name, value)) = option(line) {
                let (name, value) = (name.to_owned(), value.map(ToOwned::to_owned));
                options.push(ConfigOption { name, value, menu: String::new() });
            } else if !(line.trim().is_empty() || line.starts_with('#')) {
                return Err(fault(index, line));
            }
        }
        if options.is_empty() {
            return Err(ConfigFault::Empty);
        }
        Ok(Self { architecture: None, program: None, options })
    }

    /// Whether a build of that flavor for this architecture can start from it.
    ///
    /// # Errors
    /// Where it was made for another architecture or program.
    pub fn fits(&self, flavor: Flavor) -> Result<(), ConfigFault> {
        let set = |name: &str| self.value(name) == Some("y");
        let other = ["ARM", "ARM64", "RISCV", "MIPS", "PPC", "S390", "SPARC", "LOONGARCH"]
            .into_iter()
            .find(|name| set(name));
        let of_head =
            self.architecture.as_deref().filter(|it| !it.starts_with("x86") && *it != "i386");
        if let Some(found) = of_head.or(other) {
            return Err(ConfigFault::Architecture { found: found.to_owned() });
        }
        let expected = match flavor {
            Flavor::Linux => "Linux",
            Flavor::Xen => "Xen",
        };
        match &self.program {
            Some(found) if found != expected => {
                Err(ConfigFault::Program { found: found.clone(), flavor })
            }
            Some(_) | None => Ok(()),
        }
    }

    /// What an option is set to; `None` where it is not set or does not stand there.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&str> {
        self.options.iter().rev().find(|it| it.name == name)?.value.as_deref()
    }
}

/// What differs from one configuration to another, in the order of the later one; what stands only
/// in the former comes last.
#[must_use]
pub fn difference(before: &Config, after: &Config) -> Vec<ConfigDifference> {
    let values = |config: &Config| -> BTreeMap<String, Option<String>> {
        config.options.iter().map(|it| (it.name.clone(), it.value.clone())).collect()
    };
    let (old, new) = (values(before), values(after));
    let mut seen = BTreeSet::new();
    let of = |option: &ConfigOption| {
        let value =
            |values: &BTreeMap<String, Option<String>>| values.get(&option.name).cloned().flatten();
        let (before, after) = (value(&old), value(&new));
        (before != after).then(|| ConfigDifference {
            name: option.name.clone(),
            menu: option.menu.clone(),
            before,
            after,
        })
    };
    after
        .options
        .iter()
        .chain(&before.options)
        .filter(|option| seen.insert(option.name.as_str()))
        .filter_map(of)
        .collect()
}

/// `CONFIG_NAME=value` or `# CONFIG_NAME is not set`.
fn option(line: &str) -> Option<(&str, Option<&str>)> {
    let is_name = |name: &str| {
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    };
    let found = if let Some(rest) = line.strip_prefix("# CONFIG_") {
        (rest.strip_suffix(" is not set")?, None)
    } else {
        match line.strip_prefix("CONFIG_")?.split_once('=')? {
            (name, "n") => (name, None),
            (name, value) => (name, Some(value)),
        }
    };
    is_name(found.0).then_some(found)
}

fn fault(index: usize, line: &str) -> ConfigFault {
    ConfigFault::Line { line: index + 1, text: line.chars().take(60).collect() }
}

/// A heading stands between two lines that hold nothing but `#`.
fn is_heading(lines: &[&str], index: usize) -> bool {
    let rule = |at: Option<usize>| at.and_then(|at| lines.get(at)).is_some_and(|line| *line == "#");
    rule(index.checked_sub(1)) && rule(index.checked_add(1))
}

/// A menu ends by name; a mere comment has the same frame and no end.
fn has_end(lines: &[&str], name: &str) -> bool {
    lines.iter().any(|line| line.strip_prefix("# end of ").is_some_and(|ended| ended == name))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "#
# Automatically generated file; DO NOT EDIT.
# Linux/x86 6.1.170 Kernel Configuration
#
CONFIG_CC_IS_GCC=y

#
# General setup
#
CONFIG_LOCALVERSION=\"-lab\"
# CONFIG_SWAP is not set

#
# IRQ subsystem
#
CONFIG_IRQ_WORK=y
# end of IRQ subsystem

CONFIG_OLD_ONE=y
# end of General setup

#
# Just a comment
#
CONFIG_NET=y
";

    #[test]
    fn options_stand_in_their_menus() {
        let config = Config::parse(OLD).unwrap();
        assert_eq!(config.architecture.as_deref(), Some("x86"));
        assert_eq!(config.program.as_deref(), Some("Linux"));
        let menus: Vec<(&str, &str)> =
            config.options.iter().map(|it| (it.name.as_str(), it.menu.as_str())).collect();
        assert_eq!(
            menus,
            [
                ("CC_IS_GCC", ""),
                ("LOCALVERSION", "General setup"),
                ("SWAP", "General setup"),
                ("IRQ_WORK", "General setup / IRQ subsystem"),
                ("OLD_ONE", "General setup"),
                ("NET", ""),
            ]
        );
        assert_eq!(config.value("LOCALVERSION"), Some("\"-lab\""));
        assert_eq!(config.value("SWAP"), None);
    }

    #[test]
    fn differences_are_what_a_build_would_see() {
        let new = OLD
            .replace("CONFIG_OLD_ONE=y\n", "# CONFIG_NEVER_SET is not set\n")
            .replace("# CONFIG_SWAP is not set", "CONFIG_SWAP=y")
            .replace("-lab", "-dev");
        let found = difference(&Config::parse(OLD).unwrap(), &Config::parse(&new).unwrap());
        let found: Vec<_> = found
            .iter()
            .map(|it| (it.name.as_str(), it.before.as_deref(), it.after.as_deref()))
            .collect();
        assert_eq!(
            found,
            [
                ("LOCALVERSION", Some("\"-lab\""), Some("\"-dev\"")),
                ("SWAP", None, Some("y")),
                ("OLD_ONE", Some("y"), None),
            ]
        );
    }

    #[test]
    fn a_configuration_of_something_else_is_refused() {
        let arm = OLD.replace("Linux/x86", "Linux/arm64");
        assert_eq!(
            Config::parse(&arm).unwrap().fits(Flavor::Linux),
            Err(ConfigFault::Architecture { found: "arm64".to_owned() })
        );
        let headless = Config::parse_fragment("CONFIG_ARM64=y\n").unwrap();
        assert!(matches!(headless.fits(Flavor::Linux), Err(ConfigFault::Architecture { .. })));
        let linux = Config::parse(OLD).unwrap();
        assert_eq!(linux.fits(Flavor::Linux), Ok(()));
        assert!(matches!(linux.fits(Flavor::Xen), Err(ConfigFault::Program { .. })));
    }

    #[test]
    fn lines_that_are_none_are_named() {
        let fault = Config::parse_fragment("CONFIG_A=y\nB=y\n").unwrap_err();
        assert_eq!(fault, ConfigFault::Line { line: 2, text: "B=y".to_owned() });
        assert_eq!(Config::parse_fragment("# nothing\n"), Err(ConfigFault::Empty));
        assert!(Config::parse("\u{7f}ELF").is_err());
    }
}
