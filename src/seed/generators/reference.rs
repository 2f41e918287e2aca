//! `reference`: what a column holds in some row of its table: a foreign key.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Generator, Make, Recipe};
use crate::seed::context::Place;
use crate::seed::dice::Dice;
use crate::seed::skew::{Scatter, Skew};
use crate::seed::value::{Scratch, Shape, Value};

/// A value of another column: `reference = { column = "users.id", skew = 0.8 }`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reference {
    /// `table.column` or `schema.table.column`.
    pub column: String,
    /// 0: every row is as likely; 1: Zipf's law, a few rows are meant most of the time.
    #[serde(default, skip_serializing_if = "super::is_default")]
    pub skew: f64,
    /// Columns of a table with the same pick take the same row: a foreign key of several columns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pick: Option<String>,
    /// Only rows with a smaller number: trees within a table. The first row refers to itself.
    #[serde(default, skip_serializing_if = "super::is_default")]
    pub earlier: bool,
    /// Only rows that agree with this one in a column: foreign keys that share a column.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub same: Option<Tie>,
}

/// The parent row's column `parent` equals this row's column `own`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tie {
    pub parent: String,
    pub own: String,
}

impl Recipe for Reference {
    fn build(&self, place: &Place<'_>) -> Result<Box<dyn Make>, String> {
        let Some((table, column)) = self.column.rsplit_once('.') else {
            return Err(format!(
                "column = {:?} names no table: write table.column",
                self.column
            ));
        };
        super::int::check_skew(self.skew)?;
        let (target, rows) = place.other(table, column)?;
        Ok(Box::new(Rows {
            skew: Skew::new(rows, self.skew),
            // Popular for one column, popular for all: the scatter belongs to the target.
            scatter: Scatter::new(rows, target.key),
            target,
        }))
    }
}

struct Rows {
    target: Generator,
    skew: Skew,
    scatter: Scatter,
}

impl Make for Rows {
    fn value<'a>(&'a self, _: u64, dice: &mut Dice, scratch: &'a mut Scratch) -> Value<'a> {
        let row = self.scatter.row(self.skew.rank(dice));
        self.target.value(row, scratch)
    }

    fn shape(&self) -> Shape {
        self.target.shape()
    }

    fn gives_null(&self) -> bool {
        self.target.gives_null()
    }
}
