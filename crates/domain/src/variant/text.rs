//! The text of a variant: TOML that reads back to the very same definition.

use toml::de::DeTable;

use super::{Definition, check};
use crate::recipe::{
    Problem,
    report::{Lines, quoted},
};

/// The most bytes that the text of a variant may have.
pub const LONGEST_TEXT: usize = 1 << 20;

/// Reads the text of a variant.
///
/// # Errors
/// What is wrong with it, each at its line where that is known.
pub fn parse(text: &str) -> Result<Definition, Vec<Problem>> {
    if text.len() > LONGEST_TEXT {
        let message = format!(
            "the text has {} bytes and may have {LONGEST_TEXT}; upload large files instead",
            text.len()
        );
        return Err(vec![Problem { line: 0, message }]);
    }
    let definition: Definition = toml::from_str(text).map_err(|error| {
        let line = error.span().map_or(0, |span| Lines::of(text).line(span.start));
        let message = error.message().lines().next().unwrap_or_default().to_owned();
        vec![Problem { line, message }]
    })?;
    let faults = check::faults(&definition);
    if faults.is_empty() {
        return Ok(definition);
    }
    let places = Places::of(text);
    let mut problems: Vec<Problem> = faults
        .into_iter()
        .map(|fault| Problem { line: places.line(&fault.place), message: fault.message })
        .collect();
    problems.sort_by_key(|problem| problem.line);
    Err(problems)
}

/// Writes a definition as text.
#[must_use]
pub fn write(definition: &Definition) -> String {
    // Tables of texts and numbers under plain keys: nothing of it can fail to be written.
    toml::to_string_pretty(definition)
        .unwrap_or_else(|error| format!("# {}\n", quoted(&error.to_string())))
}

/// Where the values of a text stand.
struct Places<'a> {
    lines: Lines,
    root: DeTable<'a>,
}

impl<'a> Places<'a> {
    fn of(text: &'a str) -> Self {
        let (root, _) = DeTable::parse_recoverable(text);
        Self { lines: Lines::of(text), root: root.into_inner() }
    }

    /// The line of the innermost part of `place` that the text has, such as `packages.add.2`.
    fn line(&self, place: &str) -> u32 {
        let mut parts = place.split('.');
        let Some(mut value) = parts.next().and_then(|key| self.root.get(key)) else { return 0 };
        for part in parts {
            let inner = match (value.get_ref().as_table(), value.get_ref().as_array()) {
                (Some(table), _) => table.get(part),
                (None, Some(list)) => part.parse().ok().and_then(|at: usize| list.get(at)),
                (None, None) => None,
            };
            let Some(inner) = inner else { break };
            value = inner;
        }
        self.lines.line(value.span().start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        digest::Digest,
        kernel::{Flavor, UploadedFile},
        recipe::{Services, User},
        variant::{Boot, File, Kernel, Packages, Playbook, Script},
    };

    fn upload(name: &str) -> UploadedFile {
        UploadedFile { name: name.to_owned(), sha256: Digest::of(name) }
    }

    fn kernel(alias: &str) -> Kernel {
        Kernel {
            alias: alias.to_owned(),
            flavor: Flavor::Linux,
            package: None,
            kernel: None,
            packages: Vec::new(),
            image: None,
        }
    }

    fn whole() -> Definition {
        Definition {
            base: "v1.2.0".to_owned(),
            hostname: Some("probe-7".to_owned()),
            packages: Packages {
                add: vec!["htop".to_owned(), "tmux/bookworm-backports".to_owned()],
                remove: vec!["nano".to_owned()],
                accept_removal: vec!["less".to_owned()],
            },
            services: Services {
                enable: vec!["ssh.service".to_owned()],
                disable: vec!["cron.service".to_owned()],
            },
            boot: Boot {
                arguments: "debug loglevel=7".to_owned(),
                hypervisor_arguments: "loglvl=all".to_owned(),
            },
            users: vec![User {
                name: "probe".to_owned(),
                password: Some("secret".to_owned()),
                groups: vec!["sudo".to_owned()],
                ssh_keys: Vec::new(),
                shell: "/bin/sh".to_owned(),
            }],
            files: vec![
                File {
                    path: "/etc/motd".to_owned(),
                    mode: "0644".to_owned(),
                    owner: "root:root".to_owned(),
                    content: Some("first\n\n'''\"\"\"\\ \ttabs\nlast".to_owned()),
                    upload: None,
                },
                File {
                    path: "/usr/local/bin/probe".to_owned(),
                    mode: "4755".to_owned(),
                    owner: "root:root".to_owned(),
                    content: None,
                    upload: Some(upload("probe")),
                },
            ],
            kernels: vec![
                Kernel { kernel: Some("lab".to_owned()), ..kernel("vmlinuz-6.1.y") },
                Kernel { packages: vec![upload("a.deb")], ..kernel("vmlinuz-dev") },
                Kernel {
                    flavor: Flavor::Xen,
                    package: Some("xen-hypervisor-4.17-amd64".to_owned()),
                    ..kernel("xen-dev")
                },
            ],
            playbook: Some(Playbook {
                file: None,
                content: Some("- hosts: all\n".to_owned()),
                archive: None,
            }),
            script: Some(Script { content: "true\n".to_owned(), limit_seconds: 60 }),
        }
    }

    #[test]
    fn a_text_reads_back_to_the_same_definition() {
        for definition in [whole(), Definition::default()] {
            let text = write(&definition);
            assert_eq!(parse(&text).unwrap(), definition, "{text}");
            assert_eq!(write(&parse(&text).unwrap()), text);
        }
        assert_eq!(write(&Definition::default()), "");
    }

    #[test]
    fn problems_stand_at_their_lines() {
        let text = "base = \"v1.2.0\"\n[packages]\nadd = [\n  \"htop\",\n  \"Htop\",\n]\n\
                    [[files]]\npath = \"etc/motd\"\ncontent = \"x\"\n";
        let problems = parse(text).unwrap_err();
        let lines: Vec<u32> = problems.iter().map(|it| it.line).collect();
        assert_eq!(lines, [5, 8], "{problems:?}");
        let unknown = parse("base = \"v1\"\n\n[package]\nadd = []\n").unwrap_err();
        assert_eq!(unknown[0].line, 3, "{unknown:?}");
        assert!(unknown[0].message.contains("package"), "{unknown:?}");
        assert_eq!(parse("a = [").unwrap_err().len(), 1);
        assert!(parse(&" ".repeat(LONGEST_TEXT + 1)).is_err());
    }
}
