//! The dashboard as browsers meet it: real HTTP on a port of its own, against real storage, with
//! nothing between the bytes that a test sends and the router that is served to people.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

mod api;
mod compared_results;
mod comparison;
mod deployments;
mod guests;
mod hostile;
mod http;
mod import_form;
mod kernel_form;
mod live;
mod machine_form;
mod origin;
mod plans;
mod recipe_change;
mod recipe_form;
mod review;
mod roles;
mod sessions;
mod variant_form;
mod waivers;
mod world;
