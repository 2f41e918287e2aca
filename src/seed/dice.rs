//! Randomness that a seed, a place and a row number determine, whoever asks and in whatever order.

use std::convert::Infallible;

use rand::TryRng;
use sha2::{Digest, Sha256};

const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// The key of a place, such as the column `orders.total`, under a seed.
pub fn key(seed: u64, place: &str) -> u64 {
    let digest = Sha256::new()
        .chain_update(seed.to_le_bytes())
        .chain_update(place)
        .finalize();
    u64::from_le_bytes(digest[..8].try_into().expect("a digest has 32 bytes"))
}

/// The finalizer of SplitMix64: every bit of `x` reaches every bit of the result, and no two
/// numbers share one.
#[inline]
pub fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// The random numbers of one cell: SplitMix64, started from the key of its column and its row.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    #[inline]
    pub fn new(key: u64, row: u64) -> Dice {
        Dice(mix(key ^ mix(row.wrapping_mul(GOLDEN))))
    }

    #[inline]
    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GOLDEN);
        mix(self.0)
    }

    /// A number below `n`; 0 for `n` 0. The bias, below n / 2^64, is nothing that a dataset shows.
    #[inline]
    pub fn below(&mut self, n: u64) -> u64 {
        let product = u128::from(self.roll()) * u128::from(n);
        u64::try_from(product >> 64).expect("the high half of 128 bits has 64")
    }

    /// A number from 0 up to, but without, 1.
    #[inline]
    pub fn unit(&mut self) -> f64 {
        (self.roll() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// One of `choices`, which must not be empty.
    #[inline]
    pub fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len() as u64) as usize]
    }

    /// One of `words`, which must not be empty.
    pub fn word<'a>(&mut self, words: &'a [impl AsRef<str>]) -> &'a str {
        self.pick(words).as_ref()
    }
}

/// Lets `rand` and `fake` draw from it.
impl TryRng for Dice {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok((self.roll() >> 32) as u32)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.roll())
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&self.roll().to_le_bytes()[..chunk.len()]);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_determined_by_seed_place_and_row() {
        let roll = |seed, place, row| Dice::new(key(seed, place), row).roll();
        assert_eq!(roll(42, "orders.id", 7), roll(42, "orders.id", 7));
        assert_ne!(roll(42, "orders.id", 7), roll(43, "orders.id", 7));
        assert_ne!(roll(42, "orders.id", 7), roll(42, "orders.is", 7));
        assert_ne!(roll(42, "orders.id", 7), roll(42, "orders.id", 8));
    }

    #[test]
    fn neighbouring_rows_are_spread_evenly() {
        let key = key(42, "orders.total");
        let mut hits = [0u32; 10];
        for row in 0..100_000 {
            hits[Dice::new(key, row).below(10) as usize] += 1;
        }
        assert!(hits.iter().all(|n| (9_700..10_300).contains(n)), "{hits:?}");
    }
}
