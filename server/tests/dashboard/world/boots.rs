//! Boots of machines, which report as their initrds do.

use std::{net::SocketAddr, time::Duration};

use domain::{machine::BootTarget, page::Slice, person::Role};
use services::boots::BootQuery;
use tokio::{net::TcpListener, sync::oneshot};

use super::World;
use crate::http::{Answer, Ask};

impl World {
    /// The number of a boot of a machine that a developer has: it ended early.
    pub(crate) async fn boot(&self) -> i64 {
        let (name, dave) = (self.machine().await, self.actor(Role::Developer).await);
        let until = self.services.now().plus(Duration::from_secs(3600));
        self.services.lock_machine(&dave, &name, "boot it", until, None).await.unwrap();
        let target = BootTarget::Release(self.bootable().await);
        self.services.assign_machine(&dave, &name, Some(&target), None).await.unwrap();
        let vera = self.actor(Role::Viewer).await;
        let machine = self.services.machine(&vera, &name).await.unwrap().machine;
        let mac = machine.profile.macs.first().unwrap().to_string();
        let said = "stage: failed\nclass: lab\nnote: no network card got an address";
        assert_eq!(self.reports(&mac, said).await.status, 200);
        let query = BootQuery { machine: Some(name), ..BootQuery::default() };
        let page = self.services.boots_page(&vera, &query, &Slice::first()).await.unwrap();
        page.items.first().unwrap().number
    }

    /// A machine whose release can be booted reports that it runs another than it should: the name of that.
    pub(crate) async fn runs_another(&self, machine: &str) -> String {
        let (another, vera) = (self.bootable().await, self.actor(Role::Viewer).await);
        let manifest = self.services.release(&vera, &another).await.unwrap().manifest.unwrap();
        let machine = self.services.machine(&vera, machine).await.unwrap().machine;
        let mac = machine.profile.macs.first().unwrap().to_string();
        let said = format!("entry: linux\nmanifest: {manifest}\nstage: init");
        assert_eq!(self.reports(&mac, &said).await.status, 200);
        another
    }

    /// The machine of that card asks for its script, and reports with the token in it.
    pub(crate) async fn reports(&self, mac: &str, said: &str) -> Answer {
        let (address, _stop) = self.boot_listener().await;
        let script = Ask::get(address, &format!("/ipxe?mac={mac}")).send().await.body;
        let token = script.lines().find_map(|line| line.strip_prefix("set boot "));
        let token = token.unwrap_or_else(|| panic!("no token for {mac}: {script}"));
        let report = format!("token: {token}\n{said}\n");
        Ask::post(address, "/report", report).send().await
    }

    /// A boot listener, until what it is given with is dropped.
    pub(super) async fn boot_listener(&self) -> (SocketAddr, oneshot::Sender<()>) {
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let (stop, stopping) = oneshot::channel::<()>();
        let stopped = async { drop(stopping.await) };
        tokio::spawn(netboot::serve(socket, self.services.boot_listener(), stopped));
        (address, stop)
    }
}
