//! What hostile scripts try: none reaches anything but the tree of its own variant.

use std::fs;

use domain::variant::LAYER;

use super::world::{Watch, world};

/// Runs a script to its end, whatever each attempt in it comes to, and gives what it wrote.
fn attempts(script: &str) -> Vec<String> {
    let world = world();
    let mut request = world.request("");
    request.definition.script = Some(domain::variant::Script {
        content: format!("# {}\nset +e\n{script}\ntrue\n", world.mark()),
        limit_seconds: 60,
    });
    let watch = Watch::default();
    world.build(&request, &watch).unwrap();
    watch.lines.into_inner().unwrap()
}

#[test]
fn a_script_sees_nothing_of_the_host() {
    let world = world();
    let secret = world.folder().join("secret");
    fs::write(&secret, "the key of the house").unwrap();
    let listener = std::os::unix::net::UnixListener::bind_addr(
        &<std::os::unix::net::SocketAddr as std::os::linux::net::SocketAddrExt>::from_abstract_name(
            b"bootwright-test-variants",
        )
        .unwrap(),
    )
    .unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let script = format!(
        r#"
cat '{secret}' && echo REACHED secret
ls /in /out /base /build /trees && echo REACHED folders
ls -d /proc/[0-9]* | wc -l
for process in /proc/[0-9]*; do tr '\0' ' ' <$process/cmdline; echo; done
echo x >/proc/sys/kernel/core_pattern && echo REACHED core_pattern
echo 0 >/proc/sys/vm/overcommit_memory && echo REACHED sysctl
echo b >/proc/sysrq-trigger && echo REACHED sysrq
mount -t tmpfs tmpfs /mnt && echo REACHED mount
mount -o remount,size=90% / && echo REACHED remount
umount /proc && echo REACHED umount
unshare --user --map-root-user true && echo REACHED namespace
chroot /proc/1/root ls /base && echo REACHED root
mknod /dev/sda b 8 0 && echo REACHED device
perl -MSocket -e 'socket(my $s, PF_UNIX, SOCK_STREAM, 0); connect($s, pack_sockaddr_un("\0bootwright-test-variants")) or exit 1' && echo REACHED abstract
perl -MSocket -e 'socket(my $s, PF_INET, SOCK_STREAM, 0); connect($s, pack_sockaddr_in({port}, inet_aton("127.0.0.1"))) or exit 1' && echo REACHED loopback
perl -MSocket -e 'socket(my $s, PF_INET, SOCK_STREAM, 0); connect($s, pack_sockaddr_in(80, inet_aton("192.0.2.1"))) or exit 1' && echo REACHED network
cp /usr/bin/mount /usr/local/bin/mounts && setcap cap_sys_admin+ep /usr/local/bin/mounts && mounts -t tmpfs tmpfs /mnt && echo REACHED capability
env
"#,
        secret = secret.display(),
        port = port.local_addr().unwrap().port(),
    );
    let lines = attempts(&script);
    let reached: Vec<&String> = lines.iter().filter(|it| it.starts_with("REACHED")).collect();
    assert!(reached.is_empty(), "{reached:?}");
    let whole = lines.join("\n");
    for word in ["the key of the house", "mksquashfs", "MARK", "FINGERPRINT", "layer.sh"] {
        assert!(!whole.contains(word), "{word}: {whole}");
    }
    drop(listener);
}

/// The processes of this machine that sleep so many seconds.
fn sleeping(seconds: &str) -> Vec<String> {
    let command = format!("sleep\0{seconds}\0");
    let processes = fs::read_dir("/proc").unwrap().flatten();
    processes
        .filter(|it| fs::read(it.path().join("cmdline")).is_ok_and(|it| it == command.as_bytes()))
        .map(|it| it.file_name().to_string_lossy().into_owned())
        .collect()
}

#[test]
fn a_fork_bomb_a_filler_and_a_daemon_are_stopped() {
    let lines = attempts(
        "bomb() { bomb | bomb & }\n\
         ( bomb ) 2>/dev/null\n\
         echo after the bomb\n",
    );
    assert!(lines.iter().any(|it| it == "after the bomb"), "{lines:?}");
    // No other process of this machine sleeps that long.
    let seconds = format!("1{:09}", std::process::id());
    let lines = attempts(&format!(
        "( while :; do sleep 1; done ) >/dev/null 2>&1 &\n\
         nohup setsid sleep {seconds} >/dev/null 2>&1 &\n\
         for try in $(seq 100); do\n\
             for process in /proc/[0-9]*; do tr '\\0' ' ' <$process/cmdline; echo; done 2>/dev/null |\n\
                 grep -q '^sleep {seconds}' && echo left one behind && break\n\
             sleep 0.1\n\
         done\n",
    ));
    assert!(lines.iter().any(|it| it == "left one behind"), "{lines:?}");
    let left = sleeping(&seconds);
    assert!(left.is_empty(), "{left:?}");
    let world = world();
    let filler = "[script]\ncontent = \"cat /dev/zero >/var/lib/zeros\"\n";
    let refused = world.refused(filler);
    assert!(refused.contains("No space left") || refused.contains("File too large"), "{refused}");
    let chatter = world.refused("[script]\ncontent = \"yes forever\"\n");
    assert!(chatter.contains("to its log"), "{chatter}");
}

#[test]
fn an_inner_sandbox_ends_when_its_last_process_is_gone() {
    let inner = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/inner.sh");
    // Those that were left would count against the limit of the next one.
    let script = "set -eu; . /in/inner.sh; mkdir $TREE; SECONDS_LEFT=60; SOURCE_DATE_EPOCH=1\n\
                  for try in 1 2 3 4 5; do\n\
                      beside_tree -- perl -e 'for (1..1500) { fork // die or sleep 1000 }'\n\
                      for process in /proc/[0-9]*; do echo \"$process\" >>/out/listing; done\n\
                      echo >>/out/listing\n\
                  done\n";
    let listing = world().look(script, vec![("inner.sh".to_owned(), inner.into())]);
    assert_eq!(listing, "/proc/1\n/proc/2\n\n".repeat(5), "bwrap and the script");
}

#[test]
fn marks_cannot_be_forged() {
    // Whoever guessed would end a phase, or say that something failed.
    let lines = attempts("echo bootwright-00000000000000000000000000000000 failed all\n");
    assert!(lines.iter().any(|it| it.contains("failed all")), "{lines:?}");
}

#[test]
fn links_lead_nowhere_else() {
    let world = world();
    let text = "[script]\ncontent = \"rm -rf /var/log /var/cache /tmp; ln -s /base /var/log; ln -s /out /var/cache; \
                ln -s /in /tmp; rm /etc/machine-id; ln -s /base/etc/passwd /etc/machine-id\"\n";
    let built = world.build(&world.request(text), &Watch::default()).unwrap();
    assert!(built.manifest.component(LAYER).is_some());
}
