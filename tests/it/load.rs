//! The load against a real server that is paused, locked, cut off: its figures are what theory gives.

mod stage;

use std::collections::BTreeMap;
use std::time::Duration;

use pgrehearse::rehearse::clock::At;
use pgrehearse::rehearse::load::Counted;
use pgrehearse::rehearse::recording::{Counts, Latencies, LoadRecord};
use pgrehearse::rehearse::workload::Protocol;

use crate::support::{Rehearsed, until};
use stage::{Asked, NAME, Paused, Stage};

/// The only class of the baseline.
fn counts(counted: &Counted) -> &Counts {
    let [class] = &counted.classes[..] else {
        panic!("one class in one phase: {:?}", counted.classes)
    };
    &class.counts
}

fn pool(counted: &Counted) -> &LoadRecord {
    &counted.load[0]
}

fn errors(counts: &Counts) -> Vec<(&str, u64)> {
    let errors = counts.errors.iter();
    errors.map(|(state, n)| (state.as_str(), *n)).collect()
}

fn longer_than(latencies: &Latencies, seconds: f64) -> f64 {
    let longer = latencies
        .iter()
        .filter(|(us, _)| *us as f64 > seconds * 1e6);
    longer.map(|(_, n)| *n as f64).sum()
}

fn quantile(latencies: &Latencies, quantile: f64) -> f64 {
    let total = longer_than(latencies, -1.0);
    let mut seen = 0.0;
    let at = latencies.iter().find(|(_, n)| {
        seen += *n as f64;
        seen >= total * quantile
    });
    at.unwrap().0 as f64 / 1e6
}

/// Arrivals are a Poisson process: in a time in which n are expected, n ± sqrt(n) come, and five times that is
/// left by chance once in two million.
fn spread(expected: f64) -> f64 {
    5.0 * expected.max(1.0).sqrt()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_paused_gives_the_latencies_that_theory_gives() {
    let asked = Asked {
        arrivals_per_s: 1_000.0,
        connections: 8,
        protocol: Protocol::Prepared,
    };
    let stage = Stage::with("CREATE TABLE t (id int); INSERT INTO t VALUES (1)").await;
    let clock = stage.journal.clock;
    let began = clock.now();
    let driver = stage.load(asked, "SELECT id FROM t", "").await;
    stage.until_more_have_come_back(500).await;
    let backends = stage.backends().await;
    assert_eq!(backends.len(), asked.connections);

    let before = clock.now();
    let paused = Paused::all(&backends);
    let stopped = clock.now();
    clock.park_until(stopped.after(Duration::from_secs(1)), &Default::default());
    let resumed = clock.now();
    drop(paused);
    stage.until_drained().await;
    let drained = clock.now();
    stage.until_more_have_come_back(500).await;
    let ended = clock.now();
    let counted = driver.stop().await;

    // Nothing came back from `stopped` to `resumed`, all of it until `drained`: what arrived t before the end
    // of the pause took at least t. So of rate r, r * (pause - x) take longer than x.
    let seconds = |from: At, to: At| to.since(from).as_secs_f64();
    let rate = asked.arrivals_per_s;
    let (shortest, longest) = (seconds(stopped, resumed), seconds(before, drained));
    let counts = counts(&counted);
    let latencies = &counts.latencies_us;
    for x in [0.2, 0.4, 0.6, 0.8] {
        let (least, most) = (rate * (shortest - x), rate * (longest - x));
        let found = longer_than(latencies, x);
        assert!(
            found >= least - spread(least),
            "{found} > {x} s, not {least}"
        );
        assert!(found <= most + spread(most), "{found} > {x} s, not {most}");
    }
    // The slowest arrived at once; a gap of 20 mean gaps comes by chance once in half a milliard.
    let slowest = quantile(latencies, 1.0);
    assert!(
        (shortest - 20.0 / rate..=longest * 1.001).contains(&slowest),
        "{slowest}"
    );
    // 1 % of all took longer than p99: those that arrived first.
    let arrived_in = 0.01 * seconds(began, ended);
    let p99 = quantile(latencies, 0.99);
    let slack = spread(rate) / rate;
    assert!(p99 >= shortest - arrived_in - slack, "{p99}");
    assert!(p99 <= longest, "{p99}");
    // All that arrived meanwhile but one for each connection found none free.
    let (least, most) = (rate * shortest, rate * longest);
    let delayed = counts.delayed as f64;
    assert!(delayed >= least - spread(least) - 8.0, "{delayed}");
    assert!(delayed <= most + spread(most), "{delayed}");
    // The others were sent at once, and it is known how late.
    let on_time: u64 = pool(&counted).lag_us.iter().map(|(_, n)| n).sum();
    assert_eq!(on_time + counts.delayed, counts.count + counts.censored);
    assert!(quantile(&counts.latencies_us, 0.5) < 0.2 && errors(counts).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_not_come_back_at_the_end_is_reported_as_censored() {
    let asked = Asked {
        arrivals_per_s: 200.0,
        connections: 4,
        protocol: Protocol::Prepared,
    };
    let stage = Stage::with("CREATE TABLE t (id int)").await;
    let driver = stage.load(asked, "SELECT id FROM t", "").await;
    stage.until_more_have_come_back(50).await;
    let sql = "BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE";
    stage.admin.batch_execute(sql).await.unwrap();
    let clock = stage.journal.clock;
    let locked = clock.now();
    clock.park_until(locked.after(Duration::from_secs(1)), &Default::default());
    let least = asked.arrivals_per_s * clock.now().since(locked).as_secs_f64();
    let asked_to_stop = clock.now();
    let counted = driver.stop().await;
    // It stops at once, and then waits for what is under way.
    let most = asked.arrivals_per_s * clock.now().since(locked).as_secs_f64();
    assert!(clock.now().since(asked_to_stop) >= Duration::from_secs(1));
    let counts = counts(&counted);
    let censored = counts.censored as f64;
    assert!(censored >= least - spread(least), "{censored}, not {least}");
    assert!(censored <= most + spread(most), "{censored}, not {most}");
    assert!(
        longer_than(&counts.latencies_us, 0.9) == 0.0,
        "none of them is in the latencies"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cached_plan_fails_once_for_each_connection_and_is_prepared_again() {
    let asked = Asked {
        arrivals_per_s: 200.0,
        connections: 3,
        protocol: Protocol::Prepared,
    };
    let stage = Stage::with("CREATE TABLE t (v int); INSERT INTO t VALUES (1)").await;
    // Each takes 10 ms, so that all connections are in use.
    let driver = stage
        .load(asked, "SELECT v, pg_sleep(0.01) FROM t", "")
        .await;
    stage.until_more_have_come_back(100).await;
    let backends = stage.backends().await;
    let alter = "ALTER TABLE t ALTER v TYPE bigint";
    stage.admin.batch_execute(alter).await.unwrap();
    stage.until_more_have_come_back(200).await;
    assert_eq!(stage.backends().await, backends, "the connections are kept");
    let counted = driver.stop().await;
    assert_eq!(errors(counts(&counted)), [("0A000", 3)]);
    assert_eq!(pool(&counted).prepared_again, 3);
    assert_eq!((pool(&counted).lost, pool(&counted).reconnects), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_are_cut_off_are_opened_again() {
    let asked = Asked {
        arrivals_per_s: 200.0,
        connections: 3,
        protocol: Protocol::Prepared,
    };
    let stage = Stage::with("").await;
    let driver = stage.load(asked, "SELECT pg_sleep(0.01)", "").await;
    stage.until_more_have_come_back(100).await;
    for pid in stage.backends().await {
        let sql = "SELECT pg_terminate_backend($1)";
        stage.admin.query_one(sql, &[&pid]).await.unwrap();
    }
    stage.until_more_have_come_back(200).await;
    assert_eq!(stage.backends().await.len(), 3);
    let counted = driver.stop().await;
    let failed = errors(counts(&counted));
    assert_eq!(failed, [("57P01", 3)], "what the server said last");
    let pool = pool(&counted);
    assert_eq!((pool.lost, pool.reconnects, pool.prepared_again), (3, 3, 0));
    assert!(pool.reconnect_us_max > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_that_gives_up_or_is_cancelled_keeps_its_connection() {
    let asked = Asked {
        arrivals_per_s: 200.0,
        connections: 3,
        protocol: Protocol::Prepared,
    };
    let sql = "CREATE TABLE t (id int); ALTER DATABASE stage SET lock_timeout = '50ms'";
    let stage = Stage::with(sql).await;
    let driver = stage
        .load(
            asked,
            "SELECT id, pg_sleep(0.01) FROM t UNION ALL SELECT 1, pg_sleep(0.01)",
            "",
        )
        .await;
    stage.until_more_have_come_back(50).await;
    let backends = stage.backends().await;
    let sql = "BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE";
    stage.admin.batch_execute(sql).await.unwrap();
    stage.until_more_have_come_back(30).await;
    stage.admin.batch_execute("COMMIT").await.unwrap();
    stage.until_drained().await;
    until("one is cancelled", async || {
        let sql = "SELECT count(*) FILTER (WHERE pg_cancel_backend(pid))
                   FROM pg_stat_activity WHERE application_name = $1 AND state = 'active'";
        stage
            .admin
            .query_one(sql, &[&NAME])
            .await
            .unwrap()
            .get::<_, i64>(0)
            > 0
    })
    .await;
    stage.until_more_have_come_back(50).await;
    assert_eq!(stage.backends().await, backends, "the connections are kept");
    let counted = driver.stop().await;
    let failed: BTreeMap<&str, u64> = errors(counts(&counted)).into_iter().collect();
    assert!(failed["55P03"] >= 10, "{failed:?}");
    assert!((1..=3).contains(&failed["57014"]), "{failed:?}");
    assert_eq!(failed.len(), 2, "{failed:?}");
    let pool = pool(&counted);
    assert_eq!((pool.lost, pool.prepared_again), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_literal_means_what_the_bound_value_means() {
    let columns = "a bigint, b text, c numeric, d timestamptz, e date, f uuid, g jsonb, h bytea, i boolean, \
                   j mood, k bpchar, l float8, m timestamp, n odd";
    let stage = Stage::with(&format!(
        "CREATE TYPE mood AS ENUM ('so \\ so', 'it''s'); CREATE DOMAIN odd AS int CHECK (value % 2 = 1);
         CREATE TABLE words (word text); INSERT INTO words VALUES ('it''s \\ $1'), ('-- /*'), ('');
         CREATE TABLE prepared ({columns}); CREATE TABLE simple ({columns})"
    ))
    .await;
    let when = "{ timestamp = { from = '1999-01-01T00:00:00Z', until = '2031-01-01T00:00:00Z' } }";
    let mood = "{ choice = { 'so \\ so' = 1, \"it's\" = 1 } }";
    let params = [
        "{ int = { min = -5, max = 1000000000000 } }",
        "{ column = 'words.word' }",
        "{ decimal = { min = -3.0, max = 3.0, scale = 3 } }",
        when,
        when,
        "{ uuid = {} }",
        "{ json = { x = { full_name = {} } } }",
        mood,
        "{ bool = {} }",
        mood,
        "{ text = { min = 3, max = 50 } }",
        "{ decimal = { min = -3.0, max = 3.0, scale = 3 } }",
        when,
        "{ nullable = { nulls = 0.3, value = { int = { min = 7, max = 7 } } } }",
    ]
    .join(", ");
    let values: Vec<String> = (1..=14).map(|n| format!("${n}")).collect();
    for (protocol, table) in [
        (Protocol::Prepared, "prepared"),
        (Protocol::Simple, "simple"),
    ] {
        let asked = Asked {
            arrivals_per_s: 300.0,
            connections: 2,
            protocol,
        };
        let sql = format!("INSERT INTO {table} VALUES ({})", values.join(", "));
        let driver = stage.load(asked, &sql, &params).await;
        stage.until_more_have_come_back(200).await;
        let counted = driver.stop().await;
        assert!(
            errors(counts(&counted)).is_empty(),
            "{protocol:?}: {:?}",
            counts(&counted).errors
        );
    }
    // The n-th arrival has the same values in both; one of the two had more arrivals.
    let sql = "SELECT least((SELECT count(*) FROM (TABLE prepared EXCEPT TABLE simple) x),
                            (SELECT count(*) FROM (TABLE simple EXCEPT TABLE prepared) x)),
                      (SELECT count(*) FROM simple)";
    let row = stage.admin.query_one(sql, &[]).await.unwrap();
    assert_eq!(row.get::<_, i64>(0), 0);
    assert!(row.get::<_, i64>(1) >= 200);
}

#[test]
fn behind_the_simple_protocol_it_is_known_which_query_waited() {
    let arguments = [
        "idle-in-transaction",
        "--rows",
        "20000",
        "--provider",
        "local",
        "--protocol",
        "simple",
    ];
    let rehearsed = Rehearsed::run(&arguments);
    let report = rehearsed.report("idle-in-transaction");
    let run = &report.runs[0];
    assert_eq!(run.load.as_ref().unwrap().protocol, Protocol::Simple);
    for traffic in &run.traffic {
        assert!(traffic.figures.errors.is_empty(), "{traffic:?}");
    }
    // Blocked queries are counted by the server's log, and these by the marks that their texts begin with.
    let of_known_queries: u64 = run.blocked.by_query.iter().map(|by| by.queries).sum();
    assert!(of_known_queries > 0, "{:?}", run.blocked);
    assert_eq!(run.blocked.queries, of_known_queries);
    let text = rehearsed.stdout();
    assert!(
        text.contains("simple protocol, parameters as literals"),
        "{text}"
    );
}
