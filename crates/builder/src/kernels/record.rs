//! `record`: what came out, named by content, and kept.

use std::collections::BTreeSet;

use domain::{
    blob::BlobRef,
    digest::Digest,
    kernel::{BuildMode, Flavor, KernelFile, KernelFileRole, Record, SourceRecord},
};

use super::{
    KernelBuilding,
    commands::{self, Inputs},
    compile::{self, Compiled},
    configure::Configured,
    inspect::{self, Inspected},
    packages,
    prepare::Prepared,
};
use crate::{error::BuildError, steps::run};

const NAME: &str = "record";

/// Form of the record.
const SCHEMA: u32 = 1;

/// The record of what was compiled here.
pub(super) fn of_compiled(
    build: &KernelBuilding<'_>,
    source: &SourceRecord,
    archive: (&str, Digest),
    prepared: &Prepared,
    configured: &Configured,
    compiled: &Compiled,
) -> Result<Record, BuildError> {
    let definition = &build.request.definition;
    let release = &configured.report.release;
    let names = Names::of(definition.flavor, release);
    build.unkeyed(NAME, || {
        let outputs = &compiled.outputs;
        let listed = build.text(NAME, &run::file(outputs, compile::NAME, "packages")?)?;
        let packages = packages::read(NAME, &listed)?;
        if !packages.iter().any(|it| it.holds_kernel) {
            return Err(unexpected("no package with the kernel".to_owned()));
        }
        let mut files = packages
            .iter()
            .map(|it| {
                Ok(file(KernelFileRole::Package, &it.file, run::file(outputs, NAME, &it.file)?))
            })
            .collect::<Result<Vec<_>, BuildError>>()?;
        for (role, name) in names.roles() {
            files.push(file(role, name, run::file(outputs, NAME, name)?));
        }
        let files = keep(build, files)?;
        let inputs = Inputs {
            definition,
            archive,
            config: &names.config,
            epoch: prepared.epoch,
            revision: &compiled.revision,
            toolchain: &build.builder.toolchain,
            files: &files,
        };
        let record = Record {
            schema: SCHEMA,
            flavor: definition.flavor,
            release: release.clone(),
            mode: build.request.mode,
            source: source.clone(),
            epoch: prepared.epoch,
            toolchain: build.builder.toolchain.clone(),
            packages,
            commands: commands::script(&inputs),
            files,
        };
        Ok(complete(record))
    })
}

/// The record of what was compiled elsewhere, and its configuration.
pub(super) fn of_packages(
    build: &KernelBuilding<'_>,
    source: &SourceRecord,
    debs: &[(String, BlobRef)],
    image: Option<&(String, BlobRef)>,
    inspected: &Inspected,
) -> Result<(Record, Option<BlobRef>), BuildError> {
    let flavor = build.request.definition.flavor;
    let names = Names::of(flavor, &inspected.release);
    build.unkeyed(NAME, || {
        let found = |name: &str| inspected.outputs.files.get(name).copied();
        let listed =
            build.text(NAME, &run::file(&inspected.outputs, inspect::NAME, "packages")?)?;
        let mut files: Vec<KernelFile> = debs
            .iter()
            .map(|(name, blob)| file(KernelFileRole::Package, &packages::file_name(name), *blob))
            .collect();
        // Checked to be of the same version as the one in the package.
        let image = match image {
            Some((_, blob)) => *blob,
            None => run::file(&inspected.outputs, inspect::NAME, "image")?,
        };
        files.push(file(KernelFileRole::Image, &names.image, image));
        let config = found("config");
        if let Some(blob) = config {
            files.push(file(KernelFileRole::Config, &names.config, blob));
        }
        if let Some(blob) = found("map") {
            files.push(file(KernelFileRole::SystemMap, &names.map, blob));
        }
        let record = Record {
            schema: SCHEMA,
            flavor,
            release: inspected.release.clone(),
            // No compiler cache of this server had a part in it.
            mode: BuildMode::Release,
            source: source.clone(),
            epoch: inspected.epoch,
            toolchain: Vec::new(),
            files: keep(build, files)?,
            packages: packages::read(NAME, &listed)?,
            commands: String::new(),
        };
        let (record, message) = complete(record);
        Ok(((record, config), message))
    })
}

fn complete(record: Record) -> (Record, Option<String>) {
    let message = format!(
        "{} {}: {} files, {}",
        record.flavor.word(),
        record.release,
        record.files.len(),
        domain::time::human_size(record.size())
    );
    (record, Some(message))
}

fn unexpected(what: String) -> BuildError {
    BuildError::Unexpected { step: NAME, what }
}

fn file(role: KernelFileRole, name: &str, blob: BlobRef) -> KernelFile {
    KernelFile { role, name: name.to_owned(), size: blob.size, sha256: blob.sha256 }
}

/// Puts the files into the store that is kept, and in the order of their names.
fn keep(
    build: &KernelBuilding<'_>,
    mut files: Vec<KernelFile>,
) -> Result<Vec<KernelFile>, BuildError> {
    files.sort_by(|a, b| a.name.cmp(&b.name));
    let mut seen = BTreeSet::new();
    for file in &files {
        if !seen.insert(file.name.as_str()) {
            return Err(unexpected(format!("two files called {}", file.name)));
        }
        if !build.builder.blobs.touch(&file.sha256)? {
            build.keep(&file.sha256)?;
        }
    }
    Ok(files)
}

/// What the files of a release of a kernel are called, but for its packages.
struct Names {
    image: String,
    config: String,
    map: String,
}

impl Names {
    fn of(flavor: Flavor, release: &str) -> Self {
        let (image, rest) = match flavor {
            Flavor::Linux => (format!("vmlinuz-{release}"), release.to_owned()),
            Flavor::Xen => (format!("xen-{release}"), format!("xen-{release}")),
        };
        Self { image, config: format!("config-{rest}"), map: format!("System.map-{rest}") }
    }

    fn roles(&self) -> [(KernelFileRole, &str); 3] {
        [
            (KernelFileRole::Image, &self.image),
            (KernelFileRole::Config, &self.config),
            (KernelFileRole::SystemMap, &self.map),
        ]
    }
}
