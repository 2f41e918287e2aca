//! Exclusion constraints, and keys WITHOUT OVERLAPS: ranges of which no two overlap.

use super::draft::Drafts;
use crate::seed::generators::GeneratorSpec;
use crate::seed::structure::KeyPart;

pub(super) fn choose(drafts: &mut Drafts<'_>) {
    let names: Vec<String> = drafts.tables.keys().cloned().collect();
    for name in names {
        let draft = drafts.tables.get_mut(&name).expect("it is a draft");
        for exclusion in &draft.table.exclusions {
            let mut is_met = exclusion.parts.iter().all(|(_, operator)| operator == "=");
            let mut equal = Vec::new();
            for (part, operator) in &exclusion.parts {
                match (part, operator.as_str()) {
                    (KeyPart::Column(column), "&&") => {
                        is_met |= disjoin(draft, column, &exclusion.name)
                    }
                    (part, "=") => equal.extend(part.columns()),
                    _ => {}
                }
            }
            if !is_met && !equal.is_empty() {
                // No two rows agree in what has to be equal, so that the rest may be anything.
                draft
                    .spec
                    .unique
                    .retain(|known| !equal.iter().all(|column| known.contains(column)));
                draft.spec.unique.push(equal);
            }
        }
    }
}

/// Whether the column's ranges can be kept apart.
fn disjoin(draft: &mut super::draft::Draft<'_>, column: &str, constraint: &str) -> bool {
    let Some(GeneratorSpec::Range(mut range)) = draft.spec.columns.get(column).cloned() else {
        // Ranges of another row that is referred to are as far apart as those.
        return matches!(
            draft.spec.columns.get(column),
            Some(GeneratorSpec::Reference(_) | GeneratorSpec::Parent(_))
        );
    };
    range.disjoint = true;
    draft.set(
        column,
        GeneratorSpec::Range(range),
        format!("exclusion {constraint}"),
    );
    true
}
