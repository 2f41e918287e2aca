//! From a recording to a run of the report. Pure: the same recording gives the same run.

use std::collections::BTreeMap;

use super::{
    Adversary, CommandEnd, Latency, Lock, Outcome, PhaseSpan, Run, Series, Statement, Step,
    StepError, Timeline, Traffic, TrafficFigures, TrafficTotal,
};
use super::{blocked, load, locks, tries};
use crate::rehearse::clock::{At, ms};
use crate::rehearse::load::tally::INTERVAL;
use crate::rehearse::recording::{
    ClassRecord, Counts, Ended, IntervalCounts, IntervalRecord, Latencies, Phase, Recording,
    StatementFailure, StatementRecord, StepRecord,
};
use crate::rehearse::recovery;

impl Run {
    /// What a recording says.
    pub fn from_recording(recording: &Recording) -> Run {
        let locks = locks::locks(recording);
        let cost = blocked::cost(recording);
        Run {
            postgres: recording.postgres,
            outcome: match recording.ended {
                Ended::Completed => Outcome::Completed,
                Ended::MigrationFailed => Outcome::MigrationFailed,
                Ended::Interrupted => Outcome::Interrupted,
                Ended::Aborted(_) => Outcome::Aborted,
            },
            phases: recording
                .phases
                .iter()
                .map(|p| PhaseSpan {
                    phase: p.phase,
                    start_ms: p.start.ms(),
                    end_ms: p.end.ms(),
                })
                .collect(),
            steps: recording
                .steps
                .iter()
                .enumerate()
                .map(|(index, record)| Step {
                    tries: tries::tries(recording, index, &cost.by_try),
                    ..step(recording, &locks, index, record)
                })
                .collect(),
            blocked: cost.blocked,
            traffic: recording.classes.iter().map(traffic).collect(),
            traffic_totals: recording
                .totals
                .iter()
                .map(|total| TrafficTotal {
                    phase: total.phase,
                    kind: total.kind,
                    figures: figures(&total.counts),
                })
                .collect(),
            load: load::load(recording),
            timeline: timeline(recording),
            recovery_ms: recovery_ms(recording),
            adversaries: recording
                .adversaries
                .iter()
                .map(|record| Adversary {
                    what: record.what.clone(),
                    sql: record.sql.clone(),
                    start_ms: record.began.ms(),
                    end_ms: record.ended.map(At::ms),
                })
                .collect(),
            left_behind: recording.left_behind.clone(),
            warnings: recording
                .warnings
                .iter()
                .cloned()
                .chain(cost.disagreements)
                .collect(),
            locks,
        }
    }
}

fn step(recording: &Recording, locks: &[Lock], index: usize, record: &StepRecord) -> Step {
    let wal_per_us = baseline_wal_per_us(recording);
    Step {
        kind: record.kind,
        name: record.name.clone(),
        transaction: record.transaction.clone(),
        start_ms: record.start.ms(),
        duration_ms: ms(record.end.since(record.start)),
        error: record.error.as_ref().map(|error| failure(record, error)),
        statements: record
            .statements
            .iter()
            .map(|s| statement(recording, s, index, locks, wal_per_us))
            .collect(),
        tries: Vec::new(),
        command: record.command.as_ref().map(|command| CommandEnd {
            exit_code: command.exit_code,
            output: command.output.clone(),
            refused: command.refused.clone(),
        }),
    }
}

/// A failure with the line of its statement.
pub(super) fn failure(step: &StepRecord, error: &StatementFailure) -> StepError {
    let of = |index| step.statements.iter().find(|s| s.index == index);
    StepError {
        sqlstate: error.sqlstate,
        message: error.message.clone(),
        statement: error.statement,
        line: error.statement.and_then(of).map(|s| s.line),
    }
}

fn statement(
    recording: &Recording,
    record: &StatementRecord,
    step: usize,
    locks: &[Lock],
    wal_per_us: f64,
) -> Statement {
    let span = record.end.since(record.start);
    let own_try = recording.steps.get(step).and_then(|s| s.try_of(record));
    let pid = own_try.map(|one| one.pid);
    let session = pid
        .and_then(|pid| tries::session(recording, pid))
        .unwrap_or(0);
    let own = locks.iter().filter(|lock| {
        (lock.step, lock.statement) == (step, record.index)
            && (lock.session, lock.try_number) == (session, record.try_number)
    });
    let lock_wait_ms = own.fold(waits_for_others_ms(recording, record, pid), |sum, lock| {
        sum + lock.wait_ms
    });
    Statement {
        migrator: record.migrator,
        try_number: record.try_number,
        index: record.index,
        file: record.file.clone(),
        line: record.line,
        sql: record.sql.clone(),
        start_ms: record.start.ms(),
        duration_ms: ms(span),
        lock_wait_ms: lock_wait_ms.min(ms(span)),
        rewrites: quoted(&record.notices, "rewriting table "),
        scans: ["verifying table ", "validating foreign key constraint "]
            .iter()
            .flat_map(|prefix| quoted(&record.notices, prefix))
            .collect(),
        wal_bytes: record.wal_bytes.map(|bytes| {
            let traffic = (span.as_micros() as f64 * wal_per_us) as u64;
            bytes.saturating_sub(traffic)
        }),
    }
}

/// How long a statement of the migration waited for other transactions: for a row, or, as CONCURRENTLY
/// does, for all that began before it.
fn waits_for_others_ms(recording: &Recording, record: &StatementRecord, pid: Option<u32>) -> f64 {
    let own = recording
        .sampled_waits
        .iter()
        .filter(|wait| Some(wait.pid) == pid);
    own.fold(0.0, |sum, wait| {
        let start = wait.started.likely.max(record.start);
        let end = wait.ended.likely.min(record.end);
        sum + ms(end.since(start))
    })
}

/// The names in quotes after a prefix: `rewriting table "orders"`.
fn quoted(notices: &[String], prefix: &str) -> Vec<String> {
    let name = |notice: &String| Some(notice.strip_prefix(prefix)?.split('"').nth(1)?.to_owned());
    notices.iter().filter_map(name).collect()
}

/// What the traffic alone writes.
fn baseline_wal_per_us(recording: &Recording) -> f64 {
    let baseline = recording
        .phases
        .iter()
        .find(|record| record.phase == Phase::Baseline);
    let rate = baseline.and_then(|record| {
        let span_us = record.end.since(record.start).as_micros() as f64;
        Some(record.wal_bytes? as f64 / span_us.max(1.0))
    });
    rate.unwrap_or(0.0)
}

fn traffic(class: &ClassRecord) -> Traffic {
    Traffic {
        phase: class.phase,
        app: class.app.clone(),
        query: class.query.clone(),
        kind: class.kind,
        figures: figures(&class.counts),
    }
}

fn figures(counts: &Counts) -> TrafficFigures {
    TrafficFigures {
        count: counts.count,
        delayed: counts.delayed,
        censored: counts.censored,
        errors: counts.errors.clone(),
        latency_ms: latency(&counts.latencies_us),
        stall_ms: counts.stall_us as f64 / 1_000.0,
    }
}

pub(super) fn latency(latencies_us: &Latencies) -> Option<Latency> {
    let total: u64 = latencies_us.iter().map(|(_, count)| count).sum();
    let at = |quantile: f64| {
        let rank = (total as f64 * quantile).ceil().max(1.0) as u64;
        let mut seen = 0;
        let found = latencies_us.iter().find(|(_, count)| {
            seen += count;
            seen >= rank
        });
        found.map_or(0.0, |(us, _)| *us as f64 / 1_000.0)
    };
    (total > 0).then(|| Latency {
        p50: at(0.5),
        p95: at(0.95),
        p99: at(0.99),
        p999: at(0.999),
        max: at(1.0),
    })
}

/// The intervals while there was traffic. What comes back after its end is counted, but a window of it would
/// look like a server with little to do.
fn while_traffic(recording: &Recording) -> &[IntervalRecord] {
    let end = recording.phases.last().map_or(usize::MAX, |last| {
        usize::try_from(last.end.0 / INTERVAL.as_micros() as u64).unwrap_or(usize::MAX)
    });
    &recording.intervals[..end.min(recording.intervals.len())]
}

/// The intervals from the baseline's start on: warm-up is not shown.
fn timeline(recording: &Recording) -> Timeline {
    let interval_us = INTERVAL.as_micros() as u64;
    let start = recording.phases.first().map_or(At(0), |phase| phase.start);
    let first = usize::try_from(start.0 / interval_us).unwrap_or(0);
    let shown = while_traffic(recording).get(first..).unwrap_or_default();
    Timeline {
        start_ms: At(first as u64 * interval_us).ms(),
        interval_ms: ms(INTERVAL),
        reads: series(shown.iter().map(|interval| &interval.reads)),
        writes: series(shown.iter().map(|interval| &interval.writes)),
    }
}

fn series<'a>(intervals: impl Iterator<Item = &'a IntervalCounts>) -> Series {
    let mut series = Series::default();
    for counts in intervals {
        let latency = |place: usize| {
            counts
                .latency_us
                .map(|latency| latency[place] as f64 / 1_000.0)
        };
        series.completed.push(counts.completed);
        series.errors.push(counts.errors);
        series.p50_ms.push(latency(0));
        series.p99_ms.push(latency(1));
        series.max_ms.push(latency(2));
        series.waiting.push(counts.waiting);
    }
    series
}

fn recovery_ms(recording: &Recording) -> Option<f64> {
    let phases: BTreeMap<Phase, (At, At)> = recording
        .phases
        .iter()
        .map(|record| (record.phase, (record.start, record.end)))
        .collect();
    let end = phases.get(&Phase::Recovery)?.0;
    let recovered = recovery::recovered_at(
        while_traffic(recording),
        *phases.get(&Phase::Baseline)?,
        end,
    )?;
    Some(ms(recovered.since(end)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rehearse::recording::{Bracket, PhaseRecord, SampledWait};

    #[test]
    fn a_quantile_is_the_smallest_latency_that_so_many_keep() {
        let latency = latency(&vec![(1_000, 98), (5_000, 1), (80_000, 1)]).unwrap();
        assert_eq!((latency.p50, latency.p99, latency.max), (1.0, 5.0, 80.0));
        assert_eq!(super::latency(&Vec::new()), None);
    }

    #[test]
    fn the_servers_notices_name_what_was_rewritten() {
        let notices = [
            "rewriting table \"orders\"".to_owned(),
            "building index \"i\" on table \"orders\"".to_owned(),
        ];
        assert_eq!(quoted(&notices, "rewriting table "), ["orders"]);
        assert!(quoted(&notices, "verifying table ").is_empty());
    }

    #[test]
    fn a_second_in_which_the_traffic_had_ended_is_no_recovery() {
        let phase = |phase, start, end| PhaseRecord {
            phase,
            start: At(start),
            end: At(end),
            wal_bytes: None,
        };
        let recovery_ms = |traffic_end| {
            let recording = Recording {
                phases: vec![
                    phase(Phase::Baseline, 0, 1_000_000),
                    phase(Phase::Migration, 1_000_000, 1_500_000),
                    phase(Phase::Recovery, 1_500_000, traffic_end),
                ],
                intervals: vec![IntervalRecord::default(); 60],
                ..Recording::blank(String::new(), crate::postgres::Version(150_000))
            };
            assert_eq!(
                timeline(&recording).reads.completed.len() as u64,
                traffic_end / 50_000
            );
            recovery_ms(&recording)
        };
        assert_eq!(recovery_ms(2_500_000), Some(0.0));
        assert_eq!(recovery_ms(2_400_000), None);
    }

    #[test]
    fn a_statement_that_waits_for_other_transactions_has_waited_for_a_lock() {
        let wait = |pid, start, end| SampledWait {
            pid,
            transaction: String::new(),
            mode: None,
            lock_type: "virtualxid".to_owned(),
            relation: None,
            blockers: Vec::new(),
            started: Bracket::exact(At(start)),
            ended: Bracket::exact(At(end)),
            application: None,
            query: None,
        };
        let record = StatementRecord {
            migrator: 1,
            try_number: 1,
            index: 0,
            file: None,
            line: 1,
            sql: "CREATE INDEX CONCURRENTLY".to_owned(),
            start: At(1_000),
            end: At(900_000),
            notices: Vec::new(),
            wal_bytes: None,
        };
        let recording = Recording {
            migration_pids: vec![7],
            sampled_waits: vec![wait(7, 10_000, 510_000), wait(8, 10_000, 900_000)],
            ..Recording::blank(String::new(), crate::postgres::Version(150_000))
        };
        assert_eq!(waits_for_others_ms(&recording, &record, Some(7)), 500.0);
    }
}
