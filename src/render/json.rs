//! JSON: the report and the comparison as they are.

use serde::Serialize;

use super::Look;
use crate::compare::Comparison;
use crate::report::Report;

pub fn report(report: &Report, _: Look) -> String {
    pretty(report)
}

pub fn comparison(comparison: &Comparison, _: Look) -> String {
    pretty(comparison)
}

fn pretty(value: &impl Serialize) -> String {
    let mut text = serde_json::to_string_pretty(value)
        .expect("reports and comparisons have no map with keys that are not text");
    text.push('\n');
    text
}
