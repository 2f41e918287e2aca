//! A table in the width that there is: columns of words give way, figures never wrap.

use tabled::Table as Grid;
use tabled::builder::Builder;
use tabled::settings::formatting::AlignmentStrategy;
use tabled::settings::object::{Cell as Place, Columns, Rows};
use tabled::settings::style::{HorizontalLine, Style};
use tabled::settings::{Alignment, Modify, Padding};

use super::{colour, wrap};
use crate::render::Look;
use crate::render::outline::{Cell, ColumnKind, Row, Table};

/// Spaces between two columns.
const GAP: usize = 2;

/// A column of words gets no narrower than this, unless there is no other way.
const WORDS_WIDTH_MIN: usize = 8;

/// A word as long as the longest name of a lock mode is not broken, unless there is no other way.
const WORD_WIDTH_KEPT: usize = 24;

/// Rows of a group stand so far to the right of its title.
const GROUP_INDENT: usize = 2;

pub(super) fn lines(table: &Table, look: Look) -> Vec<String> {
    let indent = indent(table);
    let widths = widths(table, look.width - indent);
    let mut builder = Builder::new();
    let titles = table.columns.iter().zip(&widths);
    builder.push_record(titles.map(|(column, width)| wrapped(column.title, *width)));
    for cells in rows(table) {
        let cells = cells.iter().zip(&widths);
        builder.push_record(cells.map(|(cell, width)| wrapped(&cell.text, *width)));
    }
    let mut grid = builder.build();
    style(&mut grid, table);
    if indent > 0 {
        grid.with(Modify::new(Columns::first()).with(Padding::new(indent, GAP, 0, 0)));
    }
    if look.colour {
        paint(&mut grid, table);
    }
    with_groups(&grid.to_string(), table, &widths, look)
}

/// The rows that are no group's title.
fn rows(table: &Table) -> impl Iterator<Item = &Vec<Cell>> {
    table.rows.iter().filter_map(|row| match row {
        Row::Cells(cells) => Some(cells),
        Row::Group(_) => None,
    })
}

/// What stands to the left of the first column: words under a group are indented, figures stand on
/// the right anyway.
fn indent(table: &Table) -> usize {
    let grouped = table.rows.iter().any(|row| matches!(row, Row::Group(_)));
    let figure = table.columns[0].kind == ColumnKind::Figure;
    if grouped && !figure { GROUP_INDENT } else { 0 }
}

fn wrapped(text: &str, width: usize) -> String {
    wrap::wrap(text, width).join("\n")
}

/// The width of each column: what it needs, and where that is too much, columns of words share what
/// the others leave.
fn widths(table: &Table, most: usize) -> Vec<usize> {
    let columns = 0..table.columns.len();
    let mut widths: Vec<usize> = columns.clone().map(|at| width_needed(table, at)).collect();
    let words: Vec<usize> = columns.clone().map(|at| word_kept(table, at)).collect();
    let gaps = GAP * table.columns.len().saturating_sub(1);
    let mut over = (widths.iter().sum::<usize>() + gaps).saturating_sub(most);
    // The widest gives way first. Words are broken, and then figures, only if all else is not enough.
    for pass in [Pass::KeepWords, Pass::BreakWords, Pass::BreakAll] {
        let least = |at: usize| match pass {
            Pass::KeepWords => words[at].max(WORDS_WIDTH_MIN),
            Pass::BreakWords => WORDS_WIDTH_MIN,
            Pass::BreakAll => 1,
        };
        while over > 0 {
            let widest = columns
                .clone()
                .filter(|at| pass == Pass::BreakAll || table.columns[*at].kind == ColumnKind::Words)
                .filter(|at| widths[*at] > least(*at))
                .max_by_key(|at| widths[*at]);
            let Some(widest) = widest else { break };
            widths[widest] -= 1;
            over -= 1;
        }
    }
    widths
}

/// What may happen to make room.
#[derive(Clone, Copy, PartialEq)]
enum Pass {
    KeepWords,
    BreakWords,
    BreakAll,
}

/// The width of a column's widest line.
fn width_needed(table: &Table, at: usize) -> usize {
    let lines = texts(table, at).flat_map(|text| text.split('\n'));
    lines.map(wrap::width).max().unwrap_or(0)
}

/// The width of a column's widest word, but for those so wide that they are broken anyway.
fn word_kept(table: &Table, at: usize) -> usize {
    let words = texts(table, at).flat_map(|text| text.split(['\n', ' ']));
    let kept = words
        .map(wrap::width)
        .filter(|width| *width <= WORD_WIDTH_KEPT);
    kept.max().unwrap_or(0)
}

fn texts(table: &Table, at: usize) -> impl Iterator<Item = &str> {
    let cells = rows(table).map(move |cells| cells[at].text.as_str());
    cells.chain([table.columns[at].title])
}

fn style(grid: &mut Grid, table: &Table) {
    grid.with(Style::empty().horizontals([(1, HorizontalLine::new('─'))]))
        .with(Padding::new(0, GAP, 0, 0));
    let last = table.columns.len().saturating_sub(1);
    grid.with(Modify::new(Columns::one(last)).with(Padding::zero()));
    for (at, column) in table.columns.iter().enumerate() {
        if column.kind == ColumnKind::Figure {
            grid.with(Modify::new(Columns::one(at)).with(Alignment::right()));
        }
    }
    grid.with(Modify::new(Rows::first()).with(Alignment::bottom()))
        .with(AlignmentStrategy::PerLine);
}

fn paint(grid: &mut Grid, table: &Table) {
    for (line, cells) in rows(table).enumerate() {
        for (column, cell) in cells.iter().enumerate() {
            if let Some(tone) = colour::of(cell.tone) {
                grid.with(Modify::new(Place::new(line + 1, column)).with(tone));
            }
        }
    }
}

/// The lines of a grid with those of the groups between them, each above its first row.
fn with_groups(grid: &str, table: &Table, widths: &[usize], look: Look) -> Vec<String> {
    let mut drawn = grid.lines().map(str::to_owned);
    let titles = table.columns.iter().zip(widths);
    let height = titles.map(|(column, width)| wrap::wrap(column.title, *width).len());
    let mut lines: Vec<String> = drawn.by_ref().take(height.max().unwrap_or(1) + 1).collect();
    for row in &table.rows {
        match row {
            Row::Group(title) => lines.extend(
                wrap::wrap(title, look.width)
                    .iter()
                    .map(|line| colour::strong(line, look.colour)),
            ),
            Row::Cells(cells) => {
                let cells = cells.iter().zip(widths);
                let height = cells.map(|(cell, width)| wrap::wrap(&cell.text, *width).len());
                lines.extend(drawn.by_ref().take(height.max().unwrap_or(1)));
            }
        }
    }
    lines
}
