//! Where everyone who measures writes down what happened, and where the marks of the phases are.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::clock::{At, Clock};
use super::recording::{IntervalRecord, Phase};

/// Shared by the load, the migration and the conductor. Cheap to clone.
#[derive(Clone)]
pub struct Journal {
    pub clock: Clock,
    marks: Arc<Marks>,
    intervals: Arc<Mutex<Vec<IntervalRecord>>>,
}

/// Moments in microseconds; `u64::MAX` while they lie ahead.
struct Marks {
    baseline: AtomicU64,
    migration: AtomicU64,
    recovery: AtomicU64,
}

impl Journal {
    pub fn new(clock: Clock) -> Journal {
        let ahead = || AtomicU64::new(u64::MAX);
        let marks = Marks {
            baseline: ahead(),
            migration: ahead(),
            recovery: ahead(),
        };
        Journal {
            clock,
            marks: Arc::new(marks),
            intervals: Arc::default(),
        }
    }

    /// The phase begins now.
    pub fn begin(&self, phase: Phase) -> At {
        let now = self.clock.now();
        self.mark(phase).store(now.0, Ordering::Release);
        now
    }

    /// When the phase began, if it has.
    pub fn began(&self, phase: Phase) -> Option<At> {
        let at = self.mark(phase).load(Ordering::Acquire);
        (at != u64::MAX).then_some(At(at))
    }

    /// The phase that something belongs to which lasted from `start` to `end`: whatever overlaps the
    /// migration belongs to it, because it may have felt it. `None` during warm-up.
    pub fn phase_of(&self, start: At, end: At) -> Option<Phase> {
        if end < self.began(Phase::Baseline)? {
            return None;
        }
        match (self.began(Phase::Migration), self.began(Phase::Recovery)) {
            (Some(migration), _) if end < migration => Some(Phase::Baseline),
            (None, _) => Some(Phase::Baseline),
            (_, Some(recovery)) if start >= recovery => Some(Phase::Recovery),
            _ => Some(Phase::Migration),
        }
    }

    pub fn push_interval(&self, interval: IntervalRecord) {
        self.intervals
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(interval);
    }

    /// Runs `look` on the timeline so far.
    pub fn intervals<T>(&self, look: impl FnOnce(&[IntervalRecord]) -> T) -> T {
        look(
            &self
                .intervals
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }

    fn mark(&self, phase: Phase) -> &AtomicU64 {
        match phase {
            Phase::Baseline => &self.marks.baseline,
            Phase::Migration => &self.marks.migration,
            Phase::Recovery => &self.marks.recovery,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_overlaps_the_migration_belongs_to_it() {
        let journal = Journal::new(Clock::start());
        assert_eq!(journal.phase_of(At(0), At(1)), None);
        journal.mark(Phase::Baseline).store(10, Ordering::Release);
        journal.mark(Phase::Migration).store(100, Ordering::Release);
        assert_eq!(journal.phase_of(At(20), At(99)), Some(Phase::Baseline));
        assert_eq!(journal.phase_of(At(99), At(100)), Some(Phase::Migration));
        journal.mark(Phase::Recovery).store(200, Ordering::Release);
        assert_eq!(journal.phase_of(At(50), At(500)), Some(Phase::Migration));
        assert_eq!(journal.phase_of(At(200), At(500)), Some(Phase::Recovery));
    }
}
