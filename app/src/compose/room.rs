//! The room on the disk.

use domain::{
    digest::Digest,
    page::{Cursor, Slice},
    policy::Action,
    room::RoomRules,
};

use super::{Asked, invalid, releases::choice};
use crate::{
    api::{Around, room::RoomPage},
    error::AppError,
    routes::href,
    viewer::viewer_of,
};

const MIB: u64 = 1024 * 1024;

pub(crate) async fn page(asked: &Asked, after: Option<Cursor>) -> Result<RoomPage, AppError> {
    let Asked { services, actor } = asked;
    let room = services.room(actor).await.map_err(|it| asked.refuse(it))?;
    let slice = Slice { after, ..Slice::first() };
    let releases = services.room_of_releases(actor, &slice).await.map_err(|it| asked.refuse(it))?;
    let role = viewer_of(actor).role;
    let counted = &room.counted;
    Ok(RoomPage {
        counted_at: counted.at,
        disks: room.disks,
        shortage: room.shortage.map(|it| it.to_string()),
        kinds: counted.kinds.clone(),
        around: Around::of(&slice, releases.next),
        releases: releases.items,
        steps: counted.steps.clone(),
        logs: counted.logs,
        would_free: counted.would_free,
        would_withdraw: counted.would_withdraw,
        rules: room.rules,
        collect: choice(Action::CollectGarbage.allowed(role)),
        change: choice(Action::ChangeRoomRules.allowed(role)),
    })
}

pub(crate) async fn collect(asked: &Asked, dry_run: bool) -> Result<(), AppError> {
    let started = asked.services.start_collection(&asked.actor, dry_run).await;
    leptos_axum::redirect(&href::job(&started.map_err(|it| asked.refuse(it))?.id));
    Ok(())
}

pub(crate) async fn change_rules(
    asked: &Asked,
    days: [String; 4],
    floor: u64,
    base: Option<Digest>,
) -> Result<(), AppError> {
    let kinds = RoomRules::default().days().map(|(kind, _)| kind);
    let mut read = [None; 4];
    for ((text, kind), days) in days.iter().zip(kinds).zip(&mut read) {
        let text = text.trim();
        if !text.is_empty() {
            let words = "give whole days, or nothing for ever";
            *days = Some(text.parse().map_err(|_| invalid(kind, words))?);
        }
    }
    let [candidates, withdrawn, logs, cache] = read;
    let floor = floor.saturating_mul(MIB);
    let rules = RoomRules { candidates, withdrawn, logs, cache, floor };
    asked
        .services
        .change_room_rules(&asked.actor, rules, base.as_ref())
        .await
        .map_err(|it| asked.refuse(it))
}

pub(crate) async fn pin(asked: &Asked, version: &str, reason: &str) -> Result<(), AppError> {
    let pinned = asked.services.pin_release(&asked.actor, version, reason).await;
    pinned.map_err(|it| asked.refuse(it))
}

pub(crate) async fn unpin(asked: &Asked, version: &str) -> Result<(), AppError> {
    let unpinned = asked.services.unpin_release(&asked.actor, version).await;
    unpinned.map_err(|it| asked.refuse(it))
}
