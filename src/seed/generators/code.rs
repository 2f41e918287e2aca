//! `code`: an article number, a voucher: unique texts that don't come in order.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::stamp::push_digits;
use super::written::{Write, Written};
use super::{Make, Recipe};
use crate::seed::cells::Cells;
use crate::seed::context::Place;
use crate::seed::dice::Dice;
use crate::seed::permutation::Permutation;

/// `prefix` and eight letters and digits, another text for every row.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Code {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub prefix: String,
}

impl Recipe for Code {
    fn build(&self, place: &Place<'_>) -> Result<Box<dyn Make>, String> {
        let key = place.number().unwrap_or_else(|| place.key());
        Ok(Box::new(Written(Codes {
            prefix: self.prefix.clone(),
            order: Permutation::new(1 << (5 * CHARS), key),
        })))
    }

    fn is_injective(&self, _: &Place<'_>) -> bool {
        true
    }

    fn takes_number(&self) -> bool {
        true
    }
}

/// Enough for 2^40 rows.
const CHARS: usize = 8;

struct Codes {
    prefix: String,
    order: Permutation,
}

impl Write for Codes {
    fn write(&self, row: u64, _: &mut Dice, out: &mut Cells) {
        out.push_str(&self.prefix);
        push_digits(self.order.at(row), CHARS, out);
    }

    fn chars(&self) -> usize {
        self.prefix.chars().count() + CHARS
    }
}
