//! Machines that nobody, somebody, or nobody yet has.

use std::time::Duration;

use domain::{
    machine::{BootTarget, MachineDraft},
    person::Role,
};

use super::World;
use crate::http::Ask;

impl World {
    /// The name of a registered machine that nobody has.
    pub(crate) async fn machine(&self) -> String {
        let (name, macs) = (format!("nuc-{}", self.number()), self.mac());
        let draft = MachineDraft { name, macs, ..MachineDraft::default() };
        let dave = self.actor(Role::Developer).await;
        self.services.register_machine(&dave, &draft).await.unwrap().name
    }

    /// The name of a machine that the person of that role has locked. It has a target of its own and is to
    /// boot something once.
    pub(crate) async fn machine_of(&self, role: Role) -> String {
        let (name, owner) = (self.machine().await, self.actor(role).await);
        let until = self.services.now().plus(Duration::from_secs(3600));
        self.services.lock_machine(&owner, &name, "bisect", until, None).await.unwrap();
        let target = BootTarget::Release(self.candidate().await);
        self.services.assign_machine(&owner, &name, Some(&target), None).await.unwrap();
        self.services.boot_machine_once(&owner, &name, &target, None, None).await.unwrap();
        name
    }

    /// The name of a machine that has asked for something to boot, and that nobody has accepted.
    pub(crate) async fn discovered_machine(&self) -> String {
        let mac = self.mac();
        self.boot_script(&mac).await;
        self.services.note_sightings().await.unwrap();
        format!("machine-{}", mac.replace(':', ""))
    }

    /// What the boot listener answers to the machine of that card.
    pub(crate) async fn boot_script(&self, mac: &str) -> String {
        let (address, _stop) = self.boot_listener().await;
        Ask::get(address, &format!("/ipxe?mac={mac}")).send().await.body
    }

    /// A MAC address that no machine has yet.
    pub(crate) fn mac(&self) -> String {
        let [_, a, b, c] = self.number().to_be_bytes();
        format!("52:54:00:{a:02x}:{b:02x}:{c:02x}")
    }
}
