//! `/api`: what the REST API takes, from the very document that programs read.

use std::sync::Arc;

use leptos::prelude::*;
use leptos::serde_json::Value;

use crate::{
    pages::people::origin,
    ui::{copy, page, table},
};

/// The `OpenAPI` document of the REST API; the server gives it to every page.
#[derive(Clone)]
pub struct ApiDocument(pub Arc<Value>);

/// One operation, as the page shows it.
struct Operation<'a> {
    method: String,
    path: &'a str,
    described: &'a Value,
}

pub(crate) fn reference() -> AnyView {
    let document = use_context::<ApiDocument>().map_or(Value::Null, |it| (*it.0).clone());
    show(&document)
}

/// The page.
#[must_use]
pub fn show(document: &Value) -> AnyView {
    let operations = operations(document);
    let tags = document["tags"].as_array().cloned().unwrap_or_default();
    let collections: Vec<_> = tags.iter().map(|tag| collection(tag, &operations)).collect();
    let address = format!("{}/api/v1", origin());
    let list = format!("curl -H \"Authorization: Bearer $TOKEN\" {address}/releases");
    view! {
        {page::heading("API".to_owned(), Vec::new(), ().into_any())}
        <p class="lead">"Everything that these pages do, programs do by the REST API at "<code>{address}</code>", with a token of the page "<a href="/account">"Account"</a>". The whole of it as "<a href="/api/v1/openapi.json">"OpenAPI 3.1"</a>"."</p>
        {copy::command(&list, "the command")}
        <ul class="plain">
            <li>"Lists come in pages: send "<code>"next"</code>" as "<code>"cursor"</code>" for the page after."</li>
            <li>"A POST may carry an "<code>"Idempotency-Key"</code>": sent again within 24 hours it is answered again and not done again."</li>
            <li>"Where two people may edit, the answer has an "<code>"ETag"</code>"; a change sends it as "<code>"If-Match"</code>"."</li>
            <li>"Long work answers 202 with its job; "<code>"GET /jobs/{id}/log?follow=true"</code>" gives each line as it is written."</li>
            <li>"What was not done is answered with a problem (RFC 9457): "<code>"detail"</code>" says what happened and what to do."</li>
        </ul>
        {collections}
        {page::section("Problems", problems(document))}
    }
    .into_any()
}

fn operations(document: &Value) -> Vec<Operation<'_>> {
    let paths = document["paths"].as_object();
    paths
        .into_iter()
        .flatten()
        .flat_map(|(path, item)| {
            item.as_object().into_iter().flatten().map(move |(method, described)| Operation {
                method: method.to_uppercase(),
                path,
                described,
            })
        })
        .filter(|operation| operation.described.is_object())
        .collect()
}

fn collection(tag: &Value, operations: &[Operation<'_>]) -> AnyView {
    let (name, what) = (text(&tag["name"]), text(&tag["description"]));
    let own: Vec<_> = operations
        .iter()
        .filter(|it| it.described["tags"][0] == tag["name"])
        .map(operation)
        .collect();
    let id = name.clone();
    view! { <section id=id><h2 class="noun">{name}</h2><p>{what}</p>{own}</section> }.into_any()
}

fn operation(operation: &Operation<'_>) -> AnyView {
    let Operation { method, path, described } = operation;
    let parameters: Vec<_> = described["parameters"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|it| {
            let required = if it["required"] == true { "required" } else { "" };
            table::row(vec![
                table::code(text(&it["name"])),
                text(&it["in"]).into_any(),
                required.into_any(),
                worded(&text(&it["description"])),
            ])
        })
        .collect();
    let parameters = (!parameters.is_empty())
        .then(|| table::table("Parameters", &["Parameter", "In", "", "What"], parameters));
    let body = schema_of(&described["requestBody"])
        .map(|name| view! { <p>"Body: "<code>{name}</code></p> });
    let answers: Vec<_> = described["responses"]
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(status, _)| status.starts_with('2'))
        .map(|(status, answer)| {
            let what = schema_of(answer).map(|name| view! { " "<code>{name}</code> });
            view! { <p>"Answers "<strong>{status.clone()}</strong>{what}</p> }
        })
        .collect();
    let about = described["description"].as_str().or(described["summary"].as_str());
    view! {
        <details class="operation">
            <summary><span class="method">{method.clone()}</span>" "<code>{path.to_string()}</code>" "<span class="quiet">{worded(&text(&described["summary"]))}</span></summary>
            <p>{worded(about.unwrap_or_default())}</p>
            {parameters}
            {body}
            {answers}
        </details>
    }
    .into_any()
}

/// What a body consists of, by the name of its schema or by its media type.
fn schema_of(body: &Value) -> Option<String> {
    let (media_type, content) = body["content"].as_object()?.iter().next()?;
    let name = content["schema"]["$ref"].as_str().and_then(|it| it.rsplit('/').next());
    Some(name.unwrap_or(media_type).to_owned())
}

fn problems(document: &Value) -> AnyView {
    let rows: Vec<_> = document["components"]["responses"]
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(status, described)| {
            let code = http::StatusCode::from_bytes(status.as_bytes()).ok()?;
            let title = code.canonical_reason()?;
            // What the field `type` of a problem links to.
            let anchor = title.to_ascii_lowercase().replace(' ', "-");
            let name = view! { <span id=anchor>{title}</span> }.into_any();
            Some(table::row(vec![
                status.clone().into_any(),
                name,
                worded(&text(&described["description"])),
            ]))
        })
        .collect();
    table::table("Problems", &["Status", "Kind", "When"], rows)
}

/// A sentence of the document: what stands between backticks is code.
fn worded(sentence: &str) -> AnyView {
    let parts: Vec<_> = sentence
        .split('`')
        .enumerate()
        .map(|(place, part)| {
            let part = part.to_owned();
            if place % 2 == 1 { view! { <code>{part}</code> }.into_any() } else { part.into_any() }
        })
        .collect();
    parts.into_any()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
