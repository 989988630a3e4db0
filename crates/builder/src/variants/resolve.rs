//! `resolve` and `fetch`: what a change of packages does, by apt's own simulation, and its `.deb`s.

use std::collections::BTreeMap;

use domain::{
    lock::{LockedPackage, Part},
    packages::pinned,
    time::human_size,
    variant::{PackageChange, VariantLock},
};

use super::{VariantBuilding, index};
use crate::{
    BuildError,
    packages::{self, Suites, field},
    steps::{
        fetch,
        own_kernels::Made,
        resolve::{self, Archive},
        run::{self, Step},
    },
};

const NAME: &str = "resolve";

/// What apt says that a change of packages would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Simulation {
    /// It would do this.
    Possible(Box<VariantLock>),
    /// It would not, and says why.
    Refused(String),
}

pub(super) fn run(build: &VariantBuilding<'_>, made: &[Made]) -> Result<VariantLock, BuildError> {
    build.unkeyed(NAME, || match simulate(build, made)? {
        Simulation::Possible(lock) => {
            let message = told(&lock);
            build.log(NAME, &message);
            Ok((*lock, Some(message)))
        }
        Simulation::Refused(why) => Err(BuildError::AptRefuses(why)),
    })
}

/// `2 packages to install, 1 to remove, 3.1 MiB to fetch`.
fn told(lock: &VariantLock) -> String {
    let removed = lock.removed().count();
    match (lock.install.len(), removed) {
        (0, 0) => "no package changes".to_owned(),
        (install, 0) => {
            format!("{install} to install, {}", human_size(lock.download_size()))
        }
        (install, removed) => format!(
            "{install} to install, {}, {removed} to remove",
            human_size(lock.download_size())
        ),
    }
}

/// Asks apt, with the packages of kernels that are made already.
pub(super) fn simulate(
    build: &VariantBuilding<'_>,
    made: &[Made],
) -> Result<Simulation, BuildError> {
    let (definition, base) = (&build.request.definition, &build.request.base);
    let archive = Archive::of(&base.recipe).with(&definition.suites());
    let empty = VariantLock {
        schema: 1,
        base: base.digest()?,
        epoch: base.epoch,
        install: Vec::new(),
        changes: Vec::new(),
        kernels: Vec::new(),
        busybox: None,
    };
    if !definition.asks_apt() && definition.kernels.is_empty() {
        // Nothing of it depends on what the archive has now.
        return Ok(Simulation::Possible(Box::new(empty)));
    }
    let known = index::run(build, &archive)?;
    let wanted = wanted(build);
    let step = Step {
        name: NAME,
        script: include_str!("../../assets/variants/resolve.sh"),
        blobs: vec![
            ("image.squashfs".to_owned(), base.image()?),
            ("apt.tar".to_owned(), known.apt),
        ],
        files: vec![
            ("install", wanted.into_bytes()),
            (
                "list",
                run::package_list(&made.iter().map(|it| it.package.sha256).collect::<Vec<_>>()),
            ),
        ],
        packages: made.iter().map(|it| it.package.sha256).collect(),
        environment: Vec::new(),
    };
    let outputs = run::run_unseen(build, &step, |outputs| {
        let names = ["status", "simulation", "said", "code", "stanzas", "suites"];
        Ok(names.map(|it| (it.to_owned(), outputs.path(it))).into())
    })?;
    let text = |name: &str| build.cached_text(NAME, &run::file(&outputs, NAME, name)?);
    if text("code")?.trim() != "0" {
        let said = refusal(&text("said")?, &text("simulation")?);
        return Ok(Simulation::Refused(with_nearest(build, said, &known)?));
    }
    let stanzas = text("stanzas")?;
    let suites = text("suites")?;
    let suites = Suites::read(archive.suite, &suites);
    let mut install = packages::locked(&stanzas, Part::Rootfs, &suites).ok_or_else(|| {
        BuildError::Unexpected { step: NAME, what: "the index lacks fields".to_owned() }
    })?;
    install.extend(made.iter().map(|it| it.package.clone()));
    install.sort_by(|a, b| (&a.name, &a.architecture).cmp(&(&b.name, &b.architecture)));
    let changes = changes(&text("simulation")?, &text("status")?, &stanzas)?;
    let busybox = match (&base.busybox, definition.kernels.is_empty()) {
        (_, true) => None,
        (Some(busybox), false) => Some(busybox.clone()),
        (None, false) => Some(resolve::busybox(build, &base.recipe)?),
    };
    let mut kernels: Vec<_> = made.iter().map(|it| it.kernel.clone()).collect();
    kernels.sort_by(|a, b| a.name.cmp(&b.name));
    let missing = changes
        .iter()
        .find(|change| change.to.is_some() && !install.iter().any(|it| it.name == change.name));
    if let Some(missing) = missing {
        let what = format!("{} {:?}, which no index has", missing.name, missing.to);
        return Err(BuildError::Unexpected { step: NAME, what });
    }
    Ok(Simulation::Possible(Box::new(VariantLock { install, changes, kernels, busybox, ..empty })))
}

/// What apt is asked for, a line each.
fn wanted(build: &VariantBuilding<'_>) -> String {
    let definition = &build.request.definition;
    let add = definition.packages.add.iter().cloned();
    let kernels = definition.kernels.iter().filter_map(|it| it.package.clone());
    let remove = definition.packages.remove.iter().map(|it| format!("{it}-"));
    add.chain(kernels).chain(remove).map(|it| it + "\n").collect()
}

/// What apt says where it refuses, without its habits.
fn refusal(said: &str, simulation: &str) -> String {
    let errors: Vec<&str> =
        said.lines().filter_map(|line| line.strip_prefix("E: ")).map(str::trim).collect();
    let unmet: Vec<&str> = simulation
        .lines()
        .skip_while(|line| !line.starts_with("The following packages have unmet dependencies"))
        .skip(1)
        .take_while(|line| line.starts_with(' '))
        .map(str::trim)
        .collect();
    match (unmet.is_empty(), errors.is_empty()) {
        (false, _) => unmet.join("; "),
        (true, false) => errors.join("; "),
        (true, true) => "it does not say why".to_owned(),
    }
}

/// Adds the nearest names where a package does not exist.
fn with_nearest(
    build: &VariantBuilding<'_>,
    said: String,
    known: &index::Known,
) -> Result<String, BuildError> {
    let Some(name) = said.strip_prefix("Unable to locate package ") else { return Ok(said) };
    let name = name.split(';').next().unwrap_or_default().trim();
    let list = build.cached_text("index", &known.packages)?;
    let names = list.lines().filter_map(|line| line.split('\t').next());
    let near = domain::packages::nearest_names(name, names);
    let archive = Archive::of(&build.request.base.recipe).with(&build.request.definition.suites());
    let suites = archive.suites().join(", ");
    Ok(if near.is_empty() {
        format!("{suites} has no package {name}")
    } else {
        format!("{suites} has no package {name}; did you mean {}?", near.join(", "))
    })
}

/// Reads what apt says that it would do: `Inst name [from] (to Origin [architecture])`, `Remv name
/// [from]`, `Purg name [from]`.
fn changes(
    simulation: &str,
    status: &str,
    stanzas: &str,
) -> Result<Vec<PackageChange>, BuildError> {
    let there = by_name(status);
    let coming = by_name(stanzas);
    let kib = |stanza: Option<&&str>| {
        stanza.and_then(|it| field(it, "Installed-Size")?.parse().ok()).unwrap_or(0)
    };
    let mut found = BTreeMap::new();
    for line in simulation.lines() {
        let mut words = line.split(' ');
        let (verb, Some(name)) = (words.next().unwrap_or_default(), words.next()) else { continue };
        let (name, _) = name.split_once(':').unwrap_or((name, ""));
        let from = line
            .split_once(" [")
            .filter(|(before, _)| !before.contains('('))
            .and_then(|(_, rest)| rest.split(']').next())
            .map(ToOwned::to_owned);
        let stanza = there.get(name);
        match verb {
            "Inst" => {
                let strange = || BuildError::Unexpected { step: NAME, what: line.to_owned() };
                let inside = line.split_once('(').ok_or_else(strange)?.1;
                let inside = inside.split(')').next().unwrap_or_default();
                let to = inside.split(' ').next().unwrap_or_default().to_owned();
                let architecture = inside
                    .rsplit_once('[')
                    .and_then(|(_, rest)| rest.split(']').next())
                    .unwrap_or_default()
                    .to_owned();
                let installed_kib = kib(coming.get(name));
                found.insert(
                    name.to_owned(),
                    PackageChange {
                        name: name.to_owned(),
                        architecture,
                        from,
                        to: Some(to),
                        installed_kib,
                        essential: false,
                    },
                );
            }
            "Remv" | "Purg" => {
                let of = |key| stanza.and_then(|it| field(it, key));
                let essential =
                    [of("Essential"), of("Important"), of("Protected")].contains(&Some("yes"));
                let change = PackageChange {
                    name: name.to_owned(),
                    architecture: of("Architecture").unwrap_or_default().to_owned(),
                    from: from.or_else(|| of("Version").map(ToOwned::to_owned)),
                    to: None,
                    installed_kib: kib(stanza),
                    essential,
                };
                found.entry(name.to_owned()).or_insert(change);
            }
            _ => {}
        }
    }
    Ok(found.into_values().collect())
}

fn by_name(stanzas: &str) -> BTreeMap<&str, &str> {
    let named = |it| Some((field(it, "Package")?, it));
    stanzas.split("\n\n").filter_map(named).collect()
}

/// Fetches what is installed, into the pool where it stays.
pub(super) fn fetch(build: &VariantBuilding<'_>, lock: &VariantLock) -> Result<(), BuildError> {
    let packages: Vec<LockedPackage> = lock.install.iter().chain(&lock.busybox).cloned().collect();
    fetch::packages(build, &Archive::of(&build.request.base.recipe), &packages)
}

/// What apt is to do in the tree: `<name>=<version>` and `<name>-`, a line each; and which of it came
/// along unasked.
pub(super) fn orders(build: &VariantBuilding<'_>, lock: &VariantLock) -> (String, String) {
    let definition = &build.request.definition;
    let asked: Vec<&str> = definition
        .packages
        .add
        .iter()
        .map(|it| pinned(it).0)
        .chain(definition.kernels.iter().filter_map(|it| Some(pinned(it.package.as_deref()?).0)))
        .chain(lock.kernels.iter().map(|it| it.package.as_str()))
        .collect();
    let change = lock.changes.iter().map(|it| match &it.to {
        Some(version) => format!("{}={version}\n", it.name),
        None => format!("{}-\n", it.name),
    });
    let automatic = lock
        .changes
        .iter()
        .filter(|it| it.from.is_none() && !asked.contains(&it.name.as_str()))
        .map(|it| format!("{}\n", it.name));
    (change.collect(), automatic.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIMULATION: &str = "Reading package lists...\nThe following NEW packages will be installed:\n  htop\n\
        Purg nano [7.2-1+deb12u1]\n\
        Remv less [590-2.1~deb12u2] [libc6 ]\n\
        Inst libnl-3-200 (3.7.0-0.2+b1 Debian:12.15/oldstable [amd64])\n\
        Inst bash [5.2.15-2+b7] (5.2.15-2+b8 Debian:12.15/oldstable [amd64]) [libc6 ]\n\
        Conf bash (5.2.15-2+b8 Debian:12.15/oldstable [amd64])\n";

    #[test]
    fn a_simulation_is_read() {
        let status = "Package: nano\nVersion: 7.2-1+deb12u1\nArchitecture: amd64\nInstalled-Size: 2871\n\n\
            Package: less\nEssential: yes\nVersion: 590\nArchitecture: amd64\nInstalled-Size: 300\n";
        let stanzas = "Suite: bookworm\nPackage: libnl-3-200\nInstalled-Size: 200\n\nSuite: bookworm\nPackage: bash\nInstalled-Size: 7164\n";
        let changes = changes(SIMULATION, status, stanzas).unwrap();
        let shown: Vec<_> = changes
            .iter()
            .map(|it| (it.name.as_str(), it.from.as_deref(), it.to.as_deref(), it.installed_kib))
            .collect();
        assert_eq!(
            shown,
            [
                ("bash", Some("5.2.15-2+b7"), Some("5.2.15-2+b8"), 7164),
                ("less", Some("590-2.1~deb12u2"), None, 300),
                ("libnl-3-200", None, Some("3.7.0-0.2+b1"), 200),
                ("nano", Some("7.2-1+deb12u1"), None, 2871),
            ]
        );
        assert!(changes[1].essential && !changes[3].essential);
        assert_eq!(changes[0].architecture, "amd64");
    }

    #[test]
    fn a_refusal_says_what_matters() {
        assert_eq!(
            refusal("W: x\nE: Unable to locate package htpo\n", ""),
            "Unable to locate package htpo"
        );
        let unmet = "Some packages could not be installed.\nThe following packages have unmet dependencies:\n a : Conflicts: b but 1 is to be installed\n b : Depends: c\nE: x\n";
        let said = "E: Unable to correct problems, you have held broken packages.\n";
        assert_eq!(
            refusal(said, unmet),
            "a : Conflicts: b but 1 is to be installed; b : Depends: c"
        );
        assert_eq!(refusal("", ""), "it does not say why");
    }
}
