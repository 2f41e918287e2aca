//! References that no foreign key declares: `user_id` beside a table `users`, and `owner_type` beside `owner_id`.

use std::collections::BTreeMap;

use super::draft::Drafts;
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
        let unique = draft.unique_sets();
        for column in &draft.table.columns {
            let is_bound = draft
                .table
                .foreign_keys
                .iter()
                .any(|key| key.columns.contains(&column.name))
                || unique.iter().any(|set| set.columns.contains(&column.name))
                || draft.sequences().any(|own| own == column.name)
                || draft
                    .table
                    .partitioned_by
                    .iter()
                    .flat_map(|by| &by.parts)
                    .any(|part| part.columns().contains(&column.name));
            let words = Words::of(&column.name);
            let Some(stem) = words
                .stem()
                .filter(|_| !is_bound && draft.is_open(&column.name))
            else {
                continue;
            };
            let sibling = |end: &str| {
                draft
                    .table
                    .columns
                    .iter()
                    .any(|other| Words::of(&other.name).snake() == format!("{stem}_{end}"))
            };
            if words.last() == "type"
                && sibling("id")
                && draft.is_text(&column.name)
                && !classes.is_empty()
            {
                let limit = draft.text_limit(&column.name).unwrap_or(usize::MAX);
                let fitting: Vec<&String> = classes
                    .iter()
                    .filter(|class| class.len() <= limit)
                    .take(CLASSES)
                    .collect();
                if !fitting.is_empty() {
                    let why = format!("name, beside {stem}_id: a class of rows");
                    given.push((
                        name.clone(),
                        column.name.clone(),
                        choice(fitting.into_iter().cloned()),
                        why,
                    ));
                }
            } else if words.last() == "id"
                && !sibling("type")
                && let Some((table, key)) = targets.get(&(stem.clone(), base(column)))
                && table != name
            {
                let mut spec = reference(table, key);
                spec.skew = if sizes::rows(drafts, name) > sizes::rows(drafts, table) {
                    0.5
                } else {
                    0.0
                };
                let why = format!("name: as if it referred to {table}.{key}");
                given.push((
                    name.clone(),
                    column.name.clone(),
                    GeneratorSpec::Reference(spec),
                    why,
                ));
            }
        }
    }
    for (table, column, spec, why) in given {
        if let Some(draft) = drafts.tables.get_mut(&table) {
            draft.set(&column, spec, why);
        }
    }
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
