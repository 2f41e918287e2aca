//! Every shipped scenario at a small scale: what it claims to show is what is measured.

use pgrehearse::postgres::LockMode::{AccessExclusiveLock, ShareLock, ShareUpdateExclusiveLock};
use pgrehearse::rehearse::workload::QueryKind;
use pgrehearse::report::{Outcome, Phase, Run, Statement};

use crate::support::{Rehearsed, completed, errors, locks_on};

/// Runs a scenario on local binaries or Docker, whatever is there, and checks what holds for all of them.
fn check(scenario: &str, expect: impl Fn(&Run)) {
    let rehearsed = Rehearsed::run(&[scenario, "--rows", "20000"]);
    assert_eq!(
        rehearsed.code(),
        Some(0),
        "{}\n{}",
        rehearsed.stdout(),
        rehearsed.stderr()
    );
    let report = rehearsed.report(scenario);
    assert_eq!(report.outcome, Outcome::Completed);
    assert_eq!(report.dataset.rows["orders"], 20_000);
    for setting in [
        "fsync",
        "full_page_writes",
        "synchronous_commit",
        "autovacuum",
    ] {
        assert_eq!(
            report.environment.settings[setting], "on",
            "{setting} while measuring"
        );
    }
    let run = &report.runs[0];
    for kind in [QueryKind::Read, QueryKind::Write] {
        assert!(
            completed(run, Phase::Baseline, kind) > 0,
            "no baseline of {kind:?}"
        );
    }
    let baseline_errors: u64 = run
        .traffic
        .iter()
        .filter(|t| t.phase == Phase::Baseline)
        .flat_map(|t| t.figures.errors.values())
        .sum();
    assert_eq!(baseline_errors, 0, "{:?}", run.traffic);
    expect(run);
}

/// What the statements of the only step did, by the server's notices.
fn in_first_step(run: &Run, did: impl Fn(&Statement) -> &Vec<String>) -> Vec<&String> {
    run.steps[0].statements.iter().flat_map(did).collect()
}

#[test]
fn create_index_holds_a_share_lock_that_lets_reads_through() {
    check("create-index", |run| {
        let lock = locks_on(run, "public.orders")[0];
        assert_eq!(lock.mode, ShareLock);
        assert!(lock.blocks_writes && !lock.blocks_reads);
        // The lock is held until COMMIT, so at least as long as its statement ran.
        assert!(lock.hold_ms >= run.steps[0].statements[0].duration_ms);
        assert_eq!(run.blocked.reads, 0);
    });
}

#[test]
fn create_index_concurrently_takes_no_lock_that_blocks_anyone() {
    check("create-index-concurrently", |run| {
        let lock = locks_on(run, "public.orders")[0];
        assert_eq!(lock.mode, ShareUpdateExclusiveLock);
        assert!(!lock.blocks_writes && !lock.blocks_reads);
        assert_eq!(run.blocked.queries, 0);
    });
}

#[test]
fn a_constant_default_rewrites_nothing() {
    check("add-column-constant-default", |run| {
        assert_eq!(locks_on(run, "public.orders")[0].mode, AccessExclusiveLock);
        assert_eq!(in_first_step(run, |s| &s.rewrites), [] as [&str; 0]);
    });
}

#[test]
fn a_volatile_default_rewrites_the_table() {
    check("add-column-volatile-default", |run| {
        assert_eq!(locks_on(run, "public.orders")[0].mode, AccessExclusiveLock);
        assert_eq!(in_first_step(run, |s| &s.rewrites), ["orders"]);
    });
}

#[test]
fn set_not_null_reads_the_table_under_an_exclusive_lock() {
    check("set-not-null", |run| {
        assert_eq!(locks_on(run, "public.orders")[0].mode, AccessExclusiveLock);
        assert_eq!(in_first_step(run, |s| &s.scans), ["orders"]);
    });
}

#[test]
fn set_not_null_by_check_scans_only_under_a_lock_that_lets_traffic_through() {
    check("set-not-null-by-check", |run| {
        let statements: Vec<_> = run
            .steps
            .iter()
            .enumerate()
            .flat_map(|(step, s)| s.statements.iter().map(move |t| (step, t)))
            .collect();
        let scanning: Vec<_> = statements
            .iter()
            .filter(|(_, statement)| !statement.scans.is_empty())
            .collect();
        let [(step, validate)] = scanning[..] else {
            panic!("one statement scans: {scanning:?}")
        };
        assert!(validate.sql.contains("VALIDATE"));
        let lock = run
            .locks
            .iter()
            .find(|lock| (lock.step, lock.statement) == (*step, validate.index))
            .expect("VALIDATE locks the table");
        assert!(!lock.blocks_reads && !lock.blocks_writes, "{lock:?}");
    });
}

#[test]
fn widening_a_key_rewrites_the_table() {
    check("change-column-type", |run| {
        let rewrites = in_first_step(run, |s| &s.rewrites);
        assert!(
            rewrites.iter().any(|table| *table == "orders"),
            "{rewrites:?}"
        );
        assert_eq!(locks_on(run, "public.orders")[0].mode, AccessExclusiveLock);
    });
}

#[test]
fn dropping_a_column_in_use_breaks_the_old_application() {
    check("drop-column-in-use", |run| {
        assert!(errors(run, "42703") > 0, "{:?}", run.traffic)
    });
}

#[test]
fn an_alter_behind_a_long_reader_makes_everyone_queue() {
    check("lock-queue", |run| {
        let lock = locks_on(run, "public.orders")[0];
        assert_eq!(lock.mode, AccessExclusiveLock);
        // The reader stays for 2 s after the step's beginning: whatever the machine does, most of it is waited for.
        assert!(lock.wait_ms > 1_000.0, "{lock:?}");
        assert!(
            run.blocked.by_queued > 0 && run.blocked.reads > 0,
            "{:?}",
            run.blocked
        );
        assert!(run.blocked.longest_ms <= lock.span_ms + 100.0);
    });
}

#[test]
#[ignore = "needs a Docker engine with the images postgres:13, :15, :17 and :18"]
fn every_supported_version_gives_the_same_locks_in_docker() {
    let rehearsed = Rehearsed::run(&[
        "create-index",
        "lock-queue",
        "--rows",
        "20000",
        "--provider",
        "docker",
        "--postgres",
        "13,15,17,18",
    ]);
    assert_eq!(
        rehearsed.code(),
        Some(0),
        "{}\n{}",
        rehearsed.stdout(),
        rehearsed.stderr()
    );
    let index = rehearsed.report("create-index");
    let majors: Vec<_> = index.runs.iter().map(|run| run.postgres.major()).collect();
    assert_eq!(majors, [13, 15, 17, 18]);
    for run in &index.runs {
        assert_eq!(locks_on(run, "public.orders")[0].mode, ShareLock);
        assert_eq!(run.blocked.reads, 0);
    }
    for run in &rehearsed.report("lock-queue").runs {
        let lock = locks_on(run, "public.orders")[0];
        assert_eq!(lock.mode, AccessExclusiveLock);
        assert!(lock.wait_ms > 1_000.0, "{lock:?}");
        assert!(run.blocked.by_queued > 0, "{:?}", run.blocked);
    }
}
