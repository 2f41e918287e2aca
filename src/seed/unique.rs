//! Unique sets: how the columns of a table are made so that no two rows share the values of a set.
//!
//! Nothing is remembered. Where no column of a set has another value for each row by itself, either a
//! text gets the row's number worked in, or the row's number goes through a keyed permutation over
//! all combinations of values and is split among the columns.

mod plan;

use super::context::Context;
use super::dice::mix;
use super::fan::Fan;
use super::permutation::Permutation;
use plan::Planner;

pub(in crate::seed) use plan::is_key;

/// What decides a column's values.
#[derive(Clone, Debug)]
pub(super) enum Drive {
    /// Chance alone.
    Free,
    /// Chance, and the row's number worked in under this key.
    Number(u64),
    /// The row's place in the order of all combinations.
    Index(Index),
}

/// A column's share of the row's place: a digit of a number in mixed radix.
#[derive(Clone, Debug)]
pub struct Index {
    order: Order,
    divisor: u64,
    count: u64,
}

#[derive(Clone, Debug)]
enum Order {
    Rows(Permutation),
    /// Combinations differ among the children of one parent: another order for each.
    Siblings {
        fan: Fan,
        n: u64,
        key: u64,
    },
}

impl Index {
    /// Which of the column's values a row gets: a number below their count.
    pub fn at(&self, row: u64) -> u64 {
        let place = match &self.order {
            Order::Rows(permutation) => permutation.at(row),
            Order::Siblings { fan, n, key } => {
                let (parent, sibling) = fan.parent(row);
                Permutation::new(*n, key ^ mix(parent)).at(sibling)
            }
        };
        place / self.divisor % self.count
    }

    /// How many values the column has.
    pub fn count(&self) -> u64 {
        self.count
    }
}

/// What takes one share: a column, or all columns that take the same row of another table.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Unit {
    Column(String),
    Pick(String),
}

/// A set that cannot be unique.
struct Shortage {
    message: String,
    /// Rows that there is room for, where that is what is wrong.
    room: Option<u64>,
}

/// What decides the values of one column, as the unique sets of its table want it.
pub(super) fn drive(context: &Context<'_>, table: &str, column: &str) -> Result<Drive, String> {
    if context.tables[table].unique.is_empty() {
        return Ok(Drive::Free);
    }
    let mut drives = Planner::new(context, table).plan().map_err(|s| s.message)?;
    let pick = plan::pick_of(context, table, column);
    let by_pick = pick.and_then(|pick| drives.remove(&Unit::Pick(pick)));
    let own = drives.remove(&Unit::Column(column.to_owned()));
    Ok(by_pick.or(own).unwrap_or(Drive::Free))
}

/// Whether all sets of a table can be unique.
pub(super) fn check(context: &Context<'_>, table: &str) -> Result<(), String> {
    let plan = Planner::new(context, table).plan();
    plan.map(drop).map_err(|shortage| shortage.message)
}

/// The most rows that all sets of a table leave room for; `None` where there is no such limit.
pub(super) fn most_rows(context: &Context<'_>, table: &str) -> Option<u64> {
    let mut known = context.clone();
    let mut most = None;
    // Each set in turn says how much room it has, if that is less than the rows there are.
    while let Err(shortage) = Planner::new(&known, table).plan() {
        let room = shortage.room?;
        if most == Some(room) {
            break;
        }
        most = Some(room);
        known.rows.insert(table.to_owned(), room);
    }
    most
}
