//! `label`: a text of its own for every row, as long as asked for.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::text::piece_of_prose;
use super::written::{Write, Written};
use super::{Make, Recipe};
use crate::seed::cells::Cells;
use crate::seed::context::Place;
use crate::seed::dice::Dice;
use crate::seed::skew::Scatter;

/// Between `min` and `max` characters, every length as likely: first some that are the row's alone, then prose.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Label {
    pub min: usize,
    pub max: usize,
}

/// Twice as many letters as in prose stand in the way of nobody.
const SIGNS: &[u8; 36] = b"etaoinshrdlucmfwypvbgkjqxz0123456789";
/// Without the digits, where there is room.
const LETTERS: u64 = 26;

impl Recipe for Label {
    fn build(&self, place: &Place<'_>) -> Result<Box<dyn Make>, String> {
        let Label { min, max } = *self;
        if min > max || max > super::text::LONGEST {
            return Err(format!(
                "min = {min} and max = {max} must be in order and at most {}",
                super::text::LONGEST
            ));
        }
        let rows = place.rows().unwrap_or(u64::from(u32::MAX)).max(1);
        let fits = |base: u64| {
            let needed = digits(rows, base);
            (needed <= max.max(1)).then_some((base, needed))
        };
        let found = fits(LETTERS).or_else(|| fits(SIGNS.len() as u64));
        let Some((base, own)) = found else {
            return Err(format!(
                "there are not {rows} different texts of at most max = {max} characters"
            ));
        };
        // Neighbours look different.
        let room = base.checked_pow(own as u32).unwrap_or(u64::MAX);
        Ok(Box::new(Written(Labels {
            min: min.max(own),
            max: max.max(own),
            base,
            own,
            scatter: Scatter::new(room, place.key()),
        })))
    }

    fn is_injective(&self, _: &Place<'_>) -> bool {
        true
    }
}

/// How many digits `rows` numbers need.
fn digits(rows: u64, base: u64) -> usize {
    let mut needed = 1;
    let mut room = base;
    while room < rows {
        room = room.saturating_mul(base);
        needed += 1;
    }
    needed
}

struct Labels {
    min: usize,
    max: usize,
    base: u64,
    /// Characters that are the row's alone.
    own: usize,
    scatter: Scatter,
}

impl Write for Labels {
    fn write(&self, row: u64, dice: &mut Dice, out: &mut Cells) {
        let mut number = self.scatter.row(row);
        for _ in 0..self.own {
            out.push(SIGNS[(number % self.base) as usize].into());
            number /= self.base;
        }
        let length = self.min + dice.below((self.max - self.min) as u64 + 1) as usize;
        if length > self.own {
            out.push_str(piece_of_prose(length - self.own, dice));
        }
    }

    fn chars(&self) -> usize {
        self.max
    }
}
