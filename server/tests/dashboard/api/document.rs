//! The document says what the handlers do.

use std::collections::BTreeSet;

use serde_json::Value;
use server::api::{document, operations};

const COMMITTED: &str = include_str!("../../../../docs/openapi.json");

#[test]
fn the_committed_document_is_that_of_the_handlers() {
    let made = serde_json::to_string_pretty(&document()).unwrap() + "\n";
    assert!(
        made == COMMITTED,
        "the API has changed: run `make openapi`, and look at the difference"
    );
}

#[test]
fn every_operation_is_described_once_and_whole() {
    let document: Value = serde_json::from_str(COMMITTED).unwrap();
    assert_eq!(
        document["openapi"].as_str().unwrap().split('.').take(2).collect::<Vec<_>>(),
        ["3", "1"]
    );
    let mut ids = BTreeSet::new();
    for operation in operations() {
        let method = operation.method.as_str().to_ascii_lowercase();
        let described = &document["paths"][&operation.path][&method];
        let about = format!("{method} {}", operation.path);
        assert!(ids.insert(described["operationId"].as_str().unwrap().to_owned()), "{about}");
        assert!(described["summary"].as_str().unwrap().len() > 10, "{about}");
        let named = operation.path.matches('{').count();
        let parameters = described["parameters"].as_array().cloned().unwrap_or_default();
        let in_path = parameters.iter().filter(|it| it["in"] == "path").count();
        assert_eq!(in_path, named, "{about}");
        assert!(described["responses"].as_object().unwrap().contains_key("500"), "{about}");
    }
    let described: usize = document["paths"]
        .as_object()
        .unwrap()
        .values()
        .map(|path| path.as_object().unwrap().keys().filter(|it| *it != "parameters").count())
        .sum();
    assert_eq!(described, ids.len());
}
