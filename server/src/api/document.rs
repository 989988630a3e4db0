//! The `OpenAPI` document, made from the handlers.

use std::collections::BTreeMap;

use axum::Json;
use utoipa::{
    PartialSchema as _, ToSchema as _,
    openapi::{
        ComponentsBuilder, ContentBuilder, InfoBuilder, LicenseBuilder, OpenApiBuilder, PathItem,
        PathsBuilder, Ref, RefOr, ResponseBuilder, Schema, ServerBuilder, path,
        security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme},
        tag::TagBuilder,
    },
};

use super::{Access, Operation, PREFIX, Reading, operations, problem};

/// What the collections are.
const TAGS: [(&str, &str); 21] = [
    ("recipes", "Texts that releases are built from; each saved change is a revision."),
    ("releases", "What was built: components, digests, evidence, files."),
    ("kernels", "Linux kernels and Xen hypervisors: what each is made of, and its builds."),
    (
        "variants",
        "Releases with something changed, for development, each with an owner and an end.",
    ),
    ("uploads", "Files that kernels, variants and imports are made of."),
    ("jobs", "Background work: builds, validations, collections, with steps and logs."),
    ("plans", "What is run to judge a release, and which cases of it a gate demands."),
    ("suites", "People's own tests, a folder of files and what to run in it."),
    ("validations", "Jobs that run a plan against a release."),
    ("runs", "One boot of one entry on one machine, with what every case saw."),
    ("guests", "QEMU machines that people start to try something, with their consoles."),
    (
        "machines",
        "What boots: by what each is known, what it boots and why, who has it, what it runs.",
    ),
    ("boots", "How boots of machines went, as the boot listener saw and the machines reported."),
    ("environments", "What machines boot from; each points at one release and has a policy."),
    ("deployments", "Requests to move an environment's pointer, and what became of them."),
    ("approvals", "What approvers said about requests."),
    ("people", "Who may sign in, and as what."),
    ("tokens", "What programs send to act for a person."),
    ("audit", "Every change, in one gapless sequence."),
    ("room", "What takes the disk, how long things stay, and collecting what nothing needs."),
    ("api", "This document."),
];

/// Statuses that any operation may answer, with when.
const REFUSALS: [(&str, &str); 8] = [
    ("400", "The request cannot be read."),
    ("401", "No token came along, or it is unknown, expired or revoked."),
    ("403", "The role or the scope of the token, or the state of things, does not allow it."),
    ("404", "There is no such thing."),
    ("422", "A field of the request cannot be taken; `field` names it."),
    ("421", "The server does not answer to that host name."),
    ("500", "A fault of ours; the log of the server says why."),
    ("503", "Something outside the server is missing or does not answer."),
];

/// Statuses that only operations which change something answer besides.
const REFUSED_CHANGES: [(&str, &str); 4] = [
    ("409", "Somebody else changed the same thing, or the `Idempotency-Key` was used otherwise."),
    ("413", "The body is larger than 1 MiB, or a file than 4 GiB."),
    ("415", "The body is not JSON."),
    ("429", "Too many attempts failed."),
];

/// Statuses of operations that name the version which a change is made from.
const FAILED_CONDITIONS: [(&str, &str); 2] = [
    ("412", "It is another version by now than the one in `If-Match`."),
    ("428", "`If-Match` is missing."),
];

/// The status of operations that give a part of a file.
const OUTSIDE: [(&str, &str); 1] = [("416", "The file has no such part as `Range` asks for.")];

/// Gives this document.
#[utoipa::path(get, path = "/openapi.json", tag = "api", responses((status = 200, body = Object)))]
pub(super) async fn openapi() -> Json<utoipa::openapi::OpenApi> {
    Json(document())
}

/// The `OpenAPI` 3.1 document of the API.
#[must_use]
pub fn document() -> utoipa::openapi::OpenApi {
    let mut components = ComponentsBuilder::new().security_scheme(
        "token",
        SecurityScheme::Http(
            HttpBuilder::new()
                .scheme(HttpAuthScheme::Bearer)
                .description(Some(
                    "A token of the page Account, or of `bootwright admin create-token`.",
                ))
                .build(),
        ),
    );
    let refusals = REFUSALS.into_iter().chain(REFUSED_CHANGES).chain(FAILED_CONDITIONS);
    for (status, when) in refusals.chain(OUTSIDE) {
        let schema = Ref::from_schema_name(problem::Problem::name());
        let content = ContentBuilder::new().schema(Some(schema)).build();
        let response =
            ResponseBuilder::new().description(when).content(problem::MEDIA_TYPE, content);
        components = components.response(status, response.build());
    }
    let mut paths: BTreeMap<String, PathItem> = BTreeMap::new();
    for operation in operations() {
        let Operation { method, path, access, description, reading, .. } = operation;
        let described = describe(&method, access, reading, description);
        let item = paths.entry(path).or_default();
        match method.as_str() {
            "POST" => item.post = Some(described),
            "PUT" => item.put = Some(described),
            "PATCH" => item.patch = Some(described),
            "DELETE" => item.delete = Some(described),
            _ => item.get = Some(described),
        }
    }
    for (name, schema) in schemas() {
        components = components.schema(name, schema);
    }
    let paths =
        paths.into_iter().fold(PathsBuilder::new(), |all, (path, item)| all.path(path, item));
    OpenApiBuilder::new()
        .info(
            InfoBuilder::new()
                .title("Bootwright")
                .version("1")
                .description(Some(
                    "Everything that the dashboard does, for programs. Errors are problem details \
                     (RFC 9457). Lists come in pages: send `next` as `cursor`. A POST may carry an \
                     `Idempotency-Key`: sent again within 24 hours it is answered again and not \
                     done again.",
                ))
                .license(Some(
                    LicenseBuilder::new()
                        .name("MIT OR Apache-2.0")
                        .identifier(Some("MIT OR Apache-2.0"))
                        .build(),
                ))
                .build(),
        )
        .servers(Some([ServerBuilder::new().url(PREFIX).build()]))
        .paths(paths)
        .components(Some(components.build()))
        .tags(Some(
            TAGS.map(|(name, what)| TagBuilder::new().name(name).description(Some(what)).build()),
        ))
        .build()
}

/// The operation with what holds for all: a name of its own, the token, the refusals.
fn describe(
    method: &axum::http::Method,
    access: Access,
    reading: Reading,
    mut operation: path::Operation,
) -> path::Operation {
    let tag = operation.tags.as_ref().and_then(|tags| tags.first()).cloned().unwrap_or_default();
    let name = operation.operation_id.take().unwrap_or_default();
    operation.operation_id = Some(format!("{tag}-{}", name.replace('_', "-")));
    let changes = *method != axum::http::Method::GET;
    if *method == axum::http::Method::POST && reading == Reading::Whole {
        let key = path::ParameterBuilder::new()
            .name("Idempotency-Key")
            .parameter_in(path::ParameterIn::Header)
            .required(utoipa::openapi::Required::False)
            .description(Some("Names the request, so that sending it again does nothing twice."))
            .schema(Some(
                utoipa::openapi::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::schema::Type::String)
                    .min_length(Some(1))
                    .max_length(Some(200))
                    .pattern(Some("^[!-~]+$")),
            ));
        operation.parameters.get_or_insert_default().push(key.build().into());
    }
    let mut refusals = Vec::from(REFUSALS);
    if access == Access::Anyone {
        refusals.retain(|(status, _)| matches!(*status, "421" | "500"));
    } else {
        operation.security = Some(vec![SecurityRequirement::new("token", Vec::<String>::new())]);
    }
    if changes {
        refusals.extend(REFUSED_CHANGES);
    }
    let takes = |name: &str| {
        let named = |it: &RefOr<path::Parameter>| matches!(it, RefOr::T(it) if it.name == name);
        operation.parameters.iter().flatten().any(named)
    };
    if takes("If-Match") {
        refusals.extend(FAILED_CONDITIONS);
    }
    if takes("Range") {
        refusals.extend(OUTSIDE);
        let answers = &mut operation.responses.responses;
        if let Some(RefOr::T(mut part)) = answers.get("200").cloned() {
            "The part that `Range` asks for.".clone_into(&mut part.description);
            answers.insert("206".to_owned(), part.into());
        }
    }
    for (status, _) in refusals {
        operation
            .responses
            .responses
            .insert(status.to_owned(), Ref::from_response_name(status).into());
    }
    if let (Access::May(action), Some(summary)) = (access, &operation.summary) {
        let role = action.least_role();
        let needs = format!("{summary} Needs the role {role}.");
        operation.description = Some(match operation.description.take() {
            Some(more) => format!("{needs}\n\n{more}"),
            None => needs,
        });
    }
    operation
}

/// The schemas that problems and operations refer to, some of them several times.
fn schemas() -> Vec<(String, RefOr<Schema>)> {
    let mut schemas = Vec::new();
    problem::Problem::schemas(&mut schemas);
    schemas.push((problem::Problem::name().into_owned(), problem::Problem::schema()));
    schemas.extend(operations().into_iter().flat_map(|operation| operation.schemas));
    schemas
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two types of one name would stand for each other in the document.
    #[test]
    fn each_name_stands_for_one_schema() {
        let mut known = BTreeMap::new();
        for (name, schema) in schemas() {
            let schema = serde_json::to_string(&schema).unwrap();
            let first = known.entry(name.clone()).or_insert_with(|| schema.clone());
            assert_eq!(*first, schema, "{name}");
        }
        assert!(known.len() > 30);
    }
}
