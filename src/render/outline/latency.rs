//! Latency of reads and writes by phase, and the queries that suffered most.

use super::{Block, Cell, Column, Row, Section, Tone, blocked};
use crate::rehearse::workload::QueryKind;
use crate::report::{Latency, Phase, Run, Traffic, TrafficFigures};
use crate::units;

/// So many queries are named.
const QUERIES_SHOWN: usize = 5;

/// A figure that grew so many times is marked.
const RATIO_MARKED: f64 = 2.0;

/// Beyond this the load itself is late enough to be seen in a latency.
const LAG_MARKED_MS: f64 = 1.0;

/// A query is named only if its p99 grew by more: less is the noise of a p99.
const RATIO_NAMED: f64 = 1.5;

/// The figures of a kind in a phase.
pub(super) fn total(run: &Run, phase: Phase, kind: QueryKind) -> Option<&TrafficFigures> {
    run.traffic_totals
        .iter()
        .find(|total| total.phase == phase && total.kind == kind)
        .map(|total| &total.figures)
}

pub(super) fn section(run: &Run) -> Option<Section> {
    let mut rows = Vec::new();
    for (kind, name) in [(QueryKind::Read, "reads"), (QueryKind::Write, "writes")] {
        let phase = |phase| total(run, phase, kind);
        let phases = [
            phase(Phase::Baseline),
            phase(Phase::Migration),
            phase(Phase::Recovery),
        ];
        if phases.iter().flatten().any(|figures| figures.count > 0) {
            rows.push(Row::Group(name.to_owned()));
            rows.extend(rows_of(phases));
        }
    }
    if rows.is_empty() {
        return None;
    }
    let columns = vec![
        Column::word(""),
        Column::figure("baseline"),
        Column::figure("migration"),
        Column::figure("ratio"),
        Column::figure("recovery"),
    ];
    let mut blocks = vec![Block::table(columns, rows)];
    blocks.extend(worst_queries(run));
    blocks.extend(recovery(run));
    blocks.extend(schedule(run));
    Some(Section::new("Latency, from when a query was due", blocks))
}

fn rows_of(phases: [Option<&TrafficFigures>; 3]) -> Vec<Row> {
    let time = |label: &str, ms: &dyn Fn(&TrafficFigures) -> Option<f64>| {
        let values = phases.map(|figures| figures.and_then(ms));
        ratio_row(label, values)
    };
    let latency = |label: &str, ms: fn(&Latency) -> f64| {
        time(label, &|figures| figures.latency_ms.as_ref().map(ms))
    };
    let counts = |label: &str, count: fn(&TrafficFigures) -> u64| {
        let text = |figures: Option<&TrafficFigures>| {
            Cell::plain(figures.map_or(units::NONE.to_owned(), |f| units::count(count(f))))
        };
        let [baseline, migration, recovery] = phases.map(text);
        Row::Cells(vec![
            Cell::plain(label),
            baseline,
            migration,
            Cell::plain(""),
            recovery,
        ])
    };
    let mut rows = vec![
        latency("p50", |latency| latency.p50),
        latency("p99", |latency| latency.p99),
        latency("slowest", |latency| latency.max),
        time("longest stall", &|figures| Some(figures.stall_ms)),
        counts("came back", |figures| figures.count),
    ];
    let any = |count: fn(&TrafficFigures) -> u64| phases.iter().flatten().any(|f| count(f) > 0);
    if any(|figures| figures.delayed) {
        rows.push(counts("found no connection free", |figures| {
            figures.delayed
        }));
    }
    if any(|figures| figures.censored) {
        rows.push(counts("never came back", |figures| figures.censored));
    }
    rows
}

fn ratio_row(label: &str, [baseline, migration, recovery]: [Option<f64>; 3]) -> Row {
    let text = |ms: Option<f64>| Cell::plain(ms.map_or(units::NONE.to_owned(), units::duration));
    Row::Cells(vec![
        Cell::plain(label),
        text(baseline),
        text(migration),
        ratio(baseline, migration),
        text(recovery),
    ])
}

fn ratio(base: Option<f64>, now: Option<f64>) -> Cell {
    match (base, now) {
        (Some(base), Some(now)) if base > 0.0 => {
            let ratio = now / base;
            let tone = if ratio >= RATIO_MARKED {
                Tone::Bad
            } else {
                Tone::Plain
            };
            Cell::new(units::ratio(ratio), tone)
        }
        _ => Cell::plain(units::NONE),
    }
}

/// The queries whose p99 grew, the slowest first.
fn worst_queries(run: &Run) -> Option<Block> {
    let mut queries: Vec<(&Traffic, Option<f64>, Latency)> = run
        .traffic
        .iter()
        .filter(|traffic| traffic.phase == Phase::Migration)
        .filter_map(|traffic| {
            let latency = traffic.figures.latency_ms?;
            Some((traffic, baseline_p99(run, traffic), latency))
        })
        .filter(|(_, base, latency)| base.is_none_or(|base| latency.p99 > base * RATIO_NAMED))
        .collect();
    queries.sort_by(|a, b| b.2.p99.total_cmp(&a.2.p99));
    queries.truncate(QUERIES_SHOWN);
    let rows: Vec<Row> = queries
        .into_iter()
        .map(|(traffic, base, latency)| {
            Row::Cells(vec![
                Cell::plain(&traffic.query),
                Cell::plain(&traffic.app),
                Cell::plain(blocked::kind(traffic.kind)),
                Cell::plain(base.map_or(units::NONE.to_owned(), units::duration)),
                Cell::plain(units::duration(latency.p99)),
                ratio(base, Some(latency.p99)),
                Cell::plain(units::duration(latency.max)),
            ])
        })
        .collect();
    let columns = vec![
        Column::words("slowest query"),
        Column::words("of"),
        Column::word("kind"),
        Column::figure("p99\nbefore"),
        Column::figure("p99\nmeanwhile"),
        Column::figure("ratio"),
        Column::figure("slowest"),
    ];
    (!rows.is_empty()).then(|| Block::table(columns, rows))
}

fn baseline_p99(run: &Run, of: &Traffic) -> Option<f64> {
    let same = |traffic: &&Traffic| {
        traffic.phase == Phase::Baseline && (&traffic.app, &traffic.query) == (&of.app, &of.query)
    };
    let latency = run.traffic.iter().find(same)?.figures.latency_ms?;
    Some(latency.p99)
}

fn recovery(run: &Run) -> Option<Block> {
    let phase = run
        .phases
        .iter()
        .find(|span| span.phase == Phase::Recovery)?;
    let watched = units::duration(phase.end_ms - phase.start_ms);
    Some(match run.recovery_ms {
        Some(0.0) => Block::line("Latency was at its baseline as soon as the last step ended."),
        Some(ms) => Block::line(format!(
            "Latency was back at its baseline {} after the last step.",
            units::duration(ms)
        )),
        None => Block::marked(
            Cell::new("!", Tone::Bad),
            format!(
                "Latency did not come back to its baseline in the {watched} after the last step."
            ),
        ),
    })
}

/// How the queries were sent, and whether at their time. The worst of the phases counts.
fn schedule(run: &Run) -> Option<Block> {
    let load = run.load.as_ref()?;
    let lags = load.phases.iter().filter_map(|phase| phase.schedule_lag_ms);
    let worst = lags.max_by(|a, b| a.p99.total_cmp(&b.p99))?;
    let text = format!(
        "How queries were sent: {}; {} after they were due (p50), {} (p99).",
        load.protocol.in_words(),
        units::duration(worst.p50),
        units::duration(worst.p99),
    );
    Some(if worst.p99 <= LAG_MARKED_MS {
        Block::line(text)
    } else {
        let late = "That is the load's own lateness, and part of each latency: most often, server and load have \
                    too little CPU between them.";
        Block::marked(Cell::new("!", Tone::Careful), format!("{text} {late}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rehearse::workload::Protocol;
    use crate::report::{Lag, LoadFigures, LoadPhase, Report};

    fn check(p99: f64, protocol: Protocol, expected: &[&str], is_marked: bool) {
        let text = include_str!("../../../tests/fixtures/reports/create-index.json");
        let mut run = Report::read(text).unwrap().runs.remove(0);
        let phase = |phase, p99| LoadPhase {
            phase,
            schedule_lag_ms: Some(Lag {
                p50: 0.05,
                p99,
                max: 9.0,
            }),
            prepared_again: 0,
            connections_lost: 0,
            reconnects: 0,
            reconnect_ms_max: 0.0,
        };
        run.load = Some(LoadFigures {
            protocol,
            phases: vec![phase(Phase::Baseline, 0.1), phase(Phase::Migration, p99)],
        });
        let Some(Block::Line(line)) = schedule(&run) else {
            panic!("one line")
        };
        for part in expected {
            assert!(line.text.contains(part), "{part}: {}", line.text);
        }
        assert_eq!(line.mark.is_some(), is_marked);
    }

    #[test]
    fn a_load_that_was_late_itself_says_so() {
        let prepared = ["sent: prepared statements; 0.05 ms after", "0.20 ms (p99)"];
        check(0.2, Protocol::Prepared, &prepared, false);
        let late = ["parameters as literals", "4.00 ms (p99)", "own lateness"];
        check(4.0, Protocol::Simple, &late, true);
    }
}
