//! Signing in and out, and who asks: the handlers that set cookies are plain ones, so that they
//! work without script and never change a session while a page streams (STYLE.md §2.4).

use app::routes::href::encode;
use axum::{
    Form,
    extract::{Request, State},
    http::{HeaderValue, Method, StatusCode, header, uri::PathAndQuery},
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};
use domain::{
    actor::{Actor, Who},
    ids::PersonId,
    person::Person,
};
use serde::Deserialize;
use services::{ServiceError, Services, people::SignedIn};
use tokio::sync::broadcast::error::RecvError;
use tower_http::request_id::RequestId;
use tower_sessions::{Session, SessionStore as _, session::Id};

use crate::{origin::Reached, refusal, session_store::StoredSessions};

/// Session key: id of the person who signed in.
pub const PERSON: &str = "person";
/// Session key: the version of the person's credentials at sign-in. A changed role or password
/// changes it, and so ends the session.
pub const CREDENTIALS: &str = "credentials";

/// Finds out who asks, from the session and the present row of the person, for this very request.
pub async fn identify(
    State(services): State<Services>,
    session: Session,
    mut request: Request,
    next: Next,
) -> Response {
    let who = match signed_in(&services, &session).await {
        Ok(Some((person, ticket))) => {
            request.extensions_mut().insert(ticket);
            who(person)
        }
        Ok(None) => Who::Anonymous,
        Err(error) => return internal(&*error),
    };
    let reached = request.extensions().get::<Reached>().cloned();
    let actor = Actor {
        who,
        address: reached.and_then(|reached| reached.address),
        request: request_id(&request),
        token: None,
    };
    request.extensions_mut().insert(actor);
    next.run(request).await
}

/// The session that a request came in, for what outlives the request.
#[derive(Debug, Clone)]
pub struct Ticket {
    session: Id,
    person: PersonId,
    credentials: i64,
}

impl Ticket {
    /// Waits until the session has ended: its person signed out, was disabled, or has another role
    /// or password.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn ended(
        &self,
        services: &Services,
        sessions: &StoredSessions,
    ) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let (mut changes, mut ended) = (services.changes(), sessions.ended());
        let topic = format!("person/{}", self.person);
        // The first look comes after the listening has begun, so that nothing falls in between.
        while self.holds(services, sessions).await? {
            loop {
                // Who listened too slowly has missed something, and looks as well.
                let look = tokio::select! {
                    told = changes.recv() => match told {
                        Ok(told) => told == topic,
                        Err(RecvError::Lagged(_)) => true,
                        Err(RecvError::Closed) => return Ok(()),
                    },
                    told = ended.recv() => match told {
                        Ok(told) => told == self.session,
                        Err(RecvError::Lagged(_)) => true,
                        Err(RecvError::Closed) => return Ok(()),
                    },
                };
                if look {
                    break;
                }
            }
        }
        Ok(())
    }

    async fn holds(
        &self,
        services: &Services,
        sessions: &StoredSessions,
    ) -> Result<bool, Box<dyn std::error::Error + Send + Sync>> {
        Ok(self.who(services, sessions).await?.is_some())
    }

    /// Whose session it is now, with the present role; `None` once it has ended.
    ///
    /// # Errors
    /// Where the store cannot be read.
    pub async fn who(
        &self,
        services: &Services,
        sessions: &StoredSessions,
    ) -> Result<Option<Who>, Box<dyn std::error::Error + Send + Sync>> {
        if sessions.load(&self.session).await?.is_none() {
            return Ok(None);
        }
        let person = services.person_of_session(&self.person, self.credentials).await?;
        Ok(person.map(who))
    }
}

fn who(person: Person) -> Who {
    Who::Person { id: person.id, name: person.name, role: person.role }
}

async fn signed_in(
    services: &Services,
    session: &Session,
) -> Result<Option<(Person, Ticket)>, Box<dyn std::error::Error + Send + Sync>> {
    let person = session.get::<String>(PERSON).await?.map(PersonId);
    let credentials = session.get::<i64>(CREDENTIALS).await?;
    let (Some(person), Some(credentials), Some(id)) = (person, credentials, session.id()) else {
        return Ok(None);
    };
    let Some(found) = services.person_of_session(&person, credentials).await? else {
        session.flush().await?;
        return Ok(None);
    };
    Ok(Some((found, Ticket { session: id, person, credentials })))
}

/// The id that ties the log lines of a request together.
pub(crate) fn request_id(request: &Request) -> String {
    request
        .extensions()
        .get::<RequestId>()
        .and_then(|id| id.header_value().to_str().ok())
        .unwrap_or("unknown")
        .to_owned()
}

/// Sends whoever has not signed in to the sign-in page, and back afterwards.
pub async fn require_sign_in(request: Request, next: Next) -> Response {
    let anonymous =
        request.extensions().get::<Actor>().is_none_or(|actor| actor.who == Who::Anonymous);
    if anonymous {
        // The address that a form was sent to is no page: its page is where it was sent from.
        let wanted = match *request.method() {
            Method::GET | Method::HEAD => request.uri().path_and_query().map(PathAndQuery::as_str),
            _ => page_of_form(&request),
        };
        let wanted = wanted.unwrap_or("/");
        return Redirect::to(&format!("/login?next={}", encode(wanted))).into_response();
    }
    next.run(request).await
}

/// The address of the page that a form was sent from, where that is a page of ours.
fn page_of_form(request: &Request) -> Option<&str> {
    let reached = request.extensions().get::<Reached>()?;
    let referrer = request.headers().get(header::REFERER)?.to_str().ok()?;
    referrer.strip_prefix(&reached.origin()).filter(|path| path.starts_with('/'))
}

/// Marks cookies as secure where the browser speaks TLS to us or to a trusted proxy. On a plain
/// LAN the mark would lock people out.
pub async fn secure_cookies(request: Request, next: Next) -> Response {
    let tls = request.extensions().get::<Reached>().is_some_and(|reached| reached.tls);
    let mut response = next.run(request).await;
    if tls {
        let cookies: Vec<HeaderValue> = response
            .headers()
            .get_all(header::SET_COOKIE)
            .iter()
            .filter_map(|cookie| {
                HeaderValue::from_str(&format!("{}; Secure", cookie.to_str().ok()?)).ok()
            })
            .collect();
        response.headers_mut().remove(header::SET_COOKIE);
        for cookie in cookies {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
    }
    response
}

/// The sign-in form.
#[derive(Deserialize)]
pub struct SignIn {
    name: String,
    password: String,
    #[serde(default)]
    next: String,
}

/// `POST /session/login`
pub async fn sign_in(
    State(services): State<Services>,
    session: Session,
    actor: axum::Extension<Actor>,
    Form(form): Form<SignIn>,
) -> Response {
    let next = local_path(&form.next);
    match services.sign_in(&actor, &form.name, form.password).await {
        Ok(signed_in) => match begin(&session, &signed_in).await {
            Ok(()) => Redirect::to(next).into_response(),
            Err(error) => internal(&error),
        },
        Err(error) => refused(&error, &format!("/login?next={}&error=", encode(next))),
    }
}

/// A new session for a person: its id is made anew, so that an id known before is worth nothing.
async fn begin(
    session: &Session,
    signed_in: &SignedIn,
) -> Result<(), tower_sessions::session::Error> {
    session.cycle_id().await?;
    session.insert(PERSON, signed_in.person.id.as_str()).await?;
    session.insert(CREDENTIALS, signed_in.credentials_version).await
}

/// `POST /session/logout`
pub async fn sign_out(session: Session) -> Response {
    match session.flush().await {
        Ok(()) => Redirect::to("/login").into_response(),
        Err(error) => internal(&error),
    }
}

/// The form behind a one-time link.
#[derive(Deserialize)]
pub struct SpendLink {
    token: String,
    #[serde(default)]
    name: String,
    password: String,
}

/// `POST /session/welcome`: the first administrator sets name and password.
pub async fn welcome(
    State(services): State<Services>,
    session: Session,
    actor: axum::Extension<Actor>,
    Form(form): Form<SpendLink>,
) -> Response {
    match services.create_first_administrator(&actor, &form.token, &form.name, form.password).await
    {
        Ok(signed_in) => match begin(&session, &signed_in).await {
            Ok(()) => Redirect::to("/").into_response(),
            Err(error) => internal(&error),
        },
        Err(error) => refused(&error, &format!("/welcome/{}?error=", encode(&form.token))),
    }
}

/// `POST /session/password`: a person sets a new password by a one-time link.
pub async fn set_password(
    State(services): State<Services>,
    session: Session,
    actor: axum::Extension<Actor>,
    Form(form): Form<SpendLink>,
) -> Response {
    match services.set_password_by_link(&actor, &form.token, form.password).await {
        Ok(signed_in) => match begin(&session, &signed_in).await {
            Ok(()) => Redirect::to("/").into_response(),
            Err(error) => internal(&error),
        },
        Err(error) => refused(&error, &format!("/password/{}?error=", encode(&form.token))),
    }
}

/// `POST /session/theme`: light, dark or as the system says.
pub async fn theme(Form(form): Form<Theme>) -> Response {
    let cookie = match form.theme.as_str() {
        "light" => "theme=light; Path=/; Max-Age=31536000; SameSite=Lax",
        "dark" => "theme=dark; Path=/; Max-Age=31536000; SameSite=Lax",
        _ => "theme=; Path=/; Max-Age=0; SameSite=Lax",
    };
    ([(header::SET_COOKIE, cookie)], Redirect::to(local_path(&form.next))).into_response()
}

/// The form that switches the theme.
#[derive(Deserialize)]
pub struct Theme {
    theme: String,
    #[serde(default)]
    next: String,
}

/// Back to the form, with a code of what is wrong in the query (`app::pages::session::explain`), or
/// an error page where the fault is ours.
fn refused(error: &ServiceError, form: &str) -> Response {
    let code = match error {
        ServiceError::Throttled(_) => "throttled",
        ServiceError::Invalid { field, .. } => field,
        _ => return refusal::of_service(error),
    };
    Redirect::to(&format!("{form}{code}")).into_response()
}

fn internal(error: &(dyn std::error::Error + 'static)) -> Response {
    tracing::error!(error = domain::error_chain::chain(error), "a session request failed");
    refusal::page(
        StatusCode::INTERNAL_SERVER_ERROR,
        "Signing in or out failed on our side. Try again; the log of the server says why.",
    )
}

/// A path on this server to go on to; anything else becomes the overview.
fn local_path(wanted: &str) -> &str {
    let local = wanted.starts_with('/')
        && !wanted.starts_with("//")
        && !wanted.contains(['\\', '\r', '\n'])
        && wanted.len() <= 2000;
    if local { wanted } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_this_server_are_gone_on_to() {
        assert_eq!(local_path("/releases?x=1"), "/releases?x=1");
        for wanted in ["", "//evil.example", "https://evil.example", "/\\evil", "x", "/a\r\nb"] {
            assert_eq!(local_path(wanted), "/", "{wanted}");
        }
    }
}
