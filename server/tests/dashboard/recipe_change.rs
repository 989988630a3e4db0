//! A variant as a change of its base's recipe: looked at and saved, as a browser without script does.

use domain::{person::Role, recipe::Revision, variant};
use services::variants::VariantDraft;

use crate::{
    http::Answer,
    world::{RECIPE, World, name},
};

struct Change {
    world: World,
    cookie: String,
    /// Name of the variant.
    variant: String,
    target: String,
}

impl Change {
    async fn open() -> Self {
        let world = World::furnished().await;
        let cookie = world.sign_in(name(Role::Developer)).await;
        let (variant, _) = world.proposed_variant().await;
        let target = format!("/variants/{variant}/recipe-change");
        Self { world, cookie, variant, target }
    }

    async fn page(&self) -> Answer {
        self.world.get(&self.target).cookie(&self.cookie).send().await
    }

    /// What somebody who has `page` before them sends.
    async fn save(&self, page: &Answer, message: &str) -> Answer {
        let fields = [("seen", seen(page)), ("message", message)];
        self.world.post(&self.target, &fields).cookie(&self.cookie).send().await
    }

    async fn newest(&self) -> Revision {
        let dave = self.world.actor(Role::Developer).await;
        self.world.services.revision(&dave, RECIPE, None).await.unwrap()
    }

    /// Somebody else saves the recipe with this in place of that.
    async fn revised(&self, from: &str, to: &str) {
        let anna = self.world.actor(Role::Approver).await;
        let newest = self.newest().await;
        let text = newest.text.replace(from, to);
        let saved =
            self.world.services.save_revision(&anna, RECIPE, newest.number, &text, "another");
        saved.await.unwrap();
    }
}

fn seen(page: &Answer) -> &str {
    let field = page.body.split("name=\"seen\" value=\"").nth(1).expect("a form");
    field.split('"').next().unwrap()
}

fn holds(page: &Answer, told: &[&str]) {
    for told in told {
        assert!(page.body.contains(told), "{told}: {}", page.body);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_looked_at_is_the_next_revision() {
    let change = Change::open().await;
    let before = change.newest().await.number;
    let page = change.page().await;
    assert_eq!(page.status, 200, "{}", page.body);
    let save = format!("Save as revision {}", before + 1);
    holds(&page, &[&save, &format!("r{before}: "), "htop", "Nothing: a recipe has words for all"]);
    let of_variant =
        change.world.get(&format!("/variants/{}", change.variant)).cookie(&change.cookie);
    holds(&of_variant.send().await, &[&format!("href=\"{}\"", change.target)]);
    // A message is required, and the page comes back where it is none.
    let wordless = change.save(&page, " ").await;
    assert_eq!(wordless.status, 422, "{}", wordless.body);
    holds(&wordless, &["Say in 3 to 2000 characters"]);
    assert_eq!(change.newest().await.number, before);

    let saved = change.save(&page, "htop helped").await;
    let address = format!("/recipes/{RECIPE}");
    assert_eq!((saved.status, saved.header("location")), (303, &*address), "{}", saved.body);
    let newest = change.newest().await;
    assert_eq!((newest.number, &*newest.message), (before + 1, "htop helped"));
    assert!(newest.text.contains("\"htop\","), "{}", newest.text);
    let done = change.page().await;
    holds(&done, &["there is nothing to save"]);
    assert!(!done.body.contains("Save as revision"), "{}", done.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_saves_what_they_did_not_look_at() {
    let change = Change::open().await;
    let page = change.page().await;
    change.revised("timeout_ms = 3000", "timeout_ms = 9000").await;
    let newest = change.newest().await;
    let late = change.save(&page, "htop <helped>").await;
    assert_eq!(late.status, 409, "{}", late.body);
    let now = format!("revision {} of {RECIPE} now, which anna saved", newest.number);
    let next = format!("Save as revision {}", newest.number + 1);
    holds(&late, &["Something changed meanwhile", &now, &next, "value=\"htop &lt;helped&gt;\""]);
    assert_eq!(change.newest().await.number, newest.number, "nothing was saved");
    // The page that came back is the change as it is now.
    assert_eq!(change.save(&late, "htop helped").await.status, 303);
    assert!(change.newest().await.text.contains("timeout_ms = 9000"));

    // The variant may change as well.
    let (variant, _) = change.world.proposed_variant().await;
    let change = Change { target: format!("/variants/{variant}/recipe-change"), variant, ..change };
    let page = change.page().await;
    let dave = change.world.actor(Role::Developer).await;
    let summary = change.world.services.variant(&dave, &change.variant).await.unwrap().variant;
    let text = format!(
        "base = \"{}\"\nhostname = \"probe\"\n[packages]\nadd = [\"htop\", \"tree\"]\n",
        summary.definition.base
    );
    let definition = variant::parse(&text).unwrap();
    let draft = VariantDraft { description: String::new(), days: 14, definition };
    let services = &change.world.services;
    services.change_variant(&dave, &change.variant, summary.revision, draft).await.unwrap();
    let late = change.save(&page, "htop helped").await;
    assert_eq!(late.status, 409, "{}", late.body);
    holds(&late, &["tree", "the host name: each release names", "value=\"htop helped\""]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_else_saved_already_is_said() {
    let change = Change::open().await;
    let page = change.page().await;
    change.revised("packages = [", "packages = [\n  \"htop\",").await;
    let late = change.save(&page, "htop helped").await;
    assert_eq!(late.status, 409, "{}", late.body);
    holds(&late, &["there is nothing to save", "value=\"htop helped\"", "disabled"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_may_not_edit_recipes_sees_why() {
    let change = Change::open().await;
    let vera = change.world.sign_in(name(Role::Viewer)).await;
    let before = change.world.audit_rows().await;
    let page = change.world.get(&change.target).cookie(&vera).send().await;
    holds(&page, &["htop", "disabled", "class=\"reason\"", "viewer"]);
    let fields = [("seen", seen(&page)), ("message", "take it over")];
    let refused = change.world.post(&change.target, &fields).cookie(&vera).send().await;
    assert_eq!(refused.status, 403, "{}", refused.body);
    let none = change.world.post("/variants/none/recipe-change", &fields).cookie(&change.cookie);
    assert_eq!(none.send().await.status, 404);
    assert_eq!(change.world.audit_rows().await, before);
}
