//! A guest in memory, and the list of all.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::{
    actor::Actor,
    guest::{EndReason, Guest, GuestState, Keyboard, ScreenSize, Subject, Typist},
    ids::{GuestId, PersonId},
    policy::{GuestCounts, Refusal},
    time::Timestamp,
};
use lab::{NotTyped, Scrollback, Session};
use tokio::sync::watch;

use crate::error::ServiceError;

/// How many guests that have ended are kept to be read, the newest.
const ENDED_KEPT: usize = 10;

/// All guests of this server, oldest first.
#[derive(Default)]
pub(crate) struct Guests(Mutex<Vec<Arc<Held>>>);

impl Guests {
    /// Adds a guest where `may` allows one more than there are; forgets the oldest that have ended.
    pub(super) fn add(
        &self,
        held: &Arc<Held>,
        may: impl FnOnce(GuestCounts) -> Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        let mut all = self.lock();
        may(counted(&all, &held.started_by.id))?;
        let ended = all.iter().filter(|other| other.state().ended()).count();
        let mut over = ended.saturating_sub(ENDED_KEPT);
        all.retain(|other| {
            let goes = over > 0 && other.state().ended();
            over -= usize::from(goes);
            !goes
        });
        all.push(held.clone());
        Ok(())
    }

    /// How many there are that have not ended, and how many of them `person` started.
    pub(super) fn counts(&self, person: &PersonId) -> GuestCounts {
        counted(&self.lock(), person)
    }

    pub(super) fn forget(&self, id: &GuestId) {
        self.lock().retain(|held| held.id != *id);
    }

    pub(super) fn find(&self, id: &GuestId) -> Option<Arc<Held>> {
        self.lock().iter().find(|held| held.id == *id).cloned()
    }

    pub(super) fn all(&self) -> Vec<Arc<Held>> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Arc<Held>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn counted(all: &[Arc<Held>], person: &PersonId) -> GuestCounts {
    let living = || all.iter().filter(|held| !held.state().ended());
    let count = |number| u32::try_from(number).unwrap_or(u32::MAX);
    GuestCounts {
        all: count(living().count()),
        own: count(living().filter(|held| held.started_by.id == *person).count()),
    }
}

/// A guest.
pub(crate) struct Held {
    id: GuestId,
    subject: Subject,
    entry: Option<String>,
    started_by: Typist,
    started_at: Timestamp,
    console: Arc<Scrollback>,
    standing: Mutex<Standing>,
    /// Counts the changes of how it stands.
    changed: watch::Sender<u64>,
}

/// How a guest stands now.
pub(super) struct Standing {
    state: GuestState,
    ends_at: Timestamp,
    ended: Option<(Timestamp, EndReason)>,
    pub(super) keyboard: Keyboard,
    pub(super) screen: ScreenSize,
    session: Option<Session>,
    /// Why it is to end, and who says so, where somebody does.
    stop: Option<(EndReason, Actor)>,
}

impl Held {
    pub(super) fn new(
        id: GuestId,
        subject: Subject,
        entry: Option<&str>,
        starter: Typist,
        started_at: Timestamp,
        ends_at: Timestamp,
    ) -> Arc<Self> {
        let standing = Standing {
            state: GuestState::Starting,
            ends_at,
            ended: None,
            keyboard: Keyboard::of(starter.clone()),
            screen: ScreenSize::default(),
            session: None,
            stop: None,
        };
        Arc::new(Self {
            id,
            subject,
            entry: entry.map(str::to_owned),
            started_by: starter,
            started_at,
            console: Arc::default(),
            standing: Mutex::new(standing),
            changed: watch::Sender::new(0),
        })
    }

    pub(super) const fn id(&self) -> &GuestId {
        &self.id
    }

    pub(super) const fn subject(&self) -> &Subject {
        &self.subject
    }

    pub(super) const fn console(&self) -> &Arc<Scrollback> {
        &self.console
    }

    pub(super) fn state(&self) -> GuestState {
        self.standing().state
    }

    pub(super) fn view(&self) -> Guest {
        let standing = self.standing();
        let (console_from, console_end) = self.console.bounds();
        let over = standing.state.ended();
        Guest {
            id: self.id.clone(),
            subject: self.subject.clone(),
            entry: self.entry.clone(),
            started_by: self.started_by.clone(),
            started_at: self.started_at,
            ends_at: standing.ends_at,
            state: standing.state,
            ended: standing.ended.clone(),
            typist: standing.keyboard.holder().filter(|_| !over).cloned(),
            watchers: standing.keyboard.watchers(),
            screen: standing.screen,
            console_from,
            console_end,
        }
    }

    /// Counts the changes of how it stands.
    pub(super) fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Changes how it stands, and tells those who watch.
    pub(super) fn change<T, E>(
        &self,
        change: impl FnOnce(&mut Standing) -> Result<T, E>,
    ) -> Result<T, E> {
        let done = change(&mut self.standing())?;
        self.tell();
        Ok(done)
    }

    pub(super) fn extend(&self, ends_at: Timestamp) -> Result<(), Refusal> {
        self.change(|standing| {
            if standing.state.ended() {
                return Err(Refusal::GuestEnded);
            }
            standing.ends_at = ends_at;
            Ok(())
        })
    }

    pub(super) fn type_in(&self, who: &PersonId, keys: &[u8]) -> Result<(), ServiceError> {
        let standing = self.standing();
        standing.keyboard.may_type(who)?;
        let Some(session) = &standing.session else {
            let message = "the guest is being started; wait until it runs";
            return Err(ServiceError::Conflict(message.to_owned()));
        };
        session.type_in(keys).map_err(|error| match error {
            NotTyped::Full => ServiceError::Conflict(error.to_string()),
            NotTyped::Ended => Refusal::GuestEnded.into(),
        })
    }

    /// Asks for its end.
    pub(super) fn stop(&self, actor: Actor) {
        let reason = EndReason::Stopped { by: actor.name().to_owned() };
        self.ask_to_end(reason, actor);
    }

    /// Asks for its end since the server ends.
    pub(super) fn server_ends(&self) {
        self.ask_to_end(EndReason::ServerEnds, self.itself());
    }

    fn ask_to_end(&self, reason: EndReason, actor: Actor) {
        self.standing().stop.get_or_insert((reason, actor));
        self.tell();
    }

    /// The actor of what it does by itself.
    pub(super) fn itself(&self) -> Actor {
        actor_of(self.id.as_str())
    }

    /// Why it is to end and who says so, where somebody does; else when its time is over.
    pub(super) fn to_end(&self) -> Result<(EndReason, Actor), Timestamp> {
        let standing = self.standing();
        standing.stop.clone().ok_or(standing.ends_at)
    }

    /// It runs from now on.
    pub(super) fn run(&self, session: Session) {
        let mut standing = self.standing();
        standing.session = Some(session);
        standing.state = GuestState::Running;
        drop(standing);
        self.tell();
    }

    /// Ends QEMU; it has not ended for those who watch before [`Held::end`].
    pub(super) fn end_session(&self) {
        let session = self.standing().session.take();
        drop(session);
    }

    /// It is over.
    pub(super) fn end(&self, at: Timestamp, reason: EndReason) {
        let mut standing = self.standing();
        standing.state = GuestState::Ended;
        standing.ended = Some((at, reason));
        drop(standing);
        self.tell();
    }

    /// Waits until it is over.
    pub(super) async fn over(&self) {
        let mut changed = self.changes();
        while !self.state().ended() && changed.changed().await.is_ok() {}
    }

    fn tell(&self) {
        self.changed.send_modify(|count| *count += 1);
    }

    fn standing(&self) -> MutexGuard<'_, Standing> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The actor of what the guest of that id does by itself.
pub(super) fn actor_of(id: &str) -> Actor {
    Actor { request: format!("guest {id}"), ..Actor::runner("") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guest(number: usize, starter: &str) -> Arc<Held> {
        let subject = Subject {
            title: "v1.0.0".to_owned(),
            menu_path: "/release/v1.0.0/menu.ipxe".to_owned(),
            link: "/releases/v1.0.0".to_owned(),
        };
        let starter = Typist { id: starter.into(), name: starter.to_owned() };
        let id = GuestId(format!("g{number}"));
        Held::new(id, subject, None, starter, Timestamp(0), Timestamp(10))
    }

    #[test]
    fn those_that_run_count_and_the_newest_that_ended_are_kept() {
        let guests = Guests::default();
        let running = guest(0, "ada");
        guests.add(&running, |_| Ok(())).unwrap();
        for number in 1..=15 {
            let ended = guest(number, "ben");
            guests.add(&ended, |_| Ok(())).unwrap();
            assert_eq!(guests.counts(&"ben".into()), GuestCounts { all: 2, own: 1 });
            ended.end(Timestamp(1), EndReason::TimeOver);
        }
        assert_eq!(guests.counts(&"ada".into()), GuestCounts { all: 1, own: 1 });
        guests.add(&guest(16, "ada"), |_| Err(Refusal::NoGuests)).unwrap_err();
        guests.add(&guest(17, "ada"), |_| Ok(())).unwrap();
        let kept: Vec<String> = guests.all().iter().map(|held| held.id.to_string()).collect();
        let expected: Vec<String> =
            [0].into_iter().chain(6..=15).chain([17]).map(|number| format!("g{number}")).collect();
        assert_eq!(kept, expected);
        assert!(guests.find(&"g3".into()).is_none(), "it has ended long ago");
    }

    #[test]
    fn whoever_asks_first_says_why_it_ends() {
        let held = guest(1, "ada");
        assert_eq!(held.to_end(), Err(Timestamp(10)));
        held.extend(Timestamp(20)).unwrap();
        assert_eq!(held.to_end(), Err(Timestamp(20)));
        held.stop(Actor::command_line());
        held.server_ends();
        let by = EndReason::Stopped { by: "command line".to_owned() };
        assert_eq!(held.to_end().map(|(reason, _)| reason), Ok(by));
        held.end(Timestamp(15), EndReason::ServerEnds);
        assert_eq!(held.extend(Timestamp(30)), Err(Refusal::GuestEnded));
        assert_eq!(held.view().typist, None, "nobody types to what is over");
    }
}
