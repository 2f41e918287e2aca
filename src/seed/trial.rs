//! Some rows of each table, tried on the server against its CHECK constraints before the load.
//!
//! What the analysis of the checks does not understand, the server does. With inference a check that is not met is mended:
//! values are searched for that meet it. What cannot be mended stays empty, with the reason.

mod attempt;
mod candidates;
mod repair;
mod stand_in;

use std::collections::{BTreeMap, BTreeSet};

use tokio_postgres::Client;

use super::dataset::{Description, TableSpec};
use super::infer::{self, Inferred};
use super::structure::{Check, Structure};
use super::{Error, Spec, layout};
use crate::input::Problems;

/// Rows that the server would not take in a load: they are tried, too.
pub(super) type Refused = BTreeMap<String, BTreeSet<u64>>;

/// A constraint that a tried row violates.
#[derive(Clone, Debug)]
struct Violation {
    table: String,
    check: Check,
    /// The temporary table with the rows.
    tried_in: String,
    /// The row's values of the columns in the check, as SQL writes them; or what the server says.
    row: String,
}

impl Violation {
    fn message(&self) -> String {
        let Check { name, sql, .. } = &self.check;
        if sql.is_empty() {
            return format!("the server refuses a row: {}", self.row);
        }
        // The server writes another pair of parentheses around all but calls.
        let inner = sql
            .strip_prefix('(')
            .and_then(|rest| rest.strip_suffix(')'));
        format!(
            "rows do not meet the constraint {name}: CHECK ({}); a row that was tried has {}",
            inner.unwrap_or(sql),
            self.row
        )
    }
}

/// Tries the rows of a dataset that is described in full. What is wrong is told before a row is sent.
pub(super) async fn check(client: &Client, spec: &Spec) -> Result<(), Error> {
    let structure = Structure::read(client).await?;
    let tables = attempt::tables(&structure, &spec.dataset.tables);
    let layouts = layout::of(client, spec, &tables).await?;
    let violations = attempt::all(client, &structure, &layouts, &Refused::new()).await?;
    attempt::forget(client, layouts.len()).await?;
    let problem = |violation: &Violation| {
        let keys = ["tables", violation.table.as_str()];
        let problem = spec.dataset.at(&keys).problem(violation.message());
        let columns = violation.check.columns.join(", ");
        problem.hint(format!(
            "change the generators of {columns}, so that all rows meet it"
        ))
    };
    let problems: Vec<_> = violations.iter().map(problem).collect();
    if problems.is_empty() {
        Ok(())
    } else {
        Err(Problems(problems).into())
    }
}

/// A table that was mended may violate another check: so many times.
const ROUNDS: usize = 4;

/// Tries the rows of what was inferred, and mends what violates a check. `spec` describes what the user wrote.
pub(super) async fn settle(
    client: &Client,
    structure: &Structure,
    spec: &Spec,
    description: &Description,
    refused: &Refused,
    inferred: Inferred,
) -> Result<Inferred, Error> {
    let mut settling = Settling {
        client,
        structure,
        spec,
        description,
        refused,
        inferred,
        mended: BTreeMap::new(),
        given_up: BTreeMap::new(),
    };
    let mut tables = attempt::tables(structure, &settling.inferred.tables);
    for round in 0..=ROUNDS {
        let violations = settling.attempt(&tables).await?;
        if violations.is_empty() {
            break;
        }
        tables = violations.iter().map(|v| v.table.clone()).collect();
        let is_last = round == ROUNDS;
        settling.mend(violations, is_last).await?;
        if !settling.given_up.is_empty() {
            settling.infer_again();
            // Who referred to a table that is empty now holds other values.
            tables = attempt::tables(structure, &settling.inferred.tables);
        }
        attempt::forget(client, structure.tables.len()).await?;
    }
    attempt::forget(client, structure.tables.len()).await?;
    Ok(settling.inferred)
}

struct Settling<'a> {
    client: &'a Client,
    structure: &'a Structure,
    spec: &'a Spec,
    /// What it was inferred from.
    description: &'a Description,
    refused: &'a Refused,
    inferred: Inferred,
    /// How tables that violated a check are filled now, with the reason of each column that changed.
    mended: BTreeMap<String, (TableSpec, BTreeMap<String, String>)>,
    given_up: BTreeMap<String, String>,
}

impl Settling<'_> {
    async fn attempt(&self, tables: &BTreeSet<String>) -> Result<Vec<Violation>, Error> {
        let mut spec = self.spec.clone();
        spec.dataset.main.clone_from(&self.inferred.main);
        spec.dataset.tables = self.inferred.tables.clone();
        let layouts = layout::of(self.client, &spec, tables).await?;
        attempt::all(self.client, self.structure, &layouts, self.refused).await
    }

    /// Changes each table that violates a check, or gives it up.
    async fn mend(&mut self, violations: Vec<Violation>, is_last: bool) -> Result<(), Error> {
        let mut by_table = BTreeMap::<String, Vec<Violation>>::new();
        for violation in violations {
            by_table
                .entry(violation.table.clone())
                .or_default()
                .push(violation);
        }
        for (name, violations) in by_table {
            let described = self
                .spec
                .dataset
                .tables
                .get(&name)
                .map(|spec| spec.columns.keys().cloned());
            let described: BTreeSet<_> = described.into_iter().flatten().collect();
            let table = &self.structure.tables[&name];
            let mut spec = self.inferred.tables[&name].clone();
            let mended = match is_last {
                true => Err(vec![violations[0].check.clone()]),
                false => {
                    let (client, spec) = (self.client, &mut spec);
                    match repair::repair(client, table, spec, &described, &violations).await? {
                        Ok(why) => Ok(why),
                        Err(checks) => {
                            let found = self.stand_in(&name, spec, &described, &violations);
                            found.await?.ok_or(checks)
                        }
                    }
                }
            };
            match mended {
                Ok(why) => {
                    let reasons = self.inferred.reasons.entry(name.clone()).or_default();
                    reasons.columns.extend(why.clone());
                    self.inferred.tables.insert(name.clone(), spec.clone());
                    self.mended.insert(name, (spec, why));
                }
                Err(checks) => {
                    let reason = hopeless(&violations, &checks);
                    self.given_up.insert(name, reason);
                }
            }
        }
        Ok(())
    }

    /// Without the tables that were given up others have fewer rows, or no parents.
    fn infer_again(&mut self) {
        let mut description = self.description.clone();
        for (name, why) in &self.given_up {
            let empty = TableSpec {
                empty: Some(why.clone()),
                ..TableSpec::default()
            };
            description.tables.insert(name.clone(), empty);
        }
        self.inferred = infer::infer(self.structure, &description, self.spec.rows, self.spec.seed);
        // What referred to them is to be tried anew.
        let empty = &self.inferred.empty;
        self.mended.retain(|name, _| {
            let keys = &self.structure.tables[name].foreign_keys;
            !keys.iter().any(|key| empty.contains_key(&key.parent))
        });
        for (name, (spec, why)) in &self.mended {
            if let Some(again) = self.inferred.tables.get_mut(name) {
                again.columns.extend(
                    spec.columns
                        .iter()
                        .filter(|(column, _)| why.contains_key(*column))
                        .map(clone),
                );
                again.cases.clone_from(&spec.cases);
                let reasons = self.inferred.reasons.entry(name.clone()).or_default();
                reasons.columns.extend(why.iter().map(clone));
            }
        }
    }
}

/// Why a table stays empty whose checks are not met, and how to help.
fn hopeless(violations: &[Violation], checks: &[Check]) -> String {
    let found = violations.iter().find(|v| checks.contains(&v.check));
    let message = found.unwrap_or(&violations[0]).message();
    let columns: BTreeSet<_> = checks.iter().flat_map(|check| &check.columns).collect();
    let columns: Vec<_> = columns.into_iter().map(String::as_str).collect();
    let help = match columns.first() {
        Some(column) => format!(
            "; write generators for {} in the dataset, such as {column} = {{ literal = {{ any = [\"…\"] }} }}",
            columns.join(", ")
        ),
        None => String::new(),
    };
    format!("{message}, and no values that meet it were found{help}")
}

fn clone<A: Clone, B: Clone>((one, other): (&A, &B)) -> (A, B) {
    (one.clone(), other.clone())
}
