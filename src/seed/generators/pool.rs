//! `pool`: one of so many values, the first of them as common as asked for.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Generator, GeneratorSpec, Make, Recipe};
use crate::seed::context::Place;
use crate::seed::dice::Dice;
use crate::seed::skew::Scatter;
use crate::seed::value::{Scratch, Shape, Value};

/// `pool = { size = 5000, common = [0.2, 0.1], value = { label = { min = 5, max = 9 } } }`: the values that `value`
/// gives to the rows 0 to 4999 of a table of as many, or, with `of`, those of as many rows of another table.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Pool {
    pub size: u64,
    /// What part of the rows has the first value, the second …; the others share what is left, each as likely.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub common: Vec<f64>,
    /// Rows that lie together have the same value, in the order of the pool.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub increasing: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Box<GeneratorSpec>>,
    /// `table.column`: a foreign key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub of: Option<String>,
}

impl Recipe for Pool {
    fn build(&self, place: &Place<'_>) -> Result<Box<dyn Make>, String> {
        if self.size == 0 {
            return Err("size must be at least 1".to_owned());
        }
        let mut upto = Vec::new();
        let mut sum = 0.0;
        for part in &self.common {
            if !(0.0..=1.0).contains(part) {
                return Err(format!("common = {part} must be from 0 to 1"));
            }
            sum += part;
            upto.push(sum);
        }
        if sum > 1.0 + 1e-6 || upto.len() as u64 > self.size {
            return Err(format!(
                "common has {} parts that make {sum:.4}: at most size = {} that make 1",
                upto.len(),
                self.size
            ));
        }
        let rows = match (self.increasing, place.rows()) {
            (false, _) => None,
            (true, Some(rows)) => Some(rows.max(1)),
            (true, None) => {
                return Err("increasing needs rows in order, and a parameter has none".to_owned());
            }
        };
        let (values, size, scatter) = match (&self.value, &self.of) {
            (Some(value), None) => {
                let inner = place.part("value").among(self.size);
                (value.build(&inner)?, self.size, None)
            }
            (None, Some(of)) => {
                let Some((table, column)) = of.rsplit_once('.') else {
                    return Err(format!("of = {of:?} names no table: write table.column"));
                };
                let (target, rows) = place.other(table, column)?;
                let scatter = Scatter::new(rows, target.key);
                (target, self.size.min(rows.max(1)), Some(scatter))
            }
            _ => return Err("a pool has either value or of".to_owned()),
        };
        upto.truncate(size as usize);
        Ok(Box::new(Pooled {
            upto,
            size,
            rows,
            values,
            scatter,
        }))
    }
}

struct Pooled {
    /// For each common value the part of the rows that have it or one before it.
    upto: Vec<f64>,
    size: u64,
    /// Where the order of the rows decides.
    rows: Option<u64>,
    values: Generator,
    scatter: Option<Scatter>,
}

impl Pooled {
    fn index(&self, row: u64, dice: &mut Dice) -> u64 {
        let unit = match self.rows {
            Some(rows) => ((row as f64 + 0.5) / rows as f64).min(1.0),
            None => dice.unit(),
        };
        let first = self.upto.partition_point(|upto| *upto <= unit) as u64;
        let common = self.upto.len() as u64;
        if first < common || common == self.size {
            return first.min(self.size - 1);
        }
        let start = self.upto.last().copied().unwrap_or(0.0);
        let rest = self.size - common;
        let part = (unit - start) / (1.0 - start);
        common + ((part * rest as f64) as u64).min(rest - 1)
    }
}

impl Make for Pooled {
    fn value<'a>(&'a self, row: u64, dice: &mut Dice, scratch: &'a mut Scratch) -> Value<'a> {
        let index = self.index(row, dice);
        let row = self
            .scatter
            .as_ref()
            .map_or(index, |scatter| scatter.row(index));
        self.values.value(row, scratch)
    }

    fn shape(&self) -> Shape {
        self.values.shape()
    }

    fn gives_null(&self) -> bool {
        self.values.gives_null()
    }
}
