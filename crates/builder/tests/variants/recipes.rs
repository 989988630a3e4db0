//! What a variant changed, taken over into a recipe: the next release has it by itself.

use builder::{BuildError, BuildOutput, BuildRequest, LockChoice};
use domain::{
    job::StepState,
    recipe::{self, Script},
    variant,
    version::TargetVersion,
};

use super::world::{Watch, World, world};

fn release(
    world: &World,
    recipe: recipe::Recipe,
    watch: &Watch,
) -> Result<BuildOutput, BuildError> {
    let request = BuildRequest {
        recipe,
        target: TargetVersion::new(1, 1, 0),
        choice: LockChoice::Newer { former: None },
        kernels: Vec::new(),
    };
    world.builder.build(&request, watch)
}

#[test]
fn the_next_release_contains_what_the_variant_changed() {
    let world = world();
    let text = format!(
        r#"
[packages]
add = ["python3", "ubuntu-archive-keyring/bookworm-backports"]

[playbook]
content = """
# {mark}
- hosts: all
  tasks:
    - name: Write a file
      ansible.builtin.copy:
        content: "played\\n"
        dest: /etc/played
"""

[script]
content = """
# {mark}
test -e /etc/played
echo "from the script" >/etc/scripted
! ls /in /out /build
"""
"#,
        mark = world.mark()
    );
    let definition = variant::parse(&text).unwrap();
    let tried = world.build(&world.request_of(definition.clone()), &Watch::default()).unwrap();
    let change = recipe::with_variant(recipe::starter(), &definition).unwrap();
    assert_eq!(change.left_out, [""; 0]);
    let recipe = recipe::parse(&change.text).unwrap();
    assert_eq!(builder::build_steps(&recipe)[3..6], ["system", "playbook", "script"]);
    let watch = Watch::default();
    let built = release(world, recipe.clone(), &watch).unwrap();
    assert_eq!(watch.state("playbook"), Some(StepState::Succeeded));
    assert_eq!(watch.state("script"), Some(StepState::Succeeded));
    // What the pinned package needs is newer than in the recipe's own suite, and the rest is not.
    for packages in [&tried.lock.install, &built.lock.packages] {
        let origin = |name: &str| {
            let it = packages.iter().find(|it| it.name == name).unwrap();
            (it.origin.as_str(), it.version.contains("~bpo12"))
        };
        for name in ["ubuntu-archive-keyring", "ubuntu-keyring"] {
            assert_eq!(origin(name), ("bookworm-backports/main", true));
        }
        assert_eq!(origin("python3"), ("bookworm/main", false));
    }
    let image = built.manifest.component("rootfs.squashfs").unwrap().sha256;
    let listing = world.look(
        "unsquashfs -cat /in/image etc/played etc/scripted >/out/listing",
        vec![("image".to_owned(), world.path(&image))],
    );
    assert_eq!(listing, "played\nfrom the script\n");

    // Once more: the same bytes, and nothing runs.
    let watch = Watch::default();
    let again = release(world, recipe.clone(), &watch).unwrap();
    assert_eq!(again.manifest, built.manifest);
    assert_eq!(watch.state("script"), Some(StepState::Reused));

    // A script that fails or does not end is told in a sentence, and so is one that removes what the
    // lock says is installed.
    for (content, limit_seconds, why) in [
        ("echo about to fail\nfalse", 60, "the script ended with exit code 1"),
        ("sleep 60", 2, "the script did not end within 2 s"),
        ("dpkg --purge --force-depends pciutils", 60, "pciutils"),
    ] {
        let content = format!("# {}\n{content}", world.mark());
        let script = Some(Script { content, limit_seconds });
        let error = release(world, recipe::Recipe { script, ..recipe.clone() }, &Watch::default());
        let error = error.unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }
    let content = format!(
        "# {}\n- hosts: all\n  tasks:\n    - block:\n        - name: Fail and be rescued\n          ansible.builtin.command: \"false\"\n      rescue:\n        - name: Copy what is not there\n          ansible.builtin.copy: {{ src: nothing.conf, dest: /etc/nothing.conf }}\n",
        world.mark()
    );
    let playbook = Some(recipe::Playbook { content });
    let error = release(world, recipe::Recipe { playbook, ..recipe }, &Watch::default());
    let error = error.unwrap_err().to_string();
    assert!(error.contains("the task \"Copy what is not there\" failed"), "{error}");
    assert!(error.contains("nothing.conf") && !error.contains("be rescued"), "{error}");
}
