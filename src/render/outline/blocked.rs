//! The queries that waited for the migration.

use super::{Block, Cell, Column, Row, Section, locks, steps};
use crate::rehearse::workload::QueryKind;
use crate::report::{Blocked, Phase, Run};
use crate::units;

pub(super) fn section(run: &Run) -> Option<Section> {
    let blocked = &run.blocked;
    if !run.phases.iter().any(|span| span.phase == Phase::Migration) {
        return None;
    }
    let source = format!(
        "Counted from {} ({}).",
        blocked.source,
        locks::grade(blocked.grade)
    );
    let mut blocks = Vec::new();
    if blocked.queries == 0 {
        blocks.push(Block::line(format!("None. {source}")));
    } else {
        blocks.push(Block::line(summary(blocked)));
        if blocked.by_statement.len() > 1 {
            blocks.push(by_statement(run));
        }
        blocks.push(by_query(blocked));
        blocks.push(Block::line(source));
    }
    Some(Section::new("Blocked queries", blocks))
}

fn summary(blocked: &Blocked) -> String {
    let behind: Vec<String> = [
        (blocked.by_held, "behind a lock that was held"),
        (blocked.by_queued, "behind a lock still waited for"),
        (blocked.by_row, "behind a changed row"),
        (blocked.by_other, "behind a lock of another kind"),
    ]
    .into_iter()
    .filter(|(n, _)| *n > 0)
    .map(|(n, what)| format!("{} {what}", units::count(n)))
    .collect();
    let behind = if behind.is_empty() {
        String::new()
    } else {
        format!("; {}", behind.join(", "))
    };
    format!(
        "{} and {} waited, the longest for {}, together {}{behind}.",
        units::counted(blocked.reads, "read", "reads"),
        units::counted(blocked.writes, "write", "writes"),
        units::duration(blocked.longest_ms),
        units::duration(blocked.total_ms),
    )
}

fn by_statement(run: &Run) -> Block {
    let rows = run.blocked.by_statement.iter().map(|by| {
        Row::Cells(vec![
            Cell::plain(steps::place(run, by.step, by.statement)),
            Cell::plain(units::count(by.queries)),
            Cell::plain(units::duration(by.longest_ms)),
            Cell::plain(units::duration(by.total_ms)),
        ])
    });
    let columns = vec![
        Column::words("blocked by"),
        Column::figure("queries"),
        Column::figure("longest"),
        Column::figure("together"),
    ];
    Block::table(columns, rows.collect())
}

fn by_query(blocked: &Blocked) -> Block {
    let mut queries: Vec<_> = blocked.by_query.iter().collect();
    queries.sort_by(|a, b| b.total_ms.total_cmp(&a.total_ms));
    let rows = queries.into_iter().map(|by| {
        Row::Cells(vec![
            Cell::plain(&by.query),
            Cell::plain(&by.app),
            Cell::plain(kind(by.kind)),
            Cell::plain(units::count(by.queries)),
            Cell::plain(units::duration(by.longest_ms)),
            Cell::plain(units::duration(by.total_ms)),
        ])
    });
    let columns = vec![
        Column::words("blocked query"),
        Column::words("of"),
        Column::word("kind"),
        Column::figure("queries"),
        Column::figure("longest"),
        Column::figure("together"),
    ];
    Block::table(columns, rows.collect())
}

pub(super) fn kind(kind: QueryKind) -> &'static str {
    match kind {
        QueryKind::Read => "read",
        QueryKind::Write => "write",
    }
}
