//! The page that compares the results of two releases.

use domain::person::Role;

use crate::{
    api::{ask, secret},
    world::{World, name},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_long_comparison_goes_on_over_pages() {
    let world = World::furnished().await;
    let dave = secret(&world, Role::Developer).await;
    for (release, result) in [("v1", "PASS"), ("v2", "FAIL")] {
        let rows: String = (1..=130).map(|it| format!("boots,A1.{it:03},{result},\n")).collect();
        let path = format!("/results?release=recorded/{release}&machine=apu2&suite=regression");
        let table = format!("Test name,Test ID,Result,Comments\n{rows}");
        let brought = ask(&world, "POST", &path, None).bearer(&dave).body(table).send().await;
        assert_eq!(brought.status, 201, "{}", brought.body);
    }
    let cookie = world.sign_in(name(Role::Viewer)).await;
    let page = async |more: &str| {
        let target = format!("/compare?here=recorded/v2&base=recorded/v1&change=regression{more}");
        world.get(&target).cookie(&cookie).send().await
    };
    let first = page("").await.body;
    // The Markdown below holds all of them.
    let listed = |page: &str, case: &str| page.contains(&format!("/tests/case?id={case}&amp;"));
    assert!(listed(&first, "A1.001") && listed(&first, "A1.100") && !listed(&first, "A1.101"));
    assert!(first.contains("30 further cases"));
    let next = "&amp;change=regression&amp;skip=100";
    assert!(first.contains(next), "the way on keeps what was asked for");
    let second = page("&skip=100").await.body;
    assert!(!listed(&second, "A1.100") && listed(&second, "A1.101") && listed(&second, "A1.130"));
    assert!(second.contains("First cases") && !second.contains("further cases"));
    let bad = page("&skip=some").await;
    assert_eq!(bad.status, 422);
    assert!(bad.body.contains("\"some\" is no number"), "{}", bad.body);
}
