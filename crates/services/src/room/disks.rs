//! The disks that an installation writes to, and what its folders take of them.

use std::{io, os::unix::fs::MetadataExt as _, path::Path};

use domain::room::Disk;
use nix::sys::statvfs::statvfs;

use crate::{Services, error::ServiceError};

impl Services {
    /// The disk of the data folder, and that of the cache where it lies on another.
    pub(crate) fn disks(&self) -> Result<Vec<Disk>, ServiceError> {
        let data = &self.options().data_dir;
        let cache = self.builder().cache().folder();
        let mut disks = vec![disk("data", data)?];
        if data.metadata()?.dev() != cache.metadata()?.dev() {
            disks.push(disk("cache", cache)?);
        }
        Ok(disks)
    }
}

fn disk(holds: &str, folder: &Path) -> Result<Disk, ServiceError> {
    let known = statvfs(folder).map_err(io::Error::from)?;
    // statvfs(3): counted in fragments; the last blocks are root's alone.
    Ok(Disk {
        holds: holds.to_owned(),
        total: known.blocks() * known.fragment_size(),
        free: known.blocks_available() * known.fragment_size(),
    })
}

/// What a folder takes of the disk with all that is in it, in bytes; links are not followed, and
/// what cannot be read or goes meanwhile is left out.
pub(super) fn taken_by(folder: &Path, except: &[&Path]) -> u64 {
    let mut bytes = 0;
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for entry in entries.flatten() {
            let path = entry.path();
            let Ok(known) = entry.metadata() else { continue };
            if except.contains(&path.as_path()) {
                continue;
            }
            bytes += room_of(&known);
            if known.is_dir() {
                folders.push(path);
            }
        }
    }
    bytes
}

/// What a file takes of the disk, in bytes.
pub(super) fn room_of(known: &std::fs::Metadata) -> u64 {
    // stat(2): blocks of 512 bytes, whatever the file system's own are.
    known.blocks() * 512
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn folders_are_taken_with_all_that_is_in_them() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("a/b")).unwrap();
        let empty = taken_by(folder.path(), &[]);
        fs::write(folder.path().join("a/b/file"), vec![1; 100_000]).unwrap();
        let left_out = folder.path().join("a");
        assert!(taken_by(folder.path(), &[]) >= empty + 100_000);
        assert_eq!(taken_by(folder.path(), &[&left_out]), 0);
        assert_eq!(taken_by(Path::new("/nowhere"), &[]), 0);
    }
}
