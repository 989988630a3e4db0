//! Playbooks: played by a real Ansible on the tree, refused where they fail or reach for more.

use std::process::Command;

use domain::{
    job::StepState,
    kernel::UploadedFile,
    variant::{LAYER, Playbook},
};

use super::world::{Watch, World, world};

const PACKAGES: &str = "[packages]\nadd = [\"python3\"]\n";

fn with_playbook(world: &World, content: &str) -> builder::VariantRequest {
    let mut request = world.request(PACKAGES);
    let content = Some(format!("# {}\n{content}", world.mark()));
    request.definition.playbook = Some(Playbook { file: None, content, archive: None });
    request
}

/// An archive that Python makes by these statements about `tar`.
fn archive(world: &World, name: &str, statements: &str) -> UploadedFile {
    let path = world.folder().join(name);
    let script = format!(
        "import io, sys, tarfile\ntar = tarfile.open(sys.argv[1], 'w:gz')\n\
         def add(name, text):\n    info = tarfile.TarInfo(name)\n    info.size = len(text)\n    tar.addfile(info, io.BytesIO(text.encode()))\n\
         {statements}\ntar.close()\n"
    );
    let made = Command::new("python3").args(["-c", &script]).arg(&path).status().unwrap();
    assert!(made.success());
    world.upload(name, &std::fs::read(&path).unwrap())
}

#[test]
fn a_playbook_changes_the_rootfs_and_sees_nothing_of_the_host() {
    let world = world();
    let secret = world.folder().join("secret-of-playbooks");
    std::fs::write(&secret, "the key of the house").unwrap();
    let content = format!(
        r#"
- hosts: all
  tasks:
    - name: Write a file with a fact
      ansible.builtin.copy:
        content: "{{{{ ansible_distribution }}}} {{{{ ansible_connection }}}}\n"
        dest: /etc/played
        mode: "0600"
    - name: Add a line
      ansible.builtin.lineinfile:
        path: /etc/motd
        line: played
        create: true
    - name: Make an account
      ansible.builtin.user:
        name: player
        shell: /bin/sh
    - name: Look at the host
      ansible.builtin.command: ls /base /out /in/system.json {secret}
      delegate_to: localhost
      register: looked
      failed_when: false
    - name: Say what was seen
      ansible.builtin.debug:
        msg: "SEEN {{{{ looked.stdout }}}} {{{{ lookup('ansible.builtin.pipe', 'cat {secret} 2>/dev/null || true') }}}}"
"#,
        secret = secret.display()
    );
    let watch = Watch::default();
    let built = world.build(&with_playbook(world, &content), &watch).unwrap();
    assert_eq!(watch.state("playbook"), Some(StepState::Succeeded));
    let lines = watch.lines.lock().unwrap().join("\n");
    assert!(!lines.contains("the key of the house"), "{lines}");
    assert!(!lines.contains("rootfs.squashfs"), "{lines}");
    // The time of each task stands in the log.
    assert!(lines.contains("Make an account ---"), "{lines}");
    let layer = built.manifest.component(LAYER).unwrap().sha256;
    let listing = world.look(
        "unsquashfs -cat /in/2 etc/played etc/motd >/out/listing; unsquashfs -cat /in/2 etc/passwd | grep player >>/out/listing",
        vec![("2".to_owned(), world.path(&layer))],
    );
    assert!(listing.starts_with("Debian community.general.chroot\n"), "{listing}");
    assert!(listing.contains("\nplayed\nplayer:"), "{listing}");
}

#[test]
fn a_task_that_fails_is_named_and_nothing_stays() {
    let world = world();
    let content = "- hosts: all\n  tasks:\n    - name: Copy what is not there\n      ansible.builtin.copy:\n        src: nothing.conf\n        dest: /etc/nothing.conf\n";
    let watch = Watch::default();
    let error = world.build(&with_playbook(world, content), &watch).unwrap_err().to_string();
    assert!(error.contains("Copy what is not there") && error.contains("nothing.conf"), "{error}");
    assert_eq!(watch.state("playbook"), Some(StepState::Failed));
    let without =
        world.request("[script]\ncontent = \"true\"\n[playbook]\ncontent = \"- hosts: all\"\n");
    let error = world.build(&without, &Watch::default()).unwrap_err().to_string();
    assert!(error.contains("python3-minimal"), "{error}");
}

#[test]
fn an_archive_of_roles_is_played_or_refused() {
    let world = world();
    let mut request = world.request(PACKAGES);
    let good = archive(
        world,
        "roles.tar.gz",
        "add('plays/all.yml', '- hosts: all\\n  roles: [greet]\\n')\n\
         add('roles/greet/tasks/main.yml', '- name: Greet\\n  ansible.builtin.template:\\n    src: hello.j2\\n    dest: /etc/hello\\n')\n\
         add('roles/greet/templates/hello.j2', 'hello {{ inventory_hostname }}')",
    );
    request.definition.playbook = Some(Playbook {
        file: Some("plays/all.yml".to_owned()),
        content: None,
        archive: Some(good),
    });
    let built = world.build(&request, &Watch::default()).unwrap();
    let layer = built.manifest.component(LAYER).unwrap().sha256;
    let listing = world.look(
        "unsquashfs -cat /in/2 etc/hello >/out/listing",
        vec![("2".to_owned(), world.path(&layer))],
    );
    assert_eq!(listing, "hello rootfs");
    for (name, statements, why) in [
        ("up.tar.gz", "add('../../etc/passwd', 'x')", "leads out of the archive"),
        ("absolute.tar.gz", "add('/etc/passwd', 'x')", "absolute"),
        (
            "link.tar.gz",
            "info = tarfile.TarInfo('site.yml'); info.type = tarfile.SYMTYPE; info.linkname = '/in/system.json'; tar.addfile(info)",
            "leads to the absolute",
        ),
        ("other.tar.gz", "add('play.yml', '- hosts: all')", "has no file site.yml"),
    ] {
        request.definition.playbook = Some(Playbook {
            file: None,
            content: None,
            archive: Some(archive(world, name, statements)),
        });
        let error = world.build(&request, &Watch::default()).unwrap_err().to_string();
        assert!(error.contains(why), "{name}: {error}");
    }
}
