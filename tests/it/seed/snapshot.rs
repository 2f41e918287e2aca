//! Databases restored from dumps.

use std::collections::BTreeMap;
use std::path::Path;

use pgrehearse::provision::{self, Choice, Host, Manifest, Programs, Role};
use pgrehearse::seed::template::{TemplateError, obtain};
use pgrehearse::seed::{Dataset, Spec};
use pgrehearse::talk::Talk;
use tempfile::TempDir;

use super::{check, contents, definitions};
use crate::provision::scene::Scene;
use crate::server::connect;

/// With owners, rights and roles that no other server has, and all that a dump may hold.
const PRODUCTION: &str = r#"
    CREATE ROLE production_owner; CREATE ROLE "Odd reader"; CREATE ROLE production_app;
    CREATE SCHEMA audit AUTHORIZATION production_owner;
    CREATE TYPE mood AS ENUM ('sad', 'happy');
    CREATE TABLE users (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL, mood mood, raw bytea);
    ALTER TABLE users OWNER TO production_owner;
    CREATE TABLE "Odd Orders" (id bigserial PRIMARY KEY, user_id int NOT NULL REFERENCES users, total numeric(10,2));
    CREATE TABLE audit.log (at timestamptz NOT NULL, what jsonb) PARTITION BY RANGE (at);
    CREATE TABLE audit.log_2025 PARTITION OF audit.log FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
    CREATE TABLE audit.log_rest PARTITION OF audit.log DEFAULT;
    CREATE TABLE empty_table (a int);
    INSERT INTO users (name, mood, raw)
        SELECT E'user\t\\ ' || i || E'\nline', 'happy', decode(md5(i::text), 'hex') FROM generate_series(1, 2000) i;
    INSERT INTO "Odd Orders" (user_id, total) SELECT 1 + i % 2000, i / 3.0 FROM generate_series(1, 5000) i;
    INSERT INTO audit.log SELECT '2025-06-01'::timestamptz + i * interval '1 hour', jsonb_build_object('n', i)
        FROM generate_series(1, 6000) i;
    CREATE INDEX ON "Odd Orders" (user_id);
    CREATE VIEW rich AS SELECT * FROM "Odd Orders" WHERE total > 100;
    CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$
    BEGIN
    GRANT SELECT ON users TO production_app;
    RETURN 1;
    END $$;
    ALTER TABLE users ENABLE ROW LEVEL SECURITY;
    CREATE POLICY p ON users FOR SELECT TO production_app, "Odd reader" USING (id > 10);
    GRANT SELECT ON users TO production_app;
    ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO production_app;
    COMMENT ON TABLE users IS 'GRANT them
GRANT ALL ON nothing TO nobody;';
"#;

type Contents = (BTreeMap<String, (i64, i64)>, Vec<String>);

const TABLES: [&str; 4] = ["users", "\"Odd Orders\"", "audit.log", "empty_table"];

async fn looks(config: &tokio_postgres::Config) -> Contents {
    let client = connect(config).await;
    let tables = TABLES.map(str::to_owned);
    (
        contents(&client, tables.iter()).await,
        definitions(&client).await,
    )
}

/// What production holds, and its dumps in the directory.
async fn dumped(choice: Choice, major: Option<u16>, dir: &Path) -> Contents {
    let scene = Scene::new();
    let host = provision::open(&scene.spec(choice), major, &scene.talk()).await;
    let host = host.unwrap_or_else(|error| panic!("{error}"));
    let key = format!("production-{}", std::process::id());
    let server = host.start_empty(&key).await.unwrap();
    let client = server.connect(Role::Migration).await.unwrap();
    client.batch_execute(PRODUCTION).await.unwrap();
    let programs = server.programs();
    for (name, arguments) in [
        ("prod.dump", &["--format=custom"][..]),
        ("prod.tar", &["--format=tar"]),
        ("prod.sql", &["--format=plain"]),
        (
            "prod-create.sql",
            &["--format=plain", "--create", "--inserts"],
        ),
        ("prod.sql.gz", &["--format=plain", "--compress=3"]),
    ] {
        let dump = dump(&programs, arguments).await;
        std::fs::write(dir.join(name), dump).unwrap();
    }
    looks(&server.config(Role::Migration)).await
}

async fn dump(programs: &Programs, arguments: &[&str]) -> Vec<u8> {
    let database = format!("--dbname={}", programs.database());
    let arguments = [arguments, &[&database]].concat();
    programs.run("pg_dump", &arguments).await.unwrap()
}

fn spec(path: &Path) -> Spec {
    let dataset = Dataset::of_snapshot(path).unwrap_or_else(|problem| panic!("{problem}"));
    Spec {
        seed: dataset.seed,
        dataset,
        rows: 1,
        workers: 2,
    }
}

async fn restored(host: &Host, path: &Path) -> (Manifest, Contents) {
    let template = obtain(host, &spec(path), &Talk::silent()).await;
    let template = template.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let server = host.start_clone(&template, &BTreeMap::new()).await.unwrap();
    let load = server.connect(Role::Load).await.unwrap();
    check(
        &load,
        "the load sees every row",
        "SELECT count(*) = 2000 FROM users",
    )
    .await;
    check(
        &load,
        "the tables are vacuumed and analyzed",
        "SELECT reltuples = 2000 AND relallvisible = relpages FROM pg_class WHERE relname = 'users'",
    )
    .await;
    drop(load);
    (
        template.manifest,
        looks(&server.config(Role::Migration)).await,
    )
}

async fn check_all_formats(choice: Choice, major: Option<u16>) {
    let dir = tempfile::tempdir().unwrap();
    let expected = dumped(choice, major, dir.path()).await;
    let scene = Scene::new();
    let host = provision::open(&scene.spec(choice), major, &scene.talk())
        .await
        .unwrap();
    for name in [
        "prod.dump",
        "prod.tar",
        "prod.sql",
        "prod-create.sql",
        "prod.sql.gz",
    ] {
        let (manifest, found) = restored(&host, &dir.path().join(name)).await;
        assert_eq!(found, expected, "{name}");
        let rows = [
            ("Odd Orders", 5000),
            ("audit.log", 6000),
            ("empty_table", 0),
            ("users", 2000),
        ];
        let rows = rows.map(|(table, rows)| (table.to_owned(), rows));
        assert_eq!(manifest.rows, BTreeMap::from(rows), "{name}");
        assert!(manifest.bytes > 1 << 20, "{name}");
    }
    let template = obtain(&host, &spec(&dir.path().join("prod.dump")), &scene.talk())
        .await
        .unwrap();
    let said = scene.said();
    assert!(
        said.ends_with(&format!(
            "found as template {}, nothing to seed",
            template.key
        )),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_format_of_pg_dump_becomes_the_same_database() {
    check_all_formats(Choice::Local, None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Docker"]
async fn every_format_is_restored_inside_a_container() {
    check_all_formats(Choice::Docker, Some(17)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dump_as_a_directory_is_restored_by_several_sessions() {
    let dir = tempfile::tempdir().unwrap();
    let scene = Scene::new();
    let host = provision::open(&scene.spec(Choice::Local), None, &scene.talk())
        .await
        .unwrap();
    let server = host.start_empty("directory").await.unwrap();
    let client = server.connect(Role::Migration).await.unwrap();
    client.batch_execute(PRODUCTION).await.unwrap();
    let path = dir.path().join("snapshot.dump");
    let file = format!("--file={}", path.display());
    dump(&server.programs(), &["--format=directory", &file]).await;
    let expected = looks(&server.config(Role::Migration)).await;
    drop(server);
    assert_eq!(restored(&host, &path).await.1, expected);
    // A directory that holds one is a dataset.
    let dataset = Dataset::read(dir.path()).unwrap();
    assert!(dataset.snapshot().is_some());
}

/// The error of restoring this, after which there is no template.
async fn refused(content: &[u8]) -> String {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("prod.dump");
    std::fs::write(&path, content).unwrap();
    let scene = Scene::new();
    let host = provision::open(&scene.spec(Choice::Local), None, &scene.talk())
        .await
        .unwrap();
    let error = obtain(&host, &spec(&path), &scene.talk())
        .await
        .unwrap_err();
    assert!(matches!(error, TemplateError::Fill { .. }), "{error}");
    assert_eq!(
        scene.files("local"),
        [""; 0],
        "a half-restored template stays"
    );
    error.to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_restored_leaves_no_template_and_says_why() {
    let dir = tempfile::tempdir().unwrap();
    dumped(Choice::Local, None, dir.path()).await;
    let read = |name: &str| std::fs::read(dir.path().join(name)).unwrap();

    let whole = read("prod.dump");
    let error = refused(&whole[..whole.len() - whole.len() / 4]).await;
    assert!(error.contains("pg_restore failed: "), "{error}");
    assert!(error.contains("could not read from input file"), "{error}");

    let whole = read("prod.sql");
    let error = refused(&whole[..whole.len() / 2]).await;
    assert!(error.contains("the file is not all there"), "{error}");

    let whole = read("prod.sql.gz");
    let error = refused(&whole[..whole.len() / 2]).await;
    assert!(error.contains("cannot read it"), "{error}");

    let error = refused(b"CREATE TABLE t (a int);\nCREATE EXTENSION no_such_thing;\n").await;
    assert!(error.contains("psql failed: "), "{error}");
    assert!(error.contains("no_such_thing"), "{error}");

    let mut newer = read("prod.dump");
    // The version of the archive's format: major, minor, revision.
    newer[6] = 99;
    let error = refused(&newer).await;
    assert!(error.contains("written by a newer pg_dump"), "{error}");
}
