//! Counts what came back: per query class and phase, per kind and phase, and over time.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use hdrhistogram::Histogram;

use super::{Counted, Traffic};
use crate::postgres::SqlState;
use crate::rehearse::clock::At;
use crate::rehearse::journal::Journal;
use crate::rehearse::recording::{
    ClassRecord, Counts, IntervalCounts, IntervalRecord, Phase, TotalRecord,
};
use crate::rehearse::workload::QueryKind;

/// The timeline's resolution.
pub const INTERVAL: Duration = Duration::from_millis(50);

/// A query that has come back.
#[derive(Debug)]
pub struct Completion {
    pub app: usize,
    pub query: usize,
    pub kind: QueryKind,
    pub scheduled: At,
    pub done: At,
    pub delayed: bool,
    pub error: Option<SqlState>,
}

/// All counters of the load.
pub struct Tally {
    journal: Journal,
    groups: BTreeMap<(Phase, Group), Counter>,
    /// When a query of the group last came back.
    last_done: BTreeMap<Group, At>,
    /// Groups with queries that never came back.
    unanswered: BTreeSet<Group>,
    current: [IntervalTally; 2],
    interval: u64,
}

/// A query class, or all queries of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Group {
    Class {
        app: usize,
        query: usize,
        kind: QueryKind,
    },
    Kind(QueryKind),
}

struct Counter {
    counts: Counts,
    latencies: Histogram<u32>,
}

#[derive(Default)]
struct IntervalTally {
    latencies_us: Vec<u64>,
    errors: u64,
    waiting: u64,
}

impl Tally {
    pub fn new(journal: Journal) -> Tally {
        Tally {
            journal,
            groups: BTreeMap::new(),
            last_done: BTreeMap::new(),
            unanswered: BTreeSet::new(),
            current: Default::default(),
            interval: 0,
        }
    }

    /// A version begins to have traffic: its classes had nothing to answer before.
    pub fn deployed(&mut self, app: usize, kinds: &[QueryKind], now: At) {
        for (query, kind) in kinds.iter().enumerate() {
            let kind = *kind;
            self.last_done
                .insert(Group::Class { app, query, kind }, now);
        }
    }

    /// A query has arrived.
    pub fn arrived(&mut self, kind: QueryKind) {
        self.current[index(kind)].waiting += 1;
    }

    /// A query has come back, well or not.
    pub fn completed(&mut self, completion: &Completion) {
        self.roll(completion.done);
        let latency_us = completion.done.0.saturating_sub(completion.scheduled.0);
        let interval = &mut self.current[index(completion.kind)];
        interval.latencies_us.push(latency_us);
        interval.errors += u64::from(completion.error.is_some());
        interval.waiting = interval.waiting.saturating_sub(1);
        let Some(phase) = self.journal.phase_of(completion.scheduled, completion.done) else {
            return;
        };
        for group in groups(completion.app, completion.query, completion.kind) {
            self.note_gap(group, completion.done);
            let counter = self.counter(phase, group);
            counter.counts.count += 1;
            counter.counts.delayed += u64::from(completion.delayed);
            if let Some(state) = completion.error {
                *counter.counts.errors.entry(state).or_default() += 1;
            }
            counter.latencies.saturating_record(latency_us);
        }
    }

    /// A query was scheduled but had not come back when the traffic ended.
    pub fn censored(
        &mut self,
        app: usize,
        query: usize,
        kind: QueryKind,
        scheduled: At,
        delayed: bool,
    ) {
        let now = self.journal.clock.now();
        let Some(phase) = self.journal.phase_of(scheduled, now) else {
            return;
        };
        for group in groups(app, query, kind) {
            let counter = self.counter(phase, group);
            counter.counts.censored += 1;
            counter.counts.delayed += u64::from(delayed);
            self.unanswered.insert(group);
        }
    }

    /// Closes the timeline's intervals up to `now`.
    pub fn roll(&mut self, now: At) {
        let interval_us = INTERVAL.as_micros() as u64;
        while (self.interval + 1) * interval_us <= now.0 {
            let [reads, writes] = &mut self.current;
            self.journal.push_interval(IntervalRecord {
                reads: reads.close(),
                writes: writes.close(),
            });
            self.interval += 1;
        }
    }

    /// Ends the counting: the time from a group's last answer to the end of the traffic is a stall too, if
    /// its version still had some or a query of it never came back.
    pub fn finish(mut self, traffic: &Traffic, end: At, arriving: &[usize]) -> Counted {
        self.roll(self.journal.clock.now());
        let has_traffic = |group: &Group| match group {
            Group::Class { app, .. } => arriving.contains(app),
            Group::Kind(_) => true,
        };
        let mut groups: BTreeSet<Group> = self.last_done.keys().copied().collect();
        groups.retain(has_traffic);
        groups.append(&mut self.unanswered);
        for group in groups {
            self.note_gap(group, end);
        }
        let mut counted = Counted::default();
        for ((phase, group), counter) in self.groups {
            let counts = counter.finish();
            match group {
                Group::Class { app, query, kind } => counted.classes.push(ClassRecord {
                    phase,
                    app: traffic.apps[app].name.clone(),
                    query: traffic.apps[app].queries[query].name.clone(),
                    kind,
                    counts,
                }),
                Group::Kind(kind) => counted.totals.push(TotalRecord {
                    phase,
                    kind,
                    counts,
                }),
            }
        }
        counted
    }

    /// A stall lasts from one answer to the next; before the first answer, from when its version was deployed
    /// or the baseline began.
    fn note_gap(&mut self, group: Group, now: At) {
        let Some(baseline) = self.journal.began(Phase::Baseline) else {
            return;
        };
        let since = self
            .last_done
            .insert(group, now)
            .unwrap_or(baseline)
            .max(baseline);
        if let Some(phase) = self.journal.phase_of(since, now) {
            let stall_us = now.0.saturating_sub(since.0);
            let counts = &mut self.counter(phase, group).counts;
            counts.stall_us = counts.stall_us.max(stall_us);
        }
    }

    fn counter(&mut self, phase: Phase, group: Group) -> &mut Counter {
        self.groups
            .entry((phase, group))
            .or_insert_with(Counter::new)
    }
}

fn groups(app: usize, query: usize, kind: QueryKind) -> [Group; 2] {
    [Group::Class { app, query, kind }, Group::Kind(kind)]
}

fn index(kind: QueryKind) -> usize {
    match kind {
        QueryKind::Read => 0,
        QueryKind::Write => 1,
    }
}

impl Counter {
    fn new() -> Counter {
        // From 1 µs to an hour, to 0.1 %.
        let latencies = Histogram::new_with_max(3_600_000_000, 3).expect("the bounds are valid");
        Counter {
            counts: Counts::default(),
            latencies,
        }
    }

    fn finish(self) -> Counts {
        let latencies_us = self
            .latencies
            .iter_recorded()
            .map(|value| (value.value_iterated_to(), u64::from(value.count_at_value())))
            .collect();
        Counts {
            latencies_us,
            ..self.counts
        }
    }
}

impl IntervalTally {
    /// The interval's record; what is still waiting goes on into the next.
    fn close(&mut self) -> IntervalCounts {
        let mut latencies = std::mem::take(&mut self.latencies_us);
        latencies.sort_unstable();
        let at =
            |quantile: f64| latencies[((latencies.len() - 1) as f64 * quantile).round() as usize];
        let record = IntervalCounts {
            completed: latencies.len() as u64,
            errors: std::mem::take(&mut self.errors),
            latency_us: (!latencies.is_empty()).then(|| [at(0.5), at(0.99), at(1.0)]),
            waiting: self.waiting,
        };
        latencies.clear();
        self.latencies_us = latencies;
        record
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rehearse::clock::Clock;

    fn completion(scheduled: At, done: At) -> Completion {
        Completion {
            app: 0,
            query: 0,
            kind: QueryKind::Read,
            scheduled,
            done,
            delayed: false,
            error: None,
        }
    }

    #[test]
    fn latency_counts_from_the_schedule_and_the_longest_gap_is_the_stall() {
        let journal = Journal::new(Clock::start());
        let start = journal.begin(Phase::Baseline);
        let mut tally = Tally::new(journal);
        let at = |ms: u64| At(start.0 + ms * 1_000);
        for (scheduled, done) in [(10, 11), (20, 21), (30, 531), (532, 533)] {
            tally.arrived(QueryKind::Read);
            tally.completed(&completion(at(scheduled), at(done)));
        }
        let counter = &tally.groups[&(Phase::Baseline, Group::Kind(QueryKind::Read))];
        assert_eq!(counter.counts.count, 4);
        assert_eq!(counter.counts.stall_us, 510_000);
        // Three significant digits: 501 ms is held to 0.1 %.
        assert!(counter.latencies.max().abs_diff(501_000) <= 501);
    }

    #[test]
    fn the_timeline_shows_what_waits_in_an_interval_without_answers() {
        let journal = Journal::new(Clock::start());
        let mut tally = Tally::new(journal.clone());
        tally.arrived(QueryKind::Write);
        tally.roll(At(100_000));
        tally.completed(&Completion {
            kind: QueryKind::Write,
            ..completion(At(1_000), At(120_000))
        });
        tally.roll(At(150_000));
        journal.intervals(|intervals| {
            let waiting: Vec<_> = intervals.iter().map(|i| i.writes.waiting).collect();
            assert_eq!(waiting, [1, 1, 0]);
            assert_eq!(intervals[2].writes.latency_us, Some([119_000; 3]));
            assert_eq!(intervals[0].writes.latency_us, None);
        });
    }

    fn traffic() -> Traffic {
        use crate::rehearse::workload::{App, Load, Query};
        let query = Query {
            name: "q".to_owned(),
            kind: QueryKind::Read,
            weight: 1.0,
            sql: String::new(),
            params: Vec::new(),
        };
        let app = |name: &str| App {
            name: name.to_owned(),
            owner: None,
            queries: vec![query.clone()],
        };
        Traffic {
            load: Load {
                arrivals_per_s: 1.0,
                connections: 1,
                warmup: Duration::ZERO,
                baseline: Duration::ZERO,
                recovery: Duration::ZERO,
                recovery_limit: Duration::ZERO,
                seed: 1,
            },
            apps: vec![app("v1"), app("v2")],
        }
    }

    fn stall_us(counted: &Counted, app: &str) -> u64 {
        let class = counted.classes.iter().find(|class| class.app == app);
        class.map_or(0, |class| class.counts.stall_us)
    }

    #[test]
    fn a_version_stalls_only_while_it_has_traffic() {
        let journal = Journal::new(Clock::start());
        let start = journal.begin(Phase::Baseline);
        let mut tally = Tally::new(journal);
        let at = |ms: u64| At(start.0 + ms * 1_000);
        tally.completed(&completion(at(1), at(2)));
        tally.deployed(1, &[QueryKind::Read], at(5_000));
        let of_v2 = Completion {
            app: 1,
            ..completion(at(5_010), at(5_020))
        };
        tally.completed(&of_v2);
        let counted = tally.finish(&traffic(), at(5_030), &[1]);
        assert_eq!(stall_us(&counted, "v1"), 2_000);
        assert_eq!(stall_us(&counted, "v2"), 20_000);
    }

    #[test]
    fn a_class_that_never_comes_back_has_stalled_all_along() {
        let journal = Journal::new(Clock::start());
        let start = journal.begin(Phase::Baseline);
        let mut tally = Tally::new(journal);
        let end = At(start.0 + 900_000);
        tally.censored(0, 0, QueryKind::Read, start, false);
        let counted = tally.finish(&traffic(), end, &[1]);
        assert_eq!(stall_us(&counted, "v1"), 900_000);
        assert_eq!(counted.classes[0].counts.censored, 1);
    }
}
