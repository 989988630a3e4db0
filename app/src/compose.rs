//! What pages show, put together from the use cases: the server's side of `api`.
//!
//! Nothing is decided here. Each function asks the services as whoever looks at the page, and
//! words their refusals for people.

pub(crate) mod assessments;
pub(crate) mod boots;
pub(crate) mod deployments;
pub(crate) mod environments;
pub(crate) mod guests;
pub(crate) mod history;
pub(crate) mod imports;
pub(crate) mod jobs;
pub(crate) mod kernels;
pub(crate) mod machines;
pub(crate) mod overview;
pub(crate) mod people;
pub(crate) mod plans;
pub(crate) mod recipes;
pub(crate) mod releases;
pub(crate) mod results;
pub(crate) mod room;
pub(crate) mod runs;
mod shown_once;
pub(crate) mod tokens;
pub(crate) mod variants;

use domain::{
    actor::{Actor, Who},
    error_chain::chain,
};
use leptos::prelude::{expect_context, use_context};
use leptos_axum::ResponseOptions;
use services::{ServiceError, Services};

use crate::error::AppError;

/// Who asks, and of what.
#[derive(Clone)]
pub(crate) struct Asked {
    pub(crate) services: Services,
    pub(crate) actor: Actor,
}

impl Asked {
    /// The services and the actor of this request; only people who have signed in ask.
    pub(crate) fn now() -> Result<Self, AppError> {
        let asked = Self { services: expect_context(), actor: expect_context() };
        if asked.actor.who == Who::Anonymous {
            return Err(answered(AppError::Unauthenticated));
        }
        Ok(asked)
    }

    /// An error for the page, with its status; a fault of ours is logged here, once.
    pub(crate) fn refuse(&self, error: ServiceError) -> AppError {
        answered(match error {
            ServiceError::NotFound(what) => AppError::NotFound { what },
            ServiceError::Unauthenticated | ServiceError::Token(_) => AppError::Unauthenticated,
            ServiceError::Refused(refusal) => refusal.into(),
            ServiceError::Invalid { field, message } => {
                AppError::Invalid { field: field.to_owned(), message }
            }
            ServiceError::Conflict(message) => AppError::Conflict { message },
            ServiceError::Throttled(message) | ServiceError::Unavailable(message) => {
                AppError::Unavailable { message }
            }
            ServiceError::Internal(cause) => {
                tracing::error!(error = %chain(&*cause), request = self.actor.request, "a page failed");
                AppError::Internal { request: self.actor.request.clone() }
            }
        })
    }
}

/// Gives the response the error's status.
pub(crate) fn answered(error: AppError) -> AppError {
    let status = http::StatusCode::from_u16(error.status());
    if let (Some(response), Ok(status)) = (use_context::<ResponseOptions>(), status) {
        response.set_status(status);
    }
    error
}

/// A form was sent that this page does not make.
pub(crate) fn invalid(field: &str, message: &str) -> AppError {
    answered(AppError::Invalid { field: field.to_owned(), message: message.to_owned() })
}

/// A change that changes a lot wants the name of what it changes typed.
pub(crate) fn confirmed(typed: &str, name: &str) -> Result<(), AppError> {
    if typed.trim() == name {
        return Ok(());
    }
    Err(invalid("confirm", &format!("type {name} to confirm")))
}
