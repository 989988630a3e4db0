//! The overview: what runs where, what waits, what builds, what broke.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use domain::{
    actor::Actor, boot::Boot, deployment::Deployment, environment::Environment, job::Job,
    policy::Action, room::Shortage,
};
use serde::{Deserialize, Serialize};

use crate::{Services, error::ServiceError};

/// What the first page shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overview {
    /// What runs where, since when.
    pub environments: Vec<Environment>,
    /// Deployments that wait for somebody.
    pub waiting: Vec<Deployment>,
    /// Jobs that run or wait for a worker.
    pub working: Vec<Job>,
    /// The newest jobs that failed.
    pub broken: Vec<Job>,
    /// The newest boots of machines that ended early within the last hour.
    pub failed_boots: Vec<Boot>,
    /// Whether there is a recipe yet.
    pub has_recipe: bool,
    /// Why builds wait for room on the disk, where they do.
    pub shortage: Option<Shortage>,
    /// What to type at an iPXE prompt, by this host's addresses.
    pub chain_lines: Vec<String>,
    /// Whether the boot listener answers there.
    pub boot_listener_answers: bool,
}

impl Services {
    /// What the first page shows.
    ///
    /// # Errors
    /// Where the actor may not read.
    pub async fn overview(&self, actor: &Actor) -> Result<Overview, ServiceError> {
        Action::Read.allowed_to(&actor.who)?;
        let mut rows = self.read().await?;
        Ok(Overview {
            environments: rows.environments().await?,
            waiting: rows.open_deployments().await?,
            working: rows.open_jobs().await?,
            broken: rows.failed_jobs(5).await?,
            failed_boots: self.boots_failed_lately(&mut rows).await?,
            has_recipe: !rows.recipes().await?.is_empty(),
            shortage: self.shortage().await?,
            chain_lines: self.chain_lines("/menu.ipxe"),
            boot_listener_answers: self.boot_listener_answers().await,
        })
    }

    /// What to type at an iPXE prompt to boot a variant, by this host's addresses.
    #[must_use]
    pub fn variant_chain_lines(&self, name: &str) -> Vec<String> {
        self.chain_lines(&format!("/variant/{name}/menu.ipxe"))
    }

    /// `chain http://<address>:<port><path>` for each address that machines may use.
    fn chain_lines(&self, path: &str) -> Vec<String> {
        let port = self.boot_address().port();
        let line = |address| format!("chain http://{}{path}", SocketAddr::new(address, port));
        self.boot_addresses().into_iter().map(line).collect()
    }

    /// The addresses at which machines may reach the boot listener, those of IPv4 first.
    #[must_use]
    pub fn boot_addresses(&self) -> Vec<IpAddr> {
        let listens = self.boot_address();
        let own = if_addrs::get_if_addrs().unwrap_or_default();
        let mut addresses: Vec<IpAddr> = if listens.ip().is_unspecified() {
            own.into_iter().filter(|it| !it.is_loopback()).map(|it| it.ip()).collect()
        } else {
            vec![listens.ip()]
        };
        // iPXE of most machines speaks IPv4 only; addresses of one link alone are of no use.
        addresses.retain(|address| match address {
            IpAddr::V4(_) => true,
            IpAddr::V6(address) => !address.is_unicast_link_local(),
        });
        addresses.sort_by_key(IpAddr::is_ipv6);
        addresses
    }

    /// What a site tells its machines so that they find the boot listener at that address.
    #[must_use]
    pub fn boot_snippets(&self, address: Ipv4Addr) -> netboot::Reached {
        netboot::Reached { address, boot_port: self.boot_address().port() }
    }

    /// Asks the boot listener by a connection of its own.
    async fn boot_listener_answers(&self) -> bool {
        let mut address = self.boot_address();
        if address.ip().is_unspecified() {
            address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
        }
        let asked = tokio::net::TcpStream::connect(address);
        tokio::time::timeout(std::time::Duration::from_secs(1), asked)
            .await
            .is_ok_and(|connected| connected.is_ok())
    }
}
