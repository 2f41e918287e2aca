//! `sequence`: the row number, from `start` on.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Make, Recipe};
use crate::seed::context::Place;
use crate::seed::dice::Dice;
use crate::seed::value::{Scratch, Shape, Value};

/// Consecutive numbers: a primary key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Sequence {
    #[serde(skip_serializing_if = "is_one")]
    pub start: i64,
}

fn is_one(start: &i64) -> bool {
    *start == 1
}

impl Default for Sequence {
    fn default() -> Sequence {
        Sequence { start: 1 }
    }
}

impl Recipe for Sequence {
    fn build(&self, place: &Place<'_>) -> Result<Box<dyn Make>, String> {
        let rows = place.rows().unwrap_or(i64::MAX as u64 / 2);
        let max = i64::try_from(rows.saturating_sub(1))
            .ok()
            .and_then(|last| self.start.checked_add(last))
            .ok_or_else(|| format!("start = {} leaves no room for {rows} rows", self.start))?;
        Ok(Box::new(Numbers {
            start: self.start,
            max,
        }))
    }

    fn is_injective(&self, _: &Place<'_>) -> bool {
        true
    }
}

struct Numbers {
    start: i64,
    max: i64,
}

impl Make for Numbers {
    fn value<'a>(&'a self, row: u64, _: &mut Dice, _: &'a mut Scratch) -> Value<'a> {
        Value::Int(self.start.wrapping_add_unsigned(row))
    }

    fn shape(&self) -> Shape {
        Shape::Int {
            min: self.start,
            max: self.max,
        }
    }
}
