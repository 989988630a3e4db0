//! The rounds: what people do, when the server is killed in it, and what must come of it.

use std::{
    fs::{self, File},
    os::unix::fs::{MetadataExt as _, chown},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use app::api::environments::{ChangePolicy, RollBack};
use blobs::BlobStore;
use domain::{
    deployment::{Deployment, DeploymentState},
    digest::Digest,
    ids::JobId,
    release::Release,
};
use leptos::server_fn::ServerFn;

use crate::{
    Aim, Kind, Point, RECIPE, Script, World,
    browser::Browser,
    checks::Acknowledged,
    people::{
        REASON, approve, ask_for_build, ask_for_collection, ask_for_validation, execute, request,
        save,
    },
    picture::Picture,
    server::Server,
    text_of,
};

/// The window around the answer to a form, in which the store commits.
pub(crate) const AROUND_THE_ANSWER: Duration = Duration::from_millis(30);
/// Checking a recipe takes long, and its transaction comes last: around what an answer took before
/// kills come before the transaction, in it, and after it.
const EARLY: f64 = 0.7;
const EARLY_TO_LATE: f64 = 0.6;
/// The last two transactions of a build lie this close together.
pub(crate) const UP_TO_THE_END: Duration = Duration::from_millis(5);
/// How many files there are to collect.
const GARBAGE: usize = 10_000;

impl World {
    pub(crate) fn ann(&self, server: &Server) -> Browser {
        self.people.ann.at(&server.dashboard)
    }

    fn bob(&self, server: &Server) -> Browser {
        self.people.bob.at(&server.dashboard)
    }

    fn eve(&self, server: &Server) -> Browser {
        self.people.eve.at(&server.dashboard)
    }

    /// Saves a text that no build has seen; gives its revision and a version for it.
    pub(crate) fn save(&mut self, server: &Server) -> (u32, String) {
        let (ann, base) = (self.ann(server), self.newest_revision());
        let text = text_of(self.next);
        let version = format!("v1.{}.0-rc.1", self.next);
        self.next += 1;
        let began = Instant::now();
        self.undisturbed(move |script| save(script, &ann, base, &text));
        self.save_answer_takes = began.elapsed();
        (base + 1, version)
    }

    fn newest_revision(&self) -> u32 {
        *self.place.picture().revisions.keys().last().unwrap()
    }

    pub(crate) fn create_recipe(&mut self, server: &Server) {
        let ann = self.ann(server);
        self.undisturbed(move |script| {
            let text = text_of(0);
            let form = [("name", RECIPE), ("base", ""), ("text", &text), ("message", "first")];
            script.ask(&ann, "/recipes/new", &form)?;
            script.acknowledged(Acknowledged::Saved { number: 1, text });
            Ok(())
        });
    }

    /// A whole build; gives its job.
    pub(crate) fn build_undisturbed(
        &mut self,
        server: &Server,
        revision: u32,
        version: &str,
        packages: &'static str,
    ) -> JobId {
        let (ann, asked) = (self.ann(server), version.to_owned());
        let began = Instant::now();
        self.undisturbed(move |script| ask_for_build(script, &ann, revision, &asked, packages));
        self.build_answer_takes = began.elapsed();
        let job = self.place.picture().release_named(version).unwrap().job.clone();
        let ann = self.ann(server);
        let log = || ann.get(&format!("/jobs/{job}/log")).unwrap_or_default();
        assert_eq!(ann.wait_for_end(job.as_str()), "succeeded", "{}", log());
        job
    }

    /// One round, up to the next server.
    pub(crate) fn play(&mut self, kind: Kind, server: Server) -> Server {
        match kind {
            Kind::Save => {
                let (ann, base) = (self.ann(&server), self.newest_revision());
                let text = text_of(self.next);
                self.next += 1;
                let aim = Aim { at: Point::Sends(1), after: self.around(self.save_answer_takes) };
                self.round(server, kind, aim, None, move |script| save(script, &ann, base, &text)).0
            }
            Kind::BuildAsked | Kind::Build | Kind::BuildCompleted => self.build(kind, server),
            Kind::Validation => self.validation(server),
            Kind::Deploy(environment) => {
                let sends = if environment == "production" { 3 } else { 2 };
                let after = self.random.soon_up_to(AROUND_THE_ANSWER);
                let aim = Aim { at: Point::Sends(sends), after };
                self.deployment(kind, server, environment, aim)
            }
            Kind::Request => {
                let environment = *self.random.pick(&["production", "development"]);
                let after = self.random.up_to(Duration::from_millis(150));
                self.deployment(kind, server, environment, Aim { at: Point::Sends(1), after })
            }
            Kind::RollBack => self.roll_back(server),
            Kind::Collection => self.collection(server),
            Kind::Kernel => self.kernel(server),
            Kind::VariantSaved => self.variant_saved(server),
            Kind::Variant | Kind::VariantCompleted => self.variant(kind, server),
            Kind::Guest => self.guest(server),
            Kind::Results => self.results(server),
        }
    }

    fn around(&mut self, took: Duration) -> Duration {
        took.mul_f64(EARLY + EARLY_TO_LATE * self.random.fraction())
    }

    fn build(&mut self, kind: Kind, server: Server) -> Server {
        self.place.trim_cache();
        let (revision, version) = self.save(&server);
        let ann = self.ann(&server);
        let aim = match kind {
            Kind::BuildAsked => {
                let after = self.around(self.build_answer_takes);
                Aim { at: Point::Sends(1), after }
            }
            Kind::BuildCompleted => {
                Aim { at: Point::Sees, after: self.random.soon_up_to(UP_TO_THE_END) }
            }
            _ => {
                let of = self.rounds_of(|it| it == Kind::Build);
                let fraction = (self.builds as f64 + self.random.fraction()) / of as f64;
                self.builds += 1;
                Aim { at: Point::Sends(1), after: self.build_takes.mul_f64(fraction) }
            }
        };
        let topic = format!("release/{version}");
        self.round(server, kind, aim, None, move |script| {
            if kind != Kind::BuildCompleted {
                return ask_for_build(script, &ann, revision, &version, "keep");
            }
            // It changes twice: when its lock is known, and when it is complete.
            let mut changes = 0;
            ann.follow("/events", |_, told| {
                if told.starts_with("connected/") {
                    return ask_for_build(script, &ann, revision, &version, "keep").is_err();
                }
                changes += usize::from(told == topic);
                changes == 2
            })?;
            script.sees();
            Ok(())
        })
        .0
    }

    fn validation(&mut self, server: Server) -> Server {
        let before = self.place.picture();
        // What is validated first goes to production; later ones are ended once they went on.
        let first = !self.eased && before.pointer("production").is_none();
        let mut candidates: Vec<&Release> =
            before.releases.values().filter(|it| it.stage.bootable()).collect();
        candidates.sort_by_key(|release| release.created_at);
        let version = if first {
            candidates[0].version.to_string()
        } else {
            self.random.pick(&candidates).version.to_string()
        };
        let of = self.rounds_of(|it| it == Kind::Validation);
        let fraction = (self.validations as f64 + self.random.fraction()) / of as f64;
        self.validations += 1;
        let aim = Aim { at: Point::Sends(1), after: self.validation_takes.mul_f64(fraction) };
        let (ann, asked) = (self.ann(&server), version.clone());
        let (server, after) = self.round(server, Kind::Validation, aim, None, move |script| {
            ask_for_validation(script, &ann, &asked)
        });
        if !first {
            return server;
        }
        if !after.releases.values().any(|release| after.validated(release)) {
            // The kill came before the request was taken.
            let (ann, began) = (self.ann(&server), Instant::now());
            let asked = self.undisturbed(move |script| ask_for_validation(script, &ann, &version));
            let [Acknowledged::ValidationAsked { job, .. }] = &asked[..] else {
                panic!("{asked:?}")
            };
            assert_eq!(self.ann(&server).wait_for_end(job), "succeeded");
            self.validation_takes = began.elapsed();
        }
        server
    }

    /// A collection of thousands of blobs that nothing needs, among those that releases need.
    fn collection(&mut self, server: Server) -> Server {
        self.plant_garbage();
        let began = Instant::now();
        self.collect_undisturbed(&server);
        let takes = began.elapsed();
        let garbage = self.plant_garbage();
        let ann = self.ann(&server);
        let aim = Aim { at: Point::Sends(1), after: self.random.up_to(takes) };
        let ask = move |script: &Script| ask_for_collection(script, &ann);
        let (server, after) = self.round(server, Kind::Collection, aim, None, ask);
        if garbage.iter().any(|path| path.exists()) {
            // The kill came before the request was taken.
            self.collect_undisturbed(&server);
        }
        let left = garbage.iter().filter(|path| path.exists()).count();
        assert_eq!(left, 0, "what nothing needs is gone");
        let blobs = BlobStore::open(&self.place.data_dir().join("blobs")).unwrap();
        for (id, manifest) in &after.manifests {
            if after.releases[id].stage.bootable() {
                for file in &manifest.components {
                    assert!(blobs.contains(&file.sha256), "{} of {id:?}", file.name);
                }
            }
        }
        server
    }

    fn collect_undisturbed(&mut self, server: &Server) {
        let ann = self.ann(server);
        let asked = self.undisturbed(move |script| ask_for_collection(script, &ann));
        let [Acknowledged::CollectionAsked { job }] = &asked[..] else { panic!("{asked:?}") };
        assert_eq!(self.ann(server).wait_for_end(job), "succeeded");
    }

    /// Blobs that no row names, written an hour ago.
    fn plant_garbage(&mut self) -> Vec<PathBuf> {
        let blobs = BlobStore::open(&self.place.data_dir().join("blobs")).unwrap();
        let hour_ago = blobs::now() - Duration::from_secs(3600);
        let owner = self.place.data_dir().join("blobs").metadata().unwrap();
        let own = |path: &Path| chown(path, Some(owner.uid()), Some(owner.gid())).unwrap();
        let plant = |number| {
            let text = format!("garbage {number} of round {}", self.round);
            // Past the store, which would sync each of them.
            let path = blobs.path(&Digest::of(&text));
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, &text).unwrap();
            // The server is not root.
            own(path.parent().unwrap());
            own(&path);
            File::open(&path).unwrap().set_modified(hour_ago).unwrap();
            path
        };
        (0..GARBAGE).map(plant).collect()
    }

    pub(crate) fn rounds_of(&self, kind: impl Fn(Kind) -> bool) -> usize {
        (0..self.rounds).filter(|round| kind(crate::BLOCK[round % crate::BLOCK.len()])).count()
    }

    /// A release that the environment does not serve and could; built where there is none.
    fn other_release(&mut self, server: &Server, environment: &str) -> Release {
        let picture = self.place.picture();
        let pointer = picture.pointer(environment);
        let demanded = environment == "production" && !self.eased;
        let choices: Vec<&Release> = picture
            .releases
            .values()
            .filter(|it| it.stage.bootable() && Some(&it.id) != pointer)
            .filter(|it| !demanded || picture.validated(it))
            .collect();
        if choices.is_empty() {
            let (revision, version) = self.save(server);
            self.build_undisturbed(server, revision, &version, "keep");
            return self.place.picture().release_named(&version).unwrap().clone();
        }
        (*self.random.pick(&choices)).clone()
    }

    fn deployment(
        &mut self,
        kind: Kind,
        server: Server,
        environment: &'static str,
        aim: Aim,
    ) -> Server {
        let release = self.other_release(&server, environment);
        let (ann, bob) = (self.ann(&server), self.bob(&server));
        let name = release.name();
        let target = (environment, release.id.clone());
        let (server, after) = self.round(server, kind, aim, Some(&target), move |script| {
            let id = request(script, &ann, environment, &name)?;
            if environment == "production" {
                approve(script, &bob, &id)?;
            }
            execute(script, &ann, &id, &name)
        });
        // What was interrupted between two people can go on.
        self.finish_open_deployments(&server, &after);
        if environment == "production" && !self.eased {
            // Other releases shall follow without a validation each.
            let eve = self.eve(&server);
            self.undisturbed(move |script| {
                let form = [("environment", "production"), ("approvals", "1")];
                script.ask(&eve, ChangePolicy::PATH, &form)?;
                Ok(())
            });
            self.eased = true;
        }
        server
    }

    fn finish_open_deployments(&mut self, server: &Server, picture: &Picture) {
        for open in picture.deployments.values().filter(|it| it.state.open()) {
            let Deployment { id, environment, state, release_name, .. } = open.clone();
            let (ann, bob) = (self.ann(server), self.bob(server));
            let approved = state == DeploymentState::Approved || environment == "development";
            self.undisturbed(move |script| {
                if !approved {
                    approve(script, &bob, id.as_str())?;
                }
                execute(script, &ann, id.as_str(), &release_name)
            });
            let pointer = self.place.picture().pointer(&open.environment).cloned();
            assert_eq!(pointer.as_ref(), Some(&open.release));
        }
    }

    fn roll_back(&mut self, server: Server) -> Server {
        let environment = *self.random.pick(&["production", "development"]);
        let mut picture = self.place.picture();
        let former = loop {
            let pointer = picture.pointer(environment).cloned();
            let executed = picture.executed(environment);
            let former: Vec<&Deployment> =
                executed.into_iter().filter(|it| Some(&it.release) != pointer.as_ref()).collect();
            if !former.is_empty() {
                break (*self.random.pick(&former)).clone();
            }
            let name = self.other_release(&server, environment).name();
            let (ann, bob) = (self.ann(&server), self.bob(&server));
            self.undisturbed(move |script| {
                let id = request(script, &ann, environment, &name)?;
                if environment == "production" {
                    approve(script, &bob, &id)?;
                }
                execute(script, &ann, &id, &name)
            });
            picture = self.place.picture();
        };
        let eve = self.eve(&server);
        let aim = Aim { at: Point::Sends(1), after: self.random.soon_up_to(AROUND_THE_ANSWER) };
        let target = (environment, former.release.clone());
        self.round(server, Kind::RollBack, aim, Some(&target), move |script| {
            let (id, name) = (former.id.as_str(), former.release_name.as_str());
            let form = [
                ("environment", environment),
                ("deployment", id),
                ("reason", REASON),
                ("confirm", name),
            ];
            script.ask(&eve, RollBack::PATH, &form)?;
            let release = former.release.to_string();
            script.acknowledged(Acknowledged::RolledBack { environment, release });
            Ok(())
        })
        .0
    }
}
