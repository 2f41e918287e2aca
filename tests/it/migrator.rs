//! Scripts of migration tools on a server: they do what the tool's own way of sending them would do.

use std::fs;
use std::path::Path;
use std::time::Duration;

use pgrehearse::migrations::{Around, Directory, Layout, Part, Script, Transaction};
use pgrehearse::postgres::{SqlState, Version};
use pgrehearse::rehearse::clock::Clock;
use pgrehearse::rehearse::migrate::{Migrator, Progress, Try};
use pgrehearse::rehearse::observe::activity::Reader;
use pgrehearse::rehearse::observe::watched::Watched;
use tokio_postgres::{Client, Config};

use crate::server::{Server, connect};

/// Runs a script as a rehearsal does.
async fn run(config: &Config, script: &Script) -> Result<(), Option<SqlState>> {
    let clock = Clock::start();
    let admin = connect(config).await;
    let version: String = value(&admin, "SELECT current_setting('server_version_num')").await;
    let version = Version(version.parse().unwrap());
    let reader = Reader::new(admin, version, clock).await.unwrap();
    let migrator = Migrator::connect(config, reader, Watched::default(), clock);
    let migrator = migrator.await.unwrap();
    let this = Try {
        step: 0,
        migrator: 1,
        number: 1,
        from: 0,
    };
    let ran = migrator.run(this, script, &Progress::default()).await;
    ran.map_err(|failure| {
        assert!(failure.sqlstate.is_some(), "{failure:?}");
        failure.sqlstate
    })
}

async fn value<T: for<'a> tokio_postgres::types::FromSql<'a>>(client: &Client, sql: &str) -> T {
    client.query_one(sql, &[]).await.unwrap().get(0)
}

/// The tables and indexes of the schema public, and how many advisory locks are held.
async fn left(client: &Client) -> (String, i64) {
    let relations = "SELECT coalesce(string_agg(relname, ' ' ORDER BY relname), '') FROM pg_class \
                     WHERE relnamespace = 'public'::regnamespace";
    let locks = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' \
                 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    (value(client, relations).await, value(client, locks).await)
}

fn script(text: &str, transaction: Transaction) -> Script {
    let mut script = Script::parse(text, Path::new("up.sql"), "up.sql").unwrap();
    script.transaction = transaction;
    script
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_in_one_query_does_what_the_server_does_with_it() {
    let server = Server::start().await;
    for (number, text) in [
        "CREATE TABLE a (x int); CREATE TABLE b (x int)",
        "CREATE TABLE a (x int); SELECT 1 / 0; CREATE TABLE b (x int)",
        "CREATE TABLE a (x int); COMMIT; CREATE TABLE b (x int); SELECT 1 / 0",
        "CREATE TABLE a (x int); BEGIN; CREATE TABLE b (x int); COMMIT; CREATE TABLE c (x int)",
        "BEGIN; CREATE TABLE a (x int); ROLLBACK; CREATE TABLE b (x int)",
        "CREATE TABLE a (x int); BEGIN; CREATE TABLE b (x int)",
        "CREATE TABLE a (x int); BEGIN ISOLATION LEVEL SERIALIZABLE; COMMIT",
        "CREATE INDEX CONCURRENTLY i ON old (x)",
        "CREATE INDEX CONCURRENTLY i ON old (x); CREATE TABLE a (x int)",
        "CREATE TABLE a (x int); COMMIT; CREATE INDEX CONCURRENTLY i ON old (x)",
        "DO $$ BEGIN CREATE TABLE a (x int); COMMIT; END $$; SELECT 1",
        "DO $$ BEGIN CREATE TABLE a (x int); COMMIT; END $$",
    ]
    .into_iter()
    .enumerate()
    {
        let mut outcomes = Vec::new();
        for way in ["sent", "run"] {
            let config = server.database(&format!("{way}_{number}")).await;
            let client = connect(&config).await;
            let old = "CREATE TABLE old (x int)";
            client.batch_execute(old).await.unwrap();
            let outcome = if way == "run" {
                run(&config, &script(text, Transaction::OneQuery)).await
            } else {
                let sent = connect(&config).await.batch_execute(text).await;
                sent.map_err(|error| error.code().unwrap().code().parse().ok())
            };
            outcomes.push((outcome, left(&client).await));
        }
        assert_eq!(outcomes[0], outcomes[1], "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_tool_sends_last_is_in_the_transaction_and_goes_with_it() {
    let server = Server::start().await;
    let around = Around {
        before: vec![
            "SELECT pg_advisory_lock(7)".to_owned(),
            "CREATE TABLE before (x int)".to_owned(),
        ],
        inside: vec!["CREATE TABLE inside (x int)".to_owned()],
        after: vec![
            "CREATE TABLE after (x int)".to_owned(),
            "SELECT pg_advisory_unlock(7)".to_owned(),
        ],
    };
    for (number, (text, expected, state)) in [
        ("CREATE TABLE a (x int)", "a after before inside", None),
        (
            "CREATE TABLE a (x int); SELECT 1 / 0",
            "before",
            Some("22012"),
        ),
        ("CREATE TABLE inside (x int)", "before", Some("42P07")),
        (
            "CREATE TABLE a (x int); COMMIT; SELECT 1 / 0",
            "a before",
            Some("22012"),
        ),
        (
            "BEGIN; CREATE TABLE a (x int); COMMIT; CREATE TABLE b (x int)",
            "a after b before inside",
            None,
        ),
        (
            "CREATE INDEX CONCURRENTLY i ON t (x)",
            "before",
            Some("25001"),
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let config = server.database(&format!("around_{number}")).await;
        let client = connect(&config).await;
        let mut script = script(text, Transaction::WholeFile);
        script.around = around.clone();
        let outcome = run(&config, &script).await.err().flatten();
        assert_eq!(outcome, state.map(|state| state.parse().unwrap()), "{text}");
        assert_eq!(left(&client).await, (expected.to_owned(), 0), "{text}");
    }
}

/// A layout, a way there and a way back, and how many rows its table has after each.
struct Case {
    layout: Layout,
    files: &'static [(&'static str, &'static str)],
    rows: &'static str,
    there: i64,
    back: i64,
}

const UP: &str = "CREATE TABLE t (x int);";
const DOWN: &str = "DROP TABLE t;";

const CASES: [Case; 12] = [
    Case {
        layout: Layout::Sqlx,
        files: &[("1_a.up.sql", UP), ("1_a.down.sql", DOWN)],
        rows: "_sqlx_migrations",
        there: 1,
        back: 0,
    },
    Case {
        layout: Layout::Diesel,
        files: &[("1_a/up.sql", UP), ("1_a/down.sql", DOWN)],
        rows: "__diesel_schema_migrations",
        there: 1,
        back: 0,
    },
    Case {
        layout: Layout::Refinery,
        files: &[("V1__a.sql", UP)],
        rows: "refinery_schema_history",
        there: 1,
        back: 1,
    },
    Case {
        layout: Layout::GolangMigrate,
        files: &[("1_a.up.sql", UP), ("1_a.down.sql", DOWN)],
        rows: "schema_migrations WHERE NOT dirty",
        there: 1,
        back: 0,
    },
    Case {
        layout: Layout::Goose,
        files: &[(
            "1_a.sql",
            "-- +goose Up\nCREATE TABLE t (x int);\n-- +goose Down\nDROP TABLE t;\n",
        )],
        rows: "goose_db_version",
        there: 1,
        back: 0,
    },
    Case {
        layout: Layout::Dbmate,
        files: &[(
            "1_a.sql",
            "-- migrate:up\nCREATE TABLE t (x int);\n-- migrate:down\nDROP TABLE t;\n",
        )],
        rows: "schema_migrations",
        there: 1,
        back: 0,
    },
    Case {
        layout: Layout::Drizzle,
        files: &[
            (
                "meta/_journal.json",
                r#"{"entries": [{"when": 1, "tag": "0000_a"}]}"#,
            ),
            ("0000_a.sql", UP),
        ],
        rows: "drizzle.__drizzle_migrations",
        there: 1,
        back: 1,
    },
    Case {
        layout: Layout::Prisma,
        files: &[("1_a/migration.sql", UP), ("1_a/down.sql", DOWN)],
        rows: "_prisma_migrations WHERE applied_steps_count = 1 AND finished_at >= started_at",
        there: 1,
        back: 1,
    },
    Case {
        layout: Layout::Flyway,
        files: &[("V1__a.sql", UP), ("U1__a.sql", DOWN)],
        rows: "flyway_schema_history WHERE success",
        there: 1,
        back: 2,
    },
    Case {
        layout: Layout::Liquibase,
        files: &[(
            "a.sql",
            "--liquibase formatted sql\n--changeset a:1\nCREATE TABLE t (x int);\n--rollback DROP TABLE t;\n",
        )],
        rows: "databasechangelog, databasechangeloglock WHERE NOT locked",
        there: 1,
        back: 0,
    },
    Case {
        layout: Layout::Atlas,
        files: &[("1_a.sql", UP)],
        rows: "atlas_schema_revisions.atlas_schema_revisions",
        there: 1,
        back: 1,
    },
    Case {
        layout: Layout::Sqitch,
        files: &[
            (
                "sqitch.plan",
                "%project=p\n\na 2024-01-01T00:00:00Z N <e>\n",
            ),
            ("deploy/a.sql", "BEGIN; CREATE TABLE t (x int); COMMIT;"),
            ("revert/a.sql", "BEGIN; DROP TABLE t; COMMIT;"),
        ],
        rows: "sqitch.changes",
        there: 1,
        back: 0,
    },
];

#[tokio::test(flavor = "multi_thread")]
async fn each_tool_keeps_its_books_there_and_back() {
    let server = Server::start().await;
    for case in CASES {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in case.files {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let directory = Directory::read(dir.path(), Some(case.layout)).unwrap();
        let name = format!("books_{}", case.layout).replace('-', "_");
        let config = server.database(&name).await;
        let client = connect(&config).await;
        let migration = &directory.migrations[0];
        let ways = [
            (Some(&migration.up), case.there),
            (migration.down.as_ref(), case.back),
        ];
        for (part, expected) in ways {
            let Some(part) = part else { continue };
            let ran = run(&config, &Part::script(part).unwrap()).await;
            assert_eq!(ran, Ok(()), "{}: {part:?}", case.layout);
            let rows: i64 = value(&client, &format!("SELECT count(*) FROM {}", case.rows)).await;
            let (_, locks) = left(&client).await;
            assert_eq!((rows, locks), (expected, 0), "{}", case.layout);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migrator_that_asks_for_its_lock_again_and_again_gets_it_once_it_is_free() {
    let server = Server::start().await;
    let config = server.database("asked").await;
    let other = connect(&config).await;
    let key = "hashtext('atlas_migrate_execute')";
    other
        .batch_execute(&format!("SELECT pg_advisory_lock({key})"))
        .await
        .unwrap();
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("1_a.sql"), UP).unwrap();
    let directory = Directory::read(dir.path(), Some(Layout::Atlas)).unwrap();
    let script = directory.migrations[0].up.script().unwrap();
    let running = tokio::spawn(async move { run(&config, &script).await });
    let asks = "SELECT count(*) FROM pg_stat_activity WHERE pid <> pg_backend_pid() \
                AND query LIKE '%pg_try_advisory_lock%'";
    let asked = async { while value::<i64>(&other, asks).await == 0 {} };
    tokio::time::timeout(Duration::from_secs(60), asked)
        .await
        .unwrap();
    // An index that is built concurrently waits for every older snapshot, and so ends only if none is held.
    other
        .batch_execute("CREATE TABLE old (x int)")
        .await
        .unwrap();
    let built = other.batch_execute("CREATE INDEX CONCURRENTLY i ON old (x)");
    let built = tokio::time::timeout(Duration::from_secs(60), built).await;
    built.expect("no snapshot is in its way").unwrap();
    assert!(!running.is_finished());
    other
        .batch_execute(&format!("SELECT pg_advisory_unlock({key})"))
        .await
        .unwrap();
    assert_eq!(running.await.unwrap(), Ok(()));
    assert_eq!(left(&other).await, ("i old t".to_owned(), 0));
}
