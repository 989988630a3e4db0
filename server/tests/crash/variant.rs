//! A variant that the server is killed in: while it is saved, while it is built, while it is tried in
//! a guest.

use std::time::Duration;

use domain::job::{JobKind, StepState};

use crate::{
    Aim, Kind, Point, World,
    people::{ask_for_variant, save_variant, start_guest},
    rounds::{AROUND_THE_ANSWER, UP_TO_THE_END},
    server::Server,
};

/// The variant that is changed and built again and again.
const NAME: &str = "probe";
/// What it stands on: never withdrawn, so its files stay.
const BASE: &str = "v1.0.0-rc.1";
/// How long after QEMU's start the kill comes at the latest.
const BOOTING: Duration = Duration::from_secs(6);

impl World {
    /// Making a variant, or changing the one that is there.
    pub(crate) fn variant_saved(&mut self, server: Server) -> Server {
        self.first_variant(&server);
        let (name, former) = if self.random.coin() {
            (NAME.to_owned(), self.revision())
        } else {
            (format!("{NAME}-{}", self.round + 1), 0)
        };
        let (ann, text) = (self.ann(&server), self.motd());
        let after = self.random.soon_up_to(AROUND_THE_ANSWER);
        let aim = Aim { at: Point::Sends(1), after };
        self.round(server, Kind::VariantSaved, aim, None, move |script| {
            save_variant(script, &ann, &name, BASE, former, &text)
        })
        .0
    }

    /// The build of a change that no build has seen.
    pub(crate) fn variant(&mut self, kind: Kind, server: Server) -> Server {
        self.first_variant(&server);
        self.change_variant(&server);
        let aim = if kind == Kind::VariantCompleted {
            Aim { at: Point::Sees, after: self.random.soon_up_to(UP_TO_THE_END) }
        } else {
            let of = self.rounds_of(|it| it == Kind::Variant);
            let fraction = (self.variants as f64 + self.random.fraction()) / of as f64;
            self.variants += 1;
            Aim { at: Point::Sends(1), after: self.variant_takes.mul_f64(fraction) }
        };
        let trees = self.place.trees();
        let ann = self.ann(&server);
        let topic = format!("variant/{NAME}");
        let (server, _) = self.round(server, kind, aim, None, move |script| {
            if kind != Kind::VariantCompleted {
                return ask_for_variant(script, &ann, NAME);
            }
            // It changes when its build is asked for, when it is resolved, and when it is complete.
            let mut changes = 0;
            ann.follow("/events", |_, told| {
                if told.starts_with("connected/") {
                    return ask_for_variant(script, &ann, NAME).is_err();
                }
                changes += usize::from(told == topic);
                changes == 3
            })?;
            script.sees();
            Ok(())
        });
        let now = self.place.trees();
        for (tree, fingerprint) in trees {
            assert_eq!(now.get(&tree), Some(&fingerprint), "{} was changed", tree.display());
        }
        server
    }

    /// A guest that boots the variant.
    pub(crate) fn guest(&mut self, server: Server) -> Server {
        self.first_variant(&server);
        let ann = self.ann(&server);
        let aim = Aim { at: Point::Sees, after: self.random.up_to(BOOTING) };
        let (server, _) = self.round(server, Kind::Guest, aim, None, move |script| {
            // It changes when it is asked for, and when QEMU runs.
            let mut changes = 0;
            ann.follow("/events", |_, told| {
                if told.starts_with("connected/") {
                    return start_guest(script, &ann, NAME).is_err();
                }
                changes += usize::from(told.starts_with("guest/"));
                changes == 2
            })?;
            script.sees();
            Ok(())
        });
        server
    }

    /// Makes and builds the variant where there is none yet: the base is unpacked for that, which later
    /// builds are spared. The second build tells how long those take.
    fn first_variant(&mut self, server: &Server) {
        if !self.variant_takes.is_zero() {
            return;
        }
        let (ann, text) = (self.ann(server), self.motd());
        self.undisturbed(move |script| save_variant(script, &ann, NAME, BASE, 0, &text));
        self.build_variant(server);
        self.change_variant(server);
        self.variant_takes = self.build_variant(server);
        println!("a variant takes {:.1} s", self.variant_takes.as_secs_f64());
    }

    fn change_variant(&mut self, server: &Server) {
        let (ann, text) = (self.ann(server), self.motd());
        let former = self.revision();
        self.undisturbed(move |script| save_variant(script, &ann, NAME, BASE, former, &text));
    }

    /// A whole build; gives how long it took.
    fn build_variant(&mut self, server: &Server) -> Duration {
        let ann = self.ann(server);
        let asking = ann.clone();
        self.undisturbed(move |script| ask_for_variant(script, &asking, NAME));
        let picture = self.place.picture();
        let of_it = picture.jobs.values().filter(|(job, _)| job.kind == JobKind::Variant);
        let (job, _) = of_it.max_by_key(|(job, _)| job.created_at).unwrap();
        let log = || ann.get(&format!("/jobs/{}/log", job.id)).unwrap_or_default();
        assert_eq!(ann.wait_for_end(job.id.as_str()), "succeeded", "{}", log());
        let after = self.place.picture();
        let (job, steps) = &after.jobs[&job.id];
        let pack = steps.iter().find(|it| it.name == "pack").unwrap();
        assert_eq!(pack.state, StepState::Succeeded, "nobody had this layer before");
        job.ended_at.unwrap().since(job.created_at)
    }

    fn revision(&self) -> u32 {
        self.place.picture().variants[NAME].revision
    }

    /// A text that no build has seen.
    fn motd(&mut self) -> String {
        self.next += 1;
        format!("text {}", self.next)
    }
}
