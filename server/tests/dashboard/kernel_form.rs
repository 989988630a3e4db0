//! The form of a kernel, as a browser without script sends it, and as none does.

use domain::{
    digest::Digest,
    kernel::{ConfigBase, Flavor, Source},
    person::Role,
};

use crate::{
    http::{Answer, Ask},
    world::{World, name},
};

const BOUNDARY: &str = "----a-boundary";

/// What a form of texts and files sends (RFC 7578); a file has a name besides.
pub(crate) fn multipart(parts: &[(&str, Option<&str>, &str)]) -> Vec<u8> {
    let mut body = String::new();
    for (name, file, value) in parts {
        let file = file.map_or_else(String::new, |file| format!("; filename=\"{file}\""));
        body.push_str(&format!(
            "--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"{name}\"{file}\r\n\r\n{value}\r\n"
        ));
    }
    body.push_str(&format!("--{BOUNDARY}--\r\n"));
    body.into_bytes()
}

/// The form, sent by a browser.
pub(crate) fn sent(world: &World, target: &str, body: Vec<u8>) -> Ask {
    let kind = format!("multipart/form-data; boundary={BOUNDARY}");
    Ask::post(world.address, target, body).header("content-type", &kind)
}

/// What the form of a new kernel holds that is whole.
pub(crate) fn whole(name: &str) -> Vec<(&str, Option<&str>, &str)> {
    vec![
        ("name", None, name),
        ("revision", None, ""),
        ("flavor", None, "linux"),
        ("kind", None, "debian-source"),
        ("source.suite", None, "bookworm"),
        ("source.package", None, "linux-source-6.1"),
        ("source.version", None, ""),
        ("base", None, "defconfig"),
        ("base.target", None, "tinyconfig"),
        ("fragment.0.name", None, "net"),
        ("fragment.0.content", None, "CONFIG_NET=y\r\nCONFIG_INET=y\r\n"),
        ("fragment.1.name", None, "nothing"),
        ("fragment.1.content", None, ""),
        // Nothing was chosen here.
        ("config", Some(""), ""),
    ]
}

/// Those parts, with others in place of those of the same name.
fn with<'a>(
    parts: Vec<(&'a str, Option<&'a str>, &'a str)>,
    others: &[(&'a str, Option<&'a str>, &'a str)],
) -> Vec<u8> {
    let other = |name: &str| others.iter().any(|(given, ..)| *given == name);
    let kept = parts.into_iter().filter(|(name, ..)| !other(name));
    multipart(&kept.chain(others.iter().copied()).collect::<Vec<_>>())
}

struct Form {
    world: World,
    cookie: String,
}

impl Form {
    async fn open() -> Self {
        let world = World::with_people().await;
        let cookie = world.sign_in(name(Role::Developer)).await;
        Self { world, cookie }
    }

    async fn send(&self, target: &str, body: Vec<u8>) -> Answer {
        sent(&self.world, target, body).cookie(&self.cookie).send().await
    }

    async fn kernel(&self, name: &str) -> domain::kernel::Kernel {
        let dave = self.world.actor(Role::Developer).await;
        self.world.services.kernel(&dave, name).await.unwrap().kernel
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kernel_is_added_with_its_files() {
    let form = Form::open().await;
    let body = with(
        whole("small"),
        &[
            ("base", None, "file"),
            ("config", Some("my.config"), "CONFIG_SMP=y\n"),
            ("patches", Some("C:\\tmp\\b.patch"), "b"),
            ("patches", Some("a.patch"), "a"),
            ("debug", None, "true"),
        ],
    );
    let answer = form.send("/kernels/new", body).await;
    assert_eq!(
        (answer.status, answer.header("location")),
        (303, "/kernels/small"),
        "{}",
        answer.body
    );
    let kernel = form.kernel("small").await;
    let definition = kernel.definition;
    assert_eq!((kernel.revision, definition.flavor, definition.debug), (1, Flavor::Linux, true));
    assert!(matches!(definition.source, Source::DebianSource { version: None, .. }));
    let patches: Vec<(&str, Digest)> =
        definition.patches.iter().map(|it| (it.name.as_str(), it.sha256)).collect();
    assert_eq!(patches, [("b.patch", Digest::of("b")), ("a.patch", Digest::of("a"))]);
    let configuration = definition.configuration.unwrap();
    let ConfigBase::File { file } = configuration.base else { panic!("a file was uploaded") };
    assert_eq!((file.name.as_str(), file.sha256), ("my.config", Digest::of("CONFIG_SMP=y\n")));
    // What holds nothing is left out, and lines end as on this system.
    let fragments: Vec<(&str, &str)> =
        configuration.fragments.iter().map(|it| (it.name.as_str(), it.content.as_str())).collect();
    assert_eq!(fragments, [("net", "CONFIG_NET=y\nCONFIG_INET=y\n")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_come_back_with_everything_that_was_typed_and_uploaded() {
    let form = Form::open().await;
    let patch = ("patches", Some("a.patch"), "a");
    let faulty = with(
        whole("Small"),
        &[patch, ("source.suite", None, "-x"), ("fragment.0.content", None, "<b>\r\n")],
    );
    let answer = form.send("/kernels/new", faulty).await;
    assert_eq!(answer.status, 422, "{}", answer.body);
    let body = &answer.body;
    for told in [
        "3 faults; nothing was saved",
        "A kernel's name has 1 to 60",
        "A suite is a word",
        "is not a line of a configuration",
        "value=\"Small\"",
        "value=\"-x\"",
        "\n&lt;b>\n</textarea>",
    ] {
        assert!(body.replace("&#x27;", "'").contains(told), "{told}: {body}");
    }
    // The patch stays uploaded: a form without the file, but with this, has it still.
    let kept = format!("{} a.patch", Digest::of("a"));
    assert!(body.contains(&format!("name=\"kept.patches\" value=\"{kept}\"")), "{body}");
    let again = with(whole("small"), &[("kept.patches", None, &kept)]);
    let answer = form.send("/kernels/new", again).await;
    assert_eq!(answer.status, 303, "{}", answer.body);
    assert_eq!(form.kernel("small").await.definition.patches.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn fragments_come_and_go_and_nothing_is_saved() {
    let form = Form::open().await;
    let before = form.world.audit_rows().await;
    let answer = form.send("/kernels/new", with(whole("small"), &[("do", None, "add")])).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert!(answer.body.contains("name=\"fragment.2.content\""), "{}", answer.body);
    assert!(answer.body.contains("CONFIG_NET=y\nCONFIG_INET=y\n"), "{}", answer.body);
    let answer = form.send("/kernels/new", with(whole("small"), &[("do", None, "remove.0")])).await;
    assert_eq!(answer.status, 200);
    assert!(!answer.body.contains("CONFIG_INET=y\n"), "{}", answer.body);
    assert!(answer.body.contains("value=\"nothing\""), "{}", answer.body);
    assert_eq!(form.world.audit_rows().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_who_edit_do_not_undo_each_other() {
    let form = Form::open().await;
    assert_eq!(form.send("/kernels/new", with(whole("small"), &[])).await.status, 303);
    let others = |target: &'static str, revision: &'static str| {
        with(whole("small"), &[("base.target", None, target), ("revision", None, revision)])
    };
    let answer = form.send("/kernels/small/edit", others("defconfig", "1")).await;
    assert_eq!(
        (answer.status, answer.header("location")),
        (303, "/kernels/small"),
        "{}",
        answer.body
    );
    let late = form.send("/kernels/small/edit", others("allnoconfig", "1")).await;
    assert_eq!(late.status, 409, "{}", late.body);
    assert!(late.body.contains("value=\"allnoconfig\""), "{}", late.body);
    assert!(late.body.contains("Something changed meanwhile"), "{}", late.body);
    assert_eq!(form.kernel("small").await.revision, 2);
    let without = form.send("/kernels/small/edit", others("allnoconfig", "")).await;
    assert_eq!(without.status, 422, "{}", without.body);
    let gone = form.send("/kernels/none/edit", others("allnoconfig", "1")).await;
    assert_eq!(gone.status, 404, "{}", gone.body);
    let taken = form.send("/kernels/new", with(whole("small"), &[])).await;
    assert!(matches!(taken.status, 409 | 422), "{} {}", taken.status, taken.body);
    assert!(taken.body.contains("linux-source-6.1"), "what was typed is there: {}", taken.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_form_of_ours_sends_is_refused_and_keeps_nothing() {
    let form = Form::open().await;
    let before = form.world.audit_rows().await;
    let broken = |others: &[(&'static str, Option<&'static str>, &'static str)]| {
        with(whole("small"), others)
    };
    let bodies = [
        broken(&[("kind", None, "nonsense")]),
        broken(&[("flavor", None, "")]),
        broken(&[("do", None, "remove.x")]),
        broken(&[("name", None, "a"), ("name", None, "b")]),
        broken(&[("fragment.64.name", None, "x")]),
        broken(&[("fragment.-1.name", None, "x")]),
        broken(&[("kept.patches", None, "nonsense")]),
        broken(&[("kept.nonsense", None, "nonsense")]),
        broken(&[("nonsense", Some("x"), "x")]),
        {
            let mut cut = broken(&[]);
            cut.truncate(cut.len() - 20);
            cut
        },
        Vec::new(),
    ];
    for body in bodies {
        let answer = form.send("/kernels/new", body.clone()).await;
        let about = String::from_utf8_lossy(&body).into_owned();
        assert_eq!(answer.status, 422, "{about}: {}", answer.body);
        assert!(answer.is_html() && answer.body.contains("not sent whole"), "{about}");
    }
    let long = "x".repeat(7 << 20);
    let answer = form.send("/kernels/new", multipart(&[("name", None, &long)])).await;
    assert_eq!(answer.status, 413, "{}", answer.body);
    // A name that was never uploaded is none of this installation's files.
    let kept = format!("{} a.patch", Digest::of("never uploaded"));
    let answer =
        form.send("/kernels/new", with(whole("small"), &[("kept.patches", None, &kept)])).await;
    assert!((400..500).contains(&answer.status), "{} {}", answer.status, answer.body);
    assert_eq!(form.world.audit_rows().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_longer_than_any_form() {
    let form = Form::open().await;
    let long = "x".repeat(3 << 20);
    let others =
        [("kind", None, "uploaded-archive"), ("archive", Some("linux.tar.xz"), long.as_str())];
    let answer = form.send("/kernels/new", with(whole("big"), &others)).await;
    assert_eq!(answer.status, 303, "{}", answer.body);
    let Source::UploadedArchive { file } = form.kernel("big").await.definition.source else {
        panic!("an archive was uploaded");
    };
    assert_eq!(file.sha256, Digest::of(&long));
}
