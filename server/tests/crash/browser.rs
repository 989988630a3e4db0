//! People at the dashboard, and machines at the boot listener: everything goes over HTTP.

use std::{
    io::{BufRead as _, BufReader, Read},
    time::Duration,
};

use app::routes::href::encode;
use domain::digest::Digest;
use sha2::{Digest as _, Sha256};

/// How long an answer may take before the test gives up.
const PATIENCE: Duration = Duration::from_secs(120);
/// Between the parts of a form that may carry files.
const BOUNDARY: &str = "a-part-of-the-crash-test";

/// Somebody who has signed in. The session outlives the server that gave it.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    cookie: String,
}

/// A person at the dashboard of one server.
#[derive(Debug, Clone)]
pub(crate) struct Browser {
    agent: ureq::Agent,
    dashboard: String,
    cookie: String,
}

/// What the server answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) location: String,
    #[expect(dead_code, reason = "shown by Debug")]
    pub(crate) body: String,
}

/// The server did not answer, or not whole: it has been killed.
#[derive(Debug)]
pub(crate) struct Unanswered;

/// A form that carries no files.
fn typed(fields: &[(&str, &str)]) -> (String, String) {
    let form: Vec<String> =
        fields.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
    ("application/x-www-form-urlencoded".to_owned(), form.join("&"))
}

/// A form that may carry files (RFC 7578).
fn in_parts(fields: &[(&str, &str)]) -> (String, String) {
    let part = |(name, value): &(&str, &str)| {
        // The one field of our forms that is nothing but a file.
        let file = if *name == "file" { "; filename=\"results.csv\"" } else { "" };
        let head = format!("content-disposition: form-data; name=\"{name}\"{file}");
        format!("--{BOUNDARY}\r\n{head}\r\n\r\n{value}\r\n")
    };
    let parts: String = fields.iter().map(part).collect();
    (format!("multipart/form-data; boundary={BOUNDARY}"), format!("{parts}--{BOUNDARY}--\r\n"))
}

fn agent() -> ureq::Agent {
    let config = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .timeout_per_read(Some(PATIENCE));
    config.build().into()
}

impl Person {
    pub(crate) fn sign_in(dashboard: &str, name: &str, password: &str) -> Self {
        let nobody =
            Browser { agent: agent(), dashboard: dashboard.to_owned(), cookie: String::new() };
        let form = [("name", name), ("password", password), ("next", "/account")];
        let response = nobody.send("/session/login", typed(&form)).unwrap();
        assert_eq!(response.headers()["location"], "/account", "{name} cannot sign in");
        let cookie = response.headers()["set-cookie"].to_str().unwrap();
        Self { cookie: cookie.split(';').next().unwrap().to_owned() }
    }

    pub(crate) fn at(&self, dashboard: &str) -> Browser {
        let (dashboard, cookie) = (dashboard.to_owned(), self.cookie.clone());
        Browser { agent: agent(), dashboard, cookie }
    }
}

impl Browser {
    fn send(
        &self,
        path: &str,
        (kind, form): (String, String),
    ) -> Result<ureq::http::Response<ureq::Body>, ureq::Error> {
        self.agent
            .post(format!("{}{path}", self.dashboard))
            .header("origin", &self.dashboard)
            .header("cookie", &self.cookie)
            .header("accept", "application/json")
            .header("content-type", kind)
            .send(form)
    }

    /// Sends a form.
    pub(crate) fn post(&self, path: &str, fields: &[(&str, &str)]) -> Result<Answer, Unanswered> {
        self.answer(path, typed(fields))
    }

    /// Sends a form that may carry files.
    pub(crate) fn post_in_parts(
        &self,
        path: &str,
        fields: &[(&str, &str)],
    ) -> Result<Answer, Unanswered> {
        self.answer(path, in_parts(fields))
    }

    fn answer(&self, path: &str, form: (String, String)) -> Result<Answer, Unanswered> {
        let mut response = self.send(path, form).map_err(|_| Unanswered)?;
        let location = response.headers().get("location").and_then(|it| it.to_str().ok());
        Ok(Answer {
            status: response.status().as_u16(),
            location: location.unwrap_or_default().to_owned(),
            body: response.body_mut().read_to_string().map_err(|_| Unanswered)?,
        })
    }

    fn open(&self, path: &str) -> Result<ureq::http::Response<ureq::Body>, Unanswered> {
        self.agent
            .get(format!("{}{path}", self.dashboard))
            .header("cookie", &self.cookie)
            .call()
            .map_err(|_| Unanswered)
    }

    /// A page or a file.
    pub(crate) fn get(&self, path: &str) -> Result<String, Unanswered> {
        let mut response = self.open(path)?;
        assert_eq!(response.status(), 200, "{path}");
        response.body_mut().read_to_string().map_err(|_| Unanswered)
    }

    /// Follows a stream of events, until `seen` says that it has seen enough; `Unanswered` where
    /// the stream ends before.
    pub(crate) fn follow(
        &self,
        path: &str,
        mut seen: impl FnMut(&str, &str) -> bool,
    ) -> Result<(), Unanswered> {
        let response = self.open(path)?;
        assert_eq!(response.status(), 200, "{path}");
        let mut event = String::new();
        for line in BufReader::new(response.into_body().into_reader()).lines() {
            let line = line.map_err(|_| Unanswered)?;
            if let Some(name) = line.strip_prefix("event: ") {
                name.clone_into(&mut event);
            } else if let Some(data) = line.strip_prefix("data: ")
                && seen(&event, data)
            {
                return Ok(());
            }
        }
        Err(Unanswered)
    }

    /// Follows a job's log to its end, and tells how the job ended.
    pub(crate) fn wait_for_end(&self, job: &str) -> String {
        let mut state = String::new();
        let ended = self.follow(&format!("/jobs/{job}/log/stream"), |event, data| {
            data.clone_into(&mut state);
            event == "end"
        });
        assert!(ended.is_ok(), "the log of {job} ended before the job");
        state
    }
}

/// The value of a hidden field of a page's form.
pub(crate) fn field(page: &str, name: &str) -> String {
    let at = page.find(&format!("name=\"{name}\"")).unwrap();
    let begin = page[..at].rfind('<').unwrap();
    let tag = &page[begin..begin + page[begin..].find('>').unwrap()];
    let value = &tag[tag.find("value=\"").unwrap() + 7..];
    value[..value.find('"').unwrap()].to_owned()
}

/// A machine: what the boot listener sends for a path.
pub(crate) fn boot_text(boot: &str, path: &str) -> (u16, String) {
    let mut response = agent().get(format!("{boot}{path}")).call().unwrap();
    (response.status().as_u16(), response.body_mut().read_to_string().unwrap())
}

/// Length and SHA-256 of what the boot listener sends for a path.
pub(crate) fn boot_file(boot: &str, path: &str) -> (u64, Digest) {
    let response = agent().get(format!("{boot}{path}")).call().unwrap();
    assert_eq!(response.status(), 200, "{path}");
    hash(response.into_body().into_reader())
}

/// Length and SHA-256 of what a source gives.
pub(crate) fn hash(mut source: impl Read) -> (u64, Digest) {
    let (mut size, mut hash, mut chunk) = (0, Sha256::new(), vec![0; 1 << 18]);
    loop {
        match source.read(&mut chunk).unwrap() {
            0 => return (size, Digest::from_bytes(hash.finalize().into())),
            read => {
                hash.update(&chunk[..read]);
                size += read as u64;
            }
        }
    }
}
