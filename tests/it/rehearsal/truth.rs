//! Reports held against a truth that the test makes or measures itself.

use std::collections::{BTreeMap, BTreeSet};

use pgrehearse::postgres::LockMode::{AccessExclusiveLock, ExclusiveLock, ShareLock};
use pgrehearse::provision::Role;
use pgrehearse::report::Lock;
use tokio::time::Instant;
use tokio_postgres::Client;

use super::stage::{Played, Stage, server_ms, until};
use super::{MIGRATE, Scenario};
use crate::support::locks_on;

/// Traffic that touches nothing but `users`.
const USERS_ONLY: &str = "[apps.v1]\n[[apps.v1.queries]]\nname = 'user'\n\
                          sql = 'SELECT email FROM users WHERE id = $1'\n\
                          params = [{ column = 'users.id' }]\n";

/// Whether the migration has the lock on categories, or waits for it.
fn migration_lock(granted: bool) -> String {
    format!(
        "SELECT count(*) > 0 FROM pg_locks l JOIN pg_stat_activity a USING (pid)
         WHERE a.application_name = 'pgrehearse migration' AND l.mode = 'AccessExclusiveLock'
           AND l.relation = 'categories'::regclass AND l.granted = {granted}"
    )
}

/// The script notes the server's time right after each lock and right before the COMMIT.
#[tokio::test(flavor = "multi_thread")]
async fn locks_are_held_as_long_as_the_servers_own_clock_says() {
    let note = |what: &str| format!("INSERT INTO truth VALUES ('{what}', clock_timestamp());");
    let script = format!(
        "DO $$ BEGIN LOCK TABLE addresses IN SHARE MODE; {} END $$;
         SELECT pg_sleep(0.2);
         DO $$ BEGIN
             PERFORM pg_sleep(0.1);
             LOCK TABLE products IN EXCLUSIVE MODE; {}
             PERFORM pg_sleep(0.15);
             LOCK TABLE categories IN ACCESS EXCLUSIVE MODE; {}
             PERFORM pg_sleep(0.05);
         END $$;
         SELECT take_lock();
         SELECT pg_sleep(0.1);
         DO $$ BEGIN {} END $$;",
        note("addresses"),
        note("products"),
        note("categories"),
        note("commit"),
    );
    let scenario = Scenario::new(&format!("{USERS_ONLY}{MIGRATE}"), &script);
    let stage = Stage::set(&scenario).await;
    let admin = stage.connect(Role::Admin).await;
    let function = format!(
        "CREATE TABLE truth (what text, at timestamptz);
         CREATE FUNCTION take_lock() RETURNS void LANGUAGE plpgsql AS $$ BEGIN
             PERFORM pg_sleep(0.05); LOCK TABLE events IN ACCESS EXCLUSIVE MODE; {} END $$;",
        note("events")
    );
    admin.batch_execute(&function).await.unwrap();
    let played = stage.play(async {}).await;
    let truth = truth_ms(&admin).await;
    for (table, mode, statement) in [
        ("addresses", ShareLock, 0),
        ("products", ExclusiveLock, 2),
        ("categories", AccessExclusiveLock, 2),
        ("events", AccessExclusiveLock, 3),
    ] {
        let lock = locks_on(&played.run, &format!("public.{table}"))[0];
        assert_eq!(
            (lock.mode, lock.statement, lock.wait_ms),
            (mode, statement, 0.0)
        );
        let held_ms = truth["commit"] - truth[table];
        check(&played, lock, lock.hold_ms, held_ms);
    }
}

async fn truth_ms(admin: &Client) -> BTreeMap<String, f64> {
    let sql = "SELECT what, extract(epoch FROM at)::float8 * 1000 FROM truth";
    let rows = admin.query(sql, &[]).await.unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

fn check<T>(played: &Played<T>, lock: &Lock, measured_ms: f64, truth_ms: f64) {
    let tolerance_ms = played.tolerance_ms(truth_ms);
    assert!(
        (measured_ms - truth_ms).abs() <= tolerance_ms,
        "{measured_ms} ms measured, {truth_ms} ms true, ±{tolerance_ms} ms: {lock:?}"
    );
}

/// A session in whose way the migration's lock is.
async fn reader_of_categories(stage: &Stage) -> Client {
    let client = stage.connect(Role::Admin).await;
    let sql = "BEGIN; LOCK TABLE categories IN ACCESS SHARE MODE";
    client.batch_execute(sql).await.unwrap();
    client
}

/// A session of the test holds the lock until it has seen the migration wait for 400 ms.
#[tokio::test(flavor = "multi_thread")]
async fn a_wait_ends_when_the_other_session_lets_go() {
    let script = "LOCK TABLE categories IN ACCESS EXCLUSIVE MODE;\nSELECT pg_sleep(0.2);";
    let scenario = Scenario::new(&format!("{USERS_ONLY}{MIGRATE}"), script);
    let stage = Stage::set(&scenario).await;
    let holder = reader_of_categories(&stage).await;
    let watcher = stage.connect(Role::Admin).await;
    let played = stage
        .play(async {
            // The server notes it a moment after the wait has begun.
            let since = "SELECT max(waitstart) IS NOT NULL FROM pg_locks
                         WHERE NOT granted AND relation = 'categories'::regclass";
            until(&watcher, since).await;
            let sql = "SELECT extract(epoch FROM waitstart)::float8 * 1000 FROM pg_locks
                       WHERE NOT granted AND relation = 'categories'::regclass";
            let requested_ms: f64 = watcher.query_one(sql, &[]).await.unwrap().get(0);
            holder.batch_execute("SELECT pg_sleep(0.4)").await.unwrap();
            let released_ms = server_ms(&holder).await;
            holder.batch_execute("COMMIT").await.unwrap();
            released_ms - requested_ms
        })
        .await;
    let lock = locks_on(&played.run, "public.categories")[0];
    assert!(played.alongside > 400.0 && lock.granted, "{lock:?}");
    check(&played, lock, lock.wait_ms, played.alongside);
    assert!((lock.span_ms - lock.wait_ms - lock.hold_ms).abs() < 0.01);
}

/// Three sessions of the test pose as the load: one queues behind the waiting migration, two behind the held lock.
#[tokio::test(flavor = "multi_thread")]
async fn a_blocked_query_waited_as_long_as_its_own_stopwatch_says() {
    let script = "LOCK TABLE categories IN ACCESS EXCLUSIVE MODE;\nSELECT pg_sleep(1);";
    let scenario = Scenario::new(&format!("{USERS_ONLY}{MIGRATE}"), script);
    let stage = Stage::set(&scenario).await;
    let holder = reader_of_categories(&stage).await;
    let watcher = stage.connect(Role::Admin).await;
    let played = stage
        .play(async {
            let let_go = async {
                until(&watcher, &migration_lock(false)).await;
                let waiting = "SELECT count(*) = 2 FROM pg_locks
                               WHERE NOT granted AND relation = 'categories'::regclass";
                until(&watcher, waiting).await;
                holder.batch_execute("SELECT pg_sleep(0.2)").await.unwrap();
                holder.batch_execute("COMMIT").await.unwrap();
                until(&watcher, &migration_lock(true)).await;
            };
            // By then the load's role has its short deadlock_timeout.
            let as_load_when = async |granted| {
                let other = stage.connect(Role::Admin).await;
                until(&other, &migration_lock(granted)).await;
                stage.connect(Role::Load).await
            };
            let read_queued = async { timed(&as_load_when(false).await).await };
            let read_held = async {
                let (first, second) = tokio::join!(as_load_when(true), as_load_when(true));
                tokio::join!(timed(&first), timed(&second))
            };
            let (queued, held, ()) = tokio::join!(read_queued, read_held, let_go);
            [queued, held.0, held.1]
        })
        .await;
    let blocked = &played.run.blocked;
    assert_eq!(played.run.warnings, [] as [&str; 0]);
    assert_eq!(
        (blocked.queries, blocked.by_queued, blocked.by_held),
        (3, 1, 2),
        "{blocked:?}"
    );
    assert_eq!(
        (blocked.reads, blocked.writes),
        (0, 0),
        "none of them is the workload's"
    );
    let lock = locks_on(&played.run, "public.categories")[0];
    let longest_ms = played.alongside.into_iter().fold(0.0, f64::max);
    check(&played, lock, blocked.longest_ms, longest_ms);
    let total_ms = played.alongside.iter().sum::<f64>();
    assert!((blocked.total_ms - total_ms).abs() <= 3.0 * played.tolerance_ms(longest_ms));
}

/// How long a query of the locked table takes, in milliseconds.
async fn timed(client: &Client) -> f64 {
    let started = Instant::now();
    client
        .simple_query("SELECT count(*) FROM categories")
        .await
        .unwrap();
    started.elapsed().as_secs_f64() * 1_000.0
}

/// Nothing but the migration takes a lock on `orders` that a query of the shop could wait for: so every wait for that
/// table in the log is the migration's doing.
#[tokio::test(flavor = "multi_thread")]
async fn as_many_queries_were_blocked_as_the_servers_log_has() {
    let script = "LOCK TABLE orders IN ACCESS EXCLUSIVE MODE;\nSELECT pg_sleep(0.5);";
    let stage = Stage::set(&Scenario::new(MIGRATE, script)).await;
    let played = stage.play(async {}).await;
    let admin = stage.connect(Role::Admin).await;
    let sql = "SELECT pg_read_file(pg_current_logfile('csvlog')), 'orders'::regclass::oid";
    let row = admin.query_one(sql, &[]).await.unwrap();
    let (log, orders): (String, u32) = (row.get(0), row.get(1));
    let waiting = format!("on relation {orders} of database");
    let mut transactions = BTreeSet::new();
    let mut longest_ms: f64 = 0.0;
    for line in log.lines().filter(|line| line.contains(&waiting)) {
        if line.contains(" still waiting for ") {
            let session = line.split(',').nth(3).unwrap();
            let transaction = line.split(',').nth(9).unwrap();
            transactions.insert((session.to_owned(), transaction.to_owned()));
        }
        if line.contains(" acquired ") {
            let waited = line.split(" after ").nth(1).unwrap();
            longest_ms = longest_ms.max(waited.split(' ').next().unwrap().parse().unwrap());
        }
    }
    let blocked = &played.run.blocked;
    assert_eq!(played.run.warnings, [] as [&str; 0]);
    assert!(transactions.len() >= 10, "{log}");
    assert_eq!(blocked.by_held as usize, transactions.len(), "{blocked:?}");
    assert!(
        longest_ms >= 400.0 && blocked.longest_ms >= longest_ms,
        "{blocked:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partitioned_table_is_locked_with_its_partitions() {
    let script = "ALTER TABLE readings ADD COLUMN note text;\nSELECT pg_sleep(0.1);";
    let scenario = Scenario::new(&format!("{USERS_ONLY}{MIGRATE}"), script);
    let stage = Stage::set(&scenario).await;
    let admin = stage.connect(Role::Admin).await;
    let tables = "CREATE TABLE readings (at date, value int) PARTITION BY RANGE (at);
                  CREATE TABLE readings_25 PARTITION OF readings FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
                  CREATE TABLE readings_26 PARTITION OF readings FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');";
    admin.batch_execute(tables).await.unwrap();
    let played = stage.play(async {}).await;
    for table in ["readings", "readings_25", "readings_26"] {
        let lock = locks_on(&played.run, &format!("public.{table}"))[0];
        assert_eq!(
            (lock.mode, lock.statement),
            (AccessExclusiveLock, 0),
            "{lock:?}"
        );
        assert!(lock.hold_ms >= 100.0, "{lock:?}");
    }
    assert!(played.recording.logged_waits.is_some());
}
