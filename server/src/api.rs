//! The REST API under `/api/v1`: JSON over the same use cases as the pages.
//!
//! Every operation is a row of [`operations`]: the router, the `OpenAPI` document and the tests that
//! ask each operation as each role are made of these rows. One file per noun; a handler does three
//! things: who asks, one call of a use case, how the answer looks. Business rules stand in
//! `domain` and `services` only.

pub mod approvals;
pub mod assessments;
pub mod audit;
mod bearer;
pub mod boots;
pub mod deployments;
mod document;
pub mod environments;
pub mod exchange;
pub mod guests;
pub mod history;
pub mod imports;
pub mod jobs;
pub mod kernels;
mod keyed;
pub mod machines;
pub mod notes;
pub mod people;
pub mod plans;
pub mod problem;
pub mod recipes;
pub mod releases;
pub mod reports;
pub mod results;
pub mod room;
pub mod runs;
pub mod suites;
pub mod tokens;
pub mod uploads;
pub mod validations;
pub mod variants;

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request, State},
    http::{Method, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::MethodRouter,
};
use domain::policy::Action;
use tower::ServiceBuilder;
use tower_http::{catch_panic::CatchPanicLayer, limit::RequestBodyLimitLayer};
use utoipa::openapi::{RefOr, Schema, path};
use utoipa_axum::{router::UtoipaMethodRouter, routes};

pub use document::document;

use self::problem::Problem;
use crate::{dashboard::AppState, origin::Origins, refusal};

/// Where the API begins.
pub const PREFIX: &str = "/api/v1";
/// The longest body that is read whole, in bytes: a recipe's text and its message.
const BODY_LIMIT: usize = 1024 * 1024;

/// Who may use an operation. What they may do with it is decided by the use case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anybody, without a token.
    Anyone,
    /// Whoever has a token, whatever its scope.
    Token,
    /// Whoever may do this.
    May(Action),
}

/// How the body of a request is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reading {
    /// Whole, up to [`BODY_LIMIT`], before anything is done.
    Whole,
    /// As it comes, by an operation that bounds it on its own and may be repeated without a key.
    Streamed,
}

/// One operation of the API.
pub struct Operation {
    /// Its method.
    pub method: Method,
    /// Its path below [`PREFIX`], with its parameters in braces.
    pub path: String,
    /// Who may use it.
    pub access: Access,
    description: path::Operation,
    schemas: Vec<(String, RefOr<Schema>)>,
    handler: MethodRouter<AppState>,
    reading: Reading,
}

impl Operation {
    /// The same for an operation that takes a body of any length.
    fn streamed(self) -> Self {
        Self { reading: Reading::Streamed, ..self }
    }
}

/// A row of the table, from a handler and what stands above it.
fn row(access: Access, routes: UtoipaMethodRouter<AppState>) -> Operation {
    let (schemas, paths, handler) = routes;
    let (path, item) = paths.paths.into_iter().next().unwrap_or_default();
    let (method, description) = [
        (Method::GET, item.get),
        (Method::POST, item.post),
        (Method::PUT, item.put),
        (Method::PATCH, item.patch),
        (Method::DELETE, item.delete),
    ]
    .into_iter()
    .find_map(|(method, operation)| Some((method, operation?)))
    .unwrap_or_default();
    let reading = Reading::Whole;
    Operation { method, path, access, description, schemas, handler, reading }
}

/// Every operation. axum cannot list its routes, so this table is what the router is made of.
#[must_use]
pub fn operations() -> Vec<Operation> {
    use Access::{Anyone, May, Token};
    use Action::{
        Approve, AssessFailure, AssignMachine, Build, BuildKernel, BuildVariant, CancelJob,
        ChangeMachineRules, ChangePolicy, ChangeRoomRules, ChangeUnregistered, CollectGarbage,
        CountResults, DeleteKernel, Deploy, EditKernel, EditMachine, EditNotes, EditPlan,
        EditRecipe, EditVariant, FillSlot, Import, KeepRun, LockMachine, ManageOwnTokens,
        ManagePeople, PinRelease, Read, RecordResults, RequestDeployment, RollBack, StartGuest,
        Upload, UseGuest, Validate, Waive, WithdrawRelease, WithdrawRequest,
    };
    vec![
        row(Anyone, routes!(document::openapi)),
        row(May(Read), routes!(recipes::list)),
        row(May(EditRecipe), routes!(recipes::create)),
        row(May(Read), routes!(recipes::show)),
        row(May(EditRecipe), routes!(recipes::save)),
        row(May(Read), routes!(recipes::text)),
        row(May(EditRecipe), routes!(recipes::check)),
        row(May(Read), routes!(recipes::revisions)),
        row(May(Read), routes!(recipes::revision)),
        row(May(Read), routes!(recipes::diff)),
        row(May(Read), routes!(recipes::proposal)),
        row(May(Read), routes!(releases::list)),
        row(May(Build), routes!(releases::build)),
        row(May(Import), routes!(imports::start)),
        row(May(Read), routes!(imports::proposal)),
        row(May(Read), routes!(releases::show)),
        row(May(Read), routes!(releases::packages)),
        row(May(Read), routes!(releases::change)),
        row(May(Read), routes!(releases::evidence)),
        row(May(Read), routes!(reports::report)),
        row(May(Read), routes!(assessments::failures)),
        row(May(Waive), routes!(assessments::waive_missing)),
        row(May(Read), routes!(releases::files)),
        row(May(Read), routes!(releases::file)),
        row(May(Read), routes!(notes::show)),
        row(May(EditNotes), routes!(notes::save)),
        row(May(WithdrawRelease), routes!(releases::withdraw)),
        row(May(PinRelease), routes!(room::pin)),
        row(May(PinRelease), routes!(room::unpin)),
        row(May(Read), routes!(plans::list)),
        row(May(EditPlan), routes!(plans::create)),
        row(May(Read), routes!(plans::show)),
        row(May(EditPlan), routes!(plans::change)),
        row(May(EditPlan), routes!(plans::delete)),
        row(May(Read), routes!(plans::revisions)),
        row(May(Read), routes!(suites::list)),
        row(May(EditPlan), routes!(suites::create)),
        row(May(Read), routes!(suites::show)),
        row(May(EditPlan), routes!(suites::change)),
        row(May(EditPlan), routes!(suites::delete)),
        row(May(Read), routes!(suites::revisions)),
        row(May(Read), routes!(kernels::list)),
        row(May(EditKernel), routes!(kernels::create)),
        row(May(Read), routes!(kernels::diff)),
        row(May(Read), routes!(kernels::show)),
        row(May(EditKernel), routes!(kernels::change)),
        row(May(DeleteKernel), routes!(kernels::delete)),
        row(May(Read), routes!(kernels::builds)),
        row(May(BuildKernel), routes!(kernels::build)),
        row(May(Read), routes!(kernels::show_build)),
        row(May(Read), routes!(kernels::file)),
        row(May(Read), routes!(variants::list)),
        row(May(EditVariant), routes!(variants::create)),
        row(May(EditVariant), routes!(variants::preview)),
        row(May(Read), routes!(variants::packages)),
        row(May(Read), routes!(variants::show)),
        row(May(EditVariant), routes!(variants::change)),
        row(May(EditVariant), routes!(variants::delete)),
        row(May(EditVariant), routes!(variants::extend)),
        row(May(Read), routes!(variants::builds)),
        row(May(BuildVariant), routes!(variants::build)),
        row(May(Validate), routes!(variants::validate)),
        row(May(Read), routes!(variants::comparison)),
        row(May(Read), routes!(variants::recipe_change)),
        row(May(EditRecipe), routes!(variants::save_recipe_change)),
        row(May(Upload), routes!(uploads::keep)).streamed(),
        row(May(Read), routes!(jobs::list)),
        row(May(Read), routes!(jobs::show)),
        row(May(CancelJob), routes!(jobs::cancel)),
        row(May(Read), routes!(jobs::log)),
        row(May(Read), routes!(validations::list)),
        row(May(Validate), routes!(validations::start)),
        row(May(Read), routes!(validations::show)),
        row(May(Read), routes!(runs::list)),
        row(May(Read), routes!(runs::show)),
        row(May(Read), routes!(runs::console)),
        row(May(Read), routes!(runs::keeping)),
        row(May(KeepRun), routes!(runs::mark)),
        row(May(KeepRun), routes!(runs::unmark)),
        row(May(RecordResults), routes!(results::bring)).streamed(),
        row(May(RecordResults), routes!(results::write_down)),
        row(May(RecordResults), routes!(results::attach)),
        row(May(CountResults), routes!(results::count)),
        row(May(Read), routes!(results::results_of_run)),
        row(May(Read), routes!(assessments::show)),
        row(May(AssessFailure), routes!(assessments::assess)),
        row(May(Waive), routes!(assessments::waive)),
        row(May(Waive), routes!(assessments::withdraw)),
        row(May(Read), routes!(results::export)),
        row(May(Read), routes!(history::history)),
        row(May(Read), routes!(history::case)),
        row(May(Read), routes!(history::compare)),
        row(May(Read), routes!(guests::list)),
        row(May(StartGuest), routes!(guests::start)),
        row(May(Read), routes!(guests::show)),
        row(May(UseGuest), routes!(guests::stop)),
        row(May(UseGuest), routes!(guests::extend)),
        row(May(UseGuest), routes!(guests::take_keyboard)),
        row(May(UseGuest), routes!(guests::give_up_keyboard)),
        row(May(UseGuest), routes!(guests::send_input)),
        row(May(Read), routes!(guests::console)),
        row(May(Read), routes!(boots::list)),
        row(May(Read), routes!(boots::times)),
        row(May(Read), routes!(boots::show)),
        row(May(Read), routes!(machines::list)),
        row(May(EditMachine), routes!(machines::create)),
        row(May(Read), routes!(machines::drift)),
        row(May(Read), routes!(machines::rules::rules)),
        row(May(ChangeMachineRules), routes!(machines::rules::change_rules)),
        row(May(Read), routes!(machines::rules::unregistered)),
        row(May(ChangeUnregistered), routes!(machines::rules::change_unregistered)),
        row(May(EditMachine), routes!(machines::table::import)).streamed(),
        row(May(Read), routes!(machines::table::export)),
        row(May(Read), routes!(machines::show)),
        row(May(EditMachine), routes!(machines::change)),
        row(May(EditMachine), routes!(machines::delete)),
        row(May(EditMachine), routes!(machines::accept)),
        row(May(EditMachine), routes!(machines::merge)),
        row(May(AssignMachine), routes!(machines::booting::assign)),
        row(May(AssignMachine), routes!(machines::booting::unassign)),
        row(May(AssignMachine), routes!(machines::booting::boot_once)),
        row(May(AssignMachine), routes!(machines::booting::clear_once)),
        row(May(LockMachine), routes!(machines::booting::lock)),
        row(May(LockMachine), routes!(machines::booting::unlock)),
        row(May(Read), routes!(environments::list)),
        row(May(Read), routes!(environments::show)),
        row(May(ChangePolicy), routes!(environments::change_policy)),
        row(May(RollBack), routes!(environments::roll_back)),
        row(May(FillSlot), routes!(environments::fill_slot)),
        row(May(FillSlot), routes!(environments::empty_slot)),
        row(May(Read), routes!(deployments::list)),
        row(May(RequestDeployment), routes!(deployments::request)),
        row(May(Read), routes!(deployments::show)),
        row(May(WithdrawRequest), routes!(deployments::withdraw)),
        row(May(Deploy), routes!(deployments::deploy)),
        row(May(Read), routes!(approvals::list)),
        row(May(Approve), routes!(approvals::judge)),
        row(May(ManagePeople), routes!(people::list)),
        row(May(ManagePeople), routes!(people::add)),
        row(May(ManagePeople), routes!(people::show)),
        row(May(ManagePeople), routes!(people::change)),
        row(May(ManagePeople), routes!(people::password_link)),
        row(May(ManageOwnTokens), routes!(tokens::list)),
        row(May(ManageOwnTokens), routes!(tokens::create)),
        row(Token, routes!(tokens::current)),
        row(May(ManageOwnTokens), routes!(tokens::show)),
        row(May(ManageOwnTokens), routes!(tokens::revoke)),
        row(May(Read), routes!(audit::list)),
        row(May(Read), routes!(room::show)),
        row(May(Read), routes!(room::list)),
        row(May(Read), routes!(room::rules)),
        row(May(ChangeRoomRules), routes!(room::change_rules)),
        row(May(CollectGarbage), routes!(room::collect)),
    ]
}

/// The API, to be merged with the dashboard, whose request ids and log spans it shares.
pub fn router(state: &AppState, origins: &Origins) -> Router {
    let (open, guarded): (Vec<_>, Vec<_>) =
        operations().into_iter().partition(|it| it.access == Access::Anyone);
    let routed = |rows: Vec<Operation>| {
        rows.into_iter().fold(Router::new(), |router, row| {
            router.route(&format!("{PREFIX}{}", row.path), row.handler)
        })
    };
    let (streamed, whole): (Vec<_>, Vec<_>) =
        guarded.into_iter().partition(|it| it.reading == Reading::Streamed);
    let services = &state.services;
    let known = routed(whole).layer(
        ServiceBuilder::new()
            .layer(middleware::from_fn_with_state(services.clone(), bearer::identify))
            .layer(middleware::from_fn_with_state(services.clone(), keyed::once)),
    );
    let streamed = routed(streamed)
        .layer(middleware::from_fn_with_state(services.clone(), bearer::identify))
        .layer(DefaultBodyLimit::disable());
    let unknown = Router::new()
        .route(PREFIX, axum::routing::any(nothing_here))
        .route(&format!("{PREFIX}/{{*rest}}"), axum::routing::any(nothing_here));
    known
        .merge(routed(open))
        .merge(unknown)
        .layer((DefaultBodyLimit::max(BODY_LIMIT), RequestBodyLimitLayer::new(BODY_LIMIT)))
        .merge(streamed)
        .layer(
            // From the outermost to the innermost.
            ServiceBuilder::new()
                .layer(CatchPanicLayer::custom(panicked))
                .layer(middleware::from_fn(worded))
                .layer(middleware::from_fn_with_state(origins.clone(), reached)),
        )
        .with_state(state.clone())
}

async fn nothing_here() -> Problem {
    let words = "There is nothing at this address; the page /api lists what there is";
    Problem::new(StatusCode::NOT_FOUND, words)
}

fn panicked(_: Box<dyn std::any::Any + Send>) -> Response {
    let words = "This failed on our side; the log of the server says why";
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, words).into_response()
}

/// Notes where the request came from, and refuses host names that nobody named.
async fn reached(State(origins): State<Origins>, mut request: Request, next: Next) -> Response {
    let Some(reached) = origins.reached_by(&request) else {
        let words = "This server does not answer to that host name: use one of its own names or \
                     addresses, or add the name with --host";
        return Problem::new(StatusCode::MISDIRECTED_REQUEST, words).into_response();
    };
    request.extensions_mut().insert(reached);
    next.run(request).await
}

/// Gives problem details where the layers below refuse in bare text.
async fn worded(request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    if !refusal::is_bare_text(&response) {
        return response;
    }
    let problem = match response.status() {
        StatusCode::PAYLOAD_TOO_LARGE => exchange::too_large(),
        status @ StatusCode::METHOD_NOT_ALLOWED => Problem::new(
            status,
            "This address does not take that method; the page /api lists what it takes",
        ),
        status if status.is_client_error() => {
            Problem::new(status, "The request was not sent whole, so nothing was done")
        }
        status => Problem::new(status, "This failed on our side; the log of the server says why"),
    };
    let mut worded = problem.into_response();
    if let Some(allowed) = response.headers().get(header::ALLOW) {
        worded.headers_mut().insert(header::ALLOW, allowed.clone());
    }
    worded
}
