//! Machines by their pages, as a browser without script uses them: forms over real HTTP, and what the boot
//! listener says afterwards.

use domain::{
    environment::DEVELOPMENT,
    machine::{BootTarget, MachineState},
    person::Role,
};

use crate::{
    http::Answer,
    kernel_form::{multipart, sent},
    roles::path_of,
    world::{World, name},
};

/// Somebody who looks at pages and sends their forms.
struct Browser<'a> {
    world: &'a World,
    cookie: String,
}

impl<'a> Browser<'a> {
    async fn of(world: &'a World, role: Role) -> Self {
        Self { world, cookie: world.sign_in(name(role)).await }
    }

    async fn page(&self, target: &str) -> String {
        let answer = read(self.world.get(target).cookie(&self.cookie).send().await);
        assert_eq!(answer.status, 200, "{target}: {}", answer.body);
        answer.body
    }

    async fn post(&self, target: &str, fields: &[(&str, &str)]) -> Answer {
        read(self.world.post(target, fields).cookie(&self.cookie).send().await)
    }

    /// Sends the form of a server function from the page of a machine, and gives the page that follows.
    async fn act(&self, call: &str, machine: &str, fields: &[(&str, &str)]) -> String {
        let fields: Vec<_> =
            [("name", machine)].into_iter().chain(fields.iter().copied()).collect();
        let referer = format!("http://{}/machines/{machine}", self.world.address);
        let ask = self.world.post(path_of(call), &fields).cookie(&self.cookie);
        let answer = ask.header("referer", &referer).send().await;
        assert!(matches!(answer.status, 302 | 303), "{call}: {} {}", answer.status, answer.body);
        self.page(answer.header("location")).await
    }

    async fn table(&self, parts: &[(&str, Option<&str>, &str)]) -> Answer {
        let form = sent(self.world, "/machines/import", multipart(parts));
        read(form.cookie(&self.cookie).send().await)
    }
}

/// An answer as people read it: without the marks between the parts of a page.
fn read(mut answer: Answer) -> Answer {
    answer.body = answer.body.replace("<!>", "");
    answer
}

/// How often words stand on a page.
fn times(page: &str, words: &str) -> usize {
    page.matches(words).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_is_registered_and_nothing_typed_is_lost() {
    let world = World::furnished().await;
    let dave = Browser::of(&world, Role::Developer).await;
    assert!(dave.page("/machines").await.contains("There is no machine yet"));
    let other = world.machine().await;
    let wrong = [
        ("name", "rules"),
        ("macs", "52:54:00:00:00:01 nonsense"),
        ("labels", "rack"),
        ("location", "row <1>"),
        ("note", "</textarea><b>bold"),
    ];
    let answer = dave.post("/machines/new", &wrong).await;
    assert_eq!(answer.status, 422);
    let page = &answer.body;
    assert!(page.contains("and is none of new, import"), "{page}");
    assert!(page.contains("nonsense") && page.contains("is no label"), "{page}");
    assert!(page.contains(r#"value="row &lt;1&gt;""#) && page.contains("&lt;/textarea>"), "{page}");
    let taken = [("name", &*other), ("macs", "52:54:00:00:00:01"), ("architecture", "arm64")];
    let answer = dave.post("/machines/new", &taken).await;
    assert_eq!(answer.status, 422);
    assert!(answer.body.contains(&format!("There is a machine called {other} already")));
    assert!(answer.body.contains(r#"<option value="arm64" selected>"#), "{}", answer.body);

    let right =
        [("name", "apu-7"), ("macs", "52:54:00:00:00:01"), ("labels", "rack=3"), ("note", "loud")];
    let answer = dave.post("/machines/new", &right).await;
    assert_eq!((answer.status, answer.header("location")), (303, "/machines/apu-7"));
    let page = dave.page("/machines/apu-7").await;
    assert!(page.contains("52:54:00:00:00:01") && page.contains("rack=3"), "{page}");
    let list = dave.page("/machines?label=rack%3D3").await;
    assert!(list.contains("apu-7") && !list.contains(&other), "{list}");
    let fault = dave.page("/machines?label=rack").await;
    assert!(fault.contains("written key=value") && fault.contains(r#"value="rack""#), "{fault}");

    // Whoever is late is told so, and keeps what they typed.
    let renamed = [("base", "1"), ("name", "apu-8"), ("macs", "52:54:00:00:00:01")];
    let answer = dave.post("/machines/apu-7", &renamed).await;
    assert_eq!((answer.status, answer.header("location")), (303, "/machines/apu-8"));
    let late = [("base", "1"), ("name", "apu-9"), ("macs", "52:54:00:00:00:01")];
    let answer = dave.post("/machines/apu-8", &late).await;
    assert_eq!(answer.status, 409);
    assert!(answer.body.contains("has revision 2 by now"), "{}", answer.body);
    assert!(answer.body.contains(r#"value="apu-9""#), "{}", answer.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_turns_up_is_accepted_merged_or_discarded() {
    let world = World::furnished().await;
    let dave = Browser::of(&world, Role::Developer).await;
    let (first, second, third) = (
        world.discovered_machine().await,
        world.discovered_machine().await,
        world.discovered_machine().await,
    );
    let list = dave.page("/machines").await;
    assert!(list.contains("3 machines wait to be accepted"), "{list}");
    assert_eq!(times(&dave.page("/machines?state=pending").await, "badge wait"), 3);
    let page = dave.page(&format!("/machines/{first}")).await;
    assert!(page.contains("it gets the menu of production") && !page.contains("Let it boot"));

    let mac = world.mac();
    let draft = [("base", "1"), ("do", "accept"), ("name", "nuc-a"), ("macs", &*mac)];
    let answer = dave.post(&format!("/machines/{first}"), &draft).await;
    assert_eq!((answer.status, answer.header("location")), (303, "/machines/nuc-a"));
    let merged = dave.act("merge_machine", &second, &[("into", "nuc-a")]).await;
    assert!(merged.contains("nuc-a") && merged.contains(&mac), "{merged}");
    let nobody = dave.act("merge_machine", &third, &[("into", "nobody")]).await;
    assert!(nobody.contains("There is no machine nobody"), "{nobody}");
    let list = dave.act("remove_machine", &third, &[]).await;
    assert!(list.contains("nuc-a") && !list.contains("to be accepted"), "{list}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_is_locked_pinned_and_let_go() {
    let world = World::furnished().await;
    let (dave, anna, adam) = (
        Browser::of(&world, Role::Developer).await,
        Browser::of(&world, Role::Approver).await,
        Browser::of(&world, Role::Administrator).await,
    );
    let (machine, release) = (world.machine().await, world.candidate().await);
    world.serve(DEVELOPMENT, &release).await;
    let page = format!("/machines/{machine}");
    let target = format!("release {release}");
    // It follows production: a developer locks it first, and both say so.
    let words = "This machine follows production";
    assert!(dave.page(&page).await.contains(words));
    let refused = dave.act("assign_machine", &machine, &[("target", &target)]).await;
    assert!(refused.contains(words) && refused.contains("Not allowed"), "{refused}");
    let hours = [("purpose", "bisect <panic>"), ("hours", "8")];
    let locked = dave.act("lock_machine", &machine, &hours).await;
    assert!(locked.contains("bisect &lt;panic&gt;") && !locked.contains(words), "{locked}");
    let assigned = dave.act("assign_machine", &machine, &[("target", &target)]).await;
    assert!(assigned.contains("assigned") && assigned.contains(&release), "{assigned}");
    let chosen = format!(r#"<option value="{target}" selected>"#);
    assert!(assigned.contains(&chosen), "{assigned}");
    let missing = [("target", &*target), ("entry", "windows")];
    let missing = dave.act("boot_machine_once", &machine, &missing).await;
    assert!(missing.contains("has the entries linux"), "{missing}");
    let once = [("target", &*target), ("entry", "linux")];
    let once = dave.act("boot_machine_once", &machine, &once).await;
    assert!(once.contains("asked for by dave"), "{once}");
    let back = dave.act("clear_boot_once", &machine, &[]).await;
    assert!(!back.contains("asked for by dave"), "{back}");

    // Nobody else changes it, but an administrator who says why.
    let theirs = anna.page(&page).await;
    assert!(theirs.contains("dave has locked this machine until"), "{theirs}");
    assert!(!theirs.contains("does not hold"), "{theirs}");
    let refused = anna.act("unlock_machine", &machine, &[("reason", "I want it")]).await;
    assert!(refused.contains("Not allowed"), "{refused}");
    assert!(adam.page(&page).await.contains("Why the lock of dave does not hold"));
    let silent = adam.act("unlock_machine", &machine, &[("reason", "")]).await;
    assert!(silent.contains("Not allowed"), "{silent}");
    let free = adam.act("unlock_machine", &machine, &[("reason", "it burns")]).await;
    assert!(free.contains("Nobody has locked it"), "{free}");
    assert!(adam.page("/audit").await.contains("it burns"));

    let followed = anna.act("assign_machine", &machine, &[("target", "")]).await;
    assert!(followed.contains("by default"), "{followed}");
    let unconfirmed = anna.act("remove_machine", &machine, &[("confirm", "x")]).await;
    assert!(unconfirmed.contains(&format!("Type {machine} to confirm")), "{unconfirmed}");
    let removed = anna.act("remove_machine", &machine, &[("confirm", &machine)]).await;
    assert!(removed.contains("There is no machine yet"), "{removed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_is_looked_at_before_it_is_taken() {
    let world = World::furnished().await;
    let dave = Browser::of(&world, Role::Developer).await;
    let table =
        "name,macs,labels\nnuc-a,52:54:00:00:01:01,rack=3\nnuc-b,52:54:00:00:01:02,rack=3\n";
    let faulty =
        table.replace("52:54:00:00:01:02", "52:54:00:00:01:01").replace("3\nnuc-b", "\nnuc-b");
    let answer = dave.table(&[("table", None, &faulty)]).await;
    assert_eq!(answer.status, 422);
    assert!(answer.body.contains("1 fault; nothing is taken"), "{}", answer.body);
    assert!(answer.body.contains("is no label") && answer.body.contains("nuc-a,52:54"));

    // By a file, which is in the form then. To take it at once only looks at it.
    let file = ("file", Some("machines.csv"), table);
    let answer = dave.table(&[("table", None, ""), file, ("do", None, "take")]).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let page = &answer.body;
    assert!(page.contains("It would register 2 machines and change 0"), "{page}");
    assert!(page.contains("nuc-a, nuc-b") && page.contains(">Take it<"), "{page}");
    assert!(dave.page("/machines").await.contains("There is no machine yet"));
    let seen = page.split(r#"name="seen" value=""#).nth(1).unwrap();
    let seen = &seen[..64];
    let typed = table.replace('\n', "\r\n");
    let edited = typed.replace("nuc-b", "nuc-c");
    let take = |table| {
        [("table", None, table), ("file", Some(""), ""), ("seen", None, seen), ("do", None, "take")]
    };
    let other = dave.table(&take(&edited)).await;
    assert_eq!(other.status, 200, "another table is looked at once more");
    let answer = dave.table(&take(&typed)).await;
    assert_eq!((answer.status, answer.header("location")), (303, "/machines/import?taken=2-0-0"));
    let taken = dave.page(answer.header("location")).await;
    assert!(taken.contains("Taken: 2 machines registered, 0 changed"), "{taken}");
    let export = world.get("/machines/export").cookie(&dave.cookie).send().await;
    assert!(export.header("content-disposition").contains("machines.csv"));
    assert!(export.body.contains("nuc-b,52:54:00:00:01:02"), "{}", export.body);
    let empty = dave.table(&[("table", None, " "), ("file", Some(""), "")]).await;
    assert!(empty.status == 422 && empty.body.contains("Type a table, or choose a file"));
    let bytes = [("file", Some("a.csv"), "name\n\u{fffd}")];
    let mut body = multipart(&bytes);
    let at = body.windows(3).position(|it| it == "\u{fffd}".as_bytes()).unwrap();
    body.splice(at..at + 3, [0xff]);
    let answer = sent(&world, "/machines/import", body).cookie(&dave.cookie).send().await;
    assert!(answer.status == 422 && answer.body.contains("not in UTF-8"), "{}", answer.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_are_a_text_and_strangers_get_what_is_said() {
    let world = World::furnished().await;
    let (dave, anna, adam) = (
        Browser::of(&world, Role::Developer).await,
        Browser::of(&world, Role::Approver).await,
        Browser::of(&world, Role::Administrator).await,
    );
    assert!(dave.page("/machines/rules").await.contains("you need the role approver"));
    let text = "# the lab\r\nrack=3 => environment development\r\nrack => nothing\r\n";
    let wrong = anna.post("/machines/rules", &[("base", "0"), ("text", text)]).await;
    assert_eq!(wrong.status, 422);
    assert!(wrong.body.contains("1 fault; nothing was saved"), "{}", wrong.body);
    assert!(wrong.body.contains(r##"href="#line-3""##), "{}", wrong.body);
    assert!(wrong.body.contains("rack => nothing"), "{}", wrong.body);
    let unknown = [("base", "0"), ("text", "rack=3 => release v9.9.9")];
    let unknown = anna.post("/machines/rules", &unknown).await;
    assert!(unknown.status == 422 && unknown.body.contains("v9.9.9"), "{}", unknown.body);
    let right = [("base", "0"), ("text", "rack=3 => environment development\n")];
    assert_eq!(anna.post("/machines/rules", &right).await.status, 303);
    let late = anna.post("/machines/rules", &right).await;
    assert!(late.status == 409 && late.body.contains("revision 1 by now"), "{}", late.body);
    dave.post(
        "/machines/new",
        &[("name", "a"), ("macs", "52:54:00:00:02:01"), ("labels", "rack=3")],
    )
    .await;
    let page = dave.page("/machines/a").await;
    assert!(page.contains("rule 1") && page.contains(DEVELOPMENT), "{page}");

    let fields = [("unknown", "refuse"), ("pending", "exit")];
    let referer = format!("http://{}/machines/rules", world.address);
    let ask = world.post(path_of("change_unregistered"), &fields).cookie(&adam.cookie);
    assert_eq!(ask.header("referer", &referer).send().await.status, 302);
    let page = adam.page("/machines/rules").await;
    assert_eq!(times(&page, r#"<option value="refuse" selected>"#), 1, "{page}");
    assert_eq!(times(&page, r#"<option value="exit" selected>"#), 1, "{page}");
    let script = world.boot_script(&world.mac()).await;
    assert!(script.contains("echo"), "{script}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_machine_runs_stands_beside_what_it_should() {
    let world = World::furnished().await;
    let anna = Browser::of(&world, Role::Approver).await;
    let (machine, release) = (world.machine().await, world.bootable().await);
    assert!(anna.page("/machines").await.contains("nothing to boot"));
    assert!(anna.page("/machines/drift").await.contains("No machine has reported"));
    let target = format!("release {release}");
    world.serve(DEVELOPMENT, &release).await;
    anna.act("assign_machine", &machine, &[("target", &target)]).await;
    let actor = world.actor(Role::Approver).await;
    let found = world.services.machine(&actor, &machine).await.unwrap();
    assert_eq!(found.assigned.target, BootTarget::Release(release));
    assert_eq!(found.machine.state, MachineState::Accepted);
    let another = world.runs_another(&machine).await;
    for page in ["/machines", "/machines/drift", &format!("/machines/{machine}")] {
        let shown = anna.page(page).await;
        assert!(shown.contains(&another), "{page}: {shown}");
    }
    assert!(anna.page("/machines").await.contains("drifts"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_of_booting_is_filled_in() {
    let world =
        World::with_options(&["--nfs-listen", "off", "--tftp-listen", "127.0.0.1:6969"]).await;
    world.add("vera", Role::Viewer).await;
    let vera = Browser::of(&world, Role::Viewer).await;
    // The listener of these tests is bound to one address.
    let page = vera.page("/machines/booting").await;
    assert!(page.contains("chain http://127.0.0.1:9/menu.ipxe"), "{page}");
    assert!(page.contains("answers on this host alone"), "{page}");
    assert!(page.contains("asks port 69 only") && page.contains("--nfs-listen 0.0.0.0:2049"));
    let page = vera.page("/machines/booting?address=10.77.0.1").await;
    assert!(page.contains("http://10.77.0.1:9/boot.ipxe"), "{page}");
    assert!(!page.contains("{address}") && !page.contains("{port}"), "{page}");
    for address in ["0.0.0.0", "%3Cscript%3E", "fe80::1", "host.example"] {
        let page = vera.page(&format!("/machines/booting?address={address}")).await;
        assert!(page.contains("This is no IPv4 address of a host"), "{address}: {page}");
        assert!(!page.contains("<script>e") && !page.contains("boot.ipxe"), "{address}");
    }
}
