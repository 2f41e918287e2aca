//! References to rows that agree with the row in a column: foreign keys that share a column.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::OnceLock;

use super::super::redirect::Redirect;
use super::{Generator, Tie};
use crate::seed::context::Place;
use crate::seed::dice::Dice;
use crate::seed::fan::Fan;
use crate::seed::skew::Skew;
use crate::seed::value::Scratch;

/// Takes one of the rows whose column is the same value as this row's.
pub(super) struct Tied {
    target: Generator,
    own: Generator,
    partners: Partners,
    pick_key: Option<u64>,
    skew: f64,
}

/// The rows of the other table that go with a value.
enum Partners {
    /// The value is theirs itself: its row is the only one.
    Itself,
    /// They are the children of the value's row.
    Children(Fan),
    /// Found once by looking at all of them.
    Listed {
        column: Generator,
        rows: u64,
        lists: OnceLock<Lists>,
    },
}

/// Rows by the row that their value comes from.
struct Lists {
    /// Where each list begins and ends in `rows`.
    ranges: HashMap<(u64, u64), Range<usize>>,
    rows: Vec<u32>,
}

/// The most rows that are looked at: four bytes each, and more for each list.
const MOST_LISTED: u64 = 4_000_000;

impl Tied {
    pub(super) fn new(
        place: &Place<'_>,
        table: &str,
        tie: &Tie,
        target: Generator,
        pick_key: Option<u64>,
        skew: f64,
    ) -> Result<Tied, String> {
        let own = place.sibling(&tie.own)?;
        let (column, rows) = place.other(table, &tie.parent)?;
        let mut scratch = Scratch::default();
        let (own_key, _) = own.origin(0, &mut scratch);
        let (_, column_row) = column.origin(1, &mut scratch);
        let family = place.context.fan(table);
        let partners = match family {
            _ if own_key == column.key && rows > 1 && column_row == 1 => Partners::Itself,
            Some((parent, fan)) if is_parents(place, parent, &column, &fan, own_key) => {
                Partners::Children(fan)
            }
            _ if rows <= MOST_LISTED => Partners::Listed {
                column,
                rows,
                lists: OnceLock::new(),
            },
            _ => {
                return Err(format!(
                    "same: {table}.{} cannot be looked up among {rows} rows: describe {table} with children_of \
                     and the column with parent",
                    tie.parent
                ));
            }
        };
        Ok(Tied {
            target,
            own,
            partners,
            pick_key,
            skew,
        })
    }
}

/// Whether a column of a child is its parent's, as the first rows show, and comes from where it is asked for.
fn is_parents(
    place: &Place<'_>,
    parent: &str,
    column: &Generator,
    fan: &Fan,
    own_key: u64,
) -> bool {
    let mut scratch = Scratch::default();
    let rows = place.context.rows.get(parent).copied().unwrap_or(0);
    let children = fan.children(rows);
    (0..children.min(64))
        .all(|child| column.origin(child, &mut scratch) == (own_key, fan.parent(child).0))
}

impl Partners {
    fn pick(&self, own: (u64, u64), skew: f64, dice: &mut Dice) -> Option<u64> {
        let rank = |n: u64| {
            if skew == 0.0 {
                dice.below(n)
            } else {
                Skew::new(n, skew).rank(dice)
            }
        };
        match self {
            Partners::Itself => Some(own.1),
            Partners::Children(fan) => {
                let (from, until) = (fan.children(own.1), fan.children(own.1 + 1));
                (until > from).then(|| from + { rank }(until - from))
            }
            Partners::Listed {
                column,
                rows,
                lists,
            } => {
                let lists = lists.get_or_init(|| Lists::new(column, *rows));
                let range = lists.ranges.get(&own)?.clone();
                let at = range.start + { rank }(range.len() as u64) as usize;
                Some(lists.rows[at].into())
            }
        }
    }
}

impl Lists {
    fn new(column: &Generator, rows: u64) -> Lists {
        let mut scratch = Scratch::default();
        let mut by_origin: Vec<_> = (0..rows)
            .map(|row| (column.origin(row, &mut scratch), row as u32))
            .collect();
        by_origin.sort_unstable();
        let mut ranges = HashMap::new();
        for (at, (origin, _)) in by_origin.iter().enumerate() {
            ranges.entry(*origin).or_insert(at..at).end = at + 1;
        }
        Lists {
            ranges,
            rows: by_origin.into_iter().map(|(_, row)| row).collect(),
        }
    }
}

impl Redirect for Tied {
    fn target<'a>(
        &'a self,
        row: u64,
        dice: &mut Dice,
        scratch: &mut Scratch,
    ) -> Option<(&'a Generator, u64)> {
        let own = self.own.origin(row, scratch);
        let mut shared = self.pick_key.map(|key| Dice::new(key, row));
        let dice = shared.as_mut().unwrap_or(dice);
        Some((&self.target, self.partners.pick(own, self.skew, dice)?))
    }

    fn targets(&self) -> Vec<&Generator> {
        vec![&self.target]
    }

    fn misses(&self) -> bool {
        match &self.partners {
            Partners::Itself => false,
            Partners::Children(fan) => fan.may_be_childless(),
            Partners::Listed {
                column,
                rows,
                lists,
            } => {
                // Whether every value that the row may have is among them: the rows of the value's
                // own table are not known here, so the first rows are tried.
                let mut scratch = Scratch::default();
                let lists = lists.get_or_init(|| Lists::new(column, *rows));
                (0..1_024.min(*rows)).any(|row| {
                    !lists
                        .ranges
                        .contains_key(&self.own.origin(row, &mut scratch))
                })
            }
        }
    }
}
