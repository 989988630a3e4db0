//! What runs a guest's code: KVM where it really works, else QEMU's own emulation.

use std::{
    fs::OpenOptions,
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use domain::time::Clock;
use process::{Invocation, Spawner};

use crate::console::Console;

/// How long the probe may take.
const PROBE: Duration = Duration::from_secs(20);
/// What iPXE says once it has driven the network card and asked DHCP: guests that KVM cannot really
/// run came as far as iPXE's first words, and reset when it switched to protected mode.
const LEASE: &str = "Next server: 10.0.2.2";

/// What runs a guest's code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accelerator {
    /// The processor itself.
    Kvm,
    /// QEMU's emulation: ten times slower, everywhere.
    Tcg,
}

impl Accelerator {
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Kvm => "kvm",
            Self::Tcg => "tcg",
        }
    }

    /// The processor that a guest sees: the plain model where it is emulated, since newer ones cost
    /// time and have had faults (AVX in QEMU 7.2).
    pub(crate) const fn processor(self) -> &'static str {
        match self {
            Self::Kvm => "host",
            Self::Tcg => "qemu64",
        }
    }
}

/// Finds out once per process what works here. `/dev/kvm` may be there and still hang a guest, so
/// KVM counts only when a guest's iPXE came as far as its lease.
#[must_use]
pub fn probe_accelerator(spawner: &Spawner, clock: &Arc<dyn Clock>) -> Accelerator {
    static FOUND: OnceLock<Accelerator> = OnceLock::new();
    *FOUND.get_or_init(|| {
        let usable = OpenOptions::new().read(true).write(true).open("/dev/kvm").is_ok();
        if usable && boots(spawner, clock) { Accelerator::Kvm } else { Accelerator::Tcg }
    })
}

fn boots(spawner: &Spawner, clock: &Arc<dyn Clock>) -> bool {
    let probe = Invocation::new("qemu-system-x86_64")
        .args(["-nodefaults", "-no-user-config", "-no-reboot"])
        .args(["-machine", "pc,graphics=off,accel=kvm", "-cpu", "host"])
        .args(["-m", "128", "-display", "none", "-serial", "stdio", "-boot", "n"])
        .args(["-netdev", "user,id=net0,restrict=on", "-device", "virtio-net-pci,netdev=net0"])
        .with_stdin();
    let Ok(mut running) = spawner.spawn(&probe) else { return false };
    let (Some(input), Some(output)) = (running.child.stdin.take(), running.child.stdout.take())
    else {
        return false;
    };
    let mut console = Console::new(input, output, clock.clone(), &[]);
    console.expect(&[LEASE], Instant::now() + PROBE, &|| false).is_ok()
}
