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
    /// Another row than that which this column of the row refers to: `manager_id <> deputy_id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other_than: Option<String>,
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
        if self.other_than.is_some() && (self.earlier || self.same.is_some() || self.pick.is_some())
        {
            return Err("other_than goes with none of earlier, same and pick".to_owned());
        }
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
        // One row is the other column's.
        let choices = rows - u64::from(self.other_than.is_some() && rows > 1);
        // Popular for one column, popular for all: the scatter belongs to the table.
        let scatter = Scatter::new(choices, dice::key(place.context.seed, table));
        let choose = match (place.picker(choices, self.skew), self.earlier) {
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
        let apart = match &self.other_than {
            None => None,
            Some(column) => Some(Apart {
                other: place.sibling(column)?,
                target_key: target.key,
                rows,
            }),
        };
        Ok(Box::new(Rows {
            target,
            choose,
            pick_key,
            apart,
        }))
    }

    fn choices(&self, place: &Place<'_>, _: bool) -> Option<u64> {
        let (table, column) = self.column.rsplit_once('.')?;
        let (table, _) = place.context.table(table)?;
        let is_key = self.same.is_none() && unique::is_key(place.context, table, column);
        let rows = is_key.then(|| place.context.rows.get(table).copied())??;
        let Some(other) = &self.other_than else {
            return Some(rows);
        };
        // Which row a number stands for depends on the other column, which must be in all sets that this one is in.
        let own = place.column()?;
        let mut sets = place.context.tables[place.table?].unique.iter();
        let is_told_apart =
            |set: &Vec<String>| set.contains(other) || !set.iter().any(|c| c == own);
        sets.all(is_told_apart).then(|| rows.saturating_sub(1))
    }
}

struct Rows {
    target: Generator,
    choose: Choose,
    /// What columns roll from that take the same row.
    pick_key: Option<u64>,
    apart: Option<Apart>,
}

/// Whose row is not to be taken.
struct Apart {
    other: Generator,
    /// The generator of the column that both refer to.
    target_key: u64,
    rows: u64,
}

impl Apart {
    /// The row that stands for the n-th of all rows but the other column's.
    fn row(&self, n: u64, row: u64, scratch: &mut Scratch) -> u64 {
        match self.other.row_of(self.target_key, row, scratch) {
            Some(taken) => (taken + 1 + n) % self.rows,
            None => n,
        }
    }
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
        scratch: &mut Scratch,
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
        let at = match &self.apart {
            Some(apart) => apart.row(at, row, scratch),
            None => at,
        };
        Some((&self.target, at))
    }

    fn targets(&self) -> Vec<&Generator> {
        vec![&self.target]
    }
}
