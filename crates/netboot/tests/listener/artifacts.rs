//! Files of a release over real sockets: parts, caches, damage, and what the listener counts.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::Shutdown,
    os::unix::net::UnixStream,
};

use crate::support::{Bench, KERNEL, exchange, image, transfers};
use domain::transfer::TransferKind;

#[test]
fn a_file_comes_whole_and_may_be_kept_for_ever() {
    let bench = Bench::start();
    let answer = bench.get(&bench.file("rootfs.squashfs"));
    assert_eq!(answer.status, 200);
    assert!(answer.body == image());
    let tag = format!("\"{}\"", bench.digest_of("rootfs.squashfs"));
    assert_eq!(answer.header("etag"), Some(tag.as_str()));
    assert_eq!(answer.header("content-length"), Some("9000017"));
    assert_eq!(answer.header("accept-ranges"), Some("bytes"));
    assert_eq!(answer.header("cache-control"), Some("public, max-age=31536000, immutable"));
    assert_eq!(answer.header("set-cookie"), None);
}

#[test]
fn head_tells_the_same_without_the_bytes() {
    let bench = Bench::start();
    let path = bench.file("rootfs.squashfs");
    let (head, get) = (bench.ask("HEAD", &path, &[]), bench.get(&path));
    assert_eq!((head.status, head.body.len()), (200, 0));
    for name in ["etag", "content-length", "content-type", "accept-ranges", "cache-control"] {
        assert_eq!(head.header(name), get.header(name), "{name}");
    }
}

#[test]
fn parts_follow_rfc_9110() {
    let bench = Bench::start();
    let path = bench.file("vmlinuz-6.1.0-cloud");
    let size = KERNEL.len();
    for (range, status, body, content_range) in [
        ("bytes=0-2", 206, &KERNEL[..3], Some(format!("bytes 0-2/{size}"))),
        ("bytes=4-", 206, &KERNEL[4..], Some(format!("bytes 4-{}/{size}", size - 1))),
        (
            "bytes=-6",
            206,
            &KERNEL[size - 6..],
            Some(format!("bytes {}-{}/{size}", size - 6, size - 1)),
        ),
        ("bytes=0-999", 206, KERNEL, Some(format!("bytes 0-{}/{size}", size - 1))),
        ("bytes=999-", 416, &[], Some(format!("bytes */{size}"))),
        ("bytes=0-1,3-4", 200, KERNEL, None),
        ("lines=0-1", 200, KERNEL, None),
        ("bytes=2-1", 200, KERNEL, None),
    ] {
        let answer = bench.ask("GET", &path, &[&format!("Range: {range}")]);
        assert_eq!(answer.status, status, "{range}");
        assert_eq!(answer.body, body, "{range}");
        assert_eq!(answer.header("content-range"), content_range.as_deref(), "{range}");
    }
}

#[test]
fn the_parts_of_a_large_file_make_up_the_whole() {
    let bench = Bench::start();
    let (path, image) = (bench.file("rootfs.squashfs"), image());
    let mut found = Vec::new();
    for first in (0..image.len()).step_by(1_500_000) {
        let last = first + 1_499_999;
        let answer = bench.ask("GET", &path, &[&format!("Range: bytes={first}-{last}")]);
        assert_eq!(answer.status, 206);
        found.extend(answer.body);
    }
    assert!(found == image);
}

#[test]
fn what_a_client_has_already_is_not_sent_again() {
    let bench = Bench::start();
    let path = bench.file("vmlinuz-6.1.0-cloud");
    let tag = format!("\"{}\"", bench.digest_of("vmlinuz-6.1.0-cloud"));
    let ask = |headers: &[&str]| bench.ask("GET", &path, headers);
    for known in [tag.clone(), "*".to_owned(), format!("\"other\", {tag}")] {
        let answer = ask(&[&format!("If-None-Match: {known}")]);
        assert_eq!((answer.status, answer.body.len()), (304, 0), "{known}");
        assert_eq!(answer.header("etag"), Some(tag.as_str()));
    }
    assert_eq!(ask(&["If-None-Match: \"other\""]).status, 200);
    assert_eq!(ask(&["Range: bytes=0-0", &format!("If-Range: {tag}")]).status, 206);
    let answer = ask(&["Range: bytes=0-0", "If-Range: \"other\""]);
    assert_eq!((answer.status, answer.body.as_slice()), (200, KERNEL));
}

#[test]
fn a_kernel_is_found_by_alias_and_by_name() {
    let bench = Bench::start();
    for name in ["vmlinuz-6.1.y", "vmlinuz-6.1.0-cloud"] {
        assert_eq!(bench.get(&format!("/kernels/{name}")).body, KERNEL);
    }
    assert_eq!(bench.get("/kernels/vmlinuz-5.10.y").status, 404);
}

#[test]
fn only_what_a_release_names_is_served() {
    let bench = Bench::start();
    let stray = bench.blobs.put(&b"no release has me"[..]).unwrap();
    let digest = bench.served.digest;
    for path in [
        format!("/artifacts/{}/rootfs.squashfs", stray.sha256),
        format!("/artifacts/{digest}/{}", stray.sha256),
        format!("/artifacts/{digest}/..%2f..%2fetc%2fpasswd"),
        format!("/artifacts/{digest}/../../etc/passwd"),
        format!("/artifacts/{digest}/"),
        format!("/artifacts/{}/rootfs.squashfs", digest.to_string().to_uppercase()),
        "/artifacts/x/rootfs.squashfs".to_owned(),
        "/kernels/..%2f..%2fbootwright.db".to_owned(),
    ] {
        let answer = bench.get(&path);
        assert_eq!(answer.status, 404, "{path}");
        assert!(answer.text().starts_with("#!ipxe\necho "), "{path}");
    }
}

#[test]
fn a_damaged_file_is_never_served_and_the_observer_is_told() {
    let bench = Bench::start();
    let (socket, observations) = bench.guest("guest");
    let path = bench.blobs.path(&bench.digest_of("rootfs.squashfs"));
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::remove_file(&path).unwrap();
    fs::write(&path, bytes).unwrap();

    let lines = [format!("GET {} HTTP/1.1", bench.file("rootfs.squashfs")), "Host: a".to_owned()];
    let answer = exchange(UnixStream::connect(&socket).unwrap(), &lines);
    assert_eq!(answer.status, 500);
    assert!(answer.text().contains("rootfs.squashfs of v1.2.0 is damaged"), "{}", answer.text());
    let seen = transfers(&observations, 1);
    assert_eq!(seen[0].status, 500);
    assert!(seen[0].refusal.contains("damaged"), "{seen:?}");
    // The others are whole.
    assert_eq!(bench.get(&bench.file("vmlinuz-6.1.0-cloud")).status, 200);
}

#[test]
fn bytes_are_those_that_were_sent_for_each_guest_apart() {
    let bench = Bench::start();
    let (one, of_one) = bench.guest("one");
    let (_two, of_two) = bench.guest("two");
    let ask = |path: String| {
        exchange(
            UnixStream::connect(&one).unwrap(),
            &[format!("GET {path} HTTP/1.1"), "Host: 10.0.2.100:8000".to_owned()],
        )
    };
    let script = ask("/release/v1.2.0-rc.1/menu.ipxe".to_owned());
    assert_eq!(script.status, 200);
    assert!(ask(bench.file("rootfs.squashfs")).body == image());
    let seen = transfers(&of_one, 2);
    assert_eq!((seen[0].kind, seen[0].bytes), (TransferKind::Script, script.body.len() as u64));
    assert_eq!((seen[1].kind, seen[1].bytes), (TransferKind::Image, 9_000_017));
    assert!(seen.iter().all(|it| it.complete && it.started_at < it.ended_at), "{seen:?}");
    assert_eq!(of_two.transfers(), []);
}

#[test]
fn a_transfer_that_breaks_off_counts_what_was_sent() {
    let bench = Bench::start();
    let (socket, observations) = bench.guest("guest");
    let mut stream = UnixStream::connect(&socket).unwrap();
    let path = bench.file("rootfs.squashfs");
    write!(stream, "GET {path} HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    let mut some = vec![0; 300_000];
    stream.read_exact(&mut some).unwrap();
    stream.shutdown(Shutdown::Both).unwrap();
    drop(stream);
    let seen = transfers(&observations, 1);
    assert!(!seen[0].complete, "{seen:?}");
    assert!((200_000..9_000_017).contains(&seen[0].bytes), "{seen:?}");
}
