//! One figure over several runs.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How sure an interval is to hold the true median, at least.
const CONFIDENCE: f64 = 0.95;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Spread {
    pub median: f64,
    pub min: f64,
    pub max: f64,
    /// Where the true median lies; absent with fewer than six runs, which cannot tell with 95 %.
    pub interval: Option<Interval>,
    /// One value per run, in the order of the runs.
    pub values: Vec<f64>,
}

/// Bounds of the true median: two of the values themselves.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Interval {
    pub low: f64,
    pub high: f64,
    /// How often an interval made so holds the true median, 0.95 to 1.
    pub confidence: f64,
}

impl Spread {
    /// Of one value per run; `None` if there is none.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Spread> {
        let values: Vec<f64> = values.into_iter().collect();
        let mut sorted = values.clone();
        sorted.sort_by(f64::total_cmp);
        Some(Spread {
            median: middle(&sorted),
            min: *sorted.first()?,
            max: *sorted.last()?,
            interval: interval(&sorted),
            values,
        })
    }

    /// How far each run lies from the middle of all. A sample's own middle is nearer to its runs than the true
    /// one, on the average by √((n - 1) / n), which is made up for.
    pub(super) fn deviations(&self) -> impl Iterator<Item = f64> {
        let n = self.values.len() as f64;
        let factor = if n > 1.0 { (n / (n - 1.0)).sqrt() } else { 1.0 };
        self.values
            .iter()
            .map(move |value| (value - self.median) * factor)
    }
}

/// By how much one side is greater than the other: the median of the differences of each run of the one to each
/// of the other, after Hodges and Lehmann. It is what the rank test looks at, and moves less by
/// chance than the difference of two medians.
pub(super) fn shift(base: &[f64], head: &[f64]) -> f64 {
    let mut differences = Vec::with_capacity(base.len() * head.len());
    for head in head {
        differences.extend(base.iter().map(|base| head - base));
    }
    differences.sort_unstable_by(f64::total_cmp);
    middle(&differences)
}

/// The median of sorted values; 0 of none.
fn middle(sorted: &[f64]) -> f64 {
    let half = sorted.len() / 2;
    match sorted {
        [] => 0.0,
        _ if sorted.len().is_multiple_of(2) => f64::midpoint(sorted[half - 1], sorted[half]),
        _ => sorted[half],
    }
}

/// The narrowest pair of values, as far from the least as from the greatest, that holds the true median with
/// the confidence wanted: the number of runs below it is that of heads in as many throws of a coin.
fn interval(sorted: &[f64]) -> Option<Interval> {
    let n = sorted.len();
    let mut ways = 1.0;
    let mut outside = 0.0;
    let mut found = None;
    for cut in 0..n / 2 {
        outside += 2.0 * ways / 2f64.powi(i32::try_from(n).ok()?);
        if 1.0 - outside < CONFIDENCE {
            break;
        }
        found = Some(Interval {
            low: sorted[cut],
            high: sorted[n - 1 - cut],
            confidence: 1.0 - outside,
        });
        ways *= (n - cut) as f64 / (cut + 1) as f64;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: impl IntoIterator<Item = u32>) -> Spread {
        Spread::of(values.into_iter().map(f64::from)).unwrap()
    }

    #[test]
    fn the_median_of_an_even_number_lies_between() {
        assert_eq!(Spread::of([]), None);
        assert_eq!(of([7]).median, 7.0);
        let spread = of([9, 1, 3, 2]);
        assert_eq!((spread.median, spread.min, spread.max), (2.5, 1.0, 9.0));
        assert_eq!(spread.values, [9.0, 1.0, 3.0, 2.0], "as the runs came");
    }

    #[test]
    fn the_interval_is_made_of_order_statistics() {
        // Ranks from tables of the sign test: Conover, Practical Nonparametric Statistics, table A3.
        assert_eq!(of(1..=5).interval, None);
        for (n, low, confidence) in [
            (6, 1.0, 0.968_75),
            (7, 1.0, 0.984_375),
            (9, 2.0, 0.960_937_5),
            (20, 6.0, 0.958_610_5),
        ] {
            let interval = of(1..=n).interval.unwrap();
            let high = f64::from(n) + 1.0 - low;
            assert_eq!((interval.low, interval.high), (low, high), "{n}");
            assert!((interval.confidence - confidence).abs() < 1e-6, "{n}");
        }
    }

    #[test]
    fn the_shift_is_that_of_hodges_and_lehmann() {
        // The sixth and seventh of the twelve differences are -3.5 and -2.9.
        let shift = shift(&[2.0, 4.0, 9.0, 11.0], &[1.1, 3.3, 5.5]);
        assert!((shift + 3.2).abs() < 1e-9, "{shift}");
    }

    #[test]
    fn deviations_of_two_runs_are_as_wide_as_their_standard_deviation() {
        let squares: f64 = of([10, 12]).deviations().map(|d| d * d).sum();
        assert!((squares / 2.0 - 2.0).abs() < 1e-9, "{squares}");
    }
}
