//! The one place where a stage reads the clock.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A moment of a recording: microseconds since its start, on a clock that never goes back.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(transparent)]
pub struct At(pub u64);

impl At {
    /// The time from `earlier` to this moment; zero if it lies before.
    pub fn since(self, earlier: At) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }

    pub fn after(self, span: Duration) -> At {
        At(self.0 + u64::try_from(span.as_micros()).unwrap_or(u64::MAX / 2))
    }

    pub fn ms(self) -> f64 {
        ms(Duration::from_micros(self.0))
    }
}

/// A duration in milliseconds, to the microsecond.
pub fn ms(span: Duration) -> f64 {
    (span.as_secs_f64() * 1_000_000.0).round() / 1_000.0
}

/// A monotonic clock that also knows which wall-clock time it started at.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    origin: Instant,
    origin_unix_us: i64,
}

impl Clock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    pub fn start() -> Clock {
        let since_epoch = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Clock {
            origin: Instant::now(),
            origin_unix_us: i64::try_from(since_epoch.as_micros()).unwrap_or(i64::MAX),
        }
    }

    /// A clock whose moment 0 was at a given time, to read old logs with.
    #[cfg(test)]
    pub fn starting_at(time: jiff::Timestamp) -> Clock {
        Clock {
            origin_unix_us: time.as_microsecond(),
            ..Clock::start()
        }
    }

    pub fn now(&self) -> At {
        At(u64::try_from(self.origin.elapsed().as_micros()).unwrap_or(u64::MAX))
    }

    /// Waits for a moment, to the resolution of the operating system, or until `stop` is set and the thread
    /// is unparked.
    pub fn park_until(&self, at: At, stop: &AtomicBool) {
        while !stop.load(Ordering::Acquire) {
            let now = self.now();
            if now >= at {
                return;
            }
            std::thread::park_timeout(at.since(now));
        }
    }

    /// The moment of a wall-clock time of the same machine, in microseconds since 1970.
    /// A time before the recording's start is its start.
    pub fn at_unix_us(&self, unix_us: i64) -> At {
        At(u64::try_from(unix_us - self.origin_unix_us).unwrap_or(0))
    }

    /// The wall-clock time of a moment, in microseconds since 1970.
    pub fn unix_us(&self, at: At) -> i64 {
        self.origin_unix_us
            .saturating_add(i64::try_from(at.0).unwrap_or(i64::MAX))
    }

    pub fn started_at(&self) -> jiff::Timestamp {
        jiff::Timestamp::from_microsecond(self.origin_unix_us)
            .unwrap_or(jiff::Timestamp::UNIX_EPOCH)
    }
}
