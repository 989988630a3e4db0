//! `prepare`: unpacks a source in the sandbox, finds out what it is, and applies the patches.

use domain::blob::BlobRef;
use sandbox::Conditions;

use super::{Cause, KernelBuilding, facts, toolchain};
use crate::{
    error::BuildError,
    steps::run::{self, Setting, Step},
};

pub(super) const NAME: &str = "prepare";

/// A source tree that can be compiled.
pub(super) struct Prepared {
    /// The tree without its top folder, patched: a tar compressed by zstd.
    pub(super) tree: BlobRef,
    /// When the source was changed last, in seconds since 1970-01-01 UTC.
    pub(super) epoch: i64,
}

pub(super) fn run(build: &KernelBuilding<'_>, archive: BlobRef) -> Result<Prepared, BuildError> {
    let definition = &build.request.definition;
    toolchain::check(NAME, build.request.mode).map_err(|error| build.not_begun(NAME, error))?;
    let mut blobs = vec![("archive".to_owned(), archive)];
    let mut patches = String::new();
    for (number, patch) in definition.patches.iter().enumerate() {
        let file = format!("patches/{number}");
        patches += &format!("{file} {}\n", patch.name);
        blobs.push((file, build.upload(NAME, patch)?));
    }
    let step = Step {
        name: NAME,
        script: include_str!("../../assets/kernels/prepare.sh"),
        blobs,
        packages: Vec::new(),
        files: vec![
            ("common.sh", super::COMMON.into()),
            ("unpack.py", super::UNPACK.into()),
            ("names", patches.into_bytes()),
        ],
        environment: vec![("FLAVOR", definition.flavor.word().to_owned())],
    };
    let conditions = Conditions::of_source();
    let cause = Cause::new(conditions.build_size).into();
    let setting = Setting { conditions, cause: Some(&cause), ..Setting::default() };
    let outputs = run::run_under(build, &step, &setting, |outputs| {
        let found = facts::value(&outputs.text("facts")?, "flavor").map(ToOwned::to_owned);
        if found.as_deref() != Some(definition.flavor.word()) {
            return Err(BuildError::Unexpected { step: NAME, what: "no flavor".to_owned() });
        }
        Ok(["tree.tar.zst", "facts"].map(|it| (it.to_owned(), outputs.path(it))).into())
    })?;
    let facts = build.text(NAME, &run::file(&outputs, NAME, "facts")?)?;
    let epoch = facts::value(&facts, "epoch").and_then(|it| it.parse().ok()).ok_or_else(|| {
        BuildError::Unexpected { step: NAME, what: "no time of the source".to_owned() }
    })?;
    Ok(Prepared { tree: run::file(&outputs, NAME, "tree.tar.zst")?, epoch })
}
