//! Uploads: bytes that go to the disk as they come, whoever sends what.

use std::time::Duration;

use domain::{digest::Digest, person::Role};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use super::{ask, secret};
use crate::{http::Ask, world::World};

fn upload(world: &World, secret: &str, name: &str, bytes: &[u8]) -> Ask {
    let path = format!("/uploads?name={}", app::routes::href::encode(name));
    ask(world, "POST", &path, None)
        .bearer(secret)
        .header("content-type", "application/octet-stream")
        .body(bytes)
}

fn kept(world: &World, digest: &Digest) -> bool {
    blobs::BlobStore::open(&world.folder().join("blobs")).unwrap().contains(digest)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_uploaded_twice_is_kept_once() {
    let world = World::furnished().await;
    let dave = secret(&world, Role::Developer).await;
    // Larger than any other body may be.
    let bytes: Vec<u8> = (0..3_000_000_u32).map(|at| (at % 251) as u8).collect();
    let first = upload(&world, &dave, "linux.tar.xz", &bytes).send().await;
    assert_eq!(first.status, 200, "{}", first.body);
    let digest = Digest::of(&bytes);
    let expected = json!({ "name": "linux.tar.xz", "sha256": digest, "size": 3_000_000 });
    assert_eq!(first.value(), expected);
    assert!(kept(&world, &digest));
    let again = upload(&world, &dave, "linux.tar.xz", &bytes);
    // A key is of no use here, and does no harm.
    let again = again.header("idempotency-key", "k").send().await;
    assert_eq!((again.status, again.value()), (200, expected));
    let other = upload(&world, &dave, "other.tar.xz", &bytes).send().await.value();
    assert_eq!((&other["name"], &other["sha256"]), (&json!("other.tar.xz"), &json!(digest)));

    // A definition names it from now on, by both.
    let new = |name: &str| {
        let file = json!({ "name": name, "sha256": digest });
        let definition = json!({
            "source": { "kind": "uploaded-archive", "file": file },
            "configuration": { "base": { "kind": "defconfig", "target": "defconfig" } },
        });
        json!({ "name": "from-archive", "definition": definition })
    };
    let made = ask(&world, "POST", "/kernels", Some(&new("linux.tar.xz"))).bearer(&dave);
    assert_eq!(made.send().await.status, 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_kept_is_refused_in_one_sentence() {
    let world = World::furnished().await;
    let (vera, dave) = (secret(&world, Role::Viewer).await, secret(&world, Role::Developer).await);
    let before = world.audit_rows().await;
    for name in ["", "../etc/passwd", ".hidden", "-o", "a b", "x\u{0}y", &"x".repeat(101)] {
        let answer = upload(&world, &dave, name, b"some bytes").send().await;
        let said = answer.problem(422);
        assert!(said.contains("1 to 100 letters"), "{name}: {said}");
    }
    upload(&world, &dave, "empty.deb", b"").send().await.problem(422);
    let said = upload(&world, &vera, "a.deb", b"some bytes").send().await.problem(403);
    assert!(said.contains("you need the role developer"), "{said}");
    let nameless = ask(&world, "POST", "/uploads", None).bearer(&dave).body("some bytes");
    assert!(nameless.send().await.problem(400).contains("missing field `name`"));
    // What is promised to be too long is refused before it is sent.
    let long = upload(&world, &dave, "a.img", b"");
    let long = long.header("content-length", &(4_u64 * 1024 * 1024 * 1024 + 1).to_string());
    let said = long.send().await.problem(413);
    assert!(said.starts_with("The file is longer than 4.0 GiB"), "{said}");
    assert_eq!(world.audit_rows().await, before);
    assert!(!kept(&world, &Digest::of("some bytes")));
    // A program without a token is not listened to.
    let stranger = upload(&world, &dave, "a.deb", b"some bytes").without("authorization");
    stranger.send().await.problem(401);
}

/// Nothing of a file stays that came in part.
#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_is_cut_off_leaves_nothing() {
    let world = World::furnished().await;
    let dave = secret(&world, Role::Developer).await;
    let before = world.audit_rows().await;
    let mut client = TcpStream::connect(world.address).await.unwrap();
    let head = format!(
        "POST /api/v1/uploads?name=half.deb HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {dave}\r\n\
         content-length: 1000000\r\n\r\n",
        world.address
    );
    client.write_all(head.as_bytes()).await.unwrap();
    client.write_all(&[7; 400_000]).await.unwrap();
    client.shutdown().await.unwrap();
    let mut answer = Vec::new();
    let read = timeout(Duration::from_secs(30), client.read_to_end(&mut answer));
    let _ = read.await.expect("the server ends it");
    let answer = String::from_utf8_lossy(&answer);
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 400"),
        "nobody hears an answer, or that it was cut off: {answer}"
    );
    assert_eq!(world.audit_rows().await, before);
    assert!(!kept(&world, &Digest::of([7; 400_000])));
    let whole = upload(&world, &dave, "whole.deb", b"the whole").send().await;
    assert_eq!(whole.status, 200, "{}", whole.body);
}
