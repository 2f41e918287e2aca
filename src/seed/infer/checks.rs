//! CHECK constraints: what was chosen is limited to what they let through. What is not met shows when rows are tried on the
//! server.

use std::collections::BTreeSet;

use super::draft::Drafts;
use crate::seed::conditions;
use crate::seed::generators::GeneratorSpec;

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
        let unmet = conditions::narrow(draft.table, &mut draft.spec, &fixed, &mut draft.why);
        for unmet in unmet {
            let (check, sql, hint) = (unmet.check, unmet.sql, unmet.hint);
            for column in unmet.columns {
                let known = draft.why.entry(column).or_default();
                known.push_str(&format!("; not met: CHECK {check}: {sql}: {hint}"));
            }
        }
    }
}
