//! From power-on to a shell: what is waited for, and what it means where it does not come.

use std::time::{Duration, Instant};

use domain::{
    manifest::BootEntry, menu::FOOTER, run::FailureClass, time::human_duration, transfer::Transfer,
};

use crate::{
    console::{Console, Missed},
    smoke::SmokeRequest,
};

/// The lines that the initrd writes, as the waterfall needs their times.
pub(crate) const STAGE_ROOTFS: &str = "bootwright: stage rootfs";
pub(crate) const STAGE_INIT: &str = "bootwright: stage init";
pub(crate) const LOGIN: &str = " login:";
const FAILED: &str = "bootwright: FAILED ";
/// What iPXE says when its machine begins anew.
const FIRMWARE: &str = "iPXE initialising devices";
const PANIC: &str = "Kernel panic - not syncing";
/// How a hypervisor that cannot go on says so.
const XEN_PANIC: &str = "Panic on CPU ";

/// How long a machine may write nothing at all after it was switched on.
const FIRST_WORD: Duration = Duration::from_secs(60);
/// How often a machine may reboot on its way to a login prompt.
const REBOOTS: u32 = 2;
/// How long iPXE may take to show the menu.
const MENU_LIMIT: Duration = Duration::from_secs(120);
/// How long iPXE may take from a key to the first address that it loads.
const ADDRESS_LIMIT: Duration = Duration::from_secs(60);
/// How long a shell may take to answer.
const SHELL_LIMIT: Duration = Duration::from_secs(120);
/// How long iPXE may take to draw what a key changes.
const KEY_LIMIT: Duration = Duration::from_secs(30);
/// How long the rest of a line may take.
const LINE_LIMIT: Duration = Duration::from_secs(2);

/// What a machine may take on its way from power-on to its login prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BootLimits {
    /// How long the whole way may take.
    pub login: Duration,
    /// How long it may write nothing at all at first.
    pub first_word: Duration,
    /// How often it may reboot.
    pub reboots: u32,
}

impl BootLimits {
    /// The usual ones, for a machine that may take so long to its login prompt.
    #[must_use]
    pub const fn usual(login: Duration) -> Self {
        Self { login, first_word: FIRST_WORD, reboots: REBOOTS }
    }
}

/// Why a boot did not come to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BootFailure {
    /// Whose problem it is; `None` where somebody stopped the run.
    pub(crate) class: Option<FailureClass>,
    pub(crate) message: String,
}

impl BootFailure {
    fn new(class: FailureClass, message: impl Into<String>) -> Self {
        Self { class: Some(class), message: message.into() }
    }

    pub(crate) fn stopped() -> Self {
        Self { class: None, message: "stopped".to_owned() }
    }
}

/// Waits for the menu and picks the entry as a person or a robot would: by keys.
pub(crate) fn pick_entry(
    console: &mut Console,
    request: &SmokeRequest<'_>,
    transfers: &dyn Fn() -> Vec<Transfer>,
    stop: &dyn Fn() -> bool,
) -> Result<(), BootFailure> {
    let position = request
        .manifest
        .entries
        .iter()
        .position(|entry| entry.label() == request.entry)
        .ok_or_else(|| {
            let message = format!("the release has no entry {}", request.entry);
            BootFailure::new(FailureClass::Configuration, message)
        })?;
    let limits = &request.limits;
    let begun = Instant::now();
    console.hear(begun + limits.first_word.min(limits.login), stop).map_err(
        |missed| match missed {
            Missed::Stopped => BootFailure::stopped(),
            Missed::Ended => {
                BootFailure::new(FailureClass::Lab, "QEMU ended before its first word")
            }
            Missed::TimedOut => {
                let waited = human_duration(limits.first_word.min(limits.login));
                let message =
                    format!("the machine wrote nothing at all to its console in {waited}");
                BootFailure::new(FailureClass::Lab, message)
            }
        },
    )?;
    let deadline = begun + MENU_LIMIT.min(limits.login);
    match console.expect(&[FOOTER, "Bootwright: "], deadline, stop) {
        Ok(0) => {}
        Ok(_) => return Err(refused(&transfers()).unwrap_or_else(|| no_menu(&transfers()))),
        Err(missed) => return Err(missed_menu(&missed, &transfers())),
    }
    // As lab robots do: from `ipxe shell`, on which the menu begins, as often down as the entry
    // stands below it.
    let texts = request.manifest.entries[..=position].iter().map(BootEntry::text);
    press_down(console, texts, stop).map_err(|missed| match missed {
        Missed::Stopped => BootFailure::stopped(),
        Missed::Ended => BootFailure::new(FailureClass::Lab, "QEMU ended at the menu"),
        Missed::TimedOut => BootFailure::new(FailureClass::Lab, "iPXE's menu takes no keys"),
    })?;
    console.send("\r");
    Ok(())
}

/// Presses Down once for each line of a menu below the one that it begins on, and waits until iPXE
/// has drawn that line anew, as the one that is chosen: its serial port loses keys that come while
/// it draws.
pub(crate) fn press_down<'a>(
    console: &mut Console,
    texts: impl Iterator<Item = &'a str>,
    stop: &dyn Fn() -> bool,
) -> Result<(), Missed> {
    for text in texts {
        console.send("\u{1b}[B");
        console.expect(&[&as_shown(text)], Instant::now() + KEY_LIMIT, stop)?;
    }
    Ok(())
}

/// A text of the menu as iPXE shows it: its commands join words by one space each.
pub(crate) fn as_shown(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// From the menu to the login prompt of the rootfs, however often the machine reboots as far as it may;
/// `picked` is told each time that the entry was picked.
pub(crate) fn boot(
    console: &mut Console,
    request: &SmokeRequest<'_>,
    transfers: &dyn Fn() -> Vec<Transfer>,
    deadline: Instant,
    picked: &dyn Fn(),
    stop: &dyn Fn() -> bool,
) -> Result<(), BootFailure> {
    for _ in 0..=request.limits.reboots {
        pick_entry(console, request, transfers, stop)?;
        picked();
        match reach_login(console, request, transfers, deadline, stop)? {
            Reached::Login => return Ok(()),
            Reached::Firmware => {}
        }
    }
    let times = request.limits.reboots + 1;
    let message =
        format!("the machine reboots again and again: {times} boots came to no login prompt");
    Err(BootFailure::new(FailureClass::Product, message))
}

/// Where a machine that boots came to.
enum Reached {
    Login,
    /// Where it began.
    Firmware,
}

/// Waits for the login prompt of the rootfs.
fn reach_login(
    console: &mut Console,
    request: &SmokeRequest<'_>,
    transfers: &dyn Fn() -> Vec<Transfer>,
    deadline: Instant,
    stop: &dyn Fn() -> bool,
) -> Result<Reached, BootFailure> {
    // agetty(8) prints the host name up to its first dot.
    let name = request.hostname.split('.').next().unwrap_or_default();
    let prompt = format!("{name}{LOGIN}");
    let texts = [&prompt, FAILED, PANIC, XEN_PANIC, FIRMWARE, FOOTER];
    match console.expect(&texts, deadline, stop) {
        Ok(0) => Ok(Reached::Login),
        Ok(1) => {
            // The rest of the line says why.
            let from = console.position();
            let _ = console.expect(&["\n"], Instant::now() + LINE_LIMIT, stop);
            let reason =
                console.text()[from..].lines().next().unwrap_or_default().trim().to_owned();
            // The listener knows why it refused a file; the initrd only that it did.
            Err(refused(&transfers()).unwrap_or_else(|| initrd_failure(&reason)))
        }
        Ok(2) => Err(BootFailure::new(FailureClass::Product, "the kernel panicked")),
        Ok(3) => Err(BootFailure::new(FailureClass::Product, "the hypervisor panicked")),
        Ok(4) => Ok(Reached::Firmware),
        Ok(_) => Err(refused(&transfers()).unwrap_or_else(|| {
            BootFailure::new(
                FailureClass::Product,
                "iPXE came back to the menu: it cannot start this kernel",
            )
        })),
        Err(Missed::Stopped) => Err(BootFailure::stopped()),
        Err(missed) => Err(silent(console, &missed, &transfers())),
    }
}

/// Waits until iPXE says that it loads `address`.
pub(crate) fn reach_address(
    console: &mut Console,
    address: &str,
    stop: &dyn Fn() -> bool,
) -> Result<(), BootFailure> {
    match console.expect_broken(address, Instant::now() + ADDRESS_LIMIT, stop) {
        Ok(()) => Ok(()),
        Err(Missed::Stopped) => Err(BootFailure::stopped()),
        Err(Missed::Ended | Missed::TimedOut) => Err(BootFailure::new(
            FailureClass::Product,
            format!("the entry was picked, and iPXE did not ask for {address}"),
        )),
    }
}

/// Signs in and makes the shell quiet.
pub(crate) fn sign_in(
    console: &mut Console,
    request: &SmokeRequest<'_>,
    stop: &dyn Fn() -> bool,
) -> Result<(), BootFailure> {
    let failed = |missed: Missed| match missed {
        Missed::Stopped => BootFailure::stopped(),
        Missed::Ended => {
            BootFailure::new(FailureClass::Product, "the machine switched off at the login prompt")
        }
        Missed::TimedOut => {
            BootFailure::new(FailureClass::Product, "the login prompt does not answer")
        }
    };
    let limit = || Instant::now() + SHELL_LIMIT;
    console.send(&format!("{}\r", request.user));
    console.expect(&["assword:"], limit(), stop).map_err(failed)?;
    console.send(&format!("{}\r", request.password));
    match console.expect(&["# ", "$ ", "Login incorrect"], limit(), stop).map_err(failed)? {
        2 => {
            let message =
                format!("the account {} and its password do not open a session", request.user);
            return Err(BootFailure::new(FailureClass::Configuration, message));
        }
        _ => console
            .send("stty -echo; unset HISTFILE; PS1=; PS2=; dmesg -n 1; echo ready-$((40+2))\r"),
    }
    console.expect(&["ready-42"], limit(), stop).map_err(failed)?;
    Ok(())
}

/// What the initrd says: `<class> <reason>`.
fn initrd_failure(said: &str) -> BootFailure {
    let (class, reason) = said.split_once(' ').unwrap_or((said, ""));
    match class.parse::<FailureClass>() {
        Ok(class) => BootFailure::new(class, reason),
        Err(_) => BootFailure::new(FailureClass::Product, said),
    }
}

/// What the listener refused the guest, where it did. Machine and network did their part then: what
/// is served is wrong, such as a file that is damaged on the server's disk.
fn refused(transfers: &[Transfer]) -> Option<BootFailure> {
    let transfer = transfers.iter().rev().find(|it| !it.served())?;
    let message = format!("{}: {}", transfer.path, transfer.refusal);
    Some(BootFailure::new(FailureClass::Configuration, message))
}

fn no_menu(transfers: &[Transfer]) -> BootFailure {
    if transfers.is_empty() {
        BootFailure::new(FailureClass::Lab, "iPXE did not reach the boot listener")
    } else {
        BootFailure::new(FailureClass::Lab, "iPXE loaded the menu and did not show it")
    }
}

fn missed_menu(missed: &Missed, transfers: &[Transfer]) -> BootFailure {
    match missed {
        Missed::Stopped => BootFailure::stopped(),
        Missed::Ended => BootFailure::new(FailureClass::Lab, "QEMU ended before the menu"),
        Missed::TimedOut => refused(transfers).unwrap_or_else(|| no_menu(transfers)),
    }
}

fn silent(console: &Console, missed: &Missed, transfers: &[Transfer]) -> BootFailure {
    use domain::transfer::TransferKind::{Initrd, Kernel};
    if let Some(refused) = refused(transfers) {
        return refused;
    }
    let loaded = |kind| transfers.iter().any(|it| it.kind == kind && it.complete);
    let began = console.mark(STAGE_ROOTFS).is_some() || (loaded(Kernel) && loaded(Initrd));
    let how = match missed {
        Missed::Ended => "the machine switched off",
        Missed::TimedOut | Missed::Stopped => "the machine said nothing more",
    };
    let (class, place) = if console.mark(STAGE_INIT).is_some() {
        (FailureClass::Product, "after its init had begun, without a login prompt")
    } else if began {
        (FailureClass::Product, "after its kernel was loaded, before its init")
    } else {
        (FailureClass::Lab, "before its kernel was loaded")
    };
    BootFailure::new(class, format!("{how} {place}"))
}

#[cfg(test)]
mod tests {
    use domain::{time::Timestamp, transfer::TransferKind};

    use super::*;

    fn transfer(status: u16, refusal: &str) -> Transfer {
        Transfer {
            kind: TransferKind::Script,
            path: "/menu.ipxe".to_owned(),
            started_at: Timestamp(1),
            ended_at: Timestamp(2),
            bytes: 3,
            status,
            complete: true,
            refusal: refusal.to_owned(),
        }
    }

    #[test]
    fn failures_fall_into_their_classes() {
        let class = |failure: BootFailure| failure.class.unwrap();
        assert_eq!(
            class(initrd_failure("configuration digest of x is y")),
            FailureClass::Configuration
        );
        assert_eq!(class(initrd_failure("lab no address")), FailureClass::Lab);
        assert_eq!(class(initrd_failure("what?")), FailureClass::Product);
        let missed = |transfers: &[Transfer]| class(missed_menu(&Missed::TimedOut, transfers));
        assert_eq!(missed(&[]), FailureClass::Lab);
        assert_eq!(missed(&[transfer(200, "")]), FailureClass::Lab);
        assert_eq!(missed(&[transfer(404, "there is no release")]), FailureClass::Configuration);
        assert_eq!(missed(&[transfer(500, "damaged")]), FailureClass::Configuration);
        assert_eq!(missed_menu(&Missed::Stopped, &[]).class, None);
    }
}
