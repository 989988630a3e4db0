//! What a team publishes: reports, badges and the feed, as people and programs read them.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use domain::{
    manifest::{Component, ComponentRole},
    person::Role,
    token::Scope,
};
use quick_xml::{Reader, events::Event};
use serde_json::json;

use super::{ask, secret, token};
use crate::{
    http::{Answer, Ask},
    world::{World, name},
};

const BEFORE: &str = "Test name,Test ID,Result,Comments\n\
    Xen IOMMU,XEN1.2,FAIL,not found\nCore,TCL1.1,FAIL,stuck\nXen dev,XEN1.5,PASS,\nUbuntu,UBU1.1,PASS,\n";
const AFTER: &str = "Test name,Test ID,Result,Comments\n\
    Xen IOMMU,XEN1.2,PASS,\nCore,TCL1.1,FAIL,a | b <i>\nXen dev,XEN1.5,PASS,\nVoyage,VOY1.1,PASS,\n";

async fn bring(world: &World, secret: &str, release: &str, rows: &str) {
    let path = format!("/results?release={release}&machine=apu2&suite=boot");
    let answer = ask(world, "POST", &path, None).bearer(secret).body(rows).send().await;
    assert_eq!(answer.status, 201, "{}", answer.body);
}

fn basic(ask: Ask, secret: &str) -> Ask {
    ask.header(
        "authorization",
        &format!("Basic {}", BASE64_STANDARD.encode(format!("ada:{secret}"))),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_says_what_rows_say_measured_against_what_was_chosen() {
    let world = World::furnished().await;
    let (vera, dave) = (secret(&world, Role::Viewer).await, secret(&world, Role::Developer).await);
    let sha256 = domain::digest::Digest::of("kernel");
    let file =
        Component { role: ComponentRole::Kernel, name: "vmlinuz".to_owned(), size: 7, sha256 };
    let version = world.candidate_of(vec![file]).await;
    bring(&world, &dave, "recorded/v0.9", BEFORE).await;
    bring(&world, &dave, &version, AFTER).await;
    let notes = [("base", "0"), ("notes", "- a kernel\n# new"), ("known_issues", "UDP <only>")];
    let cookie = world.sign_in(name(Role::Developer)).await;
    let saved = world.post(&format!("/releases/{version}/notes"), &notes).cookie(&cookie);
    assert_eq!(saved.send().await.status, 303);

    let path = format!("/releases/{version}/report?baseline=recorded%2Fv0.9");
    let report = ask(&world, "GET", &path, None).bearer(&vera).send().await;
    assert_eq!(report.status, 200, "{}", report.body);
    let report = report.value();
    let figures = &report["figures"];
    assert_eq!(figures["totals"]["passed"], 3);
    assert_eq!(
        (&figures["passed_change"], &figures["failed_change"]),
        (&json!("+1"), &json!("-1"))
    );
    assert_eq!(
        (&figures["passed_percent"], &figures["percent_change"]),
        (&json!("75.00"), &json!("+25.00"))
    );
    assert_eq!(report["baseline"], "v0.9", "what was made elsewhere goes by its name");
    let kinds: Vec<_> = report["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| (it["kind"].as_str().unwrap(), it["cases"][0]["case"].as_str().unwrap()))
        .collect();
    assert_eq!(kinds, [("added", "VOY1.1"), ("fixed", "XEN1.2"), ("gone", "UBU1.1")]);
    assert_eq!(report["fails"][0]["case"], "TCL1.1");
    assert_eq!(report["binaries"][0]["sha256"], sha256.to_string());
    assert_eq!(report["not_tested"][0], "Boot entry linux has no result that passed or failed.");
    let matrix = &report["matrix"];
    assert_eq!(
        (&matrix["machines"][0]["name"], &matrix["suites"][0]["name"]),
        (&json!("apu2"), &json!("boot"))
    );

    let asked = ask(&world, "GET", &path, None).bearer(&vera).header("accept", "text/markdown");
    let text = asked.send().await;
    assert_eq!(text.header("content-type"), "text/markdown; charset=utf-8");
    for expected in [
        "* PASSED: 3 (+1)\n* FAILED: 1 (-1)\n",
        "| TCL1.1 Core (apu2) | failed: a \\| b \\<i\\> |",
        "- a kernel\n\\# new\n",
        "UDP \\<only>\n",
        &format!("| vmlinuz | 7 B | `{sha256}` |"),
    ] {
        assert!(text.body.contains(expected), "{expected} in {}", text.body);
    }
    let page = format!("/releases/{version}/report.md?baseline=recorded%2Fv0.9");
    assert_eq!(world.get(&page).cookie(&cookie).send().await.body, text.body, "one text for all");

    // The page, and that of a release of which nothing but results is here.
    let page = world.get(&path).cookie(&cookie).send().await;
    for expected in
        ["Test changes in this release", "75.00 %", "+25.00 %", "UDP &lt;only", "VOY1.1"]
    {
        assert!(page.status == 200 && page.body.contains(expected), "{expected}: {}", page.body);
    }
    let elsewhere = world.get("/releases/recorded%2Fv0.9/report").cookie(&cookie).send().await;
    assert!(elsewhere.body.contains("It was made elsewhere"), "{}", elsewhere.body);
    let missing = world.get("/releases/v7.7.7/report").cookie(&cookie).send().await;
    assert_eq!(missing.status, 404);
    let path = format!("/releases/{version}/report?baseline=v7.7.7");
    ask(&world, "GET", &path, None).bearer(&vera).send().await.problem(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn badges_are_for_readers_unless_the_server_says_otherwise() {
    let world = World::furnished().await;
    let dave = secret(&world, Role::Developer).await;
    bring(&world, &dave, "recorded/v0.9", BEFORE).await;
    let badge = "/badges/releases/v0.9/tests.svg";
    let refused = world.get(badge).send().await;
    assert_eq!(refused.status, 401);
    assert!(!refused.body.contains("passed"), "{}", refused.body);
    let dead = basic(world.get(badge), "bw_none").send().await;
    assert_eq!(dead.status, 401, "{}", dead.body);
    let scope = Scope::Results { plan: "smoke".to_owned(), machine: "qemu".to_owned() };
    let narrow = token(&world, Role::Developer, scope).await.secret;
    assert_eq!(basic(world.get(badge), &narrow).send().await.status, 403);

    let shown = basic(world.get(badge), &dave).send().await;
    assert_eq!((shown.status, shown.header("content-type")), (200, "image/svg+xml"));
    assert!(shown.body.contains("<title>v0.9 tests: 2 passed, 2 failed</title>"), "{}", shown.body);
    well_formed(&shown.body);
    assert!(shown.header("cache-control").contains("no-cache"));
    let tag = shown.header("etag").to_owned();
    let again = world.get(badge).bearer(&dave).header("if-none-match", &tag).send().await;
    assert_eq!((again.status, again.body.as_str()), (304, ""));
    bring(&world, &dave, "recorded/v0.9", AFTER).await;
    let changed = world.get(badge).bearer(&dave).header("if-none-match", &tag).send().await;
    assert_eq!(changed.status, 200, "other results are another picture");
    let production = world.get("/badges/environments/production.svg").bearer(&dave).send().await;
    assert!(production.body.contains("production: serves nothing"), "{}", production.body);
    // In a page of somebody else it says so itself; whoever looks at it alone gets a page.
    let unknown = world.get("/badges/releases/v7/tests.svg").bearer(&dave);
    let picture = unknown.clone().header("accept", "image/avif,image/svg+xml,*/*").send().await;
    assert_eq!((picture.status, picture.header("content-type")), (404, "image/svg+xml"));
    assert!(picture.body.contains("v7: not known"), "{}", picture.body);
    assert!(unknown.send().await.is_html());

    let open = World::with_options(&["--public-badges"]).await;
    let shown = open.get("/badges/environments/production.svg").send().await;
    assert_eq!(shown.status, 200, "{}", shown.body);
    assert_eq!(open.get("/feed.atom").send().await.status, 401, "badges alone are public");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_feed_is_atom_with_ids_that_stay() {
    let world = World::furnished().await;
    let vera = secret(&world, Role::Viewer).await;
    let version = world.candidate().await;
    world.validated(&version, &[("smoke.boot", domain::run::Outcome::Failed, 1)]).await;
    let served = world.serve("development", &version).await;
    assert_eq!(world.get("/feed.atom").send().await.status, 401);
    let feed = basic(world.get("/feed.atom"), &vera).send().await;
    assert_eq!(feed.status, 200, "{}", feed.body);
    assert!(feed.header("content-type").starts_with("application/atom+xml"));
    let entries = entries(&feed);
    let told: Vec<&str> = entries.iter().map(|it| it.title.as_str()).collect();
    assert!(told.contains(&format!("{version} was built").as_str()), "{told:?}");
    assert!(told.contains(&format!("development serves {version}").as_str()), "{told:?}");
    assert!(told.contains(&format!("{version}: smoke on qemu failed").as_str()), "{told:?}");
    let switch = entries.iter().find(|it| it.title.starts_with("development")).unwrap();
    assert!(switch.id.starts_with("tag:bootwright,2026:"), "{}", switch.id);
    let page = format!("http://{}/deployments/{}", world.address, served.id);
    assert_eq!(switch.link, page);
    assert!(entries.is_sorted_by(|a, b| a.updated >= b.updated), "newest first");

    let tag = feed.header("etag").to_owned();
    let again = world.get("/feed.atom").bearer(&vera).header("if-none-match", &tag).send().await;
    assert_eq!((again.status, again.body.as_str()), (304, ""));
    let dave = secret(&world, Role::Developer).await;
    bring(&world, &dave, "recorded/a%26b", BEFORE).await;
    let more = world.get("/feed.atom").bearer(&vera).header("if-none-match", &tag).send().await;
    assert_eq!(more.status, 200);
    let now = self::entries(&more);
    assert!(now.iter().any(|it| it.title == "a&b: boot on apu2 failed"), "{}", more.body);
    assert!(entries.iter().all(|it| now.iter().any(|new| new.id == it.id)), "ids stay");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_says_how_long_the_server_took() {
    let world = World::furnished().await;
    let vera = secret(&world, Role::Viewer).await;
    let cookie = world.sign_in(name(Role::Viewer)).await;
    let page = world.get("/tests").cookie(&cookie).send().await;
    let listed = ask(&world, "GET", "/runs", None).bearer(&vera).send().await;
    for answer in [page, listed] {
        let took = answer.header("server-timing").strip_prefix("app;dur=").unwrap().to_owned();
        assert!(took.parse::<f64>().unwrap() >= 0.0, "{took}");
        assert_eq!(took.split_once('.').unwrap().1.len(), 1, "{took}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_of_the_history_has_no_formula() {
    let world = World::furnished().await;
    let dave = secret(&world, Role::Developer).await;
    let rows = "Test name,Test ID,Result,Comments\n=1+1,+48,PASS,\n@sum,-1,FAIL,x\n";
    bring(&world, &dave, "recorded/=v1", rows).await;
    let cookie = world.sign_in(name(Role::Viewer)).await;
    let table = world.get("/tests/history.csv").cookie(&cookie).send().await;
    let expected =
        "Test name,Test ID,\"'=v1\"\r\n\"'=1+1\",\"'+48\",passed\r\n\"'@sum\",\"'-1\",failed\r\n";
    assert_eq!(table.body, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_demonstration_says_on_every_page_that_it_is_one() {
    let world = World::with_people().await;
    let cookie = world.sign_in(name(Role::Viewer)).await;
    let page = async |path: &str| world.get(path).cookie(&cookie).send().await;
    assert!(!page("/tests").await.body.contains("Demonstration data"));
    let adam = world.actor(Role::Administrator).await;
    world.services.fill_with_demonstration(&adam).await.unwrap_err();
    let command = domain::actor::Actor::command_line();
    assert_eq!(world.services.fill_with_demonstration(&command).await.unwrap(), 2);
    for path in ["/", "/tests", "/releases/v1.0.0/report", "/tests/case?id=XEN1.2", "/audit"] {
        let shown = page(path).await;
        assert!(shown.status == 200 && shown.body.contains("Demonstration data"), "{path}");
    }
    let vera = secret(&world, Role::Viewer).await;
    let history = ask(&world, "GET", "/history", None).bearer(&vera).send().await.value();
    let of = |name: &str| {
        let columns = history["columns"].as_array().unwrap();
        let column = columns.iter().position(|it| it["about"] == name).unwrap();
        let cells = history["rows"].as_array().unwrap().iter().map(|row| &row["cells"][column]);
        let count = |outcome: &str| cells.clone().filter(|it| it[outcome] == 1).count();
        (count("passed"), count("failed"))
    };
    assert_eq!(of("recorded/v1.0.0"), (8, 0));
    assert_eq!(of("recorded/v1.0.0-pre"), (3, 6));
    let again = world.services.fill_with_demonstration(&command).await.unwrap_err();
    assert!(again.to_string().contains("already"), "{again}");
}

#[derive(Debug, Default)]
struct Entry {
    id: String,
    title: String,
    updated: String,
    link: String,
}

/// What a reader of XML finds of a feed.
fn entries(feed: &Answer) -> Vec<Entry> {
    let mut reader = Reader::from_str(&feed.body);
    let (mut entries, mut inside, mut text) = (Vec::<Entry>::new(), false, String::new());
    loop {
        match reader.read_event().unwrap() {
            Event::Start(tag) => {
                text.clear();
                if tag.name().as_ref() == "entry" {
                    inside = true;
                    entries.push(Entry::default());
                }
            }
            Event::Empty(tag) if inside => {
                let href = tag.try_get_attribute("href").unwrap().unwrap();
                let link = href.value.into_owned();
                entries.last_mut().unwrap().link = link;
            }
            Event::Text(piece) => text.push_str(&piece),
            Event::GeneralRef(name) => match &*name {
                "amp" => text.push('&'),
                "lt" => text.push('<'),
                other => panic!("&{other};"),
            },
            Event::End(tag) if inside => {
                let entry = entries.last_mut().unwrap();
                match tag.name().as_ref() {
                    "id" => entry.id.clone_from(&text),
                    "title" => entry.title.clone_from(&text),
                    "updated" => entry.updated.clone_from(&text),
                    "entry" => inside = false,
                    _ => {}
                }
            }
            Event::Eof => return entries,
            _ => {}
        }
    }
}

/// Fails where a document is no XML.
fn well_formed(text: &str) {
    let mut reader = Reader::from_str(text);
    while reader.read_event().unwrap() != Event::Eof {}
}
