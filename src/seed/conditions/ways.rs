//! Checks that leave a choice: each way to meet them is a case of rows.

use std::collections::{BTreeMap, BTreeSet};

use super::atom::Atom;
use super::fit::{self, Fit};
use super::order::{self, Ordered};
use super::{Condition, Narrowing, explain, formula};
use crate::seed::dataset::{Case, TableSpec};
use crate::seed::generators::{GeneratorSpec, mix};
use crate::seed::structure::Check;

/// Ways of one check, and of several together.
const MOST_WAYS: usize = 48;
/// Cases of one table.
const MOST_CASES: usize = 24;

type Columns = BTreeMap<String, GeneratorSpec>;

/// A set of atoms and the generators that change for it.
struct Way {
    atoms: Vec<Atom>,
    changed: Columns,
    /// Whether all of it is understood.
    certain: bool,
}

/// Chooses ways for all checks that leave a choice, and writes them down as cases.
pub(super) fn choose(
    narrowing: &mut Narrowing<'_>,
    open: Vec<Condition>,
    spec: &mut TableSpec,
    why: &mut BTreeMap<String, String>,
) {
    // Cases that the user wrote are the user's business.
    if !spec.cases.is_empty() {
        return;
    }
    let mut cases = vec![Columns::new()];
    for group in groups(open) {
        let Some(ways) = ways(narrowing, &group, spec) else {
            continue;
        };
        if ways.iter().any(|way| way.changed.is_empty()) {
            continue;
        }
        for column in ways.iter().flat_map(|way| way.changed.keys()) {
            group
                .iter()
                .for_each(|condition| explain(why, column, &condition.check));
        }
        let changed: BTreeSet<_> = ways
            .iter()
            .flat_map(|way| way.changed.keys().cloned())
            .collect();
        match (&ways[..], changed.len()) {
            ([way], _) => spec.columns.extend(way.changed.clone()),
            (_, 1) => mixed(spec, ways),
            _ => cases = product(&cases, &ways),
        }
    }
    if cases.len() > 1 {
        spec.cases = cases
            .into_iter()
            .map(|columns| Case {
                weight: 1.0,
                columns,
            })
            .collect();
    }
}

/// Checks that share columns are met together.
fn groups(open: Vec<Condition>) -> Vec<Vec<Condition>> {
    let mut groups: Vec<(BTreeSet<String>, Vec<Condition>)> = Vec::new();
    for condition in open {
        let ways = condition.formula.ways(MOST_WAYS);
        let columns = ways
            .iter()
            .flatten()
            .flat_map(Atom::columns)
            .map(str::to_owned);
        let mut columns: BTreeSet<_> = columns.collect();
        let mut conditions = vec![condition];
        let (shared, apart): (Vec<_>, Vec<_>) = groups
            .into_iter()
            .partition(|(known, _)| !known.is_disjoint(&columns));
        for (known, others) in shared {
            columns.extend(known);
            conditions.splice(0..0, others);
        }
        groups = apart;
        groups.push((columns, conditions));
    }
    groups
        .into_iter()
        .map(|(_, conditions)| conditions)
        .collect()
}

/// The ways to meet a group; none where only the server can tell. What cannot be met is told.
fn ways(narrowing: &mut Narrowing<'_>, group: &[Condition], spec: &TableSpec) -> Option<Vec<Way>> {
    let mut found = vec![Way {
        atoms: Vec::new(),
        changed: Columns::new(),
        certain: true,
    }];
    for condition in group {
        let own = condition.formula.ways(MOST_WAYS);
        let before: Vec<_> = found.into_iter().map(|way| way.atoms).collect();
        let both = formula::product(&before, &own, 4 * MOST_WAYS);
        found = both
            .into_iter()
            .filter_map(|atoms| way(narrowing, spec, atoms))
            .collect();
        if found.iter().any(|way| way.certain) {
            found.retain(|way| way.certain);
        }
        found.truncate(MOST_WAYS);
        if found.is_empty() {
            narrowing.give_up(&condition.check, &hint(&condition.check));
            return None;
        }
    }
    let mut different: Vec<Way> = Vec::new();
    for way in found {
        if !different.iter().any(|known| known.changed == way.changed) {
            different.push(way);
        }
    }
    different.truncate(MOST_CASES);
    Some(different)
}

fn hint(check: &Check) -> String {
    format!(
        "no values for {} could be made that meet it together: write generators for them in the dataset",
        check.columns.join(", ")
    )
}

/// What changes for a set of atoms; nothing where they cannot all be met.
fn way(narrowing: &Narrowing<'_>, spec: &TableSpec, atoms: Vec<Atom>) -> Option<Way> {
    let mut columns = spec.columns.clone();
    let mut certain = true;
    let named: BTreeSet<_> = atoms.iter().flat_map(Atom::columns).collect();
    for name in named {
        let column = narrowing.table.column(name)?;
        let mut about = narrowing.certain_of(name);
        let of_way = |atom: &&Atom| {
            !matches!(atom, Atom::Order { .. } | Atom::Opaque { .. }) && atom.columns() == [name]
        };
        about.extend(atoms.iter().filter(of_way));
        match fit::fit(column, spec.columns.get(name), &about) {
            Fit::Kept => {}
            Fit::Changed(changed) if narrowing.may_change(name) => {
                columns.insert(name.to_owned(), changed);
            }
            Fit::Changed(_) | Fit::Impossible => return None,
            Fit::Unknown => certain = false,
        }
    }
    for atom in &atoms {
        match atom {
            Atom::Order { left, op, right } => {
                let may_change = |column: &str| narrowing.may_change(column);
                let ordered = order::order(
                    narrowing.table,
                    &mut columns,
                    &may_change,
                    (left, *op, right),
                );
                certain &= ordered == Ordered::Yes;
            }
            Atom::Opaque { .. } => certain = false,
            _ => {}
        }
    }
    columns.retain(|name, changed| spec.columns.get(name) != Some(changed));
    Some(Way {
        atoms,
        changed: columns,
        certain,
    })
}

/// Ways that change one column only, the same: it mixes them.
fn mixed(spec: &mut TableSpec, ways: Vec<Way>) {
    let mut parts = Vec::new();
    let mut changed = String::new();
    for (name, value) in ways.into_iter().flat_map(|way| way.changed) {
        changed = name;
        parts.push(mix::Part { weight: 1.0, value });
    }
    spec.columns
        .insert(changed, GeneratorSpec::Mix(mix::Mix(parts)));
}

fn product(cases: &[Columns], ways: &[Way]) -> Vec<Columns> {
    // Every way has its row where there are too many for each with each.
    let at_once = if cases.len() * ways.len() <= MOST_CASES {
        cases.len()
    } else {
        1
    };
    let mut product = Vec::new();
    if at_once == 1 && cases.len() > 1 {
        for at in 0..cases.len().max(ways.len()) {
            let mut case = cases[at % cases.len()].clone();
            case.extend(ways[at % ways.len()].changed.clone());
            product.push(case);
        }
        return product;
    }
    for case in cases {
        for way in ways {
            let mut case = case.clone();
            case.extend(way.changed.clone());
            product.push(case);
        }
    }
    product
}
