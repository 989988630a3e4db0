//! Guests for tests: real ones, which come as far as iPXE's menu and its shell.

use domain::{guest::GuestState, ids::GuestId, manifest::BootEntry, person::Role};
use services::guests::Seen;

use super::World;

impl World {
    /// A guest that runs, started by the person of `role`; the only one that does.
    pub(crate) async fn guest(&self, role: Role) -> GuestId {
        self.end_guests().await;
        let (version, actor) = (self.bootable().await, self.actor(role).await);
        let guest = self.services.start_guest_of_release(&actor, &version, None).await.unwrap();
        self.runs(&guest.id).await;
        guest.id
    }

    /// Waits until a guest runs.
    pub(crate) async fn runs(&self, id: &GuestId) {
        // Of somebody who types nowhere: whose last socket is gone loses the keyboard.
        let vera = self.actor(Role::Viewer).await;
        let mut watch = self.services.watch_guest(&vera, id, 0).unwrap();
        loop {
            match watch.next().await {
                Seen::Stands(guest) if guest.state == GuestState::Running => return,
                Seen::Stands(guest) => assert_eq!(guest.ended, None),
                Seen::Wrote(_) | Seen::Lost(_) => {}
            }
        }
    }

    /// Ends all guests, since each takes a processor for a while.
    pub(crate) async fn end_guests(&self) {
        let adam = self.actor(Role::Administrator).await;
        for guest in self.services.guests(&adam).unwrap() {
            if !guest.state.ended() {
                self.services.stop_guest(&adam, &guest.id).await.unwrap();
            }
        }
    }

    /// A candidate whose menu the boot listener has; its one entry leads elsewhere.
    pub(crate) async fn bootable(&self) -> String {
        let chain = BootEntry::Chain {
            label: "linux".to_owned(),
            text: "Debian".to_owned(),
            script: "http://boot.example/menu.ipxe".to_owned(),
        };
        let version = self.candidate_that_boots(Vec::new(), vec![chain]).await;
        let other = self.candidate().await;
        // What changes a release's stage lets the boot listener look again.
        let dave = self.actor(Role::Developer).await;
        self.services.withdraw_release(&dave, &other, "only to look again").await.unwrap();
        version
    }
}
