//! What comes first: how it ended, and what the users of the application felt, in one sentence.

use super::{Block, Cell, Section, Tone, budget, latency, runs, steps};
use crate::rehearse::workload::QueryKind;
use crate::report::{Outcome, Phase, Report, Run};
use crate::units;

/// A class of queries stood still if nothing came back for so long: shorter gaps come from the arrivals.
const STALL_MS_FELT: f64 = 50.0;

/// And for so many times longer than its longest gap without the migration.
const STALL_RATIO_FELT: f64 = 2.0;

/// A p99 that grew by less is not worth a sentence: without any migration it varies by a third.
const P99_RATIO_FELT: f64 = 1.5;

pub(super) fn section(report: &Report) -> Section {
    let mut blocks = vec![headline(report)];
    match runs::worst(&report.runs).map(|at| &report.runs[at]) {
        Some(run) => blocks.push(Block::line(felt(run))),
        None => blocks.push(Block::line("Nothing was measured: no run began.")),
    }
    Section {
        title: None,
        blocks,
    }
}

fn headline(report: &Report) -> Block {
    let reason = report.outcome_reason.as_deref();
    let name = &report.scenario.name;
    let (mark, tone, told) = match report.outcome {
        Outcome::Completed if report.verdict.checks.is_empty() => (
            "MEASURED",
            Tone::Plain,
            format!("{} (no budget is set)", report.scenario.title),
        ),
        Outcome::Completed => {
            let (mark, tone) = if report.verdict.passed {
                ("PASSED", Tone::Good)
            } else {
                ("FAILED", Tone::Bad)
            };
            (mark, tone, budget::sentence(&report.verdict))
        }
        Outcome::MigrationFailed => (
            "FAILED",
            Tone::Bad,
            reason.unwrap_or("the migration failed").to_owned(),
        ),
        Outcome::Interrupted => (
            "INTERRUPTED",
            Tone::Careful,
            reason.unwrap_or("stopped before its end").to_owned(),
        ),
        Outcome::Aborted => (
            "ABORTED",
            Tone::Bad,
            reason.unwrap_or("the rehearsal could not go on").to_owned(),
        ),
    };
    Block::marked(Cell::new(mark, tone), format!("{name}: {told}"))
}

/// What users of the application felt of one run.
fn felt(run: &Run) -> String {
    if !run.phases.iter().any(|span| span.phase == Phase::Migration) {
        return "Nothing of the migration was measured: it had not begun.".to_owned();
    }
    let statement = steps::most_harmful(run);
    let mut sentences = vec![match (&statement, run.blocked.queries) {
        (Some(sql), 0) => format!("{sql} took {}: no query was blocked", duration(run)),
        (Some(sql), _) => format!("{sql}: {}", blocked(run)),
        (None, 0) => "No query was blocked".to_owned(),
        (None, _) => blocked(run),
    }];
    if run.blocked.queries == 0 {
        sentences.extend(slower(run));
    }
    sentences.extend(failed(run));
    sentences.join("; ") + "."
}

/// Time of the statement that is spoken of, or of all steps.
fn duration(run: &Run) -> String {
    let longest = run
        .steps
        .iter()
        .flat_map(|step| &step.statements)
        .map(|statement| statement.duration_ms)
        .fold(0.0, f64::max);
    units::duration(longest)
}

fn blocked(run: &Run) -> String {
    let blocked = &run.blocked;
    let reads = units::counted(blocked.reads, "read", "reads");
    let writes = units::counted(blocked.writes, "write", "writes");
    let counts = if blocked.reads > blocked.writes {
        format!("{reads} and {writes}")
    } else {
        format!("{writes} and {reads}")
    };
    let behind = if blocked.by_queued > blocked.by_held + blocked.by_row {
        " queued behind the lock that it waited for"
    } else {
        " were blocked"
    };
    let longest = units::duration(blocked.longest_ms);
    let counted = format!("{counts}{behind}, the longest for {longest}");
    match stood_still(run) {
        Some(stood_still) => format!("{stood_still}; {counted}"),
        None => counted,
    }
}

/// `reads and writes stood still for 1.20 s`, if they did.
fn stood_still(run: &Run) -> Option<String> {
    let stalls: Vec<(&str, f64)> = [(QueryKind::Read, "reads"), (QueryKind::Write, "writes")]
        .into_iter()
        .filter_map(|(kind, name)| {
            let stall = latency::total(run, Phase::Migration, kind)?.stall_ms;
            let usual = latency::total(run, Phase::Baseline, kind).map_or(0.0, |t| t.stall_ms);
            let felt = stall >= STALL_MS_FELT && stall >= usual * STALL_RATIO_FELT;
            felt.then_some((name, stall))
        })
        .collect();
    match stalls.as_slice() {
        [] => None,
        [(name, stall)] => Some(format!(
            "{name} stood still for {}",
            units::duration(*stall)
        )),
        [(_, reads), (_, writes), ..] => {
            let (reads, writes) = (units::duration(*reads), units::duration(*writes));
            Some(if reads == writes {
                format!("reads and writes stood still for {reads}")
            } else {
                format!("reads stood still for {reads}, writes for {writes}")
            })
        }
    }
}

/// What became slower without being blocked, if anything did.
fn slower(run: &Run) -> Option<String> {
    let (name, base, migration) = [(QueryKind::Read, "reads"), (QueryKind::Write, "writes")]
        .into_iter()
        .filter_map(|(kind, name)| {
            let p99 = |phase| latency::total(run, phase, kind)?.latency_ms.map(|l| l.p99);
            Some((name, p99(Phase::Baseline)?, p99(Phase::Migration)?))
        })
        .max_by(|a, b| (a.2 / a.1).total_cmp(&(b.2 / b.1)))?;
    let ratio = migration / base;
    Some(if ratio < P99_RATIO_FELT {
        "latency stayed as it was".to_owned()
    } else {
        format!(
            "the p99 of {name} went from {} to {} ({})",
            units::duration(base),
            units::duration(migration),
            units::ratio(ratio)
        )
    })
}

/// How many queries failed from the migration on, with the commonest error.
fn failed(run: &Run) -> Option<String> {
    let mut errors = std::collections::BTreeMap::new();
    for total in &run.traffic_totals {
        if total.phase != Phase::Baseline {
            for (state, n) in &total.figures.errors {
                *errors.entry(*state).or_insert(0) += n;
            }
        }
    }
    let all: u64 = errors.values().sum();
    let (state, _) = errors.iter().max_by_key(|(_, n)| **n)?;
    let meaning = state
        .meaning()
        .map(|text| format!(" {text}"))
        .unwrap_or_default();
    let most = if errors.len() > 1 {
        "most with"
    } else {
        "with"
    };
    (all > 0).then(|| {
        let queries = units::counted(all, "query", "queries");
        format!("{queries} failed, {most} {state}{meaning}")
    })
}
