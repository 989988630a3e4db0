//! Archives at a URL.

use std::{
    net::TcpListener,
    time::{Duration, Instant},
};

use builder::BuildError;
use domain::{digest::Digest, kernel::Source};

use crate::bench::{Bench, Http, ok, to};

const BYTES: &[u8] = b"an archive, as far as fetching is concerned";

fn archive(url: &str, bytes: &[u8]) -> Source {
    Source::Archive { url: url.to_owned(), sha256: Digest::of(bytes) }
}

#[test]
fn an_archive_is_fetched_once_and_kept_as_a_step() {
    let bench = Bench::new(&["127.0.0.1/32"]);
    let server = Http::start(&[("/v6.x/linux-6.1.tar.xz", ok(BYTES))]);
    let source = archive(&server.url("/v6.x/linux-6.1.tar.xz"), BYTES);
    let fetched = bench.fetch(&source).unwrap();
    assert_eq!(bench.archive(&fetched), BYTES);
    assert_eq!(fetched.sha256, Digest::of(BYTES));
    assert!(format!("{:?}", fetched.content).contains("\"linux-6.1.tar.xz\""));
    let steps = bench.builder.cache().steps().unwrap();
    assert_eq!(steps.iter().map(|it| it.step.as_str()).collect::<Vec<_>>(), ["source"]);
    assert_eq!(server.asked(), 1);

    assert_eq!(bench.fetch(&source).unwrap(), fetched);
    assert_eq!(server.asked(), 1, "what is here was fetched again");
}

#[test]
fn other_bytes_than_asked_for_are_not_kept() {
    let bench = Bench::new(&["127.0.0.1/32"]);
    let server = Http::start(&[("/a.tar", ok(b"other bytes"))]);
    let refusal = bench.refusal(&archive(&server.url("/a.tar"), BYTES));
    assert!(refusal.contains(&Digest::of(BYTES).to_string()), "{refusal}");
    assert!(refusal.contains(&Digest::of("other bytes").to_string()), "{refusal}");
}

#[test]
fn redirects_are_followed_to_permitted_addresses_only() {
    let bench = Bench::new(&["127.0.0.1/32", "169.254.0.0/16"]);
    let other = Http::start(&[("/b.tar", ok(BYTES))]);
    let port = other.address.port();
    let server = Http::start(&[
        ("/good", to(&other.url("/b.tar"))),
        ("/metadata", to("http://169.254.169.254/latest/meta-data/")),
        ("/neighbour", to(&format!("http://127.0.0.2:{port}/b.tar"))),
        ("/mapped", to(&format!("http://[::ffff:127.0.0.2]:{port}/b.tar"))),
        ("/file", to("file:///etc/passwd")),
        ("/loop", to("/loop")),
    ]);
    let fetched = bench.fetch(&archive(&server.url("/good"), BYTES)).unwrap();
    assert_eq!(bench.archive(&fetched), BYTES);
    let before = other.asked();
    let refusal = |path: &str| bench.refusal(&archive(&server.url(path), b"never"));
    let metadata = refusal("/metadata");
    assert!(metadata.contains("169.254.169.254") && metadata.contains("link-local"), "{metadata}");
    for path in ["/neighbour", "/mapped"] {
        let text = refusal(path);
        assert!(text.contains("loopback") && text.contains("--source-network"), "{text}");
    }
    assert_eq!(other.asked(), before, "somebody connected to what is refused");
    let file = refusal("/file");
    assert!(file.contains("http"), "{file}");
    let often = refusal("/loop");
    assert!(often.contains("10 times"), "{often}");
}

#[test]
fn loopback_is_refused_before_anybody_connects() {
    let bench = Bench::new(&[]);
    let server = Http::start(&[("/a.tar", ok(BYTES))]);
    let by_name = format!("http://localhost:{}/a.tar", server.address.port());
    for url in [server.url("/a.tar"), by_name] {
        let text = bench.refusal(&archive(&url, BYTES));
        assert!(text.contains("loopback") && text.contains("--source-network"), "{text}");
    }
    assert_eq!(server.asked(), 0);
}

#[test]
fn what_does_not_come_is_said_with_its_reason() {
    let bench = Bench::new(&["127.0.0.1/32"]);
    let cut = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf".to_vec();
    let huge = b"HTTP/1.1 200 OK\r\nContent-Length: 5000000000\r\n\r\n".to_vec();
    let server = Http::start(&[("/cut", cut), ("/huge", huge)]);
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let refusal = |url: &str| bench.refusal(&archive(url, BYTES));
    let missing = refusal(&server.url("/none"));
    assert!(missing.contains("status 404") && missing.contains(&server.url("/none")), "{missing}");
    assert!(refusal(&server.url("/cut")).contains("cannot be fetched"));
    assert!(refusal(&server.url("/huge")).contains("larger than"));
    assert!(refusal(&format!("http://{nobody}/a")).contains("cannot be fetched"));
    assert!(refusal("http://no-such-host.invalid/a").contains("no address"));
}

#[test]
fn a_cancelled_download_ends_at_once() {
    let bench = Bench::new(&["127.0.0.1/32"]);
    let slow = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nHANG".to_vec();
    let server = Http::start(&[("/slow", slow)]);
    let begun = Instant::now();
    let stop = || server.asked() > 0;
    let error = bench.fetch_until(&archive(&server.url("/slow"), BYTES), &stop).unwrap_err();
    assert!(matches!(error, BuildError::Cancelled), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    assert_eq!(bench.kept(), (0, 0));
}
