//! What somebody typed and uploaded into the form of a kernel, whatever kind of source it is about:
//! the fields of every kind are kept, so that a change of mind loses nothing.

use std::collections::BTreeMap;

use domain::{
    digest::Digest,
    kernel::{
        ConfigBase, Configuration, Definition, DefinitionFault, Flavor, Fragment, Source,
        UploadedFile,
    },
};

use super::choices::{BaseKind, Slot, SourceKind};
use crate::error::AppError;

/// Names of the fields of one line, as the form sends them.
pub const TEXTS: [&str; 13] = [
    "binary.suite",
    "binary.package",
    "binary.version",
    "source.suite",
    "source.package",
    "source.version",
    "archive.url",
    "archive.sha256",
    "git.url",
    "git.reference",
    "git.key",
    "base.target",
    "base.kernel",
];

/// What is wrong with a field of the form.
pub type FieldFault = (String, String);

/// What stands in the form, and what is wrong with it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KernelDraft {
    /// The kernel's name.
    pub name: String,
    /// The revision that the form was filled from; `None` for a new kernel.
    pub revision: Option<u32>,
    /// What it is.
    pub flavor: Flavor,
    /// The chosen kind of source.
    pub kind: SourceKind,
    /// The chosen base of the configuration.
    pub base: BaseKind,
    /// Values of the fields of one line, by their name in [`TEXTS`].
    pub texts: BTreeMap<&'static str, String>,
    /// What was uploaded.
    pub uploads: BTreeMap<Slot, Vec<UploadedFile>>,
    /// Fragments, empty ones too.
    pub fragments: Vec<Fragment>,
    /// Whether the package of debug symbols is kept.
    pub debug: bool,
    /// Faults by the name of their field in a definition.
    pub faults: Vec<FieldFault>,
    /// Why it was not saved, besides.
    pub error: Option<AppError>,
}

impl KernelDraft {
    /// The form of a new kernel.
    #[must_use]
    pub fn starter() -> Self {
        let mut draft = Self::default();
        for (name, value) in [
            ("binary.suite", "bookworm"),
            ("source.suite", "bookworm"),
            ("source.package", "linux-source-6.1"),
            ("base.target", "defconfig"),
        ] {
            draft.set(name, value);
        }
        draft.fragments.push(Fragment { name: "local".to_owned(), content: String::new() });
        draft
    }

    /// The form of a kernel that is there.
    #[must_use]
    pub fn of(name: &str, revision: u32, definition: &Definition) -> Self {
        let Definition { flavor, source, configuration, patches, debug } = definition.clone();
        let mut draft = Self {
            name: name.to_owned(),
            revision: Some(revision),
            flavor,
            kind: SourceKind::of(&source),
            debug,
            ..Self::default()
        };
        match source {
            Source::DebianBinary { suite, package, version } => {
                draft.set("binary.suite", &suite);
                draft.set("binary.package", &package);
                draft.set("binary.version", &version.unwrap_or_default());
            }
            Source::DebianSource { suite, package, version } => {
                draft.set("source.suite", &suite);
                draft.set("source.package", &package);
                draft.set("source.version", &version.unwrap_or_default());
            }
            Source::Archive { url, sha256 } => {
                draft.set("archive.url", &url);
                draft.set("archive.sha256", &sha256.to_string());
            }
            Source::UploadedArchive { file } => draft.upload(Slot::Archive, file),
            Source::Git { url, reference, commit: _, key } => {
                draft.set("git.url", &url);
                draft.set("git.reference", &reference);
                draft.set("git.key", &key.unwrap_or_default());
            }
            Source::UploadedPackages { packages, image } => {
                packages.into_iter().for_each(|file| draft.upload(Slot::Packages, file));
                image.into_iter().for_each(|file| draft.upload(Slot::Image, file));
            }
        }
        patches.into_iter().for_each(|file| draft.upload(Slot::Patches, file));
        if let Some(Configuration { base, fragments }) = configuration {
            draft.fragments = fragments;
            match base {
                ConfigBase::Defconfig { target } => draft.set("base.target", &target),
                ConfigBase::File { file } => {
                    draft.base = BaseKind::File;
                    draft.upload(Slot::Config, file);
                }
                ConfigBase::Kernel { name, config: _ } => {
                    draft.base = BaseKind::Kernel;
                    draft.set("base.kernel", &name);
                }
            }
        }
        draft
    }

    fn set(&mut self, name: &'static str, value: &str) {
        self.texts.insert(name, value.to_owned());
    }

    /// A field of one line, without the blanks around it.
    #[must_use]
    pub fn text(&self, name: &str) -> &str {
        self.texts.get(name).map_or("", |value| value.trim())
    }

    /// What was uploaded for that.
    #[must_use]
    pub fn uploaded(&self, slot: Slot) -> &[UploadedFile] {
        self.uploads.get(&slot).map_or(&[], Vec::as_slice)
    }

    /// Takes in an upload; where there can be one only it replaces the former.
    pub fn upload(&mut self, slot: Slot, file: UploadedFile) {
        let files = self.uploads.entry(slot).or_default();
        if !slot.several() {
            files.clear();
        }
        if !files.contains(&file) {
            files.push(file);
        }
    }

    /// What is wrong with a field of the definition.
    #[must_use]
    pub fn fault(&self, field: &str) -> Option<String> {
        let of_field: Vec<String> = self
            .faults
            .iter()
            .filter(|(name, _)| name == field)
            .map(|(_, message)| crate::error::sentence(message))
            .collect();
        (!of_field.is_empty()).then(|| of_field.join(" "))
    }

    /// What the form asks for. The commit of a repository that `former` fetched stays, as long as
    /// its address and reference do.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn definition(&self, former: Option<&Definition>) -> Result<Definition, Vec<FieldFault>> {
        let mut faults: Vec<FieldFault> = Vec::new();
        let mut missing = |field: &str, message: &str| {
            faults.push((field.to_owned(), message.to_owned()));
            UploadedFile { name: "none".to_owned(), sha256: Digest::of("") }
        };
        let text = |name: &str| self.text(name).to_owned();
        let given = |name: &str| Some(text(name)).filter(|value| !value.is_empty());
        let one = |slot: Slot| self.uploaded(slot).first().cloned();
        let source = match self.kind {
            SourceKind::DebianBinary => Source::DebianBinary {
                suite: text("binary.suite"),
                package: text("binary.package"),
                version: given("binary.version"),
            },
            SourceKind::DebianSource => Source::DebianSource {
                suite: text("source.suite"),
                package: text("source.package"),
                version: given("source.version"),
            },
            SourceKind::Archive => {
                let sha256 = text("archive.sha256").to_ascii_lowercase().parse();
                Source::Archive {
                    url: text("archive.url"),
                    sha256: sha256.unwrap_or_else(|_| {
                        missing("source.sha256", "a SHA-256 has 64 hexadecimal digits").sha256
                    }),
                }
            }
            SourceKind::UploadedArchive => Source::UploadedArchive {
                file: one(Slot::Archive)
                    .unwrap_or_else(|| missing("source.file", "choose an archive to upload")),
            },
            SourceKind::Git => self.repository(former),
            SourceKind::UploadedPackages => Source::UploadedPackages {
                packages: self.uploaded(Slot::Packages).to_vec(),
                image: one(Slot::Image),
            },
        };
        let binary = source.is_binary();
        let base = match self.base {
            BaseKind::Defconfig => ConfigBase::Defconfig { target: text("base.target") },
            BaseKind::File => match one(Slot::Config) {
                Some(file) => ConfigBase::File { file },
                None if binary => ConfigBase::Defconfig { target: String::new() },
                None => ConfigBase::File {
                    file: missing("configuration.base", "choose a .config to upload"),
                },
            },
            BaseKind::Kernel => ConfigBase::Kernel { name: text("base.kernel"), config: None },
        };
        let written = |it: &&Fragment| !it.content.trim().is_empty();
        let fragments = self.fragments.iter().filter(written).cloned().collect();
        let definition = Definition {
            flavor: self.flavor,
            source,
            configuration: (!binary).then_some(Configuration { base, fragments }),
            // What is compiled elsewhere has nothing to patch; the form does not show them then.
            patches: if binary { Vec::new() } else { self.uploaded(Slot::Patches).to_vec() },
            debug: self.debug,
        };
        let of_definition = definition.check().err().unwrap_or_default();
        let worded = |DefinitionFault { field, message }| (field.to_owned(), message);
        faults.extend(of_definition.into_iter().map(worded));
        if faults.is_empty() { Ok(definition) } else { Err(faults) }
    }

    fn repository(&self, former: Option<&Definition>) -> Source {
        let (url, reference) = (self.text("git.url"), self.text("git.reference"));
        let fetched = former.and_then(|former| match &former.source {
            Source::Git { url: same, reference: too, commit, .. }
                if same == url && too == reference =>
            {
                commit.clone()
            }
            _ => None,
        });
        Source::Git {
            url: url.to_owned(),
            reference: reference.to_owned(),
            commit: fetched,
            key: Some(self.text("git.key").to_owned()).filter(|key| !key.is_empty()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str) -> UploadedFile {
        UploadedFile { name: name.to_owned(), sha256: Digest::of(name) }
    }

    fn configured(base: ConfigBase) -> Option<Configuration> {
        let fragment = Fragment { name: "net".to_owned(), content: "CONFIG_NET=y\n".to_owned() };
        Some(Configuration { base, fragments: vec![fragment] })
    }

    fn definitions() -> Vec<Definition> {
        let defconfig = || configured(ConfigBase::Defconfig { target: "tinyconfig".to_owned() });
        let of = |source, configuration| Definition {
            flavor: Flavor::Linux,
            source,
            configuration,
            patches: Vec::new(),
            debug: false,
        };
        let (suite, url) = ("bookworm".to_owned(), "https://git.example/linux.git".to_owned());
        vec![
            of(
                Source::DebianBinary {
                    suite: suite.clone(),
                    package: "linux-image-amd64".to_owned(),
                    version: None,
                },
                None,
            ),
            Definition {
                patches: vec![file("b.patch"), file("a.patch")],
                debug: true,
                flavor: Flavor::Xen,
                ..of(
                    Source::DebianSource {
                        suite,
                        package: "linux-source-6.1".to_owned(),
                        version: Some("6.1.170-1".to_owned()),
                    },
                    configured(ConfigBase::File { file: file("config") }),
                )
            },
            of(
                Source::Archive { url: url.clone(), sha256: Digest::of("x") },
                configured(ConfigBase::Kernel { name: "base".to_owned(), config: None }),
            ),
            of(Source::UploadedArchive { file: file("linux.tar.xz") }, defconfig()),
            of(
                Source::Git {
                    url,
                    reference: "v6.1.170".to_owned(),
                    commit: Some("a".repeat(40)),
                    key: None,
                },
                defconfig(),
            ),
            of(
                Source::UploadedPackages {
                    packages: vec![file("a.deb"), file("b.deb")],
                    image: Some(file("vmlinuz")),
                },
                None,
            ),
        ]
    }

    #[test]
    fn a_form_that_nobody_touches_changes_nothing() {
        for definition in definitions() {
            let draft = KernelDraft::of("small", 3, &definition);
            assert_eq!(draft.definition(Some(&definition)), Ok(definition));
        }
    }

    #[test]
    fn a_commit_belongs_to_its_reference() {
        let definition = definitions().swap_remove(4);
        let mut draft = KernelDraft::of("small", 1, &definition);
        draft.set("git.reference", "v6.1.171");
        let Ok(Definition { source: Source::Git { commit, reference, .. }, .. }) =
            draft.definition(Some(&definition))
        else {
            panic!("the form is whole");
        };
        assert_eq!((commit, reference.as_str()), (None, "v6.1.171"));
    }

    #[test]
    fn everything_that_is_wrong_is_said_at_once() {
        let mut draft = KernelDraft::starter();
        draft.kind = SourceKind::Archive;
        draft.base = BaseKind::File;
        draft.set("archive.url", "ftp://x");
        draft.fragments[0].content = "nonsense".to_owned();
        let faults = draft.definition(None).unwrap_err();
        let fields: Vec<&str> = faults.iter().map(|(field, _)| field.as_str()).collect();
        assert_eq!(
            fields,
            ["source.sha256", "configuration.base", "source.url", "configuration.fragments"]
        );
        draft.kind = SourceKind::UploadedPackages;
        let faults = draft.definition(None).unwrap_err();
        assert_eq!(faults.len(), 1, "what is not compiled needs no configuration: {faults:?}");
    }

    #[test]
    fn one_file_replaces_the_former_and_several_are_kept() {
        let mut draft = KernelDraft::default();
        for name in ["a", "b", "b"] {
            draft.upload(Slot::Config, file(name));
            draft.upload(Slot::Patches, file(name));
        }
        assert_eq!(draft.uploaded(Slot::Config), [file("b")]);
        assert_eq!(draft.uploaded(Slot::Patches), [file("a"), file("b")]);
    }
}
