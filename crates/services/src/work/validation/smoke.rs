//! The built-in suite: boots one entry, signs in, and looks around.

use std::{path::Path, sync::Arc};

use domain::{plan::PlannedRun, run::Run};
use lab::{BootLimits, RunReport, SmokeRequest, run_smoke};

use super::{Bench, Ran, Watcher, keep_console, on_a_socket};
use crate::error::ServiceError;

/// Boots one guest and checks it.
pub(super) async fn run(
    bench: &Arc<Bench>,
    begun: Run,
    planned: &PlannedRun,
) -> Result<Ran, ServiceError> {
    let entry = planned.entry.clone();
    let boot = move |watcher: &Watcher, socket: &Path| boot(watcher, &entry, socket);
    let report = on_a_socket(bench, &begun.id, &planned.entry, boot).await?;
    let run = Run {
        machine_details: report.machine_details,
        outcome: Some(report.outcome),
        failure: report.failure,
        message: report.message,
        console: Some(keep_console(&bench.services, report.console).await?),
        stages: report.stages,
        results: report.results,
        ..begun
    };
    Ok(Ran { run, incomplete: None, remarks: Vec::new(), artefacts: Vec::new() })
}

fn boot(watcher: &Watcher, entry: &str, socket: &Path) -> RunReport {
    let Bench { services, manifest, login, hostname, menu_path, .. } = &*watcher.bench;
    let request = SmokeRequest {
        menu_path,
        manifest,
        entry,
        hostname,
        user: &login.0,
        password: &login.1,
        socket,
        limits: BootLimits::usual(services.options().boot_limit),
    };
    run_smoke(services.spawner(), services.clock(), &watcher.machine(entry), &request, watcher)
}
