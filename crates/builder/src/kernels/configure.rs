//! `configure`: the whole configuration that the tree gives for a base and fragments, and what
//! became of each thing that was asked for.

mod warnings;

use std::collections::BTreeMap;

use domain::{
    blob::BlobRef,
    kernel::{
        Config, ConfigBase, ConfigFault, ConfigReport, Configuration, Flavor, NotKept, difference,
    },
};
use sandbox::Conditions;

use super::{Cause, KernelBuilding, LONGEST_TEXT, prepare::Prepared};
use crate::{
    error::BuildError,
    steps::run::{self, Setting, Step},
};

pub(super) const NAME: &str = "configure";

/// A configuration that the tree has agreed to.
pub(super) struct Configured {
    pub(super) config: BlobRef,
    pub(super) report: ConfigReport,
}

pub(super) fn run(
    build: &KernelBuilding<'_>,
    configuration: &Configuration,
    prepared: &Prepared,
) -> Result<Configured, BuildError> {
    let flavor = build.request.definition.flavor;
    let mut blobs = vec![("tree.tar.zst".to_owned(), prepared.tree)];
    let mut target = String::new();
    match &configuration.base {
        ConfigBase::Defconfig { target: named } => target.clone_from(named),
        ConfigBase::File { file } => {
            let base = build.upload(NAME, file)?;
            blobs.push(("base".to_owned(), checked_base(build, &file.name, &base)?));
        }
        ConfigBase::Kernel { name, config } => {
            let base = config
                .ok_or_else(|| build.failure(NAME, format!("the kernel {name} has no configuration yet: configure or build it first")))
                .and_then(|digest| build.kept(NAME, &format!("the configuration of {name}"), digest))
                .map_err(|error| build.not_begun(NAME, error))?;
            blobs.push(("base".to_owned(), checked_base(build, name, &base)?));
        }
    }
    let fragments: Vec<(String, BlobRef)> = configuration
        .fragments
        .iter()
        .enumerate()
        .map(|(number, it)| {
            let blob = build.builder.cache.blobs.put(it.content.as_bytes())?;
            Ok((format!("fragments/{number}"), blob))
        })
        .collect::<Result<_, BuildError>>()?;
    let count = fragments.len();
    blobs.extend(fragments);
    let step = Step {
        name: NAME,
        script: include_str!("../../assets/kernels/configure.sh"),
        blobs,
        packages: Vec::new(),
        files: vec![
            ("common.sh", super::COMMON.into()),
            ("kconfig.py", include_bytes!("../../assets/kernels/kconfig.py").to_vec()),
        ],
        environment: vec![
            ("FLAVOR", flavor.word().to_owned()),
            ("TARGET", target),
            ("COUNT", count.to_string()),
        ],
    };
    let conditions = Conditions::of_source();
    let cause = Cause::new(conditions.build_size).into();
    let toolchain = &build.builder.toolchain;
    let setting = Setting { conditions, cause: Some(&cause), toolchain, ..Setting::default() };
    let outputs = run::run_under(build, &step, &setting, |outputs| {
        let config = Config::parse(&outputs.text("config")?).map_err(|fault| unreadable(&fault))?;
        config.fits(flavor).map_err(|fault| unreadable(&fault))?;
        check_release(flavor, outputs.text("release")?.trim())?;
        Ok(["requested", "config", "release", "reasons", "facts"]
            .map(|it| (it.to_owned(), outputs.path(it)))
            .into())
    })?;
    let text = |name: &str| build.text(NAME, &run::file(&outputs, NAME, name)?);
    let requested = Config::parse(&text("requested")?).map_err(|fault| unreadable(&fault))?;
    let config = Config::parse(&text("config")?).map_err(|fault| unreadable(&fault))?;
    let mut warnings = warnings::of(&config, &text("facts")?);
    if build.request.definition.debug && config.value("DEBUG_INFO") != Some("y") {
        warnings.push(
            "the package of debug symbols is asked for, and DEBUG_INFO is not set: there will be none"
                .to_owned(),
        );
    }
    let report = ConfigReport {
        release: text("release")?.trim().to_owned(),
        changed: difference(&requested, &config),
        not_kept: not_kept(configuration, &config, &text("reasons")?),
        warnings,
    };
    Ok(Configured { config: run::file(&outputs, NAME, "config")?, report })
}

/// A base that a build of this flavor can start from.
fn checked_base(
    build: &KernelBuilding<'_>,
    name: &str,
    base: &BlobRef,
) -> Result<BlobRef, BuildError> {
    let judged = || {
        if base.size > LONGEST_TEXT {
            return Err(build.failure(NAME, format!("{name} is too long to be a configuration")));
        }
        let flavor = build.request.definition.flavor;
        let fault = |fault: ConfigFault| {
            build.failure(NAME, format!("the configuration {name} cannot be taken: {fault}"))
        };
        let config = Config::parse(&build.text(NAME, base)?).map_err(fault)?;
        config.fits(flavor).map_err(fault)?;
        if config.value("X86_32") == Some("y") {
            return Err(fault(ConfigFault::Architecture { found: "i386".to_owned() }));
        }
        Ok(*base)
    };
    judged().map_err(|error| build.not_begun(NAME, error))
}

/// A release becomes part of package names (deb-control(5)) and of file names.
fn check_release(flavor: Flavor, release: &str) -> Result<(), BuildError> {
    let of_package = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"+.-".contains(&b);
    if (2..=60).contains(&release.len()) && release.bytes().all(of_package) {
        return Ok(());
    }
    let remedy = match flavor {
        Flavor::Linux => "change CONFIG_LOCALVERSION",
        Flavor::Xen => "change XEN_VENDORVERSION in its Makefile",
    };
    Err(BuildError::Step {
        step: NAME,
        why: format!(
            "it would call itself {release:?}, and Debian's packages are named by a-z, 0-9, '+', '.' and '-' alone: {remedy}"
        ),
        lines: Vec::new(),
    })
}

fn unreadable(fault: &ConfigFault) -> BuildError {
    BuildError::Unexpected {
        step: NAME,
        what: format!("a configuration that cannot be read: {fault}"),
    }
}

/// Every option of the fragments, as the last of them asks for it, that is otherwise now.
fn not_kept(configuration: &Configuration, config: &Config, reasons: &str) -> Vec<NotKept> {
    let reasons: BTreeMap<&str, &str> =
        reasons.lines().filter_map(|line| line.split_once(' ')?.1.split_once(' ')).collect();
    let mut asked: BTreeMap<String, (&str, Option<String>)> = BTreeMap::new();
    for fragment in &configuration.fragments {
        // Checked with the definition: what cannot be read asks for nothing.
        let Ok(options) = Config::parse_fragment(&fragment.content) else { continue };
        for option in options.options {
            asked.insert(option.name, (fragment.name.as_str(), option.value));
        }
    }
    asked
        .into_iter()
        .filter_map(|(name, (fragment, requested))| {
            let actual = config.value(&name).map(ToOwned::to_owned);
            (actual != requested).then(|| NotKept {
                reason: reasons
                    .get(name.as_str())
                    .map_or("the tree did not take it", |it| it)
                    .to_owned(),
                fragment: fragment.to_owned(),
                name,
                requested,
                actual,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use domain::kernel::Fragment;

    use super::*;

    #[test]
    fn what_did_not_stick_is_told_with_its_reason() {
        let fragment = |name: &str, content: &str| Fragment {
            name: name.to_owned(),
            content: content.to_owned(),
        };
        let configuration = Configuration {
            base: ConfigBase::Defconfig { target: "tinyconfig".to_owned() },
            fragments: vec![
                fragment("a", "CONFIG_ONE=y\nCONFIG_TWO=y\n"),
                fragment("b", "# CONFIG_ONE is not set\nCONFIG_THREE=m\n"),
            ],
        };
        let config = Config::parse("CONFIG_THREE=y\n# CONFIG_TWO is not set\n").unwrap();
        let reasons = "0 TWO it depends on X: X is not set\n";
        let found = not_kept(&configuration, &config, reasons);
        let found: Vec<_> = found
            .iter()
            .map(|it| (it.name.as_str(), it.fragment.as_str(), it.reason.as_str()))
            .collect();
        assert_eq!(
            found,
            [
                ("THREE", "b", "the tree did not take it"),
                ("TWO", "a", "it depends on X: X is not set")
            ]
        );
    }

    #[test]
    fn releases_that_no_package_can_have_are_refused() {
        check_release(Flavor::Linux, "6.1.170-lab+1").unwrap();
        for release in ["6.1.170-LAB", "6.1_x", "", "6", "6.1 x"] {
            let error = check_release(Flavor::Linux, release).unwrap_err().to_string();
            assert!(error.contains("CONFIG_LOCALVERSION"), "{error}");
        }
    }
}
