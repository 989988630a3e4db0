//! Packages from the Debian mirror that this host's apt uses.

use std::path::Path;

use builder::FetchedContent;
use domain::{digest::Digest, kernel::Source};

use crate::bench::Bench;

/// Kept between runs: indexes and packages are fetched once.
const CACHE: &str = "/var/cache/bootwright-test/cache";

fn binary(suite: &str, package: &str, version: Option<&str>) -> Source {
    Source::DebianBinary {
        suite: suite.to_owned(),
        package: package.to_owned(),
        version: version.map(ToOwned::to_owned),
    }
}

/// One test, since each look into an index is a sandbox of its own.
#[test]
fn packages_are_found_in_the_signed_index() {
    let bench = Bench::with(&[], Some(Path::new(CACHE)));
    let fetched = bench.fetch(&binary("bookworm", "xen-hypervisor-4.17-amd64", None)).unwrap();
    let FetchedContent::Packages { packages, image: None } = &fetched.content else {
        panic!("{fetched:?}")
    };
    let [(name, blob)] = &packages[..] else { panic!("{packages:?}") };
    assert!(name.starts_with("xen-hypervisor-4.17-amd64_4.17"), "{name}");
    assert!(fetched.origin.contains("4.17") && fetched.origin.contains("bookworm/main"));
    let bytes = std::fs::read(bench.builder.blob_path(&blob.sha256)).unwrap();
    assert_eq!((Digest::of(&bytes), bytes.len() as u64), (blob.sha256, blob.size));
    // A .deb is an ar(5) archive.
    assert!(bytes.starts_with(b"!<arch>\n"));
    let version = fetched.origin.split(' ').nth(1).unwrap();
    let pinned = binary("bookworm", "xen-hypervisor-4.17-amd64", Some(version));
    assert_eq!(bench.fetch(&pinned).unwrap(), fetched);
    assert!(bench.said("is here"));

    // The indexes of a suite are kept, whatever is asked of them.
    let other = bench.fault(&binary("bookworm", "linux-image-amd64", Some("1.2.3-4")));
    assert!(
        other.contains("linux-image-amd64 in 6.1.") && other.contains("not in 1.2.3-4"),
        "{other}"
    );
    let backports = bench.fault(&binary("bookworm-backports", "linux-image-amd64", Some("1")));
    assert!(backports.contains("bookworm-backports has linux-image-amd64 in "), "{backports}");
    let none = bench.fault(&binary("bookworm", "linux-image-vax", None));
    assert!(
        none.contains("no package linux-image-vax") && none.contains("linux-image-amd64"),
        "{none}"
    );
    let source = Source::DebianSource {
        suite: "bookworm".to_owned(),
        package: "linux-image-amd64".to_owned(),
        version: None,
    };
    assert!(bench.fault(&source).contains("linux-source-6.1"));
}
