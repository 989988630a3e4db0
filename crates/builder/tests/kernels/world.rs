//! A builder of kernels as the system user, and who watches it.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use builder::{BuildError, BuilderConfig, KernelOutput, KernelRequest};
use domain::{
    ids::KernelId,
    kernel::{BuildMode, ConfigBase, Configuration, Definition, Flavor, Fragment, Source},
};

pub(crate) use crate::support::Watch;
use crate::support::{self, Bench, CACHE, become_system_user};

/// The small kernel that other tests boot as well: from the same entries of the step cache.
pub(crate) const SMALL: &str = include_str!("../../../../examples/small-linux.config");

pub(crate) struct World {
    bench: Bench,
    pub(crate) kernel: KernelId,
}

impl std::ops::Deref for World {
    type Target = Bench;

    fn deref(&self) -> &Bench {
        &self.bench
    }
}

impl World {
    /// With the cache that tests share.
    pub(crate) fn shared() -> Self {
        Self::new(|config| config.cache_dir = PathBuf::from(CACHE))
    }

    /// With nothing in any cache, and so many compilers at once.
    pub(crate) fn empty(jobs: usize) -> Self {
        Self::new(|config| config.kernel_jobs = jobs)
    }

    fn new(change: impl FnOnce(&mut BuilderConfig)) -> Self {
        become_system_user();
        let bench = Bench::in_folder(support::folder("kernels"), change);
        Self { bench, kernel: KernelId::from("0195d1a4-7c3b-7000-8000-000000000001") }
    }

    pub(crate) fn build(
        &self,
        definition: &Definition,
        mode: BuildMode,
        watch: &Watch,
    ) -> Result<KernelOutput, BuildError> {
        let request = KernelRequest {
            kernel: self.kernel.clone(),
            name: "small".to_owned(),
            definition: definition.clone(),
            mode,
        };
        self.builder.build_kernel(&request, watch)
    }

    /// Builds what is to fail; gives what people read.
    pub(crate) fn refused(&self, definition: &Definition, mode: BuildMode) -> String {
        let error = self.build(definition, mode, &Watch::default()).unwrap_err();
        self.assert_nothing_left();
        error.to_string()
    }
}

pub(crate) fn fragment(name: &str, content: &str) -> Fragment {
    Fragment { name: name.to_owned(), content: content.to_owned() }
}

/// From `source`, over tinyconfig.
pub(crate) fn tiny(source: Source, fragments: Vec<Fragment>) -> Definition {
    Definition {
        flavor: Flavor::Linux,
        source,
        configuration: Some(Configuration {
            base: ConfigBase::Defconfig { target: "tinyconfig".to_owned() },
            fragments,
        }),
        patches: Vec::new(),
        debug: false,
    }
}

/// The small kernel of Debian's source.
pub(crate) fn small() -> Definition {
    let source = Source::DebianSource {
        suite: "bookworm".to_owned(),
        package: "linux-source-6.1".to_owned(),
        version: None,
    };
    tiny(source, vec![fragment("small", SMALL)])
}

/// Runs a script of Python, with the folder as its last argument.
pub(crate) fn python(script: &str, folder: &Path) {
    let status = Command::new("python3").args(["-c", script]).arg(folder).status().unwrap();
    assert!(status.success());
}
