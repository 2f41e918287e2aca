//! CHECK constraints: what was chosen is limited to what they let through.

use std::collections::{BTreeMap, BTreeSet};

use super::draft::{Draft, Drafts};
use crate::seed::conditions::{self, Unmet};
use crate::seed::generators::GeneratorSpec;
use crate::seed::structure::KeyPart;

/// What is not met shows when rows are tried on the server, which may find values yet.
pub(super) fn choose(drafts: &mut Drafts<'_>) {
    for draft in drafts.tables.values_mut() {
        let mut fixed: BTreeSet<String> = draft.described.union(&draft.bounded).cloned().collect();
        // A child's place among its siblings is counted, not chosen.
        let counted = |spec: &GeneratorSpec| {
            matches!(spec, GeneratorSpec::Parent(_) | GeneratorSpec::Ordinal(_))
        };
        let columns = draft.spec.columns.iter();
        fixed.extend(
            columns
                .filter(|(_, spec)| counted(spec))
                .map(|(column, _)| column.clone()),
        );
        let before = draft.spec.columns.clone();
        let (spec, why) = (&mut draft.spec, &mut draft.why);
        for unmet in conditions::narrow(draft.table, spec, &fixed, why) {
            let Unmet {
                check,
                columns,
                sql,
                hint,
            } = unmet;
            for column in columns {
                let known = why.entry(column).or_default();
                known.push_str(&format!("; not met: CHECK {check}: {sql}: {hint}"));
            }
        }
        keep_unique(draft, &before);
    }
}

/// A key whose columns were unique by themselves may need a set now.
fn keep_unique(draft: &mut Draft<'_>, before: &BTreeMap<String, GeneratorSpec>) {
    for key in &draft.table.keys {
        let columns: Vec<String> = key.parts.iter().flat_map(KeyPart::columns).collect();
        let spec = &mut draft.spec;
        let is_changed = |column: &String| {
            let in_cases = spec
                .cases
                .iter()
                .any(|case| case.columns.contains_key(column));
            in_cases || spec.columns.get(column) != before.get(column)
        };
        let is_kept = |set: &Vec<String>| set.iter().all(|column| columns.contains(column));
        if columns.iter().any(is_changed) && !spec.unique.iter().any(is_kept) {
            spec.unique.push(columns);
        }
    }
}
