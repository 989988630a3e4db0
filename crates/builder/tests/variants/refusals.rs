//! What is refused before anything is built, and what ends a build in clear words.

use domain::{digest::Digest, job::StepState, manifest::ComponentRole};

use super::world::{Watch, world};

#[test]
fn apt_says_why_not() {
    let world = world();
    let unknown = world.refused("[packages]\nadd = [\"htpo\"]\n");
    assert!(unknown.contains("has no package htpo") && unknown.contains("htop"), "{unknown}");
    let suite = world.refused("[packages]\nadd = [\"htop/bookworm-nothing\"]\n");
    assert!(suite.contains("bookworm-nothing"), "{suite}");
    let conflict = world.refused("[packages]\nadd = [\"exim4-daemon-light\", \"postfix\"]\n");
    assert!(conflict.contains("postfix"), "{conflict}");
    let absent = world.refused("[packages]\nremove = [\"linux-doc-nothing\"]\n");
    assert!(absent.contains("linux-doc-nothing"), "{absent}");
}

#[test]
fn half_the_system_goes_only_where_somebody_agrees() {
    let world = world();
    let refused = world.refused("[packages]\nremove = [\"libsystemd-shared\"]\n");
    assert!(refused.contains("would remove") && refused.contains("systemd"), "{refused}");
    assert!(refused.contains("accept_removal"), "{refused}");
}

#[test]
fn a_kernel_keeps_its_modules() {
    let world = world();
    let release = world.base().kernels[0].release.clone();
    let text = format!(
        "[packages]\nremove = [\"linux-image-{release}\"]\naccept_removal = [\"linux-image-cloud-amd64\"]\n"
    );
    let refused = world.refused(&text);
    assert!(refused.contains("modules would be removed"), "{refused}");
}

#[test]
fn what_fails_says_where_and_the_rest_is_undone() {
    let world = world();
    let watch = Watch::default();
    let text = "[[files]]\npath = \"/etc/motd\"\ncontent = \"fails\"\n[script]\ncontent = \"echo before; false; echo after\"\n";
    let error = world.fails(&world.request(text), &watch);
    assert!(error.contains("script") && error.contains("exit code 1"), "{error}");
    assert!(error.contains("before") && !error.contains("after"), "{error}");
    assert_eq!(watch.state("system"), Some(StepState::Succeeded));
    assert_eq!(watch.state("script"), Some(StepState::Failed));
    let user = world.refused(
        "[[files]]\npath = \"/etc/motd\"\nowner = \"nobody-here:root\"\ncontent = \"x\"\n",
    );
    assert!(user.contains("nobody-here"), "{user}");
}

#[test]
fn a_script_has_its_time() {
    let world = world();
    let refused =
        world.refused("[script]\nlimit_seconds = 1\ncontent = \"echo waiting; sleep 1000\"\n");
    assert!(refused.contains("the script did not end within 1 s"), "{refused}");
}

#[test]
fn a_build_is_cancelled_at_once() {
    let world = world();
    let watch = Watch::stopping_at("now stop");
    let text = "[script]\ncontent = \"echo now stop; sleep 1000\"\n";
    let error = world.fails(&world.request(text), &watch);
    assert_eq!(error, "cancelled");
    assert_eq!(watch.state("script"), Some(StepState::Cancelled));
}

#[test]
fn a_base_whose_files_were_removed_is_named() {
    let world = world();
    let mut request = world.request("hostname = \"probe\"\n");
    let components = request.base.manifest.components.iter_mut();
    for image in components.filter(|it| it.role == ComponentRole::Image) {
        image.sha256 = Digest::of("no blob has these bytes");
    }
    let watch = Watch::default();
    let error = world.build(&request, &watch).unwrap_err().to_string();
    let why = "its files were removed; choose a release that is still there";
    assert_eq!(error, format!("no variant can be built on v1.0.0: {why}"));
    assert_eq!(watch.state("resolve"), None, "nothing was begun");
}
