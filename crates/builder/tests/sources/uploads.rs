//! Sources that somebody uploaded.

use builder::FetchedContent;
use domain::{
    digest::Digest,
    kernel::{Source, UploadedFile},
};

use crate::bench::Bench;

fn upload(bench: &Bench, name: &str) -> UploadedFile {
    let blob = bench.blobs.put(name.as_bytes()).unwrap();
    UploadedFile { name: name.to_owned(), sha256: blob.sha256 }
}

#[test]
fn uploads_are_taken_from_what_is_kept() {
    let bench = Bench::new(&[]);
    let archive = upload(&bench, "linux.tar.zst");
    let fetched = bench.fetch(&Source::UploadedArchive { file: archive.clone() }).unwrap();
    assert_eq!(bench.archive(&fetched), b"linux.tar.zst");
    assert_eq!(fetched.sha256, archive.sha256);

    let (deb, image) = (upload(&bench, "linux-image.deb"), upload(&bench, "vmlinuz"));
    let both = |first: &UploadedFile, second: &UploadedFile| Source::UploadedPackages {
        packages: vec![first.clone(), second.clone()],
        image: Some(image.clone()),
    };
    let headers = upload(&bench, "linux-headers.deb");
    let fetched = bench.fetch(&both(&deb, &headers)).unwrap();
    let FetchedContent::Packages { packages, image: Some((name, _)) } = &fetched.content else {
        panic!("{fetched:?}")
    };
    assert_eq!(packages[1].0, "linux-headers.deb");
    assert_eq!((packages[0].1.sha256, name.as_str()), (deb.sha256, "vmlinuz"));
    // Named in another order they are the same source.
    assert_eq!(bench.fetch(&both(&headers, &deb)).unwrap().sha256, fetched.sha256);
    assert_ne!(bench.fetch(&both(&deb, &archive)).unwrap().sha256, fetched.sha256);
}

#[test]
fn an_upload_that_is_gone_is_asked_for_again() {
    let bench = Bench::new(&[]);
    let file = UploadedFile { name: "gone.tar".to_owned(), sha256: Digest::of("gone") };
    let text = bench.refusal(&Source::UploadedArchive { file });
    assert!(text.contains("gone.tar") && text.contains("upload it again"), "{text}");
}
