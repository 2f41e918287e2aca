//! The timeline as rows of block characters.

use super::wrap;
use crate::render::Look;
use crate::render::outline::{Gather, Strip, StripRow};
use crate::units;

/// From next to nothing to a full character.
const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Spaces between a label, the blocks and their legend.
const GAP: usize = 2;

pub(super) fn lines(strip: &Strip, look: Look) -> Vec<String> {
    let widest = |text: fn(&StripRow) -> &str| {
        let widths = strip.rows.iter().map(|row| wrap::width(text(row)));
        widths.max().unwrap_or(0)
    };
    let label_width = widest(|row| row.label) + GAP;
    let legend_width = widest(|row| &row.legend) + GAP;
    let intervals = strip
        .rows
        .iter()
        .map(|row| row.values.len())
        .max()
        .unwrap_or(0);
    let columns = look
        .width
        .saturating_sub(label_width + legend_width)
        .min(intervals);
    if columns == 0 {
        return Vec::new();
    }
    let mut lines: Vec<String> = strip
        .rows
        .iter()
        .map(|row| {
            let blocks = blocks(row, columns);
            format!(
                "{:label_width$}{blocks}{:GAP$}{}",
                row.label, "", row.legend
            )
        })
        .collect();
    let per_column_ms = intervals as f64 * strip.interval_ms / columns as f64;
    let ruler = ruler(strip.migration_ms, per_column_ms, columns);
    lines.push(format!("{:label_width$}{ruler}", ""));
    lines
}

fn blocks(row: &StripRow, columns: usize) -> String {
    (0..columns)
        .map(|column| level(gathered(row, column, columns), row.full))
        .collect()
}

/// The value of one character: that of the intervals which begin in it.
fn gathered(row: &StripRow, column: usize, columns: usize) -> f64 {
    let count = row.values.len();
    let from = (column * count / columns).min(count);
    let to = ((column + 1) * count / columns).clamp(from, count);
    let values = &row.values[from..to];
    match row.how {
        Gather::Mean => values.iter().sum::<f64>() / values.len().max(1) as f64,
        Gather::Max => values.iter().copied().fold(0.0, f64::max),
    }
}

fn level(value: f64, full: f64) -> char {
    if value <= 0.0 {
        return ' ';
    }
    let step = (value / full * LEVELS.len() as f64).ceil() as usize;
    LEVELS[step.clamp(1, LEVELS.len()) - 1]
}

/// `└── migration 1.75 s ──┘` under the blocks.
fn ruler((start_ms, end_ms): (f64, f64), per_column_ms: f64, columns: usize) -> String {
    let column = |ms: f64| ((ms / per_column_ms).max(0.0) as usize).min(columns - 1);
    let (from, to) = (column(start_ms), column(end_ms));
    let label = format!(" migration {} ", units::duration(end_ms - start_ms));
    let inner = (to - from).saturating_sub(1);
    let spaces = " ".repeat(from);
    if inner >= wrap::width(&label) {
        return format!("{spaces}└{label:─^inner$}┘");
    }
    if to > from {
        format!("{spaces}└{}┘{}", "─".repeat(inner), label.trim_end())
    } else {
        format!("{spaces}↑{}", label.trim_end())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(values: &[f64]) -> StripRow {
        StripRow {
            label: "reads",
            values: values.to_vec(),
            full: 8.0,
            how: Gather::Mean,
            legend: String::new(),
        }
    }

    #[test]
    fn nothing_is_a_gap_and_little_is_not() {
        assert_eq!(blocks(&row(&[0.0, 0.01, 4.0, 8.0, 99.0]), 5), " ▁▄██");
    }

    #[test]
    fn every_interval_is_in_one_character() {
        assert_eq!(blocks(&row(&[8.0, 0.0, 8.0, 8.0, 0.0, 0.0, 4.0]), 3), "▄█▂");
        assert_eq!(blocks(&row(&[2.0, 4.0]), 2), "▂▄");
    }

    #[test]
    fn the_ruler_marks_the_migration_and_stays_inside() {
        assert_eq!(ruler((100.0, 200.0), 100.0, 9), " └┘ migration 100 ms");
        assert_eq!(ruler((0.0, 1.0), 100.0, 9), "↑ migration 1.00 ms");
        let wide = ruler((500.0, 3_400.0), 100.0, 40);
        assert_eq!(wide, "     └───── migration 2.90 s ─────┘");
    }
}
