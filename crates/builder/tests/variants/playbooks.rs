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
    let script = format!(
        "import io, sys, tarfile\ntar = tarfile.open(sys.argv[1], 'w:gz')\n\
         def add(name, text):\n    info = tarfile.TarInfo(name)\n    info.size = len(text)\n    tar.addfile(info, io.BytesIO(text.encode()))\n\
         {statements}\ntar.close()\n"
    );
    made_by(world, name, &script)
}

/// A zip with one entry, whose bytes Python changes by these statements about `all`.
fn zip(world: &World, name: &str, statements: &str) -> UploadedFile {
    let script = format!(
        "import sys, zipfile\nwith zipfile.ZipFile(sys.argv[1], 'w', zipfile.ZIP_DEFLATED) as archive:\n    archive.writestr('site.yml', '- hosts: all\\n' * 100)\n\
         all = bytearray(open(sys.argv[1], 'rb').read())\ncentral = all.index(b'PK\\1\\2')\n\
         {statements}\nopen(sys.argv[1], 'wb').write(all)\n"
    );
    made_by(world, name, &script)
}

/// What a script of Python leaves in the file that it is told.
fn made_by(world: &World, name: &str, script: &str) -> UploadedFile {
    let path = world.folder().join(name);
    let made = Command::new("python3").args(["-c", script]).arg(&path).status().unwrap();
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
    - name: Say whether this is check mode
      ansible.builtin.debug:
        msg: "CHECK {{{{ ansible_check_mode }}}}"
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
    let checks: Vec<&str> =
        lines.split("CHECK ").skip(1).filter_map(|it| it.split('"').next()).collect();
    assert_eq!(checks, ["True", "False"], "{lines}");
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
    let error = world.fails(&with_playbook(world, content), &watch);
    assert!(error.contains("Copy what is not there") && error.contains("nothing.conf"), "{error}");
    assert_eq!(watch.state("playbook"), Some(StepState::Failed));
    let without =
        world.request("[script]\ncontent = \"true\"\n[playbook]\ncontent = \"- hosts: all\"\n");
    let error = world.fails(&without, &Watch::default());
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
    let of_tar = [
        ("up.tar.gz", "add('../../etc/passwd', 'x')", "leads out of the archive"),
        ("absolute.tar.gz", "add('/etc/passwd', 'x')", "absolute"),
        (
            "link.tar.gz",
            "info = tarfile.TarInfo('site.yml'); info.type = tarfile.SYMTYPE; info.linkname = '/in/system.json'; tar.addfile(info)",
            "leads to the absolute",
        ),
        ("other.tar.gz", "add('play.yml', '- hosts: all')", "has no file site.yml"),
        ("bomb.tar.gz", "add('site.yml', '0' * (80 << 20))", "larger unpacked than the 64 MiB"),
        (
            "device.tar.gz",
            "info = tarfile.TarInfo('sda'); info.type = tarfile.BLKTYPE; info.devmajor = 8; tar.addfile(info)",
            "is a device or pipe",
        ),
    ];
    // The bytes of a zip's headers: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, 4.3.
    let of_zip = [
        ("secret.zip", "all[6] |= 1; all[central + 8] |= 1", "encrypted"),
        ("method.zip", "all[8] = all[central + 10] = 97", "cannot be read here"),
        ("damaged.zip", "all[38:42] = b'\\xff' * 4", "the archive is damaged"),
        ("half.zip", "del all[central:]", "the archive is damaged"),
    ];
    let archives = of_tar
        .map(|(name, statements, why)| (name, archive(world, name, statements), why))
        .into_iter()
        .chain(of_zip.map(|(name, statements, why)| (name, zip(world, name, statements), why)));
    for (name, archive, why) in archives {
        request.definition.playbook =
            Some(Playbook { file: None, content: None, archive: Some(archive) });
        let error = world.fails(&request, &Watch::default());
        assert!(error.contains(why) && !error.contains("Traceback"), "{name}: {error}");
    }
}
