//! When a difference between two sides counts.
//!
//! Four questions, in this order:
//!
//! 1. Is it a promise? Where one side kept zero in every run and the other did not, no statistics are needed.
//! 2. Does either side come to anything? Figures that stay below their floor in all runs are the same.
//! 3. Are there runs enough for the rank test? With three a side, or one against 38, not even runs that do not overlap
//!    give p < 0.05. Then only facts of the migration count, such as a lock's hold, and only if every
//!    run of the one side is beyond the threshold of every run of the other. Latencies never do: chance
//!    alone doubles a p99.
//! 4. Else a difference counts if the rank test finds it, and if it is greater than the floor, the noise
//!    and the threshold.
//!
//! A difference that does not count can mean two things. What matters is a fifth or the floor, whichever is greater.
//! "Same": a difference that matters would have been found, in four of five comparisons; none was, and what
//! was seen is less. "Cannot tell": a difference that matters may be there, because there are too few runs for
//! their spread to find it, or because as much was seen and p is not small enough. Then the figure says how many
//! runs a side it takes to find what matters, or what was seen if that is more. The spread is known from
//! few runs, so the number is a rough one.

use super::metrics::{Evidence, Rule};
use super::noise::{self, Calibration, NoiseSource};
use super::ranks;
use super::{Change, Spread, spread};

/// The ratio beyond which a fact counts where there are too few runs for statistics. Chance alone never takes an
/// index build that far.
const FEW_RUNS_THRESHOLD: f64 = 2.0;

/// A difference by this ratio is one that "same" rules out.
const MATTERS: f64 = 1.2;

/// What a comparison goes by, beside the reports.
#[derive(Clone, Copy, Debug, Default)]
pub struct Terms<'c> {
    /// A smaller ratio never counts. Without it 2 where there are too few runs for statistics, else 1.
    pub threshold: Option<f64>,
    /// The machine's own noise; without it the runs' own spread has to do.
    pub calibration: Option<&'c Calibration>,
}

/// What is found of one figure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Judgement {
    pub(super) change: Change,
    pub(super) p: Option<f64>,
    pub(super) noise: Option<f64>,
    pub(super) noise_source: Option<NoiseSource>,
    pub(super) runs_needed: Option<u64>,
}

impl From<Change> for Judgement {
    fn from(change: Change) -> Judgement {
        Judgement {
            change,
            p: None,
            noise: None,
            noise_source: None,
            runs_needed: None,
        }
    }
}

/// Both sides of a figure, each with at least one run.
pub(super) struct Pair<'a> {
    pub(super) rule: Rule,
    pub(super) base: &'a Spread,
    pub(super) head: &'a Spread,
    /// What the calibration knows of the spread; may be empty.
    pub(super) calibrated: Vec<f64>,
}

impl Pair<'_> {
    pub(super) fn judge(&self, threshold: Option<f64>) -> Judgement {
        let certain = self.certain();
        if self.rule.evidence == Evidence::Count {
            return certain.unwrap_or_else(|| self.apart(threshold)).into();
        }
        let p = (self.runs() > 1).then(|| ranks::p_value(&self.base.values, &self.head.values));
        let judged = match certain {
            Some(change) => change.into(),
            None if self.has_few_runs() => self.by_fact(threshold),
            None => self.by_ranks(threshold, p),
        };
        Judgement { p, ..judged }
    }

    /// What needs no statistics.
    fn certain(&self) -> Option<Change> {
        let (base, head) = (self.base, self.head);
        if base.max == 0.0 && head.max == 0.0 {
            return Some(Change::Same);
        }
        if self.rule.zero_is_a_promise && base.max == 0.0 {
            return Some(Change::Worse);
        }
        // A promise broken now and then may be kept by luck; one broken in most runs is not.
        if self.rule.zero_is_a_promise && head.max == 0.0 && base.median > 0.0 {
            return Some(Change::Better);
        }
        (base.max.max(head.max) <= self.rule.floor).then_some(Change::Same)
    }

    /// The runs of the side that has fewer.
    fn runs(&self) -> usize {
        self.base.values.len().min(self.head.values.len())
    }

    fn has_few_runs(&self) -> bool {
        ranks::p_min(self.base.values.len(), self.head.values.len()) >= ranks::ALPHA
    }

    fn by_fact(&self, threshold: Option<f64>) -> Judgement {
        let change = match self.rule.evidence {
            Evidence::Fact => self.apart(threshold),
            Evidence::Traffic | Evidence::Count => Change::Same,
        };
        if change != Change::Same {
            return change.into();
        }
        let matters = self.what_matters(threshold);
        Judgement {
            runs_needed: Some(self.runs_needed(self.shift().abs().max(matters))),
            ..Change::CannotTell.into()
        }
    }

    /// Whether every run of the one side is beyond threshold, floor and the known noise of every run of the other.
    fn apart(&self, threshold: Option<f64>) -> Change {
        let threshold = threshold.unwrap_or(FEW_RUNS_THRESHOLD);
        let least = self.rule.floor.max(self.calibrated_noise());
        let beyond = |less: &Spread, more: &Spread| {
            more.min > less.max * threshold && more.min - less.max > least
        };
        if beyond(self.base, self.head) {
            Change::Worse
        } else if beyond(self.head, self.base) {
            Change::Better
        } else {
            Change::Same
        }
    }

    fn by_ranks(&self, threshold: Option<f64>, p: Option<f64>) -> Judgement {
        let (noise, source) = self.noise();
        let shift = self.shift();
        let least = noise
            .max(self.rule.floor)
            .max(self.less() * (threshold.unwrap_or(1.0) - 1.0));
        let judged = Judgement {
            noise: Some(noise),
            noise_source: Some(source),
            ..Change::Same.into()
        };
        if shift.abs() > least && p.is_some_and(|p| p < ranks::ALPHA) {
            let change = if shift > 0.0 {
                Change::Worse
            } else {
                Change::Better
            };
            return Judgement { change, ..judged };
        }
        let matters = self.what_matters(threshold);
        let needed = self.runs_needed(shift.abs().max(matters));
        if self.runs() as u64 >= needed && noise.max(shift.abs()) <= matters {
            return judged;
        }
        Judgement {
            change: Change::CannotTell,
            runs_needed: Some(needed.max(self.runs() as u64 + 1)),
            ..judged
        }
    }

    fn shift(&self) -> f64 {
        spread::shift(&self.base.values, &self.head.values)
    }

    /// The difference that "same" rules out.
    fn what_matters(&self, threshold: Option<f64>) -> f64 {
        let ratio = threshold.unwrap_or(MATTERS).max(MATTERS);
        self.rule.floor.max(self.less() * (ratio - 1.0))
    }

    /// The smaller median, so that base against head is judged as head against base.
    fn less(&self) -> f64 {
        self.base.median.min(self.head.median)
    }

    /// The greater of the two that are known: a calibration may be of another scenario or of a quieter hour.
    fn noise(&self) -> (f64, NoiseSource) {
        let own = self.noise_of(&self.own_deviations());
        let calibrated = self.calibrated_noise();
        if calibrated > own {
            (calibrated, NoiseSource::Calibration)
        } else {
            (own, NoiseSource::OwnSpread)
        }
    }

    fn calibrated_noise(&self) -> f64 {
        self.noise_of(&self.calibrated)
    }

    fn noise_of(&self, deviations: &[f64]) -> f64 {
        noise::between_sides(deviations, self.base.values.len(), self.head.values.len())
    }

    /// A single run has no spread to add.
    fn own_deviations(&self) -> Vec<f64> {
        let sides = [self.base, self.head].into_iter();
        let several = sides.filter(|side| side.values.len() > 1);
        several.flat_map(Spread::deviations).collect()
    }

    fn runs_needed(&self, difference: f64) -> u64 {
        let own = self.own_deviations();
        let known = if own.is_empty() {
            &self.calibrated
        } else {
            &own
        };
        ranks::runs_needed(known, difference)
    }
}

#[cfg(test)]
mod tests;
