//! Builds a recipe by hand: `build RECIPE DATA-DIR [MIRROR]`, as an ordinary user.

use std::{path::PathBuf, sync::Arc};

use blobs::BlobStore;
use builder::{
    BuildObserver, BuildRequest, Builder, BuilderConfig, LockChoice, SigningKey, SourceRules,
    StepEvent,
};
use domain::{lock::Lock, recipe, version::TargetVersion};
use process::Spawner;

struct Print;

impl BuildObserver for Print {
    fn step(&self, event: StepEvent<'_>) {
        if !matches!(event, StepEvent::Progress { .. }) {
            println!("== {event:?}");
        }
    }

    fn log(&self, step: &str, line: &str) {
        println!("{step:<10} {line}");
    }

    fn lock_resolved(&self, _: &Lock) {}

    fn cancelled(&self) -> bool {
        false
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(recipe), Some(data)) = (arguments.next(), arguments.next().map(PathBuf::from)) else {
        return Err("usage: build RECIPE DATA-DIR [MIRROR]".into());
    };
    let recipe = recipe::parse(&std::fs::read_to_string(recipe)?)
        .map_err(|problems| format!("{problems:?}"))?;
    let spawner = Spawner::start()?;
    let blobs = BlobStore::open(&data.join("blobs"))?;
    let key = SigningKey::open_or_create(&data.join("keys"))?;
    let config = BuilderConfig {
        work_dir: data.join("work"),
        cache_dir: data.join("cache"),
        mirror: arguments.next(),
        sources: SourceRules {
            root: None,
            networks: Vec::new(),
            ssh_keys: data.join("keys/ssh"),
            authorities: PathBuf::from(SourceRules::AUTHORITIES),
        },
        kernel_jobs: std::thread::available_parallelism().map_or(1, usize::from),
    };
    let builder = Arc::new(Builder::new(config, spawner, blobs.clone(), key)?);
    builder.check()?;
    let request = BuildRequest {
        recipe,
        target: TargetVersion::new(1, 0, 0),
        choice: LockChoice::Newer { former: None },
        kernels: Vec::new(),
    };
    let output = builder.build(&request, &Print)?;
    println!("manifest {}", output.manifest_blob.sha256);
    for component in &output.manifest.components {
        let path = blobs.path(&component.sha256);
        println!("{:>12} {} {}", component.size, component.name, path.display());
    }
    Ok(())
}
