//! One kill: the server dies in a script, the next one starts, and everything is checked.

use std::{collections::BTreeMap, path::PathBuf};

use domain::{
    ids::{JobId, ReleaseId},
    job::{JobKind, JobState, StepState},
};

use crate::{
    Aim, Kind, Script, World, browser::Unanswered, checks::Acknowledged, people::cancel,
    picture::Picture, server::Server,
};

/// What each environment may point at after a round.
type Pointers = BTreeMap<&'static str, Vec<Option<ReleaseId>>>;

impl World {
    /// Kills the server in a script, starts the next, and checks everything. `target` is what the
    /// script moves a pointer to.
    pub(crate) fn round(
        &mut self,
        server: Server,
        kind: Kind,
        aim: Aim,
        target: Option<&(&'static str, ReleaseId)>,
        script: impl FnOnce(&Script) -> Result<(), Unanswered> + Send + 'static,
    ) -> (Server, Picture) {
        let before = self.place.picture();
        let acknowledged = self.killed(server, aim, script);
        let killed = self.place.picture_of_killed();
        let done: Vec<&str> = acknowledged.iter().map(Acknowledged::word).collect();
        let doing: Vec<String> =
            killed.open_jobs().into_iter().map(|job| doing(&killed, &job.id)).collect();
        println!(
            "round {} {kind:?}: killed {:.1} ms after {:?}; acknowledged {done:?}; open {doing:?}",
            self.round + 1,
            aim.after.as_secs_f64() * 1000.0,
            aim.at
        );
        let mut pointers = Pointers::new();
        for environment in ["production", "development"] {
            let old = before.pointer(environment).cloned();
            let new = target.iter().find(|it| it.0 == environment).map(|it| Some(it.1.clone()));
            let switched = acknowledged.iter().any(Acknowledged::moves_pointer);
            let may = match new {
                Some(new) if switched => vec![new],
                Some(new) => vec![old, new],
                None => vec![old],
            };
            pointers.insert(environment, may);
        }
        killed.assert_whole();
        killed.assert_keeps(&before);
        self.assert_acknowledged(&killed);
        assert_pointers(&killed, &pointers);
        let open = killed.open_jobs().into_iter().map(|job| &job.id);
        let logs: Vec<(&JobId, String)> = open.map(|id| (id, self.place.log_of(id))).collect();

        // The next server may start while the kernel still ends what the killed one left.
        if self.random.coin() {
            self.place.assert_no_orphans(None);
        }
        let server = self.place.start();
        self.place.assert_no_orphans(Some(&server));
        let now = self.place.picture();
        now.assert_whole();
        now.assert_keeps(&killed);
        assert_pointers(&now, &pointers);
        self.assert_machines(&server, &now);
        self.assert_variants(&server, &now);
        for id in killed.open_guests() {
            let end = now.end_of_guest(id);
            assert!(end.is_some_and(|it| it.starts_with("interrupted")), "guest {id}: {end:?}");
        }
        assert_eq!(now.open_guests(), Vec::<&str>::new());

        for (id, log) in logs {
            self.assert_goes_on(&server, &killed, id, &log);
        }
        assert_eq!(self.place.work_left(), Vec::<PathBuf>::new());
        self.blobs.assert_whole(&self.place.data_dir());
        let verified = self.place.command(&["audit", "verify"], "");
        assert!(verified.contains("none edited, removed or inserted"), "{verified}");
        let after = self.place.picture();
        after.assert_whole();
        after.assert_keeps(&now);
        self.assert_acknowledged(&after);
        assert_pointers(&after, &pointers);
        self.assert_variants(&server, &after);
        (server, after)
    }

    /// Asserts that a job that was interrupted goes on by itself, keeps what it had finished and
    /// logged, and comes to its end.
    fn assert_goes_on(&mut self, server: &Server, killed: &Picture, id: &JobId, logged: &str) {
        let ann = self.ann(server);
        let (old, old_steps) = &killed.jobs[id];
        let wanted = match old.kind {
            JobKind::Build | JobKind::Import | JobKind::Collection | JobKind::Variant => {
                JobState::Succeeded
            }
            JobKind::Kernel => {
                self.cancel_while_it_compiles(server, id, logged.lines().count());
                JobState::Cancelled
            }
            JobKind::Validation if !self.eased => JobState::Succeeded,
            JobKind::Validation => {
                let again = ann.follow("/events", |_, _| {
                    self.place.picture().job(id.as_str()).attempts > old.attempts
                });
                assert!(again.is_ok());
                let (ann, job) = (ann.clone(), id.to_string());
                self.undisturbed(move |script| cancel(script, &ann, &job));
                JobState::Cancelled
            }
        };
        let ended = ann.wait_for_end(id.as_str());
        let log = || ann.get(&format!("/jobs/{id}/log")).unwrap_or_default();
        assert_eq!(ended, wanted.word(), "{:?} {}", self.place.picture().job(id.as_str()), log());
        let after = self.place.picture();
        let (new, new_steps) = &after.jobs[id];
        assert_eq!(new.attempts, old.attempts + 1, "{new:?}");
        let kept = self.place.kept_log(new);
        assert!(kept.starts_with(logged), "lines of {new:?} are lost: {logged} {kept}");
        let page = ann.get(&format!("/jobs/{id}")).unwrap();
        if old.state == JobState::Running {
            let says = format!("{} times, since the server was interrupted", new.attempts);
            assert!(page.contains(&says), "{page}");
        }
        for step in killed.finished_steps(id) {
            let now = new_steps.iter().find(|it| it.name == step.name).unwrap();
            assert_eq!(now.key, step.key, "{}", step.name);
            // The phases of a layer are one step of the cache: half of them is made again.
            let again = now.key.is_none() || old.kind == JobKind::Variant;
            let kept = now.state == StepState::Reused
                || (now.state == StepState::Succeeded && (again || now.ended_at == step.ended_at));
            assert!(kept, "{now:?} was finished before: {step:?}");
        }
        let complete = old.release_id().is_some_and(|it| killed.releases[it].stage.bootable())
            || killed.variant_builds.get(id).is_some_and(|it| it.manifest.is_some());
        for step in old_steps.iter().filter(|step| step.state == StepState::Running) {
            let now = new_steps.iter().find(|it| it.name == step.name).unwrap();
            assert!(now.started_at > step.started_at, "{now:?} did not begin again: {step:?}");
        }
        let tells = matches!(old.kind, JobKind::Build | JobKind::Kernel | JobKind::Variant);
        if tells && old.state == JobState::Running && !complete {
            assert!(log().contains("The server was interrupted"), "{}", log());
        }
    }
}

fn assert_pointers(picture: &Picture, may: &Pointers) {
    for (environment, may) in may {
        let pointer = picture.pointer(environment).cloned();
        assert!(may.contains(&pointer), "{environment} points at {pointer:?}, not at {may:?}");
    }
}

/// A job and the step that it is at, for the line about a round.
fn doing(picture: &Picture, id: &JobId) -> String {
    let (job, steps) = &picture.jobs[id];
    let at = steps.iter().find(|step| step.state == StepState::Running);
    let finished = picture.finished_steps(id).len();
    match at {
        Some(step) => format!("{} in {} after {finished} steps", job.kind, step.name),
        None => format!("{} {} after {finished} steps", job.kind, job.state),
    }
}
