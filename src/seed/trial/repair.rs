//! Values that meet a violated check, found by asking the server for many combinations.

use std::collections::{BTreeMap, BTreeSet};

use tokio_postgres::Client;

use super::{Violation, attempt, candidates};
use crate::postgres::relation::{quote_identifier, quote_literal};
use crate::seed::Error;
use crate::seed::dataset::{Case, TableSpec};
use crate::seed::generators::{GeneratorSpec, literal, null};
use crate::seed::structure::{Check, Column, FilledBy, KeyPart, Table};

/// Combinations of values that are asked for.
const COMBINATIONS: usize = 4_000;
/// Combinations that are asked for one by one, where some make the server fail.
const ONE_BY_ONE: usize = 400;
/// Different combinations that are kept.
const KEPT: usize = 12;
/// Rows that each combination must suit.
const ROWS: usize = 20;

/// A column whose values are searched for, with the texts that may be.
struct Free<'a> {
    column: &'a Column,
    texts: Vec<Option<String>>,
}

/// Changes the generators of the columns that the violated checks name. Returns the reasons of the columns that
/// changed; the inner error has the checks for which no values were found.
pub(super) async fn repair(
    client: &Client,
    table: &Table,
    spec: &mut TableSpec,
    described: &BTreeSet<String>,
    violations: &[Violation],
) -> Result<Result<BTreeMap<String, String>, Vec<Check>>, Error> {
    let mut why = BTreeMap::new();
    for group in groups(violations) {
        let named: BTreeSet<&str> = group
            .iter()
            .flat_map(|check| &check.columns)
            .map(String::as_str)
            .collect();
        let may_change = |column: &&Column| {
            named.contains(column.name.as_str())
                && !described.contains(&column.name)
                && column.filled_by == FilledBy::Default
        };
        let open: Vec<_> = table.columns.iter().filter(may_change).collect();
        let Some((free, found)) =
            together(client, table, open, &violations[0].tried_in, &group).await?
        else {
            return Ok(Err(group));
        };
        why.extend(write(spec, &free, found, &group));
    }
    Ok(Ok(why))
}

/// Checks that share columns are met together, others by themselves: the fewer columns, the more values of each.
fn groups(violations: &[Violation]) -> Vec<Vec<Check>> {
    let mut groups: Vec<Vec<Check>> = Vec::new();
    for violation in violations {
        let columns = &violation.check.columns;
        let shares = |group: &Vec<Check>| {
            group
                .iter()
                .flat_map(|check| &check.columns)
                .any(|column| columns.contains(column))
        };
        let (shared, apart): (Vec<_>, Vec<_>) = groups.into_iter().partition(shares);
        let mut group = shared.concat();
        group.push(violation.check.clone());
        groups = apart;
        groups.push(group);
    }
    groups
}

/// Values for the open columns: without those that other tables or keys depend on, else with NULL in them.
async fn together<'a>(
    client: &Client,
    table: &Table,
    open: Vec<&'a Column>,
    tried_in: &str,
    checks: &[Check],
) -> Result<Option<(Vec<Free<'a>>, Vec<Combination>)>, Error> {
    let (bound, loose): (Vec<&Column>, Vec<&Column>) =
        open.into_iter().partition(|column| is_bound(table, column));
    let nulls: Vec<_> = bound
        .into_iter()
        .filter(|column| !column.not_null)
        .collect();
    for nulls in [&[][..], &nulls[..]] {
        let mut free = Vec::new();
        for column in &loose {
            free.push(values(client, column, checks, share(loose.len())).await?);
        }
        free.extend(nulls.iter().map(|column| Free {
            column,
            texts: vec![None],
        }));
        if free.is_empty() {
            continue;
        }
        let found = search(client, table, tried_in, &free, checks).await?;
        if !found.is_empty() {
            return Ok(Some((free, found)));
        }
    }
    Ok(None)
}

/// Whether other tables or keys depend on a column's values.
fn is_bound(table: &Table, column: &Column) -> bool {
    let name = &column.name;
    let is_key = |part: &KeyPart| match part {
        KeyPart::Column(column) => column == name,
        KeyPart::Expression { columns, .. } => columns.contains(name),
    };
    table
        .foreign_keys
        .iter()
        .any(|key| key.columns.contains(name))
        || table.keys.iter().any(|key| key.parts.iter().any(is_key))
}

/// How many values of each of `n` columns make not too many combinations.
fn share(n: usize) -> usize {
    (COMBINATIONS as f64).powf(1.0 / n.max(1) as f64) as usize
}

/// The texts that the server takes for values of the column, at most `most`.
async fn values<'a>(
    client: &Client,
    column: &'a Column,
    checks: &[Check],
    most: usize,
) -> Result<Free<'a>, Error> {
    let mut texts = Vec::new();
    if !column.not_null {
        texts.push(None);
    }
    let ty = &column.ty.base().sql;
    for text in candidates::of(&column.ty, checks) {
        if texts.len() >= most.clamp(2, 60) {
            break;
        }
        let sql = format!("SELECT CAST({} AS {ty})::text", quote_literal(&text));
        match client.query_one(&sql, &[]).await {
            Ok(row) => {
                let value: Option<String> = row.get(0);
                if value.is_some() && !texts.contains(&value) {
                    texts.push(value);
                }
            }
            // It is no value of the type.
            Err(e) if e.as_db_error().is_some() => {}
            Err(e) => {
                return Err(Error::doing("while looking for values that meet a check")(
                    e,
                ));
            }
        }
    }
    Ok(Free { column, texts })
}

type Combination = Vec<Option<String>>;

async fn search(
    client: &Client,
    table: &Table,
    trial: &str,
    free: &[Free<'_>],
    violated: &[Check],
) -> Result<Vec<Combination>, Error> {
    let conditions = conditions(table, free, violated);
    let sources = free.iter().enumerate().map(|(at, free)| {
        let texts = free
            .texts
            .iter()
            .map(|text| literal_or_null(text.as_deref()));
        let texts: Vec<_> = texts.collect();
        format!(
            "unnest(ARRAY[{}]::text[]) WITH ORDINALITY c{at}(v, n)",
            texts.join(", ")
        )
    });
    let sources: Vec<_> = sources.collect();
    let picked = |part: &str, between: &str| {
        let parts = (0..free.len()).map(|at| part.replace('#', &at.to_string()));
        parts.collect::<Vec<_>>().join(between)
    };
    let columns = columns(table, free, |at| format!("c{at}.v"));
    let sql = format!(
        "SELECT {} FROM {} WHERE (SELECT bool_and({conditions}) FROM (SELECT {columns} FROM (SELECT * FROM {trial} LIMIT {ROWS}) t) r) \
         ORDER BY {}, {} LIMIT {KEPT}",
        picked("c#.v", ", "),
        sources.join(" CROSS JOIN "),
        picked("(c#.v IS NULL)::int", " + "),
        picked("c#.n", " + "),
    );
    match client.query(&sql, &[]).await {
        Ok(rows) => {
            let combination =
                |row: &tokio_postgres::Row| (0..free.len()).map(|at| row.get(at)).collect();
            Ok(rows.iter().map(combination).collect())
        }
        Err(e) if e.as_db_error().is_some() => {
            one_by_one(client, table, trial, free, &conditions).await
        }
        Err(e) => Err(Error::doing("while looking for values that meet a check")(
            e,
        )),
    }
}

/// What must hold of a row: the violated checks, and all others about the same columns.
fn conditions(table: &Table, free: &[Free<'_>], violated: &[Check]) -> String {
    let is_free = |column: &String| free.iter().any(|free| free.column.name == *column);
    let about = |(check, _): &(Check, Option<String>)| {
        check.columns.iter().any(is_free) || violated.contains(check)
    };
    let checks = attempt::checks(table).into_iter().filter(about);
    let conditions = checks.map(|(check, domain)| attempt::holds(&check, domain.as_deref()));
    let conditions: Vec<_> = conditions.collect();
    if conditions.is_empty() {
        "true".to_owned()
    } else {
        conditions.join(" AND ")
    }
}

/// The columns of a row with the free ones replaced.
fn columns(table: &Table, free: &[Free<'_>], value: impl Fn(usize) -> String) -> String {
    let column = |column: &Column| {
        let name = quote_identifier(&column.name);
        match free.iter().position(|free| free.column.name == column.name) {
            Some(at) => format!("CAST({} AS {}) AS {name}", value(at), column.ty.base().sql),
            None => format!("t.{name}"),
        }
    };
    table
        .columns
        .iter()
        .map(column)
        .collect::<Vec<_>>()
        .join(", ")
}

fn literal_or_null(text: Option<&str>) -> String {
    text.map_or("NULL".to_owned(), quote_literal)
}

/// Each combination by itself: one that makes the server fail does not meet the checks.
async fn one_by_one(
    client: &Client,
    table: &Table,
    trial: &str,
    free: &[Free<'_>],
    conditions: &str,
) -> Result<Vec<Combination>, Error> {
    let mut found = Vec::new();
    let all: usize = free.iter().map(|free| free.texts.len()).product();
    // Evenly out of all there are.
    let step = all.div_ceil(ONE_BY_ONE).max(1);
    for number in (0..all).step_by(step) {
        let mut rest = number;
        let mut combination = Combination::new();
        for free in free {
            combination.push(free.texts[rest % free.texts.len()].clone());
            rest /= free.texts.len();
        }
        let columns = columns(table, free, |at| {
            literal_or_null(combination[at].as_deref())
        });
        let sql = format!(
            "SELECT bool_and({conditions}) FROM (SELECT {columns} FROM (SELECT * FROM {trial} LIMIT {ROWS}) t) r"
        );
        match client.query_one(&sql, &[]).await {
            Ok(row) if row.get::<_, Option<bool>>(0) == Some(true) => found.push(combination),
            Err(e) if e.as_db_error().is_none() => {
                return Err(Error::doing("while looking for values that meet a check")(
                    e,
                ));
            }
            _ => {}
        }
        if found.len() >= KEPT {
            break;
        }
    }
    found.sort_by_key(|combination| combination.iter().filter(|text| text.is_none()).count());
    Ok(found)
}

/// Puts what was found into the table's description.
fn write(
    spec: &mut TableSpec,
    free: &[Free<'_>],
    mut found: Vec<Combination>,
    checks: &[Check],
) -> BTreeMap<String, String> {
    let nulls =
        |combination: &Combination| combination.iter().filter(|text| text.is_none()).count();
    let fewest = found.iter().map(nulls).min().unwrap_or(0);
    found.retain(|combination| nulls(combination) == fewest);
    let generator = |texts: Vec<&Option<String>>| {
        let any: Vec<String> = texts.into_iter().flatten().cloned().collect();
        if any.is_empty() {
            GeneratorSpec::Null(null::Null {})
        } else {
            GeneratorSpec::Literal(literal::Literal {
                any,
                in_order: false,
            })
        }
    };
    let names = free.iter().map(|free| free.column.name.clone());
    if let [only] = free {
        let texts = found.iter().map(|combination| &combination[0]).collect();
        spec.columns
            .insert(only.column.name.clone(), generator(texts));
        spec.cases
            .iter_mut()
            .for_each(|case| drop(case.columns.remove(&only.column.name)));
    } else {
        let before = std::mem::take(&mut spec.cases);
        let case = |at: usize| {
            let known = before.get(at % before.len().max(1)).cloned();
            let mut case = known.unwrap_or(Case {
                weight: 1.0,
                columns: BTreeMap::new(),
            });
            let combination = &found[at % found.len()];
            let values = combination.iter().map(|text| generator(vec![text]));
            case.columns.extend(names.clone().zip(values));
            case
        };
        spec.cases = (0..found.len().max(before.len())).map(case).collect();
        // What cases give has a generator of its own as well.
        let first = found[0].iter().map(|text| generator(vec![text]));
        spec.columns.extend(names.clone().zip(first));
    }
    let checks: Vec<_> = checks
        .iter()
        .map(|check| format!("CHECK {}: {}", check.name, check.sql))
        .collect();
    let why = format!("found by trying: {}", checks.join("; "));
    names.map(|name| (name, why.clone())).collect()
}
