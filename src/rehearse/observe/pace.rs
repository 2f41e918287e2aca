//! When the sampler looks next, and at what: closely while a lock of the migration may come or go.

use std::time::Duration;

use tokio::time::{Instant, Interval, MissedTickBehavior};

use super::watched::{Look, Watched};
use crate::rehearse::clock::Clock;

/// Time between two samples of everything, beside the server's log. Of a server at its limit on two cores one takes
/// 0.25 ms of the server's CPU and 0.13 ms of ours, most of it to wake up.
const INTERVAL: Duration = Duration::from_millis(40);
/// Without the log nothing else shows who was blocked.
const INTERVAL_WITHOUT_LOG: Duration = Duration::from_millis(20);

/// How often to sample everything where the server's log can be read, or cannot.
pub fn interval(has_log: bool) -> Duration {
    match has_log {
        true => INTERVAL,
        false => INTERVAL_WITHOUT_LOG,
    }
}

/// The beat of the sampler.
pub(super) struct Pace {
    watched: Watched,
    clock: Clock,
    ticks: Interval,
}

impl Pace {
    pub(super) fn new(watched: Watched, clock: Clock, interval: Duration) -> Pace {
        let mut ticks = tokio::time::interval(interval);
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
            let interval = self.ticks.period();
            let look = async {
                match next {
                    Some((pause, look)) if pause < interval => {
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
