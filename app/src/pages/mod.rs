//! Pages, one file per noun. Each route loads its data and hands it to a plain function that shows
//! it; those functions know nothing of requests.

pub mod account;
pub mod approvals;
pub mod audit;
pub mod boots;
pub mod compare;
pub mod deployments;
pub mod environments;
pub mod guests;
pub mod history;
pub mod jobs;
pub mod kernels;
pub mod machines;
pub mod overview;
pub mod people;
pub mod plans;
pub mod recipes;
pub mod reference;
pub mod releases;
pub mod results;
pub mod review;
pub mod room;
pub mod runs;
pub mod session;
pub mod variants;

use leptos::prelude::*;
use leptos_router::hooks::{use_params_map, use_query_map};

/// A parameter of the path.
pub(crate) fn parameter(name: &'static str) -> String {
    use_params_map().read_untracked().get(name).unwrap_or_default()
}

/// A parameter of the query; empty where it is missing.
pub(crate) fn query(name: &'static str) -> String {
    use_query_map().read_untracked().get(name).unwrap_or_default()
}
