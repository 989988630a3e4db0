//! `/room`: what takes the disk, what needs it, how long things stay, and collecting the rest.

use domain::{
    room::{Disk, Fate, Kind, RoomRules},
    time::human_size,
};
use leptos::prelude::*;
use services::room::{LogRoom, ReleaseRoom, StepRoom};

use crate::{
    api::room::{ChangeRoomRules, RoomPage, StartCollection, load_room},
    routes::href,
    ui::{
        badge::{Status, badge},
        change::counted,
        empty, form, page,
        sizes::{Part, parts},
        table,
        time::time,
    },
};

const MIB: u64 = 1024 * 1024;

pub(crate) fn room() -> AnyView {
    page::loaded(&["job/", "release/", "environment/", "room"], load_room(page::after()), |data| {
        show(&data)
    })
}

/// The page.
#[must_use]
pub fn show(data: &RoomPage) -> AnyView {
    let disks: Vec<_> = data.disks.iter().map(|disk| on_disk(disk, data.rules.floor)).collect();
    let short = data.shortage.as_ref().map(|why| {
        view! { <div class="alert" role="status">{crate::error::sentence(why)}</div> }
    });
    let taken: Vec<Part> = data
        .kinds
        .iter()
        .filter(|(_, bytes)| *bytes > 0)
        .map(|(kind, bytes)| Part { name: kind_name(*kind).to_owned(), bytes: *bytes })
        .collect();
    let total: u64 = taken.iter().map(|part| part.bytes).sum();
    let in_all = view! {
        <p>{format!("Bootwright takes {}. What several things share counts once; counted ", human_size(total))}
        {time(data.counted_at)}"."</p>
        {parts(&taken)}
    };
    let around = page::around("/room", &data.around);
    let of_releases = view! { {releases(&data.releases)}{around} };
    view! {
        {page::heading("Room on the disk".to_owned(), Vec::new(), ().into_any())}
        {short}
        {page::section("Disk", view! { {disks}{in_all} }.into_any())}
        {page::section("What nothing needs", collecting(data))}
        {page::section("Releases", of_releases.into_any())}
        {page::section("Build steps that are kept", steps(&data.steps))}
        {page::section("Logs", logs(data.logs))}
        {rules(data)}
    }
    .into_any()
}

fn on_disk(disk: &Disk, floor: u64) -> AnyView {
    let used = disk.total.saturating_sub(disk.free);
    let words = format!(
        "{} of {} are free; builds wait below {}.",
        human_size(disk.free),
        human_size(disk.total),
        human_size(floor)
    );
    let label = format!("How full the {} disk is", disk.holds);
    // What is nearly full is worth a look before builds wait.
    let high = disk.total.saturating_sub(floor.saturating_mul(2));
    view! {
        <div class="disk">
            <h3>{format!("The {} disk", disk.holds)}</h3>
            <meter min="0" max=disk.total.to_string() low=high.to_string() high=high.to_string()
                optimum="0" value=used.to_string() aria-label=label></meter>
            <p>{words}</p>
        </div>
    }
    .into_any()
}

const fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Releases => "Releases",
        Kind::Packages => "Packages to build them from",
        Kind::Kernels => "Kernels",
        Kind::Uploads => "Uploads",
        Kind::Variants => "Variants",
        Kind::Cache => "Build cache",
        Kind::Logs => "Logs",
        Kind::Database => "Database and keys",
        Kind::Work => "At work now",
        Kind::Unneeded => "Nothing needs it",
    }
}

fn collecting(data: &RoomPage) -> AnyView {
    let withdraws = (data.would_withdraw > 0).then(|| {
        format!(
            " It would withdraw {} whose days are over.",
            counted(data.would_withdraw, "candidate", "candidates")
        )
    });
    let once = |label, kind, dry: &str| {
        form::acting::<StartCollection>(
            "inline",
            vec![("dry_run", dry.to_owned())],
            form::submit(label, kind, &data.collect),
        )
    };
    view! {
        <p>{format!("A collection would free {} now.", human_size(data.would_free))}{withdraws}
        " It runs by itself once a day, and when builds wait for room. Releases, and what is pinned, served, asked for or booted, stay."</p>
        <div class="acts">
            {once("Say what would go", "", "true")}
            {once("Collect now", "main", "false")}
        </div>
    }
    .into_any()
}

fn releases(rows: &[ReleaseRoom]) -> AnyView {
    if rows.is_empty() {
        return empty::nothing("No complete release has files here.");
    }
    let rows = rows
        .iter()
        .map(|row| {
            let name = row.release.name();
            table::row(vec![
                table::link(href::release(&name), name),
                badge(Status::Stage(row.release.stage)),
                table::number(human_size(row.share.bytes)),
                table::number(human_size(row.share.frees)),
                kept(&row.fate),
            ])
        })
        .collect();
    let headings = ["Release", "Stage", ">Takes", ">Its removal frees", "Why it stays"];
    table::table("Room of releases", &headings, rows)
}

fn kept(fate: &Fate) -> AnyView {
    match fate {
        Fate::Needed(needs) => {
            needs.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ").into_any()
        }
        Fate::Until(Some(until)) => view! { "until "{time(*until)} }.into_any(),
        Fate::Until(None) => "until somebody withdraws it".into_any(),
        Fate::Withdrawn => "its days are over: the next collection withdraws it".into_any(),
        Fate::Removed => "it was withdrawn: the next collection removes its files".into_any(),
    }
}

fn steps(rows: &[StepRoom]) -> AnyView {
    if rows.is_empty() {
        return empty::nothing("No build step was kept yet.");
    }
    let rows = rows
        .iter()
        .map(|row| {
            let step = if row.step.is_empty() { "of an older program" } else { &row.step };
            table::row(vec![
                step.to_owned().into_any(),
                table::number(row.entries.to_string()),
                table::number(human_size(row.share.bytes)),
                table::number(human_size(row.share.frees)),
                time(row.used_at),
                table::number(row.idle.to_string()),
            ])
        })
        .collect();
    let headings =
        ["Step", ">Kept", ">Takes", ">Its removal frees", "Last used", ">Unused for too long"];
    table::table("Room of build steps", &headings, rows)
}

fn logs(LogRoom { entries, bytes, over }: LogRoom) -> AnyView {
    let logs = counted(entries, "log or file of a run", "logs and files of runs");
    let over = match over {
        0 => "None of them is older than logs stay.".to_owned(),
        over => {
            format!("{over} of them are older than logs stay: the next collection removes them.")
        }
    };
    view! { <p>{format!("{logs}, {}. {over}", human_size(bytes))}</p> }.into_any()
}

fn rules(data: &RoomPage) -> AnyView {
    let RoomRules { candidates, withdrawn, logs, cache, floor } = data.rules;
    let mut hidden = Vec::new();
    // Two people may edit: who is late must not undo the other's change unseen.
    hidden.extend(data.rules.version().ok().map(|version| ("base", version.to_string())));
    // Where it was refused, the reason must be seen.
    let open = form::failed::<ChangeRoomRules>().is_some();
    let days = |id: &'static str, label, hint: &str, days: Option<u32>| {
        let most = RoomRules::MOST_DAYS.to_string();
        let value = days.map(|days| days.to_string()).unwrap_or_default();
        let control = view! {
            <input id=id name=id type="number" min="0" max=most value=value placeholder="for ever"
                aria-describedby=format!("{id}-about")/>
        };
        form::field(id, label, Some(hint.to_owned()), None, control.into_any())
    };
    let stays = |days: Option<u32>| match days {
        None => "for ever".to_owned(),
        Some(days) => counted(days as usize, "day", "days"),
    };
    let now = table::properties(vec![
        ("Releases", "for ever".into_any()),
        ("Candidates", stays(candidates).into_any()),
        ("Withdrawn candidates", stays(withdrawn).into_any()),
        ("Logs, and files of runs", stays(logs).into_any()),
        ("Build steps", stays(cache).into_any()),
        ("Stays free", human_size(floor).into_any()),
    ]);
    let change = view! {
        <details class="danger" open=open>
            <summary>"Change how long things stay"</summary>
            <p>"In days; nothing means for ever. The audit log keeps every change."</p>
            {form::acting::<ChangeRoomRules>("", hidden, view! {
                {days("candidates", "Candidates", "From the build until a candidate that nothing needs is withdrawn.", candidates)}
                {days("withdrawn", "Withdrawn candidates", "From the withdrawal until the files go.", withdrawn)}
                {days("logs", "Logs, and files of runs", "From the end of a job or run: logs, consoles, files of results, what suites left. Those of releases, of what is served or pinned, of important runs and of the newest that decide stay, and so do results.", logs)}
                {days("cache", "Build steps", "From the last use; also packages of builds that came to nothing.", cache)}
                {form::field("floor", "MiB that stay free", Some("Builds wait while fewer are free.".to_owned()), None, view! {
                    <input id="floor" name="floor" type="number" min="0" required value=(floor / MIB).to_string() aria-describedby="floor-about"/>
                }.into_any())}
                {form::submit("Change the rules", "", &data.change)}
            }.into_any())}
        </details>
    };
    view! { {page::section("How long things stay", now)}{change} }.into_any()
}
