//! What CHECK constraints, those of domains among them, ask of the columns, and generators that meet it.
//!
//! A check is read into a formula; what it asks of single columns in any case limits their generators, what it leaves
//! to choose from becomes cases of rows. All of it may be optimistic: the server tries rows before the load.

mod expr;
mod formula;
mod counts;
mod terms;
mod atom;
mod like;
mod times;
mod held;
mod fit;
mod numbers;
mod texts;
mod order;
mod ways;

use std::collections::{BTreeMap, BTreeSet};

use super::dataset::TableSpec;
use super::structure::{Check, Column, ColumnType, Table, TypeKind};
use atom::Atom;
use expr::Expr;
use fit::Fit;
use formula::Formula;

/// A check that the generators surely do not meet.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Unmet {
    pub(super) check: String,
    pub(super) columns: Vec<String>,
    pub(super) sql: String,
    /// What to do about it.
    pub(super) hint: String,
}

/// What one check asks, and its name.
struct Condition {
    check: Check,
    formula: Formula,
}

/// Limits or replaces the generators of a table so that its checks hold. Those of `fixed` columns stay as they are: the
/// user wrote them. `why` is told what was changed for which check.
pub(super) fn narrow(
    table: &Table,
    spec: &mut TableSpec,
    fixed: &BTreeSet<String>,
    why: &mut BTreeMap<String, String>,
) -> Vec<Unmet> {
    elements(table, spec, fixed, why);
    let mut narrowing = Narrowing {
        table,
        fixed,
        certain: Vec::new(),
        unmet: Vec::new(),
    };
    let mut open = Vec::new();
    for Condition { check, formula } in conditions(table) {
        match formula {
            Formula::True => {}
            Formula::False => narrowing.give_up(
                &check,
                "no value can meet it: leave the table empty, or drop the constraint",
            ),
            Formula::And(parts) => {
                for part in parts {
                    narrowing.sort(&check, part, &mut open);
                }
            }
            part => narrowing.sort(&check, part, &mut open),
        }
    }
    narrowing.columns(spec, why);
    narrowing.orders(spec, why);
    ways::choose(&mut narrowing, open, spec, why);
    narrowing.unmet
}

/// The texts and numbers in an expression.
pub(super) fn literals(sql: &str) -> Vec<String> {
    Expr::parse(sql).literals()
}

/// All checks of a table and of the domains of its columns.
fn conditions(table: &Table) -> Vec<Condition> {
    let of_table = table.checks.iter().map(|check| Condition {
        formula: formula::of(&Expr::parse(&check.sql), true),
        check: check.clone(),
    });
    let of_domains = table
        .columns
        .iter()
        .flat_map(|column| of_domain(&column.ty, &column.name));
    of_table.chain(of_domains).collect()
}

/// The checks of a domain, and of the domain under it, as conditions of a column.
fn of_domain(ty: &ColumnType, column: &str) -> Vec<Condition> {
    let TypeKind::Domain { of, checks, .. } = &ty.kind else {
        return Vec::new();
    };
    let own = checks.iter().map(|check| Condition {
        formula: formula::of(&Expr::parse(&check.sql).renamed("value", column), true),
        check: Check {
            columns: vec![column.to_owned()],
            ..check.clone()
        },
    });
    own.chain(of_domain(of, column)).collect()
}

/// Arrays of a domain: their elements meet its checks.
fn elements(
    table: &Table,
    spec: &mut TableSpec,
    fixed: &BTreeSet<String>,
    why: &mut BTreeMap<String, String>,
) {
    use crate::seed::generators::GeneratorSpec;
    for column in table
        .columns
        .iter()
        .filter(|column| !fixed.contains(&column.name))
    {
        let TypeKind::Array(element) = &column.ty.base().kind else {
            continue;
        };
        let array = match spec.columns.get_mut(&column.name) {
            Some(GeneratorSpec::Array(array)) => array,
            Some(GeneratorSpec::Nullable(nullable)) => match &mut *nullable.value {
                GeneratorSpec::Array(array) => array,
                _ => continue,
            },
            _ => continue,
        };
        let conditions = of_domain(element, &column.name);
        let atoms: Vec<_> = conditions
            .iter()
            .flat_map(|c| c.formula.ways(1))
            .flatten()
            .collect();
        let element = Column {
            ty: (**element).clone(),
            not_null: true,
            ..column.clone()
        };
        if let Fit::Changed(value) = fit::fit(
            &element,
            Some(&array.value),
            &atoms.iter().collect::<Vec<_>>(),
        ) {
            *array.value = value;
            for condition in &conditions {
                explain(why, &column.name, &condition.check);
            }
        }
    }
}

/// Adds a check to the reasons of a column.
fn explain(why: &mut BTreeMap<String, String>, column: &str, check: &Check) {
    let reason = format!("CHECK {}: {}", check.name, check.sql);
    let known = why.entry(column.to_owned()).or_default();
    if known.contains(&reason) {
        return;
    }
    if !known.is_empty() {
        known.push_str("; ");
    }
    known.push_str(&reason);
}

/// A table while its generators are narrowed.
struct Narrowing<'a> {
    table: &'a Table,
    fixed: &'a BTreeSet<String>,
    /// What must hold in every row, with the check that says so.
    certain: Vec<(Check, Atom)>,
    unmet: Vec<Unmet>,
}

impl Narrowing<'_> {
    fn sort(&mut self, check: &Check, part: Formula, open: &mut Vec<Condition>) {
        match part {
            Formula::Atom(Atom::Opaque { .. }) => {}
            Formula::Atom(atom) => self.certain.push((check.clone(), atom)),
            formula => open.push(Condition {
                check: check.clone(),
                formula,
            }),
        }
    }

    fn give_up(&mut self, check: &Check, hint: &str) {
        let unmet = Unmet {
            check: check.name.clone(),
            columns: check.columns.clone(),
            sql: check.sql.clone(),
            hint: hint.to_owned(),
        };
        if !self.unmet.contains(&unmet) {
            self.unmet.push(unmet);
        }
    }

    /// What must hold of a single column in every row.
    fn certain_of<'b>(&'b self, column: &str) -> Vec<&'b Atom> {
        let of_column =
            |atom: &&Atom| !matches!(atom, Atom::Order { .. }) && atom.columns() == [column];
        self.certain
            .iter()
            .map(|(_, atom)| atom)
            .filter(of_column)
            .collect()
    }

    fn may_change(&self, column: &str) -> bool {
        !self.fixed.contains(column)
    }

    fn columns(&mut self, spec: &mut TableSpec, why: &mut BTreeMap<String, String>) {
        for column in &self.table.columns {
            let atoms = self.certain_of(&column.name);
            if atoms.is_empty() {
                continue;
            }
            let name = &column.name;
            let checks = self
                .certain
                .iter()
                .filter(|(_, atom)| atoms.contains(&atom));
            let checks: Vec<_> = checks.map(|(check, _)| check.clone()).collect();
            match fit::fit(column, spec.columns.get(name), &atoms) {
                Fit::Kept | Fit::Unknown => {}
                Fit::Changed(changed) if self.may_change(name) => {
                    spec.columns.insert(name.clone(), changed);
                    checks.iter().for_each(|check| explain(why, name, check));
                }
                Fit::Changed(_) => {
                    let hint = format!(
                        "the generator that is written for {name} gives other values: change it"
                    );
                    checks.iter().for_each(|check| self.give_up(check, &hint));
                }
                Fit::Impossible => {
                    let hint = format!(
                        "no value for {name} could be made: write a generator for it in the dataset, such as \
                         literal = {{ any = [\"…\"] }}"
                    );
                    checks.iter().for_each(|check| self.give_up(check, &hint));
                }
            }
        }
    }

    fn orders(&mut self, spec: &mut TableSpec, why: &mut BTreeMap<String, String>) {
        for (check, atom) in &self.certain {
            let Atom::Order { left, op, right } = atom else {
                continue;
            };
            let before = spec.columns.clone();
            let may_change = |column: &str| self.may_change(column);
            order::order(
                self.table,
                &mut spec.columns,
                &may_change,
                (left, *op, right),
            );
            for column in [left, right] {
                if before.get(column) != spec.columns.get(column) {
                    explain(why, column, check);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
