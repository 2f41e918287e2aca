//! When the sampler looks next, and at what: closely while a lock of the migration may come or go.

use std::time::Duration;

use tokio::time::{Instant, Interval, MissedTickBehavior};

use super::watched::{Look, Watched};
use crate::rehearse::clock::Clock;

/// Time between two samples of everything. One costs 50 to 90 µs of the server's CPU and as much of ours: every
/// 10 ms that takes 1 to 3 % of the throughput of a server at its limit on two cores.
pub const INTERVAL: Duration = Duration::from_millis(20);

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

    /// Waits for the moment to look, and says at what: `None` is everything.
    pub(super) async fn next(&mut self) -> Option<Look> {
        loop {
            let next = self.watched.next_look(self.clock.now());
            let look = async {
                match next {
                    Some((pause, look)) if pause < INTERVAL => {
                        tokio::time::sleep_until(Instant::now() + pause).await;
                        look
                    }
                    _ => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                _ = self.ticks.tick() => return None,
                look = look => return Some(look),
                () = self.watched.changed() => {}
            }
        }
    }
}
