//! The terminal of a guest's page: our module, and xterm.js from npm as it is published, but for what
//! a strict policy forbids (decision 19).

use std::{fs, path::Path};

use crate::{
    fault::{Fault, at},
    output::Output,
};

/// Where the module and its packages lie.
const FOLDER: &str = "frontend/terminal";
/// What is loaded, by the name under which the module imports it.
const PACKAGES: [(&str, &str, &str); 2] = [
    ("@xterm/xterm", "xterm", "lib/xterm.mjs"),
    ("@xterm/addon-fit", "xterm-fit", "lib/addon-fit.mjs"),
];

/// What xterm.js does that `style-src 'self'` forbids, how often, and what does the same by the
/// CSSOM. Style elements become elements of our own that hold a constructed sheet.
const FORBIDDEN: [(&str, usize, &str); 2] = [
    (r#"createElement("style")"#, 3, r#"createElement("constructed-style")"#),
    (
        r#"t.setAttribute("style",`${t.getAttribute("style")||""}${e};`)"#,
        1,
        "t.style.cssText+=`${e};`",
    ),
];

/// Everything that goes into the site.
pub(crate) struct Terminal {
    module: String,
    /// Each with the name of its import and the stem of its file.
    scripts: Vec<(&'static str, &'static str, String)>,
    style: String,
}

/// The names of the files.
pub(crate) struct Names {
    pub(crate) js: String,
    pub(crate) css: String,
}

impl Terminal {
    /// Reads what `npm ci` has installed.
    pub(crate) fn read() -> Result<Self, Fault> {
        let folder = Path::new(FOLDER);
        let read = |path: &Path| fs::read_to_string(path).map_err(at(path));
        let packages = folder.join("node_modules");
        let mut scripts = Vec::new();
        for (name, stem, file) in PACKAGES {
            let path = packages.join(name).join(file);
            if !path.is_file() {
                return Err(Fault::NoTerminal(path));
            }
            let text = read(&path)?;
            // The map is not part of the site.
            let code = text.lines().filter(|line| !line.starts_with("//# sourceMappingURL="));
            scripts.push((name, stem, code.collect::<Vec<_>>().join("\n")));
        }
        for script in &mut scripts {
            if script.0 == "@xterm/xterm" {
                script.2 = permitted(&script.2)?;
            }
        }
        Ok(Self {
            module: read(&folder.join("guest.js"))?,
            scripts,
            style: read(&packages.join("@xterm/xterm/css/xterm.css"))?,
        })
    }

    /// All of it, to tell whether the site has to be made again.
    pub(crate) fn contents(&self) -> Vec<&[u8]> {
        let scripts = self.scripts.iter().map(|(_, _, text)| text.as_bytes());
        scripts.chain([self.module.as_bytes(), self.style.as_bytes()]).collect()
    }

    /// Writes it; the module imports the others by the names that they get.
    pub(crate) fn write(&self, pkg: &mut Output) -> Result<Names, Fault> {
        let mut module = self.module.clone();
        for (import, stem, text) in &self.scripts {
            let name = pkg.hashed(stem, "js", text.as_bytes())?;
            module = module.replace(&format!("'{import}'"), &format!("'./{name}'"));
        }
        Ok(Names {
            js: pkg.hashed("guest", "js", module.as_bytes())?,
            // Whole: its licence stands in a comment.
            css: pkg.hashed("xterm", "css", self.style.as_bytes())?,
        })
    }
}

/// xterm.js with nothing in it that the policy forbids. Another version may do other things, so each
/// must be there as often as it was when somebody looked.
fn permitted(text: &str) -> Result<String, Fault> {
    let mut permitted = text.to_owned();
    for (forbidden, times, instead) in FORBIDDEN {
        let found = permitted.matches(forbidden).count();
        if found != times {
            return Err(Fault::OtherTerminal { forbidden, found, times });
        }
        permitted = permitted.replace(forbidden, instead);
    }
    Ok(permitted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_version_is_looked_at_first() {
        let style = FORBIDDEN[0].0;
        let known = format!("{style};{style};{style};{}", FORBIDDEN[1].0);
        let permitted_text = permitted(&known).unwrap();
        assert!(!permitted_text.contains(style) && !permitted_text.contains("setAttribute"));
        let more = permitted(&format!("{known};{style}"));
        assert!(matches!(more, Err(Fault::OtherTerminal { found: 4, times: 3, .. })));
    }
}
