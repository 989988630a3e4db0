//! Kernels of an installation in which nothing works: what a worker would have written is written
//! past the services.

use domain::{
    blob::BlobRef,
    digest::Digest,
    job::JobState,
    kernel::{
        BuildMode, ConfigBase, ConfigReport, Configuration, Definition, Flavor, KernelFile,
        KernelFileRole, Record, Source, SourceRecord,
    },
    person::Role,
};

use super::World;

/// A definition that is configured by that target of the tree's Makefile.
pub(crate) fn definition(target: &str) -> Definition {
    Definition {
        flavor: Flavor::Linux,
        source: Source::DebianSource {
            suite: "bookworm".to_owned(),
            package: "linux-source-6.1".to_owned(),
            version: None,
        },
        configuration: Some(Configuration {
            base: ConfigBase::Defconfig { target: target.to_owned() },
            fragments: Vec::new(),
        }),
        patches: Vec::new(),
        debug: false,
    }
}

impl World {
    /// The name of a kernel of which nothing was made yet.
    pub(crate) async fn kernel(&self) -> String {
        let name = format!("kernel-{}", self.number());
        self.add_kernel(&name).await;
        name
    }

    async fn add_kernel(&self, name: &str) {
        let dave = self.actor(Role::Developer).await;
        self.services.create_kernel(&dave, name, definition("tinyconfig")).await.unwrap();
    }

    /// A kernel with a complete build for releases that came to this configuration and these files.
    pub(crate) async fn built_kernel(
        &self,
        name: &str,
        config: &str,
        files: &[(KernelFileRole, &str, &[u8])],
    ) {
        self.add_kernel(name).await;
        self.build_kernel(name, config, files).await;
    }

    /// A kernel with so many complete builds.
    pub(crate) async fn rebuilt_kernel(&self, name: &str, builds: u32) {
        self.add_kernel(name).await;
        for number in 0..builds {
            self.build_kernel(name, &format!("CONFIG_NUMBER={number}\n"), &[]).await;
        }
    }

    async fn build_kernel(
        &self,
        name: &str,
        config: &str,
        files: &[(KernelFileRole, &str, &[u8])],
    ) {
        let dave = self.actor(Role::Developer).await;
        let job = self.services.start_kernel_build(&dave, name, BuildMode::Release).await.unwrap();
        let blobs = blobs::BlobStore::open(&self.folder().join("blobs")).unwrap();
        let put = |bytes: &[u8]| -> BlobRef { blobs.put(bytes).unwrap() };
        let files = files.iter().map(|(role, name, bytes)| {
            let BlobRef { sha256, size } = put(bytes);
            KernelFile { role: *role, name: (*name).to_owned(), size, sha256 }
        });
        let release = "6.1.170".to_owned();
        let record = Record {
            schema: 1,
            flavor: Flavor::Linux,
            release: release.clone(),
            mode: BuildMode::Release,
            source: SourceRecord {
                origin: "linux-source-6.1 6.1.170-1".to_owned(),
                sha256: Digest::of(config),
                commit: None,
                patches: Vec::new(),
            },
            epoch: 1,
            toolchain: vec!["gcc 12.2.0".to_owned()],
            files: files.collect(),
            packages: Vec::new(),
            commands: "make bindeb-pkg\n".to_owned(),
        };
        let report = ConfigReport { release, ..ConfigReport::default() };
        let config = put(config.as_bytes());
        let mut tx = self.store.begin().await.unwrap();
        tx.set_configured(&job.id, Some(&report), &config).await.unwrap();
        tx.complete_kernel_build(&job.id, &record).await.unwrap();
        let (done, outcome) = (JobState::Succeeded, "it is complete");
        tx.end_job(&job.id, done, outcome, None, Self::now()).await.unwrap();
        tx.commit().await.unwrap();
    }
}
