//! `int`: a whole number between two others, all as likely or the small ones more.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Make, Picker, Recipe};
use crate::seed::context::Place;
use crate::seed::dice::Dice;
use crate::seed::value::{Scratch, Shape, Value};

/// A whole number from `min` to `max`, both included.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Int {
    pub min: i64,
    pub max: i64,
    /// 0: every number is as likely; 1: Zipf's law, the smallest is the most likely.
    #[serde(default, skip_serializing_if = "super::is_default")]
    pub skew: f64,
}

impl Recipe for Int {
    fn build(&self, place: &Place<'_>) -> Result<Box<dyn Make>, String> {
        let Int { min, max, skew } = *self;
        if min > max {
            return Err(format!("min = {min} is above max = {max}"));
        }
        check_skew(skew)?;
        let n = max.abs_diff(min).saturating_add(1);
        let picker = place.picker(n, skew);
        Ok(Box::new(Ints { min, max, picker }))
    }

    fn choices(&self, _: &Place<'_>, _: bool) -> Option<u64> {
        Some(self.max.abs_diff(self.min).saturating_add(1))
    }
}

/// An exponent of popularity that means something.
pub(super) fn check_skew(skew: f64) -> Result<(), String> {
    if (0.0..=5.0).contains(&skew) {
        Ok(())
    } else {
        Err(format!(
            "skew = {skew} must be between 0 and 5; 1 is Zipf's law"
        ))
    }
}

struct Ints {
    min: i64,
    max: i64,
    picker: Picker,
}

impl Make for Ints {
    fn value<'a>(&'a self, row: u64, dice: &mut Dice, _: &'a mut Scratch) -> Value<'a> {
        Value::Int(self.min.wrapping_add_unsigned(self.picker.at(row, dice)))
    }

    fn shape(&self) -> Shape {
        Shape::Int {
            min: self.min,
            max: self.max,
        }
    }
}
