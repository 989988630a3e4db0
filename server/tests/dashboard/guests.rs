//! Guests as browsers meet them: a real QEMU that boots a real iPXE from the boot listener, whose
//! shell answers what is typed over a real socket.

use std::time::Duration;

use domain::{
    actor::Actor,
    guest::{EndReason, GuestLimits, GuestState},
    ids::GuestId,
    page::Slice,
    person::Role,
    policy::Refusal,
};
use futures::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use services::{ServiceError, audit::AuditFilter, guests::Seen};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Error, Message, client::IntoClientRequest as _, http::HeaderValue},
};

use crate::world::{World, name};

/// How long anything may take before the test fails: iPXE is emulated.
const PATIENCE: Duration = Duration::from_secs(120);

/// A socket as the page of a guest has one.
struct Terminal {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// Offset of the first byte that came.
    from: u64,
    /// Every byte that came.
    bytes: Vec<u8>,
    /// The last that was told of each kind.
    stands: Value,
    refused: Vec<String>,
    closed: Option<(u16, String)>,
}

/// Opens a socket with these headers; else the status with which that was refused.
async fn open(
    world: &World,
    target: &str,
    headers: &[(&'static str, &str)],
) -> Result<WebSocketStream<MaybeTlsStream<TcpStream>>, u16> {
    let mut ask = format!("ws://{}{target}", world.address).into_client_request().unwrap();
    for (name, value) in headers {
        ask.headers_mut().insert(*name, HeaderValue::from_str(value).unwrap());
    }
    match connect_async(ask).await {
        Ok((socket, _)) => Ok(socket),
        Err(Error::Http(answer)) => Err(answer.status().as_u16()),
        Err(error) => panic!("{error}"),
    }
}

impl Terminal {
    async fn open(world: &World, id: &GuestId, cookie: &str, after: u64) -> Self {
        let target = format!("/guests/{id}/socket?after={after}");
        let origin = format!("http://{}", world.address);
        let socket = open(world, &target, &[("cookie", cookie), ("origin", &origin)]).await;
        let mut terminal = Self {
            socket: socket.unwrap(),
            from: 0,
            bytes: Vec::new(),
            stands: Value::Null,
            refused: Vec::new(),
            closed: None,
        };
        terminal.until(|it| it.stands != Value::Null).await;
        terminal
    }

    /// Takes what comes until `seen`.
    async fn until(&mut self, seen: impl Fn(&Self) -> bool) {
        let coming = async {
            while !seen(self) {
                match self.socket.next().await {
                    Some(Ok(Message::Binary(bytes))) => self.bytes.extend(bytes),
                    Some(Ok(Message::Text(told))) => {
                        self.told(&serde_json::from_str(&told).unwrap());
                    }
                    Some(Ok(Message::Close(frame))) => {
                        let frame = frame.expect("a reason");
                        self.closed = Some((frame.code.into(), frame.reason.to_string()));
                    }
                    Some(Ok(_)) => {}
                    other => panic!("the socket ended with {other:?} after {}", self.text()),
                }
            }
        };
        if timeout(PATIENCE, coming).await.is_err() {
            panic!("what was waited for did not come after {:?}", self.text());
        }
    }

    fn told(&mut self, told: &Value) {
        match told["told"].as_str().unwrap() {
            "begin" => self.from = told["from"].as_u64().unwrap(),
            "stands" => self.stands = told.clone(),
            "refused" => self.refused.push(told["why"].as_str().unwrap().to_owned()),
            other => panic!("{other}: {told}"),
        }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    async fn sees(&mut self, text: &str) {
        self.until(|it| it.text().contains(text)).await;
    }

    /// Sends keys, whoever has the keyboard.
    async fn types(&mut self, keys: &str) {
        self.socket.send(Message::binary(keys.as_bytes().to_vec())).await.unwrap();
    }

    /// Types a command at iPXE's prompt, as fast as the machine takes it: its firmware keeps fifteen
    /// keys and drops what comes next, so every eight wait for the echo of those before.
    async fn commands(&mut self, line: &str) {
        let begun = self.text().len();
        for (number, keys) in line.as_bytes().chunks(8).enumerate() {
            self.types(&String::from_utf8_lossy(keys)).await;
            let typed = &line[..number * 8 + keys.len()];
            self.until(|it| it.text()[begun..].contains(typed)).await;
        }
        self.types("\r").await;
    }

    async fn order(&mut self, order: Value) {
        self.socket.send(Message::text(order.to_string())).await.unwrap();
    }

    /// Waits for one more refusal; gives its words.
    async fn is_refused(&mut self) -> String {
        let before = self.refused.len();
        self.until(|it| it.refused.len() > before).await;
        self.refused[before].clone()
    }

    async fn is_closed(&mut self) -> (u16, String) {
        self.until(|it| it.closed.is_some()).await;
        self.closed.clone().unwrap()
    }

    /// From the menu to iPXE's shell.
    async fn reaches_the_shell(&mut self) {
        self.sees(domain::menu::FOOTER).await;
        self.types("\r").await;
        self.sees("Press any key for the iPXE shell").await;
        self.types("\r").await;
        self.sees("iPXE> ").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_watches_and_one_person_types() {
    let world = World::furnished().await;
    let (dave, anna) = (world.sign_in("dave").await, world.sign_in("anna").await);
    let vera = world.sign_in(name(Role::Viewer)).await;
    let id = world.guest(Role::Developer).await;
    let mut dave = Terminal::open(&world, &id, &dave, 0).await;
    let mut anna = Terminal::open(&world, &id, &anna, 0).await;
    let mut vera = Terminal::open(&world, &id, &vera, 0).await;
    assert_eq!((&dave.stands["typist"], &dave.stands["yours"]), (&json!("dave"), &json!(true)));
    assert_eq!((&anna.stands["typist"], &anna.stands["yours"]), (&json!("dave"), &json!(false)));

    dave.reaches_the_shell().await;
    dave.commands("set x:int32 40").await;
    dave.commands("inc x 2").await;
    dave.commands("echo =${x}=").await;
    for watcher in [&mut dave, &mut anna, &mut vera] {
        watcher.sees("=42=").await;
    }

    anna.types("echo anna-was-here\r").await;
    assert!(anna.is_refused().await.starts_with("dave has the keyboard"));
    anna.order(json!({ "order": "take" })).await;
    assert!(anna.is_refused().await.starts_with("dave has the keyboard"));
    anna.order(json!({ "order": "resize", "columns": 132, "rows": 40 })).await;
    assert!(anna.is_refused().await.starts_with("dave has the keyboard"));
    anna.order(json!({ "order": "fly" })).await;
    assert!(anna.is_refused().await.starts_with("This page is old"));
    vera.types("echo vera-was-here\r").await;
    assert!(vera.is_refused().await.contains("you need the role developer"));

    dave.order(json!({ "order": "resize", "columns": 132, "rows": 40 })).await;
    anna.until(|it| it.stands["columns"] == 132 && it.stands["rows"] == 40).await;
    dave.order(json!({ "order": "give-up" })).await;
    anna.until(|it| it.stands["typist"] == Value::Null).await;
    dave.types("echo dave-was-here\r").await;
    assert!(dave.is_refused().await.starts_with("Nobody has the keyboard"));
    anna.order(json!({ "order": "take" })).await;
    anna.until(|it| it.stands["yours"] == true).await;
    anna.commands("echo =${x}+anna=").await;
    dave.sees("=42+anna=").await;
    let all = dave.text();
    assert!(!all.contains("anna-was-here") && !all.contains("vera-was-here"), "{all}");
    assert!(!all.contains("dave-was-here"), "{all}");

    // Her last window closes: whoever may type can take the keyboard.
    drop(anna);
    dave.until(|it| it.stands["typist"] == Value::Null).await;
    dave.order(json!({ "order": "take" })).await;
    dave.until(|it| it.stands["yours"] == true).await;
    // The machine starts anew, which ends a guest: it has ended, and says so to everybody.
    dave.types("reboot\r").await;
    vera.until(|it| it.stands["state"] == "ended").await;
    let adam = world.actor(Role::Administrator).await;
    let ended = world.services.guest(&adam, &id).unwrap().ended.unwrap().1;
    assert_eq!(ended, EndReason::SwitchedOff);
    let about = AuditFilter { subject: Some(id.to_string()), ..AuditFilter::default() };
    let noted = world.services.audit_page(&adam, &about, &Slice::first()).await.unwrap().items;
    let noted: Vec<(&str, &str)> =
        noted.iter().rev().map(|it| (&*it.entry.action, &*it.entry.actor)).collect();
    let told = [
        ("guest.start", "dave"),
        ("guest.keyboard-give-up", "dave"),
        ("guest.keyboard-take", "anna"),
        ("guest.keyboard-take", "dave"),
        ("guest.end", "runner"),
    ];
    assert_eq!(noted, told);
    dave.types("hello\r").await;
    assert!(dave.is_refused().await.starts_with("The guest has ended"));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_cut_off_goes_on_where_they_were() {
    let world = World::furnished().await;
    let cookie = world.sign_in("dave").await;
    let id = world.guest(Role::Developer).await;
    let mut first = Terminal::open(&world, &id, &cookie, 0).await;
    first.reaches_the_shell().await;
    let mut all = first.bytes.clone();
    drop(first);
    for round in 0..5 {
        let mut next = Terminal::open(&world, &id, &cookie, all.len() as u64).await;
        assert_eq!(next.from, all.len() as u64);
        next.until(|it| it.stands["yours"] == true).await;
        next.commands(&format!("echo ={round}${{nothing}}=")).await;
        next.sees(&format!("={round}=")).await;
        all.extend(&next.bytes);
    }
    let text = world.get(&format!("/guests/{id}/console")).cookie(&cookie).send().await;
    assert_eq!(text.header("content-type"), "text/plain; charset=utf-8");
    assert!(text.body.starts_with(&*String::from_utf8_lossy(&all)), "nothing is lost or doubled");
    // What was never written, or is gone, begins with what is kept.
    let strange = Terminal::open(&world, &id, &cookie, u64::MAX).await;
    assert_eq!(strange.from, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_another_origin_opens_no_socket() {
    let world = World::furnished().await;
    let cookie = world.sign_in("dave").await;
    let id = world.guest(Role::Developer).await;
    let (target, port) = (format!("/guests/{id}/socket"), world.address.port());
    let own = format!("http://127.0.0.1:{port}");
    for origin in [
        "null".to_owned(),
        String::new(),
        "http://127.0.0.1".to_owned(),
        format!("http://127.0.0.1:{}", port.wrapping_add(1)),
        format!("https://127.0.0.1:{port}"),
        format!("http://localhost:{port}"),
        format!("{own}.evil.example"),
    ] {
        let refused = open(&world, &target, &[("cookie", &cookie), ("origin", &origin)]).await;
        assert_eq!(refused.err(), Some(403), "{origin}");
    }
    // No browser leaves the origin out; the referrer alone does not count here.
    let referred = open(&world, &target, &[("cookie", &cookie), ("referer", &own)]).await;
    assert_eq!(referred.err(), Some(403));
    // Nor does anybody else open one: not without a session, and by no token.
    let secret = format!("Bearer {}", world.secret_of("dave").await);
    for headers in [vec![], vec![("authorization", &*secret)]] {
        let headers = [headers, vec![("origin", &*own)]].concat();
        assert_eq!(open(&world, &target, &headers).await.err(), Some(303));
    }
    let none = format!("/guests/{id}x/socket");
    let refused = open(&world, &none, &[("cookie", &cookie), ("origin", &own)]).await;
    assert_eq!(refused.err(), Some(404));
    assert!(open(&world, &target, &[("cookie", &cookie), ("origin", &own)]).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_no_longer_watch_is_disconnected() {
    let world = World::furnished().await;
    let id = world.guest(Role::Developer).await;
    let cookie = world.sign_in("dave").await;
    let mut stays = Terminal::open(&world, &id, &cookie, 0).await;
    let cli = Actor::command_line();
    for (number, change) in ["role", "disabling", "signing out"].into_iter().enumerate() {
        let person = world.add(&format!("watcher-{number}"), Role::Developer).await;
        let theirs = world.sign_in(&person.name).await;
        let mut watcher = Terminal::open(&world, &id, &theirs, 0).await;
        match change {
            "role" => world.services.change_role(&cli, &person.name, Role::Viewer).await.unwrap(),
            "disabling" => world.services.set_disabled(&cli, &person.name, true).await.unwrap(),
            _ => drop(world.post("/session/logout", &[]).cookie(&theirs).send().await),
        }
        let (code, why) = watcher.is_closed().await;
        assert_eq!(code, 1008, "{change}");
        assert!(why.starts_with("Your session has ended"), "{change}: {why}");
    }
    // Nobody else notices, until the server ends.
    stays.order(json!({ "order": "give-up" })).await;
    stays.until(|it| it.stands["typist"] == Value::Null).await;
    world.stop.send_replace(true);
    let (code, why) = stays.is_closed().await;
    assert_eq!(code, 1001, "{why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn guests_are_bounded_and_end_by_themselves() {
    let limits = GuestLimits { at_once: 2, per_person: 1, life: Duration::from_secs(4) };
    let world = World::with_guests(limits).await;
    let (dave, anna) = (world.actor(Role::Developer).await, world.actor(Role::Approver).await);
    let adam = world.actor(Role::Administrator).await;
    let version = world.bootable().await;
    let start = |actor: Actor| {
        let (services, version) = (world.services.clone(), version.clone());
        async move { services.start_guest_of_release(&actor, &version, None).await }
    };
    let wrong = world.services.start_guest_of_release(&dave, &version, Some("none")).await;
    let message = wrong.unwrap_err().to_string();
    assert_eq!(message, "the menu has no entry \"none\"; it has linux");

    let first = start(dave.clone()).await.unwrap();
    let own = start(dave.clone()).await.unwrap_err();
    let full = Refusal::OwnGuestsFull { most: 1 };
    assert!(matches!(&own, ServiceError::Refused(refusal) if *refusal == full), "{own}");
    let second = start(anna.clone()).await.unwrap();
    let all = start(adam.clone()).await.unwrap_err();
    assert!(all.to_string().starts_with("2 guest(s) run now"), "{all}");
    // Stopped while it may not even run yet, its place is free at once.
    let stopped = world.services.stop_guest(&adam, &second.id).await.unwrap();
    let by = EndReason::Stopped { by: "adam".to_owned() };
    assert_eq!(stopped.ended.unwrap().1, by);
    let third = start(adam.clone()).await.unwrap();

    // More time is more time.
    let longer = world.services.extend_guest(&dave, &third.id).await.unwrap();
    assert!(longer.ends_at >= third.ends_at);
    let mut watch = world.services.watch_guest(&dave, &first.id, 0).unwrap();
    let over = async {
        loop {
            match watch.next().await {
                Seen::Stands(guest) if guest.state == GuestState::Ended => return *guest,
                Seen::Stands(_) | Seen::Wrote(_) | Seen::Lost(_) => {}
            }
        }
    };
    let over = timeout(PATIENCE, over).await.expect("it ends by itself");
    assert_eq!(over.ended.unwrap().1, EndReason::TimeOver);
    start(dave).await.unwrap();

    let (stop, stopping) = tokio::sync::watch::channel(true);
    timeout(PATIENCE, world.services.clone().keep_guests(stopping)).await.expect("all end");
    drop(stop);
    let left = world.services.guests(&anna).unwrap();
    assert!(left.iter().all(|guest| guest.state == GuestState::Ended));
    assert_eq!(left[0].ended.as_ref().unwrap().1, EndReason::ServerEnds);
}
