//! `compile`: the kernel and its packages, from a prepared tree and a whole configuration.

use std::time::Duration;

use domain::{
    blob::BlobRef,
    canonical,
    digest::Digest,
    kernel::{BuildMode, Flavor},
    menu::check_file_name,
};
use sandbox::{Conditions, Outputs};

use super::{Cause, KernelBuilding, compiler_cache, configure::Configured, prepare::Prepared};
use crate::{
    cache::StepOutputs,
    error::BuildError,
    steps::run::{self, Setting, Step},
};

pub(super) const NAME: &str = "compile";

/// How long a kernel may take: with every driver, on few processors, beside other work.
const LIMIT: Duration = Duration::from_secs(6 * 3600);

/// What came out.
pub(super) struct Compiled {
    pub(super) outputs: StepOutputs,
    /// Part of the version of the packages.
    pub(super) revision: String,
}

/// What compiles a flavor: in the sandbox, and by a record's commands.
pub(super) const fn program(flavor: Flavor) -> &'static str {
    match flavor {
        Flavor::Linux => include_str!("../../assets/kernels/compile-linux.sh"),
        Flavor::Xen => include_str!("../../assets/kernels/compile-xen.sh"),
    }
}

/// The revision in the packages' version and in `uname -v`: packages of other inputs have another,
/// so that no two that differ have one name and version.
fn revision(prepared: &Prepared, config: &BlobRef) -> Result<String, BuildError> {
    let inputs: [Digest; 2] = [prepared.tree.sha256, config.sha256];
    let digest = canonical::digest(&inputs)?.to_string();
    Ok(format!("1+{}", &digest[..8]))
}

pub(super) fn run(
    build: &KernelBuilding<'_>,
    prepared: &Prepared,
    configured: &Configured,
) -> Result<Compiled, BuildError> {
    let request = build.request;
    let revision = revision(prepared, &configured.config)?;
    let cached = request.mode == BuildMode::Development;
    let word = |yes: bool| if yes { "yes" } else { "no" }.to_owned();
    let step = Step {
        name: NAME,
        script: include_str!("../../assets/kernels/compile.sh"),
        blobs: vec![
            ("tree.tar.zst".to_owned(), prepared.tree),
            ("config".to_owned(), configured.config),
        ],
        packages: Vec::new(),
        files: vec![
            ("common.sh", super::COMMON.into()),
            ("program.sh", program(request.definition.flavor).into()),
        ],
        environment: vec![
            ("EPOCH", prepared.epoch.to_string()),
            ("REVISION", revision.clone()),
            ("DEBUG", word(request.definition.debug)),
            // What a cache had a part in is never taken for what had none.
            ("CACHED", word(cached)),
        ],
    };
    let mut conditions = Conditions::compiling();
    if cached {
        let folder = compiler_cache::open(build.builder.cache.folder(), &request.kernel)
            .map_err(|error| build.not_begun(NAME, error))?;
        conditions.writable.push(("/cache", folder));
    }
    let cause = Cause::new(conditions.build_size).into();
    let setting = Setting {
        limit: LIMIT,
        conditions,
        toolchain: &build.builder.toolchain,
        environment: vec![("JOBS", build.builder.config.kernel_jobs.max(1).to_string())],
        cause: Some(&cause),
    };
    let outputs = run::run_under(build, &step, &setting, |outputs| {
        check(outputs, request.definition.flavor, &configured.report.release)?;
        let mut names: Vec<String> = ["files", "packages", "release"].map(ToOwned::to_owned).into();
        if request.definition.flavor == Flavor::Linux {
            names.push("vermagic".to_owned());
        }
        for name in outputs.text("files")?.lines() {
            if names.iter().any(|it| it == name) {
                continue;
            }
            check_file_name(name).map_err(|_| strange(format!("a file called {name:?}")))?;
            names.push(name.to_owned());
        }
        Ok(names.into_iter().map(|name| (name.clone(), outputs.path(&name))).collect())
    })?;
    Ok(Compiled { outputs, revision })
}

fn strange(what: String) -> BuildError {
    BuildError::Unexpected { step: NAME, what }
}

/// Whether everything says the release that the configuration gave: the tree's own, the header of
/// the kernel, and every module.
fn check(outputs: &Outputs, flavor: Flavor, expected: &str) -> Result<(), BuildError> {
    let release = outputs.text("release")?;
    if release.trim() != expected {
        return Err(strange(format!(
            "the release {:?}, where the configuration gave {expected:?}",
            release.trim()
        )));
    }
    match flavor {
        Flavor::Linux => {
            let image = outputs.path(&format!("vmlinuz-{expected}"));
            super::check_linux(NAME, &image, expected, &outputs.text("vermagic")?)
        }
        Flavor::Xen => super::check_hypervisor(NAME, &outputs.path(&format!("xen-{expected}"))),
    }
}
