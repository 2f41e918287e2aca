//! CHECK constraints: what was chosen is limited to what they let through.

use std::collections::BTreeSet;

use super::draft::Drafts;
use crate::seed::conditions::{self, Unmet};
use crate::seed::generators::GeneratorSpec;

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
    }
}
