//! `timestamp`: moments between two others, in the order of the rows or in none.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Make, Recipe};
use crate::seed::context::Place;
use crate::seed::dice::Dice;
use crate::seed::value::{Scratch, Shape, Value};

/// A moment from `from` to `until`, written as `2024-01-01T00:00:00Z`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Timestamp {
    #[schemars(with = "String")]
    pub from: jiff::Timestamp,
    #[schemars(with = "String")]
    pub until: jiff::Timestamp,
    /// Later rows get later moments, as in a table that is only added to.
    #[serde(default, skip_serializing_if = "super::is_default")]
    pub increasing: bool,
}

impl Recipe for Timestamp {
    fn build(&self, place: &Place<'_>) -> Result<Box<dyn Make>, String> {
        if self.from > self.until {
            return Err(format!(
                "from = {} is after until = {}",
                self.from, self.until
            ));
        }
        let from_us = self.from.as_microsecond();
        let span_us = self.until.as_microsecond().abs_diff(from_us);
        let rows = match (self.increasing, place.rows()) {
            (false, _) => None,
            (true, Some(rows)) => Some(rows.max(1)),
            (true, None) => {
                return Err("increasing needs rows in order, and a parameter has none".to_owned());
            }
        };
        Ok(Box::new(Moments {
            from_us,
            span_us,
            rows,
        }))
    }
}

struct Moments {
    from_us: i64,
    span_us: u64,
    /// The rows that the moments are spread over in order.
    rows: Option<u64>,
}

impl Make for Moments {
    fn value<'a>(&'a self, row: u64, dice: &mut Dice, _: &'a mut Scratch) -> Value<'a> {
        let since_from_us = match self.rows {
            None => dice.below(self.span_us.saturating_add(1)),
            Some(rows) => {
                // Somewhere in the row's own share of the time.
                let share = |row: u64| {
                    (u128::from(row) * u128::from(self.span_us) / u128::from(rows)) as u64
                };
                let start = share(row);
                start + dice.below(share(row + 1) - start)
            }
        };
        Value::TimestampUs(self.from_us.saturating_add_unsigned(since_from_us))
    }

    fn shape(&self) -> Shape {
        Shape::Timestamp
    }
}
