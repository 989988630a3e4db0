//! Who may use what: one table of every route, page and server function, asked by everybody.
//!
//! Each row is asked with a well-formed request on things that are as the request needs them, so
//! that nothing but the role can refuse it: where a check of roles is missing, the request succeeds
//! and the test fails.

use std::collections::{BTreeMap, BTreeSet};

use app::{error::sentence, routes::PAGES};
use axum::http::Method;
use domain::{
    digest::Digest,
    environment::{DEVELOPMENT, PRODUCTION},
    person::Role,
    policy::{Action, Refusal},
    recipe,
    token::Scope,
};
use services::tokens::NewToken;

use crate::{
    http::{Answer, Ask},
    import_form, kernel_form, recipe_form, variant_form,
    world::{PASSWORD, RECIPE, World, name},
};

/// Who may use a row.
#[derive(Clone, Copy)]
enum Access {
    /// Anybody; they are answered this.
    Anyone(u16),
    /// Whoever has signed in; they are answered this.
    SignedIn(u16),
    /// The same, and programs that bring a token; whoever brings none is asked for it.
    Reader(u16),
    /// From this role on, for this action.
    From(Role, Action),
}

use Access::{Anyone, From, Reader, SignedIn};
use Role::{Administrator, Approver, Developer};

/// `GET` and `POST` with the path of a route, `page` with that of a page, `call` with the name of a
/// server function; a word in parentheses tells rows of the same one apart.
const TABLE: &[(&str, Access)] = &[
    ("GET /healthz", Anyone(200)),
    ("GET /readyz", Anyone(200)),
    ("GET /pkg/{name}", Anyone(200)),
    ("GET /favicon.svg", Anyone(200)),
    ("GET /feed.atom", Reader(200)),
    ("GET /badges/releases/{name}/tests.svg", Reader(200)),
    ("GET /badges/environments/{name}", Reader(200)),
    ("POST /session/login", Anyone(303)),
    ("POST /session/logout", Anyone(303)),
    ("POST /session/welcome", Anyone(303)),
    ("POST /session/password", Anyone(303)),
    ("POST /session/theme", Anyone(303)),
    ("POST /releases/{version}/notes", From(Developer, Action::EditNotes)),
    ("POST /recipes/new", From(Developer, Action::EditRecipe)),
    ("POST /recipes/{name}", From(Developer, Action::EditRecipe)),
    ("POST /recipe-form", From(Developer, Action::EditRecipe)),
    ("POST /kernels/new", From(Developer, Action::EditKernel)),
    ("POST /kernels/{name}/edit", From(Developer, Action::EditKernel)),
    // Nothing was built of it: whoever may read is told so.
    ("GET /kernels/{name}/builds/{number}/files/{file}", SignedIn(404)),
    ("POST /releases/import", From(Developer, Action::Import)),
    ("POST /variants/new", From(Developer, Action::EditVariant)),
    ("POST /variants/{name}/edit", From(Developer, Action::EditVariant)),
    ("POST /variant-form", From(Developer, Action::EditVariant)),
    ("POST /variants/{name}/recipe-change", From(Developer, Action::EditRecipe)),
    ("POST /machines/new", From(Developer, Action::EditMachine)),
    ("POST /machines/{name}", From(Developer, Action::EditMachine)),
    ("POST /machines/{name} (accept)", From(Developer, Action::EditMachine)),
    ("POST /machines/import", From(Developer, Action::EditMachine)),
    ("POST /machines/rules", From(Approver, Action::ChangeMachineRules)),
    ("GET /machines/export", SignedIn(200)),
    ("GET /events", SignedIn(200)),
    ("GET /jobs/{id}/log/stream", SignedIn(200)),
    ("GET /jobs/{id}/log", SignedIn(200)),
    // The run has no console log: whoever may read is told so.
    ("GET /runs/{id}/console", SignedIn(404)),
    ("POST /plans/new", From(Developer, Action::EditPlan)),
    ("POST /plans/{name}", From(Developer, Action::EditPlan)),
    ("POST /suites/new", From(Developer, Action::EditPlan)),
    ("POST /suites/{name}", From(Developer, Action::EditPlan)),
    ("POST /tests/import", From(Developer, Action::RecordResults)),
    ("POST /tests/record", From(Developer, Action::RecordResults)),
    ("GET /releases/{version}/report.md", SignedIn(200)),
    ("GET /tests/history.csv", SignedIn(200)),
    ("GET /runs/{id}/export", SignedIn(200)),
    // The run left nothing: whoever may read is told so.
    ("GET /runs/{id}/artefacts/{name}", SignedIn(404)),
    // No browser asks for a socket in this way: whoever may read is told so.
    ("GET /guests/{id}/socket", SignedIn(400)),
    ("GET /guests/{id}/console", SignedIn(200)),
    ("GET /releases/{version}/files/{name}", SignedIn(200)),
    ("page /", SignedIn(200)),
    ("page /recipes", SignedIn(200)),
    ("page /recipes/new", SignedIn(200)),
    ("page /recipes/:name", SignedIn(200)),
    ("page /recipes/:name/revisions", SignedIn(200)),
    ("page /recipes/:name/diff", SignedIn(200)),
    ("page /recipes/:name/build", SignedIn(200)),
    ("page /kernels", SignedIn(200)),
    ("page /kernels/new", SignedIn(200)),
    ("page /kernels/diff", SignedIn(200)),
    ("page /kernels/:name", SignedIn(200)),
    ("page /kernels/:name/configuration", SignedIn(200)),
    ("page /kernels/:name/files", SignedIn(200)),
    ("page /kernels/:name/builds", SignedIn(200)),
    ("page /kernels/:name/edit", SignedIn(200)),
    ("page /releases", SignedIn(200)),
    ("page /releases/import", SignedIn(200)),
    ("page /releases/:version", SignedIn(200)),
    ("page /releases/:version/contents", SignedIn(200)),
    ("page /releases/:version/tests", SignedIn(200)),
    ("page /releases/:version/report", SignedIn(200)),
    ("page /releases/:version/deployments", SignedIn(200)),
    ("page /releases/:version/notes", SignedIn(200)),
    ("page /releases/:version/files", SignedIn(200)),
    ("page /variants", SignedIn(200)),
    ("page /variants/new", SignedIn(200)),
    ("page /variants/:name", SignedIn(200)),
    ("page /variants/:name/edit", SignedIn(200)),
    ("page /variants/:name/comparison", SignedIn(200)),
    ("page /variants/:name/recipe-change", SignedIn(200)),
    ("page /guests", SignedIn(200)),
    ("page /guests/:id", SignedIn(200)),
    ("page /boots", SignedIn(200)),
    ("page /boots/:number", SignedIn(200)),
    ("page /jobs", SignedIn(200)),
    ("page /jobs/:id", SignedIn(200)),
    ("page /plans", SignedIn(200)),
    ("page /plans/new", SignedIn(200)),
    ("page /plans/:name", SignedIn(200)),
    ("page /suites/new", SignedIn(200)),
    ("page /suites/:name", SignedIn(200)),
    ("page /tests", SignedIn(200)),
    ("page /tests/case", SignedIn(200)),
    ("page /tests/release", SignedIn(200)),
    ("page /tests/inbox", SignedIn(200)),
    ("page /tests/import", SignedIn(200)),
    ("page /tests/record", SignedIn(200)),
    ("page /compare", SignedIn(200)),
    ("page /runs/:id", SignedIn(200)),
    ("page /runs/:id/result", SignedIn(200)),
    ("page /environments", SignedIn(200)),
    ("page /environments/:name", SignedIn(200)),
    ("page /machines", SignedIn(200)),
    ("page /machines/new", SignedIn(200)),
    ("page /machines/import", SignedIn(200)),
    ("page /machines/rules", SignedIn(200)),
    ("page /machines/drift", SignedIn(200)),
    ("page /machines/booting", SignedIn(200)),
    ("page /machines/:name", SignedIn(200)),
    ("page /deployments/:id", SignedIn(200)),
    ("page /approvals", SignedIn(200)),
    ("page /audit", SignedIn(200)),
    ("page /room", SignedIn(200)),
    ("page /people", From(Administrator, Action::ManagePeople)),
    ("page /account", SignedIn(200)),
    ("page /api", SignedIn(200)),
    ("page /login", Anyone(200)),
    ("page /welcome/:token", Anyone(200)),
    ("page /password/:token", Anyone(200)),
    ("call start_build", From(Developer, Action::Build)),
    ("call cancel_job", From(Developer, Action::CancelJob)),
    ("call start_validation", From(Developer, Action::Validate)),
    ("call start_guest", From(Developer, Action::StartGuest)),
    ("call stop_guest", From(Developer, Action::UseGuest)),
    ("call extend_guest", From(Developer, Action::UseGuest)),
    ("call take_keyboard", From(Developer, Action::UseGuest)),
    ("call give_up_keyboard", From(Developer, Action::UseGuest)),
    ("call send_line", From(Developer, Action::UseGuest)),
    ("call remove_plan", From(Developer, Action::EditPlan)),
    ("call remove_suite", From(Developer, Action::EditPlan)),
    ("call attach_run", From(Developer, Action::RecordResults)),
    ("call mark_run", From(Developer, Action::KeepRun)),
    ("call unmark_run", From(Developer, Action::KeepRun)),
    ("call count_run", From(Approver, Action::CountResults)),
    ("call assess_failures", From(Developer, Action::AssessFailure)),
    ("call waive_failures", From(Approver, Action::Waive)),
    ("call withdraw_waivers", From(Approver, Action::Waive)),
    ("call withdraw_release", From(Developer, Action::WithdrawRelease)),
    ("call request_deployment", From(Developer, Action::RequestDeployment)),
    ("call withdraw_deployment", From(Developer, Action::WithdrawRequest)),
    ("call execute_deployment", From(Developer, Action::Deploy)),
    ("call judge_deployment (approve)", From(Approver, Action::Approve)),
    ("call judge_deployment (refuse)", From(Approver, Action::Refuse)),
    ("call roll_back (development)", From(Developer, Action::RollBack)),
    // Where deployments need approvals, so does going back need an approver.
    ("call roll_back (production)", From(Approver, Action::RollBack)),
    ("call change_policy", From(Administrator, Action::ChangePolicy)),
    ("call start_kernel_build", From(Developer, Action::BuildKernel)),
    ("call delete_kernel", From(Developer, Action::DeleteKernel)),
    ("call start_variant_build", From(Developer, Action::BuildVariant)),
    ("call start_variant_validation", From(Developer, Action::Validate)),
    ("call start_variant_guest", From(Developer, Action::StartGuest)),
    ("call fill_slot", From(Developer, Action::FillSlot)),
    ("call empty_slot", From(Developer, Action::FillSlot)),
    ("call assign_machine", From(Developer, Action::AssignMachine)),
    ("call boot_machine_once", From(Developer, Action::AssignMachine)),
    ("call clear_boot_once", From(Developer, Action::AssignMachine)),
    ("call lock_machine", From(Developer, Action::LockMachine)),
    ("call unlock_machine", From(Developer, Action::LockMachine)),
    ("call merge_machine", From(Developer, Action::EditMachine)),
    ("call remove_machine (registered)", From(Developer, Action::EditMachine)),
    ("call remove_machine (discovered)", From(Developer, Action::EditMachine)),
    ("call change_unregistered", From(Administrator, Action::ChangeUnregistered)),
    ("call extend_variant", From(Developer, Action::EditVariant)),
    ("call delete_variant", From(Developer, Action::EditVariant)),
    ("call start_collection", From(Developer, Action::CollectGarbage)),
    ("call change_room_rules", From(Administrator, Action::ChangeRoomRules)),
    ("call pin_release", From(Developer, Action::PinRelease)),
    ("call unpin_release", From(Developer, Action::PinRelease)),
    ("call add_person", From(Administrator, Action::ManagePeople)),
    ("call change_role", From(Administrator, Action::ManagePeople)),
    ("call set_disabled", From(Administrator, Action::ManagePeople)),
    ("call give_password_link", From(Administrator, Action::ManagePeople)),
    ("call create_token", From(Role::Viewer, Action::ManageOwnTokens)),
    ("call revoke_token", From(Role::Viewer, Action::ManageOwnTokens)),
];

/// The paths of all server functions that are registered, each with its name: leptos appends
/// digits to the name.
pub(crate) fn calls() -> Vec<(&'static str, &'static str)> {
    leptos::server_fn::axum::server_fn_paths()
        .map(|(path, method)| {
            assert_eq!(method, Method::POST, "{path} changes nothing? Then it is loaded by a page");
            let name = path.strip_prefix("/api/ui/").expect("the prefix that is guarded");
            (name.trim_end_matches(|c: char| c.is_ascii_digit()), path)
        })
        .collect()
}

pub(crate) fn path_of(call: &str) -> &'static str {
    calls().into_iter().find(|(name, _)| *name == call).expect("a server function").1
}

#[tokio::test(flavor = "multi_thread")]
async fn the_table_names_everything_there_is() {
    let world = World::empty().await;
    let exist: BTreeSet<String> = server::dashboard::routes()
        .iter()
        .map(|route| format!("{} {}", route.method, route.path))
        .chain(PAGES.iter().map(|(path, _)| format!("page {path}")))
        .chain(calls().iter().map(|(name, _)| format!("call {name}")))
        .collect();
    let table: BTreeSet<String> =
        TABLE.iter().map(|(row, _)| row.split(" (").next().unwrap().to_owned()).collect();
    assert_eq!(exist, table, "say in the table who may use it");
    assert!(calls().len() >= 14, "leptos has registered the server functions");
    drop(world);
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_may_do_what_the_table_says_and_nothing_else() {
    let world = World::furnished().await;
    let mut cookies = BTreeMap::from([(None, String::new())]);
    for (row, access) in TABLE {
        for role in [None].into_iter().chain(Role::ALL.map(Some)) {
            if let Some(role) = role {
                // What is sent there ends the session.
                if row.starts_with("POST /session/") || !cookies.contains_key(&Some(role)) {
                    cookies.insert(Some(role), world.sign_in(name(role)).await);
                }
            }
            let cookie = cookies[&role].clone();
            let ask = prepared(&world, row, role).await.cookie(&cookie);
            let before = world.audit_rows().await;
            let who = role.map_or("anybody", Role::word);
            let about = format!("{row} by {who}");
            match (*access, role) {
                (Anyone(status), _) | (SignedIn(status) | Reader(status), Some(_)) => {
                    let answer = ask_once(&ask, row).await;
                    assert_eq!(answer.status, status, "{about}: {}", answer.body);
                    assert!(!answer.asks_to_sign_in(), "{about}");
                }
                (Reader(_), None) => {
                    let answer = ask.send().await;
                    assert_eq!(answer.status, 401, "{about}: {}", answer.body);
                    assert!(answer.header("www-authenticate").starts_with("Basic "), "{about}");
                }
                (SignedIn(_) | From(..), None) => {
                    assert!(ask.send().await.asks_to_sign_in(), "{about}");
                    assert!(ask.json().send().await.asks_to_sign_in(), "{about}");
                    assert_eq!(world.audit_rows().await, before, "{about} changed something");
                }
                (From(least, action), Some(role)) if role < least => {
                    let to = action.phrase().to_owned();
                    let words = Refusal::Role { to, least, role }.to_string();
                    refused(&ask, row, &words).await;
                    assert_eq!(world.audit_rows().await, before, "{about} changed something");
                }
                (From(..), Some(_)) => {
                    done(&ask.send().await, row, &about);
                    // What is typed to a guest is recorded nowhere.
                    let changes = !only_answers(row) && row != &"call send_line";
                    let after = world.audit_rows().await;
                    assert_eq!(after > before, changes, "{about} is done and recorded");
                }
            }
        }
        if row.starts_with("POST /session/") {
            cookies.retain(|role, _| role.is_none());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_form_goes_back_to_its_page_which_says_why() {
    let world = World::furnished().await;
    let cookie = world.sign_in(name(Role::Viewer)).await;
    let job = format!("/jobs/{}", world.queued().await.0.id);
    let referer = format!("http://{}{job}", world.address);
    let ask = call(&world, "cancel_job", Role::Viewer).await;
    let answer = ask.cookie(&cookie).header("referer", &referer).send().await;
    let location = answer.header("location");
    assert!(answer.status == 303 && location.starts_with(&job), "{location}");
    let page = world.get(location).cookie(&cookie).send().await;
    let words = "To cancel a job you need the role developer, and yours is viewer";
    assert_eq!(page.status, 200);
    // Once beside the button that is disabled, and once as what came of the form.
    let plain = world.get(&job).cookie(&cookie).send().await.body;
    let times = |body: &str| body.to_lowercase().matches(&words.to_lowercase()).count();
    assert_eq!(times(&page.body), times(&plain) + 1, "{}", page.body);
}

/// Streams do not end by themselves: of them the first event is the answer.
async fn ask_once(ask: &Ask, row: &str) -> Answer {
    if row != "GET /events" && row != "GET /jobs/{id}/log/stream" {
        return ask.send().await;
    }
    let mut events = ask.open().await;
    let first = if row == "GET /events" { events.next().await } else { None };
    events.answer(first)
}

/// Whether a row changes nothing: it shows something, or answers a page with script.
fn only_answers(row: &str) -> bool {
    row.starts_with("page ") || ["POST /recipe-form", "POST /variant-form"].contains(&row)
}

/// Whether a change was made: the browser is led on, without an error.
fn done(answer: &Answer, row: &str, about: &str) {
    if only_answers(row) {
        assert_eq!(answer.status, 200, "{about}: {}", answer.body);
        return;
    }
    let location = answer.header("location");
    assert!(matches!(answer.status, 302 | 303), "{about}: {} {}", answer.status, answer.body);
    assert!(!location.contains("__err") && !answer.asks_to_sign_in(), "{about}: {location}");
}

/// A refusal for the role, in the policy's own words, to browsers and to programs.
async fn refused(ask: &Ask, row: &str, words: &str) {
    let by_browser = ask.send().await;
    if row.starts_with("call ") {
        let location = by_browser.header("location");
        assert_eq!(by_browser.status, 303, "{row}: {}", by_browser.body);
        assert!(location.starts_with("/the-form?"), "{row}: {location}");
        assert!(location.contains("__err=") && location.contains("&__seal="), "{row}: {location}");
        let by_program = ask.clone().json().send().await;
        assert_eq!(by_program.status, 403, "{row}: {}", by_program.body);
        assert_eq!(by_program.header("content-type"), "application/json", "{row}");
        assert!(by_program.body.contains(&format!(r#"{{"Forbidden":{{"reason":"{words}"}}}}"#)));
    } else {
        assert_eq!(by_browser.status, 403, "{row}: {}", by_browser.body);
        assert!(by_browser.is_html() && by_browser.body.contains(&sentence(words)), "{row}");
    }
}

/// The request of a row, and everything that it needs.
async fn prepared(world: &World, row: &str, role: Option<Role>) -> Ask {
    let (kind, what) = row.split_once(' ').unwrap();
    match kind {
        "page" => world.get(&page(world, what).await),
        "GET" => world.get(&route(world, what).await),
        "POST" => post(world, what, role.unwrap_or(Role::Viewer)).await,
        _ => call(world, what, role.unwrap_or(Role::Viewer)).await,
    }
}

/// The address of a page of something that exists.
pub(crate) async fn page(world: &World, path: &str) -> String {
    let (parameter, value) = match path {
        _ if path.starts_with("/recipes/:name") => (":name", RECIPE.to_owned()),
        _ if path.starts_with("/kernels/:name") => (":name", world.kernel().await),
        _ if path.starts_with("/variants/:name") => (":name", world.variant().await),
        _ if path.starts_with("/releases/:version") => (":version", world.candidate().await),
        "/plans/:name" => (":name", world.plan().await),
        "/suites/:name" => (":name", world.suite().await),
        "/jobs/:id" => (":id", world.queued().await.0.id.to_string()),
        "/runs/:id" => (":id", world.run().await.to_string()),
        "/runs/:id/result" => {
            let run = world.ended_run().await;
            return format!("/runs/{run}/result?case=smoke.boot");
        }
        "/tests/release" => return format!("{path}?about={}", world.candidate().await),
        "/tests/case" => {
            world.ended_run().await;
            return format!("{path}?id=smoke.boot");
        }
        "/boots/:number" => (":number", world.boot().await.to_string()),
        "/guests/:id" => (":id", world.guest(Developer).await.to_string()),
        "/machines/:name" => (":name", world.machine().await),
        "/environments/:name" => (":name", PRODUCTION.to_owned()),
        "/deployments/:id" => (":id", world.requested(Developer).await.id.to_string()),
        _ => (":token", "a-token".to_owned()),
    };
    path.replace(parameter, &value)
}

async fn route(world: &World, path: &str) -> String {
    match path {
        "/pkg/{name}" => {
            let css = server::assets::names().css;
            format!("/pkg/{}", css.rsplit('/').next().unwrap())
        }
        "/jobs/{id}/log" | "/jobs/{id}/log/stream" => {
            path.replace("{id}", world.queued().await.0.id.as_str())
        }
        "/guests/{id}/socket" | "/guests/{id}/console" => {
            path.replace("{id}", world.guest(Developer).await.as_str())
        }
        "/runs/{id}/export" => path.replace("{id}", world.ended_run().await.as_str()),
        "/runs/{id}/artefacts/{name}" => {
            path.replace("{id}", world.run().await.as_str()).replace("{name}", "log.html")
        }
        "/runs/{id}/console" => path.replace("{id}", world.run().await.as_str()),
        "/badges/releases/{name}/tests.svg" => path.replace("{name}", &world.candidate().await),
        "/badges/environments/{name}" => path.replace("{name}", "production.svg"),
        "/releases/{version}/report.md" => path.replace("{version}", &world.candidate().await),
        "/releases/{version}/files/{name}" => {
            path.replace("{version}", &world.candidate().await).replace("{name}", "manifest.json")
        }
        "/kernels/{name}/builds/{number}/files/{file}" => {
            format!("/kernels/{}/builds/1/files/config", world.kernel().await)
        }
        other => other.to_owned(),
    }
}

async fn post(world: &World, path: &str, role: Role) -> Ask {
    let number = world.number();
    let changed = format!("{}\n# change {number}\n", recipe::starter());
    match path {
        "/session/login" => {
            world.post(path, &[("name", "vera"), ("password", PASSWORD), ("next", "/jobs")])
        }
        "/session/password" => {
            let actor = world.actor(Administrator).await;
            let name = format!("guest-{number}");
            let link = world.services.add_person(&actor, &name, Role::Viewer).await.unwrap();
            let token = link.token;
            world.post(path, &[("token", &token), ("password", PASSWORD)])
        }
        "/session/welcome" => {
            world.post(path, &[("token", "dead"), ("name", "mallory"), ("password", PASSWORD)])
        }
        "/session/theme" => world.post(path, &[("theme", "dark"), ("next", "/jobs")]),
        "/releases/{version}/notes" => {
            let path = path.replace("{version}", &world.candidate().await);
            world.post(&path, &[("base", "0"), ("notes", "new"), ("known_issues", "")])
        }
        "/recipes/new" => {
            let name = format!("recipe-{number}");
            world.post(path, &[("name", &name), ("text", &changed), ("message", "another one")])
        }
        "/recipes/{name}" => {
            let actor = world.actor(Developer).await;
            let newest = world.services.revision(&actor, RECIPE, None).await.unwrap().number;
            let fields =
                [("base", &*newest.to_string()), ("text", &changed), ("message", "a change")];
            world.post(&path.replace("{name}", RECIPE), &fields)
        }
        "/kernels/new" => {
            let name = format!("kernel-{number}");
            kernel_form::sent(world, path, kernel_form::multipart(&kernel_form::whole(&name)))
        }
        "/kernels/{name}/edit" => {
            let name = world.kernel().await;
            let mut parts = kernel_form::whole("");
            parts.retain(|(name, ..)| *name != "revision");
            parts.push(("revision", None, "1"));
            let path = path.replace("{name}", &name);
            kernel_form::sent(world, &path, kernel_form::multipart(&parts))
        }
        "/variants/new" => {
            let name = format!("made-{number}");
            variant_form::sent(world, path, &variant_form::whole(&name))
        }
        "/variants/{name}/edit" => {
            // Each of those who may has one that is theirs.
            let name = world.variant_of(role.max(Developer)).await;
            let mut parts = variant_form::whole("");
            parts.push(("revision", None, "1"));
            variant_form::sent(world, &path.replace("{name}", &name), &parts)
        }
        "/variant-form" => {
            let mut parts = variant_form::whole("x");
            parts.push(("do", None, "form"));
            variant_form::sent(world, path, &parts)
        }
        "/variants/{name}/recipe-change" => {
            let (name, seen) = world.proposed_variant().await;
            let fields = [("seen", &*seen.to_string()), ("message", "take htop over")];
            world.post(&path.replace("{name}", &name), &fields)
        }
        "/plans/new" | "/plans/{name}" => {
            let (target, name) = match path {
                "/plans/new" => (path.to_owned(), format!("plan-{number}")),
                _ => (path.replace("{name}", &world.plan().await), String::new()),
            };
            let mut parts =
                vec![("machines", None, "qemu"), ("suite", None, "smoke"), ("retries", None, "2")];
            parts.push(if name.is_empty() { ("base", None, "1") } else { ("name", None, &*name) });
            kernel_form::sent(world, &target, kernel_form::multipart(&parts))
        }
        "/suites/new" | "/suites/{name}" => {
            let (target, name) = match path {
                "/suites/new" => (path.to_owned(), format!("suite-{number}")),
                _ => (path.replace("{name}", &world.suite().await), String::new()),
            };
            let mut parts = vec![
                ("source", None, "git"),
                ("url", None, "https://git.example/suites.git"),
                ("reference", None, "v2"),
                ("command", None, "program"),
                ("words", None, "./run.sh"),
                ("minutes", None, "5"),
            ];
            parts.push(if name.is_empty() { ("base", None, "1") } else { ("name", None, &*name) });
            kernel_form::sent(world, &target, kernel_form::multipart(&parts))
        }
        "/tests/import" => {
            let rows = format!("Test name,Result\nboot {number},PASS\n");
            let file = ("file", Some("results.csv"), rows.as_str());
            kernel_form::sent(world, path, kernel_form::multipart(&[file]))
        }
        "/tests/record" => {
            let parts = [
                ("release", None, "recorded/v0.9"),
                ("machine", None, "apu2"),
                ("case", None, "DEB1.1"),
                ("outcome", None, "passed"),
            ];
            kernel_form::sent(world, path, kernel_form::multipart(&parts))
        }
        "/machines/new" => {
            let (name, mac) = (format!("board-{number}"), world.mac());
            world.post(path, &[("name", &name), ("macs", &mac), ("labels", "rack=3")])
        }
        "/machines/{name}" => {
            let (name, mac) = (world.machine().await, world.mac());
            let fields = [("base", "1"), ("name", &*name), ("macs", &mac)];
            world.post(&path.replace("{name}", &name), &fields)
        }
        "/machines/{name} (accept)" => {
            let (name, mac) = (world.discovered_machine().await, world.mac());
            let fields = [
                ("base", "1"),
                ("do", "accept"),
                ("name", &*format!("nuc-{number}")),
                ("macs", &mac),
            ];
            world.post(&format!("/machines/{name}"), &fields)
        }
        "/machines/import" => {
            let table = format!("name,macs\nrow-{number},{}\n", world.mac());
            let seen = Digest::of(&table).to_string();
            let parts = [("table", None, &*table), ("seen", None, &seen), ("do", None, "take")];
            kernel_form::sent(world, path, kernel_form::multipart(&parts))
        }
        "/machines/rules" => {
            let actor = world.actor(Developer).await;
            let base = world.services.machine_rules(&actor).await.unwrap().revision.to_string();
            let text = format!("number={number} => environment {DEVELOPMENT}\n");
            world.post(path, &[("base", &base), ("text", &text)])
        }
        "/releases/import" => import_form::whole_form(world, &format!("v200.0.{number}-rc.1")),
        "/recipe-form" => {
            let filled = recipe_form::filled(recipe::starter());
            world.post(path, &recipe_form::pairs(&filled, &[("do", "text"), ("text", &changed)]))
        }
        _ => world.post(path, &[]),
    }
}

/// A number in letters: a message that differs from another by its digits is the same failure.
pub(crate) fn lettered(number: &str) -> String {
    number.bytes().map(|digit| char::from(digit - b'0' + b'a')).collect()
}

/// A server function's form, on things of its own that are as it needs them.
pub(crate) async fn call(world: &World, call: &str, role: Role) -> Ask {
    let number = world.number().to_string();
    // Viewers ask for nothing: what they reach for is somebody else's.
    let asker = role.max(Developer);
    let name = call.split(" (").next().unwrap();
    let post = |fields: &[(&str, &str)]| world.post(path_of(name), fields);
    match call {
        "start_build" => {
            let version = format!("v2.{number}.0-rc.1");
            post(&[("name", RECIPE), ("revision", "2"), ("version", &version)])
        }
        "cancel_job" => post(&[("id", world.queued().await.0.id.as_str())]),
        "start_validation" => post(&[("version", &world.candidate().await)]),
        "start_guest" => {
            world.end_guests().await;
            post(&[("version", &world.candidate().await), ("entry", "linux")])
        }
        "stop_guest" | "extend_guest" | "give_up_keyboard" | "send_line" => {
            post(&[("id", world.guest(asker).await.as_str()), ("line", "root")])
        }
        "take_keyboard" => {
            let guest = world.guest(asker).await;
            world.services.give_up_keyboard(&world.actor(asker).await, &guest).await.unwrap();
            post(&[("id", guest.as_str())])
        }
        "remove_plan" => {
            let plan = world.plan().await;
            post(&[("name", &plan), ("confirm", &plan)])
        }
        "remove_suite" => {
            let suite = world.suite().await;
            post(&[("name", &suite), ("confirm", &suite)])
        }
        "attach_run" => {
            let run = world.unattached_run().await;
            post(&[("run", run.as_str()), ("release", "recorded/v0.9")])
        }
        "count_run" => {
            let run = world.brought_run("qemu", "linux", "smoke").await;
            post(&[("run", run.as_str()), ("plan", "smoke")])
        }
        "assess_failures" => {
            let run = world.failed_run(&lettered(&number)).await;
            let failure = format!("{run}/0/smoke.boot");
            post(&[("failures[]", &failure), ("blame", "lab"), ("comment", "")])
        }
        "waive_failures" => {
            let run = world.failed_run(&lettered(&number)).await;
            let until = world.in_days(7);
            let failure = format!("{run}/0/smoke.boot");
            post(&[("failures[]", &failure), ("reason", "known since long"), ("until", &until)])
        }
        "withdraw_waivers" => {
            let run = world.waived_run(&lettered(&number)).await;
            post(&[("failures[]", &format!("{run}/1/smoke.boot"))])
        }
        "withdraw_release" => {
            post(&[("version", &world.candidate().await), ("reason", "it is broken")])
        }
        "request_deployment" => post(&[
            ("environment", DEVELOPMENT),
            ("version", &world.candidate().await),
            ("reason", "to try it"),
        ]),
        "withdraw_deployment" => post(&[("id", world.requested(asker).await.id.as_str())]),
        "execute_deployment" => {
            let asked = world.requested(asker).await;
            post(&[("id", asked.id.as_str()), ("confirm", &asked.release_name)])
        }
        "judge_deployment (approve)" | "judge_deployment (refuse)" => {
            let asked = world.requested(Developer).await;
            let verdict = if call.ends_with("(refuse)") { "refused" } else { "approved" };
            let evidence = asked.evidence.to_string();
            post(&[
                ("id", asked.id.as_str()),
                ("verdict", verdict),
                ("evidence", &evidence),
                ("comment", "looked at it"),
            ])
        }
        "roll_back (development)" | "roll_back (production)" => {
            let environment = if call.ends_with("(production)") { PRODUCTION } else { DEVELOPMENT };
            let served = world.served_before(environment).await;
            post(&[
                ("environment", environment),
                ("deployment", served.id.as_str()),
                ("reason", "the new one breaks"),
                ("confirm", &served.release_name),
            ])
        }
        "start_kernel_build" => post(&[("name", &world.kernel().await), ("mode", "configure")]),
        "delete_kernel" => {
            let name = world.kernel().await;
            post(&[("name", &name), ("confirm", &name)])
        }
        "start_variant_build" => post(&[("name", &world.variant_of(asker).await)]),
        "start_variant_validation" => post(&[("name", &world.built_variant().await)]),
        "start_variant_guest" => {
            world.end_guests().await;
            post(&[("name", &world.built_variant().await), ("entry", "linux")])
        }
        "fill_slot" => {
            let variant = world.built_variant().await;
            post(&[("environment", DEVELOPMENT), ("slot", "vmlinuz-dev"), ("variant", &variant)])
        }
        "empty_slot" => {
            world.filled_slot().await;
            post(&[("environment", DEVELOPMENT), ("slot", "vmlinuz-dev")])
        }
        "assign_machine" | "boot_machine_once" => {
            let machine = world.machine_of(asker).await;
            let target = format!("release {}", world.candidate().await);
            post(&[("name", &machine), ("target", &target)])
        }
        "clear_boot_once" | "unlock_machine" => post(&[("name", &world.machine_of(asker).await)]),
        "lock_machine" => {
            post(&[("name", &world.machine().await), ("purpose", "bisect"), ("hours", "8")])
        }
        "merge_machine" => {
            let (found, into) = (world.discovered_machine().await, world.machine().await);
            post(&[("name", &found), ("into", &into)])
        }
        "remove_machine (registered)" => {
            let machine = world.machine_of(asker).await;
            post(&[("name", &machine), ("confirm", &machine)])
        }
        "remove_machine (discovered)" => post(&[("name", &world.discovered_machine().await)]),
        "change_unregistered" => {
            let unknown = if world.number().is_multiple_of(2) { "exit" } else { "refuse" };
            let adam = world.actor(Administrator).await;
            let now = world.services.unregistered(&adam).await.unwrap().pending;
            let pending = if now.word() == "menu" { "exit" } else { "menu" };
            post(&[("unknown", unknown), ("pending", pending)])
        }
        "extend_variant" => post(&[("name", &world.variant_of(asker).await), ("days", "30")]),
        "delete_variant" => {
            let name = world.variant_of(asker).await;
            post(&[("name", &name), ("confirm", &name)])
        }
        "start_collection" => {
            world.end_collections().await;
            post(&[("dry_run", "true")])
        }
        "change_room_rules" => post(&[("candidates", &number), ("floor", "0")]),
        "mark_run" => post(&[("run", world.ended_run().await.as_str())]),
        "unmark_run" => {
            let run = world.ended_run().await;
            let dave = world.actor(Developer).await;
            world.services.mark_run_important(&dave, &run).await.unwrap();
            post(&[("run", run.as_str())])
        }
        "pin_release" => {
            post(&[("version", &world.candidate().await), ("reason", "the demo next week")])
        }
        "unpin_release" => post(&[("version", &world.pinned().await)]),
        "change_policy" => post(&[("environment", DEVELOPMENT), ("approvals", "0")]),
        "create_token" => {
            post(&[("name", &format!("ci {number}")), ("role", "viewer"), ("days", "7")])
        }
        "revoke_token" => {
            let actor = world.actor(role).await;
            let new =
                NewToken { name: format!("old {number}"), role: None, scope: Scope::All, days: 1 };
            let made = world.services.create_token(&actor, new).await.unwrap();
            post(&[("id", made.token.id.as_str())])
        }
        "add_person" => post(&[("name", &format!("new-{number}")), ("role", "viewer")]),
        "change_role" | "set_disabled" | "give_password_link" => {
            let adam = world.actor(Administrator).await;
            let name = format!("person-{number}");
            world.services.add_person(&adam, &name, Role::Viewer).await.unwrap();
            match call {
                "change_role" => post(&[("name", &name), ("role", "developer")]),
                "set_disabled" => post(&[("name", &name), ("disabled", "true")]),
                _ => post(&[("name", &name)]),
            }
        }
        other => panic!("no form for the server function {other}"),
    }
}
