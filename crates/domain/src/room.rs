//! Room on the disk: what takes it, what would be free if a thing went, and what needs it.
//!
//! Things share files: two releases with the same kernel keep it once, and a hard link lets the step
//! cache and a release keep one file together. A file counts once for the disk, for every thing that
//! reaches it, and as what would be free only for the one thing that alone reaches it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;

/// The disk of the data folder, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disk {
    /// How large it is.
    pub total: u64,
    /// How much of it the server may still write.
    pub free: u64,
    /// Below how much free room builds wait.
    pub floor: u64,
}

impl Disk {
    /// Whether builds have to wait for room.
    #[must_use]
    pub const fn is_short(&self) -> bool {
        self.free < self.floor
    }
}

/// Where a blob is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Place {
    /// Among the blobs that are kept.
    Kept(Digest),
    /// In the cache of build steps and downloads.
    Cached(Digest),
}

/// A file on the disk, with every place that names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptFile {
    /// What it takes of the disk, in bytes.
    pub bytes: u64,
    /// Its names: one, or several where hard links share it.
    pub places: Vec<Place>,
}

/// What a thing takes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// All that it reaches, in bytes, shared or not.
    pub bytes: u64,
    /// What would be free if it went and nothing else, in bytes.
    pub frees: u64,
}

/// What all things take together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shares {
    /// Of each thing, in the order in which they were given.
    pub things: Vec<Share>,
    /// All files, each once, in bytes.
    pub total: u64,
    /// Files that nothing reaches, in bytes.
    pub unneeded: u64,
}

/// Accounts for every file, by the places that each thing reaches.
#[must_use]
pub fn share<'a, P>(files: &[KeptFile], things: impl IntoIterator<Item = P>) -> Shares
where
    P: IntoIterator<Item = &'a Place>,
{
    let mut file_of = BTreeMap::new();
    for (file, kept) in files.iter().enumerate() {
        file_of.extend(kept.places.iter().map(|place| (*place, file)));
    }
    // How many things reach a file, and the last of them.
    let mut reached: Vec<(usize, usize)> = vec![(0, 0); files.len()];
    let mut shares = Vec::new();
    for (thing, places) in things.into_iter().enumerate() {
        let mut own: Vec<usize> =
            places.into_iter().filter_map(|place| file_of.get(place).copied()).collect();
        own.sort_unstable();
        own.dedup();
        let bytes = own.iter().map(|file| files[*file].bytes).sum();
        shares.push(Share { bytes, frees: 0 });
        for file in own {
            reached[file] = (reached[file].0 + 1, thing);
        }
    }
    let mut unneeded = 0;
    for (kept, (things, last)) in files.iter().zip(reached) {
        match things {
            0 => unneeded += kept.bytes,
            1 => shares[last].frees += kept.bytes,
            _ => {}
        }
    }
    Shares { things: shares, total: files.iter().map(|kept| kept.bytes).sum(), unneeded }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn kept(name: &str) -> Place {
        Place::Kept(Digest::of(name))
    }

    #[test]
    fn what_is_shared_counts_once_and_frees_nothing() {
        let cached = Place::Cached(Digest::of("kernel"));
        let files = [
            KeptFile { bytes: 100, places: vec![kept("kernel"), cached] },
            KeptFile { bytes: 20, places: vec![kept("rootfs 1")] },
            KeptFile { bytes: 3, places: vec![kept("rootfs 2")] },
            KeptFile { bytes: 7, places: vec![kept("left over")] },
        ];
        let first = vec![kept("kernel"), kept("rootfs 1"), kept("rootfs 1")];
        let second = vec![kept("kernel"), kept("rootfs 2"), kept("lost")];
        let step = vec![cached];
        let shares = share(&files, [&first, &second, &step]);
        let of = |bytes, frees| Share { bytes, frees };
        assert_eq!(shares.things, [of(120, 20), of(103, 3), of(100, 0)]);
        assert_eq!((shares.total, shares.unneeded), (130, 7));
        // The kernel goes with the last thing that reaches it.
        assert_eq!(share(&files, [&step]).things, [of(100, 100)]);
    }

    proptest! {
        /// What all things free one by one, and what nothing needs, is never more than there is; and
        /// if all but one go, that one has all that is left.
        #[test]
        fn shares_add_up(
            sizes in prop::collection::vec(1_u64..1000, 1..20),
            reaches in prop::collection::vec(prop::collection::vec(0_usize..20, 0..10), 0..10),
        ) {
            let name = |number: usize| kept(&number.to_string());
            let files: Vec<KeptFile> = sizes
                .iter()
                .enumerate()
                .map(|(number, bytes)| KeptFile { bytes: *bytes, places: vec![name(number)] })
                .collect();
            let things: Vec<Vec<Place>> =
                reaches.iter().map(|all| all.iter().map(|it| name(*it)).collect()).collect();
            let shares = share(&files, &things);
            let freed: u64 = shares.things.iter().map(|it| it.frees).sum();
            prop_assert!(freed + shares.unneeded <= shares.total);
            prop_assert_eq!(shares.total, sizes.iter().sum::<u64>());
            for (number, places) in things.iter().enumerate() {
                prop_assert!(shares.things[number].frees <= shares.things[number].bytes);
                let alone = share(&files, [places]);
                prop_assert_eq!(alone.things[0].frees, shares.things[number].bytes);
            }
        }
    }
}
