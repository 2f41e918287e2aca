//! `phone`: telephone numbers.

use std::fmt::Write;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Make, Recipe};
use crate::seed::context::Place;
use crate::seed::dice::Dice;
use crate::seed::value::{Scratch, Shape, Value};

/// `+49 30 5550 1234`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Phone {}

/// Codes of countries with many telephones.
const COUNTRIES: [u8; 10] = [1, 31, 33, 34, 39, 44, 46, 48, 49, 91];

impl Recipe for Phone {
    fn build(&self, _: &Place<'_>) -> Result<Box<dyn Make>, String> {
        Ok(Box::new(Phones))
    }
}

struct Phones;

impl Make for Phones {
    fn value<'a>(&'a self, _: u64, dice: &mut Dice, scratch: &'a mut Scratch) -> Value<'a> {
        let text = scratch.text();
        let country = dice.pick(&COUNTRIES);
        let digits = dice.below(10_000_000_000);
        let (area, number) = (10 + digits / 100_000_000 % 90, digits % 100_000_000);
        let _ = write!(
            text,
            "+{country} {area} {:04} {:04}",
            number / 10_000,
            number % 10_000
        );
        Value::Text(text)
    }

    fn shape(&self) -> Shape {
        Shape::Text { chars: 16 }
    }
}
