//! The commands of a record: a shell script that builds the same bytes anywhere.

use std::fmt::Write as _;

use domain::{
    digest::Digest,
    kernel::{Definition, KernelFile, KernelFileRole},
};

use super::compile;

/// What the script is made of.
pub(super) struct Inputs<'a> {
    pub(super) definition: &'a Definition,
    /// File name and digest of the source.
    pub(super) archive: (&'a str, Digest),
    /// Name of the whole configuration.
    pub(super) config: &'a str,
    pub(super) epoch: i64,
    pub(super) revision: &'a str,
    pub(super) toolchain: &'a [String],
    /// What comes out.
    pub(super) files: &'a [KernelFile],
}

/// What stands before the program that compiles: everything that `prepare` does in the sandbox.
const BEGIN: &str = include_str!("../../assets/kernels/rebuild.sh");

/// The script. Names that people gave stand in it as literals of the shell.
pub(super) fn script(inputs: &Inputs<'_>) -> String {
    let (archive, sha256) = inputs.archive;
    let config = inputs.files.iter().find(|it| it.role == KernelFileRole::Config);
    let mut given = format!("{sha256}  {archive}\n");
    if let Some(config) = config {
        let _ = writeln!(given, "{}  {}", config.sha256, inputs.config);
    }
    let mut patches = String::new();
    for patch in &inputs.definition.patches {
        let _ = writeln!(given, "{}  {}", patch.sha256, patch.name);
        let _ = writeln!(patches, "{}", patch.name);
    }
    let expected: String =
        inputs.files.iter().map(|it| format!("{}  {}\n", it.sha256, it.name)).collect();
    let tools: String = inputs.toolchain.iter().map(|it| format!("#   {it}\n")).collect();
    let program = compile::program(inputs.definition.flavor);
    let values = [
        ("ARCHIVE", archive),
        ("CONFIG", inputs.config),
        ("EPOCH", &inputs.epoch.to_string()),
        ("REVISION", inputs.revision),
    ];
    let mut script = BEGIN.replace("#TOOLS#\n", &tools);
    for (name, value) in values {
        script = script.replace(&format!("\"#{name}#\""), &quoted(value));
    }
    for (name, text) in [
        ("GIVEN", given.as_str()),
        ("PATCHES", &patches),
        ("PROGRAM", program),
        ("EXPECTED", &expected),
    ] {
        script = script.replace(&format!("#{name}#\n"), text);
    }
    script
}

/// A word of the shell that stands for itself.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use domain::kernel::{Flavor, Source, UploadedFile};

    use super::*;

    #[test]
    fn everything_that_went_in_stands_in_the_script() {
        let definition = Definition {
            flavor: Flavor::Linux,
            source: Source::UploadedArchive {
                file: UploadedFile { name: "linux.tar".to_owned(), sha256: Digest::of("a") },
            },
            configuration: None,
            patches: vec![UploadedFile { name: "a.patch".to_owned(), sha256: Digest::of("p") }],
            debug: false,
        };
        let config = KernelFile {
            role: KernelFileRole::Config,
            name: "config-6.1".to_owned(),
            size: 1,
            sha256: Digest::of("c"),
        };
        let script = script(&Inputs {
            definition: &definition,
            archive: ("it's.tar", Digest::of("a")),
            config: "config-6.1",
            epoch: 1_700_000_000,
            revision: "1+00000000",
            toolchain: &["gcc 4:12.2.0-3".to_owned()],
            files: &[config],
        });
        for part in [
            r"archive='it'\''s.tar'",
            "epoch='1700000000'",
            &format!("{}  a.patch\n", Digest::of("p")),
            "#   gcc 4:12.2.0-3\n",
            "bindeb-pkg",
        ] {
            assert!(script.contains(part), "{part} is missing in\n{script}");
        }
        assert!(!script.contains("#\"") && !script.contains("#GIVEN#"), "{script}");
    }
}
