//! The migration's locks, from what was recorded to what is reported.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Grade, Lock, tries};
use crate::rehearse::clock::{At, ms};
use crate::rehearse::observe::log::{Target, Wait, WaitEnd};
use crate::rehearse::recording::{Bracket, LockRecord, Recording};

/// The server's log tells milliseconds.
const LOG_RESOLUTION: Duration = Duration::from_millis(1);

/// Locks on users' relations. Those on relations that neither were there before nor are there now are left
/// out: nobody else ever saw them.
pub(super) fn locks(recording: &Recording) -> Vec<Lock> {
    let releases = logged_releases(recording);
    let mut locks: Vec<Lock> = recording
        .locks
        .iter()
        .filter_map(|record| lock(recording, record, releases.get(&transaction(record))))
        .collect();
    locks.sort_by(|a, b| {
        a.request_ms
            .total_cmp(&b.request_ms)
            .then(b.mode.cmp(&a.mode))
    });
    locks
}

fn lock(recording: &Recording, record: &LockRecord, gone_by: Option<&At>) -> Option<Lock> {
    let relation = recording.relations.get(&record.relation)?;
    if relation.name.schema == "pg_catalog" {
        return None;
    }
    let granted = logged_grant(recording, record).or(record.granted);
    let released = released(record, gone_by);
    let until_granted = granted.unwrap_or(released);
    let between = |from: Bracket, to: Bracket| ms(to.likely.since(from.likely));
    let width_us = record.requested.width_us().max(until_granted.width_us()) + released.width_us();
    Some(Lock {
        relation: relation.name.clone(),
        relation_kind: relation.kind,
        table: relation.table.clone(),
        mode: record.mode,
        session: record.session,
        step: record.step,
        statement: record.statement,
        try_number: tries::of_lock(recording, record).map_or(1, |(_, _, one)| one.number),
        request_ms: record.requested.likely.ms(),
        wait_ms: between(record.requested, until_granted),
        hold_ms: granted.map_or(0.0, |granted| between(granted, released)),
        span_ms: between(record.requested, released),
        granted: granted.is_some(),
        grade: match width_us {
            0 => Grade::Exact,
            _ => Grade::Bracketed {
                width_ms: width_us as f64 / 1_000.0,
            },
        },
        blocks_reads: record.mode.blocks_reads(),
        blocks_writes: record.mode.blocks_writes(),
        created_here: relation.created_here,
    })
}

/// The grant to the microsecond, if the server's log has the wait and `waitstart` its beginning: both read the
/// same clock. The migration's waits are logged from its own `deadlock_timeout` on, one second by default.
fn logged_grant(recording: &Recording, record: &LockRecord) -> Option<Bracket> {
    let sampled = record.granted?;
    if record.requested.width_us() > 0 {
        return None;
    }
    let waits = recording.logged_waits.iter().flatten();
    let mut grants = waits
        .filter(|wait| {
            recording.migration_pids.get(record.session) == Some(&wait.pid)
                && wait.end == WaitEnd::Granted
                && wait.target == Target::Relation(record.relation)
                && wait.mode == record.mode
        })
        .map(|wait| record.requested.likely.after(waited(wait)));
    // A lock that was waited for twice has two lines; the samples know which is meant.
    grants
        .find(|at| (sampled.earliest..=sampled.latest).contains(at))
        .map(Bracket::exact)
}

/// Locks that were released together: by one session, with one acknowledgement.
fn transaction(record: &LockRecord) -> (usize, At) {
    (record.session, record.released.latest)
}

/// When the first query that waited behind a lock got its own: by then the lock, and all that went with it, was gone.
/// Those who are woken keep the processors busy, and the acknowledgement comes the later for it.
fn logged_releases(recording: &Recording) -> BTreeMap<(usize, At), At> {
    let mut releases = BTreeMap::new();
    let waits = recording.logged_waits.iter().flatten();
    for wait in waits.filter(|wait| wait.end == WaitEnd::Granted) {
        // The log's milliseconds are cut off.
        let gone_by = wait.started.after(waited(wait) + LOG_RESOLUTION);
        let behind = recording.locks.iter().filter(|record| {
            let pid = recording.migration_pids.get(record.session);
            let ahead = wait.holders.iter().chain(&wait.queue_before);
            wait.target == Target::Relation(record.relation)
                && wait.mode.conflicts_with(record.mode)
                && (record.released.earliest..=record.released.latest).contains(&gone_by)
                && ahead.copied().any(|ahead| pid == Some(&ahead))
        });
        for record in behind {
            let first = releases.entry(transaction(record)).or_insert(gone_by);
            *first = gone_by.min(*first);
        }
    }
    releases
}

fn released(record: &LockRecord, gone_by: Option<&At>) -> Bracket {
    match gone_by {
        Some(gone_by) if *gone_by >= record.released.earliest => Bracket {
            earliest: record.released.earliest,
            latest: *gone_by,
            likely: *gone_by,
        },
        _ => record.released,
    }
}

fn waited(wait: &Wait) -> Duration {
    Duration::from_secs_f64(wait.waited_ms.max(0.0) / 1_000.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::postgres::{LockMode, Version};

    fn granted(waited_ms: f64) -> Bracket {
        let wait = Wait {
            pid: 7,
            transaction: String::new(),
            application: "pgrehearse migration".to_owned(),
            mode: LockMode::AccessExclusiveLock,
            target: Target::Relation(1),
            started: At(999_000),
            waited_ms,
            end: WaitEnd::Granted,
            holders: Vec::new(),
            queue_before: Vec::new(),
            sql: String::new(),
        };
        let record = LockRecord {
            session: 0,
            relation: 1,
            mode: LockMode::AccessExclusiveLock,
            step: 0,
            statement: 0,
            requested: Bracket::exact(At(1_000_000)),
            granted: Some(Bracket::between(At(2_990_000), At(3_001_000))),
            released: Bracket::exact(At(4_000_000)),
        };
        let recording = Recording {
            migration_pids: vec![7],
            logged_waits: Some(vec![wait]),
            ..Recording::blank(String::new(), Version(150_000))
        };
        logged_grant(&recording, &record).unwrap_or(record.granted.unwrap())
    }

    #[test]
    fn the_servers_log_knows_the_grant_of_a_long_wait() {
        assert_eq!(granted(1_999.123), Bracket::exact(At(2_999_123)));
    }

    #[test]
    fn a_logged_wait_that_the_samples_contradict_is_another() {
        assert_eq!(granted(1_100.0).width_us(), 11_000);
    }

    #[test]
    fn a_lock_is_gone_when_the_first_who_waited_for_it_has_his_own() {
        let wait = |pid, granted_at: u64| Wait {
            pid,
            transaction: String::new(),
            application: "pgrehearse load".to_owned(),
            mode: LockMode::RowExclusiveLock,
            target: Target::Relation(1),
            started: At(granted_at - 300_000),
            waited_ms: 300.0,
            end: WaitEnd::Granted,
            holders: vec![7],
            queue_before: Vec::new(),
            sql: String::new(),
        };
        let record = |relation, session| LockRecord {
            session,
            relation,
            mode: LockMode::ShareLock,
            step: 0,
            statement: 0,
            requested: Bracket::exact(At(1_000_000)),
            granted: Some(Bracket::exact(At(1_000_000))),
            released: Bracket {
                earliest: At(2_000_000),
                latest: At(2_020_000),
                likely: At(2_020_000),
            },
        };
        let recording = Recording {
            migration_pids: vec![7, 8],
            logged_waits: Some(vec![wait(11, 2_011_000), wait(12, 2_005_000)]),
            locks: vec![record(1, 0), record(2, 0), record(1, 1)],
            ..Recording::blank(String::new(), Version(150_000))
        };
        let releases = logged_releases(&recording);
        let likely = |at: usize| {
            let record = &recording.locks[at];
            released(record, releases.get(&transaction(record))).likely
        };
        // The lock itself, what went with it, and another session's.
        assert_eq!(
            [likely(0), likely(1), likely(2)],
            [At(2_006_000), At(2_006_000), At(2_020_000)]
        );
    }
}
