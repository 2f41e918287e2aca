//! Children of parents: how many each parent has, and whose child a row is.

use rand::seq::SliceRandom;

use super::dice::{Dice, mix};

/// So many parents in a row have a fixed number of children together, whichever has which.
const BLOCK: u64 = 1_024;

/// The children of all parents, in the order of the parents.
///
/// Every block of parents goes through the same numbers of children, each block from another
/// point on. So any child's parent is found without the ones before it, and no table grows with
/// the rows.
#[derive(Clone, Debug)]
pub struct Fan {
    key: u64,
    min: u32,
    /// Children of the first i parents of a block that starts at point 0, twice around.
    before: Vec<u64>,
}

impl Fan {
    /// Between `min` and `max` children per parent, fewer being more likely, `mean` on average.
    pub fn new(min: u32, max: u32, mean: f64, key: u64) -> Fan {
        let mut counts = counts(min, max, mean);
        counts.shuffle(&mut Dice::new(key, 0));
        let mut before = vec![0];
        for count in counts.iter().chain(&counts) {
            before.push(before.last().expect("it starts with 0") + u64::from(*count));
        }
        Fan { key, min, before }
    }

    /// Children of the first `parents` parents.
    pub fn children(&self, parents: u64) -> u64 {
        let (block, rest) = (parents / BLOCK, parents % BLOCK);
        let start = self.start(block);
        block * self.per_block() + self.before[start + rest as usize] - self.before[start]
    }

    /// The parent of a child, and the child's place among its siblings, both from 0.
    pub fn parent(&self, child: u64) -> (u64, u64) {
        let (block, rest) = (child / self.per_block(), child % self.per_block());
        let start = self.start(block);
        let place = rest + self.before[start];
        let parent = self.before.partition_point(|before| *before <= place) - 1;
        (
            block * BLOCK + (parent - start) as u64,
            place - self.before[parent],
        )
    }

    /// Whether a parent may have no child at all.
    pub fn may_be_childless(&self) -> bool {
        self.min == 0
    }

    fn per_block(&self) -> u64 {
        self.before[BLOCK as usize]
    }

    fn start(&self, block: u64) -> usize {
        (mix(self.key ^ mix(block + 1)) % BLOCK) as usize
    }
}

/// The numbers of children in a block: a geometric distribution cut to `min..=max`, with the
/// ratio that gives the mean, at its evenly spaced quantiles.
fn counts(min: u32, max: u32, mean: f64) -> Vec<u32> {
    let (mut low, mut high) = (1e-6, 1e6);
    for _ in 0..200 {
        let ratio = f64::sqrt(low * high);
        if mean_of(&weights(min, max, ratio), min) < mean {
            low = ratio;
        } else {
            high = ratio;
        }
    }
    let weights = weights(min, max, low);
    let mut counts = Vec::with_capacity(BLOCK as usize);
    let (mut count, mut reached) = (0, weights[0]);
    for i in 0..BLOCK {
        let quantile = (i as f64 + 0.5) / BLOCK as f64;
        while quantile > reached && count + 1 < weights.len() {
            count += 1;
            reached += weights[count];
        }
        counts.push(min + count as u32);
    }
    counts
}

/// The probability of each number from `min` to `max`, each `ratio` times the one before it.
fn weights(min: u32, max: u32, ratio: f64) -> Vec<f64> {
    // Counted from the larger end, so that no power overflows.
    let len = max - min + 1;
    let power = |i: u32| match ratio > 1.0 {
        true => ratio.powf(f64::from(i) - f64::from(len - 1)),
        false => ratio.powf(f64::from(i)),
    };
    let sum: f64 = (0..len).map(power).sum();
    (0..len).map(|i| power(i) / sum).collect()
}

fn mean_of(weights: &[f64], min: u32) -> f64 {
    let above: f64 = weights
        .iter()
        .zip(0u32..)
        .map(|(w, i)| w * f64::from(i))
        .sum();
    f64::from(min) + above
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_child_has_its_parent_and_its_place() {
        let fan = Fan::new(0, 8, 2.2, 42);
        let mut child = 0;
        for parent in 0..5_000 {
            let siblings = fan.children(parent + 1) - fan.children(parent);
            for place in 0..siblings {
                assert_eq!(fan.parent(child), (parent, place), "child {child}");
                child += 1;
            }
        }
        assert_eq!(child, fan.children(5_000));
    }

    #[test]
    fn the_mean_and_the_limits_are_kept() {
        for mean in [1.0, 2.2, 4.5, 7.9] {
            let fan = Fan::new(1, 8, mean, 7);
            let found = fan.children(100_000) as f64 / 100_000.0;
            assert!((found - mean).abs() < 0.02, "{found} for {mean}");
        }
        let fan = Fan::new(1, 8, 2.2, 7);
        let counts: BTreeSet<_> = (0..2_000)
            .map(|parent| fan.children(parent + 1) - fan.children(parent))
            .collect();
        assert!(counts.into_iter().eq(1..=8));
    }
}
