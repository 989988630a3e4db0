//! A kernel whose compilation the server is killed in: a real tree, and real compilers.

use std::{
    fs,
    path::PathBuf,
    thread,
    time::{Duration, Instant},
};

use domain::{
    ids::JobId,
    job::{JobKind, StepState},
};

use crate::{
    Aim, Kind, Point, World,
    browser::{Browser, Unanswered},
    people::{add_kernel, ask_for_kernel, cancel},
    server::{NAP, ORPHANS, Server},
};

/// How long after the compiler's first line the kill comes at the latest.
const COMPILING: Duration = Duration::from_secs(3);
const STEP: &str = "compile";

impl World {
    /// A kernel that is compiled anew, and cancelled once it goes on.
    pub(crate) fn kernel(&mut self, server: Server) -> Server {
        // Others may have compiled the same: what comes before stays.
        for entry in self.place.cached(STEP) {
            fs::remove_file(entry).unwrap();
        }
        let (ann, name) = (self.ann(&server), format!("small-{}", self.round + 1));
        let added = name.clone();
        self.undisturbed(move |script| add_kernel(script, &ann, &added));
        let (ann, asked) = (self.ann(&server), name.clone());
        let aim = Aim { at: Point::Sees, after: self.random.up_to(COMPILING) };
        let (server, after) = self.round(server, Kind::Kernel, aim, None, move |script| {
            let job = ask_for_kernel(script, &ann, &asked)?;
            until_it_compiles(&ann, &job, 0)?;
            script.sees();
            Ok(())
        });
        let (job, row) = after.kernel_builds.iter().find(|(_, row)| row.kernel == name).unwrap();
        assert_eq!(row.build.record, None, "half a kernel");
        assert_eq!(self.place.cached(STEP), Vec::<PathBuf>::new(), "half a compilation");
        let (job, steps) = &after.jobs[job];
        assert_eq!(job.kind, JobKind::Kernel);
        let states: Vec<_> = steps.iter().map(|it| (it.name.as_str(), it.state)).collect();
        let expected = [
            ("source", StepState::Succeeded),
            ("prepare", StepState::Reused),
            ("configure", StepState::Reused),
            (STEP, StepState::Cancelled),
            ("record", StepState::Waiting),
        ];
        assert_eq!(states, expected);
        server
    }

    /// Cancels a job of a kernel once it compiles again, after line `logged` of its log, and asserts
    /// that no compiler runs on.
    pub(crate) fn cancel_while_it_compiles(&mut self, server: &Server, id: &JobId, logged: usize) {
        let ann = self.ann(server);
        assert!(until_it_compiles(&ann, id.as_str(), logged).is_ok());
        assert!(!self.place.sandboxed().is_empty(), "a compiler runs in no sandbox");
        assert_eq!(self.place.cached(STEP), Vec::<PathBuf>::new(), "half a compilation");
        let (who, job) = (ann.clone(), id.to_string());
        self.undisturbed(move |script| cancel(script, &who, &job));
        ann.wait_for_end(id.as_str());
        // What was killed is gone once the kernel has taken it down.
        let deadline = Instant::now() + ORPHANS;
        loop {
            let left = self.place.sandboxed();
            if left.is_empty() {
                break;
            }
            assert!(Instant::now() < deadline, "left of a job that was cancelled: {left:?}");
            thread::sleep(NAP);
        }
    }
}

/// Waits for a line of the compiler after line `after` of a job's log.
fn until_it_compiles(who: &Browser, job: &str, after: usize) -> Result<(), Unanswered> {
    who.follow(&format!("/jobs/{job}/log/stream?after={after}"), |event, line| {
        assert_ne!(event, "end", "{job} ended before it compiled: {line}");
        line.contains(r#""step":"compile""#) && line.contains(r#""text":"  CC  "#)
    })
}
