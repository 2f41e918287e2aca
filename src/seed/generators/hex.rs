//! `hex`: digests and tokens.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::written::{Write, Written};
use super::{Make, Recipe};
use crate::seed::cells::Cells;
use crate::seed::context::Place;
use crate::seed::dice::Dice;
use crate::seed::digits;
use crate::seed::permutation::Permutation;

/// So many hexadecimal digits, another text for every row if there are enough.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Hex {
    pub length: usize,
}

impl Recipe for Hex {
    fn build(&self, place: &Place<'_>) -> Result<Box<dyn Make>, String> {
        if !(1..=4_096).contains(&self.length) {
            return Err(format!("length = {} must be from 1 to 4096", self.length));
        }
        let order = self.is_injective(place).then(|| {
            let n = 16u64.checked_pow(self.length as u32).unwrap_or(u64::MAX);
            Permutation::new(n, place.number().unwrap_or_else(|| place.key()))
        });
        Ok(Box::new(Written(Hexes {
            length: self.length,
            order,
        })))
    }

    fn is_injective(&self, place: &Place<'_>) -> bool {
        let n = 16u64.checked_pow(self.length as u32).unwrap_or(u64::MAX);
        place.rows().is_some_and(|rows| rows <= n)
    }
}

struct Hexes {
    length: usize,
    /// Of the first digits, where there are enough of them for all rows.
    order: Option<Permutation>,
}

impl Write for Hexes {
    fn write(&self, row: u64, dice: &mut Dice, out: &mut Cells) {
        let first = match &self.order {
            Some(order) => order.at(row),
            None => dice.roll(),
        };
        let digits = digits::hex::<16>(first);
        out.push_str(&digits.as_str()[16 - self.length.min(16)..]);
        for at in (16..self.length).step_by(16) {
            let digits = digits::hex::<16>(dice.roll());
            out.push_str(&digits.as_str()[..(self.length - at).min(16)]);
        }
    }

    fn chars(&self) -> usize {
        self.length
    }
}
