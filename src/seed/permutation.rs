//! A keyed order of the numbers below n, without any memory: what makes values unique.

use super::dice::mix;

/// Gives every number below `n` another number below `n`.
///
/// Each step can be undone within so many bits, so no two numbers meet; a result that is not below
/// `n` goes through the steps again, until it is, which takes fewer than two rounds on average.
#[derive(Clone, Debug)]
pub(super) struct Permutation {
    n: u64,
    mask: u64,
    shift: u32,
    keys: [u64; 3],
}

impl Permutation {
    pub(super) fn new(n: u64, key: u64) -> Permutation {
        let bits = (64 - n.saturating_sub(1).leading_zeros()).max(2);
        let mask = u64::MAX >> (64 - bits);
        let key = |at| mix(key.wrapping_add(at)) & mask;
        Permutation {
            n: n.max(1),
            mask,
            shift: bits.div_ceil(2),
            keys: [key(1), key(2), key(3)],
        }
    }

    /// Where `i`, which must be below `n`, goes.
    #[inline]
    pub(super) fn at(&self, i: u64) -> u64 {
        let mut x = i;
        loop {
            for key in self.keys {
                x = (x ^ key).wrapping_mul(0xd134_2543_de82_ef95) & self.mask;
                x ^= x >> self.shift;
            }
            if x < self.n {
                return x;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_is_met_once() {
        for n in [1, 2, 3, 4, 5, 7, 10, 1_000, 1_024, 1_025, 100_003] {
            for key in [0, 42] {
                let permutation = Permutation::new(n, key);
                let mut met: Vec<_> = (0..n).map(|i| permutation.at(i)).collect();
                met.sort_unstable();
                assert!(met.into_iter().eq(0..n), "n = {n}");
            }
        }
    }

    #[test]
    fn neighbours_are_parted_and_keys_differ() {
        let permutation = Permutation::new(1_000_000, 42);
        let apart = |i: &u64| permutation.at(*i).abs_diff(permutation.at(i + 1)) > 10_000;
        assert!((0..1_000).filter(apart).count() > 900);
        let other = Permutation::new(1_000_000, 43);
        let same = (0..1_000).filter(|i| permutation.at(*i) == other.at(*i));
        assert!(same.count() < 10);
    }

    #[test]
    fn the_largest_numbers_have_room() {
        let permutation = Permutation::new(u64::MAX, 1);
        assert_ne!(permutation.at(0), permutation.at(1));
    }
}
