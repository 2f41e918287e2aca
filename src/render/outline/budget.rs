//! The budget: each limit, what was measured, and whether it was kept.

use super::{Block, Cell, Column, Row, Section, Tone};
use crate::report::{Check, Verdict};
use crate::units;

/// So many broken limits are named in the headline.
const BROKEN_NAMED: usize = 2;

/// The verdict in words, for the headline.
pub(super) fn sentence(verdict: &Verdict) -> String {
    let broken: Vec<&Check> = verdict
        .checks
        .iter()
        .filter(|check| !check.passed)
        .collect();
    let limits = |n: usize| units::counted(n as u64, "limit", "limits");
    if broken.is_empty() {
        return match verdict.checks.len() {
            1 => "the one limit of its budget is kept".to_owned(),
            n => format!("all {} of its budget are kept", limits(n)),
        };
    }
    let mut named: Vec<String> = broken
        .iter()
        .take(BROKEN_NAMED)
        .map(|check| match check.measured {
            Some(measured) => format!(
                "{} {} > {}",
                check.name,
                amount(measured, &check.unit),
                amount(check.limit, &check.unit)
            ),
            None => format!("{} was not measured", check.name),
        })
        .collect();
    if broken.len() > BROKEN_NAMED {
        named.push(format!("{} more", limits(broken.len() - BROKEN_NAMED)));
    }
    named.join("; ")
}

pub(super) fn section(verdict: &Verdict) -> Option<Section> {
    if verdict.checks.is_empty() {
        return None;
    }
    let rows = verdict.checks.iter().map(|check| {
        let (word, tone) = match check {
            Check { passed: true, .. } => ("ok", Tone::Good),
            Check { measured: None, .. } => ("NOT MEASURED", Tone::Bad),
            Check { unit, .. } if unit == "runs" => ("TOO FEW", Tone::Bad),
            _ => ("OVER", Tone::Bad),
        };
        let measured = check.measured.map(|measured| amount(measured, &check.unit));
        Row::Cells(vec![
            Cell::plain(&check.name),
            Cell::plain(amount(check.limit, &check.unit)),
            Cell::plain(measured.unwrap_or(units::NONE.to_owned())),
            Cell::new(word, tone),
        ])
    });
    let columns = vec![
        Column::words("budget"),
        Column::figure("limit"),
        Column::figure("measured"),
        Column::word(""),
    ];
    let table = Block::table(columns, rows.collect());
    Some(Section::new("Budget", vec![table]))
}

fn amount(number: f64, unit: &str) -> String {
    match unit {
        "ms" => units::duration(number),
        "bytes" => units::bytes(number as u64),
        "ratio" => units::ratio(number),
        "runs" => units::counted(number as u64, "run", "runs"),
        _ => units::count(number as u64),
    }
}
