//! `bool`: true with a probability.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Make, Picker, Recipe};
use crate::seed::context::Place;
use crate::seed::dice::Dice;
use crate::seed::value::{Scratch, Shape, Value};

/// True in the fraction `true` of rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Bool {
    #[serde(rename = "true", default = "half", skip_serializing_if = "is_half")]
    pub true_fraction: f64,
}

fn half() -> f64 {
    0.5
}

fn is_half(fraction: &f64) -> bool {
    *fraction == half()
}

impl Recipe for Bool {
    fn build(&self, place: &Place<'_>) -> Result<Box<dyn Make>, String> {
        check_fraction("true", self.true_fraction)?;
        Ok(Box::new(Coin {
            true_fraction: self.true_fraction,
            picker: place.picker(2, 0.0),
        }))
    }

    fn choices(&self, _: &Place<'_>, _: bool) -> Option<u64> {
        Some(2)
    }
}

/// A fraction from 0 to 1.
pub(super) fn check_fraction(key: &str, fraction: f64) -> Result<(), String> {
    if (0.0..=1.0).contains(&fraction) {
        Ok(())
    } else {
        Err(format!("{key} = {fraction} must be between 0 and 1"))
    }
}

struct Coin {
    true_fraction: f64,
    picker: Picker,
}

impl Make for Coin {
    fn value<'a>(&'a self, row: u64, dice: &mut Dice, _: &'a mut Scratch) -> Value<'a> {
        Value::Bool(match &self.picker {
            Picker::Index(index) => index.at(row) == 1,
            Picker::Chance { .. } => dice.unit() < self.true_fraction,
        })
    }

    fn shape(&self) -> Shape {
        Shape::Bool
    }
}
