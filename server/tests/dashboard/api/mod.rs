//! The REST API as programs meet it, over real HTTP against real storage.

mod boots;
mod document;
mod faults;
mod kernels;
mod keys;
mod machines;
mod notes;
mod paging;
mod published;
mod results;
mod roles;
mod room;
mod secrets;
mod slots;
mod uploads;
mod variants;

use domain::{person::Role, token::Scope};
use serde_json::Value;
use services::tokens::{MadeToken, NewToken};

use crate::{
    http::{Answer, Ask},
    world::World,
};

/// A request of a program, without a token yet.
pub(crate) fn ask(world: &World, method: &str, path: &str, body: Option<&Value>) -> Ask {
    let ask = world.get(&format!("/api/v1{path}")).json().method(method);
    match body {
        None => ask,
        Some(body) => ask.header("content-type", "application/json").body(body.to_string()),
    }
}

/// A token that the person of `role` made.
pub(crate) async fn token(world: &World, role: Role, scope: Scope) -> MadeToken {
    let name = format!("token {}", world.number());
    let new = NewToken { name, role: None, scope, days: 1 };
    world.services.create_token(&world.actor(role).await, new).await.unwrap()
}

/// A token for everything that the role allows.
pub(crate) async fn secret(world: &World, role: Role) -> String {
    token(world, role, Scope::All).await.secret
}

impl Ask {
    pub(crate) fn bearer(self, secret: &str) -> Self {
        self.header("authorization", &format!("Bearer {secret}"))
    }
}

impl Answer {
    fn value(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    /// The sentence of a problem of that status, in the form of RFC 9457.
    pub(crate) fn problem(&self, status: u16) -> String {
        assert_eq!(self.status, status, "{}", self.body);
        assert_eq!(self.header("content-type"), "application/problem+json", "{}", self.body);
        let problem = self.value();
        assert_eq!(problem["status"], status);
        assert!(problem["type"].as_str().unwrap().starts_with("/api#"), "{problem}");
        let detail = problem["detail"].as_str().unwrap().to_owned();
        assert!(detail.ends_with('.') && detail.len() > 15, "{detail}");
        detail
    }
}
