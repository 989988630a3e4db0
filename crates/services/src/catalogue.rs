//! What machines may boot, kept in memory for the boot listener and swapped after each commit.

use std::{collections::BTreeMap, sync::Arc};

use domain::{environment::PRODUCTION, manifest::Manifest, release::Release};
use netboot::{Served, Snapshot};

use crate::{Services, error::ServiceError};

impl Services {
    /// Reads anew what machines may boot. Whatever changes a release's stage or an environment's
    /// pointer calls this after its commit and before it answers, so that who was told of a
    /// deployment sees it served.
    pub(crate) async fn refresh_catalogue(&self) -> Result<(), ServiceError> {
        self.count_room_anew();
        let mut rows = self.read().await?;
        let releases = rows.bootable_releases().await?;
        let environments = rows.environments().await?;
        let variants = rows.kept_variant_builds().await?;
        let served: BTreeMap<_, _> = releases
            .into_iter()
            .map(|(release, manifest)| {
                let id = release.id.clone();
                serve(&release, manifest).map(|served| (id, (release, Arc::new(served))))
            })
            .collect::<Result<_, ServiceError>>()?;
        let mut snapshot = Snapshot::default();
        PRODUCTION.clone_into(&mut snapshot.default_environment);
        for (release, served) in served.values() {
            snapshot.add(served.clone(), &release.version.to_string());
            if release.released_at.is_some() {
                snapshot.add(served.clone(), &release.version.target.to_string());
            }
        }
        let mut slots = Vec::new();
        for environment in environments {
            for filled in rows.slots(&environment.name).await? {
                slots.push((environment.name.clone(), filled));
            }
            let points_at = environment
                .release
                .and_then(|id| served.get(&id).map(|(_, served)| served.clone()));
            snapshot.environments.insert(environment.name, points_at);
        }
        // By variant, newest first: machines that boot an earlier one finish on that.
        for it in variants.into_iter().filter(|it| it.deleted_at.is_none()) {
            let digest = it.manifest.digest()?;
            let name = format!("variant {}", it.name);
            let served = Arc::new(Served { name, digest, manifest: it.manifest });
            snapshot.add_variant(served, &it.name, it.expires_at);
        }
        for (environment, filled) in slots {
            snapshot.fill_slot(&environment, filled.slot, &filled.variant);
        }
        self.catalogue().swap(snapshot);
        Ok(())
    }
}

fn serve(release: &Release, manifest: Manifest) -> Result<Served, ServiceError> {
    Ok(Served { name: release.name(), digest: manifest.digest()?, manifest })
}
