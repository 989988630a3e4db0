//! Streams: a job's log through a connection that is cut again and again, and what changes.

use std::{collections::VecDeque, sync::Arc};

use domain::{ids::JobId, person::Role, time::Timestamp};
use tokio::sync::watch;

use crate::{
    http::Event,
    world::{World, name},
};

const LINES: u64 = 10_000;
const CUTS: usize = 20;
/// How far the log may grow ahead of its slowest reader, so that readers follow it while it grows.
const AHEAD: u64 = 1500;

/// Numbers that look random and are the same for the same seed (xorshift64).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}

/// The seed of a run that failed, to see it fail again.
#[expect(clippy::disallowed_methods, reason = "an option of this test, not of the program")]
fn given_seed() -> Option<u64> {
    std::env::var("SEED").ok()?.parse().ok()
}

fn text(number: u64) -> String {
    format!("line {number} of the log, with \"quotes\", a\ttab and ünïcode")
}

/// Reads the log as a browser does that loses its connection; checks that each line comes once and
/// in order. Gives the state in which the job ended.
async fn follow(
    world: Arc<World>,
    job: JobId,
    cookie: String,
    seed: u64,
    seen: Arc<watch::Sender<u64>>,
) -> String {
    let mut numbers = Numbers(seed);
    let mut cuts: Vec<u64> = (0..CUTS).map(|_| numbers.below(LINES)).collect();
    cuts.sort_unstable();
    let mut cuts = VecDeque::from(cuts);
    let mut last = 0;
    loop {
        // A page that was loaded anew has no `Last-Event-ID`: it says in the address what it has.
        // Where both are given, the address is that of the first connect, and old.
        let path = format!("/jobs/{job}/log/stream");
        let ask = match numbers.below(3) {
            0 => world.get(&format!("{path}?after={last}")),
            1 => world.get(&format!("{path}?after=0")).header("last-event-id", &last.to_string()),
            _ => world.get(&path).header("last-event-id", &last.to_string()),
        };
        let mut stream = ask.cookie(&cookie).open().await;
        assert_eq!(stream.status, 200);
        loop {
            if cuts.front().is_some_and(|cut| *cut <= last) {
                cuts.pop_front();
                break;
            }
            let event = stream.next().await.expect("the stream goes on until the job has ended");
            if event.name == "end" {
                assert_eq!(last, LINES, "seed {seed}");
                assert!(stream.next().await.is_none(), "nothing comes after the end");
                assert!(cuts.is_empty());
                return event.data;
            }
            last += 1;
            assert_eq!((event.name.as_str(), event.id), ("line", last.to_string()), "seed {seed}");
            let line: domain::log::LogLine = serde_json::from_str(&event.data).unwrap();
            assert_eq!((line.number, line.text), (last, text(last)), "seed {seed}");
            seen.send_replace(last);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_arrives_whole_through_a_connection_that_is_cut() {
    let world = Arc::new(World::furnished().await);
    let cookie = world.sign_in(name(Role::Viewer)).await;
    let (job, _) = world.queued().await;
    let seed = given_seed().unwrap_or_else(|| u64::from(std::process::id()) * 0x9E37_79B9 + 1);
    println!("SEED={seed}");
    let mut readers = Vec::new();
    let mut seen = Vec::new();
    for reader in 0..3 {
        let (told, tells) = watch::channel(0);
        seen.push(tells);
        let (world, job, cookie) = (world.clone(), job.id.clone(), cookie.clone());
        readers.push(tokio::spawn(follow(world, job, cookie, seed + reader, Arc::new(told))));
    }
    let writer = world.services.logs().writer(&job.id).unwrap();
    let mut numbers = Numbers(seed);
    let mut written = 0;
    while written < LINES {
        for seen in &mut seen {
            seen.wait_for(|seen| written < seen + AHEAD).await.expect("its reader goes on");
        }
        for _ in 0..=numbers.below(200).min(LINES - written - 1) {
            written += 1;
            let at = Timestamp(i64::try_from(written).unwrap());
            writer.line(at, "system", &text(written)).unwrap();
        }
    }
    drop(writer);
    world.end_cancelled(&job.id).await;
    for reader in readers {
        assert_eq!(reader.await.unwrap(), "cancelled");
    }
    // Whoever comes afterwards reads what is left, and the end.
    for (after, left) in [(0, LINES), (LINES - 1, 1), (LINES, 0), (LINES + 5, 0), (u64::MAX, 0)] {
        let path = format!("/jobs/{}/log/stream?after={after}", job.id);
        let all = world.get(&path).cookie(&cookie).open().await.rest().await;
        assert_eq!(all.len() as u64, left + 1, "after {after}");
        assert_eq!(all.back().unwrap().name, "end");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_are_told_as_they_are_made() {
    let world = World::furnished().await;
    let cookie = world.sign_in(name(Role::Viewer)).await;
    let (job, _) = world.queued().await;
    let mut stream = world.get("/events").cookie(&cookie).open().await;
    assert_eq!(stream.status, 200);
    let told =
        |data: &str| Event { name: "change".to_owned(), data: data.to_owned(), ..Event::default() };
    let connected = format!("connected/{}", world.services.changes_told());
    assert_eq!(stream.next().await, Some(told(&connected)));
    let dave = world.actor(Role::Developer).await;
    world.services.cancel_job(&dave, &job.id).await.unwrap();
    assert_eq!(stream.next().await, Some(told(&format!("job/{}", job.id))));
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_end_with_the_server() {
    let world = World::furnished().await;
    let cookie = world.sign_in(name(Role::Viewer)).await;
    let (job, _) = world.queued().await;
    let mut changes = world.get("/events").cookie(&cookie).open().await;
    assert!(changes.next().await.unwrap().data.starts_with("connected/"));
    let writer = world.services.logs().writer(&job.id).unwrap();
    writer.line(Timestamp(1), "system", "the only line").unwrap();
    let log = format!("/jobs/{}/log/stream", job.id);
    let mut log = world.get(&log).cookie(&cookie).open().await;
    assert_eq!(log.next().await.unwrap().id, "1");
    world.stop.send_replace(true);
    assert_eq!(changes.next().await, None);
    assert_eq!(log.next().await, None, "it ends without the event `end`: the job goes on");
}
