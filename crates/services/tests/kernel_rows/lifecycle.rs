//! Kernels are added, changed, compared and removed.

use domain::{
    digest::Digest,
    ids::RecipeId,
    kernel::{BuildMode, ConfigDifference, Definition, Flavor, KernelState},
    page::Slice,
    policy::Refusal,
    recipe::{self, Revision},
};
use services::{ServiceError, kernels::KernelFilter};

use crate::world::{World, binary, bytes, compiled, of_kernel, tiny};

fn said<T: std::fmt::Debug>(answer: Result<T, ServiceError>) -> String {
    answer.unwrap_err().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kernel_is_added_and_changed_by_who_may() {
    let world = World::open().await;
    let (ann, services) = (&world.developer, &world.services);
    let kernel = services.create_kernel(ann, "lab", binary()).await.unwrap();
    assert_eq!((kernel.revision, kernel.created_by.as_str()), (1, "ann"));
    let again = services.create_kernel(ann, "lab", binary()).await;
    assert_eq!(said(again), "there is a kernel called lab already");
    let refused = services.create_kernel(&world.viewer, "other", binary()).await;
    assert!(matches!(refused, Err(ServiceError::Refused(Refusal::Role { .. }))), "{refused:?}");
    let named = services.create_kernel(ann, "../etc", binary()).await;
    assert!(matches!(named, Err(ServiceError::Invalid { field: "name", .. })), "{named:?}");
    let faulty = Definition { configuration: None, ..compiled(tiny()) };
    let refused = services.create_kernel(ann, "other", faulty).await;
    assert!(said(refused).contains("what is compiled needs a configuration"));

    let changed = services.change_kernel(ann, "lab", 1, compiled(tiny())).await.unwrap();
    assert_eq!((changed.revision, &changed.id), (2, &kernel.id));
    let late = services.change_kernel(ann, "lab", 1, binary()).await;
    assert!(matches!(&late, Err(ServiceError::Conflict(_))), "{late:?}");
    assert!(said(late).starts_with("ann saved revision 2 of kernel lab"));
    let same = services.change_kernel(ann, "lab", 2, compiled(tiny())).await;
    assert!(said(same).contains("nothing to save"));
    let none = services.change_kernel(ann, "nothing", 1, binary()).await;
    assert_eq!(said(none), "there is no kernel called nothing");

    let found = services.kernel(&world.viewer, "lab").await.unwrap();
    assert_eq!((&found.kernel, found.state), (&changed, KernelState::New));
    assert_eq!((found.newest, found.built), (None, None));
    let audited = world.audited().await;
    assert_eq!(audited[audited.len() - 2..], ["kernel.add", "kernel.change"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_starts_from_another_kernels_that_has_one() {
    let world = World::open().await;
    let (ann, services) = (&world.developer, &world.services);
    let create = |name: &'static str, base: &str| {
        services.create_kernel(ann, name, compiled(of_kernel(base)))
    };
    assert_eq!(said(create("dev", "lab").await), "there is no kernel called lab");
    world.create("lab", compiled(tiny())).await;
    assert!(said(create("dev", "lab").await).contains("kernel lab has no configuration yet"));
    let record = world.built("lab", "a", "CONFIG_A=y\n").await;
    create("dev", "lab").await.unwrap();
    let own = services.change_kernel(ann, "dev", 1, compiled(of_kernel("dev"))).await;
    assert!(said(own).contains("cannot start from its own"));
    let xen = Definition { flavor: Flavor::Xen, ..compiled(of_kernel("lab")) };
    let other = services.create_kernel(ann, "xen", xen).await;
    assert!(said(other).contains("kernel lab is of flavor linux, and this one of xen"));

    // What a build starts from stays the same, whatever comes of the other kernel.
    let mode = BuildMode::Configure;
    services.start_kernel_build(ann, "dev", mode).await.unwrap();
    let build = services.kernel_build(ann, "dev", 1).await.unwrap();
    let config = record.file(domain::kernel::KernelFileRole::Config).unwrap().sha256;
    let frozen =
        domain::kernel::ConfigBase::Kernel { name: "lab".to_owned(), config: Some(config) };
    assert_eq!(build.definition, compiled(frozen));
    let kept = services.kernel(ann, "dev").await.unwrap().kernel.definition;
    assert_eq!(kept, compiled(of_kernel("lab")), "the kernel itself follows the other");
    let uses = services.kernel(ann, "lab").await.unwrap().uses;
    assert_eq!(uses.kernels, ["dev"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn configurations_are_compared_and_files_taken_along() {
    let world = World::open().await;
    let (vera, services) = (&world.viewer, &world.services);
    world.create("lab", compiled(tiny())).await;
    world.create("next", compiled(tiny())).await;
    let nothing = services.diff_kernels(vera, "lab", "next").await;
    assert!(said(nothing).contains("no configuration of lab yet"));
    let record = world.built("lab", "a", "CONFIG_A=y\nCONFIG_B=m\n").await;
    world.built("lab", "b", "CONFIG_A=y\nCONFIG_B=y\n").await;
    world.built("next", "c", "CONFIG_A=y\nCONFIG_C=\"x\"\n").await;
    let difference = |name: &str, before: Option<&str>, after: Option<&str>| ConfigDifference {
        name: name.to_owned(),
        menu: String::new(),
        before: before.map(ToOwned::to_owned),
        after: after.map(ToOwned::to_owned),
    };
    let change = services.diff_kernels(vera, "lab/1", "lab").await.unwrap();
    assert_eq!(change.differences, [difference("B", Some("m"), Some("y"))]);
    let change = services.diff_kernels(vera, "lab", "next").await.unwrap();
    let expected = [difference("C", None, Some("\"x\"")), difference("B", Some("y"), None)];
    assert_eq!((change.differences, change.from.as_str()), (expected.to_vec(), "lab"));
    for asked in ["lab/9", "lab/x", "nothing", "../lab"] {
        let missing = services.diff_kernels(vera, asked, "next").await;
        assert!(matches!(missing, Err(ServiceError::NotFound(_))), "{asked}: {missing:?}");
    }

    let file = |name: &'static str| services.kernel_file(vera, "lab", 1, name);
    let json = bytes(file("record.json").await.unwrap());
    assert_eq!(Digest::of(&json), domain::canonical::digest(&record).unwrap());
    assert_eq!(bytes(file("config").await.unwrap()), b"CONFIG_A=y\nCONFIG_B=m\n");
    assert_eq!(bytes(file("vmlinuz-6.1.170").await.unwrap()), b"image a");
    for name in ["vmlinuz", "../lab", ""] {
        let missing = file(name).await;
        assert!(matches!(missing, Err(ServiceError::NotFound(_))), "{name}: {missing:?}");
    }
    let builds = services.kernel_builds(vera, "lab", &Slice::first()).await.unwrap().items;
    assert_eq!(builds.iter().map(|it| it.number).collect::<Vec<_>>(), [2, 1]);
    let page = services.kernels_page(vera, &KernelFilter::default(), &Slice::first()).await;
    let page = page.unwrap().items;
    assert_eq!(page.iter().map(|it| it.kernel.name.as_str()).collect::<Vec<_>>(), ["lab", "next"]);
    assert_eq!(page[0].state, KernelState::Built);
    assert_eq!(page[0].built.as_ref().unwrap().number, 2);
    assert_eq!(page[0].newest.as_ref().unwrap().report, None, "lists leave it out");
    let whole = services.kernel(vera, "lab").await.unwrap();
    assert!(whole.newest.unwrap().report.is_some() && whole.built.unwrap().report.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kernel_is_removed_when_nothing_needs_it() {
    let world = World::open().await;
    let (ann, services) = (&world.developer, &world.services);
    world.create("lab", compiled(tiny())).await;
    world.built("lab", "a", "CONFIG_A=y\n").await;
    world.create("dev", compiled(of_kernel("lab"))).await;
    let delete = || services.delete_kernel(ann, "lab");
    let refused = services.delete_kernel(&world.viewer, "lab").await;
    assert!(matches!(refused, Err(ServiceError::Refused(Refusal::Role { .. }))), "{refused:?}");
    assert!(said(delete().await).starts_with("the configuration of kernel dev starts from"));
    let dev = services.kernel(ann, "dev").await.unwrap().kernel;
    let cached = world.compiler_cache(&dev.id);
    std::fs::create_dir_all(&cached).unwrap();
    std::fs::write(cached.join("object"), "compiled").unwrap();
    services.delete_kernel(ann, "dev").await.unwrap();
    assert!(!cached.exists(), "what its development builds compiled goes with it");

    let job = services.start_kernel_build(ann, "lab", BuildMode::Release).await.unwrap();
    assert!(said(delete().await).starts_with(&format!("job {} is about this kernel", job.id)));
    services.cancel_job(ann, &job.id).await.unwrap();
    let working = world.working_on_kernels();
    world.ended(&job.id).await;
    drop(working);

    // As the recipe will stand that names it.
    let number = save(&world, None, "[[kernels]]\nalias = \"a\"\nkernel = \"lab\"\n").await;
    assert_eq!(said(delete().await).split(';').next(), Some("recipe starter names this kernel"));
    let uses = services.kernel(ann, "lab").await.unwrap().uses;
    assert_eq!(uses.recipes, ["starter"]);
    save(&world, Some(number), recipe::starter()).await;
    delete().await.unwrap();
    let gone = services.kernel(ann, "lab").await;
    assert_eq!(said(gone), "there is no kernel called lab");
    assert_eq!(world.audited().await.last().unwrap(), "kernel.delete");
    // Its name is free, and its jobs still say what they were about.
    world.create("lab", binary()).await;
    let job = services.job(ann, &job.id).await.unwrap();
    assert_eq!(job.kernel.unwrap().name, "lab");
    assert_eq!(services.kernel(ann, "lab").await.unwrap().newest, None);
}

/// Saves a revision past the services, which would ask the archive for packages.
async fn save(world: &World, base: Option<(RecipeId, u32)>, text: &str) -> (RecipeId, u32) {
    let number = base.as_ref().map_or(1, |(_, number)| number + 1);
    let recipe = base.as_ref().map_or(RecipeId::from("recipe"), |(id, _)| id.clone());
    let revision = Revision {
        recipe: recipe.clone(),
        number,
        digest: Digest::of(text),
        text: text.to_owned(),
        message: "why".to_owned(),
        author: "ann".to_owned(),
        saved_at: World::now(),
    };
    let author = world.developer.person().unwrap();
    let mut tx = world.store.begin().await.unwrap();
    match base {
        None => tx.insert_recipe("starter", &revision, author).await.unwrap(),
        Some(_) => tx.insert_revision(&revision, author).await.unwrap(),
    }
    tx.commit().await.unwrap();
    (recipe, number)
}
