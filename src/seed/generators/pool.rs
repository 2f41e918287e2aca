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
    #[serde(skip_serializing_if = "is_zero")]
    pub size: u64,
    /// In place of `size`: values for each row of the table, so that their number grows with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_row: Option<f64>,
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

fn is_zero(size: &u64) -> bool {
    *size == 0
}

impl Pool {
    /// How many values there are in a table of so many rows.
    fn values(&self, rows: Option<u64>) -> Result<u64, String> {
        match (self.size, self.per_row) {
            (0, Some(per_row)) if per_row > 0.0 => {
                let rows = rows.ok_or("per_row needs rows, and a parameter has none")?;
                // A small table may lack the common ones.
                Ok(((rows as f64 * per_row).round() as u64).max(1))
            }
            (0, _) => Err("needs size, at least 1, or per_row, above 0".to_owned()),
            (size, None) => Ok(size),
            _ => Err("has either size or per_row".to_owned()),
        }
    }
}

impl Recipe for Pool {
    fn build(&self, place: &Place<'_>) -> Result<Box<dyn Make>, String> {
        let size = self.values(place.rows())?;
        let mut upto = Vec::new();
        let mut sum = 0.0;
        for part in &self.common {
            if !(0.0..=1.0).contains(part) {
                return Err(format!("common = {part} must be from 0 to 1"));
            }
            sum += part;
            upto.push(sum);
        }
        if sum > 1.0 + 1e-6 || (upto.len() as u64 > size && self.per_row.is_none()) {
            return Err(format!(
                "common has {} parts that make {sum:.4}: at most size = {size} that make 1",
                upto.len()
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
                let inner = place.part("value").among(size);
                (value.build(&inner)?, size, None)
            }
            (None, Some(of)) => {
                let Some((table, column)) = of.rsplit_once('.') else {
                    return Err(format!("of = {of:?} names no table: write table.column"));
                };
                let (target, rows) = place.other(table, column)?;
                let scatter = Scatter::new(rows, target.key);
                (target, size.min(rows.max(1)), Some(scatter))
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

    /// Only where each row has the value of its own number.
    fn is_injective(&self, _: &Place<'_>) -> bool {
        self.increasing && self.common.is_empty() && self.per_row == Some(1.0)
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::seed::Spec;
    use crate::seed::context::Context;
    use crate::seed::dataset::tests::read;

    /// How often each value comes in a table of 20 000 rows.
    fn counts(generator: &str) -> BTreeMap<String, u32> {
        let description = format!(
            "main = \"t\"\n[tables.t.columns]\nid = {{ sequence = {{}} }}\na = {generator}\n"
        );
        let dataset = read("CREATE TABLE t (id int, a text);", &description).unwrap();
        let (rows, seed, workers) = (20_000, 7, 1);
        let spec = Spec {
            dataset,
            rows,
            seed,
            workers,
        };
        let context = Context::new(&spec);
        let place = context.column("t", "a");
        let generator = spec.dataset.tables["t"].columns["a"].build(&place).unwrap();
        let mut scratch = Scratch::default();
        let mut counts = BTreeMap::new();
        for row in 0..rows {
            let value = format!("{:?}", generator.value(row, &mut scratch));
            *counts.entry(value).or_default() += 1;
        }
        counts
    }

    #[test]
    fn common_values_are_as_common_as_asked_for_and_the_others_alike() {
        let counts = counts(
            "{ pool = { size = 50, common = [0.3, 0.1], value = { label = { min = 1, max = 9 } } } }",
        );
        assert_eq!(counts.len(), 50);
        let mut often: Vec<u32> = counts.into_values().collect();
        often.sort_unstable();
        assert!((5_700..6_300).contains(&often[49]), "{often:?}");
        assert!((1_850..2_150).contains(&often[48]), "{often:?}");
        assert!(often[0] > 150 && often[47] < 350, "{often:?}");
    }

    #[test]
    fn a_pool_may_grow_with_the_table_and_follow_its_order() {
        let each = counts("{ pool = { per_row = 1.0, increasing = true, of = \"t.id\" } }");
        assert_eq!(each.len(), 20_000);
        let tenth =
            counts("{ pool = { per_row = 0.1, increasing = true, value = { sequence = {} } } }");
        assert_eq!(tenth.len(), 2_000);
        assert!(tenth.values().all(|count| *count == 10));
    }

    #[test]
    fn every_row_has_a_label_of_its_own_however_short() {
        let counts = counts("{ label = { min = 1, max = 3 } }");
        assert_eq!(counts.len(), 20_000);
    }
}
