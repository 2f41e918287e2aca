//! `product`: names of things that a shop sells.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::stamp::End;
use super::words::longest;
use super::{Make, Picker, Recipe};
use crate::seed::context::Place;
use crate::seed::dice::Dice;
use crate::seed::value::{Scratch, Shape, Value};
use crate::seed::words::{ADJECTIVES, MATERIALS, PRODUCTS};

/// `Foldable Oak Chair`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Product {}

impl Recipe for Product {
    fn build(&self, place: &Place<'_>) -> Result<Box<dyn Make>, String> {
        Ok(Box::new(Products {
            picker: place.picker(COUNT, 0.0),
            end: End::new(place, None, ' ')?,
        }))
    }

    fn choices(&self, _: &Place<'_>, _: bool) -> Option<u64> {
        Some(COUNT)
    }

    fn takes_number(&self) -> bool {
        true
    }
}

const COUNT: u64 = (ADJECTIVES.len() * MATERIALS.len() * PRODUCTS.len()) as u64;

struct Products {
    picker: Picker,
    end: End,
}

impl Make for Products {
    fn value<'a>(&'a self, row: u64, dice: &mut Dice, scratch: &'a mut Scratch) -> Value<'a> {
        let text = scratch.text();
        let n = self.picker.at(row, dice) as usize;
        let (n, product) = (n / PRODUCTS.len(), n % PRODUCTS.len());
        text.push_str(ADJECTIVES[n / MATERIALS.len()]);
        text.push(' ');
        text.push_str(MATERIALS[n % MATERIALS.len()]);
        text.push(' ');
        text.push_str(PRODUCTS[product]);
        self.end.put(row, text);
        Value::Text(text)
    }

    fn shape(&self) -> Shape {
        let chars = longest(ADJECTIVES) + 1 + longest(MATERIALS) + 1 + longest(PRODUCTS);
        Shape::Text {
            chars: self.end.chars(chars),
        }
    }
}
