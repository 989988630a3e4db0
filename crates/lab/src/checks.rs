//! The checks of plan "smoke", run over the serial console of a machine that is signed in to.

use std::time::{Duration, Instant};

use domain::{digest::Digest, manifest::BootEntry, recipe::RootMethod, run::Outcome};

use crate::{
    console::{Console, Missed},
    hypervisor::{self, Iommu},
    smoke::SmokeRequest,
};

/// How long one check may take: the state of the system is waited for in one of them.
const LIMIT: Duration = Duration::from_secs(300);

/// What a command inside the machine gave.
struct Answer {
    code: i32,
    text: String,
}

/// What a check found.
pub(crate) type Found = (Outcome, String);

/// Runs one check by its id. A machine that does not answer is not asked again: `silent` is set.
pub(crate) fn run(
    case: &str,
    console: &mut Console,
    request: &SmokeRequest<'_>,
    silent: &mut bool,
    stop: &dyn Fn() -> bool,
) -> Found {
    if *silent {
        return (Outcome::NotRun, "the machine does not answer any more".to_owned());
    }
    let entry = request.entry();
    let booted = console.text().contains("(XEN)").then(|| console.text().to_owned());
    let mut ask = |command: &str| ask(console, command, stop);
    let found = match case {
        "smoke.kernel" => ask("uname -r").map(|it| {
            same("uname -r", it.text.trim(), &release(request, entry.and_then(BootEntry::kernel)))
        }),
        "smoke.hypervisor" => ask(TOOLSTACK).map(|it| {
            let named = release(request, entry.and_then(BootEntry::hypervisor));
            judge_hypervisor(&it.text, booted.as_deref(), &named)
        }),
        // Its log is kept with the console; one that logs elsewhere still keeps it in memory.
        "smoke.iommu" => match booted {
            Some(log) => Ok(judge_iommu(&log)),
            None => ask("xl dmesg").map(|it| judge_iommu(&it.text)),
        },
        "smoke.module" => ask(
            // One that needs no device; of a kernel that has none of these, its first.
            "d=/lib/modules/$(uname -r); m=$(find $d -name 'dummy.ko*' -o -name 'nls_utf8.ko*' | head -n 1); \
             m=${m:-$(find $d -name '*.ko*' | sort | head -n 1)}; m=$(basename \"${m%%.ko*}\" | tr - _); \
             modprobe \"$m\" && grep -q \"^$m \" /proc/modules && echo loaded $m",
        )
        .map(|it| succeeded(&it, "loaded")),
        "smoke.rootfs-digest" => match entry.and_then(BootEntry::root).and_then(RootMethod::nfs) {
            Some(_) => ask("cat /proc/mounts").map(|it| exported(&it.text, request)),
            None => ask("cat /run/bootwright/images").map(|it| images(&it.text, request)),
        },
        "smoke.system-state" => ask(STATE).map(|it| state(&it.text)),
        "smoke.failed-units" => ask("systemctl --failed --no-legend --plain | cut -d' ' -f1")
            .map(|it| empty(&it.text, "failed units")),
        "smoke.dpkg-audit" => ask("dpkg --audit").map(|it| empty(&it.text, "dpkg --audit")),
        "smoke.network" => ask(
            "ip -brief address show scope global; ip route show; test -n \"$(ip -4 -o address show scope global)\" && test -n \"$(ip route show)\"",
        )
        .map(|it| succeeded(&it, "")),
        "smoke.writable-root" => ask(
            "f=/var/tmp/bootwright-check; echo written >$f && test \"$(cat $f)\" = written && rm $f && echo writable",
        )
        .map(|it| succeeded(&it, "writable")),
        other => Ok((Outcome::Errored, format!("no check is called {other}"))),
    };
    *silent = found.is_err();
    found.unwrap_or_else(|missed| match missed {
        Missed::Stopped => (Outcome::NotRun, "stopped".to_owned()),
        Missed::Ended => (Outcome::Failed, "the machine switched off during this check".to_owned()),
        Missed::TimedOut => (Outcome::Failed, format!("no answer within {} s", LIMIT.as_secs())),
    })
}

/// Runs a command in the machine's shell. Its output stands between two marks that the command
/// itself does not hold, so that neither an echo nor a kernel message is taken for it.
fn ask(console: &mut Console, command: &str, stop: &dyn Fn() -> bool) -> Result<Answer, Missed> {
    let deadline = Instant::now() + LIMIT;
    let line = format!("echo beg''in; {{ {command}; }} 2>&1; echo en''d-$?-");
    if line.len() > LONGEST_LINE {
        for (number, piece) in pieces(&line).iter().enumerate() {
            let former = if number == 0 { "" } else { "$c" };
            console.send(&format!("c={former}'{piece}';echo ac''k-{number}\r"));
            console.expect(&[&format!("ack-{number}\n")], deadline, stop)?;
        }
        console.send("eval \"$c\"\r");
    } else {
        console.send(&format!("{line}\r"));
    }
    console.expect(&["begin\n"], deadline, stop)?;
    let from = console.position();
    console.expect(&["end-"], deadline, stop)?;
    let to = console.position() - "end-".len();
    let at = console.position();
    console.expect(&["-"], deadline, stop)?;
    let code = console.text()[at..console.position() - 1].parse().unwrap_or(-1);
    Ok(Answer { code, text: console.text()[from..to].to_owned() })
}

/// What may be typed at once, in bytes: Xen keeps 128 until its dom0 has read them, and drops what comes
/// then (`xen/drivers/char/console.c`, `SERIAL_RING_SIZE`).
const LONGEST_LINE: usize = 100;

/// A line in pieces that stand between single quotes, so long that each may be typed at once.
fn pieces(line: &str) -> Vec<String> {
    let mut pieces = vec![String::new()];
    for character in line.chars() {
        let quoted = match character {
            '\'' => "'\\''".to_owned(),
            other => other.to_string(),
        };
        match pieces.last_mut() {
            Some(last) if last.len() + quoted.len() <= LONGEST_LINE - 32 => last.push_str(&quoted),
            _ => pieces.push(quoted),
        }
    }
    pieces
}

/// The version that an alias of the manifest stands for.
fn release(request: &SmokeRequest<'_>, alias: Option<&str>) -> String {
    alias
        .and_then(|alias| request.manifest.kernel(alias))
        .map_or_else(String::new, |bound| bound.release.clone())
}

/// What runs below, by the toolstack: its answer, or that there is no toolstack.
const TOOLSTACK: &str = "if command -v xl >/dev/null; \
     then timeout 60 xl info 2>/dev/null | sed -n 's/^xen_version *: *//p'; else echo no toolstack; fi";

/// Judges the version of the hypervisor: what the toolstack in dom0 says; where none is installed,
/// what the hypervisor itself wrote to the console when it started.
fn judge_hypervisor(toolstack: &str, log: Option<&str>, named: &str) -> Found {
    let (asked, version) = match toolstack.trim() {
        "no toolstack" => ("Xen's banner", log.and_then(hypervisor::version).unwrap_or("nothing")),
        "" => ("xl info", "nothing"),
        version => ("xl info", version),
    };
    if version == named {
        (Outcome::Passed, format!("{version}, says {asked}"))
    } else {
        (Outcome::Failed, format!("{asked} says {version}, and the manifest names {named}"))
    }
}

/// How the system stands, and what has failed, or what it still waits for.
const STATE: &str = "s=$(timeout 240 systemctl is-system-running --wait) || \
     s=$(systemctl is-system-running); echo $s; \
     systemctl --failed --no-legend --plain | cut -d' ' -f1; \
     systemctl list-jobs --no-legend | sed 's/^ *[0-9]* */job /'";

/// Judges the lines that the hypervisor wrote about its IOMMU.
fn judge_iommu(log: &str) -> Found {
    match hypervisor::iommu(log) {
        None => (Outcome::Failed, "the hypervisor's log says nothing of an IOMMU".to_owned()),
        Some((found, lines)) => {
            let outcome = if found == Iommu::Enabled { Outcome::Passed } else { Outcome::Failed };
            (outcome, format!("{found}: {}", lines.join("; ")))
        }
    }
}

fn same(what: &str, found: &str, expected: &str) -> Found {
    if found == expected {
        (Outcome::Passed, found.to_owned())
    } else {
        (Outcome::Failed, format!("{what} is {found}, and the manifest names {expected}"))
    }
}

fn succeeded(answer: &Answer, word: &str) -> Found {
    let text = answer.text.trim().replace('\n', "; ");
    if answer.code == 0 && text.contains(word) {
        (Outcome::Passed, text)
    } else {
        (Outcome::Failed, format!("exit code {}: {text}", answer.code))
    }
}

fn empty(text: &str, what: &str) -> Found {
    let text = text.trim().replace('\n', ", ");
    if text.is_empty() {
        (Outcome::Passed, String::new())
    } else {
        (Outcome::Failed, format!("{what}: {text}"))
    }
}

fn state(text: &str) -> Found {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let state = lines.next().unwrap_or("silent");
    if state == "running" {
        return (Outcome::Passed, state.to_owned());
    }
    let (jobs, failed): (Vec<&str>, Vec<&str>) = lines.partition(|line| line.starts_with("job "));
    let mut message = format!("the system is {state}");
    if !failed.is_empty() {
        message = format!("{message}; failed: {}", failed.join(", "));
    }
    if !jobs.is_empty() {
        message = format!("{message}; it waits for: {}", jobs.join(", ").replace("job ", ""));
    }
    (Outcome::Failed, message)
}

/// The images that the initrd verified and mounted are those of the manifest, in order.
fn images(text: &str, request: &SmokeRequest<'_>) -> Found {
    let digest = |line: &str| line.rsplit(',').next().unwrap_or_default().trim().to_owned();
    let mounted: Vec<String> = text.lines().filter(|line| line.contains(',')).map(digest).collect();
    let named: Vec<String> = request
        .manifest
        .images
        .iter()
        .filter_map(|name| request.manifest.component(name))
        .map(|it| it.sha256.to_string())
        .collect();
    same("the list of verified images", &mounted.join(" "), &named.join(" "))
}

/// What is mounted over NFS is an export of the manifest's digest.
fn exported(mounts: &str, request: &SmokeRequest<'_>) -> Found {
    let of_line = |line: &str| {
        let source = line.split(' ').next()?;
        let (_, path) = source.split_once(":/")?;
        let digest = path.strip_prefix("release/").or_else(|| path.strip_prefix("private/"))?;
        digest.split('/').next().map(str::to_owned)
    };
    let mounted = mounts.lines().find_map(of_line).unwrap_or_else(|| "nothing".to_owned());
    let named = domain::canonical::to_vec(request.manifest).map(Digest::of);
    let named = named.map_or_else(|error| error.to_string(), |it| it.to_string());
    same("the release mounted over NFS", &mounted, &named)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_typed_in_pieces_that_a_shell_puts_together() {
        let line = format!("printf '%s' \"it's $((40+2))\"; : {}", "x".repeat(300));
        let pieces = pieces(&line);
        assert!(pieces.len() > 4 && pieces.iter().all(|it| it.len() <= LONGEST_LINE - 32));
        let typed: String = pieces.iter().map(|it| format!("c=$c'{it}'\n")).collect();
        let script = format!("{typed}eval \"$c\"\n");
        let output = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap(), "it's 42");
    }

    #[test]
    fn answers_are_judged() {
        assert_eq!(state("running\n").0, Outcome::Passed);
        assert_eq!(
            state("degraded\nssh.service\n").1,
            "the system is degraded; failed: ssh.service"
        );
        assert_eq!(
            state("starting\njob xen.service start running\n").1,
            "the system is starting; it waits for: xen.service start running"
        );
        assert_eq!(empty("\n", "x").0, Outcome::Passed);
        assert_eq!(empty("a\nb\n", "x").1, "x: a, b");
        let banner = Some("(XEN) Xen version 4.17.7 (Debian 4.17.7+13-1)\n");
        let hypervisor = |toolstack: &str| judge_hypervisor(toolstack, banner, "4.17.7");
        assert_eq!(hypervisor("4.17.7\n"), (Outcome::Passed, "4.17.7, says xl info".to_owned()));
        assert_eq!(hypervisor("no toolstack\n").1, "4.17.7, says Xen's banner");
        assert_eq!(
            hypervisor(""),
            (Outcome::Failed, "xl info says nothing, and the manifest names 4.17.7".to_owned()),
            "a toolstack that does not answer is none of a working dom0"
        );
        assert_eq!(hypervisor("4.14.0\n").0, Outcome::Failed);
        let answer = Answer { code: 0, text: "loaded dummy\n".to_owned() };
        assert_eq!(succeeded(&answer, "loaded").0, Outcome::Passed);
        assert_eq!(succeeded(&Answer { code: 1, ..answer }, "loaded").0, Outcome::Failed);
    }
}
