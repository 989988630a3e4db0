//! Kernels by command and by curl: a real one is compiled, and what is wrong is said early.

use std::{fs, path::Path};

use super::{Server, documented};

/// A real kernel, compiled, in some minutes where the cache does not know it yet.
#[test]
fn a_kernel_goes_from_its_source_to_files_by_command_and_by_curl_as_the_docs_write_it() {
    let server = Server::start();
    let (ann, vera) = (server.person("ann", "developer"), server.person("vera", "viewer"));
    let folder = server.folder.path().join("kernels");
    fs::create_dir(&folder).unwrap();
    let fragment = include_str!("../../../examples/small-linux.config");
    fs::write(folder.join("small-linux.config"), fragment).unwrap();

    // Configured, built for a release, and taken along.
    let variables = [("BOOTWRIGHT_SERVER", &*server.url), ("BOOTWRIGHT_TOKEN", &*ann.token)];
    let said = ann.runs(&documented("kernel-commands"), &folder, &variables);
    assert!(said.contains("lab r1 is added: linux-source-6.1/bookworm"), "{said}");
    let build = ann.json(&["kernel", "show", "lab", "--build", "2"]);
    let files = build["record"]["files"].as_array().unwrap();
    assert!(files.len() >= 4, "{files:?}");
    for file in files {
        let saved = fs::read(folder.join("files").join(file["name"].as_str().unwrap())).unwrap();
        assert_eq!(domain::digest::Digest::of(saved).to_string(), file["sha256"], "{file}");
    }
    let release = build["release"].as_str().unwrap();
    assert!(said.contains(release), "{said}");
    assert_eq!(ann.json(&["kernel", "list", "--state", "built"])[0]["name"], "lab");
    let builds = ann.does(&["kernel", "builds", "lab"]);
    let modes: Vec<&str> = builds.lines().map(|it| it.split('\t').nth(1).unwrap()).collect();
    assert_eq!(modes, ["release", "configure"]);

    // What was built elsewhere goes the same way, and has the same configuration.
    let said = ann.runs(&documented("kernel-by-hand"), &folder, &variables);
    assert_eq!(said.lines().last(), Some("dev/1"), "no option differs: {said}");

    // It boots in a release.
    let starter = domain::recipe::starter();
    let with_dev = starter.replace("package = \"linux-image-cloud-amd64\"", "kernel = \"dev\"");
    assert_ne!(with_dev, starter);
    fs::write(folder.join("recipe.toml"), with_dev).unwrap();
    let said = ann.runs(&documented("kernel-in-a-release"), &folder, &variables);
    let booted = "smoke\tdeb-netboot-6.1.y\tqemu\tsmoke.kernel\tpassed";
    assert!(said.contains(booted), "{said}");
    let dev = ann.json(&["kernel", "show", "dev"]);
    assert_eq!(dev["uses"]["releases"][0], "v1.0.0-rc.1");
    assert_eq!(dev["results"][0]["outcome"], "passed");

    // An option that cannot stick is said before anything is compiled.
    let unmet = folder.join("unmet.config");
    fs::write(&unmet, "CONFIG_VIRTIO_FS=y\nCONFIG_NO_SUCH_THING=y\n").unwrap();
    let exported = folder.join("lab.toml");
    ann.does(&["kernel", "export", "lab", "--output", exported.to_str().unwrap()]);
    let text = fs::read_to_string(&exported).unwrap();
    let more = "[[configuration.fragments]]\nname = \"unmet.config\"\ncontent = \"\"\"\n";
    let text = format!("{text}\n{more}{}\"\"\"\n", fs::read_to_string(&unmet).unwrap());
    fs::write(&exported, text).unwrap();
    let changed = ann.does(&["kernel", "change", "lab", "--file", exported.to_str().unwrap()]);
    assert!(changed.starts_with("lab r2 is saved"), "{changed}");
    let report = ann.does(&["kernel", "configure", "lab", "--wait"]);
    assert!(report.contains("not kept\tNO_SUCH_THING\ty\tnot set\tunmet.config: "), "{report}");

    // By curl.
    let by_curl = folder.join("by-curl");
    fs::create_dir(&by_curl).unwrap();
    fs::write(by_curl.join("small-linux.config"), fragment).unwrap();
    let variables = [("BASE", &*server.url), ("TOKEN", &*ann.token)];
    let block = documented("functions") + &documented("kernel-curl");
    let said = ann.runs(&block, &by_curl, &variables);
    assert!(said.contains(": OK") && said.trim_end().ends_with("[]"), "{said}");
    let same = |folder: &Path| fs::read(folder.join(format!("vmlinuz-{release}"))).unwrap();
    assert!(same(&by_curl) == same(&folder.join("files")), "the same inputs give the same bytes");

    // Who may only look.
    let said = vera.fails(3, &["kernel", "build", "lab"]);
    assert!(said.contains("you need the role developer"), "{said}");
    assert_eq!(vera.json(&["kernel", "show", "lab"])["revision"], 2);
    let base = ["kernel", "add", "on-top", "--debian-source", "linux-source-6.1"];
    ann.does(&[&base[..], &["--suite", "bookworm", "--config-of", "lab"]].concat());
    let said = ann.fails(3, &["kernel", "delete", "lab"]);
    assert!(said.contains("on-top"), "{said}");
    assert_eq!(ann.does(&["kernel", "delete", "on-top"]), "on-top is removed");
    assert_eq!(ann.does(&["kernel", "delete", "lab"]), "lab is removed");
    ann.fails(4, &["kernel", "show", "lab"]);
}

#[test]
fn what_is_wrong_with_a_kernel_is_said_before_anything_is_sent() {
    let server = Server::start();
    let ann = server.person("ann", "developer");
    let folder = server.folder.path().join("wrong");
    fs::create_dir(&folder).unwrap();
    let file = folder.join("dev.toml");
    let path = file.to_str().unwrap();
    let add = ["kernel", "add", "dev", "--file", path];
    fs::write(&file, "[source]\nkind = \"git\"\nurl = \"ext::sh\"\nreference = \"v1\"\n").unwrap();
    let said = ann.fails(5, &add);
    assert!(said.contains("source.url: a repository is https://"), "{said}");
    fs::write(&file, "[source]\nkind = \"uploaded-archive\"\nfile = \"missing.tar\"\n").unwrap();
    assert!(ann.fails(1, &add).contains("missing.tar"));
    assert_eq!(ann.ask(&["kernel", "add", "dev"]).0, 2);
    assert_eq!(ann.ask(&["kernel", "add", "dev", "--deb", "a.deb", "--git", "/srv/x"]).0, 2);

    // Files of this machine are sent by their digest, and the definition names them.
    fs::write(folder.join("linux.tar.xz"), vec![7; 2_000_000]).unwrap();
    let text = "[source]\nkind = \"uploaded-archive\"\nfile = \"linux.tar.xz\"\n\
                [configuration]\nbase = { kind = \"defconfig\", target = \"defconfig\" }\n";
    fs::write(&file, text).unwrap();
    let made = ann.json(&add);
    let digest = domain::digest::Digest::of(vec![7; 2_000_000]).to_string();
    assert_eq!(made["definition"]["source"]["file"]["sha256"], digest);
    assert!(ann.does(&["kernel", "change", "dev", "--file", path]).contains("dev r1 is unchanged"));
    let archive = folder.join("linux.tar.xz");
    let kept = ann.does(&["kernel", "upload", archive.to_str().unwrap()]);
    assert_eq!(kept, format!("{digest}\tlinux.tar.xz\t2000000"));
    let empty = folder.join("empty.deb");
    fs::write(&empty, "").unwrap();
    ann.fails(5, &["kernel", "upload", empty.to_str().unwrap()]);
    let vera = server.person("vera", "viewer");
    let said = vera.fails(3, &["kernel", "upload", archive.to_str().unwrap()]);
    assert!(said.contains("you need the role developer"), "{said}");
    ann.fails(4, &["kernel", "download", "dev"]);
    ann.fails(4, &["kernel", "diff", "dev", "none"]);
    ann.fails(3, &["kernel", "configure", "dev", "--wait", "--server", "http://127.0.0.1:9"]);
}
