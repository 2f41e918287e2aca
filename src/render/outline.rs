//! What a report tells, in which order, before any syntax: sections of lines, tables and a timeline.

mod adversaries;
mod blocked;
mod budget;
mod calibration;
mod comparison;
mod environment;
mod errors;
mod latency;
mod locks;
mod runs;
mod steps;
mod timeline;
mod tries;
mod verdict;

use crate::compare::{Calibration, Comparison};
use crate::report::Report;

/// A document for people.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outline {
    pub sections: Vec<Section>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Section {
    /// Absent for what opens the document.
    pub title: Option<String>,
    pub blocks: Vec<Block>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Block {
    Line(Line),
    Table(Table),
    Strip(Strip),
}

/// A paragraph, with a word before it that may be coloured.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    pub mark: Option<Cell>,
    pub text: String,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    pub columns: Vec<Column>,
    pub rows: Vec<Row>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// May hold a line break.
    pub title: &'static str,
    pub kind: ColumnKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnKind {
    /// Words: on the left, wrapped where the place is narrow.
    Words,
    /// Figures: on the right, never wrapped.
    Figure,
    /// A short word: on the left, never wrapped.
    Word,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Row {
    /// A line across the table, above the rows that belong to it.
    Group(String),
    /// As many as there are columns.
    Cells(Vec<Cell>),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Cell {
    pub text: String,
    pub tone: Tone,
}

/// What a text means to the reader. Never the only sign of it: a reader may see no colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    Plain,
    Good,
    Bad,
    Careful,
    Faint,
}

/// How the traffic went over time, one value per interval.
#[derive(Clone, Debug, PartialEq)]
pub struct Strip {
    pub rows: Vec<StripRow>,
    pub interval_ms: f64,
    /// Where the migration began and ended, in milliseconds from the first value.
    pub migration_ms: (f64, f64),
}

#[derive(Clone, Debug, PartialEq)]
pub struct StripRow {
    pub label: &'static str,
    pub values: Vec<f64>,
    /// The value that fills a character; a greater one is cut off.
    pub full: f64,
    pub how: Gather,
    /// What a full character stands for, in words.
    pub legend: String,
}

/// How several intervals become one character.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gather {
    Mean,
    Max,
}

/// What a report tells.
pub fn of_report(report: &Report) -> Outline {
    let mut sections = vec![verdict::section(report)];
    sections.extend(runs::section(report));
    if let Some(run) = runs::worst(&report.runs).map(|at| &report.runs[at]) {
        sections.extend(timeline::section(run));
        sections.extend(adversaries::section(run));
        sections.extend(steps::section(run));
        sections.extend(tries::section(run));
        sections.extend(locks::section(run));
        sections.extend(blocked::section(run));
        sections.extend(latency::section(run));
        sections.extend(errors::section(run));
        sections.extend(steps::left_behind(run));
    }
    sections.extend(budget::section(&report.verdict));
    sections.extend(environment::warnings(report));
    sections.push(environment::section(report));
    Outline { sections }
}

/// What a comparison tells.
pub fn of_comparison(comparison: &Comparison) -> Outline {
    Outline {
        sections: comparison::sections(comparison),
    }
}

/// What a calibration tells.
pub fn of_calibration(calibration: &Calibration) -> Outline {
    Outline {
        sections: vec![calibration::section(calibration)],
    }
}

impl Section {
    fn new(title: impl Into<String>, blocks: Vec<Block>) -> Section {
        Section {
            title: Some(title.into()),
            blocks,
        }
    }
}

impl Block {
    fn line(text: impl Into<String>) -> Block {
        Block::Line(Line {
            mark: None,
            text: text.into(),
        })
    }

    fn marked(mark: Cell, text: impl Into<String>) -> Block {
        Block::Line(Line {
            mark: Some(mark),
            text: text.into(),
        })
    }

    fn table(columns: Vec<Column>, rows: Vec<Row>) -> Block {
        Block::Table(Table { columns, rows })
    }
}

impl Column {
    const fn words(title: &'static str) -> Column {
        Column {
            title,
            kind: ColumnKind::Words,
        }
    }

    const fn figure(title: &'static str) -> Column {
        Column {
            title,
            kind: ColumnKind::Figure,
        }
    }

    const fn word(title: &'static str) -> Column {
        Column {
            title,
            kind: ColumnKind::Word,
        }
    }
}

impl Cell {
    fn new(text: impl Into<String>, tone: Tone) -> Cell {
        Cell {
            text: text.into(),
            tone,
        }
    }

    fn plain(text: impl Into<String>) -> Cell {
        Cell::new(text, Tone::Plain)
    }
}
