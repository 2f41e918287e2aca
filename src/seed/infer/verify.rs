//! All that was chosen is built, as it will be when rows are made. What cannot be gives way.

use std::collections::BTreeSet;

use super::draft::{Draft, Drafts};
use super::forms::null;
use super::keys;
use crate::seed::generators::GeneratorSpec;

/// Columns that gave way can be others' sources: so many times.
const ROUNDS: usize = 20;

pub(super) fn all(drafts: &mut Drafts<'_>) {
    for _ in 0..ROUNDS {
        let faults = faults(drafts);
        if faults.is_empty() {
            return;
        }
        for (table, column, message) in faults {
            mend(drafts, &table, &column, &message);
        }
        // Who is left without a parent, or with a smaller one, gets fewer rows.
        keys::limit(drafts);
    }
}

/// Columns that cannot be built: table, column, why.
fn faults(drafts: &Drafts<'_>) -> Vec<(String, String, String)> {
    drafts.seen(|context| {
        let mut faults = Vec::new();
        for (name, spec) in context.tables {
            let of_cases = spec.cases.iter().flat_map(|case| case.columns.keys());
            let columns: BTreeSet<&String> = spec.columns.keys().chain(of_cases).collect();
            for column in columns {
                if let Err(message) = context.build(name, column) {
                    faults.push((name.clone(), column.clone(), message));
                }
            }
        }
        faults
    })
}

fn mend(drafts: &mut Drafts<'_>, table: &str, column: &str, message: &str) {
    let Some(draft) = drafts.tables.get(table) else {
        return;
    };
    let parent = draft
        .spec
        .columns
        .get(column)
        .and_then(|spec| parent(spec, draft));
    let orphaned = parent.filter(|parent| drafts.empty.contains_key(parent));
    let why = match &orphaned {
        Some(parent) => format!("{parent}, to which it refers, stays empty"),
        None => message.to_owned(),
    };
    let is_open = draft.is_open(column);
    let has_default = draft
        .table
        .column(column)
        .is_some_and(|column| column.default.is_some());
    let is_nullable = draft.is_nullable(column);
    let draft = drafts.tables.get_mut(table).expect("it was just found");
    if is_open && is_nullable {
        draft
            .spec
            .unique
            .retain(|set| !set.iter().any(|known| known == column));
        draft.set(column, null(), why);
    } else if is_open
        && has_default
        && draft
            .spec
            .unique
            .iter()
            .all(|set| !set.iter().any(|known| known == column))
    {
        draft.spec.columns.remove(column);
        draft.why.remove(column);
    } else if is_open {
        let help = if orphaned.is_some() {
            ""
        } else {
            "; describe it in the dataset file"
        };
        drafts.give_up(
            table,
            format!("{column} is NOT NULL and has no value: {why}{help}"),
        );
    }
}

/// The table that a generator takes its values from.
fn parent(spec: &GeneratorSpec, draft: &Draft<'_>) -> Option<String> {
    match spec {
        GeneratorSpec::Nullable(nullable) => parent(&nullable.value, draft),
        GeneratorSpec::Reference(reference) => {
            let (table, _) = reference.column.rsplit_once('.')?;
            Some(table.to_owned())
        }
        GeneratorSpec::Parent(_) | GeneratorSpec::Ordinal(_) => {
            Some(draft.spec.children_of.as_ref()?.table.clone())
        }
        _ => None,
    }
}
