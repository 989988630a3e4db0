//! What people ask for by the dashboard's forms, and what an answer acknowledges.

use app::api::{
    deployments::{ExecuteDeployment, JudgeDeployment, RequestDeployment},
    jobs::CancelJob,
    kernels::StartKernelBuild,
    recipes::StartBuild,
    releases::StartValidation,
    room::StartCollection,
    variants::{StartVariantBuild, StartVariantGuest},
};
use leptos::server_fn::ServerFn;

use crate::{
    RECIPE, Script,
    browser::{Browser, Unanswered, field},
    checks::Acknowledged,
};

/// Why everything is asked for.
pub(crate) const REASON: &str = "the crash test asks";
/// The kernel that other tests compile as well: its tree and its configuration are in the cache.
const SMALL_LINUX: &str = include_str!("../../../examples/small-linux.config");

pub(crate) fn save(
    script: &Script,
    ann: &Browser,
    base: u32,
    text: &str,
) -> Result<(), Unanswered> {
    let number = base.to_string();
    let form = [("base", number.as_str()), ("text", text), ("message", "another text")];
    script.ask(ann, &format!("/recipes/{RECIPE}"), &form)?;
    script.acknowledged(Acknowledged::Saved { number: base + 1, text: text.to_owned() });
    Ok(())
}

fn last_part(location: &str) -> String {
    location.rsplit('/').next().unwrap().to_owned()
}

pub(crate) fn ask_for_build(
    script: &Script,
    ann: &Browser,
    revision: u32,
    version: &str,
    packages: &str,
) -> Result<(), Unanswered> {
    let number = revision.to_string();
    let form =
        [("name", RECIPE), ("revision", &number), ("version", version), ("packages", packages)];
    let answer = script.ask(ann, StartBuild::PATH, &form)?;
    let (job, version) = (last_part(&answer.location), version.to_owned());
    script.acknowledged(Acknowledged::BuildAsked { job, version, revision });
    Ok(())
}

pub(crate) fn ask_for_validation(
    script: &Script,
    ann: &Browser,
    version: &str,
) -> Result<(), Unanswered> {
    let answer = script.ask(ann, StartValidation::PATH, &[("version", version)])?;
    let (job, version) = (last_part(&answer.location), version.to_owned());
    script.acknowledged(Acknowledged::ValidationAsked { job, version });
    Ok(())
}

pub(crate) fn ask_for_collection(script: &Script, ann: &Browser) -> Result<(), Unanswered> {
    let answer = script.ask(ann, StartCollection::PATH, &[("dry_run", "false")])?;
    script.acknowledged(Acknowledged::CollectionAsked { job: last_part(&answer.location) });
    Ok(())
}

pub(crate) fn add_kernel(script: &Script, ann: &Browser, name: &str) -> Result<(), Unanswered> {
    let form = [
        ("name", name),
        ("flavor", "linux"),
        ("kind", "debian-source"),
        ("source.suite", "bookworm"),
        ("source.package", "linux-source-6.1"),
        ("base", "defconfig"),
        ("base.target", "tinyconfig"),
        ("fragment.0.name", "small"),
        ("fragment.0.content", SMALL_LINUX),
    ];
    script.ask_in_parts(ann, "/kernels/new", &form)?;
    script.acknowledged(Acknowledged::KernelAdded { name: name.to_owned() });
    Ok(())
}

/// Gives the job.
pub(crate) fn ask_for_kernel(
    script: &Script,
    ann: &Browser,
    name: &str,
) -> Result<String, Unanswered> {
    let form = [("name", name), ("mode", "development")];
    let answer = script.ask(ann, StartKernelBuild::PATH, &form)?;
    let (job, kernel) = (last_part(&answer.location), name.to_owned());
    script.acknowledged(Acknowledged::KernelAsked { job: job.clone(), kernel });
    Ok(job)
}

/// Makes a variant of a release, or changes it on top of a revision. Its file has `text` in it.
pub(crate) fn save_variant(
    script: &Script,
    ann: &Browser,
    name: &str,
    base: &str,
    former: u32,
    text: &str,
) -> Result<(), Unanswered> {
    let revision = former.to_string();
    let form = [
        ("name", name),
        ("revision", revision.as_str()),
        ("days", "3"),
        ("base", base),
        ("packages.add", "tree"),
        ("files.0.path", "/etc/motd"),
        ("files.0.mode", "0644"),
        ("files.0.owner", "root:root"),
        ("files.0.content", text),
        ("script.content", "rm -r /usr/share/doc\n"),
        ("script.limit_seconds", "60"),
    ];
    let path = match former {
        0 => "/variants/new".to_owned(),
        _ => format!("/variants/{name}/edit"),
    };
    script.ask_in_parts(ann, &path, &form)?;
    let (name, text) = (name.to_owned(), text.to_owned());
    script.acknowledged(Acknowledged::VariantSaved { name, revision: former + 1, text });
    Ok(())
}

pub(crate) fn ask_for_variant(
    script: &Script,
    ann: &Browser,
    name: &str,
) -> Result<(), Unanswered> {
    let answer = script.ask(ann, StartVariantBuild::PATH, &[("name", name)])?;
    script.acknowledged(Acknowledged::VariantAsked { job: last_part(&answer.location) });
    Ok(())
}

pub(crate) fn start_guest(script: &Script, ann: &Browser, name: &str) -> Result<(), Unanswered> {
    let answer = script.ask(ann, StartVariantGuest::PATH, &[("name", name)])?;
    script.acknowledged(Acknowledged::GuestStarted { id: last_part(&answer.location) });
    Ok(())
}

pub(crate) fn cancel(script: &Script, ann: &Browser, job: &str) -> Result<(), Unanswered> {
    script.ask(ann, CancelJob::PATH, &[("id", job)])?;
    script.acknowledged(Acknowledged::Cancelled { job: job.to_owned() });
    Ok(())
}

pub(crate) fn request(
    script: &Script,
    ann: &Browser,
    environment: &str,
    release: &str,
) -> Result<String, Unanswered> {
    let form = [("environment", environment), ("version", release), ("reason", REASON)];
    let answer = script.ask(ann, RequestDeployment::PATH, &form)?;
    let id = last_part(&answer.location);
    script.acknowledged(Acknowledged::Requested {
        id: id.clone(),
        environment: environment.to_owned(),
        reason: REASON.to_owned(),
    });
    Ok(id)
}

pub(crate) fn approve(script: &Script, bob: &Browser, id: &str) -> Result<(), Unanswered> {
    let evidence = field(&bob.get(&format!("/deployments/{id}"))?, "evidence");
    let form = [("id", id), ("verdict", "approved"), ("evidence", &evidence), ("comment", "seen")];
    script.ask(bob, JudgeDeployment::PATH, &form)?;
    script.acknowledged(Acknowledged::Approved { id: id.to_owned(), by: "bob", evidence });
    Ok(())
}

pub(crate) fn execute(
    script: &Script,
    ann: &Browser,
    id: &str,
    release: &str,
) -> Result<(), Unanswered> {
    script.ask(ann, ExecuteDeployment::PATH, &[("id", id), ("confirm", release)])?;
    script.acknowledged(Acknowledged::Deployed { id: id.to_owned() });
    Ok(())
}
