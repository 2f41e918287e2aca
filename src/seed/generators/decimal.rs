//! `decimal`: a number with a fixed number of digits after the point.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Make, Picker, Recipe};
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
    fn build(&self, place: &Place<'_>) -> Result<Box<dyn Make>, String> {
        let (min, max) = bounds(self.min, self.max, self.scale)?;
        Ok(Box::new(Decimals {
            min,
            max,
            scale: self.scale,
            picker: place.picker(max.abs_diff(min) + 1, 0.0),
        }))
    }

    fn choices(&self, _: &Place<'_>, _: bool) -> Option<u64> {
        let (min, max) = bounds(self.min, self.max, self.scale).ok()?;
        Some(max.abs_diff(min) + 1)
    }
}

/// Both ends without their point.
pub(super) fn bounds(min: f64, max: f64, scale: u8) -> Result<(i64, i64), String> {
    if scale > 15 {
        return Err(format!("scale = {scale} is above 15"));
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
            Err(format!("{value} has too many digits for scale = {scale}"))
        }
    };
    Ok((unscaled(min)?, unscaled(max)?))
}

pub(super) struct Decimals {
    pub(super) min: i64,
    pub(super) max: i64,
    pub(super) scale: u8,
    pub(super) picker: Picker,
}

impl Make for Decimals {
    fn value<'a>(&'a self, row: u64, dice: &mut Dice, _: &'a mut Scratch) -> Value<'a> {
        Value::Decimal {
            unscaled: self.min.wrapping_add_unsigned(self.picker.at(row, dice)),
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
