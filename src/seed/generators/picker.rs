//! One of n things for each row.

use crate::seed::dice::Dice;
use crate::seed::skew::Skew;
use crate::seed::unique::Index;

/// Picks numbers below `n`.
#[derive(Clone, Debug)]
pub enum Picker {
    Chance {
        n: u64,
        skew: Option<Skew>,
    },
    /// As the table's unique sets want it.
    Index(Index),
}

impl Picker {
    /// By chance: skew 0 makes every number as likely, 1 is Zipf's law.
    pub fn chance(n: u64, skew: f64) -> Picker {
        let skew = (skew != 0.0).then(|| Skew::drawn_often(n, skew));
        Picker::Chance { n, skew }
    }

    #[inline]
    pub fn at(&self, row: u64, dice: &mut Dice) -> u64 {
        match self {
            Picker::Chance { n, skew: None } => dice.below(*n),
            Picker::Chance {
                skew: Some(skew), ..
            } => skew.rank(dice),
            Picker::Index(index) => index.at(row),
        }
    }
}
