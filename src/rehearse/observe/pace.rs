//! When the sampler looks next, and at what: closely while a lock of the migration may come or go.

use std::time::Duration;

use tokio::time::{Instant, Interval, MissedTickBehavior};

use super::watched::{Attention, Watched};
use crate::rehearse::clock::Clock;

/// Time between two samples of everything. One costs 50 to 90 µs of the server's CPU, so this is below 1 % of
/// a core.
pub const INTERVAL: Duration = Duration::from_millis(10);

/// Time between two looks at a session that waits. A look costs 20 µs, and bounds the error of the grant.
const WAITING: Duration = Duration::from_millis(1);

/// Time between two readings of the migration's locks while it runs code that may take some at any time.
const CODE: Duration = Duration::from_millis(2);

/// What to look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// The migration's locks, who waits, and where the WAL ends.
    Everything,
    /// The migration's locks.
    Locks,
    /// Whether the migration still waits for a lock.
    Waiting,
}

/// The beat of the sampler.
pub(super) struct Pace {
    watched: Watched,
    clock: Clock,
    ticks: Interval,
}

impl Pace {
    pub(super) fn new(watched: Watched, clock: Clock) -> Pace {
        let mut ticks = tokio::time::interval(INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        Pace {
            watched,
            clock,
            ticks,
        }
    }

    /// Waits for the moment to look, and says at what.
    pub(super) async fn next(&mut self) -> Look {
        loop {
            let (pause, look) = match self.watched.attention(self.clock.now()) {
                Attention::Burst => (Duration::ZERO, Look::Locks),
                Attention::Waiting => (WAITING, Look::Waiting),
                Attention::Code => (CODE, Look::Locks),
                Attention::Calm => (INTERVAL, Look::Everything),
            };
            let due = Instant::now() + pause;
            tokio::select! {
                biased;
                _ = self.ticks.tick() => return Look::Everything,
                () = tokio::time::sleep_until(due), if look != Look::Everything => return look,
                () = self.watched.changed() => {}
            }
        }
    }
}
