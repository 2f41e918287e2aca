//! `price`: what something costs: cheap things are more common than dear ones.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::decimal::Decimals;
use super::{Make, Picker, Recipe};
use crate::seed::context::Place;
use crate::seed::dice::Dice;
use crate::seed::value::{Scratch, Shape, Value};

/// An amount from `min` to `max` with two digits after the point, its logarithm evenly spread;
/// most end in .99, .95, .50 or .00.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Price {
    pub min: f64,
    pub max: f64,
}

impl Recipe for Price {
    fn build(&self, place: &Place<'_>) -> Result<Box<dyn Make>, String> {
        let Price { min, max } = *self;
        if !(0.01..=1e12).contains(&min) || !(min..=1e12).contains(&max) {
            return Err(format!(
                "min = {min} and max = {max} must be at least 0.01, at most 1e12, and in order"
            ));
        }
        let (min_cents, max_cents) = super::decimal::bounds(min, max, 2)?;
        let picker = place.picker(max_cents.abs_diff(min_cents) + 1, 0.0);
        if let Picker::Index(_) = picker {
            return Ok(Box::new(Decimals {
                min: min_cents,
                max: max_cents,
                scale: 2,
                picker,
            }));
        }
        Ok(Box::new(Prices {
            min: min_cents,
            max: max_cents,
            ln_min: min.ln(),
            ln_max: max.ln(),
        }))
    }

    fn choices(&self, _: &Place<'_>, _: bool) -> Option<u64> {
        let (min, max) = super::decimal::bounds(self.min, self.max, 2).ok()?;
        Some(max.abs_diff(min) + 1)
    }
}

/// How prices end; the last stands for any ending.
const ENDINGS: [Option<i64>; 8] = [
    Some(99),
    Some(99),
    Some(99),
    Some(95),
    Some(50),
    Some(0),
    Some(0),
    None,
];

struct Prices {
    min: i64,
    max: i64,
    ln_min: f64,
    ln_max: f64,
}

impl Make for Prices {
    fn value<'a>(&'a self, _: u64, dice: &mut Dice, _: &'a mut Scratch) -> Value<'a> {
        let ln = self.ln_min + dice.unit() * (self.ln_max - self.ln_min);
        let cents = (ln.exp() * 100.0) as i64;
        let cents = dice
            .pick(&ENDINGS)
            .map_or(cents, |ending| cents / 100 * 100 + ending);
        Value::Decimal {
            unscaled: cents.clamp(self.min, self.max),
            scale: 2,
        }
    }

    fn shape(&self) -> Shape {
        Shape::Decimal {
            min: self.min,
            max: self.max,
            scale: 2,
        }
    }
}
