//! Several runs side by side, and which of them is told in full.

use super::{Block, Cell, Column, Row, Section, Tone, latency};
use crate::rehearse::workload::QueryKind;
use crate::report::{Outcome, Phase, Report, Run};
use crate::units;

/// Index of the run that is told in full: one that did not complete, else the one that blocked the
/// longest, else the one that held or lasted longest. The first of equals.
pub(super) fn worst(runs: &[Run]) -> Option<usize> {
    let harm = |run: &Run| {
        [
            f64::from(u8::from(run.outcome != Outcome::Completed)),
            run.blocked.total_ms,
            longest_hold_ms(run).unwrap_or(0.0),
            migration_ms(run),
        ]
    };
    (0..runs.len()).rev().max_by(|a, b| {
        harm(&runs[*a])
            .partial_cmp(&harm(&runs[*b]))
            .unwrap_or(std::cmp::Ordering::Equal)
    })
}

/// A row per run, if there are several.
pub(super) fn section(report: &Report) -> Option<Section> {
    let runs = &report.runs;
    let told = worst(runs).filter(|_| runs.len() > 1)?;
    let columns = vec![
        Column::word("run"),
        Column::figure("took"),
        Column::figure("blocking\nhold"),
        Column::figure("blocked\nreads"),
        Column::figure("blocked\nwrites"),
        Column::figure("longest\nstall"),
        Column::figure("reads\np99"),
        Column::figure("writes\np99"),
    ];
    let rows = runs.iter().enumerate().map(|(at, run)| row(at, run));
    Some(Section::new(
        "Runs",
        vec![
            Block::table(columns, rows.collect()),
            Block::line(format!(
                "What follows is {}, the worst of {}. p99 is that of the migration phase.",
                name(told, &runs[told]),
                runs.len()
            )),
        ],
    ))
}

fn row(at: usize, run: &Run) -> Row {
    let name = Cell::plain(format!("{} on {}{}", at + 1, run.postgres, ending(run)));
    let figures = [
        units::duration(migration_ms(run)),
        longest_hold_ms(run).map_or(units::NONE.to_owned(), units::duration),
        units::count(run.blocked.reads),
        units::count(run.blocked.writes),
        stall(run),
        p99(run, QueryKind::Read),
        p99(run, QueryKind::Write),
    ];
    let mut cells = vec![name];
    cells.extend(figures.into_iter().map(Cell::plain));
    for blocked in &mut cells[3..5] {
        if blocked.text != "0" {
            blocked.tone = Tone::Bad;
        }
    }
    Row::Cells(cells)
}

fn name(at: usize, run: &Run) -> String {
    format!("run {} on PostgreSQL {}", at + 1, run.postgres)
}

fn ending(run: &Run) -> &'static str {
    match run.outcome {
        Outcome::Completed => "",
        Outcome::MigrationFailed => ", failed",
        Outcome::Interrupted => ", stopped",
        Outcome::Aborted => ", aborted",
    }
}

pub(super) fn migration_ms(run: &Run) -> f64 {
    run.steps.iter().map(|step| step.duration_ms).sum()
}

/// Of the locks that keep queries waiting; `None` if there is none.
fn longest_hold_ms(run: &Run) -> Option<f64> {
    run.locks
        .iter()
        .filter(|lock| (lock.blocks_reads || lock.blocks_writes) && !lock.created_here)
        .map(|lock| lock.hold_ms)
        .reduce(f64::max)
}

fn stall(run: &Run) -> String {
    [QueryKind::Read, QueryKind::Write]
        .into_iter()
        .filter_map(|kind| latency::total(run, Phase::Migration, kind))
        .map(|total| total.stall_ms)
        .reduce(f64::max)
        .map_or(units::NONE.to_owned(), units::duration)
}

fn p99(run: &Run, kind: QueryKind) -> String {
    latency::total(run, Phase::Migration, kind)
        .and_then(|total| total.latency_ms)
        .map_or(units::NONE.to_owned(), |latency| {
            units::duration(latency.p99)
        })
}
