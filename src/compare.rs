//! Two reports side by side: what got worse, what got better, and what makes them hard to compare.

mod metrics;
mod notes;
mod spread;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::postgres::Version;
use crate::report::{Outcome, Report};

pub use spread::Spread;

/// The ratio beyond which a figure got worse, unless the user says otherwise. Chance alone takes one
/// p99 in twenty that far, and an index build never.
pub const DEFAULT_THRESHOLD: f64 = 2.0;

/// Two reports and their figures in pairs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Comparison {
    pub tool_version: String,
    /// A figure is worse if head is more than so many times base.
    pub threshold: f64,
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
    /// Within the threshold, or too small a difference to mean anything.
    Same,
    /// Only one side has it, and it harms nobody.
    OneSided,
}

impl Comparison {
    /// Compares two reports. Over several runs the medians count.
    pub fn of(base: &Report, head: &Report, threshold: f64) -> Comparison {
        Comparison {
            tool_version: env!("CARGO_PKG_VERSION").to_owned(),
            threshold,
            base: Side::of(base),
            head: Side::of(head),
            notes: notes::of(base, head),
            rows: metrics::rows(base, head, threshold),
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
mod tests {
    use super::*;
    use crate::report::{Phase, Run};

    fn fixture(text: &str) -> Report {
        Report::read(text).unwrap()
    }

    fn plain() -> Report {
        fixture(include_str!("../tests/fixtures/reports/create-index.json"))
    }

    fn concurrently() -> Report {
        fixture(include_str!(
            "../tests/fixtures/reports/create-index-concurrently.json"
        ))
    }

    fn change(comparison: &Comparison, group: &str, name: &str) -> Change {
        let found = comparison
            .rows
            .iter()
            .find(|row| row.group == group && row.name == name);
        found
            .unwrap_or_else(|| panic!("no {name} in {group}"))
            .change
    }

    /// The same report on both sides, but for an edit of each run of head.
    fn after(edit: impl Fn(&mut Run)) -> Comparison {
        let base = plain();
        let mut head = base.clone();
        head.runs.iter_mut().for_each(edit);
        Comparison::of(&base, &head, DEFAULT_THRESHOLD)
    }

    #[test]
    fn a_report_is_not_worse_than_itself() {
        let same = after(|_| {});
        assert!(!same.got_worse());
        assert_eq!(same.count(Change::Same), same.rows.len());
        assert_eq!(same.notes, Vec::<String>::new());
    }

    #[test]
    fn concurrently_blocks_nobody_but_lasts_longer() {
        let comparison = Comparison::of(&plain(), &concurrently(), DEFAULT_THRESHOLD);
        assert_eq!(
            change(&comparison, "blocked queries", "writes"),
            Change::Better
        );
        assert_eq!(
            change(&comparison, "ShareLock on public.orders", "hold"),
            Change::Better
        );
        assert_eq!(
            change(
                &comparison,
                "ShareUpdateExclusiveLock on public.orders",
                "hold"
            ),
            Change::OneSided
        );
        assert_eq!(change(&comparison, "migration", "up.sql"), Change::Worse);
        assert!(comparison.notes[0].contains("create-index-concurrently"));
    }

    #[test]
    fn a_lock_that_is_new_and_blocks_is_worse() {
        let comparison = Comparison::of(&concurrently(), &plain(), DEFAULT_THRESHOLD);
        assert_eq!(
            change(&comparison, "ShareLock on public.orders", "hold"),
            Change::Worse
        );
        assert_eq!(
            change(&comparison, "blocked queries", "writes"),
            Change::Worse
        );
        assert_eq!(
            change(&comparison, "blocked queries", "reads"),
            Change::Same
        );
    }

    #[test]
    fn one_blocked_query_where_there_was_none_is_worse() {
        let comparison = after(|run| run.blocked.reads = 1);
        assert_eq!(
            change(&comparison, "blocked queries", "reads"),
            Change::Worse
        );
    }

    #[test]
    fn a_difference_below_the_floor_is_noise() {
        // Both grow more than the threshold allows; only the second by more than its floor.
        let factor = |factor: f64| {
            after(move |run| {
                for total in &mut run.traffic_totals {
                    if total.phase == Phase::Migration {
                        let latency = total.figures.latency_ms.as_mut().unwrap();
                        latency.p50 *= factor;
                    }
                }
            })
        };
        let read_p50 = |comparison| change(&comparison, "reads", "p50");
        assert_eq!(read_p50(factor(2.5)), Change::Same);
        assert_eq!(read_p50(factor(100.0)), Change::Worse);
    }

    #[test]
    fn a_run_that_no_longer_completes_or_recovers_is_worse() {
        let failed = after(|run| run.outcome = Outcome::MigrationFailed);
        assert_eq!(
            change(&failed, "outcome", "runs not completed"),
            Change::Worse
        );
        let lost = after(|run| run.recovery_ms = None);
        assert_eq!(
            change(&lost, "outcome", "runs not recovered"),
            Change::Worse
        );
    }

    #[test]
    fn what_was_not_measured_is_neither_better_nor_worse() {
        let unknown = after(|run| {
            run.recovery_ms = None;
            run.steps[0].statements[0].wal_bytes = None;
        });
        assert_eq!(change(&unknown, "migration", "WAL"), Change::OneSided);
        assert_eq!(change(&unknown, "migration", "recovery"), Change::OneSided);

        let mut without_runs = plain();
        without_runs.runs.clear();
        let blind = Comparison::of(&without_runs, &plain(), DEFAULT_THRESHOLD);
        assert!(!blind.can_tell());
        assert_eq!(blind.count(Change::Worse), 0);
        let blind = Comparison::of(&plain(), &without_runs, DEFAULT_THRESHOLD);
        assert!(
            blind.got_worse(),
            "a head that measured nothing must not pass"
        );
    }

    #[test]
    fn what_else_differs_is_noted() {
        let base = plain();
        let mut head = plain();
        head.scenario.hash = "other".to_owned();
        head.dataset
            .rows
            .insert("public.orders".to_owned(), 5_000_000);
        head.environment.cpus = 16;
        head.runs[0].postgres = Version(170_005);
        let notes = Comparison::of(&base, &head, DEFAULT_THRESHOLD)
            .notes
            .join("\n");
        for part in [
            "create-index has changed",
            "orders 1,000,000 against 5,000,000",
            "2 against 16",
            "17.5",
        ] {
            assert!(notes.contains(part), "{part} is not in:\n{notes}");
        }
    }
}
