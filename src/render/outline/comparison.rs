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
    let (worse, better) = (
        comparison.count(Change::Worse),
        comparison.count(Change::Better),
    );
    let (mark, tone) = match (worse, better) {
        _ if !comparison.can_tell() => ("CANNOT TELL", Tone::Bad),
        (0, 0) => ("SAME", Tone::Good),
        (0, _) => ("BETTER", Tone::Good),
        _ => ("WORSE", Tone::Bad),
    };
    let told = if comparison.can_tell() {
        format!(
            "{worse} of {} figures got worse and {better} better, by more than {}",
            comparison.rows.len(),
            units::ratio(comparison.threshold)
        )
    } else {
        "a side has no run".to_owned()
    };
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
    let spreads = [comparison.base.runs, comparison.head.runs]
        .iter()
        .any(|runs| *runs > 1);
    let mut rows = Vec::new();
    let mut group = "";
    for row in comparison.rows.iter().filter(|row| is_news(row)) {
        if row.group != group {
            group = &row.group;
            rows.push(Row::Group(group.to_owned()));
        }
        rows.push(figure(row, spreads));
    }
    let mut columns = vec![Column::words(""), Column::figure("base")];
    columns.extend(spreads.then_some(Column::word("")));
    columns.push(Column::figure("head"));
    columns.extend(spreads.then_some(Column::word("")));
    columns.extend([Column::figure("ratio"), Column::word("")]);
    let mut blocks = vec![Block::table(columns, rows)];
    if spreads {
        blocks.push(Block::line(
            "Medians over the runs, with the least and the greatest.",
        ));
    }
    if comparison.base.runs.min(comparison.head.runs) == 1 {
        blocks.push(Block::line(
            "One run on a side: chance alone moves a p99 by a third (--runs repeats).",
        ));
    }
    Section::new("Figures", blocks)
}

/// That no run ended badly on either side goes without saying.
fn is_news(row: &compare::Row) -> bool {
    let some = |spread: Option<Spread>| spread.is_some_and(|spread| spread.max > 0.0);
    row.group != "outcome" || some(row.base) || some(row.head)
}

fn figure(row: &compare::Row, spreads: bool) -> Row {
    let (word, tone) = match row.change {
        Change::Worse => ("▲ worse", Tone::Bad),
        Change::Better => ("▼ better", Tone::Good),
        Change::Same => ("", Tone::Plain),
        Change::OneSided if row.base.is_none() => ("new", Tone::Plain),
        Change::OneSided => ("gone", Tone::Plain),
    };
    let mut cells = vec![Cell::plain(&row.name)];
    for spread in [row.base, row.head] {
        cells.push(Cell::plain(
            spread.map_or(units::NONE.to_owned(), |s| amount(s.median, row.unit)),
        ));
        cells.extend(spreads.then(|| Cell::new(range(spread, row.unit), Tone::Faint)));
    }
    let ratio = row.ratio.map_or(units::NONE.to_owned(), units::ratio);
    cells.extend([Cell::new(ratio, tone), Cell::new(word, tone)]);
    Row::Cells(cells)
}

/// `1.74–1.83 s`: least and greatest, where they differ as written.
fn range(spread: Option<Spread>, unit: Unit) -> String {
    let Some(spread) = spread else {
        return String::new();
    };
    let (min, max) = (amount(spread.min, unit), amount(spread.max, unit));
    if min == max {
        return String::new();
    }
    match (min.split_once(' '), max.split_once(' ')) {
        (Some((least, a)), Some((_, b))) if a == b => format!("{least}–{max}"),
        _ => format!("{min}–{max}"),
    }
}

fn amount(number: f64, unit: Unit) -> String {
    match unit {
        Unit::Ms => units::duration(number),
        Unit::Count => units::count(number.round() as u64),
        Unit::Bytes => units::bytes(number as u64),
    }
}
