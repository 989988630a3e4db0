//! The site's folder: files named after their content, each with a compressed twin.

use std::{
    collections::BTreeSet,
    ffi::OsString,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use domain::digest::Digest;

use crate::fault::{Fault, at};

/// Writes a folder of the site and forgets what stood there before.
pub(crate) struct Output {
    folder: PathBuf,
    quality: u32,
    written: BTreeSet<OsString>,
}

impl Output {
    /// Writes to `folder`, compressing with a brotli quality of 0 to 11.
    pub(crate) fn new(folder: &Path, quality: u32) -> Result<Self, Fault> {
        fs::create_dir_all(folder).map_err(at(folder))?;
        Ok(Self { folder: folder.to_path_buf(), quality, written: BTreeSet::new() })
    }

    /// Writes `<stem>.<digest>.<extension>` and its compressed twin; gives the name.
    pub(crate) fn hashed(
        &mut self,
        stem: &str,
        extension: &str,
        content: &[u8],
    ) -> Result<String, Fault> {
        let name = format!("{stem}.{}.{extension}", Digest::of(content).short());
        self.plain(&name, content)?;
        let compressed = brotli(content, self.quality).map_err(at(&self.folder.join(&name)))?;
        println!(
            "site: {name}: {} ({} compressed)",
            domain::time::human_size(content.len() as u64),
            domain::time::human_size(compressed.len() as u64)
        );
        self.plain(&format!("{name}.br"), &compressed)?;
        Ok(name)
    }

    /// Writes a file under a fixed name. One that has this content already is left alone, so that
    /// cargo does not embed it anew.
    pub(crate) fn plain(&mut self, name: &str, content: &[u8]) -> Result<(), Fault> {
        let path = self.folder.join(name);
        self.written.insert(name.into());
        if fs::read(&path).is_ok_and(|present| present == content) {
            return Ok(());
        }
        fs::write(&path, content).map_err(at(&path))
    }

    /// Removes the files of former builds.
    pub(crate) fn finish(self) -> Result<(), Fault> {
        for entry in fs::read_dir(&self.folder).map_err(at(&self.folder))? {
            let entry = entry.map_err(at(&self.folder))?;
            let path = entry.path();
            if path.is_file() && !self.written.contains(&entry.file_name()) {
                fs::remove_file(&path).map_err(at(&path))?;
            }
        }
        Ok(())
    }
}

fn brotli(content: &[u8], quality: u32) -> std::io::Result<Vec<u8>> {
    const WINDOW: u32 = 22;
    let mut compressed = Vec::new();
    let mut writer = brotli::CompressorWriter::new(&mut compressed, 64 * 1024, quality, WINDOW);
    writer.write_all(content)?;
    writer.flush()?;
    drop(writer);
    Ok(compressed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_content_and_former_files_go() {
        let folder = tempfile::tempdir().unwrap();
        let write = |content: &[u8]| {
            let mut output = Output::new(folder.path(), 5).unwrap();
            let name = output.hashed("main", "css", content).unwrap();
            output.finish().unwrap();
            name
        };
        let first = write(b"a {}");
        assert_eq!(write(b"a {}"), first);
        let second = write(b"b {}");
        assert_ne!(first, second);
        let mut names: Vec<_> = fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        assert_eq!(names, [second.clone(), format!("{second}.br")]);
    }
}
