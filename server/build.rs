//! Puts the commit into the program, so that `--version` names it, and the site.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

fn main() {
    name_commit();
    find_site();
}

/// Lists the site's files for `assets`, which embeds them. The site stands in the target folder, where `cargo xtask site` leaves it, or where the
/// environment says.
fn find_site() {
    println!("cargo:rerun-if-env-changed=BOOTWRIGHT_SITE");
    let site = env::var_os("BOOTWRIGHT_SITE").map(PathBuf::from).or_else(|| {
        // <target>/<profile>/build/<package>/out
        let out = PathBuf::from(env::var_os("OUT_DIR")?);
        Some(out.ancestors().nth(4)?.join("site"))
    });
    let Some(site) = site.filter(|site| site.join("assets.json").is_file()) else {
        println!(
            "cargo:warning=there is no site to embed: run `cargo xtask site` first, as `make build` does"
        );
        std::process::exit(1);
    };
    println!("cargo:rerun-if-changed={}", site.display());
    let mut files = String::from("&[\n");
    for folder in ["", "pkg"] {
        for entry in fs::read_dir(site.join(folder)).into_iter().flatten().flatten() {
            let (name, path) = (Path::new(folder).join(entry.file_name()), entry.path());
            if path.is_file() {
                println!("cargo:rerun-if-changed={}", path.display());
                files.push_str(&format!("({name:?}, include_bytes!({path:?})),\n"));
            }
        }
    }
    files.push(']');
    let list = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default()).join("site.rs");
    if let Err(error) = fs::write(&list, files) {
        println!("cargo:warning={}: {error}", list.display());
        std::process::exit(1);
    }
}

fn name_commit() {
    let git = |arguments: &[&str]| {
        Command::new("git")
            .args(arguments)
            .output()
            .ok()
            .filter(|output| output.status.success())
            .and_then(|output| String::from_utf8(output.stdout).ok())
            .map(|text| text.trim().to_owned())
    };
    let commit = git(&["rev-parse", "--short=12", "HEAD"]).unwrap_or_else(|| "unknown".to_owned());
    println!("cargo:rustc-env=BOOTWRIGHT_COMMIT={commit}");
    if let Some(folder) = git(&["rev-parse", "--absolute-git-dir"]) {
        println!("cargo:rerun-if-changed={folder}/HEAD");
        println!("cargo:rerun-if-changed={folder}/refs/heads");
    }
}
