//! Rehearsals with a known truth: what is reported is what was made to happen.

mod stage;
mod truth;
mod production;

use pgrehearse::postgres::LockMode::{AccessExclusiveLock, ShareLock, ShareUpdateExclusiveLock};
use pgrehearse::report::{Outcome, Phase, Report, Run};

use crate::server::{self, Server};
use crate::support::{Rehearsed, locks_on};

/// A scenario of a second's phases, with these steps and whatever else is written before them.
pub(crate) struct Scenario {
    dir: tempfile::TempDir,
}

impl Scenario {
    pub(crate) fn new(toml: &str, script: &str) -> Scenario {
        let dir = tempfile::Builder::new()
            .prefix("truth")
            .tempdir()
            .expect("a temporary directory");
        let head = "title = 'truth'\ndataset = 'shop'\nrows = 20000\n\
                    [load]\narrivals_per_s = 200\nconnections = 24\nwarmup = '500ms'\nbaseline = '1s'\n\
                    recovery = '1s'\nrecovery_limit = '5s'\n";
        std::fs::write(dir.path().join("scenario.toml"), format!("{head}{toml}")).unwrap();
        std::fs::write(dir.path().join("up.sql"), script).unwrap();
        Scenario { dir }
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> (Option<i32>, Report) {
        let path = self.dir.path().to_str().unwrap();
        let rehearsed = Rehearsed::run(&[&[path], arguments].concat());
        let name = self.dir.path().file_name().unwrap().to_str().unwrap();
        (rehearsed.code(), rehearsed.report(name))
    }
}

pub(crate) const MIGRATE: &str = "[[steps]]\nmigrate = 'up.sql'\n";

/// Runs the script under traffic, and looks at the only run.
pub(crate) fn check(toml: &str, script: &str, expect: impl Fn(&Run)) {
    let (_, report) = Scenario::new(toml, script).run(&["--provider", "local"]);
    let run = &report.runs[0];
    assert_eq!(run.warnings, [] as [&str; 0]);
    expect(run);
}

#[test]
fn locks_pile_up_until_commit_and_the_first_of_them_is_what_queries_run_into() {
    let script = "LOCK TABLE orders IN ACCESS EXCLUSIVE MODE;\nSELECT pg_sleep(0.3);\n\
                  LOCK TABLE orders IN SHARE MODE;\nSELECT pg_sleep(0.5);";
    check(MIGRATE, script, |run| {
        let step = &run.steps[0];
        let [exclusive, share] = locks_on(run, "public.orders")[..] else {
            panic!("two locks: {:?}", run.locks)
        };
        assert_eq!(
            (exclusive.mode, share.mode),
            (AccessExclusiveLock, ShareLock)
        );
        assert_eq!((exclusive.statement, share.statement), (0, 2));
        // Both end with the COMMIT; each begins with its own statement.
        let commit_ms = step.start_ms + step.duration_ms;
        for lock in [exclusive, share] {
            let released_ms = lock.request_ms + lock.span_ms;
            let last = step.statements.last().unwrap();
            assert!(released_ms >= last.start_ms + last.duration_ms, "{lock:?}");
            assert!(released_ms <= commit_ms, "{lock:?}");
            assert!(lock.wait_ms < 5.0, "{lock:?}");
        }
        assert!((800.0..=step.duration_ms).contains(&exclusive.hold_ms));
        assert!(exclusive.hold_ms - share.hold_ms >= 300.0);
        let blocked = &run.blocked;
        assert!(blocked.reads > 0 && blocked.writes > 0, "{blocked:?}");
        assert_eq!(
            (blocked.by_held, blocked.by_queued),
            (blocked.queries, 0),
            "{blocked:?}"
        );
        let charged: Vec<_> = blocked.by_statement.iter().map(|by| by.statement).collect();
        assert_eq!(charged, [0]);
    });
}

#[test]
fn a_lock_is_released_when_its_savepoint_is_rolled_back() {
    let script = "BEGIN;\nSAVEPOINT s;\nLOCK TABLE orders IN ACCESS EXCLUSIVE MODE;\n\
                  SELECT pg_sleep(0.3);\nROLLBACK TO SAVEPOINT s;\nSELECT pg_sleep(0.6);\nCOMMIT;";
    check(MIGRATE, script, |run| {
        let lock = locks_on(run, "public.orders")[0];
        let back = &run.steps[0].statements[3];
        assert!(back.sql.starts_with("ROLLBACK TO"), "{back:?}");
        let released_ms = lock.request_ms + lock.span_ms;
        assert!(lock.hold_ms >= 300.0, "{lock:?}");
        assert!(
            released_ms <= back.start_ms + back.duration_ms + 0.001,
            "{lock:?}, {back:?}"
        );
    });
}

#[test]
fn what_concurrently_waits_for_other_transactions_is_no_work() {
    let reader = "[[adversaries]]\nkind = 'idle_in_transaction'\nhold_ms = 1500\n\
                  sql = 'SELECT count(*) FROM orders WHERE id <= 10'\n";
    let script = "CREATE INDEX CONCURRENTLY i ON orders (placed_at);";
    check(&format!("{reader}{MIGRATE}"), script, |run| {
        let statement = &run.steps[0].statements[0];
        // All but the two scans of a small table is waiting for the reader.
        assert!(statement.lock_wait_ms > 700.0, "{statement:?}");
        assert!(
            statement.lock_wait_ms <= statement.duration_ms,
            "{statement:?}"
        );
        let lock = locks_on(run, "public.orders")[0];
        assert_eq!(lock.mode, ShareUpdateExclusiveLock);
        assert_eq!(lock.wait_ms, 0.0);
        assert_eq!(run.blocked.queries, 0);
    });
}

#[test]
fn a_deployed_version_takes_the_traffic_over_and_stalls_only_while_it_has_some() {
    let toml = "[apps.v2]\nextends = 'v1'\n[[apps.v2.queries]]\nname = 'order_by_id'\nweight = 18\n\
                sql = 'SELECT gift FROM orders WHERE id = $1 AND gift >= $2'\n\
                params = [{ column = 'orders.id' }, { column = 'orders.gift' }]\n\
                [[steps]]\nmigrate = 'up.sql'\n[[steps]]\nwait = '1500ms'\n\
                [[steps]]\ndeploy = 'v2'\noverlap = '1s'\n[[steps]]\nwait = '1500ms'\n";
    let script = "ALTER TABLE orders ADD COLUMN gift int NOT NULL DEFAULT 3;";
    check(toml, script, |run| {
        let class = |phase, app: &str| {
            run.traffic.iter().find(move |class| {
                (class.phase, class.app.as_str(), class.query.as_str())
                    == (phase, app, "order_by_id")
            })
        };
        assert!(class(Phase::Baseline, "v2").is_none());
        assert!(class(Phase::Recovery, "v1").is_none());
        let [old, new] = ["v1", "v2"].map(|app| &class(Phase::Migration, app).unwrap().figures);
        for figures in [old, new] {
            assert!(
                figures.count > 0 && figures.errors.is_empty(),
                "{figures:?}"
            );
            // 36 a second of this class: a second and a half without one is the other version's time.
            assert!(figures.stall_ms < 1_500.0, "{figures:?}");
        }
    });
}

#[test]
fn a_commit_that_fails_is_a_failed_migration_with_its_locks() {
    let script = "CREATE TABLE child (user_id int REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED);\n\
                  INSERT INTO child VALUES (-7);\nSELECT pg_sleep(0.2);";
    let (code, report) = Scenario::new(MIGRATE, script).run(&["--provider", "local"]);
    assert_eq!(
        (code, report.outcome),
        (Some(1), Outcome::MigrationFailed),
        "a failed migration is outside of any budget"
    );
    let run = &report.runs[0];
    let error = run.steps[0].error.as_ref().unwrap();
    assert_eq!(error.sqlstate.unwrap().as_str(), "23503");
    assert_eq!(error.statement, None);
    assert!(locks_on(run, "public.users")[0].hold_ms >= 200.0);
    assert_eq!(run.left_behind, [] as [&str; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_server_by_url_only_the_workloads_own_waits_are_counted() {
    let server = Server::start().await;
    let config = server.database("throw_away").await;
    let admin = server::connect(&config).await;
    let mark = "COMMENT ON DATABASE throw_away IS 'pgrehearse: disposable'";
    admin.batch_execute(mark).await.unwrap();
    let url = server.url("throw_away");
    let script = "LOCK TABLE orders IN ACCESS EXCLUSIVE MODE;\nSELECT pg_sleep(1.5);";
    let scenario = Scenario::new(MIGRATE, script);
    let run = tokio::task::spawn_blocking(move || scenario.run(&["--url", &url]));
    let stranger = tokio::spawn(wait_behind_the_migration(config));
    let (_, report) = run.await.unwrap();
    assert!(stranger.await.unwrap(), "a session of somebody else waited");
    let run = &report.runs[0];
    let of_the_workload: u64 = run.blocked.by_query.iter().map(|by| by.queries).sum();
    assert!(of_the_workload > 0);
    assert_eq!(run.blocked.queries, of_the_workload);
    let lock = locks_on(run, "public.orders")[0];
    assert!(run.blocked.longest_ms <= lock.span_ms + 50.0, "{lock:?}");
    let [warning] = &run.warnings[..] else {
        panic!("only that there is no log: {:?}", run.warnings)
    };
    assert!(warning.contains("counted from samples"), "{warning}");
}

/// Reads the locked table of the run's database, as soon as it is locked; whether it was.
async fn wait_behind_the_migration(config: tokio_postgres::Config) -> bool {
    let admin = server::connect(&config).await;
    let sql = "SELECT datname FROM pg_stat_activity
               WHERE application_name = 'pgrehearse migration' AND query LIKE '%pg_sleep%'";
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(60);
    let mut polls = tokio::time::interval(std::time::Duration::from_millis(20));
    while tokio::time::Instant::now() < deadline {
        polls.tick().await;
        if let Some(row) = admin.query_opt(sql, &[]).await.unwrap() {
            let mut config = config.clone();
            config.dbname(row.get::<_, &str>(0));
            let client = server::connect(&config).await;
            // The database may be dropped before the answer comes.
            let _ = client.simple_query("SELECT count(*) FROM orders").await;
            return true;
        }
    }
    false
}
