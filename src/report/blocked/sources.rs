//! Three sources tell of waits: the server's log, the samples, and the clients' own clocks. They must agree.

use std::collections::BTreeMap;

use super::{Charged, is_load};
use crate::rehearse::observe::log::Wait;
use crate::rehearse::recording::{Phase, Recording};

/// Waits this long are seen by all three, whatever the sampler's interval: there they must agree.
const SEEN_BY_ALL_MS: f64 = 100.0;

/// What the clients' histograms may be off by: they have three digits.
const HISTOGRAM_ERROR: f64 = 0.002;

/// In words, where the sources disagree.
pub(super) fn disagreements(
    recording: &Recording,
    logged: &[Charged],
    sampled: &[Charged],
) -> Vec<String> {
    let mut disagreements = Vec::from_iter(log_and_samples(recording, logged, sampled));
    disagreements.extend(log_and_clients(recording));
    disagreements
}

/// What is long in one source must be there in the other, where it may look shorter by two samples.
fn log_and_samples(
    recording: &Recording,
    logged: &[Charged],
    sampled: &[Charged],
) -> Option<String> {
    let least_ms = SEEN_BY_ALL_MS - 2.0 * recording.sample_interval_ms;
    let count = |waits: &[Charged], from_ms: f64| {
        waits
            .iter()
            .filter(|wait| wait.waited_ms >= from_ms)
            .count()
    };
    let lacks = |one: &[Charged], other: &[Charged]| {
        let (long, found) = (count(one, SEEN_BY_ALL_MS), count(other, least_ms));
        long > found + 2 + long / 20
    };
    (lacks(logged, sampled) || lacks(sampled, logged)).then(|| {
        format!(
            "the sources disagree: of queries that waited over {SEEN_BY_ALL_MS} ms behind the migration the \
             server's log shows {}, the samples {}",
            count(logged, SEEN_BY_ALL_MS),
            count(sampled, SEEN_BY_ALL_MS)
        )
    })
}

/// A query takes at least as long as it waits. So, for each query class, the latencies of what took long must add
/// up to at least the long waits of the log, and the longest latency be no shorter than the longest wait.
/// The other way round proves nothing: a query can be slow for other reasons.
fn log_and_clients(recording: &Recording) -> Vec<String> {
    let baseline = recording
        .phases
        .iter()
        .find(|record| record.phase == Phase::Baseline);
    let Some(start) = baseline.map(|record| record.start) else {
        return Vec::new();
    };
    let mut waits: BTreeMap<(&str, &str), Sum> = BTreeMap::new();
    let logged = recording.logged_waits.iter().flatten();
    for wait in logged.filter(|wait| is_long(wait) && wait.started >= start) {
        if let Some(query) = recording.query_of(&wait.sql) {
            let sum = waits.entry((&query.app, &query.name)).or_default();
            sum.add(wait.waited_ms, 1);
        }
    }
    let disagreements = waits.into_iter().filter_map(|(class, waited)| {
        let felt = felt(recording, class)?;
        let enough = 1.0 + HISTOGRAM_ERROR;
        let agree = waited.total_ms <= felt.total_ms * enough && waited.longest_ms <= felt.longest_ms * enough;
        (!agree).then(|| {
            format!(
                "the sources disagree: by the server's log {} of {} waited {:.0} ms in all and {:.0} ms at most, \
                 by the clients' clocks it took {:.0} ms in all and {:.0} ms at most",
                class.1, class.0, waited.total_ms, waited.longest_ms, felt.total_ms, felt.longest_ms
            )
        })
    });
    disagreements.collect()
}

/// What clients felt of a query class; `None` if some of it never came back.
fn felt(recording: &Recording, class: (&str, &str)) -> Option<Sum> {
    let mut felt = Sum::default();
    let records = recording.classes.iter();
    for record in records.filter(|record| (record.app.as_str(), record.query.as_str()) == class) {
        if record.counts.censored > 0 {
            return None;
        }
        for (us, count) in &record.counts.latencies_us {
            felt.add(*us as f64 / 1_000.0, *count);
        }
    }
    Some(felt)
}

fn is_long(wait: &Wait) -> bool {
    wait.waited_ms >= SEEN_BY_ALL_MS && is_load(Some(&wait.application))
}

#[derive(Default)]
struct Sum {
    total_ms: f64,
    longest_ms: f64,
}

impl Sum {
    fn add(&mut self, ms: f64, count: u64) {
        self.total_ms += ms * count as f64;
        self.longest_ms = self.longest_ms.max(ms);
    }
}
