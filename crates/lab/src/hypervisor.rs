//! What a hypervisor says on the console while it starts.

use std::fmt;

/// Whether a hypervisor keeps devices apart by an IOMMU.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Iommu {
    Enabled,
    /// There is one, or could be, and it is not used.
    Disabled,
    /// The machine has none, or its firmware does not tell.
    NotFound,
}

impl fmt::Display for Iommu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Enabled => "enabled",
            Self::Disabled => "disabled",
            Self::NotFound => "not found",
        })
    }
}

/// The version that Xen writes when it starts: `(XEN) Xen version 4.17.5 (Debian …) …`.
pub(crate) fn version(log: &str) -> Option<&str> {
    let after = log.split_once("(XEN) Xen version ")?.1;
    after.split_whitespace().next()
}

/// What the lines of Xen's log that are about the IOMMU say, and the lines; `None` where there are
/// none. The words are those that lab robots look for (`AMD-Vi: IOMMU 0 Enabled.`, `I/O
/// virtualisation enabled`, `AMD-Vi: IOMMU not found!`).
pub(crate) fn iommu(log: &str) -> Option<(Iommu, Vec<String>)> {
    let about = |line: &str| {
        ["I/O virtualisation", "AMD-Vi", "VT-d", "IOMMU"].iter().any(|word| line.contains(word))
    };
    let lines: Vec<String> = log
        .lines()
        .filter_map(|line| Some(line.get(line.find("(XEN)")?..)?.trim_end().to_owned()))
        .filter(|line| about(line))
        .collect();
    let says = |word: &str| lines.iter().any(|line| line.contains(word));
    let found = if says("I/O virtualisation enabled") || says("AMD-Vi: IOMMU 0 Enabled") {
        Iommu::Enabled
    } else if says("IOMMU not found") {
        Iommu::NotFound
    } else if says("I/O virtualisation disabled") {
        // Without a word about one, there is none.
        let named = lines.iter().any(|line| !line.contains("I/O virtualisation disabled"));
        if named { Iommu::Disabled } else { Iommu::NotFound }
    } else {
        return None;
    };
    Some((found, lines))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(log: &str) -> Option<Iommu> {
        iommu(log).map(|(found, _)| found)
    }

    #[test]
    fn the_version_stands_in_the_banner() {
        let log = "ok\r\n(XEN) Xen version 4.17.7 (Debian 4.17.7+13-1) (x@y) (gcc) debug=n\r\n";
        assert_eq!(version(log), Some("4.17.7"));
        assert_eq!(version("Xen version 4.17.7"), None);
    }

    #[test]
    fn an_iommu_is_enabled_disabled_or_not_there() {
        let intel =
            "(XEN) Intel VT-d Snoop Control not enabled.\r\n(XEN) I/O virtualisation enabled\r\n";
        let (word, lines) = iommu(intel).unwrap();
        assert_eq!((word, lines.len()), (Iommu::Enabled, 2));
        assert_eq!(lines[1], "(XEN) I/O virtualisation enabled");
        assert_eq!(found("x (XEN) AMD-Vi: IOMMU 0 Enabled.\n"), Some(Iommu::Enabled));
        assert_eq!(
            found("(XEN) AMD-Vi: IOMMU not found!\n(XEN) I/O virtualisation disabled\n"),
            Some(Iommu::NotFound)
        );
        assert_eq!(found("(XEN) I/O virtualisation disabled\n"), Some(Iommu::NotFound));
        assert_eq!(
            found(
                "(XEN) [VT-D]IOMMU: VT-d off by command line\n(XEN) I/O virtualisation disabled\n"
            ),
            Some(Iommu::Disabled)
        );
        assert_eq!(found("I/O virtualisation enabled\n"), None, "not said by Xen");
        assert_eq!(found(""), None);
    }
}
