//! The boot listener: its routes on one screen, and how it serves machines and guests.

mod machine;

use std::{collections::HashSet, io, net::Ipv4Addr, path::Path, sync::Arc};

use axum::{
    Router,
    body::Body,
    extract::{Path as Segments, State},
    http::{HeaderValue, Method, StatusCode, header, request::Parts},
    response::{IntoResponse as _, Response},
    routing::{MethodRouter, get, post},
};
use blobs::BlobStore;
use bytes::Bytes;
use domain::{
    digest::Digest,
    time::{Clock, Timestamp},
    transfer::TransferKind,
};
use nfs::{HandleKey, ServerOptions};
use tokio::net::{TcpListener, UnixListener};

use crate::{
    artifact::{self, Files},
    boots::Boots,
    catalogue::{EnvironmentServed, Served, SharedCatalogue, Snapshot},
    connections::{self, Limits, Peer},
    exports::{PrivateOptions, RootExports, Trees},
    first_stage::FirstStageBinaries,
    machines::SharedMachines,
    observe::{CountedBody, Observer, Watch},
    report,
    script::{Base, chain_script, environment_script, menu_script, refusal_script},
    short,
    sightings::Sightings,
    traces::Traces,
};

/// What the handlers share; cheap to clone.
#[derive(Clone)]
pub struct BootListener {
    catalogue: SharedCatalogue,
    files: Files,
    watch: Watch,
    boots: Boots,
    first_stage: FirstStageBinaries,
    nfs_port: Option<u16>,
    trees: Arc<Trees>,
    machines: SharedMachines,
    sightings: Arc<Sightings>,
    traces: Option<Traces>,
}

/// What stands in the place of a script: the status, and the reason for a console.
type Refused = (StatusCode, String);

/// A route of the boot listener.
pub struct Route {
    /// The path, with its parameters in braces.
    pub path: &'static str,
    /// Whether it answers GET and HEAD and nothing else; the other one answers POST alone.
    pub read_only: bool,
    handler: MethodRouter<BootListener>,
}

/// The routes. The router is made of this table, and tests visit it.
#[must_use]
pub fn routes() -> Vec<Route> {
    let row = |path, handler| Route { path, read_only: true, handler };
    vec![
        row("/menu.ipxe", get(default_menu)),
        row("/env/{name}/menu.ipxe", get(environment_menu)),
        row("/env/{name}/kernels/{file}", get(environment_kernel)),
        row("/release/{name}/menu.ipxe", get(release_menu)),
        row("/variant/{name}/menu.ipxe", get(variant_menu)),
        row("/variant/{name}/kernels/{file}", get(variant_kernel)),
        row("/boot.ipxe", get(boot)),
        row("/ipxe", get(machine::menu)),
        row("/v1/boot/{mac}", get(machine::pixiecore)),
        row("/first-stage/{name}", get(first_stage)),
        row("/kernels/{name}", get(kernel)),
        row("/artifacts/{digest}/{name}", get(artifact)),
        row("/s/{digits}/{name}", get(short_artifact)),
        Route { path: "/report", read_only: false, handler: post(report::take) },
    ]
}

impl BootListener {
    /// A listener on what `catalogue` says, with the files of `blobs`.
    #[must_use]
    pub fn new(catalogue: SharedCatalogue, blobs: BlobStore, clock: Arc<dyn Clock>) -> Self {
        let boots = Boots::new(clock.clone());
        let files = Files::new(blobs);
        let trees = Trees::new(catalogue.clone(), files.clone(), boots.clone(), clock.clone());
        let watch = Watch { observer: None, clock, sending: None, traced: None };
        let trees = Arc::new(trees);
        Self {
            catalogue,
            files,
            watch,
            boots,
            first_stage: FirstStageBinaries::default(),
            nfs_port: None,
            trees,
            machines: SharedMachines::default(),
            sightings: Arc::default(),
            traces: None,
        }
    }

    /// The same listener with binaries of iPXE, for firmware that boots over HTTP.
    #[must_use]
    pub fn with_first_stage(self, first_stage: FirstStageBinaries) -> Self {
        Self { first_stage, ..self }
    }

    /// The same listener beside an NFS server at a port of the same addresses.
    #[must_use]
    pub fn with_nfs(self, nfs_port: Option<u16>) -> Self {
        Self { nfs_port, ..self }
    }

    /// What NFS exports of the same catalogue.
    #[must_use]
    pub fn exports(&self, private: PrivateOptions) -> RootExports {
        RootExports::new(self.trees.clone(), private)
    }

    /// An NFS server of the same catalogue, whose file handles are known by `key`.
    ///
    /// # Errors
    /// Where the system has no random bytes.
    pub fn nfs_server(
        &self,
        key: [u8; 32],
        private: PrivateOptions,
    ) -> io::Result<Arc<nfs::Server>> {
        let exports = Arc::new(self.exports(private));
        let (key, limits) = (HandleKey::new(key), nfs::Limits::default());
        let options = ServerOptions { key, exports, observer: None, limits };
        nfs::Server::new(options).map(Arc::new)
    }

    /// The machines that it knows.
    #[must_use]
    pub const fn machines(&self) -> &SharedMachines {
        &self.machines
    }

    /// The same listener, which watches the boots of machines and takes their reports.
    #[must_use]
    pub fn with_traces(self, traces: Traces) -> Self {
        Self { traces: Some(traces), ..self }
    }

    /// The boots that it watches; none where it serves a guest, whose run watches it.
    #[must_use]
    pub fn traces(&self) -> Option<&Traces> {
        self.traces.as_ref()
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.watch.clock.now()
    }

    /// The watch on what is sent to whoever asks.
    fn watch_of(&self, request: &Parts) -> Watch {
        let address = request.extensions.get::<Peer>().and_then(|peer| peer.0);
        self.watch.traced(self.traces.as_ref(), address)
    }

    /// The machines that asked it for something.
    #[must_use]
    pub fn sightings(&self) -> &Sightings {
        &self.sightings
    }

    /// The releases, by the digests of their manifests, of which machines get something now, or got
    /// something after `since`: their boots may not have come to an end. Those that this program has
    /// served since it began.
    #[must_use]
    pub fn booting(&self, since: Timestamp) -> HashSet<Digest> {
        self.boots.since(since)
    }

    /// The same listener for one guest whose transfers `observer` is told of.
    #[must_use]
    pub fn observed_by(&self, observer: Arc<dyn Observer>) -> Self {
        let watch = Watch { observer: Some(observer), ..self.watch.clone() };
        Self { watch, traces: None, ..self.clone() }
    }

    fn router(self) -> Router {
        routes()
            .into_iter()
            .fold(Router::new(), |router, route| router.route(route.path, route.handler))
            .fallback(nothing_here)
            .method_not_allowed_fallback(read_only)
            .with_state(self)
    }

    /// A script, or a refusal of one. iPXE shows nothing of an answer whose status is an error, so
    /// it gets the refusal's script as one that it runs.
    fn script(&self, request: &Parts, script: Result<Bytes, Refused>) -> Response {
        let runs_it = script.is_err() && runs_scripts(request);
        let mut response = self.answer(request, TransferKind::Script, script);
        if runs_it {
            *response.status_mut() = StatusCode::OK;
        }
        response
    }

    /// A script, or a refusal of anything: what is not loaded as a script keeps its status.
    fn answer(
        &self,
        request: &Parts,
        kind: TransferKind,
        script: Result<Bytes, Refused>,
    ) -> Response {
        let path = request.uri.path();
        let (status, text, refusal) = match script {
            Ok(text) => (StatusCode::OK, text, String::new()),
            Err((status, reason)) => (status, Bytes::from(refusal_script(&reason)), reason),
        };
        let watched = self.watch_of(request).begin(kind, path, status.as_u16(), &refusal);
        let length = text.len();
        let body = if request.method == Method::HEAD {
            Body::empty()
        } else {
            Body::new(CountedBody::new(Body::from(text), length as u64, watched))
        };
        let headers = [
            (header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8")),
            // What an environment serves may change at any moment.
            (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
            (header::CONTENT_LENGTH, HeaderValue::from(length)),
        ];
        (status, headers, body).into_response()
    }

    /// The address by which the machine reached us.
    fn base(&self, request: &Parts) -> Result<Base, Refused> {
        let host = request.headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let base = host.and_then(Base::from_host).map(|base| base.with_nfs(self.nfs_port));
        let nothing = || "the request names no usable host".to_owned();
        base.ok_or_else(|| (StatusCode::BAD_REQUEST, nothing()))
    }

    fn menu(&self, request: &Parts, served: Result<Arc<Served>, Refused>) -> Response {
        let script = served.and_then(|served| {
            let base = self.base(request)?;
            let _sending = self.boots.begin(served.digest);
            menu_script(&served, &base)
                .map(Bytes::from)
                .map_err(|reason| (StatusCode::INTERNAL_SERVER_ERROR, reason))
        });
        self.script(request, script)
    }

    /// What machines boot that name no environment: its release and nothing else, so that no slot
    /// ever reaches them.
    fn default_release(&self) -> Result<Arc<Served>, Refused> {
        let name = self.catalogue.snapshot().default_environment.clone();
        self.environment(&name)?.release.ok_or_else(|| serves_nothing(&name))
    }

    fn variant(&self, name: &str) -> Result<Arc<Served>, Refused> {
        variant_of(&self.catalogue.snapshot(), name, self.watch.clock.now())
    }

    fn environment(&self, name: &str) -> Result<EnvironmentServed, Refused> {
        environment_of(&self.catalogue.snapshot(), name, self.watch.clock.now())
    }
}

fn variant_of(snapshot: &Snapshot, name: &str, now: Timestamp) -> Result<Arc<Served>, Refused> {
    let nothing =
        || (StatusCode::NOT_FOUND, format!("there is no variant {name} that has been built"));
    let (served, until) = snapshot.variant(name).ok_or_else(nothing)?;
    if *until <= now {
        let reason = format!("the days of variant {name} ended {}", until.rfc3339());
        return Err((StatusCode::NOT_FOUND, reason));
    }
    Ok(served.clone())
}

fn environment_of(
    snapshot: &Snapshot,
    name: &str,
    now: Timestamp,
) -> Result<EnvironmentServed, Refused> {
    let unknown = || (StatusCode::NOT_FOUND, format!("there is no environment {name}"));
    snapshot.environment(name, now).ok_or_else(unknown)
}

fn release_of(snapshot: &Snapshot, name: &str) -> Result<Arc<Served>, Refused> {
    let reason = || (StatusCode::NOT_FOUND, format!("there is no candidate or release {name}"));
    snapshot.release(name).cloned().ok_or_else(reason)
}

fn serves_nothing(environment: &str) -> Refused {
    let reason =
        format!("environment {environment} serves no release yet: deploy one on the dashboard");
    (StatusCode::NOT_FOUND, reason)
}

/// Whether a script is asked for by iPXE itself.
fn runs_scripts(request: &Parts) -> bool {
    let agent = request.headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok());
    agent.is_some_and(|agent| agent.starts_with("iPXE/"))
}

async fn default_menu(State(listener): State<BootListener>, request: Parts) -> Response {
    listener.menu(&request, listener.default_release())
}

async fn environment_menu(
    State(listener): State<BootListener>,
    Segments(name): Segments<String>,
    request: Parts,
) -> Response {
    let script = listener.environment(&name).and_then(|environment| {
        let base = listener.base(&request)?;
        if environment.served().next().is_none() {
            return Err(serves_nothing(&name));
        }
        let _sending: Vec<_> =
            environment.served().map(|it| listener.boots.begin(it.digest)).collect();
        environment_script(&environment, &base, None)
            .map(Bytes::from)
            .map_err(|reason| (StatusCode::INTERNAL_SERVER_ERROR, reason))
    });
    listener.script(&request, script)
}

/// A kernel of an environment by alias, what fills a slot of that alias first, or by file name.
async fn environment_kernel(
    State(listener): State<BootListener>,
    Segments((name, file)): Segments<(String, String)>,
    request: Parts,
) -> Response {
    let environment = match listener.environment(&name) {
        Ok(environment) => environment,
        Err(refusal) => return listener.answer(&request, TransferKind::Other, Err(refusal)),
    };
    match environment.kernel(&file) {
        Some((served, file)) => listener.file(&request, served, file).await,
        None => listener.answer(&request, TransferKind::Other, Err(serves_nothing(&name))),
    }
}

async fn release_menu(
    State(listener): State<BootListener>,
    Segments(name): Segments<String>,
    request: Parts,
) -> Response {
    listener.menu(&request, release_of(&listener.catalogue.snapshot(), &name))
}

async fn variant_menu(
    State(listener): State<BootListener>,
    Segments(name): Segments<String>,
    request: Parts,
) -> Response {
    listener.menu(&request, listener.variant(&name))
}

/// A kernel of a variant by alias or file name, beside its menu.
async fn variant_kernel(
    State(listener): State<BootListener>,
    Segments((name, file)): Segments<(String, String)>,
    request: Parts,
) -> Response {
    match listener.variant(&name) {
        Ok(served) => listener.file(&request, &served, served.kernel_file(&file)).await,
        Err(refusal) => listener.answer(&request, TransferKind::Other, Err(refusal)),
    }
}

async fn boot(State(listener): State<BootListener>, request: Parts) -> Response {
    let script = listener.base(&request).map(|base| Bytes::from(chain_script(&base)));
    listener.script(&request, script)
}

/// Kernels of the default environment by alias or file name, as pxe-server had them.
async fn kernel(
    State(listener): State<BootListener>,
    Segments(name): Segments<String>,
    request: Parts,
) -> Response {
    let served = match listener.default_release() {
        Ok(served) => served,
        Err(refusal) => return listener.answer(&request, TransferKind::Other, Err(refusal)),
    };
    listener.file(&request, &served, served.kernel_file(&name)).await
}

/// iPXE for firmware that boots over HTTP, such as UEFI's (UEFI specification 2.10, §24.7).
async fn first_stage(
    State(listener): State<BootListener>,
    Segments(name): Segments<String>,
    request: Parts,
) -> Response {
    let Some(content) = listener.first_stage.binary(&name) else {
        let reason = "there is no binary of iPXE of that name".to_owned();
        return listener.answer(
            &request,
            TransferKind::Other,
            Err((StatusCode::NOT_FOUND, reason)),
        );
    };
    let length = content.len();
    let body = if request.method == Method::HEAD { Body::empty() } else { Body::from(content) };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/efi")),
        (header::CONTENT_LENGTH, HeaderValue::from(length)),
        // Another version of the package may come.
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    ];
    (headers, body).into_response()
}

async fn artifact(
    State(listener): State<BootListener>,
    Segments((digest, name)): Segments<(String, String)>,
    request: Parts,
) -> Response {
    let served = digest
        .parse::<Digest>()
        .ok()
        .and_then(|digest| listener.catalogue.snapshot().by_digest(&digest).cloned());
    match served {
        Some(served) => listener.file(&request, &served, &name).await,
        None => {
            let reason = "no candidate or release has that digest".to_owned();
            listener.answer(&request, TransferKind::Other, Err((StatusCode::NOT_FOUND, reason)))
        }
    }
}

/// The same files under the short names that iPXE has room for, and the list of the images.
async fn short_artifact(
    State(listener): State<BootListener>,
    Segments((digits, name)): Segments<(String, String)>,
    request: Parts,
) -> Response {
    let served = short::digests(&digits)
        .and_then(|range| listener.catalogue.snapshot().between(range).cloned());
    let Some(served) = served else {
        let reason = "no candidate or release has a digest that begins so".to_owned();
        return listener.answer(
            &request,
            TransferKind::Other,
            Err((StatusCode::NOT_FOUND, reason)),
        );
    };
    if name == short::LIST {
        let _sending = listener.boots.begin(served.digest);
        let text = short::list_text(&served);
        let failed = |reason| (StatusCode::INTERNAL_SERVER_ERROR, reason);
        let text = text.map(Bytes::from).map_err(failed);
        return listener.answer(&request, TransferKind::Other, text);
    }
    match short::component(&served, &name) {
        Some(file) => listener.file(&request, &served, file).await,
        None => {
            let reason = format!("release {} has no file of number {name}", served.name);
            listener.answer(&request, TransferKind::Other, Err((StatusCode::NOT_FOUND, reason)))
        }
    }
}

impl BootListener {
    async fn file(&self, request: &Parts, served: &Served, name: &str) -> Response {
        let watch = self.watch_of(request).sending(self.boots.begin(served.digest));
        let (method, path) = (&request.method, request.uri.path());
        let answered =
            artifact::answer(&self.files, &watch, method, &request.headers, path, served, name);
        match answered.await {
            Ok(response) => response,
            Err(refusal) => {
                let kind = served.file(name).map(|(role, ..)| artifact::kind(role));
                self.answer(request, kind.unwrap_or(TransferKind::Other), Err(refusal))
            }
        }
    }
}

async fn nothing_here(State(listener): State<BootListener>, request: Parts) -> Response {
    let reason = "nothing is served at this path: start at /menu.ipxe".to_owned();
    listener.script(&request, Err((StatusCode::NOT_FOUND, reason)))
}

async fn read_only(State(listener): State<BootListener>, request: Parts) -> Response {
    let reason =
        "the boot listener answers GET and HEAD only, and takes reports at /report".to_owned();
    listener.answer(&request, TransferKind::Other, Err((StatusCode::METHOD_NOT_ALLOWED, reason)))
}

/// Serves machines until `stop` ends; boots in flight are let finish.
pub async fn serve(
    socket: TcpListener,
    listener: BootListener,
    stop: impl Future<Output = ()> + Send + 'static,
) {
    connections::serve(socket, listener.router(), Limits::default(), stop).await;
}

/// Serves one guest on a Unix socket of its own until `stop` ends.
///
/// # Errors
/// Where the socket cannot be made.
pub async fn serve_guest(
    path: &Path,
    listener: BootListener,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let socket = UnixListener::bind(path)?;
    connections::serve(socket, listener.router(), Limits::default(), stop).await;
    Ok(())
}

/// Serves NFS to one guest on a Unix socket of its own, at the port that `listener` tells guests; its private
/// root is nobody else's.
///
/// # Errors
/// Where the socket cannot be made or used.
pub async fn serve_guest_nfs(
    path: &Path,
    listener: &BootListener,
    private: PrivateOptions,
) -> io::Result<()> {
    let socket = UnixListener::bind(path)?;
    let mut key = [0; 32];
    getrandom::fill(&mut key)?;
    let server = listener.nfs_server(key, private)?;
    let port = listener.nfs_port.unwrap_or_default();
    match server.serve_guest(socket, Ipv4Addr::LOCALHOST.into(), port).await? {}
}
