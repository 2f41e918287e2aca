//! The schedule of arrivals, kept by a thread of the operating system: tokio's timers tick in milliseconds.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result};
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use tokio::sync::mpsc;

use super::{Arrival, Message};
use crate::rehearse::clock::{At, Clock};

/// Sends arrivals until it is dropped.
pub(super) struct Pacer {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Pacer {
    pub(super) fn start(
        clock: Clock,
        arrivals_per_s: f64,
        seed: u64,
        messages: mpsc::UnboundedSender<Message>,
    ) -> Result<Pacer> {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let schedule = Schedule::new(clock.now(), arrivals_per_s, seed);
        let thread = std::thread::Builder::new()
            .name("pacer".to_owned())
            .spawn(move || {
                for arrival in schedule {
                    clock.park_until(arrival.scheduled, &stopped);
                    if stopped.load(Ordering::Acquire)
                        || messages.send(Message::Arrival(arrival)).is_err()
                    {
                        return;
                    }
                }
            })
            .context("cannot start the pacer's thread")?;
        Ok(Pacer {
            stop,
            thread: Some(thread),
        })
    }
}

impl Drop for Pacer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // A pacer that panicked has nothing to clean up.
            let _ = thread.join();
        }
    }
}

/// Arrivals of a Poisson process, as `pgbench --rate` makes them: independent users, not a metronome.
pub struct Schedule {
    rng: SmallRng,
    mean_gap_us: f64,
    next_us: f64,
    number: u64,
}

impl Schedule {
    pub fn new(start: At, arrivals_per_s: f64, seed: u64) -> Schedule {
        Schedule {
            rng: SmallRng::seed_from_u64(seed),
            mean_gap_us: 1_000_000.0 / arrivals_per_s,
            next_us: start.0 as f64,
            number: 0,
        }
    }
}

impl Iterator for Schedule {
    type Item = Arrival;

    fn next(&mut self) -> Option<Arrival> {
        // 1 - u lies in (0, 1], so its logarithm is finite.
        let gap = -(1.0 - self.rng.random::<f64>()).ln() * self.mean_gap_us;
        self.next_us += gap;
        self.number += 1;
        Some(Arrival {
            number: self.number,
            scheduled: At(Duration::from_micros(self.next_us as u64).as_micros() as u64),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schedule_has_the_rate_that_was_asked_for() {
        let arrivals: Vec<_> = Schedule::new(At(0), 1_000.0, 1).take(100_000).collect();
        let seconds = arrivals[99_999].scheduled.0 as f64 / 1e6;
        // The sum of n exponential gaps varies by 1/sqrt(n): 0.3 %; five times that never happens.
        assert!((seconds - 100.0).abs() < 1.6, "{seconds}");
        assert!(
            arrivals
                .windows(2)
                .all(|pair| pair[0].scheduled <= pair[1].scheduled)
        );
    }

    #[test]
    fn the_same_seed_gives_the_same_arrivals() {
        let times = |seed| {
            Schedule::new(At(5), 50.0, seed)
                .take(50)
                .map(|a| a.scheduled)
                .collect::<Vec<_>>()
        };
        assert_eq!(times(7), times(7));
        assert_ne!(times(7), times(8));
    }
}
