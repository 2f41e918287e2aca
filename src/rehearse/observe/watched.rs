//! The migration's sessions under watch: their locks as they are put together, and when to look next.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::locks::{LockTracker, Reading};
use crate::rehearse::clock::At;
use crate::rehearse::recording::LockRecord;

/// Most statements take their locks as they start: so long after it locks are read without a pause.
const BURST: Duration = Duration::from_millis(5);

/// Time between two readings of the locks while a statement runs that may take some at any time, and the least
/// while another runs.
const CLOSE: Duration = Duration::from_millis(2);

/// Time between two looks at a session that waits. A look costs 20 µs, and bounds the error of the grant.
const WAITING: Duration = Duration::from_millis(1);

/// All sessions of the migration. Cheap to clone.
#[derive(Clone, Default)]
pub struct Watched {
    sessions: Arc<Mutex<Vec<Tracked>>>,
    changed: Arc<Notify>,
}

/// One session of the migration.
#[derive(Clone)]
pub struct Session {
    watched: Watched,
    index: usize,
}

struct Tracked {
    pid: u32,
    connected: bool,
    tracker: LockTracker,
    running: Option<Running>,
}

#[derive(Clone, Copy)]
struct Running {
    since: At,
    /// It may take and release locks at any time, not only as it starts.
    runs_code: bool,
}

/// What to look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Look {
    /// The migration's locks.
    Locks,
    /// Whether the migration still waits for a lock.
    Waiting,
}

impl Watched {
    /// Watches a session from now on.
    pub fn watch(&self, pid: u32) -> Session {
        let mut sessions = self.sessions();
        sessions.push(Tracked {
            pid,
            connected: true,
            tracker: LockTracker::default(),
            running: None,
        });
        Session {
            watched: self.clone(),
            index: sessions.len() - 1,
        }
    }

    /// The process ids of all sessions in the order in which they came, and their locks; what is still open
    /// ends at `at`.
    pub fn finish(&self, at: At) -> (Vec<u32>, Vec<LockRecord>) {
        let sessions = std::mem::take(&mut *self.sessions());
        let pids = sessions.iter().map(|session| session.pid).collect();
        let sessions = sessions.into_iter().enumerate();
        let locks = sessions.flat_map(|(index, session)| session.tracker.finish(index, at));
        (pids, locks.collect())
    }

    /// Who is connected.
    pub(super) fn pids(&self) -> Vec<u32> {
        let sessions = self.sessions();
        let connected = sessions.iter().filter(|session| session.connected);
        connected.map(|session| session.pid).collect()
    }

    /// Gives each session's locks what a reading shows of it.
    pub(super) fn observe(&self, readings: &[(u32, Reading)]) {
        for session in self.sessions().iter_mut().filter(|s| s.connected) {
            if let Some((_, reading)) = readings.iter().find(|(pid, _)| *pid == session.pid) {
                session.tracker.observe(reading);
            }
        }
    }

    /// Whether a session that had waited does not any more, where these were seen to wait at `asked`.
    pub(super) fn wait_ended(&self, pids: &[u32], asked: At) -> bool {
        let mut ended = false;
        let mut sessions = self.sessions();
        for session in sessions.iter_mut().filter(|s| s.tracker.is_waiting()) {
            if pids.contains(&session.pid) {
                session.tracker.still_waits(asked);
            } else {
                ended = true;
            }
        }
        ended
    }

    /// After which pause to look at what. Nothing while no lock of the migration is about to come or go.
    pub(super) fn next_look(&self, now: At) -> Option<(Duration, Look)> {
        let sessions = self.sessions();
        let connected = sessions.iter().filter(|session| session.connected);
        connected.filter_map(|session| session.next_look(now)).min()
    }

    /// Waits until a statement starts.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    fn sessions(&self) -> MutexGuard<'_, Vec<Tracked>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Session {
    /// A statement is about to be sent. One that `runs_code` may take locks at any time.
    pub fn statement_starts(&self, step: usize, statement: usize, at: At, runs_code: bool) {
        self.change(|session| {
            session
                .tracker
                .statement_starts(step, statement, at, runs_code);
            session.running = Some(Running {
                since: at,
                runs_code,
            });
        });
        self.watched.changed.notify_one();
    }

    /// The statement has come back.
    pub fn statement_ends(&self, at: At) {
        self.change(|session| {
            session.tracker.statement_ends(at);
            session.running = None;
        });
    }

    /// COMMIT or ROLLBACK is sent: locks go at any time now.
    pub fn transaction_ends(&self, at: At) {
        self.change(|session| {
            session.tracker.transaction_ends(at);
            session.running = Some(Running {
                since: at,
                runs_code: true,
            });
        });
        self.watched.changed.notify_one();
    }

    /// It has been acknowledged, or the statement has committed by itself: no lock is left.
    pub fn released(&self, at: At) {
        self.change(|session| {
            session.tracker.released(at);
            session.running = None;
        });
    }

    fn change(&self, change: impl FnOnce(&mut Tracked)) {
        // The sessions are gone when the rehearsal has been wound up.
        if let Some(session) = self.watched.sessions().get_mut(self.index) {
            change(session);
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.change(|session| session.connected = false);
    }
}

impl Tracked {
    fn next_look(&self, now: At) -> Option<(Duration, Look)> {
        if self.tracker.is_waiting() {
            return Some((WAITING, Look::Waiting));
        }
        let running = self.running?;
        let elapsed = now.since(running.since);
        let pause = if elapsed < BURST {
            Duration::ZERO
        } else if running.runs_code {
            CLOSE
        } else {
            // An error of a hundredth: a rewrite locks each index as its turn comes.
            CLOSE.max(elapsed / 100)
        };
        Some((pause, Look::Locks))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::postgres::LockMode::AccessExclusiveLock;
    use crate::rehearse::observe::locks::LockRow;

    #[test]
    fn who_starts_or_waits_is_looked_at_closely() {
        let watched = Watched::default();
        assert_eq!(watched.next_look(At(0)), None);
        let session = watched.watch(7);
        session.statement_starts(0, 0, At(1_000), true);
        let next = |at| watched.next_look(At(at));
        assert_eq!(next(1_500), Some((Duration::ZERO, Look::Locks)));
        assert_eq!(next(90_000_000), Some((CLOSE, Look::Locks)));
        let waiting = Reading {
            asked: At(91_000),
            answered: At(91_100),
            rows: vec![LockRow {
                relation: 1,
                mode: AccessExclusiveLock,
                granted: false,
                waiting_since: None,
            }],
        };
        watched.observe(&[(7, waiting)]);
        assert_eq!(next(92_000), Some((WAITING, Look::Waiting)));
        assert!(!watched.wait_ended(&[7], At(92_000)));
        assert!(watched.wait_ended(&[], At(93_000)));
        session.released(At(95_000));
        assert_eq!(next(95_001), None);
        session.statement_starts(0, 1, At(100_000), false);
        assert_eq!(next(600_000), Some((Duration::from_millis(5), Look::Locks)));
        drop(session);
        assert!(watched.pids().is_empty());
        let lock = &watched.finish(At(700_000)).1[0];
        assert_eq!((lock.granted, lock.session), (None, 0));
    }
}
