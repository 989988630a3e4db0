//! A variant on a real release: two packages, a file, a script and another kernel, built in seconds,
//! served, booted through a real iPXE in QEMU and judged, while what the release serves stays as it
//! was.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

mod support;

use std::{io::BufRead as _, process::Command, time::Duration};

use domain::{
    actor::Actor,
    digest::Digest,
    job::{JobState, StepState},
    kernel::{BuildMode, ConfigBase, Configuration, Definition, Flavor, Fragment, Source},
    policy::Refusal,
    recipe,
    run::Outcome,
    variant::{self, File, LAYER, VariantState},
};
use services::{
    ServiceError,
    releases::Packages,
    variants::{VariantDraft, VariantFilter},
};
use support::World;

const TEXT: &str = r#"
base = "v1.0.0-rc.1"
hostname = "probe-7"

[packages]
add = ["tree", "python3-minimal"]
remove = ["pciutils"]

[boot]
arguments = "loglevel=4"

[[files]]
path = "/etc/motd"
content = "a variant\n"

[[kernels]]
alias = "vmlinuz-6.1.y"
kernel = "small"

[script]
content = """
tree -L 1 / | tail -n 1 >/var/lib/counted
rm -r /usr/share/doc /etc/issue.net
mkdir -m 0750 /etc/issue.net /usr/share/doc
cp /usr/bin/true /usr/local/bin/capable
setcap cap_net_raw+ep /usr/local/bin/capable
list-tree / /var/lib/listing
"""
"#;

/// What lists a tree, and what compares the one that booted with the one that the build saw.
const PROGRAMS: [(&str, &str); 2] = [
    ("list-tree", include_str!("../../builder/tests/variants/list-tree.py")),
    ("compare-tree", include_str!("variants/compare-tree.py")),
];

fn draft(text: &str) -> VariantDraft {
    let mut definition = variant::parse(text).unwrap();
    definition.files.extend(PROGRAMS.map(|(name, content)| File {
        path: format!("/usr/local/bin/{name}"),
        mode: "0755".to_owned(),
        owner: "root:root".to_owned(),
        content: Some(content.to_owned()),
        upload: None,
    }));
    VariantDraft { description: "tries something".to_owned(), days: 14, definition }
}

/// The small kernel that other tests boot as well: from the same entries of the step cache.
async fn add_small_kernel(world: &World) {
    let content = include_str!("../../../examples/small-linux.config").to_owned();
    let definition = Definition {
        flavor: Flavor::Linux,
        source: Source::DebianSource {
            suite: "bookworm".to_owned(),
            package: "linux-source-6.1".to_owned(),
            version: None,
        },
        configuration: Some(Configuration {
            base: ConfigBase::Defconfig { target: "tinyconfig".to_owned() },
            fragments: vec![Fragment { name: "small".to_owned(), content }],
        }),
        patches: Vec::new(),
        debug: false,
    };
    let (services, ann) = (&world.services, &world.developer);
    services.create_kernel(ann, "small", definition).await.unwrap();
    let job = services.start_kernel_build(ann, "small", BuildMode::Release).await.unwrap();
    let job = world.wait_for(&job.id, Duration::from_secs(1500)).await;
    assert_eq!(job.state, JobState::Succeeded, "{:?}", job.outcome);
}

#[test]
fn a_variant_is_built_served_and_boots() {
    support::run(Duration::from_secs(300), |world| async move {
        world.save(None, recipe::starter()).await;
        let (built, version) = world.build(1, Packages::Newer).await;
        assert_eq!((built.state, version.as_str()), (JobState::Succeeded, "v1.0.0-rc.1"));
        add_small_kernel(&world).await;
        let (services, ann) = (&world.services, &world.developer);
        let release_menu = world.get("/release/v1.0.0-rc.1/menu.ipxe").await;
        let nothing = world.get("/variant/probe/menu.ipxe").await;
        assert!(nothing.contains("there is no variant probe"), "{nothing}");

        let preview = services.preview_variant(ann, draft(TEXT).definition, None).await.unwrap();
        let lock = preview.lock.unwrap();
        assert!(lock.install.iter().any(|it| it.name == "python3-minimal"));
        assert_eq!(lock.removed().map(|it| it.name.as_str()).collect::<Vec<_>>(), ["pciutils"]);
        assert!(preview.unconfirmed.is_empty() && preview.refused.is_none());

        services.create_variant(ann, "probe", draft(TEXT)).await.unwrap();
        let (job, _) = world.build_variant("probe").await;
        assert_eq!(job.state, JobState::Succeeded, "{:?}", job.outcome);
        let found = services.variant(ann, "probe").await.unwrap();
        assert_eq!(found.state, VariantState::Ready);
        let first = found.built.unwrap();
        let layer = first.layer_size().unwrap();
        assert!(layer < preview.base_size / 5, "{layer} of {}", preview.base_size);

        // The menu boots image and layer in that order, with the arguments that were added.
        let menu = world.get("/variant/probe/menu.ipxe").await;
        let line = menu.lines().find(|line| line.starts_with("kernel ")).unwrap();
        let (image, layer) = (line.find("rootfs.squashfs").unwrap(), line.find(LAYER).unwrap());
        assert!(image < layer && line.contains("loglevel=4"), "{line}");

        let (again, _) = world.build_variant("probe").await;
        assert_eq!(again.state, JobState::Succeeded);
        let steps = services.steps(ann, &again.id).await.unwrap();
        for step in steps.iter().filter(|it| it.key.is_some()) {
            assert_eq!(step.state, StepState::Reused, "{}", step.name);
        }
        let second = services.variant(ann, "probe").await.unwrap().built.unwrap();
        assert_eq!((second.number, &second.manifest), (2, &first.manifest));

        let said = again.outcome.unwrap();
        assert!(said.ends_with("everything was known, so nothing ran"), "{said}");

        let job = services.start_variant_validation(ann, "probe", None).await.unwrap();
        let job = world.wait_for(&job.id, Duration::from_secs(600)).await;
        let validations = services.validations_of_variant(ann, "probe").await.unwrap();
        for run in &validations[0].runs {
            if run.outcome != Some(Outcome::Passed) {
                world.print_console(&run.id).await;
            }
            assert_eq!(run.outcome, Some(Outcome::Passed), "{}", run.message);
        }
        assert_eq!(job.state, JobState::Succeeded, "{:?}", job.outcome);
        // They say nothing about the release.
        let release = services.release(ann, "v1.0.0-rc.1").await.unwrap();
        assert!(services.validations(ann, &release).await.unwrap().is_empty());
        assert_eq!(world.get("/release/v1.0.0-rc.1/menu.ipxe").await, release_menu);

        boots_as_it_was_built(&world).await;
        says_what_another_release_leaves_of_it(&world).await;
        belongs_to_its_owner(&world).await;
        services.delete_variant(ann, "probe").await.unwrap();
        let gone = world.get("/variant/probe/menu.ipxe").await;
        assert!(gone.contains("there is no variant probe"), "{gone}");
        world
    });
}

/// Compares, in a guest, the tree that boots with the tree that the build saw, path by path: type,
/// mode, owner, attributes and contents.
async fn boots_as_it_was_built(world: &World) {
    let (services, ann) = (&world.services, &world.developer);
    let manifest = services.variant(ann, "probe").await.unwrap().built.unwrap().manifest.unwrap();
    let layer = world.blob(&manifest.component(LAYER).unwrap().sha256);
    let saw = Command::new("unsquashfs").arg("-cat").arg(layer).arg("var/lib/listing").output();
    let saw = saw.unwrap().stdout;

    let entry = manifest.entries[0].label();
    let guest = services.start_guest_of_variant(ann, "probe", Some(entry)).await.unwrap();
    let mut at = 0;
    for (waits_for, keys) in
        [("login:", "root\n"), ("Password:", "debian\n"), ("# ", "compare-tree\n")]
    {
        world.guest_says(&guest.id, &mut at, waits_for).await;
        services.type_to_guest(ann, &guest.id, keys.as_bytes()).unwrap();
    }
    let said = world.guest_says(&guest.id, &mut at, " differ.").await;
    services.stop_guest(ann, &guest.id).await.unwrap();
    let line = said.lines().find(|line| line.ends_with(" differ.")).unwrap();
    println!("{line}");
    assert!(line.contains(&Digest::of(&saw).to_string()), "{line}");
    let numbers: Vec<usize> = line.split([' ', ',']).filter_map(|it| it.parse().ok()).collect();
    let [compared, all, differ] = numbers[..] else { panic!("{line}") };
    assert_eq!((all, differ), (saw.lines().count(), 0), "{said}");
    assert!(compared > all - all / 50, "a boot does not write all that: {line}");
}

/// Looks at it on a release that has other packages, and another name for its kernel.
async fn says_what_another_release_leaves_of_it(world: &World) {
    let text = recipe::starter()
        .replace("  \"pciutils\",\n", "  \"tree\",\n")
        .replace("\"vmlinuz-6.1.y\"", "\"vmlinuz-lts\"");
    world.save(Some(1), &text).await;
    let (built, version) = world.build(2, Packages::Newer).await;
    assert_eq!(built.state, JobState::Succeeded, "{:?}", built.outcome);
    let (services, ann) = (&world.services, &world.developer);
    let look = async |base: &str, variant| {
        let definition = variant::Definition { base: base.to_owned(), ..draft(TEXT).definition };
        services.preview_variant(ann, definition, variant).await.unwrap().without_effect
    };
    assert!(look("v1.0.0-rc.1", Some("probe")).await.is_empty());
    let said = look(&version, Some("probe")).await;
    let [pciutils, tree, alias] = &said[..] else { panic!("{said:?}") };
    assert!(pciutils.starts_with(&format!("{version} has no package pciutils")), "{pciutils}");
    assert!(tree.starts_with("nothing called tree is added"), "{tree}");
    assert!(alias.starts_with("vmlinuz-6.1.y stands for a kernel of v1.0.0-rc.1"), "{alias}");
    assert_eq!(look(&version, None).await, said[..2], "nobody knows where it stood before");
}

/// Others may clone it, and change nothing of it.
async fn belongs_to_its_owner(world: &World) {
    let World { services, developer: ann, approver: bob, administrator: eve, .. } = world;
    let refused = |done: Result<_, ServiceError>| match done {
        Err(ServiceError::Refused(Refusal::NotOwner { owner })) => owner,
        other => panic!("{other:?}"),
    };
    let change = |who: &Actor| {
        let (services, who) = (services.clone(), who.clone());
        async move { services.change_variant(&who, "probe", 1, draft(TEXT)).await }
    };
    assert_eq!(refused(change(bob).await), "ann");
    assert_eq!(refused(services.extend_variant(bob, "probe", 3).await), "ann");
    services.extend_variant(eve, "probe", 3).await.unwrap();
    let changed = change(ann).await.unwrap();
    assert_eq!(changed.revision, 2);
    assert!(matches!(change(ann).await, Err(ServiceError::Conflict(_))));
    services.create_variant(bob, "probe-of-bob", draft(TEXT)).await.unwrap();
    let filter = VariantFilter { owner: Some("bob".to_owned()), ..VariantFilter::default() };
    let page = services.variants_page(ann, &filter, &domain::page::Slice::first()).await.unwrap();
    assert_eq!(page.items.len(), 1);
    assert_eq!(page.items[0].state, VariantState::New);
}
