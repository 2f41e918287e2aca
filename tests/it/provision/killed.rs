//! What is left when a process is killed, and what the next one does about it.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use pgrehearse::provision::{self, Choice, OsCache, Role, Settings, Spec};
use pgrehearse::talk::Talk;

use super::scene::{KILLED_KEY, Scene, containers_of, seeded_as, servers_in, value, volumes_of};

/// The process that is killed, in the tests below: it starts servers and says that it has.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by the tests that kill it"]
async fn start_servers_and_hang() {
    let Ok(dir) = std::env::var("PGREHEARSE_TEST_CACHE") else {
        return;
    };
    let choice = match std::env::var("PGREHEARSE_TEST_DOCKER") {
        Ok(_) => Choice::Docker,
        Err(_) => Choice::Local,
    };
    let spec = Spec {
        choice,
        image: None,
        bindir: None,
        url: None,
        os_cache: OsCache::default(),
        port: None,
        cache_dir: Path::new(&dir).to_owned(),
        cache_bytes_max: None,
    };
    let host = provision::open(&spec, None, &Talk::silent()).await.unwrap();
    let template = seeded_as(KILLED_KEY, &host).await;
    let _clone = host.start_clone(&template, &Settings::new()).await.unwrap();
    let _half = host.start_empty("killed-2").await.unwrap();
    std::fs::write(Path::new(&dir).join("ready"), "").unwrap();
    std::future::pending().await
}

/// Starts that process, waits until it has its servers, and kills it.
async fn kill_an_owner(scene: &Scene, docker: bool) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args([
            "--ignored",
            "--exact",
            "provision::killed::start_servers_and_hang",
        ])
        .env("PGREHEARSE_TEST_CACHE", scene.cache());
    if docker {
        command.env("PGREHEARSE_TEST_DOCKER", "1");
    }
    let mut child = command.spawn().unwrap();
    let ready = scene.cache().join("ready");
    let wait = async {
        while !ready.exists() {
            assert_eq!(child.try_wait().unwrap(), None, "it ended too early");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(120), wait)
        .await
        .unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    std::fs::remove_file(ready).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_owner_left_is_removed_by_the_next_start() {
    let scene = Scene::new();
    kill_an_owner(&scene, false).await;
    assert_eq!(scene.files("runs").len(), 2);
    assert_eq!(scene.files("local").len(), 2);
    assert_eq!(servers_in(&scene.cache()), 2);

    let host = scene.open(&scene.spec(Choice::Local)).await;
    assert_eq!(servers_in(&scene.cache()), 0);
    assert_eq!(scene.files("runs"), [""; 0]);
    assert_eq!(scene.files("local").len(), 1, "the sealed one stays");
    assert!(scene.said().contains("left by a run that was killed"));
    assert!(scene.said().contains("a template that was not finished"));
    assert!(host.template(KILLED_KEY).await.unwrap().is_some());
    assert_eq!(host.template("killed-2").await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_living_owners_servers_are_left_alone() {
    let scene = Scene::new();
    let spec = scene.spec(Choice::Local);
    let host = scene.open(&spec).await;
    let template = seeded_as(KILLED_KEY, &host).await;
    let clone = host.start_clone(&template, &Settings::new()).await.unwrap();
    let half = host.start_empty("killed-2").await.unwrap();
    scene.open(&spec).await;
    assert_eq!(value(&clone, Role::Admin, "SELECT 'here'").await, "here");
    assert_eq!(value(&half, Role::Admin, "SELECT 'here'").await, "here");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Docker engine with postgres images"]
async fn containers_of_a_killed_owner_are_removed_by_the_next_start() {
    let scene = Scene::new();
    kill_an_owner(&scene, true).await;
    assert_eq!(containers_of(&scene).lines().count(), 2);
    let spec = scene.spec(Choice::Docker);
    let host = scene.open(&spec).await;
    assert_eq!(containers_of(&scene), "");
    assert!(host.template(KILLED_KEY).await.unwrap().is_some());
    assert_eq!(host.template("killed-2").await.unwrap(), None);
    assert!(scene.said().contains("a template that was not finished"));
    drop(host);
    provision::clean(&spec, &scene.talk()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Docker engine with postgres images"]
async fn a_start_that_is_given_up_leaves_no_container() {
    let scene = Scene::new();
    let host = scene.open(&scene.spec(Choice::Docker)).await;
    for limit_ms in [5, 20, 80, 320, 1280] {
        let limit = Duration::from_millis(limit_ms);
        let start = host.start_empty("given-up-1");
        let _ = tokio::time::timeout(limit, start).await;
        assert_eq!(containers_of(&scene), "", "after {limit_ms} ms");
    }
    assert_eq!(volumes_of(&scene), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_is_given_up_leaves_no_directory() {
    let scene = Scene::new();
    let host = scene.open(&scene.spec(Choice::Local)).await;
    for limit_ms in [1, 50, 200, 800] {
        let limit = Duration::from_millis(limit_ms);
        let start = host.start_empty("given-up-1");
        let _ = tokio::time::timeout(limit, start).await;
        assert_eq!(scene.files("runs"), [""; 0], "after {limit_ms} ms");
        assert_eq!(scene.files("local"), [""; 0], "after {limit_ms} ms");
    }
    assert_eq!(servers_in(&scene.cache()), 0);
}
