//! `timestamp`: moments between two others, in the order of the rows or in none.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Make, Picker, Recipe};
use crate::seed::context::Place;
use crate::seed::dice::Dice;
use crate::seed::digits::{DAY_US, SECOND_US};
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
    /// It is a day that counts, as in a date: where values must differ, their days do.
    #[serde(default, skip_serializing_if = "super::is_default")]
    pub days: bool,
}

impl Recipe for Timestamp {
    fn build(&self, place: &Place<'_>) -> Result<Box<dyn Make>, String> {
        if self.from > self.until {
            return Err(format!(
                "from = {} is after until = {}",
                self.from, self.until
            ));
        }
        let picker = place.picker(0, 0.0);
        let order = match (&picker, self.increasing, place.rows()) {
            (Picker::Index(index), ..) => {
                // As coarse as the set of columns allows.
                let is_days = self.days || index.count() <= self.day_count();
                let step_us = if is_days { DAY_US } else { SECOND_US };
                Order::Steps { picker, step_us }
            }
            (_, false, _) => Order::None,
            (_, true, Some(rows)) => Order::Rows(Shares::new(self.span_us(), rows)),
            (_, true, None) => {
                return Err("increasing needs rows in order, and a parameter has none".to_owned());
            }
        };
        Ok(Box::new(Moments {
            from_us: self.from.as_microsecond(),
            until_us: self.until.as_microsecond(),
            span_us: self.span_us(),
            order,
        }))
    }

    fn is_injective(&self, place: &Place<'_>) -> bool {
        // With a day for each row it may be a date, and two rows may fall on one.
        let rows = place.rows().unwrap_or(0);
        !self.days && self.increasing && rows > self.day_count() && rows <= self.span_us()
    }

    fn choices(&self, _: &Place<'_>, fine: bool) -> Option<u64> {
        let seconds = self.span_us() / SECOND_US as u64 + 1;
        Some(if fine && !self.days {
            seconds
        } else {
            self.day_count()
        })
    }
}

impl Timestamp {
    fn span_us(&self) -> u64 {
        let (from, until) = (self.from.as_microsecond(), self.until.as_microsecond());
        if from > until {
            0
        } else {
            until.abs_diff(from)
        }
    }

    /// Days of which each begins in the time.
    fn day_count(&self) -> u64 {
        self.span_us() / DAY_US as u64 + 1
    }
}

struct Moments {
    from_us: i64,
    until_us: i64,
    span_us: u64,
    order: Order,
}

enum Order {
    None,
    /// Spread over the rows in order.
    Rows(Shares),
    /// So many steps after the beginning.
    Steps {
        picker: Picker,
        step_us: i64,
    },
}

impl Make for Moments {
    fn value<'a>(&'a self, row: u64, dice: &mut Dice, _: &'a mut Scratch) -> Value<'a> {
        let since_from_us = match &self.order {
            Order::None => dice.below(self.span_us.saturating_add(1)),
            Order::Rows(shares) => {
                // Somewhere in the row's own share of the time.
                let start = shares.start(row);
                start + dice.below(shares.start(row + 1) - start)
            }
            Order::Steps { picker, step_us } => picker.at(row, dice) * *step_us as u64,
        };
        Value::TimestampUs(self.from_us.saturating_add_unsigned(since_from_us))
    }

    fn shape(&self) -> Shape {
        Shape::Timestamp {
            min_us: self.from_us,
            max_us: self.until_us,
        }
    }
}

/// A span that all rows share evenly.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shares {
    /// Of one row, with 64 bits after the point: dividing each row anew would take longer than all else.
    step: u128,
}

impl Shares {
    pub(super) fn new(span: u64, rows: u64) -> Shares {
        Shares {
            step: (u128::from(span) << 64) / u128::from(rows.max(1)),
        }
    }

    /// Where a row's share starts.
    #[inline]
    pub(super) fn start(self, row: u64) -> u64 {
        let (whole, fraction) = ((self.step >> 64) as u64, self.step as u64);
        let carried = (u128::from(row) * u128::from(fraction)) >> 64;
        row * whole + carried as u64
    }
}
