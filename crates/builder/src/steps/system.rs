//! `system`: hostname, accounts, files and services of the recipe.

use domain::{blob::BlobRef, digest::Digest, lock::Lock, recipe::User};
use serde::Serialize;

use super::{
    Build,
    run::{self, Step},
};
use crate::error::BuildError;

const NAME: &str = "system";
pub(crate) const TREE: &str = include_str!("../../assets/tree.sh");
pub(crate) const SYSTEM: &str = include_str!("../../assets/system.py");

/// What `system.py` reads.
#[derive(Serialize)]
struct System<'a> {
    hostname: String,
    issue: String,
    users: Vec<Account<'a>>,
    files: &'a [domain::recipe::File],
    enable: &'a [String],
    disable: &'a [String],
}

#[derive(Serialize)]
pub(crate) struct Account<'a> {
    name: &'a str,
    shell: &'a str,
    groups: &'a [String],
    ssh_keys: &'a [String],
    password: Option<&'a str>,
    salt: String,
}

pub(super) fn run(
    build: &Build<'_>,
    lock: &Lock,
    bootstrapped: &BlobRef,
) -> Result<BlobRef, BuildError> {
    let recipe = &build.request.recipe;
    let hostname = format!("rootfs-{}", build.request.target);
    let system = System {
        issue: recipe.issue.clone().unwrap_or_else(|| format!("{hostname} \\n \\l\n\n")),
        users: recipe.users.iter().map(|user| Account::of(user, &hostname)).collect(),
        files: &recipe.files,
        enable: &recipe.services.enable,
        disable: &recipe.services.disable,
        hostname,
    };
    let step = Step {
        name: NAME,
        script: include_str!("../../assets/system.sh"),
        blobs: vec![("tree.tar".to_owned(), *bootstrapped)],
        packages: Vec::new(),
        files: vec![
            ("tree.sh", TREE.as_bytes().to_vec()),
            ("system.py", SYSTEM.as_bytes().to_vec()),
            ("system.json", domain::canonical::to_vec(&system)?),
        ],
        environment: vec![("SOURCE_DATE_EPOCH", lock.epoch.to_string())],
    };
    let outputs = run::run(build, &step, |outputs| {
        Ok(vec![("tree.tar".to_owned(), outputs.path("tree.tar"))])
    })?;
    run::file(&outputs, NAME, "tree.tar")
}

impl<'a> Account<'a> {
    /// The salt follows from what the account is, so that the same recipe gives the same bytes; two
    /// accounts with one password still get two hashes.
    pub(crate) fn of(user: &'a User, hostname: &str) -> Self {
        let salt = Digest::of(format!("{hostname}\n{}", user.name)).to_string()[..16].to_owned();
        Self {
            name: &user.name,
            shell: &user.shell,
            groups: &user.groups,
            ssh_keys: &user.ssh_keys,
            password: user.password.as_deref(),
            salt,
        }
    }
}
