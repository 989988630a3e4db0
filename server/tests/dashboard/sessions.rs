//! How sessions begin and end, and one-time links.

use domain::{
    actor::Actor,
    person::{Person, Role},
};

use crate::{
    http::Answer,
    world::{PASSWORD, World, name},
};

/// Why a form of the sign-in pages was sent back.
fn error_of(answer: &Answer) -> &str {
    assert_eq!(answer.status, 303, "{}", answer.body);
    answer.header("location").split("error=").nth(1).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_in_begins_a_session_that_nobody_knew_before() {
    let world = World::empty().await;
    world.add("vera", Role::Viewer).await;
    let form = [("name", "vera"), ("password", PASSWORD), ("next", "/jobs?x=1")];
    let answer = world.post("/session/login", &form).send().await;
    assert_eq!((answer.status, answer.header("location")), (303, "/jobs?x=1"));
    let attributes: Vec<&str> = answer.cookies()[0].split("; ").skip(1).collect();
    for attribute in ["HttpOnly", "SameSite=Lax", "Path=/"] {
        assert!(attributes.contains(&attribute), "{attributes:?}");
    }
    let first = answer.session().unwrap();

    // An id that somebody else chose or knows is worth nothing after a sign-in.
    let again = world.post("/session/login", &form).cookie(&first).send().await;
    let second = again.session().expect("a new id");
    assert_ne!(first, second);
    assert!(world.get("/").cookie(&first).send().await.asks_to_sign_in());
    assert_eq!(world.get("/").cookie(&second).send().await.status, 200);
    let planted = "bootwright=AAAAAAAAAAAAAAAAAAAAAA";
    let answer = world.post("/session/login", &form).cookie(planted).send().await;
    assert_ne!(answer.session().expect("a new id"), planted);
    assert!(world.get("/").cookie(planted).send().await.asks_to_sign_in());

    let answer = world.post("/session/logout", &[]).cookie(&second).send().await;
    assert_eq!(answer.header("location"), "/login");
    assert!(world.get("/").cookie(&second).send().await.asks_to_sign_in());
    for garbage in ["bootwright=", "bootwright=%00", "bootwright=x; bootwright=y", "bootwright"] {
        assert!(world.get("/").cookie(garbage).send().await.asks_to_sign_in(), "{garbage}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_in_leads_nowhere_else() {
    let world = World::empty().await;
    world.add("vera", Role::Viewer).await;
    for next in ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:x", ""] {
        let form = [("name", "vera"), ("password", PASSWORD), ("next", next)];
        let answer = world.post("/session/login", &form).send().await;
        assert_eq!((answer.status, answer.header("location")), (303, "/"), "{next}");
    }
    // Whoever was asked to sign in while sending a form goes on to its page: the address that the
    // form was sent to is no page.
    let ask = world.post("/api/ui/cancel_job", &[("id", "x")]);
    let page = format!("http://{}/jobs/x", world.address);
    let answer = ask.clone().header("referer", &page).send().await;
    assert_eq!(answer.header("location"), "/login?next=%2Fjobs%2Fx");
    let answer = ask.header("referer", "http://evil.example/jobs/x").send().await;
    assert_eq!(answer.header("location"), "/login?next=%2F");
    let answer = world.get("/jobs?x=1&y=2").send().await;
    assert_eq!(answer.header("location"), "/login?next=%2Fjobs%3Fx%3D1%26y%3D2");
}

#[derive(Debug, Clone, Copy)]
enum Change {
    Role,
    Disabling,
    Password,
    SigningOut,
}

async fn change(world: &World, change: Change, person: &Person, cookie: &str) {
    let (services, cli) = (&world.services, Actor::command_line());
    match change {
        Change::Role => services.change_role(&cli, &person.name, Role::Developer).await.unwrap(),
        Change::Disabling => services.set_disabled(&cli, &person.name, true).await.unwrap(),
        Change::Password => {
            let link = services.password_link(&cli, &person.name).await.unwrap();
            let fields = [("token", &*link.token), ("password", "another horse battery")];
            let answer = world.post("/session/password", &fields).send().await;
            assert_eq!((answer.status, answer.header("location")), (303, "/"));
        }
        Change::SigningOut => {
            let answer = world.post("/session/logout", &[]).cookie(cookie).send().await;
            assert_eq!(answer.status, 303);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changes_a_person_ends_their_sessions_and_streams() {
    let world = World::furnished().await;
    let bystander = world.sign_in(name(Role::Developer)).await;
    let (job, _) = world.queued().await;
    let log = format!("/jobs/{}/log/stream", job.id);
    for kind in [Change::Role, Change::Disabling, Change::Password, Change::SigningOut] {
        let person = world.add(&format!("p{}", world.number()), Role::Viewer).await;
        let cookie = world.sign_in(&person.name).await;
        let mut stream = world.get("/events").cookie(&cookie).open().await;
        assert!(stream.next().await.unwrap().data.starts_with("connected/"), "{kind:?}");
        let mut lines = world.get(&log).cookie(&cookie).open().await;
        assert_eq!(lines.status, 200);
        let mut other = world.get("/events").cookie(&bystander).open().await;
        assert!(other.next().await.unwrap().data.starts_with("connected/"));

        change(&world, kind, &person, &cookie).await;
        let told = stream.rest().await;
        assert!(told.iter().all(|event| event.name == "change"), "{kind:?}: {told:?}");
        assert!(lines.rest().await.is_empty(), "{kind:?}");
        let answer = world.get("/jobs").cookie(&cookie).send().await;
        assert!(answer.asks_to_sign_in(), "{kind:?}: {}", answer.status);
        let answer = world.get("/events").cookie(&cookie).send().await;
        assert!(answer.asks_to_sign_in(), "{kind:?}: {}", answer.status);

        // Nobody else notices.
        assert_eq!(world.get("/jobs").cookie(&bystander).send().await.status, 200);
        let (job, _) = world.queued().await;
        let topic = format!("job/{}", job.id);
        while other.next().await.expect("the stream of somebody else goes on").data != topic {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_failures_close_the_door() {
    let world = World::with_people().await;
    let open = world.sign_in("dave").await;
    for attempt in 1..=10 {
        let answer = world.try_to_sign_in("vera", "wrong horse battery").await;
        assert_eq!(error_of(&answer), "credentials", "attempt {attempt}");
        assert!(answer.session().is_none());
    }
    let answer = world.try_to_sign_in("vera", PASSWORD).await;
    assert_eq!(error_of(&answer), "throttled", "the right password helps no more");
    let page = world.get(answer.header("location")).send().await;
    assert!(page.body.contains("Wait 15 minutes"), "{}", page.body);
    // Failures count by address too: guessing goes on with no other name.
    assert_eq!(error_of(&world.try_to_sign_in("anna", PASSWORD).await), "throttled");
    assert_eq!(error_of(&world.try_to_sign_in("nobody", "x").await), "throttled");
    assert_eq!(world.get("/").cookie(&open).send().await.status, 200, "sessions stay");
}

#[tokio::test(flavor = "multi_thread")]
async fn guesses_side_by_side_are_counted_each() {
    let world = World::with_people().await;
    let guess = |_| world.try_to_sign_in("vera", "wrong horse battery");
    let answers = futures::future::join_all((0..16).map(guess)).await;
    let looked_at = answers.iter().filter(|answer| error_of(answer) == "credentials").count();
    assert_eq!(looked_at, 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_administrator_spends_the_link_by_sending_the_form() {
    let world = World::empty().await;
    // A server that is started again gives another link in the place of the first.
    let former = world.services.first_administrator_link().await.unwrap().unwrap();
    let token = world.services.first_administrator_link().await.unwrap().unwrap();
    let address = format!("/welcome/{token}");
    let form = |token: &str, name: &str, password: &str| {
        world.post("/session/welcome", &[("token", token), ("name", name), ("password", password)])
    };
    // Mail programs and browsers fetch links ahead; a form with a fault is filled in again.
    for _ in 0..3 {
        assert_eq!(world.get(&address).send().await.status, 200);
        assert_eq!(world.get(&address).method("HEAD").send().await.status, 200);
    }
    for dead in ["never-ours", "", &former] {
        assert_eq!(error_of(&form(dead, "eve", PASSWORD).send().await), "token");
    }
    assert_eq!(error_of(&form(&token, "e v e", PASSWORD).send().await), "name");
    assert_eq!(error_of(&form(&token, "eve", "short").send().await), "password");
    let answer = form(&token, "eve", PASSWORD).send().await;
    assert_eq!((answer.status, answer.header("location")), (303, "/"));
    let cookie = answer.session().expect("who comes by the link has signed in");
    assert_eq!(world.get("/people").cookie(&cookie).send().await.status, 200);
    assert_eq!(error_of(&form(&token, "mallory", PASSWORD).send().await), "token");
    assert!(world.services.first_administrator_link().await.unwrap().is_none());
    let people = world.services.list_people(&Actor::command_line()).await.unwrap();
    assert_eq!(people.iter().map(|person| person.name.as_str()).collect::<Vec<_>>(), ["eve"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_link_is_dead_once_there_is_a_person() {
    let world = World::empty().await;
    let token = world.services.first_administrator_link().await.unwrap().unwrap();
    world.add("adam", Role::Administrator).await;
    let fields = [("token", &*token), ("name", "mallory"), ("password", PASSWORD)];
    let answer = world.post("/session/welcome", &fields).send().await;
    assert_eq!(error_of(&answer), "token");
    assert!(answer.session().is_none());
    // Nor does it set anybody's password.
    let answer = world.post("/session/password", &fields).send().await;
    assert_eq!(error_of(&answer), "token");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_in_an_address_that_is_not_ours_is_stripped() {
    let world = World::with_people().await;
    let cookie = world.sign_in("dave").await;
    for (forged, bare) in [
        ("/jobs?__err=abc", "/jobs"),
        ("/jobs?__path=%2Fapi%2Fui%2Fcancel_job&__err=eyJ9&__seal=00", "/jobs"),
        ("/audit?before=7&__err=abc&__path=x", "/audit?before=7"),
        ("/login?next=%2F&__err=abc", "/login?next=%2F"),
    ] {
        let answer = world.get(forged).cookie(&cookie).send().await;
        assert_eq!((answer.status, answer.header("location")), (303, bare), "{forged}");
    }
}
