//! What else runs while a migration comes, and what a migration that gives up its locks does.

use pgrehearse::postgres::LockMode::{AccessExclusiveLock, ShareLock};
use pgrehearse::report::{Outcome, Run};

use crate::rehearsal::{MIGRATE, Scenario, check};
use crate::support::locks_on;

/// The script meets an adversary, which stays for `hold_ms` from the step's beginning.
fn against(adversary: &str, hold_ms: u32, script: &str, expect: impl Fn(&Run)) {
    let toml = format!("[[adversaries]]\n{adversary}\nhold_ms = {hold_ms}\n{MIGRATE}");
    check(&toml, script, |run| {
        let [adversary] = &run.adversaries[..] else {
            panic!("one adversary: {:?}", run.adversaries)
        };
        let step = &run.steps[0];
        assert!(adversary.start_ms <= step.start_ms, "{adversary:?}");
        let end_ms = adversary.end_ms.expect("its time is over");
        assert!(end_ms >= adversary.start_ms + f64::from(hold_ms));
        expect(run);
    });
}

const ALTER: &str = "ALTER TABLE orders ADD COLUMN x int;";

#[test]
fn a_backup_keeps_an_alter_waiting_until_its_time_is_over() {
    against("kind = 'snapshot'", 1_500, ALTER, |run| {
        let lock = locks_on(run, "public.orders")[0];
        assert_eq!(lock.mode, AccessExclusiveLock);
        assert!(lock.granted && lock.wait_ms > 700.0, "{lock:?}");
        assert!(run.blocked.by_queued > 0, "{:?}", run.blocked);
    });
}

#[test]
fn a_vacuum_against_wraparound_outlives_the_deadlock_timer() {
    let vacuum = "kind = 'wraparound_vacuum'\ntable = 'orders'";
    against(vacuum, 2_500, ALTER, |run| {
        let lock = locks_on(run, "public.orders")[0];
        // An ordinary autovacuum would have been cancelled after a second.
        assert!(lock.granted && lock.wait_ms > 1_500.0, "{lock:?}");
    });
}

#[test]
fn a_long_transaction_elsewhere_is_felt_by_concurrently_alone() {
    let long = "kind = 'long_transaction'\nsql = 'UPDATE categories SET name = name'";
    let script = format!("{ALTER}\nCREATE INDEX CONCURRENTLY i ON orders (placed_at);");
    against(long, 2_000, &script, |run| {
        let [alter, index] = &run.steps[0].statements[..] else {
            panic!("two statements: {:?}", run.steps)
        };
        assert!(index.lock_wait_ms > 700.0, "{index:?}");
        assert!(alter.lock_wait_ms < index.lock_wait_ms / 2.0, "{alter:?}");
    });
}

#[test]
fn a_long_transaction_that_writes_nothing_is_no_adversary() {
    let toml = format!(
        "[[adversaries]]\nkind = 'long_transaction'\nhold_ms = 100\n\
         sql = 'UPDATE categories SET name = name WHERE id < 0'\n{MIGRATE}"
    );
    let (code, report) = Scenario::new(&toml, ALTER).run(&["--provider", "local"]);
    assert_eq!((code, report.outcome), (Some(4), Outcome::Aborted));
    let reason = report.outcome_reason.unwrap();
    assert!(reason.contains("has written nothing"), "{reason}");
}

#[test]
fn a_retry_goes_on_after_what_is_committed() {
    let toml = format!(
        "[[adversaries]]\nkind = 'idle_in_transaction'\nhold_ms = 1200\n\
         sql = 'SELECT count(*) FROM orders WHERE id <= 10'\n\
         {MIGRATE}lock_timeout_ms = 100\nretries = 20\nbackoff_ms = 50\n"
    );
    let script = format!("VACUUM categories;\n{ALTER}");
    check(&toml, &script, |run| {
        let step = &run.steps[0];
        assert_eq!(step.error, None);
        assert!(step.tries.len() > 1, "{:?}", step.tries);
        let times = |index| step.statements.iter().filter(|s| s.index == index).count();
        assert_eq!((times(0), times(1)), (1, step.tries.len()));
    });
}

#[test]
fn a_migrator_that_was_the_victim_of_a_deadlock_tries_again_and_lands() {
    let toml = format!(
        "[[adversaries]]\nkind = 'migrators'\ncount = 1\n{MIGRATE}retries = 5\nbackoff_ms = 50\n"
    );
    // Both get the first lock, and neither the second.
    let script = "LOCK TABLE products IN SHARE MODE;\nSELECT pg_sleep(0.5);\n\
                  LOCK TABLE products IN ACCESS EXCLUSIVE MODE;";
    check(&toml, script, |run| {
        let step = &run.steps[0];
        assert_eq!(step.error, None, "{:?}", step.tries);
        let victims = step.tries.iter().filter(|one| one.error.is_some());
        let states: Vec<_> = victims
            .map(|one| one.error.as_ref().unwrap().sqlstate.unwrap())
            .collect();
        assert!(!states.is_empty(), "{:?}", step.tries);
        assert!(states.iter().all(|s| s.as_str() == "40P01"), "{states:?}");
        for migrator in [1, 2] {
            let mut own = step.tries.iter().filter(|one| one.migrator == migrator);
            let last = own.next_back().unwrap();
            assert_eq!(last.error, None);
            // The locks of each session are followed.
            let locks = locks_on(run, "public.products");
            let mut of_it = locks.iter().filter(|lock| lock.session == last.session);
            assert!(of_it.any(|lock| lock.mode == ShareLock), "{locks:?}");
        }
    });
}
