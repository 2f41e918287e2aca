//! `float`: a number with a fraction, in binary.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Make, Recipe};
use crate::seed::context::Place;
use crate::seed::dice::Dice;
use crate::seed::value::{Scratch, Shape, Value};

/// A double from `min` to `max`, all as likely.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Float {
    pub min: f64,
    pub max: f64,
}

impl Recipe for Float {
    fn build(&self, _: &Place<'_>) -> Result<Box<dyn Make>, String> {
        let Float { min, max } = *self;
        if !min.is_finite() || !max.is_finite() || min > max {
            return Err(format!(
                "min = {min} is above max = {max}, or one is no number"
            ));
        }
        Ok(Box::new(Floats { min, max }))
    }
}

struct Floats {
    min: f64,
    max: f64,
}

impl Make for Floats {
    fn value<'a>(&'a self, _: u64, dice: &mut Dice, _: &'a mut Scratch) -> Value<'a> {
        let unit = dice.unit();
        // Not min + unit * (max - min), which may be too large for a double.
        Value::Float((self.min * (1.0 - unit) + self.max * unit).clamp(self.min, self.max))
    }

    fn shape(&self) -> Shape {
        Shape::Float {
            min: self.min,
            max: self.max,
        }
    }
}
