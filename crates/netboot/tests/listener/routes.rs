//! Every row of the route table: what it answers, and that nothing else is answered.

use netboot::{UEFI_BINARY, routes};

use crate::support::Bench;

/// A path that each row answers with what it is for.
fn example(bench: &Bench, row: &str) -> String {
    match row {
        "/env/{name}/menu.ipxe" => "/env/production/menu.ipxe".to_owned(),
        "/env/{name}/kernels/{file}" => "/env/production/kernels/vmlinuz-6.1.y".to_owned(),
        "/release/{name}/menu.ipxe" => "/release/v1.2.0-rc.1/menu.ipxe".to_owned(),
        "/variant/{name}/menu.ipxe" => "/variant/probe/menu.ipxe".to_owned(),
        "/variant/{name}/kernels/{file}" => "/variant/probe/kernels/vmlinuz-6.1.y".to_owned(),
        "/ipxe" => "/ipxe?mac=52-54-00-12-34-56&uuid=u&serial=&arch=i386".to_owned(),
        "/v1/boot/{mac}" => "/v1/boot/52:54:00:12:34:56".to_owned(),
        "/first-stage/{name}" => format!("/first-stage/{UEFI_BINARY}"),
        "/kernels/{name}" => "/kernels/vmlinuz-6.1.y".to_owned(),
        "/s/{digits}/{name}" => {
            format!("/s/{}/0", &bench.served.digest.to_string()[..16])
        }
        "/artifacts/{digest}/{name}" => bench.file("rootfs.squashfs"),
        plain => {
            assert!(!plain.contains('{'), "no example for the route {plain}: add one here");
            plain.to_owned()
        }
    }
}

#[test]
fn every_route_but_that_of_reports_answers_get_and_head_and_nothing_else() {
    let bench = Bench::start();
    for route in routes().into_iter().filter(|it| it.read_only) {
        let path = example(&bench, route.path);
        let (get, head) = (bench.get(&path), bench.ask("HEAD", &path, &[]));
        assert_eq!((get.status, head.status), (200, 200), "{path}");
        assert_eq!(head.body.len(), 0, "{path}");
        assert_eq!(head.header("content-length"), get.header("content-length"), "{path}");
        for answer in [get, head] {
            let kind = answer.header("content-type").unwrap();
            assert!(!kind.contains("html"), "{path}: {kind}");
            assert_eq!(answer.header("set-cookie"), None, "{path}");
        }
        for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "BREW"] {
            let answer = bench.ask(method, &path, &[]);
            assert_eq!(answer.status, 405, "{method} {path}");
            assert!(answer.text().contains("GET and HEAD only"), "{method} {path}");
        }
    }
}

#[test]
fn a_variant_ends_with_its_days() {
    let bench = Bench::start();
    assert!(bench.get("/variant/probe/menu.ipxe").text().contains("menu"));
    for (name, why) in [("over", "the days of variant over ended"), ("none", "no variant none")] {
        for path in ["menu.ipxe", "kernels/vmlinuz-6.1.y"] {
            let answer = bench.get(&format!("/variant/{name}/{path}"));
            assert_eq!(answer.status, 404, "{name} {path}");
            assert!(answer.text().contains(why), "{}", answer.text());
        }
    }
    // No environment serves one, whatever it is called.
    assert_eq!(bench.get("/env/probe/menu.ipxe").status, 404);
    assert_eq!(bench.get("/release/probe/menu.ipxe").status, 404);
}

#[test]
fn scripts_need_a_host_that_is_one() {
    let bench = Bench::start();
    let scripts = ["/menu.ipxe", "/boot.ipxe", "/ipxe?mac=52-54-00-12-34-56"];
    for path in scripts {
        for host in ["a b", "${x}", "a||shell", "a:99999", "[::1", "", "a/b", "user@a", "a:"] {
            let lines = [format!("GET {path} HTTP/1.1"), format!("Host: {host}")];
            let answer = bench.send(&lines);
            assert_eq!(answer.status, 400, "{path} {host}");
            assert!(!answer.text().contains("${"), "{path} {host}");
        }
        let answer = bench.send(&[format!("GET {path} HTTP/1.0")]);
        assert_eq!(answer.status, 400, "{path} without a host");
    }
}

#[test]
fn whatever_is_asked_never_is_an_error_of_ours() {
    let bench = Bench::start();
    for path in [
        "/",
        "/index.html",
        "//",
        "/menu.ipxe/",
        "/env//menu.ipxe",
        "/env/x%0ashell/menu.ipxe",
        "/release/%00/menu.ipxe",
        "/release/%ff/menu.ipxe",
        "/ipxe",
        "/ipxe?mac=",
        "/ipxe?mac=%ff",
        "/ipxe?mac=a&mac=b",
        "/v1/boot/x",
        "/kernels/%2e%2e",
        "/artifacts/a/b/c",
        "/healthz",
        "/ipxe?mac=52%3A54%3A00%3A12%3A34",
        "/kernels/",
        "/%",
    ] {
        let answer = bench.get(path);
        assert!((400..500).contains(&answer.status), "{path}: {}", answer.status);
        assert_eq!(answer.header("set-cookie"), None, "{path}");
    }
}
