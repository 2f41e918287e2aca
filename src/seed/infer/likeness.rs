//! References that no foreign key declares: `user_id` beside a table `users`, and `owner_type` beside `owner_id`.

use std::collections::{BTreeMap, BTreeSet};

use super::draft::{Draft, Drafts};
use super::forms::{choice, reference};
use super::sizes;
use super::words::{Words, singular};
use crate::seed::generators::GeneratorSpec;
use crate::seed::structure::Column;

/// Classes of which an `owner_type` has some.
const CLASSES: usize = 4;

pub(super) fn choose(drafts: &mut Drafts<'_>) {
    let targets = targets(drafts);
    let classes = classes(drafts);
    let mut given: Vec<(String, String, GeneratorSpec, String)> = Vec::new();
    for (name, draft) in &drafts.tables {
        let bound = bound(draft);
        for column in &draft.table.columns {
            if bound.contains(&column.name) || !draft.is_open(&column.name) {
                continue;
            }
            let words = Words::of(&column.name);
            let Some(stem) = words.stem() else { continue };
            let found = match words.last() {
                "type" if has_sibling(draft, &stem, "id") => class(draft, column, &stem, &classes),
                "id" if !has_sibling(draft, &stem, "type") => {
                    let target = targets.get(&(stem, base(column)));
                    target
                        .filter(|(table, _)| table != name)
                        .map(|target| as_if(drafts, name, target))
                }
                _ => None,
            };
            given.extend(found.map(|(spec, why)| (name.clone(), column.name.clone(), spec, why)));
        }
    }
    for (table, column, spec, why) in given {
        if let Some(draft) = drafts.tables.get_mut(&table) {
            draft.set(&column, spec, why);
        }
    }
}

/// Columns that something else decides over.
fn bound(draft: &Draft<'_>) -> BTreeSet<String> {
    let mut bound: BTreeSet<String> = draft.sequences().map(str::to_owned).collect();
    bound.extend(
        draft
            .table
            .foreign_keys
            .iter()
            .flat_map(|key| key.columns.clone()),
    );
    bound.extend(draft.unique_sets().into_iter().flat_map(|set| set.columns));
    let partitions = draft.table.partitioned_by.iter().flat_map(|by| &by.parts);
    bound.extend(partitions.flat_map(|part| part.columns()));
    bound
}

fn has_sibling(draft: &Draft<'_>, stem: &str, end: &str) -> bool {
    let wanted = format!("{stem}_{end}");
    draft
        .table
        .columns
        .iter()
        .any(|other| Words::of(&other.name).snake() == wanted)
}

/// Some classes that the column has room for.
fn class(
    draft: &Draft<'_>,
    column: &Column,
    stem: &str,
    classes: &[String],
) -> Option<(GeneratorSpec, String)> {
    let limit = draft.text_limit(&column.name).unwrap_or(usize::MAX);
    let fitting = classes.iter().filter(|class| class.len() <= limit);
    let fitting: Vec<String> = fitting.take(CLASSES).cloned().collect();
    let is_there = draft.is_text(&column.name) && !fitting.is_empty();
    is_there.then(|| {
        (
            choice(fitting),
            format!("name, beside {stem}_id: a class of rows"),
        )
    })
}

fn as_if(
    drafts: &Drafts<'_>,
    name: &str,
    (table, key): &(String, String),
) -> (GeneratorSpec, String) {
    let mut spec = reference(table, key);
    let is_larger = sizes::rows(drafts, name) > sizes::rows(drafts, table);
    spec.skew = if is_larger { 0.5 } else { 0.0 };
    (
        GeneratorSpec::Reference(spec),
        format!("name: as if it referred to {table}.{key}"),
    )
}

fn base(column: &Column) -> String {
    column.ty.base().sql.clone()
}

/// Tables with a primary key of one column, by their name in the singular and the key's type.
fn targets(drafts: &Drafts<'_>) -> BTreeMap<(String, String), (String, String)> {
    let mut targets = BTreeMap::new();
    for (name, draft) in &drafts.tables {
        let key = draft.table.keys.iter().find(|key| key.primary);
        let Some([key]) = key
            .map(|key| {
                key.parts
                    .iter()
                    .flat_map(|part| part.columns())
                    .collect::<Vec<_>>()
            })
            .and_then(|columns| <[String; 1]>::try_from(columns).ok())
        else {
            continue;
        };
        // A key that refers to something itself may lead back here.
        let is_own = matches!(
            draft.spec.columns.get(&key),
            Some(GeneratorSpec::Sequence(_) | GeneratorSpec::Uuid(_))
        );
        if let Some(column) = draft.table.column(&key).filter(|_| is_own) {
            targets.insert(
                (singular(&draft.words.snake()), base(column)),
                (name.clone(), key),
            );
        }
    }
    targets
}

/// The large tables' names as classes.
fn classes(drafts: &Drafts<'_>) -> Vec<String> {
    let large = drafts
        .tables
        .values()
        .filter(|draft| draft.spec.rows.is_none());
    large
        .map(|draft| draft.words.class())
        .take(CLASSES * 4)
        .collect()
}
