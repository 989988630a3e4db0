//! The packages of a kernel, as our scripts describe them.

use domain::{kernel::KernelPackage, menu::check_file_name};

use crate::error::BuildError;

/// Reads lines of `<file> <package> <version> <architecture> <kernel, or ->`, ordered by file.
pub(super) fn read(step: &'static str, text: &str) -> Result<Vec<KernelPackage>, BuildError> {
    let mut packages = text
        .lines()
        .map(|line| {
            let words: Vec<&str> = line.split(' ').collect();
            match words[..] {
                [file, name, version, architecture, kernel] if check_file_name(file).is_ok() => {
                    Ok(KernelPackage {
                        name: name.to_owned(),
                        version: version.to_owned(),
                        architecture: architecture.to_owned(),
                        file: file.to_owned(),
                        holds_kernel: kernel != "-",
                    })
                }
                _ => Err(BuildError::Unexpected { step, what: format!("a package {line:?}") }),
            }
        })
        .collect::<Result<Vec<_>, _>>()?;
    packages.sort_by(|a, b| a.file.cmp(&b.file));
    Ok(packages)
}

/// What a package's file is called in a record: as it was called, but for what no file of a release
/// is called by, such as the `~` of backports.
pub(super) fn file_name(name: &str) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || "._+-".contains(c);
    name.chars().map(|c| if fits(c) { c } else { '-' }).take(128).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_are_read_in_the_order_of_their_files() {
        let text = "b_1_amd64.deb b 1 amd64 -\na_1_amd64.deb a 1 amd64 boot/vmlinuz-6.1\n";
        let found = read("record", text).unwrap();
        let names: Vec<_> = found.iter().map(|it| (it.name.as_str(), it.holds_kernel)).collect();
        assert_eq!(names, [("a", true), ("b", false)]);
        assert!(read("record", "../x.deb b 1 amd64 -\n").is_err());
        assert!(read("record", "x.deb b 1\n").is_err());
        assert_eq!(file_name("linux_6.12~bpo12+1_amd64.deb"), "linux_6.12-bpo12+1_amd64.deb");
    }
}
