//! QEMU guests without any network but one address: our boot listener.

use std::path::{Path, PathBuf};

use process::{Invocation, ProcessError, Running, Spawner};
use thiserror::Error;

use crate::accelerator::Accelerator;

/// The address at which a guest finds the boot listener. Nothing else answers to it.
pub(crate) const LISTENER: &str = "10.0.2.100:8000";

/// The address at which it finds NFS, where that is served to it.
const NFS: &str = "10.0.2.100:2049";

/// Where NFS is served to the guest whose socket at the boot listener is `socket`; a guest is led there if it
/// is, at port [`NFS_PORT`].
#[must_use]
pub fn nfs_socket(socket: &Path) -> PathBuf {
    socket.with_extension("nfs")
}

/// The port at which guests find NFS.
pub const NFS_PORT: u16 = 2049;

/// A guest cannot be started.
#[derive(Debug, Error)]
pub enum LabError {
    /// QEMU cannot be started.
    #[error(
        "QEMU cannot be started: {0}; install the Debian packages qemu-system-x86 and ipxe-qemu"
    )]
    Start(#[from] ProcessError),
    /// QEMU gave us no console.
    #[error("QEMU gave no serial console")]
    NoConsole,
}

/// What a guest's board is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Board {
    /// A plain PC.
    Plain,
    /// One with an IOMMU, as a hypervisor wants it.
    WithIommu,
}

/// What becomes of a guest that reboots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reboots {
    /// It ends.
    End,
    /// It begins anew, as a real machine does.
    BeginAnew,
}

/// How guests are made.
#[derive(Debug, Clone)]
pub struct GuestConfig {
    /// What runs the guest's code.
    pub accelerator: Accelerator,
    /// Its board.
    pub board: Board,
    /// Memory in MiB: the images are loaded into it.
    pub memory_mib: u32,
    /// This very program: QEMU starts its command `relay` for each connection of the guest.
    pub program: PathBuf,
}

impl GuestConfig {
    /// What a run says about its machine.
    pub(crate) fn details(&self) -> String {
        let board = match self.board {
            Board::Plain => "pc",
            Board::WithIommu => "q35 with VT-d",
        };
        format!(
            "QEMU {board}, {}, {} MiB, virtio-net with iPXE",
            self.accelerator.word(),
            self.memory_mib
        )
    }
}

/// Starts a guest that loads the script at `path` of the listener behind `socket`.
pub(crate) fn start(
    spawner: &Spawner,
    config: &GuestConfig,
    socket: &Path,
    path: &str,
    reboots: Reboots,
) -> Result<Running, LabError> {
    // QEMU splits the command as a shell would and options at commas.
    let lead = |address: &str, socket: &Path| {
        let relay = format!("{} relay {}", quoted(&config.program), quoted(socket));
        format!(",guestfwd=tcp:{address}-cmd:{}", relay.replace(',', ",,"))
    };
    let mut network = format!("user,id=net0,restrict=on,bootfile=http://{LISTENER}{path}");
    network.push_str(&lead(LISTENER, socket));
    let nfs = nfs_socket(socket);
    if nfs.exists() {
        network.push_str(&lead(NFS, &nfs));
    }
    let (machine, iommu): (_, &[&str]) = match config.board {
        Board::Plain => ("pc,", &[]),
        Board::WithIommu => ("q35,kernel-irqchip=split,", &["-device", "intel-iommu,intremap=on"]),
    };
    let invocation = Invocation::new("nice")
        .args(["-n", "5", "qemu-system-x86_64", "-nodefaults", "-no-user-config"])
        .arg("-machine")
        .arg(format!("{machine}graphics=off,accel={}", config.accelerator.word()))
        .args(iommu)
        .args(["-cpu", config.accelerator.processor(), "-smp", "1"])
        .args(["-m", &config.memory_mib.to_string()])
        .args((reboots == Reboots::End).then_some("-no-reboot"))
        .args(["-display", "none", "-serial", "stdio", "-boot", "n"])
        .args(["-netdev", &network, "-device", "virtio-net-pci,netdev=net0"])
        .args(["-device", "virtio-rng-pci"])
        .with_stdin();
    Ok(spawner.spawn(&invocation)?)
}

fn quoted(path: &Path) -> String {
    format!("'{}'", path.to_string_lossy().replace('\'', "'\\''"))
}
