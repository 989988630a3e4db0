//! From what an entry loads to a boot entry of a release.

use std::collections::BTreeMap;

use super::script::{Ending, Image, Loaded};
use crate::{kernel::Flavor, manifest::BootEntry, recipe::RootMethod};

/// Arguments that our own initrd takes the place of, by what stands before their `=`: it asks for
/// an address itself, and loads the rootfs from where the boot entry says.
const REPLACED: [&str; 9] =
    ["root", "rw", "ro", "ip", "nfsroot", "nfsrootdebug", "bootfile", "initrd", "BOOTIF"];

/// What the entries of one menu have in common.
#[derive(Debug, Default)]
pub(super) struct Surroundings {
    /// The export that most entries take as their root: the rootfs.
    export: Option<String>,
    /// Name or address of the server that the menu came from, where an entry says it.
    server: Option<String>,
}

impl Surroundings {
    pub(super) fn of<'a>(endings: impl Iterator<Item = &'a Ending>) -> Self {
        let mut counted: BTreeMap<String, (usize, usize)> = BTreeMap::new();
        let mut server = None;
        for (position, ending) in endings.enumerate() {
            let Ending::Boots(loaded) = ending else { continue };
            let arguments: Vec<&str> = all_arguments(loaded).collect();
            if is_live(&arguments) {
                continue;
            }
            let Some(root) = value(&arguments, "nfsroot") else { continue };
            let (host, export) = export(root);
            server = server.or(host);
            // The first of those that are named equally often.
            let (count, first) = counted.entry(export).or_insert((0, position));
            *count += 1;
            *first = (*first).min(position);
        }
        let most =
            counted.into_iter().max_by_key(|(_, (count, first))| (*count, usize::MAX - first));
        Self { export: most.map(|(export, _)| export), server }
    }

    /// The path of a file of the server that the menu came from.
    fn own_path<'a>(&self, url: &'a str) -> Option<&'a str> {
        let Some((scheme, rest)) = url.split_once("://") else {
            return Some(url.trim_start_matches("./").trim_start_matches('/'));
        };
        let (authority, path) = rest.split_once('/')?;
        let own = scheme == "http" && self.server.as_deref() == Some(host_of(authority));
        own.then_some(path)
    }

    /// Whether an argument speaks of that server.
    fn names_server(&self, argument: &str) -> bool {
        let Some(server) = &self.server else { return false };
        argument.split(['/', ':', '=', ',', '@', '?', '&']).any(|part| part == server)
    }
}

/// Turns what an entry comes to into a boot entry.
///
/// # Errors
/// Why a release cannot boot it, in one sentence.
pub(super) fn entry(
    label: &str,
    text: &str,
    ending: Ending,
    surroundings: &Surroundings,
    kernels: &BTreeMap<String, Flavor>,
) -> Result<BootEntry, String> {
    let (label, text) = (label.to_owned(), text.to_owned());
    let loaded = match ending {
        Ending::Shell { .. } => {
            return Err("it opens iPXE's shell, which every menu has as its first entry".to_owned());
        }
        Ending::Chains { url, .. } => {
            known(&url)?;
            if surroundings.own_path(&url).is_some() {
                return Err(format!("it goes on with {url} of the server that the menu came from"));
            }
            return Ok(BootEntry::Chain { label, text, script: url });
        }
        Ending::Boots(loaded) => loaded,
    };
    let Some(kernel) = &loaded.kernel else {
        return Err("it loads no kernel".to_owned());
    };
    known(&kernel.url)?;
    if surroundings.own_path(&kernel.url).is_none() {
        return installer(label, text, &loaded, kernel, surroundings);
    }
    let alias = brought(kernel, surroundings, kernels)?;
    if kernels.get(&alias) == Some(&Flavor::Linux) {
        let arguments = rootfs_arguments(kernel, surroundings)?;
        let root = RootMethod::Http;
        return Ok(BootEntry::Linux { label, text, kernel: alias, root, arguments });
    }
    let [dom0] = &loaded.others[..] else {
        return Err(format!(
            "the hypervisor {alias} is loaded with {} modules, and a dom0 kernel is the only one that a release loads",
            loaded.others.len()
        ));
    };
    let linux = brought(dom0, surroundings, kernels)?;
    if kernels.get(&linux) != Some(&Flavor::Linux) {
        return Err(format!("its dom0 {linux} is a hypervisor, not a Linux kernel"));
    }
    Ok(BootEntry::Xen {
        label,
        text,
        hypervisor: alias,
        hypervisor_arguments: kept(kernel)?,
        kernel: linux,
        root: RootMethod::Http,
        arguments: rootfs_arguments(dom0, surroundings)?,
    })
}

/// Somebody else's kernel and initrd.
fn installer(
    label: String,
    text: String,
    loaded: &Loaded,
    kernel: &Image,
    surroundings: &Surroundings,
) -> Result<BootEntry, String> {
    let [initrd] = &loaded.others[..] else {
        return Err(format!(
            "it loads {} initrds with {}, and an installer has one",
            loaded.others.len(),
            kernel.url
        ));
    };
    known(&initrd.url)?;
    if surroundings.own_path(&initrd.url).is_some() {
        return Err(format!(
            "it loads {} from the server that the menu came from, which no release holds",
            initrd.url
        ));
    }
    let arguments = kept(kernel)?;
    if let Some(own) = arguments.split(' ').find(|it| surroundings.names_server(it)) {
        return Err(format!("its argument {own} names the server that the menu came from"));
    }
    Ok(BootEntry::Installer {
        label,
        text,
        kernel: kernel.url.clone(),
        initrd: initrd.url.clone(),
        preseed: None,
        arguments,
    })
}

/// The alias of a kernel of the old server: the name of its file in `kernels/`.
fn brought(
    image: &Image,
    surroundings: &Surroundings,
    kernels: &BTreeMap<String, Flavor>,
) -> Result<String, String> {
    known(&image.url)?;
    let path = surroundings.own_path(&image.url).unwrap_or(&image.url);
    let alias = path.strip_prefix("kernels/").unwrap_or(path);
    if kernels.contains_key(alias) {
        return Ok(alias.to_owned());
    }
    Err(format!("it starts {path}, and no kernel of that name was brought along"))
}

/// What the kernel of the rootfs is told besides what our initrd replaces.
fn rootfs_arguments(image: &Image, surroundings: &Surroundings) -> Result<String, String> {
    let arguments: Vec<&str> = image.arguments.iter().map(String::as_str).collect();
    if is_live(&arguments) {
        return Err("it boots a live system of its own, not the rootfs".to_owned());
    }
    let Some(root) = value(&arguments, "nfsroot") else {
        return Err("none of its arguments is nfsroot=, so it does not boot the rootfs".to_owned());
    };
    let (_, export) = export(root);
    if let Some(rootfs) = surroundings.export.as_ref().filter(|rootfs| **rootfs != export) {
        return Err(format!(
            "its root is the export {export}, and the rootfs of this menu is {rootfs}"
        ));
    }
    kept(image)
}

/// The arguments that stay, where every machine knows what they say.
fn kept(image: &Image) -> Result<String, String> {
    let name = |it: &str| it.split('=').next().unwrap_or_default().to_owned();
    let kept: Vec<&str> = image
        .arguments
        .iter()
        .map(String::as_str)
        .filter(|it| !REPLACED.contains(&name(it).as_str()))
        .collect();
    let kept = kept.join(" ");
    known(&kept)?;
    Ok(kept)
}

fn all_arguments(loaded: &Loaded) -> impl Iterator<Item = &str> {
    let images = loaded.kernel.iter().chain(&loaded.others);
    images.flat_map(|image| image.arguments.iter().map(String::as_str))
}

/// A live system loads an image that lies in its root; its root is not the rootfs of this menu.
fn is_live(arguments: &[&str]) -> bool {
    value(arguments, "boot") == Some("live") || value(arguments, "netboot").is_some()
}

fn value<'a>(arguments: &[&'a str], name: &str) -> Option<&'a str> {
    arguments.iter().find_map(|it| it.strip_prefix(name)?.strip_prefix('='))
}

/// Server and path of `nfsroot=[<server>:]<path>[,<options>]`
/// (<https://docs.kernel.org/admin-guide/nfs/nfsroot.html>).
fn export(root: &str) -> (Option<String>, String) {
    let place = root.split(',').next().unwrap_or_default();
    match place.split_once(":/") {
        Some((host, path)) => (Some(host.to_owned()), format!("/{}", path.trim_end_matches('/'))),
        None => (None, place.trim_end_matches('/').to_owned()),
    }
}

/// The host of `host[:port]`.
fn host_of(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|it| it.is_ascii_digit()) => host,
        _ => authority,
    }
}

/// Whether `text` says the same on every machine.
fn known(text: &str) -> Result<(), String> {
    let Some((_, after)) = text.split_once("${") else { return Ok(()) };
    let name: String = after.split('}').next().unwrap_or_default().chars().take(40).collect();
    Err(format!("only a machine that boots knows what \"${{{name}}}\" stands for"))
}
