//! Boots of machines: how each went, and how long they take.

use axum::{Json, extract::State};
use domain::{
    boot::{self, BootEvent, BootState, BootStep, report::BootReport, trace::TracedStep},
    digest::Digest,
    machine::BootTarget,
    run::FailureClass,
    time::Timestamp,
    transfer::Transfer,
};
use serde::{Deserialize, Serialize};
use services::{
    ServiceError, Services,
    boots::{BootQuery, BootWithTrace},
};
use utoipa::{IntoParams, ToSchema};

use super::{
    exchange::{Caller, Listed, Path, Query, slice, text, time},
    problem::Answer,
};

/// A boot of a machine, as the boot listener saw it and the machine reported it; no evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Boot {
    /// Its number: greater than those of all boots before it.
    pub number: i64,
    /// How the machine was called then.
    pub machine: String,
    /// From where it asked last.
    pub address: Option<String>,
    /// What it was to boot.
    pub target: BootTarget,
    /// The release or variant that it loaded, by its name then.
    pub release: Option<String>,
    /// Digest of the manifest of that.
    pub manifest: Option<Digest>,
    /// Label of the boot entry; empty where the machine did not say.
    pub entry: String,
    /// How it stands.
    pub state: BootState,
    /// The last stage that was seen.
    pub stage: BootStep,
    /// Why it ended early; where it is under way, why it did should nothing more come.
    pub reason: String,
    /// Whose problem that is, as the machine says.
    pub class: Option<FailureClass>,
    /// Bytes that it was sent.
    pub bytes: u64,
    /// How often it asked again for what it had asked for.
    pub retries: u32,
    /// When it asked for its script.
    #[schema(format = DateTime)]
    pub started_at: String,
    /// When something was heard of it last.
    #[schema(format = DateTime)]
    pub last_at: String,
    /// How long it took from its script to its login, in microseconds.
    pub took_us: Option<i64>,
}

impl Boot {
    fn of(it: boot::Boot) -> Self {
        let (release, manifest) = it.booted.map(|it| (it.name, it.manifest)).unzip();
        Self {
            number: it.number,
            machine: it.machine,
            address: text(it.address),
            target: it.target,
            release,
            manifest,
            entry: it.entry,
            state: it.state,
            stage: it.step,
            reason: it.reason,
            class: it.class,
            bytes: it.bytes,
            retries: it.retries,
            started_at: time(it.started_at),
            last_at: time(it.last_at),
            took_us: it.took_us,
        }
    }
}

/// A boot with all that was seen of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BootDetails {
    /// The boot.
    #[serde(flatten)]
    pub boot: Boot,
    /// All its stages in order, those that nobody saw as well.
    pub stages: Vec<TracedStage>,
    /// What it was sent or refused, as that ended.
    pub transfers: Vec<BootTransfer>,
    /// What the machine said of itself.
    pub reports: Vec<SaidOfBoot>,
}

/// A stage of a boot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TracedStage {
    /// Which one.
    pub stage: BootStep,
    /// When it began, by the server's clock.
    #[schema(format = DateTime)]
    pub started_at: Option<String>,
    /// When it ended.
    #[schema(format = DateTime)]
    pub ended_at: Option<String>,
    /// Bytes that were sent for it.
    pub bytes: Option<u64>,
}

/// One answer of the boot listener.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BootTransfer {
    /// The path that was asked for.
    pub path: String,
    /// SHA-256 of the whole file, where it is one of a release.
    pub sha256: Option<Digest>,
    /// HTTP status that the answer stands for.
    pub status: u16,
    /// Bytes that were sent.
    pub bytes: u64,
    /// Whether that is all that was promised.
    pub complete: bool,
    /// Why it was refused; empty where it was not.
    pub refusal: String,
    /// When it was asked for.
    #[schema(format = DateTime)]
    pub started_at: String,
    /// When the last byte was handed to the network.
    #[schema(format = DateTime)]
    pub ended_at: String,
}

/// What a machine said of its boot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SaidOfBoot {
    /// When that came.
    #[schema(format = DateTime)]
    pub at: String,
    /// The stage that it was at: `rootfs`, `init`, `services`, `login` or `failed`.
    pub stage: String,
    /// What else it said.
    pub note: String,
}

impl BootDetails {
    fn of(BootWithTrace { boot, trace, events }: BootWithTrace) -> Self {
        let (mut transfers, mut reports) = (Vec::new(), Vec::new());
        for event in events {
            match event {
                BootEvent::Transfer { transfer, sha256 } => {
                    transfers.push(transferred(transfer, sha256));
                }
                BootEvent::Report { at, report } => reports.push(said(at, report)),
            }
        }
        let stages = trace.steps.iter().map(stage).collect();
        Self { boot: Boot::of(boot), stages, transfers, reports }
    }
}

fn stage(it: &TracedStep) -> TracedStage {
    TracedStage {
        stage: it.step,
        started_at: it.started_at.map(time),
        ended_at: it.ended_at.map(time),
        bytes: it.bytes,
    }
}

fn transferred(it: Transfer, sha256: Option<Digest>) -> BootTransfer {
    BootTransfer {
        path: it.path,
        sha256,
        status: it.status,
        bytes: it.bytes,
        complete: it.complete,
        refusal: it.refusal,
        started_at: time(it.started_at),
        ended_at: time(it.ended_at),
    }
}

fn said(at: Timestamp, report: BootReport) -> SaidOfBoot {
    SaidOfBoot { at: time(at), stage: report.stage.word().to_owned(), note: report.note }
}

/// How long boots of one release took that came up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BootTimes {
    /// Name of the release or variant.
    pub release: String,
    /// How many boots came up.
    pub boots: usize,
    /// The shortest, from script to login, in microseconds.
    pub shortest_us: i64,
    /// The middle one.
    pub median_us: i64,
    /// The longest.
    pub longest_us: i64,
    /// By how many percent the middle one is longer than that of the release before; `null` where that is
    /// little, or either has fewer than three boots.
    pub slower_percent: Option<i64>,
}

/// Which boots.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListBoots {
    /// Only those of the machine of this name.
    machine: Option<String>,
    /// Only those that stand so.
    state: Option<BootState>,
    /// Only those of the release or variant of this name.
    release: Option<String>,
    /// `next` of the page before.
    cursor: Option<String>,
    /// How many items, 50 unless said otherwise.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
}

/// Of which machine.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct TimesOf {
    /// Only boots of the machine of this name.
    machine: Option<String>,
}

/// Lists boots of machines, the newest first.
#[utoipa::path(get, path = "/boots", tag = "boots", params(ListBoots), responses((status = 200, body = Listed<Boot>)))]
pub async fn list(
    State(services): State<Services>,
    Caller(actor): Caller,
    Query(query): Query<ListBoots>,
) -> Answer<Json<Listed<Boot>>> {
    let slice = slice(query.cursor.as_deref(), query.limit)?;
    let ListBoots { machine, state, release, .. } = query;
    let query = BootQuery { machine, state, release };
    Ok(Listed::of(services.boots_page(&actor, &query, &slice).await?, Boot::of))
}

/// Lists how long the newest 1000 boots took that came up, by release: the one that was booted last comes
/// first.
#[utoipa::path(get, path = "/boots/times", tag = "boots", params(TimesOf), responses((status = 200, body = Listed<BootTimes>)))]
pub async fn times(
    State(services): State<Services>,
    Caller(actor): Caller,
    Query(query): Query<TimesOf>,
) -> Answer<Json<Listed<BootTimes>>> {
    let times = services.boot_times(&actor, query.machine.as_deref()).await?;
    let shown = |it: boot::times::BootTimes| BootTimes {
        release: it.name,
        boots: it.boots,
        shortest_us: it.shortest_us,
        median_us: it.median_us,
        longest_us: it.longest_us,
        slower_percent: it.slower_percent,
    };
    Ok(Listed::whole(times.into_iter().map(shown).collect()))
}

/// Shows a boot: its stages, what it was sent, and what the machine said.
#[utoipa::path(get, path = "/boots/{number}", tag = "boots", params(("number" = i64, Path, description = "Number of the boot")), responses((status = 200, body = BootDetails)))]
pub async fn show(
    State(services): State<Services>,
    Caller(actor): Caller,
    Path(number): Path<String>,
) -> Answer<Json<BootDetails>> {
    let none = || ServiceError::NotFound(format!("boot {number}"));
    let number = number.parse().map_err(|_| none())?;
    Ok(Json(BootDetails::of(services.boot(&actor, number).await?)))
}
