//! Which column of each set is made unique, and how.

use std::collections::{BTreeMap, BTreeSet};

use super::{Drive, Index, Order, Shortage, Unit};
use crate::seed::context::Context;
use crate::seed::dice;
use crate::seed::fan::Fan;
use crate::seed::generators::GeneratorSpec;
use crate::seed::generators::reference::Reference;
use crate::seed::permutation::Permutation;

/// The largest number of combinations that is counted.
const MOST: u64 = 1 << 62;

pub(super) struct Planner<'a> {
    context: &'a Context<'a>,
    table: &'a str,
    rows: u64,
    /// Columns that have another value for each row.
    injective: BTreeSet<String>,
    drives: BTreeMap<Unit, Drive>,
}

/// The rows that a set must tell apart.
enum Need {
    All(u64),
    /// Only the children of one parent, which the set names; at most so many.
    Siblings(Fan, u64),
}

impl<'a> Planner<'a> {
    pub(super) fn new(context: &'a Context<'a>, table: &'a str) -> Planner<'a> {
        Planner {
            context,
            table,
            rows: context.rows.get(table).copied().unwrap_or(0),
            injective: BTreeSet::new(),
            drives: BTreeMap::new(),
        }
    }

    pub(super) fn plan(mut self) -> Result<BTreeMap<Unit, Drive>, Shortage> {
        let mut sets: Vec<_> = self.context.tables[self.table].unique.iter().collect();
        sets.sort_by_key(|set| set.len());
        for column in sets.iter().copied().flatten() {
            if is_injective(self.context, self.table, column) {
                self.injective.insert(column.clone());
            }
        }
        for set in sets {
            self.make_unique(set)?;
        }
        Ok(self.drives)
    }

    fn make_unique(&mut self, set: &[String]) -> Result<(), Shortage> {
        let cores = |column: &String| cores(self.context, self.table, column);
        // A column without a generator is the server's, and one that is always NULL is no obstacle.
        let is_done = self.rows <= 1
            || set.iter().any(|column| self.injective.contains(column))
            || set.iter().any(|column| cores(column).is_empty());
        if is_done {
            return Ok(());
        }
        let need = self.need(set);
        if matches!(need, Need::Siblings(..))
            && self.all(set, |core| matches!(core, GeneratorSpec::Ordinal(_)))
        {
            return Ok(());
        }
        let free: Vec<_> = set.iter().filter(|column| self.is_free(column)).collect();
        let takes_number = |column: &String| cores(column).iter().all(|core| core.takes_number());
        let numbered = free.iter().find(|column| takes_number(column));
        let counts = self.counts(set, &free, need.rows());
        let is_enough = product(&counts) >= need.rows();
        match numbered {
            // Plain values look better than numbers in texts, but taking every combination in turn
            // costs the other columns of a set their distribution.
            Some(column) if set.len() > 1 || !is_enough => {
                self.injective.insert((*column).clone());
                let drive = Drive::Number(self.key(set));
                self.drives.insert(Unit::Column((*column).clone()), drive);
            }
            _ if is_enough => {
                if let [only] = set {
                    self.injective.insert(only.clone());
                }
                self.share_out(set, &need, counts);
            }
            _ => return Err(self.shortage(set, &need, &counts)),
        }
        Ok(())
    }

    /// Splits the row's place among the columns.
    fn share_out(&mut self, set: &[String], need: &Need, counts: BTreeMap<Unit, u64>) {
        let (n, key) = (product(&counts), self.key(set));
        let order = match need {
            Need::Siblings(fan, _) => Order::Siblings {
                fan: fan.clone(),
                n,
                key,
            },
            Need::All(_) => Order::Rows(Permutation::new(n, key)),
        };
        let mut divisor = 1u64;
        for (unit, count) in counts {
            let index = Index {
                order: order.clone(),
                divisor,
                count,
            };
            self.drives.insert(unit, Drive::Index(index));
            divisor = divisor.saturating_mul(count).min(MOST);
        }
    }

    /// How many values each free column has, where they can be counted. Whole days before seconds,
    /// as a column of dates keeps no more.
    fn counts(&self, set: &[String], free: &[&String], needed: u64) -> BTreeMap<Unit, u64> {
        let coarse = self.counts_of(set, free, false);
        if product(&coarse) >= needed {
            return coarse;
        }
        self.counts_of(set, free, true)
    }

    fn counts_of(&self, set: &[String], free: &[&String], fine: bool) -> BTreeMap<Unit, u64> {
        let mut counts = BTreeMap::new();
        for column in free {
            if let Some(pick) = pick_of(self.context, self.table, column) {
                let count = self.pick_count(set, &pick);
                count.map(|count| counts.insert(Unit::Pick(pick), count));
            } else if let Some(count) = self.count(column, fine) {
                counts.insert(Unit::Column((*column).clone()), count);
            }
        }
        counts
    }

    fn count(&self, column: &str, fine: bool) -> Option<u64> {
        let specs = self.context.specs(self.table, column);
        // Parts of a mix may share values. Cases are told apart by what makes them cases.
        if specs.iter().any(|spec| spec.cores().len() > 1) {
            return None;
        }
        let place = self.context.column(self.table, column);
        let counts = specs.iter().flat_map(|spec| spec.cores());
        let counts = counts.map(|core| core.choices(&place, fine));
        counts.collect::<Option<Vec<u64>>>()?.into_iter().min()
    }

    /// The rows of the table that a pick is from, if the set holds a key of theirs.
    fn pick_count(&self, set: &[String], pick: &str) -> Option<u64> {
        let of_pick = set.iter().filter_map(|column| {
            let reference = reference_of(self.context, self.table, column)?;
            (reference.pick.as_deref() == Some(pick)).then(|| reference.column.rsplit_once('.'))?
        });
        let (tables, columns): (Vec<_>, Vec<_>) = of_pick.unzip();
        let (parent, spec) = self.context.table(tables.first()?)?;
        let has_key = columns
            .iter()
            .any(|column| is_key(self.context, parent, column))
            || spec
                .unique
                .iter()
                .any(|key| key.iter().all(|column| columns.contains(&column.as_str())));
        has_key.then(|| self.context.rows.get(parent).copied())?
    }

    fn is_free(&self, column: &str) -> bool {
        let pick = pick_of(self.context, self.table, column);
        !self.drives.contains_key(&Unit::Column(column.to_owned()))
            && !pick.is_some_and(|pick| self.drives.contains_key(&Unit::Pick(pick)))
    }

    /// Whether some column of the set is what is asked for, in all cases.
    fn all(&self, set: &[String], is: impl Fn(&GeneratorSpec) -> bool) -> bool {
        set.iter().any(|column| {
            cores(self.context, self.table, column)
                .iter()
                .all(|core| is(core))
        })
    }

    fn need(&self, set: &[String]) -> Need {
        let family = self.context.fan(self.table);
        let most = self.context.tables[self.table].children_of.as_ref();
        if let (Some((parent, fan)), Some(children)) = (family, most) {
            let names_parent = |core: &GeneratorSpec| match core {
                GeneratorSpec::Parent(of) => is_key(self.context, parent, &of.column),
                _ => false,
            };
            if self.all(set, names_parent) {
                return Need::Siblings(fan, children.max.into());
            }
        }
        Need::All(self.rows)
    }

    fn key(&self, set: &[String]) -> u64 {
        let path = format!("{}/unique/{}", self.table, set.join("/"));
        dice::key(self.context.seed, &path)
    }

    fn shortage(&self, set: &[String], need: &Need, counts: &BTreeMap<Unit, u64>) -> Shortage {
        let columns = set.join(", ");
        let has = if counts.is_empty() {
            0
        } else {
            product(counts)
        };
        let (have, of_whom) = match (set.len(), need) {
            (_, Need::Siblings(..)) => ("for the children of one parent", "of which it may have"),
            (1, _) => ("in all", "for as many rows as"),
            _ => ("of values together", "for as many rows as"),
        };
        let table = self.table;
        let needed = need.rows();
        let message = match has {
            0 => format!(
                "unique = [{columns}]: {table} gets {needed} rows, and no generator of these columns can \
                 have another value for each; give one a sequence, a uuid or a text"
            ),
            _ => format!(
                "unique = [{columns}]: there are {has} combinations {have}, {of_whom} {needed} in {table}; \
                 give a column more values, or the table fewer rows"
            ),
        };
        Shortage {
            message,
            room: matches!(need, Need::All(_)).then_some(has.max(1)),
        }
    }
}

impl Need {
    fn rows(&self) -> u64 {
        match self {
            Need::All(rows) | Need::Siblings(_, rows) => *rows,
        }
    }
}

/// The pick of a column that refers to another table together with others.
pub(super) fn pick_of(context: &Context<'_>, table: &str, column: &str) -> Option<String> {
    reference_of(context, table, column)?.pick.clone()
}

fn reference_of<'a>(context: &Context<'a>, table: &str, column: &str) -> Option<&'a Reference> {
    cores(context, table, column)
        .into_iter()
        .find_map(|core| match core {
            GeneratorSpec::Reference(reference) => Some(reference),
            _ => None,
        })
}

/// The generators of all values of a column that are not NULL.
fn cores<'a>(context: &Context<'a>, table: &str, column: &str) -> Vec<&'a GeneratorSpec> {
    let specs = context.specs(table, column);
    specs.into_iter().flat_map(GeneratorSpec::cores).collect()
}

/// Whether a column has another value for each row by its generator alone.
fn is_injective(context: &Context<'_>, table: &str, column: &str) -> bool {
    let cores = cores(context, table, column);
    let place = context.column(table, column);
    !cores.is_empty() && cores.iter().all(|core| core.is_injective(&place))
}

/// Whether a column has another value for each row, by its generator or because it must.
pub(in crate::seed) fn is_key(context: &Context<'_>, table: &str, column: &str) -> bool {
    let Some((table, spec)) = context.table(table) else {
        return false;
    };
    let is_own = |set: &Vec<String>| set.len() == 1 && set[0] == column;
    spec.unique.iter().any(is_own) || is_injective(context, table, column)
}

fn product(counts: &BTreeMap<Unit, u64>) -> u64 {
    let product = |all: u64, count: &u64| all.saturating_mul(*count).min(MOST);
    if counts.is_empty() {
        0
    } else {
        counts.values().fold(1, product)
    }
}
