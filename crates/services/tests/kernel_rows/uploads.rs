//! Uploads: what is kept, and what is refused.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use domain::{
    digest::Digest,
    kernel::{ConfigBase, Source, UploadedFile},
    policy::Refusal,
    room::RoomRules,
};
use services::ServiceError;
use tokio::io::{AsyncRead, ReadBuf};

use crate::world::{World, binary, compiled, tiny};

/// Some bytes, and then an error: the other end has gone.
struct BreaksOff(usize);

impl AsyncRead for BreaksOff {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.0 == 0 {
            return Poll::Ready(Err(io::Error::other("connection reset")));
        }
        self.0 -= 1;
        buffer.put_slice(&[7; 1000]);
        Poll::Ready(Ok(()))
    }
}

fn half_written(world: &World) -> usize {
    std::fs::read_dir(world.blobs.temporary()).unwrap().count()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_is_kept_by_who_may() {
    let world = World::open().await;
    let (ann, services) = (&world.developer, &world.services);
    let mut changes = services.changes();
    let kept = services.keep_upload(ann, "config-lab", &b"CONFIG_A=y\n"[..]).await.unwrap();
    assert_eq!((kept.0.name.as_str(), kept.1.size), ("config-lab", 11));
    assert_eq!((kept.0.sha256, kept.1.sha256), (Digest::of("CONFIG_A=y\n"), kept.0.sha256));
    world.blobs.verify(&kept.0.sha256).unwrap();
    assert_eq!(changes.recv().await.unwrap(), format!("upload/{}", kept.0.sha256));
    assert_eq!(world.audited().await.last().unwrap(), "upload.add");
    let refused = services.keep_upload(&world.viewer, "config", &b"x"[..]).await;
    assert!(matches!(refused, Err(ServiceError::Refused(Refusal::Role { .. }))));
    for name in ["", "../x", "a/b", "-x", "a b"] {
        let refused = services.keep_upload(ann, name, &b"x"[..]).await;
        assert!(matches!(refused, Err(ServiceError::Invalid { field: "name", .. })), "{name}");
    }
    let empty = services.keep_upload(ann, "config", &b""[..]).await.unwrap_err();
    assert_eq!(empty.to_string(), "nothing was sent: the file is empty");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_breaks_off_leaves_nothing() {
    let world = World::open().await;
    let said = world.services.keep_upload(&world.developer, "big", BreaksOff(50)).await;
    let said = said.unwrap_err().to_string();
    assert_eq!(said, "the upload broke off after 48.8 KiB: connection reset; send it again");
    assert_eq!((half_written(&world), world.blobs.found().unwrap().len()), (0, 0));
    assert!(!world.audited().await.contains(&"upload.add".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_leaves_the_room_that_stays_free() {
    let world = World::open().await;
    let (ann, services) = (&world.developer, &world.services);
    let rules = RoomRules { floor: 1 << 50, ..RoomRules::default() };
    services.change_room_rules(&world.administrator, rules, None).await.unwrap();
    let said = services.keep_upload(ann, "big", &b"x"[..]).await.unwrap_err();
    assert!(matches!(said, ServiceError::Unavailable(_)), "{said:?}");
    let said = said.to_string();
    assert!(said.starts_with("there is no room for an upload: ") && said.contains("1024.0 TiB"));
    assert_eq!(world.blobs.found().unwrap().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_definition_names_what_was_uploaded() {
    let world = World::open().await;
    let (ann, services) = (&world.developer, &world.services);
    let file = |name: &str| UploadedFile { name: name.to_owned(), sha256: Digest::of(name) };
    let mut patched = compiled(tiny());
    patched.patches = vec![file("fix.patch")];
    let said = services.create_kernel(ann, "lab", patched.clone()).await.unwrap_err().to_string();
    assert!(said.starts_with("nothing was uploaded as fix.patch with the SHA-256"), "{said}");
    patched.patches = vec![world.upload("fix.patch", b"--- a\n+++ b\n").await];
    world.create("lab", patched.clone()).await;
    // A row whose bytes are gone is no upload.
    let lost = world.upload("lost.patch", b"lost").await;
    std::fs::remove_file(world.blobs.path(&lost.sha256)).unwrap();
    patched.patches.push(lost);
    let said = services.change_kernel(ann, "lab", 1, patched).await.unwrap_err().to_string();
    assert!(said.starts_with("nothing was uploaded as lost.patch"), "{said}");

    let mut packages = binary();
    let image = Some(world.upload("vmlinuz", b"MZ").await);
    let deb = world.upload("linux-image.deb", b"!<arch>").await;
    packages.source = Source::UploadedPackages { packages: vec![deb], image };
    world.create("mine", packages).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_that_is_none_is_refused_at_once() {
    let world = World::open().await;
    let (ann, services) = (&world.developer, &world.services);
    let create = async |file: UploadedFile| {
        let definition = compiled(ConfigBase::File { file });
        services.create_kernel(ann, "lab", definition).await
    };
    let arm = world.upload("arm.config", b"CONFIG_ARM64=y\n").await;
    let said = create(arm).await.unwrap_err().to_string();
    assert!(said.starts_with("arm.config is no use: it is of ARM64"), "{said}");
    let text = world.upload("notes.txt", b"buy milk\n").await;
    let said = create(text).await.unwrap_err().to_string();
    assert!(said.contains("line 1 is not a line of a configuration"), "{said}");
    let binary = world.upload("picture", b"\xff\xfe").await;
    assert!(create(binary).await.unwrap_err().to_string().contains("it is not a text"));
    let good = world.upload("good.config", b"CONFIG_X86=y\n").await;
    create(good).await.unwrap();
}
