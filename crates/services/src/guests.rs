//! Guests: booting something in QEMU to try it, watching its console, and typing to it.
//!
//! They live in memory only and die with the server. Each has a task ([`mod@life`]) that starts
//! QEMU, ends it when its time is over or somebody stops it, and writes the audit row of its end.
//! Where the server is killed, the kernel ends QEMU, and the next server writes that row.
//! Whatever has a menu at the boot listener can be booted: who knows what it is hands over a
//! [`Subject`] and the entries of its menu.

mod held;
mod life;
mod socket;
mod watching;

use std::{sync::Arc, time::Duration};

use domain::{
    actor::{Actor, Who},
    guest::{Guest, GuestLimits, ScreenSize, Subject, Typist},
    ids::GuestId,
    manifest::BootEntry,
    policy::{self, Action, Refusal},
};
pub use lab::ConsolePart;
use store::WriteTx;

pub use self::watching::{GuestWatch, Seen};
pub(crate) use self::{held::Guests, life::MEMORY_MIB, socket::GuestSocket};
use self::{held::Held, life::Birth};
use crate::{
    Services,
    audit::{Change, GUEST_END},
    downloads::Download,
    error::ServiceError,
    releases::no_release,
    variants::no_variant,
};

/// The longest piece that is typed at once, in bytes: more than a screen, less than a file.
pub const MOST_TYPED: usize = 16 * 1024;

impl Services {
    /// Boots a release in a guest; `entry` is the label of the boot entry to pick, and none leaves
    /// the menu to whoever types.
    ///
    /// # Errors
    /// Where the actor may not, machines cannot boot the release, or as many guests run as may.
    pub async fn start_guest_of_release(
        &self,
        actor: &Actor,
        release: &str,
        entry: Option<&str>,
    ) -> Result<Guest, ServiceError> {
        Self::role_of(actor, Action::StartGuest)?;
        let release = self.release(actor, release).await?;
        policy::bootable(release.stage)?;
        let name = release.name();
        let manifest = self.read().await?.manifest_of(&release.id).await?;
        let entries = manifest.ok_or_else(|| no_release(&name))?.entries;
        let subject = Subject {
            menu_path: format!("/release/{name}/menu.ipxe"),
            link: format!("/releases/{name}"),
            title: name,
        };
        self.start_guest(actor, subject, &entries, entry).await
    }

    /// Boots what was built of a variant in a guest; `entry` as of a release.
    ///
    /// # Errors
    /// Where the actor may not, nothing of it can be booted, or as many guests run as may.
    pub async fn start_guest_of_variant(
        &self,
        actor: &Actor,
        variant: &str,
        entry: Option<&str>,
    ) -> Result<Guest, ServiceError> {
        Self::role_of(actor, Action::StartGuest)?;
        let found = self.variant(actor, variant).await?;
        let manifest = found.built.and_then(|it| it.manifest);
        policy::bootable_variant(found.variant.expires_at <= self.now(), manifest.is_some())?;
        let entries = manifest.ok_or_else(|| no_variant(variant))?.entries;
        let subject = Subject {
            menu_path: format!("/variant/{variant}/menu.ipxe"),
            link: format!("/variants/{variant}"),
            title: variant.to_owned(),
        };
        self.start_guest(actor, subject, &entries, entry).await
    }

    /// Boots `subject`, whose menu has these entries, in a guest.
    ///
    /// # Errors
    /// Where the actor may not, the menu has no such entry, or as many guests run as may.
    pub async fn start_guest(
        &self,
        actor: &Actor,
        subject: Subject,
        entries: &[BootEntry],
        entry: Option<&str>,
    ) -> Result<Guest, ServiceError> {
        let role = Self::role_of(actor, Action::StartGuest)?;
        let starter = typist(actor)?;
        let birth = Birth::of(entries, entry)?;
        let limits = &self.options().guests;
        let now = self.now();
        let id = GuestId::generate(self.ids());
        let held = Held::new(id, subject, entry, starter, now, now.plus(limits.life));
        // Counted and kept in one step, so that two who ask at once do not both get the last place.
        self.held_guests().add(&held, |counts| policy::may_start_guest(role, counts, limits))?;
        // On a task of its own: who asked may go away, and then the guest must not be left half made.
        let begun = tokio::spawn(life::begin(self.clone(), held.clone(), birth, actor.clone()));
        begun.await.map_err(ServiceError::internal)??;
        Ok(held.view())
    }

    /// How many guests there may be, and for how long.
    #[must_use]
    pub fn guest_limits(&self) -> GuestLimits {
        self.options().guests
    }

    /// Whether the actor may start one more guest now.
    ///
    /// # Errors
    /// Why not.
    pub fn guest_choice(&self, actor: &Actor) -> Result<(), Refusal> {
        Action::StartGuest.allowed_to(&actor.who)?;
        let Who::Person { id, role, .. } = &actor.who else { return Ok(()) };
        policy::may_start_guest(*role, self.held_guests().counts(id), &self.options().guests)
    }

    /// All guests that are known, newest first: those that run, and the last that have ended.
    ///
    /// # Errors
    /// Where the actor may not read.
    pub fn guests(&self, actor: &Actor) -> Result<Vec<Guest>, ServiceError> {
        Action::Read.allowed_to(&actor.who)?;
        Ok(self.held_guests().all().iter().rev().map(|held| held.view()).collect())
    }

    /// One guest.
    ///
    /// # Errors
    /// Where there is none, or the actor may not read.
    pub fn guest(&self, actor: &Actor, id: &GuestId) -> Result<Guest, ServiceError> {
        Ok(self.readable(actor, id)?.view())
    }

    /// Ends a guest; it has ended when this returns.
    ///
    /// # Errors
    /// Where the actor may not, or it has ended already.
    pub async fn stop_guest(&self, actor: &Actor, id: &GuestId) -> Result<Guest, ServiceError> {
        let held = self.usable(actor, id)?;
        held.stop(actor.clone());
        held.over().await;
        Ok(held.view())
    }

    /// Gives a guest its whole time once more, from now on.
    ///
    /// # Errors
    /// Where the actor may not, or it has ended.
    pub async fn extend_guest(&self, actor: &Actor, id: &GuestId) -> Result<Guest, ServiceError> {
        let held = self.usable(actor, id)?;
        held.extend(self.now().plus(self.options().guests.life))?;
        self.note_guest(actor, held.view(), |guest| Change::GuestExtended { guest }).await?;
        Ok(held.view())
    }

    /// Gives the keyboard of a guest to whoever asks.
    ///
    /// # Errors
    /// Where the actor may not type, somebody else has it, or the guest has ended.
    pub async fn take_keyboard(&self, actor: &Actor, id: &GuestId) -> Result<Guest, ServiceError> {
        let held = self.usable(actor, id)?;
        let typist = typist(actor)?;
        if held.change(|standing| standing.keyboard.take(&typist))? {
            self.note_guest(actor, held.view(), |guest| Change::KeyboardTaken { guest }).await?;
        }
        Ok(held.view())
    }

    /// Makes the keyboard of a guest free for others.
    ///
    /// # Errors
    /// Where the actor does not have it, or the guest has ended.
    pub async fn give_up_keyboard(
        &self,
        actor: &Actor,
        id: &GuestId,
    ) -> Result<Guest, ServiceError> {
        let held = self.usable(actor, id)?;
        let typist = typist(actor)?;
        held.change(|standing| standing.keyboard.give_up(&typist.id))?;
        self.note_guest(actor, held.view(), |guest| Change::KeyboardGivenUp { guest }).await?;
        Ok(held.view())
    }

    /// Types to a guest. What is typed is kept nowhere but in what the guest itself echoes.
    ///
    /// # Errors
    /// Where the actor does not have the keyboard, the guest does not read, or has ended.
    pub fn type_to_guest(
        &self,
        actor: &Actor,
        id: &GuestId,
        keys: &[u8],
    ) -> Result<(), ServiceError> {
        let held = self.usable(actor, id)?;
        if keys.len() > MOST_TYPED {
            let message =
                format!("at the most {MOST_TYPED} bytes are typed at once; send it in parts");
            return Err(ServiceError::invalid("text", message));
        }
        held.type_in(&typist(actor)?.id, keys)
    }

    /// Gives the screen of a guest another size, for everybody who watches.
    ///
    /// # Errors
    /// Where the actor does not have the keyboard, or the guest has ended.
    pub fn resize_guest(
        &self,
        actor: &Actor,
        id: &GuestId,
        size: ScreenSize,
    ) -> Result<(), ServiceError> {
        let held = self.usable(actor, id)?;
        let typist = typist(actor)?;
        held.change(|standing| {
            let may = standing.keyboard.may_type(&typist.id);
            may.map(|()| standing.screen = size.bounded())
        })?;
        Ok(())
    }

    /// What a guest wrote to its console from `from` on; where there is nothing yet, waits up to
    /// `patience` for more, or for its end.
    ///
    /// # Errors
    /// Where there is no such guest, or the actor may not read.
    pub async fn guest_console(
        &self,
        actor: &Actor,
        id: &GuestId,
        from: u64,
        patience: Duration,
    ) -> Result<ConsolePart, ServiceError> {
        let held = self.readable(actor, id)?;
        let mut grown = held.console().grown();
        let more =
            async { while grown.borrow_and_update().le(&from) && grown.changed().await.is_ok() {} };
        tokio::select! {
            () = more => {}
            () = held.over() => {}
            () = tokio::time::sleep(patience) => {}
        }
        Ok(held.console().read(from, usize::MAX))
    }

    /// What is kept of a guest's console, as a file.
    ///
    /// # Errors
    /// Where there is no such guest, or the actor may not read.
    pub fn guest_console_file(
        &self,
        actor: &Actor,
        id: &GuestId,
    ) -> Result<Download, ServiceError> {
        let held = self.readable(actor, id)?;
        Ok(Download::Bytes {
            name: format!("guest-{id}.txt"),
            media_type: "text/plain; charset=utf-8",
            bytes: held.console().read(0, usize::MAX).bytes,
        })
    }

    /// Follows a guest's console from offset `after` on, and how the guest stands. Whoever follows
    /// counts as a watcher until this is dropped.
    ///
    /// # Errors
    /// Where there is no such guest, the actor is no person or may not read, or too many watch.
    pub fn watch_guest(
        &self,
        actor: &Actor,
        id: &GuestId,
        after: u64,
    ) -> Result<GuestWatch, ServiceError> {
        let held = self.readable(actor, id)?;
        GuestWatch::begin(self.clone(), held, typist(actor)?, after)
    }

    /// Ends all guests once the server is asked to end, and waits until they have.
    pub async fn keep_guests(self, mut stopping: tokio::sync::watch::Receiver<bool>) {
        // An error means that the sender is gone, and so is the server.
        let _ = stopping.wait_for(|stop| *stop).await;
        for held in self.held_guests().all() {
            held.server_ends();
            held.over().await;
        }
    }

    /// Records the end of the guests that a former server left: it was killed before it could.
    pub(crate) async fn end_interrupted_guests(
        &self,
        tx: &mut WriteTx,
    ) -> Result<(), ServiceError> {
        for row in tx.audit_rows_without_end("guest", GUEST_END).await? {
            let last = &row.entry;
            let itself = held::actor_of(&last.subject);
            self.record(tx, &itself, Change::GuestInterrupted { last }).await?;
            tracing::warn!(guest = %last.subject, "a guest was interrupted by the end of the server");
        }
        Ok(())
    }

    fn readable(&self, actor: &Actor, id: &GuestId) -> Result<Arc<Held>, ServiceError> {
        Action::Read.allowed_to(&actor.who)?;
        let missing = || {
            ServiceError::NotFound(format!(
                "guest {id}: it may have ended long ago, or with the server"
            ))
        };
        self.held_guests().find(id).ok_or_else(missing)
    }

    fn usable(&self, actor: &Actor, id: &GuestId) -> Result<Arc<Held>, ServiceError> {
        let role = Self::role_of(actor, Action::UseGuest)?;
        let held = self.readable(actor, id)?;
        policy::may_use_guest(role, held.state())?;
        Ok(held)
    }

    /// Records what happened to a guest as it stands now, and tells who listens.
    async fn note_guest(
        &self,
        actor: &Actor,
        guest: Guest,
        change: for<'a> fn(&'a Guest) -> Change<'a>,
    ) -> Result<(), ServiceError> {
        let (services, actor) = (self.clone(), actor.clone());
        // It has happened already: whoever asked may go away, and the row is written all the same.
        let noted = tokio::spawn(async move {
            let mut tx = services.begin().await?;
            services.record(&mut tx, &actor, change(&guest)).await?;
            services.commit(tx, &life::topic(&guest.id)).await
        });
        noted.await.map_err(ServiceError::internal)?
    }
}

fn typist(actor: &Actor) -> Result<Typist, ServiceError> {
    let (id, _) = Services::person_of(actor)?;
    Ok(Typist { id, name: actor.name().to_owned() })
}
