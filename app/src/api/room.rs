//! The room on the disk: what takes it, what stays and for how long, and collecting garbage.

use domain::{
    digest::Digest,
    page::Cursor,
    room::{Disk, Kind, RoomRules},
    time::Timestamp,
};
use leptos::server;
use serde::{Deserialize, Serialize};
use services::room::{LogRoom, ReleaseRoom, StepRoom};

use super::{Around, Choice};
use crate::error::AppError;

/// `/room`
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RoomPage {
    /// When the room was counted.
    pub counted_at: Timestamp,
    /// The disks that are written to.
    pub disks: Vec<Disk>,
    /// Why builds wait, where they do.
    pub shortage: Option<String>,
    /// Bytes by kind, each file once.
    pub kinds: Vec<(Kind, u64)>,
    /// Complete releases whose files are there; what would free most first.
    pub releases: Vec<ReleaseRoom>,
    /// What other releases there are.
    pub around: Around,
    /// Finished build steps by name.
    pub steps: Vec<StepRoom>,
    /// Logs of jobs and consoles of runs.
    pub logs: LogRoom,
    /// What a collection would free now, in bytes.
    pub would_free: u64,
    /// How many candidates it would withdraw.
    pub would_withdraw: usize,
    /// How long things stay.
    pub rules: RoomRules,
    /// Whether the viewer may collect garbage.
    pub collect: Choice,
    /// Whether the viewer may change how long things stay.
    pub change: Choice,
}

/// The room, with a page of the releases: those after `after`, else what would free most.
pub(crate) async fn load_room(after: Option<Cursor>) -> Result<RoomPage, AppError> {
    crate::compose::room::page(&super::asked()?, after).await
}

/// Collects what nothing needs, or only says what would go, and leads to the job.
#[server(prefix = "/api/ui")]
pub async fn start_collection(dry_run: bool) -> Result<(), AppError> {
    crate::compose::room::collect(&super::asked()?, dry_run).await
}

/// Changes how long things stay: days, nothing for ever; and how many MiB stay free.
#[server(prefix = "/api/ui")]
pub async fn change_room_rules(
    #[server(default)] candidates: String,
    #[server(default)] withdrawn: String,
    #[server(default)] logs: String,
    #[server(default)] cache: String,
    floor: u64,
    #[server(default)] base: Option<Digest>,
) -> Result<(), AppError> {
    let days = [candidates, withdrawn, logs, cache];
    crate::compose::room::change_rules(&super::asked()?, days, floor, base).await
}

/// Says that a candidate must stay.
#[server(prefix = "/api/ui")]
pub async fn pin_release(
    version: String,
    #[server(default)] reason: String,
) -> Result<(), AppError> {
    crate::compose::room::pin(&super::asked()?, &version, &reason).await
}

/// Takes the pin off a release.
#[server(prefix = "/api/ui")]
pub async fn unpin_release(version: String) -> Result<(), AppError> {
    crate::compose::room::unpin(&super::asked()?, &version).await
}
