//! The tries of a script: which of them a lock or a wait belongs to, and what each cost.

use std::collections::BTreeMap;

use super::blocked::Sum;
use super::{Try, run};
use crate::rehearse::clock::{At, ms};
use crate::rehearse::recording::{LockRecord, Recording, TryRecord};

/// A try with its step and its place among that step's tries.
type Placed<'a> = (usize, usize, &'a TryRecord);

/// What is reported of a step's tries.
pub(super) fn tries(
    recording: &Recording,
    step: usize,
    cost: &BTreeMap<(usize, usize), Sum>,
) -> Vec<Try> {
    let Some(record) = recording.steps.get(step) else {
        return Vec::new();
    };
    let tries = record.tries.iter().enumerate();
    tries
        .map(|(place, one)| {
            let cost = cost.get(&(step, place)).copied().unwrap_or_default();
            Try {
                migrator: one.migrator,
                session: session(recording, one.pid).unwrap_or(0),
                number: one.number,
                start_ms: one.start.ms(),
                duration_ms: ms(one.end.since(one.start)),
                error: one.error.as_ref().map(|error| run::failure(record, error)),
                blocked_queries: cost.queries,
                blocked_longest_ms: cost.longest_ms,
                blocked_total_ms: cost.total_ms,
            }
        })
        .collect()
}

/// The index of a session of the migration.
pub(super) fn session(recording: &Recording, pid: u32) -> Option<usize> {
    recording.migration_pids.iter().position(|of| *of == pid)
}

/// The try that took or wanted a lock.
pub(super) fn of_lock<'a>(recording: &'a Recording, lock: &LockRecord) -> Option<Placed<'a>> {
    let pid = *recording.migration_pids.get(lock.session)?;
    under_way(recording, &[pid], lock.requested.likely)
}

/// The try behind which a session waited that had these before it.
///
/// If none of them is the migration's, it waited for others whom the migration kept waiting: then it was
/// whichever try was under way.
pub(super) fn of_wait(
    recording: &Recording,
    mut ahead: impl Iterator<Item = u32>,
    started: At,
) -> Option<Placed<'_>> {
    let pids = &recording.migration_pids;
    let own = ahead.find(|pid| pids.contains(pid));
    match own {
        Some(pid) => under_way(recording, &[pid], started),
        None => under_way(recording, pids, started),
    }
}

/// Of the tries of these sessions the last that had begun, or else the first.
fn under_way<'a>(recording: &'a Recording, pids: &[u32], at: At) -> Option<Placed<'a>> {
    let steps = recording.steps.iter().enumerate();
    let all = steps.flat_map(|(step, record)| {
        let tries = record.tries.iter().enumerate();
        tries.map(move |(place, one)| (step, place, one))
    });
    let mut own = all.filter(|(_, _, one)| pids.contains(&one.pid)).peekable();
    let first = own.peek().copied();
    own.take_while(|(_, _, one)| one.start <= at)
        .last()
        .or(first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::postgres::{LockMode, Version};
    use crate::rehearse::recording::{Bracket, StepKind, StepRecord};

    /// Two sessions, each with two tries of the only step.
    fn recording() -> Recording {
        let one = |migrator, number, pid, start, end| TryRecord {
            migrator,
            number,
            pid,
            start: At(start),
            end: At(end),
            error: None,
        };
        let step = StepRecord {
            kind: StepKind::Migrate,
            name: "up.sql".to_owned(),
            transaction: None,
            start: At(100),
            end: At(900),
            error: None,
            statements: Vec::new(),
            tries: vec![
                one(1, 1, 7, 100, 200),
                one(2, 1, 8, 101, 210),
                one(1, 2, 7, 400, 500),
                one(2, 2, 8, 600, 900),
            ],
            command: None,
        };
        Recording {
            migration_pids: vec![7, 8],
            steps: vec![step],
            ..Recording::blank(String::new(), Version(150_000))
        }
    }

    fn place(found: Option<Placed<'_>>) -> Option<usize> {
        found.map(|(_, place, _)| place)
    }

    #[test]
    fn a_lock_belongs_to_the_try_in_which_its_session_asked_for_it() {
        let of = |session, at| {
            let lock = LockRecord {
                session,
                relation: 1,
                mode: LockMode::ShareLock,
                step: 0,
                statement: 0,
                requested: Bracket::exact(At(at)),
                granted: None,
                released: Bracket::exact(At(at)),
            };
            place(of_lock(&recording(), &lock))
        };
        assert_eq!(
            [of(0, 150), of(0, 450), of(0, 700)].map(Option::unwrap),
            [0, 2, 2]
        );
        assert_eq!(
            [of(1, 150), of(1, 450), of(1, 700)].map(Option::unwrap),
            [1, 1, 3]
        );
        assert_eq!(of(2, 150), None, "there is no third session");
    }

    #[test]
    fn a_wait_belongs_to_whom_it_waited_for_and_else_to_whoever_ran() {
        let of = |ahead: &[u32], at| {
            place(of_wait(&recording(), ahead.iter().copied(), At(at))).unwrap()
        };
        assert_eq!((of(&[99, 8], 450), of(&[7, 8], 450)), (1, 2));
        assert_eq!((of(&[99], 450), of(&[99], 50)), (2, 0));
    }

    #[test]
    fn each_try_is_told_with_what_it_cost() {
        let cost = Sum {
            queries: 3,
            longest_ms: 2.0,
            total_ms: 5.0,
        };
        let tries = tries(&recording(), 0, &BTreeMap::from([((0, 2), cost)]));
        let told: Vec<_> = tries
            .iter()
            .map(|one| (one.session, one.number, one.blocked_queries))
            .collect();
        assert_eq!(told, [(0, 1, 0), (1, 1, 0), (0, 2, 3), (1, 2, 0)]);
        assert_eq!(tries[2].duration_ms, 0.1);
    }
}
