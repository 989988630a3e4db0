//! Which origins and hosts are answered, and what every answer forbids the browser.

use domain::person::Role;

use crate::{
    roles,
    world::{World, name},
};

#[tokio::test(flavor = "multi_thread")]
async fn another_origin_changes_nothing() {
    let world = World::furnished().await;
    let cookie = world.sign_in(name(Role::Administrator)).await;
    let port = world.address.port();
    let foreign = [
        None,
        Some("null".to_owned()),
        Some(String::new()),
        Some("http://127.0.0.1".to_owned()),
        // Cookies know no ports: the boot listener is such an origin.
        Some(format!("http://127.0.0.1:{}", port.wrapping_add(1))),
        Some(format!("https://127.0.0.1:{port}")),
        Some(format!("http://localhost:{port}")),
        Some("http://evil.example".to_owned()),
    ];
    for call in ["add_person", "change_policy", "start_build"] {
        for origin in &foreign {
            let ask = roles::call(&world, call, Role::Administrator).await.cookie(&cookie);
            let ask = match origin {
                Some(origin) => ask.header("origin", origin),
                None => ask.without("origin").without("referer"),
            };
            let before = world.audit_rows().await;
            for ask in [ask.clone(), ask.json()] {
                let answer = ask.send().await;
                assert_eq!(answer.status, 403, "{call} from {origin:?}: {}", answer.body);
                assert!(answer.body.contains("another origin"), "{}", answer.body);
            }
            assert_eq!(world.audit_rows().await, before, "{call} from {origin:?}");
        }
    }
    // Nor does it sign anybody in or out.
    let fields = [("name", name(Role::Viewer)), ("password", crate::world::PASSWORD)];
    let ask = world.post("/session/login", &fields).header("origin", "http://evil.example");
    let answer = ask.send().await;
    assert_eq!((answer.status, answer.cookies().len()), (403, 0));
    let ask = world.post("/session/logout", &[]).cookie(&cookie).header("origin", "null");
    assert_eq!(ask.send().await.status, 403);
    assert_eq!(world.get("/").cookie(&cookie).send().await.status, 200);
    // An old browser that sends the referrer only is let through, from a page of ours.
    let ask = roles::call(&world, "add_person", Role::Administrator).await;
    let answer = ask.cookie(&cookie).without("origin").send().await;
    assert_eq!((answer.status, answer.header("location")), (302, "/people"));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_known_hosts_are_answered() {
    let world = World::with_options(&["--host", "boot.example"]).await;
    let port = world.address.port();
    for host in ["evil.example", "evil.example:80", "198.51.100.77", "", "a@127.0.0.1", "a b"] {
        let answer = world.get("/login").header("host", host).send().await;
        assert_eq!(answer.status, 421, "{host}: {}", answer.body);
        assert!(answer.is_html() && answer.body.contains("--host"), "{host}");
    }
    for host in ["boot.example", "BOOT.example:80", "localhost", "127.0.0.1", "[::1]:3000"] {
        let answer = world.get("/login").header("host", host).send().await;
        assert_eq!(answer.status, 200, "{host}");
    }
    // A name that is known is an origin of its own.
    let answer = world
        .post("/session/theme", &[("theme", "dark")])
        .header("host", &format!("boot.example:{port}"))
        .header("origin", &format!("http://boot.example:{port}"))
        .send()
        .await;
    assert_eq!(answer.status, 303);
}

#[tokio::test(flavor = "multi_thread")]
async fn forwarded_headers_of_a_stranger_are_ignored() {
    let tell = |ask: crate::http::Ask| {
        ask.header("x-forwarded-host", "boot.example")
            .header("x-forwarded-proto", "https")
            .header("x-forwarded-for", "198.51.100.7")
    };
    let sign_in = |world: &World| {
        world.post("/session/login", &[("name", "vera"), ("password", crate::world::PASSWORD)])
    };

    let world = World::with_options(&["--host", "boot.example"]).await;
    world.add("vera", Role::Viewer).await;
    let ask = tell(sign_in(&world)).header("origin", "https://boot.example");
    assert_eq!(ask.send().await.status, 403, "the stranger chose its own origin");
    let answer = tell(sign_in(&world)).send().await;
    assert_eq!(answer.status, 303);
    assert!(!answer.cookies().join(" ").contains("Secure"), "{:?}", answer.cookies());

    let options = ["--host", "boot.example", "--trusted-proxy", "127.0.0.1"];
    let world = World::with_options(&options).await;
    world.add("vera", Role::Viewer).await;
    let ask = tell(sign_in(&world));
    assert_eq!(ask.send().await.status, 403, "the browser is at https://boot.example");
    let answer = ask.header("origin", "https://boot.example").send().await;
    assert_eq!(answer.status, 303);
    assert!(answer.cookies()[0].ends_with("; Secure"), "{:?}", answer.cookies());
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_forbid_what_they_do_not_need() {
    let world = World::furnished().await;
    let cookie = world.sign_in(name(Role::Administrator)).await;
    let mut nonces = std::collections::BTreeSet::new();
    for (path, _) in app::routes::PAGES {
        let address = roles::page(&world, path).await;
        let answer = world.get(&address).cookie(&cookie).send().await;
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
        let policy = answer.header("content-security-policy");
        for part in ["default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"] {
            assert!(policy.contains(part), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe-inline"), "{path}: {policy}");
        let nonce = policy.split("'nonce-").nth(1).and_then(|it| it.split('\'').next()).unwrap();
        let scripts: Vec<&str> = answer.body.split("<script").skip(1).collect();
        assert!(!scripts.is_empty(), "{path}");
        for script in scripts {
            let tag = script.split('>').next().unwrap();
            assert!(tag.contains(&format!("nonce=\"{nonce}\"")), "{path}: {tag}");
        }
        assert!(nonces.insert(nonce.to_owned()), "{path}: a nonce is used once");
    }
    // Whatever else is answered brings no policy of its own, so it gets the strict one.
    for (address, status) in [
        ("/favicon.svg", 200),
        ("/healthz", 200),
        ("/pkg/none.js", 404),
        ("/jobs/none/log", 404),
        ("/nothing-here", 404),
    ] {
        let answer = world.get(address).cookie(&cookie).send().await;
        assert_eq!(answer.status, status, "{address}");
        let policy = answer.header("content-security-policy");
        assert!(policy.contains("default-src 'none'"), "{address}: {policy}");
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "same-origin"),
            ("cache-control", "no-store"),
        ] {
            assert_eq!(answer.header(name), value, "{address}: {name}");
        }
    }
}
