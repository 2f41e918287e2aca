//! Popularity: which of n rows is picked, when a few are picked far more often than the rest.

use super::dice::{Dice, mix};

/// Picks ranks below `n`: rank 0 is the most popular.
#[derive(Clone, Debug)]
pub struct Skew {
    n: u64,
    exponent: f64,
    /// (n + 1)^(1 - exponent), or ln(n + 1) for an exponent of 1.
    span: f64,
    /// The law at so many places from 0 to 1, for one that is drawn from often.
    knots: Option<Box<[f64; KNOTS + 1]>>,
}

const KNOTS: usize = 256;

/// Between two knots of which one is hardly greater the law is as good as straight: beside it by less than
/// (ln 1.1)^2 / 8 * exponent, two thousandths for Zipf's law.
const STRAIGHT: f64 = 1.1;

impl Skew {
    /// 0 makes every rank as likely; 1 is Zipf's law, more than that steeper still.
    pub fn new(n: u64, exponent: f64) -> Skew {
        let ranks = n as f64 + 1.0;
        let span = if is_one(exponent) {
            ranks.ln()
        } else {
            ranks.powf(1.0 - exponent)
        };
        Skew {
            n,
            exponent,
            span,
            knots: None,
        }
    }

    /// The same, for a great many ranks: most of them are interpolated, which is many times as fast.
    pub fn drawn_often(n: u64, exponent: f64) -> Skew {
        let skew = Skew::new(n, exponent);
        let knots = std::array::from_fn(|at| skew.at(at as f64 / KNOTS as f64));
        Skew {
            knots: Some(Box::new(knots)),
            ..skew
        }
    }

    /// A rank. The law is drawn as its continuous form: the inverse of the integral of
    /// x^-exponent from 1 to n + 1, which needs no table whatever n is.
    #[inline]
    pub fn rank(&self, dice: &mut Dice) -> u64 {
        if self.exponent == 0.0 {
            return dice.below(self.n);
        }
        let unit = dice.unit();
        let x = match &self.knots {
            Some(knots) => self.between(knots, unit),
            None => self.at(unit),
        };
        (x as u64).clamp(1, self.n.max(1)) - 1
    }

    #[inline]
    fn between(&self, knots: &[f64; KNOTS + 1], unit: f64) -> f64 {
        let place = unit * KNOTS as f64;
        let below = (place as usize).min(KNOTS - 1);
        let (from, to) = (knots[below], knots[below + 1]);
        match to < from * STRAIGHT {
            true => from + (to - from) * (place - below as f64),
            false => self.at(unit),
        }
    }

    fn at(&self, unit: f64) -> f64 {
        match is_one(self.exponent) {
            true => (unit * self.span).exp(),
            false => (1.0 + unit * (self.span - 1.0)).powf(1.0 / (1.0 - self.exponent)),
        }
    }
}

fn is_one(exponent: f64) -> bool {
    (exponent - 1.0).abs() < 1e-9
}

/// Scatters ranks over the rows below `n`, each rank to a row of its own, so that popular rows
/// are not neighbours.
#[derive(Clone, Debug)]
pub struct Scatter {
    n: u64,
    factor: u64,
    offset: u64,
}

impl Scatter {
    pub fn new(n: u64, key: u64) -> Scatter {
        let n = n.max(1);
        let mut factor = mix(key) % n;
        while gcd(factor, n) != 1 {
            factor = (factor + 1) % n.max(2);
        }
        Scatter {
            n,
            factor,
            offset: mix(key ^ 1) % n,
        }
    }

    pub fn row(&self, rank: u64) -> u64 {
        // A division of 128 bits costs more than all else here, and few tables need it.
        if self.n <= u64::from(u32::MAX) {
            return (rank * self.factor + self.offset) % self.n;
        }
        let product = u128::from(rank) * u128::from(self.factor) + u128::from(self.offset);
        (product % u128::from(self.n)) as u64
    }
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zipf_halves_with_the_rank_and_zero_is_even() {
        let mut dice = Dice::new(1, 1);
        let mut share = |exponent: f64| {
            let skew = Skew::new(1_000, exponent);
            let picks = (0..100_000).filter(|_| skew.rank(&mut dice) < 10).count();
            picks as f64 / 100_000.0
        };
        assert!((0.009..0.011).contains(&share(0.0)));
        // ln(11) / ln(1001)
        assert!((0.33..0.36).contains(&share(1.0)));
        // (sqrt(11) - 1) / (sqrt(1001) - 1)
        assert!((0.073..0.078).contains(&share(0.5)));
        assert!(share(1.5) > share(1.0));
    }

    #[test]
    fn what_is_interpolated_is_the_law() {
        for n in [1, 7, 1_000, 5_000_000, 1 << 40] {
            for exponent in [0.3, 0.8, 1.0, 1.2, 2.5, 5.0] {
                let (exact, often) = (Skew::new(n, exponent), Skew::drawn_often(n, exponent));
                let knots = often.knots.as_ref().unwrap();
                for step in 0..=10_000 {
                    let unit = f64::from(step) / 10_001.0;
                    let (wanted, found) = (exact.at(unit), often.between(knots, unit));
                    let off = (found / wanted - 1.0).abs();
                    assert!(
                        off < 0.0015 * f64::max(exponent, 1.2),
                        "{n} {exponent} {unit}: {found} {wanted}"
                    );
                }
            }
        }
    }

    #[test]
    fn every_rank_is_below_n() {
        let mut dice = Dice::new(1, 1);
        for n in [1, 2, 7] {
            for exponent in [0.0, 0.7, 1.0, 1.3] {
                for skew in [Skew::new(n, exponent), Skew::drawn_often(n, exponent)] {
                    assert!((0..1_000).all(|_| skew.rank(&mut dice) < n));
                }
            }
        }
    }

    #[test]
    fn a_scatter_gives_every_row_once() {
        for n in [1, 2, 3, 10, 1_000, 1_024] {
            let scatter = Scatter::new(n, 42);
            let mut rows: Vec<_> = (0..n).map(|rank| scatter.row(rank)).collect();
            rows.sort_unstable();
            assert!(rows.into_iter().eq(0..n), "n = {n}");
        }
    }
}
