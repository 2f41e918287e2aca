//! Counts what came back: per query class and phase, per kind and phase, and over time.

#[cfg(test)]
mod tests;

use std::time::Duration;

use hdrhistogram::Histogram;

use super::dispatch::Job;
use super::{Counted, Traffic};
use crate::postgres::SqlState;
use crate::rehearse::clock::At;
use crate::rehearse::journal::Journal;
use crate::rehearse::recording::{
    ClassRecord, Counts, IntervalCounts, IntervalRecord, Latencies, Phase, TotalRecord,
};
use crate::rehearse::workload::{App, QueryKind};

/// The timeline's resolution.
pub const INTERVAL: Duration = Duration::from_millis(50);

const PHASES: [Phase; 3] = [Phase::Baseline, Phase::Migration, Phase::Recovery];
const KINDS: [QueryKind; 2] = [QueryKind::Read, QueryKind::Write];

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
    /// By version and query.
    classes: Vec<Vec<Class>>,
    kinds: [Gaps; 2],
    current: [IntervalTally; 2],
    interval: u64,
}

/// A query of a version.
struct Class {
    kind: QueryKind,
    gaps: Gaps,
    /// A query of it never came back.
    is_unanswered: bool,
    /// By phase.
    counters: [Option<Box<Counter>>; 3],
}

/// How long none of a group of queries came back.
#[derive(Default)]
struct Gaps {
    last_done: Option<At>,
    /// The longest, by phase.
    stall_us: [Option<u64>; 3],
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
    pub fn new(journal: Journal, traffic: &Traffic) -> Tally {
        let class = |kind| Class {
            kind,
            gaps: Gaps::default(),
            is_unanswered: false,
            counters: Default::default(),
        };
        let of_app = |app: &App| app.queries.iter().map(|query| class(query.kind)).collect();
        Tally {
            journal,
            classes: traffic.apps.iter().map(of_app).collect(),
            kinds: Default::default(),
            current: Default::default(),
            interval: 0,
        }
    }

    /// A version begins to have traffic: its classes had nothing to answer before.
    pub fn deployed(&mut self, app: usize, now: At) {
        for class in &mut self.classes[app] {
            class.gaps.last_done = Some(now);
        }
    }

    /// A query has arrived. What waits at an interval's end came before it.
    pub fn arrived(&mut self, kind: QueryKind, scheduled: At) {
        self.roll(scheduled);
        self.current[kind as usize].waiting += 1;
    }

    /// A query has come back, well or not.
    pub fn completed(&mut self, completion: &Completion) {
        self.roll(completion.done);
        let latency_us = completion.done.0.saturating_sub(completion.scheduled.0);
        let interval = &mut self.current[completion.kind as usize];
        interval.latencies_us.push(latency_us);
        interval.errors += u64::from(completion.error.is_some());
        interval.waiting = interval.waiting.saturating_sub(1);
        let journal = &self.journal;
        let Some(phase) = journal.phase_of(completion.scheduled, completion.done) else {
            return;
        };
        let class = &mut self.classes[completion.app][completion.query];
        self.kinds[completion.kind as usize].end(journal, completion.done);
        class.gaps.end(journal, completion.done);
        let counter = class.counter(phase);
        counter.counts.count += 1;
        counter.counts.delayed += u64::from(completion.delayed);
        if let Some(state) = completion.error {
            *counter.counts.errors.entry(state).or_default() += 1;
        }
        counter.latencies.saturating_record(latency_us);
    }

    /// A query was scheduled but had not come back when the traffic ended.
    pub(super) fn censored(&mut self, job: &Job) {
        let now = self.journal.clock.now();
        if let Some(phase) = self.journal.phase_of(job.arrival.scheduled, now) {
            let class = &mut self.classes[job.app][job.query];
            class.is_unanswered = true;
            let counts = &mut class.counter(phase).counts;
            counts.censored += 1;
            counts.delayed += u64::from(job.delayed);
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
    pub fn finish(&mut self, traffic: &Traffic, end: At, arriving: &[usize]) -> Counted {
        self.roll(self.journal.clock.now());
        let mut counted = Counted::default();
        for kind in KINDS {
            let gaps = &mut self.kinds[kind as usize];
            let mut classes = self.classes.iter().flatten();
            if gaps.last_done.is_some() || classes.any(|c| c.kind == kind && c.is_unanswered) {
                gaps.end(&self.journal, end);
            }
        }
        for (app, classes) in self.classes.iter_mut().enumerate() {
            for class in classes {
                let has_traffic = arriving.contains(&app) && class.gaps.last_done.is_some();
                if has_traffic || class.is_unanswered {
                    class.gaps.end(&self.journal, end);
                }
            }
        }
        for phase in PHASES {
            self.count_classes(phase, traffic, &mut counted);
            self.count_kinds(phase, &mut counted);
        }
        counted
    }

    fn count_classes(&self, phase: Phase, traffic: &Traffic, counted: &mut Counted) {
        for (app, classes) in traffic.apps.iter().zip(&self.classes) {
            for (query, class) in app.queries.iter().zip(classes) {
                if let Some(counts) = total([class].into_iter(), &class.gaps, phase) {
                    counted.classes.push(ClassRecord {
                        phase,
                        app: app.name.clone(),
                        query: query.name.clone(),
                        kind: class.kind,
                        counts,
                    });
                }
            }
        }
    }

    fn count_kinds(&self, phase: Phase, counted: &mut Counted) {
        for kind in KINDS {
            let classes = self.classes.iter().flatten();
            let classes = classes.filter(|class| class.kind == kind);
            if let Some(counts) = total(classes, &self.kinds[kind as usize], phase) {
                counted.totals.push(TotalRecord {
                    phase,
                    kind,
                    counts,
                });
            }
        }
    }
}

impl Class {
    fn counter(&mut self, phase: Phase) -> &mut Counter {
        self.counters[phase as usize].get_or_insert_with(Box::default)
    }
}

impl Gaps {
    /// A stall lasts from one answer to the next; before the first answer, from when its version was deployed
    /// or the baseline began. What of it lies before the migration is not the migration's.
    fn end(&mut self, journal: &Journal, now: At) {
        let Some(baseline) = journal.began(Phase::Baseline) else {
            return;
        };
        let since = self
            .last_done
            .replace(now)
            .unwrap_or(baseline)
            .max(baseline);
        if let Some(phase) = journal.phase_of(since, now) {
            let began = journal.began(phase).unwrap_or(since);
            let gap_us = now.since(since.max(began)).as_micros() as u64;
            let stall_us = &mut self.stall_us[phase as usize];
            *stall_us = (*stall_us).max(Some(gap_us));
        }
    }
}

/// What the classes of a group come to in a phase; `None` if it neither had queries nor lacked them.
fn total<'c>(
    classes: impl Iterator<Item = &'c Class>,
    gaps: &Gaps,
    phase: Phase,
) -> Option<Counts> {
    let stall_us = gaps.stall_us[phase as usize];
    let mut counters = classes.filter_map(|class| class.counters[phase as usize].as_deref());
    let first = counters.next();
    if first.is_none() && stall_us.is_none() {
        return None;
    }
    let mut sum = Counter::default();
    for counter in first.into_iter().chain(counters) {
        sum.counts.count += counter.counts.count;
        sum.counts.delayed += counter.counts.delayed;
        sum.counts.censored += counter.counts.censored;
        for (state, n) in &counter.counts.errors {
            *sum.counts.errors.entry(*state).or_default() += n;
        }
        sum.latencies += &counter.latencies;
    }
    Some(Counts {
        latencies_us: sparse(&sum.latencies),
        stall_us: stall_us.unwrap_or(0),
        ..sum.counts
    })
}

impl Default for Counter {
    fn default() -> Counter {
        Counter {
            counts: Counts::default(),
            latencies: histogram(),
        }
    }
}

/// Microseconds from 1 to an hour, to 0.1 %.
pub(super) fn histogram() -> Histogram<u32> {
    Histogram::new_with_max(3_600_000_000, 3).expect("the bounds are valid")
}

pub(super) fn sparse(histogram: &Histogram<u32>) -> Latencies {
    histogram
        .iter_recorded()
        .map(|value| (value.value_iterated_to(), u64::from(value.count_at_value())))
        .collect()
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
