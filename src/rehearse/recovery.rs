//! When traffic is back to what it was before the migration.

use super::clock::At;
use super::load::tally::INTERVAL;
use super::recording::{IntervalCounts, IntervalRecord};

/// Latency has to stay at its baseline for this many intervals, one second, to count as back.
const STEADY_INTERVALS: usize = 20;

/// The first moment from `migration_end` on from which, for a whole second, the traffic was as in its baseline:
/// the median of its interval medians at most 1.5 times the baseline's plus 1 ms, no more queries waiting
/// than the baseline's most plus two, and in no interval more errors than in the baseline's worst. A kind of
/// query that the baseline had none of has no latency to come back to. `None` if that moment has not come.
pub fn recovered_at(
    intervals: &[IntervalRecord],
    baseline: (At, At),
    migration_end: At,
) -> Option<At> {
    let before =
        intervals.get(interval_of(baseline.0)..interval_of(baseline.1).min(intervals.len()))?;
    let normal = [
        Normal::of(before, |i| &i.reads),
        Normal::of(before, |i| &i.writes),
    ];
    let first = interval_of(migration_end);
    let window = intervals
        .get(first..)?
        .windows(STEADY_INTERVALS)
        .position(|window| {
            normal[0].holds(window, |i| &i.reads) && normal[1].holds(window, |i| &i.writes)
        })?;
    let start = At((first + window) as u64 * INTERVAL.as_micros() as u64);
    Some(start.max(migration_end))
}

/// What a kind of query was like in the baseline.
struct Normal {
    p50_us: Option<u64>,
    waiting: u64,
    errors: u64,
}

impl Normal {
    fn of(
        intervals: &[IntervalRecord],
        kind: impl Fn(&IntervalRecord) -> &IntervalCounts,
    ) -> Normal {
        Normal {
            p50_us: median_p50(intervals.iter().map(&kind)),
            waiting: most(intervals.iter().map(|interval| kind(interval).waiting)),
            errors: most(intervals.iter().map(|interval| kind(interval).errors)),
        }
    }

    fn holds(
        &self,
        window: &[IntervalRecord],
        kind: impl Fn(&IntervalRecord) -> &IntervalCounts,
    ) -> bool {
        let medians = median_p50(window.iter().map(&kind)).zip(self.p50_us);
        medians.is_none_or(|(median, normal)| median <= normal * 3 / 2 + 1_000)
            && most(window.iter().map(|interval| kind(interval).waiting)) <= self.waiting + 2
            && most(window.iter().map(|interval| kind(interval).errors)) <= self.errors
    }
}

fn most(counts: impl Iterator<Item = u64>) -> u64 {
    counts.max().unwrap_or(0)
}

fn median_p50<'a>(intervals: impl Iterator<Item = &'a IntervalCounts>) -> Option<u64> {
    let mut medians: Vec<u64> = intervals
        .filter_map(|counts| Some(counts.latency_us?[0]))
        .collect();
    medians.sort_unstable();
    medians.get(medians.len() / 2).copied()
}

fn interval_of(at: At) -> usize {
    usize::try_from(at.0 / INTERVAL.as_micros() as u64).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interval(p50_us: u64, waiting: u64) -> IntervalRecord {
        let counts = IntervalCounts {
            completed: 10,
            errors: 0,
            latency_us: Some([p50_us; 3]),
            waiting,
        };
        IntervalRecord {
            reads: counts.clone(),
            writes: counts,
        }
    }

    fn timeline(slow: usize) -> Vec<IntervalRecord> {
        let mut intervals = vec![interval(500, 1); 40];
        intervals.extend(vec![interval(90_000, 50); slow]);
        intervals.extend(vec![interval(600, 1); 40]);
        intervals
    }

    #[test]
    fn traffic_is_back_when_the_backlog_is_gone() {
        // The migration ends at 2 s; six slow intervals follow.
        let recovered = recovered_at(&timeline(6), (At(0), At(2_000_000)), At(2_000_000));
        assert_eq!(recovered, Some(At(2_300_000)));
    }

    #[test]
    fn traffic_that_was_never_slow_is_back_at_once() {
        let recovered = recovered_at(&timeline(0), (At(0), At(2_000_000)), At(2_010_000));
        assert_eq!(recovered, Some(At(2_010_000)));
    }

    #[test]
    fn traffic_is_not_back_before_a_steady_second() {
        let intervals = &timeline(6)[..55];
        assert_eq!(
            recovered_at(intervals, (At(0), At(2_000_000)), At(2_000_000)),
            None
        );
    }

    #[test]
    fn a_kind_that_the_baseline_had_not_does_not_keep_the_traffic_from_being_back() {
        let mut intervals = timeline(0);
        for interval in &mut intervals[..40] {
            interval.writes = IntervalCounts::default();
        }
        for interval in &mut intervals[40..] {
            interval.writes.latency_us = Some([9_000; 3]);
        }
        let recovered = recovered_at(&intervals, (At(0), At(2_000_000)), At(2_000_000));
        assert_eq!(recovered, Some(At(2_000_000)));
    }

    #[test]
    fn traffic_that_fails_fast_is_not_back() {
        let mut intervals = timeline(0);
        for interval in &mut intervals[40..46] {
            interval.reads.errors = 3;
        }
        let recovered = recovered_at(&intervals, (At(0), At(2_000_000)), At(2_000_000));
        assert_eq!(recovered, Some(At(2_300_000)));
    }
}
