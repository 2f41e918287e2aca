//! The traffic around the migration, so that a stall is seen before it is read.

use std::ops::{Range, RangeTo};

use super::{Block, Gather, Section, Strip, StripRow};
use crate::report::{Phase, Run, Series};
use crate::units;

/// At least so much is shown before and after the migration.
const AROUND_MS_MIN: f64 = 500.0;

/// A full character is so many times the usual rate: above it are the queries that come all at once
/// after a stall, and a scale that held them would flatten all else.
const FULL_RATE: f64 = 1.25;

pub(super) fn section(run: &Run) -> Option<Section> {
    let span = run
        .phases
        .iter()
        .find(|span| span.phase == Phase::Migration)?;
    let timeline = &run.timeline;
    let interval_ms = timeline.interval_ms;
    let around_ms = ((span.end_ms - span.start_ms) / 2.0).max(AROUND_MS_MIN);
    let index = |at_ms: f64| (((at_ms - timeline.start_ms) / interval_ms).max(0.0)) as usize;
    let count = timeline.reads.completed.len();
    let (from, to) = (
        index(span.start_ms - around_ms),
        index(span.end_ms + around_ms).min(count),
    );
    if interval_ms <= 0.0 || to.saturating_sub(from) < 2 {
        return None;
    }
    let before = ..index(span.start_ms);
    let rows = [
        completed("reads", &timeline.reads, before, from..to, interval_ms),
        completed("writes", &timeline.writes, before, from..to, interval_ms),
        waiting(&timeline.reads, &timeline.writes, from..to),
    ];
    let first_ms = timeline.start_ms + from as f64 * interval_ms;
    let strip = Strip {
        rows: rows.into_iter().flatten().collect(),
        interval_ms,
        migration_ms: (span.start_ms - first_ms, span.end_ms - first_ms),
    };
    Some(Section::new("Timeline", vec![Block::Strip(strip)]))
}

/// Completed queries per interval, on the scale of those before the migration; nothing if there were
/// none.
fn completed(
    label: &'static str,
    series: &Series,
    before: RangeTo<usize>,
    shown: Range<usize>,
    interval_ms: f64,
) -> Option<StripRow> {
    let usual = series.completed.get(before)?;
    let usual = usual.iter().sum::<u64>() as f64 / usual.len().max(1) as f64;
    let values = series.completed.get(shown)?.iter().map(|n| *n as f64);
    (usual > 0.0).then(|| StripRow {
        label,
        values: values.collect(),
        full: usual * FULL_RATE,
        how: Gather::Mean,
        legend: format!("{} before", units::rate(usual * 1_000.0 / interval_ms)),
    })
}

/// Queries of both kinds that were due and not yet back.
fn waiting(reads: &Series, writes: &Series, shown: Range<usize>) -> Option<StripRow> {
    let reads = reads.waiting.get(shown.clone())?;
    let writes = writes.waiting.get(shown)?;
    let values: Vec<f64> = reads
        .iter()
        .zip(writes)
        .map(|(r, w)| (r + w) as f64)
        .collect();
    let most = values.iter().copied().fold(0.0, f64::max);
    (most > 0.0).then(|| StripRow {
        label: "waiting",
        values,
        // Below that, a single query in flight would look like a queue.
        full: most.max(8.0),
        how: Gather::Max,
        legend: format!("{} at most", units::count(most as u64)),
    })
}
