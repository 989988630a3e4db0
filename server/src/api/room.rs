//! The room on the disk: what takes it, how long things stay, and collecting what nothing needs.

use axum::{Json, extract::State};
use domain::{
    digest::Digest,
    release::Stage,
    room::{self, Fate, Kind, RoomRules, Share},
};
use serde::{Deserialize, Serialize};
use services::Services;
use utoipa::ToSchema;

use super::{
    exchange::{Accepted, Body, Caller, IfMatch, Listed, Paging, Path, Query, Tagged, time},
    jobs::Job,
    problem::{Answer, Problem},
    releases::{self, Reason, ReleaseDetails},
};

/// The room on the disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Room {
    /// When it was counted.
    #[schema(format = DateTime)]
    pub counted_at: String,
    /// The disks that are written to.
    pub disks: Vec<Disk>,
    /// Why builds wait for room, where they do.
    pub shortage: Option<String>,
    /// Bytes by kind; each file counts once.
    pub kinds: Vec<KindRoom>,
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
}

/// A disk, in bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Disk {
    /// `data`, or `cache` where that lies on another disk.
    pub holds: String,
    /// How large it is.
    pub total: u64,
    /// How much of it the server may still write.
    pub free: u64,
}

/// What takes room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KindRoom {
    /// What it is.
    pub kind: Kind,
    /// How much it takes, in bytes.
    pub bytes: u64,
}

/// What the finished runs of a build step take.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StepRoom {
    /// Name of the step; empty where an older program wrote them.
    pub step: String,
    /// How many there are.
    pub entries: usize,
    /// What they take, shared or not, in bytes.
    pub bytes: u64,
    /// What would be free if they went and nothing else, in bytes.
    pub frees: u64,
    /// When one was used last.
    #[schema(format = DateTime)]
    pub used_at: String,
    /// How many of them a collection would forget now.
    pub idle: usize,
}

/// What logs take.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogRoom {
    /// How many there are.
    pub entries: usize,
    /// What they take, in bytes.
    pub bytes: u64,
    /// How many of them a collection would remove now.
    pub over: usize,
}

/// What a release takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReleaseRoom {
    /// Its name.
    pub release: String,
    /// How far it has come.
    pub stage: Stage,
    /// All that it reaches, shared or not, in bytes.
    pub bytes: u64,
    /// What would be free if it went and nothing else, in bytes.
    pub frees: u64,
    /// What becomes of its files.
    pub fate: FateWord,
    /// What needs it, in words.
    pub needs: Vec<String>,
    /// Until when it stays, where nothing needs it and it does not stay for ever.
    #[schema(format = DateTime)]
    pub until: Option<String>,
}

/// What becomes of the files of a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum FateWord {
    /// Something needs them.
    Needed,
    /// Nothing needs them, and their days are not over.
    Stays,
    /// The next collection withdraws the candidate.
    Withdrawn,
    /// The next collection removes them.
    Removed,
}

impl FateWord {
    /// The word used in tables.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Needed => "needed",
            Self::Stays => "stays",
            Self::Withdrawn => "to be withdrawn",
            Self::Removed => "to be removed",
        }
    }
}

impl ReleaseRoom {
    fn of(it: services::room::ReleaseRoom) -> Self {
        let Share { bytes, frees } = it.share;
        let (fate, needs, until) = match it.fate {
            Fate::Needed(needs) => (FateWord::Needed, needs, None),
            Fate::Until(until) => (FateWord::Stays, Vec::new(), until),
            Fate::Withdrawn => (FateWord::Withdrawn, Vec::new(), None),
            Fate::Removed => (FateWord::Removed, Vec::new(), None),
        };
        Self {
            release: it.release.name(),
            stage: it.release.stage,
            bytes,
            frees,
            fate,
            needs: needs.iter().map(ToString::to_string).collect(),
            until: until.map(time),
        }
    }
}

/// A pin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Pin {
    /// Name of the person who pinned it.
    pub by: String,
    /// When.
    #[schema(format = DateTime)]
    pub at: String,
    /// Why it must stay.
    pub reason: String,
}

impl Pin {
    /// A pin as the API shows it.
    pub fn of(it: room::Pin) -> Self {
        Self { by: it.by, at: time(it.at), reason: it.reason }
    }
}

/// Asking for a collection.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCollection {
    /// Only say what would go, and remove nothing.
    #[serde(default)]
    pub dry_run: bool,
}

/// Shows what takes the room on the disk. It is counted at the most once a minute, and anew after
/// what changes it.
#[utoipa::path(get, path = "/room", tag = "room", responses((status = 200, body = Room)))]
pub async fn show(State(services): State<Services>, Caller(actor): Caller) -> Answer<Json<Room>> {
    let it = services.room(&actor).await?;
    let disks = it.disks.into_iter();
    let steps = it.counted.steps.iter().map(|it| StepRoom {
        step: it.step.clone(),
        entries: it.entries,
        bytes: it.share.bytes,
        frees: it.share.frees,
        used_at: time(it.used_at),
        idle: it.idle,
    });
    let logs = &it.counted.logs;
    Ok(Json(Room {
        counted_at: time(it.counted.at),
        disks: disks.map(|it| Disk { holds: it.holds, total: it.total, free: it.free }).collect(),
        shortage: it.shortage.map(|it| it.to_string()),
        kinds: it.counted.kinds.iter().map(|&(kind, bytes)| KindRoom { kind, bytes }).collect(),
        steps: steps.collect(),
        logs: LogRoom { entries: logs.entries, bytes: logs.bytes, over: logs.over },
        would_free: it.counted.would_free,
        would_withdraw: it.counted.would_withdraw,
        rules: it.rules,
    }))
}

/// Lists complete releases whose files are there, with what each takes and what needs it; what
/// would free most first.
#[utoipa::path(get, path = "/room/releases", tag = "room", params(Paging), responses((status = 200, body = Listed<ReleaseRoom>)))]
pub async fn list(
    State(services): State<Services>,
    Caller(actor): Caller,
    Query(paging): Query<Paging>,
) -> Answer<Json<Listed<ReleaseRoom>>> {
    let page = services.room_of_releases(&actor, &paging.slice()?).await?;
    Ok(Listed::of(page, ReleaseRoom::of))
}

/// Shows how long things stay, and how much room stays free; its `ETag` is the rules' version.
#[utoipa::path(get, path = "/room/rules", tag = "room", responses((status = 200, body = RoomRules)))]
pub async fn rules(
    State(services): State<Services>,
    Caller(actor): Caller,
) -> Answer<Tagged<RoomRules>> {
    tagged(services.room_rules(&actor).await?)
}

/// Changes how long things stay; `If-Match` names the rules that the change was made from.
#[utoipa::path(put, path = "/room/rules", tag = "room", params(("If-Match" = String, Header, description = "ETag of the rules that were looked at")), request_body = RoomRules, responses((status = 200, body = RoomRules)))]
pub async fn change_rules(
    State(services): State<Services>,
    Caller(actor): Caller,
    base: IfMatch,
    Body(rules): Body<RoomRules>,
) -> Answer<Tagged<RoomRules>> {
    let base: Digest = base.version()?;
    let changed = services.change_room_rules(&actor, rules, Some(&base)).await;
    changed.map_err(Problem::of_condition)?;
    tagged(services.room_rules(&actor).await?)
}

fn tagged(rules: RoomRules) -> Answer<Tagged<RoomRules>> {
    let version = rules.version().map_err(services::ServiceError::from)?;
    Ok(Tagged(version.to_string(), rules))
}

/// Collects what nothing needs, or only says what would go: 202 with the job.
#[utoipa::path(post, path = "/room/collections", tag = "room", request_body = NewCollection, responses((status = 202, body = Job)))]
pub async fn collect(
    State(services): State<Services>,
    Caller(actor): Caller,
    Body(new): Body<NewCollection>,
) -> Answer<Accepted<Job>> {
    Ok(Job::of(services.start_collection(&actor, new.dry_run).await?).accepted())
}

/// Pins a candidate: nothing withdraws it, and its files and logs stay.
#[utoipa::path(put, path = "/releases/{version}/pin", tag = "releases", params(("version" = String, Path, description = "Name of the release")), request_body = Reason, responses((status = 200, body = ReleaseDetails)))]
pub async fn pin(
    state: State<Services>,
    caller: Caller,
    version: Path<String>,
    Body(Reason { reason }): Body<Reason>,
) -> Answer<Json<ReleaseDetails>> {
    state.pin_release(&caller.0, &version.0, &reason).await?;
    releases::show(state, caller, version).await
}

/// Takes the pin off a release.
#[utoipa::path(delete, path = "/releases/{version}/pin", tag = "releases", params(("version" = String, Path, description = "Name of the release")), responses((status = 200, body = ReleaseDetails)))]
pub async fn unpin(
    state: State<Services>,
    caller: Caller,
    version: Path<String>,
) -> Answer<Json<ReleaseDetails>> {
    state.unpin_release(&caller.0, &version.0).await?;
    releases::show(state, caller, version).await
}
