//! A file of results that the server is killed in: what was acknowledged is read by the next server, and
//! nobody ever sees half of a run.

use std::{
    fmt::Write as _,
    thread,
    time::{Duration, Instant},
};

use crate::{
    Aim, Kind, PATIENCE, Point, Script, World, browser::Browser, checks::Acknowledged,
    server::Server,
};

/// How many cases a file has: more than are written in one transaction.
pub(crate) const CASES: u64 = 3_000;

/// A file that no other round sends.
fn file(round: usize) -> String {
    let mut rows = String::from("Test name,Test ID,Result,Comments\n");
    for case in 0..CASES {
        let outcome = if case % 50 == 7 { "FAIL" } else { "PASS" };
        let _ = writeln!(
            rows,
            "case {case},BRD{:03}.{:03},{outcome},round {round}",
            case / 100,
            case % 100
        );
    }
    rows
}

fn bring(script: &Script, ann: &Browser, rows: &str) -> Result<(), crate::browser::Unanswered> {
    let form = [("release", "recorded/board"), ("machine", "apu2"), ("file", rows)];
    let answer = script.ask_in_parts(ann, "/tests/import", &form)?;
    let run = answer.location.strip_prefix("/runs/").unwrap_or_default().to_owned();
    assert!(!run.is_empty(), "{answer:?}");
    script.acknowledged(Acknowledged::ResultsBrought { run });
    Ok(())
}

impl World {
    /// Bringing a file in.
    pub(crate) fn results(&mut self, server: Server) -> Server {
        if self.results_take.is_zero() {
            let (ann, rows, began) = (self.ann(&server), file(usize::MAX), Instant::now());
            self.undisturbed(move |script| bring(script, &ann, &rows));
            self.results_take = began.elapsed();
        }
        let (ann, rows) = (self.ann(&server), file(self.round));
        let before = self.place.picture().brought.len();
        let aim = Aim { at: Point::Sends(1), after: self.random.up_to(self.results_take) };
        let (server, after) =
            self.round(server, Kind::Results, aim, None, move |script| bring(script, &ann, &rows));
        // The next server reads by itself what the killed one had acknowledged.
        let (began, mut now) = (Instant::now(), after);
        while now.unread > 0 {
            assert!(began.elapsed() < PATIENCE, "a file that was acknowledged is not read");
            thread::sleep(Duration::from_millis(50));
            now = self.place.picture();
        }
        now.assert_whole();
        assert!(now.brought.len() <= before + 1, "one file is one run");
        // The same file again is the same run, or the first of one that nobody has acknowledged.
        let (ann, rows) = (self.ann(&server), file(self.round));
        self.undisturbed(move |script| bring(script, &ann, &rows));
        assert_eq!(self.place.picture().brought.len(), before + 1);
        server
    }
}
