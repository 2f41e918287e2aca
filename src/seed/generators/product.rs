//! `product`: names of things that a shop sells.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::name::longest;
use super::{Make, Recipe};
use crate::seed::context::Place;
use crate::seed::dice::Dice;
use crate::seed::value::{Scratch, Shape, Value};
use crate::seed::words::{ADJECTIVES, MATERIALS, PRODUCTS};

/// `Foldable Oak Chair`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Product {}

impl Recipe for Product {
    fn build(&self, _: &Place<'_>) -> Result<Box<dyn Make>, String> {
        Ok(Box::new(Products))
    }
}

struct Products;

impl Make for Products {
    fn value<'a>(&'a self, _: u64, dice: &mut Dice, scratch: &'a mut Scratch) -> Value<'a> {
        let text = scratch.text();
        text.push_str(dice.word(ADJECTIVES));
        text.push(' ');
        text.push_str(dice.word(MATERIALS));
        text.push(' ');
        text.push_str(dice.word(PRODUCTS));
        Value::Text(text)
    }

    fn shape(&self) -> Shape {
        Shape::Text {
            chars: longest(ADJECTIVES) + 1 + longest(MATERIALS) + 1 + longest(PRODUCTS),
        }
    }
}
