//! The queries that failed, by error, query and application version.

use std::collections::BTreeMap;

use super::{Block, Cell, Column, Row, Section, Tone, blocked};
use crate::postgres::SqlState;
use crate::rehearse::workload::QueryKind;
use crate::report::{LoadPhase, Phase, Run};
use crate::units;

/// So many rows are shown; the rest is counted.
const ROWS_SHOWN: usize = 12;

/// Failed queries of each phase.
type ByPhase = BTreeMap<Phase, u64>;

pub(super) fn section(run: &Run) -> Option<Section> {
    if run.traffic.is_empty() {
        return None;
    }
    let mut errors: BTreeMap<(SqlState, &str, &str, QueryKind), ByPhase> = BTreeMap::new();
    for traffic in &run.traffic {
        for (state, n) in traffic.figures.errors.iter().filter(|(_, n)| **n > 0) {
            let key = (*state, &*traffic.query, &*traffic.app, traffic.kind);
            *errors
                .entry(key)
                .or_default()
                .entry(traffic.phase)
                .or_default() += n;
        }
    }
    let mut errors: Vec<_> = errors.into_iter().collect();
    errors.sort_by_key(|(_, by_phase)| std::cmp::Reverse(by_phase.values().sum::<u64>()));
    let more = errors.len().saturating_sub(ROWS_SHOWN);
    let rows = errors
        .into_iter()
        .take(ROWS_SHOWN)
        .map(|((state, query, app, kind), n)| {
            let error = match state.meaning() {
                Some(meaning) => format!("{state} {meaning}"),
                None => state.to_string(),
            };
            let count = |phase| Cell::plain(units::count(n.get(&phase).copied().unwrap_or(0)));
            Row::Cells(vec![
                Cell::new(error, Tone::Bad),
                Cell::plain(query),
                Cell::plain(app),
                Cell::plain(blocked::kind(kind)),
                count(Phase::Baseline),
                count(Phase::Migration),
                count(Phase::Recovery),
            ])
        });
    let rows: Vec<Row> = rows.collect();
    if rows.is_empty() {
        return Some(Section::new(
            "Errors",
            vec![Block::line("No query failed.")],
        ));
    }
    let mut blocks = vec![Block::table(columns(), rows)];
    if more > 0 {
        blocks.push(Block::line(format!("And {more} more rows like these.")));
    }
    blocks.extend(connections(run));
    Some(Section::new("Errors", blocks))
}

fn columns() -> Vec<Column> {
    vec![
        Column::words("error"),
        Column::words("query"),
        Column::words("of"),
        Column::word("kind"),
        Column::figure("baseline"),
        Column::figure("migration"),
        Column::figure("recovery"),
    ]
}

/// What the load's connections did after these errors, as an application's pool would.
fn connections(run: &Run) -> Option<Block> {
    let phases = &run.load.as_ref()?.phases;
    let sum = |figure: fn(&LoadPhase) -> u64| phases.iter().map(figure).sum::<u64>();
    let mut parts = Vec::new();
    let prepared = sum(|phase| phase.prepared_again);
    if prepared > 0 {
        let what = units::counted(prepared, "statement was", "statements were");
        parts.push(format!("{what} prepared again"));
    }
    let lost = sum(|phase| phase.connections_lost);
    if lost > 0 {
        let back = sum(|phase| phase.reconnects);
        let longest = phases
            .iter()
            .map(|phase| phase.reconnect_ms_max)
            .fold(0.0, f64::max);
        let lost = units::counted(lost, "connection broke", "connections broke");
        parts.push(match back {
            0 => format!("{lost} and could not be opened again"),
            _ => format!(
                "{lost}, {} opened again, after {} at most",
                units::count(back),
                units::duration(longest)
            ),
        });
    }
    (!parts.is_empty()).then(|| Block::line(format!("After errors {}.", parts.join("; "))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rehearse::workload::Protocol;
    use crate::report::{LoadFigures, Report};

    fn check(prepared_again: u64, lost: u64, reconnects: u64, expected: Option<&str>) {
        let text = include_str!("../../../tests/fixtures/reports/create-index.json");
        let mut run = Report::read(text).unwrap().runs.remove(0);
        let phase = LoadPhase {
            phase: Phase::Migration,
            schedule_lag_ms: None,
            prepared_again,
            connections_lost: lost,
            reconnects,
            reconnect_ms_max: 103.0,
        };
        run.load = Some(LoadFigures {
            protocol: Protocol::Prepared,
            phases: vec![phase],
        });
        let said = connections(&run).map(|block| match block {
            Block::Line(line) => line.text,
            other => panic!("a line: {other:?}"),
        });
        assert_eq!(said.as_deref(), expected);
    }

    #[test]
    fn what_the_connections_did_after_errors_is_told() {
        check(0, 0, 0, None);
        check(
            1,
            0,
            0,
            Some("After errors 1 statement was prepared again."),
        );
        check(
            24,
            8,
            7,
            Some(
                "After errors 24 statements were prepared again; 8 connections broke, 7 opened again, \
                 after 103 ms at most.",
            ),
        );
        check(
            0,
            2,
            0,
            Some("After errors 2 connections broke and could not be opened again."),
        );
    }
}
