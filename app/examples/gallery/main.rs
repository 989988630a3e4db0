//! Serves every page with made-up data, to look at them without building anything:
//! `cargo run -p app --features ssr --example gallery -- <target>/site [port]`.
//!
//! Cookies choose what is shown: `role=viewer|developer|approver|administrator|none`, and
//! `data=empty` for an installation that is not used yet. It is the real app: pages are taken over
//! by the browser, the log is streamed, forms answer with a refusal.

mod data;

use std::{convert::Infallible, path::PathBuf, time::Duration};

use app::{AssetNames, api::Fixture};
use axum::{
    Router,
    extract::{Path, Query},
    http::{StatusCode, header},
    response::{
        IntoResponse, Response, Sse,
        sse::{Event, KeepAlive},
    },
    routing::get,
};
use domain::{
    actor::{Actor, Who},
    person::Role,
};
use leptos::{config::LeptosOptions, nonce::use_nonce, prelude::*};
use leptos_axum::{LeptosRoutes, ResponseOptions, generate_route_list};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let site = PathBuf::from(arguments.next().ok_or("which site folder?")?);
    let port = arguments.next().unwrap_or_else(|| "0".to_owned());
    let names: serde_json::Value =
        serde_json::from_slice(&std::fs::read(site.join("assets.json"))?)?;
    let name = |key: &str| names[key].as_str().unwrap_or_default().to_owned();
    let assets = AssetNames { js: name("js"), wasm: name("wasm"), css: name("css") };
    let options = LeptosOptions::builder().output_name("frontend").build();
    let shell = move || app::shell(&assets);
    let router = Router::new()
        .route(
            "/pkg/{name}",
            get(move |Path(name): Path<String>| file(site.join("pkg").join(name))),
        )
        .route("/favicon.svg", get(|| async { StatusCode::NO_CONTENT }))
        .route("/events", get(events))
        .route("/jobs/{id}/log/stream", get(log))
        .leptos_routes_with_context(&options, generate_route_list(app::App), context, shell.clone())
        .fallback(leptos_axum::render_app_async_with_context(context, shell))
        .with_state(options);
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("http://{}", listener.local_addr()?);
    Ok(axum::serve(listener, router).await?)
}

fn context() {
    let cookie = |name: &str| {
        let parts = use_context::<http::request::Parts>()?;
        let cookies = parts.headers.get(header::COOKIE)?.to_str().ok()?.to_owned();
        cookies
            .split("; ")
            .find_map(|it| it.strip_prefix(name)?.strip_prefix('=').map(ToOwned::to_owned))
    };
    let role = cookie("role").unwrap_or_else(|| "administrator".to_owned());
    let who = role.parse::<Role>().map_or(Who::Anonymous, |role| Who::Person {
        id: "ada".into(),
        name: "ada".to_owned(),
        role,
    });
    provide_context(Actor { who, ..Actor::anonymous() });
    data::provide(cookie("data").as_deref() == Some("empty"));
    if let (Some(nonce), Some(response)) = (use_nonce(), use_context::<ResponseOptions>()) {
        let policy = format!(
            "default-src 'none'; script-src 'nonce-{nonce}' 'strict-dynamic' 'wasm-unsafe-eval'; style-src 'self'; \
             img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        );
        if let Ok(policy) = header::HeaderValue::from_str(&policy) {
            response.insert_header(header::CONTENT_SECURITY_POLICY, policy);
        }
    }
}

async fn file(path: PathBuf) -> Response {
    let kind = match path.extension().and_then(|it| it.to_str()) {
        Some("js") => "text/javascript",
        Some("css") => "text/css",
        _ => "application/wasm",
    };
    match tokio::fs::read(path).await {
        Ok(bytes) => ([(header::CONTENT_TYPE, kind)], bytes).into_response(),
        Err(_) => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn events() -> impl IntoResponse {
    use futures::StreamExt as _;
    let first = futures::stream::iter([Ok::<_, Infallible>(
        Event::default().event("change").data("connected"),
    )]);
    Sse::new(first.chain(futures::stream::pending())).keep_alive(KeepAlive::default())
}

#[derive(serde::Deserialize)]
struct After {
    #[serde(default)]
    after: u64,
}

/// What is written already, then a line every 200 ms.
async fn log(Query(After { after }): Query<After>) -> impl IntoResponse {
    let mut lines: Vec<_> = data::log_lines();
    let total = lines.len() as u64;
    lines.extend((total + 1..total + 400).map(data::later_line));
    let stream = futures::stream::unfold(
        lines.into_iter().skip_while(move |it| it.number <= after),
        move |mut rest| async move {
            let line = rest.next()?;
            if line.number > total {
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            let event = Event::default().event("line").id(line.number.to_string()).json_data(&line);
            Some((event, rest))
        },
    );
    Sse::new(stream).keep_alive(KeepAlive::default())
}

/// Gives a page its data.
pub(crate) fn give<T: Clone + Send + Sync + 'static>(data: T) {
    provide_context(Fixture(data));
}
