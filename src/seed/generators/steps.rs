//! `steps`: numbers with the same step between any two rows.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Make, Recipe};
use crate::seed::context::Place;
use crate::seed::dice::Dice;
use crate::seed::value::{Scratch, Shape, Value};

/// `start`, `start + step`, `start + 2 step` …, each divided by 10 to the power of `scale`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Steps {
    pub start: i64,
    pub step: i64,
    #[serde(default)]
    pub scale: u8,
}

impl Recipe for Steps {
    fn build(&self, place: &Place<'_>) -> Result<Box<dyn Make>, String> {
        let Steps { start, step, scale } = *self;
        if step == 0 || scale > 18 {
            return Err(format!(
                "step = {step} must not be 0, and scale = {scale} at most 18"
            ));
        }
        let rows = place.rows().unwrap_or(1_000_000).max(1);
        let last = i64::try_from(rows - 1)
            .ok()
            .and_then(|last| last.checked_mul(step)?.checked_add(start))
            .ok_or_else(|| format!("step = {step} leads too far in {rows} rows"))?;
        Ok(Box::new(Numbers {
            spec: self.clone(),
            min: start.min(last),
            max: start.max(last),
        }))
    }

    fn is_injective(&self, _: &Place<'_>) -> bool {
        true
    }
}

struct Numbers {
    spec: Steps,
    min: i64,
    max: i64,
}

impl Make for Numbers {
    fn value<'a>(&'a self, row: u64, _: &mut Dice, _: &'a mut Scratch) -> Value<'a> {
        let steps = self.spec.step.wrapping_mul(row as i64);
        Value::Decimal {
            unscaled: self.spec.start.wrapping_add(steps),
            scale: self.spec.scale,
        }
    }

    fn shape(&self) -> Shape {
        Shape::Decimal {
            min: self.min,
            max: self.max,
            scale: self.spec.scale,
        }
    }
}
