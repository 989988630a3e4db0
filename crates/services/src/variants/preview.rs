//! What a definition would do, before anything is built: apt's own simulation.

use builder::{BuildObserver, Simulation, StepEvent, VariantRequest};
use domain::{
    actor::Actor,
    lock::{Lock, LockedPackage},
    manifest::Manifest,
    policy::Action,
    variant::{self, Definition, Ground, LayerEstimate, VariantLock, unconfirmed},
};
use serde::{Deserialize, Serialize};
use store::Rows;

use super::{building::frozen_base, no_variant};
use crate::{Services, error::ServiceError, variants::changing::faulty};

/// Among how many builds those are looked for that tell what a next one takes.
const RECENT_BUILDS: u32 = 100;
/// How many builds tell what a next one takes.
const TIMED_BUILDS: usize = 20;
/// How many packages a search gives.
const MOST_FOUND: usize = 50;

/// What a definition would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preview {
    /// The release that it would change.
    pub base: String,
    /// Length of that release's image in bytes.
    pub base_size: u64,
    /// What would be installed and removed; absent where apt refuses.
    pub lock: Option<VariantLock>,
    /// Why apt refuses.
    pub refused: Option<String>,
    /// Names of what would be removed and nobody has agreed to.
    pub unconfirmed: Vec<String>,
    /// What would do nothing on that release, a sentence each.
    pub without_effect: Vec<String>,
    /// What is known of the layer.
    pub layer: LayerEstimate,
    /// What the last builds of that kind took that made a layer, in milliseconds: the middle of them.
    pub expected_ms: Option<u64>,
}

/// A package of the archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundPackage {
    /// Package name.
    pub name: String,
    /// Debian version.
    pub version: String,
    /// The suite that has it.
    pub suite: String,
    /// What it takes on the disk, in KiB.
    pub installed_kib: u64,
    /// Length of the `.deb` in bytes.
    pub size: u64,
    /// What it is, in one line.
    pub description: String,
}

impl Services {
    /// Says what a definition would do: where it is to change `variant`, also what it would lose of
    /// what that stood on before. Own kernels, which may have to be made first, have no part in what
    /// apt is asked.
    ///
    /// # Errors
    /// Where the actor may not read, there is no such variant, the definition has faults, or the
    /// mirror does not answer.
    pub async fn preview_variant(
        &self,
        actor: &Actor,
        definition: Definition,
        variant: Option<&str>,
    ) -> Result<Preview, ServiceError> {
        Action::EditVariant.allowed_to(&actor.who)?;
        faulty(&variant::faults(&definition))?;
        let mut rows = self.read().await?;
        faulty(&variant::unknown_kernels(&definition, &rows.kernel_flavors().await?))?;
        let base = frozen_base(&mut rows, &definition.base).await?;
        variant::menu(&base.manifest, &definition)
            .map_err(|why| ServiceError::invalid("kernels", why.to_string()))?;
        let former = match variant {
            Some(name) => stood_on(&mut rows, name).await?,
            None => None,
        };
        let expected_ms = expected(rows.variant_build_times(RECENT_BUILDS).await?, &definition);
        let mut layer = written(&mut rows, &definition).await?;
        let base = base.for_builder(&mut rows).await?;
        drop(rows);
        let (name, manifest) = (base.name.clone(), base.manifest.clone());
        let images = manifest.images.iter().filter_map(|name| manifest.component(name));
        let base_size = images.map(|it| it.size).sum();
        let request = VariantRequest {
            definition: definition.clone(),
            base,
            kernels: Vec::new(),
            lock: None,
        };
        let builder = self.builder().clone();
        let simulate = move || builder.simulate(&request, &Nobody);
        let simulated =
            tokio::task::spawn_blocking(simulate).await.map_err(ServiceError::internal)?;
        let (lock, refused) = match simulated.map_err(unavailable)? {
            Simulation::Possible(lock) => (Some(*lock), None),
            Simulation::Refused(why) => (None, Some(why)),
        };
        let unconfirmed =
            lock.as_ref().map_or_else(Vec::new, |lock| unconfirmed(lock, &definition));
        let changes = lock.iter().flat_map(|lock| &lock.changes);
        layer.packages =
            changes.filter(|it| it.to.is_some()).map(|it| it.installed_kib << 10).sum();
        let former = former.as_ref().map(|(name, manifest)| Ground { name, manifest });
        let base = Ground { name: &name, manifest: &manifest };
        let without_effect = variant::without_effect(&definition, lock.as_ref(), base, former);
        Ok(Preview {
            base: name,
            base_size,
            lock,
            refused,
            unconfirmed,
            without_effect,
            layer,
            expected_ms,
        })
    }

    /// Packages of a release's suites whose name or description has all the words in it, the best
    /// first, 50 at the most.
    ///
    /// # Errors
    /// Where the actor may not read, there is no such release, or the mirror does not answer.
    pub async fn search_packages(
        &self,
        actor: &Actor,
        base: &str,
        suites: Vec<String>,
        words: &str,
    ) -> Result<Vec<FoundPackage>, ServiceError> {
        Action::Read.allowed_to(&actor.who)?;
        for suite in &suites {
            variant::check_suite(suite).map_err(|why| ServiceError::invalid("suite", why))?;
        }
        let mut rows = self.read().await?;
        let base = frozen_base(&mut rows, base).await?.for_builder(&mut rows).await?;
        if words.trim().is_empty() {
            return Ok(Vec::new());
        }
        drop(rows);
        let builder = self.builder().clone();
        let list = move || builder.archive_packages(&base.recipe, &suites, &Nobody);
        let list = tokio::task::spawn_blocking(list).await.map_err(ServiceError::internal)?;
        let words: Vec<String> = words.split_whitespace().map(str::to_lowercase).collect();
        Ok(search(&list.map_err(unavailable)?, &words))
    }
}

/// The release that a variant was built on last, else the one that it names.
async fn stood_on(
    rows: &mut Rows,
    variant: &str,
) -> Result<Option<(String, Manifest)>, ServiceError> {
    let row = rows.variant(variant).await?.ok_or_else(|| no_variant(variant))?.variant;
    if let Some(built) = rows.built_variant(&row.id).await? {
        let manifest = rows.manifest_of(&built.base).await?;
        return Ok(manifest.map(|manifest| (built.build.base, manifest)));
    }
    // One that is gone tells nothing, and is no reason to say nothing else.
    let base = frozen_base(rows, &row.definition.base).await.ok();
    Ok(base.map(|base| (base.release.name(), base.manifest)))
}

/// The middle of what the newest builds took that had the same kinds of things to do; of all where
/// none had.
fn expected(took: Vec<(i64, Definition)>, definition: &Definition) -> Option<u64> {
    let kind = |it: &Definition| (it.asks_apt(), it.kernels.is_empty(), it.playbook.is_some());
    let (alike, others): (Vec<_>, Vec<_>) =
        took.into_iter().partition(|(_, it)| kind(it) == kind(definition));
    let told = if alike.is_empty() { others } else { alike };
    let mut took: Vec<i64> = told.into_iter().take(TIMED_BUILDS).map(|(took, _)| took).collect();
    took.sort_unstable();
    took.get(took.len() / 2).and_then(|it| u64::try_from(it / 1000).ok())
}

/// What a layer would hold besides the packages that apt installs.
async fn written(rows: &mut Rows, definition: &Definition) -> Result<LayerEstimate, ServiceError> {
    let mut layer = LayerEstimate {
        unknown: variant::written_by_programs(definition),
        ..LayerEstimate::default()
    };
    for file in &definition.files {
        layer.files += file.content.as_ref().map_or(0, |it| it.len() as u64);
        if let Some(upload) = &file.upload {
            layer.files += rows.upload_size(upload).await?.unwrap_or_default();
        }
    }
    // An image alone lies beside the layer.
    for package in definition.kernels.iter().flat_map(|it| &it.packages) {
        layer.kernels += rows.upload_size(package).await?.unwrap_or_default();
    }
    for name in definition.own_kernels().into_keys() {
        let builds = rows.newest_kernel_builds(name, name).await?;
        let record = builds.into_iter().find_map(|it| it.build.record);
        match record.and_then(|it| LockedPackage::of_kernel(name, &it)) {
            Some(package) => layer.kernels += package.size,
            None => layer.unknown.push(format!("the kernel {name}, which was not built yet")),
        }
    }
    Ok(layer)
}

/// A name that is the word comes first, then one that begins with it, then one that has it, then what
/// only the description has.
fn search(list: &str, words: &[String]) -> Vec<FoundPackage> {
    let Some(first) = words.first() else { return Vec::new() };
    let mut found: Vec<(u8, &str, FoundPackage)> = list
        .lines()
        .filter_map(|line| {
            let mut fields = line.split('\t');
            let name = fields.next()?;
            let (version, suite) = (fields.next()?, fields.next()?);
            let installed_kib = fields.next()?.parse().ok()?;
            let size = fields.next()?.parse().ok()?;
            let description = fields.next()?;
            let small = description.to_lowercase();
            if !words.iter().all(|word| name.contains(word) || small.contains(word)) {
                return None;
            }
            let rank = match name {
                name if name == first => 0,
                name if name.starts_with(first.as_str()) => 1,
                name if name.contains(first.as_str()) => 2,
                _ => 3,
            };
            let package = FoundPackage {
                name: name.to_owned(),
                version: version.to_owned(),
                suite: suite.to_owned(),
                installed_kib,
                size,
                description: description.to_owned(),
            };
            Some((rank, name, package))
        })
        .collect();
    found.sort_by(|a, b| (a.0, a.1).cmp(&(b.0, b.1)));
    found.truncate(MOST_FOUND);
    found.into_iter().map(|(_, _, package)| package).collect()
}

fn unavailable(error: builder::BuildError) -> ServiceError {
    match error {
        builder::BuildError::Mirror(_) | builder::BuildError::Base { .. } => {
            ServiceError::Unavailable(domain::error_chain::chain(&error))
        }
        other => ServiceError::internal(other),
    }
}

/// A question has no log.
struct Nobody;

impl BuildObserver for Nobody {
    fn step(&self, _event: StepEvent<'_>) {}

    fn log(&self, _step: &str, _line: &str) {}

    fn lock_resolved(&self, _lock: &Lock) {}

    fn cancelled(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "htop\t3.2.2-2\tbookworm\t394\t152400\tinteractive processes viewer\n\
        libhtop\t1\tbookworm\t1\t1\tlibrary\nhtop-extra\t1\tbookworm\t1\t1\tmore\n\
        procps\t4\tbookworm\t1\t1\tlike htop: /proc file system utilities\n";

    #[test]
    fn builds_of_the_same_kind_tell_what_a_next_one_takes() {
        let with = |text: &str| variant::parse(text).unwrap();
        let (plain, packages) = (with("hostname = \"a\""), with("[packages]\nadd = [\"htop\"]"));
        let took = vec![
            (9_000_000, packages.clone()),
            (1_000_000, plain.clone()),
            (7_000_000, packages.clone()),
            (8_000_000, packages.clone()),
        ];
        assert_eq!(expected(took.clone(), &packages), Some(8000));
        assert_eq!(expected(took.clone(), &plain), Some(1000));
        let kernel = with("[[kernels]]\nalias = \"vmlinuz-dev\"\nkernel = \"lab\"");
        assert_eq!(expected(took, &kernel), Some(8000), "others where none is alike");
        assert_eq!(expected(Vec::new(), &plain), None);
    }

    #[test]
    fn the_name_itself_is_found_first() {
        let words = |text: &str| -> Vec<String> { text.split(' ').map(str::to_owned).collect() };
        let names = |found: Vec<FoundPackage>| -> Vec<String> {
            found.into_iter().map(|it| it.name).collect()
        };
        assert_eq!(
            names(search(LIST, &words("htop"))),
            ["htop", "htop-extra", "libhtop", "procps"]
        );
        assert_eq!(names(search(LIST, &words("htop viewer"))), ["htop"]);
        assert!(search(LIST, &[]).is_empty());
    }
}
