//! Waits for locks, put together from the samples that saw them.

use std::collections::BTreeMap;

use crate::postgres::LockMode;
use crate::rehearse::clock::At;
use crate::rehearse::recording::{Bracket, SampledWait};

/// A session that waits for a lock. The migration is among them when it waits for something else than a table.
#[derive(Clone, Debug)]
pub struct Waiter {
    pub pid: u32,
    /// Its virtual transaction.
    pub transaction: String,
    pub lock_type: String,
    pub relation: Option<u32>,
    pub mode: Option<LockMode>,
    /// `pg_locks.waitstart`, since Postgres 14.
    pub since: Option<At>,
    /// Who holds the lock or stands before it in the queue; none for the migration's own.
    pub blockers: Vec<u32>,
    /// The name that the session goes by; `None` for the migration's own.
    pub application: Option<String>,
    pub query: Option<String>,
}

/// What has been seen so far.
#[derive(Default)]
pub(super) struct Waits {
    open: BTreeMap<u32, (SampledWait, At)>,
    closed: Vec<SampledWait>,
    last_sample: At,
}

impl Waits {
    /// Takes in who waits at a sample.
    pub(super) fn observe(&mut self, asked: At, answered: At, waiters: Vec<Waiter>) {
        let mut still_open = BTreeMap::new();
        for waiter in waiters {
            let open = self.open.get(&waiter.pid);
            let wait = if open.is_some_and(|(wait, _)| is_same(wait, &waiter)) {
                self.open.remove(&waiter.pid).map(|(wait, _)| wait)
            } else {
                None
            };
            let wait = wait.unwrap_or_else(|| waiter.begins(self.last_sample, answered));
            still_open.insert(wait.pid, (wait, asked));
        }
        for (_, (mut wait, last_seen)) in std::mem::replace(&mut self.open, still_open) {
            wait.ended = Bracket::between(last_seen, answered);
            self.closed.push(wait);
        }
        self.last_sample = asked;
    }

    /// All waits; those still open are seen as ended by `at`.
    pub(super) fn finish(mut self, at: At) -> Vec<SampledWait> {
        for (_, (mut wait, last_seen)) in std::mem::take(&mut self.open) {
            wait.ended = Bracket::between(last_seen, at);
            self.closed.push(wait);
        }
        self.closed
    }
}

impl Waiter {
    /// A wait that the sample before did not show.
    fn begins(self, last_sample: At, answered: At) -> SampledWait {
        SampledWait {
            pid: self.pid,
            transaction: self.transaction,
            mode: self.mode,
            lock_type: self.lock_type,
            relation: self.relation,
            blockers: self.blockers,
            started: match self.since {
                Some(since) => Bracket::exact(since),
                None => Bracket::between(last_sample, answered),
            },
            ended: Bracket::exact(answered),
            application: self.application,
            query: self.query,
        }
    }
}

/// A session that waits twice in a row for the same lock is told apart by when it began, where that is known.
fn is_same(wait: &SampledWait, waiter: &Waiter) -> bool {
    wait.transaction == waiter.transaction
        && wait.lock_type == waiter.lock_type
        && wait.relation == waiter.relation
        && wait.mode == waiter.mode
        && waiter.since.is_none_or(|since| {
            wait.started.earliest <= since && since <= wait.started.latest
                || wait.started.width_us() > 0
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiter(pid: u32) -> Waiter {
        Waiter {
            pid,
            transaction: String::new(),
            lock_type: "relation".to_owned(),
            relation: Some(7),
            mode: None,
            since: None,
            blockers: vec![1],
            application: None,
            query: None,
        }
    }

    fn observe(waits: &mut Waits, at: u64, waiters: Vec<Waiter>) {
        waits.observe(At(at), At(at + 100), waiters);
    }

    #[test]
    fn samples_of_one_wait_become_one_wait() {
        let mut waits = Waits::default();
        observe(&mut waits, 10_000, Vec::new());
        observe(&mut waits, 20_000, vec![waiter(5)]);
        observe(&mut waits, 30_000, vec![waiter(5), waiter(6)]);
        observe(&mut waits, 40_000, vec![waiter(6)]);
        let closed = waits.finish(At(50_000));
        assert_eq!(closed.len(), 2);
        assert_eq!(
            (
                closed[0].pid,
                closed[0].started.earliest,
                closed[0].ended.latest
            ),
            (5, At(10_000), At(40_100))
        );
        assert_eq!((closed[1].pid, closed[1].ended.latest), (6, At(50_000)));
    }
    #[test]
    fn a_second_wait_for_the_same_lock_is_a_wait_of_its_own() {
        let since = |at| Waiter {
            since: Some(At(at)),
            ..waiter(5)
        };
        let mut waits = Waits::default();
        observe(&mut waits, 20_000, vec![since(15_000)]);
        observe(&mut waits, 30_000, vec![since(28_000)]);
        let closed = waits.finish(At(50_000));
        let starts: Vec<_> = closed.iter().map(|wait| wait.started.likely).collect();
        assert_eq!(starts, [At(15_000), At(28_000)]);
    }
}
