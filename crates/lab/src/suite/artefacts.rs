//! What a suite leaves: found in its output folder, judged by name and kind, and bounded.
//!
//! A folder that a suite wrote to holds whatever it liked to make. Links and special files are
//! refused: they would lead a reader to files of the server, or block it.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use domain::time::human_size;

/// How deep folders may lie in each other.
const DEEPEST: usize = 16;
/// How many files are looked at; who makes more makes too much.
const MOST_LOOKED_AT: usize = 20_000;
/// The longest name, in bytes.
const LONGEST_NAME: usize = 255;
/// How many remarks are made about what is left out; the rest is counted.
const MOST_REMARKS: usize = 20;

/// A file that a suite left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artefact {
    /// Its name in the output folder: `output.xml`, `screenshots/1.png`.
    pub name: String,
    /// Its size in bytes.
    pub size: u64,
    /// What it holds, as its name tells.
    pub media_type: &'static str,
    /// Where it lies.
    pub path: PathBuf,
}

/// What was found in an output folder.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Collected {
    pub(crate) artefacts: Vec<Artefact>,
    /// What was left out, and why: a sentence each.
    pub(crate) left_out: Vec<String>,
}

/// Names and what they hold. Results come first: where not everything can be kept, they are.
const MEDIA_TYPES: [(&str, &str); 22] = [
    ("xml", "application/xml"),
    ("json", "application/json"),
    ("tap", "text/plain; charset=utf-8"),
    ("csv", "text/csv; charset=utf-8"),
    ("txt", "text/plain; charset=utf-8"),
    ("log", "text/plain; charset=utf-8"),
    ("html", "text/html; charset=utf-8"),
    ("md", "text/markdown; charset=utf-8"),
    ("yaml", "application/yaml"),
    ("yml", "application/yaml"),
    ("png", "image/png"),
    ("jpg", "image/jpeg"),
    ("jpeg", "image/jpeg"),
    ("gif", "image/gif"),
    ("webp", "image/webp"),
    ("svg", "image/svg+xml"),
    ("webm", "video/webm"),
    ("mp4", "video/mp4"),
    ("pdf", "application/pdf"),
    ("gz", "application/gzip"),
    ("zst", "application/zstd"),
    ("zip", "application/zip"),
];
/// What holds something unknown.
const UNKNOWN: &str = "application/octet-stream";

/// Where a name stands among those that are known, and what it holds.
fn known(name: &str) -> (usize, &'static str) {
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending).to_ascii_lowercase();
    MEDIA_TYPES
        .iter()
        .enumerate()
        .find(|(_, (it, _))| *it == ending)
        .map_or((MEDIA_TYPES.len(), UNKNOWN), |(place, (_, media_type))| (place, media_type))
}

/// Takes what may be kept of an output folder in which nobody writes any more: as many files and as
/// many bytes.
pub(crate) fn collect(folder: &Path, most: usize, most_bytes: u64) -> Collected {
    let Found { mut files, mut left_out, .. } = look_into(folder);
    files.sort_by(|one, other| {
        (known(&one.name).0, &one.name).cmp(&(known(&other.name).0, &other.name))
    });
    let mut artefacts: Vec<Artefact> = Vec::new();
    let mut bytes = 0_u64;
    for File { name, size, path } in files {
        let with_it = bytes.saturating_add(size);
        if artefacts.len() >= most {
            left_out.push(format!("{name}: more than {most} files"));
        } else if with_it > most_bytes {
            let (size, most) = (human_size(size), human_size(most_bytes));
            left_out.push(format!("{name}: with its {size} it would be more than {most}"));
        } else {
            bytes = with_it;
            artefacts.push(Artefact { media_type: known(&name).1, name, size, path });
        }
    }
    artefacts.sort_by(|one, other| one.name.cmp(&other.name));
    if left_out.len() > MOST_REMARKS {
        let more = left_out.len() - MOST_REMARKS;
        left_out.truncate(MOST_REMARKS);
        left_out.push(format!("and {more} more"));
    }
    Collected { artefacts, left_out }
}

/// How much stands in a folder in which somebody writes just now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Filled {
    pub(crate) bytes: u64,
    /// Whether there are more files than anybody looks at.
    pub(crate) crowded: bool,
    /// Whether there are folders that we may not look into.
    pub(crate) shut: bool,
}

/// Measures a folder in which somebody writes just now.
pub(crate) fn filled(folder: &Path) -> Filled {
    let Found { files, shut, crowded, .. } = look_into(folder);
    let bytes = files.iter().fold(0, |sum: u64, file| sum.saturating_add(file.size));
    Filled { bytes, crowded, shut }
}

#[derive(Default)]
struct Found {
    files: Vec<File>,
    left_out: Vec<String>,
    shut: bool,
    crowded: bool,
}

struct File {
    name: String,
    size: u64,
    path: PathBuf,
}

fn look_into(folder: &Path) -> Found {
    let mut found = Found::default();
    let mut looked_at = 0;
    let mut folders = vec![(folder.to_owned(), String::new(), 0)];
    while let Some((folder, above, depth)) = folders.pop() {
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) => {
                found.shut |= error.kind() == io::ErrorKind::PermissionDenied;
                found.left_out.push(format!("{above}: {error}"));
                continue;
            }
        };
        for entry in entries.flatten() {
            looked_at += 1;
            if looked_at > MOST_LOOKED_AT {
                found.crowded = true;
                found.left_out.push(format!("more than {MOST_LOOKED_AT} files"));
                return found;
            }
            let (path, name) = (entry.path(), entry.file_name());
            let plain = shown(&name.to_string_lossy());
            let shown = format!("{above}{plain}");
            // Not of what a link leads to.
            let Ok(metadata) = fs::symlink_metadata(&path) else { continue };
            if metadata.is_dir() {
                if depth == DEEPEST {
                    found.left_out.push(format!("{shown}: folders lie too deep"));
                } else {
                    folders.push((path, format!("{shown}/"), depth + 1));
                }
            } else if metadata.is_symlink() {
                found.left_out.push(format!("{shown}: a link"));
            } else if !metadata.is_file() {
                found.left_out.push(format!("{shown}: not a file"));
            } else if shown.len() > LONGEST_NAME || name.to_str() != Some(plain.as_str()) {
                found.left_out.push(format!("{shown:.80}: a name that cannot be shown"));
            } else {
                found.files.push(File { name: shown, size: metadata.len(), path });
            }
        }
    }
    found
}

/// A name with what does not stand still on a line, or turns it around, in words.
fn shown(name: &str) -> String {
    let quote = |it: &char| matches!(it, '\'' | '"');
    name.chars()
        .map(|it| if quote(&it) { it.to_string() } else { it.escape_debug().to_string() })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::{fs::symlink, net::UnixListener};

    use super::*;

    fn folder(files: &[(&str, usize)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, size) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, vec![b'x'; *size]).unwrap();
        }
        folder
    }

    fn names(collected: &Collected) -> Vec<&str> {
        collected.artefacts.iter().map(|it| it.name.as_str()).collect()
    }

    #[test]
    fn files_are_taken_with_what_their_names_tell() {
        let folder = folder(&[("output.xml", 3), ("it's/1.PNG", 5), ("core", 7)]);
        let collected = collect(folder.path(), 10, 100);
        let taken: Vec<_> = collected
            .artefacts
            .iter()
            .map(|it| (it.name.as_str(), it.size, it.media_type))
            .collect();
        assert_eq!(
            taken,
            [
                ("core", 7, UNKNOWN),
                ("it's/1.PNG", 5, "image/png"),
                ("output.xml", 3, "application/xml")
            ]
        );
        assert_eq!(fs::read(&collected.artefacts[2].path).unwrap(), b"xxx");
        assert_eq!(collected.left_out, [""; 0]);
        assert_eq!(filled(folder.path()).bytes, 15);
    }

    #[test]
    fn links_and_what_is_no_file_are_refused() {
        let folder = folder(&[("log.html", 1), ("line\nbreak.txt", 1)]);
        symlink("/etc/passwd", folder.path().join("output.xml")).unwrap();
        symlink("/", folder.path().join("all")).unwrap();
        let _socket = UnixListener::bind(folder.path().join("socket")).unwrap();
        let collected = collect(folder.path(), 10, 100);
        assert_eq!(names(&collected), ["log.html"]);
        for (name, why) in [
            ("output.xml", "a link"),
            ("all", "a link"),
            ("socket", "not a file"),
            ("line", "name"),
        ] {
            let said = |it: &String| it.starts_with(name) && it.contains(why);
            assert!(collected.left_out.iter().any(said), "{name}: {:?}", collected.left_out);
        }
    }

    #[test]
    fn what_is_too_much_is_left_out_and_results_are_not() {
        let folder = folder(&[("a.bin", 60), ("log.html", 50), ("output.xml", 40)]);
        let collected = collect(folder.path(), 10, 100);
        assert_eq!(names(&collected), ["log.html", "output.xml"]);
        assert_eq!(collected.left_out.len(), 1, "{:?}", collected.left_out);
        assert!(collected.left_out[0].starts_with("a.bin: "));
        let collected = collect(folder.path(), 1, 1000);
        assert_eq!(names(&collected), ["output.xml"]);
        assert_eq!(collected.left_out.len(), 2);
    }

    #[test]
    fn remarks_are_bounded() {
        let files: Vec<String> = (0..60).map(|number| format!("{number}.txt")).collect();
        let files: Vec<_> = files.iter().map(|name| (name.as_str(), 1)).collect();
        let collected = collect(folder(&files).path(), 10, 1000);
        assert_eq!((collected.artefacts.len(), collected.left_out.len()), (10, MOST_REMARKS + 1));
        assert_eq!(collected.left_out.last().unwrap(), "and 30 more");
    }

    #[test]
    fn a_folder_that_leads_too_deep_is_not_followed() {
        let deep = format!("{}x.txt", "a/".repeat(DEEPEST + 1));
        let collected = collect(folder(&[(&deep, 1)]).path(), 10, 100);
        assert_eq!(names(&collected), [""; 0]);
        assert!(collected.left_out[0].contains("too deep"), "{:?}", collected.left_out);
    }
}
