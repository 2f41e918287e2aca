//! Foreign keys: where the values of their columns come from.

use std::collections::BTreeMap;

use super::draft::{Draft, Drafts};
use super::forms::{null, nullable, reference};
use super::{families, sizes};
use crate::seed::generators::{GeneratorSpec, parent, reference::Tie, same};
use crate::seed::structure::ForeignKey;

/// What a column of a foreign key gets.
pub(super) struct Given {
    pub(super) column: String,
    pub(super) spec: GeneratorSpec,
    pub(super) why: String,
}

/// Gives all columns of foreign keys their generators. A table whose keys cannot be met stays empty.
pub(super) fn choose(drafts: &mut Drafts<'_>) {
    let names: Vec<String> = drafts.tables.keys().cloned().collect();
    for name in &names {
        match plan(drafts, name) {
            Ok(given) => {
                let Some(draft) = drafts.tables.get_mut(name) else {
                    continue;
                };
                for Given { column, spec, why } in given {
                    draft.set(&column, spec, why);
                }
            }
            Err(why) => drafts.give_up(name, why),
        }
    }
}

/// Columns that already have values, and the columns that these come from.
type Taken = BTreeMap<String, (String, String)>;

fn plan(drafts: &Drafts<'_>, name: &str) -> Result<Vec<Given>, String> {
    let draft = &drafts.tables[name];
    let mut taken = Taken::new();
    let mut given = Vec::new();
    for key in in_order(drafts, name) {
        let open = |column: &&String| draft.is_open(column) && !taken.contains_key(*column);
        let missing: Vec<String> = key.columns.iter().filter(open).cloned().collect();
        let found = if missing.is_empty() {
            settled(drafts, name, key, &taken)
        } else {
            one(drafts, name, key, &missing)
        };
        let (columns, from_parent) = match found {
            Ok(columns) => (columns, true),
            Err(obstacle) => (way_out(draft, key, &missing, &obstacle)?, false),
        };
        if from_parent {
            for (column, of_parent) in key.columns.iter().zip(&key.parent_columns) {
                let source = (key.parent.clone(), of_parent.clone());
                taken.entry(column.clone()).or_insert(source);
            }
        } else {
            for column in &columns {
                taken.insert(column.column.clone(), Default::default());
                given.retain(|known: &Given| known.column != column.column);
            }
        }
        given.extend(columns);
    }
    Ok(given)
}

/// First that of the family, then those of most columns, and of those that share a column the one from which the
/// other follows; trees last.
fn in_order<'a>(drafts: &Drafts<'a>, name: &str) -> Vec<&'a ForeignKey> {
    let draft = &drafts.tables[name];
    let keys: &'a [ForeignKey] = &draft.table.foreign_keys;
    let mut keys: Vec<&ForeignKey> = keys.iter().collect();
    let is_family = |key: &ForeignKey| families::is_of(draft, key);
    let follow = |key: &ForeignKey| {
        let others = keys
            .iter()
            .filter(|other| other.name != key.name && other.columns == key.columns);
        others
            .filter(|other| {
                let pairs = key.parent_columns.iter().zip(&other.parent_columns);
                pairs.into_iter().all(|(own, of_other)| {
                    derives(drafts, (&key.parent, own), (&other.parent, of_other), 0)
                })
            })
            .count()
    };
    let order: BTreeMap<&str, _> = keys
        .iter()
        .map(|key| {
            let rows = sizes::rows(drafts, &key.parent);
            let order = (
                !is_family(key),
                key.parent == name,
                std::cmp::Reverse(key.columns.len()),
                std::cmp::Reverse(follow(key)),
                rows,
            );
            (key.name.as_str(), order)
        })
        .collect();
    keys.sort_by_key(|key| (&order[key.name.as_str()], &key.name));
    keys
}

/// Whether each value of a column is one of another, by the foreign keys between them.
fn derives(drafts: &Drafts<'_>, from: (&str, &str), to: (&str, &str), depth: u8) -> bool {
    if from == to {
        return true;
    }
    let Some(table) = drafts.structure.tables.get(from.0).filter(|_| depth < 8) else {
        return false;
    };
    table.foreign_keys.iter().any(|key| {
        let at = key.columns.iter().position(|column| column == from.1);
        at.is_some_and(|at| {
            let next = (key.parent.as_str(), key.parent_columns[at].as_str());
            next != from && derives(drafts, next, to, depth + 1)
        })
    })
}

/// A key whose columns all have values: they are the parent's if they come from there by another way.
fn settled(
    drafts: &Drafts<'_>,
    name: &str,
    key: &ForeignKey,
    taken: &Taken,
) -> Result<Vec<Given>, String> {
    let draft = &drafts.tables[name];
    for (column, of_parent) in key.columns.iter().zip(&key.parent_columns) {
        if draft.described.contains(column) {
            continue;
        }
        let Some((table, source)) = taken.get(column) else {
            return Err(format!("{column} is computed"));
        };
        // A column that is NULL refers to nothing.
        if table.is_empty() || derives(drafts, (table, source), (&key.parent, of_parent), 0) {
            continue;
        }
        let both_count =
            is_sequence(drafts, table, source) && is_sequence(drafts, &key.parent, of_parent);
        if !both_count || key.columns.len() > 1 {
            return Err(format!("{column} holds values of {table}.{source}"));
        }
    }
    if key.columns.len() > 1 && !comes_from_one(drafts, key, taken) {
        return Err("its columns have values from different rows".to_owned());
    }
    Ok(Vec::new())
}

/// Whether the columns come, all of them, from one row of a table that has the same key.
fn comes_from_one(drafts: &Drafts<'_>, key: &ForeignKey, taken: &Taken) -> bool {
    let tables: Vec<&String> = key
        .columns
        .iter()
        .filter_map(|column| Some(&taken.get(column)?.0))
        .collect();
    let Some(first) = tables.first() else {
        return true;
    };
    if tables.iter().any(|table| table.is_empty()) {
        return true;
    }
    tables.iter().all(|table| table == first)
        && (**first == key.parent || {
            let sources: Vec<&String> = key
                .columns
                .iter()
                .filter_map(|column| Some(&taken.get(column)?.1))
                .collect();
            let same = |other: &&ForeignKey| {
                other.columns.iter().collect::<Vec<_>>() == sources && other.parent == key.parent
            };
            let table = drafts.structure.tables.get(*first);
            table.is_some_and(|table| table.foreign_keys.iter().any(|other| same(&other)))
        })
}

fn is_sequence(drafts: &Drafts<'_>, table: &str, column: &str) -> bool {
    let spec = drafts
        .tables
        .get(table)
        .and_then(|draft| draft.spec.columns.get(column));
    matches!(spec, Some(GeneratorSpec::Sequence(_)))
}

fn one(
    drafts: &Drafts<'_>,
    name: &str,
    key: &ForeignKey,
    missing: &[String],
) -> Result<Vec<Given>, String> {
    let draft = &drafts.tables[name];
    if !drafts.tables.contains_key(&key.parent) {
        let stays_empty = drafts.empty.contains_key(&key.parent);
        return Err(match stays_empty {
            true => format!("{} stays empty", key.parent),
            false => format!("{} is a partition, and its rows are not known", key.parent),
        });
    }
    if key.parent == name {
        return Ok(tree(draft, key, missing));
    }
    let reason = format!("foreign key {}", key.name);
    let of_parent = |column: &String| {
        let at = key.columns.iter().position(|own| own == column);
        key.parent_columns[at.expect("a column of the key")].clone()
    };
    if families::is_of(draft, key) {
        let given = |column: &String| Given {
            column: column.clone(),
            spec: GeneratorSpec::Parent(parent::Parent {
                column: of_parent(column),
            }),
            why: reason.clone(),
        };
        return Ok(missing.iter().map(given).collect());
    }
    let shared: Vec<&String> = key
        .columns
        .iter()
        .filter(|column| !missing.contains(column))
        .collect();
    let tie = match shared.as_slice() {
        [] => None,
        [own] if families::is_by(drafts, &key.parent, &of_parent(own)) => Some(Tie {
            parent: of_parent(own),
            own: (*own).clone(),
        }),
        _ => return Err(format!("it shares {} with another foreign key", shared[0])),
    };
    let unique = draft.unique_sets();
    let is_unique = |column: &String| unique.iter().any(|set| set.columns.contains(column));
    let is_large = sizes::rows(drafts, name) > sizes::rows(drafts, &key.parent);
    let given = |column: &String| {
        let mut spec = reference(&key.parent, &of_parent(column));
        spec.pick = (missing.len() > 1).then(|| key.name.clone());
        spec.same = tie.clone();
        if tie.is_none() && key.columns.len() == 1 && is_large && !is_unique(column) {
            spec.skew = 0.5;
        }
        Given {
            column: column.clone(),
            spec: GeneratorSpec::Reference(spec),
            why: reason.clone(),
        }
    };
    Ok(missing.iter().map(given).collect())
}

/// A key that leads to its own table: to an earlier row, or, where that is not to be had, to the row itself.
fn tree(draft: &Draft<'_>, key: &ForeignKey, missing: &[String]) -> Vec<Given> {
    let mut given = Vec::new();
    let unique = draft.unique_sets();
    for (column, of_parent) in key.columns.iter().zip(&key.parent_columns) {
        // A column that refers to itself is as it is: the parent agrees with its child in it.
        if column == of_parent || !missing.contains(column) {
            continue;
        }
        let is_unique = unique.iter().any(|set| set.columns.contains(column));
        let same = GeneratorSpec::Same(same::Same {
            column: of_parent.clone(),
        });
        let (spec, how) = match (
            key.columns.len() == 1 && !is_unique,
            draft.is_nullable(column),
        ) {
            (true, is_nullable) => {
                let mut spec = reference(&key.parent, of_parent);
                spec.earlier = true;
                let spec = GeneratorSpec::Reference(spec);
                (
                    if is_nullable {
                        nullable(0.3, spec)
                    } else {
                        spec
                    },
                    "to an earlier row",
                )
            }
            (false, true) => (null(), "to no row"),
            (false, false) => (same, "to the row itself"),
        };
        given.push(Given {
            column: column.clone(),
            spec,
            why: format!("foreign key {}, {how}", key.name),
        });
    }
    given
}

/// A key that cannot be met is none in a row where one of its columns is NULL.
fn way_out(
    draft: &Draft<'_>,
    key: &ForeignKey,
    missing: &[String],
    obstacle: &str,
) -> Result<Vec<Given>, String> {
    let all = || {
        key.columns
            .iter()
            .filter(|column| draft.is_open(column) && draft.is_nullable(column))
    };
    let free: Vec<&String> = if key.match_full {
        all().collect()
    } else {
        let missing: Vec<&String> = all().filter(|column| missing.contains(column)).collect();
        // One NULL is enough, and a column that other keys share is left alone.
        if missing.is_empty() {
            all().take(1).collect()
        } else {
            missing
        }
    };
    let is_enough = !free.is_empty() && (!key.match_full || free.len() == key.columns.len());
    if !is_enough {
        let (columns, name) = (key.columns.join(", "), &key.name);
        return Err(format!(
            "foreign key {name} ({columns}) needs rows of {}, but {obstacle}; describe these columns in the dataset file, \
             or make one of them nullable",
            key.parent
        ));
    }
    let given = |column: &String| Given {
        column: column.clone(),
        spec: null(),
        why: format!("foreign key {}: {obstacle}", key.name),
    };
    Ok(free.into_iter().map(given).collect())
}
