//! What a machine's figures do when nothing changes.

use super::comparison::amount;
use super::{Block, Cell, Column, Row, Section};
use crate::compare::{Calibration, Figure};
use crate::units;

/// Runs a side for which the noise is shown, where it was measured with twice as many.
const RUNS_A_SIDE: [(usize, &str); 4] =
    [(1, "1 run"), (4, "4 runs"), (7, "7 runs"), (15, "15 runs")];

pub(super) fn section(calibration: &Calibration) -> Section {
    let runs = units::counted(calibration.runs as u64, "run", "runs");
    let title = format!(
        "Noise of this machine: {runs} of {} on PostgreSQL {}",
        calibration.scenario, calibration.postgres
    );
    let mut columns = vec![Column::words(""), Column::figure("median")];
    let shown = RUNS_A_SIDE.into_iter();
    let shown: Vec<_> = shown
        .filter(|(runs, _)| runs * 2 <= calibration.runs)
        .collect();
    columns.extend(shown.iter().map(|(_, title)| Column::figure(title)));
    let mut rows = Vec::new();
    let mut group = "";
    let varies = |figure: &&Figure| figure.spread.max > figure.spread.min;
    for figure in calibration.figures.iter().filter(varies) {
        if figure.group != group {
            group = &figure.group;
            rows.push(Row::Group(group.to_owned()));
        }
        let runs = shown.iter().map(|(runs, _)| *runs);
        rows.push(Row::Cells(cells(figure, runs)));
    }
    let blocks = vec![
        Block::table(columns, rows),
        Block::line(
            "So far apart at most are two sides of so many runs each, in 19 of 20 cases, when nothing \
             has changed. Figures that were the same in all runs are left out.",
        ),
    ];
    Section::new(title, blocks)
}

fn cells(figure: &Figure, runs: impl Iterator<Item = usize>) -> Vec<Cell> {
    let median = figure.spread.median;
    let noise = runs.map(|runs| match figure.noise(runs) {
        noise if median > 0.0 => format!("{:.0} %", noise / median * 100.0),
        noise => amount(noise, figure.unit),
    });
    let texts = [figure.name.clone(), amount(median, figure.unit)];
    texts.into_iter().chain(noise).map(Cell::plain).collect()
}
