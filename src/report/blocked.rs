//! Which waits of the workload are the migration's doing, and what they add up to.

mod sources;
mod sums;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::{Blocked, Grade, tries};
use crate::postgres::LockMode;
use crate::rehearse::clock::{At, ms};
use crate::rehearse::observe::log::{Target, Wait};
use crate::rehearse::recording::{LockRecord, QueryRecord, Recording, SampledWait};
use crate::rehearse::workload::QueryKind;
pub(super) use sums::Sum;

/// A wait of one session, from whichever source.
struct Waiting<'a> {
    pid: u32,
    transaction: &'a str,
    started: At,
    waited_ms: f64,
    mode: Option<LockMode>,
    target: Target,
    /// Who held the lock, in whatever mode.
    holders: &'a [u32],
    /// Who stood before it in the queue; `None` for a sample, which counts them among the holders.
    queue_before: Option<&'a [u32]>,
    query: Option<&'a QueryRecord>,
}

/// What of the migration a query waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    Held,
    Queued,
    Row,
    Other,
}

/// The waits of one query that the migration caused.
struct Charged {
    kind: Option<QueryKind>,
    /// Application version and name.
    query: Option<(String, String)>,
    /// All its waits together.
    waited_ms: f64,
    /// Of its longest wait, as is the statement.
    cause: Cause,
    /// Step and statement that took or wanted the lock.
    statement: Option<(usize, usize)>,
    /// Step and place in its `tries` of the try that took or wanted the lock.
    in_try: Option<(usize, usize)>,
}

/// What the migration kept the workload waiting for.
pub(super) struct Cost {
    pub(super) blocked: Blocked,
    /// By step and place in its `tries`.
    pub(super) by_try: BTreeMap<(usize, usize), Sum>,
    /// A warning for each pair of sources that disagree.
    pub(super) disagreements: Vec<String>,
}

/// The blocked queries, from the server's log where there is one.
pub(super) fn cost(recording: &Recording) -> Cost {
    let sampled: Vec<Waiting> = recording
        .sampled_waits
        .iter()
        .filter(|wait| is_load(wait.application.as_deref()))
        .map(|wait| from_sample(recording, wait))
        .collect();
    let sampled = charge(recording, &sampled);
    let Some(logged) = &recording.logged_waits else {
        let source = format!("samples every {} ms", recording.sample_interval_ms);
        let grade = Grade::Bracketed {
            width_ms: 2.0 * recording.sample_interval_ms,
        };
        return Cost {
            blocked: sums::summarize(&sampled, grade, source),
            by_try: sums::by_try(&sampled),
            disagreements: Vec::new(),
        };
    };
    let waits: Vec<Waiting> = logged
        .iter()
        .filter(|wait| is_load(Some(&wait.application)))
        .map(|wait| from_log(recording, wait))
        .collect();
    let charged = charge(recording, &waits);
    let from_ms = recording.logged_waits_from_ms.unwrap_or(0.0);
    let source = format!("the server's log, every wait longer than {from_ms} ms");
    Cost {
        blocked: sums::summarize(&charged, Grade::Exact, source),
        by_try: sums::by_try(&charged),
        disagreements: sources::disagreements(recording, &charged, &sampled),
    }
}

fn is_load(application: Option<&str>) -> bool {
    application == Some(crate::provision::Role::Load.application_name())
}

fn from_log<'a>(recording: &'a Recording, wait: &'a Wait) -> Waiting<'a> {
    Waiting {
        pid: wait.pid,
        transaction: &wait.transaction,
        started: wait.started,
        waited_ms: wait.waited_ms,
        mode: Some(wait.mode),
        target: wait.target,
        holders: &wait.holders,
        queue_before: Some(&wait.queue_before),
        query: recording.query_of(&wait.sql),
    }
}

fn from_sample<'a>(recording: &'a Recording, wait: &'a SampledWait) -> Waiting<'a> {
    Waiting {
        pid: wait.pid,
        transaction: &wait.transaction,
        started: wait.started.likely,
        waited_ms: ms(wait.ended.likely.since(wait.started.likely)),
        mode: wait.mode,
        target: Target::of(&wait.lock_type, wait.relation),
        holders: &wait.blockers,
        queue_before: None,
        query: wait
            .query
            .as_deref()
            .and_then(|sql| recording.query_of(sql)),
    }
}

/// Charges to the migration every wait behind one of its sessions, and, in turn, every wait behind a
/// session that waits for such a reason: a chain is as long as the migration makes it.
fn charge(recording: &Recording, waits: &[Waiting]) -> Vec<Charged> {
    let migration: BTreeSet<u32> = recording.migration_pids.iter().copied().collect();
    let mut causes: Vec<Option<Cause>> = waits
        .iter()
        .map(|wait| direct_cause(recording, wait, &migration))
        .collect();
    let mut by_pid: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for (index, wait) in waits.iter().enumerate() {
        by_pid.entry(wait.pid).or_default().push(index);
    }
    loop {
        let mut grew = false;
        for index in 0..waits.len() {
            if causes[index].is_none() {
                let ahead = waits[index]
                    .ahead()
                    .filter_map(|pid| by_pid.get(&pid))
                    .flatten();
                let mut overlapping = ahead.filter(|other| waits[index].overlaps(&waits[**other]));
                causes[index] = overlapping.find_map(|other| causes[*other]);
                grew |= causes[index].is_some();
            }
        }
        if !grew {
            break;
        }
    }
    let charged = waits.iter().zip(causes);
    let charged = charged.filter_map(|(wait, cause)| Some((wait, cause?)));
    of_each_query(charged.map(|(wait, cause)| (wait, at_statement(recording, wait, cause))))
}

/// A query may wait for one table after another: what its waits come to.
fn of_each_query<'a>(charged: impl Iterator<Item = (&'a Waiting<'a>, Charged)>) -> Vec<Charged> {
    let mut queries: Vec<(f64, Charged)> = Vec::new();
    let mut known: BTreeMap<(u32, &str), usize> = BTreeMap::new();
    for (wait, charged) in charged {
        let (longest_ms, query) = match known.get(&(wait.pid, wait.transaction)) {
            Some(index) => &mut queries[*index],
            None => {
                if !wait.transaction.is_empty() {
                    known.insert((wait.pid, wait.transaction), queries.len());
                }
                queries.push((wait.waited_ms, charged));
                continue;
            }
        };
        let waited_ms = query.waited_ms + wait.waited_ms;
        if wait.waited_ms > *longest_ms {
            (*longest_ms, *query) = (wait.waited_ms, charged);
        }
        query.waited_ms = waited_ms;
    }
    queries.into_iter().map(|(_, query)| query).collect()
}

fn direct_cause(recording: &Recording, wait: &Waiting, migration: &BTreeSet<u32>) -> Option<Cause> {
    let among = |pids: &[u32]| pids.iter().any(|pid| migration.contains(pid));
    let held = among(wait.holders);
    if !held && !wait.queue_before.is_some_and(among) {
        return None;
    }
    match wait.target {
        Target::Relation(_) => {}
        Target::Transaction | Target::Tuple(_) => return Some(Cause::Row),
        Target::Other => return Some(Cause::Other),
    }
    // Who holds a lock in a mode that gets along with the wait is no reason for it, if somebody else may be one.
    // With nobody else in the way it was a lock that no reading showed, such as VACUUM's when it truncates.
    let others = wait.ahead().any(|pid| !migration.contains(&pid));
    let mut known = locks_meanwhile(recording, wait).peekable();
    let is_harmless =
        others && known.peek().is_some() && !known.any(|lock| wait.conflicts_with(lock));
    let cause = if held { Cause::Held } else { Cause::Queued };
    (!is_harmless).then_some(cause)
}

/// The migration's locks on the table that was waited for, at any time of the wait.
fn locks_meanwhile<'a>(
    recording: &'a Recording,
    wait: &Waiting,
) -> impl Iterator<Item = &'a LockRecord> {
    let (target, started, end) = (wait.target, wait.started, wait.end());
    recording.locks.iter().filter(move |lock| {
        Target::Relation(lock.relation) == target
            && lock.requested.earliest <= end
            && started <= lock.released.latest
    })
}

/// The statement whose lock it was; for a row's lock the one that ran when the wait began.
fn at_statement(recording: &Recording, wait: &Waiting, cause: Cause) -> Charged {
    // Locks pile up until COMMIT: it was the first of them that the query ran into.
    let lock = locks_meanwhile(recording, wait)
        .filter(|lock| wait.conflicts_with(lock))
        .min_by_key(|lock| lock.requested.likely);
    // A sample does not tell holders from queue: the lock's own grant does.
    let was_granted = lock
        .and_then(|lock| lock.granted)
        .is_some_and(|granted| granted.likely <= wait.started);
    let cause = match (cause, lock) {
        (Cause::Held, Some(_)) if wait.queue_before.is_none() && !was_granted => Cause::Queued,
        (cause, _) => cause,
    };
    Charged {
        kind: wait.query.map(|query| query.kind),
        query: wait
            .query
            .map(|query| (query.app.clone(), query.name.clone())),
        waited_ms: wait.waited_ms,
        cause,
        statement: lock
            .map(|lock| (lock.step, lock.statement))
            .or_else(|| running(recording, wait)),
        in_try: lock
            .and_then(|lock| tries::of_lock(recording, lock))
            .or_else(|| tries::of_wait(recording, wait.ahead(), wait.started))
            .map(|(step, place, _)| (step, place)),
    }
}

/// The statement that ran when the wait began.
fn running(recording: &Recording, wait: &Waiting) -> Option<(usize, usize)> {
    // The log tells milliseconds.
    let began = wait.started.after(Duration::from_millis(1));
    let steps = recording.steps.iter().enumerate();
    let statements = steps.flat_map(|(step, record)| {
        let statements = record.statements.iter();
        statements.map(move |statement| (statement.start, step, statement.index))
    });
    let begun = statements.filter(|(start, ..)| *start <= began);
    begun.max().map(|(_, step, index)| (step, index))
}

impl Waiting<'_> {
    fn end(&self) -> At {
        At(self.started.0 + (self.waited_ms * 1_000.0) as u64)
    }

    /// The sessions that it waited for.
    fn ahead(&self) -> impl Iterator<Item = u32> {
        let queue = self.queue_before.unwrap_or_default();
        self.holders.iter().chain(queue).copied()
    }

    fn conflicts_with(&self, lock: &LockRecord) -> bool {
        self.mode.is_none_or(|mode| mode.conflicts_with(lock.mode))
    }

    fn overlaps(&self, other: &Waiting) -> bool {
        other.started <= self.end() && self.started <= other.end()
    }
}
