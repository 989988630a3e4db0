//! `bootwright serve`: two listeners, the workers, and a clean end.

use std::{
    fs, io,
    io::Write as _,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use axum::Router;
use domain::guest::GuestLimits;
use netboot::{BIOS_BINARY, FirstStageBinaries, FirstStageError};
use nix::unistd::{AccessFlags, access};
use services::{Services, ServicesOptions};
use tokio::{
    net::{TcpListener, UdpSocket},
    sync::watch,
};
use tokio_util::task::TaskTracker;

use crate::{
    config::{NfsListen, ServeArgs},
    dashboard,
    nfs_server::nfs_server,
    sockets::Sockets,
};

/// How long requests in flight may take to end after the server was asked to.
const GRACE: Duration = Duration::from_secs(10);
/// How many variants are built at once.
const VARIANT_WORKERS: u16 = 2;

/// Serves until the process is asked to end (SIGTERM, SIGINT). `program` is this very program,
/// opened before the change of user, and so were the `sockets`.
///
/// # Errors
/// Where a socket or the store cannot be opened.
pub async fn serve(
    options: ServeArgs,
    program: Option<fs::File>,
    sockets: Sockets,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    for skipped in &sockets.skipped {
        tracing::warn!("{skipped}");
    }
    let first_stage = first_stage(&options, &sockets)?;
    let people = TcpListener::from_std(sockets.dashboard)?;
    let machines = TcpListener::from_std(sockets.boot)?;
    let tftp = sockets.tftp.map(UdpSocket::from_std).transpose()?;
    let tftp_address = tftp.as_ref().map(UdpSocket::local_addr).transpose()?;
    let (people_address, boot_address) = (people.local_addr()?, machines.local_addr()?);

    let services = Services::open(ServicesOptions {
        data_dir: options.data.data_dir.clone(),
        database_url: options.data.database_url.clone(),
        cache_dir: options.cache_dir.clone(),
        mirror: options.mirror.clone(),
        source_root: options.source_root.clone(),
        suites_python: options.suites_python.clone(),
        source_networks: options.source_network.clone(),
        kernel_jobs: options.kernel_jobs.map(usize::from),
        boot_limit: Duration::from_secs(options.boot_limit),
        guests: GuestLimits {
            at_once: options.guests,
            per_person: options.guests_per_person,
            life: Duration::from_secs(options.guest_life * 60),
        },
        boot_address,
        program: reachable_program(program, &options.data.data_dir)?,
    })
    .await?;
    if let Err(error) = services.check_builder().await {
        tracing::error!("builds will fail: {error}");
    }

    let (stop, stopping) = watch::channel(false);
    let tasks = TaskTracker::new();
    for number in 1..=options.workers {
        let (services, stopping) = (services.clone(), stopping.clone());
        tasks.spawn(async move { services.work(number, stopping).await });
    }
    if options.workers > 0 {
        let (services, stopping) = (services.clone(), stopping.clone());
        tasks.spawn(async move { services.work_on_kernels(stopping).await });
    }
    for number in 1..=VARIANT_WORKERS {
        let (services, stopping) = (services.clone(), stopping.clone());
        tasks.spawn(async move { services.work_on_variants(number, stopping).await });
    }
    let left = services.clone();
    tasks.spawn(async move { left.read_left_results().await });
    tasks.spawn(services.clone().keep_house(stopping.clone()));
    tasks.spawn(services.clone().keep_guests(stopping.clone()));
    tasks.spawn(services.clone().keep_machines(stopping.clone()));
    tasks.spawn(services.clone().keep_boots(stopping.clone()));
    let nfs = sockets.nfs.map(TcpListener::from_std).transpose()?;
    let nfs_address = nfs.as_ref().map(TcpListener::local_addr).transpose()?;
    let listener = services
        .boot_listener()
        .with_first_stage(first_stage.clone())
        .with_nfs(nfs_address.map(|it| it.port()));
    if let Some(nfs) = nfs {
        let server = nfs_server(&listener, &options.data.data_dir, options.nfs_quota)?;
        let served = server.serve(nfs, stopped(stopping.clone()));
        tasks.spawn(async move { ended("NFS", served.await) });
    }
    tasks.spawn(netboot::serve(machines, listener, stopped(stopping.clone())));
    if let Some(tftp) = tftp {
        let files = first_stage.over_tftp(boot_address.port());
        let served = netboot::serve_tftp(tftp, files, stopped(stopping.clone()));
        tasks.spawn(async move { ended("TFTP", served.await) });
    }
    let interfaces = sockets.proxy_dhcp.iter().map(|it| it.name().to_owned()).collect();
    for interface in sockets.proxy_dhcp {
        let stop = stopped(stopping.clone());
        let served = netboot::serve_proxy_dhcp(interface, boot_address.port(), stop);
        tasks.spawn(async move { ended("proxyDHCP", served.await) });
    }
    // Pages tell what is on, which may be less than what was asked for.
    let options = ServeArgs {
        tftp_listen: tftp_address,
        nfs_listen: NfsListen(nfs_address),
        proxy_dhcp: interfaces,
        ..options
    };
    let link = services.first_administrator_link().await?;
    tasks.spawn(serve_people(people, dashboard::router(&services, &options, &stopping), stopping));
    tasks.close();

    announce(people_address, boot_address, (tftp_address, nfs_address), link.as_deref())?;
    wait_for_signal().await?;
    tracing::info!("asked to end");
    stop.send_replace(true);
    if tokio::time::timeout(GRACE, tasks.wait()).await.is_err() {
        tracing::warn!("some connections were still open and are cut off");
    }
    Ok(())
}

/// iPXE's binaries: they must be there where firmware is told to fetch them.
fn first_stage(
    options: &ServeArgs,
    sockets: &Sockets,
) -> Result<FirstStageBinaries, FirstStageError> {
    match FirstStageBinaries::load(&options.ipxe_dir) {
        Err(FirstStageError::NoBinary(_)) if sockets.tftp.is_none() => {
            Ok(FirstStageBinaries::default())
        }
        loaded => loaded,
    }
}

/// This program as a path that the server's user can execute: QEMU starts its command `relay`. In
/// a clone below root's home it cannot be reached where it is, so it is copied.
fn reachable_program(program: Option<fs::File>, data_dir: &Path) -> io::Result<PathBuf> {
    let own = std::env::current_exe()?;
    if access(&own, AccessFlags::X_OK).is_ok() {
        return Ok(own);
    }
    let mut program = program.ok_or_else(|| io::Error::other("this program cannot be read"))?;
    let (copy, part) = (data_dir.join("relay"), data_dir.join("relay.part"));
    io::copy(&mut program, &mut fs::File::create(&part)?)?;
    fs::set_permissions(&part, fs::Permissions::from_mode(0o755))?;
    fs::rename(&part, &copy)?;
    Ok(copy)
}

async fn serve_people(listener: TcpListener, router: Router, stopping: watch::Receiver<bool>) {
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let served = axum::serve(listener, service).with_graceful_shutdown(stopped(stopping));
    if let Err(error) = served.await {
        tracing::error!(%error, "the dashboard ended");
    }
}

/// Tells of a service that ended before it was asked to.
fn ended(what: &str, how: io::Result<()>) {
    if let Err(error) = how {
        tracing::error!(%error, "{what} ended");
    }
}

async fn stopped(mut stopping: watch::Receiver<bool>) {
    // An error means that the sender is gone, and so is the server.
    let _ = stopping.wait_for(|stop| *stop).await;
}

/// An address that a browser on this host can open.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

/// Tells on standard output where to go; scripts read these lines. They are written at once, since a script
/// may read no further than it needs to.
fn announce(
    people: SocketAddr,
    boot: SocketAddr,
    (tftp, nfs): (Option<SocketAddr>, Option<SocketAddr>),
    link: Option<&str>,
) -> io::Result<()> {
    let mut lines = vec![
        format!("Dashboard:     http://{}", reachable(people)),
        format!("Boot listener: http://{}/menu.ipxe", reachable(boot)),
    ];
    if let Some(tftp) = tftp {
        lines.push(format!("TFTP:          tftp://{}/{BIOS_BINARY}", reachable(tftp)));
    }
    if let Some(nfs) = nfs {
        let (address, port) = (reachable(nfs), nfs.port());
        let options = format!("vers=3,tcp,port={port},mountport={port},nolock");
        lines.push(format!("NFS:           {address} ({options})"));
    }
    if let Some(token) = link {
        let address = format!("http://{}/welcome/{token}", reachable(people));
        lines.push(
            "Nobody can sign in yet. Within 30 minutes the first administrator may, once, at"
                .to_owned(),
        );
        lines.push(format!("First sign-in: {address}"));
    }
    let mut output = io::stdout().lock();
    output.write_all((lines.join("\n") + "\n").as_bytes())?;
    output.flush()
}

async fn wait_for_signal() -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}
