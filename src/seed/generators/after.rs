//! `after`: a moment after another of the same row.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Generator, Make, Recipe};
use crate::seed::context::Place;
use crate::seed::dice::Dice;
use crate::seed::digits::SECOND_US;
use crate::seed::value::{Scratch, Shape, Value};

/// From `min_s` to `max_s` seconds after the moment in another column of the row; NULL where that is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct After {
    pub column: String,
    #[serde(default, skip_serializing_if = "super::is_default")]
    pub min_s: i64,
    pub max_s: i64,
}

impl Recipe for After {
    fn build(&self, place: &Place<'_>) -> Result<Box<dyn Make>, String> {
        let After { min_s, max_s, .. } = *self;
        if min_s > max_s {
            return Err(format!("min_s = {min_s} is above max_s = {max_s}"));
        }
        let other = place.sibling(&self.column)?;
        let shape = other.shape();
        let is_moment = |shape: &Shape| matches!(shape, Shape::Timestamp { .. } | Shape::Null);
        if !shape.alternatives().iter().all(is_moment) {
            return Err(format!(
                "column = {:?} holds no timestamps but {shape:?}",
                self.column
            ));
        }
        let (min_us, max_us) = min_s
            .checked_mul(SECOND_US)
            .zip(max_s.checked_mul(SECOND_US))
            .ok_or_else(|| format!("min_s = {min_s} or max_s = {max_s} is too large"))?;
        Ok(Box::new(Later {
            other,
            min_us,
            max_us,
        }))
    }
}

struct Later {
    other: Generator,
    min_us: i64,
    max_us: i64,
}

impl Make for Later {
    fn value<'a>(&'a self, row: u64, dice: &mut Dice, scratch: &'a mut Scratch) -> Value<'a> {
        match self.other.value(row, scratch) {
            Value::TimestampUs(us) => {
                // Whole seconds keep their seconds, and with them whole days.
                let seconds =
                    dice.below((self.max_us.abs_diff(self.min_us)) / SECOND_US as u64 + 1);
                let after = self.min_us + seconds as i64 * SECOND_US;
                Value::TimestampUs(us.saturating_add(after))
            }
            _ => Value::Null,
        }
    }

    fn shape(&self) -> Shape {
        let later = |shape: &Shape| match shape {
            Shape::Timestamp { min_us, max_us } => Shape::Timestamp {
                min_us: min_us.saturating_add(self.min_us),
                max_us: max_us.saturating_add(self.max_us),
            },
            other => other.clone(),
        };
        Shape::any(self.other.shape().alternatives().iter().map(later))
    }

    fn gives_null(&self) -> bool {
        self.other.gives_null()
    }
}
