//! How long the server took: a `Server-Timing` header on every answer, so that a measurement, or a
//! browser's own tools, tell our time from that of the network and of the queue before us.

use std::time::Instant;

use axum::{
    extract::Request,
    http::{HeaderName, HeaderValue},
    middleware::Next,
    response::Response,
};

const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

/// Writes how long it took until the head of the answer was there; pages are rendered whole by then.
pub(crate) async fn told(request: Request, next: Next) -> Response {
    let began = Instant::now();
    let mut response = next.run(request).await;
    let took = format!("app;dur={:.1}", began.elapsed().as_secs_f64() * 1000.0);
    if let Ok(took) = HeaderValue::from_str(&took) {
        response.headers_mut().insert(SERVER_TIMING, took);
    }
    response
}
