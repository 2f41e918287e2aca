//! `product`: names of things that a shop sells.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::stamp::End;
use super::words::longest;
use super::written::{Write, Written};
use super::{Make, Picker, Recipe};
use crate::seed::cells::Cells;
use crate::seed::context::Place;
use crate::seed::dice::Dice;
use crate::seed::words::{ADJECTIVES, MATERIALS, PRODUCTS};

/// `Foldable Oak Chair`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Product {}

impl Recipe for Product {
    fn build(&self, place: &Place<'_>) -> Result<Box<dyn Make>, String> {
        Ok(Box::new(Written(Products {
            picker: place.picker(count(), 0.0),
            end: End::new(place, None, ' ')?,
        })))
    }

    fn choices(&self, _: &Place<'_>, _: bool) -> Option<u64> {
        Some(count())
    }

    fn takes_number(&self) -> bool {
        true
    }
}

fn count() -> u64 {
    (ADJECTIVES.len() * MATERIALS.len() * PRODUCTS.len()) as u64
}

struct Products {
    picker: Picker,
    end: End,
}

impl Write for Products {
    fn write(&self, row: u64, dice: &mut Dice, out: &mut Cells) {
        let start = out.len();
        let n = self.picker.at(row, dice) as usize;
        let (n, product) = (n / PRODUCTS.len(), n % PRODUCTS.len());
        ADJECTIVES.put(n / MATERIALS.len(), out);
        out.push(' ');
        MATERIALS.put(n % MATERIALS.len(), out);
        out.push(' ');
        PRODUCTS.put(product, out);
        self.end.put(row, out, start);
    }

    fn chars(&self) -> usize {
        let chars = longest(&ADJECTIVES) + 1 + longest(&MATERIALS) + 1 + longest(&PRODUCTS);
        self.end.chars(chars)
    }
}
