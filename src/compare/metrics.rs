//! The figures that are compared, and what each needs before a difference of it means anything.

use std::collections::BTreeSet;

use super::noise::Figure;
use super::{Spread, Unit};
use crate::postgres::{LockMode, RelationName};
use crate::rehearse::workload::QueryKind;
use crate::report::{Lock, Outcome, Phase, Report, Run, StepKind, TrafficFigures};

/// What a class of figures needs before a difference means anything.
#[derive(Clone, Copy)]
pub(super) struct Rule {
    pub(super) unit: Unit,
    /// A smaller difference is noise, whatever its ratio.
    pub(super) floor: f64,
    /// Whether anything at all is worse where there was nothing.
    pub(super) zero_is_a_promise: bool,
    /// Whether more of it harms anybody.
    pub(super) harms: bool,
    /// Whether a run without such a figure has none of it, rather than not measured it.
    pub(super) absent_is_zero: bool,
    pub(super) evidence: Evidence,
}

/// What a figure tells by itself.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Evidence {
    /// A count over all runs: nothing to do statistics with.
    Count,
    /// What the migration did, by the server's own account: hardly a matter of luck.
    Fact,
    /// What the queries felt: as much a matter of luck as of the migration.
    Traffic,
}

/// One figure on both sides, each absent where it has nothing of the kind.
pub(super) struct Measured {
    pub(super) group: String,
    pub(super) name: String,
    pub(super) rule: Rule,
    pub(super) base: Option<Spread>,
    pub(super) head: Option<Spread>,
}

/// Waits and holds of locks: shorter ones than the server's log threshold are not seen alike.
const LOCK_MS: Rule = Rule::ms(10.0);
/// The flush of a COMMIT on a busy disk.
const DURATION_MS: Rule = Rule::ms(25.0);
/// The natural gap between arrivals of a class that comes rarely.
const STALL_MS: Rule = Rule::felt_ms(50.0);
/// A turn of the scheduler on a busy machine, and some.
const LATENCY_MS: Rule = Rule::felt_ms(5.0);
/// One slow query makes the maximum: a checkpoint's or an autovacuum's hiccup.
const SLOWEST_MS: Rule = Rule::felt_ms(50.0);
/// Recovery is the beginning of a steady second, and a checkpoint's hiccup moves it by as much.
const RECOVERY_MS: Rule = Rule::felt_ms(1_000.0);
/// A segment: the traffic's own WAL is only estimated.
const WAL_BYTES: Rule = Rule {
    unit: Unit::Bytes,
    floor: 16.0 * 1024.0 * 1024.0,
    ..Rule::ms(0.0)
};
/// Zero blocked or failed queries is what a gentle migration promises: one is too many. Where there
/// were some, a handful more is the luck of the arrivals.
const QUERIES: Rule = Rule {
    unit: Unit::Count,
    floor: 5.0,
    zero_is_a_promise: true,
    ..Rule::ms(0.0)
};
/// Runs that ended badly: each one counts.
const RUNS: Rule = Rule {
    floor: 0.0,
    evidence: Evidence::Count,
    ..QUERIES
};

impl Rule {
    const fn ms(floor: f64) -> Rule {
        Rule {
            unit: Unit::Ms,
            floor,
            zero_is_a_promise: false,
            harms: true,
            absent_is_zero: false,
            evidence: Evidence::Fact,
        }
    }

    const fn felt_ms(floor: f64) -> Rule {
        Rule {
            evidence: Evidence::Traffic,
            ..Rule::ms(floor)
        }
    }
}

/// Collects the figures of two reports.
struct Rows<'a> {
    base: &'a Report,
    head: &'a Report,
    rows: Vec<Measured>,
}

/// All figures that either report has.
pub(super) fn pairs(base: &Report, head: &Report) -> Vec<Measured> {
    let mut rows = Rows {
        base,
        head,
        rows: Vec::new(),
    };
    rows.outcome();
    rows.blocked();
    rows.traffic();
    rows.locks();
    rows.migration();
    rows.rows
}

/// All figures of one report.
pub(super) fn figures(report: &Report) -> Vec<Figure> {
    let figure = |row: Measured| {
        Some(Figure {
            group: row.group,
            name: row.name,
            unit: row.rule.unit,
            spread: row.base?,
        })
    };
    pairs(report, report)
        .into_iter()
        .filter_map(figure)
        .collect()
}

impl Rows<'_> {
    /// A row, unless neither side has the figure.
    fn add(&mut self, group: &str, name: &str, rule: Rule, of: impl Fn(&Report) -> Option<Spread>) {
        let (base, head) = (of(self.base), of(self.head));
        if base.is_some() || head.is_some() {
            self.rows.push(Measured {
                group: group.to_owned(),
                name: name.to_owned(),
                rule,
                base,
                head,
            });
        }
    }

    /// A row of a figure that each run has, or lacks.
    fn per_run(&mut self, group: &str, name: &str, rule: Rule, of: impl Fn(&Run) -> Option<f64>) {
        self.add(group, name, rule, |report| {
            let runs = report.runs.iter();
            if rule.absent_is_zero && report.runs.iter().any(|run| of(run).is_some()) {
                Spread::of(runs.map(|run| of(run).unwrap_or(0.0)))
            } else {
                Spread::of(runs.filter_map(&of))
            }
        });
    }

    fn outcome(&mut self) {
        self.add("outcome", "runs not completed", RUNS, |report| {
            let failed = |run: &&Run| run.outcome != Outcome::Completed;
            let none = u64::from(report.runs.is_empty());
            let count = report.runs.iter().filter(failed).count() as u64 + none;
            Spread::of([count as f64])
        });
        self.add("outcome", "runs not recovered", RUNS, |report| {
            let lost = report.runs.iter().filter(|run| run.recovery_ms.is_none());
            Spread::of((!report.runs.is_empty()).then(|| lost.count() as f64))
        });
    }

    fn blocked(&mut self) {
        let group = "blocked queries";
        self.per_run(group, "reads", QUERIES, |run| {
            Some(run.blocked.reads as f64)
        });
        self.per_run(group, "writes", QUERIES, |run| {
            Some(run.blocked.writes as f64)
        });
        self.per_run(group, "longest", LOCK_MS, |run| {
            Some(run.blocked.longest_ms)
        });
        self.per_run(group, "together", LOCK_MS, |run| Some(run.blocked.total_ms));
    }

    fn traffic(&mut self) {
        for (kind, group) in [(QueryKind::Read, "reads"), (QueryKind::Write, "writes")] {
            let figures = move |run: &Run| traffic(run, Phase::Migration, kind).cloned();
            let latency = move |run: &Run| figures(run)?.latency_ms;
            self.per_run(group, "p50", LATENCY_MS, |run| Some(latency(run)?.p50));
            self.per_run(group, "p99", LATENCY_MS, |run| Some(latency(run)?.p99));
            self.per_run(group, "slowest", SLOWEST_MS, |run| Some(latency(run)?.max));
            self.per_run(group, "longest stall", STALL_MS, |run| {
                Some(figures(run)?.stall_ms)
            });
            self.per_run(group, "errors", QUERIES, |run| errors(run, kind));
        }
    }

    fn locks(&mut self) {
        let both_ran = !self.base.runs.is_empty() && !self.head.runs.is_empty();
        for (mode, relation) in self.lock_keys() {
            let group = format!("{mode} on {relation}");
            let rule = Rule {
                zero_is_a_promise: true,
                harms: mode.blocks_reads() || mode.blocks_writes(),
                absent_is_zero: both_ran,
                ..LOCK_MS
            };
            let wait = Rule {
                zero_is_a_promise: false,
                ..rule
            };
            let longest = |run: &Run, ms: fn(&Lock) -> f64| {
                let same = |lock: &&Lock| (lock.mode, &lock.relation) == (mode, &relation);
                let locks = run.locks.iter().filter(|lock| matters(lock));
                locks.filter(same).map(ms).reduce(f64::max)
            };
            self.per_run(&group, "wait", wait, |run| {
                longest(run, |lock| lock.wait_ms)
            });
            self.per_run(&group, "hold", rule, |run| {
                longest(run, |lock| lock.hold_ms)
            });
            self.per_run(&group, "span", rule, |run| {
                longest(run, |lock| lock.span_ms)
            });
        }
    }

    /// The locks that either side has, the strongest first.
    fn lock_keys(&self) -> Vec<(LockMode, RelationName)> {
        let runs = self.base.runs.iter().chain(&self.head.runs);
        let locks = runs.flat_map(|run| &run.locks).filter(|lock| matters(lock));
        let keys: BTreeSet<_> = locks
            .map(|lock| (std::cmp::Reverse(lock.mode), lock.relation.clone()))
            .collect();
        keys.into_iter()
            .map(|(mode, name)| (mode.0, name))
            .collect()
    }

    fn migration(&mut self) {
        let (base, head) = (scripts(self.base), scripts(self.head));
        let count = base.len().max(head.len());
        for at in 0..count {
            let name = match (base.get(at), head.get(at)) {
                (Some(base), Some(head)) if base != head => format!("script {}", at + 1),
                (Some(name), _) | (None, Some(name)) => (*name).to_owned(),
                (None, None) => continue,
            };
            self.per_run("migration", &name, DURATION_MS, |run| {
                migrate_steps(run).nth(at).map(|(_, ms)| ms)
            });
        }
        if count > 1 {
            self.per_run("migration", "all scripts", DURATION_MS, |run| {
                Some(migrate_steps(run).map(|(_, ms)| ms).sum())
            });
        }
        self.per_run("migration", "WAL", WAL_BYTES, wal_bytes);
        self.per_run("migration", "recovery", RECOVERY_MS, |run| run.recovery_ms);
    }
}

/// Locks that are worth a row: on what was there before, in a mode that excludes at least itself.
fn matters(lock: &Lock) -> bool {
    !lock.created_here && lock.mode >= LockMode::ShareUpdateExclusiveLock
}

fn traffic(run: &Run, phase: Phase, kind: QueryKind) -> Option<&TrafficFigures> {
    let mut totals = run.traffic_totals.iter();
    totals
        .find(|total| total.phase == phase && total.kind == kind)
        .map(|total| &total.figures)
}

/// Failed queries from the migration on.
fn errors(run: &Run, kind: QueryKind) -> Option<f64> {
    let sum = |phase| Some(traffic(run, phase, kind)?.errors.values().sum::<u64>());
    let migration = sum(Phase::Migration)?;
    Some((migration + sum(Phase::Recovery).unwrap_or(0)) as f64)
}

/// Names and times of the scripts, in order.
fn migrate_steps(run: &Run) -> impl Iterator<Item = (&str, f64)> {
    run.steps
        .iter()
        .filter(|step| matches!(step.kind, StepKind::Migrate | StepKind::Command))
        .map(|step| (step.name.as_str(), step.duration_ms))
}

/// The scripts of the run that got furthest.
fn scripts(report: &Report) -> Vec<&str> {
    let names = |run| migrate_steps(run).map(|(name, _)| name).collect();
    let all = report.runs.iter().map(names);
    all.max_by_key(|names: &Vec<&str>| names.len())
        .unwrap_or_default()
}

fn wal_bytes(run: &Run) -> Option<f64> {
    let statements = run.steps.iter().flat_map(|step| &step.statements);
    let bytes: Option<u64> = statements.map(|statement| statement.wal_bytes).sum();
    bytes.map(|bytes| bytes as f64)
}
