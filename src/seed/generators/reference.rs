//! `reference`: what a column holds in some row of its table: a foreign key.

mod tied;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::redirect::Redirect;
use super::{Generator, Make, Picker, Recipe};
use crate::seed::context::Place;
use crate::seed::dice::{self, Dice};
use crate::seed::skew::{Scatter, Skew};
use crate::seed::unique;
use crate::seed::value::Scratch;

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
        let (table, _) = place
            .context
            .table(table)
            .ok_or("a table that was there is gone")?;
        let pick_key = self
            .pick
            .as_ref()
            .map(|pick| place.shared_key(&format!("pick/{pick}")));
        if let Some(tie) = &self.same {
            let tied = tied::Tied::new(place, table, tie, target, pick_key, self.skew)?;
            return Ok(Box::new(tied));
        }
        // Popular for one column, popular for all: the scatter belongs to the table.
        let scatter = Scatter::new(rows, dice::key(place.context.seed, table));
        let choose = match (place.picker(rows, self.skew), self.earlier) {
            // The number of the row itself: every row once.
            (Picker::Index(_), true) => Choose::Own,
            (Picker::Index(index), false) => Choose::Any(Picker::Index(index)),
            (_, true) => Choose::Earlier(self.skew),
            (picker, false) => Choose::Scattered(picker, scatter),
        };
        if self.earlier && place.table != Some(table) {
            return Err(format!(
                "earlier is for references within a table, not to {table}"
            ));
        }
        Ok(Box::new(Rows {
            target,
            choose,
            pick_key,
        }))
    }

    fn choices(&self, place: &Place<'_>, _: bool) -> Option<u64> {
        let (table, column) = self.column.rsplit_once('.')?;
        let (table, _) = place.context.table(table)?;
        let is_key = self.same.is_none() && unique::is_key(place.context, table, column);
        is_key.then(|| place.context.rows.get(table).copied())?
    }
}

struct Rows {
    target: Generator,
    choose: Choose,
    /// What columns roll from that take the same row.
    pick_key: Option<u64>,
}

enum Choose {
    Any(Picker),
    Scattered(Picker, Scatter),
    /// One before the row, by this skew; the first takes itself.
    Earlier(f64),
    Own,
}

impl Redirect for Rows {
    fn target<'a>(
        &'a self,
        row: u64,
        dice: &mut Dice,
        _: &mut Scratch,
    ) -> Option<(&'a Generator, u64)> {
        let mut shared = self.pick_key.map(|key| Dice::new(key, row));
        let dice = shared.as_mut().unwrap_or(dice);
        let at = match &self.choose {
            Choose::Any(picker) => picker.at(row, dice),
            Choose::Scattered(picker, scatter) => scatter.row(picker.at(row, dice)),
            Choose::Earlier(0.0) => dice.below(row),
            Choose::Earlier(skew) if row > 0 => Skew::new(row, *skew).rank(dice),
            Choose::Earlier(_) => 0,
            Choose::Own => row,
        };
        Some((&self.target, at))
    }

    fn targets(&self) -> Vec<&Generator> {
        vec![&self.target]
    }
}
