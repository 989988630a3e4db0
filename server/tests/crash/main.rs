//! The program is killed (`kill -9`) at seeded instants while people build, validate, deploy and try
//! things, and started again on the same folder: whatever was acknowledged is there, whatever was not is
//! there wholly or not at all, what was interrupted goes on by itself, machines are served one
//! complete release or the other, and nothing of the killed server is left.
//!
//! `BOOTWRIGHT_CRASH_ROUNDS` says how often (14), `BOOTWRIGHT_CRASH_SEED` when. One block of nineteen
//! rounds has everything; more rounds hit the same actions at other instants.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

mod browser;
mod checks;
mod kernel;
mod kill;
mod people;
mod picture;
mod results;
mod rounds;
mod server;
mod variant;

use std::{
    sync::mpsc::{self, Receiver, Sender},
    thread,
    time::{Duration, Instant},
};

use domain::recipe;

use crate::{
    browser::{Answer, Browser, Person, Unanswered},
    checks::{Acknowledged, Blobs},
    server::{Place, Server},
};

/// The one recipe.
pub(crate) const RECIPE: &str = "starter";
const PASSWORD: &str = "correct horse battery";
/// How long an action may take to come to the instant that is aimed at.
const PATIENCE: Duration = Duration::from_secs(600);
/// Kills that come later than this hit running sandboxes and guests.
const LONG: Duration = Duration::from_secs(1);
const SEED: u64 = 20_260_801;

/// What a round kills the server in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Saving a revision.
    Save,
    /// The request for a build.
    BuildAsked,
    /// Some instant of a build.
    Build,
    /// The end of a build: the release is complete, its job is not yet at its end.
    BuildCompleted,
    /// Some instant of a validation.
    Validation,
    /// The switch of an environment's pointer.
    Deploy(&'static str),
    /// Some instant from the request to the switch.
    Request,
    /// The switch back.
    RollBack,
    /// Some instant of a collection.
    Collection,
    /// Some instant at which a compiler runs.
    Kernel,
    /// Making a variant, or changing it.
    VariantSaved,
    /// Some instant of the build of a variant.
    Variant,
    /// The end of that: machines can boot it, its job is not yet at its end.
    VariantCompleted,
    /// Some instant at which a guest runs.
    Guest,
    /// Some instant at which a file of results is brought in.
    Results,
}

/// One block of rounds. A validation comes first: production demands one.
const BLOCK: [Kind; 22] = [
    Kind::Validation,
    Kind::Deploy("production"),
    Kind::Build,
    Kind::RollBack,
    Kind::BuildCompleted,
    Kind::VariantSaved,
    Kind::Variant,
    Kind::Deploy("development"),
    Kind::Build,
    Kind::VariantCompleted,
    Kind::Guest,
    Kind::Results,
    Kind::Save,
    Kind::Results,
    Kind::Collection,
    Kind::Variant,
    Kind::Validation,
    Kind::BuildAsked,
    Kind::Request,
    Kind::Build,
    Kind::Results,
    Kind::Kernel,
];

/// `SplitMix64`: the same instants for the same seed, on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// From 0 up to 1.
    fn fraction(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn up_to(&mut self, most: Duration) -> Duration {
        most.mul_f64(self.fraction())
    }

    /// As [`Random::up_to`], more often soon than late: most commits lie at the beginning.
    fn soon_up_to(&mut self, most: Duration) -> Duration {
        let fraction = self.fraction();
        most.mul_f64(fraction * fraction)
    }

    fn coin(&mut self) -> bool {
        self.next() >> 63 == 1
    }

    fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[(self.next() % of.len() as u64) as usize]
    }
}

/// When the server is killed: so long after the script has come to a point.
#[derive(Debug, Clone, Copy)]
struct Aim {
    at: Point,
    after: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Point {
    /// The script sends its form of that number, from 1.
    Sends(usize),
    /// The script has seen what it waited for.
    Sees,
}

/// What a script tells while it runs.
enum Told {
    Sends,
    Sees,
    Acknowledged(Acknowledged),
}

/// People doing something, in a thread of their own; it ends where the server no longer answers.
struct Script {
    told: Sender<Told>,
}

impl Script {
    fn ask(&self, who: &Browser, path: &str, form: &[(&str, &str)]) -> Result<Answer, Unanswered> {
        self.sends();
        who.post(path, form).map(|answer| taken(path, form, answer))
    }

    /// As [`Script::ask`], by a form that may carry files.
    fn ask_in_parts(
        &self,
        who: &Browser,
        path: &str,
        form: &[(&str, &str)],
    ) -> Result<Answer, Unanswered> {
        self.sends();
        who.post_in_parts(path, form).map(|answer| taken(path, form, answer))
    }

    fn sends(&self) {
        // An error means that the server has been killed and nobody listens any more.
        let _ = self.told.send(Told::Sends);
    }

    fn acknowledged(&self, what: Acknowledged) {
        let _ = self.told.send(Told::Acknowledged(what));
    }

    fn sees(&self) {
        let _ = self.told.send(Told::Sees);
    }
}

/// An answer that says that the form did what it was sent for.
fn taken(path: &str, form: &[(&str, &str)], answer: Answer) -> Answer {
    assert!(matches!(answer.status, 200..=299 | 302 | 303), "{path} {form:?}: {answer:?}");
    answer
}

/// The people of the installation.
#[derive(Clone)]
struct People {
    /// Developer.
    ann: Person,
    /// Approver.
    bob: Person,
    /// Administrator.
    eve: Person,
}

/// One installation over all rounds.
struct World {
    place: Place,
    people: People,
    random: Random,
    /// Everything that the server has acknowledged, ever.
    acknowledged: Vec<Acknowledged>,
    blobs: Blobs,
    round: usize,
    rounds: usize,
    /// How many rounds of a kind there were.
    builds: usize,
    validations: usize,
    variants: usize,
    /// How long they take without a kill, and the answers to the forms that ask for them.
    build_takes: Duration,
    validation_takes: Duration,
    variant_takes: Duration,
    results_take: Duration,
    save_answer_takes: Duration,
    build_answer_takes: Duration,
    /// How many processes of killed servers the kernel had to end.
    processes_ended: usize,
    /// Whether production's policy has been eased, after it was satisfied once.
    eased: bool,
    /// Number of the next version and of the next text.
    next: u64,
}

impl World {
    /// Runs a script to its end; nobody is killed.
    fn undisturbed(
        &mut self,
        script: impl FnOnce(&Script) -> Result<(), Unanswered> + Send + 'static,
    ) -> Vec<Acknowledged> {
        let (told, heard) = mpsc::channel();
        script(&Script { told }).expect("the server answers while nobody kills it");
        let acknowledged = acknowledgements(&heard);
        self.acknowledged.extend(acknowledged.iter().cloned());
        acknowledged
    }

    /// Runs a script and kills the server at the instant that is aimed at.
    fn killed(
        &mut self,
        server: Server,
        aim: Aim,
        script: impl FnOnce(&Script) -> Result<(), Unanswered> + Send + 'static,
    ) -> Vec<Acknowledged> {
        let (told, heard) = mpsc::channel();
        // A script that the server leaves without an answer has nothing more to say.
        let people = thread::spawn(move || {
            let _ = script(&Script { told });
        });
        let mut acknowledged = Vec::new();
        let mut sent = 0;
        loop {
            let point = match heard.recv_timeout(PATIENCE) {
                Ok(Told::Sends) => {
                    sent += 1;
                    Point::Sends(sent)
                }
                Ok(Told::Sees) => Point::Sees,
                Ok(Told::Acknowledged(what)) => {
                    acknowledged.push(what);
                    continue;
                }
                Err(_) => {
                    let _ = people.join();
                    panic!("the script ended before {aim:?}: {}", self.place.last_words());
                }
            };
            if point == aim.at {
                break;
            }
        }
        thread::sleep(aim.after);
        if aim.after > LONG {
            // Only there: looking takes longer than some windows are wide.
            self.processes_ended += self.place.children(&server);
        }
        server.kill();
        people.join().expect("each form that is answered does what it was sent for");
        acknowledged.extend(acknowledgements(&heard));
        self.acknowledged.extend(acknowledged.iter().cloned());
        acknowledged
    }
}

fn acknowledgements(heard: &Receiver<Told>) -> Vec<Acknowledged> {
    heard
        .try_iter()
        .filter_map(|told| match told {
            Told::Acknowledged(what) => Some(what),
            Told::Sends | Told::Sees => None,
        })
        .collect()
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var_os(name).map_or(default, |text| {
        text.to_str()
            .and_then(|text| text.parse().ok())
            .unwrap_or_else(|| panic!("{name}: {text:?}"))
    })
}

/// The starter with a line above the login prompt that no other build has.
fn text_of(number: u64) -> String {
    recipe::starter().replace("[root:debian]\n", &format!("[root:debian]\nText {number}\n"))
}

/// An installation with a release; its build tells how long builds take.
fn prepare(rounds: usize, seed: u64) -> (World, Server) {
    let mut place = Place::new();
    for (name, role) in [("ann", "developer"), ("bob", "approver"), ("eve", "administrator")] {
        let command = ["admin", "create-user", name, "--role", role, "--password-stdin"];
        place.command(&command, &format!("{PASSWORD}\n"));
    }
    place.fill_cache();
    let server = place.start();
    let person = |name| Person::sign_in(&server.dashboard, name, PASSWORD);
    let people = People { ann: person("ann"), bob: person("bob"), eve: person("eve") };
    let mut world = World {
        place,
        people,
        random: Random(seed),
        acknowledged: Vec::new(),
        blobs: Blobs::default(),
        round: 0,
        rounds,
        builds: 0,
        validations: 0,
        variants: 0,
        build_takes: Duration::ZERO,
        validation_takes: Duration::from_secs(30),
        variant_takes: Duration::ZERO,
        results_take: Duration::ZERO,
        save_answer_takes: Duration::ZERO,
        build_answer_takes: Duration::ZERO,
        processes_ended: 0,
        eased: false,
        next: 1,
    };
    world.create_recipe(&server);
    let job = world.build_undisturbed(&server, 1, "v1.0.0-rc.1", "newer");
    world.build_takes = world.place.picture().build_took(&job);
    println!("a build takes {:.1} s", world.build_takes.as_secs_f64());
    (world, server)
}

#[test]
fn a_server_that_is_killed_at_any_instant_goes_on_where_it_was() {
    let rounds = number("BOOTWRIGHT_CRASH_ROUNDS", BLOCK.len() as u64) as usize;
    let seed = number("BOOTWRIGHT_CRASH_SEED", SEED);
    println!("{rounds} rounds, seed {seed}");
    let began = Instant::now();
    let (mut world, mut server) = prepare(rounds, seed);
    let prepared = began.elapsed();
    for round in 0..rounds {
        world.round = round;
        let began = Instant::now();
        server = world.play(BLOCK[round % BLOCK.len()], server);
        println!("    {:.1} s", began.elapsed().as_secs_f64());
    }
    server.stop();
    world.place.assert_no_orphans(None);
    println!(
        "{rounds} rounds in {:.0} s after {:.0} s of preparation, {} acknowledgements kept, \
         {} processes of killed servers ended",
        (began.elapsed() - prepared).as_secs_f64(),
        prepared.as_secs_f64(),
        world.acknowledged.len(),
        world.processes_ended
    );
    // Else nothing was learned about orphans.
    assert!(rounds < BLOCK.len() || world.processes_ended > 0);
}
