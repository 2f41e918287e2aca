//! Whether the runs of a rehearsal keep a budget: one check per limit that is set.

use crate::plan::Budget;
use crate::postgres::LockMode;
use crate::rehearse::workload::QueryKind;
use crate::report::{Check, Lock, Outcome, Phase, Run, TrafficTotal, Verdict};

/// Name of the check that is there when a run did not end well.
pub const COMPLETED: &str = "completed";

/// A microsecond: no latency is less, and a ratio needs something to divide by.
const LATENCY_MS_MIN: f64 = 0.001;

/// Holds the runs against the budget. Over several runs the worst counts, and what could not be
/// measured in one of them has not passed. A rehearsal that did not complete never passes, whatever
/// its budget.
pub fn judge(budget: &Budget, runs: &[Run]) -> Verdict {
    let mut checks: Vec<Check> = completed(runs).into_iter().collect();
    for limit in limits(budget) {
        let measured = worst(runs, &limit.measure);
        checks.push(Check {
            name: limit.name,
            unit: limit.unit.to_owned(),
            limit: limit.limit,
            measured,
            passed: measured.is_some_and(|measured| measured <= limit.limit),
        });
    }
    Verdict {
        passed: checks.iter().all(|check| check.passed),
        checks,
    }
}

type Measure = Box<dyn Fn(&Run) -> Option<f64>>;

/// One limit that is set, and how a run is measured for it.
struct Limit {
    name: String,
    unit: &'static str,
    limit: f64,
    measure: Measure,
}

/// A failed check if a run did not complete, or there is none. Its unit is runs: at least `limit` are needed.
fn completed(runs: &[Run]) -> Option<Check> {
    let completed = runs
        .iter()
        .filter(|run| run.outcome == Outcome::Completed)
        .count();
    let needed = runs.len().max(1);
    (completed < needed).then(|| Check {
        name: COMPLETED.to_owned(),
        unit: "runs".to_owned(),
        limit: needed as f64,
        measured: Some(completed as f64),
        passed: false,
    })
}

fn limits(budget: &Budget) -> Vec<Limit> {
    let mut limits = Vec::new();
    let mut set = |name: &str, unit, limit: Option<f64>, measure: fn(&Run) -> Option<f64>| {
        limits.extend(limit.map(|limit| Limit {
            name: name.to_owned(),
            unit,
            limit,
            measure: Box::new(measure),
        }));
    };
    let whole = |limit: Option<u64>| limit.map(|limit| limit as f64);
    let b = budget;
    set("blocked_queries", "", whole(b.blocked_queries), |run| {
        migrated(run).map(|run| run.blocked.queries as f64)
    });
    set("blocked_reads", "", whole(b.blocked_reads), |run| {
        migrated(run).map(|run| run.blocked.reads as f64)
    });
    set("blocked_writes", "", whole(b.blocked_writes), |run| {
        migrated(run).map(|run| run.blocked.writes as f64)
    });
    set("blocked_longest_ms", "ms", b.blocked_longest_ms, |run| {
        migrated(run).map(|run| run.blocked.longest_ms)
    });
    set("hold_ms", "ms", b.hold_ms, |run| {
        longest(run, blocks_traffic, |lock| lock.hold_ms)
    });
    set("span_ms", "ms", b.span_ms, |run| {
        longest(run, blocks_traffic, |lock| lock.span_ms)
    });
    set("duration_ms", "ms", b.duration_ms, |run| {
        migrated(run).map(|run| run.steps.iter().map(|step| step.duration_ms).sum())
    });
    set("stall_ms", "ms", b.stall_ms, stall_ms);
    set("p99_ratio", "ratio", b.p99_ratio, p99_ratio);
    set("errors", "", whole(b.errors), errors);
    set("recovery_ms", "ms", b.recovery_ms, |run| run.recovery_ms);
    set("wal_bytes", "bytes", whole(b.wal_bytes), wal_bytes);
    limits.extend(hold_limits_by_mode(budget));
    limits
}

fn hold_limits_by_mode(budget: &Budget) -> impl Iterator<Item = Limit> {
    let limit = |(mode, limit): (&LockMode, &f64)| {
        let mode = *mode;
        Limit {
            name: format!("hold_ms_by_mode.{mode}"),
            unit: "ms",
            limit: *limit,
            measure: Box::new(move |run| {
                longest(
                    run,
                    |lock| lock.mode == mode && !lock.created_here,
                    |lock| lock.hold_ms,
                )
            }),
        }
    };
    budget.hold_ms_by_mode.iter().map(limit)
}

/// The largest measurement, or `None` if there is no run or one of them could not be measured.
fn worst(runs: &[Run], measure: impl Fn(&Run) -> Option<f64>) -> Option<f64> {
    let measured: Option<Vec<f64>> = runs.iter().map(measure).collect();
    measured?.into_iter().reduce(f64::max)
}

/// The run, if its migration phase began: before that, a zero would not be a measurement.
fn migrated(run: &Run) -> Option<&Run> {
    let begun = run.phases.iter().any(|span| span.phase == Phase::Migration);
    begun.then_some(run)
}

fn blocks_traffic(lock: &Lock) -> bool {
    (lock.blocks_reads || lock.blocks_writes) && !lock.created_here
}

fn longest(run: &Run, counts: impl Fn(&Lock) -> bool, ms: impl Fn(&Lock) -> f64) -> Option<f64> {
    let locks = &migrated(run)?.locks;
    Some(
        locks
            .iter()
            .filter(|lock| counts(lock))
            .map(ms)
            .fold(0.0, f64::max),
    )
}

fn totals(run: &Run, phase: Phase) -> impl Iterator<Item = &TrafficTotal> {
    run.traffic_totals
        .iter()
        .filter(move |total| total.phase == phase)
}

fn stall_ms(run: &Run) -> Option<f64> {
    totals(run, Phase::Migration)
        .map(|total| total.figures.stall_ms)
        .reduce(f64::max)
}

/// The worse of reads and writes. A kind that came back in the baseline but not once in the migration, or of which
/// more than one in a hundred never came back, has no ratio, and then neither has the run.
fn p99_ratio(run: &Run) -> Option<f64> {
    let p99 = |phase, kind: QueryKind| {
        let total = totals(run, phase).find(|total| total.kind == kind)?;
        let figures = &total.figures;
        let is_known = figures.censored * 100 <= figures.count + figures.censored;
        figures
            .latency_ms
            .filter(|_| is_known)
            .map(|latency| latency.p99)
    };
    let ratios: Option<Vec<f64>> = [QueryKind::Read, QueryKind::Write]
        .into_iter()
        .filter_map(|kind| Some((kind, p99(Phase::Baseline, kind)?)))
        .map(|(kind, base)| p99(Phase::Migration, kind).map(|p99| p99 / base.max(LATENCY_MS_MIN)))
        .collect();
    ratios?.into_iter().reduce(f64::max)
}

fn errors(run: &Run) -> Option<f64> {
    let errors: u64 = totals(run, Phase::Migration)
        .chain(totals(run, Phase::Recovery))
        .flat_map(|total| total.figures.errors.values())
        .sum();
    migrated(run).map(|_| errors as f64)
}

/// The step's own session stands for all that run a script at once: its figure has what the server wrote meanwhile.
fn wal_bytes(run: &Run) -> Option<f64> {
    let bytes: Option<u64> = migrated(run)?
        .steps
        .iter()
        .flat_map(|step| &step.statements)
        .filter(|statement| statement.migrator == 1)
        .map(|statement| statement.wal_bytes)
        .sum();
    bytes.map(|bytes| bytes as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Report;

    fn runs() -> Vec<Run> {
        Report::read(include_str!("../tests/fixtures/reports/create-index.json"))
            .unwrap()
            .runs
    }

    fn check(budget: Budget, runs: &[Run]) -> Check {
        let mut checks = judge(&budget, runs).checks;
        assert_eq!(checks.len(), 1, "{checks:?}");
        checks.remove(0)
    }

    #[test]
    fn without_limits_a_completed_rehearsal_passes() {
        let verdict = judge(&Budget::default(), &runs());
        assert_eq!(verdict.checks, []);
        assert!(verdict.passed);
    }

    #[test]
    fn the_worst_run_counts_and_the_limit_itself_is_kept() {
        let mut runs = runs();
        runs[0].blocked.writes = 7;
        runs[1].blocked.writes = 9;
        let limited = |blocked_writes| Budget {
            blocked_writes: Some(blocked_writes),
            ..Budget::default()
        };
        assert!(check(limited(9), &runs).passed);
        let over = check(limited(8), &runs);
        assert!(!over.passed);
        assert_eq!(over.measured, Some(9.0));
    }

    #[test]
    fn every_key_of_the_budget_is_checked() {
        let all: Budget = serde_json::from_value(serde_json::json!({
            "blocked_queries": 0, "blocked_reads": 0, "blocked_writes": 0,
            "blocked_longest_ms": 0.0, "hold_ms": 0.0, "span_ms": 0.0, "duration_ms": 0.0,
            "stall_ms": 0.0, "p99_ratio": 0.0, "errors": 0, "recovery_ms": 0.0, "wal_bytes": 0,
            "hold_ms_by_mode": {"ShareLock": 0.0},
        }))
        .unwrap();
        let keys = serde_json::to_value(&all).unwrap();
        let checks = judge(&all, &runs()).checks;
        for key in keys.as_object().unwrap().keys() {
            let found = checks.iter().find(|check| check.name.starts_with(key));
            let found = found.unwrap_or_else(|| panic!("{key} is not checked"));
            assert!(found.measured.is_some(), "{key} is not measured");
        }
    }

    #[test]
    fn locks_on_what_the_migration_created_do_not_count() {
        let mut runs = runs();
        for lock in runs.iter_mut().flat_map(|run| &mut run.locks) {
            lock.created_here = true;
        }
        let budget = Budget {
            hold_ms: Some(1.0),
            ..Budget::default()
        };
        assert_eq!(check(budget, &runs).measured, Some(0.0));
    }

    #[test]
    fn a_run_that_did_not_recover_fails_its_limit() {
        let mut runs = runs();
        runs[1].recovery_ms = None;
        let budget = Budget {
            recovery_ms: Some(1e9),
            ..Budget::default()
        };
        let check = check(budget, &runs);
        assert_eq!((check.measured, check.passed), (None, false));
    }

    #[test]
    fn a_kind_that_never_came_back_has_no_ratio() {
        let mut runs = runs();
        for total in &mut runs[0].traffic_totals {
            if total.phase == Phase::Migration && total.kind == QueryKind::Write {
                total.figures.latency_ms = None;
            }
        }
        let budget = Budget {
            p99_ratio: Some(1e9),
            ..Budget::default()
        };
        assert!(!check(budget, &runs).passed);
    }

    #[test]
    fn a_failed_migration_or_no_run_at_all_never_passes() {
        let mut runs = runs();
        runs[1].outcome = Outcome::MigrationFailed;
        let failed = check(Budget::default(), &runs);
        assert_eq!(failed.name, COMPLETED);
        assert_eq!((failed.limit, failed.measured), (2.0, Some(1.0)));
        assert!(!judge(&Budget::default(), &[]).passed);
    }
}
