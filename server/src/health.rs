//! Whether the program is alive, and whether it can do its work.

use axum::{extract::State, http::StatusCode, response::IntoResponse};
use services::Services;

/// `GET /healthz`: the program answers.
pub async fn alive() -> &'static str {
    "alive\n"
}

/// `GET /readyz`: the store answers and the folders can be written.
pub async fn ready(State(services): State<Services>) -> impl IntoResponse {
    match services.check_ready().await {
        Ok(()) => (StatusCode::OK, "ready\n".to_owned()),
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {error}\n")),
    }
}
