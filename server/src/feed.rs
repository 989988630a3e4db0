//! The feed of what happened, for feed readers.

use app::routes::href;
use axum::{
    Extension,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use domain::feed::FeedPage;
use services::Services;

use crate::{
    origin::Reached,
    readers::{Reader, kept},
    refusal,
};

/// `GET /feed.atom`
pub(crate) async fn atom(
    State(services): State<Services>,
    Reader(actor): Reader,
    Extension(reached): Extension<Reached>,
    headers: HeaderMap,
) -> Response {
    let feed = match services.feed(&actor).await {
        Ok(feed) => feed,
        Err(error) => return refusal::of_service(&error),
    };
    let path = |page: &FeedPage| match page {
        FeedPage::Release(name) => href::release(name),
        FeedPage::Run(id) => href::run(id),
        FeedPage::Deployment(id) => href::deployment(id),
    };
    let text = feed.atom(&reached.origin(), path);
    kept(StatusCode::OK, "application/atom+xml; charset=utf-8", text, &headers)
}
