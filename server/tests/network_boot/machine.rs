//! Machines: QEMU with the firmware of a PC, which boots from the network.

use std::{fmt::Write as _, fs, time::Instant};

use crate::{network::Network, process::Process};

/// OVMF, of the Debian package ovmf.
const OVMF: &str = "/usr/share/OVMF";
/// Where QEMU lets firmware read options of its own.
const OPTIONS: &str = "opt/org.tianocore";

/// The hardware address of the one machine of a network.
const MAC: &str = "52:54:00:77:00:10";

/// What is in a machine before anything is loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Firmware {
    /// A BIOS, and a network card whose ROM is iPXE.
    Bios,
    /// OVMF, by PXE.
    Uefi,
    /// OVMF that boots over HTTP alone.
    UefiHttp,
}

/// A machine that is on.
pub(crate) struct Machine {
    pub(crate) console: Process,
    on: Instant,
    /// How long after it was switched on what came.
    times: String,
}

impl Machine {
    /// Switches one on, and waits until it asks for an address.
    pub(crate) fn start(network: &mut Network, firmware: Firmware) -> Self {
        network.namespace.add_tap("tap0");
        let mut options = Vec::new();
        let rom = match firmware {
            Firmware::Bios => "",
            Firmware::Uefi | Firmware::UefiHttp => {
                let variables = network.path("variables.fd");
                fs::copy(format!("{OVMF}/OVMF_VARS_4M.fd"), &variables).unwrap();
                let flash =
                    format!("if=pflash,format=raw,unit=0,readonly=on,file={OVMF}/OVMF_CODE_4M.fd");
                let own = format!("if=pflash,format=raw,unit=1,file={}", variables.display());
                options.extend(["-drive".to_owned(), flash, "-drive".to_owned(), own]);
                // Without its ROM the card is driven by OVMF, as most are by their own firmware.
                ",romfile="
            }
        };
        if firmware == Firmware::UefiHttp {
            for option in ["IPv4PXESupport", "IPv6PXESupport", "IPv6Support"] {
                options.extend(["-fw_cfg".to_owned(), format!("name={OPTIONS}/{option},string=n")]);
            }
        }
        let device = format!("virtio-net-pci,netdev=net0,mac={MAC}{rom}");
        let mut program = vec!["nice", "-n", "5", "qemu-system-x86_64"];
        program.extend(["-nodefaults", "-no-user-config", "-machine", "pc,graphics=off,accel=tcg"]);
        program.extend(["-cpu", "qemu64", "-m", "1024", "-display", "none", "-serial", "stdio"]);
        program.extend([
            "-boot",
            "n",
            "-netdev",
            "tap,id=net0,ifname=tap0,script=no,downscript=no",
        ]);
        program.extend(["-device", &device, "-device", "virtio-rng-pci"]);
        program.extend(options.iter().map(String::as_str));
        let console = network.namespace.start("the machine", &program);
        let mut machine = Self { console, on: Instant::now(), times: String::new() };
        let at = network.dhcp().expect(MAC);
        machine.note("DHCP", at);
        machine
    }

    /// Waits until our menu has been there and is over, since nobody is at the console.
    pub(crate) fn reaches_menu(&mut self) {
        self.console.expect(domain::menu::HEADER);
        let at = self.console.expect("Press any key for the iPXE shell, or wait for ");
        self.note("menu", at);
    }

    /// Waits for the login prompt.
    pub(crate) fn reaches_login(&mut self) {
        let at = self.console.expect(" login:");
        self.note("login", at);
    }

    /// When what came, for people who compare.
    pub(crate) fn times(self) -> String {
        self.times
    }

    fn note(&mut self, what: &str, at: Instant) {
        let seconds = (at - self.on).as_secs_f64();
        let _ = write!(self.times, " {what} {seconds:.1} s");
    }
}
