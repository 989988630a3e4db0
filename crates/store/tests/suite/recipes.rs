//! Recipes and their revisions.

use crate::{on_both_engines, world::World};

on_both_engines! {
    revisions_are_kept_in_full
    a_name_is_taken_once
    two_saves_of_one_base_are_a_conflict
}

async fn revisions_are_kept_in_full(world: World) {
    let (author, first) = world.recipe("web").await;
    let (_, other) = world.recipe("db").await;
    let second = world.revision(&first.recipe, 2, &author);
    let mut tx = world.begin().await;
    tx.insert_revision(&second, &author.id).await.unwrap();
    tx.commit().await.unwrap();

    let mut rows = world.store.read().await.unwrap();
    assert_eq!(rows.revision("web", None).await.unwrap().as_ref(), Some(&second));
    assert_eq!(rows.revision("web", Some(1)).await.unwrap().as_ref(), Some(&first));
    assert_eq!(rows.revision("web", Some(3)).await.unwrap(), None);
    assert_eq!(rows.revision("nothing", None).await.unwrap(), None);
    assert_eq!(rows.revision_of(&first.recipe, 2).await.unwrap().as_ref(), Some(&second));
    assert_eq!(rows.revision_of(&first.recipe, 3).await.unwrap(), None);
    assert_eq!(rows.revisions("web").await.unwrap(), [second.clone(), first]);
    assert!(rows.revisions("nothing").await.unwrap().is_empty());

    let recipes = rows.recipes().await.unwrap();
    let known: Vec<_> = recipes.iter().map(|it| (it.name.as_str(), it.revision)).collect();
    assert_eq!(known, [("db", 1), ("web", 2)]);
    assert_eq!(recipes[0].id, other.recipe);
    assert_eq!((recipes[1].digest, recipes[1].saved_at), (second.digest, second.saved_at));
    assert_eq!(recipes[1].author, author.name);
}

async fn a_name_is_taken_once(world: World) {
    let (author, _) = world.recipe("web").await;
    let again = world.revision(&domain::ids::RecipeId(world.id()), 1, &author);
    let mut tx = world.begin().await;
    let error = tx.insert_recipe("web", &again, &author.id).await.unwrap_err();
    assert!(error.is_conflict(), "{error:?}");
}

async fn two_saves_of_one_base_are_a_conflict(world: World) {
    let (author, first) = world.recipe("web").await;
    let mut tx = world.begin().await;
    tx.insert_revision(&world.revision(&first.recipe, 2, &author), &author.id).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = world.begin().await;
    let late = world.revision(&first.recipe, 2, &author);
    let error = tx.insert_revision(&late, &author.id).await.unwrap_err();
    assert!(error.is_conflict(), "{error:?}");
    drop(tx);
    // An author who does not exist is no conflict but a fault.
    let mut tx = world.begin().await;
    let foreign = domain::ids::PersonId("nobody".to_owned());
    let error = tx.insert_revision(&world.revision(&first.recipe, 3, &author), &foreign).await;
    assert!(!error.unwrap_err().is_conflict());
}
