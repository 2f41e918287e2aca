//! The proxy between a tool and the server: the same answers, every statement, every lock.

mod stage;
mod peers;

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt, TryStreamExt};
use pgrehearse::postgres::LockMode;
use pgrehearse::provision;
use tokio_postgres::NoTls;
use tokio_postgres::error::SqlState;

use self::stage::{Stage, Stopped};
use crate::support::until;

#[tokio::test(flavor = "multi_thread")]
async fn every_way_to_run_a_statement_is_recorded() {
    let stage = Stage::with("CREATE TABLE t (id int PRIMARY KEY, n int)").await;
    let client = stage.through().await;
    let rows = client.simple_query("SELECT 1; SELECT 2").await.unwrap();
    assert_eq!(rows.len(), 6, "{rows:?}");
    let insert = client
        .prepare("INSERT INTO t VALUES ($1, $2)")
        .await
        .unwrap();
    client.execute(&insert, &[&1, &10]).await.unwrap();
    // Sent at once, without waiting for answers.
    let (two, three) = tokio::join!(
        client.query_one("SELECT n FROM t WHERE id = $1", &[&1]),
        client.query_one("SELECT $1::int4 + 1", &[&2])
    );
    assert_eq!((two.unwrap().get(0), three.unwrap().get(0)), (10, 3));
    let copy = client.copy_in("COPY t FROM STDIN").await.unwrap();
    let mut copy = Box::pin(copy);
    for id in 2..2_000 {
        copy.send(bytes::Bytes::from(format!("{id}\t{id}\n")))
            .await
            .unwrap();
    }
    copy.close().await.unwrap();
    let out = client.copy_out("COPY t TO STDOUT").await.unwrap();
    let rows: Vec<_> = Box::pin(out).try_collect().await.unwrap();
    assert_eq!(rows.len(), 1_999);
    let error = client.execute("INSERT INTO t VALUES (1, 1)", &[]).await;
    assert_eq!(error.unwrap_err().code(), Some(&SqlState::UNIQUE_VIOLATION));
    let other = stage.through().await;
    let notice = "DO $$ BEGIN RAISE NOTICE 'told'; END $$";
    other.batch_execute(notice).await.unwrap();
    drop((client, other));

    let Stopped {
        traced, statements, ..
    } = stage.stop().await;
    let ran: Vec<_> = statements.iter().map(|s| s.sql.as_str()).collect();
    // The server answers a text when it has run all of it.
    assert_eq!(ran[0], "SELECT 1;\nSELECT 2");
    assert_eq!(ran[1], "INSERT INTO t VALUES ($1, $2)");
    assert!(ran.contains(&"COPY t FROM STDIN") && ran.contains(&"COPY t TO STDOUT"));
    assert_eq!(ran.len(), 8, "{ran:?}");
    assert!(
        statements
            .iter()
            .all(|s| s.start < s.end || s.sql == "SELECT 2")
    );
    let last = statements.last().unwrap();
    assert_eq!(
        (last.migrator, &last.notices[..]),
        (2, &["told".to_owned()][..])
    );
    assert_eq!(traced.sessions.len(), 2);
    let [failure] = &traced.failures[..] else {
        panic!("{traced:?}")
    };
    assert_eq!(failure.sqlstate.unwrap().as_str(), "23505");
    assert_eq!(
        ran[failure.statement.unwrap()],
        "INSERT INTO t VALUES (1, 1)"
    );
    assert_eq!(traced.sessions[0].error.as_ref(), Some(failure));
    assert_eq!(traced.refused, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statements_locks_are_known_before_its_client_has_the_answer() {
    let stage = Stage::with("CREATE TABLE t (); CREATE TABLE u ()").await;
    let client = stage.through().await;
    client.batch_execute("BEGIN").await.unwrap();
    client
        .execute("ALTER TABLE t ADD c int", &[])
        .await
        .unwrap();
    client
        .batch_execute("LOCK TABLE u IN SHARE MODE")
        .await
        .unwrap();
    // No sampler runs here, and the transaction is still open.
    let (pids, locks) = stage.trace.watched.finish(stage.trace.clock.now());
    assert_eq!(pids.len(), 1);
    let mut held: Vec<_> = locks
        .iter()
        .filter(|lock| lock.granted.is_some() && lock.mode >= LockMode::ShareLock)
        .map(|lock| (lock.mode, lock.statement))
        .collect();
    held.sort();
    held.dedup();
    assert_eq!(
        held,
        [(LockMode::ShareLock, 1), (LockMode::AccessExclusiveLock, 0)]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn psql_runs_a_script_with_copied_rows_through_the_proxy() {
    let stage = Stage::with("CREATE TABLE t (id int)").await;
    let script = "BEGIN;\nALTER TABLE t ADD c int;\nCOPY t FROM stdin;\n1\t1\n2\t2\n\\.\n\
                  COMMIT;\nSELECT count(*) FROM t \\; SELECT 'both' \\g\nSELECT nothing;\n";
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), script).unwrap();
    let config = stage.proxy.config();
    let mut psql = Command::new("psql");
    psql.args(["-X", "-A", "-t", "-f"])
        .arg(file.path())
        .env("PGHOST", stage.proxy.address.ip().to_string())
        .env("PGPORT", stage.proxy.address.port().to_string())
        .env("PGUSER", config.get_user().unwrap())
        .env("PGDATABASE", config.get_dbname().unwrap());
    let password = String::from_utf8(config.get_password().unwrap().to_vec()).unwrap();
    psql.env("PGPASSWORD", &password);
    let output = tokio::task::spawn_blocking(move || psql.output());
    let output = output.await.unwrap().unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert_eq!(stdout, "BEGIN\nALTER TABLE\nCOPY 2\nCOMMIT\n2\nboth\n");
    let Stopped {
        traced, statements, ..
    } = stage.stop().await;
    let ran: Vec<_> = statements.iter().map(|s| s.sql.as_str()).collect();
    let expected = [
        "ALTER TABLE t ADD c int",
        "COPY t FROM stdin",
        "SELECT count(*) FROM t;\nSELECT 'both'",
        "SELECT nothing",
    ];
    assert_eq!(ran, expected);
    assert_eq!(traced.failures[0].statement, Some(3));
    assert!(!format!("{traced:?}").contains(&password));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_request_reaches_the_statement() {
    let stage = Stage::with("").await;
    let client = Arc::new(stage.through().await);
    let sleeper = Arc::clone(&client);
    let sleep = tokio::spawn(async move { sleeper.batch_execute("SELECT pg_sleep(60)").await });
    stage.until_runs("pg_sleep").await;
    client.cancel_token().cancel_query(NoTls).await.unwrap();
    let error = sleep.await.unwrap().unwrap_err();
    assert_eq!(error.code(), Some(&SqlState::QUERY_CANCELED));
    // The connection goes on.
    client.batch_execute("SELECT 1").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_proxy_cancels_what_runs() {
    let stage = Stage::with("CREATE TABLE t ()").await;
    let client = stage.through().await;
    let run = tokio::spawn(async move {
        let sql = "BEGIN; LOCK TABLE t; SELECT pg_sleep(60)";
        client.batch_execute(sql).await
    });
    stage.until_runs("pg_sleep").await;
    let Stopped {
        admin,
        traced,
        statements,
        server: _server,
    } = stage.stop().await;
    assert!(run.await.unwrap().is_err());
    // Nobody holds the lock any more.
    admin
        .batch_execute("BEGIN; LOCK TABLE t NOWAIT; ROLLBACK")
        .await
        .unwrap();
    let last = statements.last().unwrap();
    assert_eq!(last.sql, "LOCK TABLE t;\nSELECT pg_sleep(60)");
    assert!(last.start < last.end, "{last:?}");
    assert_eq!(traced.failures.last().unwrap().statement, Some(last.index));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_client_has_left_running_is_cancelled_at_the_end() {
    let stage = Stage::with("CREATE TABLE t ()").await;
    let config = stage.proxy.config();
    let sql = "BEGIN; LOCK TABLE t; SELECT pg_sleep(60)";
    let mut psql = Command::new("psql")
        .args(["-X", "-c", sql])
        .env("PGHOST", stage.proxy.address.ip().to_string())
        .env("PGPORT", stage.proxy.address.port().to_string())
        .env("PGUSER", config.get_user().unwrap())
        .env("PGDATABASE", config.get_dbname().unwrap())
        .env(
            "PGPASSWORD",
            String::from_utf8_lossy(config.get_password().unwrap()).as_ref(),
        )
        .spawn()
        .unwrap();
    stage.until_runs("pg_sleep").await;
    psql.kill().unwrap();
    psql.wait().unwrap();
    let Stopped {
        admin,
        server: _server,
        ..
    } = stage.stop().await;
    let sql = "BEGIN; LOCK TABLE t NOWAIT; ROLLBACK";
    admin.batch_execute(sql).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_vanishes_or_a_server_that_dies_ends_both_sides() {
    let stage = Stage::with("CREATE TABLE t ()").await;
    let client = stage.through().await;
    client.batch_execute("BEGIN; LOCK TABLE t").await.unwrap();
    drop(client);
    until("the lock is free", async || {
        let sql = "BEGIN; LOCK TABLE t NOWAIT; ROLLBACK";
        let free = stage.admin.batch_execute(sql).await.is_ok();
        let _ = stage.admin.batch_execute("ROLLBACK").await;
        free
    })
    .await;
    let client = stage.through().await;
    let sleep = tokio::spawn(async move { client.batch_execute("SELECT pg_sleep(60)").await });
    stage.until_runs("pg_sleep").await;
    stage.server.stop();
    let error = sleep.await.unwrap().unwrap_err();
    assert!(!error.to_string().is_empty());
    let Stopped {
        traced, statements, ..
    } = stage.stop().await;
    assert_eq!(traced.sessions.len(), 2);
    assert_eq!(traced.sessions[0].error, None);
    let last = statements.last().unwrap();
    assert_eq!(last.sql, "SELECT pg_sleep(60)");
    assert_eq!(traced.failures.last().unwrap().statement, Some(last.index));
}

#[tokio::test(flavor = "multi_thread")]
async fn notifications_pass() {
    let stage = Stage::with("").await;
    let config = stage.proxy.config();
    let (client, mut connection) = config.connect(provision::tls(&config)).await.unwrap();
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        let mut messages =
            futures_util::stream::poll_fn(move |context| connection.poll_message(context));
        while let Some(Ok(message)) = messages.next().await {
            if let tokio_postgres::AsyncMessage::Notification(one) = message {
                let _ = tell.send(one.payload().to_owned());
            }
        }
    });
    client.batch_execute("LISTEN ready").await.unwrap();
    stage
        .admin
        .batch_execute("NOTIFY ready, 'now'")
        .await
        .unwrap();
    let heard = tokio::time::timeout(Duration::from_secs(60), told.recv()).await;
    assert_eq!(heard.unwrap().as_deref(), Some("now"));
}
