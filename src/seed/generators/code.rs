//! `code`: an article number, a voucher: unique texts that don't come in order.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Make, Recipe};
use crate::seed::context::Place;
use crate::seed::dice::Dice;
use crate::seed::value::{Scratch, Shape, Value};

/// `prefix` and eight letters and digits, another text for every row.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Code {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub prefix: String,
}

impl Recipe for Code {
    fn build(&self, place: &Place<'_>) -> Result<Box<dyn Make>, String> {
        Ok(Box::new(Codes {
            prefix: self.prefix.clone(),
            key: place.number().unwrap_or_else(|| place.key()),
        }))
    }

    fn is_injective(&self, _: &Place<'_>) -> bool {
        true
    }

    fn takes_number(&self) -> bool {
        true
    }
}

struct Codes {
    prefix: String,
    key: u64,
}

impl Make for Codes {
    fn value<'a>(&'a self, row: u64, _: &mut Dice, scratch: &'a mut Scratch) -> Value<'a> {
        let text = scratch.text();
        text.push_str(&self.prefix);
        Unique::new(row, self.key).push(text);
        Value::Text(text)
    }

    fn shape(&self) -> Shape {
        Shape::Text {
            chars: self.prefix.chars().count() + Unique::CHARS,
        }
    }
}

/// Eight letters and digits that no other row below 2^40 has.
///
/// Each step can be undone within 40 bits, so two rows never end at the same number.
struct Unique(u64);

impl Unique {
    const CHARS: usize = 8;
    const MASK: u64 = (1 << 40) - 1;

    fn new(row: u64, key: u64) -> Unique {
        let mut x = (row ^ key) & Unique::MASK;
        for _ in 0..2 {
            x ^= x >> 21;
            x = x.wrapping_mul(0xd1_342543de82ef95) & Unique::MASK;
        }
        Unique(x ^ (x >> 21))
    }

    fn push(&self, text: &mut String) {
        // 32 characters, five bits each, without those that are easily confused.
        const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
        for digit in (0..Unique::CHARS).rev() {
            text.push(DIGITS[(self.0 >> (5 * digit) & 31) as usize].into());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_two_rows_share_a_code() {
        let codes: HashSet<_> = (0..200_000).map(|row| Unique::new(row, 42).0).collect();
        assert_eq!(codes.len(), 200_000);
        assert_ne!(Unique::new(1, 42).0, Unique::new(1, 43).0);
    }
}
