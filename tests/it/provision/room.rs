//! The cache's limit, and who may remove what.

use pgrehearse::provision::{self, Choice, Host, Spec};

use super::scene::{KEY, Scene, seeded, seeded_as};

fn limited(scene: &Scene, bytes: u64) -> Spec {
    Spec {
        cache_bytes_max: Some(bytes),
        ..scene.spec(Choice::Local)
    }
}

async fn is_there(host: &Host, key: &str) -> bool {
    host.template(key).await.unwrap().is_some()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_template_used_longest_ago_makes_room_but_none_that_is_used() {
    let scene = Scene::new();
    for key in ["old", "used", "newer"] {
        // Each in a process' lifetime of its own: a template in somebody's hand stays.
        seeded_as(key, &scene.open(&scene.spec(Choice::Local)).await).await;
    }
    let user = scene.open(&scene.spec(Choice::Local)).await;
    assert!(is_there(&user, "used").await);
    // Used again, it is no longer the oldest.
    assert!(is_there(&scene.open(&scene.spec(Choice::Local)).await, "old").await);

    // An empty cluster takes some 40 MB: two have room.
    let host = scene.open(&limited(&scene, 100 << 20)).await;
    seeded_as("built", &host).await;
    let said = scene.said();
    assert!(
        said.contains("-newer, ") && said.contains("(--cache-size)"),
        "{said}"
    );
    let left = scene.files("local");
    let is_left = |key: &str| left.iter().any(|file| file.ends_with(&format!("-{key}")));
    assert!(is_left("used") && is_left("built"), "{left:?}");
    assert!(!is_left("newer") && !is_left("old"), "{left:?}");

    let tight = scene.open(&limited(&scene, 1)).await;
    seeded_as("last", &tight).await;
    let left = scene.files("local");
    assert_eq!(
        left.len(),
        3,
        "in use, by its user, its builder, or just built: {left:?}"
    );
    assert!(scene.said().contains("those that are left are in use"));
}

#[tokio::test(flavor = "multi_thread")]
async fn cleaning_spares_what_others_build_or_use_and_says_what_it_freed() {
    let scene = Scene::new();
    let spec = scene.spec(Choice::Local);
    let user = scene.open(&spec).await;
    seeded(&user).await;
    assert!(!is_there(&user, "half").await);
    let half = user.start_empty("half").await.unwrap();

    provision::clean(&spec, &scene.talk()).await.unwrap();
    assert_eq!(scene.said().matches("is in use and stays").count(), 2);
    assert!(is_there(&user, KEY).await);

    drop((half, user));
    provision::clean(&spec, &scene.talk()).await.unwrap();
    let said = scene.said();
    let freed = said
        .lines()
        .find(|line| line.starts_with("removing the template "));
    assert!(freed.is_some_and(|line| line.ends_with(" MB")), "{said}");
    assert_eq!(scene.files("local"), [""; 0]);
}
