//! `playbook` and `script`: what a recipe runs on its rootfs, in a sandbox within the sandbox that sees the
//! tree and nothing else. A release has these steps where its recipe asks for them.

use std::cell::RefCell;

use domain::{blob::BlobRef, recipe::Recipe};
use sandbox::Conditions;

use super::{
    Build,
    run::{self, Setting, Step},
    system::TREE,
};
use crate::{error::BuildError, host, kernels::Cause};

const PLAYBOOK: &str = "playbook";
const SCRIPT: &str = "script";
/// The file of a playbook that came as text.
pub(crate) const PLAYBOOK_FILE: &str = "site.yml";
/// How programs run on a tree.
pub(crate) const INNER: &str = include_str!("../../assets/inner.sh");
/// How playbooks are played on a tree.
pub(crate) const PLAY: &str = include_str!("../../assets/playbook.sh");

/// Names of the steps that a recipe asks for, in order.
pub(super) fn names(recipe: &Recipe) -> impl Iterator<Item = &'static str> {
    let playbook = recipe.playbook.as_ref().map(|_| PLAYBOOK);
    playbook.into_iter().chain(recipe.script.as_ref().map(|_| SCRIPT))
}

/// Runs what the recipe asks for; gives the tree as it is then.
pub(super) fn run(build: &Build<'_>, epoch: i64, tree: BlobRef) -> Result<BlobRef, BuildError> {
    let Recipe { playbook, script, .. } = &build.request.recipe;
    let mut tree = tree;
    if let Some(playbook) = playbook {
        let files = vec![
            ("playbook.sh", PLAY.into()),
            ("playbook.yml", playbook.content.clone().into_bytes()),
        ];
        let environment = vec![("PLAYBOOK", PLAYBOOK_FILE.to_owned())];
        // What plays it is one of the tools.
        let toolchain = host::ansible_versions(&build.builder.spawner);
        tree = program(build, PLAYBOOK, (epoch, tree), files, environment, &toolchain)?;
    }
    if let Some(script) = script {
        let files = vec![("user-script", script.content.clone().into_bytes())];
        let environment = vec![("SCRIPT_SECONDS", script.limit_seconds.to_string())];
        tree = program(build, SCRIPT, (epoch, tree), files, environment, &[])?;
    }
    Ok(tree)
}

fn program(
    build: &Build<'_>,
    name: &'static str,
    (epoch, tree): (i64, BlobRef),
    mut files: Vec<(&'static str, Vec<u8>)>,
    mut environment: Vec<(&'static str, String)>,
    toolchain: &[String],
) -> Result<BlobRef, BuildError> {
    files.extend([("tree.sh", TREE.into()), ("inner.sh", INNER.into())]);
    environment.push(("SOURCE_DATE_EPOCH", epoch.to_string()));
    let step = Step {
        name,
        script: include_str!("../../assets/programs.sh"),
        blobs: vec![("tree.tar".to_owned(), tree)],
        packages: Vec::new(),
        files,
        environment,
    };
    let conditions = Conditions::layering();
    let cause = RefCell::new(match name {
        PLAYBOOK => Cause::of_playbook(conditions.build_size),
        _ => Cause::new(conditions.build_size),
    });
    let setting = Setting { conditions, toolchain, cause: Some(&cause), ..Setting::default() };
    let outputs = run::run_under(build, &step, &setting, |outputs| {
        Ok(vec![("tree.tar".to_owned(), outputs.path("tree.tar"))])
    })?;
    run::file(&outputs, name, "tree.tar")
}
