//! Uploads: kept by digest and name, named, forgotten.

use domain::{blob::BlobRef, digest::Digest, kernel::UploadedFile};

use crate::{on_both_engines, world::World};

on_both_engines! {
    an_upload_is_kept_named_and_forgotten
}

async fn an_upload_is_kept_named_and_forgotten(world: World) {
    let blob = BlobRef { sha256: Digest::of("config"), size: 5_000_000_000 };
    let file = |name: &str| UploadedFile { name: name.to_owned(), sha256: blob.sha256 };
    let (first, again) = (world.now(), world.now());
    let mut tx = world.begin().await;
    tx.insert_upload("config", &blob, "ada", first).await.unwrap();
    tx.insert_upload("other", &blob, "ada", first).await.unwrap();
    let uploads = tx.uploads().await.unwrap();
    let names: Vec<_> = uploads.iter().map(|it| it.file.name.as_str()).collect();
    assert_eq!(names, ["config", "other"], "the same bytes under two names");
    assert_eq!((uploads[0].size, uploads[0].last()), (blob.size, first));
    tx.insert_upload("config", &blob, "bob", again).await.unwrap();
    let uploads = tx.uploads().await.unwrap();
    assert_eq!((uploads[0].uploaded_by.as_str(), uploads[0].last()), ("bob", again));
    assert_eq!(uploads[1].last(), first);

    assert_eq!(tx.upload_size(&file("other")).await.unwrap(), Some(blob.size));
    assert_eq!(tx.upload_size(&file("nothing")).await.unwrap(), None);

    let named = world.now();
    assert_eq!(tx.name_upload(&file("config"), named).await.unwrap(), Some(blob.size));
    assert_eq!(tx.name_upload(&file("nothing"), named).await.unwrap(), None);
    let other = UploadedFile { sha256: Digest::of("x"), ..file("config") };
    assert_eq!(tx.name_upload(&other, named).await.unwrap(), None);
    let uploads = tx.uploads().await.unwrap();
    assert_eq!((uploads[0].named_at, uploads[0].last()), (Some(named), named));
    assert!(tx.delete_upload("config", &blob.sha256).await.unwrap());
    assert!(!tx.delete_upload("config", &blob.sha256).await.unwrap());
    assert_eq!(tx.uploads().await.unwrap().len(), 1);
}
