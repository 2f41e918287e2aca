//! The migration's locks, from what was recorded to what is reported.

use std::time::Duration;

use super::{Grade, Lock, tries};
use crate::rehearse::clock::ms;
use crate::rehearse::observe::log::{Target, Wait, WaitEnd};
use crate::rehearse::recording::{Bracket, LockRecord, Recording};

/// Locks on users' relations. Those on relations that neither were there before nor are there now are left
/// out: nobody else ever saw them.
pub(super) fn locks(recording: &Recording) -> Vec<Lock> {
    let mut locks: Vec<Lock> = recording
        .locks
        .iter()
        .filter_map(|record| lock(recording, record))
        .collect();
    locks.sort_by(|a, b| {
        a.request_ms
            .total_cmp(&b.request_ms)
            .then(b.mode.cmp(&a.mode))
    });
    locks
}

fn lock(recording: &Recording, record: &LockRecord) -> Option<Lock> {
    let relation = recording.relations.get(&record.relation)?;
    if relation.name.schema == "pg_catalog" {
        return None;
    }
    let granted = logged_grant(recording, record).or(record.granted);
    let until_granted = granted.unwrap_or(record.released);
    let between = |from: Bracket, to: Bracket| ms(to.likely.since(from.likely));
    let width_us =
        record.requested.width_us().max(until_granted.width_us()) + record.released.width_us();
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
        hold_ms: granted.map_or(0.0, |granted| between(granted, record.released)),
        span_ms: between(record.requested, record.released),
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

fn waited(wait: &Wait) -> Duration {
    Duration::from_secs_f64(wait.waited_ms.max(0.0) / 1_000.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::postgres::{LockMode, Version};
    use crate::rehearse::clock::At;

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
}
