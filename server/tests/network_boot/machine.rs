//! Machines: QEMU with the firmware of a PC, which boots from the network.

use std::{fmt::Write as _, fs, time::Instant};

use crate::{network::Network, process::Process};

/// OVMF, of the Debian package ovmf.
const OVMF: &str = "/usr/share/OVMF";
/// Where QEMU lets firmware read options of its own.
const OPTIONS: &str = "opt/org.tianocore";

/// An arrow down, as a terminal sends it.
const DOWN: &str = "\u{1b}[B";

/// The address of the network card of a machine.
pub(crate) fn mac_of(number: u8) -> String {
    format!("52:54:00:77:00:1{number}")
}

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
        Self::start_another(network, firmware, 0)
    }

    /// As [`Machine::start`], one of several.
    pub(crate) fn start_another(network: &mut Network, firmware: Firmware, number: u8) -> Self {
        let (tap, mac) = (format!("tap{number}"), mac_of(number));
        network.namespace.add_tap(&tap);
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
        let device = format!("virtio-net-pci,netdev=net0,mac={mac}{rom}");
        let mut program = vec!["nice", "-n", "5", "qemu-system-x86_64"];
        program.extend(["-nodefaults", "-no-user-config", "-machine", "pc,graphics=off,accel=tcg"]);
        program.extend(["-cpu", "qemu64", "-m", "1024", "-display", "none", "-serial", "stdio"]);
        let network_of = format!("tap,id=net0,ifname={tap},script=no,downscript=no");
        program.extend(["-boot", "n", "-netdev", &network_of]);
        program.extend(["-device", &device, "-device", "virtio-rng-pci"]);
        program.extend(options.iter().map(String::as_str));
        let console = network.namespace.start("the machine", &program);
        let mut machine = Self { console, on: Instant::now(), times: String::new() };
        let at = network.dhcp().expect(&mac);
        machine.note("DHCP", at);
        machine
    }

    /// Waits until our menu has been there and is over, since nobody is at the console.
    pub(crate) fn reaches_menu(&mut self) {
        self.console.expect(domain::menu::HEADER);
        let at = self.console.expect("Press any key for the iPXE shell, or wait for ");
        self.note("menu", at);
    }

    /// Waits for our menu, and picks the entry so many lines below the shell.
    pub(crate) fn picks(&mut self, lines: usize) {
        let at = self.console.expect(domain::menu::FOOTER);
        self.note("menu", at);
        self.console.types(&DOWN.repeat(lines));
        self.console.types("\r");
    }

    /// Signs in at the login prompt, and makes the shell quiet.
    pub(crate) fn signs_in(&mut self) {
        self.console.types("root\r");
        self.console.expect("assword:");
        self.console.types("debian\r");
        self.console.expect("# ");
        self.answers("stty -echo; PS1=", "");
    }

    /// Types a command, and waits until it has said something and has succeeded.
    pub(crate) fn answers(&mut self, command: &str, text: &str) {
        // What is typed is echoed, and does not have what is waited for in it.
        self.console.types(&format!("{command} && echo =$((6*7))=\r"));
        self.console.expect(text);
        self.console.expect("=42=");
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
