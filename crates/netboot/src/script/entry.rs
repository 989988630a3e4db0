//! The lines of a script that boot one entry.

use std::{fmt::Write as _, net::Ipv4Addr};

use domain::{
    manifest::{BootEntry, BoundKernel},
    menu::{self, MULTIBOOT_COMMAND_LINES},
    recipe::{NfsRoot, RootMethod},
};

use super::{BOOT_SETTING, Base};
use crate::{
    catalogue::Served,
    short::{Short, image_list},
    token,
};

/// The address of the network card that the boot loader uses, as iPXE expands it.
const OWN_MAC: &str = "${netX/mac:hexhyp}";
/// How the initrd learns which network card that is.
const BOOTIF: &str = "BOOTIF=01-${netX/mac:hexhyp}";

/// What stands below the label of an entry.
pub(super) fn lines(served: &Served, entry: &BootEntry, base: &Base) -> Result<String, String> {
    let label = entry.label();
    if let Some((field, rule)) = menu::check_boots(entry).into_iter().next() {
        return Err(format!("{field} of entry {label}: {rule}"));
    }
    let of = Of { served, base, label };
    let commands = match entry {
        BootEntry::Linux { kernel, root, arguments, .. } => match of.unreachable(*root) {
            Some(why) => format!("echo Bootwright: {why}\ngoto FAILED\n"),
            None => of.linux(kernel, *root, arguments)?,
        },
        BootEntry::Xen { hypervisor, hypervisor_arguments, kernel, root, arguments, .. } => {
            match of.unreachable(*root) {
                Some(why) => format!("echo Bootwright: {why}\ngoto FAILED\n"),
                None => of.xen(hypervisor, hypervisor_arguments, (kernel, *root), arguments)?,
            }
        }
        BootEntry::Installer { kernel, initrd, arguments, .. } => {
            let mut line = vec!["initrd=initrd".to_owned()];
            line.extend(of.preseed(entry)?);
            line.extend(words(arguments));
            format!(
                "kernel {kernel} {} || goto FAILED\n\
                 initrd --name initrd {initrd} || goto FAILED\n\
                 boot || goto FAILED\n",
                line.join(" ")
            )
        }
        // Its own menu may end, and then this one comes back.
        BootEntry::Chain { script, .. } => {
            format!("chain --autofree {script} || goto FAILED\n")
        }
    };
    Ok(format!("\n:{label}\nset target {label}\nimgfree\n{commands}goto MENU\n"))
}

fn words(arguments: &str) -> Option<String> {
    (!arguments.is_empty()).then(|| arguments.to_owned())
}

/// A rootfs on our NFS server.
struct Export {
    nfs: NfsRoot,
    address: Ipv4Addr,
    port: u16,
    path: String,
    /// Options of sizes, each with a comma before it.
    sizes: String,
}

impl Export {
    /// For our initrd: <address>:<path>,<options>.
    fn for_initrd(&self) -> String {
        let Self { address, port, path, sizes, .. } = self;
        let access = if self.nfs.writable { "rw" } else { "ro" };
        format!("bootwright.nfs={address}:{path},{access},port={port},mountport={port}{sizes}")
    }

    /// For the kernel itself: `Documentation/admin-guide/nfs/nfsroot.rst` of Linux.
    fn for_kernel(&self) -> String {
        let Self { address, port, path, sizes, .. } = self;
        format!(
            "root=/dev/nfs nfsroot={address}:{path},vers=3,tcp,port={port},mountport={port},nolock{sizes} \
             rw ip=dhcp"
        )
    }
}

/// An entry of a release, for machines that reach us at `base`.
struct Of<'a> {
    served: &'a Served,
    base: &'a Base,
    label: &'a str,
}

impl Of<'_> {
    fn bound(&self, alias: &str) -> Result<&BoundKernel, String> {
        let label = self.label;
        self.served
            .manifest
            .kernel(alias)
            .ok_or_else(|| format!("entry {label} names {alias}, which this release lacks"))
    }

    fn initrd<'b>(&self, bound: &'b BoundKernel) -> Result<&'b str, String> {
        bound.initrd.as_deref().ok_or_else(|| {
            format!("entry {} starts {} as Linux, which has no initrd", self.label, bound.alias)
        })
    }

    fn file(&self, name: &str) -> Result<String, String> {
        menu::check_file_name(name).map_err(|rule| rule.to_string())?;
        Ok(self.base.url(&format!("/artifacts/{}/{name}", self.served.digest)))
    }

    /// The arguments that name the images.
    fn images(&self) -> Result<Vec<String>, String> {
        let image = |name: &String| {
            let (_, _, sha256) = self
                .served
                .file(name)
                .ok_or_else(|| format!("the release names the image {name} and lacks it"))?;
            Ok(format!("bootwright.image={},{sha256}", self.file(name)?))
        };
        self.served.manifest.images.iter().map(image).collect()
    }

    /// Why a machine that reached us so cannot mount the rootfs; `None` where it can.
    fn unreachable(&self, root: RootMethod) -> Option<String> {
        let label = self.label;
        root.nfs()?;
        if self.base.nfs_port().is_none() {
            return Some(format!("{label} needs NFS, which this server does not serve"));
        }
        self.base.ipv4().is_none().then(|| {
            format!("{label} needs NFS: reach this server by its IPv4 address, not by a name")
        })
    }

    /// Address, path, and options of the mount; nothing where the rootfs does not come over NFS.
    fn export(&self, root: RootMethod) -> Option<Export> {
        let nfs = root.nfs()?;
        let digest = self.served.digest;
        let path = match nfs.writable {
            true => format!("/private/{digest}/{OWN_MAC}"),
            false => format!("/release/{digest}"),
        };
        let sizes = [("rsize", nfs.read_size), ("wsize", nfs.write_size)];
        let sizes = sizes.into_iter().filter_map(|(name, size)| Some(format!(",{name}={}", size?)));
        let (address, port) = (self.base.ipv4()?, self.base.nfs_port()?);
        Some(Export { nfs, address, port, path, sizes: sizes.collect() })
    }

    fn linux(&self, kernel: &str, root: RootMethod, arguments: &str) -> Result<String, String> {
        let bound = self.bound(kernel)?;
        let export = self.export(root);
        if let Some(export) = export.as_ref().filter(|it| it.nfs.direct) {
            let mut line = vec![export.for_kernel()];
            line.extend(words(arguments));
            let (file, line) = (self.file(&bound.image)?, line.join(" "));
            return Ok(format!("kernel {file} {line} || goto FAILED\nboot || goto FAILED\n"));
        }
        let initrd = self.initrd(bound)?;
        let mut line = vec![format!("initrd={initrd}")];
        line.extend(self.base.boot_argument(self.label, export.is_some()));
        match export {
            Some(export) => line.push(export.for_initrd()),
            None => line.extend(self.images()?),
        }
        line.push(format!("bootwright.manifest={} {BOOTIF}", self.served.digest));
        line.extend(words(arguments));
        Ok(format!(
            "kernel {} {} || goto FAILED\ninitrd {} || goto FAILED\nboot || goto FAILED\n",
            self.file(&bound.image)?,
            line.join(" "),
            self.file(initrd)?,
        ))
    }

    /// Xen by multiboot: its own image, then as modules dom0's kernel and initrd. iPXE keeps the
    /// URLs and arguments of all three in few bytes, so they are written short.
    fn xen(
        &self,
        hypervisor: &str,
        hypervisor_arguments: &str,
        (kernel, root): (&str, RootMethod),
        arguments: &str,
    ) -> Result<String, String> {
        let short = Short::new(self.served, self.base);
        let (hypervisor, dom0) = (self.bound(hypervisor)?, self.bound(kernel)?);
        let export = self.export(root);
        let over_nfs = export.is_some();
        let images = match export {
            Some(export) => export.for_initrd(),
            None => {
                let (list, sha256) = image_list(self.served)?;
                format!("bootwright.images={},{sha256}", short.url(list))
            }
        };
        let mut line = vec![images, BOOTIF.to_owned()];
        line.extend(words(arguments));
        let mut loaded = [
            ("kernel", short.file(&hypervisor.image)?, hypervisor_arguments.to_owned()),
            ("module", short.file(&dom0.image)?, line.join(" ")),
            ("module", short.file(self.initrd(dom0)?)?, String::new()),
        ];
        // Each stands as its URL, a space and its arguments, and a zero byte.
        let length: usize = loaded.iter().map(|(_, url, line)| url.len() + line.len() + 2).sum();
        // The trace of a boot is worth less than the boot.
        if let Some(argument) = self.base.boot_argument(self.label, over_nfs)
            && length + 1 + argument.len() + token::LENGTH - BOOT_SETTING.len()
                <= MULTIBOOT_COMMAND_LINES
            && let Some((_, _, line)) = loaded.get_mut(1)
        {
            *line = format!("{argument} {line}");
        }
        if length > MULTIBOOT_COMMAND_LINES {
            return Ok(format!(
                "echo Bootwright: {} needs command lines of {length} bytes and iPXE keeps \
                 {MULTIBOOT_COMMAND_LINES}: shorten its arguments or reach the server by a shorter \
                 name\ngoto FAILED\n",
                self.label
            ));
        }
        let mut commands = String::new();
        for (command, url, line) in loaded {
            let space = if line.is_empty() { "" } else { " " };
            let _ = writeln!(commands, "{command} {url}{space}{line} || goto FAILED");
        }
        commands.push_str("boot || goto FAILED\n");
        Ok(commands)
    }

    /// The arguments by which Debian's installer and its kin load their answers.
    fn preseed(&self, entry: &BootEntry) -> Result<Option<String>, String> {
        let BootEntry::Installer { preseed: Some(name), .. } = entry else { return Ok(None) };
        if self.served.file(name).is_none() {
            return Err(format!("entry {} names {name}, which this release lacks", self.label));
        }
        Ok(Some(format!("auto=true priority=critical preseed/url={}", self.file(name)?)))
    }
}

/// What an entry boots on the machine with that MAC address, in the form of Pixiecore's API: a kernel, initrds and
/// a command line.
///
/// # Errors
/// Where the entry is of a kind that the form has no room for, or cannot reach its rootfs.
pub(super) fn pixiecore(
    served: &Served,
    entry: &BootEntry,
    base: &Base,
    mac: &str,
) -> Result<String, String> {
    let label = entry.label();
    let of = Of { served, base, label };
    let (kernel, initrd, line) = match entry {
        BootEntry::Linux { kernel, root, arguments, .. } => {
            if let Some(why) = of.unreachable(*root) {
                return Err(why);
            }
            let bound = of.bound(kernel)?;
            let image = of.file(&bound.image)?;
            // Nothing expands settings here.
            let export =
                of.export(*root).map(|it| Export { path: it.path.replace(OWN_MAC, mac), ..it });
            let over_nfs = export.is_some();
            let (initrd, mut line) = match export {
                Some(export) if export.nfs.direct => (None, vec![export.for_kernel()]),
                Some(export) => (Some(of.initrd(bound)?), vec![export.for_initrd()]),
                None => (Some(of.initrd(bound)?), of.images()?),
            };
            if initrd.is_some() {
                line.extend(base.boot_argument(label, over_nfs));
            }
            line.push(format!("bootwright.manifest={}", served.digest));
            line.extend(words(arguments));
            (image, initrd.map(|it| of.file(it)).transpose()?, line)
        }
        BootEntry::Installer { kernel, initrd, arguments, .. } => {
            let line = of.preseed(entry)?.into_iter().chain(words(arguments)).collect();
            (kernel.clone(), Some(initrd.clone()), line)
        }
        BootEntry::Xen { .. } | BootEntry::Chain { .. } => {
            return Err(format!(
                "the entry {label} is of kind {}, which this answer has no room for: \
                 boot /menu.ipxe instead",
                entry.kind().word()
            ));
        }
    };
    let initrds: Vec<String> = initrd.into_iter().collect();
    Ok(serde_json::json!({ "kernel": kernel, "initrd": initrds, "cmdline": line.join(" ") })
        .to_string())
}
