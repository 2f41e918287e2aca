//! `sum`: a total over the rows that belong to a row.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Generator, Make, Recipe};
use crate::seed::context::Place;
use crate::seed::dice::Dice;
use crate::seed::fan::Fan;
use crate::seed::value::{Scratch, Shape, Value};

/// The sum of a column over the children of the row, which are in a table with `children_of`; each
/// multiplied by a second column, if there is one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sum {
    /// `order_items.price`.
    pub column: String,
    /// `order_items.quantity`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<String>,
}

impl Recipe for Sum {
    fn build(&self, place: &Place<'_>) -> Result<Box<dyn Make>, String> {
        let Some((child, column)) = self.column.rsplit_once('.') else {
            return Err(format!(
                "column = {:?} names no table: write table.column",
                self.column
            ));
        };
        let own = place
            .table
            .ok_or_else(|| "a parameter has no children".to_owned())?;
        let (child, spec) = place
            .context
            .table(child)
            .ok_or_else(|| format!("the dataset has no table {child}"))?;
        let (fan, most) = match (place.context.fan(child), &spec.children_of) {
            (Some((parent, fan)), Some(children)) if parent == own => (fan, children.max),
            _ => {
                return Err(format!(
                    "{child} is not described with children_of = {{ table = {own:?} }}"
                ));
            }
        };
        let numbers = |column: &str| {
            let (generator, _) = place.other(child, column)?;
            Number::of(&generator.shape())
                .map(|number| (generator, number))
                .ok_or_else(|| format!("{child}.{column} holds no numbers that can be added"))
        };
        let (column, number) = numbers(column)?;
        let times = self.times.as_ref().map(|times| {
            numbers(
                times
                    .rsplit_once('.')
                    .map_or(times.as_str(), |(_, column)| column),
            )
        });
        let (times, factor) = times.transpose()?.unzip();
        let factor = factor.unwrap_or(Number {
            most: 1,
            least: 0,
            scale: 0,
        });
        Ok(Box::new(Totals {
            fan,
            column,
            times,
            total: number.times(&factor).times(&Number {
                most: most.into(),
                least: 0,
                scale: 0,
            }),
        }))
    }
}

/// What numbers have in common.
struct Number {
    least: i64,
    most: i64,
    scale: u8,
}

impl Number {
    fn of(shape: &Shape) -> Option<Number> {
        let (least, most, scale) = match *shape {
            Shape::Int { min, max } => (min, max, 0),
            Shape::Decimal { min, max, scale } => (min, max, scale),
            _ => return None,
        };
        Some(Number { least, most, scale })
    }

    fn times(&self, other: &Number) -> Number {
        let ends = [self.least, self.most]
            .map(|a| [a.saturating_mul(other.least), a.saturating_mul(other.most)]);
        let ends = ends.as_flattened();
        Number {
            least: ends.iter().copied().min().unwrap_or(0).min(0),
            most: ends.iter().copied().max().unwrap_or(0).max(0),
            scale: self.scale + other.scale,
        }
    }
}

struct Totals {
    fan: Fan,
    column: Generator,
    times: Option<Generator>,
    total: Number,
}

impl Make for Totals {
    fn value<'a>(&'a self, row: u64, _: &mut Dice, scratch: &'a mut Scratch) -> Value<'a> {
        let mut sum = 0i64;
        for child in self.fan.children(row)..self.fan.children(row + 1) {
            let number = unscaled(self.column.value(child, scratch));
            let times = self.times.as_ref();
            let times = times.map_or(1, |times| unscaled(times.value(child, scratch)));
            sum = sum.saturating_add(number.saturating_mul(times));
        }
        match self.total.scale {
            0 => Value::Int(sum),
            scale => Value::Decimal {
                unscaled: sum,
                scale,
            },
        }
    }

    fn shape(&self) -> Shape {
        let (min, max) = (self.total.least, self.total.most);
        match self.total.scale {
            0 => Shape::Int { min, max },
            scale => Shape::Decimal { min, max, scale },
        }
    }
}

/// NULL adds nothing.
fn unscaled(value: Value<'_>) -> i64 {
    match value {
        Value::Int(unscaled) | Value::Decimal { unscaled, .. } => unscaled,
        _ => 0,
    }
}
