//! `layer`: the change itself, on an overlay over the unpacked release, and its packing.
//!
//! It is one step of the cache, and several of the job: see [`super::phases`].

use std::{collections::BTreeSet, path::PathBuf, time::Duration};

use domain::{
    blob::BlobRef,
    digest::Digest,
    job::StepState,
    menu::check_file_name,
    packages::pinned,
    recipe::User,
    variant::{Definition, LAYER, VariantLock},
};
use sandbox::{Conditions, IdRange, Outputs, SandboxError};
use serde::Serialize;

use super::{
    VariantBuilding,
    phases::{Phases, changes_system, phases},
    resolve,
};
use crate::{
    BuildError, StepEvent,
    boot_image::linux_version,
    cache::StepOutputs,
    host,
    packages::unexpected,
    steps::{
        programs::{INNER, PLAY, PLAYBOOK_FILE},
        run::{self, Step},
        system::{Account, SYSTEM, TREE},
    },
    trees::{self, Tree},
};

const NAME: &str = "layer";
/// How long a layer may take: each program in it has a limit of its own below that.
const LIMIT: Duration = Duration::from_secs(3 * 3600);
/// What the log says of the base behind each build.
const AS_IT_WAS: &str = "the unpacked release is as it was";

/// What the step gave.
pub(super) struct Layer {
    pub(super) outputs: StepOutputs,
    /// The layer's image.
    pub(super) image: BlobRef,
    pub(super) bare: Vec<BareKernel>,
}

/// A kernel that is an image alone.
pub(super) struct BareKernel {
    pub(super) alias: String,
    /// What its header says that `uname -r` prints.
    pub(super) release: String,
    pub(super) image: BlobRef,
}

/// What `system.py` reads.
#[derive(Serialize)]
struct System<'a> {
    hostname: Option<&'a str>,
    users: Vec<Account<'a>>,
    files: Vec<File<'a>>,
    enable: &'a [String],
    disable: &'a [String],
}

#[derive(Serialize)]
struct File<'a> {
    path: &'a str,
    mode: &'a str,
    owner: &'a str,
    content: Option<&'a str>,
    upload: Option<Digest>,
}

/// Makes the layer, or takes what the same request gave before.
pub(super) fn run(
    build: &VariantBuilding<'_>,
    image: &BlobRef,
    lock: &VariantLock,
) -> Result<Layer, BuildError> {
    let definition = &build.request.definition;
    let (step, bare) = step(build, image, lock)?;
    let phases = phases(definition);
    let builder = build.builder;
    // What plays a playbook is one of the tools then.
    let toolchain = match &definition.playbook {
        Some(_) => host::ansible_versions(&builder.spawner),
        None => Vec::new(),
    };
    let key = step.key(&builder.tools, &toolchain)?;
    if build.stopped() {
        return Err(BuildError::Cancelled);
    }
    let outputs = match builder.cache.get(&key) {
        Some(outputs) => {
            build.log(NAME, &format!("inputs {key} are known: nothing to run"));
            for name in phases {
                build.observer.step(StepEvent::Started { name, key: Some(key) });
                build.ended(name, StepState::Reused, None);
            }
            outputs
        }
        None => {
            let outputs = make(build, image, lock, &step, key)?;
            builder.cache.put(&key, &outputs)?;
            outputs
        }
    };
    let image = run::file(&outputs, NAME, LAYER)?;
    Ok(Layer { outputs, image, bare })
}

/// The step as data, and the bare kernels that have a part in it.
fn step(
    build: &VariantBuilding<'_>,
    image: &BlobRef,
    lock: &VariantLock,
) -> Result<(Step, Vec<BareKernel>), BuildError> {
    let definition = &build.request.definition;
    let mut files: Vec<(&'static str, Vec<u8>)> = vec![
        ("tree.sh", TREE.into()),
        ("inner.sh", INNER.into()),
        ("fingerprint.sh", trees::fingerprint_script().into()),
        ("kernels.sh", include_bytes!("../../assets/variants/kernels.sh").to_vec()),
        ("layer.py", include_bytes!("../../assets/variants/layer.py").to_vec()),
    ];
    let mut blobs = Vec::new();
    let mut packages = Vec::new();
    let mut environment = vec![
        ("SOURCE_DATE_EPOCH", lock.epoch.to_string()),
        // What it stands on: the tree itself is bound beside the inputs.
        ("BASE", image.sha256.to_string()),
    ];
    if definition.asks_apt() {
        packages = lock.install.iter().map(|it| it.sha256).collect();
        let (change, automatic) = resolve::orders(build, lock);
        files.extend([
            ("packages.sh", include_bytes!("../../assets/variants/packages.sh").to_vec()),
            ("change", change.into_bytes()),
            ("automatic", automatic.into_bytes()),
            ("list", run::package_list(&packages)),
        ]);
    }
    if changes_system(definition) {
        files.push(("system.py", SYSTEM.into()));
        files.push(("system.json", domain::canonical::to_vec(&system(definition))?));
        let uploads: BTreeSet<Digest> =
            definition.files.iter().filter_map(|it| Some(it.upload.as_ref()?.sha256)).collect();
        for sha256 in uploads {
            blobs
                .push((format!("uploads/{sha256}"), build.kept(NAME, "an uploaded file", sha256)?));
        }
    }
    if let Some(playbook) = &definition.playbook {
        files.push(("playbook.sh", PLAY.into()));
        let named = playbook.file.clone().unwrap_or_else(|| PLAYBOOK_FILE.to_owned());
        environment.push(("PLAYBOOK", named));
        if let Some(content) = &playbook.content {
            files.push(("playbook.yml", content.clone().into_bytes()));
        }
        if let Some(archive) = &playbook.archive {
            let blob = build.kept(NAME, &archive.name, archive.sha256)?;
            blobs.push(("playbook.archive".to_owned(), blob));
            let unpack = include_bytes!("../../assets/unpack-files.py").to_vec();
            files.extend([
                ("unpack.py", crate::kernels::UNPACK.into()),
                ("unpack-files.py", unpack),
            ]);
        }
    }
    if let Some(script) = &definition.script {
        files.push(("user-script", script.content.clone().into_bytes()));
        environment.push(("SCRIPT_SECONDS", script.limit_seconds.to_string()));
    }
    let mut kernels = String::new();
    let mut bare = Vec::new();
    for kernel in &definition.kernels {
        let package = match (&kernel.package, kernel.is_bare()) {
            (Some(package), _) => pinned(package).0,
            (None, true) => {
                bare.push(bare_kernel(build, kernel)?);
                continue;
            }
            (None, false) => {
                let name =
                    kernel.kernel.clone().unwrap_or_else(|| super::upload_name(&kernel.alias));
                let locked = lock.kernels.iter().find(|it| it.name == name);
                &locked.ok_or_else(|| BuildError::NotInLock(name.clone()))?.package
            }
        };
        kernels += &format!("{} {} {package}\n", kernel.alias, kernel.flavor.word());
    }
    if !kernels.is_empty() {
        files.push(("kernels", kernels.into_bytes()));
    }
    if !bare.is_empty() {
        let releases: BTreeSet<&str> = bare.iter().map(|it| it.release.as_str()).collect();
        let lines: String = releases.into_iter().map(|it| format!("{it}\n")).collect();
        files.push(("releases", lines.into_bytes()));
    }
    let script = include_str!("../../assets/variants/layer.sh");
    Ok((Step { name: NAME, script, blobs, packages, files, environment }, bare))
}

fn system(definition: &Definition) -> System<'_> {
    let salted = definition.hostname.as_deref().unwrap_or(&definition.base);
    let account = |user| Account::of(user, salted);
    System {
        hostname: definition.hostname.as_deref(),
        users: definition.users.iter().map(|user: &User| account(user)).collect(),
        files: definition
            .files
            .iter()
            .map(|file| File {
                path: &file.path,
                mode: &file.mode,
                owner: &file.owner,
                content: file.content.as_deref(),
                upload: file.upload.as_ref().map(|it| it.sha256),
            })
            .collect(),
        enable: &definition.services.enable,
        disable: &definition.services.disable,
    }
}

/// Reads from its header which release an uploaded image is.
fn bare_kernel(
    build: &VariantBuilding<'_>,
    kernel: &domain::variant::Kernel,
) -> Result<BareKernel, BuildError> {
    let refused = |why: &str| BuildError::Refused {
        what: format!("the kernel of {}", kernel.alias),
        why: why.to_owned(),
    };
    let upload = kernel.image.as_ref().ok_or_else(|| refused("it names no image"))?;
    let blob = build.kept(NAME, &upload.name, upload.sha256)?;
    let path = build.builder.blob_path(&blob.sha256);
    let version = linux_version(&path)
        .map_err(|source| BuildError::Io { doing: "read", path: path.clone(), source })?
        .ok_or_else(|| refused("it is no bzImage, or names no version in its header"))?;
    let release = version.split(' ').next().unwrap_or_default().to_owned();
    if check_file_name(&release).is_err() {
        return Err(refused("its header names a version that is no file name"));
    }
    Ok(BareKernel { alias: kernel.alias.clone(), release, image: blob })
}

/// Runs the step on the tree of its base.
fn make(
    build: &VariantBuilding<'_>,
    image: &BlobRef,
    lock: &VariantLock,
    step: &Step,
    key: Digest,
) -> Result<StepOutputs, BuildError> {
    let builder = build.builder;
    let phases = Phases::begin(build, key)?;
    build.log(NAME, &format!("inputs {key} are new: running"));
    let stop = || build.stopped() || phases.too_long();
    let made = (|| {
        let has = |first_uid| builder.trees.has(&image.sha256, first_uid);
        let range = sandbox::wait_for_range(&has, &stop)?;
        // A tree that is not as it was left is unpacked once more.
        for _ in 0..2 {
            let tree = builder.trees.ready(
                &image.sha256,
                &builder.blob_path(&image.sha256),
                &range,
                &mut |line| build.log("base", line),
                &stop,
            )?;
            match attempt(build, step, &range, &tree, &phases) {
                Err(SandboxError::Failed { .. }) if phases.is_stale() => {
                    build.log(
                        "base",
                        "the unpacked release is not as it was left: unpacking it again",
                    );
                    builder.trees.discard(&image.sha256, &range)?;
                }
                Err(error) => {
                    look_after(build, image, &range, &tree)?;
                    return Err(phases.error(error));
                }
                Ok(outputs) => {
                    // The script compared it at its end.
                    build.log("base", AS_IT_WAS);
                    return check(build, lock, step, &outputs);
                }
            }
        }
        let why = "its unpacked image does not stay as it is: look at the disk";
        Err(BuildError::Base { base: build.request.base.name.clone(), why: why.to_owned() })
    })();
    phases.end(made)
}

/// Looks at a tree behind a build that did not come to its end: only one that does looks itself.
fn look_after(
    build: &VariantBuilding<'_>,
    image: &BlobRef,
    range: &IdRange,
    tree: &Tree,
) -> Result<(), BuildError> {
    let trees = &build.builder.trees;
    if trees.is_as_it_was(tree, range) {
        build.log("base", AS_IT_WAS);
        return Ok(());
    }
    build.log("base", "the unpacked release is not as it was before this build: it is removed");
    trees.discard(&image.sha256, range)
}

fn attempt(
    build: &VariantBuilding<'_>,
    step: &Step,
    range: &IdRange,
    tree: &Tree,
    phases: &Phases<'_>,
) -> Result<Outputs, SandboxError> {
    let builder = build.builder;
    let environment = [("MARK", phases.mark.clone()), ("FINGERPRINT", tree.fingerprint.clone())];
    let mut conditions = Conditions::layering();
    conditions.readable.push(("/base", tree.root.clone()));
    run::sandbox(builder, step, &environment, LIMIT).run_in(
        range,
        &conditions,
        &builder.spawner,
        &builder.config.work_dir,
        &mut |line| phases.line(line),
        &|| build.stopped() || phases.too_long(),
    )
}

/// Takes what the step left, where it is what was asked for.
fn check(
    build: &VariantBuilding<'_>,
    lock: &VariantLock,
    step: &Step,
    outputs: &Outputs,
) -> Result<StepOutputs, BuildError> {
    let status = outputs.text("status")?;
    if let Some(difference) = unexpected(&status, &lock.changes) {
        return Err(BuildError::NotAsLocked { step: "packages", difference });
    }
    check_modules(build, &outputs.text("modules")?)?;
    let mut names: Vec<String> =
        [LAYER, "kernels", "facts", "status"].map(ToOwned::to_owned).into();
    if step.files.iter().any(|(name, _)| *name == "releases") {
        names.push("modules.tar".to_owned());
    }
    for line in outputs.text("kernels")?.lines() {
        names.extend(super::kernels::file_names(line)?);
    }
    names.sort();
    names.dedup();
    let files: Vec<(String, PathBuf)> =
        names.into_iter().map(|name| (name.clone(), outputs.path(&name))).collect();
    run::keep(build.builder, step.name, files)
}

/// A kernel of the base that an entry boots must still find its modules.
fn check_modules(build: &VariantBuilding<'_>, there: &str) -> Result<(), BuildError> {
    let (base, definition) = (&build.request.base, &build.request.definition);
    let swapped = |alias: &str| definition.kernels.iter().any(|it| it.alias == alias);
    let lost = base
        .manifest
        .kernels
        .iter()
        .filter(|bound| bound.initrd.is_some() && !swapped(&bound.alias))
        .find(|bound| !there.lines().any(|it| it == bound.release));
    lost.map_or(Ok(()), |bound| {
        Err(BuildError::NotTogether {
            one: format!("the menu boots {} as {}", bound.release, bound.alias),
            other: "its modules would be removed from the rootfs".to_owned(),
        })
    })
}
