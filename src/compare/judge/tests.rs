//! Rules on samples made up, and their error rates on thousands of samples drawn with fixed seeds.

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};

use super::*;
use crate::compare::Unit;

/// A hold of 100 ms and more: the floor of 10 ms is out of the way.
const HOLD: Rule = Rule {
    unit: Unit::Ms,
    floor: 10.0,
    zero_is_a_promise: false,
    harms: true,
    absent_is_zero: false,
    evidence: Evidence::Fact,
};

const LATENCY: Rule = Rule {
    evidence: Evidence::Traffic,
    ..HOLD
};

const PROMISE: Rule = Rule {
    zero_is_a_promise: true,
    unit: Unit::Count,
    ..HOLD
};

fn judged(rule: Rule, base: &[f64], head: &[f64], threshold: Option<f64>) -> Judgement {
    let [base, head] = [base, head].map(|values| Spread::of(values.iter().copied()).unwrap());
    let pair = Pair {
        rule,
        base: &base,
        head: &head,
        calibrated: Vec::new(),
    };
    pair.judge(threshold)
}

fn check(rule: Rule, base: &[f64], head: &[f64], change: Change) {
    let judged = judged(rule, base, head, None);
    assert_eq!(judged.change, change, "{base:?} {head:?}: {judged:?}");
    let needs = judged.runs_needed.is_some();
    assert_eq!(needs, change == Change::CannotTell, "{judged:?}");
}

#[test]
fn a_promise_that_is_broken_in_any_run_is_worse() {
    let kept = [0.0; 7];
    let broken_once = [0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0];
    check(PROMISE, &kept, &broken_once, Change::Worse);
    check(PROMISE, &[0.0], &[1.0], Change::Worse);
    check(PROMISE, &[1.0], &[0.0], Change::Better);
    check(PROMISE, &[0.0], &[0.0], Change::Same);
    // To have kept it may be luck where it was seldom broken before.
    check(PROMISE, &broken_once, &kept, Change::Same);
    check(PROMISE, &[9.0; 7], &kept, Change::Better);
}

#[test]
fn with_few_runs_only_facts_that_are_far_apart_count() {
    check(HOLD, &[100.0], &[250.0], Change::Worse);
    check(HOLD, &[250.0], &[100.0], Change::Better);
    check(HOLD, &[100.0], &[190.0], Change::CannotTell);
    check(HOLD, &[4.0], &[9.0], Change::Same);
    check(HOLD, &[4.0], &[13.0], Change::CannotTell);
    check(LATENCY, &[100.0], &[9_000.0], Change::CannotTell);
    // Each run of the one must be beyond each of the other.
    check(HOLD, &[100.0, 110.0], &[250.0, 240.0], Change::Worse);
    check(HOLD, &[100.0, 130.0], &[250.0, 240.0], Change::CannotTell);
    let asked_for = judged(HOLD, &[100.0], &[190.0], Some(1.5));
    assert_eq!(asked_for.change, Change::Worse);
}

#[test]
fn with_enough_runs_ranks_noise_floor_and_threshold_decide_together() {
    let base = [100.0, 101.0, 102.0, 103.0, 104.0, 105.0, 106.0];
    let plus = |ms: f64| base.map(|value| value + ms);
    check(HOLD, &base, &plus(20.0), Change::Worse);
    check(HOLD, &plus(20.0), &base, Change::Better);
    check(HOLD, &base, &base, Change::Same);
    // Found by the test, and below the floor.
    assert!(judged(HOLD, &base, &plus(9.0), None).p.unwrap() < 0.01);
    check(HOLD, &base, &plus(9.0), Change::Same);
    // Beyond the floor and below the threshold that was asked for.
    let below = judged(HOLD, &base, &plus(20.0), Some(1.3));
    assert_eq!(below.change, Change::Same);
    // Apart, and too wide for the test to be sure of it.
    let wide = [60.0, 80.0, 100.0, 120.0, 140.0, 160.0, 200.0];
    let other = wide.map(|value| value + 25.0);
    let unsure = judged(HOLD, &wide, &other, None);
    assert_eq!(unsure.change, Change::CannotTell);
    assert!(
        (8..100).contains(&unsure.runs_needed.unwrap()),
        "{unsure:?}"
    );
}

#[test]
fn a_calibration_that_is_noisier_than_the_runs_is_gone_by() {
    let of = |values: [f64; 7]| Spread::of(values).unwrap();
    let base = of([100.0, 101.0, 102.0, 103.0, 104.0, 105.0, 106.0]);
    let head = of([120.0, 121.0, 122.0, 123.0, 124.0, 125.0, 126.0]);
    let mut pair = Pair {
        rule: HOLD,
        base: &base,
        head: &head,
        calibrated: (-10..=10).map(|step| f64::from(step) * 0.1).collect(),
    };
    let quiet = pair.judge(None);
    assert_eq!(quiet.change, Change::Worse);
    assert_eq!(quiet.noise_source, Some(NoiseSource::OwnSpread));
    pair.calibrated = (-10..=10).map(|step| f64::from(step) * 10.0).collect();
    let noisy = pair.judge(None);
    assert_eq!(noisy.change, Change::CannotTell);
    assert_eq!(noisy.noise_source, Some(NoiseSource::Calibration));
}

/// Draws around 1,000: normal with a coefficient of variation, or with the long tail that latencies have.
struct Draws {
    random: SmallRng,
    variation: f64,
    long_tail: bool,
}

impl Draws {
    fn sample(&mut self, n: usize, factor: f64) -> Vec<f64> {
        (0..n).map(|_| 1_000.0 * factor * self.one()).collect()
    }

    fn one(&mut self) -> f64 {
        // Box and Muller.
        let (u, v): (f64, f64) = (self.random.random(), self.random.random());
        let normal = (-2.0 * (1.0 - u).ln()).sqrt() * (std::f64::consts::TAU * v).cos();
        match self.long_tail {
            true => (normal * self.variation).exp(),
            false => (1.0 + normal * self.variation).max(0.0),
        }
    }
}

/// How often comparisons of `n` runs a side, head being `factor` times base, end in each change.
fn shares(variation: f64, long_tail: bool, n: usize, factor: f64) -> impl Fn(Change) -> f64 {
    const COMPARISONS: usize = 200;
    let mut draws = Draws {
        random: SmallRng::seed_from_u64(7),
        variation,
        long_tail,
    };
    let changes: Vec<Change> = (0..COMPARISONS)
        .map(|_| {
            let (base, head) = (draws.sample(n, 1.0), draws.sample(n, factor));
            judged(HOLD, &base, &head, None).change
        })
        .collect();
    move |change| {
        let alike = changes.iter().filter(|one| **one == change).count();
        alike as f64 / COMPARISONS as f64
    }
}

#[test]
fn the_same_thing_is_called_different_in_at_most_one_of_twenty_figures() {
    let kinds = [(0.02, false), (0.09, false), (0.3, true), (0.8, true)];
    let called = kinds.map(|(variation, long_tail)| {
        [4, 7].map(|n| {
            let share = shares(variation, long_tail, n, 1.0);
            share(Change::Worse) + share(Change::Better)
        })
    });
    let mean = called.as_flattened().iter().sum::<f64>() / 8.0;
    assert!(mean <= 0.05, "{called:?}");
}

#[test]
fn a_fifth_more_is_found_in_seven_runs_a_side() {
    // CREATE INDEX varies by 9 % on a machine of two cores. The rank test by itself finds it in 89 of 100.
    let found = shares(0.09, false, 7, 1.2)(Change::Worse);
    assert!(found >= 0.85, "{found}");
    let quiet = shares(0.03, false, 7, 1.2)(Change::Worse);
    assert!(quiet >= 0.999, "{quiet}");
}

#[test]
fn same_is_said_where_there_is_power_and_seldom_where_there_is_a_difference() {
    let quiet = shares(0.03, false, 7, 1.0);
    assert!(quiet(Change::Same) >= 0.95, "{}", quiet(Change::Same));
    // Five times as noisy: seven runs would miss a fifth more often than not.
    let noisy = shares(0.3, true, 7, 1.0);
    assert!(noisy(Change::CannotTell) >= 0.9, "{}", noisy(Change::Same));
    for variation in [0.03, 0.09, 0.2, 0.4] {
        let missed = shares(variation, false, 7, 1.25)(Change::Same);
        assert!(missed <= 0.05, "{variation}: {missed}");
    }
}
