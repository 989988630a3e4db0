use super::*;

fn git(url: &str, reference: &str, key: Option<&str>) -> Definition {
    Definition {
        flavor: Flavor::Linux,
        source: Source::Git {
            url: url.to_owned(),
            reference: reference.to_owned(),
            commit: None,
            key: key.map(ToOwned::to_owned),
        },
        configuration: Some(Configuration {
            base: ConfigBase::Defconfig { target: "tinyconfig".to_owned() },
            fragments: Vec::new(),
        }),
        patches: Vec::new(),
        debug: false,
    }
}

fn fields(definition: &Definition) -> Vec<&'static str> {
    definition.check().err().unwrap_or_default().iter().map(|it| it.field).collect()
}

#[test]
fn repositories_are_https_ssh_or_a_path() {
    assert_eq!(fields(&git("https://git.example/linux.git", "v6.1.170", None)), [""; 0]);
    assert_eq!(fields(&git("ssh://git@git.example:2222/linux.git", "v6.1", Some("lab"))), [""; 0]);
    assert_eq!(fields(&git("/srv/git/linux.git", &"a".repeat(40), None)), [""; 0]);
    for url in [
        "ext::sh -c id",
        "http://git.example/linux",
        "file:///etc",
        "-upload-pack=x",
        "https://ann:secret@git.example/linux",
        "https://-oProxyCommand=x/y",
        "ssh://-oProxyCommand=x/y",
        "/srv/../etc",
        "git.example:linux",
    ] {
        assert!(fields(&git(url, "v1", None)).contains(&"source.url"), "{url}");
    }
}

#[test]
fn references_look_like_no_option_and_no_range() {
    for reference in ["--upload-pack=x", "-v", "a..b", "", "x y", "a/.b", "v1.lock", "^x", "a:b"] {
        assert_eq!(
            fields(&git("/srv/git/linux.git", reference, None)),
            ["source.reference"],
            "{reference}"
        );
    }
}

#[test]
fn a_key_goes_with_ssh_alone() {
    assert_eq!(fields(&git("ssh://git.example/linux", "v1", None)), ["source.key"]);
    assert_eq!(fields(&git("https://git.example/linux", "v1", Some("lab"))), ["source.key"]);
    assert_eq!(fields(&git("ssh://git.example/linux", "v1", Some("../x"))), ["source.key"]);
}

#[test]
fn what_is_compiled_has_a_configuration_and_what_is_not_has_none() {
    let mut definition = git("/srv/git/linux.git", "v1", None);
    definition.configuration = None;
    assert_eq!(fields(&definition), ["configuration"]);
    let mut binary = git("/srv/git/linux.git", "v1", None);
    binary.source = Source::DebianBinary {
        suite: "bookworm-backports".to_owned(),
        package: "linux-image-amd64".to_owned(),
        version: Some("6.12.1-1~bpo12+1".to_owned()),
    };
    assert_eq!(fields(&binary), ["configuration"]);
    binary.configuration = None;
    assert_eq!(fields(&binary), [""; 0]);
    binary.patches = vec![UploadedFile { name: "a.patch".to_owned(), sha256: Digest::of("a") }];
    assert_eq!(fields(&binary), ["patches"]);
}

#[test]
fn every_upload_is_named() {
    let mut definition = git("/srv/git/linux.git", "v1", None);
    let file = |name: &str| UploadedFile { name: name.to_owned(), sha256: Digest::of(name) };
    definition.patches = vec![file("a.patch")];
    definition.configuration = Some(Configuration {
        base: ConfigBase::File { file: file("config") },
        fragments: Vec::new(),
    });
    let names: Vec<&str> = definition.uploads().map(|it| it.name.as_str()).collect();
    assert_eq!(names, ["config", "a.patch"]);
}
