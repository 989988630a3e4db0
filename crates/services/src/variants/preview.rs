//! What a definition would do, before anything is built: apt's own simulation.

use builder::{BuildObserver, Simulation, StepEvent, VariantRequest};
use domain::{
    actor::Actor,
    lock::Lock,
    policy::Action,
    variant::{self, Definition, VariantLock, unconfirmed},
};
use serde::{Deserialize, Serialize};

use super::building::frozen_base;
use crate::{Services, error::ServiceError, variants::changing::faulty};

/// How many builds tell what a next one takes.
const TIMED_BUILDS: u32 = 20;
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
    /// What the layer would take at the most, in bytes: what is installed, not compressed.
    pub installed_size: u64,
    /// What the last builds of variants took, in milliseconds: the middle of them.
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
    /// Says what a definition would do. Own kernels, which may have to be made first, have no part in
    /// it.
    ///
    /// # Errors
    /// Where the actor may not read, the definition has faults, or the mirror does not answer.
    pub async fn preview_variant(
        &self,
        actor: &Actor,
        definition: Definition,
    ) -> Result<Preview, ServiceError> {
        Action::EditVariant.allowed_to(&actor.who)?;
        faulty(&variant::faults(&definition))?;
        let mut rows = self.read().await?;
        faulty(&variant::unknown_kernels(&definition, &rows.kernel_flavors().await?))?;
        let base = frozen_base(&mut rows, &definition.base).await?;
        variant::menu(&base.manifest, &definition)
            .map_err(|why| ServiceError::invalid("kernels", why.to_string()))?;
        let mut took = rows.variant_build_times(TIMED_BUILDS).await?;
        took.sort_unstable();
        let expected_ms = took.get(took.len() / 2).and_then(|it| u64::try_from(it / 1000).ok());
        let base = base.for_builder(&mut rows).await?;
        drop(rows);
        let base_size = base
            .manifest
            .images
            .iter()
            .filter_map(|name| base.manifest.component(name))
            .map(|it| it.size)
            .sum();
        let name = base.name.clone();
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
        let installed_size = lock.iter().flat_map(|lock| &lock.changes);
        let installed_size =
            installed_size.filter(|it| it.to.is_some()).map(|it| it.installed_kib << 10).sum();
        Ok(Preview {
            base: name,
            base_size,
            lock,
            refused,
            unconfirmed,
            installed_size,
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
