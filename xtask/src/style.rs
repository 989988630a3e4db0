//! Joins the style sheet: `@import "file.css";` lines become that file, comments go.

use std::{fs, path::Path};

use crate::fault::{Fault, at};

/// The style sheet at `path` with everything that it imports.
pub(crate) fn join(path: &Path) -> Result<String, Fault> {
    let text = fs::read_to_string(path).map_err(at(path))?;
    let mut joined = String::new();
    for (index, line) in text.lines().enumerate() {
        let fault = |what| Fault::Style { path: path.to_path_buf(), line: index + 1, what };
        match line.trim_start().strip_prefix("@import") {
            None => {
                joined.push_str(line);
                joined.push('\n');
            }
            Some(rest) => {
                let name = rest
                    .trim()
                    .strip_prefix('"')
                    .and_then(|rest| rest.strip_suffix("\";"))
                    .filter(|name| !name.contains(['/', '"']))
                    .ok_or_else(|| fault("an import is written @import \"file.css\"; and names a file beside this one"))?;
                joined.push_str(&join(&path.with_file_name(name))?);
            }
        }
    }
    Ok(joined)
}

/// The same rules without comments, indentation and empty lines.
///
/// What stands between quotes is never touched: no string of ours holds `/*`, and a test of the
/// site's style sheet would be the place to find out.
pub(crate) fn compact(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("/*") {
        kept.push_str(&rest[..start]);
        rest = rest[start..].find("*/").map_or("", |end| &rest[start + end + 2..]);
    }
    kept.push_str(rest);
    let lines: Vec<&str> = kept.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_indentation_go() {
        let text = "a {\n  /* why */ color: red;\n\n}\n/* open";
        assert_eq!(compact(text), "a {\ncolor: red;\n}");
    }

    #[test]
    fn imports_are_joined_in_their_place() {
        let folder = tempfile::tempdir().unwrap();
        let main = folder.path().join("main.css");
        fs::write(&main, "@import \"a.css\";\nb {}\n").unwrap();
        fs::write(folder.path().join("a.css"), "a {}\n").unwrap();
        assert_eq!(join(&main).unwrap(), "a {}\nb {}\n");
        fs::write(&main, "@import url(a.css);\n").unwrap();
        assert!(matches!(join(&main), Err(Fault::Style { line: 1, .. })));
    }
}
