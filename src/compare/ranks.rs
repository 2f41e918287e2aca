//! The rank test of Mann and Whitney: whether the runs of one side tend to be greater than the other's. It
//! takes no figure to be distributed in any particular way, and one wild run cannot decide it.

/// A difference that chance alone would make less often than this is taken for one.
pub(super) const ALPHA: f64 = 0.05;

/// Up to so many runs on both sides together p is counted out, beyond it is approximated.
const EXACT_RUNS_MAX: usize = 50;

/// What `runs_needed` gives for that many and for any more.
pub const RUNS_NEEDED_MAX: u64 = 1_000;

/// Two-sided p: how often chance alone ranks two sides at least as unequally as these.
///
/// Counted over all ways to deal the runs to the two sides, with equal runs sharing their ranks, as R's
/// `coin::wilcox_test(distribution = "exact")` does; beyond 50 runs by the normal distribution with
/// corrections for ties and continuity, as R's `wilcox.test` and SciPy's `mannwhitneyu` do.
pub(super) fn p_value(a: &[f64], b: &[f64]) -> f64 {
    let all = || a.iter().chain(b);
    let equal = |value: f64| all().filter(|other| **other == value).count();
    let less = |value: f64| all().filter(|other| **other < value).count();
    // Twice the rank, because a rank that is shared may be half of a whole number.
    let ranks: Vec<usize> = all().map(|v| 2 * less(*v) + equal(*v) + 1).collect();
    if ranks.len() <= EXACT_RUNS_MAX {
        return exact(&ranks, a.len());
    }
    // The sum of t³ - t over groups of t equal runs, each run giving its share.
    let ties = all().map(|v| equal(*v).pow(2) as f64 - 1.0).sum();
    approximate(&ranks, a.len(), ties)
}

/// The least p that so many runs can give: if each run of one side is beyond each of the other.
pub(super) fn p_min(a: usize, b: usize) -> f64 {
    let ways = (1..=a).fold(1.0, |ways, k| ways * (b + k) as f64 / k as f64);
    f64::min(2.0 / ways, 1.0)
}

fn exact(ranks: &[usize], a: usize) -> f64 {
    let total: usize = ranks.iter().sum();
    // How many ways there are to take so many runs whose ranks have this sum.
    let mut ways = vec![vec![0.0; total + 1]; a + 1];
    ways[0][0] = 1.0;
    for rank in ranks {
        for taken in (0..a).rev() {
            let (fewer, more) = ways.split_at_mut(taken + 1);
            for sum in *rank..=total {
                more[0][sum] += fewer[taken][sum - rank];
            }
        }
    }
    let seen: usize = ranks[..a].iter().sum();
    let of_all: f64 = ways[a].iter().sum();
    let lower = ways[a][..=seen].iter().sum::<f64>() / of_all;
    let upper = ways[a][seen..].iter().sum::<f64>() / of_all;
    f64::min(2.0 * f64::min(lower, upper), 1.0)
}

fn approximate(ranks: &[usize], a: usize, ties: f64) -> f64 {
    let (n, m) = (a as f64, (ranks.len() - a) as f64);
    let all = n + m;
    let u = ranks[..a].iter().sum::<usize>() as f64 / 2.0 - n * (n + 1.0) / 2.0;
    let variance = n * m / 12.0 * (all + 1.0 - ties / (all * (all - 1.0)));
    if variance <= 0.0 {
        return 1.0;
    }
    let z = f64::max((u - n * m / 2.0).abs() - 0.5, 0.0) / variance.sqrt();
    complementary_error(z / std::f64::consts::SQRT_2)
}

/// `erfc` for 0 and above, to 1.5e-7: Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.26.
fn complementary_error(x: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.327_591_1 * x);
    let factors = [
        0.254_829_592,
        -0.284_496_736,
        1.421_413_741,
        -1.453_152_027,
        1.061_405_429,
    ];
    let sum = factors.iter().rev().fold(0.0, |sum, a| (sum + a) * t);
    sum * (-x * x).exp()
}

/// Runs a side with which the test finds, in four of five comparisons, that one side is greater by `shift`.
///
/// Noether (Sample size determination for some common nonparametric tests, JASA 82, 1987): for sides of the
/// same size (z(α/2) + z(β))² / (6 (P - ½)²), with P the chance that a run of the greater side is the
/// greater. P is taken from how runs deviated from the middle of their own side.
pub(super) fn runs_needed(deviations: &[f64], shift: f64) -> u64 {
    const Z_ALPHA_AND_BETA: f64 = 1.959_964 + 0.841_621;
    let mut greater = 0.0;
    for (at, one) in deviations.iter().enumerate() {
        let others = deviations.iter().enumerate().filter(|(i, _)| *i != at);
        greater += others
            .map(|(_, other)| match (one + shift).total_cmp(other) {
                std::cmp::Ordering::Greater => 1.0,
                std::cmp::Ordering::Equal => 0.5,
                std::cmp::Ordering::Less => 0.0,
            })
            .sum::<f64>();
    }
    let pairs = deviations.len() * deviations.len().saturating_sub(1);
    // With nothing known of the spread, as if there were none.
    let share = if pairs == 0 {
        1.0
    } else {
        greater / pairs as f64
    };
    let beyond_half = (share - 0.5).max(f64::EPSILON);
    let runs = (Z_ALPHA_AND_BETA / beyond_half).powi(2) / 6.0;
    runs.ceil().min(RUNS_NEEDED_MAX as f64) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(a: &[f64], b: &[f64], p: f64) {
        for found in [p_value(a, b), p_value(b, a)] {
            assert!((found - p).abs() < 2e-7, "{found}, not {p}: {a:?} {b:?}");
        }
    }

    #[test]
    fn p_is_that_of_r_and_scipy() {
        // Hollander and Wolfe 1973, p. 69, the example of R's `?wilcox.test` (one-sided there: 0.1272).
        check(
            &[0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46],
            &[1.15, 0.88, 0.90, 0.74, 1.21],
            0.254_412_254_412,
        );
        // The example of the documentation of SciPy's `mannwhitneyu`, method "exact".
        check(
            &[19.0, 22.0, 16.0, 29.0, 24.0],
            &[20.0, 11.0, 17.0, 12.0],
            0.111_111_111_111,
        );
        // SciPy 1.17.1: method "exact"; with ties PermutationMethod(n_resamples=inf), which counts all deals.
        check(
            &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0],
            &[4.5, 5.5, 8.0, 9.0, 10.0, 11.0, 12.0],
            0.011_072_261_072,
        );
        check(
            &[1.0, 1.0, 2.0, 3.0, 3.0],
            &[3.0, 4.0, 4.0, 5.0, 5.0, 6.0],
            0.012_987_012_987,
        );
    }

    #[test]
    fn many_runs_are_approximated_as_scipy_does() {
        // SciPy 1.17.1, method "asymptotic", without ties and with.
        let even: Vec<f64> = (0..30).map(|i| f64::from(2 * i)).collect();
        let odd: Vec<f64> = even.iter().map(|value| value + 7.0).collect();
        check(&even, &odd, 0.145_319_127_241);
        let a: Vec<f64> = (0..40).map(|i| f64::from(i % 7)).collect();
        let b: Vec<f64> = (0..30).map(|i| f64::from(i % 7 + i % 2)).collect();
        check(&a, &b, 0.391_637_872_413);
        check(&[1.0; 30], &[1.0; 30], 1.0);
    }

    #[test]
    fn three_runs_a_side_cannot_tell_and_four_can() {
        check(&[1.0, 2.0, 3.0], &[4.0, 5.0, 6.0], 0.1);
        assert_eq!((p_min(3, 3), p_min(4, 4)), (0.1, 2.0 / 70.0));
        assert_eq!(p_min(1, 1), 1.0);
    }

    #[test]
    fn the_runs_needed_grow_with_the_spread() {
        let spread = |width: f64| [-1.0, -0.5, 0.0, 0.0, 0.5, 1.0].map(|d| d * width);
        let [narrow, wide, hopeless] = [1.0, 20.0, 1e9].map(|w| runs_needed(&spread(w), 10.0));
        assert_eq!(narrow, 6, "the formula's least");
        assert!((7..100).contains(&wide), "{wide}");
        assert_eq!(hopeless, RUNS_NEEDED_MAX);
        assert_eq!(runs_needed(&[0.0], 1.0), narrow);
        // P = 0.76 for two normal distributions one deviation apart: 20 (Noether's own formula gives 19.4).
        let normal: Vec<f64> = (1..200).map(|i| quantile(f64::from(i) / 200.0)).collect();
        assert!((18..=21).contains(&runs_needed(&normal, 1.0)));
    }

    /// Of the standard normal distribution, by bisection.
    fn quantile(p: f64) -> f64 {
        let below = |z: f64| {
            let tail = complementary_error(f64::abs(z) / std::f64::consts::SQRT_2) / 2.0;
            if z < 0.0 { tail } else { 1.0 - tail }
        };
        let (mut low, mut high) = (-6.0, 6.0);
        for _ in 0..50 {
            let middle = f64::midpoint(low, high);
            if below(middle) < p {
                low = middle;
            } else {
                high = middle;
            }
        }
        low
    }
}
