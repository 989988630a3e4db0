//! Makes a kernel by hand: `kernel DEFINITION.json MODE DATA-DIR [JOBS]`, as an ordinary user.
//!
//! DEFINITION.json is a kernel's definition as the API takes it; its uploads lie beside it. Each step
//! that ends is a line `step <name> <state> <seconds>`; the record comes to DATA-DIR/record.json.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use blobs::BlobStore;
use builder::{
    BuildObserver, Builder, BuilderConfig, KernelRequest, SigningKey, SourceRules, StepEvent,
};
use domain::{
    kernel::{BuildMode, Definition},
    lock::Lock,
};
use process::Spawner;

struct Print {
    begun: Mutex<Instant>,
}

impl BuildObserver for Print {
    fn step(&self, event: StepEvent<'_>) {
        let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            StepEvent::Started { .. } => *begun = Instant::now(),
            StepEvent::Ended { name, state, message } => {
                let seconds = begun.elapsed().as_secs_f64();
                println!("step {name} {state:?} {seconds:.1}");
                println!("{name:<10} {}", message.unwrap_or_default());
            }
            StepEvent::Progress { .. } => {}
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
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (file, mode, data, jobs) = match &arguments[..] {
        [file, mode, data] => {
            (file, mode, data, std::thread::available_parallelism().map_or(1, usize::from))
        }
        [file, mode, data, jobs] => (file, mode, data, jobs.parse()?),
        _ => return Err("usage: kernel DEFINITION.json MODE DATA-DIR [JOBS]".into()),
    };
    let mode = BuildMode::ALL
        .into_iter()
        .find(|it| it.word() == mode)
        .ok_or("MODE is configure, development or release")?;
    let definition: Definition = serde_json::from_slice(&fs::read(file)?)?;
    definition.check().map_err(|faults| format!("{faults:?}"))?;
    let data = PathBuf::from(data);
    let blobs = BlobStore::open(&data.join("blobs"))?;
    for upload in definition.uploads() {
        let beside = Path::new(file).with_file_name(&upload.name);
        let kept = blobs.put(fs::File::open(&beside)?)?;
        if kept.sha256 != upload.sha256 {
            return Err(format!("{} has SHA-256 {}", beside.display(), kept.sha256).into());
        }
    }
    let config = BuilderConfig {
        work_dir: data.join("work"),
        cache_dir: data.join("cache"),
        mirror: None,
        sources: SourceRules {
            root: None,
            networks: Vec::new(),
            ssh_keys: data.join("keys/ssh"),
            authorities: PathBuf::from(SourceRules::AUTHORITIES),
        },
        kernel_jobs: jobs,
    };
    let key = SigningKey::open_or_create(&data.join("keys"))?;
    let builder = Arc::new(Builder::new(config, Spawner::start()?, blobs, key)?);
    builder.check()?;
    let request =
        KernelRequest { kernel: "by-hand".into(), name: "by-hand".to_owned(), definition, mode };
    let print = Print { begun: Mutex::new(Instant::now()) };
    let output = builder.build_kernel(&request, &print)?;
    if let Some(report) = &output.report {
        println!("release {}", report.release);
        for missed in &report.not_kept {
            println!("{} of {}: {}", missed.name, missed.fragment, missed.reason);
        }
        report.warnings.iter().for_each(|it| println!("warning: {it}"));
    }
    if let Some(record) = &output.record {
        fs::write(data.join("record.json"), serde_json::to_vec_pretty(record)?)?;
        for file in &record.files {
            println!("{:>12} {} {}", file.size, file.sha256, file.name);
        }
    }
    Ok(())
}
