//! One suite over all providers, and what only one of them has to keep.

pub(crate) mod scene;
mod killed;
mod cold;
mod room;
pub(crate) mod tls;

use std::time::Duration;

use pgrehearse::provision::{self, Choice, Error, Provider, Role, Settings, Spec};
use tokio::time::timeout;

use self::scene::{
    KEY, Named, Scene, check_pgpass, containers_of, docker_majors, failure, manifest, seeded, value,
};

/// What every provider promises.
async fn check_provider(spec: &Spec, scene: &Scene, major: Option<u16>) {
    let host = provision::open(spec, major, &scene.talk()).await.unwrap();
    let template = seeded(&host).await;
    assert_eq!(host.template(KEY).await.unwrap(), Some(template.clone()));

    let settings = Settings::from([("work_mem".into(), "5MB".into())]);
    let one = host.start_clone(&template, &settings).await.unwrap();
    let two = host.start_clone(&template, &settings).await.unwrap();
    assert_eq!(one.version().major(), host.major());
    assert_eq!(
        value(&one, Role::Load, "SELECT sum(id)::text FROM t").await,
        "6"
    );
    assert_eq!(value(&one, Role::Load, "SHOW work_mem").await, "5MB");
    for durable in [
        "fsync",
        "full_page_writes",
        "synchronous_commit",
        "autovacuum",
    ] {
        let sql = format!("SHOW {durable}");
        assert_eq!(value(&one, Role::Admin, &sql).await, "on", "{durable}");
    }
    assert_eq!(
        value(&one, Role::Load, "SHOW application_name").await,
        "pgrehearse load"
    );

    let load = one.connect(Role::Load).await.unwrap();
    load.batch_execute("DELETE FROM t").await.unwrap();
    assert_eq!(
        value(&two, Role::Load, "SELECT count(*)::text FROM t").await,
        "3"
    );
    if one.has_own_server() {
        assert!(one.free_bytes().await.unwrap() > 1_000_000);
        let superuser = "SELECT rolsuper::text FROM pg_roles WHERE rolname = current_user";
        assert_eq!(value(&one, Role::Load, superuser).await, "false");
        assert_eq!(value(&one, Role::Migration, superuser).await, "true");
    }
    drop(load);
    one.stop().await.unwrap();
    drop(two);
    let three = host.start_clone(&template, &settings).await.unwrap();
    assert_eq!(
        value(&three, Role::Load, "SELECT count(*)::text FROM t").await,
        "3"
    );
    drop(three);
    drop(host);
    assert_eq!(scene.files("runs"), [""; 0]);
    assert_eq!(scene.files("owners"), [""; 0]);

    provision::clean(spec, &scene.talk()).await.unwrap();
    let host = provision::open(spec, major, &scene.talk()).await.unwrap();
    assert_eq!(host.template(KEY).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn local_keeps_what_every_provider_promises() {
    let scene = Scene::new();
    check_provider(&scene.spec(Choice::Local), &scene, None).await;
    assert!(scene.said().contains("of this machine, from /"));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Docker engine with postgres images"]
async fn docker_keeps_what_every_provider_promises() {
    for major in docker_majors() {
        let scene = Scene::new();
        check_provider(&scene.spec(Choice::Docker), &scene, Some(major)).await;
        assert_eq!(containers_of(&scene), "", "PostgreSQL {major}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn url_keeps_what_every_provider_promises() {
    let named = Named::start().await;
    named.mark().await;
    let scene = Scene::new();
    check_provider(&named.spec(&scene), &scene, None).await;
    let left = "SELECT string_agg(datname, ' ' ORDER BY datname) FROM pg_database";
    assert_eq!(
        value(&named.server, Role::Admin, left).await,
        "app postgres template0 template1"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn url_says_which_settings_it_has_no_say_in() {
    let named = Named::start().await;
    named.mark().await;
    let scene = Scene::new();
    let host = scene.open(&named.spec(&scene)).await;
    let template = seeded(&host).await;
    let settings = ["shared_buffers", "work_mem"].map(|name| (name.into(), "64MB".into()));
    let clone = host.start_clone(&template, &settings.into()).await.unwrap();
    assert_eq!(clone.unset_settings(), ["shared_buffers"]);
    assert_eq!(clone.provider(), Provider::Url);
    let clones = "SELECT count(*)::text FROM pg_database WHERE datname LIKE 'pgrehearse_r%'";
    assert_eq!(value(&named.server, Role::Admin, clones).await, "1");
    drop(clone);
    assert_eq!(value(&named.server, Role::Admin, clones).await, "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn url_refuses_a_database_that_is_not_marked_and_says_how_to_mark_it() {
    let named = Named::start().await;
    let scene = Scene::new();
    let error = failure(&named.spec(&scene)).await;
    assert!(error.is_bad_input());
    let text = error.to_string();
    let statement = r#"COMMENT ON DATABASE "app" IS 'pgrehearse: disposable'"#;
    assert!(text.ends_with(statement), "{text}");
    let client = named.server.connect(Role::Admin).await.unwrap();
    client.batch_execute(statement).await.unwrap();
    scene.open(&named.spec(&scene)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_in_the_url_is_not_repeated() {
    let named = Named::start().await;
    let scene = Scene::new();
    let mut spec = named.spec(&scene);
    spec.url = Some(format!(
        "postgres://postgres:s3cret@127.0.0.1:{}/app",
        named.port
    ));
    let error = failure(&spec).await;
    assert!(error.is_bad_input());
    let text = error.to_string();
    assert!(text.contains("password authentication failed"), "{text}");
    assert!(!text.contains("s3cret"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_in_use_is_named_before_anything_is_copied() {
    let scene = Scene::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let mut spec = scene.spec(Choice::Local);
    spec.port = Some(port);
    let host = scene.open(&spec).await;
    let Err(error) = host.start_empty(KEY).await else {
        panic!("the port is taken");
    };
    assert!(error.to_string().contains(&format!("port {port} ")));
    assert_eq!(scene.files("runs"), [""; 0]);
    assert_eq!(scene.files("local"), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_builder_waits_for_the_first_and_finds_its_template() {
    let scene = Scene::new();
    let spec = scene.spec(Choice::Local);
    let (first, second) = (scene.open(&spec).await, scene.open(&spec).await);
    assert_eq!(first.template(KEY).await.unwrap(), None);
    let waiting = tokio::spawn(async move { second.template(KEY).await.unwrap() });
    let told = async {
        while !scene.said().contains("waiting for another pgrehearse") {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(Duration::from_secs(20), told).await.unwrap();
    let server = first.start_empty(KEY).await.unwrap();
    let version = server.version();
    assert!(!waiting.is_finished());
    let template = first.seal(server, manifest(version)).await.unwrap();
    assert_eq!(waiting.await.unwrap(), Some(template));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_that_was_not_sealed_leaves_nothing() {
    let scene = Scene::new();
    let host = scene.open(&scene.spec(Choice::Local)).await;
    let server = host.start_empty(KEY).await.unwrap();
    assert_eq!(scene.files("local").len(), 1);
    drop(server);
    assert_eq!(scene.files("local"), [""; 0]);
    assert_eq!(host.template(KEY).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_setting_the_server_does_not_know_is_in_the_message() {
    let scene = Scene::new();
    let host = scene.open(&scene.spec(Choice::Local)).await;
    let template = seeded(&host).await;
    let settings = Settings::from([("no_such_setting".into(), "1".into())]);
    let Err(error) = host.start_clone(&template, &settings).await else {
        panic!("the server cannot start");
    };
    assert!(error.to_string().contains("no_such_setting"), "{error}");
    assert_eq!(scene.files("runs"), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cache_with_a_long_path_still_gets_a_socket() {
    let scene = Scene::new();
    let mut spec = scene.spec(Choice::Local);
    spec.cache_dir = scene.dir.path().join("x".repeat(120));
    let host = scene.open(&spec).await;
    let server = host.start_empty(KEY).await.unwrap();
    assert_eq!(value(&server, Role::Admin, "SELECT 'here'").await, "here");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Docker engine with postgres images"]
async fn docker_names_a_port_in_use_and_tells_the_password_of_a_free_one() {
    let scene = Scene::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut spec = scene.spec(Choice::Docker);
    spec.port = Some(taken.local_addr().unwrap().port());
    let host = scene.open(&spec).await;
    let Err(error) = host.start_empty("port-1").await else {
        panic!("the port is taken");
    };
    assert!(matches!(error, Error::PortInUse { .. }), "{error}");
    assert_eq!(containers_of(&scene), "");
    drop(taken);
    let server = host.start_empty("port-1").await.unwrap();
    check_pgpass(&scene, spec.port.unwrap());
    drop(server);
    assert_eq!(scene.files("runs"), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Docker engine with postgres images"]
async fn an_image_that_cannot_be_pulled_sends_auto_to_the_local_binaries() {
    let scene = Scene::new();
    let mut spec = scene.spec(Choice::Auto);
    spec.image = Some("registry.invalid/no/such/image".into());
    let host = scene.open(&spec).await;
    assert_eq!(host.provider(), Provider::Local);
    assert!(
        scene.said().contains("cannot be pulled"),
        "{}",
        scene.said()
    );
    spec.choice = Choice::Docker;
    let error = failure(&spec).await;
    assert!(!error.is_bad_input());
    assert!(error.to_string().contains("registry.invalid/no/such/image"));
}
