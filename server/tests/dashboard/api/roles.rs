//! Every operation, asked as each role and by every kind of token: the rows are those of the
//! router itself.

use app::error::sentence;
use axum::http::Method;
use domain::{
    actor::Actor,
    environment::{DEVELOPMENT, PRODUCTION},
    machine,
    person::Role,
    policy::{Action, Refusal},
    recipe,
    room::RoomRules,
    token::Scope,
};
use serde_json::{Value, json};
use server::api::{Access, Operation, operations};

use super::{ask, secret, token};
use crate::{
    http::Ask,
    roles::lettered,
    world::{
        RECIPE, World,
        kernels::definition,
        plans::{plan_definition, suite_definition},
    },
};

/// A request of an operation on things that are as it needs them, so that nothing but the role can
/// refuse it; `role` is that of whoever asks.
async fn prepared(world: &World, operation: &Operation, role: Role) -> Ask {
    let number = world.number();
    let text = format!("{}\n# change {number}\n", recipe::starter());
    let method = operation.method.as_str();
    let send = |path: String, body: Value| ask(world, method, &path, Some(&body));
    let path = operation.path.clone();
    match (method, path.as_str()) {
        ("POST", "/recipes") => {
            send(path, json!({ "name": format!("r-{number}"), "text": text, "message": "why" }))
        }
        ("PUT", "/recipes/{name}") => {
            let developer = world.actor(Role::Developer).await;
            let newest = world.services.revision(&developer, RECIPE, None).await.unwrap().number;
            send(format!("/recipes/{RECIPE}"), json!({ "text": text, "message": "why" }))
                .header("if-match", &format!("\"{newest}\""))
        }
        ("POST", "/recipe-checks") => send(path, json!({ "text": text })),
        ("POST", "/releases") => send(path, json!({ "recipe": RECIPE })),
        ("POST", "/imports") => {
            let file = |content: &str| {
                let sha256 = world.uploaded(content);
                json!({ "name": content, "sha256": sha256 })
            };
            let body = json!({
                "version": format!("v100.0.{number}-rc.1"),
                "rootfs": file("rootfs"),
                "kernels": [{ "alias": "vmlinuz-dev", "image": file("vmlinuz") }],
                "menu": "item a Debian\n:a\nkernel kernels/vmlinuz-dev nfsroot=h:/d\nboot\n",
                "login": { "user": "root", "password": "debian" },
            });
            send(path, body)
        }
        ("PUT", "/releases/{version}/notes") => {
            let version = world.candidate().await;
            let body = json!({ "notes": "new", "known_issues": "" });
            send(path.replace("{version}", &version), body).header("if-match", "\"0\"")
        }
        ("POST", "/releases/{version}/withdraw") => {
            let version = world.candidate().await;
            send(path.replace("{version}", &version), json!({ "reason": "it is broken" }))
        }
        ("PUT", "/runs/{id}/importance") => {
            ask(world, method, &path.replace("{id}", world.ended_run().await.as_str()), None)
        }
        ("DELETE", "/runs/{id}/importance") => {
            let run = world.ended_run().await;
            let dave = world.actor(Role::Developer).await;
            world.services.mark_run_important(&dave, &run).await.unwrap();
            ask(world, method, &path.replace("{id}", run.as_str()), None)
        }
        ("PUT", "/releases/{version}/pin") => {
            let version = world.candidate().await;
            send(path.replace("{version}", &version), json!({ "reason": "the demo next week" }))
        }
        ("DELETE", "/releases/{version}/pin") => {
            ask(world, method, &path.replace("{version}", &world.pinned().await), None)
        }
        ("POST", "/room/collections") => {
            world.end_collections().await;
            send(path, json!({ "dry_run": true }))
        }
        ("PUT", "/room/rules") => {
            let rules = world.services.room_rules(&Actor::command_line()).await.unwrap();
            let version = rules.version().unwrap();
            let new = RoomRules { candidates: Some(number), ..rules };
            send(path, serde_json::to_value(new).unwrap())
                .header("if-match", &format!("\"{version}\""))
        }
        ("POST", "/plans") => {
            let definition = plan_definition(&["qemu"], &[("smoke", &[])]);
            send(path, json!({ "name": format!("p-{number}"), "definition": definition }))
        }
        ("PUT", "/plans/{name}") => {
            let definition = plan_definition(&["qemu"], &[("smoke", &["smoke.kernel"])]);
            let path = path.replace("{name}", &world.plan().await);
            send(path, json!({ "definition": definition })).header("if-match", "\"1\"")
        }
        ("DELETE", "/plans/{name}") => {
            ask(world, method, &path.replace("{name}", &world.plan().await), None)
        }
        ("POST", "/suites") => {
            let definition = suite_definition("new");
            send(path, json!({ "name": format!("s-{number}"), "definition": definition }))
        }
        ("PUT", "/suites/{name}") => {
            let path = path.replace("{name}", &world.suite().await);
            send(path, json!({ "definition": suite_definition("another") }))
                .header("if-match", "\"1\"")
        }
        ("DELETE", "/suites/{name}") => {
            ask(world, method, &path.replace("{name}", &world.suite().await), None)
        }
        ("POST", "/kernels") => {
            let definition = definition("tinyconfig");
            send(path, json!({ "name": format!("k-{number}"), "definition": definition }))
        }
        ("PUT", "/kernels/{name}") => {
            let name = world.kernel().await;
            let body = json!({ "definition": definition("allnoconfig") });
            send(path.replace("{name}", &name), body).header("if-match", "\"1\"")
        }
        ("DELETE", "/kernels/{name}") => {
            ask(world, method, &path.replace("{name}", &world.kernel().await), None)
        }
        ("POST", "/kernels/{name}/builds") => {
            let name = world.kernel().await;
            send(path.replace("{name}", &name), json!({ "mode": "configure" }))
        }
        ("POST", "/variants") => {
            let base = world.candidate().await;
            send(
                path,
                json!({ "name": format!("v-{number}"), "text": format!("base = \"{base}\"\n") }),
            )
        }
        ("POST", "/variants/preview") => {
            let base = world.candidate().await;
            send(path, json!({ "definition": { "base": base } }))
        }
        ("PUT" | "DELETE", "/variants/{name}") => {
            // Viewers own nothing: what they reach for is somebody else's.
            let name = world.variant_of(role.max(Role::Developer)).await;
            let path = path.replace("{name}", &name);
            if method == "DELETE" {
                return ask(world, method, &path, None);
            }
            send(path, json!({ "description": "another" })).header("if-match", "\"1\"")
        }
        ("PUT", "/environments/{name}/slots/{slot}") => {
            let variant = world.built_variant().await;
            send(
                "/environments/development/slots/vmlinuz-dev".to_owned(),
                json!({ "variant": variant }),
            )
        }
        ("DELETE", "/environments/{name}/slots/{slot}") => {
            world.filled_slot().await;
            ask(world, method, "/environments/development/slots/vmlinuz-dev", None)
        }
        ("POST", "/variants/{name}/extend") => {
            let name = world.variant_of(role.max(Role::Developer)).await;
            send(path.replace("{name}", &name), json!({ "days": 30 }))
        }
        ("POST", "/variants/{name}/builds") => {
            let name = world.variant_of(role.max(Role::Developer)).await;
            ask(world, method, &path.replace("{name}", &name), None)
        }
        ("POST", "/variants/{name}/recipe-change") => {
            let (name, seen) = world.proposed_variant().await;
            send(path.replace("{name}", &name), json!({ "message": "take htop over" }))
                .header("if-match", &format!("\"{seen}\""))
        }
        ("POST", "/variants/{name}/validations") => {
            let name = world.built_variant().await;
            ask(world, method, &path.replace("{name}", &name), None)
        }
        ("POST", "/uploads") => {
            ask(world, method, "/uploads?name=a.deb", None).body(format!("file {number}"))
        }
        ("POST", "/results") => {
            let rows = format!("Test name,Test ID,Result,Comments\nboot {number},,PASS,\n");
            ask(world, method, "/results?machine=apu2", None).body(rows)
        }
        ("POST", "/results/manual") => send(
            path,
            json!({
                "release": format!("recorded/v0.{number}"), "machine": "apu2", "case": "DEB1.1",
                "outcome": "passed",
            }),
        ),
        ("POST", "/runs/{id}/attachment") => {
            let run = world.unattached_run().await;
            let path = path.replace("{id}", run.as_str());
            send(path, json!({ "release": format!("recorded/v1.{number}") }))
        }
        ("POST", "/releases/{version}/waivers") => {
            // What was waived of a place is waived for all releases.
            let entry = format!("linux-{number}");
            let version = world.candidate_with_entry(&entry).await;
            let body = json!({
                "plan": "smoke", "suite": "smoke", "machine": "qemu", "entry": entry,
                "case": "smoke.boot", "reason": "the board is dead", "until": world.in_days(7),
            });
            send(path.replace("{version}", &version), body)
        }
        ("PUT", "/runs/{id}/plan") => {
            let run = world.brought_run("qemu", "linux", "smoke").await;
            send(path.replace("{id}", run.as_str()), json!({ "plan": "smoke" }))
        }
        ("PUT", "/runs/{id}/cases/{case}/assessment") => {
            let run = world.failed_run(&lettered(&number.to_string())).await;
            let path = path.replace("{id}", run.as_str()).replace("{case}", "smoke.boot");
            send(path, json!({ "blame": "lab" })).header("if-match", "\"0\"")
        }
        ("PUT", "/runs/{id}/cases/{case}/waiver") => {
            let run = world.failed_run(&lettered(&number.to_string())).await;
            let path = path.replace("{id}", run.as_str()).replace("{case}", "smoke.boot");
            let body = json!({ "reason": "known since long", "until": world.in_days(7) });
            send(path, body).header("if-match", "\"0\"")
        }
        ("DELETE", "/runs/{id}/cases/{case}/waiver") => {
            let run = world.waived_run(&lettered(&number.to_string())).await;
            let path = path.replace("{id}", run.as_str()).replace("{case}", "smoke.boot");
            ask(world, method, &path, None)
        }
        ("POST", "/guests") => {
            world.end_guests().await;
            send(path, json!({ "release": world.candidate().await, "entry": "linux" }))
        }
        ("POST" | "PUT" | "DELETE", guest) if guest.starts_with("/guests/") => {
            // Viewers start nothing: what they reach for is somebody else's.
            let by = role.max(Role::Developer);
            let id = world.guest(by).await;
            if method == "PUT" {
                world.services.give_up_keyboard(&world.actor(by).await, &id).await.unwrap();
            }
            let path = path.replace("{id}", id.as_str());
            let keys = path.ends_with("/input").then(|| json!({ "text": "root\r" }));
            ask(world, method, &path, keys.as_ref())
        }
        ("POST", "/machines") => {
            send(path, json!({ "name": format!("m-{number}"), "macs": [world.mac()] }))
        }
        ("POST", "/machines/import") => {
            let table = format!("name,macs\nm-{number},{}\n", world.mac());
            ask(world, method, &path, None).body(table)
        }
        ("PUT", "/machines/rules") => {
            let rules = world.services.machine_rules(&Actor::command_line()).await.unwrap();
            let target = json!({ "kind": "environment", "name": DEVELOPMENT });
            let labels = json!({ "rack": number.to_string() });
            send(path, json!({ "rules": [{ "labels": labels, "target": target }] }))
                .header("if-match", &format!("\"{}\"", rules.revision))
        }
        ("PUT", "/machines/unregistered") => {
            let now = world.services.unregistered(&Actor::command_line()).await.unwrap();
            let unknown = if now.unknown == machine::Answer::Menu { "refuse" } else { "menu" };
            send(path, json!({ "unknown": unknown, "pending": "menu" }))
                .header("if-match", &format!("\"{}\"", now.version().unwrap()))
        }
        ("POST", "/machines/{name}/accept") => {
            let path = path.replace("{name}", &world.discovered_machine().await);
            send(path, json!({ "name": format!("m-{number}") })).header("if-match", "\"1\"")
        }
        ("POST", "/machines/{name}/merge") => {
            let path = path.replace("{name}", &world.discovered_machine().await);
            send(path, json!({ "into": world.machine().await }))
        }
        ("PUT" | "DELETE", machine) if machine.starts_with("/machines/{name}") => {
            // Viewers have no machine: what they reach for is somebody else's.
            let name = world.machine_of(role.max(Role::Developer)).await;
            let path = path.replace("{name}", &name);
            let target = json!({ "kind": "environment", "name": DEVELOPMENT });
            let body = match path.rsplit('/').next() {
                _ if method == "DELETE" => return ask(world, method, &path, None),
                Some("target") => target,
                Some("once") => json!({ "target": target }),
                Some("lock") => json!({ "purpose": "bisect further", "hours": 2 }),
                _ => json!({ "note": "a fan is loud" }),
            };
            send(path, body).header("if-match", "\"1\"")
        }
        ("POST", "/validations") => send(path, json!({ "release": world.candidate().await })),
        ("POST", "/environments/{name}/rollback") => {
            let served = world.served_before(DEVELOPMENT).await.release_name;
            let body = json!({ "release": served, "reason": "the new one breaks" });
            send(path.replace("{name}", DEVELOPMENT), body)
        }
        ("PUT", "/environments/{name}/policy") => {
            let adam = world.actor(Role::Administrator).await;
            let environment = world.services.environment(&adam, PRODUCTION).await.unwrap();
            let version = environment.policy.version().unwrap();
            let policy = json!({ "plans": [], "approvals": 1, "self_approval": false });
            send(path.replace("{name}", PRODUCTION), policy)
                .header("if-match", &format!("\"{version}\""))
        }
        ("POST", "/deployments") => {
            let release = world.candidate().await;
            let body =
                json!({ "environment": DEVELOPMENT, "release": release, "reason": "try it" });
            send(path, body)
        }
        ("POST", "/deployments/{id}/withdraw" | "/deployments/{id}/deploy") => {
            // Viewers ask for nothing: what they reach for is somebody else's.
            let asked = world.requested(role.max(Role::Developer)).await;
            ask(world, method, &path.replace("{id}", asked.id.as_str()), None)
        }
        ("POST", "/approvals") => {
            let asked = world.requested(Role::Developer).await;
            let body = json!({
                "deployment": asked.id, "verdict": "approved", "evidence": asked.evidence,
                "comment": "looked at it",
            });
            send(path, body)
        }
        ("POST", "/people") => {
            send(path, json!({ "name": format!("new-{number}"), "role": "viewer" }))
        }
        ("PATCH", "/people/{name}") | ("POST", "/people/{name}/password-link") => {
            let name = format!("person-{number}");
            world.add(&name, Role::Viewer).await;
            let path = path.replace("{name}", &name);
            if method == "PATCH" {
                send(path, json!({ "role": "developer" }))
            } else {
                ask(world, method, &path, None)
            }
        }
        ("POST", "/tokens") => send(path, json!({ "name": format!("ci {number}") })),
        ("DELETE", "/tokens/{id}") | ("GET", "/tokens/{id}") => {
            let old = token(world, role, Scope::All).await;
            ask(world, method, &path.replace("{id}", old.token.id.as_str()), None)
        }
        ("POST", "/jobs/{id}/cancel") => {
            let job = world.queued().await.0.id;
            ask(world, method, &path.replace("{id}", job.as_str()), None)
        }
        ("GET", _) => ask(world, "GET", &address(world, &path).await, None),
        other => panic!("say how to ask {other:?}"),
    }
}

/// The address of something that exists.
async fn address(world: &World, path: &str) -> String {
    let noun = path.split('/').nth(1).unwrap();
    if noun == "kernels" && path.contains('{') || path == "/kernels/diff" {
        let name = format!("built-{}", world.number());
        world.built_kernel(&name, "CONFIG_NET=y\n", &[]).await;
        return path
            .replace("{name}", &name)
            .replace("{number}", "1")
            .replace("{file}", "record.json")
            .replace("/diff", &format!("/diff?from={name}&to={name}%2F1"));
    }
    if path == "/variants/packages" {
        // Without a word nothing is looked for, in an installation that reaches no mirror.
        return format!("{path}?words=&base={}", world.candidate().await);
    }
    let (parameter, value) = match noun {
        "boots" if path.contains('{') => ("{number}", world.boot().await.to_string()),
        "variants" if path.contains('{') => ("{name}", world.variant().await),
        "recipes" => ("{name}", RECIPE.to_owned()),
        "plans" if path.contains('{') => ("{name}", world.plan().await),
        "suites" if path.contains('{') => ("{name}", world.suite().await),
        "releases" if path.contains('{') => ("{version}", world.candidate().await),
        "jobs" if path.contains('{') => ("{id}", world.queued().await.0.id.to_string()),
        "validations" if path.contains('{') => {
            let version = world.candidate().await;
            let developer = world.actor(Role::Developer).await;
            let job = world.services.start_validation(&developer, &version, None).await.unwrap().id;
            let found = world.services.validation_of_job(&developer, &job).await.unwrap();
            ("{id}", found.unwrap().id.to_string())
        }
        "runs" if path.ends_with("/console") => {
            ("{id}", world.run_with_console().await.to_string())
        }
        "runs" if path.ends_with("/assessment") => {
            let run = world.failed_run(&lettered(&world.number().to_string())).await;
            return path.replace("{id}", run.as_str()).replace("{case}", "smoke.boot");
        }
        "runs" if path.ends_with("/export") => ("{id}", world.ended_run().await.to_string()),
        "runs" if path.contains('{') => ("{id}", world.run().await.to_string()),
        "cases" => {
            world.ended_run().await;
            ("{id}", "smoke.boot".to_owned())
        }
        "comparison" => {
            let run = world.ended_run().await;
            return format!("{path}?here=run/{run}&base=run/{run}");
        }
        "guests" if path.contains('{') => ("{id}", world.guest(Role::Developer).await.to_string()),
        "environments" => ("{name}", PRODUCTION.to_owned()),
        "deployments" if path.contains('{') => {
            ("{id}", world.requested(Role::Developer).await.id.to_string())
        }
        "machines" if path.contains('{') => ("{name}", world.machine().await),
        "people" => ("{name}", "vera".to_owned()),
        _ => ("{}", String::new()),
    };
    path.replace(parameter, &value)
        .replace("{number}", "2")
        .replace("{name}", "manifest.json")
        .replace("/diff", "/diff?from=1&to=2")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_role_may_what_the_table_says_and_nothing_else() {
    let world = World::furnished().await;
    for operation in operations() {
        for role in Role::ALL {
            let about = format!("{} {} by {role}", operation.method, operation.path);
            let secret = secret(&world, role).await;
            let ask = prepared(&world, &operation, role).await.bearer(&secret);
            let before = world.audit_rows().await;
            let answer = ask.send().await;
            let after = world.audit_rows().await;
            match operation.access {
                Access::May(action) if action.allowed(role).is_err() => {
                    let (least, to) = (action.least_role(), action.phrase().to_owned());
                    let words = sentence(&Refusal::Role { to, least, role }.to_string());
                    assert_eq!(answer.problem(403), words, "{about}");
                    assert_eq!(after, before, "{about} changed something");
                }
                Access::Anyone | Access::Token | Access::May(_) => {
                    assert!((200..300).contains(&answer.status), "{about}: {}", answer.body);
                    // What only looks changes nothing, and what is typed to a guest is recorded nowhere.
                    let silent = ["/recipe-checks", "/variants/preview", "/guests/{id}/input"];
                    let changes =
                        operation.method != Method::GET && !silent.contains(&&*operation.path);
                    assert_eq!(after > before, changes, "{about} is done and recorded");
                    let addressed = matches!(answer.status, 201 | 202);
                    let location = answer.header("location");
                    assert_eq!(location.starts_with("/api/v1/"), addressed, "{about}: {location}");
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_tokens_and_those_of_another_scope_open_nothing() {
    let world = World::furnished().await;
    let adam = world.actor(Role::Administrator).await;
    let revoked = token(&world, Role::Administrator, Scope::All).await;
    world.services.revoke_token(&adam, &revoked.token.id).await.unwrap();
    let expired = token(&world, Role::Administrator, Scope::All).await;
    world.expire_token(&expired.token.id).await;
    world.add("gone", Role::Administrator).await;
    let gone = world.secret_of("gone").await;
    world.services.set_disabled(&adam, "gone", true).await.unwrap();
    let scope = Scope::Results { plan: "smoke".to_owned(), machine: "qemu".to_owned() };
    let scoped = token(&world, Role::Administrator, scope).await.secret;
    let dead = [
        ("", "Send a token:"),
        ("bw_guess", "This token is none of ours"),
        (&revoked.secret, "This token was revoked"),
        (&expired.secret, "This token has expired"),
        (&gone, "The person for whom this token acts is disabled"),
    ];
    for operation in operations() {
        let about = format!("{} {}", operation.method, operation.path);
        let ask = prepared(&world, &operation, Role::Administrator).await;
        let before = world.audit_rows().await;
        for (secret, words) in dead {
            let ask = if secret.is_empty() { ask.clone() } else { ask.clone().bearer(secret) };
            let answer = ask.send().await;
            if operation.access == Access::Anyone {
                assert_eq!(answer.status, 200, "{about}");
                continue;
            }
            let said = answer.problem(401);
            assert!(said.starts_with(words), "{about}: {said}");
            assert!(answer.header("www-authenticate").starts_with("Bearer"), "{about}");
        }
        let answer = ask.bearer(&scoped).send().await;
        match operation.access {
            Access::Anyone | Access::Token => assert_eq!(answer.status, 200, "{about}"),
            // The one thing that it is good for, and then of a manifest that it names.
            Access::May(_) if operation.path == "/results" => {
                let said = answer.problem(403);
                assert!(said.contains("results of plan \"smoke\" on machine \"qemu\" only"));
            }
            Access::May(_) => {
                let said = answer.problem(403);
                assert!(
                    said.contains("results of plan \"smoke\" on machine \"qemu\" only"),
                    "{said}"
                );
            }
        }
        assert_eq!(world.audit_rows().await, before, "{about} changed something");
    }
}

/// A token is never more than its person, whatever it was made as.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_falls_with_its_person_and_a_session_opens_no_api() {
    let world = World::furnished().await;
    let adam = world.actor(Role::Administrator).await;
    world.add("dora", Role::Developer).await;
    let secret = world.secret_of("dora").await;
    let build = |secret: &str| {
        ask(&world, "POST", "/releases", Some(&json!({ "recipe": RECIPE }))).bearer(secret)
    };
    assert_eq!(build(&secret).send().await.status, 202);
    world.services.change_role(&adam, "dora", Role::Viewer).await.unwrap();
    let said = build(&secret).send().await.problem(403);
    assert!(said.contains("you need the role developer, and yours is viewer"), "{said}");
    world.services.change_role(&adam, "dora", Role::Administrator).await.unwrap();
    let now = ask(&world, "GET", "/tokens/current", None).bearer(&secret).send().await.value();
    assert_eq!(now["role"], "developer", "it does not rise above what it was made as");

    let long = json!({ "name": "longer", "days": 300 });
    let longer = ask(&world, "POST", "/tokens", Some(&long)).bearer(&secret).send().await.value();
    let own = ask(&world, "GET", &format!("/tokens/{}", now["token"].as_str().unwrap()), None);
    let own = own.bearer(&secret).send().await.value();
    assert_eq!(longer["expires_at"], own["expires_at"], "nor does it make one that outlives it");

    let cookie = world.sign_in("adam").await;
    let by_cookie = ask(&world, "GET", "/people", None).cookie(&cookie).send().await;
    by_cookie.problem(401);
}

#[test]
fn every_action_of_the_pages_has_an_operation() {
    let operations = operations();
    for action in Action::ALL {
        // A password is set in a browser; refusing is approving with another verdict.
        if matches!(action, Action::ChangeOwnPassword | Action::Refuse) {
            continue;
        }
        assert!(
            operations.iter().any(|it| it.access == Access::May(action)),
            "no operation for {action:?}"
        );
    }
}
