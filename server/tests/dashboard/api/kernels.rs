//! Kernels as programs add, change, build, compare and remove them.

use domain::{kernel::KernelFileRole, person::Role};
use serde_json::{Value, json};

use super::{ask, secret};
use crate::{
    http::{Answer, Ask},
    world::{World, kernels::definition},
};

async fn send(
    world: &World,
    secret: &str,
    method: &str,
    path: &str,
    body: Option<Value>,
) -> Answer {
    ask(world, method, path, body.as_ref()).bearer(secret).send().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kernel_is_added_changed_and_removed() {
    let world = World::furnished().await;
    let dave = secret(&world, Role::Developer).await;
    let new = json!({ "name": "dev", "definition": definition("tinyconfig") });
    let made = send(&world, &dave, "POST", "/kernels", Some(new.clone())).await;
    assert_eq!(made.status, 201, "{}", made.body);
    assert_eq!((made.header("location"), made.header("etag")), ("/api/v1/kernels/dev", "\"1\""));
    let shown = send(&world, &dave, "GET", "/kernels/dev", None).await;
    assert_eq!((shown.value(), shown.header("etag")), (made.value(), "\"1\""));
    let value = shown.value();
    assert_eq!((&value["state"], &value["flavor"]), (&json!("new"), &json!("linux")));
    assert_eq!(value["source"], "linux-source-6.1/bookworm");
    assert_eq!(value["definition"]["configuration"]["base"]["target"], "tinyconfig");
    assert_eq!((&value["created_by"], &value["newest"]), (&json!("dave"), &Value::Null));
    let said = send(&world, &dave, "POST", "/kernels", Some(new)).await;
    assert!(
        (said.status == 409 || said.status == 422) && said.body.contains("dev"),
        "{}",
        said.body
    );

    // Who changes second learns of it, and the first change stays.
    let put = |target: &str, tag: Option<&str>| {
        let body = json!({ "definition": definition(target) });
        let asked = ask(&world, "PUT", "/kernels/dev", Some(&body)).bearer(&dave);
        tag.map_or(asked.clone(), |tag| asked.header("if-match", tag))
    };
    put("defconfig", None).send().await.problem(428);
    put("defconfig", Some("\"x\"")).send().await.problem(412);
    let (one, two) = (put("defconfig", Some("\"1\"")), put("allnoconfig", Some("\"1\"")));
    let (one, two) = tokio::join!(one.send(), two.send());
    let (won, lost) = if one.status == 200 { (one, two) } else { (two, one) };
    assert_eq!((won.status, won.header("etag")), (200, "\"2\""), "{}", won.body);
    lost.problem(412);
    let now = send(&world, &dave, "GET", "/kernels/dev", None).await;
    assert_eq!(now.value(), won.value());

    let gone = send(&world, &dave, "DELETE", "/kernels/dev", None).await;
    assert_eq!((gone.status, &*gone.body), (204, ""));
    for path in ["/kernels/dev", "/kernels/dev/builds", "/kernels/dev/builds/1"] {
        send(&world, &dave, "GET", path, None).await.problem(404);
    }
    send(&world, &dave, "DELETE", "/kernels/dev", None).await.problem(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_a_kernel_is_refused_with_its_field() {
    let world = World::furnished().await;
    let dave = secret(&world, Role::Developer).await;
    let good = serde_json::to_value(definition("tinyconfig")).unwrap();
    let with = |place: &str, value: Value| {
        let mut definition = good.clone();
        match definition.pointer_mut(place) {
            Some(found) => *found = value,
            None => definition[place.trim_start_matches('/')] = value,
        }
        json!({ "name": "dev", "definition": definition })
    };
    let named = |name: &str| json!({ "name": name, "definition": good });
    let upload = json!([{ "name": "fix.patch", "sha256": "a".repeat(64) }]);
    let fragment = |content: &str| {
        let base = json!({ "kind": "defconfig", "target": "defconfig" });
        let fragments = json!([{ "name": "f", "content": content }]);
        with("/configuration", json!({ "base": base, "fragments": fragments }))
    };
    let source = |source: Value| with("/source", source);
    let url = |url: &str| source(json!({ "kind": "git", "url": url, "reference": "v6.1" }));
    let at = |reference: &str| {
        source(json!({ "kind": "git", "url": "/srv/linux", "reference": reference }))
    };
    let wrong = [
        (named(""), "name", "a kernel's name has"),
        (named("new"), "name", "a kernel's name has"),
        (named("../etc"), "name", "a kernel's name has"),
        (named("x\u{0}y"), "name", "a kernel's name has"),
        (named(&"x".repeat(61)), "name", "a kernel's name has"),
        (json!({ "name": 7, "definition": good }), "name", "expected a string"),
        (json!({ "name": "dev" }), "", "missing field `definition`"),
        (json!({ "name": "dev", "definition": good, "x": 1 }), "x", "unknown field `x`"),
        (with("/sourc", json!(1)), "definition.sourc", "unknown field `sourc`"),
        (with("/flavor", json!("hurd")), "definition.flavor", "unknown variant `hurd`"),
        (with("/debug", json!("yes")), "definition.debug", "expected a boolean"),
        (source(json!({ "kind": "floppy" })), "definition.source", "unknown variant `floppy`"),
        (source(json!({})), "definition.source", "missing field `kind`"),
        (
            source(json!({ "kind": "archive", "url": "https://example.org/x", "sha256": "a" })),
            "definition.source",
            "is not a SHA-256 digest",
        ),
        (url("ext::sh -c id"), "definition.source.url", "a repository is"),
        (url("/srv/../etc"), "definition.source.url", "a repository is"),
        (url("-upload-pack=x"), "definition.source.url", "a repository is"),
        (at("--upload-pack=x"), "definition.source.reference", "a reference is"),
        (with("/configuration", Value::Null), "definition.configuration", "needs a configuration"),
        (fragment("CONFIG_NET"), "definition.configuration.fragments", "is not a line"),
        (fragment(&"#\n".repeat(40_000)), "definition.configuration.fragments", "64 KiB"),
        (with("/patches", upload), "definition", "nothing was uploaded as fix.patch"),
    ];
    let before = world.audit_rows().await;
    for (body, field, words) in wrong {
        let answer = send(&world, &dave, "POST", "/kernels", Some(body)).await;
        let said = answer.problem(422);
        assert!(said.to_lowercase().contains(&words.to_lowercase()), "{words}: {said}");
        let found = answer.value()["field"].as_str().unwrap_or_default().to_owned();
        assert!(field.is_empty() || found.starts_with(field), "{field}: {}", answer.body);
    }
    let raw = |body: Vec<u8>| {
        let ask = ask(&world, "POST", "/kernels", None).bearer(&dave);
        ask.header("content-type", "application/json").body(body)
    };
    let head = br#"{"name":"dev","definition":{"source":"#;
    let deep = [&head[..], &b"{\"x\":".repeat(100_000)].concat();
    let said = raw(deep).send().await.problem(400);
    assert!(said.contains("recursion limit"), "{said}");
    let large = raw(b"{".to_vec()).header("content-length", "1073741824");
    assert!(large.send().await.problem(413).starts_with("The body is larger than 1 MiB"));
    assert_eq!(world.audit_rows().await, before);
    let none = send(&world, &dave, "GET", "/kernels", None).await.value();
    assert_eq!(none["items"], json!([]));
}

/// As many as a build server with a hiccup sends.
async fn sixteen(ask: Ask) -> Vec<Answer> {
    let sent: Vec<_> = (0..16)
        .map(|_| {
            let ask = ask.clone();
            tokio::spawn(async move { ask.send().await })
        })
        .collect();
    let mut answers = Vec::new();
    for answer in sent {
        answers.push(answer.await.unwrap());
    }
    answers
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_request_many_times_at_once_is_done_once() {
    let world = World::furnished().await;
    let dave = secret(&world, Role::Developer).await;
    let post = |path: &str, body: Value| ask(&world, "POST", path, Some(&body)).bearer(&dave);
    let new = |name: &str| json!({ "name": name, "definition": definition("tinyconfig") });

    // Under a key each gets the one answer, or hears that it is worked on.
    let before = world.audit_rows().await;
    let storm = sixteen(post("/kernels", new("one")).header("idempotency-key", "storm")).await;
    let (done, waits): (Vec<_>, Vec<_>) = storm.into_iter().partition(|it| it.status == 201);
    assert!(!done.is_empty() && done.iter().all(|it| it.body == done[0].body));
    assert!(waits.iter().all(|it| it.problem(409).contains("is worked on")));
    assert_eq!(world.audit_rows().await, before + 1);

    // Without one the name is taken by the first, and a kernel has one job at a time.
    let storm = sixteen(post("/kernels", new("two"))).await;
    assert_eq!(storm.iter().filter(|it| it.status == 201).count(), 1);
    assert!(storm.iter().all(|it| matches!(it.status, 201 | 409 | 422)));
    let storm = sixteen(post("/kernels/two/builds", json!({ "mode": "release" }))).await;
    let (done, refused): (Vec<_>, Vec<_>) = storm.into_iter().partition(|it| it.status == 202);
    assert_eq!((done.len(), refused.len()), (1, 15));
    let job = done[0].value()["id"].as_str().unwrap().to_owned();
    for answer in refused {
        assert!(
            answer.problem(403).contains(&format!("job {job} is about this kernel").to_lowercase())
                || answer.body.contains(&job),
            "{}",
            answer.body
        );
    }
    assert_eq!(world.audit_rows().await, before + 3);
    let builds = send(&world, &dave, "GET", "/kernels/two/builds", None).await.value();
    assert_eq!(builds["items"].as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn builds_are_jobs_that_lists_and_filters_find() {
    let world = World::furnished().await;
    let dave = secret(&world, Role::Developer).await;
    let new = json!({ "name": "dev", "definition": definition("tinyconfig") });
    send(&world, &dave, "POST", "/kernels", Some(new)).await;
    let path = "/kernels/dev/builds";
    let started = send(&world, &dave, "POST", path, Some(json!({ "mode": "configure" }))).await;
    assert_eq!(started.status, 202, "{}", started.body);
    let job = started.value();
    assert_eq!(
        (&job["kind"], &job["kernel"], &job["release"]),
        (&json!("kernel"), &json!("dev"), &Value::Null)
    );
    let id = job["id"].as_str().unwrap();
    assert_eq!(started.header("location"), format!("/api/v1/jobs/{id}"));

    let build = send(&world, &dave, "GET", "/kernels/dev/builds/1", None).await.value();
    assert_eq!((&build["mode"], &build["state"]), (&json!("configure"), &json!("queued")));
    assert_eq!((&build["job"], &build["record"]), (&job["id"], &Value::Null));
    world.queued().await;
    for (path, found) in [
        ("/jobs?kind=kernel", 1),
        ("/jobs?kernel=dev", 1),
        ("/jobs?kernel=dev&state=succeeded", 0),
        ("/kernels?state=building", 1),
        ("/kernels?state=built", 0),
        ("/kernels?flavor=linux", 1),
        ("/kernels?flavor=xen", 0),
    ] {
        let items = send(&world, &dave, "GET", path, None).await.value()["items"].clone();
        assert_eq!(items.as_array().unwrap().len(), found, "{path}: {items}");
    }
    send(&world, &dave, "GET", "/jobs?kernel=other", None).await.problem(404);
    let refused = [
        ("GET", "/kernels?state=half", None, 400, "unknown variant `half`"),
        ("GET", "/kernels?flavour=xen", None, 400, "unknown field"),
        ("GET", "/kernels/dev/builds/0", None, 404, "There is no"),
        ("GET", "/kernels/dev/builds/2", None, 404, "There is no"),
        ("GET", "/kernels/dev/builds/x", None, 400, "The address cannot be read"),
        ("GET", "/kernels/dev/builds/1/files/vmlinuz", None, 404, "There is no"),
        ("GET", "/kernels/dev/builds/1/files/..%2F..%2Fetc%2Fpasswd", None, 404, "There is no"),
        ("GET", "/kernels/diff?from=dev", None, 400, "missing field `to`"),
        ("GET", "/kernels/diff?from=dev&to=none", None, 404, "There is no"),
        ("POST", path, Some(json!({ "mode": "fast" })), 422, "unknown variant `fast`"),
        ("POST", path, Some(json!({})), 422, "missing field `mode`"),
        ("DELETE", "/kernels/dev", None, 403, "has not ended"),
    ];
    for (method, path, body, status, words) in refused {
        let said = send(&world, &dave, method, path, body).await.problem(status);
        assert!(said.contains(words), "{method} {path}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn files_come_whole_and_in_parts() {
    let world = World::furnished().await;
    let vera = secret(&world, Role::Viewer).await;
    let bytes: Vec<u8> = (0..100_000_u32).map(|at| b'a' + (at % 26) as u8).collect();
    let files = [(KernelFileRole::Image, "vmlinuz-6.1", &bytes[..])];
    world.built_kernel("dev", "CONFIG_NET=y\n", &files).await;
    let path = "/kernels/dev/builds/1/files/vmlinuz-6.1";
    let get = |range: &str| {
        let asked = ask(&world, "GET", path, None).bearer(&vera);
        if range.is_empty() { asked } else { asked.header("range", range) }
    };
    let whole = get("").send().await;
    assert_eq!((whole.status, whole.header("accept-ranges")), (200, "bytes"));
    assert_eq!(whole.body.as_bytes(), bytes);
    for (range, first, last) in [
        ("bytes=0-9", 0, 9),
        ("bytes=99990-", 99_990, 99_999),
        ("bytes=-5", 99_995, 99_999),
        ("bytes=50000-999999", 50_000, 99_999),
    ] {
        let part = get(range).send().await;
        assert_eq!(part.status, 206, "{range}: {}", part.body);
        assert_eq!(part.header("content-range"), format!("bytes {first}-{last}/100000"));
        assert_eq!(part.header("content-length"), (last - first + 1).to_string());
        assert_eq!(part.body.as_bytes(), &bytes[first..=last]);
    }
    // What may be ignored is ignored.
    for range in ["bytes=0-1,5-6", "lines=1-2", "bytes=9-1", "nonsense"] {
        assert_eq!(get(range).send().await.status, 200, "{range}");
    }
    assert_eq!(get("bytes=0-9").header("if-range", "\"x\"").send().await.status, 200);
    let outside = get("bytes=100000-").send().await;
    assert_eq!(outside.header("content-range"), "bytes */100000");
    assert!(outside.problem(416).contains("has 100000 bytes"));

    let record = ask(&world, "GET", "/kernels/dev/builds/1/files/record.json", None);
    let record = record.bearer(&vera);
    let all = record.clone().send().await;
    assert_eq!(all.header("content-type"), "application/json");
    assert_eq!(all.value()["files"][0]["name"], "vmlinuz-6.1");
    let part = record.header("range", "bytes=1-4").send().await;
    assert_eq!((part.status, part.body.as_bytes()), (206, &all.body.as_bytes()[1..5]));
    let config = ask(&world, "GET", "/kernels/dev/builds/1/files/config", None);
    assert_eq!(config.bearer(&vera).send().await.body, "CONFIG_NET=y\n");

    let kernel = send(&world, &vera, "GET", "/kernels/dev", None).await.value();
    assert_eq!((&kernel["state"], &kernel["built"]["size"]), (&json!("built"), &json!(100_000)));
}

#[tokio::test(flavor = "multi_thread")]
async fn configurations_are_compared_by_kernel_and_by_build() {
    let world = World::furnished().await;
    let vera = secret(&world, Role::Viewer).await;
    world.built_kernel("old", "CONFIG_A=y\nCONFIG_B=m\n# CONFIG_C is not set\n", &[]).await;
    world.built_kernel("new-one", "CONFIG_B=y\nCONFIG_C=y\n", &[]).await;
    let diff = |from: &str, to: &str| {
        let path = format!("/kernels/diff?from={}&to={to}", from.replace('/', "%2F"));
        let (world, vera) = (&world, &vera);
        async move { send(world, vera, "GET", &path, None).await }
    };
    let named = diff("old", "new-one").await.value();
    let changes: Vec<[&Value; 3]> = named["differences"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| [&it["name"], &it["before"], &it["after"]])
        .collect();
    let expected = [
        [json!("B"), json!("m"), json!("y")],
        [json!("C"), Value::Null, json!("y")],
        [json!("A"), json!("y"), Value::Null],
    ];
    assert_eq!(changes, expected.each_ref().map(<[Value; 3]>::each_ref));
    let numbered = diff("old/1", "new-one").await.value();
    assert_eq!(numbered["differences"], named["differences"]);
    assert_eq!(numbered["from"], "old/1");
    assert_eq!(diff("old", "old").await.value()["differences"], json!([]));
    diff("old/7", "new-one").await.problem(404);
}
