//! What a kernel is made of, as people write it on the command line or in a file.
//!
//! The file is TOML of the very shape that the API takes as JSON (JSON is taken as well), and where
//! that names an upload, a path of this machine may stand: `patches = ["fix.patch"]`. Options become
//! the same shape first, so that both are read in one way.

use std::{
    fs,
    path::{Path, PathBuf},
};

use clap::{ArgGroup, Args};
use domain::{
    digest::Digest,
    kernel::{Definition, Flavor},
};
use serde_json::{Value, json};

use crate::{
    api::problem::Problem,
    cli::{
        Cli,
        download::digest_of,
        error::CliError,
        recipe::read,
        upload::{name_of, upload},
    },
};

/// What a kernel is made of: a file that says so, or a source with its configuration.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("source").required(true))]
#[command(group = ArgGroup::new("base"))]
pub(in crate::cli) struct DefinitionArgs {
    /// File with the whole definition (TOML or JSON); `-` for standard input.
    #[arg(long, group = "source", value_name = "FILE", conflicts_with_all = [
        "flavor", "image", "suite", "version", "sha256", "reference", "key", "base", "fragment",
        "patch", "debug",
    ])]
    file: Option<PathBuf>,
    /// What it is: linux or xen.
    #[arg(long)]
    flavor: Option<Flavor>,
    /// From a package that was built elsewhere: a .deb here; say it for each of the kernel's.
    #[arg(long, group = "source", value_name = "FILE")]
    deb: Vec<PathBuf>,
    /// The bzImage that was built with those packages.
    #[arg(long, value_name = "FILE", requires = "deb")]
    image: Option<PathBuf>,
    /// From a package of Debian that holds a kernel.
    #[arg(long, group = "source", value_name = "PACKAGE", requires = "suite")]
    debian_binary: Option<String>,
    /// From a package of Debian that holds a source tree, such as linux-source-6.1.
    #[arg(long, group = "source", value_name = "PACKAGE", requires = "suite")]
    debian_source: Option<String>,
    /// Debian suite of the package, such as bookworm-backports.
    #[arg(long)]
    suite: Option<String>,
    /// Version of the package to insist on; the suite's newest unless said otherwise.
    #[arg(long)]
    version: Option<String>,
    /// From an archive: a URL, or a file here.
    #[arg(long, group = "source", value_name = "URL|FILE")]
    archive: Option<String>,
    /// SHA-256 that the archive at the URL must have.
    #[arg(long, requires = "archive")]
    sha256: Option<Digest>,
    /// From a Git repository: https://…, ssh://…, or a path of the server.
    #[arg(long, group = "source", value_name = "URL", requires = "reference")]
    git: Option<String>,
    /// Tag or commit of the repository.
    #[arg(long, value_name = "TAG|COMMIT")]
    reference: Option<String>,
    /// Name of the server's key for ssh.
    #[arg(long, value_name = "NAME")]
    key: Option<String>,
    /// Configure it by a target of the tree's Makefile, such as defconfig or tinyconfig.
    #[arg(long, group = "base", value_name = "TARGET")]
    defconfig: Option<String>,
    /// Configure it by a .config here.
    #[arg(long, group = "base", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Configure it as another kernel.
    #[arg(long, group = "base", value_name = "NAME")]
    config_of: Option<String>,
    /// Lines of a configuration here that are set over it; a later one wins.
    #[arg(long, value_name = "FILE", requires = "base")]
    fragment: Vec<PathBuf>,
    /// A patch here, in `patch -p1` form; they are applied in this order.
    #[arg(long, value_name = "FILE")]
    patch: Vec<PathBuf>,
    /// Keep the package of debug symbols too.
    #[arg(long)]
    debug: bool,
}

impl DefinitionArgs {
    /// The definition, once everything that it names here is uploaded. What is wrong with it is said
    /// before anything is sent.
    pub(super) fn uploaded(&self, cli: &Cli) -> Result<Definition, CliError> {
        let drafted = self.drafted()?;
        for (path, name) in drafted.files {
            upload(cli, &path, &name)?;
        }
        Ok(drafted.definition)
    }

    fn drafted(&self) -> Result<Drafted, CliError> {
        match &self.file {
            None => Drafted::of(self.shape()?, Path::new("")),
            Some(path) => {
                let shape = parsed(&read(path)?).map_err(|why| wrong("file", path, &why))?;
                Drafted::of(shape, path.parent().unwrap_or(Path::new("")))
            }
        }
    }

    /// The options in the shape of a file.
    fn shape(&self) -> Result<Value, CliError> {
        let mut shape = json!({
            "flavor": self.flavor.unwrap_or_default(),
            "source": self.source()?,
            "patches": texts(&self.patch)?,
            "debug": self.debug,
        });
        let base = match (&self.defconfig, &self.config, &self.config_of) {
            (Some(target), _, _) => json!({ "kind": "defconfig", "target": target }),
            (_, Some(path), _) => json!({ "kind": "file", "file": text(path)? }),
            (_, _, Some(name)) => json!({ "kind": "kernel", "name": name }),
            (None, None, None) => return Ok(shape),
        };
        shape["configuration"] = json!({ "base": base, "fragments": texts(&self.fragment)? });
        Ok(shape)
    }

    fn source(&self) -> Result<Value, CliError> {
        let mut source = if let Some(package) = &self.debian_binary {
            json!({ "kind": "debian-binary", "suite": self.suite, "package": package })
        } else if let Some(package) = &self.debian_source {
            json!({ "kind": "debian-source", "suite": self.suite, "package": package })
        } else if let Some(url) = &self.git {
            json!({ "kind": "git", "url": url, "reference": self.reference, "key": self.key })
        } else if let Some(archive) = &self.archive {
            match (archive.contains("://"), self.sha256) {
                (true, Some(sha256)) => {
                    json!({ "kind": "archive", "url": archive, "sha256": sha256 })
                }
                (false, None) => json!({ "kind": "uploaded-archive", "file": archive }),
                (true, None) => {
                    let words = "say by --sha256 which bytes the URL must give";
                    return Err(CliError::Usage(words.to_owned()));
                }
                (false, Some(_)) => {
                    let words = "--sha256 goes with a URL; a file is sent as it is";
                    return Err(CliError::Usage(words.to_owned()));
                }
            }
        } else {
            let image = self.image.as_deref().map(text).transpose()?;
            json!({ "kind": "uploaded-packages", "packages": texts(&self.deb)?, "image": image })
        };
        if let Some(version) = &self.version {
            source["version"] = json!(version);
        }
        Ok(source)
    }
}

/// A definition, and the files of this machine that it names by their digests, as path and name.
struct Drafted {
    definition: Definition,
    files: Vec<(PathBuf, String)>,
}

impl Drafted {
    /// Reads a definition whose uploads may be paths below `folder`.
    fn of(mut shape: Value, folder: &Path) -> Result<Self, CliError> {
        let mut files = Vec::new();
        for place in ["/source/file", "/source/image", "/configuration/base/file"] {
            if let Some(slot) = shape.pointer_mut(place) {
                name_upload(slot, folder, &mut files)?;
            }
        }
        for place in ["/source/packages", "/patches"] {
            for slot in shape.pointer_mut(place).and_then(Value::as_array_mut).into_iter().flatten()
            {
                name_upload(slot, folder, &mut files)?;
            }
        }
        let fragments = shape.pointer_mut("/configuration/fragments").and_then(Value::as_array_mut);
        for slot in fragments.into_iter().flatten() {
            if let Value::String(path) = slot {
                let path = folder.join(&*path);
                let content = fs::read_to_string(&path)
                    .map_err(|source| CliError::File { path: path.clone(), source })?;
                *slot = json!({ "name": name_of(&path)?, "content": content });
            }
        }
        let definition: Definition = serde_path_to_error::deserialize(shape).map_err(|error| {
            let field = error.path().to_string();
            refused(&field, &format!("{field}: {}", error.inner()))
        })?;
        definition.check().map_err(|faults| {
            let words: Vec<String> =
                faults.iter().map(|fault| format!("{}: {}", fault.field, fault.message)).collect();
            refused(faults.first().map_or("", |first| first.field), &words.join("; "))
        })?;
        Ok(Self { definition, files })
    }
}

/// Puts the name and the digest of a file of this machine where its path stands.
fn name_upload(
    slot: &mut Value,
    folder: &Path,
    files: &mut Vec<(PathBuf, String)>,
) -> Result<(), CliError> {
    let Value::String(path) = slot else { return Ok(()) };
    let path = folder.join(&*path);
    let name = name_of(&path)?;
    *slot = json!({ "name": name, "sha256": digest_of(&path)? });
    files.push((path, name));
    Ok(())
}

/// A text as TOML, or as JSON where it begins like one; else what is wrong with it.
fn parsed(text: &str) -> Result<Value, String> {
    if text.trim_start().starts_with('{') {
        return serde_json::from_str(text).map_err(|error| error.to_string());
    }
    toml::from_str(text).map_err(|error: toml::de::Error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        format!("line {}: {}", before.matches('\n').count() + 1, error.message())
    })
}

fn wrong(field: &str, path: &Path, why: &str) -> CliError {
    refused(field, &format!("{}: {why}", path.display()))
}

fn refused(field: &str, words: &str) -> CliError {
    CliError::Problem(Box::new(Problem::of_field(field, words)))
}

fn text(path: &Path) -> Result<&str, CliError> {
    path.to_str()
        .ok_or_else(|| CliError::Usage(format!("{} is no text: rename it", path.display())))
}

fn texts(paths: &[PathBuf]) -> Result<Vec<&str>, CliError> {
    paths.iter().map(|path| text(path)).collect()
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use domain::kernel::{ConfigBase, Source};

    use super::*;

    #[derive(Parser)]
    struct Only {
        #[command(flatten)]
        args: DefinitionArgs,
    }

    fn drafted(arguments: &[&str]) -> Result<Drafted, String> {
        let read = Only::try_parse_from([&["kernel"], arguments].concat());
        let args = read.map_err(|error| error.to_string())?.args;
        args.drafted().map_err(|error| error.to_string())
    }

    /// A folder with a file of each kind.
    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a.deb", "b.deb", "bzImage", "fix.patch", "config"] {
            fs::write(folder.path().join(name), name).unwrap();
        }
        fs::write(folder.path().join("small.config"), "CONFIG_VIRTIO_NET=y\n").unwrap();
        folder
    }

    #[test]
    fn packages_of_this_machine_are_named_by_their_digests() {
        let folder = folder();
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        let (a, b, image) = (path("a.deb"), path("b.deb"), path("bzImage"));
        let drafted = drafted(&["--deb", &a, "--deb", &b, "--image", &image]).unwrap();
        let Source::UploadedPackages { packages, image } = drafted.definition.source else {
            panic!("{:?}", drafted.definition)
        };
        assert_eq!(packages[1].name, "b.deb");
        assert_eq!(packages[1].sha256, Digest::of("b.deb"));
        assert_eq!(image.unwrap().sha256, Digest::of("bzImage"));
        let names: Vec<&str> = drafted.files.iter().map(|(_, name)| name.as_str()).collect();
        assert_eq!(names, ["bzImage", "a.deb", "b.deb"]);
    }

    #[test]
    fn a_file_and_the_options_say_the_same() {
        let folder = folder();
        let file = folder.path().join("dev.toml");
        let text = r#"
            patches = ["fix.patch"]
            [source]
            kind = "debian-source"
            suite = "bookworm"
            package = "linux-source-6.1"
            [configuration]
            base = { kind = "file", file = "config" }
            fragments = ["small.config", { name = "own", content = "CONFIG_NET=y\n" }]
        "#;
        fs::write(&file, text).unwrap();
        let by_file = drafted(&["--file", file.to_str().unwrap()]).unwrap();
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        fs::write(folder.path().join("own"), "CONFIG_NET=y\n").unwrap();
        let by_options = drafted(&[
            "--debian-source",
            "linux-source-6.1",
            "--suite=bookworm",
            "--config",
            &path("config"),
            "--fragment",
            &path("small.config"),
            "--fragment",
            &path("own"),
            "--patch",
            &path("fix.patch"),
        ])
        .unwrap();
        assert_eq!(by_file.definition, by_options.definition);
        assert_eq!(by_file.files, by_options.files);
        let ConfigBase::File { file } = by_file.definition.configuration.unwrap().base else {
            panic!("a file")
        };
        assert_eq!(file.sha256, Digest::of("config"));
    }

    #[test]
    fn what_is_wrong_is_said_with_its_field_before_anything_is_sent() {
        let folder = folder();
        let file = folder.path().join("dev.toml");
        let said = |text: &str| {
            fs::write(&file, text).unwrap();
            drafted(&["--file", file.to_str().unwrap()]).err().unwrap()
        };
        let head = "[source]\nkind = \"git\"\nreference = \"v1\"\n";
        let words = said(&format!("{head}url = 7\n"));
        assert!(words.contains("source") && words.contains("expected a string"), "{words}");
        let words = said(&format!("{head}url = \"/srv/git\"\nbranch = \"x\"\n"));
        assert!(words.contains("unknown field `branch`"), "{words}");
        let words = said(&format!("{head}url = \"ext::sh\"\n"));
        assert!(words.contains("source.url: a repository is"), "{words}");
        assert!(words.contains("; configuration: what is compiled needs"), "{words}");
        let words = said("[source\n");
        assert!(words.contains("dev.toml: line 1: "), "{words}");
        let words = said("patches = [\"missing.patch\"]\n");
        assert!(words.contains("missing.patch: No such file"), "{words}");
        let words = said("[source]\nkind = \"floppy\"\n");
        assert!(words.contains("unknown variant `floppy`"), "{words}");
    }

    #[test]
    fn options_that_make_no_sense_together_are_refused() {
        let a_source = ["--debian-source", "linux-source-6.1", "--suite", "bookworm"];
        let with = |more: &[&str]| drafted(&[&a_source, more].concat());
        assert!(with(&["--defconfig", "tinyconfig"]).is_ok());
        for more in [
            &["--git", "/srv/git", "--reference", "v1"][..],
            &["--image", "bzImage"],
            &["--defconfig", "defconfig", "--config-of", "other"],
            &["--fragment", "small.config"],
            &["--file", "dev.toml"],
            &["--sha256", "abc"],
            &["--flavor", "hurd"],
        ] {
            assert!(with(more).is_err(), "{more:?}");
        }
        assert!(drafted(&[]).is_err());
        assert!(drafted(&["--git", "/srv/git"]).is_err());
        let without = drafted(&["--archive", "https://example.org/linux.tar.xz"]).err().unwrap();
        assert!(without.contains("--sha256"), "{without}");
    }
}
