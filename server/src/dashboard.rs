//! The dashboard's router: every route on one screen, then the layers, each with its why.

use std::{num::NonZeroUsize, pin::Pin, sync::Arc};

use app::{
    AssetNames, api::machines::booting::BootServices, pages::reference::ApiDocument, viewer::Origin,
};
use axum::{
    Router,
    extract::{DefaultBodyLimit, FromRef, Request},
    http::{HeaderName, HeaderValue, Method, StatusCode, header, request::Parts},
    middleware::{self, Next},
    response::Response,
    routing::{MethodRouter, get, post},
};
use domain::actor::Actor;
use leptos::{
    config::LeptosOptions,
    context::{provide_context, use_context},
    nonce::use_nonce,
    prelude::AnyView,
};
use leptos_axum::{LeptosRoutes as _, ResponseOptions, generate_route_list};
use netboot::FirstStageBinaries;
use services::Services;
use tokio::sync::watch;
use tower::{ServiceBuilder, limit::GlobalConcurrencyLimitLayer};
use tower_http::{
    catch_panic::CatchPanicLayer,
    limit::RequestBodyLimitLayer,
    request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer},
    set_header::SetResponseHeaderLayer,
    trace::TraceLayer,
};
use tower_sessions::{Expiry, SessionManagerLayer, cookie::SameSite};

use crate::{
    api, assets, auth,
    badges::{self, PublicBadges},
    config::ServeArgs,
    downloads, feed,
    form_answers::{self, Seal},
    guests, health, imports, kernels, live,
    live::Ending,
    machines, notes,
    origin::{self, Origins, Reached},
    plans, recipes, refusal, reports, results,
    session_store::StoredSessions,
    timing, variants,
};

/// The largest form that is read, in bytes: a recipe text and its message.
const FORM_LIMIT: usize = 1024 * 1024;

/// Renders a page with something besides in its context.
type RenderWith =
    Arc<dyn Fn(Provide, Request) -> Pin<Box<dyn Future<Output = Response> + Send>> + Send + Sync>;
/// Puts something into the context of a page.
type Provide = Arc<dyn Fn() + Send + Sync>;

/// What handlers and pages share.
#[derive(Clone, FromRef)]
pub struct AppState {
    leptos_options: LeptosOptions,
    /// The use cases.
    pub services: Services,
    sessions: StoredSessions,
    ending: Ending,
    pub(crate) badges: PublicBadges,
    render: RenderWith,
}

impl AppState {
    /// The page at the address to which a form was sent, with what somebody typed into it and the
    /// status that says why it was not taken.
    pub async fn page_with<T: Clone + Send + Sync + 'static>(
        &self,
        status: StatusCode,
        draft: T,
        page: Request,
    ) -> Response {
        let provide = Arc::new(move || provide_context(draft.clone()));
        let mut response = (self.render)(provide, page).await;
        // The page may be none: somebody has removed what it was about.
        if response.status().is_success() {
            *response.status_mut() = status;
        }
        response
    }
}

/// Who may use a route at all. What they may do there is decided by the service they call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// Anybody, signed in or not.
    Anyone,
    /// People who have signed in.
    SignedIn,
    /// The same, and programs that bring a token: the handler asks who it is (`readers`).
    Reader,
}

/// One route of the dashboard besides its pages and their server functions.
pub struct Route {
    /// `GET` or `POST`.
    pub method: Method,
    /// The path, with its parameters in braces.
    pub path: &'static str,
    /// Who may use it.
    pub who: Who,
    /// Whether it takes files, and limits by itself what it reads.
    pub files: bool,
    handler: MethodRouter<AppState>,
}

/// The routes besides the pages. axum cannot list its routes, so this table is what the router is
/// made of and what the tests visit.
#[must_use]
pub fn routes() -> Vec<Route> {
    use Who::{Anyone, Reader, SignedIn};
    let row = |method, path, who, handler| Route { method, path, who, files: false, handler };
    let upload =
        |path, handler| Route { files: true, ..row(Method::POST, path, SignedIn, handler) };
    vec![
        row(Method::GET, "/healthz", Anyone, get(health::alive)),
        row(Method::GET, "/readyz", Anyone, get(health::ready)),
        row(Method::GET, "/pkg/{name}", Anyone, get(assets::serve)),
        row(Method::GET, "/favicon.svg", Anyone, get(assets::favicon)),
        row(Method::GET, "/feed.atom", Reader, get(feed::atom)),
        row(Method::GET, "/badges/releases/{name}/tests.svg", Reader, get(badges::tests)),
        row(Method::GET, "/badges/environments/{name}", Reader, get(badges::environment)),
        row(Method::POST, "/session/login", Anyone, post(auth::sign_in)),
        row(Method::POST, "/session/logout", Anyone, post(auth::sign_out)),
        row(Method::POST, "/session/welcome", Anyone, post(auth::welcome)),
        row(Method::POST, "/session/password", Anyone, post(auth::set_password)),
        row(Method::POST, "/session/theme", Anyone, post(auth::theme)),
        row(Method::POST, "/recipes/new", SignedIn, post(recipes::create)),
        row(Method::POST, "/recipes/{name}", SignedIn, post(recipes::revise)),
        row(Method::POST, "/releases/{version}/notes", SignedIn, post(notes::save)),
        upload("/kernels/new", post(kernels::create)),
        upload("/kernels/{name}/edit", post(kernels::change)),
        row(
            Method::GET,
            "/kernels/{name}/builds/{number}/files/{file}",
            SignedIn,
            get(downloads::kernel_file),
        ),
        upload("/releases/import", post(imports::import)),
        upload("/variants/new", post(variants::create)),
        upload("/variants/{name}/edit", post(variants::change)),
        upload("/variant-form", post(variants::in_step)),
        row(
            Method::POST,
            "/variants/{name}/recipe-change",
            SignedIn,
            post(variants::recipe_change::save),
        ),
        row(Method::POST, "/recipe-form", SignedIn, post(recipes::in_step)),
        row(Method::POST, "/machines/new", SignedIn, post(machines::register)),
        upload("/machines/import", post(machines::table::import)),
        row(Method::GET, "/machines/export", SignedIn, get(machines::table::export)),
        row(Method::POST, "/machines/rules", SignedIn, post(machines::change_rules)),
        row(Method::POST, "/machines/{name}", SignedIn, post(machines::change)),
        row(Method::GET, "/events", SignedIn, get(live::changes)),
        row(Method::GET, "/jobs/{id}/log/stream", SignedIn, get(live::job_log)),
        row(Method::GET, "/jobs/{id}/log", SignedIn, get(downloads::job_log)),
        row(Method::GET, "/guests/{id}/socket", SignedIn, get(guests::socket)),
        row(Method::GET, "/guests/{id}/console", SignedIn, get(guests::console)),
        upload("/plans/new", post(plans::create_plan)),
        upload("/plans/{name}", post(plans::change_plan)),
        upload("/suites/new", post(plans::create_suite)),
        upload("/suites/{name}", post(plans::change_suite)),
        upload("/tests/import", post(results::bring)),
        upload("/tests/record", post(results::record)),
        row(Method::GET, "/releases/{version}/report.md", SignedIn, get(reports::markdown)),
        row(Method::GET, "/tests/history.csv", SignedIn, get(results::history_table)),
        row(Method::GET, "/runs/{id}/console", SignedIn, get(downloads::console)),
        row(Method::GET, "/runs/{id}/export", SignedIn, get(downloads::run_export)),
        row(Method::GET, "/runs/{id}/artefacts/{name}", SignedIn, get(downloads::artefact)),
        row(
            Method::GET,
            "/releases/{version}/files/{name}",
            SignedIn,
            get(downloads::release_file),
        ),
    ]
}

/// Pages that whoever has not signed in may see.
const OPEN_PAGES: [&str; 3] = ["/login", "/welcome/", "/password/"];

/// Whether a path is for anybody, or asks by itself who it is. Whatever is not named here demands that people sign in first,
/// unknown paths and server functions too.
fn open_to_anyone(path: &str) -> bool {
    let open_route = |route: &Route| {
        let fixed = route.path.split('{').next().unwrap_or_default();
        let parameter = route.path.contains('{');
        route.who != Who::SignedIn
            && if parameter { path.starts_with(fixed) } else { path == fixed }
    };
    OPEN_PAGES.iter().any(|open| path.starts_with(open)) || routes().iter().any(open_route)
}

/// The dashboard and the API. `options` name the services that are on, not those whose ports were taken. Their streams end when `stopping` says so.
///
/// # Panics
/// At start-up, where the system gives no random bytes.
#[expect(clippy::expect_used, reason = "a server without random bytes or its API must not start")]
pub fn router(
    services: &Services,
    options: &ServeArgs,
    stopping: &watch::Receiver<bool>,
) -> Router {
    let document = serde_json::to_value(api::document()).expect("the document of the API is JSON");
    let assets = assets::names();
    let document = ApiDocument(Arc::new(document));
    let context = page_context(services.clone(), document, assets.clone(), boot_services(options));
    let shell = move || app::shell(&assets);
    let state = AppState {
        leptos_options: LeptosOptions::builder().output_name("frontend").build(),
        services: services.clone(),
        sessions: StoredSessions::new(services.clone()),
        ending: Ending(stopping.clone()),
        badges: PublicBadges(options.public_badges),
        render: render_with(context.clone(), shell.clone()),
    };
    let seal = Seal::new().expect("the system gives random bytes");
    let origins = Origins::new(&options.host, &options.trusted_proxy);
    let sessions = SessionManagerLayer::new(state.sessions.clone())
        .with_name("bootwright")
        .with_same_site(SameSite::Lax)
        // `auth::secure_cookies` adds the mark where the browser speaks TLS.
        .with_secure(false)
        .with_expiry(Expiry::OnInactivity(time::Duration::days(7)));

    let api = api::router(&state, &origins);
    let (uploads, rows): (Vec<Route>, Vec<Route>) = routes().into_iter().partition(|it| it.files);
    let routed = |rows: Vec<Route>| {
        let add = |router: Router<AppState>, row: Route| router.route(row.path, row.handler);
        rows.into_iter().fold(Router::new(), add)
    };
    let pages = Router::new()
        .leptos_routes_with_context(
            &state,
            generate_route_list(app::App),
            context.clone(),
            shell.clone(),
        )
        .layer(GlobalConcurrencyLimitLayer::new(pages_at_once()));
    let limited = routed(rows)
        .merge(pages)
        .fallback(leptos_axum::render_app_async_with_context(context, shell))
        // Two limits: handlers that read forms know the first, server functions the second only.
        .layer((DefaultBodyLimit::max(FORM_LIMIT), RequestBodyLimitLayer::new(FORM_LIMIT)));
    let all = limited.merge(routed(uploads).layer(DefaultBodyLimit::disable()));
    all.layer(
        // From the outermost to the innermost.
        ServiceBuilder::new()
            .layer(CatchPanicLayer::custom(panicked))
            .layer(middleware::from_fn(refusal::worded))
            .layer(middleware::from_fn_with_state(origins, origin::guard))
            .layer(middleware::from_fn(auth::secure_cookies))
            .layer(sessions)
            .layer(middleware::from_fn_with_state(services.clone(), auth::identify))
            .layer(middleware::from_fn(require_sign_in))
            .layer(middleware::from_fn_with_state(seal, form_answers::answer)),
    )
    .with_state(state)
    .merge(api)
    .layer(
        ServiceBuilder::new()
            .layer(middleware::from_fn(timing::told))
            .layer(SetRequestIdLayer::x_request_id(MakeRequestUuid))
            .layer(TraceLayer::new_for_http().make_span_with(span))
            .layer(PropagateRequestIdLayer::x_request_id())
            .layer(header(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
            .layer(header(header::REFERRER_POLICY, "same-origin"))
            .layer(header(header::X_FRAME_OPTIONS, "DENY"))
            // Pages bring a policy of their own; whatever else is sent may do nothing at all.
            .layer(header(
                header::CONTENT_SECURITY_POLICY,
                "default-src 'none'; form-action 'self'",
            ))
            // What a person saw must not stand in a shared cache; assets say otherwise themselves.
            .layer(header(header::CACHE_CONTROL, "no-store")),
    )
}

/// How many pages are made at a time; others wait for their turn. To make more of them at once makes none
/// sooner, and a page that asks the database many things would wait for all others at each.
fn pages_at_once() -> usize {
    2 * std::thread::available_parallelism().map_or(1, NonZeroUsize::get)
}

fn render_with(
    context: impl Fn() + Clone + Send + Sync + 'static,
    shell: impl Fn() -> AnyView + Clone + Send + Sync + 'static,
) -> RenderWith {
    Arc::new(move |provide: Provide, request| {
        let context = context.clone();
        let with_draft = move || {
            context();
            provide();
        };
        leptos_axum::render_app_async_with_context(with_draft, shell.clone())(request)
    })
}

fn header(name: HeaderName, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
}

async fn require_sign_in(request: Request, next: Next) -> Response {
    if open_to_anyone(request.uri().path()) {
        return next.run(request).await;
    }
    auth::require_sign_in(request, next).await
}

/// A request's log lines carry its id; bodies, queries and cookies are never logged.
fn span<B>(request: &Request<B>) -> tracing::Span {
    let id = request.headers().get("x-request-id").and_then(|id| id.to_str().ok());
    tracing::info_span!(
        "request",
        method = %request.method(),
        path = request.uri().path(),
        id = id.unwrap_or_default(),
    )
}

fn panicked(_: Box<dyn std::any::Any + Send>) -> Response {
    refusal::page(
        StatusCode::INTERNAL_SERVER_ERROR,
        "This page failed on our side. Go back and try again; the log of the server says why.",
    )
}

/// What machines may begin with besides the boot listener, as the options say.
fn boot_services(options: &ServeArgs) -> BootServices {
    let binaries = FirstStageBinaries::load(&options.ipxe_dir).unwrap_or_default();
    BootServices {
        tftp: options.tftp_listen,
        proxy_dhcp: options.proxy_dhcp.clone(),
        nfs: options.nfs_listen.0,
        binaries: binaries.names().map(str::to_owned).collect(),
        skips: options.skip_taken_ports,
    }
}

/// What pages and server functions find in their context, and the policy that lets the page run
/// its own script only.
fn page_context(
    services: Services,
    document: ApiDocument,
    assets: AssetNames,
    booting: BootServices,
) -> impl Fn() + Clone + Send + Sync + 'static {
    move || {
        provide_context(services.clone());
        provide_context(document.clone());
        provide_context(assets.clone());
        provide_context(booting.clone());
        let actor = use_context::<Parts>()
            .and_then(|parts| parts.extensions.get::<Actor>().cloned())
            .unwrap_or_else(Actor::anonymous);
        provide_context(actor);
        let reached = use_context::<Parts>().and_then(|it| it.extensions.get::<Reached>().cloned());
        provide_context(Origin(reached.map(|it| it.origin()).unwrap_or_default()));
        if let (Some(nonce), Some(response)) = (use_nonce(), use_context::<ResponseOptions>()) {
            let policy = format!(
                "default-src 'none'; script-src 'nonce-{nonce}' 'strict-dynamic' 'wasm-unsafe-eval'; \
                 style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; \
                 base-uri 'none'; frame-ancestors 'none'"
            );
            if let Ok(value) = HeaderValue::from_str(&policy) {
                response.insert_header(header::CONTENT_SECURITY_POLICY, value);
            }
        }
    }
}
