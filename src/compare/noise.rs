//! How far apart two sides lie when nothing has changed: from what a machine was seen to do, or else from
//! the spread of the runs that are compared.

use std::collections::BTreeSet;

use rand::SeedableRng;
use rand::rngs::SmallRng;
use rand::seq::SliceRandom;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::spread::shift;
use super::{Spread, Unit, metrics, notes};
use crate::provision::{OsCache, Provider};
use crate::report::Report;

/// The version of the file's shape. A calibration of another one is measured again.
const FORMAT: u32 = 1;

/// So often runs of the same thing are dealt to two sides at random.
const DEALS: usize = 400;

/// In so many deals of a hundred, the sides lie no further apart than the noise.
const PERCENTILE: usize = 95;

/// What one machine measures when nothing changes: a scenario that was run again and again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    pub calibration_format: u32,
    pub tool_version: String,
    /// When its first run started, RFC 3339 in UTC.
    pub measured_at: String,
    pub scenario: String,
    pub provider: Option<Provider>,
    /// Major version of the server.
    pub postgres: u16,
    #[serde(default)]
    pub os_cache: Option<OsCache>,
    pub cpus: u32,
    pub memory_bytes: u64,
    pub runs: usize,
    pub figures: Vec<Figure>,
}

/// One figure of all runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    pub group: String,
    pub name: String,
    pub unit: Unit,
    pub spread: Spread,
}

/// The calibration that a comparison went by.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CalibrationFacts {
    pub measured_at: String,
    pub scenario: String,
    pub runs: usize,
}

/// Where the noise of a figure is known from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NoiseSource {
    /// The spread of the runs that are compared.
    OwnSpread,
    /// `pgrehearse calibrate` on the same machine.
    Calibration,
}

impl Calibration {
    /// One for each major version of Postgres that the report has runs on.
    pub fn of(report: &Report) -> Vec<Calibration> {
        let majors: BTreeSet<u16> = report.runs.iter().map(|run| run.postgres.major()).collect();
        majors
            .into_iter()
            .map(|major| {
                let mut report = report.clone();
                report.runs.retain(|run| run.postgres.major() == major);
                Calibration {
                    calibration_format: FORMAT,
                    tool_version: report.tool_version.clone(),
                    measured_at: report.started_at.clone(),
                    scenario: report.scenario.name.clone(),
                    provider: report.environment.provider,
                    postgres: major,
                    os_cache: report.environment.os_cache,
                    cpus: report.environment.cpus,
                    memory_bytes: report.environment.memory_bytes,
                    runs: report.runs.len(),
                    figures: metrics::figures(&report),
                }
            })
            .collect()
    }

    /// Reads a calibration; `None` if it is of another shape.
    pub fn read(text: &str) -> Option<Calibration> {
        serde_json::from_str(text)
            .ok()
            .filter(|read: &Calibration| read.calibration_format == FORMAT)
    }

    pub(super) fn facts(&self) -> CalibrationFacts {
        CalibrationFacts {
            measured_at: self.measured_at.clone(),
            scenario: self.scenario.clone(),
            runs: self.runs,
        }
    }

    /// Whether the report comes from this machine and this kind of server.
    fn fits(&self, report: &Report) -> bool {
        let environment = &report.environment;
        let mut versions = report.runs.iter().map(|run| run.postgres.major());
        (self.provider, self.cpus) == (environment.provider, environment.cpus)
            && self.os_cache == environment.os_cache
            && notes::alike(self.memory_bytes, environment.memory_bytes)
            && versions.all(|major| major == self.postgres)
    }

    /// How the runs of a figure lay around their median, for a figure of another size; empty if it was not
    /// measured, or was zero.
    pub(super) fn deviations(&self, group: &str, name: &str, median: f64) -> Vec<f64> {
        let mut figures = self.figures.iter();
        let figure = figures.find(|figure| figure.group == group && figure.name == name);
        figure
            .filter(|figure| figure.spread.median > 0.0)
            .map_or(Vec::new(), |figure| {
                let scale = median / figure.spread.median;
                figure.spread.deviations().map(|d| d * scale).collect()
            })
    }
}

impl Figure {
    /// How far sides of so many runs each lie apart when nothing has changed, in 19 of 20 cases.
    pub fn noise(&self, runs: usize) -> f64 {
        let deviations: Vec<f64> = self.spread.deviations().collect();
        between_sides(&deviations, runs, runs)
    }
}

/// The calibration to compare two reports by: one that fits both, of the same scenario if there is one, and
/// then the latest.
pub fn fitting<'c>(
    known: &'c [Calibration],
    base: &Report,
    head: &Report,
) -> Option<&'c Calibration> {
    let same = |one: &Calibration| {
        one.scenario == head.scenario.name || one.scenario == base.scenario.name
    };
    let fitting = known.iter().filter(|one| one.fits(base) && one.fits(head));
    fitting.max_by_key(|one| (same(one), &one.measured_at))
}

/// How far `n` runs lie apart from `m` others when nothing has changed, in 19 of 20 cases: the runs are
/// dealt to two sides at random, again and again. With fewer runs than asked for the sides get as many as
/// there are, which makes the noise greater than it is, and not less.
pub(super) fn between_sides(deviations: &[f64], n: usize, m: usize) -> f64 {
    let known = deviations.len();
    if known < 2 {
        return 0.0;
    }
    let n = match n + m > known {
        true => (known * n / (n + m)).max(1),
        false => n,
    };
    let m = m.min(known - n);
    // The same reports must be judged alike each time.
    let mut random = SmallRng::seed_from_u64(0);
    let mut dealt = deviations.to_vec();
    let mut distances: Vec<f64> = (0..DEALS)
        .map(|_| {
            dealt.shuffle(&mut random);
            shift(&dealt[..n], &dealt[n..n + m]).abs()
        })
        .collect();
    distances.sort_by(f64::total_cmp);
    distances[DEALS * PERCENTILE / 100 - 1]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        Report::read(include_str!(
            "../../tests/fixtures/reports/create-index.json"
        ))
        .unwrap()
    }

    #[test]
    fn noise_shrinks_with_the_runs_and_is_the_same_each_time() {
        let deviations: Vec<f64> = (-20..=20).map(f64::from).collect();
        let [one, few, many] = [1, 5, 20].map(|n| between_sides(&deviations, n, n));
        assert!(one > few && few > many && many > 0.0, "{one} {few} {many}");
        assert_eq!(few, between_sides(&deviations, 5, 5));
        // More runs than are known of: as if there were only those.
        let halves = between_sides(&deviations, 500, 500);
        assert!(halves >= many * 0.8, "{halves} {many}");
        assert_eq!(between_sides(&[], 5, 5), 0.0);
    }

    #[test]
    fn a_calibration_is_for_its_machine_and_its_kind_of_server() {
        let report = report();
        let calibration = Calibration::of(&report).remove(0);
        let text = serde_json::to_string(&calibration).unwrap();
        assert_eq!(Calibration::read(&text), Some(calibration.clone()));
        let known = [calibration];
        assert!(fitting(&known, &report, &report).is_some());
        for edit in [
            (|report: &mut Report| report.environment.cpus += 1) as fn(&mut Report),
            |report| report.environment.memory_bytes /= 2,
            |report| report.environment.provider = None,
            |report| report.runs[1].postgres = crate::postgres::Version(170_005),
        ] {
            let mut other = report.clone();
            edit(&mut other);
            assert!(fitting(&known, &report, &other).is_none());
            assert!(fitting(&known, &other, &report).is_none());
        }
    }

    #[test]
    fn the_calibration_of_the_same_scenario_is_preferred_and_then_the_latest() {
        let report = report();
        let calibration = |scenario: &str, measured_at: &str| Calibration {
            scenario: scenario.to_owned(),
            measured_at: measured_at.to_owned(),
            ..Calibration::of(&report).remove(0)
        };
        let known = [
            calibration("create-index", "2026-01-01"),
            calibration("create-index", "2026-02-01"),
            calibration("lock-queue", "2026-03-01"),
        ];
        assert_eq!(fitting(&known, &report, &report), Some(&known[1]));
        assert_eq!(fitting(&known[2..], &report, &report), Some(&known[2]));
    }
}
