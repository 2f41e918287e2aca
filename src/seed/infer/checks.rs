//! CHECK constraints: what was chosen is limited to what they let through.

use std::collections::BTreeSet;

use super::draft::Drafts;
use crate::seed::conditions;
use crate::seed::generators::GeneratorSpec;

pub(super) fn choose(drafts: &mut Drafts<'_>) {
    let mut hopeless = Vec::new();
    for (name, draft) in &mut drafts.tables {
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
        if let Some(unmet) = unmet.into_iter().next() {
            let (check, sql, hint) = (unmet.check, unmet.sql, unmet.hint);
            hopeless.push((name.clone(), format!("CHECK {check}: {sql}: {hint}")));
        }
    }
    for (table, why) in hopeless {
        drafts.give_up(&table, why);
    }
}
