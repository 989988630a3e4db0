//! Reads the entries of a recipe's boot menu.

use std::collections::BTreeMap;

use super::{
    Kernel, NfsRoot, Preseed, RootMethod,
    fields::Fields,
    nearest::hint,
    read::value,
    report::{Placed, Report, quoted},
};
use crate::{
    kernel::{DOM0_ARGUMENTS, Flavor, HYPERVISOR_ARGUMENTS},
    manifest::{BootEntry, EntryKind},
};

/// What entries may name.
pub(super) struct Named<'a> {
    pub(super) kernels: &'a [Kernel],
    pub(super) preseeds: &'a [Preseed],
}

/// Where a menu entry and its fields stand.
pub(super) struct EntryLines {
    pub(super) table: u32,
    fields: BTreeMap<&'static str, u32>,
}

impl EntryLines {
    /// The line of a field; `None` where the text does not have it.
    pub(super) fn of(&self, field: &str) -> Option<u32> {
        self.fields.get(field).copied()
    }
}

/// The keys of each kind of entry, and what such an entry is called.
const fn shape(kind: EntryKind) -> (&'static str, &'static [&'static str]) {
    match kind {
        EntryKind::Linux => {
            ("a menu entry", &["label", "text", "kind", "kernel", "root", "nfs", "arguments"])
        }
        EntryKind::Xen => (
            "a Xen entry",
            &[
                "label",
                "text",
                "kind",
                "hypervisor",
                "hypervisor_arguments",
                "kernel",
                "root",
                "nfs",
                "arguments",
            ],
        ),
        EntryKind::Installer => (
            "an installer entry",
            &["label", "text", "kind", "kernel", "initrd", "preseed", "arguments"],
        ),
        EntryKind::Chain => ("a chain entry", &["label", "text", "kind", "script"]),
    }
}

/// All `[[menu.entries]]`.
pub(super) fn read(
    report: &mut Report,
    menu: &Fields<'_, '_>,
    named: &Named<'_>,
) -> (Vec<BootEntry>, Vec<EntryLines>) {
    menu.tables(report, "entries")
        .into_iter()
        .map(|table| {
            let written = table.value.get("kind").and_then(|kind| kind.get_ref().as_str());
            let kind = written.map_or(Some(EntryKind::Linux), |word| {
                EntryKind::ALL.into_iter().find(|kind| kind.word() == word)
            });
            let (what, keys) = shape(kind.unwrap_or(EntryKind::Linux));
            let fields = Fields::new(report, table.value, table.line, what, keys);
            if let Some(word) = fields.text(report, "kind").filter(|_| kind.is_none()) {
                let words = EntryKind::ALL.map(EntryKind::word);
                let near = hint(&word.value, words);
                let message = format!(
                    "an entry is of kind {}, not {}{near}",
                    words.map(|word| format!("\"{word}\"")).join(", "),
                    quoted(&word.value)
                );
                report.add(word.line, message);
            }
            let mut entry = EntryReader { report, fields, named, lines: BTreeMap::new() };
            let read = entry.read(kind.unwrap_or(EntryKind::Linux));
            (read, EntryLines { table: table.line, fields: entry.lines })
        })
        .unzip()
}

/// Reads one entry, and notes where its fields stand.
struct EntryReader<'r, 'a, 'i> {
    report: &'r mut Report,
    fields: Fields<'a, 'i>,
    named: &'r Named<'r>,
    lines: BTreeMap<&'static str, u32>,
}

impl EntryReader<'_, '_, '_> {
    fn read(&mut self, kind: EntryKind) -> BootEntry {
        let label = self.required("label", "label = \"deb-netboot-6.1.y\"");
        let text = self.required("text", "text = \"Debian stable netboot 6.1.y\"");
        match kind {
            EntryKind::Linux => BootEntry::Linux {
                label,
                text,
                kernel: self.alias("kernel", Flavor::Linux),
                root: self.root(),
                arguments: self.text("arguments").unwrap_or_default(),
            },
            EntryKind::Xen => BootEntry::Xen {
                label,
                text,
                hypervisor: self.alias("hypervisor", Flavor::Xen),
                hypervisor_arguments: self
                    .text("hypervisor_arguments")
                    .unwrap_or_else(|| HYPERVISOR_ARGUMENTS.to_owned()),
                kernel: self.alias("kernel", Flavor::Linux),
                root: self.root_of_dom0(),
                arguments: self.text("arguments").unwrap_or_else(|| DOM0_ARGUMENTS.to_owned()),
            },
            EntryKind::Installer => BootEntry::Installer {
                label,
                text,
                kernel: self.required("kernel", "kernel = \"http://mirror.example/…/linux\""),
                initrd: self.required("initrd", "initrd = \"http://mirror.example/…/initrd.gz\""),
                preseed: self.preseed(),
                arguments: self.text("arguments").unwrap_or_default(),
            },
            EntryKind::Chain => BootEntry::Chain {
                label,
                text,
                script: self.required("script", "script = \"http://boot.example/menu.ipxe\""),
            },
        }
    }

    fn placed(&mut self, key: &'static str) -> Option<Placed<String>> {
        let placed = self.fields.text(self.report, key)?;
        self.lines.insert(key, placed.line);
        Some(placed)
    }

    fn text(&mut self, key: &'static str) -> Option<String> {
        self.placed(key).map(|placed| placed.value)
    }

    fn required(&mut self, key: &'static str, example: &str) -> String {
        self.fields.require(self.report, key, example);
        value(self.placed(key))
    }

    fn root(&mut self) -> RootMethod {
        let root = self.placed("root");
        let options = self.placed("nfs");
        let word = root.as_ref().map_or("http", |root| root.value.as_str());
        if word == "nfs" {
            let read = NfsRoot::parse(options.as_ref().map_or("", |it| it.value.as_str()));
            return RootMethod::Nfs(read.unwrap_or_else(|error| {
                let line = options.as_ref().or(root.as_ref()).map_or(0, |it| it.line);
                self.report.add(line, error.to_string());
                NfsRoot::default()
            }));
        }
        if let Some(root) = root.as_ref().filter(|root| root.value != "http") {
            let near = hint(&root.value, RootMethod::WORDS);
            let message =
                format!("a rootfs comes by \"http\" or \"nfs\", not {}{near}", quoted(&root.value));
            self.report.add(root.line, message);
        } else if let Some(options) = options {
            let message = "options of nfs are of use with root = \"nfs\" only".to_owned();
            self.report.add(options.line, message);
        }
        RootMethod::Http
    }

    /// A hypervisor starts its dom0 with our initrd.
    fn root_of_dom0(&mut self) -> RootMethod {
        let root = self.root();
        if root.nfs().is_some_and(|nfs| nfs.direct) {
            let line = self.lines.get("nfs").copied().unwrap_or_default();
            self.report.add(line, "a dom0 needs its initrd: leave noinitrd out".to_owned());
        }
        root
    }

    /// The alias of one of the recipe's kernels.
    fn alias(&mut self, key: &'static str, flavor: Flavor) -> String {
        let what = if flavor == Flavor::Xen { "hypervisor" } else { "kernel" };
        let example = format!("{key} = \"<alias of a {what}>\"");
        self.fields.require(self.report, key, &example);
        let Some(written) = self.placed(key) else { return String::new() };
        let kernels = self.named.kernels;
        let of_flavor = kernels.iter().filter(|known| known.flavor == flavor);
        match kernels.iter().find(|known| known.alias == written.value) {
            Some(known) if known.flavor == flavor => {}
            Some(known) => {
                let message = format!(
                    "{} is of flavor \"{}\", and \"{key}\" names one of flavor \"{}\"",
                    quoted(&written.value),
                    known.flavor.word(),
                    flavor.word()
                );
                self.report.add_absence(written.line, message);
            }
            None => {
                let near = hint(&written.value, of_flavor.map(|known| known.alias.as_str()));
                let more =
                    if near.is_empty() { "; write the alias of one of [[kernels]]" } else { &near };
                let message = format!("no {what} has the alias {}{more}", quoted(&written.value));
                self.report.add_absence(written.line, message);
            }
        }
        written.value
    }

    fn preseed(&mut self) -> Option<String> {
        let written = self.placed("preseed")?;
        let preseeds = self.named.preseeds;
        if preseeds.iter().all(|known| known.name != written.value) {
            let near = hint(&written.value, preseeds.iter().map(|known| known.name.as_str()));
            let more =
                if near.is_empty() { "; write the name of one of [[preseeds]]" } else { &near };
            let message = format!("no preseed is called {}{more}", quoted(&written.value));
            self.report.add_absence(written.line, message);
        }
        Some(written.value)
    }
}
