//! The migration's own locks: from request to grant to release, put together from readings of `pg_locks`.

use std::collections::BTreeMap;

use crate::postgres::LockMode;
use crate::rehearse::clock::At;
use crate::rehearse::recording::{Bracket, LockRecord};

/// One row of `pg_locks` of the migration's backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LockRow {
    pub relation: u32,
    pub mode: LockMode,
    pub granted: bool,
    /// `pg_locks.waitstart`, since Postgres 14.
    pub waiting_since: Option<At>,
}

/// All rows that one reading found, and when it was taken: somewhere between the two moments.
#[derive(Clone, Debug)]
pub struct Reading {
    pub asked: At,
    pub answered: At,
    pub rows: Vec<LockRow>,
}

/// Follows the locks of one migration through its statements.
#[derive(Debug, Default)]
pub struct LockTracker {
    statement: Option<CurrentStatement>,
    open: BTreeMap<(u32, LockMode), OpenLock>,
    closed: Vec<LockRecord>,
    /// Readings asked for before this moment are stale: what they show is already released.
    not_before: At,
    last_reading: At,
}

#[derive(Clone, Copy, Debug)]
struct CurrentStatement {
    step: usize,
    index: usize,
    /// When it was sent, or the COMMIT after it.
    start: At,
    /// When it came back; while it runs, the end of time.
    end: At,
    /// It may take and release locks at any time: another takes its own as it starts, and releases as it ends.
    runs_code: bool,
}

#[derive(Clone, Debug)]
struct OpenLock {
    step: usize,
    statement: usize,
    requested: Bracket,
    granted: Option<Bracket>,
    last_seen: At,
}

impl LockTracker {
    /// Locks not seen before belong to this statement from now on.
    pub fn statement_starts(&mut self, step: usize, index: usize, start: At, runs_code: bool) {
        self.statement = Some(CurrentStatement {
            step,
            index,
            start,
            end: At(u64::MAX),
            runs_code,
        });
    }

    /// The statement has come back: until the next command no lock is taken or released.
    pub fn statement_ends(&mut self, at: At) {
        if let Some(statement) = &mut self.statement {
            statement.end = at;
        }
    }

    /// COMMIT or ROLLBACK is sent: locks may go, and deferred triggers may still take some.
    pub fn transaction_ends(&mut self, at: At) {
        if let Some(statement) = &mut self.statement {
            (statement.start, statement.end) = (at, At(u64::MAX));
            statement.runs_code = false;
        }
    }

    /// Takes in what a reading shows. Readings may come from the sampler and from statement boundaries.
    pub fn observe(&mut self, reading: &Reading) {
        // Two connections read: what was asked later knows better, even if it was answered first.
        if reading.asked < self.not_before.max(self.last_reading) {
            return;
        }
        let Some(statement) = self.statement else {
            return;
        };
        for row in &reading.rows {
            match self.open.get_mut(&(row.relation, row.mode)) {
                Some(open) => open.seen_again(row, reading, statement.end),
                None => {
                    let open = OpenLock::first_seen(row, reading, statement, self.last_reading);
                    self.open.insert((row.relation, row.mode), open);
                }
            }
        }
        // In a transaction locks only go while a statement runs, as in ROLLBACK TO SAVEPOINT.
        let latest = reading.answered.min(statement.end);
        let gone: Vec<_> = self
            .open
            .keys()
            .filter(|key| {
                !reading
                    .rows
                    .iter()
                    .any(|row| (row.relation, row.mode) == **key)
            })
            .copied()
            .collect();
        for key in gone {
            let last_seen = self.open[&key].last_seen;
            let earliest = last_seen.max(statement.start).min(latest);
            let mut released = Bracket::between(earliest, latest);
            // ROLLBACK TO and a failed statement let go at their end, COMMIT after its flush of the WAL.
            if !statement.runs_code && last_seen <= statement.start {
                released.likely = released.latest;
            }
            self.close(key, released);
        }
        self.last_reading = reading.asked;
    }

    /// No lock is left: a COMMIT, a ROLLBACK or a statement outside of a transaction was acknowledged at `at`.
    /// Locks go just before that, after the flush of the WAL, and before the files of dropped and rewritten
    /// tables are removed.
    pub fn released(&mut self, at: At) {
        let start = self.statement.map_or(At(0), |statement| statement.start);
        for key in self.open.keys().copied().collect::<Vec<_>>() {
            let earliest = self.open[&key].last_seen.max(start).min(at);
            let released = Bracket {
                earliest,
                latest: at,
                likely: at,
            };
            self.close(key, released);
        }
        self.not_before = at;
    }

    /// The locks so far, in the order in which they were released, as those of a session with this number.
    pub fn finish(mut self, session: usize, at: At) -> Vec<LockRecord> {
        self.released(at);
        for lock in &mut self.closed {
            lock.session = session;
        }
        self.closed
    }

    /// Whether the last reading showed a lock that is not granted.
    pub fn is_waiting(&self) -> bool {
        self.open.values().any(|open| open.granted.is_none())
    }

    /// The session was seen to wait at this moment, without a reading of its locks.
    pub fn still_waits(&mut self, at: At) {
        let waiting = self.open.values_mut().filter(|open| open.granted.is_none());
        waiting.for_each(|open| open.last_seen = open.last_seen.max(at));
    }

    fn close(&mut self, key: (u32, LockMode), released: Bracket) {
        if let Some(open) = self.open.remove(&key) {
            self.closed.push(LockRecord {
                session: 0,
                relation: key.0,
                mode: key.1,
                step: open.step,
                statement: open.statement,
                requested: open.requested,
                granted: open.granted,
                released,
            });
        }
    }
}

impl OpenLock {
    fn first_seen(
        row: &LockRow,
        reading: &Reading,
        statement: CurrentStatement,
        last_reading: At,
    ) -> OpenLock {
        // A statement's first lock comes as it starts; one that an earlier reading of the same statement
        // did not show yet was taken since.
        let latest = reading.answered.min(statement.end);
        let taken = if last_reading > statement.start {
            Bracket::between(last_reading.min(latest), latest)
        } else {
            Bracket::at_once(statement.start, latest)
        };
        let requested = match row.waiting_since {
            Some(since) if !row.granted => Bracket::exact(since),
            _ => taken,
        };
        OpenLock {
            step: statement.step,
            statement: statement.index,
            requested,
            granted: row.granted.then_some(taken),
            last_seen: reading.asked,
        }
    }

    fn seen_again(&mut self, row: &LockRow, reading: &Reading, statement_end: At) {
        if self.granted.is_none() {
            // `waitstart` can be null for a moment after the wait began.
            if let Some(since) = row.waiting_since {
                self.requested = Bracket::exact(since);
            }
            if row.granted {
                let latest = reading.answered.min(statement_end);
                self.granted = Some(Bracket::between(self.last_seen.min(latest), latest));
            }
        }
        self.last_seen = reading.asked;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use LockMode::{AccessExclusiveLock, ShareLock};

    fn reading(at: u64, rows: &[LockRow]) -> Reading {
        Reading {
            asked: At(at),
            answered: At(at + 100),
            rows: rows.to_vec(),
        }
    }

    fn held(mode: LockMode) -> LockRow {
        LockRow {
            relation: 1,
            mode,
            granted: true,
            waiting_since: None,
        }
    }

    #[test]
    fn a_lock_is_held_from_its_statements_start_to_the_commit() {
        let mut tracker = LockTracker::default();
        tracker.statement_starts(0, 0, At(1_000), false);
        tracker.observe(&reading(5_000, &[held(ShareLock)]));
        tracker.statement_starts(0, 1, At(9_000), false);
        tracker.observe(&reading(
            10_000,
            &[held(ShareLock), held(AccessExclusiveLock)],
        ));
        tracker.transaction_ends(At(19_500));
        tracker.released(At(20_000));
        let locks = tracker.finish(0, At(30_000));
        assert_eq!(locks.len(), 2);
        assert_eq!((locks[0].mode, locks[0].statement), (ShareLock, 0));
        assert_eq!(locks[0].granted.unwrap().likely, At(1_000));
        assert_eq!(locks[0].granted.unwrap().width_us(), 4_100);
        assert_eq!(
            (locks[1].mode, locks[1].statement),
            (AccessExclusiveLock, 1)
        );
        let released = locks[1].released;
        assert_eq!((released.likely, released.width_us()), (At(20_000), 500));
    }

    #[test]
    fn a_wait_is_told_from_the_hold() {
        let mut tracker = LockTracker::default();
        tracker.statement_starts(0, 0, At(1_000), false);
        let waiting = LockRow {
            granted: false,
            waiting_since: Some(At(1_200)),
            ..held(AccessExclusiveLock)
        };
        tracker.observe(&reading(5_000, &[waiting]));
        tracker.observe(&reading(15_000, &[waiting]));
        tracker.observe(&reading(25_000, &[held(AccessExclusiveLock)]));
        tracker.released(At(40_000));
        let lock = &tracker.finish(0, At(50_000))[0];
        assert_eq!(lock.requested, Bracket::exact(At(1_200)));
        let granted = lock.granted.unwrap();
        assert_eq!((granted.earliest, granted.latest), (At(15_000), At(25_100)));
    }

    #[test]
    fn a_stale_reading_does_not_bring_a_released_lock_back() {
        let mut tracker = LockTracker::default();
        tracker.statement_starts(0, 0, At(1_000), false);
        tracker.observe(&reading(2_000, &[held(ShareLock)]));
        tracker.released(At(3_000));
        tracker.observe(&reading(2_900, &[held(ShareLock)]));
        assert_eq!(tracker.finish(0, At(9_000)).len(), 1);
    }

    #[test]
    fn a_lock_that_was_waited_for_in_vain_is_never_granted() {
        let mut tracker = LockTracker::default();
        tracker.statement_starts(0, 0, At(1_000), false);
        tracker.observe(&reading(
            2_000,
            &[LockRow {
                granted: false,
                ..held(ShareLock)
            }],
        ));
        tracker.released(At(3_000));
        assert_eq!(tracker.finish(0, At(9_000))[0].granted, None);
    }

    #[test]
    fn a_lock_taken_in_the_middle_of_a_statement_is_bracketed_by_samples() {
        let mut tracker = LockTracker::default();
        tracker.statement_starts(0, 0, At(1_000), false);
        tracker.observe(&reading(11_000, &[]));
        tracker.observe(&reading(21_000, &[held(ShareLock)]));
        tracker.released(At(90_000));
        let granted = tracker.finish(0, At(90_000))[0].granted.unwrap();
        assert_eq!((granted.earliest, granted.latest), (At(11_000), At(21_100)));
    }

    #[test]
    fn of_two_readings_the_one_asked_later_counts() {
        let mut tracker = LockTracker::default();
        tracker.statement_starts(0, 0, At(1_000), false);
        tracker.observe(&reading(5_000, &[held(ShareLock)]));
        // The sampler asked before the lock was there, and was answered late.
        tracker.observe(&reading(4_990, &[]));
        tracker.observe(&reading(15_000, &[held(ShareLock)]));
        tracker.released(At(20_000));
        let locks = tracker.finish(0, At(30_000));
        assert_eq!(locks.len(), 1);
        assert_eq!(locks[0].granted.unwrap().likely, At(1_000));
    }

    #[test]
    fn a_statement_that_has_ended_narrows_the_brackets() {
        let mut tracker = LockTracker::default();
        tracker.statement_starts(0, 0, At(1_000), false);
        tracker.statement_ends(At(1_300));
        tracker.observe(&reading(1_310, &[held(ShareLock)]));
        // As in ROLLBACK TO SAVEPOINT.
        tracker.statement_starts(0, 1, At(9_000), false);
        tracker.statement_ends(At(9_200));
        tracker.observe(&reading(9_210, &[]));
        let locks = tracker.finish(0, At(30_000));
        assert_eq!(locks[0].granted.unwrap().width_us(), 300);
        let released = locks[0].released;
        assert_eq!((released.earliest, released.latest), (At(9_000), At(9_200)));
    }

    #[test]
    fn a_lock_that_is_seen_gone_while_the_commit_is_under_way_went_with_the_commit() {
        let mut tracker = LockTracker::default();
        tracker.statement_starts(0, 0, At(1_000), false);
        tracker.statement_ends(At(2_000));
        tracker.observe(&reading(2_010, &[held(ShareLock)]));
        tracker.transaction_ends(At(2_200));
        tracker.observe(&reading(9_000, &[]));
        tracker.released(At(9_300));
        let released = tracker.finish(0, At(9_900))[0].released;
        assert_eq!((released.earliest, released.latest), (At(2_200), At(9_100)));
        assert_eq!(released.likely, At(9_100));
    }
}
