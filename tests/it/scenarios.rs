//! Every shipped scenario at a small scale: what it claims to show is what is measured.

use pgrehearse::postgres::LockMode::{
    AccessExclusiveLock, ShareLock, ShareRowExclusiveLock, ShareUpdateExclusiveLock,
};
use pgrehearse::rehearse::workload::QueryKind;
use pgrehearse::report::{Lock, Outcome, Phase, Run, Statement, Try};

use crate::support::{Rehearsed, completed, errors, locks_on};

/// Runs a scenario that completes, at 20 000 rows.
fn check(scenario: &str, expect: impl Fn(&Run)) {
    check_at(20_000, scenario, Outcome::Completed, expect);
}

/// Runs a scenario whose migration fails, which is what it shows.
fn check_failing(scenario: &str, expect: impl Fn(&Run)) {
    check_at(20_000, scenario, Outcome::MigrationFailed, expect);
}

/// Runs a scenario on local binaries or Docker, whatever is there, and checks what holds for all of them.
fn check_at(rows: u64, scenario: &str, outcome: Outcome, expect: impl Fn(&Run)) {
    let rehearsed = Rehearsed::run(&[scenario, "--rows", &rows.to_string()]);
    let code = i32::from(outcome == Outcome::MigrationFailed);
    assert_eq!(
        rehearsed.code(),
        Some(code),
        "{}\n{}",
        rehearsed.stdout(),
        rehearsed.stderr()
    );
    let report = rehearsed.report(scenario);
    assert_eq!(report.outcome, outcome);
    assert_eq!(report.dataset.rows["orders"], rows);
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
    check("idle-in-transaction", |run| {
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
fn an_alter_that_gives_up_and_tries_again_lands_and_blocks_each_query_for_a_moment() {
    check("lock-timeout-with-retries", |run| {
        let step = &run.steps[0];
        let [failed @ .., landed] = &step.tries[..] else {
            panic!("it was tried: {step:?}")
        };
        assert_eq!(landed.error, None);
        // The reader stays for 2 s, and three tries come within half a second.
        assert!(failed.len() >= 3, "{:?}", step.tries);
        for one in failed {
            assert_eq!(sqlstate(one), Some("55P03"));
            assert!(one.duration_ms >= 50.0, "{one:?}");
        }
        let numbers: Vec<_> = step.statements.iter().map(|s| s.try_number).collect();
        let expected: Vec<_> = (1..=landed.number).collect();
        assert_eq!(numbers, expected, "a statement of each try");
        let locks = locks_on(run, "public.orders");
        let (granted, in_vain): (Vec<&Lock>, Vec<&Lock>) =
            locks.iter().partition(|lock| lock.granted);
        assert_eq!(granted.len(), 1, "{locks:?}");
        assert_eq!(granted[0].try_number, landed.number);
        assert!(!in_vain.is_empty() && in_vain.iter().all(|lock| lock.hold_ms == 0.0));
        // Without a lock_timeout the first of them waits for two seconds.
        assert!(run.blocked.queries > 0, "{:?}", run.blocked);
        assert!(run.blocked.longest_ms < 1_000.0, "{:?}", run.blocked);
        let by_try: u64 = step.tries.iter().map(|one| one.blocked_queries).sum();
        assert_eq!(by_try, run.blocked.queries, "{:?}", step.tries);
        let [reader] = &run.adversaries[..] else {
            panic!("one adversary: {:?}", run.adversaries)
        };
        let began = |phase| run.phases.iter().find(|span| span.phase == phase);
        let start_ms = began(Phase::Migration).unwrap().start_ms;
        assert!(reader.start_ms <= start_ms, "{reader:?}");
        assert!(reader.end_ms.unwrap() >= start_ms + 2_000.0, "{reader:?}");
    });
}

#[test]
fn a_lock_timeout_leaves_an_invalid_index_behind_that_a_retry_trips_over() {
    check_failing("lock-timeout-breaks-concurrently", |run| {
        let step = &run.steps[0];
        let states: Vec<_> = step.tries.iter().map(sqlstate).collect();
        assert_eq!(states, [Some("55P03"), Some("42P07")]);
        assert!(step.statements[0].lock_wait_ms >= 100.0, "{step:?}");
        let index = "new index public.orders_placed_at on public.orders (INVALID)";
        assert_eq!(run.left_behind, [index]);
        assert_eq!(run.blocked.queries, 0);
    });
}

#[test]
fn a_tiny_table_that_everybody_reads_makes_everybody_queue() {
    check("tiny-table-hot", |run| {
        let lock = locks_on(run, "public.shipping_methods")[0];
        assert_eq!(lock.mode, AccessExclusiveLock);
        assert!(lock.wait_ms > 700.0, "{lock:?}");
        let blocked = &run.blocked;
        assert!(blocked.by_queued > 0 && blocked.reads > 0, "{blocked:?}");
        assert_eq!(blocked.writes, 0);
        assert_eq!(in_first_step(run, |s| &s.rewrites), [] as [&str; 0]);
    });
}

#[test]
fn a_foreign_key_locks_both_tables_against_writes_and_lets_reads_through() {
    check("add-foreign-key", |run| {
        for table in ["public.events", "public.users"] {
            let lock = locks_on(run, table)[0];
            assert_eq!(lock.mode, ShareRowExclusiveLock, "{table}");
            assert!(lock.blocks_writes && !lock.blocks_reads);
            // Until COMMIT, and so through the look at every row.
            assert!(lock.hold_ms > 0.0, "{lock:?}");
        }
        assert_eq!(run.blocked.reads, 0);
        assert_eq!(in_first_step(run, |s| &s.scans), ["events_user_id_fkey"]);
    });
}

#[test]
fn a_foreign_key_not_valid_reads_through_the_table_under_a_lock_that_blocks_nobody() {
    check("add-foreign-key-not-valid", |run| {
        assert_eq!(in_first_step(run, |s| &s.scans), [] as [&str; 0]);
        assert_eq!(run.steps[1].statements[0].scans, ["events_user_id_fkey"]);
        let of_validate = run.locks.iter().filter(|lock| lock.step == 1);
        let modes: Vec<_> = of_validate.map(|lock| lock.mode).collect();
        assert!(modes.contains(&ShareUpdateExclusiveLock), "{modes:?}");
        assert!(!modes.iter().any(|mode| mode.blocks_writes()), "{modes:?}");
        assert_eq!(run.blocked.reads, 0);
    });
}

/// Enough rows for a backfill to last until some of the traffic wants what it has locked.
const BACKFILL_ROWS: u64 = 60_000;

#[test]
fn a_backfill_in_a_single_update_makes_writes_wait_for_rows() {
    let scenario = "backfill-single-update";
    check_at(BACKFILL_ROWS, scenario, Outcome::Completed, |run| {
        assert!(run.locks.iter().all(|lock| !lock.blocks_writes));
        let blocked = &run.blocked;
        assert!(blocked.by_row > 0, "{blocked:?}");
        assert_eq!((blocked.by_row, blocked.reads), (blocked.queries, 0));
    });
}

#[test]
fn a_backfill_in_batches_keeps_nobody_waiting_for_long() {
    let scenario = "backfill-in-batches";
    check_at(BACKFILL_ROWS, scenario, Outcome::Completed, |run| {
        assert!(run.locks.iter().all(|lock| !lock.blocks_writes));
        let (blocked, step) = (&run.blocked, &run.steps[0]);
        assert_eq!(blocked.reads, 0);
        // A row is locked for one batch of thirty at most.
        assert!(blocked.longest_ms < step.duration_ms / 2.0, "{blocked:?}");
    });
}

#[test]
fn of_several_migrators_one_lands_and_the_others_wait_and_fail() {
    check_failing("concurrent-migrators", |run| {
        let step = &run.steps[0];
        let mut states: Vec<_> = step.tries.iter().map(sqlstate).collect();
        states.sort_unstable();
        assert_eq!(states, [None, Some("42701"), Some("42701")]);
        let landed = step.tries.iter().find(|one| one.error.is_none()).unwrap();
        let index = run.locks.iter().find(|lock| lock.mode == ShareLock);
        assert_eq!(index.expect("of CREATE INDEX").session, landed.session);
        // The column is what the migration was for, and nothing that a failure left.
        assert_eq!(run.left_behind, [] as [&str; 0]);
        assert_eq!(run.adversaries.len(), 1);
    });
}

/// What a try failed with.
fn sqlstate(one: &Try) -> Option<&str> {
    Some(one.error.as_ref()?.sqlstate.as_ref()?.as_str())
}

#[test]
#[ignore = "needs a Docker engine with the images postgres:13, :15, :17 and :18"]
fn every_supported_version_gives_the_same_locks_in_docker() {
    let rehearsed = Rehearsed::run(&[
        "create-index",
        "idle-in-transaction",
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
    for run in &rehearsed.report("idle-in-transaction").runs {
        let lock = locks_on(run, "public.orders")[0];
        assert_eq!(lock.mode, AccessExclusiveLock);
        assert!(lock.wait_ms > 1_000.0, "{lock:?}");
        assert!(run.blocked.by_queued > 0, "{:?}", run.blocked);
    }
}
