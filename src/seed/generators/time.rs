//! `time` and `interval`: the time of a day, and how long something takes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Make, Picker, Recipe};
use crate::seed::context::Place;
use crate::seed::dice::Dice;
use crate::seed::digits::SECOND_US;
use crate::seed::value::{Scratch, Shape, Value};

/// A time of day, to the second.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Time {}

/// A time from `min_s` to `max_s` seconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Interval {
    pub min_s: i64,
    pub max_s: i64,
}

const DAY_S: u64 = 86_400;

impl Recipe for Time {
    fn build(&self, place: &Place<'_>) -> Result<Box<dyn Make>, String> {
        Ok(Box::new(Times(place.picker(DAY_S, 0.0))))
    }

    fn choices(&self, _: &Place<'_>, _: bool) -> Option<u64> {
        Some(DAY_S)
    }
}

impl Recipe for Interval {
    fn build(&self, place: &Place<'_>) -> Result<Box<dyn Make>, String> {
        let Interval { min_s, max_s } = *self;
        if min_s > max_s {
            return Err(format!("min_s = {min_s} is above max_s = {max_s}"));
        }
        // Postgres takes 178 million years.
        const MOST_S: i64 = 1 << 42;
        if min_s < -MOST_S || max_s > MOST_S {
            return Err(format!(
                "min_s = {min_s} and max_s = {max_s} must be within {MOST_S}"
            ));
        }
        Ok(Box::new(Intervals {
            min_s,
            picker: place.picker(max_s.abs_diff(min_s) + 1, 0.0),
        }))
    }

    fn choices(&self, _: &Place<'_>, _: bool) -> Option<u64> {
        Some(self.max_s.abs_diff(self.min_s).saturating_add(1))
    }
}

struct Times(Picker);

impl Make for Times {
    fn value<'a>(&'a self, row: u64, dice: &mut Dice, _: &'a mut Scratch) -> Value<'a> {
        Value::TimeUs(self.0.at(row, dice) as i64 * SECOND_US)
    }

    fn shape(&self) -> Shape {
        Shape::Time
    }
}

struct Intervals {
    min_s: i64,
    picker: Picker,
}

impl Make for Intervals {
    fn value<'a>(&'a self, row: u64, dice: &mut Dice, _: &'a mut Scratch) -> Value<'a> {
        let seconds = self.min_s.wrapping_add_unsigned(self.picker.at(row, dice));
        Value::IntervalUs(seconds * SECOND_US)
    }

    fn shape(&self) -> Shape {
        Shape::Interval
    }
}
