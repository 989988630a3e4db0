//! What no browser sends: every form and every address with everything that could be wrong.
//!
//! Nothing of it may be a fault of ours, nothing may come back as markup, and whoever asks for a
//! page gets one that can be read.

use domain::person::Role;

use crate::{
    http::{Answer, Ask, form},
    roles,
    world::{RECIPE, World, name},
};

const SCRIPT: &str = "<script>alert(1)</script>";

/// Where forms are sent to.
fn targets() -> Vec<String> {
    let routes = server::dashboard::routes();
    let posts = routes.iter().filter(|route| route.method == "POST");
    let posts = posts.map(|route| route.path.replace("{name}", RECIPE));
    posts.chain(roles::calls().iter().map(|(_, path)| (*path).to_owned())).collect()
}

fn carries_files(target: &str) -> bool {
    let routes = server::dashboard::routes();
    routes.iter().any(|route| route.files && route.path.replace("{name}", RECIPE) == target)
}

/// What must be true of every answer to anything.
fn sane(answer: &Answer, about: &str) {
    assert!(answer.status < 500, "{about}: {} {}", answer.status, answer.body);
    // In JSON it is text, and `nosniff` keeps it that.
    let markup = answer.is_html() || answer.header("content-type").is_empty();
    assert!(!markup || !answer.body.contains(SCRIPT), "{about}: {}", answer.body);
    assert!(!answer.header("location").contains(['<', '\r', '\n']), "{about}");
}

/// What must be true of what a browser is refused.
fn readable(answer: &Answer, about: &str) {
    sane(answer, about);
    assert!(answer.is_html(), "{about}: {} {}", answer.status, answer.body);
    assert!(answer.body.contains("<h1"), "{about}: {}", answer.body);
}

/// A refusal: a page that says so, or the way back to a form that does.
fn refused(answer: &Answer, about: &str) {
    if answer.status == 303 {
        let location = answer.header("location");
        assert!(location.contains("__err=") || location.contains("error="), "{about}: {location}");
        sane(answer, about);
    } else {
        assert!((400..500).contains(&answer.status), "{about}: {}", answer.status);
        readable(answer, about);
    }
}

/// Fields that all forms together know, each with this value.
fn everything(value: &str) -> String {
    let names = [
        "name",
        "password",
        "next",
        "token",
        "theme",
        "base",
        "text",
        "message",
        "revision",
        "version",
        "packages",
        "id",
        "environment",
        "reason",
        "verdict",
        "evidence",
        "comment",
        "confirm",
        "deployment",
        "plans",
        "approvals",
        "self_approval",
        "role",
        "disabled",
        "do",
        "seen",
        "failures[]",
        "issue",
        "blame",
        "until",
        "run",
        "plan",
        "macs",
        "target",
        "entry",
        "purpose",
        "hours",
        "into",
        "unknown",
        "pending",
        "form.system.suite",
        "form.users.0.name",
    ];
    form(&names.map(|name| (name, value)))
}

async fn signed_in() -> (World, String) {
    let world = World::furnished().await;
    let cookie = world.sign_in(name(Role::Administrator)).await;
    (world, cookie)
}

#[tokio::test(flavor = "multi_thread")]
async fn forms_that_are_none_are_refused() {
    let (world, cookie) = signed_in().await;
    let post =
        |target: &str, body: &[u8]| Ask::post(world.address, target, body.to_vec()).cookie(&cookie);
    for target in targets() {
        // These two take no field that they could miss.
        let takes_nothing = target == "/session/logout";
        let bodies: [(&str, &[u8]); 5] = [
            ("nothing", b""),
            ("no form", b"{\"name\": \"x\"}"),
            ("bytes", b"\xff\xfe\x00\x01=\xff&&&==%"),
            ("other fields", b"colour=red&colour=green"),
            ("an unfinished escape", b"%=%4&%zz=%g1"),
        ];
        for (what, body) in bodies {
            if takes_nothing {
                continue;
            }
            let before = world.audit_rows().await;
            let about = format!("{target}: {what}");
            refused(&post(&target, body).send().await, &about);
            let answer = post(&target, body).json().send().await;
            assert!((400..500).contains(&answer.status), "{about}: {}", answer.status);
            if target.starts_with("/api/ui/") {
                assert_eq!(answer.header("content-type"), "application/json", "{about}");
                assert!(answer.body.contains("form was not sent whole"), "{about}");
            }
            assert_eq!(world.audit_rows().await, before, "{about}: nothing was done");
        }
        for kind in ["application/json", "text/plain", "multipart/form-data; boundary=x", ""] {
            let about = format!("{target} as {kind:?}");
            if takes_nothing {
                continue;
            }
            let ask = post(&target, everything("x").as_bytes()).header("content-type", kind);
            let answer = ask.send().await;
            sane(&answer, &about);
            assert!(matches!(answer.status, 303 | 400..500), "{about}: {}", answer.status);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whole_forms_of_nonsense_are_refused() {
    let (world, cookie) = signed_in().await;
    let long = "x".repeat(20_000);
    let values = [
        "",
        SCRIPT,
        "\"><img src=x onerror=alert(1)>",
        "a\0b",
        "\r\nset-cookie: a=b",
        "\u{202e}\u{feff}\u{7f}\u{1b}[31m",
        "-1",
        "4294967296",
        "99999999999999999999999999",
        "1e9",
        "'; drop table person; --",
        "../../etc/passwd",
        &long,
    ];
    for target in targets() {
        if matches!(&*target, "/session/logout" | "/session/theme") {
            continue;
        }
        for value in values {
            let about = format!("{target} with {:?}", value.chars().take(40).collect::<String>());
            let before = world.audit_rows().await;
            let ask = Ask::post(world.address, &target, everything(value)).cookie(&cookie);
            let answer = ask.send().await;
            refused(&answer, &about);
            // The page that a browser is led to shows what came of it.
            if answer.status == 303 {
                let page = world.get(answer.header("location")).cookie(&cookie).send().await;
                readable(&page, &about);
            }
            let answer = ask.clone().json().send().await;
            sane(&answer, &about);
            if target.starts_with("/api/ui/") {
                assert!((400..500).contains(&answer.status), "{about}: {}", answer.status);
                assert_eq!(answer.header("content-type"), "application/json", "{about}");
                // A failed sign-in is on record, whatever else fails leaves nothing.
                assert_eq!(world.audit_rows().await, before, "{about}");
            }
        }
        // A field twice: never the one of them that was not looked at.
        let twice = everything("x") + "&" + &everything("y");
        let answer = Ask::post(world.address, &target, twice).cookie(&cookie).send().await;
        refused(&answer, &format!("{target} with each field twice"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_large_is_not_read() {
    let (world, cookie) = signed_in().await;
    let body = format!("text={}", "x".repeat(2 << 20));
    for target in targets() {
        // The forms that carry files read none of this kind, and have tests of their own.
        if target == "/session/logout" || carries_files(&target) {
            continue;
        }
        let ask = Ask::post(world.address, &target, body.clone()).cookie(&cookie);
        let answer = ask.send().await;
        assert_eq!(answer.status, 413, "{target}: {}", answer.body);
        readable(&answer, &target);
        assert!(answer.body.contains("1 MiB"), "{target}: {}", answer.body);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_know_their_methods() {
    let (world, cookie) = signed_in().await;
    for target in targets() {
        let forms = ["/tests/record", "/machines/rules"];
        let page = target.ends_with("/new")
            || target.ends_with("/import")
            || forms.contains(&target.as_str());
        if target == format!("/recipes/{RECIPE}") || page {
            // The page of the same address.
            continue;
        }
        for method in ["GET", "PUT", "DELETE", "PATCH"] {
            let ask = Ask::post(world.address, &target, "").method(method).cookie(&cookie);
            let answer = ask.send().await;
            let about = format!("{method} {target}");
            assert!(matches!(answer.status, 404 | 405), "{about}: {}", answer.status);
            readable(&answer, &about);
        }
    }
    for target in ["/events", "/healthz", "/jobs", "/", "/people", "/login", "/favicon.svg"] {
        let ask = Ask::post(world.address, target, everything("x")).cookie(&cookie);
        let answer = ask.send().await;
        assert!(matches!(answer.status, 404 | 405), "POST {target}: {}", answer.status);
        readable(&answer, target);
    }
    for method in ["TRACE", "CONNECT", "BREW"] {
        let ask = Ask::post(world.address, "/jobs", "").method(method).cookie(&cookie);
        sane(&ask.send().await, method);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_addresses_find_nothing() {
    let (world, cookie) = signed_in().await;
    let long = "x".repeat(10_000);
    let parts = [
        "..%2f..%2fetc%2fpasswd",
        "%00",
        "a%00b",
        "%ff%fe",
        "%0d%0aset-cookie:%20a=b",
        "%3Cscript%3Ealert(1)%3C%2Fscript%3E",
        "'%22%3E%3Cimg%20src=x%3E",
        "%",
        "%zz",
        "..%5c..%5c",
        "-1",
        "%F0%9F%92%A9",
        "null",
        &long,
    ];
    let routes = server::dashboard::routes();
    let paths: Vec<String> = routes
        .iter()
        .filter(|route| route.method == "GET" && route.path.contains('{'))
        .map(|route| route.path.replace("{name}", "{}").replace("{version}", "{}"))
        .map(|path| path.replace("{id}", "{}"))
        .chain(app::routes::PAGES.iter().filter(|(path, _)| path.contains(':')).map(|(path, _)| {
            path.split('/')
                .map(|part| if part.starts_with(':') { "{}" } else { part })
                .collect::<Vec<_>>()
                .join("/")
        }))
        .chain(["/{}".to_owned()])
        .collect();
    for path in paths {
        let open = path.starts_with("/welcome/") || path.starts_with("/password/");
        for part in parts {
            let target = path.replace("{}", part);
            let about: String = target.chars().take(80).collect();
            let answer = world.get(&target).cookie(&cookie).send().await;
            // The forms behind a one-time link are shown for any: only sending them tells.
            let expected = if open { 200..500 } else { 400..500 };
            assert!(expected.contains(&answer.status), "{about}: {}", answer.status);
            readable(&answer, &about);
            sane(&world.get(&target).json().cookie(&cookie).send().await, &about);
            assert!(answer.cookies().iter().all(|cookie| !cookie.contains("a=b")), "{about}");
        }
    }
    for part in parts {
        let target = format!("/recipes/{part}");
        let fields = form(&[("base", "1"), ("text", SCRIPT), ("message", SCRIPT)]);
        let answer = Ask::post(world.address, &target, fields).cookie(&cookie).send().await;
        refused(&answer, &target);
    }
}

/// The router of the pages takes such steps out of a path; what guards the paths does not.
#[tokio::test(flavor = "multi_thread")]
async fn no_way_leads_past_the_sign_in() {
    let (world, cookie) = signed_in().await;
    for open in ["/login", "/welcome", "/password", "/pkg", "/session", "/loginx", "/favicon.svg"] {
        for up in ["..", "%2e%2e", "%2E.", "x/../..", "./.."] {
            for page in ["", "people", "audit", "recipes/starter", "jobs"] {
                let target = format!("{open}/{up}/{page}");
                let answer = world.get(&target).send().await;
                assert!(
                    matches!(answer.status, 401 | 404) || answer.asks_to_sign_in(),
                    "{target}: {} {}",
                    answer.status,
                    answer.body
                );
                sane(&answer, &target);
                for hidden in ["adam", RECIPE] {
                    let shown = answer.body.replace(&target, "");
                    assert!(!shown.contains(hidden), "{target}: {}", answer.body);
                }
                sane(&world.get(&target).cookie(&cookie).send().await, &target);
            }
        }
    }
}

/// Ids name files: none but those of jobs are opened.
#[tokio::test(flavor = "multi_thread")]
async fn an_id_leads_to_no_other_file() {
    let (world, cookie) = signed_in().await;
    std::fs::write(world.folder().join("secret.log"), "1\tstep\tnobody may read this\n").unwrap();
    for id in ["..%2Fsecret", "%2e%2e%2fsecret", "..%2Flogs%2F..%2Fsecret", "x%2F..%2F..%2Fsecret"]
    {
        for rest in ["", "/log", "/log/stream"] {
            let target = format!("/jobs/{id}{rest}");
            let answer = world.get(&target).cookie(&cookie).send().await;
            assert_eq!(answer.status, 404, "{target}");
            assert!(!answer.body.contains("nobody may read this"), "{target}: {}", answer.body);
        }
    }
}

/// What somebody saves stays text on the page of whoever opens it.
#[tokio::test(flavor = "multi_thread")]
async fn a_saved_text_is_no_markup() {
    let (world, cookie) = signed_in().await;
    let evil = format!("</textarea>{SCRIPT}<form action=/api/ui/change_role>&lt;&amp;");
    let text = format!("{}\n# {evil}\n", domain::recipe::starter());
    let fields = [("base", "2"), ("text", &*text), ("message", &*evil)];
    let target = format!("/recipes/{RECIPE}");
    let saved = world.post(&target, &fields).cookie(&cookie).send().await;
    assert_eq!((saved.status, saved.header("location")), (303, &*target), "{}", saved.body);
    for page in ["", "/revisions", "/diff?from=2&to=3", "/build"] {
        let page = format!("{target}{page}");
        let answer = world.get(&page).cookie(&cookie).send().await;
        readable(&answer, &page);
        assert!(answer.body.contains("&lt;script>") || answer.body.contains("&lt;script&gt;"));
        assert!(!answer.body.contains("<form action=/api"), "{page}");
    }
    // As the browser reads the field: nothing is lost on the way to it and back.
    let page = world.get(&target).cookie(&cookie).send().await.body;
    let field =
        page.split("<textarea id=\"text\"").nth(1).unwrap().split("</textarea>").next().unwrap();
    let source = field.split_once('>').unwrap().1.strip_prefix('\n').unwrap();
    assert_eq!(source.replace("&lt;", "<").replace("&amp;", "&"), text);
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_queries_show_a_page() {
    let (world, cookie) = signed_in().await;
    let queries = [
        "from=-1&to=99999999999",
        "from=2&to=1",
        "from=1&to=7",
        "before=x",
        "before=-1",
        "before=99999999999999999999",
        "before=9223372036854775807",
        "before=-9223372036854775808",
        "back=%3Cscript%3Ealert(1)%3C/script%3E",
        "q=%3Cscript%3Ealert(1)%3C/script%3E&part=x",
        "q=%00&part=rootfs",
        "q=%ff",
        "part=%3Cscript%3Ealert(1)%3C/script%3E",
        "next=%22%3E%3Cscript%3Ealert(1)%3C/script%3E",
        "error=%3Cscript%3Ealert(1)%3C/script%3E",
        "after=-1",
        "after=x",
        "&&&===",
        "%",
        "a=%zz&b=%",
        "__err=%3Cscript%3Ealert(1)%3C/script%3E",
        "from=1&from=2&to=2",
    ];
    for (path, _) in app::routes::PAGES {
        let address = roles::page(&world, path).await;
        for query in queries {
            let about = format!("{path}?{query}");
            // Some pages are about something that their address asks for.
            let sign = if address.contains('?') { '&' } else { '?' };
            let asked = format!("{address}{sign}{query}");
            let answer = world.get(&asked).cookie(&cookie).send().await;
            if query.starts_with("__err") {
                assert_eq!((answer.status, answer.header("location")), (303, &*address), "{about}");
                continue;
            }
            readable(&answer, &about);
            // A query narrows what a page shows; one that asks for what is not there says so.
            assert!(matches!(answer.status, 200 | 404 | 422), "{about}: {}", answer.status);
        }
    }
    let job = world.queued().await.0.id;
    for query in ["after=-1", "after=x", "after=99999999999999999999", "after=1&after=2"] {
        let target = format!("/jobs/{job}/log/stream?{query}");
        let answer = world.get(&target).cookie(&cookie).send().await;
        assert_eq!(answer.status, 400, "{query}");
        readable(&answer, query);
    }
}
