//! Results of a variant beside those of its base, on its page and as JSON.

use domain::{
    person::Role,
    run::Outcome::{Failed, NotRun, Passed},
};

use crate::{
    http::Answer,
    world::{World, name},
};

/// The rows of the page, each as its words.
fn rows(page: &Answer) -> Vec<String> {
    let table = page.body.split("<tbody>").nth(1).expect("a table");
    let table = table.split("</tbody>").next().unwrap();
    table.split("<tr>").skip(1).map(words).collect()
}

/// The words of some markup.
fn words(markup: &str) -> String {
    let tagless = markup.split('<').map(|it| it.split_once('>').map_or("", |(_, text)| text));
    tagless.collect::<Vec<_>>().join(" ").split_whitespace().collect::<Vec<_>>().join(" ")
}

fn holds(page: &Answer, told: &str) {
    assert!(words(&page.body).contains(told), "{told}: {}", words(&page.body));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_differs_is_said_case_by_case() {
    let world = World::furnished().await;
    let cookie = world.sign_in(name(Role::Viewer)).await;
    let built = world.built_variant().await;
    let dave = world.actor(Role::Developer).await;
    let base = world.services.variant(&dave, &built).await.unwrap().variant.definition.base;
    let target = format!("/variants/{built}/comparison");
    let page = async || world.get(&target).cookie(&cookie).send().await;
    holds(&page().await, "No test of it has ended yet");

    let here = [
        ("smoke.boot", Passed, 30),
        ("smoke.kernel", Failed, 1),
        ("smoke.module", Passed, 1),
        ("smoke.network", NotRun, 0),
        ("smoke.dpkg-audit", Failed, 1),
    ];
    world.tested_variant(&built, &here).await;
    // The way to a comparison, for whoever may go it and with the reason for whoever may not.
    let alone = page().await;
    holds(&alone, &format!("{base} was never validated"));
    holds(&alone, &format!("Validate {base} on a QEMU machine"));
    assert!(alone.body.contains("class=\"reason\""), "{}", alone.body);
    let developer = world.sign_in(name(Role::Developer)).await;
    let theirs = world.get(&target).cookie(&developer).send().await;
    assert!(!theirs.body.contains("class=\"reason\""), "{}", theirs.body);

    let there = [
        ("smoke.boot", Passed, 20),
        ("smoke.kernel", Passed, 1),
        ("smoke.module", Failed, 1),
        ("smoke.network", Passed, 1),
        ("smoke.dpkg-audit", Failed, 1),
        ("smoke.rootfs-digest", Passed, 1),
    ];
    world.validated(&base, &there).await;
    let compared = page().await;
    let count = "1 regression, 1 still failing, 1 fixed, 2 disappeared";
    holds(&compared, &format!("Beside {base} : {count} ."));
    let rows = rows(&compared);
    let expected = [
        ("smoke.kernel", "regression newly failing: the base passes failed 1.0 s failed in"),
        ("smoke.dpkg-audit", "still failing fails on both failed"),
        ("smoke.module", "fixed newly passing: the base fails passed 1.0 s failed 1.0 s failed in"),
        ("smoke.network", "disappeared no answer here; the base has one not run"),
        ("smoke.rootfs-digest", "disappeared no answer here; the base has one – passed 1.0 s"),
        ("smoke.boot", "unchanged 10 s slower than the base passed 30 s passed 20 s"),
    ];
    assert_eq!(rows.len(), expected.len(), "{rows:?}");
    for ((case, told), row) in expected.into_iter().zip(&rows) {
        assert!(row.contains(&format!("{case} {told}")), "{told}: {row}");
    }
    let of_variant = world.get(&format!("/variants/{built}")).cookie(&cookie).send().await;
    assert!(of_variant.body.contains(&format!("href=\"{target}\"")), "{}", of_variant.body);

    // Newer results take the place of older ones, and those of the base are never the variant's.
    world.validated(&base, &here).await;
    holds(&page().await, "2 still failing");
    world.tested_variant(&built, &[("smoke.boot", Passed, 20)]).await;
    holds(&page().await, "4 disappeared");
    assert_eq!(world.get("/variants/none/comparison").cookie(&cookie).send().await.status, 404);
}
