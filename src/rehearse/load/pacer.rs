//! The schedule of arrivals, kept by a timer of the kernel: tokio's own tick in milliseconds.

use std::io;
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::time::Duration;

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};
use tokio::io::unix::AsyncFd;

use super::Arrival;
use crate::rehearse::clock::{At, Clock};

/// Says when an arrival is due, whatever became of those before it.
pub(super) struct Pacer {
    clock: Clock,
    schedule: Schedule,
    next: Option<Arrival>,
    bell: Rc<Bell>,
    /// The arrival that the bell is set for.
    set_for: u64,
}

/// Rings when an arrival is due.
pub(super) struct Bell(AsyncFd<OwnedFd>);

impl Pacer {
    /// Follows a schedule that starts now.
    pub(super) fn new(clock: Clock, arrivals_per_s: f64, seed: u64, bell: Rc<Bell>) -> Pacer {
        let mut schedule = Schedule::new(clock.now(), arrivals_per_s, seed);
        Pacer {
            clock,
            next: schedule.next(),
            schedule,
            bell,
            set_for: 0,
        }
    }

    /// The next arrival, if its time has come.
    pub(super) fn due(&mut self) -> Option<Arrival> {
        let now = self.clock.now();
        let due = self.next.take_if(|arrival| arrival.scheduled <= now)?;
        self.next = self.schedule.next();
        Some(due)
    }

    /// Has the bell ring when the next arrival is due.
    pub(super) fn set_bell(&mut self) {
        if let Some(next) = self.next.filter(|next| next.number != self.set_for) {
            self.set_for = next.number;
            self.bell.ring_in(next.scheduled.since(self.clock.now()));
        }
    }
}

impl Bell {
    pub(super) fn new() -> io::Result<Bell> {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
        #[expect(
            deprecated,
            reason = "what replaces it is unsafe, and an OwnedFd is open as long as it is registered"
        )]
        let timer = AsyncFd::new(timer)?;
        Ok(Bell(timer))
    }

    /// Setting it anew forgets that it had rung.
    fn ring_in(&self, left: Duration) {
        // A timer that is set to nothing is off.
        let left = left.max(Duration::from_nanos(1));
        let once = Itimerspec {
            it_interval: Timespec::default(),
            it_value: Timespec {
                tv_sec: left.as_secs().cast_signed(),
                tv_nsec: left.subsec_nanos().into(),
            },
        };
        timerfd_settime(&self.0, TimerfdTimerFlags::empty(), &once)
            .expect("a timer of our own takes any time");
    }

    pub(super) async fn rings(&self) {
        // There is nothing to read: it is set anew for each arrival.
        if let Ok(mut rung) = self.0.readable().await {
            rung.clear_ready();
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
