//! Fillings that cannot succeed, and say why.

use std::sync::{Arc, Mutex};

use pgrehearse::seed;
use pgrehearse::talk::{Said, Talk};
use tokio::sync::Notify;
use tokio_postgres::Config;

use super::{spec, written};
use crate::server::{Server, connect};

/// The error of filling a table `t` with one column.
async fn refused(config: &Config, schema: &str, column: &str) -> String {
    let description = format!("about = \"x\"\nmain = \"t\"\n[tables.t.columns]\n{column}\n");
    let dir = written(schema, &description);
    let said = Arc::new(Mutex::new(Vec::new()));
    let listener = Arc::clone(&said);
    let talk = Talk::new(move |what: Said| listener.lock().unwrap().push(what));
    let error = seed::fill(config, &spec(dir.path(), 10, 1), &talk)
        .await
        .unwrap_err();
    assert!(
        said.lock().unwrap().is_empty(),
        "it is found before a row is sent"
    );
    error.to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_generator_that_does_not_fit_its_column_is_named_before_a_row_is_sent() {
    let server = Server::start().await;
    for (at, (ty, generator, expected)) in [
        (
            "smallint",
            "{ int = { min = 0, max = 70000 } }",
            "do not fit the type int2",
        ),
        (
            "varchar(5)",
            "{ city = {} }",
            "characters, but the column takes 5",
        ),
        (
            "numeric(4,2)",
            "{ price = { min = 1.0, max = 500.0 } }",
            "3 digits before the point",
        ),
        (
            "int NOT NULL",
            "{ nullable = { nulls = 0.1, value = { sequence = {} } } }",
            "gives NULL",
        ),
        ("int[]", "{ sequence = {} }", "do not fit the type _int4"),
        (
            "mood",
            "{ choice = { good = 1, ugly = 1 } }",
            "\"ugly\" is no label of mood",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let config = server.database(&format!("misfit{at}")).await;
        let schema = format!("CREATE TYPE mood AS ENUM ('good', 'bad');\nCREATE TABLE t (a {ty});");
        let message = refused(&config, &schema, &format!("a = {generator}")).await;
        assert!(
            message.contains("dataset.toml:4: tables.t.columns.a"),
            "{message}"
        );
        assert!(message.contains(expected), "{message}");
    }
    let config = server.database("schema").await;
    let schema = "CREATE TABLE t (a int);\nCREATE INDEX i ON\n t (b);";
    let message = refused(&config, schema, "a = { sequence = {} }").await;
    assert!(message.contains("schema.sql"), "{message}");
    assert!(
        message.contains("column \"b\" does not exist [42703]"),
        "{message}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_that_violate_a_check_are_found_before_they_are_sent() {
    let server = Server::start().await;
    let small = "a = { int = { min = 1, max = 9 } }";
    for (at, (columns, expected)) in [
        (
            "a int, CONSTRAINT few CHECK (a < 9)",
            "constraint few: CHECK (a < 9); a row that was tried has a = 9",
        ),
        (
            "a int, CONSTRAINT odd CHECK (a % 2 + 0 * a = 1)",
            "constraint odd",
        ),
        ("a large", "constraint large_check"),
    ]
    .into_iter()
    .enumerate()
    {
        let config = server.database(&format!("violates{at}")).await;
        let schema =
            format!("CREATE DOMAIN large AS int CHECK (VALUE > 3);\nCREATE TABLE t ({columns});");
        let message = refused(&config, &schema, small).await;
        assert!(message.contains("dataset.toml:3: tables.t"), "{message}");
        assert!(message.contains(expected), "{message}");
        assert!(message.contains("change the generators of a"), "{message}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_schema_that_needs_a_missing_extension_says_which_and_what_to_do() {
    let server = Server::start().await;
    let config = server.database("extension").await;
    let schema = "CREATE TABLE t (a int);\nCREATE EXTENSION no_such_thing;";
    let message = refused(&config, schema, "a = { sequence = {} }").await;
    assert!(message.contains("schema.sql"), "{message}");
    assert!(message.contains("no_such_thing"), "{message}");
    assert!(message.contains("--image"), "{message}");
}

const PLAIN: &str = "about = \"x\"\nmain = \"t\"\n[tables.t.columns]\na = { sequence = {} }\nb = { text = { min = 100, max = 200 } }\n";

/// A talk that tells when the first rows have gone to the server.
fn when_rows_flow(tell: &Arc<Notify>) -> Talk {
    let tell = Arc::clone(tell);
    Talk::new(move |said| {
        if matches!(said, Said::Progress { done, .. } if done > 0) {
            tell.notify_one();
        }
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_that_the_server_refuses_are_reported_with_table_and_reason() {
    let server = Server::start().await;
    let config = server.database("refused").await;
    let dir = written(
        "CREATE TABLE t (a int CONSTRAINT few CHECK (a <> 60000), b text);",
        PLAIN,
    );
    let spec = spec(dir.path(), 200_000, 2);
    let error = seed::fill(&config, &spec, &Talk::silent())
        .await
        .unwrap_err();
    let message = error.to_string();
    assert!(
        message.contains("while filling \"public\".\"t\""),
        "{message}"
    );
    assert!(
        message.contains("violates check constraint \"few\""),
        "{message}"
    );
    assert!(message.ends_with("[23514]"), "{message}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_dies_ends_the_filling_with_an_error() {
    let server = Server::start().await;
    let config = server.database("dies").await;
    let dir = written("CREATE TABLE t (a int, b text);", PLAIN);
    // One stream: another might still be connecting when the server goes.
    let spec = spec(dir.path(), 2_000_000, 1);
    let flowing = Arc::new(Notify::new());
    let talk = when_rows_flow(&flowing);
    let death = async {
        flowing.notified().await;
        server.stop();
    };
    let (ended, ()) = tokio::join!(seed::fill(&config, &spec, &talk), death);
    let error = ended.unwrap_err();
    assert!(error.to_string().contains("while filling"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_filling_that_is_dropped_leaves_no_connection() {
    let server = Server::start().await;
    let config = server.database("dropped").await;
    let dir = written("CREATE TABLE t (a int, b text);", PLAIN);
    let spec = spec(dir.path(), 2_000_000, 2);
    let flowing = Arc::new(Notify::new());
    let talk = when_rows_flow(&flowing);
    tokio::select! {
        ended = seed::fill(&config, &spec, &talk) => panic!("it ended: {ended:?}"),
        () = flowing.notified() => {}
    }
    let client = connect(&config).await;
    let others = "SELECT count(*) FROM pg_stat_activity WHERE datname = 'dropped' AND pid <> pg_backend_pid()";
    let gone = async {
        while client
            .query_one(others, &[])
            .await
            .unwrap()
            .get::<_, i64>(0)
            > 0
        {
            tokio::task::yield_now().await;
        }
    };
    let deadline = std::time::Duration::from_secs(20);
    tokio::time::timeout(deadline, gone)
        .await
        .expect("all connections end");
}

/// A disk of 16 MB, for as long as it lives.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mount() -> SmallDisk {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().to_str().unwrap().to_owned();
        let disk = SmallDisk(dir);
        let options = "size=16m,mode=0777";
        let mounted = std::process::Command::new("mount")
            .args(["-t", "tmpfs", "-o", options, "none", &path])
            .status();
        assert!(mounted.unwrap().success());
        disk
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount")
            .arg("--lazy")
            .arg(self.0.path())
            .status();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs root, to mount a small disk"]
async fn a_disk_that_fills_ends_the_filling_and_says_what_is_needed() {
    let disk = SmallDisk::mount();
    let place = disk.0.path().join("data");
    std::fs::create_dir(&place).unwrap();
    let opened = std::process::Command::new("chown")
        .arg("postgres")
        .arg(&place)
        .status();
    assert!(opened.unwrap().success());
    let entered = std::process::Command::new("chmod")
        .arg("755")
        .arg(disk.0.path())
        .status();
    assert!(entered.unwrap().success());
    let server = Server::start().await;
    let config = server.database("small").await;
    let create = format!("CREATE TABLESPACE small LOCATION '{}'", place.display());
    connect(&config).await.batch_execute(&create).await.unwrap();
    let dir = written("CREATE TABLE t (a int, b text) TABLESPACE small;", PLAIN);
    let error = seed::fill(&config, &spec(dir.path(), 300_000, 2), &Talk::silent()).await;
    let message = error.unwrap_err().to_string();
    assert!(
        message.contains("while filling \"public\".\"t\""),
        "{message}"
    );
    assert!(
        message.contains("the disk of the server's data is full"),
        "{message}"
    );
    assert!(message.contains("300000 rows need about 2."), "{message}");
    drop(server);
}
