//! Completions at known times.

use super::*;
use crate::rehearse::clock::Clock;
use crate::rehearse::load::{Arrival, Arrivals};

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
    let mut tally = Tally::new(journal, &traffic());
    let at = |ms: u64| At(start.0 + ms * 1_000);
    for (scheduled, done) in [(10, 11), (20, 21), (30, 531), (532, 533)] {
        tally.arrived(QueryKind::Read, at(scheduled));
        tally.completed(&completion(at(scheduled), at(done)));
    }
    let counted = tally.finish(&traffic(), at(533), &[0]);
    for counts in [&counted.classes[0].counts, &counted.totals[0].counts] {
        assert_eq!(counts.count, 4);
        assert_eq!(counts.stall_us, 510_000);
        // Three significant digits: 501 ms is held to 0.1 %.
        let slowest = counts.latencies_us.last().map_or(0, |(us, _)| *us);
        assert!(slowest.abs_diff(501_000) <= 501);
    }
}

#[test]
fn a_gap_that_began_before_the_migration_is_its_stall_from_its_beginning_on() {
    let journal = Journal::new(Clock::start());
    journal.begin(Phase::Baseline);
    let mut tally = Tally::new(journal.clone(), &traffic());
    let start = journal.begin(Phase::Migration);
    let early = At(start.0.saturating_sub(400_000));
    let late = At(start.0 + 7_000);
    tally.arrived(QueryKind::Read, early);
    tally.completed(&completion(early, late));
    let counted = tally.finish(&traffic(), late, &[0]);
    assert_eq!(counted.totals[0].phase, Phase::Migration);
    assert_eq!(counted.totals[0].counts.stall_us, 7_000);
}

#[test]
fn the_timeline_shows_what_waits_in_an_interval_without_answers() {
    let journal = Journal::new(Clock::start());
    let mut tally = Tally::new(journal.clone(), &traffic());
    tally.arrived(QueryKind::Write, At(1_000));
    tally.roll(At(100_000));
    tally.completed(&Completion {
        kind: QueryKind::Write,
        ..completion(At(1_000), At(120_000))
    });
    // It came after the third interval's end, though it is what closes the interval.
    tally.arrived(QueryKind::Write, At(151_000));
    journal.intervals(|intervals| {
        let waiting: Vec<_> = intervals.iter().map(|i| i.writes.waiting).collect();
        assert_eq!(waiting, [1, 1, 0]);
        assert_eq!(intervals[2].writes.latency_us, Some([119_000; 3]));
        assert_eq!(intervals[0].writes.latency_us, None);
    });
}

fn traffic() -> Traffic {
    use crate::rehearse::workload::{App, Load, Protocol, Query};
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
            protocol: Protocol::Prepared,
            warmup: Duration::ZERO,
            baseline: Duration::ZERO,
            recovery: Duration::ZERO,
            recovery_limit: Duration::ZERO,
            seed: 1,
        },
        arrivals: Arrivals::Open,
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
    let mut tally = Tally::new(journal, &traffic());
    let at = |ms: u64| At(start.0 + ms * 1_000);
    tally.completed(&completion(at(1), at(2)));
    tally.deployed(1, at(5_000));
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
    let mut tally = Tally::new(journal, &traffic());
    let end = At(start.0 + 900_000);
    tally.censored(&Job {
        app: 0,
        query: 0,
        kind: QueryKind::Read,
        arrival: Arrival {
            number: 1,
            scheduled: start,
        },
        delayed: false,
    });
    let counted = tally.finish(&traffic(), end, &[1]);
    assert_eq!(stall_us(&counted, "v1"), 900_000);
    assert_eq!(counted.classes[0].counts.censored, 1);
}
