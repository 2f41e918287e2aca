//! `decimal`: a number with a fixed number of digits after the point.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Make, Recipe};
use crate::seed::context::Place;
use crate::seed::dice::Dice;
use crate::seed::value::{Scratch, Shape, Value};

/// A number from `min` to `max`, all as likely, with `scale` digits after the point.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Decimal {
    pub min: f64,
    pub max: f64,
    #[serde(default = "two", skip_serializing_if = "is_two")]
    pub scale: u8,
}

fn two() -> u8 {
    2
}

fn is_two(scale: &u8) -> bool {
    *scale == 2
}

impl Recipe for Decimal {
    fn build(&self, _: &Place<'_>) -> Result<Box<dyn Make>, String> {
        let Decimal { min, max, scale } = *self;
        if scale > 9 {
            return Err(format!("scale = {scale} is above 9"));
        }
        if min > max {
            return Err(format!("min = {min} is above max = {max}"));
        }
        let unscaled = |value: f64| {
            let unscaled = (value * 10f64.powi(scale.into())).round();
            // Up to 2^53 a float holds every whole number.
            if unscaled.abs() < 9e15 {
                Ok(unscaled as i64)
            } else {
                Err(format!("{value} has too many digits"))
            }
        };
        Ok(Box::new(Decimals {
            min: unscaled(min)?,
            max: unscaled(max)?,
            scale,
        }))
    }
}

struct Decimals {
    min: i64,
    max: i64,
    scale: u8,
}

impl Make for Decimals {
    fn value<'a>(&'a self, _: u64, dice: &mut Dice, _: &'a mut Scratch) -> Value<'a> {
        let above = dice.below(self.max.abs_diff(self.min) + 1);
        Value::Decimal {
            unscaled: self.min.wrapping_add_unsigned(above),
            scale: self.scale,
        }
    }

    fn shape(&self) -> Shape {
        Shape::Decimal {
            min: self.min,
            max: self.max,
            scale: self.scale,
        }
    }
}
