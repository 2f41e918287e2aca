//! Which waits are charged, to what, and which are not.

use super::*;
use crate::postgres::{RelationKind, RelationName, Version};
use crate::rehearse::observe::catalogue::RelationFacts;
use crate::rehearse::observe::log::WaitEnd;
use crate::rehearse::recording::{
    Bracket, ClassRecord, Counts, Latencies, LockRecord, Phase, PhaseRecord,
};
use LockMode::{AccessExclusiveLock, RowExclusiveLock};

const MIGRATION: u32 = 7;

fn recording(waits: Vec<Wait>) -> Recording {
    let orders = RelationFacts {
        name: RelationName::new("public", "orders"),
        kind: RelationKind::Table,
        table: None,
        created_here: false,
    };
    let write = QueryRecord {
        app: "v1".to_owned(),
        name: "pay".to_owned(),
        kind: QueryKind::Write,
        sql: "UPDATE orders".to_owned(),
    };
    Recording {
        relations: BTreeMap::from([(1, orders)]),
        migration_pids: vec![MIGRATION],
        locks: vec![LockRecord {
            session: 0,
            relation: 1,
            mode: AccessExclusiveLock,
            step: 0,
            statement: 2,
            requested: Bracket::exact(At(1_000)),
            granted: Some(Bracket::exact(At(500_000))),
            released: Bracket::exact(At(900_000)),
        }],
        queries: vec![write],
        logged_waits: Some(waits),
        logged_waits_from_ms: Some(10.0),
        ..Recording::blank(String::new(), Version(150_000))
    }
}

fn wait(pid: u32, holders: &[u32], queue_before: &[u32]) -> Wait {
    Wait {
        pid,
        transaction: format!("{pid}/1"),
        application: "pgrehearse load".to_owned(),
        mode: RowExclusiveLock,
        target: Target::Relation(1),
        started: At(600_000),
        waited_ms: 20.0,
        end: WaitEnd::Granted,
        holders: holders.to_vec(),
        queue_before: queue_before.to_vec(),
        sql: "UPDATE orders".to_owned(),
    }
}

fn of(waits: Vec<Wait>) -> Blocked {
    cost(&recording(waits)).blocked
}

#[test]
fn a_wait_behind_the_migration_is_charged_to_its_statement_and_query() {
    let blocked = of(vec![
        wait(11, &[MIGRATION], &[]),
        wait(12, &[MIGRATION], &[11]),
    ]);
    assert_eq!(
        (
            blocked.queries,
            blocked.reads,
            blocked.writes,
            blocked.by_held
        ),
        (2, 0, 2, 2)
    );
    assert_eq!(
        (
            blocked.by_statement[0].statement,
            blocked.by_statement[0].queries
        ),
        (2, 2)
    );
    assert_eq!(
        (blocked.by_query[0].query.as_str(), blocked.total_ms),
        ("pay", 40.0)
    );
}

#[test]
fn a_wait_behind_the_migrations_place_in_the_queue_is_told_apart() {
    let queued = Wait {
        started: At(100_000),
        ..wait(11, &[99], &[MIGRATION])
    };
    let blocked = of(vec![queued]);
    assert_eq!(
        (blocked.queries, blocked.by_held, blocked.by_queued),
        (1, 0, 1)
    );
}

#[test]
fn queries_that_block_each_other_are_not_charged_to_the_migration() {
    assert_eq!(of(vec![wait(11, &[12], &[13])]).queries, 0);
}

#[test]
fn a_wait_behind_a_query_that_the_migration_blocks_is_charged_too() {
    let row = Wait {
        target: Target::Transaction,
        ..wait(13, &[11], &[])
    };
    let blocked = of(vec![row, wait(11, &[MIGRATION], &[])]);
    assert_eq!(blocked.queries, 2);
}

#[test]
fn a_wait_for_a_row_is_counted_as_such() {
    let row = Wait {
        target: Target::Transaction,
        ..wait(11, &[MIGRATION], &[])
    };
    let blocked = of(vec![row]);
    assert_eq!((blocked.by_row, blocked.by_held), (1, 0));
}

#[test]
fn a_wait_at_the_edge_of_long_is_no_disagreement() {
    let logged = (20..30).map(|pid| Wait {
        waited_ms: 99.0,
        ..wait(pid, &[MIGRATION], &[])
    });
    let sampled = (20..30).map(|pid| SampledWait {
        transaction: format!("{pid}/1"),
        pid,
        mode: Some(RowExclusiveLock),
        lock_type: "relation".to_owned(),
        relation: Some(1),
        blockers: vec![MIGRATION],
        started: Bracket::exact(At(600_000)),
        ended: Bracket::exact(At(708_000)),
        application: Some("pgrehearse load".to_owned()),
        query: None,
    });
    let mut recording = Recording {
        sampled_waits: sampled.collect(),
        sample_interval_ms: 20.0,
        ..recording(logged.collect())
    };
    assert_eq!(cost(&recording).disagreements, [] as [&str; 0]);
    recording.logged_waits = Some(Vec::new());
    assert_eq!(cost(&recording).disagreements.len(), 1);
}

#[test]
fn a_log_and_samples_that_disagree_are_reported() {
    let waits = (0..10)
        .map(|n| Wait {
            waited_ms: 200.0,
            ..wait(20 + n, &[MIGRATION], &[])
        })
        .collect();
    let warnings = cost(&recording(waits)).disagreements;
    assert!(
        warnings[0].contains("log shows 10, the samples 0"),
        "{warnings:?}"
    );
}

#[test]
fn of_locks_that_pile_up_the_first_is_charged() {
    let mut recording = recording(vec![wait(11, &[MIGRATION], &[])]);
    let later = LockRecord {
        mode: LockMode::ShareLock,
        statement: 3,
        requested: Bracket::exact(At(610_000)),
        granted: Some(Bracket::exact(At(610_000))),
        ..recording.locks[0].clone()
    };
    // Released in one moment, the weaker mode comes first.
    recording.locks.insert(0, later);
    let blocked = cost(&recording).blocked;
    assert_eq!((blocked.by_held, blocked.by_queued), (1, 0));
    assert_eq!(blocked.by_statement[0].statement, 2);
}

#[test]
fn a_holder_whose_mode_gets_along_with_the_wait_is_no_reason_for_it() {
    let mut recording = recording(vec![wait(11, &[99, MIGRATION], &[])]);
    recording.locks[0].mode = LockMode::ShareUpdateExclusiveLock;
    assert_eq!(cost(&recording).blocked.queries, 0);
    // With nobody else in the way there was a lock that no reading showed.
    recording.logged_waits = Some(vec![wait(11, &[MIGRATION], &[])]);
    assert_eq!(cost(&recording).blocked.by_held, 1);
}

#[test]
fn without_a_log_only_the_workloads_own_waits_count() {
    let sampled = |application: &str, started| SampledWait {
        transaction: format!("9/{started:?}"),
        pid: 11,
        mode: Some(RowExclusiveLock),
        lock_type: "relation".to_owned(),
        relation: Some(1),
        blockers: vec![MIGRATION],
        started: Bracket::exact(At(started)),
        ended: Bracket::exact(At(900_000)),
        application: Some(application.to_owned()),
        query: Some("UPDATE orders".to_owned()),
    };
    let recording = Recording {
        logged_waits: None,
        sampled_waits: vec![
            sampled("pgrehearse load", 400_000),
            sampled("pgrehearse load", 600_000),
            sampled("psql", 600_000),
        ],
        ..recording(Vec::new())
    };
    let blocked = cost(&recording).blocked;
    assert_eq!((blocked.queries, blocked.writes), (2, 2));
    assert_eq!((blocked.by_held, blocked.by_queued), (1, 1));
}

#[test]
fn two_waits_of_one_query_are_one_blocked_query() {
    let first = Wait {
        started: At(100_000),
        waited_ms: 30.0,
        transaction: "3/44".to_owned(),
        ..wait(11, &[99], &[MIGRATION])
    };
    let second = Wait {
        transaction: "3/44".to_owned(),
        ..wait(11, &[MIGRATION], &[])
    };
    let blocked = of(vec![first, second]);
    assert_eq!((blocked.queries, blocked.longest_ms), (1, 50.0));
    assert_eq!((blocked.by_held, blocked.by_queued), (0, 1));
}

#[test]
fn waits_that_no_client_felt_are_reported() {
    let long = Wait {
        waited_ms: 200.0,
        ..wait(11, &[MIGRATION], &[])
    };
    let mut recording = recording(vec![long]);
    recording.phases = vec![PhaseRecord {
        phase: Phase::Baseline,
        start: At(0),
        end: At(1),
        wal_bytes: None,
    }];
    let mut felt = |latencies_us: Latencies| {
        recording.classes = vec![ClassRecord {
            phase: Phase::Migration,
            app: "v1".to_owned(),
            query: "pay".to_owned(),
            kind: QueryKind::Write,
            counts: Counts {
                latencies_us,
                ..Counts::default()
            },
        }];
        cost(&recording).disagreements
    };
    assert_eq!(felt(vec![(1_000, 900), (200_500, 1)]), [] as [&str; 0]);
    let warnings = felt(vec![(1_000, 900)]);
    assert!(
        warnings[0].contains("pay of v1 waited 200 ms"),
        "{warnings:?}"
    );
}

#[test]
fn a_row_wait_is_charged_to_the_statement_that_ran_when_it_began() {
    use crate::rehearse::recording::{StatementRecord, StepRecord};
    let statement = |index: usize, start: u64, end: u64| -> StatementRecord {
        serde_json::from_value(
            serde_json::json!({"index": index, "line": 1, "sql": "x", "start": start, "end": end,
            "notices": [], "wal_bytes": null}),
        )
        .unwrap()
    };
    let mut row = wait(11, &[MIGRATION], &[]);
    row.target = Target::Transaction;
    // From 0.6 s to the COMMIT at 2.6 s.
    row.waited_ms = 2_000.0;
    let mut recording = recording(vec![row]);
    recording.locks.clear();
    let step: StepRecord =
        serde_json::from_value(serde_json::json!({"kind": "migrate", "name": "up",
        "transaction": null, "start": 0, "end": 3_000_000, "error": null, "statements": []}))
        .unwrap();
    let statements = vec![
        statement(0, 500_000, 700_000),
        statement(1, 700_000, 2_600_000),
    ];
    recording.steps = vec![StepRecord { statements, ..step }];
    assert_eq!(cost(&recording).blocked.by_statement[0].statement, 0);
}

#[test]
fn a_wait_for_an_advisory_lock_is_no_wait_for_a_row() {
    let advisory = Wait {
        target: Target::Other,
        ..wait(11, &[MIGRATION], &[])
    };
    let blocked = of(vec![advisory]);
    assert_eq!((blocked.by_other, blocked.by_row), (1, 0));
}
