//! `street`, `city`, `postcode`, `country`: the parts of an address.

use std::fmt::Write;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::name::{Words, longest};
use super::{Make, Recipe};
use crate::seed::context::Place;
use crate::seed::dice::Dice;
use crate::seed::skew::Skew;
use crate::seed::value::{Scratch, Shape, Value};
use crate::seed::words::{CITIES, COUNTRY_CODES, STREETS};

/// A number and a street: `118 Walker Avenue`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Street {}

/// A town.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct City {}

/// Five digits.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Postcode {}

/// A country's two letters, all countries as likely: a `choice` weighs a few.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Country {}

impl Recipe for Street {
    fn build(&self, _: &Place<'_>) -> Result<Box<dyn Make>, String> {
        Ok(Box::new(Streets {
            number: Skew::new(HOUSES, 0.6),
            streets: &STREETS,
        }))
    }
}

impl Recipe for City {
    fn build(&self, _: &Place<'_>) -> Result<Box<dyn Make>, String> {
        Ok(Box::new(Words(CITIES.as_slice())))
    }
}

impl Recipe for Postcode {
    fn build(&self, _: &Place<'_>) -> Result<Box<dyn Make>, String> {
        Ok(Box::new(Postcodes))
    }
}

impl Recipe for Country {
    fn build(&self, _: &Place<'_>) -> Result<Box<dyn Make>, String> {
        Ok(Box::new(Words(COUNTRY_CODES)))
    }
}

/// Houses of the longest street.
const HOUSES: u64 = 999;

struct Streets {
    number: Skew,
    streets: &'static [String],
}

impl Make for Streets {
    fn value<'a>(&'a self, _: u64, dice: &mut Dice, scratch: &'a mut Scratch) -> Value<'a> {
        let text = scratch.text();
        let _ = write!(text, "{} ", self.number.rank(dice) + 1);
        text.push_str(dice.word(self.streets));
        Value::Text(text)
    }

    fn shape(&self) -> Shape {
        Shape::Text {
            chars: "999 ".len() + longest(self.streets),
        }
    }
}

struct Postcodes;

impl Make for Postcodes {
    fn value<'a>(&'a self, _: u64, dice: &mut Dice, scratch: &'a mut Scratch) -> Value<'a> {
        let text = scratch.text();
        let _ = write!(text, "{:05}", 1_000 + dice.below(99_000));
        Value::Text(text)
    }

    fn shape(&self) -> Shape {
        Shape::Text { chars: 5 }
    }
}
