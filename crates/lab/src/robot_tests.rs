//! A robot as labs have them drives the thirteen lines of the example menu of pxe-server through a
//! real iPXE: it reads the menu from the screen of a serial terminal, counts lines, presses Down as
//! often, and Enter. What iPXE then asks for tells whether it was the right line.

use std::{
    num::NonZero,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use blobs::BlobStore;
use domain::{
    digest::Digest,
    kernel::Flavor,
    manifest::{BootEntry, BoundKernel, Component, ComponentRole, Manifest},
    menu::FOOTER,
    time::Clock,
    version::TargetVersion,
};
use netboot::{BootListener, Observations, Served, SharedCatalogue, Snapshot};
use process::{Running, Spawner};
use tokio::runtime::Runtime;

use crate::{
    Board, GuestConfig,
    boot::{as_shown, press_down},
    console::Console,
    guest::{self, Reboots},
    probe_accelerator,
    test_support::{SinceStart, relay_program},
};

const MENU_PATH: &str = "/release/v1.0.0/menu.ipxe";
const LIMIT: Duration = Duration::from_secs(180);

/// The example, with its kernels bound on paper: none of its files is there, so whatever iPXE asks
/// for is refused, and it comes back to the menu.
pub(crate) fn example() -> Manifest {
    let text = include_str!("../../../examples/pxe-server-v1.0.0.toml");
    let recipe = domain::recipe::parse(text).unwrap();
    let file = |role, name: String| Component { role, size: 3, sha256: Digest::of(&name), name };
    let mut components = vec![file(ComponentRole::Image, "rootfs.squashfs".to_owned())];
    let mut kernels = Vec::new();
    for kernel in &recipe.kernels {
        let (role, initrd) = match kernel.flavor {
            Flavor::Linux => (ComponentRole::Kernel, Some(format!("initrd-{}.img", kernel.alias))),
            Flavor::Xen => (ComponentRole::Hypervisor, None),
        };
        components.push(file(role, kernel.alias.clone()));
        components.extend(initrd.iter().map(|it| file(ComponentRole::Initrd, it.clone())));
        kernels.push(BoundKernel {
            alias: kernel.alias.clone(),
            flavor: kernel.flavor,
            release: "1".to_owned(),
            image: kernel.alias.clone(),
            initrd,
            config: Some("config-1".to_owned()),
        });
    }
    let preseeds = recipe.preseeds.iter().map(|it| file(ComponentRole::Preseed, it.name.clone()));
    components.extend(preseeds);
    Manifest {
        schema: 1,
        version: TargetVersion::new(1, 0, 0),
        architecture: "amd64".to_owned(),
        components,
        images: vec!["rootfs.squashfs".to_owned()],
        kernels,
        entries: recipe.menu.entries,
        default_entry: recipe.menu.default,
        // A machine that has to share its processor must not miss the three seconds of the example.
        timeout_ms: 60_000,
        lock: Some(Digest::of("lock")),
    }
}

/// What iPXE must ask for first where an entry was picked.
fn first_address(manifest: &Manifest, digest: &Digest, entry: &BootEntry) -> String {
    let number = |alias: &str| {
        manifest.components.iter().position(|component| component.name == alias).unwrap()
    };
    match entry {
        BootEntry::Linux { kernel, .. } => format!("/artifacts/{digest}/{kernel}"),
        BootEntry::Xen { hypervisor, .. } => {
            format!("/s/{}/{}", &digest.to_string()[..16], number(hypervisor))
        }
        BootEntry::Installer { kernel, .. } => kernel.clone(),
        BootEntry::Chain { script, .. } => script.clone(),
    }
}

/// The lines of the screen, as a robot's terminal of 80 columns and 24 lines shows them.
fn screen(console: &Console) -> Vec<String> {
    let size = |size: u16| NonZero::new(size).unwrap();
    let mut terminal = vt100::Parser::new(size(24), size(80), 0);
    terminal.process(console.log());
    terminal.screen().rows(0, 80).collect()
}

/// As often as this the robot presses Down: the lines from the first that holds `ipxe shell` to the
/// first that holds the text, read between header and footer.
fn downs(screen: &[String], text: &str) -> usize {
    let line = |from: usize, words: &str| {
        from + screen[from..]
            .iter()
            .position(|line| line.contains(words))
            .unwrap_or_else(|| panic!("{words:?} is not on the screen:\n{}", screen.join("\n")))
    };
    let header = line(0, "iPXE boot menu");
    let footer = line(header + 1, "iPXE boot menu end");
    let (shell, entry) = (line(header + 1, "ipxe shell"), line(header + 1, text));
    assert!(shell < entry && entry < footer, "{text:?}:\n{}", screen.join("\n"));
    entry - shell
}

struct Bench {
    spawner: Spawner,
    clock: Arc<dyn Clock>,
    config: GuestConfig,
    socket: PathBuf,
}

impl Bench {
    /// A machine that is switched on.
    fn machine(&self) -> (Running, Console) {
        let mut guest =
            guest::start(&self.spawner, &self.config, &self.socket, MENU_PATH, Reboots::End)
                .unwrap();
        let (input, output) = (guest.child.stdin.take(), guest.child.stdout.take());
        let console = Console::new(input.unwrap(), output.unwrap(), self.clock.clone(), &[]);
        (guest, console)
    }
}

fn wait(console: &mut Console, text: &str) {
    let found = console.expect_broken(text, Instant::now() + LIMIT, &|| false);
    assert!(found.is_ok(), "{text:?} did not come: {found:?}\n{}", screen(console).join("\n"));
}

fn listener(folder: &Path, manifest: &Manifest, clock: Arc<dyn Clock>) -> BootListener {
    let digest = manifest.digest().unwrap();
    let served = Served { name: "v1.0.0".to_owned(), digest, manifest: manifest.clone() };
    let mut snapshot = Snapshot::default();
    snapshot.add(Arc::new(served), "v1.0.0");
    let catalogue = SharedCatalogue::default();
    catalogue.swap(snapshot);
    let blobs = BlobStore::open(&folder.join("blobs")).unwrap();
    BootListener::new(catalogue, blobs, clock).observed_by(Arc::new(Observations::default()))
}

/// Serves a release to one guest, at a socket in the folder.
pub(crate) fn serve(
    folder: &Path,
    manifest: &Manifest,
    clock: Arc<dyn Clock>,
) -> (Runtime, PathBuf) {
    let runtime = Runtime::new().unwrap();
    let socket = folder.join("run.sock");
    let (path, served) = (socket.clone(), listener(folder, manifest, clock));
    runtime.spawn(async move { netboot::serve_guest(&path, served, std::future::pending()).await });
    (runtime, socket)
}

/// One that comes as far as a menu.
pub(crate) fn small_guest(spawner: &Spawner, clock: &Arc<dyn Clock>) -> GuestConfig {
    GuestConfig {
        accelerator: probe_accelerator(spawner, clock),
        board: Board::Plain,
        memory_mib: 256,
        program: relay_program(),
    }
}

#[test]
fn a_robot_picks_every_line_of_the_menu_of_pxe_server() {
    let folder = tempfile::tempdir().unwrap();
    let manifest = example();
    let digest = manifest.digest().unwrap();
    let clock: Arc<dyn Clock> = Arc::new(SinceStart(Instant::now()));
    let spawner = Spawner::start().unwrap();
    let (runtime, socket) = serve(folder.path(), &manifest, clock.clone());
    let config = small_guest(&spawner, &clock);
    let bench = Bench { spawner, clock, config, socket };

    assert_eq!(manifest.entries.len(), 12);
    let (mut machine, mut console) = bench.machine();
    for (index, entry) in manifest.entries.iter().enumerate() {
        wait(&mut console, FOOTER);
        let downs = downs(&screen(&console), &as_shown(entry.text()));
        assert_eq!(downs, index + 1, "{}", entry.text());
        let below = manifest.entries[..downs].iter().map(BootEntry::text);
        press_down(&mut console, below, &|| false).unwrap();
        console.send("\r");
        wait(&mut console, &first_address(&manifest, &digest, entry));
        println!("{}: {downs} down", entry.text());
        if entry.kind().boots_rootfs() {
            // We refuse the file, and the menu comes back.
            wait(&mut console, "press any key for the menu");
            console.send(" ");
        } else {
            // It would look for a name that does not exist, for long.
            machine.kill();
            (machine, console) = bench.machine();
        }
    }
    machine.kill();
    runtime.shutdown_background();
}
