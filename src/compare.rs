//! Two reports side by side: what got worse, what got better, what cannot be told, and what makes them hard
//! to compare.

mod metrics;
mod judge;
mod ranks;
mod spread;
mod noise;
mod notes;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::postgres::Version;
use crate::report::{Outcome, Report};

use judge::{Judgement, Pair};
use metrics::Measured;

pub use judge::Terms;
pub use noise::{Calibration, CalibrationFacts, Figure, NoiseSource, fitting};
pub use ranks::RUNS_NEEDED_MAX;
pub use spread::{Interval, Spread};

/// The version of a comparison's shape. Grows by one when a reader of the old shape would be misled.
pub const SCHEMA_VERSION: u32 = 2;

/// Two reports and their figures in pairs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Comparison {
    pub schema_version: u32,
    pub tool_version: String,
    /// The ratio that was asked for: a smaller one never counts. Absent where none was: then it is 2 with
    /// too few runs for statistics, else 1.
    pub threshold: Option<f64>,
    /// The machine's own noise that was gone by; absent where only the spread of the runs was known.
    pub calibration: Option<CalibrationFacts>,
    pub base: Side,
    pub head: Side,
    /// What differs between the rehearsals beside what is compared.
    pub notes: Vec<String>,
    pub rows: Vec<Row>,
}

/// One of the two reports.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Side {
    pub scenario: String,
    pub title: String,
    pub outcome: Outcome,
    pub runs: usize,
    pub postgres: Vec<Version>,
    pub started_at: String,
}

/// One figure on both sides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Row {
    /// What the figure belongs to: "blocked queries", "ShareLock on public.orders".
    pub group: String,
    /// The figure: "writes", "hold", "p99".
    pub name: String,
    pub unit: Unit,
    /// Absent where this side has nothing of the kind.
    pub base: Option<Spread>,
    pub head: Option<Spread>,
    /// Median of head by median of base; absent if base is zero or either is absent.
    pub ratio: Option<f64>,
    pub change: Change,
    /// Two-sided p of the Mann-Whitney test: how often chance alone would set the sides as far apart.
    /// Absent with a single run on a side.
    pub p: Option<f64>,
    /// How far apart the sides lie, in 19 of 20 comparisons, when nothing has changed; in `unit`. Absent where it
    /// decides nothing.
    pub noise: Option<f64>,
    pub noise_source: Option<NoiseSource>,
    /// Where `change` is `cannot_tell`: about so many runs a side would tell. 1000 stands for more, too.
    pub runs_needed: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    Ms,
    Count,
    Bytes,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    Worse,
    Better,
    /// A difference that matters would have been found, or neither side comes to what matters.
    Same,
    /// There may be a difference that matters: with so few runs it would not be found.
    CannotTell,
    /// Only one side has it, and it harms nobody.
    OneSided,
}

impl Comparison {
    /// Compares two reports.
    pub fn of(base: &Report, head: &Report, terms: Terms<'_>) -> Comparison {
        Comparison {
            schema_version: SCHEMA_VERSION,
            tool_version: env!("CARGO_PKG_VERSION").to_owned(),
            threshold: terms.threshold,
            calibration: terms.calibration.map(Calibration::facts),
            base: Side::of(base),
            head: Side::of(head),
            notes: notes::of(base, head),
            rows: rows(base, head, terms),
        }
    }

    /// Whether there is anything to tell a difference by: both sides have a run.
    pub fn can_tell(&self) -> bool {
        self.base.runs > 0 && self.head.runs > 0
    }

    /// Whether any figure is worse.
    pub fn got_worse(&self) -> bool {
        self.count(Change::Worse) > 0
    }

    /// Figures with this change.
    pub fn count(&self, change: Change) -> usize {
        self.rows.iter().filter(|row| row.change == change).count()
    }
}

/// All figures; for each version of Postgres by itself if both sides have runs on the same versions. Figures of
/// several versions, taken together, would differ more from version to version than from side to side.
fn rows(base: &Report, head: &Report, terms: Terms<'_>) -> Vec<Row> {
    let versions = notes::versions(base);
    if versions.len() < 2 || versions != notes::versions(head) {
        let runs = [base.runs.len(), head.runs.len()];
        let measured = metrics::pairs(base, head).into_iter();
        return measured.map(|row| Row::of(row, runs, terms)).collect();
    }
    let mut all = Vec::new();
    for version in versions {
        let [base, head] = [base, head].map(|report| {
            let mut report = report.clone();
            report.runs.retain(|run| run.postgres == version);
            report
        });
        let of_version = rows(&base, &head, terms).into_iter();
        all.extend(of_version.map(|row| Row {
            group: format!("{}, PostgreSQL {version}", row.group),
            ..row
        }));
    }
    all
}

impl Row {
    fn of(measured: Measured, runs: [usize; 2], terms: Terms<'_>) -> Row {
        let judged = judged(&measured, runs, terms);
        let Measured {
            group,
            name,
            rule,
            base,
            head,
        } = measured;
        let ratio = match (&base, &head) {
            (Some(base), Some(head)) if base.median > 0.0 => Some(head.median / base.median),
            _ => None,
        };
        Row {
            group,
            name,
            unit: rule.unit,
            base,
            head,
            ratio,
            change: judged.change,
            p: judged.p,
            noise: judged.noise,
            noise_source: judged.noise_source,
            runs_needed: judged.runs_needed,
        }
    }
}

fn judged(row: &Measured, runs: [usize; 2], terms: Terms<'_>) -> Judgement {
    let Measured {
        rule, base, head, ..
    } = row;
    let one_sided = base.is_none() != head.is_none();
    if one_sided && !(rule.harms && rule.absent_is_zero) {
        return Change::OneSided.into();
    }
    if !rule.harms {
        return Change::Same.into();
    }
    let none = runs.map(|runs| Spread::of(std::iter::repeat_n(0.0, runs)));
    let (Some(base), Some(head)) = (
        base.as_ref().or(none[0].as_ref()),
        head.as_ref().or(none[1].as_ref()),
    ) else {
        return Change::OneSided.into();
    };
    let less = base.median.min(head.median);
    let known = |known: &Calibration| known.deviations(&row.group, &row.name, less);
    let pair = Pair {
        rule: *rule,
        base,
        head,
        calibrated: terms.calibration.map(known).unwrap_or_default(),
    };
    match pair.judge(terms.threshold) {
        told if matches!(told.change, Change::Worse | Change::Better) => told,
        _ if one_sided => Change::OneSided.into(),
        judged => judged,
    }
}

impl Side {
    fn of(report: &Report) -> Side {
        Side {
            scenario: report.scenario.name.clone(),
            title: report.scenario.title.clone(),
            outcome: report.outcome,
            runs: report.runs.len(),
            postgres: notes::versions(report),
            started_at: report.started_at.clone(),
        }
    }
}

/// The JSON Schema of a comparison.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(Comparison).to_value()
}

#[cfg(test)]
mod tests;
