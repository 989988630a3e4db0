//! The form of a variant, as a browser sends it with and without script, and as none does.

use domain::{
    digest::Digest,
    person::Role,
    variant::{self, Definition, Variant, VariantState},
};
use services::variants::VariantFilter;

use crate::{
    http::{Answer, Ask},
    kernel_form::{multipart, sent as sent_body},
    world::{World, name},
};

type Parts<'a> = Vec<(&'a str, Option<&'a str>, &'a str)>;

/// The form, sent by a browser.
pub(crate) fn sent(world: &World, target: &str, parts: &Parts<'_>) -> Ask {
    sent_body(world, target, multipart(parts))
}

/// What the form of a new variant holds that is whole.
pub(crate) fn whole(name: &str) -> Parts<'_> {
    vec![
        ("name", None, name),
        ("description", None, "tries a module"),
        ("days", None, "3"),
        ("base", None, ""),
        ("hostname", None, "probe-7"),
        ("packages.add", None, "htop\r\ntmux/bookworm-backports\r\n"),
        ("packages.remove", None, "nano"),
        ("accept", None, "less more"),
        ("services.enable", None, "ssh.service"),
        ("boot.arguments", None, "debug loglevel=7"),
        ("files.0.path", None, "/etc/motd"),
        ("files.0.mode", None, "0640"),
        ("files.0.owner", None, "root:adm"),
        ("files.0.content", None, "one\r\ntwo\r\n"),
        // Nothing was chosen here.
        ("files.0.upload", Some(""), ""),
        ("users.0.name", None, "probe"),
        ("users.0.shell", None, "/bin/sh"),
        ("kernels.0.alias", None, "vmlinuz-dev"),
        ("kernels.0.flavor", None, "linux"),
        ("kernels.0.from", None, "package"),
        ("kernels.0.package", None, "linux-image-cloud-amd64"),
        ("script.content", None, "true\r\n"),
        ("script.limit_seconds", None, "60"),
    ]
}

/// Those parts, with others in place of those of the same name.
fn with<'a>(parts: Parts<'a>, others: &[(&'a str, Option<&'a str>, &'a str)]) -> Parts<'a> {
    let other = |name: &str| others.iter().any(|(given, ..)| *given == name);
    parts.into_iter().filter(|(name, ..)| !other(name)).chain(others.iter().copied()).collect()
}

struct Form {
    world: World,
    cookie: String,
}

impl Form {
    async fn open() -> Self {
        let world = World::furnished().await;
        let cookie = world.sign_in(name(Role::Developer)).await;
        Self { world, cookie }
    }

    async fn send(&self, target: &str, parts: &Parts<'_>) -> Answer {
        sent(&self.world, target, parts).cookie(&self.cookie).send().await
    }

    async fn get(&self, target: &str) -> Answer {
        self.world.get(target).cookie(&self.cookie).send().await
    }

    async fn variant(&self, name: &str) -> Variant {
        let dave = self.world.actor(Role::Developer).await;
        self.world.services.variant(&dave, name).await.unwrap().variant
    }
}

/// The texts of an answer without the escapes of markup.
fn plain(answer: &Answer) -> String {
    answer.body.replace("&#x27;", "'").replace("&quot;", "\"")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_variant_is_made_with_its_files() {
    let form = Form::open().await;
    let parts = with(
        whole("probe"),
        &[
            ("files.1.path", None, "/usr/local/bin/probe"),
            ("files.1.mode", None, "0755"),
            ("files.1.owner", None, "root:root"),
            ("files.1.content", None, ""),
            ("files.1.upload", Some("C:\\tmp\\probe"), "#!/bin/sh\n"),
            // A row that nobody filled in.
            ("files.2.path", None, ""),
            ("files.2.mode", None, "0644"),
            ("kernels.0.from", None, "upload"),
            ("kernels.0.packages", Some("a.deb"), "a"),
            ("kernels.0.packages", Some("b.deb"), "b"),
        ],
    );
    let answer = form.send("/variants/new", &parts).await;
    let location = answer.header("location");
    assert_eq!((answer.status, location), (303, "/variants/probe"), "{}", answer.body);
    let made = form.variant("probe").await;
    assert_eq!((&*made.owner, &*made.description), (name(Role::Developer), "tries a module"));
    let Definition { packages, files, kernels, users, script, hostname, .. } = made.definition;
    assert_eq!(packages.add, ["htop", "tmux/bookworm-backports"]);
    assert_eq!(packages.accept_removal, ["less", "more"]);
    assert_eq!(hostname.as_deref(), Some("probe-7"));
    assert_eq!(files.len(), 2);
    assert_eq!(files[0].content.as_deref(), Some("one\ntwo\n"));
    let upload = files[1].upload.as_ref().unwrap();
    assert_eq!((&*upload.name, upload.sha256), ("probe", Digest::of("#!/bin/sh\n")));
    let debs: Vec<&str> = kernels[0].packages.iter().map(|it| it.name.as_str()).collect();
    assert_eq!((debs, kernels[0].package.as_deref()), (vec!["a.deb", "b.deb"], None));
    assert_eq!((&*users[0].name, script.unwrap().limit_seconds), ("probe", 60));
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_come_back_with_everything_that_was_typed_and_uploaded() {
    let form = Form::open().await;
    let faulty = with(
        whole("Probe"),
        &[
            ("packages.add", None, "htop\r\nHtop\r\n"),
            // The blank row before it is left out of the definition, not of the form.
            ("files.0.path", None, ""),
            ("files.0.content", None, ""),
            ("files.1.path", None, "etc/motd"),
            ("files.1.mode", None, "0644"),
            ("files.1.owner", None, "root:root"),
            ("files.1.content", None, "<b>"),
            ("playbook.archive", Some("roles.tar"), "roles"),
        ],
    );
    let answer = form.send("/variants/new", &faulty).await;
    assert_eq!(answer.status, 422, "{}", answer.body);
    let body = plain(&answer);
    for told in [
        "3 faults",
        "a variant's name has 1 to 40",
        "href=\"#packages.add\"",
        "href=\"#files.1.path\"",
        "value=\"Probe\"",
        "value=\"etc/motd\"",
        "\n&lt;b></textarea>",
        "htop\nHtop",
        "name=\"accept\" value=\"less\" checked",
    ] {
        assert!(body.to_lowercase().contains(&told.to_lowercase()), "{told}: {body}");
    }
    let kept = format!("{} roles.tar", Digest::of("roles"));
    assert!(body.contains(&format!("name=\"kept.playbook.archive\" value=\"{kept}\"")), "{body}");
    let again = with(whole("probe"), &[("kept.playbook.archive", None, &kept)]);
    assert_eq!(form.send("/variants/new", &again).await.status, 303);
    let playbook = form.variant("probe").await.definition.playbook.unwrap();
    assert_eq!(playbook.archive.unwrap().name, "roles.tar");
}

#[tokio::test(flavor = "multi_thread")]
async fn buttons_that_save_nothing_bring_the_form_back() {
    let form = Form::open().await;
    let before = form.world.audit_rows().await;
    let press = |task: &'static str| with(whole("probe"), &[("do", None, task)]);
    let added = form.send("/variants/new", &press("add.files")).await;
    assert_eq!(added.status, 200, "{}", added.body);
    assert!(added.body.contains("name=\"files.1.path\""), "{}", added.body);
    assert!(added.body.contains("one\ntwo\n"), "{}", added.body);
    let removed = form.send("/variants/new", &press("remove.files.0")).await;
    assert!(!removed.body.contains("name=\"files.0.path\""), "{}", removed.body);
    let package = form.send("/variants/new", &press("package.vim/bookworm-backports")).await;
    assert!(package.body.contains("tmux/bookworm-backports\nvim/bookworm-backports"));
    let looked = form.send("/variants/new", &press("look")).await;
    assert_eq!(looked.status, 200, "{}", looked.body);
    // Production runs nothing here: that is said at the field, and the form is whole.
    assert!(plain(&looked).contains("href=\"#base\""), "{}", looked.body);
    assert!(plain(&looked).contains("production runs no release yet"), "{}", looked.body);
    let searched = with(press("search"), &[("search.words", None, "top"), ("base", None, "v9")]);
    let searched = form.send("/variants/new", &searched).await;
    assert!(plain(&searched).contains("There is no release v9"), "{}", searched.body);
    let suite = with(
        press("search"),
        &[("search.words", None, "top"), ("search.suites", None, "../../etc")],
    );
    let suite = form.send("/variants/new", &suite).await;
    assert!(plain(&suite).contains("is no name of a Debian suite"), "{}", suite.body);
    assert_eq!(form.world.audit_rows().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_text_is_the_other_side_of_the_form() {
    let form = Form::open().await;
    let page = form.get("/variants/new").await;
    let seen = page.body.split("name=\"seen\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let blank = |name| vec![("name", None, name), ("days", None, "14"), ("base", None, "")];
    let text = "hostname = \"a\"\r\n[[files]]\r\npath = \"/etc/x\"\r\ncontent = \"y\"\r\n";
    let taken =
        with(blank("probe"), &[("text", None, text), ("seen", None, seen), ("do", None, "take")]);
    let answer = form.send("/variants/new", &taken).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    for told in ["value=\"/etc/x\"", "name=\"hostname\" value=\"a\"", "Nothing is saved yet"] {
        assert!(answer.body.contains(told), "{told}: {}", answer.body);
    }
    let broken = "hostname = \"a\"\r\n[[files]]\r\npath = \"etc\"\r\ncontent = \"y\"\r\n";
    for task in ["take", "save", "look"] {
        let parts = with(
            blank("probe"),
            &[("text", None, broken), ("seen", None, seen), ("do", None, task)],
        );
        let answer = form.send("/variants/new", &parts).await;
        assert_eq!(answer.status, 422, "{task}: {}", answer.body);
        assert!(answer.body.contains("href=\"#line-3\""), "{task}: {}", answer.body);
        assert!(answer.body.contains("path = \"etc\"\n"), "{task}: it stays: {}", answer.body);
    }
    // Changed on both sides, differently: somebody has to choose.
    let both = with(
        blank("probe"),
        &[("text", None, text), ("seen", None, seen), ("hostname", None, "b")],
    );
    let answer = form.send("/variants/new", &both).await;
    assert_eq!(answer.status, 422, "{}", answer.body);
    assert!(answer.body.contains("were both changed"), "{}", answer.body);
    // A text alone is what should be saved.
    let alone = with(blank("probe"), &[("text", None, text), ("seen", None, seen)]);
    let answer = form.send("/variants/new", &alone).await;
    assert_eq!(answer.status, 303, "{}", answer.body);
    let definition = form.variant("probe").await.definition;
    assert_eq!(definition, variant::parse(&text.replace("\r\n", "\n")).unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_with_script_is_told_what_the_other_side_becomes() {
    let form = Form::open().await;
    let before = form.world.audit_rows().await;
    let page = form.get("/variants/new").await;
    let seen = page.body.split("name=\"seen\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let typed = |task: &'static str| {
        let parts = vec![("days", None, "14"), ("base", None, ""), ("hostname", None, "b")];
        with(parts, &[("do", None, task), ("text", None, ""), ("seen", None, seen)])
    };
    let answer = form.send("/variant-form", &typed("form")).await;
    let told: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(told["text"], "hostname = \"b\"\n");
    assert!(told["form"].as_str().unwrap().contains("data-part=\"summary\""));
    let answer = form.send("/variant-form", &typed("search")).await;
    let told: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    assert!(told["form"].as_str().unwrap().contains("data-kept"), "{told}");
    let text = with(typed("text"), &[("text", None, "hostname = \"c\" # why\r\n")]);
    let answer = form.send("/variant-form", &text).await;
    let told: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    assert!(told["text"].is_null(), "what is typed is not written over: {told}");
    assert!(told["form"].as_str().unwrap().contains("value=\"c\""), "{told}");
    assert_eq!(form.world.audit_rows().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_who_edit_do_not_undo_each_other_and_others_change_nothing() {
    let form = Form::open().await;
    assert_eq!(form.send("/variants/new", &whole("probe")).await.status, 303);
    let change = |hostname: &'static str, revision: &'static str| {
        with(whole(""), &[("hostname", None, hostname), ("revision", None, revision)])
    };
    let answer = form.send("/variants/probe/edit", &change("one", "1")).await;
    assert_eq!((answer.status, answer.header("location")), (303, "/variants/probe"));
    let late = form.send("/variants/probe/edit", &change("two", "1")).await;
    assert_eq!(late.status, 409, "{}", late.body);
    assert!(late.body.contains("value=\"two\""), "{}", late.body);
    assert_eq!(form.send("/variants/probe/edit", &change("two", "")).await.status, 422);
    assert_eq!(form.send("/variants/none/edit", &change("two", "1")).await.status, 404);
    let taken = form.send("/variants/new", &whole("probe")).await;
    assert!(matches!(taken.status, 409 | 422), "{} {}", taken.status, taken.body);

    let anna = form.world.sign_in(name(Role::Approver)).await;
    let theirs = sent(&form.world, "/variants/probe/edit", &change("three", "2"));
    let refused = theirs.cookie(&anna).send().await;
    assert_eq!(refused.status, 403, "{}", refused.body);
    let page = form.world.get("/variants/probe").cookie(&anna).send().await;
    assert!(page.body.contains("dave"), "{}", page.body);
    assert!(page.body.contains("disabled"), "{}", page.body);
    let clone = form.world.get("/variants/new?clone=probe").cookie(&anna).send().await;
    assert!(clone.body.contains("name=\"hostname\" value=\"one\""), "{}", clone.body);
    assert_eq!(form.variant("probe").await.revision, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_form_of_ours_sends_is_refused_and_keeps_nothing() {
    let form = Form::open().await;
    let before = form.world.audit_rows().await;
    let broken = |others: &[(&'static str, Option<&'static str>, &'static str)]| {
        with(whole("probe"), others)
    };
    for parts in [
        broken(&[("do", None, "nonsense")]),
        broken(&[("do", None, "remove.files.x")]),
        broken(&[("name", None, "a"), ("name", None, "b")]),
        broken(&[("files.500.path", None, "x")]),
        broken(&[("files.0.colour", None, "x")]),
        broken(&[("kept.files.0.upload", None, "nonsense")]),
        broken(&[("kept.users.0.name", None, "nonsense")]),
        broken(&[("nonsense", Some("x"), "x")]),
        vec![("name", None, "probe")],
        Vec::new(),
    ] {
        for target in ["/variants/new", "/variant-form"] {
            let answer = form.send(target, &parts).await;
            assert_eq!(answer.status, 422, "{target} {parts:?}: {}", answer.body);
            assert!(answer.is_html() && answer.body.contains("not sent whole"), "{parts:?}");
        }
    }
    let long = "x".repeat(7 << 20);
    let answer = form.send("/variants/new", &vec![("name", None, &long)]).await;
    assert_eq!(answer.status, 413, "{}", answer.body);
    // What was never uploaded is none of this installation's files.
    let kept = format!("{} a.tar", Digest::of("never uploaded"));
    let parts = with(whole("probe"), &[("kept.playbook.archive", None, &kept)]);
    let answer = form.send("/variants/new", &parts).await;
    assert!((400..500).contains(&answer.status), "{} {}", answer.status, answer.body);
    assert_eq!(form.world.audit_rows().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_and_pages_say_how_a_variant_stands() {
    let form = Form::open().await;
    let empty = form.get("/variants").await;
    assert!(empty.body.contains("There is no variant yet"), "{}", empty.body);
    let built = form.world.built_variant().await;
    let new = form.world.variant().await;
    let list = form.get("/variants?state=ready").await;
    assert!(list.body.contains(&built) && !list.body.contains(&new), "{}", list.body);
    let list = form.get("/variants?owner=nobody&words=x").await;
    assert!(list.body.contains("No variant is like that"), "{}", list.body);
    assert_eq!(form.get("/variants?state=nonsense").await.status, 422);

    let page = form.get(&format!("/variants/{built}")).await;
    for told in [format!("/variant/{built}/menu.ipxe"), "7 B".to_owned(), "htop".to_owned()] {
        assert!(page.body.contains(&told), "{told}: {}", page.body);
    }
    // One that ends within days is on the first page of whoever it belongs to.
    let first = form.get("/").await;
    assert!(!first.body.contains("Your variants that end"), "{}", first.body);
    let dave = form.world.actor(Role::Developer).await;
    form.world.services.extend_variant(&dave, &built, 2).await.unwrap();
    let first = form.get("/").await;
    assert!(first.body.contains("Your variants that end") && first.body.contains(&built));
    let vera = form.world.sign_in(name(Role::Viewer)).await;
    let theirs = form.world.get("/").cookie(&vera).send().await;
    assert!(!theirs.body.contains("Your variants that end"), "{}", theirs.body);
    let filter = VariantFilter { state: Some(VariantState::Ready), ..VariantFilter::default() };
    let slice = domain::page::Slice::first();
    let ready = form.world.services.variants_page(&dave, &filter, &slice).await.unwrap();
    assert_eq!(ready.items.len(), 1);
}
