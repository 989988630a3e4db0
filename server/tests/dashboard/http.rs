//! A client that sends exactly the bytes a test asks for, and reads answers whole or as they come.
//! Libraries refuse to send what hostile clients send.

use std::{collections::VecDeque, net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    time::timeout,
};

/// How long an answer, or the next event of a stream, may take before the test fails.
const PATIENCE: Duration = Duration::from_secs(30);

/// A request.
#[derive(Clone)]
pub(crate) struct Ask {
    address: SocketAddr,
    method: String,
    target: Vec<u8>,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

/// An answer that was read whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: String,
}

/// A stream of server-sent events.
pub(crate) struct Events {
    pub(crate) status: u16,
    connection: Connection,
    text: Vec<u8>,
}

/// One server-sent event.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) name: String,
    pub(crate) id: String,
    pub(crate) data: String,
}

struct Connection {
    reader: BufReader<OwnedReadHalf>,
    /// Kept: a client that closes its side has gone for the server.
    _writer: OwnedWriteHalf,
    headers: Vec<(String, String)>,
}

/// What a form sends.
pub(crate) fn form(fields: &[(&str, &str)]) -> String {
    let encode = app::routes::href::encode;
    let pairs: Vec<String> =
        fields.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
    pairs.join("&")
}

impl Ask {
    /// As a browser asks for a page.
    pub(crate) fn get(address: SocketAddr, target: &str) -> Self {
        let headers = [("host", address.to_string()), ("accept", "text/html,*/*".to_owned())];
        Self {
            address,
            method: "GET".to_owned(),
            target: target.as_bytes().to_vec(),
            headers: headers.map(|(name, value)| (name.to_owned(), value)).to_vec(),
            body: Vec::new(),
        }
    }

    /// As a browser sends a form of a page of ours.
    pub(crate) fn post(address: SocketAddr, target: &str, body: impl Into<Vec<u8>>) -> Self {
        Self::get(address, target)
            .method("POST")
            .header("origin", &format!("http://{address}"))
            .header("referer", &format!("http://{address}/the-form"))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body)
    }

    pub(crate) fn method(mut self, method: &str) -> Self {
        method.clone_into(&mut self.method);
        self
    }

    pub(crate) fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Sets a header in the place of any former value.
    pub(crate) fn header(self, name: &str, value: &str) -> Self {
        let mut ask = self.without(name);
        ask.headers.push((name.to_owned(), value.to_owned()));
        ask
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(given, _)| given != name);
        self
    }

    /// As a program asks.
    pub(crate) fn json(self) -> Self {
        self.header("accept", "application/json")
    }

    /// In a session; none where the cookie is empty.
    pub(crate) fn cookie(self, cookie: &str) -> Self {
        if cookie.is_empty() { self.without("cookie") } else { self.header("cookie", cookie) }
    }

    /// Sends it and reads the answer whole.
    pub(crate) async fn send(&self) -> Answer {
        let (mut connection, status) = self.connect().await;
        let mut body = Vec::new();
        while let Some(piece) = connection.piece().await {
            body.extend(piece);
        }
        let body = String::from_utf8_lossy(&body).into_owned();
        Answer { status, headers: connection.headers, body }
    }

    /// Sends it and reads the answer as events.
    pub(crate) async fn open(&self) -> Events {
        let (connection, status) = self.connect().await;
        Events { status, connection, text: Vec::new() }
    }

    async fn connect(&self) -> (Connection, u16) {
        let (reader, mut writer) = TcpStream::connect(self.address).await.unwrap().into_split();
        let mut head = format!("{} ", self.method).into_bytes();
        head.extend(&self.target);
        head.extend(b" HTTP/1.1\r\nconnection: close\r\n");
        for (name, value) in &self.headers {
            head.extend(format!("{name}: {value}\r\n").as_bytes());
        }
        let promised = self.headers.iter().any(|(name, _)| name == "content-length");
        if !promised && (!self.body.is_empty() || self.method == "POST") {
            head.extend(format!("content-length: {}\r\n", self.body.len()).as_bytes());
        }
        head.extend(b"\r\n");
        head.extend(&self.body);
        // A server may refuse before it has read everything: what it says is what counts.
        let _ = writer.write_all(&head).await;
        let mut connection =
            Connection { reader: BufReader::new(reader), _writer: writer, headers: Vec::new() };
        let status = connection.line().await.expect("an answer");
        let status = status.split(' ').nth(1).and_then(|it| it.parse().ok()).expect("a status");
        while let Some(line) = connection.line().await.filter(|line| !line.is_empty()) {
            let (name, value) = line.split_once(':').expect("a header");
            connection.headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        (connection, status)
    }
}

impl Connection {
    async fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        let read = timeout(PATIENCE, self.reader.read_line(&mut line)).await.expect("in time");
        let whole = read.is_ok_and(|read| read > 0) && line.ends_with('\n');
        whole.then(|| line.trim_end_matches(['\r', '\n']).to_owned())
    }

    /// The next piece of the body; `None` at its end, or where the connection was cut.
    async fn piece(&mut self) -> Option<Vec<u8>> {
        let chunked = self.headers.iter().any(|(name, value)| {
            name == "transfer-encoding" && value.eq_ignore_ascii_case("chunked")
        });
        if !chunked {
            let mut rest = Vec::new();
            let read = timeout(PATIENCE, self.reader.read_to_end(&mut rest)).await;
            let _ = read.expect("in time");
            return Some(rest).filter(|rest| !rest.is_empty());
        }
        let size = usize::from_str_radix(&self.line().await?, 16).expect("the size of a chunk");
        let mut chunk = vec![0; size];
        timeout(PATIENCE, self.reader.read_exact(&mut chunk)).await.expect("in time").ok()?;
        self.line().await?;
        Some(chunk).filter(|chunk| !chunk.is_empty())
    }
}

impl Events {
    /// The next event; `None` once the stream has ended.
    pub(crate) async fn next(&mut self) -> Option<Event> {
        // A stream that says nothing but that it is alive keeps nobody waiting for ever.
        timeout(PATIENCE, self.read()).await.expect("an event or the end in time")
    }

    async fn read(&mut self) -> Option<Event> {
        loop {
            if let Some(end) = self.text.windows(2).position(|two| two == b"\n\n") {
                let block: Vec<u8> = self.text.drain(..end + 2).collect();
                let event = Event::of(std::str::from_utf8(&block).unwrap());
                // A comment keeps the connection alive and says nothing.
                if event != Event::default() {
                    return Some(event);
                }
                continue;
            }
            self.text.extend(self.connection.piece().await?);
        }
    }

    /// What was answered, with the first event as its body, and the connection closed.
    pub(crate) fn answer(self, first: Option<Event>) -> Answer {
        let body = first.map_or_else(String::new, |event| event.data);
        Answer { status: self.status, headers: self.connection.headers, body }
    }

    /// All that follow.
    pub(crate) async fn rest(&mut self) -> VecDeque<Event> {
        let mut all = VecDeque::new();
        while let Some(event) = self.next().await {
            all.push_back(event);
        }
        all
    }
}

impl Event {
    fn of(block: &str) -> Self {
        let mut event = Self::default();
        for line in block.lines() {
            match line.split_once(": ").or_else(|| line.split_once(':')) {
                Some(("event", value)) => value.clone_into(&mut event.name),
                Some(("id", value)) => value.clone_into(&mut event.id),
                Some(("data", value)) => event.data.push_str(value),
                _ => {}
            }
        }
        event
    }
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(given, _)| given == name);
        found.map_or("", |(_, value)| value)
    }

    /// The cookies that the answer sets.
    pub(crate) fn cookies(&self) -> Vec<&str> {
        let set = self.headers.iter().filter(|(name, _)| name == "set-cookie");
        set.map(|(_, value)| value.as_str()).collect()
    }

    /// The session cookie, as it is sent back.
    pub(crate) fn session(&self) -> Option<String> {
        let cookies = self.cookies();
        let cookie = cookies.iter().find(|cookie| cookie.starts_with("bootwright="))?;
        Some(cookie.split(';').next().unwrap().to_owned())
    }

    pub(crate) fn is_html(&self) -> bool {
        self.header("content-type").starts_with("text/html")
    }

    /// Whether whoever asked is sent to the sign-in page.
    pub(crate) fn asks_to_sign_in(&self) -> bool {
        self.status == 303 && self.header("location").starts_with("/login?next=")
    }
}
