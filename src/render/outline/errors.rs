//! The queries that failed, by error, query and application version.

use std::collections::BTreeMap;

use super::{Block, Cell, Column, Row, Section, Tone, blocked};
use crate::postgres::SqlState;
use crate::rehearse::workload::QueryKind;
use crate::report::{Phase, Run};
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
