//! Two reports side by side: the verdict, what else differs, and the figures.

use super::{Block, Cell, Column, Row, Section, Tone};
use crate::compare::{self, Change, Comparison, Side, Spread, Unit};
use crate::postgres::Version;
use crate::units;

/// So many figures that got worse are named above the table.
const WORSE_NAMED: usize = 3;

pub(super) fn sections(comparison: &Comparison) -> Vec<Section> {
    let mut sections = vec![verdict(comparison)];
    sections.extend(notes(comparison));
    sections.push(figures(comparison));
    sections
}

fn verdict(comparison: &Comparison) -> Section {
    let count = |change| comparison.count(change);
    let (worse, better) = (count(Change::Worse), count(Change::Better));
    let unknown = count(Change::CannotTell);
    let (mark, tone) = match (worse, better, unknown) {
        _ if !comparison.can_tell() => ("CANNOT TELL", Tone::Bad),
        (0, 0, 0) => ("SAME", Tone::Good),
        (0, 0, _) => ("CANNOT TELL", Tone::Careful),
        (0, _, _) => ("BETTER", Tone::Good),
        _ => ("WORSE", Tone::Bad),
    };
    let mut told = if comparison.can_tell() {
        let figures = comparison.rows.len();
        format!("{worse} of {figures} figures got worse and {better} better")
    } else {
        "a side has no run".to_owned()
    };
    if comparison.can_tell() && unknown > 0 {
        told += &format!("; of {unknown} it cannot be told");
    }
    if let Some(threshold) = comparison.threshold {
        told += &format!(
            "; only what differs by more than {}",
            units::ratio(threshold)
        );
    }
    let sides = [("base", &comparison.base), ("head", &comparison.head)];
    let mut blocks = vec![Block::marked(Cell::new(mark, tone), told)];
    blocks.extend(sides.map(|(name, of)| Block::marked(Cell::plain(name), side(of))));
    blocks.extend(worst(comparison));
    Section {
        title: None,
        blocks,
    }
}

/// The figures that got worse, by name, unless the table says it better.
fn worst(comparison: &Comparison) -> Option<Block> {
    let rows = comparison.rows.iter();
    let named: Vec<String> = rows
        .filter(|row| row.change == Change::Worse)
        .map(|row| match row.ratio {
            Some(ratio) => format!("{} {} {}", row.group, row.name, units::ratio(ratio)),
            None => format!("{} {}", row.group, row.name),
        })
        .collect();
    let few = !named.is_empty() && named.len() <= WORSE_NAMED;
    few.then(|| Block::line(format!("Worse: {}.", named.join(", "))))
}

fn side(side: &Side) -> String {
    let versions: Vec<String> = side.postgres.iter().map(Version::to_string).collect();
    let runs = match side.runs {
        0 => "no run".to_owned(),
        n => {
            let runs = units::counted(n as u64, "run", "runs");
            format!("{runs} on PostgreSQL {}", versions.join(", "))
        }
    };
    format!("{}, {runs}, {}", side.scenario, side.started_at)
}

fn notes(comparison: &Comparison) -> Option<Section> {
    let note = |text: &String| Block::marked(Cell::new("!", Tone::Careful), text);
    let blocks: Vec<Block> = comparison.notes.iter().map(note).collect();
    (!blocks.is_empty()).then(|| {
        let title = "NOT THE SAME REHEARSAL: the figures may differ for these reasons too";
        Section::new(title, blocks)
    })
}

fn figures(comparison: &Comparison) -> Section {
    let shown = Shown::of(comparison);
    let mut rows = Vec::new();
    let mut group = "";
    for row in comparison.rows.iter().filter(|row| is_news(row)) {
        if row.group != group {
            group = &row.group;
            rows.push(Row::Group(group.to_owned()));
        }
        rows.push(figure(row, shown));
    }
    let mut columns = vec![Column::words("")];
    for side in ["base", "head"] {
        columns.push(Column::figure(side));
        columns.extend(shown.spreads.then_some(Column::word("")));
    }
    columns.push(Column::figure("ratio"));
    columns.extend(shown.p.then_some(Column::figure("p")));
    columns.push(Column::word(""));
    let mut blocks = vec![Block::table(columns, rows)];
    blocks.extend(legend(comparison, shown).into_iter().map(Block::line));
    Section::new("Figures", blocks)
}

/// The columns that not every comparison has.
#[derive(Clone, Copy)]
struct Shown {
    spreads: bool,
    p: bool,
}

impl Shown {
    fn of(comparison: &Comparison) -> Shown {
        let runs = [comparison.base.runs, comparison.head.runs];
        Shown {
            spreads: runs.iter().any(|runs| *runs > 1),
            p: comparison.rows.iter().any(|row| row.p.is_some()),
        }
    }
}

/// What the table's columns mean, as far as it has them.
fn legend(comparison: &Comparison, shown: Shown) -> Vec<String> {
    let rows = || comparison.rows.iter();
    let spreads = || rows().flat_map(|row| [&row.base, &row.head]).flatten();
    let mut lines = Vec::new();
    if shown.spreads {
        let reach = match spreads().any(|spread| spread.interval.is_some()) {
            true => "± is the interval that holds the true one in 95 of 100 cases",
            false => "± reaches to the least and the greatest",
        };
        lines.push(format!("Medians over the runs; {reach}."));
    }
    if shown.p {
        lines.push(
            "p: how often chance alone sets the sides so far apart (Mann-Whitney, two-sided)."
                .to_owned(),
        );
    }
    if rows().any(|row| row.change == Change::CannotTell) {
        lines.push(
            "?: cannot tell; it takes about so many runs a side (--runs) to find a difference that matters."
                .to_owned(),
        );
    }
    if rows().any(|row| row.noise.is_some()) {
        lines.push(noise(comparison));
    } else if comparison.can_tell() {
        lines.push(
            "With so few runs only what the migration did is compared, not what the queries felt: chance alone moves a p99 by a third."
                .to_owned(),
        );
    }
    lines
}

fn noise(comparison: &Comparison) -> String {
    match &comparison.calibration {
        Some(known) => format!(
            "A difference counts beyond this machine's own noise, measured on {} in {} runs of {}, and beyond the spread of these runs.",
            known.measured_at, known.runs, known.scenario
        ),
        None => "A difference counts beyond the noise that the spread of these runs suggests: nobody has measured \
                 this machine's own (pgrehearse calibrate)."
            .to_owned(),
    }
}

/// That no run ended badly on either side goes without saying.
fn is_news(row: &compare::Row) -> bool {
    let some = |spread: &Option<Spread>| spread.as_ref().is_some_and(|spread| spread.max > 0.0);
    !row.group.starts_with("outcome") || some(&row.base) || some(&row.head)
}

fn figure(row: &compare::Row, shown: Shown) -> Row {
    let (word, tone) = match row.change {
        Change::Worse => ("▲ worse".to_owned(), Tone::Bad),
        Change::Better => ("▼ better".to_owned(), Tone::Good),
        Change::Same => (String::new(), Tone::Plain),
        Change::CannotTell => (runs_needed(row), Tone::Faint),
        Change::OneSided if row.base.is_none() => ("new".to_owned(), Tone::Plain),
        Change::OneSided => ("gone".to_owned(), Tone::Plain),
    };
    let mut cells = vec![Cell::plain(&row.name)];
    for spread in [&row.base, &row.head] {
        let median = spread
            .as_ref()
            .map(|spread| amount(spread.median, row.unit));
        cells.push(Cell::plain(median.unwrap_or(units::NONE.to_owned())));
        let reach = spread.as_ref().map(|spread| reach(spread, row.unit));
        cells.extend(
            shown
                .spreads
                .then(|| Cell::new(reach.unwrap_or_default(), Tone::Faint)),
        );
    }
    let ratio = row.ratio.map_or(units::NONE.to_owned(), units::ratio);
    cells.push(Cell::new(ratio, tone));
    cells.extend(shown.p.then(|| Cell::plain(p(row))));
    cells.push(Cell::new(word, tone));
    Row::Cells(cells)
}

/// `? 12 runs`.
fn runs_needed(row: &compare::Row) -> String {
    match row.runs_needed {
        Some(runs) if runs >= compare::RUNS_NEEDED_MAX => format!("? >{} runs", runs - 1),
        Some(runs) => format!("? {runs} runs"),
        None => "?".to_owned(),
    }
}

fn p(row: &compare::Row) -> String {
    match row.p {
        None => String::new(),
        Some(p) if p < 0.001 => "<0.001".to_owned(),
        Some(p) => format!("{p:.3}"),
    }
}

/// `±3 %`: how far the interval, or else the least and the greatest, lie from the median at most. Nothing where
/// they do not differ.
fn reach(spread: &Spread, unit: Unit) -> String {
    let (low, high) = match spread.interval {
        Some(interval) => (interval.low, interval.high),
        None => (spread.min, spread.max),
    };
    let share = (high - spread.median).max(spread.median - low) / spread.median;
    match spread.median {
        _ if low == high => String::new(),
        0.0 => format!("≤ {}", amount(high, unit)),
        _ if share < 0.005 => "±<1 %".to_owned(),
        _ if share >= 9.995 => "±>999 %".to_owned(),
        _ => format!("±{:.0} %", share * 100.0),
    }
}

pub(super) fn amount(number: f64, unit: Unit) -> String {
    match unit {
        Unit::Ms => units::duration(number),
        Unit::Count => units::count(number.round() as u64),
        Unit::Bytes => units::bytes(number as u64),
    }
}
