//! Asking a server: requests of the REST API, and its problems as errors.

use std::{
    io::{BufReader, Read},
    time::Duration,
};

use serde::{Serialize, de::DeserializeOwned};
use ureq::{
    Agent, AsSendBody, Body, SendBody,
    http::{Request, Response, StatusCode, header, request::Builder},
};

use super::{error::CliError, saved_login::Login};
use crate::api::{PREFIX, exchange::Listed, problem::Problem};

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(15);
/// How long an answer may take to begin.
const ANSWER: Duration = Duration::from_secs(120);
/// How long reading a file of results into rows may take: the longest have millions of them.
const READING: Duration = Duration::from_secs(60 * 60);
/// Longest answer that is read whole, in bytes; downloads and logs stream.
const ANSWER_LIMIT: u64 = 64 * 1024 * 1024;

/// Something with the version that a change of it names.
pub(super) struct Versioned<T> {
    pub(super) value: T,
    pub(super) etag: String,
}

/// A server, asked as somebody.
pub(super) struct Client {
    server: String,
    authorization: String,
    agent: Agent,
}

impl Client {
    pub(super) fn new(login: &Login) -> Self {
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_connect(Some(CONNECT))
            .timeout_recv_response(Some(ANSWER))
            .user_agent(format!("bootwright/{}", crate::VERSION))
            .build()
            .new_agent();
        Self {
            server: login.server.trim_end_matches('/').to_owned(),
            authorization: format!("Bearer {}", login.token),
            agent,
        }
    }

    pub(super) fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, CliError> {
        self.read(self.send("GET", path, &[], Vec::new())?)
    }

    /// The same of an answer of any length: what is not wanted of it is passed over as it comes.
    pub(super) fn skim<T: DeserializeOwned>(&self, path: &str) -> Result<T, CliError> {
        let answer = BufReader::new(self.open(path)?);
        serde_json::from_reader(answer).map_err(|error| self.foreign(&error.to_string()))
    }

    pub(super) fn versioned<T: DeserializeOwned>(
        &self,
        path: &str,
    ) -> Result<Versioned<T>, CliError> {
        let answer = self.send("GET", path, &[], Vec::new())?;
        let etag = answer.headers().get(header::ETAG).and_then(|it| it.to_str().ok());
        let etag = etag.unwrap_or_default().to_owned();
        Ok(Versioned { value: self.read(answer)?, etag })
    }

    /// Every item of a list, page by page.
    pub(super) fn all<T: DeserializeOwned>(&self, path: &str) -> Result<Vec<T>, CliError> {
        self.first(path, usize::MAX)
    }

    /// The first `most` items of a list, page by page.
    pub(super) fn first<T: DeserializeOwned>(
        &self,
        path: &str,
        most: usize,
    ) -> Result<Vec<T>, CliError> {
        let join = if path.contains('?') { '&' } else { '?' };
        let mut items = Vec::new();
        let mut cursor = String::new();
        loop {
            let page: Listed<T> = self.get(&format!("{path}{join}limit=100{cursor}"))?;
            items.extend(page.items);
            match page.next {
                Some(next) if items.len() < most => {
                    cursor = format!("&cursor={}", encode(&next));
                }
                Some(_) | None => {
                    items.truncate(most);
                    return Ok(items);
                }
            }
        }
    }

    pub(super) fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, CliError> {
        self.read(self.send("POST", path, &[JSON], json(body)?)?)
    }

    /// A POST about the version of something that was looked at.
    pub(super) fn post_to<T: DeserializeOwned>(
        &self,
        path: &str,
        etag: &str,
        body: &impl Serialize,
    ) -> Result<T, CliError> {
        let headers = [JSON, (header::IF_MATCH.as_str(), etag)];
        self.read(self.send("POST", path, &headers, json(body)?)?)
    }

    /// A POST of the bytes of a file, as they are read. Where the server refuses them by their
    /// length or for who sends them, they are not sent.
    pub(super) fn send_file<T: DeserializeOwned>(
        &self,
        path: &str,
        file: impl Read + 'static,
        size: u64,
    ) -> Result<T, CliError> {
        self.read(self.file_sent(path, file, Some(size), ANSWER)?)
    }

    /// The same for a file of results, whose length may not be known; tells as well whether what was
    /// made of it is new.
    pub(super) fn send_results<T: DeserializeOwned>(
        &self,
        path: &str,
        file: impl Read + 'static,
        size: Option<u64>,
    ) -> Result<(T, bool), CliError> {
        let answer = self.file_sent(path, file, size, READING)?;
        let new = answer.status() == StatusCode::CREATED;
        Ok((self.read(answer)?, new))
    }

    fn file_sent(
        &self,
        path: &str,
        file: impl Read + 'static,
        size: Option<u64>,
        answer: Duration,
    ) -> Result<Response<Body>, CliError> {
        let headers = [
            (header::CONTENT_TYPE.as_str(), "application/octet-stream"),
            (header::EXPECT.as_str(), "100-continue"),
        ];
        let mut request = self.request("POST", path, &headers);
        if let Some(size) = size {
            request = request.header(header::CONTENT_LENGTH, size);
        }
        let request = request.body(SendBody::from_owned_reader(file));
        self.answered(
            request.map(|it| {
                self.agent.configure_request(it).timeout_recv_response(Some(answer)).build()
            }),
        )
    }

    /// A POST without a body.
    pub(super) fn act<T: DeserializeOwned>(&self, path: &str) -> Result<T, CliError> {
        self.read(self.send("POST", path, &[], Vec::new())?)
    }

    /// A PUT without a body: something becomes the caller's.
    pub(super) fn take<T: DeserializeOwned>(&self, path: &str) -> Result<T, CliError> {
        self.read(self.send("PUT", path, &[], Vec::new())?)
    }

    pub(super) fn put<T: DeserializeOwned>(
        &self,
        path: &str,
        etag: &str,
        body: &impl Serialize,
    ) -> Result<T, CliError> {
        let headers = [JSON, (header::IF_MATCH.as_str(), etag)];
        self.read(self.send("PUT", path, &headers, json(body)?)?)
    }

    /// A PUT of what has one state whoever looked at it.
    pub(super) fn set<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, CliError> {
        self.read(self.send("PUT", path, &[JSON], json(body)?)?)
    }

    /// A DELETE that gives what is left.
    pub(super) fn take_off<T: DeserializeOwned>(&self, path: &str) -> Result<T, CliError> {
        self.read(self.send("DELETE", path, &[], Vec::new())?)
    }

    /// A POST that gives nothing back.
    pub(super) fn tell(&self, path: &str, body: &impl Serialize) -> Result<(), CliError> {
        self.send("POST", path, &[JSON], json(body)?).map(|_| ())
    }

    pub(super) fn delete(&self, path: &str) -> Result<(), CliError> {
        self.send("DELETE", path, &[], Vec::new()).map(|_| ())
    }

    /// The bytes of an answer as they come.
    pub(super) fn open(&self, path: &str) -> Result<impl Read + 'static, CliError> {
        Ok(self.send("GET", path, &[], Vec::new())?.into_body().into_reader())
    }

    fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Result<Response<Body>, CliError> {
        let request = self.request(method, path, headers);
        if body.is_empty() && method != "POST" {
            self.answered(request.body(()))
        } else {
            self.answered(request.body(body))
        }
    }

    fn request(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Builder {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{PREFIX}{path}", self.server))
            .header(header::AUTHORIZATION, &self.authorization)
            .header(header::ACCEPT, "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request
    }

    fn answered(
        &self,
        request: ureq::http::Result<Request<impl AsSendBody>>,
    ) -> Result<Response<Body>, CliError> {
        let wrong = |what: &dyn std::fmt::Display| {
            CliError::Usage(format!("{} cannot be asked: {what}", self.server))
        };
        let answer =
            self.agent.run(request.map_err(|error| wrong(&error))?).map_err(
                |error| match error {
                    ureq::Error::BadUri(_) | ureq::Error::Http(_) => wrong(&error),
                    other => {
                        CliError::Unreachable { server: self.server.clone(), source: other.into() }
                    }
                },
            )?;
        if answer.status().is_success() { Ok(answer) } else { Err(self.problem(answer)) }
    }

    fn problem(&self, mut answer: Response<Body>) -> CliError {
        let status = answer.status();
        let read = answer.body_mut().with_config().limit(ANSWER_LIMIT).read_json::<Problem>();
        match read {
            Ok(problem) => CliError::Problem(Box::new(problem)),
            Err(_) => self.foreign(&format!("status {status} without a reason")),
        }
    }

    fn read<T: DeserializeOwned>(&self, mut answer: Response<Body>) -> Result<T, CliError> {
        let body = answer.body_mut().with_config().limit(ANSWER_LIMIT);
        body.read_json().map_err(|error| self.foreign(&error.to_string()))
    }

    fn foreign(&self, what: &str) -> CliError {
        CliError::Foreign { server: self.server.clone(), what: what.to_owned() }
    }
}

const JSON: (&str, &str) = ("content-type", "application/json");

fn json(body: &impl Serialize) -> Result<Vec<u8>, CliError> {
    serde_json::to_vec(body).map_err(|error| CliError::Usage(error.to_string()))
}

/// A part of a path or a query.
pub(super) fn encode(text: &str) -> String {
    app::routes::href::encode(text)
}

/// The query of filters that were given.
pub(super) fn query(filters: &[(&str, Option<&str>)]) -> String {
    let pairs: Vec<String> = filters
        .iter()
        .filter_map(|(name, value)| Some(format!("{name}={}", encode((*value)?))))
        .collect();
    if pairs.is_empty() { String::new() } else { format!("?{}", pairs.join("&")) }
}
