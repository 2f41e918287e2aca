//! The server is measured as production runs it: durable, analyzed, with the user's own settings.

use pgrehearse::provision::{OsCache, Role};

use super::stage::{Stage, until};
use super::{MIGRATE, Scenario};
use crate::support::pgrehearse;

const SCRIPT: &str = "ALTER TABLE orders ADD COLUMN gift int;";

/// What the planner and index-only scans go by: pages, those that are visible to all, and known columns.
const KNOWN: &str = "SELECT c.relname, c.relpages, c.relallvisible, round(c.reltuples)::bigint,
        (SELECT count(*) FROM pg_stats s WHERE s.tablename = c.relname)
    FROM pg_class c WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace ORDER BY 1";

/// What a clone is like before its rehearsal, and what is done to it before the traffic.
async fn check_clone(provider: &[&str]) {
    let scenario = Scenario::new(MIGRATE, SCRIPT);
    let stage = Stage::set_on(&scenario, provider).await;
    let admin = stage.connect(Role::Admin).await;
    let known = async || {
        let rows = admin.query(KNOWN, &[]).await.unwrap();
        let table = |row: &tokio_postgres::Row| {
            let figures: (i32, i32, i64, i64) = (row.get(1), row.get(2), row.get(3), row.get(4));
            (row.get::<_, String>(0), figures)
        };
        rows.iter().map(table).collect::<Vec<_>>()
    };
    let before = known().await;
    assert!(
        before.len() >= 5 && before.iter().all(|(_, figures)| figures.3 > 0),
        "{before:?}"
    );
    admin.batch_execute("VACUUM (ANALYZE)").await.unwrap();
    assert_eq!(known().await, before, "a vacuum finds nothing to do");

    // What is dirty by now is on disk when the traffic starts.
    admin
        .batch_execute("CREATE TABLE dirty AS SELECT 1")
        .await
        .unwrap();
    let row = admin
        .query_one("SELECT pg_current_wal_insert_lsn()::text", &[])
        .await
        .unwrap();
    let dirty_until: String = row.get(0);
    let played = stage
        .play(async {
            let traffic = "SELECT count(*) > 0 FROM pg_stat_activity \
                           WHERE application_name = 'pgrehearse load'";
            until(&admin, traffic).await;
            let sql = format!("SELECT redo_lsn >= '{dirty_until}' FROM pg_control_checkpoint()");
            admin.query_one(&sql, &[]).await.unwrap().get::<_, bool>(0)
        })
        .await;
    assert!(played.alongside, "a checkpoint before the traffic");
    let settings = &played.recording.settings;
    for on in [
        "fsync",
        "full_page_writes",
        "synchronous_commit",
        "autovacuum",
    ] {
        assert_eq!(settings[on], "on", "{on}");
    }
    assert_eq!(settings["wal_level"], "replica");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clone_is_measured_as_production_would_run_it() {
    check_clone(&["--provider", "local"]).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a Docker engine with postgres images"]
async fn a_clone_in_a_container_is_measured_as_production_would_run_it() {
    check_clone(&["--provider", "docker"]).await;
}

/// A connection that does not encrypt would be refused by its own configuration.
#[tokio::test(flavor = "multi_thread")]
async fn everyone_speaks_tls_with_a_server_that_wants_it() {
    let (_server, url) = crate::provision::tls::verified_url().await;
    let run = move || Scenario::new(MIGRATE, SCRIPT).run(&["--url", &url]);
    let (code, report) = tokio::task::spawn_blocking(run).await.unwrap();
    assert_eq!(code, Some(0), "{:?}", report.outcome_reason);
    assert!(
        report.runs[0]
            .traffic
            .iter()
            .any(|class| class.figures.count > 0)
    );
}

fn production_conf(text: &str) -> (tempfile::TempDir, String) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("production.conf");
    std::fs::write(&path, text).unwrap();
    let path = path.to_str().unwrap().to_owned();
    (dir, path)
}

fn check_settings(provider: &[&str]) {
    let (_dir, path) = production_conf(
        "data_directory = '/data'\nssl = on\nshared_buffers = 32MB\nmax_connections = 5\n\
         synchronous_commit = off\nwork_mem = 1MB # small\nlog_statement = 'ddl'\n\
         shared_preload_libraries = 'no_such_library'\n",
    );
    let toml = format!("{MIGRATE}[settings]\nwork_mem = '2MB'\njit = false\n");
    let typed = [
        "--settings",
        &path,
        "--set",
        "work_mem=3MB",
        "--cache",
        "cold",
    ];
    let (code, report) = Scenario::new(&toml, SCRIPT).run(&[provider, &typed].concat());
    assert_eq!(code, Some(0));
    let environment = &report.environment;
    for (name, value) in [
        ("shared_buffers", "32MB"),
        ("work_mem", "3MB"),
        ("jit", "off"),
        ("log_statement", "ddl"),
        // 24 connections of the load, and those that measure.
        ("max_connections", "44"),
        ("fsync", "on"),
    ] {
        assert_eq!(environment.settings[name], value, "{name}");
    }
    assert_eq!(environment.settings_brought["work_mem"], "3MB");
    assert_eq!(environment.settings_brought["max_connections"], "5");
    assert!(!environment.settings_brought.contains_key("fsync"));
    assert_eq!(environment.settings_ignored, ["data_directory", "ssl"]);
    assert_eq!(environment.os_cache, Some(OsCache::Cold));
    let [library, commit] = &report.warnings[..] else {
        panic!("two warnings: {:?}", report.warnings)
    };
    assert!(library.contains("no_such_library"), "{library}");
    assert!(
        commit.starts_with("measured without synchronous_commit"),
        "{commit}"
    );
    assert_eq!(report.runs[0].warnings, [""; 0]);
}

#[test]
fn the_users_settings_are_in_force_and_in_the_report() {
    check_settings(&["--provider", "local"]);
}

#[test]
#[ignore = "needs a Docker engine with postgres images"]
fn the_users_settings_are_in_force_in_a_container() {
    check_settings(&["--provider", "docker"]);
}

/// All that is wrong is told at once, before there is data.
fn check_refused(provider: &[&str]) {
    let (_dir, path) =
        production_conf("work_men = 64MB\nwork_mem = lots\nshared_buffers = 900TB\nfsync = on\n");
    let cache = tempfile::tempdir().unwrap();
    std::fs::set_permissions(
        cache.path(),
        std::os::unix::fs::PermissionsExt::from_mode(0o755),
    )
    .unwrap();
    let mut command = pgrehearse();
    command
        .args(["run", "create-index", "--settings", &path, "--cache-dir"])
        .arg(cache.path())
        .args(provider);
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    for part in [
        "production.conf:1: work_men = 64MB: unrecognized configuration parameter \"work_men\"; PostgreSQL ",
        "production.conf:2: work_mem = lots: invalid value for parameter \"work_mem\": \"lots\"",
        "production.conf:3: shared_buffers = 900TB: ",
    ] {
        assert!(said.contains(part), "{part}\n{said}");
    }
    assert!(!said.contains("seed"), "{said}");
}

#[test]
fn settings_that_the_server_refuses_are_told_before_there_is_data() {
    check_refused(&["--provider", "local"]);
}

#[test]
#[ignore = "needs a Docker engine with postgres images"]
fn settings_that_a_container_refuses_are_told_before_there_is_data() {
    check_refused(&["--provider", "docker"]);
}
