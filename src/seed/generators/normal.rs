//! `normal`: numbers around a mean.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Make, Recipe};
use crate::seed::context::Place;
use crate::seed::dice::Dice;
use crate::seed::value::{Scratch, Shape, Value};

/// Bell-shaped around `mean`: whole numbers, or with `scale` digits after the point. What lies
/// outside `min` and `max` becomes the nearer of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Normal {
    pub mean: f64,
    /// The standard deviation.
    pub deviation: f64,
    pub min: f64,
    pub max: f64,
    /// Digits after the point.
    #[serde(default, skip_serializing_if = "super::is_default")]
    pub scale: u8,
}

impl Recipe for Normal {
    fn build(&self, _: &Place<'_>) -> Result<Box<dyn Make>, String> {
        let Normal {
            min, max, scale, ..
        } = *self;
        if !self.mean.is_finite() || !(0.0..1e15).contains(&self.deviation) {
            return Err(format!(
                "mean = {} and deviation = {} must be numbers, the deviation not below 0",
                self.mean, self.deviation
            ));
        }
        let (min, max) = super::decimal::bounds(min, max, scale)?;
        let one = 10f64.powi(scale.into());
        Ok(Box::new(Bell {
            mean: self.mean * one,
            deviation: self.deviation * one,
            min,
            max,
            scale,
        }))
    }
}

struct Bell {
    mean: f64,
    deviation: f64,
    min: i64,
    max: i64,
    scale: u8,
}

impl Make for Bell {
    fn value<'a>(&'a self, _: u64, dice: &mut Dice, _: &'a mut Scratch) -> Value<'a> {
        // The sum of twelve even numbers from 0 to 1 has mean 6 and deviation 1, and is all but normal.
        let mut sum = 0;
        for _ in 0..3 {
            let roll = dice.roll();
            sum += (roll & 0xffff) + (roll >> 16 & 0xffff) + (roll >> 32 & 0xffff) + (roll >> 48);
        }
        let normal = sum as f64 / 65_536.0 - 6.0;
        let unscaled = (self.mean + normal * self.deviation).round() as i64;
        let unscaled = unscaled.clamp(self.min, self.max);
        match self.scale {
            0 => Value::Int(unscaled),
            scale => Value::Decimal { unscaled, scale },
        }
    }

    fn shape(&self) -> Shape {
        let (min, max) = (self.min, self.max);
        match self.scale {
            0 => Shape::Int { min, max },
            scale => Shape::Decimal { min, max, scale },
        }
    }
}
