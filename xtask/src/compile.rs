//! Compiles the crate `frontend` to WebAssembly, by the compiler that can.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use crate::{Compiler, Profile, fault::Fault};

const TARGET: &str = "wasm32-unknown-unknown";

impl Profile {
    /// As cargo knows it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Quick => "wasm-quick",
            Self::Release => "wasm-release",
        }
    }
}

/// Compiles and gives the path of the module. Cargo decides what has to be compiled again.
///
/// It has a target folder of its own, so that it neither waits for a build of the server nor
/// fights with it when the two use different compilers.
pub(crate) fn frontend(
    folder: &Path,
    profile: Profile,
    compiler: Compiler,
) -> Result<PathBuf, Fault> {
    let mut cargo = match compiler {
        Compiler::Path => with_path_compiler(),
        Compiler::Debian => with_debian_compiler(),
        Compiler::Auto if path_compiler_can() => with_path_compiler(),
        Compiler::Auto if debian_compiler_can() => with_debian_compiler(),
        Compiler::Auto => return Err(Fault::NoCompiler),
    };
    cargo
        .args(["--package", "frontend", "--lib", "--target", TARGET, "--profile", profile.name()])
        .arg("--target-dir")
        .arg(folder)
        .env_remove("CARGO_TARGET_DIR");
    run(&mut cargo)?;
    Ok(folder.join(TARGET).join(profile.name()).join("frontend.wasm"))
}

fn path_compiler_can() -> bool {
    let sysroot = Command::new("rustc").args(["--print", "sysroot"]).output();
    sysroot.is_ok_and(|output| {
        let sysroot = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        // rustup makes this folder's parent before it knows whether the download works.
        Path::new(&sysroot).join("lib/rustlib").join(TARGET).join("lib").is_dir()
    })
}

fn with_path_compiler() -> Command {
    let mut cargo = Command::new("cargo");
    cargo.arg("build");
    cargo
}

fn debian_compiler_can() -> bool {
    ["/usr/bin/cargo", "/usr/bin/rustc", "/usr/lib/rustlib/src"]
        .iter()
        .all(|path| Path::new(path).exists())
}

/// Debian packages the standard library's source with its dependencies, so it is built along.
fn with_debian_compiler() -> Command {
    let mut cargo = Command::new("/usr/bin/cargo");
    cargo
        .args(["build", "-Zbuild-std=std,panic_abort", "-Zbuild-std-features=optimize_for_size"])
        .env("RUSTC", "/usr/bin/rustc")
        // The flags above are unstable; Debian's compiler is the one its source belongs to.
        .env("RUSTC_BOOTSTRAP", "1")
        .env("PATH", "/usr/bin:/bin")
        .env_remove("RUSTUP_TOOLCHAIN");
    cargo
}

/// Runs a program to its end, with its output to the terminal.
pub(crate) fn run(command: &mut Command) -> Result<(), Fault> {
    let program = command.get_program().to_string_lossy().into_owned();
    match command.status() {
        Err(error) => Err(Fault::Start { program, error }),
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Fault::Program { program, status }),
    }
}
