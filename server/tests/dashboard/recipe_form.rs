//! The form beside a recipe's text, as a browser without script sends it, and as none does.

use domain::{
    person::Role,
    recipe::form::{Group, Seen, read, to_fields},
};

use crate::{
    http::{Answer, Ask, form},
    world::{RECIPE, World, name},
};

/// The fields of a page that shows the form of `text`.
pub(crate) fn filled(text: &str) -> Vec<(String, String)> {
    let values = read(text).unwrap();
    let mut fields = to_fields(&values);
    fields.push(("seen".to_owned(), Seen::of(&values).to_string()));
    fields
}

/// Those fields with others, and with what every editor sends.
pub(crate) fn pairs<'a>(
    filled: &'a [(String, String)],
    others: &[(&'a str, &'a str)],
) -> Vec<(&'a str, &'a str)> {
    let given = |name: &str| others.iter().any(|(other, _)| *other == name);
    let filled = filled.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    filled
        .filter(|(name, _)| !given(name))
        .chain(others.iter().copied())
        .chain([("base", "2"), ("message", "by form")].into_iter().filter(|(it, _)| !given(it)))
        .collect()
}

struct Editor {
    world: World,
    cookie: String,
    /// The newest text and the form that its page shows.
    text: String,
    fields: Vec<(String, String)>,
}

impl Editor {
    async fn open() -> Self {
        let world = World::furnished().await;
        let cookie = world.sign_in(name(Role::Developer)).await;
        let dave = world.actor(Role::Developer).await;
        let text = world.services.revision(&dave, RECIPE, None).await.unwrap().text;
        let fields = filled(&text);
        Self { world, cookie, text, fields }
    }

    fn ask(&self, target: &str, others: &[(&str, &str)]) -> Ask {
        let text: &str = &self.text;
        let with_text: Vec<(&str, &str)> = if others.iter().any(|(name, _)| *name == "text") {
            others.to_vec()
        } else {
            others.iter().copied().chain([("text", text)]).collect()
        };
        self.world.post(target, &pairs(&self.fields, &with_text)).cookie(&self.cookie)
    }

    async fn send(&self, others: &[(&str, &str)]) -> Answer {
        self.ask(&format!("/recipes/{RECIPE}"), others).send().await
    }

    async fn newest(&self) -> String {
        let dave = self.world.actor(Role::Developer).await;
        self.world.services.revision(&dave, RECIPE, None).await.unwrap().text
    }
}

fn decoded(markup: &str) -> String {
    let markup = markup.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"");
    markup.replace("&amp;", "&")
}

/// The text that an editor shows.
fn text_of(answer: &Answer) -> String {
    let area = answer.body.split("<textarea id=\"text\"").nth(1).expect("an editor");
    let source = area.split_once('>').unwrap().1.split("</textarea>").next().unwrap();
    decoded(source.strip_prefix('\n').unwrap())
}

/// The value of a field of one line that an editor shows.
fn value_of(answer: &Answer, name: &str) -> Option<String> {
    let input =
        answer.body.split("<input ").find(|it| it.contains(&format!(" name=\"{name}\"")))?;
    let value = input.split('>').next()?.split_once("value=\"")?.1.split('"').next()?;
    Some(decoded(value))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_form_is_applied_to_the_text_and_nothing_is_saved() {
    let editor = Editor::open().await;
    let before = editor.world.audit_rows().await;
    let answer = editor.send(&[("do", "apply"), ("form.system.suite", "trixie")]).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let changed = editor.text.replace("\"bookworm\"", "\"trixie\"");
    assert_eq!(text_of(&answer), changed);
    assert_eq!(value_of(&answer, "form.system.suite").as_deref(), Some("trixie"));
    assert!(answer.body.contains("Nothing is saved yet"), "{}", answer.body);
    // What was changed in the text meanwhile stays, with what it says elsewhere.
    let text = editor.text.replace("timeout_ms = 3000", "timeout_ms = 9000 # slow");
    let answer =
        editor.send(&[("do", "apply"), ("form.system.suite", "trixie"), ("text", &text)]).await;
    assert_eq!(text_of(&answer), text.replace("\"bookworm\"", "\"trixie\""));
    assert_eq!(value_of(&answer, "form.menu.timeout_ms").as_deref(), Some("9000"));
    assert_eq!(editor.newest().await, editor.text);
    assert_eq!(editor.world.audit_rows().await, before, "nothing was saved");
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_come_and_go() {
    let editor = Editor::open().await;
    let answer = editor.send(&[("do", "add.users"), ("form.users.0.name", "ann")]).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(value_of(&answer, "form.users.0.name").as_deref(), Some("ann"));
    assert_eq!(value_of(&answer, "form.users.1.name").as_deref(), Some(""));
    assert!(text_of(&answer).contains("[[users]]\nname = \"\"\n"), "{}", text_of(&answer));
    let answer = editor.send(&[("do", "remove.users.0")]).await;
    assert_eq!(value_of(&answer, "form.users.0.name"), None);
    assert!(!text_of(&answer).contains("[[users]]"));
    assert!(text_of(&answer).contains("# Accounts. Whoever"));
    for row in ["remove.users.1", "remove.users.99999999999", "remove.menu.0", "add.system"] {
        let answer = editor.send(&[("do", row)]).await;
        assert_eq!(answer.status, 409, "{row}: {}", answer.body);
        assert_eq!(text_of(&answer), editor.text, "{row}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_form_is_read_from_the_text() {
    let editor = Editor::open().await;
    let text = editor.text.replace("\"bookworm\"", "\"sid\"");
    let fields = [("do", "read"), ("text", &*text), ("form.system.suite", "trixie")];
    let answer = editor.send(&fields).await;
    assert_eq!((answer.status, text_of(&answer)), (200, text));
    assert_eq!(value_of(&answer, "form.system.suite").as_deref(), Some("sid"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_applied_is_saved_all_the_same() {
    let editor = Editor::open().await;
    let text = editor.text.replace("timeout_ms = 3000", "timeout_ms = 9000");
    // As browsers write the ends of lines.
    let sent = text.replace('\n', "\r\n");
    let answer = editor.send(&[("form.system.suite", "trixie"), ("text", &sent)]).await;
    assert_eq!(answer.status, 303, "{}", answer.body);
    assert_eq!(editor.newest().await, text.replace("\"bookworm\"", "\"trixie\""));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_different_changes_are_not_saved_before_somebody_chose() {
    let editor = Editor::open().await;
    let text = editor.text.replace("\"bookworm\"", "\"sid\"");
    let both = [("form.system.suite", "trixie"), ("text", &*text)];
    let answer = editor.send(&both).await;
    assert_eq!(answer.status, 409, "{}", answer.body);
    assert!(decoded(&answer.body).contains("\"suite\" was changed in the form and in the text"));
    assert_eq!(text_of(&answer), text);
    assert_eq!(value_of(&answer, "form.system.suite").as_deref(), Some("trixie"));
    assert_eq!(editor.newest().await, editor.text);
    for (task, suite) in [("apply", "trixie"), ("read", "sid")] {
        let answer = editor.send(&[both[0], both[1], ("do", task)]).await;
        assert_eq!(answer.status, 200, "{task}");
        assert!(text_of(&answer).contains(&format!("suite = \"{suite}\"")), "{task}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_that_is_no_toml_stays_and_the_form_says_so() {
    let editor = Editor::open().await;
    let text = editor.text.replace("  \"udev\",", "  \"udev,");
    let line = 1 + text.lines().position(|line| line == "  \"udev,").unwrap();
    for task in ["apply", "read", "add.files", "remove.users.0", ""] {
        let fields = [("do", task), ("text", &*text), ("form.system.suite", "trixie")];
        let answer = editor.send(&fields).await;
        assert_eq!(answer.status, 422, "{task}: {}", answer.body);
        assert_eq!(text_of(&answer), text, "{task}");
        assert_eq!(value_of(&answer, "form.system.suite").as_deref(), Some("trixie"), "{task}");
        let says = format!("The text cannot be read from line {line} on");
        assert!(answer.body.contains(&says), "{task}: {}", answer.body);
    }
    assert_eq!(editor.newest().await, editor.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_with_script_is_told_the_other_side() {
    let editor = Editor::open().await;
    let step = |others: Vec<(&'static str, String)>| {
        let others: Vec<(&str, &str)> =
            others.iter().map(|(name, value)| (*name, value.as_str())).collect();
        editor.ask("/recipe-form", &others).header("accept", "*/*")
    };
    let answer =
        step(vec![("do", "form".into()), ("form.system.suite", "trixie".into())]).send().await;
    assert_eq!(answer.header("content-type"), "application/json");
    let told: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(told["text"], editor.text.replace("\"bookworm\"", "\"trixie\""));
    let text = editor.text.replace("\"bookworm\"", "\"sid\"");
    let answer = step(vec![("do", "text".into()), ("text", text)]).send().await;
    let told: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(told["text"], serde_json::Value::Null);
    assert!(told["form"].as_str().unwrap().contains("value=\"sid\""), "{told}");
    // Another origin's page gets nothing, and neither does whoever may not edit.
    let ask = step(vec![("do", "text".into())]);
    assert_eq!(ask.clone().header("origin", "http://evil.example").send().await.status, 403);
    let vera = editor.world.sign_in(name(Role::Viewer)).await;
    assert_eq!(ask.clone().cookie(&vera).send().await.status, 403);
    let apply = editor.ask(&format!("/recipes/{RECIPE}"), &[("do", "apply")]).cookie(&vera);
    assert_eq!(apply.send().await.status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_that_is_none_is_refused() {
    let editor = Editor::open().await;
    let before = editor.world.audit_rows().await;
    let recipe = format!("/recipes/{RECIPE}");
    let whole = pairs(&editor.fields, &[("text", &editor.text), ("do", "form")]);
    let without = |name: &str| {
        form(&whole.iter().copied().filter(|(known, _)| *known != name).collect::<Vec<_>>())
    };
    let with = |name, value| form(&[&whole[..], &[(name, value)]].concat());
    let other = |name, value: &str| without(name) + "&" + &form(&[(name, value)]);
    let bodies = [
        without("form.system.suite"),
        without("form.users.0.shell"),
        with("form.users.0.colour", "red"),
        with("form.users.99999999999999999999.name", "x"),
        with("form.users.7.name", "x"),
        with("form.users.0.name", "x"),
        with("form.nothing", ""),
        with("do", "apply"),
        other("do", "remove.users.-1"),
        other("do", "add.constructor"),
        other("seen", "x"),
        other("seen", &"a".repeat(100_000)),
        without("text"),
        without("message"),
    ];
    for target in [&*recipe, "/recipes/new", "/recipe-form"] {
        for body in &bodies {
            let ask = Ask::post(editor.world.address, target, body.clone());
            let answer = ask.cookie(&editor.cookie).send().await;
            let about = format!("{target}: {}", &body[body.len().saturating_sub(80)..]);
            assert_eq!(answer.status, 422, "{about}: {}", answer.body);
            assert!(answer.is_html() && answer.body.contains("not sent whole"), "{about}");
        }
    }
    // The step knows no saving, and a form without its text is none.
    for task in ["", "save"] {
        let answer = editor.ask("/recipe-form", &[("do", task)]).send().await;
        assert_eq!(answer.status, 422, "{task}");
    }
    assert_eq!(editor.world.audit_rows().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_values_stay_values() {
    let editor = Editor::open().await;
    let long = "x\n".repeat(100_000);
    for value in ["a\0b", "\"\"\"\n[[users]]\nname = \"eve\"\n", "</textarea><script>", &long] {
        for field in ["form.system.suite", "form.system.issue", "form.users.0.ssh_keys"] {
            let answer = editor.send(&[("do", "apply"), (field, value)]).await;
            let about = format!("{field}: {value:.20}");
            assert!(matches!(answer.status, 200 | 422), "{about}: {}", answer.status);
            assert!(!answer.body.contains("<script>"), "{about}");
            let text = text_of(&answer);
            let read = read(&text).unwrap();
            assert_eq!(read.rows(Group::Users).len(), 1, "{about}: {text}");
        }
    }
    // Eight thousand rows are many, and no reason to wait.
    let rows: Vec<(String, String)> = (0..8_000)
        .flat_map(|row| {
            let field =
                move |key: &str, value: String| (format!("form.kernels.{row}.{key}"), value);
            [
                field("alias", format!("k{row}")),
                field("flavor", "linux".to_owned()),
                field("package", format!("p{row}")),
                field("kernel", String::new()),
            ]
        })
        .collect();
    let mut fields = editor.fields.clone();
    fields.retain(|(name, _)| !name.starts_with("form.kernels."));
    let body = form(&pairs(&[fields, rows].concat(), &[("do", "form"), ("text", &editor.text)]));
    assert!(body.len() < 1 << 20, "it is read: {}", body.len());
    let ask = Ask::post(editor.world.address, "/recipe-form", body).cookie(&editor.cookie);
    let answer = ask.send().await;
    assert!(matches!(answer.status, 200 | 413), "{}", answer.status);
}
