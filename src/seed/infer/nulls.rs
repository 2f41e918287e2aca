//! How often a column that may be NULL is.

use std::collections::BTreeSet;

use super::draft::{Draft, Drafts};
use super::forms::nullable;
use super::times;
use super::words::Words;
use crate::seed::generators::GeneratorSpec;
use crate::seed::structure::Column;

pub(super) fn choose(drafts: &mut Drafts<'_>) {
    let referred = referred(drafts);
    for (name, draft) in &mut drafts.tables {
        let kept = kept(draft);
        for column in &draft.table.columns {
            let is_referred = referred.contains(&(name.clone(), column.name.clone()));
            if column.not_null
                || is_referred
                || kept.contains(&column.name)
                || !draft.is_open(&column.name)
            {
                continue;
            }
            let nulls = fraction(draft, column);
            if let Some(spec) = draft.spec.columns.remove(&column.name) {
                let spec = if nulls > 0.0 {
                    nullable(nulls, spec)
                } else {
                    spec
                };
                draft.spec.columns.insert(column.name.clone(), spec);
            }
        }
    }
}

/// Columns that foreign keys lead to: who refers to one needs a value.
fn referred(drafts: &Drafts<'_>) -> BTreeSet<(String, String)> {
    let keys = drafts
        .tables
        .values()
        .flat_map(|draft| &draft.table.foreign_keys);
    keys.flat_map(|key| {
        key.parent_columns
            .iter()
            .map(|column| (key.parent.clone(), column.clone()))
    })
    .collect()
}

/// Columns that decide over others: of keys of several columns, of partitions, and those that others come after.
fn kept(draft: &Draft<'_>) -> BTreeSet<String> {
    let mut kept = draft.bounded.clone();
    for set in &draft.spec.unique {
        if set.len() > 1 {
            kept.extend(set.iter().cloned());
        }
    }
    for key in draft.table.keys.iter().filter(|key| key.nulls_equal) {
        kept.extend(key.parts.iter().flat_map(|part| part.columns()));
    }
    for part in draft.table.partitioned_by.iter().flat_map(|by| &by.parts) {
        kept.extend(part.columns());
    }
    for case in &draft.spec.cases {
        kept.extend(case.columns.keys().cloned());
    }
    for key in draft
        .table
        .foreign_keys
        .iter()
        .filter(|key| key.match_full && key.columns.len() > 1)
    {
        kept.extend(key.columns.iter().cloned());
    }
    for (column, spec) in &draft.spec.columns {
        match spec {
            GeneratorSpec::After(after) => kept.extend([after.column.clone()]),
            GeneratorSpec::Reference(reference) => {
                kept.extend(reference.same.iter().map(|tie| tie.own.clone()))
            }
            GeneratorSpec::Parent(_) | GeneratorSpec::Ordinal(_) => kept.extend([column.clone()]),
            _ => {}
        }
    }
    kept
}

fn fraction(draft: &Draft<'_>, column: &Column) -> f64 {
    let is_reference = draft
        .table
        .foreign_keys
        .iter()
        .any(|key| key.columns.contains(&column.name));
    if is_reference {
        return 0.2;
    }
    if let Some(nulls) = times::nulls(column) {
        return nulls;
    }
    let words = Words::of(&column.name);
    if words.has_any(&[
        "middle",
        "nickname",
        "suffix",
        "line2",
        "address2",
        "fax",
        "deleted",
        "parent",
        "legacy",
        "old",
        "error",
        "reset",
        "unconfirmed",
    ]) {
        return 0.7;
    }
    if words.has_any(&[
        "description",
        "bio",
        "notes",
        "note",
        "comment",
        "phone",
        "website",
        "avatar",
        "token",
        "reason",
        "summary",
        "metadata",
    ]) {
        return 0.3;
    }
    // What has a default is seldom set to NULL, and what is a table's own name never is.
    if column.default.is_some()
        || words.ends_with_any(&["name", "title", "email", "status", "state", "type", "kind"])
    {
        return 0.02;
    }
    0.1
}
