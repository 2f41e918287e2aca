//! Tables whose rows are counted by parent: where a child's row must be found from its parent's, or numbered within it.

use super::draft::{Draft, Drafts};
use super::sizes;
use crate::seed::dataset::ChildrenOf;
use crate::seed::generators::{GeneratorSpec, parent};
use crate::seed::structure::{ForeignKey, TypeKind};

/// Numbers among siblings fit every integer type.
const MOST_CHILDREN: f64 = 32_000.0;

/// Makes families of tables that others need by family, of lines numbered within their parent, and of one-to-one
/// references by several columns.
pub(super) fn choose(drafts: &mut Drafts<'_>) {
    for (table, key) in needed(drafts) {
        found(drafts, &table, &key, 1, None);
    }
    let names: Vec<String> = drafts.tables.keys().cloned().collect();
    for name in names {
        if let Some((key, number)) = lines(drafts, &name) {
            if found(drafts, &name, &key, 0, None) {
                let draft = drafts.tables.get_mut(&name).expect("it is a draft");
                draft.set(
                    &number,
                    GeneratorSpec::Ordinal(parent::Ordinal {}),
                    format!("numbered within {}", key.parent),
                );
            }
        } else if let Some(key) = twin(drafts, &name) {
            found(drafts, &name, &key, 0, Some(1));
        }
    }
}

/// Whether the table's rows are counted by the parents of this key.
pub(super) fn is_of(draft: &Draft<'_>, key: &ForeignKey) -> bool {
    let Some(children) = &draft.spec.children_of else {
        return false;
    };
    children.table == key.parent && draft.family.as_ref() == Some(&key.name)
}

/// Whether the rows with a value in a column can be found: a family by that column.
pub(super) fn is_by(drafts: &Drafts<'_>, table: &str, column: &str) -> bool {
    let Some(draft) = drafts.tables.get(table) else {
        return false;
    };
    let keys = draft.table.foreign_keys.iter();
    keys.filter(|key| is_of(draft, key))
        .any(|key| key.columns.iter().any(|own| own == column))
}

/// Tables that two foreign keys of another share a column with: the second must find rows by it.
fn needed(drafts: &Drafts<'_>) -> Vec<(String, ForeignKey)> {
    let mut needed: Vec<(String, ForeignKey)> = Vec::new();
    for (name, draft) in &drafts.tables {
        let wide: Vec<&ForeignKey> = draft
            .outgoing(name)
            .filter(|key| key.columns.len() > 1)
            .collect();
        for key in &wide {
            for (own, of_parent) in key.columns.iter().zip(&key.parent_columns) {
                let is_shared = draft.table.foreign_keys.iter().any(|other| {
                    other.name != key.name
                        && other.columns.contains(own)
                        && other.parent != *name
                        && (other.columns.len() > 1 || draft.is_nullable(own))
                });
                let Some(parent) = drafts.tables.get(&key.parent).filter(|_| is_shared) else {
                    continue;
                };
                let mut by = parent
                    .outgoing(&key.parent)
                    .filter(|by| by.columns.len() == 1 && by.columns[0] == *of_parent);
                if let Some(by) = by.next()
                    && !needed.iter().any(|(table, _)| *table == key.parent)
                {
                    needed.push((key.parent.clone(), by.clone()));
                }
            }
        }
    }
    needed
}

/// The key to the parent, and the number within it, that are together the key of a line.
fn lines(drafts: &Drafts<'_>, name: &str) -> Option<(ForeignKey, String)> {
    let draft = &drafts.tables[name];
    for set in draft
        .unique_sets()
        .iter()
        .filter(|set| set.columns.len() == 2)
    {
        for (one, other) in [(0, 1), (1, 0)] {
            let mut keys = draft
                .outgoing(name)
                .filter(|key| key.columns == [set.columns[one].clone()]);
            let Some(key) = keys.next() else {
                continue;
            };
            let number = &set.columns[other];
            let is_number =
                draft.is_open(number) && is_whole(draft, number) && !is_referring(draft, number);
            let parents = sizes::rows(drafts, &key.parent).max(1);
            let is_few = sizes::rows(drafts, name) / parents < 1_000;
            if is_number && is_few && sizes::grows(drafts, &key.parent) {
                return Some((key.clone(), number.clone()));
            }
        }
    }
    None
}

/// A foreign key of several columns that no two rows share.
fn twin(drafts: &Drafts<'_>, name: &str) -> Option<ForeignKey> {
    let draft = &drafts.tables[name];
    let sets = draft.unique_sets();
    let is_twin = |key: &&ForeignKey| {
        let is_within = |set: &[String]| set.iter().all(|column| key.columns.contains(column));
        key.columns.len() > 1 && sets.iter().any(|set| is_within(&set.columns))
    };
    draft.outgoing(name).find(is_twin).cloned()
}

fn is_whole(draft: &Draft<'_>, column: &str) -> bool {
    let kind = draft
        .table
        .column(column)
        .map(|column| &column.ty.base().kind);
    matches!(kind, Some(TypeKind::Base { name, .. }) if name.starts_with("int"))
        && !draft
            .table
            .column(column)
            .is_some_and(|column| column.filled_by == crate::seed::structure::FilledBy::Sequence)
}

fn is_referring(draft: &Draft<'_>, column: &str) -> bool {
    draft
        .table
        .foreign_keys
        .iter()
        .any(|key| key.columns.iter().any(|own| own == column))
}

/// Founds a family, if the table may have one and its parent's rows can be counted first.
fn found(
    drafts: &mut Drafts<'_>,
    name: &str,
    key: &ForeignKey,
    min: u32,
    max: Option<u32>,
) -> bool {
    let mut ancestor = Some(key.parent.clone());
    while let Some(at) = ancestor {
        if at == name {
            return false;
        }
        let children = drafts
            .tables
            .get(&at)
            .and_then(|draft| draft.spec.children_of.as_ref());
        ancestor = children.map(|children| children.table.clone());
    }
    let parents = sizes::rows(drafts, &key.parent);
    let wanted = sizes::rows(drafts, name);
    let Some(draft) = drafts.tables.get_mut(name) else {
        return false;
    };
    let is_open = !draft.has_size
        && draft.spec.children_of.is_none()
        && key.columns.iter().all(|column| draft.is_open(column));
    if !is_open || parents == 0 {
        return false;
    }
    let mean = (wanted as f64 / parents as f64)
        .clamp(f64::from(min), MOST_CHILDREN / 4.0)
        .max(0.01);
    let (mean, max) = match max {
        Some(max) => (mean.min(f64::from(max) * 0.9), max),
        None => (mean, (mean * 4.0).ceil().max(4.0) as u32),
    };
    draft.spec.rows = None;
    draft.spec.rows_per_main = None;
    draft.spec.children_of = Some(ChildrenOf {
        table: key.parent.clone(),
        min,
        max,
        mean,
    });
    draft.family = Some(key.name.clone());
    draft.why_rows = format!("{}, counted by foreign key {}", draft.why_rows, key.name);
    true
}
